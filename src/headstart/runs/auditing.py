"""Whom a trained model treats worse, and what breaks it: the verb `audit`."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from headstart.artifact import Artifact
from headstart.backbones.location import BackboneSource
from headstart.data.files import require_file
from headstart.data.store import Store
from headstart.drawing.text import count, dig
from headstart.errors import Interrupted, UsageError
from headstart.evaluation.judging import compared, plain, scores
from headstart.evaluation.measurements.base import Measurement
from headstart.evaluation.measurements.pair_likelihoods import PairPreferences
from headstart.evaluation.subjects import Subject
from headstart.folders import check_free
from headstart.recipes.auditing import Audit
from headstart.report import auditing as report
from headstart.runs import evidence_folder
from headstart.runs.evaluating import FileRows, labelled_rows, refusals
from headstart.runs.inference import loaded
from headstart.runs.outcome import Call, Outcome, left_out
from headstart.runtime.interrupts import stopped, watched
from headstart.runtime.machine import set_threads
from headstart.tasks.base import Task


def audit(recipe: Audit, call: Call) -> Outcome:
    """Carry out `audit`. Where the user stops it, what is done by then is shown and written, and what is not is named.

    Raises:
        HeadstartError: a model or a file can't be used, or the output can't be written.
        Interrupted: by the user before there was anything to show.
    """
    folder = None if recipe.output is None else Path(recipe.output)
    if folder is not None:
        check_free(folder, overwrite=recipe.overwrite)
    for path in (recipe.test, *recipe.tests.values()):
        if path is not None:
            require_file(Path(path))
    for each in recipe.measurements():
        each.require()
    with watched():
        return _audited(recipe, call, folder)


def _audited(recipe: Audit, call: Call, folder: Path | None) -> Outcome:
    """What is found, written where a folder is named."""
    try:
        found = _of_network(recipe, call) if recipe.test is None else _of_run(recipe, recipe.test, call)
    except KeyboardInterrupt as error:
        raise stopped(error, "stopped before anything was measured; nothing was written") from None
    result, artifact, notes, refusal = found
    result["verdict"] = report.sentences(result)
    result["seconds"] = time.perf_counter() - call.started
    if folder is not None:
        result["output"] = str(folder)
        evidence = result | {"title": folder.name}
        kept = recipe.revised(output=None, overwrite=False)
        evidence_folder.write(folder, evidence, kept, report.page(evidence), overwrite=recipe.overwrite)
    return Outcome(result, artifact, folder=folder, notes=notes, interrupted=refusal is not None, refusal=refusal)


Found = tuple[dict[str, Any], Artifact | None, list[str], Interrupted | None]
"""The result, the model that is audited, what is to be said, and what the command ends with where the user stopped it."""


def _of_network(recipe: Audit, call: Call) -> Found:
    """What is found of a pretrained network with its head over words."""
    from headstart.predictors.sentence_likelihoods import network_with_words

    set_threads(recipe.threads, torch_runs=True)
    model = network_with_words(BackboneSource(location=recipe.model), recipe.device)
    asked = PairPreferences(pairs=recipe.sentence_pairs)
    result = _empty(recipe)
    found = asked.preferences(model, progress=call.progress)
    if why := found.get("why"):
        result["not_measured"].append({"measurement": asked.name, "why": why})
    else:
        result["audit"][asked.name] = found
    return result, None, [], None


def _of_run(recipe: Audit, test: str, call: Call) -> Found:
    """What is found of a trained model on labelled rows."""
    artifact = loaded(recipe, call)
    measurements = recipe.measurements(_terms_known(artifact))
    if recipe.sentence_pairs is not None and artifact.predictor.language_model is not None:
        measurements = (*measurements, PairPreferences(pairs=recipe.sentence_pairs))
    found = labelled_rows(recipe, artifact, test, call, as_written=True)
    other = _baseline(recipe, artifact, call)
    beside = None if other is None else _beside(recipe, other, found, test, call)
    subject = _subject(artifact, found, call, baseline=beside)
    result = _result(recipe, subject, found)
    result["out_of_scope"] = refusals(artifact, found, subject.outputs, call)
    notes = [*found.said, *left_out(found.dropped)]
    try:
        for name, path in recipe.tests.items():
            notes += _tested(recipe, name, path, (artifact, other), result, call)
        for each in measurements:
            call.progress.say("audit", each.heading.lower())
            _measure(each, subject, result)
    except KeyboardInterrupt as error:
        call.progress.end("stopped")
        return result, artifact, notes, _cut_short(recipe, measurements, result, error)
    return result, artifact, notes, None


def _tested(
    recipe: Audit,
    name: str,
    path: str,
    models: tuple[Artifact, Artifact | None],
    result: dict[str, Any],
    call: Call,
) -> list[str]:
    """Put into the result the scores of a model, and of its baseline, on another file; what is to be said of it."""
    (own, other), asked = models, recipe.revised(by=())
    more = labelled_rows(asked, own, path, call, as_written=True)
    scored = {"file": path, "scores": _scores(_subject(own, more, call))}
    if other is not None:
        result["baseline"]["tests"][name] = {"scores": _scores(_beside(asked, other, more, path, call))}
    result["tests"][name] = scored
    return [f"{name}: {said}" for said in [*more.said, *left_out(more.dropped)]]


def _cut_short(
    recipe: Audit, measurements: Sequence[Measurement], result: dict[str, Any], error: KeyboardInterrupt
) -> Interrupted:
    """Put into the result that the user stopped the audit and what is not done; what the command ends with."""
    wanted = [f"tests.{name}" for name in recipe.tests] + [each.name for each in measurements]
    done = {f"tests.{name}" for name in result["tests"]} | {*result["audit"]}
    done |= {each["measurement"] for each in result["not_measured"]}
    lacking = [name for name in wanted if name not in done]
    result["interrupted"] = True
    result["not_measured"] += [
        {"measurement": name, "why": "the audit was stopped before it was done"} for name in lacking
    ]
    kept = "what was done is shown" if recipe.output is None else f"what was done is kept in {recipe.output}"
    return stopped(error, f"stopped; {kept}, without {', '.join(lacking) or 'nothing that was asked for'}")


def _terms_known(artifact: Artifact) -> tuple[str, ...]:
    """Terms that the model was trained to take for each other, or not to read."""
    copies = dig(artifact.evidence, "data", "augmented", "counterfactuals", "terms") or ()
    masked = (term for each in getattr(artifact.task, "masks", ()) for term in each.terms)
    return (*copies, *masked)


def _measure(measurement: Measurement, subject: Subject, result: dict[str, Any]) -> None:
    """Put into the result what a measurement finds, or why it finds nothing."""
    if lacking := measurement.wants - subject.offers:
        why = f"the rows have no {', '.join(sorted(lacking))}"
    else:
        found = measurement.measure(subject)
        why = found.get("why", "") if isinstance(found, Mapping) else "there is nothing to measure"
        if not why:
            result["audit"][measurement.name] = found
    if why:
        result["not_measured"].append({"measurement": measurement.name, "why": why})


def _baseline(recipe: Audit, artifact: Artifact, call: Call) -> Artifact | None:
    """The other model; None where none is named.

    Raises:
        UsageError: it does another task, or knows other labels.
    """
    if recipe.baseline is None:
        return None
    other = loaded(recipe.revised(model=recipe.baseline, task=None), call)
    own, theirs = (each.task.label_names if each.task.named_outputs else () for each in (artifact, other))
    if other.task.name != artifact.task.name or set(theirs) != set(own):
        raise UsageError(
            f"{recipe.baseline} does {other.task.name} with the labels {', '.join(other.labels[:10])}, and {recipe.model} does "
            f"{artifact.task.name} with {', '.join(artifact.labels[:10])}; a baseline answers the same"
        )
    if theirs != own:
        raise UsageError(
            f"{recipe.baseline} has the labels of {recipe.model} in another order; train it on the same rows"
        )
    return other


def _beside(recipe: Audit, other: Artifact, found: FileRows, path: str, call: Call) -> Subject:
    """The other model and what it says of the same rows, which it reads by its own columns where the file has them.

    Raises:
        UsageError: it cannot use some of the rows.
    """
    own = other.task.text or ()
    text = own if all(name in found.rows.columns for name in own) else found.task.text
    asked = recipe.revised(text=recipe.text or text, label=found.task.label)
    theirs = labelled_rows(asked, other, path, call, as_written=True)
    places = {int(line): at for at, line in enumerate(theirs.rows.lines)}
    lacking = [int(line) for line in found.rows.lines if int(line) not in places]
    if lacking:
        raise UsageError(
            f"{recipe.baseline} cannot use {count(len(lacking))} of the rows of {path} that {recipe.model} answers, such as line "
            f"{lacking[0]} (it reads {', '.join(theirs.task.text or ())}); audit both on rows that both can use"
        )
    if list(theirs.rows.lines) != list(found.rows.lines):
        theirs = theirs._replace(rows=theirs.rows.take([places[int(line)] for line in found.rows.lines]))
    theirs = theirs._replace(rows=replace(theirs.rows, groups=found.rows.groups))
    return _subject(other, theirs, call, called=recipe.baseline or "")


def _subject(
    artifact: Artifact, found: FileRows, call: Call, *, baseline: Subject | None = None, called: str = ""
) -> Subject:
    """A model and what it says of rows."""
    call.progress.begin("evaluating", len(found.rows))
    outputs = artifact.outputs_of(artifact.task.as_read(found.rows), progress=call.progress)
    call.progress.end()
    predictor = artifact.predictor
    return Subject(predictor, found.task, found.rows, outputs, "test", baseline=baseline, called=called)


def _scores(subject: Subject) -> dict[str, Any]:
    return plain(scores(subject.task, subject.outputs, subject.rows))


def _against(subject: Subject, other: Subject) -> dict[str, Any]:
    """The paired difference of the two models' scores."""
    test = compared(subject.task, subject.outputs, other.outputs, subject.rows, task_b=other.task)
    return {"metric": test.metric, "difference": test.difference.plain(), "p": test.p}


def _result(recipe: Audit, subject: Subject, found: FileRows) -> dict[str, Any]:
    """What `--json` prints and what stands in `evidence.json`, before anything is measured."""
    task: Task[Any, Any] = subject.task
    rows: Store[Any] = found.rows
    beside = subject.baseline
    return _empty(recipe) | {
        "rows": len(rows),
        "group_column": found.group_column,
        "task": {
            "name": task.name,
            "labels": list(task.label_names) if task.named_outputs else [],
            "metric": task.chosen_metric,
        },
        "scores": _scores(subject),
        "baseline": None if beside is None else {"called": beside.called, "scores": _scores(beside), "tests": {}},
        "against": None if beside is None else _against(subject, beside),
        "dropped_rows": [dict(row.__dict__) for row in found.dropped],
    }


def _empty(recipe: Audit) -> dict[str, Any]:
    """The keys of a result without rows."""
    return {
        "audit": {}, "model": recipe.model, "file": recipe.test, "rows": 0, "group_column": None, "task": None, "scores": {},
        "tests": {}, "out_of_scope": None, "baseline": None, "against": None, "not_measured": [], "dropped_rows": [],
        "interrupted": False, "seed": recipe.seed,
    }  # fmt: skip
