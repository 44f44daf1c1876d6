"""Recipes: what each verb needs, as one frozen component; recipe keys, flags and keyword arguments are its fields."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, get_args

import yaml
from pydantic import BeforeValidator, Field, field_validator, model_validator
from pydantic.fields import FieldInfo

from headstart.backbones.location import BackboneSource, Origin
from headstart.config import Component, Names, describe, named, parse, seconds, split_at_commas
from headstart.device import Device
from headstart.errors import MissingInputError, RecipeError
from headstart.objectives import OBJECTIVES
from headstart.objectives.base import RawText as TextObjective
from headstart.precision import Precision
from headstart.raw_recipe import LEAST_BUDGET, Adapt, Pretrain, Raw
from headstart.registry import did_you_mean
from headstart.sources import Data, Format
from headstart.strategies import STRATEGIES
from headstart.strategies.base import Strategy
from headstart.tasks import TASKS
from headstart.tasks.base import Task
from headstart.training.settings import Training

AUTO = "auto"
"""Stands for strategies that are chosen on the way."""
MEMORY = "<memory>"
"""Stands for data that was handed over in Python."""


def _listed(value: Any) -> Any:
    if value == AUTO or (isinstance(value, list | tuple) and list(value) == [AUTO]):
        return None
    if isinstance(value, str):
        return split_at_commas(value)
    return (value,) if isinstance(value, Mapping | Strategy) else value


class Experiment(Component):
    """From labels to a transferred model and its evidence: `fit` and `compare`."""

    verb: ClassVar[str]
    defaults: ClassVar[tuple[str, ...]]
    """Strategies that run where none is named."""

    data: Data
    """Labelled rows."""
    task: Annotated[Task, named(TASKS, "text-classification")] = Field(
        default="text-classification", validate_default=True
    )
    """What is learnt, by the name that the hub has for it: `text-classification`, `text-pair-classification`,
    `multi-label-classification`, `text-regression`, `sentence-similarity`."""
    backbone: Origin = Field(default_factory=BackboneSource)
    """The pretrained network: `mini`, a hub id, a folder or an earlier run."""
    strategies: Annotated[tuple[Annotated[Strategy, named(STRATEGIES)], ...] | None, BeforeValidator(_listed)] = None
    """Ways of transferring to run, by name; the best on validation is kept. `auto` or nothing: the cheap ones first,
    others where they may pay."""
    budget: Annotated[float | None, BeforeValidator(seconds)] = Field(default=None, gt=0)
    """Wall-clock time for the whole command, such as `90s`, `3m` or `1h`, at least 30 s; no limit by default. What does
    not fit is left out and said; finishing early is fine."""
    dry_run: bool = False
    """Read the data, show what would run and about how long it would take, and stop."""
    training: Training = Field(default_factory=Training)
    """Settings of the training loop."""
    controls: bool = True
    """Run TF-IDF and the same network from scratch beside the strategies."""
    seed: int = Field(default=0, ge=0, lt=2**32)
    """Of splits, batch order, dropout and random weights, in [0, 2^32)."""
    threads: int | None = Field(default=None, ge=1, le=1024)
    """CPU threads; weights are the same again only at the same number. By default all cores."""
    device: Device = "auto"
    """Where networks compute: `cpu`, `cuda` (a GPU), or `auto`, a GPU where torch can use one."""
    precision: Precision = "auto"
    """Of matrix products in training and scoring: `auto` is `bfloat16` where processor or GPU has it, else `float32`; rows
    whose label could hang on it are scored again in float32."""
    cache: bool = True
    """Keep what frozen layers say of the texts on disk, so that it is not computed again; data handed over in Python
    never leaves memory."""
    output: str | None = None
    """Folder for the model, report and evidence; by default `runs/` and the name of the file."""
    overwrite: bool = False
    """Replace the output folder if an earlier run wrote it."""
    rows: bool = True
    """Show texts and values of columns in the report; `--no-rows` leaves them out."""
    abstain: float | None = Field(default=None, ge=0, lt=1)
    """Confidence below which the model is not to answer, in [0, 1): report and verdict say what share of the rows it
    then answers and how often it is right."""

    @field_validator("budget")
    @classmethod
    def _enough(cls, value: float | None) -> float | None:
        if value is not None and value < LEAST_BUDGET:
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
        if value and len({strategy.name for strategy in value}) < len(value):
            raise ValueError("a strategy is named twice")
        return value

    @property
    def is_auto(self) -> bool:
        """Whether strategies are chosen on the way."""
        return self.strategies is None and self.verb == "fit"

    def planned(self) -> tuple[Strategy, ...]:
        """Strategies and, where wanted, the controls that are not among them; cheapest first."""
        unsuited, controls = self.task.unsuited, self.task.controls
        usual = [name for name in self.defaults if name not in unsuited]
        chosen = self.strategies or tuple(STRATEGIES.get(name)() for name in usual)
        names = {strategy.name for strategy in chosen}
        beside = [STRATEGIES.get(name)() for name in controls if self.controls and name not in names]
        return tuple(sorted([*chosen, *beside], key=lambda strategy: strategy.cost))

    def plain(self) -> dict[str, Any]:
        """Plain data with the verb; one strategy is written as `strategy`."""
        values = {"verb": self.verb} | super().plain()
        if self.strategies and len(self.strategies) == 1:
            values["strategy"] = values.pop("strategies")[0]
        return values


class Fit(Experiment):
    """Labelled data in; a transferred model, its test scores and a report out."""

    verb: ClassVar[str] = "fit"
    defaults: ClassVar[tuple[str, ...]] = ("feature-extraction", "contrastive", "fine-tuning", "lora")


class Compare(Experiment):
    """Strategies and controls side by side on the same rows: a leaderboard, and the best of them as the model."""

    verb: ClassVar[str] = "compare"
    defaults: ClassVar[tuple[str, ...]] = ("tf-idf", "from-scratch", "feature-extraction", "fine-tuning")


class Predict(Format):
    """Texts in, labels with probabilities out."""

    verb: ClassVar[str] = "predict"

    model: str
    """Folder of a run."""
    texts: tuple[str, ...] = ()
    """Texts to classify."""
    input: str | None = None
    """File with a text column, or `-` for lines on standard input."""
    output: str | None = None
    """File to write: all columns of the input, in order, with prediction and probabilities."""
    text: Names | None = None
    """Column(s) with the text; by default those of the training file."""
    overwrite: bool = False
    """Replace the output file."""
    abstain: float | None = Field(default=None, ge=0, lt=1)
    """Score below which a text gets no label, in [0, 1); its probabilities are given all the same."""
    threads: int | None = Field(default=None, ge=1, le=1024)
    """CPU threads; by default all cores."""
    device: Device = "auto"
    """Where networks compute: `cpu`, `cuda` (a GPU), or `auto`, a GPU where torch can use one."""
    precision: Precision = "auto"
    """Of matrix products for 512 rows and more: `auto` is `bfloat16` where processor or GPU has it, else `float32`; rows
    whose label could hang on it are scored again in float32."""


class Evaluate(Format):
    """Scores of a model on labelled rows, as a whole and by group."""

    verb: ClassVar[str] = "evaluate"

    model: str
    """Folder of a run."""
    test: str
    """File with labelled rows."""
    by: Names = ()
    """Columns by whose values scores are given too."""
    text: Names | None = None
    """Column(s) with the text; by default those of the training file."""
    label: str | None = None
    """Column with the label; by default that of the training file."""
    abstain: float | None = Field(default=None, ge=0, lt=1)
    """Confidence below which the model is not to answer, in [0, 1): coverage and accuracy at it are given too."""
    threads: int | None = Field(default=None, ge=1, le=1024)
    """CPU threads; by default all cores."""
    device: Device = "auto"
    """Where networks compute: `cpu`, `cuda` (a GPU), or `auto`, a GPU where torch can use one."""
    precision: Precision = "auto"
    """Of matrix products for 512 rows and more: `auto` is `bfloat16` where processor or GPU has it, else `float32`; rows
    whose label could hang on it are scored again in float32."""


class Resume(Component):
    """An experiment that was interrupted, from where it stopped to its end."""

    verb: ClassVar[str] = "resume"

    run: str
    """Output folder of the run."""
    strict: bool = False
    """Refuse where data, versions, threads or the processor are not those that the run was begun under."""


VERBS: dict[str, type[Component]] = {
    "fit": Fit,
    "compare": Compare,
    "pretrain": Pretrain,
    "adapt": Adapt,
    "resume": Resume,
    "predict": Predict,
    "evaluate": Evaluate,
}
SECTIONS: dict[str, tuple[str, ...]] = {
    "fit": ("data", "task", "backbone", "training"),
    "compare": ("data", "task", "backbone", "training"),
    "pretrain": ("data", "network", "training"),
    "adapt": ("data", "backbone", "training"),
}
HIDDEN = frozenset({"task.labels", "task.thresholds", "task.mean", "task.deviation", "backbone.digest"})
"""Keys that only resolved recipes hold; no flag for them."""


def flat(verb: str) -> dict[str, tuple[tuple[str, ...], FieldInfo]]:
    """Flags and keyword arguments of a verb: flat name to path in the recipe, and the field behind it."""
    cls = VERBS[verb]
    names: dict[str, tuple[tuple[str, ...], FieldInfo]] = {}
    for key, info in cls.model_fields.items():
        if key not in SECTIONS.get(verb, ()):
            names[key] = ((key,), info)
    for section in SECTIONS.get(verb, ()):
        for owner in _owners(cls, section):
            for key, info in owner.model_fields.items():
                if f"{section}.{key}" not in HIDDEN:
                    names.setdefault("backbone" if key == "location" else key, ((section, key), info))
    if issubclass(cls, Experiment):
        names["task"] = (("task",), cls.model_fields["task"])
        for name in STRATEGIES.names():
            for key, info in STRATEGIES.get(name).model_fields.items():
                names.setdefault(key, (("strategies", key), info))
    if issubclass(cls, Raw):
        for name in OBJECTIVES.names():
            objective = OBJECTIVES.get(name)
            for key, info in objective.model_fields.items() if issubclass(objective, TextObjective) else ():
                names.setdefault(key, (("objective", key), info))
    return names


def _owners(cls: type[Component], section: str) -> Iterator[type[Component]]:
    if section == "task":
        yield from (TASKS.get(name) for name in TASKS.names())
    else:
        annotation = cls.model_fields[section].annotation
        yield next((part for part in get_args(annotation) if isinstance(part, type)), None) or annotation  # type: ignore[misc]


def assemble(verb: str, options: Mapping[str, Any], sets: Mapping[str, Any] | None = None) -> Any:
    """Build the recipe of a verb from flat names (flags, keyword arguments) and dotted paths (`--set`).

    Raises:
        RecipeError: all faults at once.
    """
    known = flat(verb) | {key: ((key,), info) for key, info in VERBS[verb].model_fields.items()}
    values: dict[str, Any] = {}
    faults: list[str] = []
    given: list[tuple[tuple[str, ...], Any]] = []
    later: list[tuple[str, Any]] = []
    for key, value in options.items():
        if value is None:
            continue
        path = ("strategy",) if key == "strategy" else known[key][0] if key in known else None
        if path is None and "." in key:
            path = tuple(key.split("."))
        if path is None:
            faults.append(f"unknown option '{key}'{did_you_mean(key, [*known, 'strategy'])}")
        elif path[0] == "strategies" and len(path) > 1 and key in known:
            later.append((path[1], value))
        else:
            given.append((path, value))
    # Whole sections first, then their keys, so that neither order of arguments loses one.
    for path, value in sorted(given, key=lambda item: len(item[0])):
        faults += _put(values, path, value)
    if later:
        faults += _to_strategies(verb, values, later)
    for key, value in (sets or {}).items():
        faults += _put(values, tuple(key.split(".")), value)
    where = f"headstart {verb}"
    try:
        recipe = parse(VERBS[verb], values, where)
    except RecipeError as error:
        raise RecipeError([*faults, *error.problems], where) from None
    if faults:
        raise RecipeError(faults, where)
    return recipe


def _to_strategies(verb: str, values: dict[str, Any], options: list[tuple[str, Any]]) -> list[str]:
    """Give options of strategies to those of the plan that have them."""
    given = values.get("strategy")
    given = None if given == AUTO else given
    values.pop("strategy", None) if given is None else None
    listed = [given] if given is not None else list(_listed(values.get("strategies")) or VERBS[verb].defaults)  # type: ignore[attr-defined]
    mappings = [_as_mapping(item) for item in listed]
    faults = []
    for key, value in options:
        takers = [
            m for m in mappings if m.get("name") in STRATEGIES.names() and key in STRATEGIES.get(m["name"]).model_fields
        ]
        if not takers:
            owners = [name for name in STRATEGIES.names() if key in STRATEGIES.get(name).model_fields]
            faults.append(f"'{key}' is an option of {', '.join(owners)}, which is not among the strategies of this run")
        for mapping in takers:
            mapping[key] = value
    if given is None:
        values["strategies"] = mappings
    else:
        values["strategy"] = mappings[0]
    return faults


def _as_mapping(item: Any) -> dict[str, Any]:
    """A strategy in any of its spellings as a mapping with its name; what is none of them is left to `parse`."""
    if isinstance(item, Strategy):
        return item.plain()
    if not isinstance(item, Mapping):
        return {"name": item}
    names = list(item)
    if len(names) == 1 and names[0] in STRATEGIES.names():
        return {"name": names[0]} | dict(item[names[0]] or {})
    return dict(item)


def _put(values: dict[str, Any], path: tuple[str, ...], value: Any) -> list[str]:
    """Set a nested key, numbers on the way counting entries of a list; returns the fault, if there is one."""
    where = ".".join(path)
    here: Any = values
    for at, part in enumerate(path):
        key: Any = part
        if isinstance(here, list):
            if not part.isdigit() or int(part) >= len(here):
                return [f"{where}: '{part}' is not an entry there (0 to {len(here) - 1})"]
            key = int(part)
        if at == len(path) - 1:
            here[key] = value
            break
        inner = here[key] if isinstance(here, list) else here.get(key)
        if part == "strategies":
            inner = _listed(inner)
        if isinstance(inner, Component):
            inner = inner.plain()
        elif isinstance(inner, str | Path):
            key_ = {"backbone": "location", "data": "texts"}.get(part, "name")
            inner = {key_: str(inner)}
        if not isinstance(inner, Mapping | list | tuple | None):
            return [f"{where}: '{'.'.join(path[: at + 1])}' is {describe(inner)} and holds no keys"]
        here[key] = list(inner) if isinstance(inner, list | tuple) else dict(inner or {})
        here = here[key]
    return []


def read(path: str | Path, sets: Mapping[str, Any] | None = None) -> Any:
    """Read a recipe file.

    Raises:
        MissingInputError: there is no such file.
        RecipeError: not YAML, or faults, all at once.
    """
    file = Path(path)
    try:
        text = file.read_text(encoding="utf-8")
    except (FileNotFoundError, IsADirectoryError):
        raise MissingInputError(f"there is no recipe file {file}") from None
    except UnicodeDecodeError as error:
        raise RecipeError([f"byte {error.start} is not UTF-8"], str(file)) from None
    try:
        values = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise RecipeError([f"not YAML: {' '.join(str(error).split())}"], str(file)) from None
    if not isinstance(values, dict):
        raise RecipeError(["expected keys and values, such as 'verb: fit'"], str(file))
    faults = [fault for key, item in (sets or {}).items() for fault in _put(values, tuple(key.split(".")), item)]
    try:
        recipe = from_mapping(values, str(file))
    except RecipeError as error:
        raise RecipeError([*faults, *error.problems], str(file)) from None
    if faults:
        raise RecipeError(faults, str(file))
    return recipe


def from_mapping(values: dict[str, Any], where: str) -> Any:
    """Build a recipe from plain data; the key `verb` says of which kind, `fit` if it is not there.

    Raises:
        RecipeError: all faults at once.
    """
    rest = dict(values)
    verb = rest.pop("verb", "fit")
    if not isinstance(verb, str) or verb not in VERBS:
        raise RecipeError(
            [f"verb: unknown verb '{verb}'{did_you_mean(str(verb), list(VERBS))} (known: {', '.join(VERBS)})"], where
        )
    return parse(VERBS[verb], rest, where)
