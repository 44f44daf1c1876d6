"""Languages by their codes, and which of two a text is in."""

import pytest

from headstart.data.language_profiles import (
    is_in_other,
    is_in_wrong_script,
    letters_by_script,
    likeliest_language,
    scripts_of,
)
from headstart.data.languages import language_of, require_language, same_language

ENGLISH = [
    "A man rides his bike in the street.",
    "Two dogs are running on the grass.",
    "She is at the table with a cup of tea.",
]
GERMAN = [
    "Ein Mann fährt auf der Straße Rad.",
    "Zwei Hunde laufen durch das Gras.",
    "Sie sitzt mit einer Tasse Tee an dem Tisch.",
]


@pytest.mark.parametrize(
    ("tag", "code"),
    [("de", "de"), ("DE", "de"), ("deu", "de"), ("ger", "de"), ("de-AT", "de"), ("de_DE", "de"), ("deu_Latn", "de"), ("zh-Hans-CN", "zh"),
     ("cmn", "zh"), ("en_XX", "en"), ("sr@latin", "sr"), ("ast", "ast"), ("nob_Latn", "nb")],
)  # fmt: skip
def test_codes_and_tags_stand_for_a_language(tag: str, code: str) -> None:
    found = language_of(tag)
    assert found is not None
    assert found.code == code
    assert require_language(tag) == tag


@pytest.mark.parametrize(
    ("tag", "hint"),
    [("german", "did you mean 'de'"), ("Germn", "did you mean 'de'"), ("deutsch_DE", "codes are those of ISO 639"), ("xx", "is no code of a"),
     ("", "is no code of a language"), ("e", "is no code of a language"), ("d€", "is no code of a language")],
)  # fmt: skip
def test_what_is_no_code_is_refused_with_the_one_that_may_be_meant(tag: str, hint: str) -> None:
    assert language_of(tag) is None
    with pytest.raises(ValueError, match=hint):
        require_language(tag)


def test_two_codes_of_one_language_are_the_same() -> None:
    assert same_language("de-AT", "deu")
    assert not same_language("de", "nl")
    assert same_language("Left", "left")
    assert not same_language("left", "de")


def test_common_words_tell_languages_of_one_script_apart() -> None:
    assert [is_in_other(text, "de", "en") for text in ENGLISH] == [True] * 3
    assert [is_in_other(text, "en", "de") for text in GERMAN] == [True] * 3
    assert not any(is_in_other(text, "en", "de") for text in ENGLISH)
    assert not any(is_in_other(text, "de", "en") for text in GERMAN)
    assert not is_in_other("Der Film 'The Lord of the Rings' ist lang und sehr erfolgreich", "de", "en"), (
        "a title in it"
    )
    assert likeliest_language(GERMAN) == "de"
    assert likeliest_language(["12", "", "Anna Karenina"]) is None


def test_what_says_little_is_in_doubt_for_the_text() -> None:
    for text in ("", "12:30", "Anna Karenina", "Bus", "in", "\U0001f600!"):
        assert not is_in_other(text, "de", "en")
        assert not is_in_wrong_script(text, "de")
    assert not is_in_other("the dog and the cat", "yo", "en"), "no words of Yoruba are known"
    assert not is_in_other("the dog and the cat", "en", "en-GB")


def test_scripts_tell_languages_apart_that_share_none() -> None:
    assert is_in_other("A man rides a bike.", "zh", "en")
    assert not is_in_other("一个男人骑自行车 (BMX)。", "zh", "en")
    assert is_in_wrong_script("Мужчина едет на велосипеде", "de")
    assert not is_in_wrong_script("日本語のテキスト", "ja")
    assert scripts_of("srp_Cyrl") == {"Cyrl"}
    assert scripts_of("sr") == {"Cyrl", "Latn"}
    assert scripts_of("zh-Hant") == {"Hani"}
    assert letters_by_script("aß я 字") == {"Latn": 2, "Cyrl": 1, "Hani": 1}
