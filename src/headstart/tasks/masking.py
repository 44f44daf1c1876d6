"""Terms that a model never reads: one word stands in the place of each, in training and in prediction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import Annotated, Any

import yaml
from pydantic import BeforeValidator, Field

from headstart.config import Component
from headstart.data.examples import texts_of, with_texts
from headstart.data.store import Store
from headstart.data.terms import SHAPE, TermList, read_terms, term_lists
from headstart.errors import DataError, quoted

Lists = dict[str, tuple[str, ...] | tuple[tuple[str, ...], ...]]


def _lists(given: Any) -> Any:
    """Lists of terms by name, of the file of that name or as they are given."""
    if not isinstance(given, str | dict):
        return given
    if isinstance(given, str) and given.lstrip().startswith("{"):
        given = inline(given)
    found = read_terms(given, 1) if isinstance(given, str) else term_lists(_plain(given), "mask_terms", 1)
    return {each.name: each.table if len(each.table) > 1 else each.terms for each in found}


def inline(text: str) -> Any:
    """Lists that are written in the place of the name of a file.

    Raises:
        DataError: it is no mapping.
    """
    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError:
        found = None
    if not isinstance(found, dict):
        raise DataError(f"mask_terms: {quoted(text)} is no mapping; {SHAPE}")
    return found


class MaskedTerms(Component):
    """What tasks on whole texts have: terms that are replaced by one word wherever texts come in."""

    mask_terms: Annotated[Lists | None, BeforeValidator(_lists)] = None
    """File with terms that the model is not to read, such as names of groups of people, or these as lists by name: one word stands
    in the place of each, in training and in prediction, so that no label hangs on which of them it was."""
    mask_word: str = Field(default="person", min_length=1, max_length=40)
    """Word that stands in their place."""

    @cached_property
    def masks(self) -> tuple[TermList, ...]:
        """The lists of terms that are replaced."""
        given = self.mask_terms
        return () if given is None else term_lists(_plain(given), "mask_terms", 1)

    def masked(self, text: str) -> str:
        """A text as the model reads it."""
        for each in self.masks:
            text = each.masked(text, self.mask_word)
        return text

    @property
    def alters_texts(self) -> bool:
        """Whether terms are masked."""
        return bool(self.masks)

    def as_read(self, rows: Store[Any]) -> Store[Any]:
        """Rows as the model reads them; the very rows where no terms are masked."""
        if not self.masks:
            return rows
        return replace(
            rows, examples=[with_texts(each, [self.masked(text) for text in texts_of(each)]) for each in rows.examples]
        )

    def input_of(self, parts: Sequence[str | None]) -> Any:
        """What a tokenizer is given of the text columns of a row, see `Task.input_of`."""
        return super().input_of([part and self.masked(part) for part in parts] if self.masks else parts)  # type: ignore[misc]

    def checked(self, at: int, given: Any) -> Any:
        """What a tokenizer is given of what a user hands over, see `Task.checked`."""
        found = super().checked(at, given)  # type: ignore[misc]
        if not self.masks:
            return found
        return self.masked(found) if isinstance(found, str) else tuple(self.masked(part) for part in found)


def _plain(given: Any) -> Any:
    """Lists in the place of tuples."""
    if isinstance(given, dict):
        return {name: _plain(each) for name, each in given.items()}
    return [_plain(each) for each in given] if isinstance(given, tuple | list) else given
