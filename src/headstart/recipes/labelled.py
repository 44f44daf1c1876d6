"""Recipes of learning from labelled rows: `fit` and `compare`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from headstart.backbones.location import BackboneSource, Origin
from headstart.config import Component, OutputPath, named, split_at_commas
from headstart.decisions import DECISIONS
from headstart.decisions.abstention import Abstention
from headstart.decisions.base import Decision
from headstart.decisions.out_of_scope import REFUSED, OutOfScope
from headstart.decisions.prediction_sets import PredictionSets
from headstart.errors import Fault, UsageError
from headstart.evaluation import MEASUREMENTS
from headstart.evaluation.measurements.base import Measurement, wanted
from headstart.recipes.base import LEAST_BUDGET, Budget, Confidence, Coverage, Recipe, Seed, Threads, usual_budget
from headstart.recipes.sources import Data
from headstart.runtime.device import Device
from headstart.runtime.precision import Precision
from headstart.strategies import STRATEGIES
from headstart.strategies.base import Strategy, refusal
from headstart.strategies.offers import controls, offering
from headstart.tasks import TASKS
from headstart.tasks.base import Task
from headstart.tasks.open import OpenTask
from headstart.training.settings import Training

AUTO = "auto"
"""Stands for strategies that are chosen on the way."""


def listed(value: Any) -> Any:
    """Components as a list of names or mappings; None for strategies that are chosen on the way."""
    if value == AUTO or (isinstance(value, list | tuple) and list(value) == [AUTO]):
        return None
    return (value,) if isinstance(value, Mapping | Component) else split_at_commas(value)


def _moved(options: Mapping[str, Any], directory: Path) -> dict[str, Any]:
    """Options of one of several tasks whose files, named as from `directory`, are found from elsewhere."""
    own = {key: value for key, value in options.items() if key in Data.model_fields}
    rest = {key: value for key, value in options.items() if key not in own and key != "data"}
    data = Data(**{**options.get("data", {}), **own})
    return rest | {"data": data.moved(directory).plain()}


class Experiment(Recipe):
    """From labels to a transferred model and its evidence: `fit` and `compare`."""

    positional: ClassVar[tuple[str, ...]] = ("train",)

    data: Data
    """Labelled rows."""
    task: Annotated[Task | OpenTask, named(TASKS, unnamed=OpenTask.having)] = Field(default=None, validate_default=True)
    """What is learnt, by the name that the hub has for it (`headstart list tasks`); by default the task that fits the
    training file best, of those that have all options given."""
    backbone: Origin = Field(default_factory=BackboneSource)
    """The pretrained network: `mini`, a hub id, a folder or an earlier run."""
    strategies: Annotated[tuple[Annotated[Strategy, named(STRATEGIES)], ...] | None, BeforeValidator(listed)] = None
    """Ways of transferring to run, by name; the best on validation is kept. `auto` or nothing: the cheap ones first,
    others where they may pay."""
    budget: Budget = "auto"
    """Wall-clock time for the whole command, such as `90s`, `3m` or `1h`, at least 30 s, or `none` for no limit; by default
    about three minutes for `fit` where no strategy is named, else no limit. What does not fit is left out and said."""
    dry_run: bool = False
    """Read the data, show what would run and about how long it would take, and stop."""
    training: Training = Field(default_factory=Training)
    """Settings of the training loop."""
    refit: bool | None = None
    """Let the kept model learn again from all labelled rows once all is chosen, those of validation too; `--no-refit` leaves
    them out. By default where they were cut off the training rows, of which at most 10,000 are left (50,000 where no network is
    trained), and the budget has the time."""
    controls: bool = True
    """Run TF-IDF and the same network from scratch beside the strategies."""
    seed: Seed = 0
    """Seed of splits, batch order, dropout and random weights, in [0, 2^32)."""
    threads: Threads = None
    """CPU threads; weights are the same again only at the same number. By default all cores."""
    device: Device = "auto"
    """Where networks compute: `cpu`, `cuda` (a GPU), or `auto`, a GPU where torch can use one."""
    precision: Precision = "auto"
    """Precision of matrix products in training and scoring: `auto` is `bfloat16` where processor or GPU has it, else
    `float32`; rows whose label could hang on it are scored again in float32."""
    cache: bool = True
    """Keep what frozen layers say of the texts on disk, so that it is not computed again; data handed over in Python
    never leaves memory."""
    output: OutputPath | None = None
    """Folder for the model, report and evidence; by default `runs/` and the name of the file."""
    overwrite: bool = False
    """Replace the output folder if an earlier run wrote it."""
    rows: bool = True
    """Show texts and values of columns in the report; `--no-rows` leaves them out."""
    abstain: Confidence = None
    """Confidence below which the model is not to answer, in [0, 1): report and verdict say what share of the rows it
    then answers and how often it is right; `predict` gives no label below it unless told otherwise."""
    prediction_sets: Coverage = None
    """Probability with which a set of labels is to hold the true one, in (0, 1), where rows have one label each: predictions then
    have a `set`, and report and verdict say what share of the rows it holds and how large sets are."""
    out_of_scope: bool | None = None
    """Give no label to rows that are about something else than the training rows, where rows have one label each: predictions then
    have `in_scope`, and one in twenty of the rows in scope may be refused. Another share or score is for the decision
    `out_of_scope` to say. By default where `out_of_scope_label` is given."""
    decisions: tuple[Annotated[Decision, named(DECISIONS)], ...] = ()
    """Decisions whose settings are known, such as thresholds; others are fitted on rows that were not trained on."""

    tasks: dict[str, dict[str, Any]] = Field(
        default_factory=dict, examples=["{mood: {train: mood.csv}, topic: {train: topics.csv}}"]
    )
    """Tasks that learn together, by name, each with its own keys of `data` and `task`; by default those in the file that is given
    in the place of training rows. For strategies that learn several."""
    measure: Annotated[tuple[Annotated[Measurement, named(MEASUREMENTS)], ...] | None, BeforeValidator(listed)] = None
    """What is measured of the chosen model for evidence and report, by name, such as `slices,confusion`: these in the place of the
    usual ones, beside which lengths of texts and thresholds always are. By default those of `headstart list measurements` that read
    no text again: not `faithfulness`, and none that `audit` takes."""

    @field_validator("budget")
    @classmethod
    def _enough(cls, value: float | str | None) -> float | str | None:
        if isinstance(value, float) and value < LEAST_BUDGET:
            raise ValueError(
                f"{value:g} s are below the minimum of {LEAST_BUDGET:.0f} s, which reading, one strategy, scoring, saving "
                "and the report need"
            )
        return value

    @model_validator(mode="before")
    @classmethod
    def _one_strategy(cls, values: Any) -> Any:
        if isinstance(values, Mapping) and "strategy" in values:
            values = dict(values)
            one = values.pop("strategy")
            if one == AUTO and values.get("strategies") is None:
                one = None
            if one is not None and values.get("strategies") is not None:
                raise ValueError("give either 'strategy' or 'strategies'")
            if one is not None:
                values["strategies"] = (one,)
        return values

    @field_validator("strategies")
    @classmethod
    def _distinct(cls, value: tuple[Strategy, ...] | None) -> tuple[Strategy, ...] | None:
        if value is not None and not value:
            raise ValueError(f"name at least one of {', '.join(STRATEGIES.names())}")
        if any(strategy in (value or ())[:at] for at, strategy in enumerate(value or ())):
            raise ValueError("a strategy is named twice; give each time other settings")
        return value

    @field_validator("measure")
    @classmethod
    def _once(cls, value: tuple[Measurement, ...] | None) -> tuple[Measurement, ...] | None:
        names = [each.name for each in value or ()]
        if len(set(names)) < len(names):
            raise ValueError("a measurement is named twice")
        return value

    @field_validator("decisions")
    @classmethod
    def _one_each(cls, value: tuple[Decision, ...]) -> tuple[Decision, ...]:
        names = [each.name for each in value]
        if twice := next((name for at, name in enumerate(names) if name in names[:at]), None):
            raise ValueError(f"the decision '{twice}' is named twice; keep the one that is meant")
        return value

    @property
    def known_task(self) -> Task:
        """The task, where it is named.

        Raises:
            UsageError: it is still to be found in the data.
        """
        if isinstance(self.task, OpenTask):
            raise UsageError("the task of this recipe is not named and hangs on its data; read them first, or name it")
        return self.task

    @property
    def possible_tasks(self) -> list[Task]:
        """The task, or all that it may turn out to be where it is not named."""
        return self.task.candidates() if isinstance(self.task, OpenTask) else [self.task]

    @property
    def is_of_tasks(self) -> bool:
        """Whether several tasks are learnt, which stand in a file in the place of the rows."""
        return any(each.several for each in self.strategies or ())

    def of_one_task(self) -> list[Fault]:
        """What is given and belongs to one of several tasks, or keeps a strategy that learns several from running, as faults."""
        if not self.is_of_tasks:
            why = "several tasks are learnt by `strategy: multi-task`; name it, or leave the tasks out"
            return [Fault(("tasks",), why)] if self.tasks else []
        name = next(each.name for each in self.strategies or () if each.several)
        if self.verb != "fit" or len(self.strategies or ()) > 1:
            why = f"{name} learns several tasks and runs by itself: headstart fit TASKS.yaml --strategy {name}"
            return [Fault(("strategies",), why)]
        why = "is of one task; give it to the task in the file of tasks"
        found = [
            Fault(("data", key), why) for key, usual in Data(train=self.data.train) if getattr(self.data, key) != usual
        ]
        found += [Fault(("task",), why)] if self.task.plain() else []
        found += [Fault((key,), why) for key in ("abstain", "decisions") if getattr(self, key)]
        if self.refit:
            found.append(Fault(("refit",), f"{name} does not learn from validation rows again; leave it out"))
        return found

    def measured(self) -> tuple[Measurement, ...]:
        """What is measured, in the order in which it is reported."""
        return wanted(self.measure)

    @property
    def given_decisions(self) -> tuple[Decision, ...]:
        """Decisions with settings that are known: those named, abstention and prediction sets where they are asked for."""
        abstention = () if self.abstain is None else (Abstention(least=self.abstain),)
        sets = () if self.prediction_sets is None else (PredictionSets(level=self.prediction_sets),)
        named = self.named_decisions
        refuses = self.refuses_out_of_scope and not any(isinstance(each, OutOfScope) for each in named)
        return (*named, *abstention, *sets, *((OutOfScope(refused=REFUSED),) if refuses else ()))

    @property
    def named_decisions(self) -> tuple[Decision, ...]:
        """Decisions that the recipe names, with the usual share of rows refused where one that refuses some leaves it open."""
        return tuple(self._with_share(each) for each in self.decisions)

    @property
    def refuses_out_of_scope(self) -> bool:
        """Whether rows out of scope are to get no label: as the recipe says or, by default, where a label of such rows is named."""
        return self.data.out_of_scope_label is not None if self.out_of_scope is None else self.out_of_scope

    def _with_share(self, decision: Decision) -> Decision:
        """A decision as it was named; where it leaves open how many rows in scope may be refused, with the usual share of them."""
        if isinstance(decision, OutOfScope) and decision.is_idle and self.refuses_out_of_scope:
            return decision.revised(refused=REFUSED)
        return decision

    @property
    def test_seed(self) -> int:
        """Seed of samples of rows and of a test part that is cut off."""
        return self.seed if self.data.test_seed is None else self.data.test_seed

    @property
    def is_auto(self) -> bool:
        """Whether strategies are chosen on the way."""
        return self.strategies is None and self.verb == "fit"

    @property
    def halves(self) -> bool:
        """Whether strategies are given up on the way; only comparisons do that."""
        return False

    @property
    def limit(self) -> float | None:
        """Seconds that the whole command may take: the budget, or what is usual where none is given; None for no limit."""
        if isinstance(self.budget, str):
            return usual_budget() if self.is_auto else None
        return self.budget

    @property
    def brief(self) -> bool:
        """Whether controls have to be brief: under a limit, and in `fit` unless its budget is `none`."""
        open_end = self.budget is None or (isinstance(self.budget, str) and usual_budget() is None)
        return self.limit is not None or (self.verb == "fit" and not open_end)

    def wanted(self) -> tuple[Strategy, ...]:
        """Strategies that are named or, where none is, those that offer themselves, serve the task and are installed."""
        named = self.strategies or tuple(each for each in self._offering() if not each.missing())
        return tuple(each.beside(named, self.possible_tasks) for each in named)

    def advice(self) -> list[str]:
        """How to install what would have been tried too, a sentence each."""
        missing = [] if self.strategies else [each.missing() for each in self._offering()]
        return [f"Not tried: {why}." for why in missing if why]

    def _offering(self) -> list[Strategy]:
        return [each for each in offering(self.verb) if any(not refusal(each, task) for task in self.possible_tasks)]

    def moved(self, directory: Path) -> Self:
        """A copy whose files, named as from `directory`, are found from elsewhere."""
        tasks = {name: _moved(options, directory) for name, options in self.tasks.items()}
        measure = (
            None
            if self.measure is None
            else tuple(
                each.revised(**{name: str(path) for name, path in each.files(directory).items()})
                for each in self.measure
            )
        )
        strategies = None if self.strategies is None else tuple(each.relocated(directory) for each in self.strategies)
        return self.revised(data=self.data.moved(directory), tasks=tasks, measure=measure, strategies=strategies)

    def planned(self) -> tuple[Strategy, ...]:
        """Strategies and, where wanted, the controls that are not among them; cheapest first."""
        chosen = self.wanted()
        names = {strategy.name for strategy in chosen}
        known = (
            {control.name: control for task in self.possible_tasks for control in controls(task)}
            if self.controls
            else {}
        )
        beside = [control.beside(chosen, self.possible_tasks) for name, control in known.items() if name not in names]
        return tuple(sorted([*chosen, *beside], key=lambda strategy: strategy.cost))

    def plain(self) -> dict[str, Any]:
        """Plain data with the verb; one strategy is written as `strategy`."""
        values = super().plain()
        if self.strategies and len(self.strategies) == 1:
            values["strategy"] = values.pop("strategies")[0]
        if self.measure is None:
            del values["measure"]
        if not values["task"]:
            del values["task"]
        if not self.tasks:
            del values["tasks"]
        return values


class Fit(Experiment):
    """Labelled data in; a transferred model, its test scores and a report out.

    Example:
        headstart fit examples/feedback/train.csv --test examples/feedback/test.csv -o runs/feedback
    """

    verb: ClassVar[str] = "fit"


class Compare(Experiment):
    """Strategies and controls side by side on the same rows: a leaderboard, and the best of them as the model.

    Example:
        headstart compare examples/feedback/train.csv --strategies tf-idf,feature-extraction --no-controls
    """

    verb: ClassVar[str] = "compare"

    seeds: Annotated[tuple[Seed, ...], BeforeValidator(split_at_commas)] = Field(default=(), examples=["0,1,2"])
    """Seeds under which all strategies run, each in [0, 2^32): scores are means over them, with intervals for other seeds and other
    rows; the model kept is that of the first. The test part is the same for all. By default `seed` alone."""
    backbones: Annotated[tuple[Origin, ...], BeforeValidator(split_at_commas)] = Field(
        default=(), examples=["mini,multi"]
    )
    """Pretrained networks that the strategies start from, each by its name, hub id or folder; by default `backbone` alone."""
    workers: int = Field(default=1, ge=1, le=64)
    """Runs at once where there are several seeds or backbones, in [1, 64], each in a process with its share of the cores."""
    halving: bool | None = None
    """Train strategies by shares of their schedules, and go on with the better half of them after each (Jamieson & Talwalkar 2016);
    those that are given up say where they stood. By default under a budget that holds it. With several seeds it is done under the
    first one, and the others run what was not given up."""

    @field_validator("seeds", "backbones")
    @classmethod
    def _all_others(cls, value: tuple[Any, ...]) -> tuple[Any, ...]:
        if twice := next((each for at, each in enumerate(value) if each in value[:at]), None):
            named = getattr(twice, "location", twice)
            raise ValueError(f"{named} is named twice, which would count one run as two")
        return value

    @property
    def halves(self) -> bool:
        """Whether strategies are given up on the way: as the recipe says or, by default, under a budget."""
        return self.limit is not None if self.halving is None else self.halving

    @property
    def is_study(self) -> bool:
        """Whether it has several runs, whose scores are averaged."""
        return bool(self.seeds or self.backbones)
