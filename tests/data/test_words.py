"""Texts as words that keep their places."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headstart.data.words import Sentence, Sentences, Words, joined_words, word_list, words_of


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Ada met Grace.", ["Ada", "met", "Grace", "."]),
        (
            "U.S. exports rose 3,000 % on 1996-08-22 ...",
            ["U.S.", "exports", "rose", "3,000", "%", "on", "1996-08-22", "..."],
        ),
        ("Berlin's Jean-Luc", ["Berlin", "'s", "Jean-Luc"]),
        ("東京 2020", ["東", "京", "2020"]),
        (" \t\n", []),
    ],
)
def test_signs_stand_alone_and_numbers_and_abbreviations_stay_whole(text: str, words: list[str]) -> None:
    assert list(words_of(text).words) == words


@given(st.text(max_size=60), st.sets(st.integers(0, 60), max_size=4))
def test_every_word_stands_at_its_place_no_sign_is_lost_and_none_goes_across_a_border(
    text: str, cuts: set[int]
) -> None:
    found = words_of(text, cuts)
    covered: set[int] = set()
    for word, start in zip(found.words, found.starts, strict=True):
        assert text[start : start + len(word)] == word
        assert not any(start < cut < start + len(word) for cut in cuts)
        covered |= set(range(start, start + len(word)))
    assert all(at in covered for at, sign in enumerate(text) if not sign.isspace())


def test_words_that_were_given_one_by_one_have_places_in_the_text_they_make() -> None:
    assert joined_words(["a", "bc", "d"]) == Words(("a", "bc", "d"), "a bc d", (0, 2, 5))


@pytest.mark.parametrize(
    ("value", "found"), [('["a", "b"]', ["a", "b"]), ("[1]", None), ("[a", None), ("a [b]", None), (" []", [])]
)
def test_a_list_of_texts_is_words_and_anything_else_is_a_text(value: str, found: Any) -> None:
    assert word_list(value) == found


def test_sentences_are_made_when_asked_for_and_keep_their_counts() -> None:
    import numpy as np

    read = []

    def made(text: str, tags: str | None) -> Sentence:
        read.append(text)
        return Sentence(words_of(text), None if tags is None else tuple(tags.split()))

    rows = Sentences(["a b", "c"], ["O O", None], made, np.array([2, 1]))
    assert read == []
    assert rows[1] == Sentence(words_of("c"))
    taken = rows.take([1, 0])
    assert taken.counts.tolist() == [1, 2]
    assert [row.label for row in taken] == [None, ("O", "O")]
    assert [row.text for row in rows[0:2]] == ["a b", "c"]
