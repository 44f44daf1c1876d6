"""From a path to a table: picks the reader by ending or name."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from types import MappingProxyType
from typing import Any

from headstart.config import parse
from headstart.data.files import beginning, open_text
from headstart.data.foreign import annotations, fasttext, foreign, web_page
from headstart.data.languages import same_language
from headstart.data.spelling import position_tags
from headstart.data.table import Table, load
from headstart.errors import DataError, HeadstartError, RecipeError
from headstart.readers import READERS
from headstart.readers.aligned import aligned_files, aligned_sheet, one_of_several, which_sides
from headstart.readers.label_studio import unfolded
from headstart.readers.layout import Layout, layout_of
from headstart.readers.span_rows import spans_gathered
from headstart.readers.word_rows import gathered
from headstart.types import Record, Sheet

TABLES = ("csv", "tsv", None)
"""Formats by ending that files with a word per line are given too; None is an ending that is not known."""
MOST_COLUMNS = 10_000
"""Columns of the widest table; each is looked at for what it may be."""
LOOKED_AT = 200
"""Lines by which a table is told from words with a tag each."""
_CELL = re.compile(r"""[,;|]["']?(?:[BIESLU]-\S+|O)(?= )""")
"""Where a cell with tags between blanks begins."""


def reader_for(path: Path, *, format: str | None = None, **options: Any) -> Any:
    """The reader of a file, with the options that it knows.

    Args:
        path: its ending decides, `.gz` aside, unless `format` is given.
        format: registry name.
        **options: fields of the reader; None means not given.

    Raises:
        DataError: the ending is not known, or the file is a web page or in another format.
        RecipeError: an option that this format does not have.
    """
    name = format or _by_ending(path, writing=False)
    if path.is_file():
        _refuse_other(path, name)
    cls = READERS.get(name)
    given = {key: value for key, value in options.items() if value is not None}
    strangers = [key for key in given if key not in cls.model_fields]
    if strangers:
        raise RecipeError([f"'{key}' does not apply to {name} files such as {path}" for key in strangers])
    return parse(cls, given, f"the format of {path}")


def writer_for(path: Path) -> Any:
    """The reader that writes a file, which its ending decides.

    Raises:
        DataError: the ending is not known.
    """
    return READERS.get(_by_ending(path, writing=True))()


def open_table(path: str | Path, **options: Any) -> Table:
    """Read a whole file; options as for `open_sheet`.

    Raises:
        MissingInputError: there is no such file.
        DataError: it cannot be read, or holds no usable row.
    """
    return load(open_sheet(Path(path), **options), str(path))


def open_sheet(
    path: Path, *, words: bool = False, sides: Mapping[str, str] = MappingProxyType({}), **options: Any
) -> Sheet:
    """Open a file, whose rows stream by: those of a table with a row for each word are sentences.

    Args:
        path: of the file, or what the names of line-aligned files have in common.
        words: whether a model of words reads it, see `gathered`.
        sides: language of each column that is wanted, where the task knows: its column of a translation memory, or its file, is
            called so.
        **options: as for `reader_for`, which says what is raised.
    """
    if files := aligned_files(path, sides):
        return aligned_sheet(path, files, _encoding_alone(path, options))
    if not path.exists() and (said := which_sides(path)):
        raise DataError(said)
    reader = reader_for(path, **options)
    sheet = by_language(reader.read(path), sides, str(path))
    if len(sheet.columns) > MOST_COLUMNS:
        raise DataError(
            f"{path}: has {len(sheet.columns):,} columns, more than the {MOST_COLUMNS:,} that are read; leave out those that are "
            "neither text nor label"
        )
    if not reader.by_word:
        sheet = unfolded(sheet, lambda: reader.read(path), str(path))
        return gathered(spans_gathered(sheet, str(path)), str(path), words=words)
    if options.get("format") or _ending(path) in reader.extensions:
        return sheet
    said = f"{path}: has a word per line and is read as {reader.name}; --format says another"
    return replace(sheet, remarks=(said, *sheet.remarks))


def by_language(sheet: Sheet, sides: Mapping[str, str], name: str) -> Sheet:
    """A sheet whose columns are languages, with those that are wanted called as they are wanted; others as they are.

    Args:
        sheet: of a file.
        sides: language by the name that its column is to have.
        name: of the file, for messages.

    Raises:
        DataError: a language that is wanted has no column, or several.
    """
    if "languages" not in sheet.format:
        return sheet
    names = list(sheet.columns)
    for column, language in sides.items():
        if column in names:
            continue
        exact = [each for each in sheet.columns if each.casefold() == language.casefold()]
        found = exact or [each for each in sheet.columns if same_language(each, language)]
        if not found:
            raise DataError(
                f"{name} has no texts in '{language}'; the languages that it has are {', '.join(sheet.columns)}"
            )
        if len(found) > 1:
            raise DataError(f"{name} has several columns in '{language}' ({', '.join(found)}); name one of them")
        names[sheet.columns.index(found[0])] = column
    return replace(sheet, columns=tuple(names))


