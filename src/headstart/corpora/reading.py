"""Plain text as it streams by: blocks of whole lines, and documents in pieces of them."""

from __future__ import annotations

import gzip
import io
import re
import zlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from headstart.corpora.source import Rule
from headstart.data import files
from headstart.data.files import TextLines, open_text
from headstart.errors import DataError

MOST_LINE = 16_000_000
"""Longest line in characters; a longer one is no text that people wrote, and would fill the memory."""
MOST_CONTROLS = 0.02
"""Share of control characters at the beginning of a file beyond which it is no text."""
HEAD_BYTES = files.CHUNK_BYTES + 1
_FOREIGN = (
    (b"PK\x03\x04", "a zip archive, or a Word, Excel or EPUB file", "unpack it, or save it as plain text"),
    (b"%PDF", "a PDF file", "extract its text first, for example with pdftotext"),
    (b"\x89PNG", "a PNG image", "leave it out"),
    (b"\xff\xd8\xff", "a JPEG image", "leave it out"),
    (b"GIF8", "a GIF image", "leave it out"),
    (b"{\\rtf", "a rich text file", "save it as plain text"),
    (b"\xd0\xcf\x11\xe0", "an old Word or Excel file", "save it as plain text"),
    (b"PAR1", "a Parquet file", "name it .parquet"),
    (b"ARROW1", "an Arrow file", "save it as Parquet"),
    (b"SQLite format 3", "an SQLite database", "export its texts"),
    (b"\x7fELF", "a program", "leave it out"),
)
_controls = re.compile("[\x00-\x08\x0e-\x1f\x7f]")


def opened(path: Path, encoding: str | None) -> TextLines | None:
    """Find out how a plain text file is stored; None where there is nothing but white space in it.

    Raises:
        DataError: it is binary, damaged gzip, or not in the encoding; the message says where and what to do.
        StorageError: it may not be read.
    """
    head = _head(path)
    for magic, what, remedy in _FOREIGN:
        if head.startswith(magic):
            raise DataError(f"{path}: is {what}, expected plain text; {remedy}")
    # gzip that is cut short gives no head either, and that has to be said.
    blank = len(head) < HEAD_BYTES and not head.removeprefix(b"\xef\xbb\xbf").strip()
    if blank and _is_whole(path):
        return None
    try:
        return open_text(path, encoding)
    except DataError:
        if encoding is None and b"\0" in head:
            raise DataError(_binary(path, "NUL bytes")) from None
        raise


def _head(path: Path) -> bytes:
    with suppress(OSError, EOFError, zlib.error):
        with open(path, "rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
        with gzip.open(path) if packed else open(path, "rb") as file:
            return file.read(HEAD_BYTES)
    return b""


def _is_whole(path: Path) -> bool:
    """Whether a short file is no damaged gzip."""
    try:
        with open(path, "rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
        if packed:
            with gzip.open(path) as file:
                file.read(HEAD_BYTES)
    except (OSError, EOFError, zlib.error):
        return False
    return True


def _binary(path: Path | str, found: str) -> str:
    return f"{path}: holds {found}, so it is binary and no text; leave it out, or extract its text first"


def blocks(lines: TextLines) -> Iterator[str]:
    """The text of a file in blocks of whole lines; memory does not grow with the file.

    Line ends are "\\n" whatever they were in the file ("\\r\\n", or "\\r" in a file that has no other); nothing else
    is changed. Only the last block may lack one.

    Raises:
        DataError: bytes that are not in the encoding, damaged gzip, a line above `MOST_LINE`, NUL characters.
    """
    held: list[str] = []
    size, number, begun, carried = 0, 1, False, ""
    for chunk in files.decoded(lines):
        if not begun and len(_controls.findall(chunk)) > MOST_CONTROLS * len(chunk):
            raise DataError(_binary(lines.path, "mostly control characters"))
        if "\0" in chunk:
            at = number + chunk[: chunk.index("\0")].count("\n")
            raise DataError(_binary(f"{lines.path}, line {at}", "a NUL character"))
        begun = True
        text = carried + chunk
        carried = "\r" if text.endswith("\r") else ""  # its "\n" may follow
        text = _with_newlines(text.removesuffix("\r") if carried else text, lines.line_end)
        end = text.rfind("\n") + 1
        if size + (text.find("\n") if end else len(text)) > MOST_LINE:
            raise DataError(
                f"{lines.path}, line {number}: over {MOST_LINE:,} characters without a line end; break the line, for "
                "example with fold -s, or leave the file out"
            )
        if end:
            yield "".join([*held, text[:end]])
            number += text.count("\n")
            held, size = [], 0
        if end < len(text):
            held.append(text[end:])
            size += len(text) - end
    if held or carried:
        yield "".join(held) + ("\n" if carried and lines.line_end == "\r" else carried)


def _with_newlines(text: str, line_end: str) -> str:
    if "\r" not in text:
        return text
    text = text.replace("\r\n", "\n")
    return text.replace("\r", "\n") if line_end == "\r" else text


def pieces(stream: Iterable[str], rule: Rule) -> Iterator[tuple[str, bool]]:
    """Documents in pieces of whole lines, from blocks of whole lines.

    Args:
        stream: what `blocks` gives.
        rule: `file`, `paragraph` or `line`. Blank lines belong to no paragraph and are no lines of their own; a whole
            file keeps them.

    Yields:
        Text, and whether it is the last piece of its document; that one may be empty.
    """
    if rule == "file":
        for block in stream:
            yield block, False
        yield "", True
        return
    inside = False
    for block in stream:
        held: list[str] = []
        # newline="\n" splits there and nowhere else.
        for line in io.StringIO(block, newline="\n"):
            if line.isspace():
                if inside:
                    yield "".join(held), True
                held, inside = [], False
            elif rule == "line":
                yield line, True
            else:
                held.append(line)
                inside = True
        if held:
            yield "".join(held), False
    if inside:
        yield "", True
