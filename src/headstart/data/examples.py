"""Labelled texts, one by one or as columns that may stay on disk."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from headstart.data.columns import taken


@dataclass(frozen=True)
class Example:
    """One text, its label where it has one, and how much it counts in training."""

    text: str
    label: str | None = None
    weight: float = 1.0


@dataclass(frozen=True, eq=False)
class Examples(Sequence[Example]):
    """Examples made when asked for, so that texts may stay on disk.

    Args:
        parts: columns of text, joined by a blank where there are several.
        labels: of each row.
        weights: of each row.
    """

    parts: Sequence[Sequence[str | None]]
    labels: Sequence[str | None]
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


def relabelled(examples: Sequence[Example], labels: Sequence[str | None]) -> Sequence[Example]:
    """The same texts and weights under other labels."""
    if isinstance(examples, Examples):
        return replace(examples, labels=labels)
    return [replace(example, label=label) for example, label in zip(examples, labels, strict=True)]


def joined(parts: Sequence[str | None]) -> str | None:
    """One text of the parts of a row, joined by a blank where there are several."""
    return parts[0] if len(parts) == 1 else " ".join(part for part in parts if part)
