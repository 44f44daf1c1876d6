"""Batches of several tasks: one task each, by size to a power, limited, and the same for the same seed and epoch."""

import numpy as np
import pytest

from headstart.data.mixing import MixedBatches, shares_of

SIZES = {"large": 320, "small": 32, "tiny": 3}


def batches(**changes: float) -> MixedBatches:
    lengths = {name: np.arange(size) % 7 + 2 for name, size in SIZES.items()}
    options = {"rows": 8, "seed": 3, "power": 0.5, "most_passes": 4.0} | changes
    return MixedBatches(lengths, **options)  # type: ignore[arg-type]


def test_a_batch_is_of_one_task_and_rows_are_numbered_through() -> None:
    found = batches()
    for rows in found(0) + found(1):
        assert len({found.task_of(int(row)) for row in rows}) == 1
    assert [found.task_of(row) for row in (0, 319, 320, 351, 352, 354)] == [0, 0, 1, 1, 2, 2]


def test_the_same_epoch_has_the_same_batches_whatever_was_asked_before_and_another_has_others() -> None:
    one, other = batches(), batches()
    expected = [rows.tolist() for rows in one(2)]
    other(0)
    other(5)
    assert [rows.tolist() for rows in other(2)] == expected
    assert [rows.tolist() for rows in batches(seed=4)(2)] != expected
    assert [rows.tolist() for rows in one(1)] != expected


def test_with_power_one_an_epoch_is_about_one_pass_over_each() -> None:
    found = batches(power=1.0)
    assert found.shares == {"large": pytest.approx(40, abs=8), "small": pytest.approx(4, abs=1), "tiny": 1.0}
    for name, passes in found.passes(8).items():
        assert passes == pytest.approx(8, rel=0.1), name
    assert found.capped == []


def test_a_pass_that_an_epoch_leaves_is_gone_on_with_so_that_rows_are_seen_evenly() -> None:
    found = batches(power=0.5)
    seen = np.zeros(sum(SIZES.values()), dtype=int)
    for epoch in range(6):
        for rows in found(epoch):
            seen[rows] += 1
    for name, at in zip(SIZES, found.offsets, strict=True):
        own = seen[at : at + SIZES[name]]
        assert own.max() - own.min() <= 1, name
        assert own.mean() == pytest.approx(found.passes(6)[name])


def test_shares_are_sizes_to_a_power_and_what_is_over_the_limit_goes_to_the_others() -> None:
    free = shares_of({"a": 100, "b": 25}, 0.5, 100)
    assert free == {"a": pytest.approx(125 * 2 / 3), "b": pytest.approx(125 / 3)}
    limited = shares_of({"a": 100, "b": 1}, 0.5, 4)
    assert limited == {"a": pytest.approx(97.0), "b": 4.0}
    assert sum(shares_of({"a": 100, "b": 25, "c": 1}, 0.0, 4).values()) == pytest.approx(126)
    assert batches().capped == ["tiny"]


def test_one_row_beside_a_million_is_seen_as_often_as_the_limit_says() -> None:
    assert shares_of({"many": 31_250, "one": 1}, 0.5, 4)["one"] == 4.0


def test_batches_that_go_together_hold_rows_of_several_tasks_and_as_many_rows() -> None:
    found = batches(together=3)
    sizes = [len(rows) for rows in found(0)]
    assert np.mean(sizes) == pytest.approx(8, rel=0.35)
    assert any(len({found.task_of(int(row)) for row in rows}) > 1 for rows in found(0))
