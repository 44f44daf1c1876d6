"""Control for questions about texts: which words question and text have in common; no pretrained knowledge, no network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from headstart.data.outputs import Logits
from headstart.data.questions import Question, words_between
from headstart.data.units import Units
from headstart.predictors.overlap import NOTHING, WIDTH, Terms
from headstart.predictors.word_overlap import WordOverlapPredictor, longest_of
from headstart.solving.span_scores import USUAL, SpanMap
from headstart.strategies.base import LEAST_STRENGTH, MOST_STRENGTH, Auto, Candidate, Context, Strategy, Work
from headstart.tasks.base import Task

GRID = (0.1, 0.3, 1.0, 3.0)
TUNING_WORDS = 60_000
"""Words of contexts up to which strengths are compared."""
MOST_WORDS = 500_000
"""Words of contexts beyond which questions are drawn at random to learn from."""
SPAN_WORDS = 40_000
"""Words of contexts on which spans as a whole are learnt; they have a dozen numbers."""
RARE_FROM = 500
"""Questions from which on pairs of what is asked and what a word is that occur once or twice are left out."""
SECONDS, START = 6e-5, 2.0
"""Seconds that a word of a context takes when maps are fitted, on one core; those of libraries and spans."""
ITERATIONS = 80
FOLDS = 3


class WordOverlap(Strategy):
    """Log-linear model of spans on words that question and context share, on what is asked and what words look like.

    A sliding window and a logistic regression on overlap, shape and question words (Rajpurkar et al. 2016, section 5; Richardson
    et al. 2013, section 5): the baseline to beat on questions, a minute to train, no GPU.

    Needs: labels; no backbone.
    Inputs: questions with contexts.
    See also: `from-scratch`, the control of what a network learns by itself; `crf`, the control where words have labels.

    Example:
        headstart fit examples/questions/train.csv --task question-answering --strategy word-overlap
    """

    name: ClassVar[str] = "word-overlap"
    role: ClassVar[Literal["transfer", "control"]] = "control"
    needs_backbone: ClassVar[bool] = False
    auto: ClassVar[Auto | None] = Auto()
    cost: ClassVar[int] = 1

    variance: float | None = Field(default=None, ge=LEAST_STRENGTH, le=MOST_STRENGTH)
    """Inverse strength of the L2 penalty on weights, over 0; chosen by cross-validation on training rows if not given."""

    def refuses(self, task: Task) -> str:
        """Refuses all tasks but questions about texts."""
        return "" if task.target_kind == "answer" else "it finds answers to questions in texts, and nothing else"

    def work(self, context: Context) -> Work:
        """No pass of a network; seconds by the words of all contexts that maps are fitted on."""
        words = context.task.units(context.train).total
        folds = FOLDS if context.folds is None else int(context.folds[0].max()) + 1
        solved = min(words, MOST_WORDS)
        if self.variance is None:
            solved += len(GRID) * (folds - 1) * min(words, TUNING_WORDS)
        if context.folds is not None:
            solved += (folds - 1) * words
        return Work(0.0, 0.0, START + SECONDS * solved)

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
            outputs,
            f"{predictor.terms.width:,} features, variance {variance:g}",
            predictor.weight.size + len(predictor.judged.weights) + 2,
            notes=[] if len(rows) == total else [f"learnt from {len(rows):,} of {total:,} rows, at random"],
        )


def _sampled(context: Context, words: int) -> np.ndarray:
    """Training rows with about so many words, at random; all where there are no more."""
    total, count = len(context.train), context.task.units(context.train).total
    if count <= words:
        return np.arange(total)
    most = max(2, words * total // count)
    return np.sort(np.random.default_rng([context.seed, 0x0E7]).permutation(total)[:most])


def _tuned(context: Context) -> float:
    """The strength with the lowest loss on held-out questions: F1 of some hundred is too noisy to choose by."""
    rows = _sampled(context, TUNING_WORDS)
    if context.folds is not None:
        dealt = context.folds[0][rows]  # these keep groups and equal texts together
    else:
        dealt = np.random.default_rng([context.seed, 0x0E70]).permutation(len(rows)) % FOLDS
    some = context.train.take(rows)
    losses = {}
    for variance in GRID:
        losses[variance] = context.task.results(_out_of_fold(context, dealt, rows, variance), some).mean_loss
        if context.late:
            break
    return min(losses, key=lambda variance: losses[variance])


def _out_of_fold(context: Context, dealt: np.ndarray, rows: np.ndarray, variance: float) -> Logits:
    """Outputs of some training rows from maps that were fitted without their fold."""
    units = Units.counted(context.task.units(context.train).counts[rows])
    outputs = Logits.of(np.zeros((units.total, 2), dtype=np.float32), units)
    for fold in np.unique(dealt):
        held, kept = np.flatnonzero(dealt == fold), np.flatnonzero(dealt != fold)
        if len(kept):
            predictor = _fitted(context, rows[kept], variance)
            outputs.put(held, predictor.outputs(list(context.train.take(rows[held]).inputs)))
    return outputs


def _fitted(context: Context, rows: np.ndarray, variance: float) -> WordOverlapPredictor:
    """Maps fitted on some training rows, then spans as a whole on some of these."""
    from headstart.solving.span_scores import fit_spans
    from headstart.solving.word_choice import solve_choice

    train, task = context.train.take(rows), context.task
    examples: Sequence[Question] = list(train.examples)
    true = [_spans(each) for each in examples]
    inputs = [each.input for each in examples]
    ends = ([at for span in sorted({*spans}) for at in span] for spans in true)
    terms = Terms.learnt(zip(inputs, ends, strict=True), 3 if len(inputs) >= RARE_FROM else 1)
    features, layout = terms.features(inputs)
    scale = _scale(features, len(terms.pairs))
    weight = scale * solve_choice(
        features.multiply(scale).tocsr(),
        task.targets(train),
        strength=variance,
        most=ITERATIONS,
        late=lambda: context.late,
        advance=context.progress.advance,
    )
    predictor = WordOverlapPredictor(terms, weight, SpanMap(USUAL), task)
    options: Any = task
    some = np.random.default_rng(0x5A).permutation(len(inputs))[
        : max(2, SPAN_WORDS * len(inputs) // layout.units.total)
    ]
    spans = [true[row] for row in some]
    if any(last - first < predictor.longest for each in spans for first, last in each):
        values, layout = predictor.values([inputs[row] for row in some])
        predictor.judged = fit_spans(values, layout, spans, longest=longest_of(task), nothing=options.may_refuse)
    return predictor


def _scale(features: Any, pairs: int) -> np.ndarray:
    """What features are multiplied by, so that one penalty fits all: numbers get a standard deviation of 1, pairs stay 0 and 1."""
    numbers = features[:, pairs:].toarray()
    scale = np.ones(features.shape[1], dtype=np.float32)
    spread = numbers.std(0)[:WIDTH]
    scale[pairs : pairs + WIDTH] = np.where(spread > 0, 1 / np.maximum(spread, 1e-3), 1.0)
    assert len(scale) == pairs + WIDTH + NOTHING
    return scale


def _spans(example: Question) -> list[tuple[int, int]]:
    """First and last word of each answer of a row, as often as it is given."""
    found = (words_between(example.input.context_words, each.start, each.end) for each in example.label or ())
    return [span for span in found if span is not None]
