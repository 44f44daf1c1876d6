"""From a folder to what it answers: artifacts of a run, one of several tasks, decoders as they are."""

import os
from pathlib import Path
from shlex import quote
from typing import Any

from headstart.artifact import EVIDENCE, RECIPE, Artifact
from headstart.backbones import DECODERS, KNOWN
from headstart.backbones.folders import read_json
from headstart.backbones.location import CONFIG, BackboneSource, location_of
from headstart.config import describe, parse
from headstart.data.reference import FILES as REFERENCE
from headstart.data.reference import Reference
from headstart.decisions import DECISIONS
from headstart.decisions.base import Decision, parse_decision
from headstart.errors import (
    DataError,
    MissingInputError,
    ModelError,
    RecipeError,
    UsageError,
)
from headstart.manifest import (
    EXPORT,
    INDEX,
    MANIFEST,
    NETWORK,
    SEVERAL,
    TABLES,
    TASKS_FOLDER,
    Manifest,
    StatedAnswer,
    StatedPart,
    checked_manifest,
    identity,
    is_index,
    own_version,
    read_manifest,
    shown_version,
)
from headstart.predictors import PREDICTORS
from headstart.predictors.base import AskedRuntime, refuse_damaged
from headstart.predictors.scope import SCOPE, load_scope
from headstart.registry import did_you_mean
from headstart.runtime.contained import believed, content, parsed, parsed_yaml
from headstart.runtime.device import Device
from headstart.runtime.precision import Precision
from headstart.tasks import TASKS
from headstart.tasks.base import Task

MOST_RECIPE = 4 << 20
"""Bytes of the longest recipe: YAML is read at a megabyte a second."""
MOST_EVIDENCE = 128 << 20
"""Bytes of the most that was ever measured, with the rows that it shows."""


def load(
    folder: "str | Path",
    *,
    task: str | None = None,
    precision: Precision = "auto",
    device: Device = "auto",
    runtime: AskedRuntime = "auto",
) -> Artifact:
    """Read an artifact, or a decoder that goes on with a text.

    Args:
        folder: that `save` or a run wrote; or a decoder as it is: a folder of the hub's format, one of `pretrain`, or a known name.
        task: name of one of several tasks, where the folder is that of a run that learnt several together.
        precision: `auto` scores many texts (512 and more at once) in bfloat16 where the processor has it, and those
            whose label could hang on it again in float32; `float32` all of them.
        device: where a network computes: `cpu`, `cuda`, or `auto`, a GPU where torch can use one.
        runtime: what computes: `auto` is an exported network where there is one that suits, see `headstart export`.

    Raises:
        UnavailableError: a GPU, or a runtime, is asked for that is not there.
        MissingInputError: there is no such folder.
        UsageError: the folder answers several tasks and none of them is named, or the one that is named is not there.
        ModelError: the folder is no artifact, was written by a later format, is damaged, or contradicts itself.
    """
    path = Path(folder)
    if (continued := _continued(str(folder), path)) is not None:
        continued.predictor.place(device)
        return continued
    if not path.is_dir():
        near = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
        raise MissingInputError(f"there is no run folder {path}{did_you_mean(path.name, near)}")
    if not os.path.lexists(path / MANIFEST):
        raise ModelError(
            f"{path} holds no headstart model (no {MANIFEST}); make one with: headstart fit DATA -o {quote(str(path))}"
        )
    said, digest = read_manifest(path)
    if said.get("kind") == NETWORK:
        raise ModelError(
            f"{path} holds a network without labels; fit it first: headstart fit DATA --backbone {quote(str(path))}"
        )
    if said.get("kind") == INDEX:
        raise is_index(path)
    if said.get("kind") == EXPORT:
        raise ModelError(
            f"{path} holds a network exported for another runtime; name the folder of the run that it was made of"
        )
    if said.get("kind") == TABLES:
        raise ModelError(f"{path} holds tables of what was found in a file, and no model")
    try:
        with believed(path):
            manifest = checked_manifest(path, said)
            name = _asked(path, manifest, task)
            found = _read(path, manifest, digest, name)
    except ModelError as error:
        raise ModelError(f"{error}{_of_another_version(said)}") from None
    except _NotAsked as error:
        raise UsageError(str(error)) from None
    except (RecipeError, UsageError, DataError) as error:
        reason = " ".join(str(error).split())
        raise ModelError(f"{path} is damaged: {reason}{_of_another_version(said)}") from None
    found.predictor.precision = precision
    found.predictor.place(device)
    found.predictor.decisions = found.decisions
    found.predictor.compute_with(runtime)
    return found


def _continued(name: str, path: Path) -> Artifact | None:
    """A decoder as it is, which goes on with texts; None for what is no network of its own."""
    is_known = name in KNOWN and not path.is_dir()
    if not is_known:
        if not path.is_dir() or (os.path.lexists(path / MANIFEST) and read_manifest(path)[0].get("kind") != NETWORK):
            return None
        if (read_json(path, CONFIG) or {}).get("model_type") not in DECODERS:
            return None
    from headstart.predictors.causal import CausalPredictor
    from headstart.tasks.text_generation import TextGeneration

    source = BackboneSource(location=name if is_known else location_of(path))
    predictor = CausalPredictor.of(source, TextGeneration(text=("text",), reference=("text",), metric="chrf"))
    return Artifact(predictor, predictor.task)


def _of_another_version(said: dict[str, Any]) -> str:
    """That a folder was written by another version than this one, as a clause; empty where it was not."""
    return "" if said.get("headstart") in (None, own_version()) else f" (written by headstart {shown_version(said)})"


