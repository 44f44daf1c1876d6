"""Vectors and words together: the cosines of a bi-encoder and BM25, weighted by validation."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field

from headstart.config import named
from headstart.data.outputs import Ranked
from headstart.ranking.fusion import DENSE_WEIGHT, weighted_sum
from headstart.strategies import STRATEGIES
from headstart.strategies.base import Auto, Candidate, Context, Strategy, Work, refused_within
from headstart.strategies.retrieving import held_out, kept, known_fit, refused_ranking, words_of
from headstart.tasks.base import Task

if TYPE_CHECKING:
    from headstart.predictors.dense import DensePredictor

STEPS = 20
"""Weights that are tried, of equal distance from 0 to 1."""


class Hybrid(Strategy):
    """Cosines and BM25 added, each standardised question by question, with the weight that is best on validation.

    The two make different mistakes: words find names and numbers, vectors what is said otherwise. On questions of SQuAD their sum
    is ahead of both, and of reciprocal rank fusion (docs/retrieval.md). Where a run has fitted the bi-encoder already, it is not
    fitted again.

    Needs: questions with passages that answer them.
    Inputs: questions; passages.
    See also: `bm25` and `bi-encoder`, its two parts.

    Example:
        headstart fit examples/help/train.csv --task retrieval --strategy hybrid --of untouched
    """

    name: ClassVar[str] = "hybrid"
    cost: ClassVar[int] = 5
    shortens: ClassVar[bool] = True
    gives: ClassVar[frozenset[str]] = frozenset({Ranked.kind})
    auto: ClassVar[Auto | None] = Auto(verbs=frozenset({"fit", "compare"}))

    of: Annotated[Strategy, named(STRATEGIES, "bi-encoder")] = Field(default="bi-encoder", validate_default=True)
    """Strategy that gives the vectors: `bi-encoder`, `untouched` or `margin-mse`; its own options as in
    `--set strategy.of.scale=30`."""
    dense_weight: float | None = Field(default=None, ge=0, le=1)
    """Weight of vectors beside words, in [0, 1]; chosen on validation if not given."""

    def refuses(self, task: Task) -> str:
        """Refuses what is no retrieval."""
        if why := refused_ranking(task):
            return why
        if self.of.name not in ("bi-encoder", "untouched", "margin-mse"):
            return f"it adds words to vectors, and {self.of.name} gives none"
        return refused_within(self.of, task)

    def work(self, context: Context) -> Work:
        """That of the strategy inside, unless the run has fitted it."""
        return Work(0.0, 1.0, 2.0) if known_fit(context, self.of) else self.of.work(context)

    def fit(self, context: Context) -> Candidate:
        """Fit the strategy inside, then find the weight."""
        from headstart.predictors.hybrid import DEPTH, HybridPredictor

        known = known_fit(context, self.of)
        inner = known or kept(context, self.of, self.of.fit(context))
        said = [f"its time is beside that of {self.of.name}, which the run had fitted"] if known else []
        dense: Any = inner.predictor
        words = words_of(context)
        context.progress.begin(self.name, len(context.validation))
        weight = self.dense_weight
        if weight is None:
            weight = self._chosen(context, inner, dense)
        predictor = HybridPredictor(dense, words, weight)
        crossed = context.folds is not None
        outputs = self._sums(context, inner, dense, DEPTH)(weight) if crossed else held_out(context, predictor)
        context.progress.end()
        return replace(
            inner,
            strategy=self.revised(of=inner.strategy, dense_weight=weight),
            predictor=predictor,
            validation=outputs,
            notes=[*inner.notes, *said],
            description=f"{weight:g} of {self.of.name}, {1 - weight:g} of bm25; {inner.description}",
        )

    def _sums(self, context: Context, inner: Candidate, dense: DensePredictor, depth: int) -> Any:
        """A function from a weight to rankings of the validation rows; under folds their vectors have not learnt from them."""
        from headstart.tasks.ranking import PLACES

        near = held_out(context, dense, depth) if context.folds is None else inner.validation
        words = held_out(context, words_of(context), depth)

        def at(weight: float) -> Ranked:
            found = weighted_sum([near, words], [weight, 1 - weight], PLACES)  # type: ignore[list-item]
            return replace(found, truncated=near.truncated)

        return at

    def _chosen(self, context: Context, inner: Candidate, dense: DensePredictor) -> float:
        """The best weight on validation, the one nearest to the usual if several are."""
        from headstart.evaluation.judging import sort_key
        from headstart.predictors.hybrid import DEPTH

        at = self._sums(context, inner, dense, DEPTH)
        tried = sorted((step / STEPS for step in range(STEPS + 1)), key=lambda each: abs(each - DENSE_WEIGHT))
        return max(tried, key=lambda each: sort_key(context.task, at(each), context.validation))
