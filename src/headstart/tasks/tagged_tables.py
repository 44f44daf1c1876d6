"""Sentences with tags or spans in the columns of a table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

import numpy as np

from headstart.data.cut_words import words_cut
from headstart.data.profile import ColumnProfile, TableProfile
from headstart.data.python_lists import python_list
from headstart.data.spelling import USUAL, Spelling, TagFault, position_tags
from headstart.data.store import Store
from headstart.data.table import Table
from headstart.data.tagged import (
    STARTS,
    RowFault,
    faults_in,
    first_with,
    nothing_in,
    sentence,
    spelling_in,
    tags_between,
    words_beside,
)
from headstart.data.tags import OUTSIDE, Scheme
from headstart.data.words import Sentence, Sentences, word_list
from headstart.errors import DataError
from headstart.plain import from_json
from headstart.tasks.columns import text_fault
from headstart.tasks.fitness import Fitness
from headstart.types import Dropped

TEXT_NAMES = ("tokens", "words", "text", "sentence", "token", "word")
LABEL_NAMES = ("tags", "ner_tags", "labels", "label", "entities", "spans", "ner", "annotations", "tag", "ner_tag")
"""Usual names of columns."""
LOOKED_AT = 200
"""Rows that columns are chosen by."""
MOST_TAGS = 500
"""Tags beyond which lists are of something else, unless their column has a usual name."""
LINES = 5
"""Lines named in a message."""
LEAST_UNPARTED = 25
"""Words of an only sentence from which signs of its end in it say that it is several; four times as many say so alone."""
_STOPS = frozenset(".!?\u2026\u3002\u0964\uff01\uff1f\u061f\u06d4")

Cells = Sequence[str | None]


def named(table: Table, usual: Sequence[str], flag: str, other: str | None) -> str:
    """The first column with a usual name, in any case, that is not `other`.

    Raises:
        DataError: there is none; `flag` is what names one.
    """
    folded = {name.casefold(): name for name in table.columns if name != other}
    name = next((folded[each] for each in usual if each in folded), None)
    if name is None and "columns" in table.format:
        if len(table.columns) == 1:
            raise DataError(f"{table.file}: has words alone; expected a tag beside each word")
        raise DataError(
            f"{table.file}: no column looks like {usual[0]} (columns: {', '.join(table.columns)}; the others count, or say the "
            f"same everywhere); name it with {flag}, by its name or number"
        )
    if name is None:
        raise DataError(
            f"{table.file}: no column is called {', '.join(usual)} (columns: {', '.join(table.columns)}); name it with {flag}"
        )
    return name


def tagged_columns(table: Table, text: str | None, label: str | None) -> tuple[str, str]:
    """The columns with words or texts and with their tags or spans: those that fit each other, usual names first.

    Args:
        table: the file.
        text: the first one, where it is named.
        label: the second one, where it is named.

    Raises:
        DataError: none fit, and none have usual names.
    """
    if "columns" in table.format:  # whose reader has told them apart by more than is left here
        text = text or named(table, TEXT_NAMES, "--text", label)
        return text, label or named(table, LABEL_NAMES, "--label", text)
    profile = TableProfile.of(table, rows=LOOKED_AT)
    texts = [text] if text else _ordered(profile, TEXT_NAMES)
    labels = (
        [label] if label else [name for name in _ordered(profile, LABEL_NAMES) if _may_label(profile.columns[name])]
    )
    best, found = 0.0, None
    for one in texts:
        for other in labels:
            score = tagged_fitness(profile.columns[one], profile.columns[other]).score if one != other else 0.0
            if score > best:
                best, found = score, (one, other)
        if best == 1.0:
            break
    if found:
        return found
    text = text or named(table, TEXT_NAMES, "--text", label)
    return text, label or named(table, LABEL_NAMES, "--label", text)


def _may_label(column: ColumnProfile) -> bool:
    """Whether cells are lists, or tags between blanks."""
    said = [cell for cell in column.cells if cell][:LINES]
    return column.is_listed or (bool(said) and all(position_tags([*tags_between(cell), "B-X"]) for cell in said))


def _ordered(profile: TableProfile, usual: Sequence[str]) -> list[str]:
    """Names of columns, those with usual names first."""
    order = {name: at for at, name in enumerate(usual)}
    return sorted(profile.columns, key=lambda name: order.get(name.casefold(), len(order)))


def layout_of(table: Table, text: str, label: str) -> list[str]:
    """A sentence about the columns of a file without a header, where they were chosen by content and not as usual.

    Args:
        table: the file.
        text: column with the words.
        label: column with their tags.
    """
    if (text, label) != ("tokens", "tags") or "layout" not in table.format:
        return []
    return [f"{table.file}: has its {table.format['layout']}; choose others with --text and --label, by name or number"]


def written(table: Table, inputs: Cells, labels: Cells, scheme: Scheme | None, types: Iterable[str] = ()) -> Spelling:
    """How the tags of a table are written.

    Args:
        table: where the cells stand.
        inputs: words or text, a cell for each row.
        labels: tags or spans, a cell for each row.
        scheme: in which tags are; found if None.
        types: those that are known already.

    Raises:
        DataError: tags can be read in more than one way, or in none; it names one and its line.
    """
    try:
        return spelling_in(inputs, labels, scheme, types)
    except TagFault as fault:
        raise DataError(f"{table.file}, line {table.lines[first_with(inputs, labels, fault.tag)]}: {fault}") from None


def sentences_of(
    table: Table, inputs: Cells, labels: Cells | None, spelling: Spelling = USUAL
) -> tuple[Store[Sentence], list[Dropped]]:
    """The rows that can be used, read when they are asked for, and the others with a reason.

    Args:
        table: where the cells stand.
        inputs: words or text, a cell for each row.
        labels: tags or spans, a cell for each row; None where rows have none.
        spelling: how tags are written.
    """
    read = partial(sentence, spelling=spelling)
    told = [None] * len(table) if labels is None else labels
    kept, counts, dropped = [], [], []
    for row, (given, said) in enumerate(zip(inputs, told, strict=True)):
        reason = text_fault(given)
        if reason is None and labels is not None and (said is None or not said.strip()):
            reason = "no label"
        count = 0
        try:
            if reason is None:
                count = len(read(given or "", said).input.words)
        except RowFault as fault:
            reason = str(fault)
        if reason:
            dropped.append(Dropped(table.file, table.lines[row], reason))
        else:
            kept.append(row)
            counts.append(count)
    if (
        len(kept) > LINES
        and set(counts) == {1}
        and labels is not None
        and not any("[" in (told[row] or "") for row in kept)
    ):
        raise DataError(
            f"{table.file}: each row has one word and its tag; rows have to be sentences, so write a file of words and tags with "
            "an empty line between sentences (--format conll), or lists of words and of tags"
        )
    if "columns" in table.format and len(table) == 1 and labels is not None and kept:
        _refuse_unparted(table, read(inputs[0] or "", told[0]).input.words)
    columns = {key: [values[row] for row in kept] for key, values in table.columns.items()}
    own = [inputs[row] for row in kept], [told[row] for row in kept]
    rows = Sentences(*own, read, np.array(counts, dtype=np.int64))
    return Store(rows, [table.lines[row] for row in kept], table.file, columns), dropped


def _refuse_unparted(table: Table, words: Sequence[str]) -> None:
    """Raises DataError where the only sentence of a file is plainly several."""
    several = len(words) >= LEAST_UNPARTED and any(word in _STOPS for word in words[:-1])
    if several or len(words) >= 4 * LEAST_UNPARTED:
        raise DataError(
            f"{table.file}: no empty line parts sentences, so all {len(words):,} words are one; put an empty line behind the "
            "last word of each sentence"
        )


def remarks_on(table: Table, inputs: Cells, labels: Cells, spelling: Spelling) -> list[str]:
    """How tags are written, unless as usual, and which are not possible where they stand; arguments as of `sentences_of`."""
    how = " (types alone: neighbours of one type are one span)" if spelling.scheme == "plain" else ""
    said = [f"{table.file}: tags are in the scheme {spelling.scheme}{how}"] if spelling.scheme != "iob2" else []
    if spelling.said:
        said = [
            f"{table.file}: tags are read in the scheme {spelling.scheme}{how}: {spelling.said}; --scheme says another"
        ]
    if any(cell and not cell.lstrip().startswith(("[", "{")) for cell in labels):
        commas = any("," in cell for cell in labels if cell and len(cell.split()) == 1)
        between = "commas" if commas else "blanks"
        said.append(f"{table.file}: tags stand between {between}, one for each word between the blanks of its text")
    if named := nothing_in(inputs, labels, spelling):
        said.append(f"{table.file}: {named}")
    if cut := words_cut(inputs, labels):
        said.append(f"{table.file}: {cut}")
    if faults := faults_in(inputs, labels, spelling):
        shown = "; ".join(
            f"line {table.lines[at]}, word {fault.word + 1}: {fault.reason}" for at, fault in faults[:LINES]
        )
        said.append(
            f"{table.file}: {len(faults):,} tags are not possible in the scheme {spelling.scheme} where they stand ({shown}); "
            "each is taken for the begin of a span"
        )
    return said


def tagged_fitness(text: ColumnProfile, label: ColumnProfile) -> Fitness:
    """How many of the filled rows are words with tags or texts with spans, and which of the two it is."""
    rows = [(given, said) for given, said in zip(text.cells, label.cells, strict=True) if given and said]
    if text.is_listed:
        tagged = [tags for given, said in rows if (tags := _as_many(given, said))]
        usual = text.name.casefold() in TEXT_NAMES and label.name.casefold() in LABEL_NAMES
        usual = usual or (_are_words(text) and _are_tags(label, text))
        told = usual and any(str(tag).strip() not in (OUTSIDE, "0") for tags in tagged for tag in tags)
        reason = f"'{text.name}' has words, and '{label.name}' a tag for each of them"
        return Fitness(len(tagged) / len(rows) if told and len(tagged) > 0.5 * len(rows) else 0.0, reason)
    tagged = [tags for given, said in rows if not said.lstrip().startswith("[") and (tags := _as_many(given, said))]
    kinds = {tag for tags in tagged for tag in tags}
    several = OUTSIDE in kinds or any(len(tags) > 1 for tags in tagged)  # 'u/name' alone is a person and no tag
    if len(tagged) > 0.5 * len(rows) and several and kinds - {OUTSIDE}:
        return Fitness(len(tagged) / len(rows), f"'{label.name}' has a tag for each word of '{text.name}'")
    read = []
    for given, said in rows:
        with suppress(RowFault):
            if words_beside(given, said) is None:
                read.append(sentence(given, said).label or ())
    found = len(read) > 0.5 * len(rows) and any(tag != OUTSIDE for tags in read for tag in tags)
    placed = [each for cell in label.lists for each in cell if isinstance(each, dict) and {*each} & {*STARTS}]
    score = len(read) / len(rows) if found else 0.5 if placed else 0.0  # reading says what is wrong with them
    return Fitness(score, f"'{label.name}' has spans of the texts in '{text.name}'")


def _as_many(given: str, said: str) -> list[Any]:
    """The tags of a row of words if they are as many; in which spelling is another question.

    Between blanks only `O` and tags that say positions are taken for some, since any two texts may have as many words.
    """
    words = word_list(given)
    if not said.lstrip().startswith("["):
        words, tags = given.split() if words is None else words, tags_between(said)
        return tags if len(tags) == len(words) and position_tags([*tags, "B-X"]) else []
    try:
        tags = from_json(said) if words else None
    except ValueError:
        tags = python_list(said)
    return tags if isinstance(tags, list) and words and len(tags) == len(words) else []


def _are_words(column: ColumnProfile) -> bool:
    """Whether lists are of the words of a sentence rather than of sentences, of numbers or of a name."""
    words = [word for words in column.lists for word in words]
    odd = sum(not isinstance(word, str) or " " in word for word in words)
    return len(words) >= 1.5 * len(column.lists) and odd <= 0.1 * len(words)


def _are_tags(column: ColumnProfile, words: ColumnProfile) -> bool:
    """Whether lists are of tags with an outside, or of a few names that recur, far fewer than there are words."""
    tags = [str(tag) for tags in column.lists for tag in tags]
    kinds, known = len({*tags}), len({str(word) for each in words.lists for word in each})
    few = OUTSIDE in tags or kinds <= min(0.5 * len(tags), known / 3)
    return few and kinds <= MOST_TAGS and not any(" " in tag.strip() for tag in tags)
