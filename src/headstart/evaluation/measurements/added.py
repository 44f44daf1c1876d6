"""What a strategy added to another one, such as an average of weights or a task learnt before: what it bought, part by part."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from headstart.drawing.markdown import cell, table
from headstart.drawing.scores import on, rows_of
from headstart.drawing.text import reached, shown
from headstart.evaluation.judging import chosen_metric, compared, scores
from headstart.evaluation.measurements.base import Measurement, Want
from headstart.evaluation.subjects import Addition, FinishedRun, Subject
from headstart.metrics import title_of
from headstart.tasks.base import Task

KEPT = "the kept model"
"""What the model is called that was kept without what was added."""


class WhatWasAdded(Measurement):
    """What a strategy added, on test and on all other parts that are scored: with it and without, whether it was kept or not."""

    name: ClassVar[str] = "added"
    title: ClassVar[str] = "What was added"
    wants: ClassVar[frozenset[Want]] = frozenset({"run"})
    always: ClassVar[bool] = True

    def measure(self, subject: Subject) -> dict[str, Any] | None:
        """Plain data of a run whose kept strategy adds something; None otherwise.

        `what` was added by which `strategy`, whether it was `kept`, what is `said` of that on validation; the `metric`; by part the
        score `with` it, and in `without` that of each model without it, by name, with the `difference` of the two and its `p`.
        Where it was not kept, the kept model is the one without it.
        """
        run = subject.run
        if run is None or run.added is None:
            return None
        added, task = run.added, subject.task
        own = next(each.outputs for each in run.contenders if each.label == added.label)
        parts = {part: _part(task, run, own[part], added, part) for part in run.rows if part in own}
        return {
            "strategy": added.label,
            "what": added.what,
            "kept": added.kept,
            "said": added.said,
            "metric": task.chosen_metric,
            "parts": {part: found for part, found in parts.items() if found["without"]},
        }

    def sentences(self, plain: Mapping[str, Any], evidence: Mapping[str, Any]) -> list[str]:
        """Why it was kept or not, then what it comes to on each part."""
        kept = "was kept" if plain["kept"] else "was not kept"
        what = plain["what"]
        sentences = [f"{what[0].upper()}{what[1:]} {kept}: {plain['said']}."]
        for part, found in plain["parts"].items():
            own, reaches = found["with"], "reaches" if plain["kept"] else "would have reached"
            said = f"On {rows_of(part, own['n'])} it {reaches} {title_of(plain['metric'])} {shown(own)}"
            others = found["without"]
            for name, row in others.items():
                said += f", {name} {row['score']['value']:.3f} ({row['difference']['value']:+.3f} by it)"
            if len(others) > 2:
                said += f"; the mean of these is {np.mean([row['score']['value'] for row in others.values()]):.3f}"
            sentences.append(f"{said}.")
        if plain["parts"] and not plain["kept"]:
            sentences.append("These scores were read when the choice was made, and have no say in it.")
        return sentences

    def view(self, plain: Mapping[str, Any], evidence: Mapping[str, Any]) -> dict[str, Any] | None:
        """A table of parts by models, below the sentences."""
        names, rows = _rows(plain)
        columns = ["Part", *(f"{name}|n" for name in names)]
        return {
            "columns": columns,
            "rows": rows,
            "caption": f"{title_of(plain['metric'])} with {plain['what']}, and without",
        }

    def card(self, plain: Mapping[str, Any], evidence: Mapping[str, Any]) -> list[str]:
        """The table, where there is one."""
        names, rows = _rows(plain)
        return (
            table(["Part", *(f"{cell(name)}|" for name in names)], [[cell(each) for each in row] for row in rows])
            if rows
            else []
        )


def _rows(plain: Mapping[str, Any]) -> tuple[list[str], list[list[str]]]:
    """Names of the models, and their scores by part, that with it first."""
    names = list(dict.fromkeys(name for found in plain["parts"].values() for name in found["without"]))
    rows = [
        [
            on(part),
            reached(found["with"]),
            *(reached((found["without"].get(name) or {}).get("score")) for name in names),
        ]
        for part, found in plain["parts"].items()
    ]
    return ["With it", *names], rows


def _part(task: Task[Any, Any], run: FinishedRun, own: Any, added: Addition, part: str) -> dict[str, Any]:
    """Scores on a part with what was added and without.

    Args:
        task: of the run.
        run: whose rows these are.
        own: decided outputs of the kept model.
        added: which models stand beside it.
        part: name of the part.
    """
    rows, metric = run.rows[part], chosen_metric(task).name
    others = {name: by_part[part] for name, by_part in added.beside.items() if part in by_part}
    if not added.kept and others:
        [own], others = others.values(), {KEPT: own}
    without = {}
    for name, outputs in others.items():
        test = compared(task, own, outputs, rows)
        without[name] = {
            "score": scores(task, outputs, rows)[metric].plain(),
            "difference": test.difference.plain(),
            "p": test.p,
        }
    return {"with": scores(task, own, rows)[metric].plain(), "without": without}
