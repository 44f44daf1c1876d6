"""The page of all public names in Python: signatures and docstrings."""

from __future__ import annotations

import inspect
import re
from typing import Any

import docstrings
import headstart
from headstart.recipes.verbs import VERBS

WIDEST = 96
"""Characters of a signature on one line."""


def page() -> str:
    """Public functions and classes, with the methods of classes, as Markdown."""
    text = (
        "All public names are in `headstart`. Importing it takes no time: each name is imported when it is first used."
    )
    parts = ["# Python", text]
    things = {name: getattr(headstart, name) for name in headstart.__all__}
    found = [(name, thing) for name, thing in things.items() if callable(thing)]
    for name, thing in sorted(found, key=lambda each: (isinstance(each[1], type), _is_error(each[1]))):
        doc = docstrings.read(thing)
        call = "" if _is_error(thing) else f"```python\n{signature(name, thing)}\n```"
        parts += [f"({name})=\n\n## {name}", call, doc.summary, doc.body, docstrings.lists(doc)]
        parts.append(f"All options: [{name}](verbs/{name}.md)." if name in VERBS.names() else "")
        for key, method in _methods(thing) if isinstance(thing, type) and not _is_error(thing) else []:
            inner = docstrings.read(method)
            call = f"```python\n{signature(key, method)}\n```"
            parts += [f"### {name}.{key}", call, inner.summary, inner.body, docstrings.lists(inner)]
    return "\n\n".join(part.strip() for part in parts if part.strip()) + "\n"


def _is_error(thing: Any) -> bool:
    return isinstance(thing, type) and issubclass(thing, Exception)


def _methods(cls: type) -> list[tuple[str, Any]]:
    """Public methods that headstart itself documents."""
    found = [(key, each) for key, each in inspect.getmembers(cls) if not key.startswith("_") and callable(each)]
    return [(key, each) for key, each in found if (each.__module__ or "").startswith("headstart.") and each.__doc__]


def signature(name: str, thing: Any) -> str:
    """A call with its parameters, one a line where they are many."""
    given = inspect.signature(thing)
    parameters = [each for each in given.parameters.values() if each.name != "self"]
    words: list[str] = []
    for at, each in enumerate(parameters):
        if each.kind is each.KEYWORD_ONLY and not any(
            other.kind in (other.KEYWORD_ONLY, other.VAR_POSITIONAL) for other in parameters[:at]
        ):
            words.append("*")
        words.append(_parameter(each))
    back = _kind(given.return_annotation)
    tail = f" -> {back}" if back and not isinstance(thing, type) else ""
    line = f"{name}({', '.join(words)}){tail}"
    return line if len(line) <= WIDEST else f"{name}(\n    " + ",\n    ".join(words) + f",\n){tail}"


def _parameter(each: inspect.Parameter) -> str:
    stars = {each.VAR_POSITIONAL: "*", each.VAR_KEYWORD: "**"}.get(each.kind, "")
    kind = _kind(each.annotation)
    word = f"{stars}{each.name}" + (f": {kind}" if kind else "")
    if each.default is each.empty:
        return word
    plain = each.default is None or isinstance(each.default, str | int | float | bool | tuple)
    return f"{word} = {each.default!r}" if plain else f"{word} = ..."


def _kind(annotation: Any) -> str:
    if annotation is inspect.Parameter.empty:
        return ""
    text = annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)
    return re.sub(r"\b(?:[a-z_]+\.)+(?=[A-Z])", "", text)
