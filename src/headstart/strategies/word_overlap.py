"""Control for questions about texts: which words question and text have in common; no pretrained knowledge, no network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from headstart.data.outputs import Logits
from headstart.data.questions import Question, words_between
from headstart.data.store import Store
from headstart.predictors.overlap import NOTHING, WIDTH, Terms
from headstart.predictors.word_overlap import WordOverlapPredictor, longest_of
from headstart.solving.span_scores import USUAL, SpanMap
from headstart.strategies.base import Context
from headstart.strategies.word_controls import WordControl
from headstart.tasks.base import Task

SPAN_WORDS = 40_000
"""Words of contexts on which spans as a whole are learnt; they have a dozen numbers."""
RARE_FROM = 500
"""Questions from which on pairs of what is asked and what a word is that occur once or twice are left out."""
SECONDS, START = 6e-5, 2.0
"""Seconds that a word of a context takes when maps are fitted, on one core; those of libraries and spans."""


class WordOverlap(WordControl):
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
    grid: ClassVar[tuple[float, ...]] = (0.1, 0.3, 1.0, 3.0)
    tuning_words: ClassVar[int] = 60_000
    iterations: ClassVar[int] = 80
    salt: ClassVar[int] = 0x0E7

    def refuses(self, task: Task) -> str:
        """Refuses all tasks but questions about texts."""
        return "" if task.target_kind == "answer" else "it finds answers to questions in texts, and nothing else"

    def _seconds(self, context: Context) -> tuple[float, float]:
        return START, SECONDS

    def _rank(self, context: Context, outputs: Logits, rows: Store[Any]) -> float:
        """The loss: F1 of some hundred questions is too noisy to choose by."""
        return -context.task.results(outputs, rows).mean_loss

    def _size(self, predictor: WordOverlapPredictor) -> tuple[int, int]:
        return predictor.terms.width, predictor.weight.size + len(predictor.judged.weights) + 2

    def _fitted(self, context: Context, rows: np.ndarray, variance: float) -> WordOverlapPredictor:
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
            most=self.iterations,
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
