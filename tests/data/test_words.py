"""Texts as words that keep their places."""

import re
import time
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headstart.data.graphemes import BREAK, around, joining
from headstart.data.words import WORD, Sentence, Sentences, Words, joined_words, word_list, words_of


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
        inside = [cut for cut in cuts if start < cut < start + len(word)]
        assert all(around(text, cut, cut) != (cut, cut) for cut in inside)
        covered |= set(range(start, start + len(word)))
    joins = re.compile(f"[{joining()}{BREAK}]")
    assert all(at in covered or joins.match(sign) for at, sign in enumerate(text) if not sign.isspace())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Rene\u0301e aß Brötchen.", ["Rene\u0301e", "aß", "Brötchen", "."]),
        ("नमस्ते, मेरा घर पुणे में है", ["नमस्ते", ",", "मेरा", "घर", "पुणे", "में", "है"]),
        ("เชียงใหม่ สวย", ["เชียงใหม่", "สวย"]),
        ("وَصَلَ عُمَرُ إلى بَيْرُوت", ["وَصَلَ", "عُمَرُ", "إلى", "بَيْرُوت"]),
        ("தமிழ்நாடு, চট্টগ্রাম", ["தமிழ்நாடு", ",", "চট্টগ্রাম"]),
        ("می\u200cروم", ["می\u200cروم"]),
        (unicodedata.normalize("NFD", "부산 바다"), [unicodedata.normalize("NFD", each) for each in ("부산", "바다")]),
        (unicodedata.normalize("NFD", "がくと"), ["か\u3099", "く", "と"]),
        ("葛\U000e0100西", ["葛\U000e0100", "西"]),
        ("👨\u200d👩\u200d👦👍🏽!", ["👨\u200d👩\u200d👦", "👍🏽", "!"]),
        ("🇨🇭🇮🇹 ❤\ufe0f 3\ufe0f\u20e3", ["🇨🇭", "🇮🇹", "❤\ufe0f", "3\ufe0f\u20e3"]),
        ("1\ufe0f\u20e3Ada2 *\u20e3", ["1\ufe0f\u20e3", "Ada2", "*\u20e3"]),
        ("Donau\u00addampf und\u200bzu", ["Donau\u00addampf", "und", "zu"]),
        ("\ufeffAda\u200e, Grace", ["Ada\u200e", ",", "Grace"]),
        ("q\u0303.e\u0301. x\u0323-y\u0323", ["q\u0303.e\u0301.", "x\u0323-y\u0323"]),
        ("\u0301 \u200d \ufe0f", []),
    ],
)
def test_a_word_keeps_the_marks_of_its_letters_and_a_sign_its_parts(text: str, words: list[str]) -> None:
    assert list(words_of(text).words) == words


PARTS = [
    *"aeo.5-'/ @,é한กิ漢न=❤👩",
    *(f"{letter}{mark}" for letter in "aeo" for mark in ("\u0301", "\u0308", "\u0323\u0302")),
    "\u1112\u1161\u11ab", "か\u3099", "कि", "👩\u200d👧", "👍🏽", "🇮🇹", "❤\ufe0f", "\u0644\u064f", "\u2126", "ﾊﾞ",
]  # fmt: skip


@given(st.lists(st.sampled_from(PARTS), max_size=14).map("".join), st.data())
def test_texts_encoded_otherwise_are_the_same_words_and_no_word_begins_or_ends_inside_a_grapheme(
    text: str, data: st.DataObject
) -> None:
    regex = pytest.importorskip("regex")
    forms = [unicodedata.normalize(form, text) for form in ("NFC", "NFD")]
    assert words_of(forms[0]).composed == words_of(forms[1]).composed
    assert words_of(forms[0]).words == words_of(forms[0]).composed
    for each in forms:
        whole = {match.start() for match in regex.finditer(r"\X", each)} | {len(each)}
        cut = data.draw(st.integers(0, len(each)))
        found = words_of(each, [cut])
        places = {at for word, start in zip(*found[::2], strict=True) for at in (start, start + len(word))}
        assert places <= whole
        begin, end = around(each, cut, cut)
        assert begin == max(at for at in whole if at <= cut)
        assert end == min(at for at in whole if at >= cut)


@given(st.text(st.characters(max_codepoint=0x24F, exclude_characters="\u00ad"), max_size=30))
def test_latin_texts_without_marks_of_their_own_are_the_words_that_they_are_in_ascii(text: str) -> None:
    found = [(match.group(), match.start()) for match in WORD.finditer(text)]
    assert [*zip(*words_of(text)[::2], strict=True)] == found


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


def test_many_borders_take_the_time_of_many_words_and_no_more() -> None:
    began = time.process_time()
    found = words_of("ab " * 20_000, range(1, 60_000, 3))
    assert time.process_time() - began < 3  # each border looked at for each word: minutes
    assert found.words[:4] == ("a", "b", "a", "b")
    assert len(found.words) == 40_000
