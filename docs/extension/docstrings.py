"""Docstrings in Google's form as Markdown: sections become lists, examples become blocks of code."""

from __future__ import annotations

import inspect
import re
from typing import Any, NamedTuple

FACTS = ("Needs", "Inputs", "Loss", "See also")
"""Headings of components, whose text stands on the same line."""
LISTS = ("Args", "Attributes", "Returns", "Raises")
"""Headings of functions and classes, whose text stands below them."""
EXAMPLE = "Example"


class Doc(NamedTuple):
    """The parts of a docstring."""

    summary: str
    """Its first paragraph, as one line."""
    body: str
    """Further paragraphs."""
    facts: dict[str, str]
    """What stands behind `Needs:` and the like."""
    lists: dict[str, list[tuple[str, str]]]
    """Name and meaning below `Args:` and the like; names are empty below `Returns:`."""
    examples: list[str]
    """Lines of the example."""


def read(thing: Any) -> Doc:
    """The docstring of a class, function or module; all parts are empty where there is none."""
    text = inspect.cleandoc(getattr(thing, "__doc__", None) or "")
    blocks: list[tuple[str, list[str]]] = [("", [])]
    for line in text.splitlines():
        found = re.match(rf"({'|'.join((*FACTS, *LISTS, EXAMPLE))}):(?:\s+(.*))?$", line)
        if found:
            blocks.append((found[1], [found[2] or ""]))
        else:
            blocks[-1][1].append(line)
    summary, _, body = "\n".join(blocks[0][1]).strip().partition("\n\n")
    facts = {name: _joined(lines) for name, lines in blocks[1:] if name in FACTS}
    lists = {name: _entries(lines) for name, lines in blocks[1:] if name in LISTS}
    examples = [line.strip() for name, lines in blocks[1:] if name == EXAMPLE for line in lines if line.strip()]
    return Doc(" ".join(summary.split()), body.strip(), facts, lists, examples)


def _joined(lines: list[str]) -> str:
    return " ".join(" ".join(lines).split())


def _entries(lines: list[str]) -> list[tuple[str, str]]:
    """`name: meaning` with its indented further lines, one pair each; text without a name stays whole."""
    given = [line for line in lines if line.strip()]
    least = min((len(line) - len(line.lstrip()) for line in given), default=0)
    entries: list[list[str]] = []
    for line in given:
        if len(line) - len(line.lstrip()) == least:
            entries.append([])
        entries[-1].append(line.strip())
    found = [re.match(r"(\*{0,2}\w+): (.*)", " ".join(entry), re.DOTALL) for entry in entries]
    if not all(found):
        return [("", _joined(given))] if given else []
    return [(match[1], match[2]) for match in found if match]


def lists(doc: Doc) -> str:
    """Arguments, results and errors as Markdown lists."""
    parts = []
    for name, entries in doc.lists.items():
        title = {"Args": "Arguments"}.get(name, name)
        lines = [f"- `{key}`: {text}" if key else f"- {text}" for key, text in entries]
        parts.append("\n".join([f"**{title}**", "", *lines]))
    return "\n\n".join(parts)
