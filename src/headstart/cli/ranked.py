"""What `rank` shows on a terminal."""

from __future__ import annotations

from typing import Any

from headstart.cli.display import table
from headstart.drawing.text import count, number
from headstart.metrics import title_of
from headstart.report.ranking import sentences
from headstart.runtime.progress import format_duration
from headstart.transferability import TITLES


def ranking_table(result: dict[str, Any]) -> str:
    """The backbones in order, the layers of the first, and what the order says.

    Args:
        result: of `rank`.
    """
    by, rows = result["by"], result["ranking"]
    others = [name for name in TITLES if name != by]
    probe = f"probe {title_of(result['task']['metric'])}"
    body = [
        [
            str(row["rank"]),
            row["backbone"],
            f"{row['layers']} x {row['width']}",
            number(row["score"]),
            _behind(row),
            row["states"],
            *(number(row["scores"][name]) for name in others),
            number(row["probe_score"]),
            format_duration(row["seconds"]),
        ]
        for row in rows
    ]
    header = [
        "",
        "backbone",
        "layers",
        TITLES[by],
        "behind the first [95 %]",
        "states",
        *(TITLES[name] for name in others),
        probe,
        "time",
    ]
    parts = [table(header, body, left=(1, 4, 5))]
    parts += [f"not ranked: {each['backbone']}: {each['why']}" for each in result["not_ranked"]]
    if len(rows[0]["by_layer"]) > 1:
        parts += ["", _layers(rows[0], probe)]
    words = f" ({count(result['words'])} words)" if "words" in result else ""
    parts += [
        "",
        *sentences(result),
        f"Scores of frozen states on {count(result['rows'])} rows{words}; nothing was trained.",
    ]
    return "\n".join(parts)


def _behind(row: dict[str, Any]) -> str:
    if row["lead"] is None:
        return ""
    value, low, high = (number(row["lead"][key]) for key in ("value", "low", "high"))
    return f"{value} [{low}, {high}]" + (" not told apart" if row["tied"] else "")


def _layers(row: dict[str, Any], probe: str) -> str:
    """The scores of the states of one backbone, layer by layer."""
    body = [
        [
            ("* " if states["states"] == row["states"] else "  ") + states["states"],
            *(number(states["scores"][name]) for name in TITLES),
            number(states["probe_score"]),
        ]
        for states in row["by_layer"]
    ]
    return table([f"  {row['backbone']}", *TITLES.values(), probe], body)
