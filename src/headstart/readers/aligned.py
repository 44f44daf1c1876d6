"""Line-aligned files, as Moses, fairseq and Marian read them: line n of `train.en` and line n of `train.de` are a row."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from pathlib import Path

import numpy as np

from headstart.data.files import TextLines, open_text
from headstart.data.languages import language_of, same_language
from headstart.errors import DataError
from headstart.types import Dropped, Record, Sheet

PACKED = ".gz"
USUAL = ("source", "target", "src", "tgt", "trg")
"""Endings of the two files that name no language."""


def endings(path: Path) -> dict[str, Path]:
    """Files whose names are that of a path with a further ending, by that ending, `.gz` aside; unpacked ones before packed ones."""
    try:
        names = sorted((each.name for each in path.parent.iterdir()), key=lambda name: (name.endswith(PACKED), name))
    except OSError:
        return {}
    found: dict[str, Path] = {}
    for name in names:
        ending = name.removesuffix(PACKED).removeprefix(f"{path.name}.")
        if name.startswith(f"{path.name}.") and ending and "." not in ending:
            found.setdefault(ending, path.parent / name)
    return found


def side(name: str, found: Mapping[str, Path]) -> Path | None:
    """The file with an ending, or with another code of the same language."""
    if name in found:
        return found[name]
    if language_of(name) is None:
        return None
    return next((path for ending, path in found.items() if language_of(ending) and same_language(ending, name)), None)


def aligned_files(path: Path, sides: Mapping[str, str]) -> dict[str, Path]:
    """The files of a name that stands for several, by column; empty where it is a file itself, or none is there.

    Args:
        path: what the names of the files begin with.
        sides: the ending of each column's file, mostly the code of a language.

    Raises:
        DataError: some are there and others are not.
    """
    if path.is_file() or not path.name:
        return {}
    found = endings(path)
    files = {column: each for column, name in sides.items() if (each := side(name, found))}
    if not files:
        return {}
    missing = [name for column, name in sides.items() if column not in files]
    if missing:
        there = ", ".join(each.name for each in found.values())
        raise DataError(f"{path}.{missing[0]} is not there; of the files called so there are {there}")
    return files


def which_sides(path: Path) -> str:
    """What to say where a name stands for several files and it is open which are meant; empty where it stands for none."""
    if path.is_file() or not path.name:
        return ""
    there = [ending for ending in endings(path) if language_of(ending) or ending in USUAL]
    if len(there) < 2:
        return ""
    codes = all(map(language_of, there[:2]))
    how = "--task translation --source-language {} --target-language {}" if codes else "--text {} --reference {}"
    files = ", ".join(f"{path.name}.{ending}" for ending in there[:9])
    return f"{path}: is no file, and there are {files}; for line-aligned texts say which is which: {how.format(*there[:2])}"


def one_of_several(path: Path) -> str:
    """What to say of a file that is named alone and has others beside it that are line-aligned with it; empty where none is."""
    bare = Path(str(path).removesuffix(PACKED))
    if not language_of(bare.suffix[1:]):
        return ""
    stem = bare.with_suffix("")
    others = [ending for ending in endings(stem) if language_of(ending) and not same_language(ending, bare.suffix[1:])]
    if not others:
        return ""
    return (
        f"{path}: is one of several line-aligned files; name them by what they have in common, {stem}, with --task translation "
        f"--source-language {bare.suffix[1:]} --target-language {others[0]}"
    )


def aligned_sheet(path: Path, files: Mapping[str, Path], encoding: str | None = None) -> Sheet:
    """Rows of line-aligned files, a column each; a line that is empty in all of them is reported.

    Args:
        path: what the names of the files have in common.
        files: by column, at least one.
        encoding: of all of them; None: UTF-8, or UTF-16 and UTF-32 where a file says so.

    Raises:
        DataError: a file cannot be read; while rows stream by, the files have different numbers of lines.
    """
    opened = {column: open_text(each, encoding) for column, each in files.items()}
    said = {f"file {column}": str(lines.path) for column, lines in opened.items()}
    first = next(iter(opened.values()))
    return Sheet(tuple(opened), _records(path, list(opened.values())), {**first.format, **said})


def _records(path: Path, files: Sequence[TextLines]) -> Iterator[Record | Dropped]:
    for number, found in enumerate(zip_longest(*files), start=1):
        if None in found:
            raise DataError(_uneven(path, files))
        texts = tuple(line.rstrip("\r\n") for line in found)
        if any(text.strip() for text in texts):
            yield Record(number, texts)
        else:
            yield Dropped(str(path), number, "is empty on both sides" if len(texts) == 2 else "is empty")


def _uneven(path: Path, files: Sequence[TextLines]) -> str:
    """What is said of files with different numbers of lines, and where the lines of two of them cease to fit."""
    lengths = [np.array(array("i", (len(line.rstrip("\r\n")) for line in lines)), dtype=np.float64) for lines in files]
    counts = ", ".join(f"{lines.path} has {len(own):,}" for lines, own in zip(files, lengths, strict=True))
    longest = max(range(len(files)), key=lambda at: len(lengths[at]))
    shortest = min(range(len(files)), key=lambda at: len(lengths[at]))
    at = first_gap(lengths[longest], lengths[shortest])
    if at == len(lengths[shortest]):
        where = f"they fit to the end of {files[shortest].path}, so its last lines are missing"
    else:
        where = f"by their lengths they cease to fit at line {at + 1:,}; look there for a line too many or too few"
    return f"{path}: line-aligned files have different numbers of lines: {counts}; {where}"


def first_gap(longer: np.ndarray, shorter: np.ndarray) -> int:
    """Number of lines, from the first one on, after which those that one file lacks best fit in.

    The lengths of a text and of its translation grow together (Gale and Church 1993, section 2), so what is missing is sought at
    the one place where the logarithms of the lengths before it, and those behind it with as many lines passed over, differ least.

    Args:
        longer: characters of each line, shape (lines,).
        shorter: those of the file that lacks some, shape (fewer lines,).
    """
    many, few, lacks = np.log1p(longer), np.log1p(shorter), len(longer) - len(shorter)
    apart = np.median(many) - np.median(few)
    before = np.abs(many[: len(few)] - few - apart)
    behind = np.abs(many[lacks:] - few - apart)
    costs = np.concatenate([[0.0], np.cumsum(before)]) + np.concatenate([np.cumsum(behind[::-1])[::-1], [0.0]])
    return int(len(few) - np.argmin(costs[::-1]))  # of equally good places the last
