"""A task that answers with rankings, a strategy that serves it and a metric of it: each what a new file would hold."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

from headstart.data.columns import taken
from headstart.data.examples import Example, Examples, joined
from headstart.data.outputs import Ranked
from headstart.data.store import Store
from headstart.data.table import Table
from headstart.errors import DataError
from headstart.metrics.base import Metric, Tally
from headstart.metrics.classification import mean_of_sums
from headstart.metrics.results import Results
from headstart.predictors.base import Predictor, Runtime
from headstart.runtime.progress import SILENT, Progress
from headstart.strategies.base import Candidate, Context, Strategy, Work
from headstart.tasks.base import Mistake, Task
from headstart.tasks.columns import stored, text_fault, usable_rows
from headstart.types import Dropped

BEST = 3
"""Candidates that are given for each query."""


@dataclass(frozen=True)
class RankedResults(Results):
    """Rank of the relevant candidate of each query from 1 on; 0 where it is not among those given."""

    kind: ClassVar[str] = "ranked"

    ranks: np.ndarray


def _reciprocal(results: RankedResults) -> Tally:
    values = np.where(results.ranks > 0, 1 / np.maximum(results.ranks, 1), 0.0)
    return Tally.of(np.stack([values, np.ones(len(values))], axis=1))


MRR = Metric("toy_mrr", "mean reciprocal rank", frozenset({"ranked"}), _reciprocal, mean_of_sums)


@dataclass(frozen=True)
class Ranking:
    """The best passages for a query."""

    passages: tuple[str, ...]
    truncated: bool
    score: None = None

    def plain(self) -> dict[str, object]:
        return {"passages": list(self.passages), "truncated": self.truncated}

    def cells(self, *, abstained: bool = False) -> list[str]:
        return [json.dumps(self.passages)]


class RankingTask(Task[Example, Ranked]):
    """The passages of the training rows in order of how well they answer a query; its labels are all passages."""

    name: ClassVar[str] = "toy-ranking"
    outputs_kind: ClassVar[str] = Ranked.kind
    target_kind: ClassVar[str] = "ranking"
    metrics: ClassVar[tuple[str, ...]] = ("toy_mrr",)
    results_kind: ClassVar[str] = "ranked"
    can_abstain: ClassVar[bool] = False
    nothing: ClassVar[Mapping[str, Any]] = {"passages": None, "truncated": False}

    def guess(self, table: Table) -> Self:
        return self.revised(text=self.text or ("query",), label=self.label or "passage")

    def parse(self, table: Table, *, labelled: bool = True) -> tuple[Store[Example], list[Dropped]]:
        names, label = self.text or (), (self.label or "") if labelled else None
        rows = usable_rows(table, lambda parts: text_fault(joined(parts)), texts=names, label=label, weight=None)
        columns = [taken(table.column(name, "--text"), rows.kept) for name in names]
        return stored(table, rows, Examples(columns, rows.labels, rows.weights)), rows.dropped

    def bind(self, examples: Store[Example]) -> Self:
        passages = tuple(sorted({str(label) for label in examples.labels}))
        if len(passages) < 2:
            raise DataError(f"{examples.file}: one passage only; nothing can be ranked")
        return self.revised(labels=self.labels or passages, metric=self.chosen_metric)

    def strata(self, rows: Store[Any]) -> Sequence[str]:
        return ("",) * len(rows)

    def missing(self, rows: Store[Any], kept: Sequence[int] | np.ndarray) -> list[str]:
        return []

    def heads(self, backbone: Any, **options: Any) -> dict[str, Any]:
        raise NotImplementedError

    def prepare(self, examples: Store[Any], tokenizer: Any) -> Any:
        raise NotImplementedError

    def collate(self, prepared: Any, indices: np.ndarray, pad_id: int) -> Any:
        raise NotImplementedError

    def forward(self, model: Any, batch: Any) -> Any:
        raise NotImplementedError

    def criterion(self, scores: Any, batch: Any) -> tuple[Any, float]:
        raise NotImplementedError

    def blank(self, rows: Store[Example]) -> Ranked:
        count, wide = len(rows), min(BEST, len(self.names))
        ids = np.full((count, wide), -1, dtype=np.int64)
        scores, losses = np.zeros((count, wide), dtype=np.float32), np.zeros(count, dtype=np.float32)
        return Ranked(np.zeros(count, dtype=bool), ids, scores, losses, np.zeros(count, dtype=np.int64))

    def targets(self, examples: Store[Example]) -> np.ndarray:
        places = {name: at for at, name in enumerate(self.names)}
        return np.array([places.get(str(label), -1) for label in examples.labels], dtype=np.int64)

    def weights(self, examples: Sequence[Example]) -> np.ndarray:
        return np.ones(len(examples))

    def results(self, outputs: Ranked, rows: Store[Example]) -> RankedResults:
        hits = outputs.ids == self.targets(rows)[:, None]
        ranks = np.where(hits.any(1), hits.argmax(1) + 1, 0)
        return RankedResults(1.0 - 1.0 * (ranks == 1), np.ones(len(ranks)), ranks)

    @property
    def columns(self) -> tuple[str, ...]:
        return ("prediction",)

    def predictions(self, outputs: Ranked, inputs: Sequence[Any]) -> list[Ranking]:
        rows = zip(outputs.ids, outputs.truncated, strict=True)
        return [Ranking(tuple(self.names[at] for at in ids if at >= 0), bool(cut)) for ids, cut in rows]

    def mistakes(self, outputs: Ranked, rows: Store[Example], most: int) -> list[Mistake]:
        true = self.targets(rows)
        wrong = np.flatnonzero(outputs.ids[:, 0] != true)[:most]
        return [Mistake(int(row), self.names[true[row]], self.names[outputs.ids[row, 0]], None) for row in wrong]

    @classmethod
    def toy_examples(cls) -> list[Example]:
        return [Example(f"where is {word}", f"{word} is here") for word in ("good", "bad", "nine", "monday") * 3]


class OverlapPredictor(Predictor):
    """Ranks passages by the words that they share with a query."""

    kind: ClassVar[str] = "toy-overlap"
    runtime: ClassVar[Runtime] = "numpy"

    def __init__(self, passages: Sequence[str], task: Task[Any, Any]) -> None:
        super().__init__(task)
        self.passages = list(passages)

    def outputs(self, inputs: Sequence[str], *, progress: Progress = SILENT) -> Ranked:
        found = []
        for query in inputs:
            words = {*query.split(" ")}
            scores = np.array([len(words & {*passage.split(" ")}) for passage in self.passages], dtype=np.float32)
            order = np.argsort(-scores, kind="stable")[: min(BEST, len(scores))]
            found.append((order, scores[order]))
            progress.advance(1)
        ids = np.array([order for order, _ in found], dtype=np.int64).reshape(len(inputs), -1)
        scores = np.array([each for _, each in found], dtype=np.float32).reshape(len(inputs), -1)
        return Ranked(
            np.zeros(len(inputs), dtype=bool),
            ids,
            scores,
            np.zeros(len(inputs), dtype=np.float32),
            np.zeros(len(inputs), dtype=np.int64),
        )

    def save(self, folder: Path) -> dict[str, Any]:
        (folder / "passages.json").write_text(json.dumps(self.passages), encoding="utf-8")
        return {}

    @classmethod
    def load(cls, folder: Path, task: Task[Any, Any], description: Mapping[str, Any]) -> OverlapPredictor:
        return cls(json.loads((folder / "passages.json").read_text(encoding="utf-8")), task)

    def usage(self) -> str:
        return "print('see passages.json')"


class Overlap(Strategy):
    """Nothing is learnt: passages by the words that they share with a query."""

    name: ClassVar[str] = "toy-overlap"
    cost: ClassVar[int] = 1
    needs_backbone: ClassVar[bool] = False
    gives: ClassVar[frozenset[str]] = frozenset({Ranked.kind})

    def work(self, context: Context) -> Work:
        return Work(0.0, 0.0)

    def fit(self, context: Context) -> Candidate:
        predictor = OverlapPredictor(context.task.names, context.task)
        outputs = predictor.outputs(list(context.validation.inputs))
        return Candidate(self, context.training, predictor, outputs, f"{len(context.task.names)} passages", 0)
