"""An index: a folder of passages that is searched by words, by vectors or by both, and changed while others read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from headstart.data.graphemes import is_blank
from headstart.data.outputs import Ranked
from headstart.errors import DataError, ModelError, quoted
from headstart.indexes.encoder import Encoder
from headstart.indexes.generation import Generation, WrittenIndex, settings_of, write_generation
from headstart.indexes.publishing import leave_nothing, opened, published, refuse_taken
from headstart.indexes.settings import Fusion, Retriever, StatedChunks, StatedIndex, StatedWords, read_index
from headstart.ranking.bm25 import Bm25Settings
from headstart.ranking.fusion import DENSE_WEIGHT, ranked, reciprocal_ranks, weighted_sum
from headstart.ranking.passages import Passage, Passages
from headstart.runtime.device import Device
from headstart.runtime.durable import Lock
from headstart.runtime.precision import Precision
from headstart.runtime.progress import SILENT, Progress

LEAST_CANDIDATES = 100
"""Passages of each ranking that are made one of at least; ten times as many as are asked for otherwise."""
MOST_NAMED = 5
"""Names that a message lists."""


class Hit(NamedTuple):
    """A passage that was found."""

    passage: Passage
    score: float
    """By which hits are ordered: of BM25, a cosine, or what both came to; comparable within one query only."""
    bm25: float | None
    """Score by words; None where the passage is not among the best by them, or the index has none."""
    dense: float | None
    """Cosine of the vectors of query and passage, in [-1, 1]; None likewise."""
    copies: tuple[str, ...]
    """Ids of other passages with the same title and text."""
    matches: tuple[tuple[int, int], ...] = ()
    """Places in the text of the passage of words of the query that count: first character, and the one behind the last."""

    def plain(self) -> dict[str, Any]:
        """The mapping that `search --json` prints."""
        passage = self.passage._asdict()
        scores = {"score": self.score, "bm25": self.bm25, "dense": self.dense}
        return scores | passage | {"copies": list(self.copies), "matches": [list(each) for each in self.matches]}


class Changed(NamedTuple):
    """What a change of an index came to."""

    documents: int
    """Documents that came in."""
    replaced: int
    """Those of them that were there before, under the same name."""
    added: int
    """Passages that came in."""
    removed: int
    """Passages that were taken out, those of replaced documents too."""
    cut: int
    """New passages that the network did not read to their end."""


class Index:
    """Passages that can be searched; opened with `Index.open`, made with `Index.build`.

    What was opened stays as it is whatever others do to the folder; `refresh` looks again.

    Args:
        folder: of the index.
        generation: what it holds.
        encoder: of queries; None for an index of words alone.
    """

    def __init__(self, folder: Path, generation: Generation, encoder: Encoder | None) -> None:
        self.folder, self._generation, self.encoder = folder, generation, encoder

    @classmethod
    def open(
        cls,
        folder: str | Path,
        *,
        backbone: str | None = None,
        precision: Precision = "auto",
        device: Device = "auto",
    ) -> Index:
        """Read an index.

        Args:
            folder: that `build` wrote.
            backbone: where its network is now, if it was moved.
            precision: of products where passages are read.
            device: where they are read.

        Raises:
            MissingInputError: there is no such folder, or no such network.
            ModelError: it is no index, was never finished, is damaged, or its network has other weights now.
            UnavailableError: a package is not installed.
        """
        place = Path(folder)
        generation = opened(place)
        said = generation.said.network
        encoder = None if said is None else Encoder.open(said, location=backbone, precision=precision, device=device)
        return cls(place, generation, encoder)

    @classmethod
    def build(
        cls,
        folder: str | Path,
        passages: Iterable[Passage],
        *,
        retriever: Retriever = "hybrid",
        fusion: Fusion = "sum",
        dense_weight: float = DENSE_WEIGHT,
        chunks: StatedChunks | None = None,
        words: Bm25Settings | None = None,
        encoder: Encoder | None = None,
        overwrite: bool = False,
        progress: Progress = SILENT,
    ) -> tuple[Index, WrittenIndex]:
        """Make an index; it is there when all of it is on the disk.

        Args:
            folder: where; an index that is there is replaced if `overwrite` says so, as a whole and in one step.
            passages: as they stream by.
            retriever: what ranks.
            fusion: how both rankings of `hybrid` become one.
            dense_weight: weight of vectors in their sum, in [0, 1]; that of words is the rest.
            chunks: how the passages were cut, for those that come later.
            words: how words are found and weighed.
            encoder: what makes vectors; needed by all retrievers but `bm25`.
            overwrite: replace an index.
            progress: told how far it is.

        Raises:
            RunFolderError: something else is in the folder, or another process changes it.
            DataError: an id stands there twice, or there are no passages.
            StorageError: the disk refuses.
        """
        place = Path(folder)
        refuse_taken(place, overwrite=overwrite)
        settings = None if retriever == "dense" else words or Bm25Settings()
        reader = None if retriever == "bm25" else encoder
        if retriever != "bm25" and reader is None:
            raise ValueError(f"a {retriever} index needs an encoder")
        lock = Lock(place)
        try:
            head = {
                "retriever": retriever,
                "fusion": fusion,
                "dense_weight": dense_weight,
                "chunks": (chunks or StatedChunks(most=1, overlap=0, unit="words")).model_dump(),
                "words": None if settings is None else StatedWords(**vars(settings)).model_dump(),
                "network": None if reader is None else reader.stated().model_dump(),
            }
            write = partial(write_generation, new=passages, words=settings, encoder=reader, progress=progress)
            written = published(place, head, write)
        finally:
            lock.release()
            leave_nothing(place)
        return cls(place, opened(place), reader), written

    @property
    def said(self) -> StatedIndex:
        """What the manifest says."""
        return self._generation.said

    @property
    def passages(self) -> Passages:
        """All passages."""
        return self._generation.passages

    def __len__(self) -> int:
        return len(self.passages)

    def refresh(self) -> bool:
        """Look again what the index holds; whether it has changed since."""
        if read_index(self.folder).generation == self.said.generation:
            return False
        self._generation = opened(self.folder)
        return True

    def search(self, queries: Sequence[str], k: int = 5) -> list[list[Hit]]:
        """The best passages for each query, the best first; of equal scores the one that came in first.

        Args:
            queries: none of them blank.
            k: how many at most, at least 1; there are fewer where the index has fewer, or where no more have a word of the query
                and words alone rank.

        Raises:
            DataError: a query is blank.
            ModelError: the index is damaged.
        """
        found, parts = self._ranked(queries, k)
        return [
            [
                self._hit(queries, row, place, score, parts)
                for place, score in zip(ids, scores, strict=True)
                if place >= 0
            ]
            for row, (ids, scores) in enumerate(zip(found.ids.tolist(), found.scores.tolist(), strict=True))
        ]

    def ranked(self, queries: Sequence[str], k: int = 5) -> Ranked:
        """As `search`, as row numbers of `passages`; of passages with the same text the first one stands for all."""
        found, _ = self._ranked(queries, k)
        rows = np.where(found.ids >= 0, self._generation.ranked[found.ids], -1)
        return ranked(rows, found.scores)

    def _ranked(self, queries: Sequence[str], k: int) -> tuple[Ranked, dict[str, Ranked]]:
        """The ranking, and those that it was made of; ids are places among passages that are ranked."""
        if k < 1:
            raise DataError(f"{k} passages are asked for; expected at least 1")
        if blank := [at for at, query in enumerate(queries, start=1) if is_blank(query)]:
            which = "" if len(queries) == 1 else f" {', '.join(map(str, blank[:MOST_NAMED]))} of {len(queries):,}"
            raise DataError(f"query{which} is empty; expected some words to search for")
        said = self.said
        wide = k if said.retriever != "hybrid" else max(LEAST_CANDIDATES, 10 * k)
        parts: dict[str, Ranked] = {}
        if said.network is not None:
            parts["dense"] = self._dense(queries, wide)
        if said.words is not None:
            parts["bm25"] = self._generation.bm25.search(queries, wide)
        if said.retriever != "hybrid":
            return parts[said.retriever], parts
        both = [parts["dense"], parts["bm25"]]
        if said.fusion == "ranks":
            return reciprocal_ranks(both, k), parts
        return weighted_sum(both, [said.dense_weight, 1 - said.dense_weight], k), parts

    def _dense(self, queries: Sequence[str], k: int) -> Ranked:
        if self.encoder is None:
            raise ModelError(f"{self.folder} was opened without its network")
        vectors = self._generation.vectors
        asked = self.encoder.queries(queries)
        if asked.shape[1] != vectors.shape[1]:
            raise ModelError(
                f"{self.folder} holds vectors of {vectors.shape[1]} numbers, and its network gives {asked.shape[1]}; make the "
                "index anew"
            )
        graph = self._generation.approximate
        ids, scores = (graph or self._generation.exact).nearest(asked, k)
        return ranked(ids, scores)

    def _hit(self, queries: Sequence[str], row: int, place: int, score: float, parts: dict[str, Ranked]) -> Hit:
        at = int(self._generation.ranked[place])
        own = {
            name: next((float(part.scores[row, each]) for each in np.flatnonzero(part.ids[row] == place)), None)
            for name, part in parts.items()
        }
        has_copies = len(self._generation.ranked) < len(self.passages)
        ids = self.passages.ids
        copies = tuple(str(ids[other]) for other in self.passages.copies(at)) if has_copies else ()
        passage, has_words = self.passages[at], self.said.words is not None
        matches = self._generation.bm25.marked(queries[row], place, passage.text) if has_words else ()
        return Hit(passage, score, own.get("bm25"), own.get("dense"), copies, tuple(matches))

    def add(self, passages: Iterable[Passage], *, progress: Progress = SILENT) -> Changed:
        """Take in documents; those that are there already, by their names, are replaced by the new ones.

        Others go on reading what was there before until all of it is on the disk. Vectors and words of passages that stay are taken
        over.

        Args:
            passages: of whole documents.
            progress: told how far it is.

        Raises:
            RunFolderError: another process changes the index.
            DataError: an id stands there twice.
            StorageError: the disk refuses; the index is as it was.
        """
        return self.update(passages, progress=progress)

    def remove(self, names: Sequence[str], *, progress: Progress = SILENT) -> Changed:
        """Take out passages by id, or whole documents by name.

        Args:
            names: each that of a passage or a document.
            progress: told how far it is.

        Raises:
            DataError: a name is not known (nothing is removed then), or nothing would be left.
            RunFolderError, StorageError: as of `add`.
        """
        return self.update(remove=names, progress=progress)

    def update(
        self, add: Iterable[Passage] = (), remove: Sequence[str] = (), *, progress: Progress = SILENT
    ) -> Changed:
        """Take out and take in, in a single step; see `remove` and `add`."""
        lock = Lock(self.folder)
        try:
            before = opened(self.folder)  # others may have changed it
            before.verify()
            gone = before.passages.rows_of(remove)
            if unknown := [name for name, rows in gone.items() if not len(rows)]:
                raise DataError(_unknown(self.folder, unknown, len(gone)))
            out = np.unique(np.concatenate([np.empty(0, np.int64), *gone.values()]))
            replaced: list[int] = []

            def kept(documents: set[str]) -> np.ndarray:
                there = before.passages.rows_of(documents)
                replaced.append(sum(len(rows) > 0 for rows in there.values()))
                over = np.concatenate([out, *there.values()])
                return np.setdiff1d(np.arange(len(before.passages)), over)

            said, counts = before.said, _Counted(add)
            write = partial(
                write_generation,
                new=counts,
                words=None if said.words is None else settings_of(said.words),
                encoder=self.encoder,
                before=before,
                kept=kept,
                progress=progress,
            )
            head = {key: value for key, value in said.model_dump().items() if key not in COUNTED}
            written = published(self.folder, head, write)
        finally:
            lock.release()
        self._generation = opened(self.folder)
        return Changed(
            len(counts.documents),
            replaced[0],
            counts.passages,
            len(before.passages) + counts.passages - written.passages,
            written.cut,
        )


COUNTED = frozenset({"format", "headstart", "kind", "generation", "documents", "passages", "ranked", "files", "sizes"})
"""Keys of a manifest that a change of the index changes."""


class _Counted:
    """Passages as they stream by, counted."""

    def __init__(self, passages: Iterable[Passage]) -> None:
        self._passages = passages
        self.passages = 0
        self.documents: set[str] = set()

    def __iter__(self) -> Any:
        for passage in self._passages:
            self.passages += 1
            self.documents.add(passage.document)
            yield passage


def _unknown(folder: Path, unknown: list[str], asked: int) -> str:
    named = ", ".join(quoted(name) for name in unknown[:MOST_NAMED])
    more = f" and {len(unknown) - MOST_NAMED:,} more" if len(unknown) > MOST_NAMED else ""
    return f"{folder} does not know {len(unknown):,} of {asked:,} names of passages or documents: {named}{more}; nothing is removed"
