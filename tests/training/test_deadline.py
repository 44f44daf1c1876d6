"""Training under a deadline: whole epochs are kept, anything less is given up, and it can be done again without a clock."""

from typing import Any

import numpy as np
import pytest
import torch
from tests.training.test_trainer import Fake, Objective, groups, prepared

from headstart.data.outputs import Logits
from headstart.runtime.deadline import Deadline, OutOfTime
from headstart.training.settings import Training
from headstart.training.stage import Stage
from headstart.training.state import History
from headstart.training.trainer import train


class Counted:
    """Passes after so many updates."""

    def __init__(self, updates: int) -> None:
        self.updates = updates

    @property
    def passed(self) -> bool:
        self.updates -= 1
        return self.updates < 0


def go(*, updates: int | None, stop_after: int | None = None, validate: bool = True) -> tuple[Fake, History]:
    model = Fake()
    stage: Any = Stage(Objective(), prepared(), groups(model), 3, 0.05, stop_after)  # type: ignore[arg-type]
    ranks = iter([(0.1, -1.0), (0.2, -1.0), (0.3, -1.0), (0.4, -1.0)])
    history = train(
        model,  # type: ignore[arg-type]
        stage,
        Training(batch_size=6),
        seed=0,
        validate=(lambda _: (next(ranks), 1.0, Logits.of(np.zeros((1, 1))))) if validate else None,
        keep_start=True,
        deadline=None if updates is None else Counted(updates),  # type: ignore[arg-type]
    )
    return model, history


def test_the_last_whole_epoch_is_kept() -> None:
    model, history = go(updates=6)
    assert (history.cut, history.best, len(history.epochs)) == (1, 1, 2)
    again, uncut = go(updates=None, stop_after=1)
    assert (uncut.cut, uncut.best) == (None, 1)
    assert all(torch.equal(model.weights()[name], again.weights()[name]) for name in model.weights())


def test_less_than_an_epoch_is_nothing() -> None:
    with pytest.raises(OutOfTime):
        go(updates=3)


def test_without_validation_a_cut_is_nothing() -> None:
    with pytest.raises(OutOfTime):
        go(updates=6, validate=False)


def test_time_that_is_enough_changes_nothing() -> None:
    timed, history = go(updates=12)
    assert history.cut is None
    free, _ = go(updates=None)
    assert all(torch.equal(timed.weights()[name], free.weights()[name]) for name in free.weights())


def test_without_validation_the_last_weights_are_kept_and_the_schedule_goes_on_beyond_the_end() -> None:
    model, history = go(updates=None, stop_after=2, validate=False)
    assert (history.best, [epoch.epoch for epoch in history.epochs]) == (2, [1, 2])
    validated, _ = go(updates=None, stop_after=2)
    assert all(torch.equal(model.weights()[name], validated.weights()[name]) for name in model.weights())


def test_a_deadline_counts_down() -> None:
    import time

    assert Deadline(time.perf_counter() + 10).left == pytest.approx(10, abs=0.5)
    assert not Deadline(time.perf_counter() + 10).passed
    assert Deadline(time.perf_counter() - 1).passed
