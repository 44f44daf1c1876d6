"""Trials by ask and tell on optuna: which settings are next, and what came of them, in a journal that other tools open."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from headstart.errors import RunFolderError, UnavailableError
from headstart.runtime.durable import refusal
from headstart.tuning.space import Choices, Dimension, Space, plain

if TYPE_CHECKING:
    import optuna

MISSING = "tune needs the package optuna; install it with: pip install 'headstart[tune]'"
JOURNAL = "optuna.journal"
"""File of the trials; `optuna.load_study(study_name="headstart", storage=...)` reads it, see docs/tuning.md."""
FOLDER = "search"
"""Folder of a run's workspace with the journal."""
PUBLISHED = f"{FOLDER}/{JOURNAL}"
"""What is kept of it beside the model."""
STUDY = "headstart"
STARTUP = 6
"""Trials drawn at random, that of the defaults among them, before those that came out well say where to look."""
REDRAWN = 20
"""Draws that were tried before, after which there is nothing new to try."""
SETTINGS, NOTE = "settings", "note"

State = Literal["running", "done", "pruned", "failed"]
Direction = Literal["minimize", "maximize"]


@dataclass(frozen=True)
class SearchTrial:
    """One set of settings and what came of it.

    Args:
        number: from 0, that of the defaults.
        settings: values by path, as plain data; empty for the defaults.
        state: `pruned` where it was given up on the way, `failed` where it came to nothing.
        value: its score by the chosen metric; None where there is none.
        reached: scores by number of the share of the schedule after which it was judged.
        note: why it failed.
    """

    number: int
    settings: Mapping[str, Any]
    state: State
    value: float | None = None
    reached: Mapping[int, float] | None = None
    note: str = ""


def missing() -> str:
    """What has to be installed, as a sentence; empty where optuna is there."""
    from importlib.util import find_spec

    return "" if find_spec("optuna") is not None else MISSING


def seed_of(seed: int, number: int, attempt: int = 0) -> int:
    """Seed of the sampler that draws a trial: a function of the search and of the trial's number, of nothing that ran before."""
    return int(np.random.SeedSequence([seed, number, attempt]).generate_state(1)[0])


