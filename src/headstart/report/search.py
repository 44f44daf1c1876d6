"""What a search for settings came to: sentences for the verdict, and what its section of the page shows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headstart.drawing.charts import ChartRow, Line, both_widths, lines
from headstart.drawing.text import dig, finite, number, signed
from headstart.metrics import is_better_lower, title_of

MOST_TRIALS, MOST_PLOTTED = 100, 500
"""Trials in the table, the best first, and in the drawing."""
STATES = {"done": "to the end", "pruned": "given up on the way", "failed": "failed"}


def sentences(about: Mapping[str, Any]) -> list[str]:
    """What the search came to, in words.

    Args:
        about: as `found` gives it.
    """
    states = [each["state"] for each in about["trials"]]
    parts = [f"{states.count('done')} to the end"]
    parts += [f"{states.count('pruned')} given up on the way"] * ("pruned" in states)
    parts += [f"{states.count('failed')} failed"] * ("failed" in states)
    said = [f"{len(states):,} of {about['asked']:,} trials of {about['strategy']} were run, {', '.join(parts)}"]
    why = f"; {about['stopped']}" if about["stopped"] else ""
    said = [f"{said[0]}{why}."]
    gain, metric = about["gain"], about["metric"]
    if about["best"] == 0:
        return [*said, f"No trial was better than the defaults in {metric} on {about['choices']}; they are kept."]
    if gain is None:
        return [*said, f"The defaults failed, so trial {about['best']}, the best of the others, is kept."]
    shown = f"{gain['value']:+.3f} [{gain['low']:+.3f}, {gain['high']:+.3f}]"
    promised = (
        f"trial {about['best']} has {metric} {about['optimistic']:.3f} on the rows that it was chosen by, and "
        f"{about['expected']['value']:.3f} is to be expected of such a choice on others"
    )
    if about["sold"]:
        return [*said, f"Searching paid: {promised}, {shown} against the defaults; its settings are kept."]
    return [*said, f"Searching gave nothing beyond noise: {promised}, {shown} against the defaults, which are kept."]


def search(evidence: Mapping[str, Any]) -> dict[str, Any] | None:
    """What the section on the search shows; None where nothing was searched."""
    about = evidence.get("search")
    if not isinstance(about, Mapping) or not about.get("trials"):
        return None
    metric = str(about.get("metric"))
    sign = -1.0 if is_better_lower(metric) else 1.0
    trials = [each for each in about["trials"] if isinstance(each, Mapping)]

    def order(each: Mapping[str, Any]) -> tuple[bool, float]:
        value = finite(each.get("value"))
        return value is None, 0.0 if value is None else -sign * value

    rows = [
        {
            **each,
            "called": "defaults" if each.get("number") == 0 else f"trial {each.get('number')}",
            "said": ", ".join(f"{path} {_short(value)}" for path, value in (each.get("settings") or {}).items()),
            "came": STATES.get(str(each.get("state")), str(each.get("state"))),
        }
        for each in sorted(trials, key=order)
    ]
    shares = [{"path": path, "share": share} for path, share in (about.get("importances") or {}).items()]
    return {
        "about": about,
        "metric": title_of(metric),
        "sentences": about.get("sentences") or [],
        "rows": rows[:MOST_TRIALS],
        "total": len(rows),
        "shares": shares,
        "course": _course(trials[:MOST_PLOTTED], title_of(metric), sign),
        "worth": _worth(about, title_of(metric)),
    }


def _course(trials: list[Mapping[str, Any]], metric: str, sign: float) -> Any:
    """Scores by trial, those of the trials that were finished, and the best so far."""
    ended = [
        (each["number"], value)
        for each in trials
        if each.get("state") == "done" and (value := finite(each.get("value"))) is not None
    ]
    if len(ended) < 2:
        return None
    best = [(at, sign * max(sign * value for _, value in ended[: place + 1])) for place, (at, _) in enumerate(ended)]
    return lines(
        [Line("trial", ended), Line("best so far", best, True)],
        key="search-course",
        title=f"{metric} on the rows of the choices by trial",
        description=f"It begins at {number(ended[0][1])} and the best is {number(best[-1][1])}.",
        axes=("trial", metric),
    )


def _worth(about: Mapping[str, Any], metric: str) -> dict[str, Any] | None:
    """The gain over the defaults as the rows that chose say, and as is to be expected of others."""
    gain, usual = about.get("gain"), next((each for each in about["trials"] if each.get("number") == 0), {})
    promised, value = finite(about.get("optimistic")), finite(usual.get("value"))
    if not isinstance(gain, Mapping) or promised is None or value is None:
        return None
    sign = -1.0 if is_better_lower(str(about.get("metric"))) else 1.0
    seen = sign * (promised - value)
    middle, low, high = (finite(dig(gain, key)) for key in ("value", "low", "high"))
    if middle is None:
        return None
    marks = [
        ChartRow("on the rows that chose", seen, None, None, signed(seen), True, False),
        ChartRow("to be expected on others", middle, low, high, signed(middle), False, True),
    ]
    return both_widths(
        marks,
        key="search-worth",
        title=f"Gain over the defaults in {metric}",
        description=f"On the rows that chose {signed(seen)}; to be expected on others {signed(middle)}.",
        axis=f"better than the defaults by so much {metric}, 95 % interval",
        reference=0.0,
    )


def _short(value: Any) -> str:
    return "auto" if value is None else f"{value:.3g}" if isinstance(value, float) else str(value)
