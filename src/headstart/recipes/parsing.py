"""Flags, keyword arguments, mappings and files to the recipe of a verb: one list of names for all three doors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic.fields import FieldInfo

from headstart.config import Component, describe, parse
from headstart.errors import MissingInputError, RecipeError
from headstart.objectives import OBJECTIVES
from headstart.objectives.base import RawText as TextObjective
from headstart.recipes.raw_recipe import Raw
from headstart.recipes.recipe import AUTO, VERBS, Experiment, listed
from headstart.registry import did_you_mean
from headstart.strategies import STRATEGIES
from headstart.strategies.base import Strategy
from headstart.strategies.offers import offering
from headstart.tasks import TASKS

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
    wanted = (
        [given]
        if given is not None
        else list(listed(values.get("strategies")) or (each.name for each in offering(verb)))
    )
    mappings = [_as_mapping(item) for item in wanted]
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
            inner = listed(inner)
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