class Search:
    """The trials of one search, on disk: what is asked for is written down before it runs, what is told when it has.

    Each trial is drawn by a sampler with a seed of its own from the trials that are over, so a search that was killed goes on to
    the same trials, bit for bit; the one that was under way is taken up again with its own settings.

    Args:
        folder: of the journal; made where it is not there. No two processes at a time.
        space: what is varied.
        seed: of the search.
        lower_is_better: whether smaller scores are better.
        about: plain data that other tools show beside the trials, such as the name of the metric.

    Raises:
        UnavailableError: optuna is not installed.
        RunFolderError: the journal is of another search, or cannot be read.
        StorageError: the disk refuses.
    """

    def __init__(
        self,
        folder: Path,
        space: Space,
        *,
        seed: int = 0,
        lower_is_better: bool = False,
        about: Mapping[str, Any] | None = None,
    ) -> None:
        if missing():
            raise UnavailableError(MISSING)
        self.space, self.seed, self.path = space, seed, folder / JOURNAL
        self._direction: Direction = "minimize" if lower_is_better else "maximize"
        conditions = {"space": plain(space), "seed": seed, "direction": self._direction}
        try:
            folder.mkdir(parents=True, exist_ok=True)
            _repair(self.path)
            with _quietly():
                self._study = _opened(self.path, self._direction)
                known = self._study.user_attrs
                if "conditions" not in known:
                    for key, value in (about or {}).items():
                        self._study.set_user_attr(key, value)
                    self._study.set_user_attr("conditions", conditions)
                    known = {"conditions": conditions}
        except OSError as error:
            raise refusal(self.path, error) from None
        except (ValueError, KeyError, AssertionError) as error:
            raise RunFolderError(
                f"{self.path} cannot be read as a journal of trials ({error}); begin anew with --overwrite"
            ) from None
        if json.loads(json.dumps(conditions)) != known["conditions"]:
            raise RunFolderError(
                f"{self.path} holds trials of another search: space, seed or metric differ; begin anew with --overwrite"
            )

    @property
    def trials(self) -> list[SearchTrial]:
        """All trials, by number."""
        return [self._read(each) for each in self._study.get_trials(deepcopy=False)]

    def ask(self) -> SearchTrial | None:
        """The trial that is next: one that was left running, else a new one; None where nothing is left to try.

        SearchTrial 0, that of the defaults, is not asked for: it is told of by `begin`.
        """
        trials = self.trials
        left = next((each for each in trials if each.state == "running"), None)
        if left is not None:
            return left
        known = [dict(each.params) for each in self._study.get_trials(deepcopy=False)]
        for attempt in range(REDRAWN):
            drawn = self._draw(len(trials), attempt)
            if drawn not in known:
                return self._begun(drawn)
        return None

    def begin(self, found: Mapping[str, Any], value: float | None, note: str = "") -> None:
        """Tell of trial 0, the defaults, when it is over.

        Args:
            found: what the defaults come to, by path; values outside of the space are left out.
            value: its score; None where it failed.
            note: why it failed.
        """
        inside = {path: found[path] for path in self.space if path in found and self.space[path].holds(found[path])}
        state = "FAIL" if value is None else "COMPLETE"
        self._add(self._internal(inside), state, value, {SETTINGS: {}, NOTE: note})

    def report(self, trial: SearchTrial, share: int, value: float) -> None:
        """Keep a score on the way.

        Args:
            trial: running.
            share: number of the share of its schedule.
            value: its score there.
        """
        if share not in (trial.reached or {}):
            with _quietly():
                self._study._storage.set_trial_intermediate_value(self._id(trial), share, value)

    def tell(self, trial: SearchTrial, state: State, value: float | None = None, note: str = "") -> None:
        """What came of a trial.

        Args:
            trial: running.
            state: `done`, `pruned` or `failed`.
            value: its score, where it has one.
            note: why it failed.
        """
        from optuna.trial import TrialState

        states = {"done": TrialState.COMPLETE, "pruned": TrialState.PRUNED, "failed": TrialState.FAIL}
        with _quietly():
            if note:
                self._study._storage.set_trial_user_attr(self._id(trial), NOTE, note)
            values = None if value is None or state == "failed" else [value]
            self._study._storage.set_trial_state_values(self._id(trial), states[state], values)

    def importances(self) -> dict[str, float]:
        """Share of each setting in how scores differ, the largest first, in [0, 1] (PED-ANOVA: Watanabe et al. 2023).

        Empty where fewer than `STARTUP` trials were finished, or all are alike.
        """
        import optuna

        over = [each for each in self._finished() if each.state.name == "COMPLETE" and each.params]
        if len(over) < STARTUP or len({each.value for each in over}) < 2:
            return {}
        with _quietly():
            study = optuna.create_study(direction=self._direction)
            study.add_trials(over)
            found = optuna.importance.get_param_importances(study)
        return {path: float(share) for path, share in found.items()}

    def _draw(self, number: int, attempt: int) -> dict[str, Any]:
        """Settings of a trial as optuna has them, from the trials that are over alone."""
        import optuna

        distributions = {path: _distribution(dimension) for path, dimension in self.space.items()}
        sampler = _sampler()(distributions, seed_of(self.seed, number, attempt))
        with _quietly():
            study = optuna.create_study(direction=self._direction, sampler=sampler)
            study.add_trials(self._finished())
            return dict(study.ask(distributions).params)

    def _begun(self, drawn: dict[str, Any]) -> SearchTrial:
        settings = {path: _external(self.space[path], value) for path, value in drawn.items()}
        self._add(drawn, "RUNNING", None, {SETTINGS: settings})
        return self.trials[-1]

    def _add(self, drawn: dict[str, Any], state: str, value: float | None, attributes: Mapping[str, Any]) -> None:
        """Write a trial down, whole or not at all: it is one line of the journal."""
        import optuna

        kept = {key: each for key, each in attributes.items() if each != ""}
        with _quietly():
            self._study.add_trial(
                optuna.create_trial(
                    state=optuna.trial.TrialState[state],
                    value=value,
                    params=drawn,
                    distributions={path: _distribution(self.space[path]) for path in drawn},
                    user_attrs=kept,
                )
            )

    def _finished(self) -> list[Any]:
        return [each for each in self._study.get_trials(deepcopy=False) if each.state.is_finished()]

    def _internal(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        return {path: _internal(self.space[path], value) for path, value in settings.items()}

    def _id(self, trial: SearchTrial) -> int:
        return self._study.get_trials(deepcopy=False)[trial.number]._trial_id

    def _read(self, each: optuna.trial.FrozenTrial) -> SearchTrial:
        states: dict[str, State] = {"COMPLETE": "done", "PRUNED": "pruned", "FAIL": "failed"}
        value = each.value if each.state.name in ("COMPLETE", "PRUNED") else None
        settings = each.user_attrs.get(SETTINGS, {})
        note = each.user_attrs.get(NOTE, "")
        return SearchTrial(
            each.number, settings, states.get(each.state.name, "running"), value, dict(each.intermediate_values), note
        )


@cache
def _sampler() -> type[Any]:
    """The sampler: its space is known, so trials outside of it (defaults, for one) narrow nothing down."""
    from optuna.samplers import TPESampler

    class Sampler(TPESampler):
        def __init__(self, distributions: Mapping[str, Any], seed: int) -> None:
            super().__init__(seed=seed, n_startup_trials=STARTUP)
            self._known = dict(distributions)

        def infer_relative_search_space(self, study: Any, trial: Any) -> dict[str, Any]:
            return dict(self._known)

    return Sampler


def _distribution(dimension: Dimension) -> Any:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if isinstance(dimension, Choices):
        return CategoricalDistribution([_internal(dimension, value) for value in dimension.values])
    if dimension.whole:
        return IntDistribution(int(dimension.low), int(dimension.high), log=dimension.log)
    return FloatDistribution(dimension.low, dimension.high, log=dimension.log)


def _internal(dimension: Dimension, value: Any) -> Any:
    """A value as optuna takes it: lists and mappings, which it does not, as JSON."""
    nested = isinstance(dimension, Choices) and isinstance(value, list | tuple | dict)
    return json.dumps(value, sort_keys=True) if nested else value


def _external(dimension: Dimension, value: Any) -> Any:
    if not isinstance(dimension, Choices):
        return value
    coded = [(type(each), each) for each in map(partial(_internal, dimension), dimension.values)]
    return dimension.values[coded.index((type(value), value))]


def _opened(path: Path, direction: Direction) -> optuna.Study:
    import optuna
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    storage = JournalStorage(JournalFileBackend(str(path)))
    return optuna.create_study(study_name=STUDY, storage=storage, direction=direction, load_if_exists=True)


def _repair(path: Path) -> None:
    """Take away what a process that was killed has left: half a line at the end, and its lock."""
    path.with_name(f"{path.name}.lock").unlink(missing_ok=True)
    if not path.is_file():
        return
    content = path.read_bytes()
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        with path.open("r+b") as file:
            file.truncate(whole)


@contextmanager
def _quietly() -> Iterator[None]:
    """Without what optuna logs at its own discretion."""
    import optuna

    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(logging.ERROR)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(before)
