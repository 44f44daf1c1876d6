"""What is wrong with the values of a component, in the words of those who wrote them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from headstart.errors import LONGEST, Fault, quoted
from headstart.registry import did_you_mean

SHOULD = "should be "
"""Beginning of all faults of kind and range."""
KINDS: dict[str, str] = {
    "bool": "true or false",
    "dataclass": "a mapping of keys to values",
    "dict": "a mapping of keys to values",
    "float": "a number",
    "int": "a whole number",
    "list": "a list",
    "mapping": "a mapping of keys to values",
    "model": "a mapping of keys to values",
    "string": "a text",
    "tuple": "a list",
}
"""What values of a kind are called, by the first word of pydantic's name of the fault."""
BOUNDS = {
    "greater_than": "over {gt:,.12g}",
    "greater_than_equal": "at least {ge:,.12g}",
    "less_than": "below {lt:,.12g}",
    "less_than_equal": "at most {le:,.12g}",
    "finite_number": "a finite number",
    "string_too_short": "a text of at least {min_length} characters",
    "string_too_long": "a text of at most {max_length} characters",
    "string_pattern_mismatch": "of the form {pattern}",
}
"""What is said of values outside of their range, by pydantic's name of the fault."""
MOST = 100
"""Faults that are looked into; more are counted."""
OWN = frozenset({"component", "value_error", "nested"})
"""Faults whose words come from headstart."""


def faults_of(error: ValidationError, cls: type[BaseModel]) -> list[Fault]:
    """All faults that were found in the values of a component of class `cls`, each with its place."""
    faults: list[Fault] = []
    all_found = error.errors(include_url=False)
    for found in all_found[:MOST]:
        unknown = found["type"] == "extra_forbidden"
        place = tuple(str(part) for part in (found["loc"][:-1] if unknown else found["loc"]) if not _is_tag(part))
        nested = (found.get("ctx") or {}).get("faults")
        if place and place[-1] == "[key]":
            said = f"the name {describe(found['input'])} is no text here; put names such as yes, no and 1 in quotes"
            faults.append(Fault(place[:-2], said))
        elif nested:
            faults += [inner._replace(place=place + inner.place) for inner in nested]
        elif unknown:
            faults.append(_unknown(cls, place, str(found["loc"][-1])))
        else:
            faults.append(Fault(place, _explained(found)))
    rest = [Fault((), f"and {len(all_found) - MOST:,} more")] if len(all_found) > MOST else []
    return [*_together(faults), *rest]


def describe(value: Any) -> str:
    """How a value is shown in a message: quoted text, numbers as they are, the kind for the rest."""
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) and abs(value) >= 10**LONGEST:  # thousands of digits are refused by Python
        return f"a number of about {round(value.bit_length() * math.log10(2)):,} digits"
    if isinstance(value, (int, float)):
        return repr(value)
    if value is None:
        return "nothing"
    if isinstance(value, Mapping):
        return "a mapping"
    return "a list" if isinstance(value, (list, tuple)) else f"a {type(value).__name__}"


def _unknown(cls: type[BaseModel], place: tuple[str, ...], key: str) -> Fault:
    owner: type[BaseModel] | None = cls
    for part in place:
        info = owner.model_fields.get(part) if owner is not None else None
        inner = None if info is None else info.annotation
        owner = inner if isinstance(inner, type) and issubclass(inner, BaseModel) else None
    known = tuple(owner.model_fields) if owner else ()
    listing = f" (keys here: {', '.join(known)})" if known else ""
    return Fault(place, f"unknown key {quoted(key)}{did_you_mean(key, known)}{listing}", key, known)


def _explained(found: Any) -> str:
    kind, context, value = found["type"], found.get("ctx") or {}, found["input"]
    if kind == "missing":
        return "is required"
    if kind in OWN:
        return found["msg"].removeprefix("Value error, ")
    empty = isinstance(value, (list, tuple)) and not value
    shown = f", found {'none' if empty else describe(value)}"
    if kind in ("literal_error", "enum"):
        return f"{SHOULD}{context['expected']}{shown}"
    if kind in ("too_short", "too_long"):
        least = kind == "too_short"
        return (
            f"should hold at {'least' if least else 'most'} {context['min_length' if least else 'max_length']}{shown}"
        )
    if kind in BOUNDS:
        return f"{SHOULD}{BOUNDS[kind].format(**context)}{shown}"
    called = KINDS.get(kind.partition("_")[0])
    message = found["msg"].removeprefix("Input ")
    return f"{SHOULD}{called}{shown}" if called else f"{message[:1].lower()}{message[1:]}{shown}"


def _together(faults: list[Fault]) -> list[Fault]:
    """One fault of a value that is none of several kinds, in place of one for each kind; slips of choices are named."""
    found: list[Fault] = []
    for fault in faults:
        last = found[-1] if found else None
        if last and last.place == fault.place and last.text.startswith(SHOULD) and fault.text.startswith(SHOULD):
            wanted, comma, value = last.text.rpartition(", found ")
            if comma and fault.text.endswith(value):
                found[-1] = fault._replace(text=f"{wanted} or {fault.text.removeprefix(SHOULD)}")
                continue
        found.append(fault)
    found = [fault for fault in found if not _is_inside(fault, found)]
    return [fault._replace(text=fault.text + _meant(fault.text)) for fault in found]


def _is_inside(fault: Fault, others: list[Fault]) -> bool:
    """Whether a value is of the right kind after all, and what is wrong with it lies deeper."""
    at = len(fault.place)
    deeper = any(len(each.place) > at and each.place[:at] == fault.place for each in others)
    return deeper and fault.text.startswith(SHOULD) and fault.text.endswith((", found a mapping", ", found a list"))


def _meant(text: str) -> str:
    """The choice that a word is a slip for."""
    wanted, comma, value = text.rpartition(", found '")
    choices = wanted.split("'")[1::2] if text.startswith(SHOULD) and comma else []
    return did_you_mean(value.removesuffix("'"), choices)


def _is_tag(part: Any) -> bool:
    """Whether a step of a path is no key but the name that pydantic has for one of several kinds."""
    return isinstance(part, str) and (
        part.startswith(
            ("function-", "literal[", "constrained-", "tuple[", "list[", "dict[", "lax-or-strict", "nullable")
        )
        or part in {"int", "str", "float", "bool", "none"}
    )
