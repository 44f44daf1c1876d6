"""Answers in all their spellings, held against the contexts in which they stand."""

import json

import pytest

from headstart.data.answers import Answer, AnswerCounts, answers_in, offset_unit, place_of
from headstart.data.tagged import RowFault
from headstart.types import Json

CONTEXT = "Rome fell in 476. The other Rome fell in 1453."
FIRST, SECOND = Answer("476", 13, 16), Answer("1453", 41, 45)


@pytest.mark.parametrize(
    ("cell", "start", "expected"),
    [
        (Json('[{"text": "476", "answer_start": 13}, {"text": "1453", "answer_start": 41}]'), None, (FIRST, SECOND)),
        ('[{"text": "476", "answer_start": 13}]', None, (FIRST,)),
        ('{"text": ["476", "1453"], "answer_start": [13, 41]}', None, (FIRST, SECOND)),
        ("{'text': ['476', '1453'], 'answer_start': [13, 41]}", None, (FIRST, SECOND)),
        (
            "{'text': array(['476', '1453'], dtype=object), 'answer_start': array([13, 41], dtype=int32)}",
            None,
            (FIRST, SECOND),
        ),
        ('{"text": "476", "answer_start": 13}', None, (FIRST,)),
        ('{"text": [], "answer_start": []}', None, ()),
        ('{"text": ["476"]}', None, (FIRST,)),
        ("476", "13", (FIRST,)),
        ("476", "13.0", (FIRST,)),
        ("476", "[13]", (FIRST,)),
        ("476", None, (FIRST,)),
        ("476", "", (FIRST,)),
        ('["476", "1453"]', "[13, 41]", (FIRST, SECOND)),
        ('["476", "1453"]', "[13 41]", (FIRST, SECOND)),
        ("['476', '1453']", None, (FIRST, SECOND)),
        ("[]", None, ()),
        ("", None, ()),
        ("", "-1", ()),
        (None, None, ()),
        ("  ", "0", ()),
        (Json('[{"text": "476", "answer_start": 13}, {"text": "476", "answer_start": 13}]'), None, (FIRST, FIRST)),
        (Json('[{"text": " 476", "answer_start": 12}]'), None, (FIRST,)),
        ("476 ", "13", (FIRST,)),
    ],
)
def test_every_spelling_gives_text_start_and_end(
    cell: str | None, start: str | None, expected: tuple[Answer, ...]
) -> None:
    found = answers_in(cell, start, CONTEXT)
    assert found == expected
    assert all(CONTEXT[answer.start : answer.end] == answer.text for answer in found)


def test_a_text_may_begin_with_a_bracket() -> None:
    context = "It is said [1] to be {old}."
    assert answers_in("[1]", "11", context) == (Answer("[1]", 11, 14),)
    assert answers_in("{old}", None, context) == (Answer("{old}", 21, 26),)


@pytest.mark.parametrize(
    ("cell", "start", "message"),
    [
        ("1454", None, "the answer '1454' does not stand in its context; answers are taken out of it to the letter"),
        ("rome", "0", "the answer 'rome' does not stand in its context"),
        ("Rome", "3", "the answer 'Rome' is not at its offset 3 but stands more than once in its context; which one"),
        ("Rome", "-1", "not at its offset -1"),
        ("Rome", "4000", "not at its offset 4000"),
        ('["476", "1453"]', "13", "1 offsets for 2 answers"),
        ('{"text": ["476"], "answer_start": [13, 41]}', None, r"1 answers have '\[13, 41\]' as offsets; expected a list with one for each"),
        ('{"text": ["476"], "answer_start": 13}', None, "1 answers have '13' as offsets"),
        ('[{"answer_start": 13}]', None, "expected an object with 'text' and 'answer_start'"),
        ('{"text": [476], "answer_start": [13]}', None, "an answer is '476', expected a text"),
        ("476", "thirteen", "the offset of an answer is 'thirteen', expected a whole number of characters from 0"),
        ("476", "13.5", "the offset of an answer is '13.5'"),
        (Json('[{"text": "476", "answer_start": true}]'), None, "the offset of an answer is 'True'"),
        (Json('[{"text": "  ", "answer_start": 0}]'), None, "an answer is empty; leave it out where there is none"),
        (Json("[3]"), None, "an answer is '3', expected a text"),
    ],
)  # fmt: skip
def test_what_is_no_answer_of_its_context_is_a_fault(cell: str, start: str | None, message: str) -> None:
    with pytest.raises(RowFault, match=message):
        answers_in(cell, start, CONTEXT)


