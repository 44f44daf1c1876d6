"""Near vectors among very many, by a graph of neighbours (usearch); found ones are scored and ordered exactly."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from headstart.errors import ModelError, UnavailableError
from headstart.ranking.exact import best
from headstart.ranking.words import INSTALL
from headstart.runtime.contained import RAW, contained
from headstart.runtime.progress import SILENT, Progress

NEAR = "near.usearch"
"""File of the graph."""
CONNECTIVITY, EXPANSION_ADD = 16, 128
"""Neighbours of each vector in the graph, and candidates when it is added (Malkov and Yashunin 2018, M and efConstruction)."""
EXPANSION_SEARCH = 256
"""Candidates of a search at least; more where more neighbours are asked for."""
BLOCK_ROWS = 20_000


class Approximate:
    """A graph of neighbours over vectors in float32.

    Args:
        graph: of usearch.
        vectors: float32, shape (vectors, width), which it was made of.
    """

    def __init__(self, graph: Any, vectors: np.ndarray) -> None:
        self.graph, self._vectors = graph, vectors

    @classmethod
    def load(cls, folder: Path, vectors: np.ndarray) -> Approximate:
        """Map what `approximate` wrote.

        Raises:
            ModelError: it is damaged, or not of these vectors.
            UnavailableError: the package is not installed.
        """
        graph = _empty(vectors.shape[1])
        try:
            graph.view(str(contained(folder, NEAR)))
            fits = len(graph) == len(vectors) and graph.ndim == vectors.shape[1]
        except (*RAW, RuntimeError) as error:
            raise ModelError(f"{folder / NEAR} is damaged: {str(error)[:200]}") from None
        if not fits:
            raise ModelError(f"{folder / NEAR} is damaged: it is not that of the {len(vectors):,} vectors beside it")
        return cls(graph, vectors)

    def nearest(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """As `search.exact.nearest`, but that a neighbour may be missed; scores are exact."""
        k = min(k, len(self._vectors))
        ids = np.full((len(queries), k), -1, dtype=np.int64)
        scores = np.zeros((len(queries), k), dtype=np.float32)
        self.graph.expansion_search = max(EXPANSION_SEARCH, 2 * k)
        for row, query in enumerate(queries):
            found = np.sort(np.asarray(self.graph.search(query, k).keys).astype(np.int64))
            order, values = best((self._vectors[found] @ query)[None], k)
            ids[row, : len(found)] = found[order[0]]
            scores[row, : len(found)] = values[0]
        return ids, scores


def approximate(
    vectors: np.ndarray, folder: Path, *, before: Approximate | None = None, progress: Progress = SILENT
) -> None:
    """Write a graph of vectors.

    Args:
        vectors: float32, shape (vectors, width), in memory or mapped.
        folder: where it is written.
        before: graph of the first of them, which are taken over from it.
        progress: advanced by vectors.

    Raises:
        UnavailableError: the package is not installed.
    """
    graph = _empty(vectors.shape[1])
    if before is not None:
        graph = before.graph.copy()
    start = len(graph)
    progress.begin("neighbours", len(vectors) - start)
    for at in range(start, len(vectors), BLOCK_ROWS):
        block = np.array(vectors[at : at + BLOCK_ROWS])
        graph.add(np.arange(at, at + len(block), dtype=np.uint64), block)
        progress.advance(len(block))
    graph.save(str(folder / NEAR))
    progress.end()


def _empty(width: int) -> Any:
    try:
        from usearch.index import Index
    except ImportError:
        raise UnavailableError(f"so many vectors are searched with the package usearch; {INSTALL}") from None
    return Index(
        ndim=width,
        metric="ip",
        dtype="f32",
        connectivity=CONNECTIVITY,
        expansion_add=EXPANSION_ADD,
        expansion_search=EXPANSION_SEARCH,
    )
