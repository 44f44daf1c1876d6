"""What `curve` shows on a terminal."""

from __future__ import annotations

from typing import Any

from headstart.cli.display import table
from headstart.drawing.text import NOTHING, duration, shown


def curve_table(result: dict[str, Any]) -> str:
    """Scores by training rows, a column for each strategy, and what they say.

    Args:
        result: of `curve`.
    """
    curves = result["curves"]
    body = []
    for size in result["sizes"]:
        cells = []
        for each in curves:
            point = next((point for point in each["points"] if point["size"] == size), None)
            cells.append(NOTHING if point is None else shown(point["score"]))
        body.append([f"{size:,}", *cells])
    head = ["training rows", *(each["strategy"] for each in curves)]
    return "\n".join([table(head, body), "", *result["verdict"]])


def curve_plan(result: dict[str, Any]) -> str:
    """What a curve would run, by size.

    Args:
        result: of `curve --dry-run`.
    """
    rows = [[f"{row['size']:,}", str(row["draws"]), duration(row["seconds"])] for row in result["sizes_planned"]]
    names = ", ".join(result["strategies"])
    return f"{table(['training rows', 'draws', 'about'], rows)}\n\n{names}: about {duration(result['seconds'])} in all"
