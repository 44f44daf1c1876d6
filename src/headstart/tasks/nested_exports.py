"""Exports of annotation tools whose texts or labels are inside of objects: named, with what to export or convert instead."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from shlex import quote
from typing import Any

from headstart.data.table import Table
from headstart.errors import DataError
from headstart.plain import from_json
from headstart.tasks.label_cells import ANSWERS

LOOKED_AT = 20
"""Rows that tell what a file is."""
LINES = "> rows.jsonl"


def refuse_nested(table: Table, label: str | None) -> None:
    """Raises DataError where a file is an export that no task reads as it is; a label that is named is looked for all the same.

    Args:
        table: as it was read.
        label: column(s) with the label, where they are named.
    """
    if label is not None:
        return
    for columns, fits, said in _KINDS:
        if all(column in table.columns for column in columns):
            cells = [[_decoded(cell) for cell in table.columns[column][:LOOKED_AT]] for column in columns]
            filled = [row for row in zip(*cells, strict=True) if all(value is not None for value in row)]
            if filled and all(map(fits, filled)):
                raise DataError(f"{table.file}: {said.format(file=quote(table.file))}")


def _decoded(cell: str | None) -> Any:
    try:
        return from_json(cell) if cell and cell.lstrip()[:1] in ("[", "{") else None
    except ValueError:
        return None


def _of_argilla(row: tuple[Any, ...]) -> bool:
    return all(isinstance(value, dict | list) for value in row)


def _of_spacy(row: tuple[Any, ...]) -> bool:
    [cats] = row
    return isinstance(cats, Mapping) and bool(cats) and all(isinstance(value, int | float) for value in cats.values())


def _of_spacy_two(row: tuple[Any, ...]) -> bool:
    tokens = row[0]
    for key in ("sentences", "tokens"):
        tokens = tokens[0].get(key) if isinstance(tokens, list) and tokens and isinstance(tokens[0], Mapping) else None
    return isinstance(tokens, list) and bool(tokens) and isinstance(tokens[0], Mapping) and "orth" in tokens[0]


def _of_names(row: tuple[Any, ...]) -> bool:
    return all(isinstance(value, Mapping) and "id" in value and isinstance(value.get("name"), str) for value in row)


def _of_texts(row: tuple[Any, ...]) -> bool:
    """Whether an object has the texts of the mentions of each type, as language models write them, `{"PER": ["Nora"]}`."""
    return all(
        isinstance(value, Mapping)
        and not {*value} & ANSWERS
        and all(isinstance(found, list) and all(isinstance(each, str) for each in found) for found in value.values())
        for value in row
    ) and any(row)


def _of_vertex(row: tuple[Any, ...]) -> bool:
    return all(isinstance(value, Mapping) and "displayName" in value for value in row)


def _of_vertex_grades(row: tuple[Any, ...]) -> bool:
    return all(isinstance(value, Mapping) and "sentiment" in value for value in row)


def _of_vertex_lists(row: tuple[Any, ...]) -> bool:
    return all(isinstance(value, list) and all(map(_is_named, value)) for value in row)


def _is_named(value: Any) -> bool:
    return isinstance(value, Mapping) and "displayName" in value


def _of_mentions(row: tuple[Any, ...], *, inclusive: bool) -> bool:
    """Whether an object has an object for each type, with the places of each mention in it, `{"PER": {"Nora": [[0, 3]]}}`."""
    [types] = row
    if not isinstance(types, Mapping) or not all(isinstance(found, Mapping) for found in types.values()):
        return False
    return all(
        isinstance(places, list)
        and all(_is_place(place) and len(name) == place[1] - place[0] + inclusive for place in places)
        for found in types.values()
        for name, places in found.items()
    )


def _is_place(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(isinstance(each, int) for each in value)


_KINDS: tuple[tuple[tuple[str, ...], Callable[[tuple[Any, ...]], bool], str], ...] = (
    (
        ("fields", "responses"), _of_argilla,
        "has records of Argilla, with texts inside of 'fields' and labels inside of 'responses'; export records flat "
        "(dataset.records.to_list(flatten=True)) and write a row for each",
    ),
    (
        ("cats",), _of_spacy,
        "has spaCy's 'cats', a number for each label in an object; where one label is right: "
        "jq -c '{{text, label: (.cats | to_entries | max_by(.value).key)}}' {file} " + LINES + "; where several may be: "
        "jq -c '{{text, labels: [.cats | to_entries[] | select(.value >= 0.5).key]}}' {file} " + LINES,
    ),
    (
        ("paragraphs",), _of_spacy_two,
        "has documents of spaCy 2, with the words of a sentence as objects; make a row of each sentence: "
        "jq -c 'if type == \"array\" then .[] else . end | .paragraphs[].sentences[] | "
        "{{tokens: [.tokens[].orth], tags: [.tokens[].ner]}}' {file} " + LINES,
    ),
    (
        ("label",), partial(_of_mentions, inclusive=True),
        "has an object for each type with the places of its mentions, ends included (as CLUENER has it); write lists of spans: "
        "jq -c '{{text, spans: [.label | to_entries[] | .key as $type | .value[][] | "
        "{{start: .[0], end: (.[1] + 1), label: $type}}]}}' {file} " + LINES,
    ),
    (
        ("label",), partial(_of_mentions, inclusive=False),
        "has an object for each type with the places of its mentions; write lists of spans: jq -c '{{text, spans: [.label | "
        "to_entries[] | .key as $type | .value[][] | {{start: .[0], end: .[1], label: $type}}]}}' {file} " + LINES,
    ),
    (
        ("label",), _of_names,
        "has objects with a number and a name in 'label'; write the names: jq -c '.label |= .name' {file} " + LINES,
    ),
    *(
        (
            (column,), _of_texts,
            f"has the texts of mentions in '{column}' and not their places; write a list of spans for each text, such as "
            '[{{"start": 0, "end": 4, "label": "PER"}}], with places counted in characters',
        )
        for column in ("entities", "label", "labels", "output")
    ),
    (
        ("sentimentAnnotation",), _of_vertex_grades,
        "is in the form of Vertex AI, with grades inside of objects; write a row for each: "
        "jq -c '{{text: .textContent, label: .sentimentAnnotation.sentiment}}' {file} " + LINES,
    ),
    (
        ("classificationAnnotation",), _of_vertex,
        "is in the form of Vertex AI, with labels inside of objects; write a row for each: "
        "jq -c '{{text: .textContent, label: .classificationAnnotation.displayName}}' {file} " + LINES,
    ),
    (
        ("classificationAnnotations",), _of_vertex_lists,
        "is in the form of Vertex AI, with labels inside of objects; write a row for each: "
        "jq -c '{{text: .textContent, labels: [.classificationAnnotations[].displayName]}}' {file} " + LINES,
    ),
    (
        ("textSegmentAnnotations",), _of_vertex_lists,
        "is in the form of Vertex AI, with spans inside of objects; write a row for each: jq -c '{{text: .textContent, spans: "
        "[.textSegmentAnnotations[] | {{start: .startOffset, end: .endOffset, label: .displayName}}]}}' {file} " + LINES,
    ),
)  # fmt: skip
