"""The first pass over raw text, before anything is spent: what is there, what is wrong with it, what occurs twice."""

from __future__ import annotations

import hashlib
import json
from array import array
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from headstart.corpora.duplicates import Fingerprint, Fingerprints
from headstart.corpora.listing import Place, listed
from headstart.corpora.reading import blocks, opened, pieces
from headstart.corpora.rows import opened_rows
from headstart.corpora.source import Rule, TextSource
from headstart.data.files import TextLines
from headstart.errors import DataError
from headstart.runtime.progress import SILENT, Progress

LONG = 100
"""Median words of the parts between blank lines from which on each is a document, under `documents: auto`."""
FORMAT = 1
"""Version of the rules by which documents are made of a text; by another one the same text is another corpus."""


@dataclass(frozen=True)
class TextFile:
    """One file, or data set of the hub, as the survey found it."""

    name: str
    """The path, or `hub:ID:SPLIT`."""
    kind: Literal["text", "table", "hub"]
    rule: Rule
    """What a document is in it."""
    column: str | None
    """Column with the text; None in plain text."""
    bytes: int
    """On the disk; of a hub data set, of its texts in UTF-8."""
    characters: int
    lines: int
    """Lines of plain text; rows with text of tables."""
    words: int
    documents: int
    """All of them, copies included."""
    dropped: int
    """Rows of a table that cannot be used or have no text."""
    digest: str
    """SHA-256 of the text in UTF-8, in hexadecimal; the same packed and unpacked."""


@dataclass(frozen=True, eq=False)
class Survey:
    """What the first pass found."""

    source: TextSource
    files: tuple[TextFile, ...]
    """In order, without copies of files."""
    duplicate_files: tuple[tuple[str, str], ...]
    """Files that are left out, each with the one that it is a copy of."""
    exact: np.ndarray
    """Numbers of the documents, counted through all files, whose words stood before; int64, ascending."""
    near: np.ndarray
    """Numbers of those that are nearly like an earlier one; int64, ascending, none of them in `exact`."""

    @property
    def digest(self) -> str:
        """SHA-256 of the text and of how it is parted into documents, in hexadecimal; names of files have no part in it."""
        options = [self.source.near_duplicates, FORMAT]
        about = [options, *([file.rule, file.digest] for file in self.files)]
        return hashlib.sha256(json.dumps(about).encode()).hexdigest()

    @property
    def characters(self) -> int:
        """Characters of all files, copies of documents included."""
        return sum(file.characters for file in self.files)

    @property
    def documents(self) -> int:
        """Documents without copies."""
        return sum(file.documents for file in self.files) - len(self.exact) - len(self.near)

    @property
    def facts(self) -> dict[str, Any]:
        """What a report says of the text."""
        return {
            "files": len(self.files),
            "bytes": sum(file.bytes for file in self.files),
            "lines": sum(file.lines for file in self.files),
            "dropped_rows": sum(file.dropped for file in self.files),
            "duplicate_files": len(self.duplicate_files),
            "exact_duplicates": len(self.exact),
            "near_duplicates": len(self.near),
        }


def survey(source: TextSource, progress: Progress = SILENT) -> Survey:
    """Read everything once, in a memory that does not grow with it but for 8 bytes per document.

    Raises:
        MissingInputError: a file or folder that is not there, a glob that fits nothing.
        DataError: texts that are empty (all are named at once), binary, not in the encoding, damaged, with a line that is
            too long, or tables whose text column is not known; the message says where.
        UnavailableError: the hub cannot be reached, or its package is not installed.
        StorageError: a file may not be read.
    """
    places = listed(source.texts, progress)
    stored = {place.name: opened(Path(place.name), source.encoding) for place in places if place.kind == "text"}
    _refuse_empty([name for name, lines in stored.items() if lines is None])
    sizes = {place.name: Path(place.name).stat().st_size for place in places if place.kind != "hub"}
    with closing(Fingerprints(near=source.near_duplicates is not None)) as prints:
        files, copies = _files(places, stored, sizes, source, prints, progress)
        exact = prints.repeated()
        least = source.near_duplicates
        near = np.zeros(0, dtype=np.int64) if least is None else prints.similar(least, leaving=exact)
    return Survey(source, files, copies, exact, near)


