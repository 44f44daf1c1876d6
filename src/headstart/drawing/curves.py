"""Learning curves as inline SVG: scores over training rows on a logarithmic axis, with bands, carried on as far as is known."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from headstart.drawing.charts import Scale, coordinate, dot, framed, scale, segment, text_at, tick_text, ticks
from headstart.drawing.text import shortened

WIDTHS = {"wide": (960, 400), "narrow": (400, 340)}
"""Width and height of the drawings for desk and phone."""
MOST_COLUMNS = {"wide": 10, "narrow": 5}
LETTER = 7.2
"""Width of a letter of a name, about."""


@dataclass(frozen=True)
class BandPoint:
    """A score with its band.

    Args:
        size: training rows, over 0.
        value: the score; None leaves a gap.
        low: lower end of the band.
        high: upper end.
    """

    size: int
    value: float | None
    low: float = 0.0
    high: float = 0.0


@dataclass(frozen=True)
class CurveLine:
    """The curve of one strategy.

    Args:
        label: its name.
        points: measured, by size.
        ahead: forecast, by size.
        control: drawn in the colour of controls, dashed, with diamonds.
    """

    label: str
    points: Sequence[BandPoint]
    ahead: Sequence[BandPoint] = ()
    control: bool = False


def curve_plot(
    curves: Sequence[CurveLine], *, key: str, title: str, description: str, score: str
) -> dict[str, Markup] | None:
    """The drawing for desk and for phone, of which the page shows one; None where nothing is known.

    Args:
        curves: the first ones are drawn below later ones.
        key: makes identifiers unique on the page.
        title: of the chart.
        description: what it shows, in sentences.
        score: name of the vertical axis.
    """
    known = [point for each in curves for point in (*each.points, *each.ahead) if point.value is not None]
    if not known:
        return None
    about = {"title": title, "description": description, "score": score}
    return {name: _plot(curves, known, name, key=f"{key}-{name}", **about) for name in WIDTHS}


def _plot(
    curves: Sequence[CurveLine],
    known: Sequence[BandPoint],
    form: str,
    *,
    key: str,
    title: str,
    description: str,
    score: str,
) -> Markup:
    width, height = WIDTHS[form]
    left, right, top, bottom = 56, width - 14, 14, height - 50
    room = LETTER * max(len(shortened(each.label, 22)) for each in curves) + 14 if form == "wide" else 0
    rows = ticks(min(min(each.low, each.value or each.low) for each in known), max(each.high for each in known), 6)
    least, most = min(each.size for each in known), max(each.size for each in known)
    straight = scale((math.log(least), math.log(max(most, least + 1))), (left + 12, right - 12 - room))
    y = scale((rows[0], rows[-1]), (bottom, top))

    def x(size: float) -> float:
        return straight(math.log(size))

    parts = []
    for tick in rows:
        parts.append(segment("grid", left, y(tick), right - room, y(tick)))
        parts.append(text_at("tick", left - 6, y(tick) + 4, tick_text(tick, rows), "end"))
    for size in _columns(sorted({each.size for each in known}), MOST_COLUMNS[form]):
        parts.append(segment("grid", x(size), top, x(size), bottom))
        parts.append(text_at("tick", x(size), bottom + 18, f"{size:,}", "middle"))
    for each in curves:
        parts += _curve(each, x, y)
    parts += _names(curves, x, y, top, beside=form == "wide")
    parts.append(text_at("axis", (left + right - room) / 2, height - 10, "training rows (logarithmic)", "middle"))
    turned = '<text class="axis" text-anchor="middle" transform="translate(12 {}) rotate(-90)">{}</text>'
    parts.append(Markup(turned).format(coordinate((top + bottom) / 2), score))
    return framed(parts, width, height, key, title, description)


def _columns(sizes: Sequence[int], most: int) -> list[int]:
    """Sizes that are named on the axis: the last, and as many before it as there is room for."""
    step = math.ceil(len(sizes) / most)
    return [*sizes[::-1][::step]][::-1]


def _curve(curve: CurveLine, x: Scale, y: Scale) -> list[Markup]:
    """Bands, lines and marks of one curve; what is forecast is fainter and dotted."""
    kind = " dashed" if curve.control else ""
    measured = [point for point in curve.points if point.value is not None]
    parts = [_band(run, f"band{kind}", x, y) for run in _runs(curve.points)]
    ahead = [*measured[-1:], *curve.ahead] if curve.ahead else []
    if ahead:
        parts.append(_band(ahead, f"band ahead{kind}", x, y))
        parts.append(_stroke(ahead, f"line ahead{kind}", x, y))
    parts += [_stroke(run, f"line{kind}", x, y) for run in _runs(curve.points)]
    parts += [dot(x(point.size), y(point.value or 0.0), hollow=curve.control, size=4) for point in measured]
    return parts


def _runs(points: Sequence[BandPoint]) -> list[list[BandPoint]]:
    """Points without a gap between them."""
    found: list[list[BandPoint]] = [[]]
    for point in points:
        if point.value is None:
            found.append([])
        else:
            found[-1].append(point)
    return [run for run in found if run]


def _band(points: Sequence[BandPoint], kind: str, x: Scale, y: Scale) -> Markup:
    edge = [(point.size, point.high) for point in points] + [(point.size, point.low) for point in reversed(points)]
    corners = " ".join(f"{coordinate(x(size))},{coordinate(y(value))}" for size, value in edge)
    return Markup('<polygon class="{}" points="{}"/>').format(kind, corners)


def _stroke(points: Sequence[BandPoint], kind: str, x: Scale, y: Scale) -> Markup:
    steps = " ".join(
        f"{'L' if at else 'M'}{coordinate(x(point.size))} {coordinate(y(point.value or 0.0))}"
        for at, point in enumerate(points)
    )
    return Markup('<path class="{}" d="{}"/>').format(kind, steps)


def _names(curves: Sequence[CurveLine], x: Scale, y: Scale, top: float, *, beside: bool) -> list[Markup]:
    """Names beside the last points, or above them where there is no room, none over another."""
    ends = []
    for each in curves:
        known = [point for point in (*each.points, *each.ahead) if point.value is not None]
        if known:
            ends.append((y(known[-1].value or 0.0) + (5 if beside else -9), x(known[-1].size), each))
    parts, lowest = [], top
    for wanted, across, each in sorted(ends, key=lambda end: end[0]):
        lowest = max(wanted, lowest + 16)
        kind = "label" if each.control else "label strong"
        at, anchor = (across + 12, "start") if beside else (across, "end")
        parts.append(text_at(kind, at, lowest, shortened(each.label, 22), anchor))
    return parts
