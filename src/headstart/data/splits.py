"""Cutting parts off a data set: stratified, by group, or in time order, with equal texts always on one side."""

from collections import defaultdict
from collections.abc import Hashable, Sequence

import numpy as np

from headstart.errors import DataError


def stratified(
    labels: Sequence[str], groups: Sequence[Hashable], *, share: float, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Cut off `share` of the rows, label by label, never parting rows of one group.

    Args:
        labels: one per row.
        groups: one key per row; rows of equal key stay together (a folded text, a customer, both).
        share: in (0, 1); each label with two or more groups gives at least one group and keeps at least one.
        seed: another seed, another cut.

    Returns:
        Row indices kept and cut off, each in ascending order.
    """
    by_label = _clusters(labels, groups)
    random = np.random.default_rng([seed, 0x5911])
    cut: list[int] = []
    for label in sorted(by_label):
        clusters = by_label[label]
        total = sum(len(rows) for rows in clusters)
        wanted = max(1, round(share * total))
        taken = 0
        for at in random.permutation(len(clusters))[: len(clusters) - 1]:
            rows = clusters[at]
            if taken and taken + len(rows) > wanted:
                continue
            cut += rows
            taken += len(rows)
            if taken >= wanted:
                break
    chosen = np.zeros(len(labels), dtype=bool)
    chosen[cut] = True
    return np.flatnonzero(~chosen), np.flatnonzero(chosen)


def folds(labels: Sequence[str], groups: Sequence[Hashable], *, parts: int, seed: int) -> np.ndarray:
    """Number every row with one of `parts` folds, label by label, never parting rows of one group.

    Args:
        labels: one per row.
        groups: one key per row; rows of equal key share a fold.
        parts: folds, at least 2.
        seed: another seed, another assignment.

    Returns:
        Fold of each row, in [0, parts), shape (rows,); every fold holds a row where there are as many groups.
    """
    by_label = _clusters(labels, groups)
    random = np.random.default_rng([seed, 0xF01D])
    found = np.zeros(len(labels), dtype=np.int64)
    at = 0
    for label in sorted(by_label):
        clusters = by_label[label]
        for which in random.permutation(len(clusters)):
            found[clusters[which]] = at % parts
            at += 1  # goes on from label to label, so that small labels do not all land in the first folds
    return found


def fold_count(labels: Sequence[str], groups: Sequence[Hashable]) -> int:
    """How many folds suit these rows: 3, fewer where labels have less than three groups of rows; at least 2."""
    return int(np.clip(np.median([len(clusters) for clusters in _clusters(labels, groups).values()]), 2, 3))


def _clusters(labels: Sequence[str], groups: Sequence[Hashable]) -> dict[str, list[list[int]]]:
    """Groups of rows by the label that most of their rows have."""
    members: dict[Hashable, list[int]] = defaultdict(list)
    for row, key in enumerate(groups):
        members[key].append(row)
    by_label: dict[str, list[list[int]]] = defaultdict(list)
    for rows in members.values():
        counts: dict[str, int] = defaultdict(int)
        for row in rows:
            counts[labels[row]] += 1
        by_label[max(sorted(counts), key=lambda label: counts[label])].append(rows)
    return by_label


def latest(times: Sequence[str], groups: Sequence[Hashable], *, share: float) -> tuple[np.ndarray, np.ndarray]:
    """Cut off the latest `share` of the rows; a group goes where its earliest row goes.

    Args:
        times: one per row, all numbers or all texts that sort by time (ISO 8601).
        groups: one key per row; rows of equal key stay together.
        share: in (0, 1).

    Raises:
        DataError: fewer than two distinct times.
    """
    keys = _sortable(times)
    order = np.argsort(keys, kind="stable")
    if keys[order[0]] == keys[order[-1]]:
        raise DataError("the time column holds one single value, so there is no later part to cut off")
    border = keys[order[max(1, len(order) - max(1, round(share * len(order))))]]
    late = keys >= border
    if late.all():
        late = keys > border
    first: dict[Hashable, bool] = {}
    for row in order:
        first.setdefault(groups[row], bool(late[row]))
    chosen = np.array([first[key] for key in groups])
    return np.flatnonzero(~chosen), np.flatnonzero(chosen)


def _sortable(times: Sequence[str]) -> np.ndarray:
    try:
        return np.array([float(time) for time in times])
    except ValueError:
        return np.unique(np.array(times, dtype=object).astype(str), return_inverse=True)[1]


def folded(text: str) -> str:
    """A text with case and white space folded: the key under which duplicates meet."""
    return " ".join(text.casefold().split())
