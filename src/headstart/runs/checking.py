"""What is wrong with labelled data: the verb `check`."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from headstart.backbones.location import AUTO, BackboneSource, Located, locate
from headstart.checks.findings import Finding, by_weight, counted_by_weight
from headstart.checks.lengths import lengths
from headstart.data.store import Store
from headstart.drawing.text import count, counted
from headstart.errors import DataError, HeadstartError, Interrupted
from headstart.folders import check_free
from headstart.recipes.checking import Check
from headstart.recipes.sources import MEMORY, TRAIN
from headstart.report import checking as report
from headstart.runs import cleaned_copy, evidence_folder
from headstart.runs.judging_labels import JudgedLabels, finding, judged, plain, why_not
from headstart.runs.label_checks import LabelChecks, checked_labels
from headstart.runs.languages import chosen, measured, strangeness
from headstart.runs.outcome import Call, Outcome
from headstart.runs.parts import LabelledRows
from headstart.runs.preparation import read
from headstart.runs.row_checks import RowChecks, checked_rows
from headstart.runtime.device import settled
from headstart.runtime.interrupts import all_or_nothing
from headstart.runtime.machine import set_threads
from headstart.strategies.base import Context
from headstart.tasks.base import Task

ROWS = "rows.csv"
LONG_SHARE = 0.05
"""Share of texts longer than the network reads from which on that is more than a note."""
LENGTH_ROWS = 20_000
"""Rows whose lengths are looked at."""


def check(recipe: Check, call: Call) -> Outcome:
    """Carry out `check`.

    Raises:
        HeadstartError: a file can't be read, or an output can't be written.
    """
    folder = None if recipe.output is None else Path(recipe.output)
    if folder is not None:
        check_free(folder, overwrite=recipe.overwrite)
    cleaned_copy.require_free(recipe.fix, recipe.train, overwrite=recipe.overwrite)
    if recipe.train != MEMORY:
        call.progress.say("reading", recipe.train)
    with all_or_nothing():
        return _checked(recipe, call, folder)


def _checked(recipe: Check, call: Call, folder: Path | None) -> Outcome:
    labelled = read(recipe.comparison(), call.table, call.progress)
    task = labelled.task
    call.progress.say("data", f"{counted(len(labelled.train), 'row')} of {labelled.train.file}: {task.name}")
    if labelled.guess:
        call.progress.say("data", labelled.guess.sentence())
    rows = checked_rows(labelled, recipe.near_duplicates)
    labels = checked_labels(labelled)
    findings, left = [*rows.findings, *labels.findings], dict[str, str]()
    threads = set_threads(recipe.threads, torch_runs=True)
    located = _located(recipe, task, labelled.train, left)
    language, tokens = None, None
    if located is not None:
        language, said = _language(located, task, labelled.train)
        findings += said
        tokens, said = _lengths(recipe, located, labels.task or task, labels.rows, call, left)
        findings += said
    found = _judged(recipe, labels, located, call, left)
    if found is not None:
        findings.append(finding(found, recipe.most_doubtful))
    findings = by_weight(findings)
    result = _result(recipe, labelled, labels, findings, left) | {
        "language": language,
        "lengths": tokens,
        "noise": None if found is None else plain(found, recipe.most_doubtful),
    }
    if recipe.fix is not None:
        source = next(iter(labelled.sources.values()))
        result["fixed"] = cleaned_copy.write(
            Path(recipe.fix),
            source,
            task,
            rows,
            labels,
            found,
            drop_doubtful=recipe.drop_doubtful,
            overwrite=recipe.overwrite,
            outside=labelled.outside.get(TRAIN),
        )
    result["seconds"] = time.perf_counter() - call.started
    if folder is not None:
        result["output"] = str(folder)
        pinned = recipe.backbone if located is None else located.source
        resolved = recipe.revised(
            backbone=pinned, task=task, threads=threads, output=None, fix=None, drop_doubtful=None, overwrite=False
        )
        evidence_folder.write(
            folder,
            evidence := result | {"title": folder.name},
            resolved,
            report.page(evidence),
            overwrite=recipe.overwrite,
            rows=(ROWS, _columns(labelled.train, rows, labels, found)),
        )
    return Outcome(result, folder=folder, refusal=_refusal(recipe, findings))


def _refusal(recipe: Check, findings: Sequence[Finding]) -> DataError | None:
    """What a strict check ends with, where there are findings of weight."""
    heavy = [each for each in findings if each.is_heavy]
    if not recipe.strict or not heavy:
        return None
    kinds = ", ".join(dict.fromkeys(each.kind for each in heavy))
    return DataError(f"{recipe.train}: {counted(len(heavy), 'finding')} of weight ({kinds})")


def _located(recipe: Check, task: Task[Any, Any], rows: Store[Any], left: dict[str, str]) -> Located | None:
    """The backbone, where it is at hand and suits the task."""
    try:
        source = recipe.backbone
        if source.location == AUTO:
            source = chosen(source, locate(BackboneSource(), task.needs), rows)
        return locate(source, task.needs)
    except Interrupted:
        raise
    except HeadstartError as error:
        left["language and lengths"] = str(error)
        return None


def _language(located: Located, task: Task[Any, Any], rows: Store[Any]) -> tuple[dict[str, Any] | None, list[Finding]]:
    """How the backbone cuts the words of the texts, and whether it reads their language."""
    found = None if task.sides else measured(located, rows)
    if found is None:
        return None, []
    said = strangeness(located, found)
    plain = found.plain() | {"strange": bool(said)}
    what, _, do = said.rpartition("; ")
    return plain, [Finding("language", "warning", what, do)] * bool(said)


def _lengths(
    recipe: Check, located: Located, task: Task[Any, Any], rows: Store[Any], call: Call, left: dict[str, str]
) -> tuple[dict[str, Any] | None, list[Finding]]:
    """How long texts are, and what the window of the backbone cuts off."""
    if task.target_kind in ("passages", "reply", "text", "continuation") or not len(rows):
        left["lengths"] = f"how much of a text is read hangs on the strategy, of {task.name}"
        return None, []
    some = rows.take(range(LENGTH_ROWS)) if len(rows) > LENGTH_ROWS else rows
    context = Context(task, some, some, located, recipe.training, recipe.seed, device=settled(recipe.device))
    try:
        tokenizer = context.backbone().tokenizer
        tokens = (
            task.prepare(some, tokenizer).tokens
            if task.labels or not task.named_outputs
            else tokenizer.encode(some.inputs)
        )
    except HeadstartError as error:
        left["lengths"] = str(error)
        return None, []
    inputs = "sentences" if task.words else "pairs of texts" if task.together else "texts"
    found = lengths(tokens, tokenizer.max_length, inputs)
    cut, total = found["truncated"], found["texts"]
    if not cut:
        return found, []
    what = (
        f"{count(cut)} of {count(total)} {inputs} are longer than the {tokenizer.max_length} tokens that the network reads; "
        f"{found['tokens_lost_share']:.1%} of all tokens are lost"
    )
    do = "" if task.no_windows else "read them in windows (--long window), or raise --max-length if the backbone allows"
    return found, [Finding("length", "warning" if cut >= LONG_SHARE * total else "note", what, do, rows=cut)]


def _judged(
    recipe: Check, labels: LabelChecks, located: Located | None, call: Call, left: dict[str, str]
) -> JudgedLabels | None:
    """Doubts about labels; why there are none goes to what is left out."""
    why = why_not(recipe, labels.task, labels.rows)
    if why or labels.task is None:
        left["label noise"] = why
        return None
    try:
        return judged(recipe, labels.task, labels.rows, located, call)
    except DataError as error:
        left["label noise"] = str(error)
        return None


def _result(
    recipe: Check, labelled: LabelledRows, labels: LabelChecks, findings: Sequence[Finding], left: dict[str, str]
) -> dict[str, Any]:
    """What `--json` prints and what stands in `evidence.json`, but for what models say."""
    task = labels.task or labelled.task
    return {
        "findings": [each.plain() for each in findings],
        "counts": counted_by_weight(findings),
        "passed": not any(each.is_heavy for each in findings),
        "file": labelled.train.file,
        "task": {
            "name": task.name,
            "text": list(task.text or ()),
            "label": task.label,
            "labels": list(task.labels or ()),
        },
        "parts": [dict(source.file) for source in labelled.sources.values()],
        "rows": len(labelled.train),
        "labels": dict(labels.task.counts(labels.rows)) if labels.task is not None else {},
        "not_checked": [{"check": name, "why": why} for name, why in left.items()],
        "seed": recipe.seed,
    }


def _columns(
    train: Store[Any], rows: RowChecks, labels: LabelChecks, found: JudgedLabels | None
) -> dict[str, list[str]]:
    """What was found of each training row, as columns."""
    columns = {
        "line": [str(line) for line in train.lines],
        "copy_of": _lines(train, rows.copies),
        "near_copy_of": _lines(train, rows.near),
        "also_in": [rows.leaks.get(row, "") for row in range(len(train))],
        "contradicted": ["yes" if row in rows.contradicted else "" for row in range(len(train))],
    }
    if found is None:
        return columns
    names = ["probability_wrong", "likelier", "usable_information"]
    for name in found.maps:
        names += [f"{name}_{what}" for what in ("confidence", "variability", "correctness", "region")]
    columns |= {name: [""] * len(train) for name in names}
    for at, number in enumerate(found.numbers.tolist()):
        row = labels.kept[number]
        columns["probability_wrong"][row] = f"{found.doubted.doubts[at]:.4f}"
        columns["likelier"][row] = found.doubted.likelier[at]
        columns["usable_information"][row] = f"{found.doubted.information[at]:.4f}"
        for name, each in found.maps.items():
            for what in ("confidence", "variability", "correctness"):
                columns[f"{name}_{what}"][row] = f"{getattr(each, what)[at]:.4f}"
    for name, each in found.maps.items():
        for at, region in enumerate(each.regions):
            columns[f"{name}_region"][labels.kept[int(found.numbers[at])]] = region
    return columns


def _lines(train: Store[Any], others: Any) -> list[str]:
    return [str(train.lines[others[row]]) if row in others else "" for row in range(len(train))]
