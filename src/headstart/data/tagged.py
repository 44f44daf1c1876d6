"""Labelled sentences as files have them: words with tags beside them, or texts with spans of characters."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple, TypeGuard

from headstart.data.graphemes import around
from headstart.data.python_lists import python_list
from headstart.data.spelling import USUAL, Spelling, position_tags, spelling_of
from headstart.data.tags import OUTSIDE, OddTag, Scheme, Span, faults_of, tags_of
from headstart.data.words import Sentence, Words, joined_words, word_list, words_of
from headstart.plain import from_json

_NOTHING = frozenset({"other", "others", "nothing", "background", "no_entity", "non-entity", "n/a", "na"})
"""Types, in lower case, by which files without O call words outside of all spans."""
STARTS, ENDS = ("start", "start_offset", "begin"), ("end", "end_offset")
TYPES = ("label", "type", "entity", "entity_group", "tag", "labels")
"""Keys of a span that is an object: those of doccano, Label Studio, spaCy and the pipelines of transformers among them."""

_BETWEEN = re.compile(r"[\s,]+")


class RowFault(ValueError):
    """Why a row cannot be used, in words."""


class Mark(NamedTuple):
    """Characters that belong together."""

    start: int
    end: int
    """Behind the last one."""
    type: str


def input_words(value: str) -> Words:
    """The words of a JSON list, or of a text."""
    words = word_list(value)
    return words_of(value) if words is None else joined_words(words)


def tags_in(value: str) -> list[str]:
    """The tags of a list, or those between the blanks or commas of a text.

    Raises:
        RowFault: something else is in it, or a word that is no tag stands alone.
    """
    if not value.lstrip().startswith(("[", "{")):
        found = tags_between(value)
        if len(found) > 1 or (found and _is_tag(found[0])):
            return found
    found = _listed(value, 'a list of tags such as ["B-PER", "O"]')
    for at, tag in enumerate(found):
        if isinstance(tag, int | float) and not isinstance(tag, bool):
            raise RowFault(
                f"tag {at + 1} is the number {json.dumps(tag)}, and nothing says what it stands for; write names such as B-PER "
                "or O (data sets of the hub hold them in features['ner_tags'].feature.names)"
            )
        if not isinstance(tag, str):
            raise RowFault(f"tag {at + 1} is {json.dumps(tag)}, expected a name such as B-PER or O")
        if not tag.strip():
            raise RowFault(f"tag {at + 1} is empty; write O for a word outside of all spans")
    return found


def tags_between(value: str) -> list[str]:
    """What stands between the blanks or commas of a text."""
    return [tag for tag in _BETWEEN.split(value.strip()) if tag]


def marks_in(value: str, text: str) -> list[Mark]:
    """The spans of a list, `[start, end, type]` or objects, in the order of the text; one that stands twice is one.

    Raises:
        RowFault: one is something else, is outside of the text, or shares characters with another.
    """
    marks = sorted({_mark(each, text) for each in _spans(value)})
    for one, other in pairwise(marks):
        if other.start < one.end:
            how = "is inside of" if other.end <= one.end else "overlaps with"
            raise RowFault(
                f"the span {_said(other, text)} {how} the span {_said(one, text)}; a word has one tag, so keep one of them"
            )
    return marks


def sentence(text: str, labels: str | None, *, spelling: Spelling = USUAL) -> Sentence:
    """A sentence of two columns of a file.

    Args:
        text: a list of words, or a text.
        labels: a list with a tag for each word or, for a text, of spans of characters; tags may stand between blanks too, and
            then the words of a text are those between its blanks; None where it has none.
        spelling: how tags are written.

    Raises:
        RowFault: they do not fit.
    """
    words = words_beside(text, labels)
    if words is not None:
        empty = next((at for at, word in enumerate(words) if not word.strip()), None)
        if empty is not None:
            raise RowFault(f"word {empty + 1} is empty")
        given = joined_words(words)
        if not words:
            raise RowFault("no words")
        if labels is None:
            return Sentence(given)
        tags = tags_in(labels)
        if len(tags) != len(words):
            raise RowFault(f"{len(tags)} tags for {len(words)} words")
        return Sentence(given, tuple(tags_of(spelling.spans(tags), len(words))))
    marks = [] if labels is None else marks_in(labels, text)
    given = words_of(text, [place for mark in marks for place in (mark.start, mark.end)])
    if not given.words:
        raise RowFault("no words in the text")
    return Sentence(given, None if labels is None else tuple(tags_of(_word_spans(marks, given), len(given.words))))


def words_beside(text: str, labels: str | None) -> list[str] | None:
    """Words that are given one by one, in a list or between blanks beside their tags; None for a text, with spans or none."""
    words = word_list(text)
    if words is not None or not labels:
        return words
    if labels.lstrip().startswith(("[", "{")):
        return text.split() if word_list(labels) else None
    return text.split() if len(tags_between(labels)) > 1 or _is_tag(labels.strip()) else None


def marks_of(words: Words, spans: Sequence[Span]) -> list[Mark]:
    """Spans of words as spans of characters."""
    return [
        Mark(words.starts[span.start], words.starts[span.end - 1] + len(words.words[span.end - 1]), span.type)
        for span in spans
    ]


def spelling_in(
    inputs: Sequence[str | None], labels: Sequence[str | None], scheme: Scheme | None = None, types: Iterable[str] = ()
) -> Spelling:
    """How the tags of two columns are written; rows of spans of characters have none and say nothing.

    Args:
        inputs: words or text of each row.
        labels: tags or spans of each row.
        scheme: what positions mean; found if None.
        types: those that are known already.

    Raises:
        TagFault: tags can be read in more than one way, or in none.
    """
    return spelling_of(_RowsOfTags(inputs, labels), scheme, types)


def faults_in(
    inputs: Sequence[str | None], labels: Sequence[str | None], spelling: Spelling
) -> list[tuple[int, OddTag]]:
    """Tags that their scheme does not allow where they stand, each with the number of its row.

    Files with S- for spans of one word and no tag for the end of others (BIOS) are held against `iob2`.
    """
    rows = _RowsOfTags(inputs, labels)
    endless = spelling.scheme == "bioes" and not any(tag.startswith("E-") for row in rows for tag in spelling.read(row))
    scheme = "iob2" if endless else spelling.scheme
    found: list[tuple[int, OddTag]] = []
    for at, said in enumerate(map(_tags, inputs, labels)):
        tags = spelling.read(said)
        if endless:
            tags = ["B-" + tag[2:] if tag.startswith("S-") else tag for tag in tags]
        found += [(at, fault) for fault in faults_of(tags, scheme)] if tags else []
    return found


def nothing_in(inputs: Sequence[str | None], labels: Sequence[str | None], spelling: Spelling) -> str:
    """A type that is called as what is no span, in a file whose tags are types and never `O`, in words; else empty."""
    if spelling.scheme != "plain":
        return ""
    counts = Counter(tag for row in _RowsOfTags(inputs, labels) for tag in spelling.read(row))
    named = next((tag for tag, _ in counts.most_common(1) if tag.casefold() in _NOTHING), None)
    if named is None or OUTSIDE in counts:
        return ""
    return (
        f"'{named}' is the type of {counts[named]:,} of {counts.total():,} words and learnt as any other; write O for words "
        "outside of all spans"
    )


def first_with(inputs: Sequence[str | None], labels: Sequence[str | None], tag: str) -> int:
    """Number of the first row that has a tag, 0 where none has."""
    return next((at for at, tags in enumerate(map(_tags, inputs, labels)) if tag in map(str.strip, tags)), 0)


@dataclass(frozen=True)
class _RowsOfTags:
    """Tags of the rows of words among the rows of two columns, read when they are asked for."""

    inputs: Sequence[str | None]
    labels: Sequence[str | None]

    def __iter__(self) -> Iterator[list[str]]:
        return (tags for tags in map(_tags, self.inputs, self.labels) if tags)


def _tags(given: str | None, said: str | None) -> list[str]:
    """The tags of a row of words; nothing where it is no such row."""
    if not given or not said or words_beside(given, said) is None:
        return []
    try:
        return tags_in(said)
    except RowFault:
        return []


def _is_tag(word: str) -> bool:
    return word == OUTSIDE or position_tags([word])


def _word_spans(marks: Sequence[Mark], words: Words) -> list[Span]:
    found, at = [], 0
    for mark in marks:
        while at < len(words.starts) and words.starts[at] < mark.start:
            at += 1
        first = at
        while at < len(words.starts) and words.starts[at] < mark.end:
            at += 1
        if at == first:
            raise RowFault(f"the span {mark.start} to {mark.end} ({mark.type}) has no word in it")
        found.append(Span(first, at, mark.type))
    return found


def _listed(value: str, expected: str) -> list[Any]:
    try:
        found = from_json(value)
    except ValueError:
        found = python_list(value)
    if not isinstance(found, list):
        odd = "; a list as numpy prints it is read where it is whole, without ..." * value.startswith(("['", '["'))
        raise RowFault(f"its labels are {value[:40]!r}, expected {expected}{odd}")
    return found


def _spans(value: str) -> list[Any]:
    """The spans of a list, of a list of one annotator's list, or of an object with a list for each type, as GATE has it."""
    found = _decoded(value) if value.lstrip().startswith("{") else None
    if isinstance(found, dict) and found and all(isinstance(each, list) for each in found.values()):
        return [
            {**one, "label": kind} if isinstance(one, dict) else one for kind, each in found.items() for one in each
        ]
    found = _listed(value, 'a list of spans such as [[0, 5, "PER"]]')
    if found and all(isinstance(each, list) and all(isinstance(one, dict) for one in each) for each in found):
        if len(found) > 1:
            raise RowFault(f"its labels are {len(found)} lists of spans, as of several annotators; keep those of one")
        return found[0]
    return found


