"""Texts that begin with a dash on the command line of `predict`."""

import pytest

from headstart.cli.dashes import is_text, unmarked, with_texts


@pytest.mark.parametrize(
    "text", ["-1 stars", "-5", "-5.0", "- a list", "--- it said", "-:(", "-good day", "-x = 5", "-\n", "---"]
)
def test_what_can_be_no_option_is_a_text(text: str) -> None:
    assert is_text(text)
    marked = with_texts(["predict", "RUN", text])
    assert not marked[2].startswith("-")
    assert unmarked(marked) == ["predict", "RUN", text]


@pytest.mark.parametrize(
    "word", ["--input", "-o", "--output=a b.csv", "-oruns/x.csv", "--input=-1", "--", "-", "-good", "good - day"]
)
def test_options_and_their_values_are_left_alone(word: str) -> None:
    assert with_texts(["predict", "RUN", word]) == ["predict", "RUN", word]


def test_other_verbs_read_their_words_as_they_stand() -> None:
    assert with_texts(["fit", "-1 stars"]) == ["fit", "-1 stars"]
