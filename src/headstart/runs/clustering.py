"""What a pile of texts is about: the verb `cluster`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from headstart.drawing.text import count
from headstart.errors import DataError
from headstart.grouping.clusters import (
    WEAK,
    Clustering,
    Trial,
    chosen,
    clustered,
    divided,
    numbers_tried,
    stability,
    trials,
)
from headstart.grouping.control import Agreement, agreement, term_vectors
from headstart.grouping.words import telling_words
from headstart.recipes.grouping import Cluster
from headstart.runs import found_rows
from headstart.runs.collection import Collection, Vectors, collected, encoded, notes_on, opened
from headstart.runs.outcome import Call, Outcome
from headstart.runtime.interrupts import all_or_nothing
from headstart.runtime.progress import Progress

EXAMPLES = 3
"""Examples of a cluster: the texts nearest to its centre."""
WORDS = 8
"""Words of a cluster at most."""
CONTROL = "tf-idf"


@dataclass(frozen=True)
class Comparison:
    """Clustering of the network beside as many by TF-IDF."""

    network: float | None
    """Stability, see `grouping.clusters.stability`."""
    control: float | None
    """The same of the control."""
    agreement: Agreement | None
    """Both with a column of labels; None where none is named."""
    rows: int
    """Rows that have a label."""


def cluster(recipe: Cluster, call: Call) -> Outcome:
    """Carry out `cluster`.

    Raises:
        HeadstartError: the file or the network can't be used, or the output can't be written.
    """
    found_rows.require_free(recipe.output, recipe.input, overwrite=recipe.overwrite)
    with all_or_nothing():
        return _clustered(recipe, call)


def _clustered(recipe: Cluster, call: Call) -> Outcome:
    progress = call.progress
    found = collected(recipe, call.table, progress)
    labels = None if recipe.label is None else _labels(recipe.label, found)
    _require_enough(recipe, found)
    backbone = opened(recipe)
    vectors = encoded(recipe, backbone, found.distinct.texts, progress, kept=call.table is None)
    weights = found.distinct.counts
    tried = [] if recipe.k != "auto" else _tried(recipe, vectors, weights, progress)
    best = chosen(tried) if tried else None
    number = best.clusters if best is not None else int(recipe.k)
    progress.begin("clusters", 1)
    clusters = clustered(vectors.values, weights, number, seed=recipe.seed)
    progress.end()
    compared = _compared(recipe, found, vectors, clusters, number, labels, progress)
    described = _Described(found, vectors, clusters)
    result = {
        "file": found.table.file,
        "rows": len(found.texts),
        "text": list(found.columns),
        "backbone": backbone.located.identity,
        "k": number,
        "trials": [{"k": trial.clusters, "silhouette": round(trial.silhouette, 6)} for trial in tried],
        "clusters": [described.plain(at) for at in range(clusters.count)],
        "in_no_cluster": described.outside(),
        "comparison": _plain(compared),
        "truncated": int((vectors.lost > 0)[found.distinct.of_row].sum()),
        "dropped_rows": [row.plain() for row in found.dropped],
    }
    if recipe.output is None:
        result["assigned"] = described.assigned()
    else:
        result["output"] = recipe.output
        found_rows.write(
            Path(recipe.output), found.table, described.columns(), tables=described.tables(), result=result,
            overwrite=recipe.overwrite,
        )  # fmt: skip
    notes = [*notes_on(found, vectors, backbone), *_of_number(tried, best), *_of_control(compared)]
    return Outcome(result, notes=notes)


def _require_enough(recipe: Cluster, found: Collection) -> None:
    """Raises DataError where there are fewer different texts than clusters."""
    texts = len(found.distinct.texts)
    if texts == 1:
        raise DataError(
            f"{found.table.file}: all {count(len(found.texts))} rows have one text, which is no two clusters"
        )
    if recipe.k != "auto" and recipe.k > texts:
        raise DataError(
            f"{found.table.file} has {count(texts)} different texts, and {count(recipe.k)} clusters are asked for; give a smaller "
            "number with -k"
        )


def _labels(name: str, found: Collection) -> np.ndarray:
    """Number of each row's label, -1 where there is none, int64, shape (rows,)."""
    column = found.table.column(name, "--label")
    if found.table.named(name) in found.columns:
        raise DataError(f"{found.table.file}: column '{name}' is the text; choose with --text and --label")
    numbers: dict[str, int] = {}
    cells = [(column[row] or "").strip() for row in found.rows.tolist()]
    known = np.array([numbers.setdefault(cell, len(numbers)) if cell else -1 for cell in cells], dtype=np.int64)
    if len(numbers) < 2:
        raise DataError(
            f"{found.table.file}: column '{name}' has {len(numbers)} label{'s' * (len(numbers) != 1)}, and clusters are compared "
            "with two or more; name another with --label"
        )
    return known


