"""Misspelt words and other forms of texts."""

from pathlib import Path

import pytest

from headstart.data.typos import FORMS, read_misspellings, typos
from headstart.errors import DataError, MissingInputError

TEXT = "The quick brown foxes jumped over seventeen sleeping animals without looking around twice today"


def differing(text: str, other: str) -> int:
    return sum(a != b for a, b in zip(text.split(), other.split(), strict=True))


def test_about_the_share_of_the_words_is_misspelt_the_same_each_time() -> None:
    slips = typos("en")
    half = slips.misspelt(TEXT, 0.5)
    assert half == slips.misspelt(TEXT, 0.5)
    assert half != slips.misspelt(TEXT, 0.5, seed=1)
    assert half.words == 14 and half.changed == differing(TEXT, half.text) == 7
    assert slips.misspelt(TEXT, 1.0).changed == 14
    assert slips.misspelt("", 1.0).words == 0


def test_shares_of_few_words_hold_over_many_texts() -> None:
    slips = typos("en")
    found = [slips.misspelt(f"parcel number{at} arrives late", 0.1) for at in range(400)]
    assert 0.07 < sum(each.changed for each in found) / sum(each.words for each in found) < 0.13


def test_slips_are_of_one_letter_and_leave_the_first() -> None:
    slips = typos("de")
    for at in range(200):
        word = slips.misspelt("straßenbahn", 1.0, seed=at).text
        assert word != "straßenbahn" and word[0] == "s" and abs(len(word) - 11) <= 1


def test_a_letter_beside_is_one_beside_on_the_keyboard() -> None:
    near = typos("en").near
    assert set(near["g"]) == set("fhtyvb") and set(typos("de").near["z"]) >= set("tu")


def test_a_list_says_how_words_are_misspelt(tmp_path: Path) -> None:
    path = tmp_path / "list.tsv"
    path.write_text("word\tmisspellings\nbecause\tbecuase becouse\nBelieve\tbeleive\n")
    slips = typos(str(path))
    assert read_misspellings(path) == {"because": ("becuase", "becouse"), "believe": ("beleive",)}
    found = slips.misspelt("Because I believe it", 1.0)
    assert found.text in ("Becuase I beleive it", "Becouse I beleive it") and (found.words, found.possible) == (4, 2)


@pytest.mark.parametrize(
    ("lines", "what"),
    [("because becuase\n", ":1: expected"), ("word\tmisspellings\n\n", "no misspellings"), ("a\ta\n", ":1:")],
)
def test_lists_of_another_shape_are_refused(tmp_path: Path, lines: str, what: str) -> None:
    path = tmp_path / "list.tsv"
    path.write_text(lines)
    with pytest.raises(DataError, match=what):
        typos(str(path))


def test_languages_and_files_that_are_not_there() -> None:
    with pytest.raises(DataError, match="no keyboard of the language 'xx'"):
        typos("xx")
    with pytest.raises(MissingInputError):
        typos("nowhere.tsv")


def test_forms_change_the_writing_and_leave_signs_that_stand_alone() -> None:
    assert [FORMS[name]("Hi, Ann.") for name in FORMS] == ["hi, ann.", "HI, ANN.", "Hi Ann", "Hi, Ann!!!"]
    assert FORMS["no-punctuation"]("!?") == "!?" and FORMS["exclamation"]("...") == "..."
