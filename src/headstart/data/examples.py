"""Labelled texts, one by one or as columns that may stay on disk."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from headstart.data.columns import taken

Label = str | tuple[str, ...] | float | None
"""What is said of a row: a label, several of them, or a number; None where nothing is."""


@dataclass(frozen=True)
class Example:
    """One text, its label where it has one, and how much it counts in training."""

    text: str
    label: Label = None
    weight: float = 1.0

    @property
    def input(self) -> str:
        """What a tokenizer is given."""
        return self.text

    @property
    def key(self) -> str:
        """What makes two rows the same, for finding copies and leaks."""
        return self.text


@dataclass(frozen=True)
class Pair:
    """Two texts, their label where they have one, and how much they count in training."""

    first: str
    second: str
    label: Label = None
    weight: float = 1.0

    @property
    def text(self) -> str:
        """Both as one, for messages."""
        return f"{self.first}\n{self.second}"

    @property
    def key(self) -> str:
        """What makes two rows the same, for finding copies and leaks: both texts in their order."""
        return self.text

    @property
    def input(self) -> tuple[str, str]:
        """What a tokenizer is given."""
        return self.first, self.second


@dataclass(frozen=True, eq=False)
class Pairs(Sequence[Pair]):
    """Pairs made when asked for, so that texts may stay on disk.

    Args:
        firsts: column with the first texts.
        seconds: column with the second ones.
        labels: of each row.
        weights: of each row.
    """

    firsts: Sequence[str | None]
    seconds: Sequence[str | None]
    labels: Sequence[Any]
    weights: Sequence[float]

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, at: Any) -> Any:
        if isinstance(at, slice):
            return [self[row] for row in range(*at.indices(len(self)))]
        return Pair(self.firsts[at] or "", self.seconds[at] or "", self.labels[at], self.weights[at])

    def __iter__(self) -> Iterator[Pair]:
        for first, second, label, weight in zip(self.firsts, self.seconds, self.labels, self.weights, strict=True):
            yield Pair(first or "", second or "", label, weight)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    def take(self, indices: Sequence[int]) -> Pairs:
        """The rows at `indices`, in that order."""
        texts = taken(self.firsts, indices), taken(self.seconds, indices)
        return Pairs(*texts, taken(self.labels, indices), taken(self.weights, indices))


@dataclass(frozen=True, eq=False)
class Examples(Sequence[Example]):
    """Examples made when asked for, so that texts may stay on disk.

    Args:
        parts: columns of text, joined by a blank where there are several.
        labels: of each row.
        weights: of each row.
    """

    parts: Sequence[Sequence[str | None]]
    labels: Sequence[Any]
    weights: Sequence[float]

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, at: Any) -> Any:
        if isinstance(at, slice):
            return [self[row] for row in range(*at.indices(len(self)))]
        return Example(joined([part[at] for part in self.parts]) or "", self.labels[at], self.weights[at])

    def __iter__(self) -> Iterator[Example]:
        for parts, label, weight in zip(zip(*self.parts, strict=True), self.labels, self.weights, strict=True):
            yield Example(joined(parts) or "", label, weight)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    def take(self, indices: Sequence[int]) -> Examples:
        """The rows at `indices`, in that order."""
        return Examples(
            [taken(part, indices) for part in self.parts], taken(self.labels, indices), taken(self.weights, indices)
        )


def relabelled(examples: Sequence[Any], labels: Sequence[Any]) -> Sequence[Any]:
    """Examples with their texts and weights, under other labels."""
    if isinstance(examples, Examples | Pairs):
        return replace(examples, labels=labels)
    return [replace(example, label=label) for example, label in zip(examples, labels, strict=True)]


def texts_of(example: Example | Pair) -> tuple[str, ...]:
    """The texts of an example: one, or both of a pair."""
    return (example.first, example.second) if isinstance(example, Pair) else (example.text,)


def with_texts(example: Any, texts: Sequence[str]) -> Any:
    """An example with other texts, as many as `texts_of` gives, and all else of it."""
    if isinstance(example, Pair):
        return replace(example, first=texts[0], second=texts[1])
    return replace(example, text=texts[0])


def joined(parts: Sequence[str | None]) -> str | None:
    """One text of the parts of a row, joined by a blank where there are several."""
    return parts[0] if len(parts) == 1 else " ".join(part for part in parts if part)
