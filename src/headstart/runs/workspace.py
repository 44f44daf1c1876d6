"""What an experiment has done so far, on disk beside its output, so that it can go on after whatever ended it."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from shlex import quote
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from headstart.config import parse
from headstart.data.outputs import outputs_of
from headstart.decisions.base import Decision, fitted, in_order, parse_decision
from headstart.decisions.temperature import Temperature
from headstart.endpoints.answers import ANSWERS
from headstart.errors import (
    DataError,
    DivergedError,
    HeadstartError,
    MissingInputError,
    ModelError,
    RecipeError,
    RunFolderError,
    StorageError,
)
from headstart.manifest import checkable
from headstart.predictors import PREDICTORS
from headstart.predictors.scope import load_scope, save_scope
from headstart.recipes.base import Recipe
from headstart.runs.additions import keep_added, kept_added
from headstart.runs.experiment import Entry
from headstart.runs.parts import Parts
from headstart.runs.recorded import ABOUT, FORMAT, StatedEntry, StatedModelEntry, place_of, recorded, refuse_misshapen
from headstart.runtime.durable import (
    DISCARDED,
    LOCK,
    UNFINISHED,
    Lock,
    clear_remains,
    current_folder,
    damage,
    discard,
    read_json,
    refusal,
    sealed,
    write_whole,
)
from headstart.runtime.progress import SILENT, Progress
from headstart.strategies import STRATEGIES
from headstart.strategies.base import Candidate
from headstart.training.settings import Training

OUTPUTS = "outputs.safetensors"
HOPELESS = (DataError, ModelError, RecipeError)
"""What the same words would come to again: nothing is kept for going on."""
NOT_IN_NAMES = re.compile(r"[^\w.=-]+")
LONGEST_NAME = 80
"""Characters of an entry's label in the name of its folder."""
LEAST_SECONDS = 5.0
"""Seconds of work below which doing it again is as good as keeping what came of it."""


