"""Plots over two axes, their coordinates against values worked out by hand."""

import re
from itertools import combinations
from xml.etree import ElementTree

import pytest

from headstart.drawing import plots
from headstart.drawing.plots import Spot, cost_plot, coverage_plot, reliability_plot, time_ticks, whisker


def parsed(drawing: str) -> ElementTree.Element:
    return ElementTree.fromstring(drawing)


def of_class(chart: ElementTree.Element, kind: str) -> list[ElementTree.Element]:
    return [element for element in chart.iter() if element.get("class") == kind]


def words(chart: ElementTree.Element, kind: str) -> list[str]:
    return [element.text or "" for element in of_class(chart, kind)]


NAMED = {"key": "k", "title": "T", "description": "D"}


def test_reliability_lies_on_axes_from_zero_to_one() -> None:
    # Across 52 to 388, upward 250 to 14: confidence 0.5 at 220, accuracy 0.75 at 73, 0.5 at 132, 1 at 14.
    chart = parsed(reliability_plot([Spot(0.5, 0.75, 0.5, 1.0, size=8)], **NAMED))
    (circle,) = of_class(chart, "dot filled")
    assert [circle.get(name) for name in ("cx", "cy", "r")] == ["220", "73", "8"]
    (bar,) = of_class(chart, "whisker filled")
    assert [bar.get(name) for name in ("x1", "x2", "y1", "y2")] == ["220", "220", "132", "14"]
    (diagonal,) = of_class(chart, "reference")
    assert [diagonal.get(name) for name in ("x1", "y1", "x2", "y2")] == ["52", "250", "388", "14"]
    assert chart.get("role") == "img"
    assert [chart.find(name).text for name in ("title", "desc")] == ["T", "D"]


def test_coverage_is_a_line_in_a_band_with_the_point_asked_for() -> None:
    # Ends 0.6 and 1.0 in steps of 0.1, upward 250 to 14: 0.8 at 132, 0.9 at 73, 0.6 at 250.
    spots = [Spot(0.5, 0.9, 0.6, 1.0), Spot(1.0, 0.8, 0.6, 1.0)]
    chart = parsed(coverage_plot(spots, Spot(0.5, 0.9, 0.6, 1.0, "at 0.8", True, True), **NAMED))
    (line,) = of_class(chart, "line")
    assert line.get("d") == "M220 73 L388 132"
    (band,) = of_class(chart, "band")
    assert band.get("points") == "220,14 388,14 388,250 220,250"
    (diamond,) = of_class(chart, "dot hollow")
    assert diamond.tag == "polygon"
    assert words(chart, "label strong") == ["at 0.8"]
    assert not of_class(chart, "dot filled")


def test_a_curve_of_one_point_is_a_dot() -> None:
    chart = parsed(coverage_plot([Spot(1.0, 0.8, 0.6, 1.0)], None, **NAMED))
    (circle,) = of_class(chart, "dot filled")
    assert (circle.get("cx"), circle.get("cy")) == ("388", "132")


def test_times_alike_stand_on_a_straight_axis_in_one_unit() -> None:
    # 84 s at most: 0 to 100 in steps of 20, so 50 s is half way from 52 to 388.
    chart = parsed(cost_plot([Spot(50, 0.8, label="a"), Spot(84, 0.7, label="b", hollow=True)], score="x", **NAMED))
    assert words(chart, "tick")[-6:] == ["0", "20", "40", "60", "80", "100"]
    assert "time in seconds" in words(chart, "axis")
    (circle,) = of_class(chart, "dot filled")
    assert circle.get("cx") == "220"
    minutes = parsed(cost_plot([Spot(600, 0.8, label="a"), Spot(300, 0.7, label="b")], score="x", **NAMED))
    assert words(minutes, "tick")[-6:] == ["0", "2", "4", "6", "8", "10"]
    assert "time in minutes" in words(minutes, "axis")


