"""Fields of components as tables: the flag or key, what it takes, its default, what it means."""

from __future__ import annotations

import re
from collections.abc import Iterable

from pydantic.fields import FieldInfo

from headstart.recipes.values import default as usual
from headstart.recipes.values import is_switch, kind, span


def takes(info: FieldInfo) -> str:
    """What a field takes: its choices where it has some, else the kind of value; with its range, and whether it is required."""
    words = "yes or no" if is_switch(info) else re.sub(r"'([^']*)'", r"`\1`", kind(info))
    return ", ".join(part for part in (words, span(info), "required" * info.is_required()) if part)


def default(info: FieldInfo) -> str:
    """The default of a field as Markdown; empty where it is found out in the run or there is none."""
    return {"true": "yes", "false": "no"}.get(usual(info), f"`{usual(info)}`" if usual(info) else "")


def table(rows: Iterable[tuple[str, FieldInfo | None, str]]) -> str:
    """A Markdown table.

    Args:
        rows: name, field and help of each; what is no field of a recipe has None.
    """
    lines = ["{.settings}", "| name | takes | default | meaning |", "| --- | --- | --- | --- |"]
    for name, info, text in rows:
        values = (takes(info), default(info)) if info is not None else ("", "")
        cells = (f"`{name}`", *values, " ".join((text or "").split()))
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines)
