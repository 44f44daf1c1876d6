"""Fields of components as tables: the flag, what it takes, its default, what it means."""

from __future__ import annotations

from collections.abc import Iterable
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic.fields import FieldInfo

from headstart.config import Component, components
from headstart.recipes.flags import kind_of

SIGNS = {Ge: ("at least", "ge"), Gt: ("over", "gt"), Le: ("at most", "le"), Lt: ("under", "lt")}


def takes(info: FieldInfo) -> str:
    """What a field takes: its choices where it has some, else the kind of value; with its bounds."""
    if components(info):
        return "names" if "tuple[" in str(info.annotation) else "a name"
    bounds = [f"{SIGNS[type(each)][0]} {getattr(each, SIGNS[type(each)][1]):g}" for each in _bounds(info.metadata)]
    return ", ".join([_shown(info.annotation), *bounds])


def _bounds(metadata: Iterable[Any]) -> list[Any]:
    return [each for each in metadata if type(each) in SIGNS]


def _shown(annotation: Any) -> str:
    origin = get_origin(annotation)
    inside = [part for part in get_args(annotation) if part is not NoneType]
    if origin is Annotated:
        return _shown(inside[0])
    if origin in (Union, UnionType):
        return " or ".join(dict.fromkeys(_shown(part) for part in inside))
    if origin is Literal:
        return ", ".join(f"`{part}`" for part in inside)
    if origin in (tuple, list):
        return f"list of {_shown(inside[0])}s"
    if origin is dict:
        return "mapping"
    kind = kind_of(annotation)
    return {"word": "text", "int": "whole number", "float": "number", "bool": "yes or no"}.get(kind, kind)


def default(info: FieldInfo) -> str:
    """The default of a field as Markdown; empty where it is found out in the run, `required` where there is none."""
    if info.is_required():
        return "required"
    value = info.get_default(call_default_factory=True, validated_data={})
    if value is None or value == () or value == {}:
        return ""
    if isinstance(value, Component):
        return f"`{value.name}`" if value.name else ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return f"`{','.join(map(str, value))}`"
    return f"`{value:g}`" if isinstance(value, float) else f"`{value}`"


def table(rows: Iterable[tuple[str, FieldInfo, str]]) -> str:
    """A Markdown table.

    Args:
        rows: name, field and help of each.
    """
    lines = ["{.settings}", "| name | takes | default | meaning |", "| --- | --- | --- | --- |"]
    for name, info, text in rows:
        cells = (f"`{name}`", takes(info), default(info), " ".join((text or "").split()))
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines)
