"""One option in detail: what it means, what may stand for it, whose it is, and how each door spells it."""

from __future__ import annotations

import inspect
import re
import sys
import textwrap
from collections.abc import Iterator
from typing import Any, NamedTuple

import yaml
from pydantic.fields import FieldInfo

from headstart.cli.help import options_of, spelled
from headstart.config import Component, components
from headstart.errors import UsageError, quoted
from headstart.objectives import OBJECTIVES
from headstart.recipes.flags import HIDDEN, MANY, Flag, flags, meant_by, sections
from headstart.recipes.values import choices_of, default, example, kind, span, unit
from headstart.recipes.verbs import VERBS
from headstart.strategies import STRATEGIES
from headstart.tasks import TASKS

POSITIONAL: dict[str, str] = {
    "train": "reviews.csv",
    "texts": "books/*.txt",
    "model": "runs/reviews",
    "test": "test.csv",
    "run": "runs/reviews",
    "input": "tickets.csv",
}
"""What stands for words without a flag in examples."""
BY_FIELD = {MANY: "strategy", "task": "task", "objective": "objective"}
"""Option that names a component, by the field that holds it."""
SHORT = {"-o": "output", "-s": "strategy", "-k": "k"}
"""Options of one letter."""


class Meaning(NamedTuple):
    """What a name means in some verbs."""

    name: str
    flag: Flag
    verbs: tuple[str, ...]


def explain(word: str) -> list[dict[str, Any]]:
    """All that a word means: an option in any spelling, a path of a recipe, or the name of a component.

    Raises:
        UsageError: it means nothing.
    """
    asked = SHORT.get(word, word.lstrip("-"))
    found = [_plain(meaning) for meaning in _meanings(asked)]
    parts = dict.fromkeys(
        cls for verb in VERBS.names() for field, cls in sections(VERBS.get(verb)).items() if field == asked
    )
    found += [] if found else [_component("section", asked, cls) for cls in parts]
    if word in VERBS.names():
        names = [option.name for option in options_of(word)]
        about = {"example": VERBS.example(word), "options": f"{len(names)}; headstart {word} --help-all shows all"}
        found.append({"name": word, "help": VERBS.summary(word), "kind": "verb"} | about)
    registries = (STRATEGIES, TASKS, OBJECTIVES)
    found += [_component(each.kind, word, each.get(word)) for each in registries if word in each.names()]
    if not found:
        known = {name for verb in VERBS.names() for name in flags(verb)} | {"strategy"}
        names = [*known, *STRATEGIES.names(), *TASKS.names(), *OBJECTIVES.names()]
        meant = meant_by(asked, [name for name in names if ("." in name) == ("." in asked)])
        hint = f"; did you mean '{meant}'?" if meant else "; `headstart fit --help-all` has all options"
        raise UsageError(f"there is no option {quoted(word)}{hint}")
    return found


def shown(found: list[dict[str, Any]]) -> str:
    """What was found, for people."""
    blocks = []
    for each in found:
        lines = [each["name"] + (f"   ({', '.join(each['verbs'])})" if each.get("verbs") else "")]
        lines += textwrap.wrap(each["help"], 96, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False)
        lines.append("")
        for key, value in each.items():
            if key in ("name", "help", "verbs") or not value:
                continue
            if isinstance(value, dict):
                width = max(len(name) for name in value)
                lines += [f"  {key}:", *(f"    {name:<{width}}  {text}" for name, text in value.items())]
            else:
                lines.append(f"  {key:<9} {', '.join(value) if isinstance(value, list) else value}")
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks)


def _meanings(word: str) -> list[Meaning]:
    """What a name of an option or a path means, verbs that agree together."""
    found: dict[tuple[Any, ...], Meaning] = {}
    for verb in VERBS.names():
        for name, flag in _named(word, verb):
            key = (name, flag.path, flag.meaning, flag.owners)
            known = found.get(key)
            found[key] = Meaning(name, flag, (*known.verbs, verb)) if known else Meaning(name, flag, (verb,))
    return list(found.values())


def _named(word: str, verb: str) -> Iterator[tuple[str, Flag]]:
    """Options of a verb that a word names, each owner's where they mean different things by it."""
    known = flags(verb)
    owner, dot, rest = word.partition(".")
    plain = f"{owner}.{rest.replace('-', '_')}" if dot else word.replace("-", "_")
    for spelling in (plain, plain.removeprefix("no_")):
        if spelling == "strategy" and MANY in known:
            yield "strategy", known[MANY]
            return
        if spelling in known and (known[spelling].listed or dot):
            yield spelling, known[spelling]
            return
        if spelling in known:
            flag = known[spelling]
            for name in flag.owners:
                yield f"{name}.{spelling}", known[f"{name}.{spelling}"]
            return
    place = tuple(("strategies" if owner == "strategy" else owner, *rest.replace("-", "_").split(".")[-1:]))
    for name, flag in known.items():
        if dot and flag.path == place and flag.listed:
            yield name, flag


