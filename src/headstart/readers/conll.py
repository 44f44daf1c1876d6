"""CoNLL columns: one word per line with its tag behind it, an empty line between sentences."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator

from headstart.data.files import TextLines, complete_rows, open_text, writing
from headstart.errors import DataError
from headstart.readers.base import Reader
from headstart.types import Dropped, Json, Record, Sheet

TOKENS, TAGS = "tokens", "tags"
"""Names of the first and the last column."""
DOCUMENT = "-DOCSTART-"
"""First word of a line that begins a document and is no sentence."""
BLANK = " \t\r\n"
LAYOUT_LINES = 1000
"""Lines with words that the number of columns is told from."""


def _separator(value: Any) -> Any:
    return {"\t": "tab", " ": "space"}.get(value, value)


class Conll(Reader):
    """CoNLL columns (Tjong Kim Sang & De Meulder 2003, section 2.1): a row is a sentence.

    - The first column is `tokens`, the last one `tags`, those between `column_2`, `column_3` and so on; each value is a JSON
      list with an entry per word. A file of words alone has the column `tokens`.
    - Words are split at tabs where the first word's line has one, else at runs of blanks.
    - Lines that begin with -DOCSTART- are no rows; nor are lines that begin with `#` before the first word of a sentence
      unless they have as many columns as the others.
    - Dropped with line and reason: a sentence with a line of another number of columns, or with an empty word.
    """

    name: ClassVar[str] = "conll"
    by_word: ClassVar[bool] = True
    extensions: ClassVar[tuple[str, ...]] = (".conll", ".bio", ".iob", ".iob2", ".bioes")

    encoding: str | None = None
    """Encoding of the file, such as `cp1252`; None: UTF-8, or UTF-16 and UTF-32 where the file says so."""
    delimiter: Annotated[Literal["tab", "space"] | None, BeforeValidator(_separator)] = None
    """What stands between a word and its tag: `tab`, `space` (any number of blanks), or found if not given."""

    def read(self, path: Path) -> Sheet:
        """See `Reader.read`."""
        lines = open_text(path, self.encoding)
        tabbed, count = _layout(lines, self.delimiter)
        columns = (TOKENS, *(f"column_{at}" for at in range(2, count)), TAGS)[:count] if count > 1 else (TOKENS,)
        found = {**lines.format, "delimiter": "tab" if tabbed else "space"}
        return Sheet(columns, _records(lines, tabbed=tabbed, count=count), found)

    def write(self, path: Path, columns: Sequence[str], rows: Iterable[Sequence[str | None]]) -> None:
        """See `Reader.write`; each value has to be a JSON list of texts, all of a row equally long.

        Raises:
            DataError: a value is something else, or a word has a tab or a line end in it.
        """
        names = tuple(columns)
        with writing(path, self.encoding) as file:
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
        found = json.loads(value or "")
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


def _layout(lines: TextLines, delimiter: str | None) -> tuple[bool, int]:
    """Whether columns are split at tabs, and how many there are: as many as most of the first lines with words have."""
    tabbed, begun = delimiter == "tab", False
    counts: Counter[int] = Counter()
    for line in lines:
        filled = line.strip(BLANK)
        if not filled:
            begun = False
            continue
        if filled.startswith(DOCUMENT) or (filled.startswith("#") and not begun and "\t" not in filled):
            continue
        if not counts and delimiter is None:
            tabbed = "\t" in line.strip("\r\n")
        begun = True
        counts[len(_columns(line, tabbed=tabbed))] += 1
        if counts.total() == LAYOUT_LINES:
            break
    if not counts:
        raise DataError(f"{lines.path}: has no sentence; expected one word per line, its tag behind it")
    return tabbed, max(counts, key=lambda count: (counts[count], count))


def _columns(line: str, *, tabbed: bool) -> list[str]:
    if not tabbed:
        return [part for part in line.strip(BLANK).replace("\t", " ").split(" ") if part]
    return [part.strip(" ") for part in line.strip("\r\n").split("\t")]


def _records(lines: TextLines, *, tabbed: bool, count: int) -> Iterator[Record | Dropped]:
    file = str(lines.path)
    begun, words, reason = 0, [], None
    for number, line in enumerate(_ended(lines), start=1):
        filled = line.strip(BLANK)
        if not filled:
            if begun:
                yield Dropped(file, *reason) if reason else _record(begun, words)
            begun, words, reason = 0, [], None
            continue
        if not begun and filled.startswith(DOCUMENT):
            continue
        parts = _columns(line, tabbed=tabbed)
        if not begun and filled.startswith("#") and len(parts) != count:
            continue
        begun = begun or number
        if reason is None and len(parts) != count:
            reason = (
                number,
                f"has {len(parts)} column{'s' * (len(parts) != 1)}, expected {count}; its sentence is left out",
            )
        elif reason is None and not all(parts):
            place = parts.index("")
            reason = number, f"has nothing in column {place + 1}; its sentence is left out"
        words.append(parts)


def _ended(lines: TextLines) -> Iterator[str]:
    yield from lines
    yield "\n"


def _record(line: int, words: Sequence[Sequence[str]]) -> Record:
    return Record(line, tuple(Json(json.dumps(column, ensure_ascii=False)) for column in zip(*words, strict=True)))
