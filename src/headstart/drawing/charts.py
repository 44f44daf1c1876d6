"""Charts as inline SVG: dots with their intervals, lines, bars.

The charts need no script, no font and no library. Colours come from CSS classes of the page, so one drawing
serves light, dark and print. Every chart is an image for assistive technology (`role="img"`) whose `<title>`
and `<desc>` say what a reader would see.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from headstart.drawing.text import shortened

Scale = Callable[[float], float]


@dataclass(frozen=True)
class ChartRow:
    """One row of a dot-and-interval chart.

    Args:
        label: what the row is called.
        value: where the dot sits, in the unit of the axis.
        low: lower end of the interval, or None to draw no interval.
        high: upper end of the interval, or None.
        shown: the value as text, set at the right edge.
        hollow: drawn as an open diamond with a dashed interval instead of a filled circle with a solid one.
        strong: the label is set bold.
    """

    label: str
    value: float
    low: float | None
    high: float | None
    shown: str
    hollow: bool = False
    strong: bool = False


@dataclass(frozen=True)
class Line:
    """One series of a line chart; a point whose second number is None leaves a gap."""

    label: str
    points: Sequence[tuple[float, float | None]]
    dashed: bool = False


def ticks(low: float, high: float, at_most: int = 6) -> list[float]:
    """Round numbers from just below `low` to just above `high`, at most `at_most` steps apart.

    Ends that are equal, or nearly, are widened first, by a tenth of their size or by 0.05.
    """
    if high - low <= 1e-9 * max(1.0, abs(low), abs(high)):
        margin = max(abs(low) * 0.1, 0.05)
        low, high = low - margin, high + margin
    exponent = math.floor(math.log10((high - low) / at_most)) - 1
    steps = (factor * 10.0 ** (exponent + power) for power in range(4) for factor in (1, 2, 2.5, 5))
    for step in steps:
        # The slack keeps 0.15 / 0.05 = 2.9999999999999996 from costing a whole step.
        first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
        if last - first <= at_most:
            return [round(number * step, 12) for number in range(first, last + 1)]
    return [low, high]


def scale(domain: tuple[float, float], span: tuple[float, float]) -> Scale:
    """The straight line that takes `domain` (data) to `span` (drawing units)."""
    ratio = (span[1] - span[0]) / (domain[1] - domain[0])
    return lambda value: span[0] + (value - domain[0]) * ratio


def intervals(
    marks: Sequence[ChartRow],
    *,
    key: str,
    title: str,
    description: str,
    axis: str,
    reference: float | None = None,
    narrow: bool = False,
) -> Markup:
    """Dots with their intervals, one row each, on a shared axis.

    Args:
        marks: the rows, from top to bottom; at least one.
        key: makes the identifiers of this drawing unique on the page.
        title: the name of the chart, for assistive technology.
        description: what the chart shows, in a sentence.
        axis: text below the axis.
        reference: where to draw a dotted vertical line, or None.
        narrow: for phones: 360 units wide, labels above the rows instead of left of them.
    """
    width, left, right = (360, 12, 300) if narrow else (960, 250, 880)
    row_height, top = (46, 8) if narrow else (32, 10)
    numbers = [mark.value for mark in marks]
    numbers += [end for mark in marks for end in (mark.low, mark.high) if end is not None]
    if reference is not None:
        numbers.append(reference)
    grid = ticks(min(numbers), max(numbers), at_most=4 if narrow else 8)
    x = scale((grid[0], grid[-1]), (left, right))
    bottom = top + row_height * len(marks)
    parts = [_grid_line(x(tick), top, bottom, tick_text(tick, grid)) for tick in grid]
    if reference is not None:
        parts.append(segment("reference", x(reference), top, x(reference), bottom))
    for number, mark in enumerate(marks):
        parts += _interval_row(mark, x, top + row_height * number, row_height, width, narrow)
    parts.append(text_at("axis", (left + right) / 2, bottom + 38, axis, "middle"))
    return framed(parts, width, bottom + 46, key, title, description)


def both_widths(marks: Sequence[ChartRow], **described: Any) -> dict[str, Any] | None:
    """The chart for desk and phone (the page shows one of them), or None without rows."""
    if not marks:
        return None
    key = described.pop("key")
    return {
        "wide": intervals(marks, key=f"{key}-wide", **described),
        "narrow": intervals(marks, key=f"{key}-narrow", narrow=True, **described),
    }


def _interval_row(mark: ChartRow, x: Scale, top: float, height: float, width: float, narrow: bool) -> list[Markup]:
    """The label, the interval, the dot and the value of one row."""
    y = top + (height - 14 if narrow else height / 2)
    kind = "hollow" if mark.hollow else "filled"
    weight = " strong" if mark.strong else ""
    if narrow:
        parts = [text_at(f"label{weight}", 12, y - 14, shortened(mark.label, 44), "start")]
    else:
        parts = [text_at(f"label{weight}", 238, y + 5, shortened(mark.label, 32), "end")]
    if mark.low is not None and mark.high is not None:
        parts.append(segment(f"whisker {kind}", x(mark.low), y, x(mark.high), y))
        parts += [segment(f"cap {kind}", x(end), y - 5, x(end), y + 5) for end in (mark.low, mark.high)]
    parts.append(dot(x(mark.value), y, hollow=mark.hollow))
    parts.append(text_at(f"value{weight}", width - 8, y + 5, mark.shown, "end"))
    return parts


def dot(x: float, y: float, *, hollow: bool, size: float = 5.5) -> Markup:
    """A filled circle of radius `size`, or an open diamond."""
    if hollow:
        corners = " ".join(
            f"{coordinate(x + a)},{coordinate(y + b)}" for a, b in ((0, -6.5), (6.5, 0), (0, 6.5), (-6.5, 0))
        )
        return Markup('<polygon class="dot hollow" points="{}"/>').format(corners)
    return Markup('<circle class="dot filled" cx="{}" cy="{}" r="{}"/>').format(
        coordinate(x), coordinate(y), coordinate(size)
    )


def lines(series: Sequence[Line], *, key: str, title: str, description: str, axes: tuple[str, str]) -> Markup | None:
    """One or two series over the same horizontal axis, or None where no point has a number."""
    drawn = [line for line in series if any(y is not None for _, y in line.points)]
    if not drawn:
        return None
    width, height, right, top, bottom = 400, 260, 388, 34, 212
    across = [x for line in drawn for x, _ in line.points]
    upward = [y for line in drawn for _, y in line.points if y is not None]
    rows, columns = ticks(min(upward), max(upward), 5), _whole(min(across), max(across))
    left = 52 + 7 * max(0, max(len(tick_text(tick, rows)) for tick in rows) - 4)
    x = scale((columns[0], columns[-1]), (left + 8, right - 8))
    y = scale((rows[0], rows[-1]), (bottom, top))
    parts = []
    for tick in rows:
        parts.append(segment("grid", left, y(tick), right, y(tick)))
        parts.append(text_at("tick", left - 6, y(tick) + 4, tick_text(tick, rows), "end"))
    parts += [text_at("tick", x(tick), bottom + 17, f"{tick:g}", "middle") for tick in columns]
    for number, line in enumerate(drawn):
        parts += _path(line, x, y)
        start = left + (right - left) * 0.45 * number
        sample = Line("", [(start, 16), (start + 26, 16)], line.dashed)
        parts += _path(sample, lambda value: value, lambda value: value)
        parts.append(text_at("label", start + 33, 20, shortened(line.label, 18 if len(drawn) > 1 else 42), "start"))
    parts.append(text_at("axis", (left + right) / 2, height - 12, axes[0], "middle"))
    middle = (top + bottom) / 2
    parts.append(
        Markup('<text class="axis" text-anchor="middle" transform="translate(12 {}) rotate(-90)">{}</text>').format(
            coordinate(middle), axes[1]
        )
    )
    return framed(parts, width, height, key, title, description)


def bar(part: float) -> Markup:
    """A small horizontal bar beside the number that says the same, hence hidden from screen readers."""
    filled = coordinate(max(0.0, min(1.0, part)) * 120)
    return Markup(
        '<svg class="bar" viewBox="0 0 120 10" width="120" height="10" aria-hidden="true">'
        '<rect class="track" width="120" height="10"/><rect class="fill" width="{}" height="10"/></svg>'
    ).format(filled)


def shade(part: float, whole: float) -> int:
    """The step of shading, 0 to 5, of a cell that holds `part` of its row."""
    return math.ceil(5 * part / whole) if whole else 0


def _path(line: Line, x: Scale, y: Scale) -> list[Markup]:
    """The strokes between neighbouring points, and a dot on each."""
    dashed = " dashed" if line.dashed else ""
    known = [(x(a), y(b)) if b is not None else None for a, b in line.points]
    strokes, pen = [], "M"
    for point in known:
        if point is None:
            pen = "M"
            continue
        strokes.append(f"{pen}{coordinate(point[0])} {coordinate(point[1])}")
        pen = "L"
    parts = [Markup('<path class="line{}" d="{}"/>').format(dashed, " ".join(strokes))]
    spots = [point for point in known if point is not None]
    for across, upward in spots:
        if line.dashed:
            shape = '<rect class="point dashed" x="{}" y="{}" width="6" height="6"/>'
            parts.append(Markup(shape).format(coordinate(across - 3), coordinate(upward - 3)))
        else:
            parts.append(
                Markup('<circle class="point" cx="{}" cy="{}" r="3"/>').format(coordinate(across), coordinate(upward))
            )
    return parts


def _whole(low: float, high: float) -> list[float]:
    """Ticks of an epoch axis: whole numbers only, from `low` to `high` (or one more)."""
    step = max(1, math.ceil((high - low) / 8))
    first = math.floor(low)
    return [float(first + step * number) for number in range(max(1, math.ceil((high - first) / step)) + 1)]


def _grid_line(x: float, top: float, bottom: float, text: str) -> Markup:
    """One vertical line of the grid with its number below, which does not leave the drawing on the left."""
    anchor, at = ("start", 0) if x < 20 else ("middle", x)
    return segment("grid", x, top, x, bottom) + text_at("tick", at, bottom + 18, text, anchor)


def segment(kind: str, x1: float, y1: float, x2: float, y2: float) -> Markup:
    """A straight stroke."""
    return Markup('<line class="{}" x1="{}" y1="{}" x2="{}" y2="{}"/>').format(
        kind, coordinate(x1), coordinate(y1), coordinate(x2), coordinate(y2)
    )


def text_at(kind: str, x: float, y: float, text: str, anchor: str) -> Markup:
    """Text at a point; whatever it holds is escaped."""
    return Markup('<text class="{}" x="{}" y="{}" text-anchor="{}">{}</text>').format(
        kind, coordinate(x), coordinate(y), anchor, text
    )


def framed(parts: Iterable[Markup], width: float, height: float, key: str, title: str, description: str) -> Markup:
    """The frame of a chart, with its name and description for assistive technology."""
    return Markup(
        '<svg class="chart" viewBox="0 0 {w} {h}" role="img" aria-labelledby="{k}-title {k}-desc">'
        '<title id="{k}-title">{t}</title><desc id="{k}-desc">{d}</desc>{body}</svg>'
    ).format(w=coordinate(width), h=coordinate(height), k=key, t=title, d=description, body=Markup("").join(parts))


def tick_text(value: float, grid: Sequence[float]) -> str:
    """A tick's number with as many decimals as the whole axis needs."""
    for decimals in range(7 if abs(value) < 1e6 else 0):
        if all(math.isclose(tick, round(tick, decimals), abs_tol=1e-9) for tick in grid):
            return f"{value:,.{decimals}f}".replace("-", "\u2212")
    return f"{value:g}"


def coordinate(value: float) -> str:
    """A coordinate, with at most two decimals."""
    return f"{value:.2f}".rstrip("0").rstrip(".")
