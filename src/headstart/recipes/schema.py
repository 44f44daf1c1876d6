"""The JSON Schema of recipe files, from the fields of recipes and components: for editors that complete and check."""

from __future__ import annotations

import sys
from types import NoneType
from typing import Any, Literal, get_args, get_origin

import yaml
from pydantic import BeforeValidator
from pydantic.fields import FieldInfo

from headstart.config import Component, components
from headstart.recipes.base import Recipe
from headstart.recipes.flags import MANY, flags, sections
from headstart.recipes.values import bounds, example, is_many, is_time, parts_of
from headstart.recipes.verbs import VERBS

DRAFT = "http://json-schema.org/draft-07/schema#"
"""The draft that editors of YAML understand."""
USUAL = "fit"
"""Verb of a recipe that names none."""
HEADER = "# yaml-language-server: $schema=recipe.schema.json"
"""First line of a recipe beside a file that `headstart schema` was written to."""
NUMBERS = {int: "integer", float: "number"}
"""Names of numbers in JSON Schema."""


def schema() -> dict[str, Any]:
    """The schema of recipes of all verbs, those of other packages too."""
    definitions: dict[str, Any] = {}
    verbs = VERBS.names()
    for verb in verbs:
        definitions[f"recipe.{verb}"] = _recipe(verb, VERBS.get(verb), definitions)
    named = {"properties": {"verb": {"const": USUAL}}}
    chosen = [{"if": named, "then": {"$ref": f"#/definitions/recipe.{USUAL}"}}]
    for verb in verbs:
        if verb != USUAL:
            asked = {"properties": {"verb": {"const": verb}}, "required": ["verb"]}
            chosen.append({"if": asked, "then": {"$ref": f"#/definitions/recipe.{verb}"}})
    about = {"enum": verbs, "default": USUAL, "description": "What is done.", "examples": [USUAL]}
    return {
        "$schema": DRAFT,
        "title": "A recipe of headstart",
        "type": "object",
        "properties": {"verb": about},
        "allOf": chosen,
        "definitions": definitions,
    }


def _recipe(verb: str, cls: type[Recipe], definitions: dict[str, Any]) -> dict[str, Any]:
    found = _object(cls, definitions)
    found["description"] = VERBS.summary(verb)
    inner = sections(cls)
    for field, section in inner.items():
        whole = _object(section, definitions)
        info = cls.model_fields[field]
        spelled = any(isinstance(part, BeforeValidator) for part in info.metadata)
        short = [{"type": "string"}, {"type": "array", "items": {"type": "string"}}] if spelled else []
        found["properties"][field] = _described(field, info, {"anyOf": [whole, *short]} if short else whole)
    if MANY in cls.model_fields:
        info = cls.model_fields[MANY]
        text = "The one strategy that is run and kept, in place of `strategies`; or `auto`."
        one = {"anyOf": [{"const": "auto"}, {"type": "null"}, *_component(info, definitions)]}
        found["properties"]["strategy"] = one | {"description": text, "examples": [example(MANY, info).split(",")[-1]]}
    for name, flag in flags(verb).items():
        if "." in name:
            found["properties"][name] = _described(name, flag.info, _value(flag.info, definitions))
    found["properties"]["verb"] = {"const": verb}
    return found


def _object(cls: type[Component], definitions: dict[str, Any]) -> dict[str, Any]:
    """A component as a mapping of its keys."""
    properties = {key: _described(key, info, _value(info, definitions)) for key, info in cls.model_fields.items()}
    required = [key for key, info in cls.model_fields.items() if info.is_required()]
    found: dict[str, Any] = {"type": "object", "properties": properties}
    return found | ({"required": required} if required else {}) | {"additionalProperties": False}


def _described(name: str, info: FieldInfo, value: dict[str, Any]) -> dict[str, Any]:
    """What a field holds with its description, what holds where it is not given, and an example."""
    found = value | {"description": " ".join((info.description or "").split())}
    if not info.is_required() and isinstance(info.default, str | int | float | bool):
        found["default"] = info.default
    if "properties" in value:
        keys = value.get("required") or [*value["properties"]][:1]
        return found | {"examples": [{key: value["properties"][key]["examples"][0] for key in keys}]}
    return found | {"examples": [_plain(example(name, info), info)]}


