"""Metrics of things that are found or missed, such as spans or labels: precision, recall and F1 from counts.

A tally counts, for each row and each type, what is right, what is predicted and what is true.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from headstart.metrics.base import Metric, Tally

RIGHT, PREDICTED, TRUE = 0, 1, 2
"""Places in the counts of a type."""


def f1(counts: np.ndarray) -> np.ndarray:
    """Harmonic mean of precision and recall, in [0, 1]; 0 where there is nothing at all. Shape (..., 3) to (...)."""
    total = counts[..., PREDICTED] + counts[..., TRUE]
    return 2 * counts[..., RIGHT] / np.maximum(total, 1)


def precision(counts: np.ndarray) -> np.ndarray:
    """Share of what is predicted that is right, in [0, 1]; 0 where there are none. Shape (..., 3) to (...)."""
    return counts[..., RIGHT] / np.maximum(counts[..., PREDICTED], 1)


def recall(counts: np.ndarray) -> np.ndarray:
    """Share of what is true that was found, in [0, 1]; 0 where there are none. Shape (..., 3) to (...)."""
    return counts[..., RIGHT] / np.maximum(counts[..., TRUE], 1)


def macro_f1(counts: np.ndarray) -> np.ndarray:
    """Mean of F1 over types, those that neither occur nor are predicted left out. Shape (..., types * 3) to (...)."""
    each = counts.reshape(*counts.shape[:-1], -1, 3)
    there = each[..., PREDICTED] + each[..., TRUE] > 0
    return (f1(each) * there).sum(-1) / np.maximum(there.sum(-1), 1)


def _by_type(results: Any) -> Tally:
    return results.type_tally()


def _of_all_types(results: Any) -> Tally:
    each = results.type_tally()
    whole = Tally.of(each.table.reshape(len(each.table), -1, 3).sum(1))
    return Tally(whole.codes[each.codes], whole.table)


SEVERAL = frozenset({"labels", "spans"})
F1 = Metric("f1", "F1", SEVERAL, _of_all_types, f1, hub="f1")
PRECISION = Metric("precision", "precision", SEVERAL, _of_all_types, precision, hub="precision", for_choices=False)
RECALL = Metric("recall", "recall", SEVERAL, _of_all_types, recall, hub="recall", for_choices=False)
MACRO_F1 = Metric("macro_f1", "macro F1", SEVERAL | {"label"}, _by_type, macro_f1, hub="f1")
