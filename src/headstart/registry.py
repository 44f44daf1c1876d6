"""Names to components: a table of strings, imported when asked for, open to third parties by entry points."""

import importlib
import importlib.util
import os
import re
import sys
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from typing import Any

from headstart.errors import RecipeError, quoted


def did_you_mean(word: str, known: "list[str] | tuple[str, ...]") -> str:
    """Return `; did you mean 'x'?` for a known word that `word` may be a slip for, or an empty string; see `near`."""
    best = near(word, known)
    return f"; did you mean '{best}'?" if best else ""


def near(word: str, known: "list[str] | tuple[str, ...]") -> str:
    """The known word that `word` may be a slip for, or an empty string.

    That is one that differs in case, in what joins its parts or by `y` and `ies` alone, the one that `word` is the beginning
    of, or the nearest by letters that are wrong, missing, too many or swapped: one for every three letters, three at most.
    """
    plain = _joined(word)
    folded = [name for name in known if _joined(name) == plain]
    if folded or not plain:
        return folded[0] if folded else ""
    slips = min(3, len(plain) // 3)
    counted = [(_slips(plain, _joined(name), slips), name) for name in known]
    best = min(counted, key=lambda each: each[0], default=(slips + 1, ""))
    if best[0] <= slips:
        return best[1]
    begun = [name for name in known if len(plain) > 2 and _joined(name).startswith(plain)]
    return begun[0] if len(begun) == 1 else ""


def _joined(word: str) -> str:
    plain = word.casefold().replace("_", "-")
    return f"{plain.removesuffix('ies')}y" if plain.endswith("ies") else plain


def _slips(one: str, other: str, most: int) -> int:
    """Letters that are wrong, missing, too many or swapped with the next (optimal string alignment), `most` + 1 for more."""
    if abs(len(one) - len(other)) > most:
        return most + 1
    before: list[int] = []
    last = list(range(len(other) + 1))
    for at, letter in enumerate(one):
        row = [at + 1]
        for to, wanted in enumerate(other):
            cost = min(last[to + 1] + 1, row[to] + 1, last[to] + (letter != wanted))
            if at and to and letter == other[to - 1] and one[at - 1] == wanted:
                cost = min(cost, before[to - 1] + 1)
            row.append(cost)
        before, last = last, row
    return min(last[-1], most + 1)


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
        module, _, attribute = self.target(name).partition(":")
        return getattr(importlib.import_module(module), attribute)

    def target(self, name: str) -> str:
        """Where the component is, as `module:Class`.

        Raises:
            RecipeError: the name is not registered.
        """
        targets = self._targets()
        if name not in targets:
            hint = did_you_mean(name, list(targets))
            raise RecipeError([f"unknown {self.kind} {quoted(name)}{hint} (known: {', '.join(targets)})"])
        return targets[name]

    def summary(self, name: str) -> str:
        """First line of the docstring of the module behind `name`, read without importing it."""
        return first_line(self.target(name).partition(":")[0])

    def _targets(self) -> dict[str, str]:
        if not self._extended:
            for name, target in _entry_points(self.group):
                self._table.setdefault(name, target)
            self._extended = True
        return self._table


def _entry_points(group: str) -> list[tuple[str, str]]:
    """Names and targets that installed packages have in an entry-point group."""
    # A look at the files first: importing what reads them takes a third of the time of `headstart --help`.
    if not any(f"[{group}]" in declared for declared in _declared(tuple(sys.path))):
        return []
    from importlib.metadata import entry_points

    return [(point.name, point.value) for point in entry_points(group=group)]


@cache
def _declared(places: tuple[str, ...]) -> list[str]:
    """The files in which packages in some folders declare their entry points."""
    found = []
    for place in places:
        with suppress(OSError):
            for entry in os.scandir(place or "."):
                if entry.name.endswith((".dist-info", ".egg-info")):
                    with (
                        suppress(OSError),
                        open(os.path.join(entry.path, "entry_points.txt"), encoding="utf-8") as file,
                    ):
                        found.append(file.read())
    return found


def first_line(target: str) -> str:
    """First line of the docstring of `module` or `module:Class`, read without importing it; empty where there is none."""
    module, _, name = target.partition(":")
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None:
        return ""
    with open(spec.origin, encoding="utf-8") as file:
        text = file.read()
    # Read as text: parsing the syntax of a file takes longer than all else that a list of names does.
    found = re.search(rf'^class {name}\b[^\n]*:\n    """(.*)' if name else r'\A"""(.*)', text, re.MULTILINE)
    return found[1].removesuffix('"""') if found else ""
