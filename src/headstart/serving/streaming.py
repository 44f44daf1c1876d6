"""Predictions of lines as they come: each is answered before the next one is read, and how long that took is kept."""

from __future__ import annotations

import time
from array import array
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from headstart.artifact import Artifact
from headstart.serving.files import predict_lines


class Waits:
    """Seconds from the arrival of each line until its answer was handed on."""

    def __init__(self) -> None:
        self._seconds = array("d")

    def __len__(self) -> int:
        return len(self._seconds)

    def add(self, seconds: float) -> None:
        """Count one line."""
        self._seconds.append(seconds)

    def percentile(self, share: float) -> float:
        """Milliseconds that a share of the lines, in [0, 100] percent, waited at most."""
        return float(np.percentile(np.frombuffer(self._seconds), share)) * 1000

    def plain(self) -> dict[str, Any]:
        """`latency_ms` with `p50` and `p95`; nothing where no line was counted."""
        return {"latency_ms": {"p50": self.percentile(50), "p95": self.percentile(95)}} if self else {}

    def __str__(self) -> str:
        """Both percentiles in words."""
        return f"p50 {self.percentile(50):.1f} ms, p95 {self.percentile(95):.1f} ms over {len(self):,} lines"


def predict_stream(
    artifact: Artifact, lines: Iterable[str], *, abstain: float | None = None, waits: Waits
) -> Iterator[dict[str, Any]]:
    """One plain prediction per line as it comes, as `predict_lines` has them; no line waits for the next.

    Args:
        artifact: what predicts.
        lines: of an input that may pause as long as it likes.
        abstain: see `files.prediction_row`.
        waits: counts each line once the next one is asked for, so what is done with its answer counts too.
    """
    came = time.perf_counter()

    def arriving() -> Iterator[str]:
        nonlocal came
        for line in lines:
            came = time.perf_counter()
            yield line

    for row in predict_lines(artifact, arriving(), abstain=abstain, at_once=1):
        yield row
        waits.add(time.perf_counter() - came)