def _files(
    places: list[Place],
    stored: Mapping[str, TextLines | None],
    sizes: Mapping[str, int],
    source: TextSource,
    prints: Fingerprints,
    progress: Progress,
) -> tuple[tuple[TextFile, ...], tuple[tuple[str, str], ...]]:
    """Read all places: the files that are used, and those that are copies of one of them, with its name."""
    files: dict[str, TextFile] = {}
    copies: list[tuple[str, str]] = []
    empty: list[str] = []
    progress.begin("reading", sum(sizes.values()))
    for place in places:
        before = len(prints)
        lines = stored.get(place.name)
        size = sizes.get(place.name, 0)
        meter = _Meter(progress, size if lines and not lines.compression else 0)
        found = _plain(place, lines, source, prints, meter) if lines else _table(place, source, prints, meter, progress)
        progress.advance(size - meter.counted)
        if not found.documents:
            empty.append(place.name)
        elif found.digest in files:
            copies.append((place.name, files[found.digest].name))
            prints.truncate(before)
        else:
            files[found.digest] = replace(found, bytes=sizes.get(place.name, found.bytes))
    progress.end()
    _refuse_empty(empty)
    return tuple(files.values()), tuple(copies)


def _plain(place: Place, lines: TextLines, source: TextSource, prints: Fingerprints, meter: _Meter) -> TextFile:
    """Read a plain text file; its documents are added to `prints`."""
    before = len(prints)
    whole, part = Fingerprint(near=prints.near), Fingerprint(near=prints.near)
    rule: Rule = "paragraph" if source.documents == "auto" else source.documents
    lengths = array("I")
    for text, ends in pieces(meter.metered(blocks(lines)), rule):
        words = text.split()
        part.add(words)
        if source.documents == "auto":
            whole.add(words)
        if ends and part.words:
            prints.add(part)
            lengths.append(min(part.words, 2**32 - 1))
            meter.words += part.words
            part = Fingerprint(near=prints.near)
    if source.documents == "auto" and lengths and np.median(np.frombuffer(lengths, dtype=np.uintc)) < LONG:
        prints.truncate(before)
        prints.add(whole)
        rule = "file"
    return meter.file(place, rule=rule, documents=len(prints) - before)


def _table(place: Place, source: TextSource, prints: Fingerprints, meter: _Meter, progress: Progress) -> TextFile:
    """Read a table or a data set of the hub; its rows with text are added to `prints`."""
    before = len(prints)
    rows = opened_rows(place.name, source, hub=place.kind == "hub")
    for text in rows:
        meter.take(text)
        meter.lines += 1
        row = Fingerprint(near=prints.near)
        row.add(text.split())
        prints.add(row)
        meter.words += row.words
    if rows.first is not None:
        first = f"line {rows.first.line}: {rows.first.reason}"
        progress.say("texts", f"{place.name}: {rows.dropped:,} rows are left out; the first, {first}", warning=True)
    found = meter.file(place, rule="row", documents=len(prints) - before)
    return replace(found, column=rows.column, dropped=rows.dropped)


class _Meter:
    """Counts and hashes text as it passes.

    Args:
        progress: advanced by the bytes.
        most: most bytes that count for it.
    """

    def __init__(self, progress: Progress, most: int) -> None:
        self.bytes = self.characters = self.lines = self.words = self.counted = 0
        self._progress, self._most = progress, most
        self._hash = hashlib.sha256()

    def metered(self, stream: Iterable[str]) -> Iterator[str]:
        for block in stream:
            self._count(block)
            self.lines += block.count("\n") + (not block.endswith("\n"))
            yield block

    def take(self, text: str) -> None:
        """One row; where it ends is part of the hash."""
        self._count(text)
        self._hash.update(b"\0")

    def _count(self, text: str) -> None:
        data = text.encode("utf-8", "surrogatepass")
        self._hash.update(data)
        self.bytes += len(data)
        self.characters += len(text)
        if self._most:
            units = min(len(data), self._most - self.counted)
            self.counted += units
            self._progress.advance(units)

    def file(self, place: Place, *, rule: Rule, documents: int) -> TextFile:
        return TextFile(
            place.name, place.kind, rule, None, self.bytes, self.characters, self.lines, self.words, documents, 0,
            self._hash.hexdigest(),
        )  # fmt: skip


def _refuse_empty(names: list[str]) -> None:
    if len(names) == 1:
        raise DataError(f"{names[0]}: holds no text; leave it out")
    if names:
        raise DataError(f"{len(names):,} of the texts hold no text; leave them out: {', '.join(names)}")
