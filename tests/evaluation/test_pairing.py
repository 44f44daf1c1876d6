"""Rows that are the same thing told twice are found by their ids, and differences between them are paired ones."""

import numpy as np
import pytest
from tests.evaluation.measurements.test_domains import subject

from headstart.data.store import Store
from headstart.evaluation.pairing import paired_gap, shared_rows
from headstart.metrics import METRICS


def part(ids: list[str | None], name: str = "id") -> Store[str]:
    return Store([str(each) for each in ids], range(len(ids)), "x.csv", {name: ids, "text": ids})


def test_rows_with_the_same_id_are_found_in_any_order() -> None:
    first, second = part([f"q{at}" for at in range(30)]), part([f"q{at}" for at in reversed(range(5, 35))])
    found = shared_rows(first, second)
    assert found is not None
    assert found[0].tolist() == list(reversed(range(5, 30)))
    assert found[1].tolist() == list(range(5, 30))
    assert shared_rows(
        part([f"q{at}" for at in range(30)], "Question-ID"), part([f"q{at}" for at in range(30)], "Question-ID")
    )


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ([f"q{at}" for at in range(30)], [f"q{at % 25}" for at in range(30)]),  # an id that stands there twice
        ([f"q{at}" for at in range(30)], [f"q{at}" for at in range(15, 45)]),  # too few
        ([f"q{at}" for at in range(100)], [f"q{at}" for at in range(70, 170)]),  # a small share
        ([None] * 30, [None] * 30),
    ],
)
def test_too_few_or_doubtful_ids_pair_nothing(first: list[str | None], second: list[str | None]) -> None:
    assert shared_rows(part(first), part(second)) is None


def test_columns_of_other_names_pair_nothing() -> None:
    ids = [f"q{at}" for at in range(30)]
    assert shared_rows(part(ids, "customer"), part(ids, "customer")) is None
    assert shared_rows(part(ids, "id"), part(ids, "uid")) is None


def test_the_gap_is_that_of_the_shared_rows_alone() -> None:
    made = subject("validation", "shop")
    run, task = made.run, made.task
    assert run is not None
    (contender, *_) = [each for each in run.contenders if {"validation", "shop"} <= each.outputs.keys()]
    sides = [(contender.outputs[name], run.rows[name]) for name in ("validation", "shop")]
    right = [task.is_right(*side) for side in sides]
    shared = (np.array([0, 3, 1]), np.array([2, 0, 1]))
    found = paired_gap(task, METRICS.get("accuracy"), sides[0], sides[1], shared)
    assert found is not None
    assert found.difference.value == pytest.approx(right[1][shared[1]].mean() - right[0][shared[0]].mean())
    assert found.difference.n == 3
