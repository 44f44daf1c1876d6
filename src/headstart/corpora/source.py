"""Which raw text: files, globs, folders and hub data sets, and what one document is in them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator

from headstart.config import Component, path_of_input
from headstart.errors import quoted

HUB = "hub:"
"""How the name of a data set on the hub begins, among names of files."""

MOST_DESCENTS = 2
"""Times that a glob may say `**`; each more multiplies the folders that are gone through."""

Rule = Literal["file", "paragraph", "line", "row"]
"""What one document is: the whole file, lines between blank lines, each line, or each row of a table."""


def _split(value: Any) -> Any:
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


class TextSource(Component):
    """Text without labels, to learn a language or a domain from."""

    texts: Annotated[tuple[str, ...], BeforeValidator(_split)] = Field(min_length=1)
    """Files, globs, folders (all files in them and below that end in .txt, .text or as a table does, each also with .gz)
    or `hub:ID`, `hub:ID:SPLIT` for data sets of the hub; a string is split at commas."""
    documents: Literal["auto", "file", "paragraph", "line"] = "auto"
    """What one document is in plain text: the whole `file`, a `paragraph` between blank lines or each `line`; rows of
    tables always are. `auto`: paragraphs in files whose paragraphs have a median of 100 words or more, else the file."""
    column: str | None = None
    """Column of tables with the text; by default the one named text, content or document, or the only one."""
    encoding: str | None = None
    """Encoding of the files, such as `cp1252`; by default UTF-8, or what a byte order mark says. Never guessed."""
    near_duplicates: float | None = Field(default=None, gt=0, lt=1)
    """Share of word 5-grams in common, in (0, 1), from which on a document counts as a copy of an earlier one and is left
    out; 0.8 is usual. By default only exact copies are."""

    @field_validator("texts")
    @classmethod
    def _named(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for text in value:
            path_of_input(text)
            if text.count("**") > MOST_DESCENTS:
                raise ValueError(
                    f"{quoted(text)} goes through folders more than {MOST_DESCENTS} times; one '**' goes through all"
                )
            if not text.strip() or (text.startswith(HUB) and not text.removeprefix(HUB).strip(":")):
                raise ValueError(f"'{text}' names nothing; write files, folders or hub:ID")
        return value