def test_answers_that_are_moved_or_ambiguous_are_counted_and_said() -> None:
    counts = AnswerCounts()
    assert answers_in("476", "12", CONTEXT, counts) == (FIRST,), "it stands there once"
    assert answers_in("Rome", None, CONTEXT, counts) == (Answer("Rome", 0, 4),), "the first place"
    assert answers_in("1453", None, CONTEXT, counts) == (SECOND,)
    assert answers_in("Rome", "28", CONTEXT, counts) == (Answer("Rome", 28, 32),)
    assert (counts.answers, counts.moved, counts.unplaced, counts.ambiguous) == (4, 1, 2, 1)
    assert counts.remarks("a.csv") == (
        "a.csv: 1 of 4 answers were not at their offset and were found elsewhere, where they stand once in their context",
        "a.csv: 1 of 2 answers without an offset stand more than once in their context; the first place is taken, and a column "
        "answer_start says another",
    )
    assert AnswerCounts().remarks("a.csv") == ()


SMILE = "Grüße 😀 aus Rom, und aus Rom 😀 auch"


@pytest.mark.parametrize(("unit", "offset"), [("characters", 13), ("utf-16", 13), ("bytes", 13)])
def test_a_place_in_plain_text_is_the_same_in_every_unit(unit: str, offset: int) -> None:
    assert place_of(CONTEXT, offset, unit) == 13  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("unit", "offset", "expected"),
    [
        ("characters", 7, 7), ("characters", 36, None),
        ("utf-16", 8, 7), ("utf-16", 6, 6), ("utf-16", 7, None), ("utf-16", 37, 35), ("utf-16", 38, None),
        ("bytes", 12, 7), ("bytes", 3, None), ("bytes", 4, 3), ("bytes", 9, None), ("bytes", 43, 35), ("bytes", 44, None),
    ],
)  # fmt: skip
def test_offsets_inside_of_a_character_or_beyond_the_text_have_no_place(
    unit: str, offset: int, expected: int | None
) -> None:
    assert len(SMILE) == 35
    assert place_of(SMILE, offset, unit) == expected  # type: ignore[arg-type]


@pytest.mark.parametrize(("unit", "length"), [("characters", len), ("utf-16", lambda text: len(text.encode("utf-16-le")) // 2),
                                              ("bytes", lambda text: len(text.encode()))])  # fmt: skip
def test_the_unit_of_a_file_is_found_over_all_rows_and_answers_are_at_their_places(unit: str, length: object) -> None:
    starts = [8, 21, 25, 31]  # aus, aus, Rom, auch
    rows = []
    for start in starts:
        text = SMILE[start : start + 3]
        offset = length(SMILE[:start])  # type: ignore[operator]
        rows.append((Json(json.dumps([{"text": text, "answer_start": offset}])), None, SMILE))
    rows += [("{", None, SMILE), ("Rom", "x", SMILE), (None, None, SMILE), ("476", "13", CONTEXT)]
    assert offset_unit(rows) == unit
    counts = AnswerCounts(unit)  # type: ignore[arg-type]
    found = [answers_in(cell, start, context, counts)[0].start for cell, start, context in rows[:4]]
    assert found == starts
    assert counts.moved == 0
    said = {"utf-16": "units of UTF-16, as JavaScript counts", "bytes": "bytes of UTF-8"}
    expected = () if unit == "characters" else (f"a: offsets of answers count {said[unit]}; they were made characters",)
    assert counts.remarks("a") == expected


def test_rows_that_say_nothing_of_units_leave_them_characters() -> None:
    assert offset_unit([]) == "characters"
    assert offset_unit([("aus", "8", SMILE), ("Rom", "90", SMILE)]) == "characters"
