"""Numbers for texts: columns found, cells that are no numbers named, scores as SciPy and scikit-learn have them."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics

from headstart.data.examples import Example
from headstart.data.outputs import Logits
from headstart.data.store import Store
from headstart.data.table import Table
from headstart.errors import DataError, UsageError
from headstart.evaluation.judging import chosen_metric, chosen_score, compared, scores, sort_key
from headstart.tasks.text_regression import TextRegression

TASK = TextRegression(text=("text",), label="stars")


def table(**columns: list[Any]) -> Table:
    return Table("rows.csv", columns, list(range(2, 2 + len(next(iter(columns.values()))))))


def store(*numbers: float) -> Store[Example]:
    return Store(
        [Example(f"text {at}", each) for at, each in enumerate(numbers)], list(range(len(numbers))), "rows.csv"
    )


def test_columns_are_found_by_name_or_by_what_is_in_them() -> None:
    texts = [f"the parcel number {at} is here" for at in range(10)]
    numbers, ids = [str(at / 2) for at in range(10)], [str(at) for at in range(10)]
    assert TextRegression().guess(table(id=ids, review=texts, Stars=numbers)).label == "Stars"
    assert TextRegression().guess(table(id=ids, review=texts, x=numbers, few=["1"] * 10)).label == "x"
    with pytest.raises(DataError, match=r"no column looks like numbers \(columns: a, b\); name it with --label"):
        TextRegression().guess(table(a=texts, b=["x"] * 10))


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ("", "no number"), (None, "no number"), ("nan", "'nan' is no finite number"), ("inf", "'inf' is no finite number"),
        ("3,5", "'3,5' is no finite number; it has a decimal comma, and numbers are read with a point: write 3.5 for it"), ("1_000", "'1_000' is no finite number"), ("good", "'good' is no finite number"),
        ("1e999", "'1e999' is no finite number"),
    ],
)  # fmt: skip
def test_a_cell_that_is_no_finite_number_is_dropped_with_line_and_reason(cell: str | None, reason: str) -> None:
    rows, [dropped] = TASK.parse(table(text=["a", "b", "c"], stars=["1", cell, " -2.5e1 "]))
    assert (dropped.file, dropped.line, dropped.reason) == ("rows.csv", 3, reason)
    assert list(rows.labels) == [1.0, -25.0]


def test_targets_are_standardised_by_the_training_rows_and_answers_are_in_their_unit() -> None:
    task = TASK.bind(store(10, 20, 30, 40))
    assert (task.mean, task.deviation) == (25, pytest.approx(np.std([10, 20, 30, 40])))
    targets = task.targets(store(25, 25 + task.deviation))
    assert targets.tolist() == pytest.approx([0, 1], abs=1e-6)
    found = task.predictions(Logits(np.array([False, True]), targets[:, None]), ["a", "b"])
    assert [row.value for row in found] == pytest.approx([25, 25 + task.deviation], rel=1e-6)
    assert found[1].cells() == ["36.1803", "true"]
    assert found[0].plain() == {"value": pytest.approx(25), "truncated": False}
    with pytest.raises(UsageError, match="has no probabilities; call predict"):
        task.probabilities(Logits.of(targets[:, None]))


def test_numbers_that_are_all_the_same_cannot_be_learnt() -> None:
    with pytest.raises(DataError, match="all 3 rows have the number 2 in column 'stars'"):
        TASK.bind(store(2, 2, 2))
    with pytest.raises(DataError, match="too large to compute with"):
        TASK.bind(store(1e308, -1e308, 1))
    with pytest.raises(DataError, match="too close to each other or to 0 to compute with"):
        TASK.bind(store(5e-324, 1e-323, 0))


@pytest.mark.parametrize("metric", ["pearson", "spearman", "rmse", "mae"])
def test_scores_are_those_of_scipy_and_scikit_learn(metric: str) -> None:
    random = np.random.default_rng(1)
    true = np.round(random.normal(size=200) * 3 + 7, 1)
    task = TASK.revised(metric=metric).bind(store(*true))
    outputs = Logits.of((task.targets(store(*true)) + random.normal(size=200) * 0.5)[:, None])
    said = task.numbers(outputs)
    expected = {
        "pearson": stats.pearsonr(true, said).statistic,
        "spearman": stats.spearmanr(true, said).statistic,
        "rmse": metrics.root_mean_squared_error(true, said),
        "mae": metrics.mean_absolute_error(true, said),
    }
    found = scores(task, outputs, store(*true))
    assert {name: score.value for name, score in found.items()} == pytest.approx(expected)
    assert all(score.low < score.value < score.high for score in found.values())
    assert chosen_score(task, outputs, store(*true)).value == pytest.approx(expected[metric])
    sign = -1 if metric in ("rmse", "mae") else 1
    assert sort_key(task, outputs, store(*true))[0] == pytest.approx(sign * expected[metric], rel=1e-6)
    assert task.unit_sort_key(outputs.values, task.targets(store(*true)))[0] == pytest.approx(
        sign * expected[metric], rel=1e-4
    )
    assert chosen_metric(task).lower_is_better == (sign < 0)
    better = compared(task, outputs, outputs.scaled(-1), store(*true))
    assert better.metric == metric
    assert np.sign(better.difference.value) == sign and better.p < 0.01


def test_rows_are_counted_by_bins_of_the_training_rows_and_parted_by_quarters() -> None:
    rows = store(1, 2, 3, 4, 5, 6, 7, 8)
    task = TASK.bind(rows)
    assert list(task.counts(rows).values()) == [2, 2, 2, 2]
    assert list(task.counts(store(100))) == ["from 6.791"]
    assert list(task.strata(rows)) == [f"quarter {at}" for at in (1, 1, 2, 2, 3, 3, 4, 4)]
    assert len({*task.strata(store(1, 1, 1, 1, 1, 9))}) == 2
    assert task.missing(rows, [0]) == []


def test_the_largest_errors_stand_first() -> None:
    task = TASK.revised(mean=0.0, deviation=2.0)
    found = task.mistakes(Logits.of(np.array([[0.0], [3.0], [-1.0]])), store(1, 1, 1), 2)
    assert [(each.row, each.label, each.predicted, each.score) for each in found] == [
        (1, "1", "6", None),
        (2, "1", "-2", None),
    ]


def rows_of(count: int) -> dict[str, list[Any]]:
    fill = ["parcel", "shop", "day", "night", "way", "nine", "monday", "start", "end", "yours"]
    words = ["bad bad", "bad", "level", "good", "good good"]
    texts = [f"the {fill[at % 10]} {fill[at // 10 % 10]} is {words[at % 5]} {at}" for at in range(count)]
    return {"text": texts, "stars": [100 * (at % 5) for at in range(count)]}


def test_numbers_are_learnt_on_all_ways_and_come_back_from_disk(make_backbone: Any, tmp_path: Path) -> None:
    import headstart

    wide = make_backbone(tmp_path / "wide", initializer_range=0.2)
    artifact = headstart.fit(
        rows_of(240), task="text-regression", strategies=["feature-extraction", "tf-idf"], controls=False, folds=0,
        backbone=str(wide), threads=1, metric="rmse", output=str(tmp_path / "run"),
    )  # fmt: skip
    board = {row["strategy"]: row["scores"]["test"] for row in artifact.evidence["leaderboard"]}
    assert board["tf-idf"]["spearman"]["value"] > 0.8
    assert artifact.evidence["chosen"] == min(board, key=lambda name: board[name]["rmse"]["value"])
    again = headstart.load(tmp_path / "run")
    texts = ["the day is good good", "a bad bad end"]
    high, low = (row.value for row in again.predict(texts))
    assert high > 250 > 150 > low
    assert [row.value for row in artifact.predict(texts)] == pytest.approx([high, low], abs=1e-3)
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert "Largest errors" in page and "root mean squared error" in page
    assert re.search(r"lower\s+is better", page)


def test_numbers_with_a_decimal_comma_are_called_that() -> None:
    rows = Table("rows.csv", {"text": ["a b", "c d", "e f"], "score": ["1.234,5", "3,5", "2"]}, [2, 3, 4])
    with pytest.raises(
        DataError, match=r"'score' has numbers with a decimal comma: write points, 1234.5 for '1.234,5'"
    ):
        TextRegression().guess(rows)


def test_keys_are_no_numbers_to_learn() -> None:
    rows = Table(
        "rows.csv",
        {
            "ticket_id": [str(7000 + at * 3) for at in range(20)],
            "text": [f"a {at}" for at in range(20)],
            "height": [f"{at % 7}.5" for at in range(20)],
        },
        list(range(2, 22)),
    )
    assert TextRegression().guess(rows).label == "height"