def test_times_far_apart_stand_on_a_logarithmic_axis() -> None:
    # 1 s to 120 s; 1 s at the left end, 11 s = sqrt(120) half way.
    spots = [Spot(1, 0.8, label="a"), Spot(120**0.5, 0.7, label="b"), Spot(120, 0.7, label="c")]
    chart = parsed(cost_plot(spots, score="x", **NAMED))
    assert [circle.get("cx") for circle in of_class(chart, "dot filled")] == ["52", "220", "388"]
    assert "time (logarithmic)" in words(chart, "axis")


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (1, 100, [1, 5, 20, 120]),
        (3, 50, [2, 5, 10, 20, 60]),
        (0.01, 0.4, [0.01, 0.1, 0.2, 0.5]),
        (604800, 1209600, [604800, 1209600]),
    ],
)
def test_ticks_of_time_are_few_and_hold_both_ends(low: float, high: float, expected: list[float]) -> None:
    assert time_ticks(low, high) == expected


def test_names_of_spots_that_lie_together_do_not_cover_each_other() -> None:
    spots = [Spot(10 + at, 0.80 + at / 500, 0.7, 0.9, label=f"strategy {at}") for at in range(5)]
    chart = parsed(cost_plot([*spots, Spot(20, 0.8, label="the last strategy")], score="x", **NAMED))
    boxes = []
    for text in of_class(chart, "label"):
        x, y, length = float(text.get("x", 0)), float(text.get("y", 0)), 6.4 * len(text.text or "")
        left = x if text.get("text-anchor") == "start" else x - length
        assert left >= 52
        assert left + length <= 395
        boxes.append((left, y, left + length))
    assert len(boxes) == 6
    for one, other in combinations(boxes, 2):
        assert one[2] <= other[0] or other[2] <= one[0] or abs(one[1] - other[1]) >= 15


def test_a_small_interval_lies_on_the_scale_of_all() -> None:
    # 0 to 1 on 7 to 173: 0.5 at 90, 0.25 at 48.5, 0.75 at 131.5; the score of all, 1, at 173.
    drawn = whisker({"value": 0.5, "low": 0.25, "high": 0.75}, (0.0, 1.0), 1.0, hollow=False)
    chart = parsed(drawn)
    (circle,) = of_class(chart, "dot filled")
    assert circle.get("cx") == "90"
    (bar,) = of_class(chart, "whisker filled")
    assert (bar.get("x1"), bar.get("x2")) == ("48.5", "131.5")
    (whole,) = of_class(chart, "reference")
    assert whole.get("x1") == "173"
    assert chart.get("aria-hidden") == "true"
    assert re.search('class="dot hollow"', whisker({"value": 0.5, "low": 0.2, "high": 0.7}, (0, 1), 1, hollow=True))


def test_names_are_escaped() -> None:
    assert "&lt;b&gt;" in cost_plot([Spot(1, 0.8, label="<b>"), Spot(2, 0.7)], score="", **NAMED)


def test_dots_of_true_and_predicted_numbers_lie_on_axes_of_one_scale() -> None:
    drawn = plots.scatter_plot([[0.0, 0.0], [5.0, 5.0], [5.0, 0.0]], key="s", title="Numbers")
    dots = [tuple(map(float, dot)) for dot in re.findall(r'class="mote" cx="([\d.]+)" cy="([\d.]+)"', drawn)]
    assert dots == [(plots.LEFT, plots.BOTTOM), (plots.RIGHT, plots.TOP), (plots.RIGHT, plots.BOTTOM)]


def test_bars_are_as_high_as_rows_are_many_and_zero_is_marked() -> None:
    drawn = plots.histogram([-1.0, 0.0, 1.0], [1, 4], key="h", title="Residuals", axis="off by")
    heights = [float(height) for height in re.findall(r'class="pillar"[^>]*height="([\d.]+)"', drawn)]
    assert heights[1] == pytest.approx(4 * heights[0], rel=1e-3)
    assert 'class="reference"' in drawn
    assert "Most rows, 4 of 5, are between 0 and 1." in drawn
    assert 'class="reference"' not in plots.histogram([1.0, 2.0], [3], key="h", title="Residuals", axis="off by")
