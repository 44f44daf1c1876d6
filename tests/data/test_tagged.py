"""Labelled sentences of files: tags beside words, spans of characters in texts, and what is wrong with them."""

import json

import pytest

from headstart.data.spelling import USUAL, Spelling
from headstart.data.tagged import Mark, RowFault, faults_in, first_with, input_words, marks_of, sentence, spelling_in
from headstart.data.tags import Span, spans_of
from headstart.data.words import words_of


@pytest.mark.parametrize(
    "tags",
    [
        ["B-PER", "I-PER", "O", "B-LOC"],
        ["I-PER", "I-PER", "O", "I-LOC"],
        ["B-PER", "E-PER", "O", "S-LOC"],
        ["B-PER", "L-PER", "O", "U-LOC"],
    ],
)
def test_every_scheme_with_signs_becomes_iob2(tags: list[str]) -> None:
    found = sentence('["Ada", "Lovelace", "in", "Paris"]', json.dumps(tags))
    assert found.label == ("B-PER", "I-PER", "O", "B-LOC")
    assert found.text == "Ada Lovelace in Paris"


def test_bare_types_become_spans_where_neighbours_agree() -> None:
    found = sentence('["Ada", "Lovelace", "in"]', '["PER", "PER", "O"]', spelling=Spelling("plain", {}))
    assert found.label == ("B-PER", "I-PER", "O")


@pytest.mark.parametrize(
    "spans",
    [
        [[0, 12, "PER"], [16, 21, "LOC"]],
        [{"start": 16, "end": 21, "label": "LOC"}, {"start": 0, "end": 12, "type": "PER"}],
        [
            {"id": 7, "start_offset": 0, "end_offset": 12, "label": "PER"},
            {"start_offset": 16, "end_offset": 21, "label": "LOC"},
        ],
        [[0, 12, "PER"], [16, 21, "LOC"], [0, 12, "PER"]],
        [[0, 12, "PER", "Ada Lovelace"], [16, 21, "LOC", "Paris"]],
        [
            {"start": 0, "end": 12, "text": "Ada Lovelace", "labels": ["PER"]},
            {"start": 16, "end": 21, "labels": ["LOC"]},
        ],
    ],
)
def test_spans_of_characters_become_tags_of_words(spans: list[object]) -> None:
    found = sentence("Ada Lovelace in Paris.", json.dumps(spans))
    assert found.input.words == ("Ada", "Lovelace", "in", "Paris", ".")
    assert found.label == ("B-PER", "I-PER", "O", "B-LOC", "O")


def test_a_span_inside_of_a_word_cuts_it_so_that_no_label_is_lost() -> None:
    found = sentence("U.S.-based", '[[0, 4, "LOC"]]')
    assert found.input.words == ("U.S.", "-", "based")
    assert found.label == ("B-LOC", "O", "O")
    within = sentence("Paris-based", '[[0, 5, "LOC"]]')
    assert within.input.words[0] == "Paris"
    assert within.label[0] == "B-LOC"


def test_spans_side_by_side_stay_two() -> None:
    assert sentence("Ada Grace", '[[0, 3, "PER"], [4, 9, "PER"]]').label == ("B-PER", "B-PER")


@pytest.mark.parametrize(
    ("begin", "end", "said"),
    [(3, 8, "Rene\u0301"), (3, 7, "Rene\u0301"), (1, 8, "e\u0301 Rene\u0301"), (3, 6, "Ren"), (9, 11, "👍🏽")],
)
def test_a_span_is_widened_to_whole_letters_and_signs(begin: int, end: int, said: str) -> None:
    found = sentence("e\u0301 Rene\u0301 👍🏽", json.dumps([[begin, end, "PER"]]))
    [mark] = marks_of(found.input, spans_of(found.label or ()))
    assert found.text[mark.start : mark.end] == said


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("['Ada', \"O'Hara\", 'sang']", "['B-PER', 'I-PER', 'O']"),
        ("Ada O'Hara sang", "B-PER I-PER O"),
        ("Ada O'Hara  sang", "B-PER, I-PER, O"),
        ('["Ada", "O\'Hara", "sang"]', "B-PER I-PER O"),
        ("Ada O'Hara sang", '["B-PER", "I-PER", "O"]'),
    ],
)
def test_lists_as_python_prints_them_and_tags_between_blanks_are_read(text: str, labels: str) -> None:
    found = sentence(text, labels)
    assert (found.input.words, found.label) == (("Ada", "O'Hara", "sang"), ("B-PER", "I-PER", "O"))
    assert spelling_in([text], [labels]) == USUAL


def test_spans_as_python_prints_them_are_read() -> None:
    assert sentence("Ada sang", "[(0, 3, 'PER')]").label == ("B-PER", "O")
    assert sentence("Ada sang", "[{'start': 0, 'end': 3, 'label': 'PER'}]").label == ("B-PER", "O")


