"""Text files, opened and written exactly: compression, encoding and line ends are found or refused."""

from __future__ import annotations

import codecs
import encodings.aliases
import gzip
import io
import os
import re
import stat
import string
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TextIO

from headstart.data.foreign import address, folder, foreign
from headstart.data.packed import BOMB, MOST_UNPACKED, FileState, compression_of, unpacked
from headstart.errors import DataError, MissingInputError, StorageError
from headstart.registry import did_you_mean

CHUNK_BYTES = 1 << 18
MAX_LINE = 1 << 26
"""Longest physical line in characters (64 Mi); a longer one is no row of texts and would fill the memory."""

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    # UTF-32 first: its little-endian mark begins with the one of UTF-16.
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# Python's own notations are text codecs too, and can produce lone surrogates.
_NOT_CHARSETS = {"unicode_escape", "raw_unicode_escape", "undefined", "idna", "punycode"}
_KANA, _HANGUL, _CYRILLIC, _HAN = "[\u3040-\u30ff]", "[\uac00-\ud7a3]", "[\u0430-\u044f]", "[\u4e00-\u9fff]"
_SCRIPTS = (
    ("euc_kr", _HANGUL, 0.95),
    ("cp1251", _CYRILLIC, 0.6),
    ("koi8_r", _CYRILLIC, 0.6),
    ("gb18030", _HAN, 0.6),
)


@dataclass(frozen=True)
class TextLines:
    """A text file that can be read as physical lines, as often as asked; memory does not grow with the file.

    Lines end only at "\\n" (at "\\r" in a file that has no other line end) and keep their terminator; a
    leading byte order mark is not part of the first line.

    Raises (while iterating):
        DataError: bytes that are not in `encoding`, damaged gzip, mixed line ends, a line above `MAX_LINE`, a file that has
            changed since it was opened first.
    """

    path: Path
    encoding: str
    compression: str | None = None
    line_end: str = "\n"
    named: bool = False
    """True where the user named the encoding; only the messages differ."""
    state: FileState | None = None
    """State of the file when it was looked at first; None does not look whether it stays."""

    @property
    def format(self) -> dict[str, str]:
        """What was found, for `Sheet.format`."""
        found = {"encoding": self.encoding}
        if self.compression:
            found["compression"] = self.compression
        if self.line_end == "\r":
            found["line_end"] = "CR"
        return found

    def __iter__(self) -> Iterator[str]:
        rest: list[str] = []
        size = 0
        number = 0
        for text in decoded(self):
            if self.line_end == "\r" and "\n" in text:
                raise DataError(f"{self.path}: has CR line ends and then LF; save it with one kind of line end")
            # newline="\n" splits there and nowhere else; str.splitlines would split at U+2028 and nine more.
            lines = list(io.StringIO(text, newline=self.line_end))
            tail = "" if lines[-1].endswith(self.line_end) else lines.pop()
            if lines:
                if rest:
                    lines[0] = "".join([*rest, lines[0]])
                    rest, size = [], 0
                number += len(lines)
                yield from lines
            if tail:
                rest.append(tail)
                size += len(tail)
                if size > MAX_LINE:
                    raise DataError(
                        f"{self.path}, line {number + 1}: over {MAX_LINE:,} characters without a line end; "
                        "is this a text file with one row per line?"
                    )
        if rest:
            yield "".join(rest)


def open_text(path: Path, encoding: str | None = None) -> TextLines:
    """Find out how a text file is stored, and return its lines.

    gzip is told by content; so are UTF-8, UTF-16 and UTF-32 with a byte order mark, and UTF-16 without one
    where the first line is mostly ASCII. Nothing else is guessed: it is refused with the name of the likely
    encoding. `encoding` given: used strictly.

    Raises:
        MissingInputError: there is no such file.
        DataError: empty, not a regular file, not text, damaged gzip, or not in the encoding.
    """
    require_file(path)
    compression = compression_of(path)
    with unpacked(path, compression) as (file, state):
        head = file.read(CHUNK_BYTES)
    if what := foreign(head):
        raise DataError(f"{path}: is {what}")
    chosen = _lookup(path, encoding) if encoding else _detected(head)
    lines = TextLines(path, chosen, compression, named=encoding is not None, state=state)
    chunks = decoded(lines)
    text = next(chunks, "")
    # The second step reaches the end of a small file, so that damage there is found now and not between rows.
    more = next(chunks, None)
    if not text.strip(string.whitespace) and more is None:  # a lone space of another script can be a word
        raise DataError(f"{path}: is empty; expected at least a header or a row")
    chunks.close()
    line_end = "\r" if "\r" in text and "\n" not in text else "\n"
    return replace(lines, line_end=line_end)


