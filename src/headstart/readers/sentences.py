"""Sentences in columns, a word per line: from the lines of a file to rows and back."""

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Literal

from headstart.data.files import TextLines, complete_rows, open_text, writing
from headstart.errors import DataError
from headstart.plain import from_json
from headstart.readers.layout import BLANK, DOCUMENT, TOKENS, Layout, layout_of
from headstart.types import Dropped, Json, Record, Sheet


def read_sentences(path: Path, encoding: str | None, delimiter: Literal["tab", "space"] | None = None) -> Sheet:
    """Open a file and stream its sentences; raises as `Reader.read`."""
    lines = open_text(path, encoding)
    layout = layout_of(lines, delimiter)
    found = {**lines.format, "delimiter": "tab" if layout.tabbed else "space", "columns": " ".join(layout.own_names)}
    if layout.said:
        found["layout"] = layout.said
    return Sheet(layout.columns, _records(lines, layout), found)


def write_sentences(
    path: Path, encoding: str | None, columns: Sequence[str], rows: Iterable[Sequence[str | None]]
) -> None:
    """Write rows of lists, tabs between the entries of a word; raises as `Conll.write`."""
    names = tuple(columns)
    with writing(path, encoding) as file:
        for number, row in enumerate(complete_rows(path, names, rows), start=1):
            lists = [_list(path, number, name, value) for name, value in zip(names, row, strict=True)]
            for words in zip_longest(*lists):
                if None in words:
                    sizes = ", ".join(f"{name} {len(each)}" for name, each in zip(names, lists, strict=True))
                    raise DataError(f"{path}: row {number} has lists of different lengths ({sizes})")
                file.write("\t".join(words) + "\n")
            file.write("\n")


def _list(path: Path, row: int, column: str, value: str | None) -> list[str]:
    try:
        found = from_json(value or "")
    except ValueError:
        found = None
    if not isinstance(found, list) or not found or not all(isinstance(each, str) for each in found):
        raise DataError(
            f"{path}: row {row}: column '{column}' is not a list of words; CoNLL files hold nothing else, choose .jsonl"
        )
    for word in found:
        if not word.strip(BLANK) or any(sign in word for sign in "\t\r\n"):
            raise DataError(f"{path}: row {row}: {word!r} in column '{column}' cannot stand in a column; choose .jsonl")
        if column == TOKENS and word == DOCUMENT:
            raise DataError(f"{path}: row {row}: the word {DOCUMENT} would begin a document; choose .jsonl")
    return found


def _records(lines: TextLines, layout: Layout) -> Iterator[Record | Dropped]:
    file, count = str(lines.path), layout.count
    begun, words, reason = 0, [], None
    header, counted = layout.header, layout.counter is not None
    for number, line in enumerate(_ended(lines), start=1):
        filled = line.strip(BLANK)
        if not filled:
            if words or reason:
                yield Dropped(file, *reason) if reason else _record(begun, words)
            begun, words, reason = 0, [], None
            continue
        if not begun and filled.startswith(DOCUMENT):
            continue
        parts = layout.split(line)
        if filled.startswith("#") and (not begun or layout.counter == 0) and layout.is_comment(parts):
            continue
        if (header and layout.is_header(parts)) or (counted and not layout.is_word(parts)):
            continue
        if counted and words and layout.is_anew(words[0], parts):
            yield Dropped(file, *reason) if reason else _record(begun, words)
            begun, words, reason = 0, [], None
        begun = begun or number
        if reason is None and len(parts) != count:
            reason = (
                number,
                f"has {len(parts)} column{'s' * (len(parts) != 1)}, expected {count}; its sentence is left out",
            )
        elif reason is None and not all(parts):
            place = parts.index("")
            reason = number, f"has nothing in column {place + 1}; its sentence is left out"
        words.append(layout.bare(parts))


def _ended(lines: TextLines) -> Iterator[str]:
    yield from lines
    yield "\n"


def _record(line: int, words: Sequence[Sequence[str]]) -> Record:
    return Record(line, tuple(Json(json.dumps(column, ensure_ascii=False)) for column in zip(*words, strict=True)))