def test_no_label_at_all_is_not_the_same_as_no_span() -> None:
    assert sentence("Ada", None).label is None
    assert sentence("Ada", "[]").label == ("O",)


@pytest.mark.parametrize(
    ("text", "labels", "message"),
    [
        ("Ada", '[[{"start": 0, "end": 3, "label": "A"}], [{"start": 0, "end": 2, "label": "A"}]]', "2 lists of spans, as of several"),
        ("Ada", '[{"start_offset": 0, "end_offset": 3, "label": 4}]', "is the number 4; export names in place of ids"),
        ('["a", "b"]', '["O"]', "1 tags for 2 words"),
        ('["a", ""]', '["O", "O"]', "word 2 is empty"),
        ("[]", "[]", "no words"),
        ('["a"]', "[3]", "tag 1 is the number 3, and nothing says what it stands for; write names"),
        ('["a"]', "[null]", "tag 1 is null, expected a name such as B-PER or O"),
        ('["a"]', '[" "]', "tag 1 is empty"),
        ('["a"]', "PER", "its labels are 'PER', expected a list of tags"),
        ("Ada sings", "B-PER O O", "3 tags for 2 words"),
        ('["a", "b"]', "['O''O']", "expected a list of tags"),
        ("Ada", "PER", "its labels are 'PER', expected a list of spans"),
        ("Ada", '[[0, 4, "PER"]]', r"the span 0 to 4 \(PER\) is outside of the text, which has 3 characters"),
        ("Ada", '[[2, 2, "PER"]]', "is outside of the text"),
        ("Ada", '[[-1, 2, "PER"]]', "is outside of the text"),
        ("Ada  x", '[[3, 5, "PER"]]', "has no word in it"),
        ("Ada", '[["0", "3", "PER"]]', r"a span is .* expected \[start, end, \"type\"\]"),
        ("Ada", '[{"start": 0, "end": 3}]', "expected .* or an object with these"),
        ("Ada", '[[true, 3, "PER"]]', "expected"),
        ("Ada", '[[0, 3, "O"]]', "a span of type O"),
        ("Ada Lovelace", '[[0, 12, "PER"], [0, 3, "NAME"]]', r"the span 0 to 12 \(PER, 'Ada Lovelace'\) overlaps with the span 0 to 3"),
        ("Ada Lovelace", '[[0, 12, "PER"], [4, 12, "NAME"]]', "is inside of the span 0 to 12"),
        ("Ada Lovelace x", '[[0, 12, "PER"], [4, 14, "NAME"]]', "overlaps with"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_said(text: str, labels: str, message: str) -> None:
    with pytest.raises(RowFault, match=message):
        sentence(text, labels)


def test_spans_of_words_have_places_in_the_text() -> None:
    text = "Then Ada  Lovelace left"
    assert marks_of(words_of(text), [Span(1, 3, "PER")]) == [Mark(5, 18, "PER")]
    assert text[5:18] == "Ada  Lovelace"


def test_the_scheme_is_told_from_rows_of_words_alone() -> None:
    words, text = '["Ada", "left"]', "Ada left"
    assert spelling_in([words, text], ['["PER", "O"]', '[[0, 3, "PER"]]']).scheme == "plain"
    assert spelling_in([words], ['["B-PER", "O"]']) == USUAL
    assert spelling_in([text], ['[[0, 3, "PER"]]']) == USUAL  # nothing speaks for another


def test_tags_that_cannot_stand_where_they_stand_are_counted_by_row() -> None:
    found = faults_in(['["a", "b"]', '["a", "b"]'], ['["O", "B-X"]', '["O", "I-X"]'], USUAL)
    assert [(row, fault.word, fault.reason) for row, fault in found] == [(1, 1, "I-X after O")]


def test_the_row_of_a_tag_is_found() -> None:
    assert first_with(['["a"]', "text", '["a", "b"]'], ['["O"]', "[]", '["O", " x"]'], "x") == 2


def test_a_text_and_a_list_of_words_are_both_input() -> None:
    assert input_words('["a", "b"]').words == ("a", "b")
    assert input_words("a [b]").words == ("a", "[", "b", "]")


@pytest.mark.parametrize(
    "labels",
    [
        '{"WHO": [{"indices": [0, 3]}], "WHERE": [{"indices": [13, 17], "rule": "x"}]}',
        '{"WHO": [{"start": 0, "end": 3}], "WHERE": [{"start": 13, "end": 17}]}',
        '[[{"start": 0, "end": 3, "label": "WHO"}, {"start": 13, "end": 17, "label": "WHERE"}]]',
    ],
)
def test_spans_by_type_and_those_of_one_annotator_are_read(labels: str) -> None:
    assert sentence("Ida sails to Kiel", labels).label == ("B-WHO", "O", "O", "B-WHERE")
