"""Sentences planted in raw text are found whatever their case and punctuation, and little else is."""

import csv
import gzip
from pathlib import Path

import pytest

from headstart.corpora.removal import Removal, sentences

SIX = "Aspirin reduced the risk of stroke."


def test_a_line_is_found_by_its_letters_and_digits_alone() -> None:
    removal = Removal([SIX])
    assert removal.clean("before\naspirin  reduced THE risk, of (stroke)\nafter\n") == ("before\nafter\n", 1)
    assert removal.clean(f"{SIX}") == ("", 1)
    assert removal.clean("Aspirin reduced the risk of strokes.\n") == ("Aspirin reduced the risk of strokes.\n", 0)


def test_a_sentence_within_a_line_is_cut_out_and_the_rest_stays_as_it_was() -> None:
    removal = Removal([SIX])
    assert removal.clean(f'We saw it.  {SIX} "Good", he said.\n') == ('We saw it.  "Good", he said.\n', 1)
    assert removal.clean(f"{SIX} {SIX}\n\nnext") == ("\nnext", 2)


def test_each_line_and_sentence_of_an_evaluation_text_counts() -> None:
    removal = Removal([f"First of all we looked into it. {SIX}\nAnd here is one more long line"])
    text = f"{SIX}\nfirst of all we looked into it\nAnd here is one more long line\nrest"
    assert removal.clean(text) == ("rest", 3)


def test_five_words_count_only_as_a_whole_line_and_three_never() -> None:
    removal = Removal(["Results were much the same.", "We are done."])
    assert removal.clean("Results were much the same\nWe are done.\n") == ("We are done.\n", 1)
    inside = "So far so good. Results were much the same. We are done.\n"
    assert removal.clean(inside) == (inside, 0)


def test_letters_of_any_script_are_compared_casefolded() -> None:
    removal = Removal(["Die Straße führt nach Österreich und zurück."])
    assert removal.clean("x\nDIE STRASSE FÜHRT NACH ÖSTERREICH UND ZURÜCK\n") == ("x\n", 1)


def test_what_has_no_letters_never_counts() -> None:
    assert Removal(["- - - - - - -", "? ! . , ; : -"]).clean("***\n-----\n\n") == ("***\n-----\n\n", 0)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('One. Two! 3 of them? "Four." Five', ["One. ", "Two! ", "3 of them? ", '"Four." ', "Five"]),
        ("e.g. this, i.e. that vs. those", ["e.g. this, i.e. that vs. those"]),
        ("No end", ["No end"]),
        ("", [""]),
        ("Ends. ", ["Ends. "]),
        ("Ja. Über 3.5 Prozent.", ["Ja. ", "Über 3.5 Prozent."]),
    ],
)
def test_sentences_end_where_a_capital_a_digit_or_a_quote_follows(line: str, expected: list[str]) -> None:
    assert sentences(line) == expected


def test_the_digest_is_that_of_what_is_looked_for_in_any_order() -> None:
    other = "Something else entirely is written in here."
    assert Removal([SIX, other]).digest == Removal([other, SIX, SIX.upper()]).digest
    assert Removal([SIX]).digest != Removal([other]).digest
    assert (len(Removal([SIX, other, "short"])), len(Removal([]))) == (2, 0)


def test_sentences_of_a_real_test_set_are_not_in_text_that_was_made_without_them(shared_data: Path) -> None:
    texts = []
    for part in ("nicta_piboso/test.csv", "nicta_piboso/test.csv.gz"):
        path = shared_data / part
        if path.exists():
            with (
                gzip.open(path, "rt", encoding="utf-8")
                if path.suffix == ".gz"
                else open(path, encoding="utf-8") as file
            ):
                texts = [row["text"] for row in csv.DictReader(file)]
    raw = shared_data / "biomed_raw" / "train.txt.gz"
    if not texts or not raw.exists():
        pytest.skip(f"no nicta_piboso and biomed_raw in {shared_data}")
    removal = Removal(texts)
    with gzip.open(raw, "rt", encoding="utf-8") as file:
        found = file.read()
    cleaned, removed = removal.clean(found)
    assert removed == 0, removed
    assert cleaned == found
    whole = [text for text in texts if len(text.split()) >= 6][:500]
    planted = "\n".join(f"{text.upper()}\n{line}" for text, line in zip(whole, found.split("\n"), strict=False))
    assert removal.clean(planted)[1] >= 500