def _plain(text: str, info: FieldInfo) -> Any:
    """An example as it stands in a file."""
    kinds = parts_of(info.annotation)
    if text.startswith("{") and any(get_origin(part) is dict for part in kinds):
        return yaml.safe_load(text)
    inside = [inner for part in kinds for arg in (*get_args(part), part) for inner in parts_of(arg)]
    if is_time(info) or not {int, float, bool} & {part for part in inside if isinstance(part, type)}:
        return text
    values = [float(part) if "e-" in part else yaml.safe_load(part) for part in text.split(",")]
    return values if len(values) > 1 else values[0]


def _value(info: FieldInfo, definitions: dict[str, Any]) -> dict[str, Any]:
    if components(info):
        one = {"anyOf": _component(info, definitions)}
        kinds = [*one["anyOf"]]
        if is_many(info):
            kinds += [{"type": "array", "items": one}, {"type": "string", "description": "Names, separated by commas."}]
        return {"anyOf": [*kinds, {"type": "null"}]}
    inner = [part for part in parts_of(info.annotation) if isinstance(part, type) and issubclass(part, Component)]
    if inner:
        return _object(inner[0], definitions)
    kinds = [kind for part in parts_of(info.annotation) for kind in _kinds(part, bounds(info))]
    if is_time(info):
        kinds.append({"type": "string", "pattern": r"^\s*[0-9.]+\s*(h|m|min|s)?.*$|^none$|^auto$"})
    if NoneType in get_args(info.annotation) or info.default is None:
        kinds.append({"type": "null"})
    return kinds[0] if len(kinds) == 1 else {"anyOf": kinds}


def _kinds(part: Any, limits: dict[str, Any]) -> list[dict[str, Any]]:
    """What a file may hold for one kind of value."""
    origin, inside = get_origin(part), get_args(part)
    if origin is Literal:
        return [{"enum": list(inside)}]
    if origin in (tuple, list):
        items = [kind for inner in parts_of(inside[0]) for kind in _kinds(inner, {})]
        item = items[0] if len(items) == 1 else {"anyOf": items}
        return [{"type": "array", "items": item}, *items]
    if origin is dict:
        values = [kind for inner in parts_of(inside[1]) for kind in _kinds(inner, {})]
        pairs = [{"type": "string"}] if values == [{"type": "string"}] else []
        return [{"type": "object", "additionalProperties": values[0]}, *pairs]
    if part in NUMBERS:
        return [{"type": NUMBERS[part]} | limits]
    return [{str: {"type": "string"}, bool: {"type": "boolean"}}.get(part, {})]


def _component(info: FieldInfo, definitions: dict[str, Any]) -> list[dict[str, Any]]:
    """A component as its name, as a mapping with its name, or as `{NAME: {...}}`."""
    held = components(info)
    kind = next(iter(held.values())).__module__.split(".")[1] if held else ""
    shorts: dict[str, Any] = {}
    found: list[dict[str, Any]] = [{"enum": list(held)}]
    for name, cls in held.items():
        place = f"{kind}.{name}"
        if place not in definitions:
            definitions[place] = {}  # a strategy may hold another one
            whole = _object(cls, definitions)
            whole["properties"] = {"name": {"const": name}} | whole["properties"]
            definitions[place] = whole | {"description": _summary(cls)}
        found.append({"allOf": [{"$ref": f"#/definitions/{place}"}, {"required": ["name"]}]})
        shorts[name] = {"anyOf": [{"$ref": f"#/definitions/{place}"}, {"type": "null"}]}
    found.append(
        {"type": "object", "properties": shorts, "additionalProperties": False, "minProperties": 1, "maxProperties": 1}
    )
    if not is_many(info) and not info.is_required():  # one is meant where none is named
        found += [
            {"allOf": [{"$ref": f"#/definitions/{kind}.{name}"}, {"not": {"required": ["name"]}}]} for name in held
        ]
    return found


def _summary(cls: type[Component]) -> str:
    text = (cls.__doc__ or sys.modules[cls.__module__].__doc__ or "").strip()
    return text.splitlines()[0] if text else ""
