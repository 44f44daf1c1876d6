"""Terms that could stand for each other, and texts with one in the place of another."""

from pathlib import Path

import pytest

from headstart.data.terms import TermList, read_terms, term_list
from headstart.errors import DataError, MissingInputError

BELIEFS = TermList("belief", (("christian", "muslim", "jewish"),))
GENDER = TermList("gender", (("he", "she"), ("his", "her")))


def texts(terms: TermList, text: str, most: int = 10) -> list[str]:
    return [swap.text for swap in terms.swaps(text, most)]


def test_each_version_comes_in_the_place_of_the_one_that_is_there() -> None:
    assert texts(BELIEFS, "a muslim shop") == ["a christian shop", "a jewish shop"]
    first = BELIEFS.swaps("a muslim shop", 10)[0]
    assert (first.terms, first.old, first.new) == ("belief", "muslim", "christian")


def test_terms_of_one_column_go_together_and_two_versions_change_places() -> None:
    assert texts(GENDER, "he took his coat") == ["she took her coat"]
    assert texts(GENDER, "he met her") == ["she met his"]


def test_terms_are_whole_words_in_any_case_and_keep_it() -> None:
    assert texts(GENDER, "The shell of hers") == []
    assert texts(GENDER, "He said HIS name") == ["She said HER name"]
    two = term_list("group", ["African American", "white"], "x")
    assert texts(two, "an african  american man") == ["an white man"]
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
    assert BELIEFS.masked("Muslim and jewish", "person") == "Person and person"


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
        ("a: [[he, she], [man]]", "one length"), ("a: 3", "expected lists"), ("a: [1, 2]", "expected lists"), ("a: [", "cannot be read"),
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
