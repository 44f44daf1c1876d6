"""A task that answers with texts, a strategy that serves it and a metric of it: each what a new file would hold."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

from headstart.data.columns import taken
from headstart.data.examples import Example, Examples, joined
from headstart.data.outputs import Generated
from headstart.data.store import Store
from headstart.data.table import Table
from headstart.metrics.base import Metric, Tally
from headstart.metrics.classification import mean_of_sums
from headstart.metrics.results import Results
from headstart.predictors.base import Predictor, Runtime
from headstart.runtime.progress import SILENT, Progress
from headstart.strategies.base import Candidate, Context, Strategy, Work
from headstart.tasks.base import Mistake, Task
from headstart.tasks.columns import stored, text_fault, usable_rows
from headstart.types import Dropped


@dataclass(frozen=True)
class TextResults(Results):
    """References and texts."""

    kind: ClassVar[str] = "toy-text"

    true: list[str]
    predicted: list[str]


def _equal(results: TextResults) -> Tally:
    same = [first == second for first, second in zip(results.true, results.predicted, strict=True)]
    return Tally.of(np.stack([np.array(same, dtype=np.int64), np.ones(len(same), dtype=np.int64)], axis=1))


EXACT = Metric("exact", "exact match", frozenset({"toy-text"}), _equal, mean_of_sums, is_share=True)


@dataclass(frozen=True)
class Writing:
    """A text that a model writes."""

    text: str
    truncated: bool
    score: None = None

    def plain(self) -> dict[str, object]:
        return {"written": self.text, "truncated": self.truncated}

    def cells(self, *, abstained: bool = False) -> list[str]:
        return [self.text]


class WritingTask(Task[Example, Generated]):
    """A text for each text."""

    name: ClassVar[str] = "toy-writing"
    outputs_kind: ClassVar[str] = Generated.kind
    target_kind: ClassVar[str] = "toy-text"
    metrics: ClassVar[tuple[str, ...]] = ("exact",)
    results_kind: ClassVar[str] = "toy-text"
    can_abstain: ClassVar[bool] = False
    named_outputs: ClassVar[bool] = False
    nothing: ClassVar[Mapping[str, Any]] = {"written": None, "truncated": False}

    def guess(self, table: Table) -> Self:
        return self.revised(text=self.text or ("text",), label=self.label or "reference")

    def parse(self, table: Table, *, labelled: bool = True) -> tuple[Store[Example], list[Dropped]]:
        names, label = self.text or (), (self.label or "") if labelled else None
        rows = usable_rows(table, lambda parts: text_fault(joined(parts)), texts=names, label=label, weight=None)
        columns = [taken(table.column(name, "--text"), rows.kept) for name in names]
        return stored(table, rows, Examples(columns, rows.labels, rows.weights)), rows.dropped

    def bind(self, examples: Store[Example]) -> Self:
        return self.revised(metric=self.chosen_metric)

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

    def blank(self, rows: Store[Example]) -> Generated:
        return Generated.of([""] * len(rows))

    def targets(self, examples: Store[Example]) -> np.ndarray:
        return np.array(list(examples.labels), dtype=object)

    def weights(self, examples: Sequence[Example]) -> np.ndarray:
        return np.ones(len(examples))

    def results(self, outputs: Generated, rows: Store[Example]) -> TextResults:
        return TextResults(
            outputs.losses.astype(np.float64),
            np.ones(len(rows)),
            [str(each) for each in rows.labels],
            [text for text, *_ in outputs.texts],
        )

    @property
    def columns(self) -> tuple[str, ...]:
        return ("prediction",)

    def predictions(self, outputs: Generated, inputs: Sequence[Any]) -> list[Writing]:
        return [Writing(texts[0], bool(cut)) for texts, cut in zip(outputs.texts, outputs.truncated, strict=True)]

    def mistakes(self, outputs: Generated, rows: Store[Example], most: int) -> list[Mistake]:
        pairs = zip(rows.labels, [text for text, *_ in outputs.texts], strict=True)
        wrong = [Mistake(row, str(true), said, None) for row, (true, said) in enumerate(pairs) if true != said]
        return wrong[:most]

    @classmethod
    def toy_examples(cls) -> list[Example]:
        return [Example(f"say {word}", word) for word in ("good", "bad", "nine", "monday") * 3]


class LookupPredictor(Predictor):
    """Writes what stood beside the last word of a text in training, else the word itself."""

    kind: ClassVar[str] = "toy-lookup"
    runtime: ClassVar[Runtime] = "numpy"

    def __init__(self, known: Mapping[str, str], task: Task[Any, Any]) -> None:
        super().__init__(task)
        self.known = dict(known)

    def outputs(self, inputs: Sequence[str], *, progress: Progress = SILENT) -> Generated:
        words = [text.split(" ")[-1] for text in inputs]
        progress.advance(len(inputs))
        losses = np.array([0.1 if word in self.known else 1.0 for word in words], dtype=np.float32)
        made = Generated.of([self.known.get(word, word) for word in words])
        made.losses = losses
        return made

    def save(self, folder: Path) -> dict[str, Any]:
        (folder / "known.json").write_text(json.dumps(self.known), encoding="utf-8")
        return {}

    @classmethod
    def load(cls, folder: Path, task: Task[Any, Any], description: Mapping[str, Any]) -> LookupPredictor:
        return cls(json.loads((folder / "known.json").read_text(encoding="utf-8")), task)

    def usage(self) -> str:
        return "print('see known.json')"


class Lookup(Strategy):
    """Remembers what stood beside the last word of each text."""

    name: ClassVar[str] = "toy-lookup"
    cost: ClassVar[int] = 1
    needs_backbone: ClassVar[bool] = False
    gives: ClassVar[frozenset[str]] = frozenset({Generated.kind})

    words: int = 1000
    """Words that are remembered at most."""

    def work(self, context: Context) -> Work:
        return Work(0.0, 0.0)

    def fit(self, context: Context) -> Candidate:
        def known(rows: Store[Any]) -> dict[str, str]:
            pairs = zip(rows.inputs, rows.labels, strict=True)
            return dict([(text.split(" ")[-1], label) for text, label in pairs][: self.words])

        predictor = LookupPredictor(known(context.train), context.task)
        outputs = context.task.blank(context.validation)
        if context.folds is None:
            outputs = predictor.outputs(list(context.validation.inputs))
        else:
            for fold in np.unique(context.folds[0]):
                held, kept = np.flatnonzero(context.folds[0] == fold), np.flatnonzero(context.folds[0] != fold)
                part = LookupPredictor(known(context.train.take(kept)), context.task)
                outputs.put(held, part.outputs(list(context.train.take(held).inputs)))
        return Candidate(
            self, context.training, predictor, outputs, f"{len(predictor.known)} words", len(predictor.known)
        )
