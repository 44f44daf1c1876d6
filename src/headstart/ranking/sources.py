"""Documents of files, folders and tables, one after the other, and the passages that they are cut into."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from headstart.corpora.listing import TEXT_ENDINGS, Place, listed
from headstart.corpora.reading import blocks, opened
from headstart.corpora.source import HUB
from headstart.data.graphemes import is_blank
from headstart.data.table import column_named, refuse_mostly_dropped
from headstart.errors import DataError
from headstart.ranking.chunking import Places, chunked, word_places
from headstart.ranking.passages import Passage
from headstart.readers.opening import open_sheet
from headstart.registry import did_you_mean
from headstart.runtime.progress import SILENT, Progress
from headstart.types import Dropped

ENDINGS = (*TEXT_ENDINGS, ".md", ".markdown")
"""Endings of plain text that a folder is searched for; a file that is named may have any but those of `CONVERTED`."""
CONVERTED = {
    ".pdf": "pdftotext", ".html": "pandoc -t plain", ".htm": "pandoc -t plain", ".docx": "pandoc -t plain",
    ".odt": "pandoc -t plain", ".epub": "pandoc -t plain", ".rtf": "pandoc -t plain", ".doc": "libreoffice --convert-to txt",
    ".pptx": "libreoffice --convert-to pdf, then pdftotext", ".xlsx": "libreoffice --convert-to csv",
}  # fmt: skip
"""Endings of what has to be made plain text first, and what does that."""
TEXT_COLUMNS = ("text", "passage", "content", "document", "context", "body")
ID_COLUMNS = ("id", "_id", "passage_id", "document_id", "doc_id", "docid", "pid")
TITLE_COLUMNS = ("title",)
FAULTS = 10
"""Files that are named at once where they cannot be read."""


class Document(NamedTuple):
    """A text that is cut into passages."""

    name: str
    """The path of its file, or the id of its row."""
    title: str
    file: str
    line: int
    """Line of the file on which it begins, from 1."""
    parts: Iterable[str]
    """Its text in parts of whole lines, to be gone through once; line ends are "\\n"."""


@dataclass
class Gathered:
    """What came of the documents so far."""

    files: int = 0
    documents: int = 0
    passages: int = 0
    dropped: list[Dropped] = field(default_factory=list)
    """Rows and files without text, or that cannot be used: documents = those used + these."""


@dataclass(frozen=True)
class PassageColumns:
    """Which columns of tables hold what; None takes a usual name."""

    text: str | None = None
    id: str | None = None
    title: str | None = None


def passages_in(
    sources: Sequence[str],
    *,
    most: int,
    overlap: int = 0,
    places: Places = word_places,
    columns: PassageColumns = PassageColumns(),
    encoding: str | None = None,
    tally: Gathered | None = None,
    progress: Progress = SILENT,
) -> Iterator[Passage]:
    """The passages of all documents, as they stream by.

    Args:
        sources: files, folders, globs; see `documents`.
        most: longest passage in units, at least 1.
        overlap: units repeated from the passage before, in [0, most).
        places: where units begin in a text; words by default.
        columns: of tables.
        encoding: of the files, as of `TextSource`.
        tally: is kept up to date.
        progress: told what is left out of folders.

    Raises:
        DataError, MissingInputError, StorageError: a file that is not there, is no text, or has no column of text; up to
            `FAULTS` files are named at once.
    """
    tally = tally if tally is not None else Gathered()
    before = tally.files
    try:
        yield from _passages(
            sources, most=most, overlap=overlap, places=places, columns=columns, encoding=encoding, tally=tally,
            progress=progress,
        )  # fmt: skip
    except DataError as error:
        more = _further_faults(sources, tally.files - before, columns, encoding) if tally.files > before else []
        raise DataError("\n".join([str(error), *more])) from None


def _further_faults(sources: Sequence[str], begun: int, columns: PassageColumns, encoding: str | None) -> list[str]:
    """What is wrong with the files behind the first so many."""
    found: list[str] = []
    for place in islice(listed(sources, SILENT, endings=ENDINGS), begun, None):
        try:
            for document in _of_file(place, columns, encoding, Gathered()):
                for _ in document.parts:
                    pass
        except DataError as error:
            found.append(str(error))
        if len(found) == FAULTS - 1:
            break
    return found


def _passages(
    sources: Sequence[str], *, most: int, overlap: int, places: Places, columns: PassageColumns, encoding: str | None,
    tally: Gathered, progress: Progress,
) -> Iterator[Passage]:  # fmt: skip
    """The passages of all documents, see `passages_in`."""
    for document in documents(sources, columns=columns, encoding=encoding, tally=tally, progress=progress):
        found = chunked(document.parts, most=most, overlap=overlap, places=places)
        first, second = next(found, None), next(found, None)
        if first is None:
            tally.dropped.append(Dropped(document.file, document.line, "has no text"))
            continue
        tally.documents += 1
        is_row = document.name != document.file
        number = 0
        for chunk in (each for group in ((first, second), found) for each in group if each is not None):
            number += 1
            name = document.name if second is None else f"{document.name}#{number}"
            line = document.line if is_row else chunk.line
            yield Passage(name, chunk.text, document.title, document.name, document.file, line, chunk.start, chunk.end)
        tally.passages += number


def documents(
    sources: Sequence[str], *, columns: PassageColumns, encoding: str | None, tally: Gathered, progress: Progress
) -> Iterator[Document]:
    """The documents of files, folders and globs, in that order: plain text files, and rows of tables.

    Raises:
        DataError: a file is no text, or one that has to be converted first; a table without a column of text.
        MissingInputError: a file that is not there, or a folder without texts.
    """
    for source in sources:
        if source.startswith(HUB):
            raise DataError(
                f"{source}: data sets of the hub cannot be searched; save one as Parquet, and name that file"
            )
        _refuse_converted(Path(source))
    for place in listed(sources, progress, endings=ENDINGS):
        tally.files += 1
        yield from _of_file(place, columns, encoding, tally)


def _of_file(place: Place, columns: PassageColumns, encoding: str | None, tally: Gathered) -> Iterator[Document]:
    """The documents of one file; raises as `documents`."""
    path = Path(place.name)
    _refuse_converted(path)
    if place.kind == "table":
        yield from _rows(path, columns, encoding, tally)
    else:
        lines = opened(path, encoding)
        yield Document(place.name, "", place.name, 1, blocks(lines) if lines else ())


def _refuse_converted(path: Path) -> None:
    tool = CONVERTED.get(path.suffix.lower())
    if tool is not None and not path.is_dir():
        raise DataError(f"{path}: is no plain text; convert it first, for example with {tool}")


def _rows(path: Path, columns: PassageColumns, encoding: str | None, tally: Gathered) -> Iterator[Document]:
    is_parquet = {".parquet", ".pq"} & {ending.lower() for ending in path.suffixes}  # always UTF-8
    sheet = open_sheet(path) if is_parquet else open_sheet(path, encoding=encoding)
    names = tuple(sheet.columns)
    at_text = _place(path, names, sheet.format, columns.text, TEXT_COLUMNS, "--text", needed=True)
    at_id = _place(path, names, sheet.format, columns.id, ID_COLUMNS, "--id", needed=False)
    at_title = _place(path, names, sheet.format, columns.title, TITLE_COLUMNS, "--title", needed=False)
    used = tally.documents
    for record in sheet.records:
        if isinstance(record, Dropped):
            tally.dropped.append(record)
            refuse_mostly_dropped(str(path), tally.dropped, tally.documents - used)
            continue
        text = record.values[at_text] if at_text is not None else None
        if not text or is_blank(text):
            tally.dropped.append(Dropped(str(path), record.line, f"has no text in column '{names[at_text or 0]}'"))
            continue
        name = (record.values[at_id] or "").strip() if at_id is not None else f"{path}:{record.line}"
        if not name:
            tally.dropped.append(Dropped(str(path), record.line, f"has no id in column '{names[at_id or 0]}'"))
            continue
        title = (record.values[at_title] or "").strip() if at_title is not None else ""
        yield Document(name, re.sub(r"\s+", " ", title), str(path), record.line, (text,))


def _place(
    path: Path,
    names: tuple[str, ...],
    format: dict[str, str],
    wanted: str | None,
    usual: Sequence[str],
    flag: str,
    *,
    needed: bool,
) -> int | None:
    listing = f"(columns: {', '.join(names)})"
    if wanted is not None:
        name = column_named(wanted, names, format)
        if name not in names:
            raise DataError(
                f"{path} has no column '{wanted}'{did_you_mean(wanted, list(names))} {listing}; choose one with {flag}"
            )
        return names.index(name)
    folded = [name.casefold() for name in names]
    for each in usual:
        if each in folded:
            return folded.index(each)
    if needed and len(names) == 1:
        return 0
    if needed:
        raise DataError(f"{path}: which column holds the text of passages? Name it with {flag} {listing}")
    return None