def _tried(recipe: Cluster, vectors: Vectors, weights: np.ndarray, progress: Progress) -> list[Trial]:
    progress.begin("number of clusters", len(numbers_tried(min(len(weights), 4000))))
    found = trials(vectors.values, weights, seed=recipe.seed, progress=progress)
    progress.end()
    return found


def _compared(
    recipe: Cluster,
    found: Collection,
    vectors: Vectors,
    clusters: Clustering,
    number: int,
    labels: np.ndarray | None,
    progress: Progress,
) -> Comparison:
    """The clusters beside those that TF-IDF gives."""
    weights, seed = found.distinct.counts, recipe.seed
    progress.begin(f"control {CONTROL}", 4 if labels is not None else 3)
    terms = term_vectors(found.distinct.texts)
    own = stability(vectors.values, weights, number, seed=seed)
    progress.advance(1)
    if terms is None:
        progress.end()
        return Comparison(own, None, None, 0)
    control = divided(terms, weights, number, seed=seed)
    progress.advance(1)
    other = stability(terms, weights, number, seed=seed)
    progress.advance(1)
    both, rows = None, 0
    if labels is not None:
        known = np.flatnonzero(labels >= 0)
        rows, of_row = len(known), found.distinct.of_row[known]
        both = agreement(labels[known], clusters.nearest[of_row], control[of_row], seed=seed)
    progress.end()
    return Comparison(own, other, both, rows)


