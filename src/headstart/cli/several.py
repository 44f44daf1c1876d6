"""What `fit` of several tasks shows on a terminal."""

from __future__ import annotations

from typing import Any

from headstart.cli.display import table
from headstart.drawing.text import NOTHING, shown
from headstart.metrics import title_of


def tasks_table(result: dict[str, Any]) -> str:
    """Scores of each task together and alone, and what they say.

    Args:
        result: of `fit` of several tasks.
    """
    body = []
    for name, each in result["tasks"].items():
        alone = NOTHING if each["alone"] is None else shown(each["alone"])
        gain = NOTHING if each["difference"] is None else shown(each["difference"], sign=True)
        body.append([name, title_of(each["metric"]), shown(each["score"]), alone, gain, f"{each['passes']:.1f}"])
    head = ["task", "metric", "together", "alone", "difference", "passes"]
    return "\n".join([table(head, body), "", *result["verdict"]])


def tasks_plan(result: dict[str, Any]) -> str:
    """What would be learnt, by task.

    Args:
        result: of `fit --dry-run` of several tasks.
    """
    rows = [
        [name, each["task"], f"{each['rows']['train']:,}", f"{each['share']:.1%}", f"{each['passes_per_epoch']:.2f}"]
        for name, each in result["tasks_planned"].items()
    ]
    return table(["task", "kind", "training rows", "share of batches", "passes an epoch"], rows)


def tasks_scores(result: dict[str, Any]) -> str:
    """Scores of each task that was evaluated.

    Args:
        result: of `evaluate` of several tasks.
    """
    rows = [
        [name, score, shown(value), f"{value['n']:,}"]
        for name, each in result["tasks_scored"].items()
        for score, value in each["scores"].items()
    ]
    return table(["task", "score", "value and 95 % interval", "rows"], rows)
