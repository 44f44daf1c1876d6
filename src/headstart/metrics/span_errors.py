"""How predicted spans differ from true ones: each is right, of another type, of other words, missed or invented.

Every span stands in one outcome, so outcomes with a true span sum to the true ones and those with a predicted span to the
predicted ones. The kinds of error are those of Chinchor & Sundheim (1993), "MUC-5 Evaluation Metrics", with errors of boundaries
apart from errors of types.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from headstart.data.tags import Span

RIGHT, WRONG_TYPE, WRONG_BOUNDARY, WRONG_BOTH = "right", "wrong type", "wrong boundary", "wrong type and boundary"
MISSED, INVENTED = "missed", "invented"
KINDS = (RIGHT, WRONG_TYPE, WRONG_BOUNDARY, WRONG_BOTH, MISSED, INVENTED)
"""All outcomes, the best first."""


class SpanOutcome(NamedTuple):
    """What became of a true span, a predicted one, or of both."""

    kind: str
    """One of `KINDS`."""
    true: Span | None
    predicted: Span | None

    @property
    def words(self) -> tuple[int, int]:
        """First word of both spans together, and the word behind the last one."""
        spans = [span for span in (self.true, self.predicted) if span is not None]
        return min(span.start for span in spans), max(span.end for span in spans)


def outcomes(true: Sequence[Span], predicted: Sequence[Span]) -> list[SpanOutcome]:
    """Outcomes of the spans of one sentence, in the order of its words.

    Spans are paired one to one: equal ones first, then those of the same words, then those that share most words, of the same
    type where there is a choice. What is left is missed or invented.

    Args:
        true: spans that share no words.
        predicted: of the same sentence, likewise.
    """
    left, found = [*true], []
    rest = [*predicted]

    def pair(kind: str, fits: Callable[[Span, Span], bool]) -> None:
        pairs = [(_shared(one, other), one, other) for one in left for other in rest if fits(one, other)]
        for _, one, other in sorted(pairs, key=lambda each: -each[0]):
            if one in left and other in rest:
                left.remove(one)
                rest.remove(other)
                found.append(SpanOutcome(kind, one, other))

    pair(RIGHT, lambda one, other: one == other)
    pair(WRONG_TYPE, lambda one, other: one[:2] == other[:2])
    pair(WRONG_BOUNDARY, lambda one, other: one.type == other.type and _shared(one, other) > 0)
    pair(WRONG_BOTH, lambda one, other: _shared(one, other) > 0)
    found += [SpanOutcome(MISSED, span, None) for span in left]
    found += [SpanOutcome(INVENTED, None, span) for span in rest]
    return sorted(found, key=lambda outcome: outcome.words)


def _shared(one: Span, other: Span) -> int:
    """Words that two spans share; negative where they are apart."""
    return min(one.end, other.end) - max(one.start, other.start)
