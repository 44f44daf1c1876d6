"""The files of an index at one time: passages, their words, their vectors; written once, never changed."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from headstart.data.tokens import Tokens, TokenWriter
from headstart.errors import DataError, ModelError, RecipeError
from headstart.indexes.approximate import NEAR, Approximate, approximate
from headstart.indexes.settings import StatedIndex, StatedWords
from headstart.ranking.bm25 import Bm25, Bm25Settings, read_words
from headstart.ranking.exact import MOST_EXACT, ExactSearch
from headstart.ranking.mapped import mapped, written
from headstart.ranking.passages import Passage, Passages, PassageWriter, opened
from headstart.runtime.contained import contained, differs, digest_of
from headstart.runtime.durable import MANIFEST as SEAL
from headstart.runtime.progress import SILENT, Progress

if TYPE_CHECKING:
    from headstart.indexes.encoder import Encoder

PASSAGES, FIRST, VECTORS = "passages.arrow", "first.safetensors", "vectors.safetensors"
"""Files: passages; the first row with the same text for each; vectors of those that are ranked."""
BLOCK_ROWS = 4_096
"""Passages that are read at a time: enough to find batches of like length among them."""
CHECKED_BYTES = 64 << 20
"""Size up to which a file is checked in full when an index is opened, to see whether it is the one that was written."""


@dataclass
class Generation:
    """What an index holds at one time, mapped from its files.

    Args:
        folder: of the files.
        said: the manifest.
    """

    folder: Path
    said: StatedIndex

    def __post_init__(self) -> None:
        for name, size in self.said.sizes.items():
            found = os.stat(contained(self.folder, name)).st_size
            if found != size:
                raise ModelError(
                    f"{self.folder / name} is damaged: it has {found:,} bytes and was written with {size:,}"
                )
            if size <= CHECKED_BYTES and digest_of(self.folder, name) != self.said.files.get(name):
                raise differs(self.folder / name)
        first = mapped(self.folder, FIRST, {"first": ("I64", 1)})["first"]
        try:
            self.passages = Passages(opened(contained(self.folder, PASSAGES)), first)
            is_so = len(self.passages) == len(first) == self.said.passages
            fits = is_so and tuple(self.passages.table.column_names) == Passage._fields
        except (OSError, ValueError, LookupError) as error:
            raise ModelError(f"{self.folder / PASSAGES} is damaged: {str(error)[:200]}") from None
        if not fits:
            raise ModelError(f"{self.folder / PASSAGES} is damaged: it is not that of {self.said.passages:,} passages")

    @cached_property
    def ranked(self) -> np.ndarray:
        """Rows of passages that are ranked, ascending; places in it are what words and vectors are numbered by."""
        return self.passages.distinct

    @cached_property
    def bm25(self) -> Bm25:
        """Words of the passages that are ranked.

        Raises:
            ModelError: files are damaged.
            UnavailableError: a package is not installed.
        """
        if self.said.words is None:
            raise ModelError(
                f"{self.folder.parents[1]} has no words, for it was made with --retriever {self.said.retriever}"
            )
        try:
            found = Bm25.load(self.folder, settings_of(self.said.words))
        except RecipeError as error:
            raise ModelError(f"{self.folder.parents[1]} is damaged: {error.problems[0]}") from None
        if len(found) != len(self.ranked):
            raise ModelError(
                f"{self.folder} is damaged: it has words of {len(found):,} passages, {len(self.ranked):,} are ranked"
            )
        return found

    @cached_property
    def vectors(self) -> np.ndarray:
        """Vectors of the passages that are ranked, float32, shape (ranked, width), mapped.

        Raises:
            ModelError: files are damaged, or of another width than the manifest says.
        """
        if self.said.network is None:
            raise ModelError(
                f"{self.folder.parents[1]} has no vectors, for it was made with --retriever {self.said.retriever}"
            )
        found = mapped(self.folder, VECTORS, {"vectors": ("F32", 2)})["vectors"]
        expected = (len(self.ranked), self.said.network.width)
        if found.shape != expected:
            raise ModelError(f"{self.folder / VECTORS} is damaged: it holds {found.shape} numbers, expected {expected}")
        return found

    @cached_property
    def exact(self) -> ExactSearch:
        """What searches the vectors one by one; raises as they do."""
        return ExactSearch(self.vectors)

    @cached_property
    def approximate(self) -> Approximate | None:
        """The graph of neighbours of many vectors; None where an exact search is as fast.

        Raises:
            UnavailableError: the package is not installed.
        """
        return Approximate.load(self.folder, self.vectors) if NEAR in self.said.files else None

    def verify(self) -> None:
        """Read all files, to see whether they are those that were written.

        Raises:
            ModelError: one is not.
        """
        for name, digest in self.said.files.items():
            if digest_of(self.folder, name) != digest:
                raise differs(self.folder / name)


def settings_of(said: StatedWords) -> Bm25Settings:
    """How words are found and weighed."""
    return Bm25Settings(said.language, said.k1, said.b)


@dataclass(frozen=True)
class WrittenIndex:
    """What came of writing a generation."""

    passages: int
    ranked: int
    documents: int
    cut: int
    """Passages that the network did not read to their end."""


def write_generation(
    folder: Path,
    new: Iterable[Passage],
    *,
    words: Bm25Settings | None,
    encoder: Encoder | None,
    before: Generation | None = None,
    kept: Callable[[set[str]], np.ndarray] | None = None,
    progress: Progress = SILENT,
) -> WrittenIndex:
    """Write the files of a generation; memory does not grow with vectors and texts.

    Args:
        folder: empty.
        new: passages that come behind those that are kept.
        words: how words are found; None for none.
        encoder: what makes vectors; None for none.
        before: the generation that is changed.
        kept: rows of it that stay, ascending, once the documents of the new passages are known.
        progress: told how far it is.

    Raises:
        DataError: an id stands there twice, or there is nothing to search for.
        OSError: the disk refuses.
    """
    old, rows, passages = _passages(folder, new, before, kept, progress)
    if not len(passages):
        raise DataError("no passage is left to search for; expected at least one")
    ranked = passages.distinct
    held = int(np.searchsorted(ranked, len(rows)))
    origin = old[ranked[:held]]  # places among the ranked of the earlier generation
    from safetensors.numpy import save_file

    save_file({"first": passages.first}, folder / FIRST)
    cut = 0
    if words is not None:
        _words(folder, passages, ranked[held:], origin, before, words, progress)
    if encoder is not None:
        cut = _vectors(folder, passages, ranked[held:], origin, before, encoder, progress)
        if len(ranked) > MOST_EXACT:
            is_longer = len(origin) > 0 and before is not None and np.array_equal(origin, np.arange(len(before.ranked)))
            approximate(
                mapped(folder, VECTORS, {"vectors": ("F32", 2)})["vectors"],
                folder,
                before=before.approximate if before is not None and is_longer else None,
                progress=progress,
            )
    documents = len(passages.table.column("document").unique())
    return WrittenIndex(len(passages), len(ranked), documents, cut)


def _passages(
    folder: Path,
    new: Iterable[Passage],
    before: Generation | None,
    kept: Callable[[set[str]], np.ndarray] | None,
    progress: Progress,
) -> tuple[np.ndarray, np.ndarray, Passages]:
    """Places among the ranked of an earlier generation by row, the rows of it that are kept, and all passages."""
    progress.begin("reading", 0)
    none = np.empty(0, np.int64)
    if before is None or kept is None:
        return none, none, _gathered(new, PassageWriter(folder / PASSAGES), progress)
    added = _gathered(new, PassageWriter(), progress)
    rows = kept({str(name) for name in added.table.column("document").unique().to_pylist()})
    old = np.searchsorted(before.ranked, before.passages.first[rows])
    both = chain(_each(before.passages, rows), _each(added, np.arange(len(added))))
    return old, rows, _gathered(both, PassageWriter(folder / PASSAGES), progress)


def _gathered(new: Iterable[Passage], writer: PassageWriter, progress: Progress) -> Passages:
    try:
        for passage in new:
            writer.add(passage)
        return writer.passages()
    finally:
        writer.discard()
        progress.end()


def _each(passages: Passages, rows: np.ndarray) -> Iterator[Passage]:
    for start in range(0, len(rows), BLOCK_ROWS):
        some = rows[start : start + BLOCK_ROWS]
        columns = [list(passages.column(name).take(some)) for name in Passage._fields]
        yield from map(Passage._make, zip(*columns, strict=True))


def _texts(passages: Passages, rows: np.ndarray) -> Iterator[str]:
    for start in range(0, len(rows), BLOCK_ROWS):
        yield from passages.read(rows[start : start + BLOCK_ROWS])


def _words(
    folder: Path,
    passages: Passages,
    rows: np.ndarray,
    origin: np.ndarray,
    before: Generation | None,
    settings: Bm25Settings,
    progress: Progress,
) -> None:
    progress.begin("words", len(rows))
    earlier = before.bm25 if before is not None and len(origin) else None
    vocabulary, tokens = read_words(
        _texts(passages, rows), settings.language, vocabulary=earlier.vocabulary if earlier is not None else ()
    )
    if earlier is not None:
        tokens = _joined(earlier.tokens.take(origin), tokens)
    Bm25(vocabulary, tokens, settings).save(folder)
    progress.end()


def _joined(first: Tokens, second: Tokens) -> Tokens:
    writer = TokenWriter()
    for each in (first, second):
        writer.add(each.flat, each.lengths, each.lost)
    return writer.tokens()


def _vectors(
    folder: Path,
    passages: Passages,
    rows: np.ndarray,
    origin: np.ndarray,
    before: Generation | None,
    encoder: Encoder,
    progress: Progress,
) -> int:
    cut = 0
    progress.begin("vectors", len(rows))
    with written(folder / VECTORS, "vectors", (len(origin) + len(rows), encoder.width)) as write:
        for start in range(0, len(origin) if before is not None else 0, BLOCK_ROWS):
            write(before.vectors[origin[start : start + BLOCK_ROWS]])  # type: ignore[union-attr]
        for start in range(0, len(rows), BLOCK_ROWS):
            vectors, lost = encoder.passages(passages.read(rows[start : start + BLOCK_ROWS]), progress=progress)
            write(vectors)
            cut += int((lost > 0).sum())
    progress.end()
    return cut


def sealed_files(folder: Path) -> tuple[dict[str, str], dict[str, int]]:
    """Digests and sizes of a generation's files, as the seal of its folder has them."""
    from headstart.runtime.durable import read_json

    named = read_json(folder / SEAL)["files"]
    return (
        {name: each["sha256"] for name, each in named.items()},
        {name: each["size"] for name, each in named.items()},
    )
