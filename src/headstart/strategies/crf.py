"""Control for tasks on words: a linear-chain CRF on what words look like; no pretrained knowledge, no network."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from headstart.data.outputs import Logits
from headstart.data.units import Units
from headstart.evaluation.judging import sort_key
from headstart.predictors.chain import ChainPredictor, known_features, shapes_of
from headstart.strategies.base import LEAST_STRENGTH, MOST_STRENGTH, Auto, Candidate, Context, Strategy, Work
from headstart.tasks.base import Task

GRID = (0.3, 1.0, 3.0, 10.0)
TUNING_WORDS = 20_000
"""Words up to which strengths are compared."""
MOST_WORDS = 500_000
"""Words beyond which sentences are drawn at random to learn from."""
RARE_FROM = 20_000
"""Words from which on features that occur once are left out."""
SECONDS = 2.5e-5
"""Seconds that a word takes for each tag when a chain is fitted, on one core."""
ITERATIONS = 100
FOLDS = 3


class Crf(Strategy):
    """Linear-chain conditional random field (Lafferty et al. 2001) on words, shapes, prefixes, suffixes and neighbours.

    The baseline to beat on words: minutes to train, no GPU, strength of the L2 penalty by cross-validation.

    Needs: labels, one for each word; no backbone.
    Inputs: sentences as words, with spans or tags.
    See also: `tf-idf`, the control of whole texts; the option `crf` of `token-classification` puts a chain on a network.

    Example:
        headstart fit examples/entities/train.conll --task token-classification --strategy crf
    """

    name: ClassVar[str] = "crf"
    role: ClassVar[Literal["transfer", "control"]] = "control"
    needs_backbone: ClassVar[bool] = False
    auto: ClassVar[Auto | None] = Auto()
    cost: ClassVar[int] = 1

    variance: float | None = Field(default=None, ge=LEAST_STRENGTH, le=MOST_STRENGTH)
    """Inverse strength of the L2 penalty on weights, over 0; chosen by cross-validation on training rows if not given."""

    def refuses(self, task: Task) -> str:
        """Refuses all tasks but those that tag words."""
        return "" if task.target_kind == "tags" else "it tags words; the control of whole texts is tf-idf"

    def work(self, context: Context) -> Work:
        """No pass of a network; seconds by the words of all chains that are fitted."""
        words = context.task.units(context.train).total
        folds = FOLDS if context.folds is None else int(context.folds[0].max()) + 1
        solved = min(words, MOST_WORDS)
        if self.variance is None:
            solved += len(GRID) * (folds - 1) * min(words, TUNING_WORDS)
        if context.folds is not None:
            solved += (folds - 1) * words
        return Work(0.0, 0.0, SECONDS * len(context.task.names) * solved)

    def fit(self, context: Context) -> Candidate:
        """Choose the strength by cross-validation, then fit on all training rows."""
        rows = _sampled(context, MOST_WORDS)
        context.progress.begin(self.name, ITERATIONS * 2)
        variance = self.variance or _tuned(context)
        predictor = _fitted(context, rows, variance)
        if context.folds is None:
            outputs = predictor.outputs(list(context.validation.inputs))
        else:
            outputs = _out_of_fold(context, context.folds[0], np.arange(len(context.train)), variance)
        context.progress.end()
        total = len(context.train)
        return Candidate(
            self.revised(variance=variance),
            context.training,
            predictor,
            replace(outputs, values=outputs.values.astype(np.float32)),
            f"{len(predictor.features):,} features, variance {variance:g}",
            predictor.chain.weight.size + predictor.chain.transitions.size,
            notes=[] if len(rows) == total else [f"learnt from {len(rows):,} of {total:,} rows, at random"],
        )


def _sampled(context: Context, words: int) -> np.ndarray:
    """Training rows with about so many words, at random; all where there are no more."""
    total, count = len(context.train), context.task.units(context.train).total
    if count <= words:
        return np.arange(total)
    most = max(2, words * total // count)
    return np.sort(np.random.default_rng([context.seed, 0xC4F]).permutation(total)[:most])


def _tuned(context: Context) -> float:
    """The strength with the best rank on held-out sentences."""
    rows = _sampled(context, TUNING_WORDS)
    if context.folds is not None:
        dealt = context.folds[0][rows]  # these keep groups and equal texts together
    else:
        dealt = np.random.default_rng([context.seed, 0xC4F0]).permutation(len(rows)) % FOLDS
    some = context.train.take(rows)
    ranks = {}
    for variance in GRID:
        ranks[variance] = sort_key(context.task, _out_of_fold(context, dealt, rows, variance), some)
        if context.late:
            break
    return max(ranks, key=lambda variance: ranks[variance])


def _out_of_fold(context: Context, dealt: np.ndarray, rows: np.ndarray, variance: float) -> Logits:
    """Outputs for the words of some training rows from chains that were fitted without their fold."""
    units = Units.counted(context.task.units(context.train).counts[rows])
    outputs = Logits.of(np.zeros((units.total, len(context.task.names))), units)
    for fold in np.unique(dealt):
        held, kept = np.flatnonzero(dealt == fold), np.flatnonzero(dealt != fold)
        if len(kept):
            predictor = _fitted(context, rows[kept], variance)
            outputs.put(held, predictor.outputs(list(context.train.take(rows[held]).inputs)))
    return outputs


def _fitted(context: Context, rows: np.ndarray, variance: float) -> ChainPredictor:
    """A chain fitted on some training rows."""
    from headstart.solving.chain import solve_chain

    train = context.train.take(rows)
    sentences = [each.composed for each in train.inputs]
    units = Units.counted([len(words) for words in sentences])
    seen: Counter[str] = Counter(name for words in sentences for names in shapes_of(words) for name in names)
    least = 2 if units.total >= RARE_FROM else 1
    names = sorted(name for name, count in seen.items() if count >= least)
    places = {name: at for at, name in enumerate(names)}
    chain = solve_chain(
        known_features(sentences, places),
        context.task.targets(train),
        units,
        tags=len(context.task.names),
        strength=variance,
        most=ITERATIONS,
        late=lambda: context.late,
        advance=context.progress.advance,
    )
    return ChainPredictor(chain, names, context.task)
