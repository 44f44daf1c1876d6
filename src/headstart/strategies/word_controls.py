"""What controls that know words without a network share: rows drawn, a strength by cross-validation, outputs out of fold."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from headstart.data.outputs import Logits
from headstart.data.store import Store
from headstart.predictors.base import Predictor
from headstart.strategies.base import LEAST_STRENGTH, MOST_STRENGTH, Auto, Candidate, Context, Strategy, Work

MOST_WORDS = 500_000
"""Words beyond which rows are drawn at random to learn from."""
FOLDS = 3


class WordControl(Strategy):
    """A control that is fitted by words, with a penalty whose strength is chosen on its own training rows."""

    role: ClassVar[Literal["transfer", "control"]] = "control"
    needs_backbone: ClassVar[bool] = False
    auto: ClassVar[Auto | None] = Auto()
    cost: ClassVar[int] = 1
    grid: ClassVar[tuple[float, ...]]
    """Inverse strengths that are tried."""
    tuning_words: ClassVar[int]
    """Words up to which strengths are compared."""
    iterations: ClassVar[int]
    """Passes of the solver at most."""
    salt: ClassVar[int]
    """Sets its draws apart from those of others."""

    variance: float | None = Field(default=None, ge=LEAST_STRENGTH, le=MOST_STRENGTH)
    """Inverse strength of the L2 penalty on weights, over 0; chosen by cross-validation on training rows if not given."""

    @abstractmethod
    def _seconds(self, context: Context) -> tuple[float, float]:
        """Seconds at the start, and for each word that is fitted, on one core."""

    @abstractmethod
    def _fitted(self, context: Context, rows: np.ndarray, variance: float) -> Any:
        """A predictor that was fitted on some training rows."""

    @abstractmethod
    def _rank(self, context: Context, outputs: Logits, rows: Store[Any]) -> Any:
        """How good outputs of held-out rows are; larger is better."""

    @abstractmethod
    def _size(self, predictor: Any) -> tuple[int, int]:
        """Features and weights of a predictor."""

    def work(self, context: Context) -> Work:
        """No pass of a network; seconds by the words of all that is fitted."""
        words = context.task.units(context.train).total
        folds = FOLDS if context.folds is None else int(context.folds[0].max()) + 1
        solved = min(words, MOST_WORDS)
        if self.variance is None:
            solved += len(self.grid) * (folds - 1) * min(words, self.tuning_words)
        if context.folds is not None:
            solved += (folds - 1) * words
        start, each = self._seconds(context)
        return Work(0.0, 0.0, start + each * solved)

    def fit(self, context: Context) -> Candidate:
        """Choose the strength by cross-validation, then fit on all training rows."""
        rows = self._sampled(context, MOST_WORDS)
        context.progress.begin(self.name, self.iterations * 2)
        variance = self.variance or self._tuned(context)
        predictor: Predictor = self._fitted(context, rows, variance)
        outputs: Any
        if context.folds is None:
            outputs = predictor.outputs(list(context.validation.inputs))
        else:
            outputs = self._out_of_fold(context, context.folds[0], np.arange(len(context.train)), variance)
        context.progress.end()
        total, (features, weights) = len(context.train), self._size(predictor)
        return Candidate(
            self.revised(variance=variance),
            context.training,
            predictor,
            outputs,
            f"{features:,} features, variance {variance:g}",
            weights,
            notes=[] if len(rows) == total else [f"learnt from {len(rows):,} of {total:,} rows, at random"],
        )

    def _sampled(self, context: Context, words: int) -> np.ndarray:
        """Training rows with about so many words, at random; all where there are no more."""
        total, count = len(context.train), context.task.units(context.train).total
        if count <= words:
            return np.arange(total)
        most = max(2, words * total // count)
        return np.sort(np.random.default_rng([context.seed, self.salt]).permutation(total)[:most])

    def _tuned(self, context: Context) -> float:
        """The strength with the best rank on held-out rows."""
        rows = self._sampled(context, self.tuning_words)
        if context.folds is not None:
            dealt = context.folds[0][rows]  # these keep groups and equal texts together
        else:
            dealt = np.random.default_rng([context.seed, 16 * self.salt]).permutation(len(rows)) % FOLDS
        some = context.train.take(rows)
        ranks = {}
        for variance in self.grid:
            ranks[variance] = self._rank(context, self._out_of_fold(context, dealt, rows, variance), some)
            if context.late:
                break
        return max(ranks, key=lambda variance: ranks[variance])

    def _out_of_fold(self, context: Context, dealt: np.ndarray, rows: np.ndarray, variance: float) -> Any:
        """Outputs of some training rows by what was fitted without their fold."""
        outputs = context.task.blank(context.train.take(rows))
        for fold in np.unique(dealt):
            held, kept = np.flatnonzero(dealt == fold), np.flatnonzero(dealt != fold)
            if len(kept):
                predictor = self._fitted(context, rows[kept], variance)
                outputs.put(held, predictor.outputs(list(context.train.take(rows[held]).inputs)))
        return outputs
