"""Markdown of model cards, which text from outside cannot leave."""

import re
from collections.abc import Sequence
from typing import Any

from headstart.drawing.scores import LABEL_LIMIT
from headstart.drawing.text import legible, shortened

_MARKDOWN = re.compile(r"([\\`*_\[\]<>|#~$&!])")


def markdown(text: Any) -> str:
    """`text` on one line, with every character that Markdown or HTML would read escaped."""
    return _MARKDOWN.sub(r"\\\1", shortened(legible(str(text)), 4 * LABEL_LIMIT))


def cell(text: Any) -> str:
    """A name, of at most `LABEL_LIMIT` characters, as `markdown` writes it."""
    return markdown(shortened(str(text), LABEL_LIMIT))


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """A Markdown table; a column whose name ends in `|` is aligned to the right."""
    heads = [column.rstrip("|") for column in columns]
    rule = ["---:" if column.endswith("|") else "---" for column in columns]
    return [f"| {' | '.join(cells)} |" for cells in (heads, rule, *rows)]


def fenced(code: str, language: str) -> list[str]:
    """A code block whose fence is longer than any run of backticks inside it."""
    longest = max((len(run) for run in re.findall(r"`+", code)), default=0)
    fence = "`" * max(3, longest + 1)
    return [f"{fence}{language}", code, fence]
