"""Numbers as text, and the coordinates of charts against values worked out by hand."""

import re
from xml.etree import ElementTree

import pytest

from headstart.drawing.charts import ChartRow, Line, intervals, lines, scale, ticks
from headstart.drawing.text import count, duration, interval, number, probability, signed


def _chart(*marks: ChartRow, **changes: object) -> ElementTree.Element:
    """The parsed drawing of some marks."""
    described = {"key": "k", "title": "T", "description": "D", "axis": "accuracy"} | changes
    return ElementTree.fromstring(intervals(marks, **described))


def _of_class(chart: ElementTree.Element, kind: str) -> list[ElementTree.Element]:
    """The elements whose class is exactly `kind`."""
    return [element for element in chart.iter() if element.get("class") == kind]


def test_an_interval_is_drawn_where_the_axis_says() -> None:
    # Ends 0.70 and 0.90 in at most 8 steps: steps of 0.025 over 0.70 to 0.90, drawn on 250 to 880.
    # 0.80 is half way, 565; 0.75 a quarter, 407.5; 0.85 three quarters, 722.5. The first row is at 10 + 16.
    chart = _chart(
        ChartRow("fine-tuning", 0.80, 0.75, 0.85, "0.800"),
        ChartRow("tf-idf", 0.72, 0.70, 0.90, "0.720", hollow=True),
    )
    (circle,) = _of_class(chart, "dot filled")
    assert (circle.get("cx"), circle.get("cy")) == ("565", "26")
    (whisker,) = _of_class(chart, "whisker filled")
    assert [whisker.get(name) for name in ("x1", "x2", "y1", "y2")] == ["407.5", "722.5", "26", "26"]
    (dashed,) = _of_class(chart, "whisker hollow")
    assert (dashed.get("x1"), dashed.get("x2"), dashed.get("y1")) == ("250", "880", "58")


def test_a_control_has_another_shape_not_only_another_colour() -> None:
    chart = _chart(ChartRow("a", 0.8, None, None, "0.800"), ChartRow("b", 0.7, None, None, "0.700", hollow=True))
    assert [element.tag for element in chart.iter() if "dot" in element.get("class", "")] == [
        "circle",
        "polygon",
    ]


def test_a_mark_without_an_interval_has_a_dot_only() -> None:
    chart = _chart(ChartRow("a", 0.8, None, None, "0.800"))
    assert not _of_class(chart, "whisker filled")
    assert len(_of_class(chart, "dot filled")) == 1


def test_the_reference_line_widens_the_axis_to_hold_it() -> None:
    chart = _chart(ChartRow("a", 0.1, 0.05, 0.15, "+0.100"), reference=0.0)
    (reference,) = _of_class(chart, "reference")
    assert reference.get("x1") == reference.get("x2") == "250"


def test_a_chart_names_itself_for_assistive_technology() -> None:
    chart = _chart(ChartRow("a", 0.8, None, None, "0.800"))
    assert chart.get("role") == "img"
    assert chart.get("aria-labelledby") == "k-title k-desc"
    assert [chart.find(name).text for name in ("title", "desc")] == ["T", "D"]


def test_labels_are_escaped() -> None:
    assert "&lt;b&gt;" in intervals([ChartRow("<b>", 0.8, None, None, "x")], key="k", title="", description="", axis="")


def test_a_gap_in_a_series_breaks_the_line() -> None:
    drawn = lines(
        [Line("loss", [(0, 0.5), (1, None), (2, 0.4), (3, 0.3)])],
        key="k",
        title="",
        description="",
        axes=("epoch", "loss"),
    )
    path = re.findall(r'<path class="line" d="([^"]+)"', drawn)[0]
    assert [step[0] for step in re.findall(r"[ML][\d.]+", path)] == ["M", "M", "L"]


def test_a_series_without_numbers_is_not_drawn() -> None:
    assert lines([Line("loss", [(0, None)])], key="k", title="", description="", axes=("", "")) is None


@pytest.mark.parametrize(
    ("low", "high", "at_most", "expected"),
    [
        (0.70, 0.90, 4, [0.70, 0.75, 0.80, 0.85, 0.90]),
        (0.71, 0.88, 4, [0.70, 0.75, 0.80, 0.85, 0.90]),
        (0.0, 10.0, 5, [0, 2, 4, 6, 8, 10]),
        (-0.02, 0.03, 6, [-0.02, -0.01, 0, 0.01, 0.02, 0.03]),
        (0.5, 0.5, 4, [0.45, 0.475, 0.5, 0.525, 0.55]),
    ],
)
def test_ticks_are_round_and_hold_both_ends(low: float, high: float, at_most: int, expected: list[float]) -> None:
    assert ticks(low, high, at_most) == pytest.approx(expected)


def test_a_scale_is_a_straight_line() -> None:
    x = scale((0.0, 2.0), (100.0, 200.0))
    assert [x(0.0), x(0.5), x(2.0)] == [100.0, 125.0, 200.0]


@pytest.mark.parametrize(
    ("write", "value", "text"),
    [
        (number, 0.8744, "0.874"),
        (number, -0.5, "\N{MINUS SIGN}0.500"),
        (number, -0.0001, "0.000"),
        (number, None, "\N{EN DASH}"),
        (number, float("nan"), "\N{EN DASH}"),
        (signed, 0.08, "+0.080"),
        (signed, -0.08, "\N{MINUS SIGN}0.080"),
        (signed, 0.0001, "0.000"),
        (signed, None, "\N{EN DASH}"),
        (count, 10646786, "10,646,786"),
        (count, None, "\N{EN DASH}"),
        (duration, 12.14, "12.1 s"),
        (duration, 142.0, "2 min 22 s"),
        (duration, 3900, "1 h 05 min"),
        (duration, 59.97, "1 min 00 s"),
        (probability, 0.0002, "< 0.001"),
        (probability, 0.214, "0.214"),
        (interval, {"low": 0.8, "high": 0.9}, "[0.800, 0.900]"),
        (interval, {"low": None, "high": 0.9}, ""),
        (interval, None, ""),
    ],
)
def test_a_measured_thing_is_written_for_people(write: object, value: object, text: str) -> None:
    assert write(value) == text
