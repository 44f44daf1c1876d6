"""Many experiments as one plan: cells that an executor carries out, each kept once, so that a study goes on after what ended it."""

from __future__ import annotations

import hashlib
import json
import re
import signal
import statistics
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from headstart import errors
from headstart.data.table import Table
from headstart.errors import HeadstartError, UsageError
from headstart.recipes.labelled import Compare, Experiment
from headstart.runs.cells import Cell, CellResult, done_at, kept
from headstart.runs.comparison import outline
from headstart.runs.workspace import Workspace
from headstart.runtime.deadline import Deadline
from headstart.runtime.durable import current_folder
from headstart.runtime.interrupts import Terminated
from headstart.runtime.machine import cores
from headstart.runtime.progress import SILENT, Progress, format_duration

CELLS = "cells"
"""Folder of the workspace with what cells came to."""
NOT_IN_NAMES = re.compile(r"[^\w.=-]+")
LONGEST_NAME = 60
POLL = 0.05
"""Seconds between two looks at processes that are at work."""


def cell_recipe(recipe: Experiment, **changes: Any) -> Compare:
    """The recipe of a cell: that of a study without what is about the study alone.

    Args:
        recipe: of a study.
        changes: fields that are others in this cell, such as `seed`, `backbone` or `data`.
    """
    values: dict[str, Any] = {key: getattr(recipe, key) for key in Experiment.model_fields}
    values |= {"halving": False, "prediction_sets": None, "out_of_scope": False}
    values |= {"output": None, "overwrite": False, "budget": None, "dry_run": False, "refit": False, "measure": ()}
    return Compare(**values | changes)


class Executor(ABC):
    """Where cells are carried out: here, in processes of this machine, or by something else that can run a recipe."""

    @abstractmethod
    def results(self, study: Study, cells: Iterator[Cell]) -> Iterator[tuple[Cell, CellResult]]:
        """Cells with what they came to, as they are done.

        Args:
            study: that they are of; says where each is kept.
            cells: taken one by one, each when there is somebody to carry it out.

        Raises:
            HeadstartError: what stands in the way of any cell.
            KeyboardInterrupt: the user stopped it; what was done of each cell is kept.
        """


class InProcess(Executor):
    """One cell after the other in this process."""

    def results(self, study: Study, cells: Iterator[Cell]) -> Iterator[tuple[Cell, CellResult]]:
        for cell in cells:
            yield cell, done_at(cell, study.place(cell), SILENT, study.table, test=study.test)


class Subprocesses(Executor):
    """Several cells at once, each in a process of its own.

    A process is told its cell on standard input, which stays open: where this process dies, those of its cells see the end of it
    and stop, with what they did kept.

    Args:
        workers: cells at once, at least 1.
    """

    def __init__(self, workers: int) -> None:
        self.workers = workers

    def results(self, study: Study, cells: Iterator[Cell]) -> Iterator[tuple[Cell, CellResult]]:
        running: list[tuple[Cell, subprocess.Popen[str]]] = []
        try:
            waiting: Cell | None = next(cells, None)
            while running or waiting is not None:
                while waiting is not None and len(running) < self.workers:
                    running.append((waiting, _begun(study, waiting)))
                    waiting = next(cells, None)
                ended = [each for each in running if each[1].poll() is not None]
                for each in ended:
                    running.remove(each)
                    yield each[0], _ended(study, *each)
                if not ended:
                    time.sleep(POLL)
        except BaseException as error:
            asked = signal.SIGTERM if isinstance(error, Terminated) else signal.SIGINT
            for _, process in running:
                process.send_signal(asked)
            for _, process in running:
                process.wait()
            raise


def _begun(study: Study, cell: Cell) -> subprocess.Popen[str]:
    """A process that carries out a cell."""
    command = [sys.executable, "-m", "headstart.runs.cell_process", str(study.place(cell))]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )  # fmt: skip
    told = {"recipe": cell.recipe.plain(), "key": cell.key.plain(), "test": study.test}
    if process.stdin is not None:
        process.stdin.write(json.dumps(told) + "\n")
        process.stdin.flush()
    return process


def _ended(study: Study, cell: Cell, process: subprocess.Popen[str]) -> CellResult:
    """What the cell of a process that has ended came to.

    Raises:
        HeadstartError: as the process raised it.
    """
    output, said = process.communicate()
    found = kept(study.place(cell)) if process.returncode == 0 else None
    if found is not None:
        return found
    if process.returncode in (128 + signal.SIGINT, 128 + signal.SIGTERM):
        raise KeyboardInterrupt
    try:
        told = json.loads(output)
        kind, message = getattr(errors, told["error"]), told["message"]
    except (ValueError, KeyError, TypeError, AttributeError):
        last = said.strip().splitlines()[-1:] or [f"exit code {process.returncode}"]
        kind, message = HeadstartError, f"{cell.key.place}: its process ended: {last[0]}"
    raise kind([message]) if kind is errors.RecipeError else kind(message)