class Workspace:
    """The unfinished part of a run; a context manager that holds its lock.

    `RUN.part` beside the output folder has the recipe, what the run was begun with, strategies that are done, and the
    checkpoints of the one under way. It goes when the run is published, or when it fails in a way that going on cannot
    fix.

    Args:
        folder: the output folder of the run.
        recipe: plain data, with its verb; None goes on with what is there.
        overwrite: begin anew where an earlier run left something.
        progress: told what is taken over and what is not.
        pausing: where checkpoints of strategies are that end early and are to go on in another run; they outlive this one.

    Raises:
        RunFolderError: another process is at work in it, an earlier run left something and `overwrite` is off, or what is there
            was not left by a run.
        MissingInputError: there is nothing to go on with.
        StorageError: the disk refuses.
    """

    def __init__(
        self,
        folder: Path,
        recipe: Mapping[str, Any] | None,
        *,
        overwrite: bool = False,
        progress: Progress = SILENT,
        pausing: Path | None = None,
    ) -> None:
        self.target = folder
        self.pausing = pausing
        self.folder = place_of(folder)
        self.progress = progress
        self.resumed = recipe is None
        self.temporary = False
        """Whether it goes with the process, see `beside`."""
        self.stopped = False
        """Whether the user stopped the run, which is then published as far as it came and can go on."""
        self._begun = time.perf_counter()
        if recipe is None:
            recorded(folder)
        else:
            _require_own(self.folder)
        self._made = [parent for parent in self.folder.parents if not parent.exists()]
        self.lock = Lock(self.folder)
        try:
            if recipe is None:
                found = recorded(folder)
                if found is None:
                    raise MissingInputError(f"{folder} was finished by another process just now")
                self.about = found
            else:
                if (self.folder / ABOUT).is_file() and not overwrite:
                    raise RunFolderError(
                        f"{self.folder} holds what an interrupted run left; go on with: headstart resume {quote(str(folder))}, or "
                        "begin anew with --overwrite"
                    )
                self._clear()
                self.about = {"format": FORMAT, "recipe": dict(recipe), "directory": current_folder(), "spent": 0.0}
                self._write(self.about)
            clear_remains(self.folder)
        except BaseException:
            if not (self.folder / ABOUT).exists():
                self._leave()
            self.lock.release()
            raise

    @classmethod
    @contextmanager
    def beside(
        cls, folder: Path | None, recipe: Recipe, *, overwrite: bool = False, progress: Progress = SILENT
    ) -> Iterator[Workspace]:
        """The workspace beside an output folder, or a temporary one where there is none.

        Args:
            folder: the output folder of the run.
            recipe: of the run.
            overwrite: begin anew where an earlier run left something.
            progress: told what is taken over and what is not.

        Raises:
            RunFolderError: as the constructor.
            StorageError: the disk refuses.
        """
        with ExitStack() as held:
            place = folder or Path(held.enter_context(TemporaryDirectory())) / recipe.verb
            work = held.enter_context(cls(place, recipe.plain(), overwrite=overwrite, progress=progress))
            work.temporary = folder is None
            yield work

    def __enter__(self) -> Workspace:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        over = isinstance(error, DivergedError) or (error is None and not self.stopped)
        over = over or (isinstance(error, HOPELESS) and not self.resumed)
        if over or not (self.resumed or self.holds_work):
            self.remove(paid=error is None)
        elif self.folder.is_dir():
            self._spend()
        self.lock.release()

    @property
    def holds_work(self) -> bool:
        """Whether anything was done that going on would save."""
        done = any(not path.name.startswith((UNFINISHED, DISCARDED)) for path in self._folders())
        return done or self.answers.is_file()

    @property
    def answers(self) -> Path:
        """File with answers of endpoints, which were paid for: it stays until the run is over and well, whatever else is let go."""
        return self.folder / ANSWERS

    @property
    def how(self) -> str:
        """How the run goes on, in words."""
        kept = self.holds_work and not self.temporary
        return f"go on with: headstart resume {quote(str(self.target))}" if kept else "nothing was kept"

    def ended(self, *, interrupted: bool) -> str:
        """Note that all is published.

        Args:
            interrupted: whether the user stopped the run, whose results so far these are.

        Returns:
            How it goes on where it was interrupted and can; else nothing, and it is finished.
        """
        if interrupted and self.holds_work and not self.temporary:
            self.stopped = True
            return self.how
        self.remember(finished=True)
        return ""

    @property
    def spent(self) -> float:
        """Seconds that earlier processes worked on this run."""
        return float(self.about["spent"])

    def remember(self, **values: Any) -> None:
        """Keep plain data about the run.

        Raises:
            StorageError: the disk refuses.
        """
        self.about |= values
        self._write(self.about | {"spent": self.about["spent"] + self._passed()})

    def forget(self) -> None:
        """Let go of all work that was done."""
        for path in self._folders():
            discard(path)

    def remove(self, *, paid: bool = True) -> None:
        """The run is over: nothing is left.

        Args:
            paid: whether answers of endpoints, too, have done what they were for.
        """
        self._clear()
        if paid:
            self.answers.unlink(missing_ok=True)
        (self.folder / ABOUT).unlink(missing_ok=True)
        self._leave()

    def stages(self, entry: Entry, at: int) -> Path:
        """Where the checkpoints of a strategy are, the one that is run as number `at` from 0."""
        return (self.pausing or self.folder) / f"{self._name(entry, at)}-stages"

    def keep(self, entry: Entry, at: int, *, every: float) -> None:
        """Keep what a strategy came to, and let go of its checkpoints.

        Args:
            entry: that has run.
            at: its number in the run, from 0.
            every: seconds between checkpoints; what took less than that, and less than `LEAST_SECONDS`, is not kept.
        """
        if entry.seconds < min(every, LEAST_SECONDS):
            return
        try:
            with sealed(self._place(entry, at)) as work:
                candidate = entry.candidate
                about: dict[str, Any] = {"status": entry.status, "seconds": entry.seconds, "note": entry.note}
                about["key"] = entry.key.plain()
                if candidate is not None:
                    (work / "model").mkdir()
                    saved = candidate.predictor.save(work / "model")
                    save_scope(candidate.predictor, work / "model")
                    about |= {
                        "predictor": saved,
                        "kind": candidate.predictor.kind,
                        "strategy": candidate.strategy.plain(),
                        "training": candidate.training.plain(),
                        "description": candidate.description,
                        "trainable_parameters": candidate.trainable_parameters,
                        "curve": candidate.curve,
                        "notes": candidate.notes,
                        "epoch": candidate.epoch,
                        "fitted": [each.plain() for each in entry.fitted or ()],
                        "rank": list(entry.rank),
                        "validation_scores": entry.validation_scores,
                        "added": None if candidate.added is None else keep_added(candidate.added, work),
                    }
                    about |= {
                        "outputs": candidate.validation.kind,
                        "decisions": [each.plain() for each in entry.decisions],
                    }
                    arrays = candidate.validation.arrays()
                    save_file({name: np.ascontiguousarray(each) for name, each in arrays.items()}, work / OUTPUTS)
                (work / "entry.json").write_text(json.dumps(about), encoding="utf-8")
            if self.pausing is None:
                discard(self.stages(entry, at))
        except StorageError as error:
            self.progress.say("checkpoint", f"{entry.label} could not be kept: {error}", warning=True)
        self._spend()

    def restore(self, entry: Entry, at: int, parts: Parts, given: Sequence[Decision] = ()) -> bool:
        """Fill an entry with what was kept of it; False where there is nothing, or nothing whole.

        Args:
            entry: that has not run.
            at: its number in the run, from 0.
            parts: of the run.
            given: decisions with settings that are not to be found, for folders of the first format, which kept none.
        """
        place = self._place(entry, at)
        if not place.is_dir():
            return False
        reason = damage(place)
        try:
            if not reason:
                about = read_json(place / "entry.json")
                refuse_misshapen(StatedModelEntry if "predictor" in about else StatedEntry, about)
                if about.get("key", {"strategy": entry.strategy.name}) != entry.key.plain():
                    raise ValueError("it is another entry's")
                entry.candidate = None if "predictor" not in about else _candidate(place, about, parts)
                entry.status, entry.seconds, entry.note = about["status"], about["seconds"], about["note"]
                if entry.candidate is not None:
                    entry.rank = (about["rank"][0], about["rank"][1])
                    entry.validation_scores = about["validation_scores"]
                    _decide(entry, about, parts, given, str(place))
                return True
        except (HeadstartError, OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
            reason = f"{type(error).__name__}: {error}"
        self.progress.say("resume", f"{place}: {reason}; {entry.label} is run again", warning=True)
        return False

    def check(self, conditions: Mapping[str, Mapping[str, Any]], *, strict: bool) -> None:
        """Compare what the run was begun under with what it is now.

        Where data or weights have changed, nothing that was done counts. Other versions, threads or instructions give
        results that are as good and not the same to the last bit.

        Args:
            conditions: `inputs` and `machine`, plain data each; see `conditions`.
            strict: refuse whatever differs.

        Raises:
            RunFolderError: something differs and `strict` is on.
        """
        before = self.about.get("conditions")
        if before is None:
            self.remember(conditions=conditions)
            return
        changed = {
            part: [
                f"{key} {_short(before.get(part, {}).get(key))} -> {_short(value)}"
                for key, value in values.items()
                if before.get(part, {}).get(key) != value
            ]
            for part, values in conditions.items()
        }
        found = "; ".join(each for part in changed.values() for each in part)
        if not found:
            return
        if strict:
            raise RunFolderError(
                f"{self.target} was begun under other conditions ({found}); leave out --strict to go on"
            )
        if changed["inputs"]:
            self.progress.say("resume", f"changed since: {found}; all is done again", warning=True)
            for known in ("measured", "planned", "steps", "halving", "refit", "searched"):
                self.about.pop(known, None)
            self.forget()
        else:
            self.progress.say("resume", f"not the same to the last bit, because of {found}", warning=True)
        self.remember(conditions=conditions)

    def _folders(self) -> list[Path]:
        """What was done, by folder; none where somebody has taken the run's own folder away meanwhile."""
        return [path for path in self.folder.iterdir() if path.is_dir()] if self.folder.is_dir() else []

    def _place(self, entry: Entry, at: int) -> Path:
        return self.folder / self._name(entry, at)

    def _name(self, entry: Entry, at: int) -> str:
        """Name of an entry's folder; the number tells entries apart, the rest is for people."""
        return f"{at:02d}-{NOT_IN_NAMES.sub('-', entry.label)[:LONGEST_NAME]}"

    def _passed(self) -> float:
        return time.perf_counter() - self._begun

    def _write(self, about: Mapping[str, Any]) -> None:
        try:
            write_whole(self.folder / ABOUT, checkable(dict(about)))
        except OSError as error:
            raise refusal(self.folder / ABOUT, error) from None

    def _spend(self) -> None:
        with suppress(StorageError):  # only the clock of a budget is behind then
            self.remember()

    def _leave(self) -> None:
        """Take lock and folder away; what is not ours stays."""
        (self.folder / LOCK).unlink(missing_ok=True)
        with suppress(OSError):
            for place in (self.folder, *self._made):
                place.rmdir()

    def _clear(self) -> None:
        clear_remains(self.folder)
        self.forget()


def _require_own(folder: Path) -> None:
    """Raises RunFolderError where a folder holds something and no run has left it: nothing of it may be lost."""
    if os.path.lexists(folder) and not folder.is_dir():
        raise RunFolderError(
            f"{folder} is needed for what the run has done so far, and is no folder; move it away, or choose another --output"
        )
    if not folder.is_dir() or (folder / ABOUT).is_file():
        return
    known = (UNFINISHED, DISCARDED, LOCK, ANSWERS)
    others = [path.name for path in folder.iterdir() if not path.name.startswith(known)]
    if others:
        raise RunFolderError(
            f"{folder} is needed for what the run has done so far, and holds something else ({min(others)}); move it away, or "
            "choose another --output"
        )


def _short(value: Any) -> str:
    return value[:12] if isinstance(value, str) and len(value) == 64 else str(value)


def _candidate(place: Path, about: Mapping[str, Any], parts: Parts) -> Candidate:
    values = dict(about["strategy"])
    strategy = parse(STRATEGIES.get(values.pop("name")), values, where=str(place))
    if "outputs" in about:
        outputs = outputs_of(about["outputs"], load_file(place / OUTPUTS))
    else:  # the first format held logits alone
        outputs = parts.task.logits(np.array(load_file(place / "logits.safetensors")["validation"]), parts.validation)
    if len(outputs) != len(parts.validation) or not outputs.is_finite:
        raise ValueError("its outputs are not those of the rows that choices are made on")
    candidate = Candidate(
        strategy,
        parse(Training, about["training"], where=str(place)),
        PREDICTORS.get(about["kind"]).load(place / "model", parts.task, about["predictor"]),
        outputs,
        about["description"],
        about["trainable_parameters"],
        about["curve"],
        about["notes"],
        about.get("epoch"),
    )
    if about.get("added"):
        candidate.added = kept_added(place, about["added"], candidate, parts)
    return candidate


def _decide(entry: Entry, about: Mapping[str, Any], parts: Parts, given: Sequence[Decision], where: str) -> None:
    """Give an entry the decisions that were kept; the first format kept none, and its weights had taken up a temperature."""
    if "fitted" in about:
        entry.fitted = tuple(parse_decision(each, where) for each in about["fitted"])
    if "decisions" in about:
        entry.decisions = tuple(parse_decision(each, where) for each in about["decisions"])
    else:
        known = [*given, Temperature(factor=1.0)]
        entry.decisions = fitted(in_order(known), parts.task, entry.finished.validation, parts.validation)
    entry.finished.predictor.decisions = entry.decisions
    load_scope(entry.finished.predictor, Path(where) / "model", entry.decisions)
