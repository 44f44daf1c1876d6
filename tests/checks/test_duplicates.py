"""Texts that stand more than once."""

from headstart.checks.duplicates import contradictory, repeated, shared
from headstart.data.splits import fingerprints


def test_rows_that_repeat_a_text_are_counted_once_each_whatever_their_case_and_white_space() -> None:
    assert repeated(fingerprints(["A day", "a  day", " a day\n", "b"])) == 2
    assert repeated(fingerprints(["a", "b"])) == 0
    assert repeated(fingerprints([])) == 0


def test_texts_with_more_than_one_label_are_found_in_order_with_all_their_rows() -> None:
    texts = ["x", "B", "x", "b ", "b", "c", "c"]
    labels = ["1", "1", "1", "2", "1", "1", "1"]
    assert contradictory(fingerprints(texts), labels) == [[1, 3, 4]]


def test_rows_of_another_part_that_were_seen_are_found() -> None:
    assert shared(fingerprints(["Good day", "b"]), fingerprints(["c", "good  DAY", "B", "d"])) == [1, 2]
    assert shared(fingerprints([]), fingerprints(["a"])) == []


def test_case_is_folded_as_languages_do() -> None:
    assert shared(fingerprints(["STRASSE"]), fingerprints(["straße"])) == [0]
