"""TMX (translation memory exchange): a row is a translation unit, a column a language."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

from headstart.data.files import TextLines, beginning, complete_rows, decoded, open_text, writing
from headstart.data.languages import language_of
from headstart.errors import DataError
from headstart.readers.base import Reader
from headstart.types import Dropped, Record, Sheet

CODES = frozenset({"bpt", "ept", "it", "ph", "ut"})
"""Elements inside of a text that hold codes of formatting and nothing that was written."""
LANGUAGE = ("xml:lang", "lang")
"""Attributes with the language of a text: that of TMX 1.4, and that of the versions before."""
MOST_LEVELS = 100
"""Levels of elements; a translation unit needs half a dozen."""
MOST_LANGUAGES = 1_000
_DECLARED = re.compile(rb"""<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z][\w.-]{0,40})["']""")
_ROOT = re.compile(rb"<(?![?!])([\w:.-]{1,60})")
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
"""Characters that XML 1.0 cannot hold (section 2.2)."""


class Tmx(Reader):
    """Translation memory exchange, versions 1.1 to 1.4b (LISA OSCAR 2005): a row is a translation unit, a column a language.

    - Columns are called as the languages are in the file (`en`, `de-DE`), that of the header's `srclang` first, the others in
      order of appearance (found in a first pass); a unit that lacks a language has None there.
    - Of a text with elements inside the words are kept, those of `hi` too; codes of formatting (`bpt`, `ept`, `it`, `ph`, `ut`) are
      left out with what they hold.
    - Dropped with line and reason: a unit with two texts in one language, with a text without a language, or with an entity that is
      not defined.
    - A file that defines entities is refused, and nothing that it points to is opened.
    """

    name: ClassVar[str] = "tmx"
    extensions: ClassVar[tuple[str, ...]] = (".tmx",)

    encoding: str | None = None
    """Encoding of the file, such as `cp1252`; None: what its first line declares, else UTF-8 or UTF-16."""

    def read(self, path: Path) -> Sheet:
        """See `Reader.read`; the file is read twice."""
        head = beginning(path)
        declared = _DECLARED.search(head)
        said = declared[1].decode().lower() if declared else "utf-8"
        lines = open_text(path, self.encoding or (None if said.startswith("utf") else said))
        root = _ROOT.search(head.replace(b"\0", b""))
        if root is not None and root[1] != b"tmx":
            raise DataError(
                f"{path}: is XML with <{root[1].decode()}> and no translation memory, which begins with <tmx>"
            )
        memory = _Memory(str(path))
        for _ in memory.units(lines):
            pass
        if not memory.count:
            raise DataError(f"{path}: has no translation unit (<tu>)")
        columns = memory.columns()
        if not columns:
            raise DataError(f"{path}: has no text with a language (xml:lang)")
        return Sheet(columns, _records(lines, columns, str(path)), {**lines.format, "languages": " ".join(columns)})

    def write(self, path: Path, columns: Sequence[str], rows: Iterable[Sequence[str | None]]) -> None:
        """See `Reader.write`; columns have to be called as languages are, and None is no text.

        Raises:
            DataError: a column is no language, or a text has a character that XML cannot hold.
        """
        odd = next((name for name in columns if language_of(name) is None), None)
        if odd is not None:
            raise DataError(
                f"{path}: the column '{odd}' is no language, and TMX holds nothing else; choose .csv, .tsv or .jsonl"
            )
        header = 'creationtool="headstart" creationtoolversion="1" segtype="sentence" o-tmf="table" adminlang="en"'
        header, source = f'{header} datatype="plaintext"', quoteattr(columns[0] if columns else "*all*")
        with writing(path, self.encoding) as file:
            file.write(f'<?xml version="1.0" encoding="{self.encoding or "utf-8"}"?>\n<tmx version="1.4">\n')
            file.write(f"<header {header} srclang={source}/>\n<body>\n")
            for number, row in enumerate(complete_rows(path, columns, rows), start=1):
                for name, value in zip(columns, row, strict=True):
                    if found := _UNWRITABLE.search(value or ""):
                        raise DataError(
                            f"{path}: cannot write U+{ord(found[0]):04X} of row {number} (column '{name}'): "
                            "XML has no such character"
                        )
                texts = "".join(
                    f"<tuv xml:lang={quoteattr(name)}><seg>{escape(value, {chr(13): '&#13;'})}</seg></tuv>"
                    for name, value in zip(columns, row, strict=True)
                    if value is not None
                )
                file.write(f"<tu>{texts}</tu>\n")
            file.write("</body>\n</tmx>\n")