class _NotAsked(Exception):
    """A task is to be named and is not, or another is; the folder is well."""


def _asked(path: Path, manifest: Manifest, task: str | None) -> str:
    """The name of the answer that is asked for.

    Raises:
        _NotAsked: there are several and none of them is named so, or one and a name is given.
    """
    names = [*manifest.answers]
    if manifest.kind != SEVERAL:
        if task is not None:
            raise _NotAsked(f"{path} answers one task; leave --task {task} out")
        return names[0]
    listed = ", ".join(names)
    if task is None:
        raise _NotAsked(
            f"{path} answers several tasks ({listed}); name one with --task, or take one out with: headstart extract "
            f"{quote(str(path))} --task {names[0]} -o FOLDER"
        )
    if task not in names:
        raise _NotAsked(f"{path} knows no task '{task}'{did_you_mean(task, names)} (tasks: {listed})")
    return task


def tasks_of(folder: "str | Path") -> tuple[str, ...]:
    """Names of the tasks that a folder answers, where a run has learnt several together; empty for any other.

    Raises:
        ModelError: its manifest is damaged.
    """
    path = Path(folder)
    if not os.path.lexists(path / MANIFEST):
        return ()
    said, _ = read_manifest(path)
    return tuple(checked_manifest(path, said).answers) if said.get("kind") == SEVERAL else ()


def task_of(folder: "str | Path", name: str | None = None) -> type[Task[Any, Any]] | None:
    """What a folder does, by its manifest alone; None where it does not say so, which `load` may have words for.

    Args:
        folder: of a run.
        name: of one of several tasks.

    Raises:
        ModelError: its manifest is damaged.
    """
    path = Path(folder)
    if not os.path.lexists(path / MANIFEST):
        return None
    said, _ = read_manifest(path)
    if said.get("kind") in (NETWORK, INDEX, EXPORT, TABLES):
        return None
    answers = checked_manifest(path, said).answers
    answer = answers.get(name) if name is not None else next(iter(answers.values())) if len(answers) == 1 else None
    known = None if answer is None else str(answer.task.get("name"))
    return TASKS.get(known) if known in TASKS.names() else None


def _read(path: Path, manifest: Manifest, digest: str, name: str) -> Artifact:
    """The answer of a name in a folder with a manifest of the right shape, whose SHA-256 is `digest`."""
    answer = manifest.answers[name]
    part, home = manifest.parts[answer.part], path
    if manifest.kind == SEVERAL:
        shared = next(each for each in manifest.parts.values() if each.kind == SEVERAL)
        part, home = part.model_copy(update={"files": {**shared.files, **part.files}}), path / TASKS_FOLDER / name
    task, decisions = _task_and_decisions(answer, str(path / MANIFEST))
    cls = PREDICTORS.get(part.kind)
    unnamed = [name for name in cls.reads if name not in part.files and os.path.lexists(path / name)]
    strange = unnamed if manifest.format > 1 else []
    if manifest.files is not None:
        strange += [name for name in REFERENCE if name not in manifest.files and os.path.lexists(path / name)]
    if strange:
        raise ModelError(
            f"{path / strange[0]} does not belong to the model: {MANIFEST} does not name it; remove the file"
        )
    refuse_damaged(path, {"digests": manifest.files or {}})
    predictor = cls.load(path, task, _checked(path, part))
    load_scope(predictor, path, decisions, digest=part.files.get(SCOPE))
    recipe = parsed_yaml(content(path, RECIPE, most=MOST_RECIPE), path / RECIPE) or {}
    evidence = parsed(content(home, EVIDENCE, most=MOST_EVIDENCE), home / EVIDENCE)
    for place, value in ((path / RECIPE, recipe), (home / EVIDENCE, evidence)):
        if not isinstance(value, dict):
            raise ModelError(f"{place} is damaged: it holds {describe(value)}, expected a mapping of keys to values")
    own = identity(path, digest, unnamed)
    return Artifact(predictor, predictor.task, recipe, evidence, own, decisions, Reference.load(home))  # type: ignore[arg-type]


def _checked(folder: Path, part: StatedPart) -> dict[str, Any]:
    """The description of a part whose files are those that were written with it; weights are left to who reads them.

    Raises:
        ModelError: a file is missing or differs.
    """
    weights = {name: digest for name, digest in part.files.items() if name.endswith(".safetensors")}
    refuse_damaged(folder, {"digests": {name: part.files[name] for name in part.files if name not in weights}})
    return part.description | {"digests": weights}


def _task_and_decisions(answer: StatedAnswer, where: str) -> tuple[Task[Any, Any], tuple[Decision, ...]]:
    """What an answer of a manifest is for, and what its outputs go through.

    Raises:
        HeadstartError: they are not known, do not suit each other, or lack what training rows say.
    """
    values = dict(answer.task)
    task = parse(TASKS.get(str(values.pop("name", None))), values, where=where)
    if [*task.names] != answer.labels and answer.labels:
        raise ModelError(f"{where} is damaged: the labels of the answer are not those of its task")
    task.require_bound()
    decisions = tuple(parse_decision(each, where) for each in answer.decisions)
    names = [decision.name for decision in decisions]
    if names != [name for name in DECISIONS.names() if name in names]:
        raise ModelError(f"{where} is damaged: decisions stand twice or out of order ({', '.join(names)})")
    for decision in decisions:
        decision.require_fitting(task, where)
    return task, decisions
