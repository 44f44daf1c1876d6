"""What a learning curve says: its sentences, and its page, made from the evidence alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from headstart.artifact import EVIDENCE
from headstart.drawing.curves import BandPoint, CurveLine, curve_plot
from headstart.drawing.text import dig, legible, number, shown, signed
from headstart.manifest import MANIFEST, TABLES, read_manifest, refuse_changed
from headstart.metrics import is_better_lower, title_of
from headstart.report.page import environment
from headstart.runtime.contained import believed, content, parsed

MOST_GAPS = 50
"""Runs without a result that are listed."""
PER_SENTENCE = 3
"""Sizes of one strategy that a sentence on savings names."""


def curve_in(folder: Path) -> dict[str, Any] | None:
    """The evidence of the curve in a folder; None where it holds something else.

    Raises:
        ModelError: it was changed since it was written.
    """
    if not (folder / MANIFEST).is_file() or read_manifest(folder)[0].get("kind") != TABLES:
        return None
    if not (folder / EVIDENCE).is_file():
        return None
    refuse_changed(folder, [EVIDENCE])
    found = parsed(content(folder, EVIDENCE), folder / EVIDENCE)
    return found if isinstance(found, dict) and {"curves", "savings"} <= found.keys() else None


def outlook(folder: Path, evidence: Mapping[str, Any], strategy: str | None) -> str:
    """What a curve says of more labels, in a sentence: with a strategy or, where it has no curve, with the best one.

    Args:
        folder: of the curve.
        evidence: found there.
        strategy: by name; None for the best.

    Raises:
        ModelError: the evidence is damaged.
    """
    with believed(folder / EVIDENCE):
        metric = str(evidence["metric"])
        own = next((each for each in evidence["curves"] if each["strategy"] == strategy), None)
        return more_labels(own or _best(evidence["curves"], metric), metric)


def verdict(evidence: Mapping[str, Any]) -> list[str]:
    """Sentences about a curve, the headline first.

    Args:
        evidence: of `curve`, plain data.
    """
    metric = str(evidence["metric"])
    said = [_headline(evidence, metric)]
    said += [sentence for each in evidence["savings"] if (sentence := _saved(each))]
    best = _best(evidence["curves"], metric)
    for each in evidence["curves"]:
        if each is best or each["role"] == "transfer" or each["forecast"]["points"]:
            said.append(more_labels(each, metric))
    for each in evidence["curves"]:
        said += [
            f"{each['strategy']} falls between {before:,} and {after:,} rows, by more than noise."
            for before, after in each["falls"]
        ]
    single = evidence["draws"] == 1
    if single:
        said.append("There is one draw, so bands are of test rows alone: other training rows would give other scores.")
    said += [sentence for each in evidence["curves"] if (sentence := _missing(each))]
    if missing := evidence["not_run"]:
        more = f" and {len(missing) - MOST_GAPS} more" if len(missing) > MOST_GAPS else ""
        said.append(f"Not run for want of time: {'; '.join(missing[:MOST_GAPS])}{more}.")
    return said


def more_labels(curve: Mapping[str, Any], metric: str) -> str:
    """What more labels would bring with one strategy, or why that is not said.

    Args:
        curve: of the evidence.
        metric: by which it was scored.
    """
    name, ahead = curve["strategy"], curve["forecast"]
    if not ahead["points"]:
        return f"What more labels would bring with {name} is not forecast: {ahead['refusal']}."
    last = curve["points"][-1]["size"]
    parts = []
    for point in ahead["points"]:
        change = f"{signed(point['gain'])} [{signed(point['gain_low'])}, {signed(point['gain_high'])}]"
        score = f"{number(point['value'])} [{number(point['low'])}, {number(point['high'])}]"
        parts.append(f"about {change} {title_of(metric)} with {point['size']:,} rows, to {score}")
    return f"More labels than {last:,} would buy with {name} {'; '.join(parts)} (90 % bands)."


def _headline(evidence: Mapping[str, Any], metric: str) -> str:
    """The best at the largest size, beside the best of the other role there."""
    size = max(point["size"] for each in evidence["curves"] for point in each["points"])
    there = [each for each in evidence["curves"] if each["points"][-1]["size"] == size]
    best = _best(there, metric)
    last, lost = best["points"][-1], best["role"] == "control"
    over = f", mean of {last['draws']} draws" if last["draws"] > 1 else ""
    rows = f"{last['score']['n']:,} test rows"
    said = f"ith {size:,} training rows {best['strategy']} reaches {title_of(metric)} {shown(last['score'])} on {rows}{over}"
    others = [each for each in there if each["role"] != best["role"]]
    if not others:
        return f"W{said}."
    other = _best(others, metric)
    kind = "pretrained strategy" if lost else "control"
    start = "Transfer does not pay there: w" if lost else "W"
    return f"{start}{said}; the best {kind}, {other['strategy']}, {shown(other['points'][-1]['score'])}."


def _best(curves: Sequence[Mapping[str, Any]], metric: str) -> Mapping[str, Any]:
    sign = -1 if is_better_lower(metric) else 1
    return max(curves, key=lambda each: (each["points"][-1]["size"], sign * each["points"][-1]["score"]["value"]))


def times(saving: Mapping[str, Any]) -> str:
    """How many times the labels: `14.1 times (9.0 to 22.4)`, or `at least 62 times`."""
    if saving["at_least"]:
        return f"at least {_ratio(saving['times'])} times"
    high = "more than can be told" if saving["high"] is None else _ratio(saving["high"])
    return f"{_ratio(saving['times'])} times ({_ratio(saving['low'])} to {high})"


def _ratio(value: float) -> str:
    return f"{value:.1f}" if value < 10 else f"{value:,.0f}"


def _saved(row: Mapping[str, Any]) -> str:
    """The labels that a strategy saves against a control, at the sizes where it saves any."""
    known = [each for each in row["sizes"] if each["times"] > 1]
    if not known:
        return f"{row['strategy']} saves no labels against {row['control']} at the sizes that were measured."
    picked = known if len(known) <= PER_SENTENCE else [known[0], known[len(known) // 2], known[-1]]
    parts = []
    for each in picked:
        rows = f"{'more than ' if each['at_least'] else ''}{each['rows']:,.0f}"
        parts.append(f"{each['size']:,} rows, {row['control']} needs {rows}: {times(each)}")
    return f"For what {row['strategy']} does with {'; with '.join(parts)} as many (95 %)."


def _missing(curve: Mapping[str, Any]) -> str:
    gaps = curve["gaps"]
    if not gaps:
        return ""
    places = ", ".join(sorted({f"{each['size']:,} rows" for each in gaps}, key=lambda each: (len(each), each)))
    return f"{curve['strategy']} has {len(gaps)} run(s) without a score, at {places}: {gaps[0]['why']}."


def page(evidence: Mapping[str, Any]) -> str:
    """The page of a curve: one HTML document without script and without network.

    Args:
        evidence: of `curve`, plain data.
    """
    seen = legible(evidence)
    metric = str(seen["metric"])
    gaps = [each | {"strategy": curve["strategy"]} for curve in seen["curves"] for each in curve["gaps"]]
    return (
        environment()
        .get_template("curve.html.j2")
        .render(
            evidence=seen,
            metric=metric,
            plot=plot(seen),
            best=_best(seen["curves"], metric),
            times=times,
            table=_table(seen),
            ahead=_ahead(seen),
            savings=[row for row in seen["savings"] if row["sizes"]],
            gaps=gaps[:MOST_GAPS],
            gaps_total=len(gaps),
            missing=seen["not_run"][:MOST_GAPS],
        )
    )


def plot(evidence: Mapping[str, Any]) -> dict[str, Any] | None:
    """The curves with their bands."""
    title = title_of(str(evidence["metric"]))
    curves = []
    for each in evidence["curves"]:
        scores = {point["size"]: point["score"] for point in each["points"]}
        points = [
            BandPoint(size, score["value"], score["low"], score["high"])
            if (score := scores.get(size))
            else BandPoint(size, None)
            for size in evidence["sizes"]
        ]
        ahead = [BandPoint(at["size"], at["value"], at["low"], at["high"]) for at in each["forecast"]["points"]]
        curves.append(CurveLine(str(each["strategy"]), points, ahead, each["role"] == "control"))
    ends = ", ".join(
        f"{each['strategy']} {number(each['points'][-1]['score']['value'])}" for each in evidence["curves"]
    )
    return curve_plot(
        curves,
        key="curve",
        title=f"{title} on test by training rows",
        description=f"At the largest size of each: {ends}. Dotted lines are forecasts.",
        score=f"{title} on test",
    )


def _table(evidence: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A row for each size, a score or None for each curve."""
    return [
        {
            "size": size,
            "scores": [
                next((point for point in each["points"] if point["size"] == size), None) for each in evidence["curves"]
            ],
        }
        for size in evidence["sizes"]
    ]


def _ahead(evidence: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A line for each forecast point, and for each curve without one."""
    found = []
    for each in evidence["curves"]:
        points = each["forecast"]["points"]
        families = {name: share for name, share in (dig(each, "forecast", "families") or {}).items()}
        found += [{"strategy": each["strategy"], "point": point, "families": families, "why": ""} for point in points]
        if not points:
            found.append(
                {"strategy": each["strategy"], "point": None, "families": {}, "why": each["forecast"]["refusal"]}
            )
    return found
