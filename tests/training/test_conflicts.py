"""Gradients of several tasks: their cosines, and what is left of them without what points against another."""

import numpy as np
import pytest
import torch

from headstart.training.conflicts import cosines, projected

ONE, AGAINST, ACROSS = torch.tensor([1.0, 0.0]), torch.tensor([-1.0, 1.0]), torch.tensor([0.0, 2.0])


def test_cosines_are_of_the_parameters_that_both_hang_on() -> None:
    found = cosines({"a": [ONE, None], "b": [AGAINST, ONE], "c": [ACROSS, ONE], "none": [torch.zeros(2), None]})
    assert found["a | b"] == pytest.approx(-1 / 3**0.5)
    assert found["a | c"] == 0.0
    assert found["b | c"] == pytest.approx(3 / (3**0.5 * 5**0.5))
    assert found["a | none"] == 0.0


def test_what_points_against_another_gradient_is_taken_out_and_the_rest_stays() -> None:
    order = np.random.default_rng(0)
    [mean, own] = projected([[ONE, None], [AGAINST, ONE]], order)
    # (1, 0) loses its part along (-1, 1), which is (0.5, -0.5); (-1, 1) loses its part along (1, 0).
    assert mean.tolist() == pytest.approx([(0.5 + 0.0) / 2, (0.5 + 1.0) / 2])  # type: ignore[union-attr]
    assert own.tolist() == [0.5, 0.0]  # type: ignore[union-attr]
    [plain] = projected([[ONE], [ACROSS]], order)
    assert plain.tolist() == [0.5, 1.0]  # type: ignore[union-attr]
    assert ONE.tolist() == [1.0, 0.0]
    assert AGAINST.tolist() == [-1.0, 1.0]


def test_three_gradients_are_projected_on_the_others_as_they_were_given() -> None:
    given = [torch.tensor([1.0, 0.1]), torch.tensor([-1.0, 0.2]), torch.tensor([0.3, -1.0])]
    [mean] = projected([[each] for each in given], np.random.default_rng(5))
    random = np.random.default_rng(5)
    changed = []
    for at, own in enumerate(given):
        mine = own.double().clone()
        for other in random.permutation([i for i in range(3) if i != at]):
            theirs = given[other].double()
            along = float(mine @ theirs)
            mine = mine - theirs * along / float(theirs @ theirs) if along < 0 else mine
        changed.append(mine)
    assert mean.tolist() == pytest.approx((sum(changed) / 3).tolist(), abs=1e-6)  # type: ignore[union-attr]
