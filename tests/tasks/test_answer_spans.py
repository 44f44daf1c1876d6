"""Probabilities of spans against all of them counted one by one."""

import math

import numpy as np
import pytest

from headstart.data.units import Units
from headstart.tasks.answer_spans import best_spans, log_losses_of, log_partitions


def rows(seed: int = 0, counts: tuple[int, ...] = (4, 2, 9)) -> tuple[np.ndarray, Units]:
    units = Units.counted(counts)
    return np.random.default_rng(seed).normal(0, 3, (units.total, 2)), units


def every_span(own: np.ndarray) -> dict[tuple[int, int], float]:
    words = len(own) - 1
    return {
        (first, last): own[first + 1, 0] + own[last + 1, 1] for first in range(words) for last in range(first, words)
    }


@pytest.mark.parametrize("nothing", [True, False])
def test_the_partition_is_the_sum_over_all_spans(nothing: bool) -> None:
    values, units = rows()
    found = log_partitions(values, units, nothing=nothing)
    for row, (begin, end) in enumerate(zip(units.offsets, units.offsets[1:], strict=False)):
        own = values[begin:end]
        total = sum(math.exp(score) for score in every_span(own).values()) + nothing * math.exp(own[0].sum())
        assert found[row] == pytest.approx(math.log(total))


def test_the_partition_stands_large_scores_and_many_rows_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    values, units = rows(counts=tuple(range(2, 40)))
    whole = log_partitions(values + 300, units, nothing=True)
    monkeypatch.setattr("headstart.tasks.answer_spans.CELLS", 50)
    np.testing.assert_allclose(log_partitions(values, units, nothing=True) + 600, whole)


def test_the_loss_is_that_of_any_of_the_answers() -> None:
    values, units = rows()
    found = log_losses_of(values, units, [[(0, 1), (1, 1)], [], [(2, 5)]], nothing=True)
    first = values[:4]
    total = sum(math.exp(score) for score in every_span(first).values()) + math.exp(first[0].sum())
    spans = every_span(first)
    share = (math.exp(spans[0, 1]) + math.exp(spans[1, 1])) / total
    assert found[0] == pytest.approx(-math.log(share))
    none = values[4:6]
    assert found[1] == pytest.approx(math.log(1 + math.exp(none[1].sum() - none[0].sum())))
    assert log_losses_of(values, units, [[(0, 1)], [], [(2, 5)]], nothing=False)[1] == 0


@pytest.mark.parametrize("longest", [1, 3, 100])
def test_the_best_spans_are_the_best_and_do_not_overlap(longest: int) -> None:
    for seed in range(20):
        values, _ = rows(seed, (11,))
        left = {span: score for span, score in every_span(values).items() if span[1] - span[0] < longest}
        for found in best_spans(values, longest=longest, most=4):
            best = max(left, key=lambda span: left[span])
            assert (found.first, found.last) == best
            assert found.score == pytest.approx(left[best])
            left = {span: score for span, score in left.items() if span[1] < best[0] or span[0] > best[1]}
        assert len(best_spans(values, longest=longest, most=99)) <= 10
