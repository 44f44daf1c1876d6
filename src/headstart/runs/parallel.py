"""Lines that say the same in two languages: read, checked and counted."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from headstart.backbones.transplanting import WORD
from headstart.checks.languages import language_remarks
from headstart.data.languages import language_of, same_language
from headstart.data.table import load
from headstart.errors import DataError, RecipeError
from headstart.readers.aligned import PACKED, aligned_sheet
from headstart.readers.opening import is_plain, open_table

SIDES = ("source", "target")
COPIES = 0.5
"""Share of lines that are equal on both sides from which on one side is a copy of the other."""
LEAST_LINES = 20
"""Lines below which there is nothing to learn a language from."""
SEEN = 3
"""Lines that a word occurs in at least before its translation is believed."""


class Languages(NamedTuple):
    """Languages of both sides; None where one is not known."""

    source: str | None = None
    target: str | None = None


UNKNOWN = Languages()


@dataclass
class ParallelLines:
    """Lines that say the same."""

    sources: list[str]
    targets: list[str]
    remarks: list[str] = field(default_factory=list)
    """What is odd about them, in sentences."""
    languages: Languages = UNKNOWN

    def __len__(self) -> int:
        return len(self.sources)

    def take(self, rows: Sequence[int]) -> ParallelLines:
        """Some of the lines, without remarks."""
        chosen = ([side[row] for row in rows] for side in (self.sources, self.targets))
        return ParallelLines(*chosen, languages=self.languages)


def read_parallel(
    source: str,
    target: str | None,
    *,
    columns: Sequence[str] = (),
    encoding: str | None = None,
    named: Languages = UNKNOWN,
) -> ParallelLines:
    """Lines of two aligned files, or of two columns of a table, composed (Unicode NFC), without pairs of which a side is empty.

    Args:
        source: file of the one side, or a table.
        target: file of the other side; None for a table.
        columns: two of the table; the only two if none are given.
        encoding: of the files.
        named: languages, where they are known; else what the files' names end in or the columns are called.

    Raises:
        MissingInputError: a file is not there.
        DataError: files of different length, no two columns, a side without text, or that is a copy of the other.
    """
    where = source if target is None else f"{source} and {target}"
    if target is not None:
        if columns:
            raise RecipeError(["columns: are those of a table, and there are two files; leave them out"])
        files = {"source": Path(source), "target": Path(target)}
        table = load(aligned_sheet(Path(where), files, encoding), where)
        names, tags = SIDES, tuple(_ending(path) for path in files.values())
    else:
        if is_plain(Path(source)) and Path(source).is_file():
            raise DataError(f"{source} is no table; name a second file with the same lines in the other language")
        table = open_table(source, encoding=encoding)
        names = tags = _two(tuple(columns) or tuple(table.columns), tuple(table.columns), source)
    known = Languages(
        *(given or (tag if tag and language_of(tag) else None) for given, tag in zip(named, tags, strict=True))
    )
    left, right = ([str(cell or "") for cell in table.columns[name]] for name in names)
    return _checked(left, right, list(table.lines), where, names, known)


def _ending(path: Path) -> str:
    return path.name.removesuffix(PACKED).rpartition(".")[2] if "." in path.name else ""


def _two(columns: tuple[str, ...], there: tuple[str, ...], file: str) -> tuple[str, str]:
    if lacking := [name for name in columns if name not in there]:
        raise DataError(f"{file} has no column '{lacking[0]}'; there are {', '.join(there)}")
    if len(columns) != 2:
        raise DataError(
            f"{file} has the columns {', '.join(there)}; say which two say the same: --columns SOURCE,TARGET"
        )
    return columns[0], columns[1]


def _checked(
    left: list[str], right: list[str], lines: list[int], where: str, names: Sequence[str], known: Languages
) -> ParallelLines:
    """Pairs of which both sides say something, with what is odd about them."""
    remarks: list[str] = []
    for at, side in enumerate((left, right)):
        composed = [unicodedata.normalize("NFC", text) for text in side]
        if changed := sum(one != other for one, other in zip(side, composed, strict=True)):
            remarks.append(
                f"{where}: {changed:,} lines of the {SIDES[at]} have letters apart from their accents; they are composed"
            )
        side[:] = composed
    whole = [row for row, pair in enumerate(zip(left, right, strict=True)) if all(text.strip() for text in pair)]
    for at, side in enumerate((left, right)):
        empty = [row for row, text in enumerate(side) if not text.strip()]
        if len(empty) == len(side):
            raise DataError(f"{where}: the {SIDES[at]} has no text in any of {len(side):,} lines")
        if empty:
            shown = ", ".join(str(lines[row]) for row in empty[:5])
            remarks.append(f"{where}: {len(empty):,} lines of the {SIDES[at]} are empty (lines {shown}) and left out")
    lines = [lines[row] for row in whole]
    found = ParallelLines([left[row] for row in whole], [right[row] for row in whole], remarks, known)
    if len(found) < LEAST_LINES:
        raise DataError(
            f"{where}: {len(found):,} pairs of lines are too few to learn from; expected {LEAST_LINES} or more"
        )
    copies = [
        row
        for row, (one, other) in enumerate(zip(found.sources, found.targets, strict=True))
        if one.strip() == other.strip()
    ]
    if len(copies) >= COPIES * len(found):
        raise DataError(
            f"{where}: {len(copies):,} of {len(found):,} lines are the same on both sides, so one is a copy of the other and no "
            "translation"
        )
    if copies:
        shown = ", ".join(str(lines[row]) for row in copies[:5])
        remarks.append(f"{where}: {len(copies):,} lines are the same on both sides (lines {shown})")
    if known.source and known.target:
        if same_language(known.source, known.target):
            raise DataError(f"{where}: both sides are said to be in {known.source}; give two languages")
        texts = (found.sources, found.targets)
        remarks += language_remarks(where, lines, (str(names[0]), str(names[1])), texts, (known.source, known.target))
    return found


def cuts_remark(pieces: tuple[float, float], teacher: str) -> str:
    """What is said where the teacher cuts the words of its own side into more pieces than those of the other; empty else.

    Args:
        pieces: of each word on average, of the source and of the target.
        teacher: its name.
    """
    if pieces[0] <= pieces[1] * 1.1:
        return ""
    return (
        f"{teacher} cuts a word of the source into {pieces[0]:.2f} pieces and one of the target into {pieces[1]:.2f}: it seems to "
        "read the target better; are the sides swapped?"
    )


def lexicon_of(lines: ParallelLines, *, lowercase: bool, seed: int = 0) -> dict[str, str]:
    """Words of the target to the words of the source that they stand for, by `word_translations`, of those seen often enough.

    Args:
        lines: that say the same.
        lowercase: make all words lower-case.
        seed: of the draw where there are more pairs of words than fit.
    """
    from collections import Counter

    from headstart.solving.alignment import word_translations

    sources, targets = ([_words(text, lowercase) for text in side] for side in (lines.sources, lines.targets))
    seen = Counter(word for row in targets for word in {*row})
    found = word_translations(targets, sources, seed=seed)
    return {word: other for word, other in found.items() if seen[word] >= SEEN}


def _words(text: str, lowercase: bool) -> list[str]:
    return WORD.findall(text.lower() if lowercase else text)
