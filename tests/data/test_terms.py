"""Terms that could stand for each other, and texts with one in the place of another."""

from pathlib import Path

import pytest

from headstart.data.examples import Pair
from headstart.data.terms import TermList, copies, read_terms, term_list
from headstart.errors import DataError, MissingInputError

BELIEFS = TermList("belief", (("christian", "muslim", "jewish"),))
GENDER = TermList("gender", (("he", "she"), ("his", "her")))


def texts(terms: TermList, text: str, most: int = 10) -> list[str]:
    return [swap.texts[0] for swap in terms.swaps([text], most)]


def test_each_version_comes_in_the_place_of_the_one_that_is_there() -> None:
    assert texts(BELIEFS, "a muslim shop") == ["a christian shop", "a jewish shop"]
    assert BELIEFS.swaps(["a muslim shop"], 10)[0].exchanged == (("muslim", "christian"),)


def test_terms_of_one_column_go_together_and_two_versions_change_places() -> None:
    assert texts(GENDER, "he took his coat") == ["she took her coat"]
    assert texts(GENDER, "he met her") == ["she met his"]
    assert GENDER.swaps(["he took his coat and he left"], 1)[0].exchanged == (("he", "she"), ("his", "her"))


def test_both_texts_of_a_pair_change_together() -> None:
    pair = Pair("A man is eating.", "A man eats.", "entailment")
    people = TermList("people", (("man", "woman"),))
    [(copy, swap)] = copies(pair, people, 10, 0)
    assert copy == Pair("A woman is eating.", "A woman eats.", "entailment") and swap.exchanged == (("man", "woman"),)
    [(copy, _)] = copies(Pair("A man eats.", "A woman eats.", "other"), people, 10, 0)
    assert copy == Pair("A woman eats.", "A man eats.", "other")


def test_a_term_in_several_lists_of_a_table_is_never_swapped() -> None:
    pronouns = TermList("gender", (("he", "she"), ("his", "her"), ("him", "her")))
    assert texts(pronouns, "he saw him") == ["she saw her"]
    assert texts(pronouns, "I saw her and her dog") == [] and pronouns.is_unclear(["I saw her"])
    assert not pronouns.is_unclear(["he saw him"])


def test_letters_with_marks_are_one_character_or_two() -> None:
    places = term_list("place", ["caf\u00e9", "pub"], "x")
    assert texts(places, "the cafe\u0301 here") == texts(places, "the caf\u00e9 here") == ["the pub here"]
    assert texts(term_list("place", ["cafe", "pub"], "x"), "the cafe\u0301 here") == []


def test_terms_are_whole_words_in_any_case_and_keep_it() -> None:
    assert texts(GENDER, "The shell of hers") == []
    assert texts(GENDER, "He said HIS name") == ["She said HER name"]
    two = term_list("group", ["African American", "white"], "x")
    assert texts(two, "an african  american man") == ["an white man"]
    us = term_list("who", ["I", "we"], "x")
    assert texts(us, 'I am. "I am", I said') == ['We am. "We am", we said'] and texts(us, "We are") == ["I are"]
    assert texts(two, "a white man") == ["a African American man"]


def test_the_longest_term_is_taken() -> None:
    ages = term_list("age", ["old", "very old", "young"], "x")
    assert texts(ages, "a very old man")[:1] == ["a old man"]


def test_a_sample_of_many_copies_hangs_on_the_text_alone() -> None:
    many = term_list("names", [f"name{at}" for at in range(30)], "x")
    found = texts(many, "hello name3", most=5)
    assert len(found) == 5 and found == texts(many, "hello name3", most=5)
    assert found != [text.replace("?", "") for text in texts(many, "hello name3?", most=5)]


def test_masked_terms_become_one_word() -> None:
    assert BELIEFS.masked("Muslim and jewish", "person") == "person and person"
    views = TermList("view", (("Christian", "atheist"),))
    assert views.masked("Atheist neighbours", "one") == views.masked("CHRISTIAN neighbours", "one") == "one neighbours"


def test_lists_are_read_from_mappings_and_from_lines(tmp_path: Path) -> None:
    path = tmp_path / "terms.yaml"
    path.write_text("gender:\n- [he, she]\n- [his, her]\nage: [old, young]\n")
    gender, age = read_terms(path)
    assert gender == GENDER and age.terms == ("old", "young")
    lines = tmp_path / "names.txt"
    lines.write_text("Ann\n\n Bob \n")
    assert read_terms(lines) == (TermList("names", (("Ann", "Bob"),)),)


@pytest.mark.parametrize(
    ("given", "what"),
    [
        ("[he, she]", "expected lists of terms by name"), ("a: [he]", "fewer than two"), ("a: [he, He]", "twice"),
        ("a: [[he, she], [man]]", "one length"), ("a: [[he, she], [she, it]]", "'she' in two columns"), ("a: []", "has no term"),
        ("a: 3", "expected lists"), ("a: [1, 2]", "expected lists"), ("a: [", "cannot be read"),
    ],
)  # fmt: skip
def test_lists_that_cannot_be_used_are_refused_by_name(tmp_path: Path, given: str, what: str) -> None:
    path = tmp_path / "terms.yaml"
    path.write_text(given)
    with pytest.raises(DataError, match=what) as refused:
        read_terms(path)
    assert str(path) in str(refused.value)


def test_a_file_that_is_not_there_is_said() -> None:
    with pytest.raises(MissingInputError):
        read_terms("nowhere.yaml")
