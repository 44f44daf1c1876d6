"""A model beside the teacher that it learnt from: agreement, scores, size and speed of both."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np

from headstart.data.examples import relabelled
from headstart.data.outputs import Logits
from headstart.data.store import Store
from headstart.drawing.markdown import cell, table
from headstart.drawing.scores import AGREEMENT, on, rows_of
from headstart.drawing.text import NOTHING, count, counted, finite, interval, number, reached, share, shown
from headstart.evaluation.judging import scores
from headstart.evaluation.measurements.base import Measurement, Want
from headstart.evaluation.subjects import Contender, FinishedRun, Subject, Taught
from headstart.metrics import METRICS, title_of
from headstart.metrics.thresholds import label_by_thresholds
from headstart.predictors.teachers import parameters_of
from headstart.tasks.base import Task

TIMED, LEAST_TIMED = 256, 16
"""Texts at most that both read to be timed, and those below which nothing is said of their speed."""
ACCURACY = "accuracy"


class TeacherBeside(Measurement):
    """How well a student agrees with its teacher, and what both reach, hold and take (Hinton et al. 2015)."""

    name: ClassVar[str] = "teacher"
    title: ClassVar[str] = "Beside the teacher"
    wants: ClassVar[frozenset[Want]] = frozenset({"run"})
    always: ClassVar[bool] = True

    def measure(self, subject: Subject) -> dict[str, Any] | None:
        """Plain data of a run with a teacher; None without.

        `student` and `teacher` in words, `kept` (False where the gate refused the teacher), `metric`, `labels_by`; by part `rows`,
        `unanswered`, `agreement`, and the scores of `teacher` and `student` where labels are true; `parameters` and
        `texts_per_second` of both.
        """
        run = subject.run
        if run is None or run.taught is None:
            return None
        taught, task = run.taught, subject.task
        own = next(each for each in run.contenders if each.label == taught.label)
        parts = {part: _part(task, run, own, taught, part) for part in taught.said if part in own.outputs}
        return {
            "student": taught.label,
            "teacher": taught.by.teacher.description,
            "kept": taught.by.kept,
            "metric": task.chosen_metric,
            "labels_by": dict(taught.labels_by),
            "parts": {part: found for part, found in parts.items() if found},
            "parameters": {"teacher": taught.by.teacher.parameters, "student": parameters_of(taught.predictor)},
            "texts_per_second": _speeds(taught, run.rows),
        }

    def sentences(self, plain: Mapping[str, Any], evidence: Mapping[str, Any]) -> list[str]:
        """Whose the labels are, whether the teacher was of use, how well the student agrees, what it saves."""
        said, student, teacher = [], plain.get("student"), plain.get("teacher")
        if by := plain.get("labels_by") or {}:
            names = " and ".join(by)
            said.append(
                f"The labels of the {names} rows are those of the teacher {teacher}, so scores there are {AGREEMENT}, not how "
                "often the model is right."
            )
        if not plain.get("kept", True):
            said.append(
                f"The teacher {teacher} was of no use: {student} learnt from the labels alone, which came to as much."
            )
        for part, found in (plain.get("parts") or {}).items():
            said.append(_sentence(student, plain.get("metric"), part, found))
        return [*said, *_savings(plain)]

    def view(self, plain: Mapping[str, Any], evidence: Mapping[str, Any]) -> dict[str, Any] | None:
        """A table of both."""
        rows = _rows(plain)
        columns = ["", "Teacher|n", "Student|n"]
        return {"columns": columns, "rows": rows, "caption": f"{plain.get('student')} beside {plain.get('teacher')}"}

    def card(self, plain: Mapping[str, Any], evidence: Mapping[str, Any]) -> list[str]:
        """The table."""
        return table(["", "Teacher|", "Student|"], [[cell(each) for each in row] for row in _rows(plain)])


def _part(task: Task[Any, Any], run: FinishedRun, own: Contender, taught: Taught, part: str) -> dict[str, Any] | None:
    """Agreement and scores on the rows of a part that the teacher answered; None where it answered none."""
    said, rows = taught.said[part], run.rows[part]
    known = np.flatnonzero(np.isfinite(said).all(1))
    if not len(known):
        return None
    rows, outputs, theirs = rows.take(known), own.outputs[part].take(known), Logits.of(said[known])
    teacher = taught.by.teacher
    if teacher.thresholds:
        order = [teacher.names.index(name) for name in task.names]
        theirs = replace(theirs, thresholds=np.array([teacher.thresholds[at] for at in order]))
    names = np.array(task.names, dtype=object)[label_by_thresholds(np.exp(theirs.values), theirs.thresholds)]
    alike = replace(rows, examples=relabelled(rows.examples, names.tolist()))
    found: dict[str, Any] = {"rows": len(rows), "unanswered": len(said) - len(known)}
    found["agreement"] = scores(task, outputs, alike)[ACCURACY].plain()
    if part not in taught.labels_by:
        metric = task.chosen_metric
        found |= {
            "teacher": scores(task, theirs, rows)[metric].plain(),
            "student": scores(task, outputs, rows)[metric].plain(),
        }
    return found


def _speeds(taught: Taught, rows: Mapping[str, Store[Any]]) -> dict[str, float] | None:
    """Texts a second of both on this machine; None where texts are few, or the teacher is asked over a network."""
    texts = list(next(iter(rows.values())).inputs)[:TIMED]
    if len(texts) < LEAST_TIMED or not taught.by.teacher.digest:
        return None

    def speed(read: Callable[[Sequence[Any]], Any]) -> float:
        read(texts[:LEAST_TIMED])  # what is loaded when first asked for
        started = time.perf_counter()
        read(texts)
        return len(texts) / max(time.perf_counter() - started, 1e-9)

    return {"teacher": speed(taught.by.teacher.logits), "student": speed(taught.predictor.outputs)}


def _sentence(student: Any, metric: Any, part: str, found: Mapping[str, Any]) -> str:
    """How well both agree on a part and, where labels are true, what each reaches."""
    told = f"On {rows_of(part, found['rows'])} {student} agrees with its teacher in {shown(found['agreement'])} of all cases"
    if not found.get("teacher"):
        return f"{told}."
    title = title_of(str(metric))
    told += f"; there the teacher reaches {title} {shown(found['teacher'])} and the student {shown(found['student'])}"
    best, own = found["teacher"]["value"], found["student"]["value"]
    kept = finite(best) and best > 0 and not METRICS.get(str(metric)).lower_is_better
    return f"{told}{f', {share(own, best)} of it' if kept else ''}."


def _savings(plain: Mapping[str, Any]) -> list[str]:
    """Size and speed of the student in times of the teacher's, in a sentence; none where neither is known."""
    sizes, speeds = plain.get("parameters") or {}, plain.get("texts_per_second") or {}
    said = []
    if sizes.get("teacher") and sizes.get("student"):
        larger = ", no fewer than its teacher" if sizes["student"] >= sizes["teacher"] else ""
        said.append(f"has {count(sizes['student'])} parameters where the teacher has {count(sizes['teacher'])}{larger}")
    if speeds.get("teacher") and speeds.get("student"):
        said.append(f"reads {speeds['student'] / speeds['teacher']:.1f} times as many texts a second")
    return [f"The student {' and '.join(said)}."] if said else []


def _rows(plain: Mapping[str, Any]) -> list[list[str]]:
    """Cells of the table: what is compared, of the teacher, of the student."""
    title, rows = title_of(str(plain.get("metric") or ACCURACY)), []
    for part, found in (plain.get("parts") or {}).items():
        if found.get("teacher"):
            rows.append([f"{title} {on(part)}", reached(found["teacher"]), reached(found["student"])])
        missing = f", {counted(found['unanswered'], 'row')} unanswered" if found.get("unanswered") else ""
        rows.append(
            [
                f"Agreement {on(part)}{missing}",
                NOTHING,
                f"{number(found['agreement']['value'])} {interval(found['agreement'])}",
            ]
        )
    sizes, speeds = plain.get("parameters") or {}, plain.get("texts_per_second") or {}
    rows.append(["Parameters", count(sizes.get("teacher")), count(sizes.get("student"))])
    if speeds:
        rows.append(["Texts a second, on this machine", count(speeds["teacher"]), count(speeds["student"])])
    return rows
