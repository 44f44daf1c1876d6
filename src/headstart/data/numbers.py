"""Numbers as people write them: with a comma between thousands or before decimals, with a sign of per cent or of money beside."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

MOSTLY = 0.9
"""Share of the cells of a column that have to carry a sign for it to be that of the column."""
_PLAIN = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_GROUPED = re.compile(r"[-+]?[1-9]\d{0,2}(?P<groups>(?:,\d{3})+)(?P<point>\.\d+)?")
_COMMA = re.compile(r"[-+]?(?:\d+|\d{1,3}(?:[.' \u00a0\u202f]\d{3})+),\d+")
_MINUS = frozenset("\u2212\u2013\ufe63\uff0d")
_SIGNS = "%\u2030$\u20ac\u00a3\u00a5\u20b9\u20a9\u20bd\u20ba"
_MARKED = re.compile(
    rf"(?P<minus>[-+]?)(?:(?P<before>[{_SIGNS}])\s*(?P<first>[-+]?[\d.,]*\d\.?)|(?P<second>[\d.,]*\d\.?)\s*(?P<behind>[{_SIGNS}]))"
)


@dataclass(frozen=True)
class Notation:
    """How the numbers of a column are written, as far as not all programs read them so.

    Args:
        sign: of per cent or of money, which every number carries; empty where they carry none.
        grouped: whether commas part thousands.
    """

    sign: str = ""
    grouped: bool = False

    @classmethod
    def of(cls, cells: Iterable[str | None]) -> Notation:
        """The notation of the cells of a column; commas part thousands where nothing else can be meant.

        That is where all of them stand before three digits and some number has two, or a point behind one, or where numbers
        under a thousand have none.
        """
        filled = [_hyphened(cell.strip()) for cell in cells if cell and cell.strip()]
        signs = [found["before"] or found["behind"] for cell in filled if (found := _MARKED.fullmatch(cell))]
        sign = signs[0] if signs and len({*signs}) == 1 and len(signs) >= MOSTLY * len(filled) else ""
        return cls(sign, _are_grouped([_bare(cell, sign) for cell in filled]))

    def number(self, cell: str) -> float | None:
        """The finite number that a cell says, else None."""
        said = _hyphened(cell.strip())
        if self.sign:
            found = _MARKED.fullmatch(said)
            if found is None or (found["before"] or found["behind"]) != self.sign:
                return None
            said = _bare(said, self.sign)
        return number_of(said.replace(",", "") if self.grouped and _GROUPED.fullmatch(said) else said)

    @property
    def said(self) -> str:
        """What is read in another way than as it stands, as a clause; empty where nothing is."""
        found = [
            *([f"'{self.sign}' is left out of the numbers"] if self.sign else []),
            *(["commas part thousands ('1,234' is 1234)"] if self.grouped else []),
        ]
        return " and ".join(found)


@dataclass(frozen=True)
class Numbers:
    """The cells of a column, read as numbers where they are some."""

    cells: Sequence[str]
    """Those that hold something."""

    @cached_property
    def notation(self) -> Notation:
        """How they are written."""
        return Notation.of(self.cells)

    @cached_property
    def values(self) -> list[float]:
        """The finite numbers among them."""
        found = map(self.notation.number, self.cells)
        return [value for value in found if value is not None]

    @cached_property
    def decimal_comma(self) -> str | None:
        """A number with a comma of which it is open, or plain, that it stands before decimals; None where there is none."""
        if self.notation.grouped or any(re.fullmatch(r"\d+(?:, ?\d+){2,}", cell.strip()) for cell in self.cells):
            return None
        found = [cell for cell in self.cells if has_decimal_comma(cell)]
        read = len(found) + sum(self.notation.number(cell) is not None for cell in self.cells)
        return found[0] if found and read >= MOSTLY * len(self.cells) else None


def number_of(cell: str) -> float | None:
    """The finite number that a text says, else None; digits are parted by nothing and the decimal sign is a point."""
    try:
        value = float(cell) if "_" not in cell else math.nan
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def has_decimal_comma(cell: str) -> bool:
    """Whether a cell is a number as many countries write it."""
    return _COMMA.fullmatch(_bare(_hyphened(cell.strip()), "")) is not None


def with_point(cell: str) -> str:
    """How to write a number with a comma, in words: `1.234,5` as 1234.5; `1,234` may be two numbers."""
    said = re.sub(r"[^-+\d,.]", "", _hyphened(cell))
    if _GROUPED.fullmatch(said):
        return f"{said.replace(',', '')} or {said.replace(',', '.')}, whichever is meant by"
    return f"{said.replace('.', '').replace(',', '.')} for"


def _hyphened(cell: str) -> str:
    """A number whose sign, a minus or a dash as word processors set it, is the hyphen that programs read."""
    return f"-{cell[1:]}" if cell[:1] in _MINUS else cell


def _bare(cell: str, sign: str) -> str:
    """A number without the sign beside it, whichever that is where none is named."""
    found = _MARKED.fullmatch(cell)
    if found is None or (sign and (found["before"] or found["behind"]) != sign):
        return cell
    return found["minus"] + (found["first"] or found["second"])


def _are_grouped(cells: Sequence[str]) -> bool:
    commas = [cell for cell in cells if "," in cell]
    found = [_GROUPED.fullmatch(cell) for cell in commas]
    if not commas or None in found:
        return False
    plain = [value for cell in cells if "," not in cell and (value := number_of(cell)) is not None]
    sure = any(match and (match["point"] or match["groups"].count(",") > 1) for match in found)
    return sure or (bool(plain) and all(abs(value) < 1000 for value in plain))
