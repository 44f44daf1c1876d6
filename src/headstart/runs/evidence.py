"""What was measured in a run, gathered as plain data."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from headstart.backbones.location import Located
from headstart.data.store import Store
from headstart.decisions.base import applied
from headstart.decisions.out_of_scope import scope_asked
from headstart.drawing.text import dig
from headstart.evaluation.measurements.base import measure
from headstart.evaluation.measurements.lengths import notice
from headstart.evaluation.subjects import Addition, Contender, FinishedRun, Subject, Taught, WithOutside
from headstart.manifest import own_version
from headstart.recipes.labelled import Experiment
from headstart.report.verdict import verdict
from headstart.runs.experiment import Entry
from headstart.runs.parts import Parts
from headstart.runs.refitting import Refit
from headstart.runtime.device import name_of
from headstart.strategies.base import Context
from headstart.strategies.teachers import answers
from headstart.tasks.base import Task


def gather(
    recipe: Experiment, entries: list[Entry], chosen: Entry, parts: Parts, context: Context, again: Refit | None = None
) -> dict[str, Any]:
    """All that a run measured, as plain data: what report, card and `--json` are made of.

    Args:
        recipe: of the run.
        entries: in the order in which they ran.
        chosen: the one that is kept.
        parts: the data.
        context: of the backbone that the chosen one runs on.
        again: what learning from all labelled rows came to; where it was done, its model is the one that is measured.
    """
    kept = chosen if again is None else again.entry
    run = _run(recipe, entries, chosen, parts, context)
    best = next(each for each in run.contenders if each.label == chosen.label)
    others = [each for each in run.contenders if each is not best]
    part = "test" if "test" in best.outputs or "test" in kept.decided else parts.choices
    if not parts.labelled:
        part = next(iter(run.rows), part)
    evidence: dict[str, Any] = {
        "format": 1,
        "created": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "versions": versions(),
        "machine": {
            "platform": f"{platform.system()} {platform.machine()}",
            "cpus": os.cpu_count(),
            "device": name_of(context.device),
        },
        "kind": kept.finished.predictor.kind,
        "task": _task(parts.task)
        | {"signatures": parts.task.signatures(run.rows.get(part, parts.train)), "refuses": _refuses(kept)},
        "backbone": _backbone(context.located, entries),
        "data": dict(run.facts),
        "leaderboard": [entry.plain(chosen=entry is chosen) for entry in entries],
        "chosen": chosen.label,
        "refit": None if again is None else again.plain(),
        "comparisons": run.comparisons(parts.task, best, others, part),
    }
    if part in run.rows:
        outputs = kept.outputs(part, parts) or best.outputs[part]
        learnt = part == parts.choices and (parts.crossed or (again is not None and again.done))
        subject = Subject(
            kept.finished.predictor, parts.task, run.rows[part], outputs, part, learnt=learnt, shows=recipe.rows, run=run,
            outside={
                name: WithOutside(run.rows[name], kept.decided[name], outside) for name, outside in kept.outside.items()
            },
        )  # fmt: skip
        if any(each.takes_baseline for each in recipe.measured()):
            subject = replace(subject, baseline=_best_control(entries, kept, subject, parts))
        measure(recipe.measured(), subject, evidence)
    if dig(evidence, "data", "lengths", "truncated"):
        evidence["data"]["warnings"].append(lengths_notice(evidence, parts.task))
    evidence["verdict"] = verdict(evidence)
    return evidence


def _best_control(entries: list[Entry], kept: Entry, subject: Subject, parts: Parts) -> Subject | None:
    """The control that is best on the rows of the choices, with what it says of the rows of a subject; None without one."""
    controls = [
        each
        for each in entries
        if each.candidate is not None and each.strategy.role == "control" and each.label != kept.label
    ]
    for entry in sorted(controls, key=lambda each: each.rank, reverse=True):
        outputs = entry.outputs(subject.part, parts)
        if outputs is not None:
            predictor = entry.finished.predictor
            return Subject(predictor, subject.task, subject.rows, outputs, subject.part, called=entry.label)
    return None


def lengths_notice(evidence: Mapping[str, Any], task: Task) -> str:
    """What is said of the lengths of the training texts; empty where no strategy has tokenised them."""
    measured = dig(evidence, "data", "lengths")
    long = "long" in type(task).model_fields
    return notice(measured, windows=task.windowed or task.words, possible=long) if measured else ""


def _run(recipe: Experiment, entries: list[Entry], chosen: Entry, parts: Parts, context: Context) -> FinishedRun:
    """What measurements may know of the run."""
    prepared = context.shared.prepared
    contenders = tuple(
        Contender(
            entry.label,
            entry.strategy.role,
            ({parts.choices: entry.validation_scores or {}} if parts.labelled else {}) | entry.scores,
            ({parts.choices: applied(entry.decisions, parts.task, entry.finished.validation)} if parts.labelled else {})
            | entry.decided,
            entry.outside,
        )
        for entry in entries
        if entry.candidate is not None
    )
    chosen_on = {parts.choices: parts.validation} if parts.labelled else {}
    rows = chosen_on | {role.part: rows for role, rows in parts.scored.items()}
    tokens, limit = (None, 0) if prepared is None else (prepared.train.tokens, prepared.limit)
    facts = parts.facts()
    taught = _taught(entries, rows, facts, context)
    return FinishedRun(contenders, rows, facts, recipe.plain(), tokens, parts.train, limit, taught, _added(chosen))


def _added(chosen: Entry) -> Addition | None:
    """What the kept strategy added to another one, with what models beside the kept one say."""
    added = chosen.finished.added
    if added is None:
        return None
    return Addition(chosen.label, added.what, added.kept, added.said, chosen.beside)


def _taught(
    entries: list[Entry], rows: Mapping[str, Store[Any]], facts: Mapping[str, Any], context: Context
) -> Taught | None:
    """The first model that was to learn from a teacher, with what that says of the rows that scores are reported on."""
    for entry in entries:
        by = None if entry.candidate is None else entry.finished.strategy.taught_by(context)
        if by is not None:
            said = {part: answers(context, by.teacher, each.keys, each.inputs) for part, each in rows.items()}
            return Taught(entry.label, entry.finished.predictor, by, said, facts.get("labels_by", {}))
    return None


def _task(task: Task) -> dict[str, Any]:
    return {
        "name": task.name,
        "hub": task.hub,
        "pairs": task.pairs,
        "words": task.words,
        "chained": task.chained,
        "masked": task.alters_texts,
        "windows": task.windowed,
        "text": list(task.text or ()),
        "label": task.label,
        "answers": "label" if task.target_kind == "tags" else task.target_kind,
        "labels": list(task.names) if task.named_outputs else [],
        "metric": task.chosen_metric,
    }


def _refuses(entry: Entry) -> bool:
    """Whether the model gives rows out of scope no label."""
    asked = scope_asked(entry.decisions)
    return asked is not None and asked.refused is not None


def _backbone(located: Located | None, entries: list[Entry]) -> dict[str, Any] | None:
    if located is None:
        return None
    facts: dict[str, Any] = {
        "name": located.source.location,
        "id": located.identity,
        "revision": located.source.revision,
        "digest": located.source.digest,
        "architecture": located.config["model_type"],
        "license": located.license,
        "max_length": located.source.max_length,
        "parameters": None,
    }
    for entry in entries:
        network = getattr(getattr(entry.candidate, "predictor", None), "model", None)
        if network is not None and entry.located in (None, located):
            facts["parameters"] = sum(p.numel() for p in network.backbone.parameters())
            facts["max_length"] = network.backbone.tokenizer.max_length
            if prompt := getattr(network.backbone.tokenizer, "prompt", ""):
                facts["prompt"] = prompt
    return facts


def versions() -> dict[str, str]:
    """Versions of headstart, Python and the libraries that numbers hang on."""
    from importlib.metadata import PackageNotFoundError, version

    found = {"headstart": own_version(), "python": platform.python_version()}
    for name in ("torch", "transformers", "tokenizers", "scikit-learn", "numpy"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
