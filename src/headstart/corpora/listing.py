"""From names on the command line to files: globs, folders, each file once."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal, NamedTuple

from headstart.corpora.source import HUB
from headstart.data.files import require_file
from headstart.errors import MissingInputError
from headstart.readers import READERS
from headstart.registry import did_you_mean
from headstart.runtime.progress import Progress

TEXT_ENDINGS = (".txt", ".text")
"""Endings of plain text that a folder is searched for; a file that is named may have any."""
DESCENT = "**"
"""The part of a glob that stands for any folders."""


class Place(NamedTuple):
    """Where documents come from."""

    name: str
    """As it is shown: the path, or `hub:ID:SPLIT`."""
    kind: Literal["text", "table", "hub"]


def listed(texts: Sequence[str], progress: Progress, *, endings: Sequence[str] = TEXT_ENDINGS) -> list[Place]:
    """The files and data sets behind the names, in the order given, those of a glob or folder sorted; each once.

    Args:
        texts: names of files, folders, globs or data sets of the hub.
        progress: told what of a folder is left out.
        endings: of plain text that a folder is searched for beside tables.

    Raises:
        MissingInputError: a file that is not there, a glob that fits none, or a folder without texts.
        DataError: a pipe or a device.
    """
    tables = _table_endings()
    places: dict[str, Place] = {}
    for text in texts:
        if text.startswith(HUB):
            places.setdefault(text, Place(text, "hub"))
            continue
        for path in _files(text, tables, endings, progress):
            require_file(path)
            kind = "table" if _ending(path) in tables else "text"
            places.setdefault(os.path.realpath(path), Place(str(path), kind))
    return list(places.values())


def _table_endings() -> frozenset[str]:
    return frozenset(ending for name in READERS.names() for ending in READERS.get(name).extensions)


def _ending(path: Path) -> str:
    endings = [ending.lower() for ending in path.suffixes]
    return "" if not endings else endings[-2] if endings[-1] == ".gz" and len(endings) > 1 else endings[-1]


def _files(text: str, tables: frozenset[str], endings: Sequence[str], progress: Progress) -> list[Path]:
    path = Path(text)
    if path.is_dir():
        return _inside(path, tables, endings, progress)
    if not glob.has_magic(text) or path.exists():
        return [path]
    found = sorted(_below(path) if DESCENT in path.parts else (Path(name) for name in glob.glob(text)))
    files = [each for each in found if not each.is_dir()]
    if not files:
        raise MissingInputError(_unmatched(path, text, folders=len(found)))
    return files


def _below(pattern: Path) -> Iterator[Path]:
    """What a glob with `**` fits, through no links to folders; those that lead out of where it begins are not its own."""
    at = next(number for number, part in enumerate(pattern.parts) if glob.has_magic(part))
    top, wanted = Path(*pattern.parts[:at]), pattern.parts[at:]
    for place, folders, names in os.walk(top):
        here = Path(place).relative_to(top).parts
        for name in (*folders, *names):
            path = Path(place, name)
            if _fits((*here, name), wanted) and not _leads_out(path, top):
                yield path


def _fits(parts: Sequence[str], wanted: Sequence[str]) -> bool:
    """Whether a path fits a glob part by part; hidden ones fit where the glob writes the dot."""
    if not wanted:
        return not parts
    if wanted[0] == DESCENT:
        hidden = next((at for at, part in enumerate(parts) if part.startswith(".")), len(parts))
        return any(_fits(parts[at:], wanted[1:]) for at in range(hidden + 1))
    seen = bool(parts) and parts[0].startswith(".") <= wanted[0].startswith(".")
    return seen and fnmatchcase(parts[0], wanted[0]) and _fits(parts[1:], wanted[1:])


def _leads_out(path: Path, folder: Path) -> bool:
    """Whether a file is a link to a place outside of a folder."""
    return path.is_symlink() and not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder))


def _inside(folder: Path, tables: frozenset[str], endings: Sequence[str], progress: Progress) -> list[Path]:
    found = sorted(
        path
        for path in folder.rglob("*")
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )
    every = [path for path in found if not _leads_out(path, folder)]
    if len(every) < len(found):
        progress.say("texts", f"{folder}: {len(found) - len(every):,} links that lead out of the folder are left out")
    wanted = [path for path in every if _ending(path) in tables or _ending(path) in endings]
    others = len(every) - len(wanted)
    if not wanted:
        raise MissingInputError(
            f"{folder}: none of the {len(every):,} files in this folder is text by its ending "
            f"({', '.join([*endings, *sorted(tables)])}, each also with .gz); name them with a glob such as "
            f"'{folder}/*'"
        )
    if others:
        progress.say("texts", f"{folder}: {len(wanted):,} files by their endings; {others:,} others are left out")
    return wanted


def _unmatched(path: Path, text: str, *, folders: int) -> str:
    if folders:
        return f"{text}: fits folders only; expected files: name the folder itself, or write '{text}/*.txt'"
    parent = path.parent
    if glob.has_magic(str(parent)) or not parent.is_dir():
        return f"{text}: fits no file; expected at least one"
    names = sorted(os.listdir(parent))
    hint = did_you_mean(path.name.replace("*", "").replace("?", ""), names)
    return f"{text}: fits none of the {len(names):,} names in {parent}{hint or '; expected at least one file'}"
