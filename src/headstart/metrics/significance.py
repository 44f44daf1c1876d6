"""Is one system better than another by more than noise: of losses, and p-values corrected for asking more than once."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np


def clearly_less(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether the mean of `a` is below that of `b` by more than noise: a paired t-test over rows, two-sided, at 5 %.

    Args:
        a: one value per row, for instance its log-loss; shape (rows,).
        b: of the same rows; shape (rows,).
    """
    from scipy.special import stdtrit

    rows = len(a)
    if rows < 2:
        return False
    difference = b - a
    error = float(difference.std(ddof=1)) / np.sqrt(rows)
    return bool(difference.mean() > stdtrit(rows - 1, 0.975) * error)


def holm(p_values: Sequence[float]) -> list[float]:
    """Family-wise corrected p-values (Holm 1979), in the order given, each in [0, 1]."""
    order = np.argsort(p_values, kind="stable")
    corrected = [0.0] * len(p_values)
    highest = 0.0
    for rank, at in enumerate(order):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[at]))
        corrected[at] = highest
    return corrected


def correct(entries: Iterable[dict[str, Any]]) -> None:
    """Write `p_holm` beside `p` into all entries that have one: they are one family, see `holm`."""
    tested = [entry for entry in entries if "p" in entry]
    for entry, corrected in zip(tested, holm([entry["p"] for entry in tested]), strict=True):
        entry["p_holm"] = corrected
