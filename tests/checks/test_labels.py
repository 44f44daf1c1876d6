"""Spellings of labels: those of one label meet, and unknown ones are told with what is known."""

from collections import Counter
from typing import Any

import pytest

from headstart.checks.labels import (
    found_and_known,
    refuse_lookalikes,
    refuse_rare,
    spelled_otherwise,
    spelling,
    told_apart,
    unseen,
    unseen_labels,
)
from headstart.data.examples import Example
from headstart.data.store import Store
from headstart.errors import DataError
from headstart.types import Dropped


@pytest.mark.parametrize(
    ("one", "other"),
    [("1", "1.0"), ("-2", "-2.00"), ("True", "TRUE"), (" Very  good ", "very good"), ("cafe\u0301", "caf\u00e9")],
)
def test_spellings_of_one_label_meet(one: str, other: str) -> None:
    assert spelling(one) == spelling(other)


@pytest.mark.parametrize(("one", "other"), [("1", "01"), ("1.1", "1.10"), ("1.5", "1"), ("v1.0", "v1"), ("a-b", "a b")])
def test_labels_that_may_be_two_stay_two(one: str, other: str) -> None:
    assert spelling(one) != spelling(other)


def test_training_rows_with_two_spellings_are_refused() -> None:
    with pytest.raises(DataError, match=r"labels differ only by spelling: '1' \(3 rows\) and '1\.0' \(2 rows\); fix"):
        refuse_lookalikes(Counter({"1": 3, "1.0": 2, "2": 4}), "a.csv")
    with pytest.raises(DataError, match="labels differ only by case or white space: 'Up' .* and 'up'"):
        refuse_lookalikes(Counter({"Up": 3, "up": 2}), "a.csv")


def test_an_unknown_label_is_told_with_the_spelling_that_is_known() -> None:
    assert unseen("TRUE", ["True", "False"]) == "label 'TRUE' does not occur in the training rows, where it is 'True'"
    assert unseen("card_lost", ["card lost"]).endswith("where it is 'card lost'")
    assert unseen("other", ["True"]) == "label 'other' does not occur in the training rows"
    rows = [
        Dropped("a.csv", at, reason) for at, reason in enumerate((unseen("b's", []), "no text", unseen("1", ["1.0"])))
    ]
    assert unseen_labels(rows) == ["1", "b's"]


def test_labels_of_both_files_are_shown_where_none_fits() -> None:
    said = found_and_known(["0", "1", "7"], ["0.0", "1.0"])
    assert said.startswith(
        ": it has '0', '1', '7', training rows have '0.0', '1.0'; '0' and '0.0', '1' and '1.0' differ only by"
    )
    assert found_and_known([], ["a"]) == ""
    assert found_and_known(["x"], ["a"]) == ": it has 'x', training rows have 'a'"
    assert found_and_known([str(at) for at in range(12)], ["a"]).startswith(
        ": it has '0', '1', '2', '3', '4', '5', '6', '7', '8', '9' and 2 more"
    )
    assert spelled_otherwise(["x"], ["a"]) == ""


@pytest.mark.parametrize(
    ("labels", "least", "advice"),
    [
        (["up", "up", "down"], 2, r"add rows; without them too few labels are left to learn from \(up\)"),
        (["up", "down", "level"], 2, r"too few labels are left to learn from \(none\)"),
        (["up", "up", "down", "level", "level"], 2, "leave them out with --drop-rare-labels"),
        ([("up", "down"), ("up",), ("up",)], 1, "leave them out with --drop-rare-labels"),
        ([("up", "down"), ("up",), ()], 1, r"too few labels are left to learn from \(up\)"),
    ],
)
def test_rare_labels_are_only_to_be_left_out_where_others_stay(labels: list[Any], least: int, advice: str) -> None:
    rows = Store([Example("a", label) for label in labels], list(range(len(labels))), "a.csv")
    counts = Counter(one for label in labels for one in ([label] if isinstance(label, str) else label))
    with pytest.raises(DataError, match=advice):
        refuse_rare(counts, rows, least_labels=least)


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (["caf\u00e9", "cafe\u0301"], ["caf\u00e9", r"cafe\u0301"]),
        (["wet", "wet\u200b", "dry"], ["wet", r"wet\u200b", "dry"]),
        (["very wet", "very\u00a0wet"], ["very wet", r"very\xa0wet"]),
        (["\u212bl", "\u00c5l"], [r"\u212bl", r"\xc5l"]),
        (["\u1112\u1161\u11ab", "\ud55c"], [r"\u1112\u1161\u11ab", r"\ud55c"]),
        (["Up", "up"], ["Up", "up"]),
        (["v\u00f6llig", "na\u0308her"], ["v\u00f6llig", "na\u0308her"]),
    ],
)
def test_what_is_not_seen_of_labels_is_shown_where_it_matters(labels: list[str], said: list[str]) -> None:
    assert told_apart(labels) == said


def test_messages_show_what_is_not_seen() -> None:
    with pytest.raises(
        DataError, match=r"differ only by what is not seen .*: 'wet' \(3 rows\) and 'wet\\u200b' \(2 rows\)"
    ):
        refuse_lookalikes(Counter({"wet": 3, "wet\u200b": 2, "dry": 5}), "a.csv")
    reason = unseen("wet\u200b", ["wet", "dry"])
    assert reason.endswith(r"does not occur in the training rows, where it is 'wet' and here 'wet\u200b'")
    assert unseen_labels([Dropped("a.csv", 2, reason)]) == ["wet\u200b"]
    assert unseen("WET", ["wet", "dry"]).endswith("training rows, where it is 'wet'")
    assert r"'wet\u200b' and 'wet' differ only by spelling" in spelled_otherwise(["wet\u200b"], ["wet"])