class _Described:
    """Clustering as plain data and as columns."""

    def __init__(self, found: Collection, vectors: Vectors, clusters: Clustering) -> None:
        self.found, self.vectors, self.clusters = found, vectors.values, clusters
        given = found.distinct
        self.words = telling_words(given.texts, clusters.of, count=clusters.count, words=WORDS)
        self.of_row = clusters.of[given.of_row]
        self._first = given.first
        order = np.lexsort((np.arange(len(given.texts)), -clusters.cosines.round(6)))
        self._order = order

    def examples(self, at: int) -> list[int]:
        """Rows of the texts nearest to the centre of a cluster, the nearest first."""
        inside = self._order[self.clusters.of[self._order] == at]
        return self._first[inside[:EXAMPLES]].tolist()

    def cohesion(self, at: int) -> float | None:
        """Mean cosine of two rows of a cluster; None where it has one."""
        inside = np.flatnonzero(self.clusters.of == at)
        weights = self.found.distinct.counts[inside].astype(np.float64)
        rows, whole = weights.sum(), weights @ self.vectors[inside]
        return None if rows < 2 else float(np.clip((whole @ whole - rows) / (rows * (rows - 1)), -1.0, 1.0))

    def plain(self, at: int) -> dict[str, Any]:
        """A cluster as `--json` prints it."""
        rows, cohesion = int((self.of_row == at).sum()), self.cohesion(at)
        return {
            "cluster": at + 1,
            "rows": rows,
            "share": round(rows / len(self.of_row), 6),
            "cohesion": None if cohesion is None else round(cohesion, 6),
            "words": self.words[at],
            "examples": [self._row(row) for row in self.examples(at)],
        }

    def outside(self) -> dict[str, Any]:
        """What is in no cluster, and the rows of it that are farthest from all centres."""
        order = self._order[::-1]
        far = order[self.clusters.of[order] < 0][:EXAMPLES]
        return {
            "rows": int((self.of_row < 0).sum()),
            "examples": [self._row(row) for row in self._first[far].tolist()],
        }

    def _row(self, row: int) -> dict[str, Any]:
        return {"line": self.found.line(row), "text": self.found.texts[row]}

    def assigned(self) -> list[dict[str, Any]]:
        """The cluster of each row, None for those in none, and the cosine with the nearest centre."""
        cosines = self.clusters.cosines[self.found.distinct.of_row]
        return [
            {"line": self.found.line(row), "cluster": own + 1 if own >= 0 else None, "cosine": round(cosine, 6)}
            for row, (own, cosine) in enumerate(zip(self.of_row.tolist(), cosines.tolist(), strict=True))
        ]

    def columns(self) -> dict[str, list[str | None]]:
        """What is written beside each row of the table: nothing for those without a text."""
        columns: dict[str, list[str | None]] = {
            name: [""] * len(self.found.table) for name in ("cluster", "cluster_words", "cluster_cosine")
        }
        for row, each in zip(self.found.rows.tolist(), self.assigned(), strict=True):
            own = each["cluster"]
            columns["cluster"][row] = "none" if own is None else str(own)
            columns["cluster_words"][row] = "" if own is None else " ".join(self.words[own - 1])
            columns["cluster_cosine"][row] = f"{each['cosine']:.6f}"
        return columns

    def tables(self) -> dict[str, tuple[tuple[str, ...], Iterator[list[str]]]]:
        """Clustering as a table of a folder."""

        def rows() -> Iterator[list[str]]:
            for at in range(self.clusters.count):
                each = self.plain(at)
                cohesion = "" if each["cohesion"] is None else f"{each['cohesion']:.6f}"
                examples = [example["text"] for example in each["examples"]]
                examples += [""] * (EXAMPLES - len(examples))
                yield [str(at + 1), str(each["rows"]), cohesion, " ".join(each["words"]), *examples]

        examples = [f"example_{at}" for at in range(1, EXAMPLES + 1)]
        return {"clusters.csv": (("cluster", "rows", "cohesion", "words", *examples), rows())}


def _plain(compared: Comparison) -> dict[str, Any]:
    both = compared.agreement
    return {
        "stability": {"network": compared.network, CONTROL: compared.control},
        "agreement": None
        if both is None
        else {
            "rows": compared.rows,
            "network": both.network.plain(),
            CONTROL: both.control.plain(),
            "gain": both.gain.plain(),
        },
    }


def _of_number(tried: list[Trial], best: Trial | None) -> list[str]:
    """What is to be known of how many clusters there are."""
    if best is None or (highest := max(trial.silhouette for trial in tried)) >= WEAK:
        return []
    return [
        f"no number of clusters stands out (silhouettes up to {highest:.3f}, under {WEAK:g}); {best.clusters} were made: fewer or "
        "more with -k say as much"
    ]


def _of_control(compared: Comparison) -> list[str]:
    """What the control says of the clusters."""
    both, notes = compared.agreement, []
    if compared.control is not None and compared.network is not None and compared.control > compared.network:
        notes.append(
            f"clusters by {CONTROL} are more stable than those of the network ({compared.control:.2f} against "
            f"{compared.network:.2f} from half to half)"
        )
    if both is not None and both.gain.low <= 0:
        least = "less" if both.gain.high < 0 else "not more"
        notes.append(f"clusters of the network agree {least} with the labels than those by {CONTROL}")
    return notes
