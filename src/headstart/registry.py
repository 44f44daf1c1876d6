"""Names to components: a table of strings, imported when asked for, open to third parties by entry points."""

import ast
import difflib
import importlib
import importlib.util
from collections.abc import Mapping
from importlib.metadata import entry_points
from typing import Any

from headstart.errors import RecipeError


def did_you_mean(word: str, known: "list[str] | tuple[str, ...]") -> str:
    """Return `; did you mean 'x'?` for the nearest known word, or an empty string."""
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    folded = [name for name in known if name.casefold() == word.casefold()]
    best = folded or near
    return f"; did you mean '{best[0]}'?" if best else ""


class Registry:
    """One kind of component by name.

    Args:
        kind: singular noun used in messages, such as `strategy`.
        table: registry name to `"module:Class"`; nothing is imported before `get`.
        group: entry-point group under which other packages add names.
    """

    def __init__(self, kind: str, table: Mapping[str, str], group: str) -> None:
        self.kind = kind
        self.group = group
        self._table = dict(table)
        self._extended = False

    def names(self) -> list[str]:
        """All registered names, built-in ones first, in table order; imports no component."""
        return list(self._targets())

    def get(self, name: str) -> Any:
        """Import and return the class behind `name`.

        Raises:
            RecipeError: the name is not registered.
        """
        targets = self._targets()
        if name not in targets:
            hint = did_you_mean(name, list(targets))
            raise RecipeError([f"unknown {self.kind} '{name}'{hint} (known: {', '.join(targets)})"])
        module, _, attribute = targets[name].partition(":")
        return getattr(importlib.import_module(module), attribute)

    def summary(self, name: str) -> str:
        """First line of the docstring of the module behind `name`, read without importing it."""
        spec = importlib.util.find_spec(self._targets()[name].partition(":")[0])
        if spec is None or spec.origin is None:
            return ""
        with open(spec.origin, encoding="utf-8") as file:
            docstring = ast.get_docstring(ast.parse(file.read())) or ""
        return docstring.split("\n")[0]

    def _targets(self) -> dict[str, str]:
        if not self._extended:
            for point in entry_points(group=self.group):
                self._table.setdefault(point.name, point.value)
            self._extended = True
        return self._table
