"""New rows in the groups of a run: `evaluate` and `audit` resample what the run's own scores resampled."""

import csv
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import headstart
from headstart.data.splits import in_groups
from headstart.errors import DataError
from headstart.evaluation.judging import scores
from headstart.loading import load
from headstart.recipes.inference import Evaluate
from headstart.runs.evaluating import labelled_rows
from headstart.runs.grouped import column_of_run
from headstart.runs.outcome import Call

WHO = 24


def rows(seed: int) -> list[tuple[str, str, str]]:
    """Ten texts of each customer, whose labels their words tell; in new rows every third customer has the other labels."""
    random = np.random.default_rng(seed)
    found = []
    for who in range(WHO):
        for at in range(10):
            label = int(random.integers(2))
            word = ("good", "bad")[1 - label if seed and who % 3 == 0 else label]
            found.append(
                (f"{word} {('day', 'night', 'noon')[at % 3]} {seed} {who} {at}", ("up", "down")[label], f"c{who}")
            )
    return found


def written(path: Path, columns: list[str], lines: list[Any]) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerows([columns, *lines])
    return path


@pytest.fixture
def runs(once: Callable[..., Path]) -> Path:
    """A run with a column of customers and one without, of the same rows."""

    def make(folder: Path) -> None:
        folder.mkdir()
        columns = ["text", "label", "customer"]
        halves = [(*row, "ab"[at // 10 % 2]) for at, row in enumerate(rows(1))]
        written(folder / "halves.csv", [*columns, "half"], halves)
        (folder / "times.txt").write_text("day\nnight\nnoon\n")
        train = written(folder / "train.csv", columns, rows(0))
        test = written(folder / "test.csv", columns, rows(1))
        written(folder / "bare.csv", columns[:2], [row[:2] for row in rows(1)])
        written(folder / "one.csv", columns, [(*row[:2], "c1") for row in rows(1)])
        written(folder / "other.csv", ["text", "label", "shop"], rows(1))
        options: dict[str, Any] = {"strategy": "tf-idf", "controls": False, "test": str(test), "refit": False}
        headstart.fit(train, output=str(folder / "grouped"), group_column="customer", folds=0, **options)
        headstart.fit(train, output=str(folder / "plain"), folds=0, **options)

    return once("runs-in-groups", make)


def width(score: Any) -> float:
    return score["high"] - score["low"]


def said_of(run: Path, test: Path, **options: Any) -> list[str]:
    recipe = Evaluate(model=str(run), test=str(test), **options)
    return labelled_rows(recipe, load(run), str(test), Call()).said


def test_new_rows_are_resampled_by_the_groups_of_the_run_as_its_own_test_scores_were(runs: Path) -> None:
    grouped = headstart.evaluate(runs / "grouped", runs / "test.csv")
    [entry] = load(runs / "grouped").evidence["leaderboard"]
    own = entry["scores"]["test"]
    assert grouped["group_column"] == "customer" and grouped["scores"]["accuracy"] == own["accuracy"]
    alone = headstart.evaluate(runs / "grouped", runs / "test.csv", group_column="none")
    assert alone["group_column"] is None
    # A third of the customers is wrong as a whole: ten rows of one say no more than one does.
    assert width(grouped["scores"]["accuracy"]) > 2 * width(alone["scores"]["accuracy"])
    plain = headstart.evaluate(runs / "plain", runs / "test.csv")
    assert plain["group_column"] is None and said_of(runs / "plain", runs / "test.csv") == []
    asked = headstart.evaluate(runs / "plain", runs / "test.csv", group_column="customer")
    assert width(asked["scores"]["accuracy"]) > 2 * width(plain["scores"]["accuracy"])


def test_an_audit_resamples_them_of_the_model_and_of_its_baseline(runs: Path) -> None:
    options: dict[str, Any] = {"forms": "", "baseline": str(runs / "plain"), "tests": {"again": str(runs / "test.csv")}}
    found = headstart.audit(runs / "grouped", runs / "test.csv", **options)
    alone = headstart.audit(runs / "grouped", runs / "test.csv", group_column="none", **options)
    assert (found["group_column"], alone["group_column"]) == ("customer", None)
    own = headstart.evaluate(runs / "grouped", runs / "test.csv")["scores"]
    assert found["scores"] == found["tests"]["again"]["scores"] == own
    wide, narrow = (each["baseline"]["scores"]["accuracy"] for each in (found, alone))
    assert wide["value"] == narrow["value"] and width(wide) > 2 * width(narrow)


def test_groups_that_each_are_one_customer_are_held_against_each_other_by_their_rows(runs: Path) -> None:
    for column in ("customer", "none"):
        options: dict[str, Any] = {"group_column": column, "by": "customer"}
        scored = headstart.evaluate(runs / "grouped", runs / "test.csv", **options)["groups"]["customer"]["c1"]
        audited = headstart.audit(runs / "grouped", runs / "test.csv", forms="", least_rows=5, **options)
        gaps = audited["audit"]["group_gaps"]["columns"][0]
        if column == "customer":
            first = scored, gaps
    assert first == (scored, gaps) and gaps["gap"]["p"] < 0.01 and width(gaps["groups"][0]["difference"]) > 0


def test_aurocs_of_groups_and_of_terms_are_resampled_by_customer(runs: Path) -> None:
    options: dict[str, Any] = {"by": "half", "swap": str(runs / "times.txt"), "forms": "", "positive_label": "up"}
    found, alone = (
        headstart.audit(runs / "grouped", runs / "halves.csv", group_column=column, **options)["audit"]
        for column in (None, "none")
    )
    of_groups, alone_of_groups = (each["group_gaps"]["columns"][0]["labels"][0]["auroc"][0] for each in (found, alone))
    of_terms, alone_of_terms = (each["swaps"]["lists"][0]["aurocs"][0] for each in (found, alone))
    for name in ("subgroup", "bpsn", "bnsp"):
        for wide, narrow in ((of_groups[name], alone_of_groups[name]), (of_terms[name], alone_of_terms[name])):
            assert wide["value"] == narrow["value"] and width(wide) > 1.3 * width(narrow)


def test_a_file_that_lacks_the_column_is_said_to_and_a_column_that_is_named_must_be_there(runs: Path) -> None:
    [said] = said_of(runs / "grouped", runs / "bare.csv")
    assert said == (
        f"{runs / 'bare.csv'} has no column 'customer', whose rows the run kept together: intervals resample rows"
    )
    [said] = said_of(runs / "grouped", runs / "one.csv")
    assert "has one single value in the column 'customer'" in said
    assert said_of(runs / "grouped", runs / "bare.csv", group_column="none") == []
    assert said_of(runs / "grouped", runs / "other.csv", group_column="shop") == []
    for verb in (headstart.evaluate, headstart.audit):
        with pytest.raises(
            DataError, match="has no column 'custmer'; did you mean 'customer'.*choose one with --group-column"
        ):
            verb(runs / "grouped", runs / "test.csv", group_column="custmer")
    found = headstart.audit(
        runs / "grouped",
        runs / "other.csv",
        forms="",
        group_column="shop",
        tests={"bare": str(runs / "bare.csv")},
    )
    assert found["group_column"] == "shop" and found["tests"]["bare"]["scores"]["accuracy"]["n"] == len(rows(1))


def test_scores_of_new_rows_are_those_of_these_rows_in_these_groups(runs: Path) -> None:
    artifact = load(runs / "grouped")
    found = labelled_rows(
        Evaluate(model=str(runs / "grouped"), test=str(runs / "other.csv"), group_column="shop"),
        artifact,
        str(runs / "other.csv"),
        Call(),
    )
    by_hand = in_groups(found.rows.take(np.arange(len(found.rows))), "shop")
    assert by_hand.groups is not None and found.rows.groups is not None
    assert by_hand.groups.tolist() == found.rows.groups.tolist() == [at // 10 for at in range(10 * WHO)]
    own = scores(found.task, artifact.outputs_of(found.rows), found.rows)["accuracy"].plain()
    asked = headstart.evaluate(runs / "grouped", runs / "other.csv", group_column="shop")
    assert asked["scores"]["accuracy"] == own


def test_one_of_several_tasks_has_its_own_column_and_a_damaged_recipe_none() -> None:
    recipe = {
        "data": {"group_column": None},
        "tasks": {"mood": {"data": {"group_column": "who"}}, "topic": {"data": {}}},
    }
    found = [
        column_of_run(SimpleNamespace(recipe=recipe, evidence=evidence))  # type: ignore[arg-type]
        for evidence in ({"among": {"task": "mood"}}, {"among": {"task": "topic"}}, {"among": {"task": "x"}}, {})
    ]
    assert found == ["who", None, None, None]
    for odd in ({"data": {"group_column": ["who"]}}, {"data": "who"}, {}):
        assert column_of_run(SimpleNamespace(recipe=odd, evidence={})) is None  # type: ignore[arg-type]
