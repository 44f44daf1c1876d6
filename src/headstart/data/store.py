"""The indexed store of examples: what every task, strategy and the trainer read from."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

E = TypeVar("E")


@dataclass(frozen=True)
class Store(Generic[E]):
    """Examples of one part (train, validation, test) by index, each with the place it came from.

    Args:
        examples: what the task parsed, one per row.
        lines: line in `file` of each example.
        file: for messages.
        columns: all columns of the rows, for scores by group.
    """

    examples: Sequence[E]
    lines: Sequence[int]
    file: str
    columns: Mapping[str, Sequence[str | None]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.examples)

    def get(self, index: int) -> E:
        """The example at `index`, in [0, len)."""
        return self.examples[index]

    def take(self, indices: Sequence[int]) -> "Store[E]":
        """A store of the examples at `indices`, in that order."""
        return Store(
            [self.examples[i] for i in indices],
            [self.lines[i] for i in indices],
            self.file,
            {name: [values[i] for i in indices] for name, values in self.columns.items()},
        )

    def digest(self) -> str:
        """SHA-256 over the examples in order: equal exactly when the same data would be learnt from."""
        state = hashlib.sha256()
        for example in self.examples:
            state.update(repr(example).encode("utf-8", "surrogatepass"))
            state.update(b"\x00")
        return state.hexdigest()
