"""Flags, keyword arguments, mappings and files to the recipe of a verb: one list of names for all three doors."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, overload

from headstart.config import Component, components, describe, parse
from headstart.errors import Fault, MissingInputError, RecipeError, StorageError, quoted
from headstart.recipes.base import Recipe
from headstart.recipes.effects import refused
from headstart.recipes.flags import MANY, Flag, as_listed, flags, meant_by
from headstart.recipes.homes import at_home
from headstart.recipes.inference import Predict
from headstart.recipes.labelled import AUTO, Fit, listed
from headstart.recipes.lines import RecipeLines
from headstart.recipes.notation import MOST_CHARACTERS, unwritable, written
from headstart.recipes.verbs import VERBS
from headstart.registry import did_you_mean, near
from headstart.strategies.offers import offering

THEN = "then"
"""Key of the strategy that is fitted within another one."""
TWICE = "stands there twice, by itself and under the key that it belongs to; give it once"

MOVED: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "task.thresholds": ("decisions", lambda values: [{"name": "thresholds", "values": values}]),
}
"""Keys of recipes of earlier versions, as `section.key` or, of a component, `NAME.key`: what each is called now, and what
its value is there. A list is put behind the one that is there, and None is left out."""


@overload
def assemble(
    verb: Literal["fit"], options: Mapping[str, Any], sets: Mapping[str, Any] | None = None, *, idle: bool = False
) -> Fit: ...
@overload
def assemble(
    verb: Literal["predict"], options: Mapping[str, Any], sets: Mapping[str, Any] | None = None, *, idle: bool = False
) -> Predict: ...
@overload
def assemble(
    verb: str, options: Mapping[str, Any], sets: Mapping[str, Any] | None = None, *, idle: bool = False
) -> Recipe: ...


def assemble(
    verb: str, options: Mapping[str, Any], sets: Mapping[str, Any] | None = None, *, idle: bool = False
) -> Recipe:
    """Build the recipe of a verb from flat names (flags, keyword arguments) and dotted paths (`--set`).

    Args:
        verb: name of it.
        options: values by flat name.
        sets: values by dotted path, put on top.
        idle: let options stand that change nothing of the one strategy that is named, as in searches over many settings.

    Raises:
        RecipeError: all faults at once.
    """
    known = flags(verb)
    # Texts to predict are data, which are checked as such.
    _refuse_unwritable(
        f"headstart {verb}", {key: value for key, value in options.items() if key != "texts"}, sets or {}
    )
    paths: list[tuple[tuple[str, ...], Any]] = []
    of_components: dict[str, Any] = {}
    faults: list[str | Fault] = []
    for key, value in options.items():
        name = as_listed(key, known)
        if value is None:
            continue
        if key in VERBS.get(verb).model_fields or key == "strategy":
            paths.append(((key,), value))
        elif name in known and not known[name].owners:
            paths.append((known[name].path, value))
        elif name in known:
            of_components[name] = value
        elif "." in key and not _of_nobody(name, known):
            paths.append((tuple(key.split(".")), value))
        else:
            meant = meant_by(name, [*(each for each in known if ("." in each) == ("." in key)), "strategy"])
            faults.append(f"unknown option {quoted(key)}" + (f"; did you mean '{meant}'?" if meant else ""))
    values: dict[str, Any] = {}
    # Whole sections first, then their keys, so that neither order of arguments loses one.
    for path, value in sorted(paths, key=lambda item: len(item[0])):
        faults += _put(values, path, value)
    faults += _to_components(verb, values, of_components, known)
    where = f"headstart {verb}"
    recipe = _built(verb, values, sets or {}, faults, where, known)
    if not idle and (useless := refused(recipe, {**options, **(sets or {})})):
        raise RecipeError(useless, where)
    return recipe


def read(path: str | Path, sets: Mapping[str, Any] | None = None) -> Recipe:
    """Read a recipe file.

    Raises:
        MissingInputError: there is no such file.
        RecipeError: not YAML, or faults, all at once.
    """
    where = str(path)
    root, values, faults = written(text_of(path), where)
    if not isinstance(values, dict):
        raise RecipeError(["expected keys and values, such as 'verb: fit'"], where)
    given = [tuple(key.split(".")) for key in sets or {}]
    recipe: Recipe | None = None
    try:
        recipe = from_mapping(values, where, sets)
    except RecipeError as error:
        said = {fault.place for fault in faults}
        more = [fault for fault in error.faults if fault.place not in said and (*fault.place, fault.key) not in said]
        faults = [*faults, *more]
    if recipe is None or faults:
        raise RecipeError(RecipeLines(root).placed(faults, given), where)
    return recipe


def text_of(path: str | Path) -> str:
    """The text of a recipe file, which may be a pipe; no more of it than a recipe can have."""
    try:
        # Without waiting for somebody who writes into a pipe, then with waiting for what is written.
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        os.set_blocking(handle, True)
        with open(handle, "rb") as file:
            data = file.read(4 * MOST_CHARACTERS + 1)
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError, ValueError):
        raise MissingInputError(f"there is no recipe file {path}") from None
    except OSError as error:
        raise StorageError(f"{quoted(str(path))}: cannot be read ({error.strerror})") from None
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise RecipeError([f"byte {error.start} is not UTF-8"], str(path)) from None


def from_mapping(values: Mapping[str, Any], where: str, sets: Mapping[str, Any] | None = None) -> Recipe:
    """Build a recipe from plain data; the key `verb` says of which kind, `fit` if it is not there.

    Args:
        values: keys of the recipe; also `NAME.key` for a key of a component.
        where: what is read, for messages.
        sets: dotted paths that are put on top.

    Raises:
        RecipeError: all faults at once.
    """
    if not isinstance(values, Mapping):
        raise RecipeError([f"expected keys and values, found {describe(values)}"], where)
    _refuse_unwritable(where, values, sets or {})
    rest, more = dict(values), dict(sets or {})
    verb, names = more.pop("verb", rest.pop("verb", "fit")), VERBS.names()
    faults: list[Fault] = []
    if not isinstance(verb, str) or verb not in names:
        meant = near(verb, names) if isinstance(verb, str) else ""
        hint = f"; did you mean '{meant}'?" if meant else ""
        faults.append(Fault(("verb",), f"unknown verb {describe(verb)}{hint} (known: {', '.join(names)})"))
        if not meant:
            raise RecipeError(faults, where)
        verb = meant
    dotted = {key: rest.pop(key) for key in list(rest) if isinstance(key, str) and "." in key}
    faults += [Fault(tuple(key.split(".")), TWICE) for key in dotted if _stands_in(rest, key.split("."))]
    return _built(verb, rest, dotted | more, faults, where, flags(verb))


def _stands_in(values: Any, path: Sequence[str]) -> bool:
    """Whether nested values have something at a path."""
    for key in path:
        if not isinstance(values, Mapping) or key not in values:
            return False
        values = values[key]
    return True


def _refuse_unwritable(where: str, *mappings: Mapping[str, Any]) -> None:
    faults = [fault for values in mappings for fault in unwritable(values)]
    if faults:
        raise RecipeError(faults, where)


def migrate(values: Mapping[str, Any]) -> dict[str, Any]:
    """The plain data of a recipe under the keys of today, where an earlier version wrote it; see `MOVED`."""
    elsewhere: list[tuple[str, Any]] = []

    def renamed(value: Any, path: str) -> Any:
        if isinstance(value, list | tuple):
            return [renamed(item, path) for item in value]
        if not isinstance(value, Mapping):
            return value
        name, found = value.get("name", path), {}
        for key, item in value.items():
            place, converted = MOVED.get(f"{name}.{key}") or MOVED.get(f"{path}.{key}") or ("", None)
            if converted is None:
                found[key] = renamed(item, str(key))
            elif place.startswith(f"{name}."):
                found[place.removeprefix(f"{name}.")] = converted(item)
            elif item is not None:
                elsewhere.append((place, converted(item)))
        return found

    found = renamed(values, "")
    for place, value in elsewhere:
        before = found.get(place)
        _put(found, tuple(place.split(".")), [*before, *value] if isinstance(before, list) else value)
    return found


def _built(
    verb: str,
    values: dict[str, Any],
    sets: Mapping[str, Any],
    faults: Sequence[str | Fault],
    where: str,
    known: Mapping[str, Flag],
) -> Recipe:
    """The recipe of `values` once `sets` are put on top of them; all faults at once."""
    of_components = {as_listed(key, known): value for key, value in sets.items() if "." in as_listed(key, known)}
    of_components = {name: value for name, value in of_components.items() if name in known}
    for key, value in sets.items():
        name = as_listed(key, known)
        if _of_nobody(name, known):
            faults = [
                *faults,
                f"unknown option {quoted(key)}{did_you_mean(name, [each for each in known if '.' in each])}",
            ]
        elif name not in of_components:
            faults = [*faults, *_put(values, tuple(key.split(".")), value)]
    faults = [*faults, *_to_components(verb, values, of_components, known)]
    single = values.get("strategy") is not None
    try:
        recipe = parse(VERBS.get(verb), migrate(values), where)
    except RecipeError as error:
        raise RecipeError(
            [*faults, *(_as_given(each, single) for each in at_home(error.faults, verb))], where
        ) from None
    if faults:
        raise RecipeError(faults, where)
    return recipe


def _as_given(fault: Fault, single: bool) -> Fault:
    """A fault of the one strategy under the key that it was given by."""
    return fault._replace(place=("strategy", *fault.place[2:])) if single and fault.place[:2] == (MANY, "0") else fault


def _of_nobody(name: str, known: Mapping[str, Flag]) -> bool:
    """Whether a dotted name begins with that of a component that has no such key."""
    owner = name.partition(".")[0]
    return "." in name and name not in known and any(owner in flag.owners for flag in known.values())


def _to_components(
    verb: str, values: dict[str, Any], options: Mapping[str, Any], known: Mapping[str, Flag]
) -> list[str]:
    """Give options of components to those of the run that have them; returns the faults."""
    fields, faults = VERBS.get(verb).model_fields, []
    for name, value in options.items():
        field, key = known[name].path
        if field == MANY or "." not in name:
            faults += [] if field == MANY else _put(values, (field, key), value)
            continue
        of_run = _as_mapping(values.get(field) or fields[field].default or {}, components(fields[field])).get("name")
        if of_run is None:  # the name that the option begins with is named by it
            of_run = known[name].owners[0]
            faults += _put(values, (field, "name"), of_run)
        if of_run in known[name].owners:
            faults += _put(values, (field, key), value)
        else:
            faults.append(f"'{name}' is an option of {known[name].owners[0]}, and the {field} of this run is {of_run}")
    to_many = {name: value for name, value in options.items() if known[name].path[0] == MANY}
    if MANY in fields:
        _call_for(VERBS.get(verb), values, to_many, known)
    return faults + (_to_strategies(VERBS.get(verb), values, to_many, known) if to_many else [])


def _call_for(cls: type[Recipe], values: dict[str, Any], options: Mapping[str, Any], known: Mapping[str, Flag]) -> None:
    """Fit the strategies of a run within those that its options or its data call for, see `Strategy.called_by`.

    Controls, and what has no network, stay as they are beside others; where there are no others they are refused like these.
    """
    data = values.get("data")
    filled = [key for key, value in data.items() if value] if isinstance(data, Mapping) else []
    given = {*filled, *(known[name].path[1] for name in options)}
    classes: dict[str, Any] = components(cls.model_fields[MANY])
    for name, strategy in sorted(classes.items(), key=lambda item: item[1].cost):
        if strategy.called_by not in given:
            continue
        one = values.get("strategy")
        named = [one] if one is not None else list(listed(values.get(MANY)) or ())
        mappings = [_as_mapping(item, classes) for item in named if item != AUTO]
        if any(each.get("name") == name for each in mappings):
            continue
        fitting = [each for each in mappings if _is_transfer(classes.get(str(each.get("name"))))] or mappings
        usual = {"name": name, "then": {"name": strategy.model_fields["then"].default}}
        found = [{"name": name, "then": each} if each in fitting else each for each in mappings] or [usual]
        values |= {"strategy": found[0]} if one is not None else {MANY: found}


def _is_transfer(strategy: Any) -> bool:
    """Whether a strategy is none of the controls and has a network."""
    return strategy is not None and strategy.role == "transfer" and strategy.needs_backbone


def _to_strategies(
    cls: type[Recipe], values: dict[str, Any], options: Mapping[str, Any], known: Mapping[str, Flag]
) -> list[str]:
    """Give options of strategies to those of the run that have them, fitted within others or not; returns the faults."""
    one = values.pop("strategy", None)
    one = None if one == AUTO else one
    usual = cls.model_fields[MANY].default
    wanted = [one] if one is not None else list(listed(values.get(MANY)) or usual or _offered(cls, values))
    mappings = [_as_mapping(item, components(cls.model_fields[MANY])) for item in wanted]
    faults = []
    for name, value in sorted(options.items(), key=lambda item: known[item[0]].path[1] != THEN):
        key, owners = known[name].path[1], known[name].owners
        takers = [taker for mapping in mappings for taker in _taking(mapping, key, owners)]
        spelled = [f"{mapping['name']}.{key}" for mapping in takers]
        if not takers:
            faults.append(
                f"'{name}' is an option of {', '.join(owners)}, which is not among the strategies of this run"
            )
        elif len({known[each].meaning for each in spelled}) > 1:
            faults.append(f"'{name}' means another thing for each strategy; give {' or '.join(spelled)}")
        for mapping in takers:
            mapping[key] = {"name": value} if key == THEN and isinstance(value, str) else value
    values |= {MANY: mappings} if one is None else {"strategy": mappings[0]}
    return faults


def _taking(mapping: dict[str, Any], key: str, owners: Sequence[str]) -> list[dict[str, Any]]:
    """Those of a strategy and of what is fitted within it that have an option; of `then` the innermost alone."""
    chain = [mapping]
    while isinstance(inner := chain[-1].get(THEN), dict) and "name" in inner:
        chain[-1][THEN] = inner = dict(inner)
        chain.append(inner)
    found = [each for each in chain if each.get("name") in owners]
    return found[-1:] if key == THEN else found


def _offered(cls: type[Recipe], values: Mapping[str, Any]) -> list[str]:
    """Names of the strategies that offer themselves to a run that names none, of those that may serve its task."""
    given = values.get("task")
    known = components(cls.model_fields["task"])
    name = _as_mapping(given, known).get("name") if given else None
    tasks = [known[name]] if name in known else [task for task in known.values() if task.is_guessed]  # type: ignore[attr-defined]
    kinds = {task.outputs_kind for task in tasks}  # type: ignore[attr-defined]
    return [each.name for each in offering(cls.verb) if not each.missing() and each.gives & kinds]


def _as_mapping(item: Any, known: Mapping[str, Any]) -> dict[str, Any]:
    """A component in any of its spellings as a mapping with its name; what is none of them is left to `parse`."""
    if isinstance(item, Component):
        return item.plain()
    if not isinstance(item, Mapping):
        return {"name": item}
    names = list(item)
    if len(names) == 1 and names[0] in known:
        return {"name": names[0]} | dict(item[names[0]] or {})
    return dict(item)


def _put(values: dict[str, Any], path: tuple[str, ...], value: Any) -> list[str]:
    """Set a nested key, numbers on the way counting entries of a list; returns the fault, if there is one."""
    where = ".".join(path)
    here: Any = values
    for at, part in enumerate(path):
        key: Any = part
        if isinstance(here, list):
            if part not in map(str, range(len(here))):
                return [f"{where}: {quoted(part)} is not an entry there (0 to {len(here) - 1})"]
            key = int(part)
        if at == len(path) - 1:
            here[key] = value
            break
        inner = here[key] if isinstance(here, list) else here.get(key)
        if part == MANY:
            inner = listed(inner)
        if isinstance(inner, Component):
            inner = inner.plain()
        elif isinstance(inner, str | Path):
            key_ = {"backbone": "location", "data": "texts"}.get(part, "name")
            inner = {key_: str(inner)}
        if not isinstance(inner, Mapping | list | tuple | None):
            return [f"{where}: {quoted('.'.join(path[: at + 1]))} is {describe(inner)} and holds no keys"]
        here[key] = list(inner) if isinstance(inner, list | tuple) else dict(inner or {})
        here = here[key]
    return []
