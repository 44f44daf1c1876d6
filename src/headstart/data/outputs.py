"""What a model gives for rows before a task makes predictions of it: logits, spans, texts or rankings, as plain arrays."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import ClassVar, Self

import numpy as np

from headstart.data.units import Units, row_numbers
from headstart.registry import Registry

OUTPUTS = Registry(
    "kind of outputs",
    {
        "logits": "headstart.data.outputs:Logits",
        "spans": "headstart.data.outputs:Spans",
        "generated": "headstart.data.outputs:Generated",
        "replies": "headstart.data.outputs:Replies",
        "ranked": "headstart.data.outputs:Ranked",
        "mixed": "headstart.data.mixed_outputs:Mixed",
    },
    group="headstart.outputs",
)


@dataclass(eq=False)
class Outputs(ABC):
    """Outputs of rows; journals, checkpoints, folds and artifacts keep them as arrays by name.

    Args:
        truncated: whether the end of a row's input was not read, bool, shape (rows,).
        abstained: whether a row is left out for want of confidence, bool, shape (rows,); None where no decision was made of it.
    """

    kind: ClassVar[str]

    truncated: np.ndarray
    abstained: np.ndarray | None = field(default=None, kw_only=True)

    def __len__(self) -> int:
        return len(self.truncated)

    @abstractmethod
    def take(self, rows: Sequence[int] | np.ndarray) -> Self:
        """The outputs of some rows, by number or by a bool for every row, in that order."""

    @abstractmethod
    def put(self, rows: Sequence[int] | np.ndarray, other: Self) -> None:
        """Fill in the outputs of some rows, such as those of a batch or of a fold."""

    @abstractmethod
    def arrays(self) -> dict[str, np.ndarray]:
        """All of it as arrays by name, which `from_arrays` reads again."""

    @classmethod
    @abstractmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> Self:
        """Read back what `arrays` gave.

        Raises:
            KeyError: an array is missing.
        """

    def _abstained_of(self, rows: np.ndarray) -> np.ndarray | None:
        return None if self.abstained is None else self.abstained[rows]

    @property
    def is_finite(self) -> bool:
        """Whether all numbers are finite."""
        return all(np.isfinite(each).all() for each in self.arrays().values() if each.dtype.kind == "f")


def outputs_of(kind: str, arrays: Mapping[str, np.ndarray]) -> Outputs:
    """Outputs of a registered kind from their arrays.

    Raises:
        RecipeError: the kind is not registered.
        KeyError: an array is missing.
    """
    return OUTPUTS.get(kind).from_arrays(arrays)


@dataclass(eq=False)
class Logits(Outputs):
    """A vector of numbers for each row, or for each unit of it such as its words.

    Args:
        truncated: see `Outputs`.
        values: float32, shape (units, width), those of one row after the other's.
        units: which of them belong to which row; one each if None.
        strangeness: how unlike the training rows a row is, one number each, float32, shape (rows,); None where nothing says so.
        thresholds: by which a task gives labels, shape (width,); None where no decision was made of them.
        sets: which labels a row may have, bool, shape (rows, width); None where no sets were asked for.
        in_scope: how far a row is in scope, in (0, 1], shape (rows,); None where nobody asked.
        refused: whether it is out of scope and gets no label, bool, shape (rows,); None where nobody asked.
    """

    kind: ClassVar[str] = "logits"

    values: np.ndarray
    units: Units | None = None
    strangeness: np.ndarray | None = None
    thresholds: np.ndarray | None = None
    sets: np.ndarray | None = None
    in_scope: np.ndarray | None = None
    refused: np.ndarray | None = None

    @classmethod
    def of(cls, values: np.ndarray, units: Units | None = None) -> Logits:
        """Values of rows none of which is cut."""
        return cls(np.zeros(len(values) if units is None else len(units), dtype=bool), values, units)

    def _places(self, rows: Sequence[int] | np.ndarray) -> np.ndarray:
        return row_numbers(rows) if self.units is None else self.units.of(rows)

    def take(self, rows: Sequence[int] | np.ndarray) -> Self:
        """The outputs of some rows, in that order."""
        chosen = row_numbers(rows)
        units = None if self.units is None else Units.counted(self.units.counts[chosen])
        return replace(
            self,
            truncated=self.truncated[chosen],
            values=self.values[self._places(rows)],
            units=units,
            strangeness=None if self.strangeness is None else self.strangeness[chosen],
            sets=None if self.sets is None else self.sets[chosen],
            in_scope=None if self.in_scope is None else self.in_scope[chosen],
            refused=None if self.refused is None else self.refused[chosen],
            abstained=self._abstained_of(chosen),
        )

    def put(self, rows: Sequence[int] | np.ndarray, other: Self) -> None:  # type: ignore[override]
        """Fill in the outputs of some rows."""
        self.values[self._places(rows)] = other.values
        self.truncated[row_numbers(rows)] = other.truncated
        if self.strangeness is not None and other.strangeness is not None:
            self.strangeness[row_numbers(rows)] = other.strangeness

    def scaled(self, factor: float) -> Self:
        """Outputs with all values multiplied by a factor, such as 1 / temperature."""
        return replace(self, values=self.values * factor)

    def arrays(self) -> dict[str, np.ndarray]:
        """`truncated`, `values` and, where there are any, `offsets` and `strangeness`; what decisions add is left out."""
        found = {"truncated": self.truncated, "values": self.values}
        if self.units is not None:
            found["offsets"] = self.units.offsets
        if self.strangeness is not None:
            found["strangeness"] = self.strangeness
        return found

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> Self:
        """Read back what `arrays` gave."""
        units = Units(arrays["offsets"]) if "offsets" in arrays else None
        return cls(arrays["truncated"], arrays["values"], units, arrays.get("strangeness"))


@dataclass(eq=False)
class RowArrays(Outputs):
    """Outputs all of whose fields are arrays with one entry for each row."""

    def take(self, rows: Sequence[int] | np.ndarray) -> Self:
        """The outputs of some rows, in that order."""
        chosen = row_numbers(rows)
        taken = {name: each[chosen] for name, each in self.arrays().items()}
        return type(self)(**taken, abstained=self._abstained_of(chosen))

    def put(self, rows: Sequence[int] | np.ndarray, other: Self) -> None:  # type: ignore[override]
        """Fill in the outputs of some rows, whose arrays are as wide."""
        for name, each in other.arrays().items():
            getattr(self, name)[row_numbers(rows)] = each

    def arrays(self) -> dict[str, np.ndarray]:
        """All fields by name; what decisions add is left out."""
        return {each.name: getattr(self, each.name) for each in fields(self) if each.name != "abstained"}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> Self:
        """Read back what `arrays` gave."""
        return cls(**arrays)


@dataclass(eq=False)
class Spans(RowArrays):
    """The best spans of each row's context, for extractive question answering, in place of logits of every word.

    Args:
        truncated: see `Outputs`.
        starts: first word of each span, int64, shape (rows, spans); -1 behind the last one.
        ends: last word of each span, of the same shape.
        scores: sum of the two logits, float32, of the same shape, the best first.
        nothing: score of there being no answer, float32, shape (rows,).
        partition: logarithm of the sum over all spans and none of exp(score), float32, shape (rows,).
    """

    kind: ClassVar[str] = "spans"

    starts: np.ndarray
    ends: np.ndarray
    scores: np.ndarray
    nothing: np.ndarray
    partition: np.ndarray


@dataclass(eq=False)
class Generated(Outputs):
    """Texts that were written for each row.

    Args:
        truncated: see `Outputs`.
        texts: of each row, the best first, at least one.
        scores: log-probability of each text by its length, float32, shape (rows, most texts of a row); 0 where none is known.
        ended: whether the first text came to its end before its limit, bool, shape (rows,).
        losses: of the reference in nats per token, float32, shape (rows,); 0 where none is known.
    """

    kind: ClassVar[str] = "generated"

    texts: list[tuple[str, ...]]
    scores: np.ndarray
    ended: np.ndarray
    losses: np.ndarray

    @classmethod
    def of(cls, texts: Sequence[str]) -> Generated:
        """One text for each row, of which nothing else is known."""
        rows = len(texts)
        scores, losses = np.zeros((rows, 1), dtype=np.float32), np.zeros(rows, dtype=np.float32)
        return cls(np.zeros(rows, dtype=bool), [(text,) for text in texts], scores, np.ones(rows, dtype=bool), losses)

    def take(self, rows: Sequence[int] | np.ndarray) -> Self:
        """The outputs of some rows, in that order."""
        chosen = row_numbers(rows)
        texts = [self.texts[row] for row in chosen]
        wide = max(map(len, texts), default=1)
        arrays = (self.scores[chosen, :wide], self.ended[chosen], self.losses[chosen])
        return type(self)(self.truncated[chosen], texts, *arrays, abstained=self._abstained_of(chosen))

    def put(self, rows: Sequence[int] | np.ndarray, other: Self) -> None:  # type: ignore[override]
        """Fill in the outputs of some rows."""
        chosen = row_numbers(rows)
        for row, texts in zip(chosen, other.texts, strict=True):
            self.texts[row] = texts
        wide = max(self.scores.shape[1], other.scores.shape[1])
        self.scores = _widened(self.scores, wide)
        self.scores[chosen] = _widened(other.scores, wide)
        self.ended[chosen], self.losses[chosen], self.truncated[chosen] = other.ended, other.losses, other.truncated

    def arrays(self) -> dict[str, np.ndarray]:
        """All fields by name, the texts as bytes of JSON."""
        written = bytearray(
            json.dumps(self.texts, ensure_ascii=True).encode()
        )  # unlike bytes, torch may share its memory
        own = {name: getattr(self, name) for name in ("truncated", "scores", "ended", "losses")}
        return own | {"texts": np.frombuffer(written, dtype=np.uint8)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> Self:
        """Read back what `arrays` gave."""
        texts = [tuple(each) for each in json.loads(np.asarray(arrays["texts"]).tobytes())]
        return cls(arrays["truncated"], texts, arrays["scores"], arrays["ended"], arrays["losses"])


@dataclass(eq=False)
class Replies(Generated):
    """What the assistant says in dialogues: how likely its turns were, or the turn that comes next.

    Args:
        truncated: whether older turns were left out, see `Outputs`.
        texts: of each row, as of `Generated`; empty where no turn was asked for.
        scores: as of `Generated`.
        ended: as of `Generated`.
        losses: of the turns that are there in nats per token, float32, shape (rows,); 0 where there is none.
        counts: tokens of these turns, int64, shape (rows,).
        bytes: of these turns in UTF-8, int64, shape (rows,).
    """

    kind: ClassVar[str] = "replies"

    counts: np.ndarray
    bytes: np.ndarray

    @classmethod
    def of(cls, texts: Sequence[str]) -> Replies:
        """One text for each row, of which nothing else is known."""
        plain, none = Generated.of(texts), np.zeros(len(texts), dtype=np.int64)
        return cls(plain.truncated, plain.texts, plain.scores, plain.ended, plain.losses, none, none.copy())

    def take(self, rows: Sequence[int] | np.ndarray) -> Self:
        """The outputs of some rows, in that order."""
        chosen = row_numbers(rows)
        found = Generated(self.truncated, self.texts, self.scores, self.ended, self.losses).take(chosen)
        counted = (self.counts[chosen], self.bytes[chosen])
        texts = (found.texts, found.scores, found.ended, found.losses)
        return type(self)(found.truncated, *texts, *counted, abstained=self._abstained_of(chosen))

    def put(self, rows: Sequence[int] | np.ndarray, other: Self) -> None:  # type: ignore[override]
        """Fill in the outputs of some rows."""
        super().put(rows, other)
        chosen = row_numbers(rows)
        self.counts[chosen], self.bytes[chosen] = other.counts, other.bytes

    def arrays(self) -> dict[str, np.ndarray]:
        """All fields by name, the texts as bytes of JSON."""
        return super().arrays() | {"counts": self.counts, "bytes": self.bytes}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> Self:
        """Read back what `arrays` gave."""
        found = Generated.from_arrays(arrays)
        texts = (found.texts, found.scores, found.ended, found.losses)
        return cls(found.truncated, *texts, arrays["counts"], arrays["bytes"])


def _widened(scores: np.ndarray, width: int) -> np.ndarray:
    """Scores with as many columns, 0 in those that come in."""
    return np.pad(scores, ((0, 0), (0, width - scores.shape[1]))) if scores.shape[1] < width else scores


@dataclass(eq=False)
class Ranked(RowArrays):
    """The best of many candidates for each row, such as passages for a query.

    Args:
        truncated: see `Outputs`.
        ids: row numbers of candidates, int64, shape (rows, candidates), the best first; -1 behind the last one.
        scores: float32, of the same shape.
        losses: of the relevant candidates in nats, float32, shape (rows,); 0 where none is known.
        ranks: place of the right candidate among a few that were drawn for the row, from 1, int64, shape (rows,); 0 for none.
    """

    kind: ClassVar[str] = "ranked"

    ids: np.ndarray
    scores: np.ndarray
    losses: np.ndarray
    ranks: np.ndarray

    @property
    def counts(self) -> np.ndarray:
        """Candidates of each row, shape (rows,)."""
        return (self.ids >= 0).sum(1)
