"""Which trials go on: by shares of one schedule, the best third of those that came as far."""

import pytest

from headstart.tuning.halving import goes_on, rungs


@pytest.mark.parametrize(
    ("epochs", "found"),
    [
        (0, [(1, None)]),
        (1, [(1, None)]),
        (2, [(0, 1), (1, None)]),
        (3, [(0, 1), (1, None)]),
        (8, [(0, 3), (1, None)]),
    ],
)
def test_a_trial_is_judged_after_a_third_of_its_epochs_and_at_the_end(epochs: int, found: list[object]) -> None:
    assert rungs(epochs) == found


def test_a_third_of_those_that_came_as_far_goes_on_and_always_the_best() -> None:
    ranks = [(score / 10, 0.0) for score in (5, 4, 6, 5, 3, 5, 1)]
    kept = [goes_on(rank, ranks[:at]) for at, rank in enumerate(ranks)]
    assert kept == [True, False, True, False, False, True, False]
    assert not goes_on((0.6, -1.0), [(0.6, -0.5)])
