"""What `audit` shows on a terminal."""

from __future__ import annotations

from typing import Any

from headstart.cli.display import table
from headstart.drawing.text import count
from headstart.report.auditing import measured, overall, score_rows


def audit_shown(result: dict[str, Any]) -> str:
    """Scores, then what each measurement says.

    Args:
        result: of `audit`.
    """
    scores = score_rows(result)
    lines = [table([head.removesuffix("|n") for head in scores["columns"]], scores["rows"])] if result["task"] else []
    if said := overall(result):
        lines += ["", *said]
    for each, plain in measured(result):
        lines += [*([""] if lines else []), each.heading, *(f"  {said}" for said in each.sentences(plain, result))]
    for each in result["not_measured"]:
        lines.append(f"not measured: {each['measurement']}: {each['why']}")
    if result["dropped_rows"]:
        lines.append(f"{count(len(result['dropped_rows']))} rows were left out (see --json)")
    return "\n".join(lines)
