"""What `duplicates`, `cluster` and `suggest` show on a terminal."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any

from headstart.cli.display import table
from headstart.drawing.text import count, counted, number, share, shortened, shown
from headstart.unseen import on_one_line

MOST_GROUPS = 10
"""Groups of duplicates that are shown."""
MOST_CLUSTERS = 40
"""Clusters that are shown."""
MOST_ROWS = 4
"""Rows of a group that are shown."""
MOST_WORDS = 6
"""Words of a cluster that are shown."""
MOST_SUGGESTED = 20
"""Rows to label next that are shown."""
LEAST_WIDTH = 80


def duplicate_groups(result: dict[str, Any]) -> str:
    """The largest groups, each with the row that stands for it first."""
    groups, rows = result["duplicate_groups"], result["rows"]
    copies, threshold = result["copies"], f"{result['threshold']:.3f}"
    others = result["duplicates"] - copies
    lines = [
        f"{count(result['duplicates'])} of {counted(rows, 'row')} ({share(result['duplicates'], rows)}) repeat another: "
        f"{count(copies)} copies, {count(others)} nearly so or with a cosine of {threshold} or more; "
        f"{counted(len(groups), 'group')}",
        _threshold_line(result),
    ]
    body = [row for group in groups[:MOST_GROUPS] for row in _rows_of(group)]
    if body:
        lines += ["", table(["group", "rows", "cosine", "match", "line", "text"], _fitted(body), left=(3, 5))]
    if len(groups) > MOST_GROUPS:
        lines.append(f"and {counted(len(groups) - MOST_GROUPS, 'group')} more")
    return "\n".join(lines)


def _threshold_line(result: dict[str, Any]) -> str:
    """Where the threshold comes from, and what it is worth where that is known."""
    labelled = result["labelled_pairs"]
    if labelled is not None:
        precision = "none reaches it" if labelled["precision"] is None else shown(labelled["precision"])
        return (
            f"Threshold {result['threshold']:.3f} by {count(labelled['pairs'])} labelled pairs: precision {precision}, recall "
            f"{shown(labelled['recall'])}, each pair judged by a threshold that others chose"
        )
    if result["threshold_by"] == "recipe":
        return f"Threshold {result['threshold']:.3f} as given"
    return (
        f"Threshold {result['threshold']:.3f}: nine tenths of the way from {result['mean_cosine'] or 0.0:.3f}, the mean cosine of "
        "two texts here, to 1; labelled pairs (--pairs) would say how often it is right"
    )


def _rows_of(group: dict[str, Any]) -> Iterator[list[str]]:
    first, others = group["representative"], group["others"]
    yield [str(group["group"]), count(group["rows"]), "", "", str(first["line"]), first["text"]]
    for row in others[: MOST_ROWS - 1]:
        yield ["", "", f"{row['cosine']:.3f}", row["match"], str(row["line"]), row["text"]]
    if len(others) >= MOST_ROWS:
        yield ["", "", "", "", "", f"and {counted(len(others) - MOST_ROWS + 1, 'row')} more"]


def clusters(result: dict[str, Any]) -> str:
    """A line for each cluster with its words and the text nearest to its centre, then how far they can be relied on."""
    rows, body = result["rows"], []
    for each in result["clusters"][:MOST_CLUSTERS]:
        words, example = ", ".join(each["words"][:MOST_WORDS]), each["examples"][0]
        cohesion = "" if each["cohesion"] is None else number(each["cohesion"], 2)
        body.append(
            [str(each["cluster"]), count(each["rows"]), share(each["rows"], rows), cohesion, words, example["text"]]
        )
    more, outside = result["clusters"][MOST_CLUSTERS:], result["in_no_cluster"]
    if more:
        held = sum(each["rows"] for each in more)
        body.append(
            ["more", count(held), share(held, rows), "", "", f"{counted(len(more), 'cluster')}: --json, or -o FOLDER"]
        )
    if outside["rows"]:
        example = outside["examples"][0]["text"]
        body.append(["none", count(outside["rows"]), share(outside["rows"], rows), "", "", example])
    header = ["cluster", "rows", "share", "cohesion", "words", "example"]
    lines = [table(header, _fitted(body), left=(0, 4, 5)), "", *_compared(result["comparison"])]
    return "\n".join(lines)


def _compared(compared: dict[str, Any]) -> Iterator[str]:
    """The clusters beside those of the control."""
    stable, agree = compared["stability"], compared["agreement"]
    header = ["beside the control", "stability", *(["agreement with labels [95 %]"] if agree else [])]
    body = [
        [name, number(stable[name], 2), *([shown(agree[name])] if agree else [])] for name in stable if name is not None
    ]
    yield table(header, body)
    if agree:
        yield f"gain over tf-idf {shown(agree['gain'], sign=True)} on {count(agree['rows'])} labelled rows"


def suggested(result: dict[str, Any]) -> str:
    """The rows to label next, and why these."""
    rows = result["suggested"]
    near = f", one of each cluster by vectors of {result['vectors']}" if result["vectors"] else ""
    why = f"those that {result['model']} is least sure of by {result['by']}" if result["model"] else "no two alike"
    lines = [f"{count(len(rows))} of {counted(result['rows'], 'row')} to label next: {why}{near}"]
    if result["labelled"] or result["near_copies"]:
        lines.append(
            f"{counted(result['labelled'], 'row')} labelled already, and {counted(result['near_copies'], 'text')} that nearly "
            "repeat one of these, are left out"
        )
    names = ["rank", "line", *(["predicted_label", "confidence"] if result["model"] else []), "text"]
    body = [
        [f"{row[name]:.3f}" if name == "confidence" else str(row[name]) for name in names]
        for row in rows[:MOST_SUGGESTED]
    ]
    header = [name.replace("_", " ") for name in names]
    lines += ["", table(header, _fitted(body), left=(2, 4) if result["model"] else (2,))]
    if len(rows) > MOST_SUGGESTED:
        lines.append(f"and {counted(len(rows) - MOST_SUGGESTED, 'row')} more: --json, or -o FILE")
    return "\n".join(lines)


def _fitted(rows: list[list[str]]) -> list[list[str]]:
    """Rows whose last cells, the texts, are cut to what is left of the width of the terminal."""
    rows = [[*map(on_one_line, row)] for row in rows]
    columns = len(rows[0]) if rows else 0
    taken = sum(max(len(row[at]) for row in rows) + 2 for at in range(columns - 1))
    width = max(LEAST_WIDTH, shutil.get_terminal_size((120, 24)).columns)
    room = max(30, width - max(taken, 30))
    return [[*row[:-1], shortened(" ".join(row[-1].split()), room)] for row in rows]
