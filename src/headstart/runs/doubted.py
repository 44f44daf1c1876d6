"""Rows whose label is likely to be wrong, and how many of the first of them are: held-out outputs, a mixture, a self-test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from headstart.checks.label_noise import NoiseModel, of_labels, of_numbers
from headstart.data.examples import relabelled
from headstart.data.outputs import Outputs
from headstart.data.store import Store
from headstart.data.tags import OUTSIDE, spans_of, split_tag, tags_of
from headstart.metrics import roc
from headstart.runs.held_out import HeldOut, held_out, values_of
from headstart.strategies.base import Context
from headstart.tasks.base import Task

RANKED = frozenset({"label", "labels", "number", "tags"})
"""Kinds of targets whose rows are ranked by doubt."""
LEAST_ROWS = 50
"""Rows below which nothing is said of labels: too few to learn from, and to test it."""
TEST_SHARE, TEST_ROWS, MOST_TEST_SHARE = 0.05, 40, 0.2
"""Share of the rows whose labels the self-test changes, rows at least, and the most of them."""


LOOSE = 0.1
"""Share of the first rows by which the self-test may miss its promise."""


@dataclass(frozen=True)
class Doubted:
    """Doubts about the labels of rows.

    Args:
        task: bound to the rows.
        rows: that were looked at.
        model: the mixture of right and wrong labels, by unit.
        doubts: probability that the label of each row is wrong, in [0, 1], shape (rows,).
        likelier: what the models find likelier than the given label of each row, in words.
        information: usable information of each row, in bits, the mean of its units, shape (rows,).
        units: number of the most doubtful unit of each row, shape (rows,); None where each row is one.
    """

    task: Task[Any, Any]
    rows: Store[Any]
    model: NoiseModel
    doubts: np.ndarray
    likelier: list[str]
    information: np.ndarray
    units: np.ndarray | None = None

    @property
    def order(self) -> np.ndarray:
        """Rows by doubt, the most doubtful first, shape (rows,)."""
        return np.argsort(-self.doubts, kind="stable")

    def promise(self, first: int) -> tuple[float, float, float]:
        """Share of wrong labels to expect among so many first rows, with its 95 % interval."""
        rows = self.order[:first]
        _, low, high = self.model.promise(rows if self.units is None else self.units[rows])
        value = float(self.doubts[rows].mean())
        return value, min(low, value), max(high, value)


@dataclass(frozen=True)
class SelfTest:
    """What became of labels that were changed on purpose, in a copy in memory.

    Args:
        flipped: rows whose label was changed.
        auroc: how often a changed row is more doubtful than another one, in [0, 1].
        first: rows at the top that are looked at.
        found: how many of these were changed.
        promised: how many the mixture says to be changed, of these.
        found_at_all: how many changed rows are among as many first rows as were changed.
    """

    flipped: int
    auroc: float
    first: int
    found: int
    promised: float
    found_at_all: int

    @property
    def is_kept(self) -> bool:
        """Whether as many were found as promised, but for a tenth of the rows looked at and for chance."""
        share = min(self.promised / max(self.first, 1), 1.0)
        chance = 2 * float(np.sqrt(self.first * share * (1 - share)))
        chance = 2 * float(np.sqrt(self.first * share * (1 - share)))
        return bool(abs(self.found - self.promised) <= LOOSE * self.first + chance)

    def plain(self) -> dict[str, Any]:
        """Plain data for evidence and `--json`."""
        return {
            "flipped": self.flipped,
            "auroc": self.auroc,
            "first": self.first,
            "found": self.found,
            "promised": self.promised,
            "found_among_as_many": self.found_at_all,
            "kept": self.is_kept,
        }


def doubted(task: Task[Any, Any], rows: Store[Any], outputs: Sequence[Outputs]) -> Doubted:
    """Doubts about the labels of rows.

    Args:
        task: bound to them; its kind of target is one of `RANKED`.
        rows: labelled.
        outputs: of strategies that were not fitted on the row.
    """
    values = [values_of(each) for each in outputs]
    if task.target_kind == "number":
        return _of_numbers(task, rows, values)
    if task.target_kind == "labels":
        return _of_sets(task, rows, values)
    targets = task.targets(rows)
    model = of_labels(values, targets)
    doubts, other = model.doubts(), _likeliest_other(values, model.weights, targets)
    if not task.words:
        return Doubted(task, rows, model, doubts, [task.names[at] for at in other], model.usable_information)
    units = task.units(rows)
    worst = [
        int(start + doubts[start:end].argmax()) if end > start else -1
        for start, end in zip(units.offsets[:-1].tolist(), units.offsets[1:].tolist(), strict=True)
    ]
    said = []
    for row, at in enumerate(worst):
        word = rows.get(row).input.words[at - units.offsets[row]] if at >= 0 else ""
        said.append(f"{word}: {task.names[other[at]]} rather than {task.names[targets[at]]}" if at >= 0 else "")
    by_row = np.array([doubts[at] if at >= 0 else 0.0 for at in worst])
    information = units.sums(model.usable_information) / np.maximum(units.counts, 1)
    return Doubted(task, rows, model, by_row, said, information, np.maximum(worst, 0))


def _of_sets(task: Task[Any, Any], rows: Store[Any], values: list[np.ndarray]) -> Doubted:
    """Doubts of rows with any number of labels: each label is there or not."""
    targets, labels = task.targets(rows).astype(np.int64), len(task.names)
    cells = [np.stack([np.zeros(each.size), each.ravel()], axis=1) for each in values]
    model = of_labels(cells, targets.ravel())
    doubts = model.doubts().reshape(-1, labels)
    worst = doubts.argmax(1)
    said = [f"{'without' if targets[row, at] else 'with'} {task.names[at]}" for row, at in enumerate(worst.tolist())]
    information = model.usable_information.reshape(-1, labels).sum(1)
    units = np.arange(len(rows)) * labels + worst
    return Doubted(task, rows, model, 1 - np.prod(1 - doubts, axis=1), said, information, units)


def _of_numbers(task: Task[Any, Any], rows: Store[Any], values: list[np.ndarray]) -> Doubted:
    targets = np.asarray(task.targets(rows), dtype=np.float64).ravel()
    model = of_numbers([each[:, 0] for each in values], targets)
    mean, deviation = task.output_scale
    told = np.stack([each[:, 0] for each in values]).T @ model.weights * deviation + mean
    return Doubted(task, rows, model, model.doubts(), [f"{each:.4g}" for each in told], model.usable_information)


def _likeliest_other(values: list[np.ndarray], weights: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Number of the likeliest label of each unit beside the given one, shape (units,)."""
    scores = [each - np.logaddexp.reduce(each, axis=1, keepdims=True) for each in values]
    joined = np.tensordot(weights, np.stack(scores), 1)
    joined[np.arange(len(targets)), targets] = -np.inf
    return joined.argmax(1)


