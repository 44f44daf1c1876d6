"""Which fields of an example a model reads, and what each of them is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class InputField:
    """A field that is read from a column of the file.

    Args:
        name: of the field, by which the column is called where nothing else is said.
    """

    name: str


@dataclass(frozen=True)
class Text(InputField):
    """A text, or several columns joined to one."""


@dataclass(frozen=True)
class Image(InputField):
    """A picture: a path, or a member of an archive."""


@dataclass(frozen=True)
class Messages(InputField):
    """A conversation: a list of messages, each with a role and a text."""
