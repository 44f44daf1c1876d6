"""Sentences whose spans a model gets wrong, with all of their spans as places in the text."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from headstart.data.store import Store
from headstart.data.tagged import marks_of
from headstart.data.units import Units
from headstart.data.words import Sentence
from headstart.metrics.span_errors import RIGHT, SpanOutcome
from headstart.tasks.mistakes import MarkedSpan, Mistake


def span_mistakes(
    rows: Store[Sentence], outcomes: Sequence[Sequence[SpanOutcome]], units: Units, sure: np.ndarray, most: int
) -> list[Mistake]:
    """The worst sentences, those first in which the model is surest of an error.

    How sure it is of an error is the probability of the least certain tag among the words concerned, as it is for entities.

    Args:
        rows: labelled.
        outcomes: of the spans of each row.
        units: words of each row.
        sure: probability of the tag that was predicted for each word, shape (words,).
        most: sentences at most.
    """
    worst: list[tuple[float, int]] = []
    for row, found in enumerate(outcomes):
        own = sure[units.offsets[row] : units.offsets[row + 1]]
        wrong = [float(own[slice(*outcome.words)].min()) for outcome in found if outcome.kind != RIGHT]
        if wrong:
            worst.append((max(wrong), row))
    order = sorted(worst, key=lambda each: (-each[0], each[1]))[:most]
    return [_mistake(row, rows.get(row), outcomes[row], sure[units.of([row])], score) for score, row in order]


def _mistake(at: int, row: Sentence, outcomes: Sequence[SpanOutcome], sure: np.ndarray, score: float) -> Mistake:
    """A sentence with its true and its predicted spans.

    Args:
        at: its number.
        row: the sentence.
        outcomes: of its spans.
        sure: probability of the tag that was predicted for each of its words.
        score: how sure the model is of its worst error.
    """
    spans: list[MarkedSpan] = []
    said: list[str] = []
    for true in (True, False):
        chosen = [(outcome.true if true else outcome.predicted, outcome.kind) for outcome in outcomes]
        there = [(span, kind) for span, kind in chosen if span is not None]
        marks = marks_of(row.input, [span for span, _ in there])
        said.append("; ".join(f"{mark.type}: {row.text[mark.start : mark.end]}" for mark in marks) or "no span")
        for mark, (span, kind) in zip(marks, there, strict=True):
            least = None if true else float(sure[span.start : span.end].min())
            spans.append(MarkedSpan(mark.start, mark.end, mark.type, kind, least))
    return Mistake(at, said[0], said[1], score, spans=spans)