def self_test(found: Doubted, asked: HeldOut, context: Context, first: int) -> SelfTest:
    """Change some labels in a copy, fit again, and see how many of them come to the top.

    Args:
        found: doubts about the labels as they are.
        asked: the strategies with their settings.
        context: that they were fitted in.
        first: rows at the top to look at.
    """
    count = len(found.rows)
    share = float(np.clip(max(TEST_SHARE, TEST_ROWS / count), 0, MOST_TEST_SHARE))
    changed, flipped = with_wrong_labels(found.task, found.rows, share, context.seed)
    again = held_out(asked.strategies, replace(context, train=changed, validation=changed))
    doubts = doubted(found.task, changed, again.outputs)
    first = min(first, count)
    top, total = doubts.order, int(flipped.sum())
    own = total / count
    others = found.doubts.mean() * (1 - own)
    return SelfTest(
        total,
        auroc(doubts.doubts, flipped),
        first,
        int(flipped[top[:first]].sum()),
        float(doubts.doubts[top[:first]].sum()) * own / max(own + others, 1e-9),
        int(flipped[top[:total]].sum()),
    )


def auroc(scores: np.ndarray, positive: np.ndarray) -> float:
    """Share of pairs of a positive and another row in which the positive one has the higher score, ties for a half."""
    return roc.auroc(scores[positive], scores[~positive]).value if 0 < positive.sum() < len(positive) else 0.0


def with_wrong_labels(task: Task[Any, Any], rows: Store[Any], share: float, seed: int) -> tuple[Store[Any], np.ndarray]:
    """A copy of the rows in which some labels are wrong, drawn at random, and which rows these are, bool of shape (rows,).

    A label becomes any other one; of a list of labels one is added or taken away; a number is that of another row; a span gets
    another type or, where there is one type only, none.

    Args:
        task: bound.
        rows: labelled.
        share: of the rows that are changed.
        seed: another seed, other rows.
    """
    random = np.random.default_rng([seed, 0xF11B])
    labels = [*rows.labels]
    flipped = np.zeros(len(rows), dtype=bool)
    wanted = max(1, round(share * len(rows)))
    for row in random.permutation(len(rows)).tolist():
        if flipped.sum() >= wanted:
            break
        other = _wrong(task, labels[row], rows.labels, random)
        if other != labels[row]:
            labels[row], flipped[row] = other, True
    return replace(rows, examples=relabelled(rows.examples, labels)), flipped


def _wrong(task: Task[Any, Any], label: Any, labels: Sequence[Any], random: np.random.Generator) -> Any:
    """Another label in the place of one; the same where there is none."""
    if task.target_kind == "number":
        return labels[int(random.integers(len(labels)))]
    names = task.names
    if task.target_kind == "labels":
        one = names[int(random.integers(len(names)))]
        left = tuple(each for each in label if each != one)
        return left if len(left) < len(label) else (*label, one)
    if task.target_kind == "label":
        others = [name for name in names if name != label]
        return others[int(random.integers(len(others)))]
    spans = spans_of(label)
    if not spans:
        return label
    types = sorted({split_tag(name)[1] for name in names if name != OUTSIDE})
    at = int(random.integers(len(spans)))
    others = [kind for kind in types if kind != spans[at].type]
    kept = [span for place, span in enumerate(spans) if place != at]
    if others:
        kept.append(spans[at]._replace(type=others[int(random.integers(len(others)))]))
    return tuple(tags_of(sorted(kept), len(label)))