def _plain(meaning: Meaning) -> dict[str, Any]:
    name, flag, verbs = meaning
    info, key = flag.info, name.rpartition(".")[2]
    section = BY_FIELD.get(flag.path[0], flag.path[0])
    words = "-s, --strategy NAME" if name == "strategy" else spelled(name, flag)
    if name in VERBS.get(verbs[0]).positional:
        words = name.upper()
    elif "." in name and flag.owners:
        words += f"; or --{key.replace('_', '-')} where the run has no other {section} with it"
    command, call = _written(name, flag, verbs[0])
    held = components(info)
    one = name == "strategy"
    return {
        "name": name,
        "verbs": list(verbs),
        "help": flag.help,
        "option": words,
        "type": "name" if one else kind(info),
        "choices": [] if held else list(choices_of(info)),
        "range": span(info),
        "unit": unit(info),
        "default": _usual(info, flag.help),
        "of": list(flag.owners),
        "recipe": "strategy" if one else ".".join((section, *flag.path[1:])),
        "python": call,
        "example": command,
        "names": {each: _summary(cls) for each, cls in held.items()},
    }


def _written(name: str, flag: Flag, verb: str) -> tuple[str, str]:
    """A command and a call that use an option."""
    cls, key = VERBS.get(verb), name.rpartition(".")[2]
    value = example(name, flag.info)
    usual = [each for each in flag.owners if flag.path[0] != "task" or TASKS.get(each).is_guessed]
    given = {BY_FIELD[flag.path[0]]: (usual or flag.owners)[0]} if flag.owners else {}
    if flag.path[0] == MANY and flag.owners and "texts" in STRATEGIES.get(flag.owners[0]).needs:
        given["target"] = "other-domain.csv"
    for field, called in cls.called.items():  # what has to be given too, and has a flag
        given[called] = example(called, sections(cls)["data"].model_fields[field])
    fields: list[str] = [field for field in cls.positional if verb != "predict" or field != "texts"]
    arguments = [POSITIONAL.get(field, field) for field in fields]
    if verb == "predict" and key != "input":
        arguments.append("a text")
    if name in cls.positional:
        arguments[cls.positional.index(name)] = value
        return _command(verb, arguments, given), _call(verb, arguments, given)
    return _command(verb, arguments, given | {key: value}), _call(verb, arguments, given | {key: value})


def _command(verb: str, arguments: list[str], given: dict[str, str]) -> str:
    options = []
    for key, value in given.items():
        written = key.replace("_", "-")
        if value in ("true", "false"):
            options.append(f"--{'no-' * (value == 'false')}{written}")
        else:
            options.append(f"--{written} {_quoted(value)}")
    return " ".join(["headstart", verb, *map(_quoted, arguments), *options])


def _call(verb: str, arguments: list[str], given: dict[str, str]) -> str:
    words = [f'"{each}"' for each in arguments]
    positional = ", ".join([words[0], *(f"[{each}]" if verb == "predict" else each for each in words[1:])])
    options = "".join(f", {key}={_literal(value)}" for key, value in given.items())
    return f"headstart.{verb}({positional}{options})"


def _literal(value: str) -> str:
    if value in ("true", "false"):
        return value.capitalize()
    if re.fullmatch(r"\{.*\}", value):
        return repr(yaml.safe_load(value))
    try:
        float(value)
    except ValueError:
        return f'"{value}"'
    return value


def _quoted(value: str) -> str:
    return value if all(letter.isalnum() or letter in "-_./,=*" for letter in value) else f"'{value}'"


def _component(kind_: str, name: str, cls: type[Component]) -> dict[str, Any]:
    """A strategy, task or objective: its docstring and its keys."""
    text = inspect.cleandoc(cls.__doc__ or "")
    field = {"strategy": MANY, "section": name}.get(kind_, kind_)
    fields = {key: info for key, info in cls.model_fields.items() if f"{field}.{key}" not in HIDDEN}
    about, _, command = text.partition("Example:")
    return {
        "name": name,
        "help": " ".join(about.split()),
        "kind": kind_,
        "example": " ".join(command.split()),
        "keys": {
            key: " ".join([kind(info), f"[{default(info)}]" * bool(default(info))]) for key, info in fields.items()
        },
    }


def _usual(info: FieldInfo, text: str) -> str:
    """What holds where nothing is given, in words."""
    if info.is_required():
        return "none; it has to be given"
    said = re.search(r"\b(default|not given|guessed|found|chosen|whichever)\b", text)
    return default(info) or ("as said above" if said else "none")


def _summary(cls: type[Component]) -> str:
    return ((sys.modules[cls.__module__].__doc__ or "").strip().splitlines() or [""])[0]
