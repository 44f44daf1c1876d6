"""Flags made from recipe fields, so that keys, flags and keyword arguments are one list of names."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Annotated, Any

import typer
import yaml

from headstart.errors import RecipeError
from headstart.recipes.parsing import flat
from headstart.recipes.recipe import VERBS

SHORT = {"output": "-o"}
POSITIONAL: dict[str, tuple[str, ...]] = {
    "fit": ("train",),
    "compare": ("train",),
    "pretrain": ("texts",),
    "adapt": ("texts",),
    "resume": ("run",),
    "predict": ("model", "texts"),
    "evaluate": ("model", "test"),
}


def command(verb: str, act: Callable[..., None]) -> Callable[..., None]:
    """A typer command whose parameters are the flat names of a verb, and `--set`, `--json`, `--quiet`.

    Args:
        verb: name in `headstart.recipes.recipe.VERBS`.
        act: called with `options` (flat names given), `sets`, `as_json` and `quiet`.
    """
    names = flat(verb)
    parameters = [_parameter(verb, name, info) for name, (_, info) in names.items() if name in POSITIONAL[verb]]
    parameters.sort(key=lambda parameter: POSITIONAL[verb].index(parameter.name))
    if verb == "fit":
        parameters.append(
            _option(
                "strategy",
                str,
                "One way of transferring: "
                + _strategies()
                + "; by default several are tried and the best on validation is kept.",
                "-s",
            )
        )
    parameters += [_parameter(verb, name, info) for name, (_, info) in names.items() if name not in POSITIONAL[verb]]
    parameters.append(
        _option("sets", list[str], "Any key of the recipe: --set strategy.layers=2 (repeatable).", "--set")
    )
    parameters.append(_option("as_json", bool, "Print one JSON object on standard output.", "--json"))
    parameters.append(_option("quiet", bool, "No talk on standard error.", "--quiet"))

    def run(**values: Any) -> None:
        sets = parse_sets(values.pop("sets", None) or [])
        as_json, quiet = bool(values.pop("as_json", False)), bool(values.pop("quiet", False))
        options = {name: _plain(name, value) for name, value in values.items() if value is not None and value != []}
        act(options, sets, as_json, quiet)

    run.__name__ = verb
    run.__doc__ = (VERBS[verb].__doc__ or "").strip()
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return run


def parse_sets(given: list[str]) -> dict[str, Any]:
    """`["a.b=2"]` to `{"a.b": 2}`; values are YAML.

    Raises:
        RecipeError: no `=`, or a value that is not YAML.
    """
    sets: dict[str, Any] = {}
    for item in given:
        key, equals, value = item.partition("=")
        if not equals or not key:
            raise RecipeError([f"--set {item}: expected KEY=VALUE, such as strategy.layers=2"])
        try:
            sets[_path(key)] = yaml.safe_load(value)
        except yaml.YAMLError:
            raise RecipeError([f"--set {item}: '{value}' is not a YAML value"]) from None
    return sets


def _path(key: str) -> str:
    """A dotted path; `-` may stand for `_` in names of fields, but not in the labels below `class_weight`."""
    fields, weights, labels = key.strip().partition("class_weight.")
    return fields.replace("-", "_") + weights + labels


def _strategies() -> str:
    from headstart.strategies import STRATEGIES

    return ", ".join(STRATEGIES.names())


def _plain(name: str, value: Any) -> Any:
    if name == "class_weight" and isinstance(value, str) and value != "balanced":
        try:
            return yaml.safe_load(value)
        except yaml.YAMLError:
            raise RecipeError(
                [f"--class-weight: '{value}' is not a YAML mapping such as '{{yes: 2, no: 1}}'"]
            ) from None
    if name == "rates" and isinstance(value, str):
        return tuple(part.strip() for part in value.split(","))
    if name == "layers" and isinstance(value, str):
        numbers = [int(part) if part.strip().isdecimal() else part for part in value.split(",")]
        return numbers[0] if len(numbers) == 1 else tuple(numbers)
    return value


def _parameter(verb: str, name: str, info: Any) -> inspect.Parameter:
    text = " ".join((info.description or "").split())
    if name in POSITIONAL[verb]:
        many = name == "texts"
        required = info.is_required()
        argument = typer.Argument(
            help=text, metavar=name.upper() if required else "[TEXT]..." if many else name.upper()
        )
        kind: Any = list[str] if many else str
        kind = kind if required else kind | None
        default = inspect.Parameter.empty if required else None
        return inspect.Parameter(
            name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[kind, argument]
        )
    if info.annotation in (bool, bool | None):
        flag = "--" + name.replace("_", "-")
        both = f"{flag}/--no-{name.replace('_', '-')}"
        return _option(name, bool, text, both)
    shown = "" if info.default in (None, ()) or info.is_required() or info.default_factory else f" [{info.default}]"
    return _option(name, str, text + shown, "--" + name.replace("_", "-"), SHORT.get(name))


def _option(name: str, kind: Any, text: str, *flags: str | None) -> inspect.Parameter:
    given = [flag for flag in flags if flag]
    if not any(flag.startswith("--") for flag in given):
        given.insert(0, "--" + name.replace("_", "-"))
    option = typer.Option(*given, help=text, show_default=False)
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[kind | None, option]
    )
