"""Finished runs whose networks are averaged: refused where they do not suit the run, or know rows that it chooses or scores by."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from headstart.artifact import Artifact
from headstart.data.splits import fingerprints
from headstart.drawing.text import counted, dig
from headstart.errors import DataError, HeadstartError, RecipeError
from headstart.loading import load
from headstart.recipes.labelled import Experiment
from headstart.recipes.parsing import from_mapping
from headstart.recipes.sources import MEMORY, TARGET, TRAIN, VALIDATION, Role
from headstart.runs.auxiliary import with_auxiliary
from headstart.runs.parts import Parts
from headstart.runs.preparation import prepare
from headstart.runtime.progress import SILENT
from headstart.strategies.base import Context, Strategy
from headstart.strategies.weight_averaging import WeightAveraging

HOW = (
    "give rows that none of the runs has learnt from with --validation and --test, or fit them with --no-refit on the parts of "
    "this run"
)


def with_members(parts: Parts, recipe: Experiment, context: Context) -> Parts:
    """The parts with what is to be said of finished runs that are averaged; without such runs, the parts as they are.

    A row is a leak where a run has learnt its text and it is one of validation or of those that are scored here, unless the
    training rows of this run have it too, of which the checks of the data speak.

    Args:
        parts: of the run.
        recipe: of the run.
        context: of the run, before anything is fitted.

    Raises:
        HeadstartError: a run is no folder of a network that suits, see `opened_members`.
        DataError: a run has learnt rows that choices are made on, or that scores are reported on.
        RecipeError: the average is within another strategy, or the output folder is one of the runs.
    """
    for strategy in recipe.strategies or ():
        if any(_members(each) for each in _inside(strategy)):
            why = f"finished runs are not fitted within {strategy.name}; name them with weight-averaging alone"
            raise RecipeError([f"strategy.member_runs: {why}"])
    folders = list(dict.fromkeys(each for strategy in recipe.strategies or () for each in _members(strategy)))
    if not folders:
        return parts
    if recipe.output is not None and os.path.realpath(recipe.output) in map(os.path.realpath, folders):
        raise RecipeError(
            [f"output: {recipe.output} is one of the runs that are averaged; choose another with --output"]
        )
    from headstart.strategies.member_runs import opened_members

    warnings = []
    for strategy in recipe.strategies or ():
        names = _members(strategy)
        for folder, artifact in zip(names, opened_members(names, context) if names else (), strict=True):
            warnings += _checked(folder, artifact, parts)
    return replace(parts, warnings=(*parts.warnings, *dict.fromkeys(warnings)))


def _members(strategy: Strategy) -> Sequence[str]:
    """Folders of finished runs that a strategy averages."""
    return strategy.files if isinstance(strategy, WeightAveraging) and not strategy.trains else ()


def _inside(strategy: Strategy) -> Iterator[Strategy]:
    """All strategies that one fits inside."""
    for _, value in strategy:
        if isinstance(value, Strategy):
            yield value
            yield from _inside(value)


def _checked(folder: str, artifact: Artifact, parts: Parts) -> list[str]:
    """What is to be said of the rows that a run has learnt from; nothing where it is known and no row leaks.

    Raises:
        DataError: some of them are rows that choices are made on, or that scores are reported on.
    """
    learnt, why = _learnt(artifact, parts)
    own = fingerprints(parts.train.keys)
    for role, rows in ({VALIDATION: parts.validation} | parts.scored).items():
        prints = fingerprints(rows.keys)
        leaked = np.flatnonzero(np.isin(prints, learnt) & ~np.isin(prints, own))
        if len(leaked):
            lines = ", ".join(str(rows.lines[at]) for at in leaked[:5])
            use = "choices are made on" if role == VALIDATION else "scores are reported on"
            raise DataError(
                f"{folder} has learnt from {counted(len(leaked), 'row')} that {use}: {role.name} rows of {rows.file} (lines "
                f"{lines}); {HOW}"
            )
    if not why:
        return []
    return [
        f"{folder}: {why}, so nobody can tell whether it has learnt from rows that choices are made on or scores reported"
    ]


def _learnt(artifact: Artifact, parts: Parts) -> tuple[np.ndarray, str]:
    """Fingerprints of the rows that a run is known to have learnt from, and why these may not be all; empty where they are.

    They are the run's own parts where these have the digests that its evidence names; else its files are read again. An average
    of finished runs has learnt what these have.
    """
    said = {name: dig(artifact.evidence, "data", "splits", name, "digest") for name in (TRAIN, VALIDATION)}
    own = {TRAIN: parts.train, VALIDATION: parts.validation}
    wanted = [TRAIN, *([VALIDATION] if dig(artifact.evidence, "refit", "rows") else [])]
    found = {role: own[role].keys for role in wanted if own[role].digest() == said[role]}
    why = ""
    if (
        len(found) < len(wanted)
        or dig(artifact.recipe, "data", "auxiliary")
        or dig(artifact.evidence, "data", "target")
    ):
        more, why = _read_again(artifact, said, wanted)
        found |= more
    prints = [np.zeros(0, dtype=np.uint64), *(fingerprints(each) for each in found.values())]
    for folder in dig(artifact.recipe, "strategy", "member_runs") or ():
        try:
            theirs, unknown = _learnt(load(folder), parts)
        except HeadstartError as error:
            theirs, unknown = prints[0], f"it was made of {folder}, which cannot be opened ({error})"
        prints.append(theirs)
        why = why or unknown
    return np.concatenate(prints), why


def _read_again(
    artifact: Artifact, said: dict[Role, Any], wanted: Sequence[Role]
) -> tuple[dict[str, Sequence[str]], str]:
    """Keys of the rows that a run has learnt from, as its recipe reads them now, and why they are not those that it read then."""
    data = artifact.recipe.get("data", {})
    if data.get("train") == MEMORY:
        return {}, "it was fitted on rows that were handed over in Python"
    try:
        recipe = from_mapping({**artifact.recipe, "strategy": "tf-idf", "measure": []}, "recipe.yaml")
        assert isinstance(recipe, Experiment)
        parts = prepare(recipe, SILENT)
        auxiliary = with_auxiliary(parts, recipe, SILENT)[1]
    except (HeadstartError, OSError) as error:
        return {}, f"the files that it was fitted on cannot be read again ({' '.join(str(error).split())[:200]})"
    rows = {role: parts.rows[role] for role in (*wanted, TARGET) if role in parts.rows}
    if any(rows[role].digest() != said[role] for role in wanted if role in rows):
        return {}, f"{data.get('train')} does not hold the rows any more that it was fitted on"
    found: dict[str, Sequence[str]] = {str(role): each.keys for role, each in rows.items()}
    return found | {f"auxiliary {each.name}": each.rows.keys for each in auxiliary}, ""
