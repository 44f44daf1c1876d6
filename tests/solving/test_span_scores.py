"""Scores of spans of words: against looking at every span, and derivatives against differences."""

import numpy as np
import pytest

from headstart.data.units import Units
from headstart.solving.span_scores import (
    KINDS,
    LENGTHS,
    LONGEST,
    USUAL,
    WHOLE,
    SpanLayout,
    SpanMap,
    best_through,
    fit_spans,
    span_scores,
)
from headstart.solving.spans import ENDS, ROW, STARTS
from headstart.solving.word_choice import solve_choice


def layout_of(lengths: list[int], seed: int = 0) -> SpanLayout:
    random = np.random.default_rng(seed)
    units = Units.counted([length + 1 for length in lengths])
    ends, signs, asked = random.random(units.total) < 0.2, random.random(units.total) < 0.2, random.random(units.total)
    first = units.offsets[:-1]
    ends[first] = signs[first] = False
    asked[first] = 0.0
    return SpanLayout(units, ends, signs, asked)


def counted(
    values: np.ndarray, layout: SpanLayout, judged: SpanMap, longest: int
) -> list[dict[tuple[int, int], float]]:
    """The score of each span of each row by its words, one at a time."""
    found = []
    for begin, end in zip(layout.units.offsets, layout.units.offsets[1:], strict=False):
        own = {}
        for first in range(begin + 1, end):
            for last in range(first, min(first + longest, end)):
                whole = [
                    layout.ends[first:last].any(),
                    layout.signs[first : last + 1].any(),
                    layout.asked[first : last + 1].sum(),
                ]
                score = judged.scale * (values[first, 0] + values[last, 1]) + judged.weights[LENGTHS[last - first]]
                own[first - begin - 1, last - begin - 1] = score + np.dot(whole, judged.weights[KINDS:])
        found.append(own)
    return found


@pytest.mark.parametrize(("lengths", "longest"), [([4], 2), ([1, 5, 3], 4), ([7, 1, 2], LONGEST)])
def test_scores_are_those_of_counting_every_span(lengths: list[int], longest: int) -> None:
    random, layout = np.random.default_rng(1), layout_of(lengths)
    values, judged = random.normal(size=(layout.units.total, 2)), SpanMap(random.normal(size=KINDS + WHOLE), 0.7, 0.3)
    table = span_scores(values, layout, judged, longest)
    through = best_through(values, layout, judged, longest)
    for row, wanted in enumerate(counted(values, layout, judged, longest)):
        begin = layout.units.offsets[row]
        own = table[:, begin : layout.units.offsets[row + 1]]
        assert int(np.isfinite(own).sum()) == len(wanted)
        for (first, last), score in wanted.items():
            assert own[last - first, first + 1] == pytest.approx(score)
        best = max(wanted, key=lambda span: wanted[span])
        added = {(first, last): through[begin + 1 + first, 0] + through[begin + 1 + last, 1] for first, last in wanted}
        assert added[best] == pytest.approx(wanted[best])
        assert max(added.values()) == pytest.approx(wanted[best]), "whoever adds the two finds the best span"
        assert through[begin].sum() == pytest.approx(0.7 * values[begin].sum() + 0.3)


def test_the_map_that_is_fitted_has_no_slope_and_a_lower_loss_than_the_usual_one() -> None:
    random, layout = np.random.default_rng(2), layout_of([6, 9, 4, 8, 5], seed=3)
    values = random.normal(size=(layout.units.total, 2))
    true = [[(1, 2), (1, 3)], [(4, 4)], [], [(0, 6)], []]

    def loss(judged: SpanMap, penalty: float = 0.1) -> float:
        total = 0.0
        for row, spans in enumerate(counted(values, layout, judged, 8)):
            empty = judged.scale * values[layout.units.offsets[row]].sum() + judged.nothing
            partition = np.logaddexp.reduce([*spans.values(), empty])
            own = [spans[each] for each in true[row]] or [empty]
            total -= float(np.mean(own) - partition)
        return total + 0.5 * penalty * float(((judged.weights - USUAL) ** 2).sum())

    found = fit_spans(values, layout, true, longest=8, nothing=True)
    best = loss(found)
    assert best < loss(SpanMap(USUAL)) - 0.1
    for place in range(KINDS + WHOLE):
        for step in (-1e-2, 1e-2):
            moved = found.weights.copy()
            moved[place] += step
            assert loss(SpanMap(moved, found.scale, found.nothing)) > best - 1e-4
    for step in (-1e-2, 1e-2):
        assert loss(SpanMap(found.weights, found.scale + step, found.nothing)) > best - 1e-4
        assert loss(SpanMap(found.weights, found.scale, found.nothing + step)) > best - 1e-4


def test_words_are_chosen_by_the_features_that_true_ones_have() -> None:
    from scipy.sparse import csr_matrix

    random = np.random.default_rng(4)
    rows, width = 40, 6
    features = (random.random((rows * 5, width)) < 0.3).astype(np.float32)
    targets = np.zeros((rows * 5, 3), dtype=np.float32)
    targets[:, ROW] = np.repeat(np.arange(rows), 5)
    for row in range(rows):
        own = slice(5 * row, 5 * row + 5)
        targets[own, STARTS][np.argmax(features[own, 0])] = 1
        targets[own, ENDS][np.argmax(features[own, 1])] = 1
    weight = solve_choice(csr_matrix(features), targets, strength=10.0)
    assert weight.shape == (2, width)
    assert weight[0].argmax() == 0
    assert weight[1].argmax() == 1
    small = solve_choice(csr_matrix(features), targets, strength=1e-3)
    assert np.abs(small).max() < 0.1 * np.abs(weight).max(), "a strong penalty keeps weights small"
