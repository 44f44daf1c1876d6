"""Which backbone suits labelled rows, by the states that it gives as it is: the verb `rank`."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from headstart.backbones.location import BackboneSource, Located, locate
from headstart.data.cache import no_cache, user_cache
from headstart.data.files import require_file
from headstart.drawing.text import count
from headstart.errors import DataError, HeadstartError, Interrupted, ModelError, RecipeError
from headstart.folders import check_free
from headstart.recipes.ranking import Rank, unsuited
from headstart.recipes.sources import MEMORY, TRAIN
from headstart.report import ranking as report
from headstart.runs import evidence_folder
from headstart.runs.outcome import Call, Outcome, left_out
from headstart.runs.preparation import announce, read
from headstart.runs.scored_states import MEAN, ScoredStates, layers_of, lead, mean_of, scores_by_layer, without_parts
from headstart.runs.splitting import bound
from headstart.runs.truth import Truth
from headstart.runtime.device import settled
from headstart.runtime.interrupts import all_or_nothing
from headstart.runtime.machine import set_threads
from headstart.strategies.base import Context
from headstart.training.settings import Training
from headstart.transferability import H_SCORE, LOGME

POOLING = "mean"
"""How tokens become one vector."""


@dataclass(frozen=True)
class RankedBackbone:
    """A backbone with its scores.

    Args:
        location: as it was named.
        located: its folder.
        facts: architecture, layers, width, parameters.
        scored: scores of its states, layer by layer.
        judged: those that its place hangs on.
        parts: their score without each part of the rows; none where rows are resampled.
        seconds: what opening it, reading the texts and scoring took.
    """

    location: str
    located: Located
    facts: dict[str, Any]
    scored: list[ScoredStates]
    judged: ScoredStates
    parts: np.ndarray
    seconds: float


def rank(recipe: Rank, call: Call) -> Outcome:
    """Carry out `rank`.

    Raises:
        HeadstartError: the file can't be used, no backbone can be ranked, or the output can't be written.
    """
    folder = None if recipe.output is None else Path(recipe.output)
    if folder is not None:
        check_free(folder, overwrite=recipe.overwrite)
    if recipe.train != MEMORY:
        require_file(Path(recipe.train))
        call.progress.say("reading", recipe.train)
    with all_or_nothing():
        return _ranked(recipe, call, folder)


def _ranked(recipe: Rank, call: Call, folder: Path | None) -> Outcome:
    truth, notes = _truth(recipe, call)
    if recipe.by == H_SCORE and not truth.codes:
        raise RecipeError(
            [f"by: the H-score needs labels, and {truth.task.name} has numbers; give logme, neighbours or probe"]
        )
    threads = set_threads(recipe.threads, torch_runs=True)
    found, failed = _candidates(recipe, truth, call)
    found.sort(key=lambda each: -(each.judged.scores[recipe.by] or 0.0))
    result = _result(recipe, truth, found, failed, call.started)
    if folder is not None:
        result["output"] = str(folder)
        pinned = {each.location: each.located.source for each in found}
        backbones = tuple(pinned.get(each.location, each) for each in recipe.backbones)
        resolved = recipe.revised(backbones=backbones, task=truth.task, threads=threads, output=None, overwrite=False)
        evidence = result | {"title": folder.name, "notes": notes}
        evidence_folder.write(folder, evidence, resolved, report.page(evidence), overwrite=recipe.overwrite)
    return Outcome(result, folder=folder, notes=notes)


def _truth(recipe: Rank, call: Call) -> tuple[Truth, list[str]]:
    """What states are scored against, and what is to be known of the rows."""
    comparison = recipe.comparison()
    labelled = read(comparison, call.table, call.progress)
    if why := unsuited(labelled.task):
        raise DataError(f"{labelled.train.file}: {why}")
    labelled = bound(labelled, comparison)
    announce(labelled, call.progress)
    truth = Truth.of(labelled.task, labelled.train, comparison.data, most=recipe.most_rows, seed=recipe.seed)
    rows, of = len(truth.rows), truth.of_rows
    words = f", {count(truth.units.total)} words" if truth.task.words else ""
    left = f"; {count(len(labelled.train) - of)} are left for a test" if of < len(labelled.train) else ""
    call.progress.say("rows", f"{count(rows)} of {count(of)} rows{words} are scored{left}")
    source = labelled.sources[TRAIN]
    return truth, [*left_out(source.dropped), *source.warnings]


def _candidates(recipe: Rank, truth: Truth, call: Call) -> tuple[list[RankedBackbone], list[dict[str, str]]]:
    """Those that have a place, and why the others have none.

    Raises:
        HeadstartError: none has.
    """
    found: list[RankedBackbone] = []
    errors: dict[str, HeadstartError] = {}
    for source in recipe.backbones:
        location = source.location
        try:
            found.append(_candidate(recipe, source, truth, call))
        except Interrupted:
            raise
        except HeadstartError as error:
            errors[location] = error
            call.progress.say("backbone", f"{location} has no place: {error}", warning=True)
    if not found:
        if len(errors) == 1:
            raise next(iter(errors.values()))
        listed = "\n".join(f"{location}: {error}" for location, error in errors.items())
        raise ModelError(f"none of the backbones can be ranked:\n{listed}")
    return found, [{"backbone": location, "why": str(error)} for location, error in errors.items()]


def _candidate(recipe: Rank, source: BackboneSource, truth: Truth, call: Call) -> RankedBackbone:
    """Open a backbone, read the rows, score its states."""
    from headstart.strategies.probing import feature_store

    started, location = time.perf_counter(), source.location
    located = locate(source, truth.task.needs)
    cache = user_cache() if recipe.cache and call.table is None else no_cache()
    context = Context(
        truth.task, truth.rows, truth.rows, located, Training(), recipe.seed, call.progress, cache=cache,
        precision=recipe.precision, device=settled(recipe.device),
    )  # fmt: skip
    backbone = context.backbone()
    layers = layers_of(backbone.depth)
    tokens = truth.task.prepare(truth.rows, backbone.tokenizer).tokens
    call.progress.begin(location, len(tokens))
    [flat] = feature_store(context).chosen(backbone, [tokens], layers=layers, pooling=POOLING, progress=call.progress)
    facts = {
        "architecture": located.config["model_type"],
        "layers": backbone.depth,
        "width": backbone.hidden_size,
        "parameters": sum(parameter.numel() for parameter in backbone.parameters()),
    }
    states = truth.task.row_states(flat.reshape(len(flat), len(layers), 1, backbone.hidden_size))[:, :, 0]
    del backbone
    try:
        scored = scores_by_layer(states, layers, truth)
    except ModelError as error:
        raise ModelError(f"{location} {error}") from None
    judged = _judged(recipe, scored)
    parts = np.zeros(0)
    if recipe.by in (LOGME, H_SCORE) and len(recipe.backbones) > 1:
        own = mean_of(states, layers) if judged.name == MEAN else states[:, layers.index(judged.layers[0])]
        parts = without_parts(own, truth, recipe.by)
    call.progress.end()
    return RankedBackbone(location, located, facts, scored, judged, parts, time.perf_counter() - started)


def _judged(recipe: Rank, scored: list[ScoredStates]) -> ScoredStates:
    """The states that a backbone is judged by."""
    layers = [each for each in scored if each.name != MEAN]
    if recipe.states == "last":
        return layers[-1]
    if recipe.states == "mean":
        return scored[-1]
    return max(layers, key=lambda each: each.scores[recipe.by] or 0.0)


def _result(
    recipe: Rank, truth: Truth, found: list[RankedBackbone], failed: list[dict[str, str]], started: float
) -> dict[str, Any]:
    """What `--json` prints, and what stands in `evidence.json`."""
    task, rows = truth.task, []
    for place, each in enumerate(found, start=1):
        first = found[0]
        ahead = None if place == 1 else lead(recipe.by, (first.judged, first.parts), (each.judged, each.parts), truth)
        rows.append(
            {
                "rank": place,
                "backbone": each.location,
                "name": each.located.identity,
                "digest": each.located.source.digest,
                **each.facts,
                "score": each.judged.scores[recipe.by],
                "states": each.judged.name,
                "lead": None if ahead is None else ahead.plain(),
                "tied": ahead is not None and ahead.low <= 0 <= ahead.high,
                "scores": dict(each.judged.scores),
                "probe_score": each.judged.probe_score,
                "by_layer": [states.plain() for states in each.scored],
                "seconds": each.seconds,
            }
        )
    return {
        "ranking": rows,
        "not_ranked": failed,
        "by": recipe.by,
        "judged_by": recipe.states,
        "file": truth.rows.file,
        "task": {
            "name": task.name,
            "metric": task.chosen_metric,
            "labels": list(task.names),
            "text": list(task.text or ()),
        },
        "rows": len(truth.rows),
        "of_rows": truth.of_rows,
        **({"words": truth.units.total} if task.words else {}),
        "seed": recipe.seed,
        "seconds": time.perf_counter() - started,
    }