def require_file(path: Path, instead: str = "") -> None:
    """Check that `path` is a regular file.

    Args:
        path: that has to be there.
        instead: what is said where it is not, if more is known than its name tells.

    Raises:
        MissingInputError: there is nothing there; a similar name in the folder is suggested.
        DataError: a folder, or a pipe or device, which cannot be read twice.
        StorageError: not permitted.
    """
    try:
        mode = os.stat(path).st_mode
    except (FileNotFoundError, NotADirectoryError, ValueError):
        raise MissingInputError(instead or _missing(path)) from None
    except OSError as error:
        raise StorageError(f"{path}: cannot be read ({error.strerror})") from None
    if stat.S_ISDIR(mode):
        raise DataError(f"{path}: is {folder(path)}")
    if not stat.S_ISREG(mode):
        raise DataError(f"{path}: is a pipe or a device; expected a file, as it is read more than once: save it first")


def beginning(path: Path) -> bytes:
    """The first bytes of a file, unpacked; raises as `open_text`."""
    require_file(path)
    with unpacked(path, compression_of(path)) as (file, _):
        return file.read(1024)


def _missing(path: Path) -> str:
    if what := address(path):
        return what
    if str(path) == "-":
        return "-: standard input is not read, as files are read more than once; save it to a file and name that"
    if any(sign in path.name for sign in "*?"):
        return f"{path}: there is no such file; one file is read and no pattern: put tables together first, or name one of them"
    hub = ""
    if _HUB.fullmatch(str(path)):
        load = f"datasets.load_dataset('{path}', split='train').to_parquet('train.parquet')"
        hub = f"; a data set of the hub is saved as a file first, in Python: {load}"
    if not path.parent.is_dir():
        return f"{path}: there is no such file, because there is no folder {path.parent}{hub}"
    try:
        names = sorted(os.listdir(path.parent))
    except OSError:
        names = []
    return f"{path}: there is no such file{did_you_mean(path.name, names) or hub}"


_HUB = re.compile(r"[A-Za-z0-9][\w-]*(?:/[A-Za-z0-9][\w-]*)?")
"""Names that data sets of the hub have."""


def _detected(head: bytes) -> str:
    for bom, name in _BOMS:
        if head.startswith(bom):
            return name
    first_line = head.partition(b"\n")[0]
    # A first line in UTF-8 (header or JSON) holds no NUL, so a text with NULs further down is never misread.
    even, odd = first_line[::2].count(0), first_line[1::2].count(0)
    if min(even, odd) == 0 and max(even, odd) * 5 >= max(1, len(first_line)):
        return "utf-16-le" if odd else "utf-16-be"
    return "utf-8"


def _lookup(path: Path, encoding: str) -> str:
    try:
        found = codecs.lookup(encoding)
    except (LookupError, ValueError):
        known = sorted(
            {*encodings.aliases.aliases, *encodings.aliases.aliases.values(), "latin-1", "utf-8", "shift-jis"}
        )
        hint = did_you_mean(encoding, known)
        raise DataError(
            f"{path}: there is no encoding '{encoding}'{hint}; common ones: utf-8, utf-16, cp1252, shift_jis"
        ) from None
    if not getattr(found, "_is_text_encoding", True) or found.name.replace("-", "_") in _NOT_CHARSETS:
        raise DataError(
            f"{path}: '{encoding}' is not an encoding of texts; common ones: utf-8, utf-16, cp1252, shift_jis"
        )
    return found.name


def decoded(lines: TextLines) -> Generator[str, None, None]:
    """The text of a file in blocks, raises as `TextLines` does."""
    path, encoding = lines.path, lines.encoding
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    offset = 0
    ends = 0
    begun = False
    before = b""
    with unpacked(path, lines.compression, lines.state) as (file, state):
        while True:
            data = file.read(CHUNK_BYTES)
            if offset > max(MOST_UNPACKED, BOMB * state.size):
                raise DataError(
                    f"{path}: unpacks to over {BOMB} times its size, as no table of texts does; unpack it yourself if it is one"
                )
            pending = len(decoder.getstate()[0])
            try:
                text = decoder.decode(data, not data)
            except UnicodeDecodeError as error:
                place = offset - pending + error.start
                line = ends + error.object[: error.start].decode(encoding, "ignore").count("\n") + 1
                found = f"{path}: byte 0x{error.object[error.start]:02x} at offset {place} (line {line})"
                advice = _advice(encoding, before + error.object, named=lines.named)
                raise DataError(f"{found} is not {encoding}{advice}") from None
            except UnicodeError as error:
                raise DataError(f"{path}: is not {encoding} ({error})") from None
            if text and not begun:
                text, begun = text.removeprefix("\ufeff"), True
            before = data
            offset += len(data)
            ends += text.count("\n")
            if text:
                yield text
            if not data:
                return


