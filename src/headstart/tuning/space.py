"""What a search varies: choices and ranges of settings, by path, as plain data."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from pydantic_core import PydanticUndefined

from headstart.config import Component
from headstart.errors import Fault, RecipeError
from headstart.faults import describe, faults_of
from headstart.registry import did_you_mean

ENDS, LOG = ("low", "high"), "log"
"""Keys of a range."""
FORM = "a list of values such as [2, 4, all], or a range such as {low: 1e-5, high: 5e-4, log: true}"
UNSEARCHED = {
    "training.stop_after": "where training pauses is said by the search itself",
    "training.sample": "trials on different rows cannot be compared",
    "training.checkpoint_every": "it changes no result",
}
"""Settings that no search varies, and why."""


@dataclass(frozen=True)
class Choices:
    """A setting that is one of several values, each plain data."""

    values: tuple[Any, ...]

    def plain(self) -> list[Any]:
        """As it stands in a recipe."""
        return list(self.values)

    def holds(self, value: Any) -> bool:
        """Whether a value is one of them."""
        return _alike(value) in map(_alike, self.values)


@dataclass(frozen=True)
class Range:
    """A number from `low` to `high`, both included; by its logarithm where `log` is on; whole numbers only where `whole` is."""

    low: float
    high: float
    log: bool = False
    whole: bool = False

    def plain(self) -> dict[str, Any]:
        """As it stands in a recipe."""
        return {"low": self.low, "high": self.high} | ({"log": True} if self.log else {})

    def holds(self, value: Any) -> bool:
        """Whether a value lies within."""
        return isinstance(value, int | float) and not isinstance(value, bool) and self.low <= value <= self.high


Dimension = Choices | Range
"""How one setting is varied."""
Space = dict[str, Dimension]
"""Dimensions by path, in the order of the paths: the same space drawn from, however it was written down."""


def usual_space(searched: Mapping[str, Dimension], held: Mapping[str, Component]) -> Space:
    """What is varied where no space is given: what the strategy names, but for what the recipe sets.

    Args:
        searched: dimensions by path (`strategy.layers`, `training.learning_rate`).
        held: the strategy and the section `training`, by these names.
    """
    free = {path: dimension for path, dimension in searched.items() if _is_usual(held, path)}
    return {path: free[path] for path in sorted(free)}


def space_of(
    given: Mapping[str, Any], held: Mapping[str, Component], frozen: Mapping[str, str], where: str = "space"
) -> Space:
    """A space from plain data.

    Args:
        given: lists of values and ranges, by path.
        held: the strategy and the section `training`, by these names.
        frozen: paths that change nothing, with why; see `Strategy.unused`.
        where: key of the recipe that it stands under.

    Raises:
        RecipeError: with every fault at once: keys that are unknown or frozen, ranges without room, values that the field refuses.
    """
    found: Space = {}
    faults: list[Fault] = []
    for path, value in given.items():
        try:
            found[path] = _dimension(str(path), value, held, frozen)
        except _Refused as refused:
            faults += [Fault((where, str(path)), text) for text in refused.texts]
    if not given:
        faults.append(Fault((where,), f"is empty; name at least one setting with {FORM}, or leave it out"))
    if faults:
        raise RecipeError(faults)
    return {path: found[path] for path in sorted(found)}


def setting(held: Mapping[str, Component], path: str) -> Any:
    """The value of a setting as plain data; None for a path that leads nowhere."""
    value: Any = dict(held)
    for part in path.split("."):
        value = value.get(part) if isinstance(value, Mapping) else getattr(value, part, None)
    return list(value) if isinstance(value, tuple) else value


def changed(held: Mapping[str, Component], settings: Mapping[str, Any]) -> dict[str, Component]:
    """The strategy and `training` with some settings replaced, validated.

    Args:
        held: by these names.
        settings: values by path.

    Raises:
        RecipeError: the values do not go together.
    """
    found = dict(held)
    for path, value in settings.items():
        top, *rest = path.split(".")
        try:
            found[top] = _replaced(found[top], rest, value)
        except ValidationError as error:
            faults = [
                fault._replace(place=(top, *rest[:-1], *fault.place)) for fault in faults_of(error, type(found[top]))
            ]
            raise RecipeError(faults, "a trial") from None
    return found


def plain(space: Space) -> dict[str, Any]:
    """A space as it stands in a recipe."""
    return {path: dimension.plain() for path, dimension in space.items()}


class _Refused(Exception):
    def __init__(self, *texts: str) -> None:
        super().__init__(*texts)
        self.texts = texts


def _dimension(path: str, value: Any, held: Mapping[str, Component], frozen: Mapping[str, str]) -> Dimension:
    owner, key = _owner(path, held)
    if path in UNSEARCHED or path in frozen:
        raise _Refused(f"is frozen: {UNSEARCHED.get(path) or frozen[path]}; leave it out")
    if not _is_usual(held, path):
        said = describe(setting(held, path))
        raise _Refused(f"is frozen: the recipe sets it to {said}; leave it out there or here")
    if isinstance(value, Mapping):
        return _range(value, owner, key)
    if isinstance(value, list | tuple):
        return _choices(value, owner, key)
    raise _Refused(f"should be {FORM}, found {describe(value)}")


def _owner(path: str, held: Mapping[str, Component]) -> tuple[Component, str]:
    """The component that has a setting, and its name there."""
    *way, key = path.split(".")
    if not way or way[0] not in held:
        known = [f"{top}.{name}" for top, component in held.items() for name in type(component).model_fields]
        homes = [each for each in known if each.rpartition(".")[2] == key]
        hint = f"; did you mean '{homes[0]}'?" if homes else did_you_mean(path, known)
        raise _Refused(f"unknown key{hint or '; keys begin with strategy. or training.'}")
    owner: Any = dict(held)
    for part in way:
        owner = owner.get(part) if isinstance(owner, Mapping) else getattr(owner, part, None)
    if not isinstance(owner, Component):
        raise _Refused(f"unknown key: {'.'.join(way)} has no settings of its own")
    known = tuple(type(owner).model_fields)
    if key not in known:
        raise _Refused(f"unknown key{did_you_mean(key, known)} (keys here: {', '.join(known)})")
    return owner, key


def _choices(values: Sequence[Any], owner: Component, key: str) -> Choices:
    if len(values) < 2:
        raise _Refused("needs at least two values to choose from; set a single one in the recipe instead")
    if any(_alike(value) in map(_alike, values[:at]) for at, value in enumerate(values)):
        raise _Refused("a value is named twice")
    kept = tuple(_plain_of(_accepted(owner, key, value), key) for value in values)
    return Choices(kept)


def _range(value: Mapping[str, Any], owner: Component, key: str) -> Range:
    unknown = [str(name) for name in value if name not in (*ENDS, LOG)]
    missing = [name for name in ENDS if name not in value]
    if unknown or missing:
        said = f"has no {' and no '.join(missing)}" if missing else f"has an unknown key '{unknown[0]}'"
        raise _Refused(f"{said}; a range is {{low: ..., high: ...}}, with log: true to draw by the logarithm")
    low, high = (_number(value[name], name) for name in ENDS)
    log = value.get(LOG, False)
    if not isinstance(log, bool):
        raise _Refused(f"log should be true or false, found {describe(log)}")
    if not low < high:
        raise _Refused(f"is empty: low is {low:g} and high is {high:g}; low has to be below high")
    if log and low <= 0:
        raise _Refused(f"low should be over 0 where log is true, found {low:g}")
    for end in (low, high):
        _accepted(owner, key, end)
    whole = not _takes(owner, key, low + (high - low) / math.pi)
    return Range(int(low), int(high), log, True) if whole else Range(float(low), float(high), log)


def _number(value: Any, name: str) -> float:
    if isinstance(value, str):
        with suppress(ValueError):
            value = float(value)  # 1e-5 is a text to some readers of YAML
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise _Refused(f"{name} should be a number, found {describe(value)}")
    return value


def _accepted(owner: Component, key: str, value: Any) -> Component:
    """The component with one setting replaced; refused in the words of the field."""
    try:
        return owner.revised(**{key: value})
    except ValidationError as error:
        raise _Refused(*(fault.text for fault in faults_of(error, type(owner)))) from None


def _takes(owner: Component, key: str, value: Any) -> bool:
    try:
        owner.revised(**{key: value})
    except ValidationError:
        return False
    return True


def _plain_of(component: Component, key: str) -> Any:
    return component.plain()[key]


def _replaced(owner: Component, way: Sequence[str], value: Any) -> Component:
    key, *rest = way
    return owner.revised(**{key: _replaced(getattr(owner, key), rest, value) if rest else value})


def _is_usual(held: Mapping[str, Component], path: str) -> bool:
    """Whether the recipe leaves a setting at its default."""
    owner, key = _owner(path, held)
    info = type(owner).model_fields[key]
    usual = PydanticUndefined if info.is_required() else info.get_default(call_default_factory=True)
    return getattr(owner, key) == usual


def _alike(value: Any) -> str:
    """Values of one text are the same setting; 1 and 1.0 are, 1 and true are not."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return json.dumps(float(value) if number else value, sort_keys=True, default=list)


def paths(space: Space) -> Iterator[tuple[str, str]]:
    """Each path with what it may be, in words for people."""
    for path, dimension in space.items():
        if isinstance(dimension, Range):
            yield path, f"{dimension.low:g} to {dimension.high:g}{', by its logarithm' * dimension.log}"
        else:
            yield path, ", ".join("auto" if value is None else str(value) for value in dimension.values)
