"""Passages give back the very text, in the order of paragraphs, sentences, words and characters that readers see."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from headstart.data.graphemes import around
from headstart.ranking import chunking
from headstart.ranking.chunking import chunked, word_places

TEXTS = st.text(st.sampled_from("ab.!? \n\t日本。é́\u0301👩‍👧🇩🇪가-*\u200b\xa0"), max_size=120)


def texts(text: str, **options: int) -> list[str]:
    return [chunk.text for chunk in chunked([text], **options)]


@given(TEXTS, st.integers(1, 7), st.integers(0, 6))
@example("a 🇩🇪🇩🇪🇩🇪", 1, 0)
@settings(max_examples=300, deadline=None)
def test_places_give_back_the_very_text_in_order_and_nothing_but_white_space_is_left_out(
    text: str, most: int, overlap: int
) -> None:
    overlap = min(overlap, most - 1)
    chunks = list(chunked([text], most=most, overlap=overlap))
    assert all(text[chunk.start : chunk.end] == chunk.text for chunk in chunks)
    assert all(chunk.line == text.count("\n", 0, chunk.start) + 1 for chunk in chunks)
    covered = 0
    for chunk in chunks:
        assert not text[covered : chunk.start].strip()
        assert chunk.end > covered
        covered = chunk.end
    assert not text[covered:].strip()


@given(TEXTS, st.integers(1, 7), st.integers(0, 6))
@settings(max_examples=300, deadline=None)
def test_no_passage_is_longer_than_asked_for_unless_it_is_one_character_and_none_cuts_one(
    text: str, most: int, overlap: int
) -> None:
    for chunk in chunked([text], most=most, overlap=min(overlap, most - 1)):
        assert around(text, chunk.start, chunk.end) == (chunk.start, chunk.end)
        if len(word_places(chunk.text)) > most:
            assert around(text, chunk.start, chunk.start + 1)[1] >= chunk.end


def test_paragraphs_are_gathered_while_they_fit() -> None:
    text = "one two\n\nthree four\n \nfive six seven\n\neight"
    assert texts(text, most=4) == ["one two\n\nthree four", "five six seven\n\neight"]


def test_a_paragraph_that_is_too_long_is_cut_at_sentences_into_parts_of_like_length() -> None:
    text = "a b c d. e f g h. i j k l. m n o p."
    assert texts(text, most=15) == ["a b c d. e f g h.", "i j k l. m n o p."]


def test_a_sentence_that_is_too_long_is_cut_at_blanks_and_a_run_without_blanks_at_signs() -> None:
    assert texts("one two three four five six", most=3) == ["one two three", "four five six"]
    assert texts("日本語の文章", most=4) == ["日本語", "の文章"] or texts("日本語の文章", most=4) == [
        "日本語の",
        "文章",
    ]


def test_the_end_of_the_passage_before_is_repeated_from_the_beginning_of_a_sentence() -> None:
    found = texts("One two three. Four five. Six seven eight nine ten.", most=9, overlap=3)
    assert found == ["One two three.", "two three. Four five.", "Four five. Six seven eight nine ten."]


def test_documents_that_come_in_sections_are_cut_as_those_that_come_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    paragraphs = [f"Paragraph {number} says this. " * (number % 5 + 1) for number in range(60)]
    text = "\n\n".join(each.strip() for each in paragraphs)
    lines = text.splitlines(keepends=True)
    whole = list(chunked([text], most=12))
    monkeypatch.setattr(chunking, "SECTION", 200)
    assert list(chunked(lines, most=12)) == whole
    monkeypatch.setattr(chunking, "MOST_HELD", 500)
    single = ["word word word. and more\n"] * 200
    chunks = list(chunked(single, most=12))
    joined = "".join(single)
    assert all(joined[chunk.start : chunk.end] == chunk.text for chunk in chunks)
    assert all(chunk.line == joined.count("\n", 0, chunk.start) + 1 for chunk in chunks)


def test_a_text_of_nothing_but_white_space_has_no_passages() -> None:
    assert texts(" \n\n\t ", most=5) == []
    assert texts("", most=5) == []
