"""Chains of solved heads: what is said of held-out words comes from the other folds alone."""

from types import SimpleNamespace
from typing import Any

import numpy as np

from headstart.data.units import Units
from headstart.solving.logistic import Part, Solved
from headstart.strategies.crf_heads import _out_of_fold, outputs, trainable, with_chain

NAMES = ("O", "B-X", "I-X")
UNITS = Units.counted([3, 1, 4, 2, 5, 3])


def context(*, chained: bool = True) -> Any:
    task = SimpleNamespace(names=NAMES, chained=chained, unit_sort_key=lambda logits, targets: (0.0, 0.0))
    return SimpleNamespace(task=task, folds=np.array([[0, 1, 2, 0, 1, 2]]))


def part(seed: int = 0) -> Part:
    random = np.random.default_rng(seed)
    features = random.normal(size=(UNITS.total, 4)).astype(np.float32)
    return Part(features, random.integers(0, 3, UNITS.total), np.ones(UNITS.total))


def test_labels_of_a_fold_have_no_say_in_its_own_outputs() -> None:
    rows, held = part(), UNITS.of([0, 3])
    targets = rows.targets.copy()
    targets[held] = (targets[held] + 1) % 3
    before, after = (
        _out_of_fold(context(), Part(rows.features, each, rows.weights), UNITS, 0.1) for each in (rows.targets, targets)
    )
    np.testing.assert_allclose(before[held], after[held], atol=1e-6)
    others = UNITS.of([1, 2, 4, 5])
    assert (np.abs(before[others] - after[others]).max(1) > 1e-4).all()
    np.testing.assert_allclose(np.exp(before).sum(1), 1, atol=1e-5)


def test_a_task_without_a_chain_keeps_its_head_and_its_raw_outputs() -> None:
    rows, solved = part(), Solved(np.ones((3, 4)), np.zeros(3), 1.0, (0.0, 0.0))
    assert with_chain(context(chained=False), None, solved, layers=(1,), pooling="mean") is solved
    np.testing.assert_allclose(outputs(solved, rows.features, UNITS), solved.logits(rows.features), rtol=1e-6)
    assert trainable(solved) == 15