def _decoded(value: str) -> Any:
    try:
        return from_json(value)
    except ValueError:
        return None


def _mark(given: Any, text: str) -> Mark:
    pieces = (
        given[2] if isinstance(given, list) and len(given) == 3 else None
    )  # brat: number, type, places of its pieces
    if isinstance(given, dict):
        pieces = given.get("offsets", [given["indices"]] if "indices" in given else None)
    if isinstance(pieces, list):
        if len(pieces) != 1:
            raise RowFault(f"a span is {json.dumps(given)[:60]}, which has {len(pieces)} pieces; expected one")
        kind = given.get("type", given.get("label")) if isinstance(given, dict) else given[1]
        parts = [*(pieces[0] if isinstance(pieces[0], list) and len(pieces[0]) == 2 else (None, None)), kind]
    elif isinstance(given, dict):
        parts = [next((given[key] for key in keys if key in given), None) for keys in (STARTS, ENDS, TYPES)]
    else:  # some exports have the characters themselves behind the type
        parts = given if isinstance(given, list) and len(given) in (3, 4) else [None] * 3
    start, end, kind = parts[0], parts[1], parts[2]
    if isinstance(kind, list) and len(kind) == 1:
        kind = kind[0]
    if _is_place(kind):
        raise RowFault(
            f"the type of the span {json.dumps(given)[:60]} is the number {kind}; export names in place of ids"
        )
    if not (_is_place(start) and _is_place(end) and isinstance(kind, str) and kind.strip()):
        raise RowFault(f'a span is {json.dumps(given)[:60]}, expected [start, end, "type"] or an object with these')
    if not 0 <= start < end <= len(text):
        raise RowFault(
            f"the span {start} to {end} ({kind}) is outside of the text, which has {len(text)} characters; places count from 0, "
            "and the end is the place behind the last character"
        )
    if kind == "O" or not text[start:end].strip():
        raise RowFault(f"the span {start} to {end} ({kind}) has no word in it" if kind != "O" else "a span of type O")
    return Mark(*around(text, start, end), kind)


def _is_place(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _said(mark: Mark, text: str) -> str:
    return f"{mark.start} to {mark.end} ({mark.type}, '{text[mark.start : mark.end][:30]}')"
