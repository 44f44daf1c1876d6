"""Rows that a model gets wrong, for people to look at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple


class MarkedSpan(NamedTuple):
    """A true or a predicted span of a text, and what became of it."""

    start: int
    """Place of its first character."""
    end: int
    """Place behind its last one."""
    type: str
    kind: str
    """One of `metrics.span_errors.KINDS`."""
    score: float | None = None
    """How sure the model is of it, in [0, 1]; None for true spans."""


class ListedPassage(NamedTuple):
    """A passage that was found for a question, or that answers it."""

    rank: int | None
    """Its place, from 1; None where it is not among those that were found."""
    id: str
    text: str
    answers: bool
    """Whether it answers the question."""


class Mistake(NamedTuple):
    """A row that the model gets wrong."""

    row: int
    label: str
    """What is true, as people read it."""
    predicted: str
    """What the model says, as people read it."""
    score: float | None
    """How sure the model is of it, in [0, 1]; None where the task knows no such number."""
    labels: Mapping[str, Sequence[str]] | None = None
    """Labels that are `right`, `missed` and `invented`, where a row has any number of them."""
    spans: Sequence[MarkedSpan] = ()
    """True and predicted spans of the text, where the task finds some."""
    text: str | None = None
    """The text that the places of spans are of; that of the whole row if None."""
    passages: Sequence[ListedPassage] = ()
    """What was found for a question, the best first, and what should have been, where passages are ranked."""
