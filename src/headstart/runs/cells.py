"""One experiment of a study: strategies on the rows, network and settings that a key names, and what is kept of it."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ValidationError
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from headstart.data.outputs import Outputs
from headstart.data.store import Store
from headstart.data.table import Table
from headstart.errors import DataError, DivergedError, OutOfMemoryError
from headstart.evaluation.judging import chosen_metric
from headstart.metrics.base import Tally
from headstart.recipes.labelled import Experiment
from headstart.recipes.sources import Role
from headstart.runs.comparison import set_up
from headstart.runs.execution import run_all, score_all
from headstart.runs.experiment import Entry
from headstart.runs.keys import Key
from headstart.runs.parts import Parts
from headstart.runs.planning import Plan
from headstart.runs.recorded import ABOUT as RUN
from headstart.runs.recorded import Seconds, place_of
from headstart.runs.workspace import Workspace
from headstart.runtime.durable import damage, read_json, sealed
from headstart.runtime.progress import SILENT, Progress

ABOUT, ARRAYS = "cell.json", "tallies.safetensors"


@dataclass(frozen=True)
class Cell:
    """An experiment of a study.

    Args:
        key: the axes on which it stands; its strategy is empty where several run in it.
        recipe: that does it alone, too; without a budget, so that its numbers hang on no clock.
    """

    key: Key
    recipe: Experiment


@dataclass(frozen=True)
class RowTally:
    """What each row of a part gave, so that rows can be drawn again for several entries at once.

    Args:
        tally: of the chosen metric, a row each.
        losses: sum of the losses of each row's units, float64, shape (rows,).
    """

    tally: Tally
    losses: np.ndarray


@dataclass(frozen=True)
class CellEntry:
    """What one strategy came to in a cell.

    Args:
        key: of the cell, with the strategy.
        status: `done`, `failed`, `stopped` or `not run`.
        seconds: it took, scoring left out.
        note: why there is nothing, or what is odd about it.
        role: `transfer` or `control`.
        trainable_parameters: None where there is no model.
        strategy: with every choice filled in, as plain data.
        training: settings of the loop with every choice filled in, as plain data.
        scores: by part (`validation`, `test`, named tests), plain data of each metric.
        judged: rows of each part of `scores`.
    """

    key: Key
    status: str
    seconds: float
    note: str = ""
    role: str = "transfer"
    trainable_parameters: int | None = None
    strategy: Mapping[str, Any] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)
    scores: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    judged: Mapping[str, RowTally] = field(default_factory=dict)

    @property
    def done(self) -> bool:
        """Whether it came to a model."""
        return self.status == "done"

    def plain(self) -> dict[str, Any]:
        """Plain data without the rows."""
        keys = ("status", "seconds", "note", "role", "trainable_parameters", "strategy", "training", "scores")
        return {"key": self.key.plain(), "label": self.key.label} | {key: getattr(self, key) for key in keys}


@dataclass(frozen=True)
class CellResult:
    """What a cell came to.

    Args:
        key: of the cell.
        entries: of its strategies, cheapest first.
        metric: that choices are made by.
        choices: what they are made on, `validation` or `cross-validation`; its scores stand under `validation`.
        rows: of each part.
        digests: of the rows of each part; entries are paired where these are equal.
        groups: cluster of each row of a part where rows belong together, int64, shape (rows,).
        seconds: that all of it took.
        note: why it came to nothing, where it has no entry.
    """

    key: Key
    entries: tuple[CellEntry, ...] = ()
    metric: str = ""
    choices: str = "validation"
    rows: Mapping[str, int] = field(default_factory=dict)
    digests: Mapping[str, str] = field(default_factory=dict)
    groups: Mapping[str, np.ndarray] = field(default_factory=dict)
    seconds: float = 0.0
    note: str = ""

    def of(self, strategy: str) -> CellEntry | None:
        """The entry of a strategy by its name; None where it has none."""
        return next((each for each in self.entries if each.key.strategy == strategy), None)


def carry_out(
    cell: Cell, progress: Progress, table: Table | None = None, work: Workspace | None = None, *, test: bool = True
) -> CellResult:
    """Run the strategies of a cell and judge them; the same cell gives the same numbers, wherever it is run.

    Args:
        cell: to run.
        progress: told what goes on.
        table: rows handed over in Python, in place of the training file.
        work: where what is done of it is kept, and taken from where it goes on.
        test: whether test rows are read; off where something is still to be chosen among cells.

    Raises:
        HeadstartError: the data or the backbone can't be used.
        KeyboardInterrupt: the user stopped it; what was done is kept in `work`.
    """
    started = time.perf_counter()
    plan = set_up(cell.recipe, progress, table, started, work=work)
    entries = plan.entries()
    if run_all(entries, plan, work):
        raise KeyboardInterrupt
    finished = [entry for entry in entries if entry.candidate is not None]
    for entry in finished:
        entry.finished.predictor.precision = cell.recipe.precision
        entry.finished.predictor.place(plan.context.device)
    notes = {id(entry): entry.note for entry in finished}
    if test and score_all(finished, plan, len(finished)):
        raise KeyboardInterrupt
    for entry in finished:
        entry.finished.predictor.release()
        entry.note = notes[id(entry)]
    return _result(cell.key, entries, plan, time.perf_counter() - started)


def _result(key: Key, entries: Sequence[Entry], plan: Plan, seconds: float) -> CellResult:
    parts = plan.parts
    named: dict[str, Store[Any]] = {"validation": parts.validation}
    named |= {role.part: rows for role, rows in parts.scored.items()}
    return CellResult(
        key,
        tuple(_entry(key, entry, parts) for entry in entries),
        parts.task.chosen_metric,
        parts.choices,
        {name: len(rows) for name, rows in named.items()} | {"train": len(parts.train)},
        {name: rows.digest() for name, rows in named.items()},
        {name: np.asarray(rows.groups, np.int64) for name, rows in named.items() if rows.groups is not None},
        seconds,
    )


def _entry(key: Key, entry: Entry, parts: Parts) -> CellEntry:
    found = CellEntry(_with_strategy(key, entry.key), entry.status, entry.seconds, entry.note, entry.strategy.role)
    candidate = entry.candidate
    if candidate is None:
        return found
    scores = {"validation": entry.validation_scores or {}, **entry.scores}
    return CellEntry(
        found.key, found.status, found.seconds, "; ".join([*([found.note] if found.note else []), *candidate.notes]),
        found.role, candidate.trainable_parameters, candidate.strategy.plain(), candidate.training.plain(), scores,
        {name: judged for name in scores if (judged := _judged(entry, name, parts)) is not None},
    )  # fmt: skip


def _judged(entry: Entry, part: str, parts: Parts) -> RowTally | None:
    outputs = entry.outputs(part, parts)
    rows = parts.validation if part == "validation" else parts.scored[_role(part, parts)]
    if outputs is None or not len(rows):
        return None
    return judged(parts.task, outputs, rows)


def _role(part: str, parts: Parts) -> Role:
    return next(role for role in parts.scored if role.part == part)


def judged(task: Any, outputs: Outputs, rows: Store[Any]) -> RowTally:
    """What each row gave.

    Args:
        task: bound.
        outputs: decided, of the rows.
        rows: labelled.
    """
    results = task.results(outputs, rows)
    return RowTally(chosen_metric(task).tally(results), np.asarray(results.losses, np.float64))


def _with_strategy(key: Key, own: Key) -> Key:
    """The key of an entry of a cell: that of the cell, with what sets its strategy apart from the others."""
    settings = dict(key.settings) | dict(own.settings)
    return Key(
        own.strategy, key.backbone or own.backbone, tuple(settings.items()), key.seed, key.size, key.draw
    )  # fmt: skip


class _StatedEntry(BaseModel):
    """The shape of an entry on disk."""

    key: dict[str, Any]
    status: str
    seconds: Seconds
    note: str
    role: str
    trainable_parameters: int | None
    strategy: dict[str, Any]
    training: dict[str, Any]
    scores: dict[str, dict[str, Any]]


class _Stated(BaseModel):
    """The shape of a cell on disk."""

    key: dict[str, Any]
    entries: list[_StatedEntry]
    metric: str
    choices: str
    rows: dict[str, int]
    digests: dict[str, str]
    seconds: Seconds
    note: str


def keep(result: CellResult, place: Path) -> None:
    """Write what a cell came to into a folder of its own, whole or not at all.

    Raises:
        StorageError: the disk refuses.
    """
    keys = ("metric", "choices", "rows", "digests", "seconds", "note")
    about = {"key": result.key.plain()} | {key: getattr(result, key) for key in keys}
    about["entries"] = [{**each.plain()} for each in result.entries]
    arrays = {f"groups/{name}": groups for name, groups in result.groups.items()}
    for at, entry in enumerate(result.entries):
        for name, rows in entry.judged.items():
            arrays |= {
                f"{at}/{name}/codes": rows.tally.codes,
                f"{at}/{name}/table": rows.tally.table,
                f"{at}/{name}/losses": rows.losses,
            }
    with sealed(place) as work:
        (work / ABOUT).write_text(json.dumps(about), encoding="utf-8")
        save_file({name: np.ascontiguousarray(each) for name, each in arrays.items()}, work / ARRAYS)


def kept(place: Path) -> CellResult | None:
    """What `keep` wrote; None where there is nothing, or nothing whole."""
    if not place.is_dir() or damage(place):
        return None
    try:
        return _read(place)
    except (OSError, ValueError, KeyError, TypeError, ValidationError, SafetensorError):
        return None


def _read(place: Path) -> CellResult:
    about, arrays = _Stated.model_validate(read_json(place / ABOUT)), load_file(place / ARRAYS)
    entries = []
    for at, each in enumerate(about.entries):
        rows = {
            name: RowTally(
                Tally(arrays[f"{at}/{name}/codes"], arrays[f"{at}/{name}/table"]), arrays[f"{at}/{name}/losses"]
            )
            for name in each.scores
            if f"{at}/{name}/codes" in arrays
        }
        said = {key: getattr(each, key) for key in _StatedEntry.model_fields if key != "key"}
        entries.append(CellEntry(Key.of(each.key), **said, judged=rows))
    groups = {name.partition("/")[2]: each for name, each in arrays.items() if name.startswith("groups/")}
    return CellResult(
        Key.of(about.key), tuple(entries), about.metric, about.choices, about.rows, about.digests, groups, about.seconds,
        about.note,
    )  # fmt: skip


def done_at(
    cell: Cell,
    place: Path,
    progress: Progress = SILENT,
    table: Table | None = None,
    *,
    test: bool = True,
    pausing: Path | None = None,
) -> CellResult:
    """What a cell comes to, kept in a folder: as it is there, else carried out, from where it was left off.

    A cell whose rows cannot be learnt from, or that no strategy came to an end in, is kept without entries, with the reason.

    Args:
        cell: to run.
        place: folder for what it comes to; while it is under way, what was done is beside it.
        progress: told what goes on.
        table: rows handed over in Python.
        test: whether test rows are read.
        pausing: where checkpoints are of a strategy that ends early (`training.stop_after`) and goes on in another cell.

    Raises:
        HeadstartError: what stands in the way of any cell.
        KeyboardInterrupt: the user stopped it.
    """
    found = kept(place)
    if found is not None:
        return found
    begun = (place_of(place) / RUN).is_file()
    with Workspace(place, None if begun else cell.recipe.plain(), progress=progress, pausing=pausing) as work:
        try:
            found = carry_out(cell, progress, table, work, test=test)
        except (DataError, DivergedError, OutOfMemoryError) as error:
            found = CellResult(cell.key, note=str(error))
        keep(found, place)
    return found
