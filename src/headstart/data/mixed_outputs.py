"""What a model of several tasks gives for the rows of all of them: outputs by task, kept as one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np

from headstart.data.outputs import Outputs, outputs_of
from headstart.data.units import row_numbers

PARTS = "/"
"""Stands between the name of a task, the kind of its outputs and the name of an array."""


@dataclass(eq=False)
class Mixed(Outputs):
    """Outputs of rows of several tasks, each task's of a kind and width of their own.

    Args:
        truncated: see `Outputs`.
        parts: outputs by the name of the task.
        homes: number of each row's task in the order of `parts`, int64, shape (rows,).
        places: number of each row among those of its task, int64, shape (rows,).
    """

    kind: ClassVar[str] = "mixed"

    parts: dict[str, Outputs]
    homes: np.ndarray
    places: np.ndarray

    @classmethod
    def of(cls, parts: Mapping[str, Outputs]) -> Mixed:
        """All rows of one task behind all rows of the one before, tasks in the order of their names."""
        parts = {name: parts[name] for name in sorted(parts)}
        sizes = [len(each) for each in parts.values()]
        truncated = np.concatenate([each.truncated for each in parts.values()])
        places = np.concatenate([np.arange(size, dtype=np.int64) for size in sizes])
        return cls(truncated, parts, np.repeat(np.arange(len(sizes), dtype=np.int64), sizes), places)

    def take(self, rows: Sequence[int] | np.ndarray) -> Self:
        """The outputs of some rows, in that order."""
        chosen = row_numbers(rows)
        homes, places = self.homes[chosen], self.places[chosen]
        parts, found = {}, np.zeros(len(homes), dtype=np.int64)
        for at, (name, outputs) in enumerate(self.parts.items()):
            own = homes == at
            parts[name] = outputs.take(places[own])
            found[own] = np.arange(int(own.sum()))
        return type(self)(self.truncated[chosen], parts, homes, found, abstained=self._abstained_of(chosen))

    def put(self, rows: Sequence[int] | np.ndarray, other: Self) -> None:  # type: ignore[override]
        """Fill in the outputs of some rows, each by one of the same task."""
        chosen = row_numbers(rows)
        for at, (name, outputs) in enumerate(self.parts.items()):
            own = self.homes[chosen] == at
            outputs.put(self.places[chosen][own], other.parts[name].take(other.places[own]))
        self.truncated[chosen] = other.truncated

    def arrays(self) -> dict[str, np.ndarray]:
        """Those of each task under its name and the kind of its outputs, and which rows are whose."""
        found = {"truncated": self.truncated, "homes": self.homes, "places": self.places}
        for name, outputs in self.parts.items():
            found |= {f"{name}{PARTS}{outputs.kind}{PARTS}{key}": each for key, each in outputs.arrays().items()}
        return found

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> Self:
        """Read back what `arrays` gave."""
        found: dict[tuple[str, str], dict[str, np.ndarray]] = {}
        for key, array in arrays.items():
            if PARTS in key:
                name, kind, own = key.split(PARTS)
                found.setdefault((name, kind), {})[own] = array
        parts = {}
        for (name, kind), own in found.items():
            try:
                parts[name] = outputs_of(kind, own)
            except KeyError as error:
                raise KeyError(PARTS.join((name, kind, str(error.args[0])))) from None
        order = sorted(parts)  # files give arrays back by name
        return cls(arrays["truncated"], {name: parts[name] for name in order}, arrays["homes"], arrays["places"])