@dataclass
class Study:
    """Cells of one plan, and where what they come to is kept.

    Args:
        work: of the run; cells are kept in a folder of it.
        progress: told what cells come to.
        table: rows handed over in Python, in place of the training file.
        end: when no cell is begun any more that would not be done by then; None for no limit.
        workers: cells that are carried out at once.
        test: whether cells read test rows.
    """

    work: Workspace
    progress: Progress = SILENT
    table: Table | None = None
    end: Deadline | None = None
    workers: int = 1
    test: bool = True
    seconds: dict[str, float] = field(default_factory=dict)
    """About how long cells take, by their places, where a plan was made."""

    @property
    def executor(self) -> Executor:
        """What carries the cells out.

        Raises:
            UsageError: rows in memory cannot be handed to other processes.
        """
        if self.workers > 1 and self.table is not None:
            raise UsageError("rows handed over in Python stay in this process; leave --workers out, or name a file")
        return InProcess() if self.workers == 1 else Subprocesses(self.workers)

    def place(self, cell: Cell) -> Path:
        """Folder for what a cell comes to; its name hangs on the cell alone."""
        recipe = cell.recipe.moved(Path(current_folder()))
        told = json.dumps([cell.key.plain(), recipe.plain(), self.test], sort_keys=True)
        name = NOT_IN_NAMES.sub("-", cell.key.place)[:LONGEST_NAME]
        return self.work.folder / CELLS / f"{name}-{hashlib.sha256(told.encode()).hexdigest()[:16]}"

    def result(self, cell: Cell, *, pausing: Path | None = None) -> CellResult:
        """What one cell comes to, carried out in this process unless it was done before.

        Args:
            cell: to run.
            pausing: where its checkpoints are, see `done_at`.
        """
        return done_at(cell, self.place(cell), SILENT, self.table, test=self.test, pausing=pausing)

    def run(self, cells: Sequence[Cell], note: Callable[[CellResult], str] | None = None) -> list[CellResult | None]:
        """What cells come to, in their order; None for those that there was no time for.

        Args:
            cells: the most wanted first.
            note: what is said of each that is done, beside where it stands.

        Raises:
            HeadstartError: what stands in the way of any cell.
            KeyboardInterrupt: the user stopped it.
        """
        found: dict[Path, CellResult] = {}
        begun = time.perf_counter()
        took: dict[Path, float] = {}

        def wanted() -> Iterator[Cell]:
            for cell in cells:
                known = kept(self.place(cell))
                if known is not None:
                    found[self.place(cell)] = known
                elif self._in_time(cell, took):
                    yield cell

        for cell, result in self.executor.results(self, wanted()):
            place = self.place(cell)
            found[place], took[place] = result, result.seconds
            self._say(len(found), cells, result, note, took, time.perf_counter() - begun)
        return [found.get(self.place(cell)) for cell in cells]

    def _in_time(self, cell: Cell, took: dict[Path, float]) -> bool:
        """Whether a cell would be done before the end."""
        return self.end is None or self._expected(cell, took) <= self.end.left

    def _expected(self, cell: Cell, took: dict[Path, float]) -> float:
        """About how many seconds a cell takes: as planned, by the pace of those that were done."""
        planned = self.seconds.get(str(self.place(cell)))
        if planned is None:
            return statistics.median(took.values()) if took else 0.0
        paces = [seconds / self.seconds[str(place)] for place, seconds in took.items() if self.seconds.get(str(place))]
        return planned * (statistics.median(paces) if paces else 1.0)

    def _say(
        self,
        done: int,
        cells: Sequence[Cell],
        result: CellResult,
        note: Callable[[CellResult], str] | None,
        took: dict[Path, float],
        passed: float,
    ) -> None:
        left = (len(cells) - done) * passed / max(len(took), 1)
        if self.seconds:
            places = [place for each in cells if (place := self.place(each)) not in took]
            left = sum(self._expected(each, took) for each in cells if self.place(each) in places) / self.workers
        said = result.note or (note(result) if note else "")
        after = f", about {format_duration(left)} left" if done < len(cells) else ""
        self.progress.say("study", f"{done:,} of {len(cells):,}: {result.key.place}{f': {said}' * bool(said)}{after}")

    def plan(self, cells: Sequence[Cell]) -> list[float]:
        """About how many seconds each cell takes, by a look at one of each size and network; kept for `run`.

        Raises:
            HeadstartError: the data or a backbone can't be used.
        """
        looked: dict[tuple[Any, ...], float] = {}
        for cell in cells:
            alike = (cell.key.size, cell.key.backbone, cell.key.settings)
            if alike not in looked:
                looked[alike] = float(outline(cell.recipe, SILENT, self.table)["seconds"])
            self.seconds[str(self.place(cell))] = looked[alike]
        return [self.seconds[str(self.place(cell))] for cell in cells]


def threads_for(recipe: Experiment, workers: int) -> int:
    """Threads of each cell: as the recipe says, else an equal share of the cores."""
    return recipe.threads or max(1, cores() // workers)
