"""Question files in the form of SQuAD: articles with paragraphs with questions, as a row for each question."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from headstart.data.files import TextLines, decoded
from headstart.errors import DataError, quoted
from headstart.types import Dropped, Json, Record, Sheet

COLUMNS = ("id", "title", "context", "question", "answers")
"""Columns of a sheet; a cell of `answers` is a list of objects with `text` and `answer_start`, empty where there is no answer."""
LONGEST = 1 << 26
"""Characters of an article up to which it is read; one lies in memory at a time."""
TAIL = 1 << 20
"""Characters behind the last article at most."""
SAMPLE = 5
"""Articles that tell whether a file is such a document."""
SHOWN = 3
"""Ids that a remark names."""
TWICE = "an object has a key twice; keep one of them"
_PLAIN = r'"(?:[^"\\]|\\.)*"|-?[\d.]+|true|false|null|\{[^{}]*\}'
_BEGIN = re.compile(
    rf'\s*(?P<object>\{{\s*(?:"(?!data")[^"\\]*"\s*:\s*(?:{_PLAIN})\s*,\s*)*"data"\s*:\s*)?\[\s*(?=\{{)'
)
_PARAGRAPHS = re.compile(r'"paragraphs"\s*:\s*\[\s*\{\s*"(?:context|qas)"')
_COMMA, _END = re.compile(r"\s*,\s*(?=\{)"), re.compile(r"\s*\]")
_UNFINISHED = 24
"""Characters from the end within which a fault may be nothing but a block that ends there."""


class _Twice(dict[str, Any]):
    """An object that has a key twice."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    return found if len(found) == len(pairs) else _Twice(found)


_decode = json.JSONDecoder(object_pairs_hook=_object).raw_decode


@dataclass
class QuestionCounts:
    """What a first pass over a question file counted."""

    articles: int = 0
    paragraphs: int = 0
    questions: int = 0
    impossible: int = 0
    twice: list[str] = field(default_factory=list)
    """Ids that an earlier question has too."""

    def remarks(self, file: str) -> tuple[str, ...]:
        """What was counted, in sentences."""
        none = f"{self.impossible:,} of them without an answer" if self.impossible else "each with an answer"
        found = [
            f"{file}: is in the form of SQuAD, with {self.articles:,} articles, {self.paragraphs:,} paragraphs and "
            f"{self.questions:,} questions, {none}; each question is a row, and lines in messages are their numbers"
        ]
        if self.twice:
            named = ", ".join(map(quoted, self.twice[:SHOWN]))
            more = ", ..." * (len(self.twice) > SHOWN)
            found.append(f"{file}: {len(self.twice):,} questions have an id that stands further up, too: {named}{more}")
        return tuple(found)


def question_sheet(lines: TextLines) -> Sheet | None:
    """The questions of a file in the form of SQuAD 1.1 or 2.0, a row each; None where the file is something else.

    Such a file is one JSON document: `{"data": [{"title": ..., "paragraphs": [{"context": ..., "qas": [{"id": ...,
    "question": ..., "answers": [{"text": ..., "answer_start": ...}], "is_impossible": ...}]}]}]}` (Rajpurkar et al. 2016 and 2018).
    It is told by its first articles and read an article at a time, twice. `plausible_answers` are passed over. A question
    without the key `answers`, as files have that hide them, has None in that column.

    Args:
        lines: of the file.

    Raises:
        DataError: an article is no JSON or too long, or something else stands behind the articles.
    """
    if not _has_paragraphs(lines):
        return None
    file, seen, found = str(lines.path), set[int](), QuestionCounts()
    for row in _rows(_articles(lines), file, found):
        if isinstance(row, Record):
            name, answers = row.values[0], row.values[4]
            found.questions += 1
            found.impossible += answers == "[]"
            if name is not None:
                key = hash(name)
                if key in seen:
                    found.twice.append(name)
                seen.add(key)
    return Sheet(COLUMNS, _rows(_articles(lines), file, QuestionCounts()), lines.format, found.remarks(file))


def _has_paragraphs(lines: TextLines) -> bool:
    try:
        first = islice(_articles(lines), SAMPLE)
        return any(isinstance(each, dict) and isinstance(each.get("paragraphs"), list) for each in first)
    except DataError:
        if _PARAGRAPHS.search(next(decoded(lines), "")):
            raise
        return False  # who reads it in another way says what is wrong


def _articles(lines: TextLines) -> Iterator[Any]:
    """The members of the outer list, decoded one after the other."""
    blocks = decoded(lines)
    text = next(blocks, "")
    begin = _BEGIN.match(text)
    if begin is None:
        return
    at, count = begin.end(), 0
    while True:
        article, text, at = _article(
            text, at, blocks, f"{lines.path}: article {count + 1:,} is not JSON that can be read"
        )
        count += 1
        yield article
        while not (following := _COMMA.match(text, at)) and not _END.match(text, at):
            rest = text[at:]
            text, at = _more(rest, blocks, len(rest) + 1), 0
            if rest.strip(", \t\r\n") or not text:
                raise DataError(
                    f"{lines.path}: behind article {count:,} there is neither another one nor the end of them"
                )
        if not following:
            _check_tail(lines, text[at:].lstrip()[1:], blocks, inside=begin["object"] is not None)
            return
        at = following.end()