@dataclass
class _Unit:
    """A translation unit: the line on which it begins, its texts by language, and why it cannot be used."""

    line: int
    texts: dict[str, str] = field(default_factory=dict)
    fault: str | None = None


class _Memory:
    """One pass over a file: its languages, and its units as they end."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.count = 0
        self.source = ""
        self.languages: dict[str, str] = {}
        """As they are first spelled, by their names in lower case."""
        self._path: list[str] = []
        self._unit: _Unit | None = None
        self._language: str | None = None
        self._text: list[str] | None = None
        self._coded = 0
        self._done: list[_Unit] = []
        self._parser = parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler, parser.EndElementHandler = self._begin, self._end
        parser.CharacterDataHandler = self._said
        parser.EntityDeclHandler = self._refuse_entity
        parser.SkippedEntityHandler = self._skipped

    def columns(self) -> tuple[str, ...]:
        """The languages, that of the source first."""
        first = [self.source.lower()] if self.source.lower() in self.languages else []
        return tuple(self.languages[name] for name in dict.fromkeys([*first, *self.languages]))

    def units(self, lines: TextLines) -> Iterator[_Unit]:
        """The units, in order.

        Raises:
            DataError: the file is no XML, defines entities, or has elements in too many levels.
        """
        try:
            for text in decoded(lines):
                self._parser.Parse(text, False)
                yield from self._done
                self._done.clear()
            self._parser.Parse("", True)
        except expat.ExpatError as error:
            raise DataError(
                f"{self.file}, line {error.lineno}: is not XML: {expat.ErrorString(error.code)}; repair it there"
            ) from None
        yield from self._done

    def _begin(self, name: str, attributes: dict[str, str]) -> None:
        name = name.lower()
        self._path.append(name)
        if len(self._path) > MOST_LEVELS:
            raise DataError(
                f"{self.file}, line {self._line}: has elements in over {MOST_LEVELS} levels; is it a translation memory?"
            )
        if name == "header":
            self.source = attributes.get("srclang", "")
        elif name == "tu":
            self._unit = _Unit(self._line)
            self.count += 1
        elif name == "tuv" and self._unit is not None:
            self._language = self._named(
                next((attributes[key] for key in LANGUAGE if attributes.get(key)), None), self._unit
            )
        elif name == "seg" and self._language is not None:
            self._text = []
        elif name in CODES:
            self._coded += 1

    def _named(self, tag: str | None, unit: _Unit) -> str | None:
        if tag is None or not tag.strip():
            unit.fault = unit.fault or "has a text without a language (xml:lang)"
            return None
        tag = " ".join(tag.split())
        if len(self.languages) >= MOST_LANGUAGES and tag.lower() not in self.languages:
            raise DataError(f"{self.file}, line {self._line}: has texts in over {MOST_LANGUAGES:,} languages")
        return self.languages.setdefault(tag.lower(), tag)

    def _end(self, name: str) -> None:
        name = self._path.pop()
        unit = self._unit
        if name in CODES:
            self._coded -= 1
        elif name == "seg" and self._text is not None and unit is not None and self._language is not None:
            if self._language in unit.texts:
                unit.fault = unit.fault or f"has two texts in '{self._language}'"
            unit.texts[self._language] = "".join(self._text)
            self._text = None
        elif name == "tuv":
            self._language = None
        elif name == "tu" and unit is not None:
            self._done.append(unit)
            self._unit = None

    def _said(self, text: str) -> None:
        if self._text is not None and not self._coded:
            self._text.append(text)

    def _skipped(self, name: str, is_parameter: bool) -> None:
        if self._unit is not None:
            self._unit.fault = self._unit.fault or f"has the entity &{name}; which the file does not define"

    def _refuse_entity(self, name: str, *_: object) -> None:
        raise DataError(
            f"{self.file}, line {self._line}: defines the entity '{name[:60]}'; write out what it stands for"
        )

    @property
    def _line(self) -> int:
        return self._parser.CurrentLineNumber


def _records(lines: TextLines, columns: tuple[str, ...], file: str) -> Iterator[Record | Dropped]:
    for unit in _Memory(file).units(lines):
        yield (
            Dropped(file, unit.line, unit.fault)
            if unit.fault
            else Record(unit.line, tuple(map(unit.texts.get, columns)))
        )
