"""Documents as a stream of short texts, without copies and without sentences of evaluation sets."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from headstart.corpora.reading import blocks, opened, pieces
from headstart.corpora.removal import Removal
from headstart.corpora.rows import opened_rows
from headstart.corpora.survey import Survey, TextFile
from headstart.errors import DataError

MOST_CHARACTERS = 4_096
"""Characters that a segment has at most."""


class Segment(NamedTuple):
    """Part of a document; joined, the segments of a document are its text."""

    document: int
    """Its number among those that are used, from 0."""
    text: str
    """Whole lines with their line ends, at most `MOST_CHARACTERS`; a longer line is cut before white space."""
    last: bool
    """Whether the document ends here."""


@dataclass
class DocumentCounts:
    """What `segments` has given and left out so far."""

    documents: int = 0
    characters: int = 0
    sentences_removed: int = 0
    emptied: int = 0
    """Documents of which removal left nothing."""


def segments(
    survey: Survey, *, remove: Removal | None = None, tally: DocumentCounts | None = None
) -> Iterator[Segment]:
    """All documents but copies, in the order of the files; memory does not grow with them.

    Args:
        survey: of the texts; they must not have changed since.
        remove: sentences to take out.
        tally: is kept up to date.

    Raises:
        DataError: a file has changed since the survey.
    """
    tally = tally or DocumentCounts()
    left_out = np.union1d(survey.exact, survey.near)
    number = 0
    for file in survey.files:
        for text, last in _cut(
            _kept(file, survey, left_out[np.searchsorted(left_out, number) :] - number), remove, tally
        ):
            yield Segment(tally.documents, text, last)
            tally.characters += len(text)
            tally.documents += last
        number += file.documents


def _kept(file: TextFile, survey: Survey, left_out: np.ndarray) -> Iterator[tuple[str, bool]]:
    """Pieces of the documents of a file, but those whose numbers within it are given, ascending."""
    numbers = iter(left_out.tolist())
    skipped = next(numbers, -1)
    number = 0
    for text, ends in _pieces(file, survey):
        if number != skipped:
            yield text, ends
        if ends:
            if number == skipped:
                skipped = next(numbers, -1)
            number += 1
    if number != file.documents:
        raise _changed(file, f"{number:,} documents, {file.documents:,} before")


def _pieces(file: TextFile, survey: Survey) -> Iterator[tuple[str, bool]]:
    if file.kind != "text":
        return ((text, True) for text in opened_rows(file.name, survey.source, hub=file.kind == "hub"))
    lines = opened(Path(file.name), survey.source.encoding)
    return pieces(_measured(blocks(lines) if lines else (), file), file.rule)


def _measured(stream: Iterable[str], file: TextFile) -> Iterator[str]:
    characters, text = 0, hashlib.sha256()
    for block in stream:
        characters += len(block)
        text.update(block.encode("utf-8", "surrogatepass"))
        yield block
    if characters != file.characters:
        raise _changed(file, f"{characters:,} characters, {file.characters:,} before")
    if text.hexdigest() != file.digest:
        raise _changed(file, "other characters, as many as before")


def _changed(file: TextFile, how: str) -> DataError:
    return DataError(f"{file.name}: has changed while it was in use ({how}); begin again")


def _cut(
    stream: Iterator[tuple[str, bool]], remove: Removal | None, tally: DocumentCounts
) -> Iterator[tuple[str, bool]]:
    """Segments of documents, and whether each is the last one of its document."""
    held, begun = "", False
    for text, ends in stream:
        if remove is not None:
            text, removed = remove.clean(text)
            tally.sentences_removed += removed
        for line in io.StringIO(text, newline="\n"):
            if held and len(held) + len(line) > MOST_CHARACTERS:
                yield held, False
                held, begun = "", True
            held += line
            at = 0
            while len(held) - at > MOST_CHARACTERS:
                start, at = at, _break(held, at)
                yield held[start:at], False
                begun = True
            held = held[at:]
        if ends:
            if begun or held.strip():
                yield held, True
            else:
                tally.emptied += 1
            held, begun = "", False


def _break(text: str, start: int) -> int:
    """Where a segment of a long line that begins at `start` ends: before the last white space of its second half."""
    end = start + MOST_CHARACTERS
    at = max(text.rfind(space, start + MOST_CHARACTERS // 2, end + 1) for space in " \t")
    return at if at > start else end
