"""Flags made from recipe fields, so that keys, flags and keyword arguments are one list of names."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Annotated, Any

import typer
from pydantic.fields import FieldInfo

from headstart.cli.dashes import unmarked
from headstart.cli.help import text_of
from headstart.config import components
from headstart.errors import Fault, RecipeError, quoted
from headstart.recipes.flags import MANY, OF_ONE, Flag, as_listed, flags, kind_of
from headstart.recipes.notation import written
from headstart.recipes.verbs import VERBS

SHORT = {"output": "-o", "k": "-k"}
ALWAYS = frozenset({"--strategy", "-s", "--set", "--json", "--quiet"})
"""Flags that are no names of a recipe."""


def command(verb: str, act: Callable[..., None], words: Sequence[str] = ("--help",)) -> Callable[..., None]:
    """A typer command whose parameters are the names of a verb's flags, and `--set`, `--json`, `--quiet`.

    Args:
        verb: name in `headstart.recipes.verbs.VERBS`.
        act: called with `options` (names given), `sets`, `as_json` and `quiet`.
        words: the command line. Flags that are not among them are left out where all that are there are known, since
            typer builds a parser for each of several hundred; by default there are all.
    """
    cls, known = VERBS.get(verb), flags(verb)
    names = {_identifier(name): name for name in known}
    shown = _among(words, known)
    parameters = [_argument(name, known[name]) for name in cls.positional]
    if verb in OF_ONE:
        ways = ", ".join(components(known["strategies"].info))
        text = f"One way of transferring: {ways}; by default several are tried and the best on validation is kept."
        parameters.append(_option("strategy", str, text, "-s"))
    parameters += [_flag(name, known[name]) for name in shown if name not in cls.positional]
    text = "Any key of the recipe: --set strategy.layers=2 (repeatable)."
    parameters.append(_option("sets", list[str], text, "--set"))
    parameters.append(_option("as_json", bool, "Print one JSON object on standard output.", "--json"))
    parameters.append(_option("quiet", bool, "No progress or log messages on standard error.", "--quiet"))
    parameters.append(_help_all(verb))

    def run(**values: Any) -> None:
        values.pop("help_all", None)
        sets = parse_sets(values.pop("sets", None) or [])
        as_json, quiet = bool(values.pop("as_json", False)), bool(values.pop("quiet", False))
        given = {
            names.get(name, name): unmarked(value)
            for name, value in values.items()
            if value is not None and value != []
        }
        if twice := _given_twice(given, sets, known):
            raise RecipeError(twice, "the command line")
        act({name: _plain(name, value) for name, value in given.items()}, sets, as_json, quiet)

    run.__name__ = verb
    run.__doc__ = (cls.__doc__ or "").strip()
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return run


def _among(words: Sequence[str], known: Mapping[str, Flag]) -> Iterable[str]:
    """The names whose flags are among the words; all where a word that begins with a dash is none of these."""
    found, dashed = set(), {word.partition("=")[0] for word in words if word.startswith("-")}
    for name in known:
        own = {_written(name), f"--no-{_dashed(name)}"} | ({SHORT[name]} if name in SHORT else set())
        if own & dashed:
            found.add(name)
            dashed -= own
    return [name for name in known if name in found] if dashed <= ALWAYS else known


def _given_twice(given: Collection[str], sets: Iterable[str], known: Mapping[str, Flag]) -> list[str]:
    """What is said of keys that two flags reach, or a flag and `--set`: neither may win over the other in silence."""
    names = [name for name in given if name in known]
    found = [
        f"--{_dashed(other)}: is given by --{_dashed(name)} too; give it once"
        for at, name in enumerate(names)
        for other in names[at + 1 :]
        if _same_key(known[name], known[other])
    ]
    for key in sets:
        own = Flag(tuple(re.sub(r"^strategy\b", MANY, key).split(".")), FieldInfo(), "")
        here = known.get(as_listed(key, known), own)
        found += [
            f"--set {key}: is given by --{_dashed(name)} too; give it once"
            for name in names
            if _same_key(known[name], here) or _holds(own.path, known[name].path)
        ]
        if own.path in ((MANY,), (MANY, "name")) and "strategy" in given:
            found.append(f"--set {key}: is given by --strategy too; give it once")
    return found


def _holds(key: Sequence[str], path: Sequence[str]) -> bool:
    """Whether a key is a path or a section that the path is in; what strategies are leaves open what their keys are."""
    return tuple(path[: len(key)]) == tuple(key) and (*key,) != (MANY,)


def _same_key(one: Flag, other: Flag) -> bool:
    return one.path == other.path and (one.owners == other.owners or not {*one.owners}.isdisjoint(other.owners))


def _dashed(name: str) -> str:
    return name.replace("_", "-")


def _written(name: str) -> str:
    return f"--{_dashed(name)}"


def parse_sets(given: list[str]) -> dict[str, Any]:
    """`["a.b=2"]` to `{"a.b": 2}`; values are YAML.

    Raises:
        RecipeError: no `=`, or a value that is not YAML.
    """
    sets: dict[str, Any] = {}
    faults: list[Fault] = []
    for item in given:
        key, equals, value = item.partition("=")
        said, path = f"--set {quoted(item)[1:-1]}", _path(key)
        if not equals or not path:
            faults.append(Fault((said,), "expected KEY=VALUE, such as strategy.layers=2"))
        elif twice := next((one for one in sets if f"{one}.".startswith(f"{path}.")), None):
            faults.append(Fault((said,), f"{quoted(twice)} is given twice; give it once"))
        else:
            sets[path] = _value(value, said, faults)
    if faults:
        raise RecipeError(faults, "the command line")
    return sets


BY_LABEL = {
    "loss_weights": "{rte: 2, cola: 0.5}",
    "class_weight": "{yes: 2, no: 1}",
    "verbalizer": "{yes: true, no: false}",
    "descriptions": "{yes: it is so, no: it is not}",
    "teacher_words": "{yes: true, no: false}",
    "space": "{training.epochs: [2, 4]}",
}
"""Options that are mappings by label or, of a space, by path, with an example of each."""


def _value(text: str, said: str, faults: list[Fault]) -> Any:
    """A value in YAML; what is wrong with it is added to `faults`."""
    try:
        found = written(text, said)
    except RecipeError as error:
        reason = error.problems[0].rpartition("not YAML: ")[2].removeprefix("line 1: ")
        faults.append(Fault((said,), f"{quoted(text)} is not a YAML value: {reason}"))
        return None
    faults += [fault._replace(place=(said, *fault.place)) for fault in found.faults]
    return found.values


def _path(key: str) -> str:
    """A dotted path; `-` may stand for `_` in names of fields, but not in labels, nor in names of tests."""
    for names in (*(f"{name}." for name in BY_LABEL), "data.tests."):
        fields, found, rest = key.strip().replace("class-weight.", "class_weight.").partition(names)
        if found:
            return fields.replace("-", "_") + names + rest
    return key.strip().replace("-", "_")


def _identifier(name: str) -> str:
    return name.replace("-", "_").replace(".", "__")


def _plain(name: str, value: Any) -> Any:
    key = name.rpartition(".")[2]
    if key in BY_LABEL and isinstance(value, str) and not value.isalpha():
        return _by_label(value, key)
    if key == "rates" and isinstance(value, str):
        return tuple(part.strip() for part in value.split(","))
    if key == "layers" and isinstance(value, str):
        numbers = [int(part) if part.strip().isdecimal() and len(part) < 20 else part for part in value.split(",")]
        return numbers[0] if len(numbers) == 1 else tuple(numbers)
    return value


def _by_label(text: str, key: str) -> Any:
    """A mapping in YAML whose keys are labels or paths: texts, though YAML would make something else of yes, no and 1."""
    flag = f"--{key.replace('_', '-')}"
    try:
        found = written(text, flag, names=True)
    except RecipeError:
        raise RecipeError(
            [f"{flag}: {quoted(text)} is not a YAML mapping such as '{BY_LABEL[key]}'"], "the command line"
        ) from None
    if found.faults:
        faults = [fault._replace(place=(flag, *fault.place)) for fault in found.faults]
        raise RecipeError(faults, "the command line")
    return found.values


def _argument(name: str, flag: Flag) -> inspect.Parameter:
    """A word of the command line that needs no flag, or all that are left where the field is a list."""
    required = flag.info.is_required()
    kind: Any = list[str] if kind_of(flag.info.annotation).startswith("list of ") else str
    argument = typer.Argument(
        help=flag.help, metavar=name.upper() if required else f"[{name.upper().removesuffix('S')}]..."
    )
    return inspect.Parameter(
        name,
        inspect.Parameter.KEYWORD_ONLY,
        default=inspect.Parameter.empty if required else None,
        annotation=Annotated[kind if required else kind | None, argument],
    )


def _flag(name: str, flag: Flag) -> inspect.Parameter:
    written, info = _written(name), flag.info
    if kind_of(info.annotation) == "bool":
        spelled = f"{written}/--no-{written.removeprefix('--')}"
        return _option(_identifier(name), bool, flag.help, spelled, hidden=not flag.listed)
    shown = "" if info.default in (None, ()) or info.is_required() or info.default_factory else f" [{info.default}]"
    return _option(_identifier(name), str, flag.help + shown, written, SHORT.get(name), hidden=not flag.listed)


def _help_all(verb: str) -> inspect.Parameter:
    def show(value: bool | None) -> None:
        if value:
            print(text_of(verb, everything=True), end="")
            raise typer.Exit

    option = typer.Option("--help-all", is_eager=True, callback=show, help="Show all options by section and leave.")
    return inspect.Parameter(
        "help_all", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[bool | None, option]
    )


def _option(name: str, kind: Any, text: str, *flags: str | None, hidden: bool = False) -> inspect.Parameter:
    given = [flag for flag in flags if flag]
    if not any(flag.startswith("--") for flag in given):
        given.insert(0, _written(name))
    option = typer.Option(*given, help=text, show_default=False, hidden=hidden)
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[kind | None, option]
    )
