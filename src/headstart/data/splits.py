"""Cutting parts off a data set: stratified, by group, or in time order, with equal texts always on one side."""

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any

import numpy as np

from headstart.data.graphemes import composed
from headstart.data.store import Store
from headstart.errors import DataError

Groups = Sequence[Hashable] | np.ndarray
"""One key per row; rows of equal key belong together."""


def stratified(
    labels: Sequence[str], groups: Groups, *, share: float, seed: int, least: int = 1
) -> tuple[np.ndarray, np.ndarray]:
    """Cut off `share` of the rows, label by label, never parting rows of one group.

    Args:
        labels: one per row.
        groups: one key per row; rows of equal key stay together (a folded text, a customer, both).
        share: in (0, 1); each label with more groups than it keeps gives at least one.
        seed: another seed, another cut.
        least: groups that each label keeps, at least 1; those that have no more give none.

    Returns:
        Row indices kept and cut off, each in ascending order.
    """
    by_label = _clusters(labels, groups)
    random = np.random.default_rng([seed, 0x5911])
    chosen = np.zeros(len(labels), dtype=bool)
    for label in sorted(by_label):
        clusters = by_label[label]
        wanted = max(1, round(share * len(clusters.rows)))
        taken = 0
        for at in random.permutation(len(clusters))[: max(len(clusters) - least, 0)]:
            rows = clusters[at]
            if taken and taken + len(rows) > wanted:
                continue
            chosen[rows] = True
            taken += len(rows)
            if taken >= wanted:
                break
    return np.flatnonzero(~chosen), np.flatnonzero(chosen)


def folds(labels: Sequence[str], groups: Groups, *, parts: int, seed: int) -> np.ndarray:
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


def fold_count(labels: Sequence[str], groups: Groups) -> int:
    """How many folds suit these rows: 3, fewer where labels have less than three groups of rows; at least 2."""
    return int(np.clip(np.median([*group_counts(labels, groups).values()]), 2, 3))


def group_counts(labels: Sequence[str], groups: Groups) -> dict[str, int]:
    """Groups of each label, a group counted for the label that most of its rows have."""
    return {label: len(clusters) for label, clusters in _clusters(labels, groups).items()}


@dataclass(frozen=True)
class Clusters:
    """Groups of rows, in arrays since there may be as many as rows.

    Args:
        rows: of all groups, one group after the other.
        ends: where each group begins in `rows`, and where the last one ends.
    """

    rows: np.ndarray
    ends: np.ndarray

    def __len__(self) -> int:
        return len(self.ends) - 1

    def __getitem__(self, at: int) -> np.ndarray:
        return self.rows[self.ends[at] : self.ends[at + 1]]


def _clusters(labels: Sequence[str], groups: Groups) -> dict[str, Clusters]:
    """Groups of rows by the label that most of their rows have (the first by name of equals), by first appearance."""
    numbers = groups if isinstance(groups, np.ndarray) else numbered(groups)
    _, first, inverse, sizes = np.unique(numbers, return_index=True, return_inverse=True, return_counts=True)
    rank = np.empty(len(first), dtype=np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    sizes = sizes[np.argsort(first)]
    rows = np.argsort(rank[inverse], kind="stable")
    ends = np.concatenate([[0], np.cumsum(sizes)])
    names = sorted({*labels})
    index = {name: code for code, name in enumerate(names)}
    codes = np.fromiter((index[label] for label in labels), dtype=np.int64, count=len(labels))
    own = codes[rows[ends[:-1]]]
    for cluster in np.flatnonzero(sizes > 1):
        own[cluster] = np.bincount(codes[rows[ends[cluster] : ends[cluster + 1]]]).argmax()
    found = {}
    for code, name in enumerate(names):
        mine = own == code
        if mine.any():
            inside = np.repeat(mine, sizes)
            found[name] = Clusters(rows[inside], np.concatenate([[0], np.cumsum(sizes[mine])]))
    return found


def numbered(keys: Sequence[Hashable]) -> np.ndarray:
    """A number for each distinct key."""
    numbers: dict[Hashable, int] = {}
    return np.fromiter((numbers.setdefault(key, len(numbers)) for key in keys), dtype=np.int64, count=len(keys))


def latest(times: Sequence[str], groups: Groups, *, share: float) -> tuple[np.ndarray, np.ndarray]:
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
    numbers = groups if isinstance(groups, np.ndarray) else numbered(groups)
    _, first, inverse = np.unique(numbers[order], return_index=True, return_inverse=True)
    chosen = np.empty(len(order), dtype=bool)
    chosen[order] = late[order][first][inverse]
    return np.flatnonzero(~chosen), np.flatnonzero(chosen)


def _sortable(times: Sequence[str]) -> np.ndarray:
    try:
        return np.array([float(time) for time in times])
    except ValueError:
        return np.unique(np.array(times, dtype=object).astype(str), return_inverse=True)[1]


def folded(text: str) -> str:
    """A text with case, white space and the encoding of letters folded: the key under which duplicates meet."""
    return " ".join(composed(text).casefold().split())


def fingerprints(texts: Iterable[str]) -> np.ndarray:
    """64 bits of a hash of each folded text, shape (texts,): equal for duplicates, by chance for one pair in 10^19."""

    def fingerprint(text: str) -> int:
        key = folded(text).encode("utf-8", "surrogatepass")
        return int.from_bytes(blake2b(key, digest_size=8).digest(), "little")

    return np.fromiter((fingerprint(text) for text in texts), dtype=np.uint64)


def kept_together(rows: Store[Any], *keys: np.ndarray) -> np.ndarray:
    """Group of each row, which is learnt from or held out as one: rows of equal text, of one group, and of equal keys.

    Args:
        rows: of a part; copies of a row in other words are in its group.
        keys: more values by which rows belong together, shape (rows,) each.

    Returns:
        Numbers from 0, shape (rows,).
    """
    own = [] if rows.groups is None else [rows.groups]
    return connected(fingerprints(rows.keys), *own, *keys)


def in_groups(rows: Store[Any], column: str | None) -> Store[Any]:
    """The rows with the groups that a column says, where there is one; a row whose cell is empty stands for itself.

    Args:
        rows: of a file.
        column: whose equal values belong together, such as a customer; None for none.
    """
    if column is None or column not in rows.columns:
        return rows
    keys = [(value,) if value and value.strip() else at for at, value in enumerate(rows.columns[column])]
    return replace(rows, groups=numbered(keys))


def fold_groups(rows: Store[Any]) -> np.ndarray:
    """Group of each row by which rows are dealt to folds, shape (rows,), see `kept_together`.

    Where all rows are one group, such as the sentences of one document, each stands for itself: nothing else could be held out.
    """
    groups = kept_together(rows)
    return groups if groups.max(initial=0) else np.arange(len(rows))


def connected(*keys: np.ndarray) -> np.ndarray:
    """Group of each row where rows that agree in any of the keys are together, directly or by way of others.

    Args:
        keys: one value per row each, shape (rows,).

    Returns:
        Numbers from 0, shape (rows,).
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    if len(keys) == 1:
        return np.unique(keys[0], return_inverse=True)[1]
    rows = len(keys[0])
    ends, total = [], rows
    for key in keys:
        values, inverse = np.unique(key, return_inverse=True)
        ends.append(total + inverse)
        total += len(values)
    links = coo_array(
        (np.ones(rows * len(keys), dtype=bool), (np.tile(np.arange(rows), len(keys)), np.concatenate(ends))),
        shape=(total, total),
    )
    return connected_components(links, directed=False)[1][:rows]
