"""What `check` shows on a terminal."""

from __future__ import annotations

import shutil
from typing import Any

from headstart.cli.display import table
from headstart.drawing.text import counted, number, shortened
from headstart.report.checking import TITLES, noise_sentences, sentences
from headstart.unseen import on_one_line

MOST_PLACES = 3
"""Places of a finding that are shown."""
MOST_SUSPECTS = 15
"""Doubtful rows that are shown."""
LEAST_WIDTH = 80


def findings_shown(result: dict[str, Any]) -> str:
    """The findings, the heaviest first, then the most doubtful rows.

    Args:
        result: of `check`.
    """
    lines = [line for each in result["findings"] for line in _finding(each)]
    lines += ["", *sentences(result)] if lines else sentences(result)
    if result["noise"]:
        lines += ["", *noise_sentences(result["noise"]), "", _suspects(result["noise"]["suspects"])]
    for each in result["not_checked"]:
        lines.append(f"not checked: {each['check']}: {each['why']}")
    if fixed := result.get("fixed"):
        merged = f"{fixed['merged']:,} labels merged"
        done = f"{counted(fixed['left_out'], 'row')} left out, {merged}, {fixed['marked']:,} marked as doubtful"
        lines += ["", f"Cleaned copy: {fixed['rows']:,} of {fixed['of_rows']:,} rows; {done}."]
    return "\n".join(lines)


def _finding(found: dict[str, Any]) -> list[str]:
    kind = TITLES.get(found["kind"], found["kind"])
    lines = [f"{found['weight'].upper():<8} {kind}: {found['what']}"]
    for place in found["places"][: 0 if found["kind"] == "label noise" else MOST_PLACES]:
        lines.append(f"         {place['file']}:{place['line']}" + (f"  {place['said']}" if place.get("said") else ""))
    more = found["rows"] - MOST_PLACES
    if more > 0 and found["places"] and found["kind"] != "label noise":
        lines.append(f"         and {counted(more, 'row')} more")
    return [*lines, f"         -> {found['do']}"] if found["do"] else lines


def _suspects(rows: list[dict[str, Any]]) -> str:
    """The most doubtful rows, with what is likelier."""
    body = [
        [
            str(row["rank"]), str(row["line"]), number(row["probability_wrong"], 2), shortened(on_one_line(row["label"]), 24),
            shortened(on_one_line(row["likelier"]), 30), on_one_line(row["text"]),
        ]
        for row in rows[:MOST_SUSPECTS]
    ]  # fmt: skip
    taken = sum(max((len(row[at]) for row in body), default=0) + 2 for at in range(5))
    room = max(30, max(LEAST_WIDTH, shutil.get_terminal_size((120, 24)).columns) - max(taken, 40))
    body = [[*row[:-1], shortened(row[-1], room)] for row in body]
    shown = table(["", "line", "wrong", "label", "likelier", "text"], body, left=(3, 4, 5))
    more = len(rows) - MOST_SUSPECTS
    return shown + (f"\nand {counted(more, 'row')} more: --json, or -o FOLDER" if more > 0 else "")