def _advice(encoding: str, sample: bytes, *, named: bool) -> str:
    if named:
        return ", the encoding that was named; name another, or leave --encoding away"
    if encoding.startswith(("utf-16", "utf-32")):
        return ", which its first bytes announce; it is damaged or cut off: save it again as UTF-8"
    guess = _guess(sample)
    if guess is None:
        return "; the rest is UTF-8, so the file is damaged or cut off there: repair that line"
    language = {"cp1252": " (Windows, Western European)", "latin-1": " (ISO 8859-1)"}.get(guess, "")
    return f"; it looks like {guess}{language}: pass --encoding {guess}, or save the file as UTF-8"


def _guess(sample: bytes) -> str | None:
    """The likely encoding of bytes that are not UTF-8; None where they are UTF-8 but for a few bytes."""
    lenient = sample.decode("utf-8", "replace")
    damaged = lenient.count("\ufffd")
    if len(re.findall(r"[^\x00-\x7f\ufffd]", lenient)) > 3 * damaged:
        return None
    runs = re.findall(rb"[\x80-\xff]+", sample)
    western = "cp1252" if _share(sample, "cp1252", ".") else "latin-1"
    for name in ("shift_jis", "euc_jp"):
        if _share(sample, name, _KANA) >= 0.3:
            return name
    # Western letters with accents stand alone among ASCII letters; in other scripts high bytes come in runs.
    if sum(len(run) == 1 for run in runs) * 2 >= len(runs):
        return western
    # Chinese shares the bytes of Hangul, but not all of its characters fall on Hangul.
    for name, script, least in _SCRIPTS:
        if _share(sample, name, script) >= least:
            return name
    return western


def _share(sample: bytes, encoding: str, script: str) -> float:
    try:
        text = codecs.getincrementaldecoder(encoding)("strict").decode(sample)
    except UnicodeError:
        return 0.0
    foreign = re.sub(r"[\x00-\x7f]+", "", text)
    return len(re.findall(script, foreign)) / max(1, len(foreign))


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary name beside `path`; when the block ends well the file takes its place, else it is removed.

    A link of that name is replaced itself and never followed.

    Raises:
        MissingInputError: the folder is not there.
        StorageError: the disk refuses.
        DataError: a text holds a character that cannot be written.
    """
    target = Path(os.path.realpath(path.parent)) / path.name
    if not target.parent.is_dir():
        raise MissingInputError(f"{path}: there is no folder {target.parent}; create it first")
    if target.is_dir():
        raise StorageError(f"{path}: is a folder; expected the name of a file")
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        yield part
        os.replace(part, target)
    except UnicodeEncodeError as error:
        raise DataError(_unencodable(path, error)) from None
    except OSError as error:
        raise StorageError(f"{path}: cannot be written ({error.strerror or error})") from None
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def _unencodable(path: Path, error: UnicodeEncodeError) -> str:
    code = ord(error.object[error.start])
    around = error.object[max(0, error.start - 20) : error.start + 20]
    what = "half of a surrogate pair, not a character" if 0xD800 <= code <= 0xDFFF else f"not in {error.encoding}"
    return f"{path}: cannot write U+{code:04X} in {around!r}: it is {what}"


@contextmanager
def writing(path: Path, encoding: str | None = None) -> Iterator[TextIO]:
    """Open `path` for writing text as it is: UTF-8 unless named, no translation of line ends, gzip for `.gz`.

    The file appears under its name only when the block ends well. Raises as `replacing` does.
    """
    chosen = _lookup(path, encoding) if encoding else "utf-8"
    with replacing(path) as part, open(part, "wb") as raw:
        if path.suffix.lower() == ".gz":
            # Without a name and a time inside, the same rows give the same bytes.
            with (
                gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0, compresslevel=6) as packed,
                io.TextIOWrapper(packed, chosen, newline="") as file,  # type: ignore[arg-type]
            ):
                yield file
        else:
            with io.TextIOWrapper(raw, chosen, newline="") as file:
                yield file
                file.flush()
                os.fsync(raw.fileno())


def complete_rows(
    path: Path, columns: Sequence[str], rows: Iterable[Sequence[str | None]]
) -> Iterator[Sequence[str | None]]:
    """Pass on rows that fit the columns.

    Raises:
        DataError: a column name appears twice, or a row has another number of values than there are columns.
    """
    if len(set(columns)) != len(columns) or not columns:
        raise DataError(f"{path}: cannot write the columns {', '.join(columns) or '(none)'}: each needs its own name")
    for number, row in enumerate(rows, start=1):
        if len(row) != len(columns):
            names = ", ".join(columns)
            raise DataError(f"{path}: row {number} has {len(row)} values for {len(columns)} columns ({names})")
        yield row
