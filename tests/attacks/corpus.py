"""Attacks by name: what each does to a copy of an honest folder, and what has to come of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple


class Attack(NamedTuple):
    """One way in which a folder or file lies."""

    name: str
    make: Callable[[Path], object]
    """Changes a folder that is honest so far."""
    said: tuple[str, ...]
    """What a refusal says, besides what is wrong: the file, the key."""
    codes: tuple[int, ...]
    """Exit codes that are right; with 0 the answer is that of the honest folder."""
    free: bool = False
    """Whether the answer may be another one, since what the folder says of itself is another thing."""


class Corpus:
    """Attacks on one kind of thing, as decorators put them in."""

    def __init__(self, refusal: int) -> None:
        self.refusal = refusal
        self.attacks: list[Attack] = []

    def refused(self, *said: str, code: int = 0) -> Callable[[Callable[[Path], object]], Callable[[Path], object]]:
        """It has to be refused.

        Args:
            said: what the message names.
            code: exit code, where it is not that of the corpus.
        """
        return self._kept((code or self.refusal,), said)

    def harmless(self, *said: str) -> Callable[[Callable[[Path], object]], Callable[[Path], object]]:
        """It is refused, or has no vote: the answer is that of the honest folder."""
        return self._kept((0, self.refusal), said)

    def each(
        self,
        said: tuple[str, ...],
        codes: tuple[int, ...],
        ways: Mapping[str, Callable[[Path], object]],
        *,
        free: bool = False,
    ) -> None:
        """Attacks that differ by a value, by name."""
        self.attacks += [Attack(name, make, said, codes, free) for name, make in ways.items()]

    def _kept(
        self, codes: tuple[int, ...], said: tuple[str, ...]
    ) -> Callable[[Callable[[Path], object]], Callable[[Path], object]]:
        def keep(make: Callable[[Path], object]) -> Callable[[Path], object]:
            self.attacks.append(Attack(make.__name__.replace("_", " "), make, said, codes))
            return make

        return keep
