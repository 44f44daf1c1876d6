"""What training rows look like, kept with a model so that a stream of new rows can be held against them later."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Self

import numpy as np
from pydantic import Field, model_validator

from headstart.manifest import Stated, shaped
from headstart.runtime.contained import arrays, content, parsed

FILES = PLAIN, STATES = "reference.json", "reference.safetensors"
"""Names of its files in an artifact."""
MOST_BYTES = 16 << 20
"""Size of the file of plain data."""
BINS = 20
"""Bins of each histogram."""
SAMPLE = 128
"""Training rows whose pooled states are kept at most."""


class Histogram(Stated):
    """Edges of bins, ascending, and what was counted in each."""

    edges: list[float]
    counts: list[Annotated[float, Field(ge=0)]]

    @model_validator(mode="after")
    def _fitting(self) -> Self:
        if len(self.edges) != len(self.counts) + 1 or any(one >= other for one, other in pairwise(self.edges)):
            raise ValueError("edges should ascend, one more of them than counts")
        return self


class PlainReference(Stated):
    """What the file of plain data holds."""

    rows: Annotated[int, Field(ge=0)]
    labels: dict[str, Annotated[int, Field(ge=0)]]
    histograms: dict[str, Histogram]


@dataclass(frozen=True, eq=False)
class Reference:
    """Histograms of training rows, and the pooled states of some; no text can be read out of it.

    Args:
        rows: training rows behind it.
        labels: rows of each label, or of each bin of numbers.
        histograms: by name (`characters`, `confidence`), each with `edges`, shape (bins + 1,), and `counts`, shape (bins,).
        states: pooled states of a sample of the rows, float32, shape (sample, hidden); None for models without a network.
    """

    rows: int
    labels: Mapping[str, int] = field(default_factory=dict)
    histograms: Mapping[str, Mapping[str, list[float]]] = field(default_factory=dict)
    states: np.ndarray | None = None

    def save(self, folder: Path) -> None:
        """Write its files into an existing folder."""
        from safetensors.numpy import save_file

        plain = {"rows": self.rows, "labels": dict(self.labels), "histograms": dict(self.histograms)}
        (folder / PLAIN).write_text(json.dumps(plain, ensure_ascii=True), encoding="utf-8")
        if self.states is not None:
            save_file({"states": np.ascontiguousarray(self.states, dtype=np.float32)}, str(folder / STATES))

    @classmethod
    def load(cls, folder: Path) -> Reference | None:
        """Read back what `save` wrote; None where there is none, as in artifacts of the first format.

        Raises:
            ModelError: a file is damaged.
        """
        if not (folder / PLAIN).exists():
            return None
        said = shaped(
            PlainReference, parsed(content(folder, PLAIN, most=MOST_BYTES), folder / PLAIN), str(folder / PLAIN)
        )
        states = None
        if (folder / STATES).exists():
            states = arrays(folder, STATES, {"states": (None, None)})["states"]
        return cls(said.rows, said.labels, {name: each.model_dump() for name, each in said.histograms.items()}, states)


def histogram(
    values: np.ndarray | Sequence[float], *, low: float | None = None, high: float | None = None
) -> dict[str, list[float]]:
    """Counts of values in `BINS` bins of equal width.

    Args:
        values: shape (rows,), at least one.
        low: lower edge of the first bin; the least value if None.
        high: upper edge of the last bin; the greatest value if None.

    Returns:
        `edges`, one more than bins, and `counts`.
    """
    numbers = np.asarray(values, dtype=np.float64)
    low = float(numbers.min()) if low is None else low
    high = float(numbers.max()) if high is None else high
    counts, edges = np.histogram(numbers, bins=BINS, range=(low, high if high > low else low + 1.0))
    return {"edges": [float(edge) for edge in edges], "counts": [float(count) for count in counts]}
