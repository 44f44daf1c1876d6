"""The indexed store of examples: what every task, strategy and the trainer read from."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import numpy as np

from headstart.data.columns import taken
from headstart.data.units import row_numbers

E = TypeVar("E")


@dataclass(frozen=True)
class Store(Generic[E]):
    """Examples of one part (train, validation, test) by index, each with the place it came from.

    Args:
        examples: what the task parsed, one per row.
        lines: line in `file` of each example.
        file: for messages.
        columns: all columns of the rows, for scores by group.
        groups: number of the group of each row (a customer, a document), shape (rows,): kept together by splits and resampled as
            one; None where rows stand for themselves.
    """

    examples: Sequence[E]
    lines: Sequence[int]
    file: str
    columns: Mapping[str, Sequence[str | None]] = field(default_factory=dict)
    groups: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.examples)

    def get(self, index: int) -> E:
        """The example at `index`, in [0, len)."""
        return self.examples[index]

    def take(self, indices: Sequence[int] | np.ndarray) -> "Store[E]":
        """A store of the examples at `indices`, in that order."""
        return Store(
            taken(self.examples, indices),
            taken(self.lines, indices),
            self.file,
            {name: taken(values, indices) for name, values in self.columns.items()},
            None if self.groups is None else self.groups[row_numbers(indices)],
        )

    @property
    def labels(self) -> Sequence[Any]:
        """The label of each example, None where it has none."""
        own = getattr(self.examples, "labels", None)
        return [example.label for example in self.examples] if own is None else own  # type: ignore[attr-defined]

    @property
    def texts(self) -> Sequence[str]:
        """The text of each example, read when asked for."""
        return Read(self.examples, "text")

    @property
    def keys(self) -> Sequence[str]:
        """What makes each example the same as others (its text, or the digest of a picture), read when asked for."""
        return Read(self.examples, "key")

    @property
    def inputs(self) -> Sequence[Any]:
        """What a tokenizer is given of each example, read when asked for."""
        return Read(self.examples, "input")

    def digest(self) -> str:
        """SHA-256 over the examples in order: equal exactly when the same data would be learnt from."""
        state = hashlib.sha256()
        for example in self.examples:
            state.update(repr(example).encode("utf-8", "surrogatepass"))
            state.update(b"\x00")
        return state.hexdigest()


def joined_rows(first: Store[E], second: Store[E]) -> Store[E]:
    """The rows of two parts, one's behind the other's; columns are those that both have, and groups where both have some."""
    both = [name for name in first.columns if name in second.columns]
    columns = {name: [*first.columns[name], *second.columns[name]] for name in both}
    groups = None
    if first.groups is not None and second.groups is not None:
        groups = np.concatenate([first.groups, second.groups])
    return Store([*first.examples, *second.examples], [*first.lines, *second.lines], first.file, columns, groups)


class Read(Sequence[Any]):
    """One field of examples, without a list of them in memory.

    Args:
        examples: each with that field.
        field: its name.
    """

    def __init__(self, examples: Sequence[Any], field: str) -> None:
        self._examples = examples
        self._field = field

    def __len__(self) -> int:
        return len(self._examples)

    def __getitem__(self, at: Any) -> Any:
        found = self._examples[at]
        if isinstance(at, slice):
            return [getattr(example, self._field) for example in found]
        return getattr(found, self._field)

    def __iter__(self) -> Iterator[Any]:
        return (getattr(example, self._field) for example in self._examples)
