"""Options that change nothing in a run as it is set up: what is said of them, or why they are refused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from pydantic_core import PydanticUndefined

from headstart.config import Component
from headstart.errors import Fault
from headstart.recipes.base import Recipe
from headstart.recipes.checking import Check
from headstart.recipes.curves import Curve
from headstart.recipes.grouping import Duplicates, Grouping, Suggest
from headstart.recipes.inference import Predict
from headstart.recipes.labelled import Experiment
from headstart.recipes.ranking import Rank
from headstart.recipes.raw_text import LanguageModelling
from headstart.strategies.base import Strategy
from headstart.training.settings import Training

TRAINING, BACKBONE = "training", "backbone"


class Idle(NamedTuple):
    """A key that is given and changes nothing."""

    place: tuple[str, ...]
    why: str

    @property
    def line(self) -> str:
        """What is said of it."""
        return f"{'.'.join(self.place)} has no effect here: {self.why}"


def without_effect(recipe: Recipe) -> list[Idle]:
    """All keys of a recipe that are not at their default and change nothing."""
    if isinstance(recipe, Predict):
        return list(_of_predictions(recipe))
    if isinstance(recipe, Grouping):
        return list(_of_groups(recipe))
    if isinstance(recipe, Rank):
        unused = recipe.overwrite and recipe.output is None
        return [Idle(("overwrite",), "no output folder is named")] * unused
    if isinstance(recipe, Check):
        return list(_of_checks(recipe))
    if isinstance(recipe, LanguageModelling):
        both = recipe.training.updates is not None and recipe.training.epochs is not None
        return [Idle((TRAINING, "epochs"), "`updates` is given, and goes before")] * both
    return [*_of_strategies(recipe), *_of_data(recipe)] if isinstance(recipe, Experiment) else []


def refused(recipe: Recipe, given: Mapping[str, Any]) -> list[Fault]:
    """Faults of options that were given for a run of one strategy, and that change nothing of it.

    Args:
        recipe: of the run.
        given: options by name or path, as they were given.
    """
    if not isinstance(recipe, Experiment) or len(recipe.strategies or ()) != 1:
        return []
    names = {key.rpartition(".")[2].replace("-", "_") for key, value in given.items() if value is not None}
    whole = given.get(TRAINING)
    names |= {str(key) for key in whole} if isinstance(whole, Mapping) else set()
    idle = [each for each in _of_strategies(recipe) if each.place[0] != BACKBONE and each.place[-1] in names]
    return [Fault(each.place, each.line.partition(" ")[2]) for each in idle]


def _of_strategies(recipe: Experiment) -> Iterator[Idle]:
    named = recipe.wanted() if recipe.strategies else ()
    unused = [strategy.unused(recipe.training) for strategy in named]
    for key in _given(recipe.training):
        place = (TRAINING, key)
        whys = [found[".".join(place)] for found in unused if ".".join(place) in found]
        if named and len(whys) == len(named):
            beside = [each for each in recipe.planned() if each not in named]
            yield Idle(place, _because(named, whys, beside, place, recipe.training))
    for strategy, found in zip(named, unused, strict=True):
        for key in _given(strategy):
            if key in found:
                yield Idle((strategy.name, key), found[key])
    if not any(strategy.needs_backbone for strategy in recipe.planned()):
        for key in _given(recipe.backbone):
            yield Idle((BACKBONE, key), "no strategy of the run has a network")


def _because(
    named: tuple[Strategy, ...], whys: list[str], beside: list[Strategy], place: tuple[str, ...], training: Training
) -> str:
    one = len(named) == 1
    who = named[0].name if one else f"none of {', '.join(each.name for each in named)}"
    why = f"{who} {whys[0]}" if one else f"{who} has a use for it"
    others = [each.name for each in beside if ".".join(place) not in each.unused(training)]
    return why + (f" (it would change the control {' and '.join(others)} alone)" if others else "")


def _of_data(recipe: Experiment) -> Iterator[Idle]:
    data = recipe.data
    if isinstance(recipe, Curve):
        for key in ("refit", "measure", "abstain", "prediction_sets", "out_of_scope"):
            if getattr(recipe, key):
                yield Idle((key,), "a curve keeps no model")
        for key in ("train_rows", "draw"):
            if getattr(data, key):
                yield Idle(("data", key), "a curve takes its rows by `sizes` and `draws`")
    elif data.draw and data.train_rows is None:
        yield Idle(("data", "draw"), "all training rows are used; `train_rows` says how many are drawn")
    if data.test is not None and data.test_share is not None:
        yield Idle(("data", "test_share"), "a test file is given, so no test part is cut off")
    if data.validation_share is not None and (data.validation is not None or data.folds):
        beside = "a validation file is given" if data.validation is not None else "choices are made by cross-validation"
        yield Idle(("data", "validation_share"), f"{beside}, so no validation part is cut off")
    if data.target is not None and not any(strategy.reads_target for strategy in recipe.planned()):
        yield Idle(
            ("data", "target"), "no strategy of the run learns from texts of another domain; self-training and coral do"
        )
    if data.auxiliary and not any("tasks" in strategy.needs for strategy in recipe.planned()):
        yield Idle(("data", "auxiliary"), "no strategy of the run learns another task first; intermediate-task does")
    if data.most_test_rows is not None and data.test is None and data.test_share == 0:
        yield Idle(("data", "most_test_rows"), "there is no test part")
    if recipe.overwrite and recipe.output is None:
        yield Idle(("overwrite",), "no output folder is named, so a name that is free is taken")


def _of_predictions(recipe: Predict) -> Iterator[Idle]:
    if recipe.overwrite and recipe.output is None:
        yield Idle(("overwrite",), "no output file is named")
    if not recipe.why and recipe.why_by != "occlusion":
        yield Idle(("why_by",), "words are not weighed, as `why` is off")
    if recipe.stream and recipe.input not in (None, "-"):
        yield Idle(("stream",), "it is about lines on standard input and about texts, and a file is given")
    if not recipe.labels:
        for key in _given(recipe.backbone):
            yield Idle(
                (BACKBONE, key), "the model of a run is asked; a backbone tells labels that are named with `labels`"
            )
        for key in ("several", "spans"):
            if getattr(recipe, key):
                yield Idle((key,), "it is about labels that are named with `labels`, and the model of a run is asked")
    if recipe.texts:
        for key in ("format", "encoding", "delimiter", "text"):
            if getattr(recipe, key):
                yield Idle((key,), "texts are given as words and no file is read")


def _of_groups(recipe: Grouping) -> Iterator[Idle]:
    if recipe.overwrite and recipe.output is None:
        yield Idle(("overwrite",), "no output file or folder is named")
    if isinstance(recipe, Duplicates) and recipe.pairs is None:
        for key in ("positive", "least_precision"):
            if getattr(recipe, key) is not None:
                yield Idle((key,), "it is about labelled pairs, and no file of them is named with `pairs`")
    if isinstance(recipe, Suggest) and recipe.model is None:
        for key, usual in (("by", "margin"), ("candidates", 10)):
            if getattr(recipe, key) != usual:
                yield Idle((key,), "it is about how uncertain a model is, and none is named with `model`")
    if isinstance(recipe, Suggest) and recipe.model is not None:
        for key in _given(recipe.backbone):
            yield Idle((BACKBONE, key), "texts are compared by vectors of the model's own network, or by TF-IDF")


def _of_checks(recipe: Check) -> Iterator[Idle]:
    if recipe.overwrite and recipe.output is None and recipe.fix is None:
        yield Idle(("overwrite",), "no output folder and no cleaned copy is named")
    if recipe.drop_doubtful is not None and (recipe.fix is None or not recipe.noise):
        yield Idle(
            ("drop_doubtful",),
            "it is about doubtful labels in a cleaned copy; name one with `fix`, and leave `noise` on",
        )
    if not recipe.noise:
        for key in ("strategies", "self_test", "label_folds", "most_rows", "most_doubtful"):
            if getattr(recipe, key) != Check.model_fields[key].get_default():
                yield Idle((key,), "it is about doubtful labels, and `noise` is off")
    trained = recipe.noise and any(each.trains for each in recipe.strategies or ())
    for key in () if trained else _given(recipe.training):
        yield Idle((TRAINING, key), "no strategy that labels are judged by trains by gradient")


def _given(component: Component) -> Iterator[str]:
    """Fields that are not at their default."""
    for key, info in type(component).model_fields.items():
        usual = info.get_default(call_default_factory=True) if not info.is_required() else PydanticUndefined
        if getattr(component, key) != usual:
            yield key
