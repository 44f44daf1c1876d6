"""Plots over two measured axes as inline SVG: reliability, coverage, cost against score, true against predicted; histograms.

One drawing serves desk and phone: 400 units wide, text of 12 units. Colours are classes of the page, as in `drawing`.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from headstart.drawing.charts import Scale, coordinate, dot, framed, scale, segment, text_at, tick_text, ticks
from headstart.drawing.text import shortened

WIDTH, HEIGHT = 400, 300
LEFT, RIGHT, TOP, BOTTOM = 52, 388, 14, 250
CHARACTER = 6.4
"""Width of a letter of a label, about."""
LINE = 15
"""Height of a label."""
TIMES = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 60, 120, 300, 600, 1200, 3600, 7200, 18000, 36000, 86400, 172800, 604800)
"""Seconds that a logarithmic time axis may show."""


@dataclass(frozen=True)
class Spot:
    """One dot with its vertical interval.

    Args:
        x: where it stands on the horizontal axis.
        y: where it stands on the vertical axis.
        low: lower end of the interval, or None to draw none.
        high: upper end, or None.
        label: text beside it.
        hollow: an open diamond in place of a filled circle.
        strong: the label is set bold.
        size: radius of the circle.
    """

    x: float
    y: float
    low: float | None = None
    high: float | None = None
    label: str = ""
    hollow: bool = False
    strong: bool = False
    size: float = 5.5


def reliability_plot(spots: Sequence[Spot], *, key: str, title: str, description: str) -> Markup:
    """Accuracy over confidence, both from 0 to 1, and the diagonal on which a calibrated model lies."""
    grid = [0, 0.2, 0.4, 0.6, 0.8, 1]
    x, y = scale((0, 1), (LEFT, RIGHT)), scale((0, 1), (BOTTOM, TOP))
    parts = _plane([(tick, tick_text(tick, grid)) for tick in grid], grid, x, y, ("confidence", "accuracy"))
    parts.append(segment("reference", x(0), y(0), x(1), y(1)))
    for spot in spots:
        parts += _spot(spot, x, y)
    return framed(parts, WIDTH, HEIGHT, key, title, description)


def coverage_plot(spots: Sequence[Spot], asked: Spot | None, *, key: str, title: str, description: str) -> Markup:
    """Accuracy over the share of rows answered, a line within the band of its intervals, and the point asked for."""
    marked = [*spots, asked] if asked else list(spots)
    ends = [end for spot in marked for end in (spot.low, spot.y, spot.high) if end is not None]
    rows, columns = ticks(min(ends), max(ends), 5), [0, 0.25, 0.5, 0.75, 1]
    x, y = scale((0, 1), (LEFT, RIGHT)), scale((rows[0], rows[-1]), (BOTTOM, TOP))
    named = [(tick, f"{100 * tick:g} %") for tick in columns]
    parts = _plane(named, rows, x, y, ("share of rows answered", "accuracy of the answers"))
    bounded = [spot for spot in spots if spot.low is not None and spot.high is not None]
    outline = [(spot.x, spot.high) for spot in bounded] + [(spot.x, spot.low) for spot in reversed(bounded)]
    corners = " ".join(f"{coordinate(x(a))},{coordinate(y(b or 0))}" for a, b in outline)
    parts.append(Markup('<polygon class="band" points="{}"/>').format(corners))
    path = " ".join(f"{'L' if at else 'M'}{coordinate(x(s.x))} {coordinate(y(s.y))}" for at, s in enumerate(spots))
    parts.append(Markup('<path class="line" d="{}"/>').format(path))
    if len(spots) == 1:
        parts += _spot(spots[0], x, y)
    if asked:
        parts += _spot(asked, x, y)
        parts += _labels([asked], x, y)
    return framed(parts, WIDTH, HEIGHT, key, title, description)


def cost_plot(spots: Sequence[Spot], *, key: str, title: str, description: str, score: str) -> Markup:
    """Scores over seconds, each spot named; time is logarithmic where it spans more than a factor of ten."""
    times = [spot.x for spot in spots]
    ends = [end for spot in spots for end in (spot.low, spot.y, spot.high) if end is not None]
    rows = ticks(min(ends), max(ends), 5)
    y = scale((rows[0], rows[-1]), (BOTTOM, TOP))
    x, named, axis = _time_axis(min(times), max(times))
    parts = _plane(named, rows, x, y, (axis, score))
    for spot in spots:
        parts += _spot(spot, x, y)
    parts += _labels(spots, x, y)
    return framed(parts, WIDTH, HEIGHT, key, title, description)


def scatter_plot(points: Sequence[Sequence[float]], *, key: str, title: str) -> Markup:
    """Predicted over true numbers on axes of one scale, and the diagonal on which right predictions lie.

    Args:
        points: true and predicted number of each row; at least one.
        key: makes the identifiers of this drawing unique on the page.
        title: the name of the chart, for assistive technology.
    """
    values = [value for point in points for value in point]
    grid = ticks(min(values), max(values), 6)
    x, y = scale((grid[0], grid[-1]), (LEFT, RIGHT)), scale((grid[0], grid[-1]), (BOTTOM, TOP))
    parts = _plane([(tick, tick_text(tick, grid)) for tick in grid], grid, x, y, ("true", "predicted"))
    parts.append(segment("reference", x(grid[0]), y(grid[0]), x(grid[-1]), y(grid[-1])))
    mote = Markup('<circle class="mote" cx="{}" cy="{}" r="3"/>')
    parts += [mote.format(coordinate(x(true)), coordinate(y(predicted))) for true, predicted in points]
    ends = [f"{tick_text(end, grid)}" for end in (grid[0], grid[-1])]
    description = f"{len(points)} rows, both axes from {ends[0]} to {ends[1]}; right predictions lie on the diagonal."
    return framed(parts, WIDTH, HEIGHT, key, title, description)


def histogram(edges: Sequence[float], counts: Sequence[int], *, key: str, title: str, axis: str) -> Markup:
    """Rows by bins of a number, and a dotted line at zero where it is in sight.

    Args:
        edges: of the bins, ascending, one more than there are counts.
        counts: rows of each bin.
        key: makes the identifiers of this drawing unique on the page.
        title: the name of the chart, for assistive technology.
        axis: name of the horizontal axis.
    """
    columns, rows = ticks(edges[0], edges[-1], 6), ticks(0, max(1, *counts), 5)
    x = scale((min(columns[0], edges[0]), max(columns[-1], edges[-1])), (LEFT, RIGHT))
    y = scale((rows[0], rows[-1]), (BOTTOM, TOP))
    parts = _plane([(tick, tick_text(tick, columns)) for tick in columns], rows, x, y, (axis, "rows"))
    pillar = Markup('<rect class="pillar" x="{}" y="{}" width="{}" height="{}"/>')
    for left, right, n in zip(edges, edges[1:], counts, strict=False):
        across, upward = x(left) + 0.5, y(n)
        parts.append(pillar.format(*map(coordinate, (across, upward, x(right) - across - 0.5, BOTTOM - upward))))
    if edges[0] <= 0 <= edges[-1]:
        parts.append(segment("reference", x(0), TOP, x(0), BOTTOM))
    most = max(range(len(counts)), key=lambda at: counts[at])
    description = (
        f"Most rows, {counts[most]} of {sum(counts)}, are between {edges[most]:.4g} and {edges[most + 1]:.4g}."
    )
    return framed(parts, WIDTH, HEIGHT, key, title, description)


def whisker(measured: Mapping[str, Any], domain: tuple[float, float], whole: float, *, hollow: bool) -> Markup:
    """A small interval with its dot on a shared axis, a dotted line at the score of all rows.

    It stands beside the numbers that say the same, hence it is hidden from screen readers.
    """
    x = scale(domain, (7, 173))
    kind = "hollow" if hollow else "filled"
    parts = [
        segment("track", 0, 9, 180, 9),
        segment("reference", x(whole), 0, x(whole), 18),
        segment(f"whisker {kind}", x(measured["low"]), 9, x(measured["high"]), 9),
        dot(x(measured["value"]), 9, hollow=hollow, size=4),
    ]
    frame = '<svg class="whiskers" viewBox="0 0 180 18" width="180" height="18" aria-hidden="true">{}</svg>'
    return Markup(frame).format(Markup("").join(parts))


def time_ticks(low: float, high: float) -> list[float]:
    """Times from just below `low` to just above `high` seconds, at most six."""
    first = max((place for place, time in enumerate(TIMES) if time <= low), default=0)
    last = min((place for place, time in enumerate(TIMES) if time >= high), default=len(TIMES) - 1)
    inside = list(TIMES[first : last + 1])
    found = [low, *inside] if inside[0] > low else inside
    found = [*found, high] if found[-1] < high else found
    step = math.ceil((len(found) - 1) / 5)
    return [*found[: len(found) - 1 : step], found[-1]] if step > 1 else found


def _time_axis(least: float, longest: float) -> tuple[Scale, list[tuple[float, str]], str]:
    """Where seconds stand, the named ticks, and the name of the axis."""
    if longest > 10 * least > 0:
        columns = time_ticks(least, longest)
        straight = scale((math.log(columns[0]), math.log(columns[-1])), (LEFT, RIGHT))
        return (
            lambda value: straight(math.log(value)),
            [(tick, _tick_time(tick)) for tick in columns],
            "time (logarithmic)",
        )
    unit, size = _unit(longest)
    columns = [size * tick for tick in ticks(0, longest / size, 5)]
    named = [(tick, f"{tick / size:g}") for tick in columns]
    return scale((columns[0], columns[-1]), (LEFT, RIGHT)), named, f"time in {unit}"


def _unit(longest: float) -> tuple[str, int]:
    """The unit of a straight time axis, and its seconds."""
    return ("seconds", 1) if longest < 120 else ("minutes", 60) if longest < 7200 else ("hours", 3600)


def _tick_time(seconds: float) -> str:
    """A time on an axis: `0.5 s`, `20 s`, `2 min`, `1 h`."""
    for unit, size in (("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.3g} s"


def _plane(
    columns: Sequence[tuple[float, str]], rows: Sequence[float], x: Scale, y: Scale, axes: tuple[str, str]
) -> list[Markup]:
    """The grid with its numbers and the names of both axes."""
    parts = []
    for tick in rows:
        parts.append(segment("grid", LEFT, y(tick), RIGHT, y(tick)))
        parts.append(text_at("tick", LEFT - 6, y(tick) + 4, tick_text(tick, rows), "end"))
    for tick, name in columns:
        parts.append(segment("grid", x(tick), TOP, x(tick), BOTTOM))
        parts.append(text_at("tick", x(tick), BOTTOM + 17, name, "end" if x(tick) > RIGHT - 8 else "middle"))
    parts.append(text_at("axis", (LEFT + RIGHT) / 2, HEIGHT - 8, axes[0], "middle"))
    turned = '<text class="axis" text-anchor="middle" transform="translate(12 {}) rotate(-90)">{}</text>'
    parts.append(Markup(turned).format(coordinate((TOP + BOTTOM) / 2), axes[1]))
    return parts


def _spot(spot: Spot, x: Scale, y: Scale) -> list[Markup]:
    """The interval and the dot."""
    kind = "hollow" if spot.hollow else "filled"
    parts = []
    if spot.low is not None and spot.high is not None:
        parts.append(segment(f"whisker {kind}", x(spot.x), y(spot.low), x(spot.x), y(spot.high)))
    parts.append(dot(x(spot.x), y(spot.y), hollow=spot.hollow, size=spot.size))
    return parts


def _labels(spots: Sequence[Spot], x: Scale, y: Scale) -> list[Markup]:
    """The names of the spots, each beside its own and clear of the others."""
    taken = [(x(spot.x) - 7, y(spot.y) - 7, x(spot.x) + 7, y(spot.y) + 7) for spot in spots]
    parts = []
    for spot in spots:
        text = shortened(spot.label, 24)
        length = CHARACTER * len(text) * (1.08 if spot.strong else 1)
        places = [
            (x(spot.x) + 10 if right else x(spot.x) - 10 - length, y(spot.y) + shift, right)
            for shift in (0, -LINE, LINE, -2 * LINE, 2 * LINE, -3 * LINE, 3 * LINE)
            for right in (True, False)
        ]
        inside = [place for place in places if place[0] >= LEFT + 2 and place[0] + length <= RIGHT + 4]
        clear = [place for place in inside if not any(_touch(_box(place, length), box) for box in taken)]
        across, upward, right = (clear or inside or places)[0]
        taken.append(_box((across, upward, right), length))
        anchor, at = ("start", across) if right else ("end", across + length)
        parts.append(text_at(f"label{' strong' if spot.strong else ''}", at, upward + 4, text, anchor))
    return parts


def _box(place: tuple[float, float, bool], length: float) -> tuple[float, float, float, float]:
    """The room that a label takes: left, top, right, bottom."""
    return place[0], place[1] - LINE / 2, place[0] + length, place[1] + LINE / 2


def _touch(one: tuple[float, float, float, float], other: tuple[float, float, float, float]) -> bool:
    """Whether two boxes overlap."""
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