def _encoding_alone(path: Path, options: Mapping[str, Any]) -> str | None:
    """The encoding that options name; others do not apply to lines."""
    strangers = [key for key, value in options.items() if value is not None and key != "encoding"]
    if strangers:
        raise RecipeError([f"'{key}' does not apply to line-aligned files such as {path}" for key in strangers])
    return options.get("encoding")


def in_memory(columns: Mapping[str, Sequence[str | None]], name: str) -> Table:
    """Columns that were handed over in Python as a table, read as those of a file are.

    Args:
        columns: of one length, at least 1.
        name: what messages call them.
    """

    def sheet() -> Sheet:
        return Sheet(tuple(columns), (Record(at, row) for at, row in enumerate(zip(*columns.values(), strict=True), 1)))

    found = gathered(spans_gathered(unfolded(sheet(), sheet, name), name), name)
    if found.columns != tuple(columns):
        return load(found, name)
    return Table(name, columns, list(range(1, len(next(iter(columns.values()))) + 1)))


def is_plain(path: Path) -> bool:
    """Whether the ending of a file is none of those of tables, so that each of its lines may be a text."""
    return not any(_ending(path) in READERS.get(name).extensions for name in READERS.names())


def _ending(path: Path) -> str:
    """Ending of a file, in lower case and without `.gz`."""
    endings = [ending.lower() for ending in path.suffixes]
    return endings[-2] if len(endings) > 1 and endings[-1] == ".gz" else endings[-1] if endings else ""


def _by_ending(path: Path, *, writing: bool) -> str:
    known: dict[str, str] = {}
    for name in READERS.names():
        known |= dict.fromkeys(READERS.get(name).extensions, name)
    found = known.get(_ending(path))
    if not writing and found in TABLES and _in_columns(path):
        return "conll"
    if found is not None:
        return found
    endings = f"{', '.join(sorted(known))}, each also with .gz"
    if writing:
        raise DataError(f"{path}: the ending '{_ending(path)}' is not known; choose one of {endings}")
    if said := one_of_several(path):
        raise DataError(said)
    head = beginning(path)
    if what := foreign(head) or web_page(head) or fasttext(head, path) or annotations(head, path):
        raise DataError(f"{path}: is {what}")
    raise DataError(
        f"{path}: the ending '{_ending(path)}' is not known ({endings}); "
        f"say what it is with --format {'|'.join(READERS.names())}"
    )


def _refuse_other(path: Path, name: str) -> None:
    """Raises DataError where a file is no table, or is JSON under the name of a delimited one."""
    if name == "tmx":
        return
    head = beginning(path)
    if what := web_page(head):
        raise DataError(f"{path}: is {what}")
    if name in ("csv", "tsv") and (what := fasttext(head, path)):
        raise DataError(f"{path}: is {what}")
    if name in ("csv", "tsv") and re.match(rb'(?:\xef\xbb\xbf)?\s*(?:\[\s*)?\{\s*"[^"]*"\s*:', head):
        raise DataError(
            f"{path}: looks like JSON and not like {name}; pass --format jsonl where each line is an object"
        )


def _in_columns(path: Path) -> bool:
    """Whether a file has a word per line with its tag beside it, and empty lines between sentences.

    Raises:
        DataError: it has the former and, blanks between both, not the latter.
    """
    try:
        layout = layout_of(open_text(path), None)
    except HeadstartError:
        return False
    unparted = layout.tagged and layout.count > 1 and not layout.tabbed and not layout.parted
    if unparted and position_tags(layout.known) and not _are_cells(path, layout):
        raise DataError(
            f"{path}: has a word per line with its tag beside it, and no empty line parts sentences; put one behind the last word "
            "of each, or say what the file is with --format"
        )
    return layout.tagged and layout.parted


def _are_cells(path: Path, layout: Layout) -> bool:
    """Whether lines are rows of a table, whose cells hold the words of a sentence and its tags between blanks."""
    lines = [line for line in islice(open_text(path), LOOKED_AT) if line.strip()]
    uneven = sum(len(layout.split(line)) != layout.count for line in lines)
    return uneven > 0.2 * len(lines) or sum(_CELL.search(line) is not None for line in lines) > 0.5 * len(lines)
