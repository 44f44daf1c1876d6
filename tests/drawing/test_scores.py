"""Which scores stand where, and what the parts of the data are called."""

import invented
import pytest

from headstart.drawing.scores import by_choices, on, parts_of, rows_of, splits_of, standing, words


@pytest.mark.parametrize(
    ("split", "after", "rows", "part"),
    [
        ("test", "on test", "1,200 test rows", "the test part"),
        ("validation", "on validation", "1,200 validation rows", "the validation part"),
        ("cross-validation", "by cross-validation", "1,200 rows by cross-validation", "the training rows"),
        ("target", "on the target domain", "1,200 target rows", "the labelled rows of the target domain"),
        ("held-out", "on held-out", "1,200 held-out rows", "the held-out part"),
    ],
)
def test_a_part_of_the_data_is_always_called_the_same(split: str, after: str, rows: str, part: str) -> None:
    assert (on(split), rows_of(split, 1200), words(split).part) == (after, rows, part)


@pytest.mark.parametrize("key", ["cross-validation", "validation"])
def test_what_is_called_validation_has_the_name_of_what_choices_were_made_on(key: str) -> None:
    assert by_choices(invented.cross_validated(key)) == by_choices(invented.cross_validated())
    found = by_choices(invented.cross_validated(key))
    assert parts_of(found["leaderboard"]) == ["cross-validation"]
    assert {row["split"] for row in found["comparisons"]} == {found["slices"]["split"]} == {"cross-validation"}
    assert by_choices(invented.evidence()) == invented.evidence()
    assert by_choices({})["leaderboard"] == []


def test_only_scores_that_choices_were_made_on_come_with_a_caution() -> None:
    assert words("test").caution == ""
    assert "optimistic" in words("validation").caution
    assert "optimistic" in words("cross-validation").caution


def test_test_scores_come_first_and_parts_without_scores_do_not_count() -> None:
    assert parts_of(invented.evidence()["leaderboard"]) == ["test", "validation"]
    assert parts_of(invented.without_test()["leaderboard"]) == ["validation"]
    assert parts_of(invented.without_scores()["leaderboard"]) == []
    assert parts_of([{"scores": None}, {}]) == []
    assert parts_of([{"scores": {name: {"accuracy": {}} for name in ("target", "validation", "test")}}]) == [
        "test", "validation", "target",
    ]  # fmt: skip
    assert parts_of(invented.two_domains()["leaderboard"]) == ["test", "validation", "target"]
    assert parts_of(invented.named_tests()["leaderboard"]) == ["test", "validation", "corner shop"]
    assert [*splits_of(invented.named_tests())] == ["train", "validation", "test", "corner shop"]


def test_rows_of_another_domain_never_decide_the_order() -> None:
    made = invented.two_domains()
    for entry in made["leaderboard"]:
        entry["scores"]["test"] = None
    assert standing(made)[2] == "validation"


def test_the_order_is_that_of_cross_validation_where_there_is_nothing_else() -> None:
    _, board, split = standing(invented.cross_validated())
    assert split == "cross-validation"
    assert board[0]["strategy"] == "fine-tuning"