def _article(text: str, at: int, blocks: Iterator[str], damaged: str) -> tuple[Any, str, int]:
    """The article that begins at a place, the text with all that had to be read for it, and the place behind it."""
    while True:
        found, end = None, len(text)
        try:
            found, end = _decode(text, at)
        except json.JSONDecodeError as error:
            if not error.msg.startswith("Unterminated") and error.pos <= len(text) - _UNFINISHED:
                raise DataError(f"{damaged}: {error.msg} at character {error.pos - at + 1} of it") from None
        except RecursionError:
            raise DataError(f"{damaged}: it is nested too deeply") from None
        if end < len(text):
            return found, text, end
        text, at = text[at:], 0
        if len(text) > LONGEST:
            raise DataError(f"{damaged}: it has over {LONGEST:,} characters; part it into several")
        # Twice the text each time, so that a long article is not decoded anew for every block.
        text = _more(text, blocks, 2 * len(text))
        if not text:
            raise DataError(f"{damaged}: the file ends before it does")


def _more(text: str, blocks: Iterator[str], wanted: int) -> str:
    """The text with blocks behind it until it is as long as wanted; empty where there are none."""
    parts, size = [text], len(text)
    for block in blocks:
        parts.append(block)
        size += len(block)
        if size >= wanted:
            break
    return "".join(parts) if len(parts) > 1 else ""


def _check_tail(lines: TextLines, rest: str, blocks: Iterator[str], *, inside: bool) -> None:
    """Raises DataError where something stands behind the articles that nobody would read."""
    for block in blocks:
        rest += block
        if len(rest) > TAIL:
            break
    try:
        found = json.loads('{"": 0' + rest) if inside else rest.strip(" \t\r\n")
    except ValueError:
        found = True
    if found is True or (not inside and found):
        raise DataError(
            f"{lines.path}: something stands behind the last article that does not belong there: {quoted(rest.strip()[:60])}; "
            "is it several files in one, or cut off?"
        )


def _rows(articles: Iterator[Any], file: str, found: QuestionCounts) -> Iterator[Record | Dropped]:
    """A row for each question, numbered on from 1; what is left out has a number, too."""
    number = 0
    for article in articles:
        found.articles += 1
        title = article.get("title") if isinstance(article, dict) else None
        for at, paragraph in enumerate(_listed(article, "paragraphs"), start=1):
            fault = paragraph if isinstance(paragraph, _Fault) else None
            where = f"article {found.articles:,}" + ("" if fault else f", paragraph {at:,}")
            found.paragraphs += fault is None
            for question in [fault] if fault else _listed(paragraph, "qas"):
                number += 1
                row = question if isinstance(question, _Fault) else _row(title, paragraph, question)
                yield Dropped(file, number, f"{where}: {row}") if isinstance(row, str) else Record(number, row)


class _Fault(str):
    """Why something cannot be used."""

    __slots__ = ()


def _listed(value: Any, key: str) -> list[Any]:
    """The list of an object, or a fault in its place."""
    if isinstance(value, _Twice):
        return [_Fault(TWICE)]
    found = value.get(key) if isinstance(value, dict) else None
    if isinstance(found, list):
        return found
    what = f"'{key}' is {_kind(found)}" if isinstance(value, dict) and key in value else f"has no '{key}'"
    return [_Fault(f"{what}, expected a list; what it holds is left out")]


def _row(title: Any, paragraph: Any, question: Any) -> tuple[str | None, ...] | str:
    """The cells of a question, or why it cannot be used."""
    if not isinstance(question, dict):
        return f"a question is {_kind(question)}, expected an object"
    if isinstance(question, _Twice):
        return TWICE
    context, asked = paragraph.get("context"), question.get("question")
    for key, text in (("context", context), ("question", asked)):
        if not isinstance(text, str):
            return f"its '{key}' is {_kind(text)}, expected a text"
        if not text.strip():
            return f"its '{key}' is empty"
    answers = _answers(question)
    if isinstance(answers, str):
        return answers
    name = question.get("id")
    cells = (
        None if name is None or isinstance(name, list | dict) else str(name),
        title if isinstance(title, str) else None,
        context,
        asked,
        None if answers is None else Json(json.dumps(answers, ensure_ascii=False)),
    )
    try:
        "".join(cell or "" for cell in cells).encode()
    except UnicodeEncodeError:
        return "has half of a surrogate pair (\\ud800 to \\udfff), which is no character; write a whole one"
    return cells


def _answers(question: dict[str, Any]) -> list[dict[str, Any]] | str | None:
    """The answers of a question as the file has them, None where it hides them, or why they cannot be used."""
    given, impossible = question.get("answers"), question.get("is_impossible")
    if given is None:
        return [] if impossible is True else None
    if not isinstance(given, list):
        return f"its 'answers' is {_kind(given)}, expected a list"
    if given and impossible is True:
        return "it is marked as impossible and has an answer; keep one of both"
    if not given and impossible is False:
        return "it is not marked as impossible and has no answer; give one, or set is_impossible to true"
    found = []
    for answer in given:
        text, start = (answer.get("text"), answer.get("answer_start")) if isinstance(answer, dict) else (None, None)
        if isinstance(answer, _Twice) or not isinstance(text, str):
            return f"an answer is {json.dumps(answer, ensure_ascii=True)[:60]}, expected an object with 'text' and 'answer_start'"
        if not text.strip():
            return "an answer is empty; leave it out, and set is_impossible to true where there is none"
        if isinstance(start, float) and start.is_integer():
            start = int(start)
        if start is not None and (not isinstance(start, int) or isinstance(start, bool)):
            return f"the start of an answer is {json.dumps(start)[:40]}, expected a whole number of characters from 0"
        found.append({"text": text} if start is None else {"text": text, "answer_start": start})
    return found


def _kind(value: Any) -> str:
    kinds = {dict: "an object", _Twice: "an object", list: "a list", str: "a text", bool: "true or false"}
    return "missing" if value is None else kinds.get(type(value), "a number")
