"""Rows labelled as out of scope: in no part that is learnt from, tuned on, scored, and bad input said by name."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.runs.test_studies import words

import headstart
from headstart.decisions.out_of_scope import OutOfScope, scope_asked
from headstart.errors import DataError, RecipeError
from headstart.loading import load
from headstart.recipes.inference import Evaluate, Predict
from headstart.recipes.labelled import Fit
from headstart.recipes.parsing import assemble
from headstart.runs.outside import tuned_on
from headstart.runs.preparation import prepare
from headstart.runs.run import run
from headstart.runtime.progress import SILENT

TF_IDF = {"strategy": "tf-idf", "controls": False, "threads": 1, "cache": False}


def outside(count: int, label: str = "oos", seed: int = 0) -> str:
    """Rows of texts whose words others have seldom."""
    random = np.random.default_rng((seed, 5))
    return "".join(
        f"{' '.join(f'x{each}' for each in random.integers(0, 40, 6))} outside {at},{label}\n" for at in range(count)
    )


def written(folder: Path, **files: str) -> dict[str, Any]:
    for name, content in files.items():
        (folder / f"{name}.csv").write_text(content)
    return {name: str(folder / f"{name}.csv") for name in files} | TF_IDF


def parts_of(options: dict[str, Any]) -> Any:
    recipe = assemble("fit", options)
    assert isinstance(recipe, Fit)
    return prepare(recipe, SILENT)


@pytest.mark.parametrize("folds", [0, 3], ids=["validation", "folds"])
def test_they_are_in_no_part_and_no_class(folds: int, tmp_path: Path) -> None:
    files = written(tmp_path, train=words(120) + outside(30), test=words(60, 1) + outside(20, seed=1))
    parts = parts_of(files | {"out_of_scope_label": "oos", "folds": folds})
    assert parts.task.labels == ("a", "b")
    assert {label for rows in parts.rows.values() for label in rows.labels} == {"a", "b"}
    assert sum(len(rows) for role, rows in parts.rows.items() if role in ("train", "validation")) == 120
    assert {str(role): len(rows) for role, rows in parts.outside.items()} == {"train": 30, "test": 20}
    assert parts.facts()["out_of_scope"] == {"label": "oos", "rows": {"train": 30, "test": 20}}
    assert [file["used"] for file in parts.files] == [150, 80], "every row is used for something"
    assert not parts.dropped
    assert parts.folds is None or parts.folds.shape[1] == 120


@pytest.mark.parametrize(
    ("train", "test", "more", "message"),
    [
        (words(40), words(20, 1), {}, r"no row of .*train.csv, .*test.csv has the label 'oos' \(labels: 'a', 'b'\)"),
        (words(40) + outside(9, "out_of_scope"), None, {}, "did you mean 'out_of_scope'"),
        (words(40) + outside(9, "OOS"), None, {}, r"has 'OOS' \(9 rows\), which differs from the label 'oos'"),
        (words(40), words(20, 1) + outside(9, "Oos"), {}, "test.csv has 'Oos'"),
        ("text,label\n" + outside(30), None, {}, "train.csv: every row has the label 'oos'"),
        (words(40), "text,label\n" + outside(30), {}, "test.csv: every row has the label 'oos'"),
        (words(40) + outside(9), None, {"labels": "a,b,oos"}, "'oos' is among the labels that were given"),
        (words(40) + outside(9), None, {"task": "multi-label-classification"}, "multi-label-classification"),
    ],
    ids=["nowhere", "another word", "spelling", "spelling in test", "all", "all of test", "given", "several labels"],
)
def test_what_cannot_be_is_said_by_name(
    train: str, test: str | None, more: dict[str, Any], message: str, tmp_path: Path
) -> None:
    files = written(tmp_path, train=train, **({"test": test} if test else {}))
    with pytest.raises(DataError, match=message):
        parts_of(files | {"out_of_scope_label": "oos", "text": "text", "label": "label"} | more)


def test_a_blank_label_is_refused_and_spellings_are_merged_where_that_is_asked_for(tmp_path: Path) -> None:
    files = written(tmp_path, train=words(40) + outside(12) + outside(8, "OOS", 2))
    with pytest.raises(RecipeError, match="a label is not blank"):
        assemble("fit", files | {"out_of_scope_label": " "})
    parts = parts_of(files | {"out_of_scope_label": "oos", "merge_labels": True})
    assert len(parts.outside["train"]) == 20 and parts.task.labels == ("a", "b")


@pytest.mark.parametrize(
    ("train", "test", "told"),
    [
        (words(40), words(20, 1) + outside(9), ["no row to learn or to choose from has the label 'oos'"]),
        (words(40) + outside(30), words(20, 1), ["no row that is scored has the label 'oos'"]),
        (
            words(40) + outside(4),
            words(20, 1) + outside(9, seed=1),
            ["only 4 rows to find the point on", "fewer than 10"],
        ),
        (
            words(40) + outside(30),
            words(20, 1) + outside(9),
            ["9 rows of .* have a text that the point is found on too"],
        ),
        (
            words(40) + outside(30) + outside(3, "ood", 4),
            words(20, 1) + outside(9, seed=1),
            [r"label\(s\) 'ood' beside 'oos'"],
        ),
    ],
    ids=["only in test", "only in train", "few", "leaks", "another word"],
)
def test_what_they_are_not_there_for_is_said(train: str, test: str, told: Sequence[str], tmp_path: Path) -> None:
    parts = parts_of(written(tmp_path, train=train, test=test) | {"out_of_scope_label": "oos"})
    warnings = " ".join(parts.warnings)
    assert all(re.search(each, warnings) for each in told), warnings
    tuned = tuned_on(parts.outside)
    assert (tuned is None) == ("without such rows" in warnings) and len(tuned or ()) in (0, 30)


def test_texts_that_are_also_in_scope_are_not_tuned_on(tmp_path: Path) -> None:
    twice = "".join(line.rpartition(",")[0] + ",oos\n" for line in words(40).splitlines()[1:4])
    test = words(20, 1) + twice
    parts = parts_of(
        written(tmp_path, train=words(40) + outside(12) + twice, test=test) | {"out_of_scope_label": "oos"}
    )
    assert len(parts.outside["train"]) == 12 and len(parts.outside["test"]) == 3
    assert [row.line for row in parts.dropped] == [54, 55, 56]
    said = [each for each in parts.warnings if "also a row in scope" in each]
    assert len(said) == 2 and "left out" in said[0] and "only one can be right" in said[1]


def test_a_class_that_is_called_so_is_pointed_out(tmp_path: Path) -> None:
    files = written(tmp_path, train=words(60) + outside(20))
    said = [each for each in parts_of(files | {"out_of_scope": True}).warnings if "--out-of-scope-label oos" in each]
    assert len(said) == 1 and "'oos' (20 rows) is learnt as one of the classes" in said[0]
    found = headstart.check(files["train"], noise=False)["findings"]
    assert any("--out-of-scope-label oos" in each["do"] for each in found)


def test_a_check_leaves_them_apart_and_a_cleaned_copy_has_them_where_they_stood(tmp_path: Path) -> None:
    lines = words(30).splitlines(keepends=True)
    files = written(tmp_path, train="".join([*lines[:10], outside(12), lines[3], *lines[10:]]))
    recipe = {"train": files["train"], "noise": False, "out_of_scope_label": "oos", "fix": str(tmp_path / "clean.csv")}
    result = run(assemble("check", recipe)).result
    assert [part["out_of_scope"] for part in result["parts"]] == [12] and set(result["labels"]) == {"a", "b"}
    with open(tmp_path / "clean.csv", newline="") as file:
        rows = [row["label"] for row in csv.DictReader(file)]
    assert len(rows) == 42 and rows[9:21] == ["oos"] * 12, (
        "one copy is gone, and those before it stand where they stood"
    )


def test_the_point_is_found_on_them_and_test_rows_are_scored(tmp_path: Path) -> None:
    files = written(
        tmp_path,
        train=words(240) + outside(40),
        test=words(80, 1) + outside(30, seed=1),
        other=words(40, 2) + outside(9, seed=3),
    )
    tests = {"tests": {"more": files.pop("other")}, "output": str(tmp_path / "run"), "strategy": "tf-idf"}
    outcome = run(assemble("fit", files | {"out_of_scope_label": "oos", "refit": False} | tests))
    assert outcome.artifact is not None
    asked = scope_asked(outcome.artifact.decisions)
    assert asked is not None and asked.tuning is not None
    assert (asked.refused, asked.label, asked.outside_rows) == (0.05, "oos", 40)
    assert asked.point is not None and asked.point <= 0.05 and asked.tuning["found"] <= asked.tuning["at_most"]
    evidence = json.loads((tmp_path / "run" / "evidence.json").read_text())["out_of_scope"]
    assert evidence["tuned"] == pytest.approx(asked.tuning)
    assert {name: found["n"] for name, found in evidence["found"].items()} == {"test": 30, "more": 9}
    told = evidence["found"]["test"]
    assert told["refused"] == evidence["refused"]
    again = load(tmp_path / "run")
    texts = [line.rpartition(",")[0] for line in Path(files["test"]).read_text().splitlines()[1:]]
    refused = [row.refused for row in again.predict(texts)]
    assert told["found"]["value"] == pytest.approx(np.mean(refused[80:])) and refused[80:] != refused[:30]
    scored = run(Evaluate(model=str(tmp_path / "run"), test=files["test"])).result
    assert scored["out_of_scope"]["found"] == {key: each for key, each in told.items() if key != "strategies"}
    assert scored["scores"]["accuracy"]["n"] == 80 and not scored["dropped_rows"]
    verdict = " ".join(outcome.result["verdict"])
    assert "labelled 'oos'" in verdict and "The point was found on 40 rows" in verdict
    assert "out of scope" in (tmp_path / "run" / "README.md").read_text()
    page = (tmp_path / "run" / "report.html").read_text()
    assert "refused in scope" in page and "test, tf-idf (kept)" in page
    recipe = (tmp_path / "run" / "recipe.yaml").read_text()
    assert "out_of_scope_label: oos" in recipe and "point:" not in recipe
    (tmp_path / "none.csv").write_text("text,label\n" + outside(5))
    with pytest.raises(DataError, match="every row has the label 'oos'"):
        run(Evaluate(model=str(tmp_path / "run"), test=str(tmp_path / "none.csv")))


def test_an_audit_says_what_is_refused(tmp_path: Path) -> None:
    files = written(tmp_path, train=words(120) + outside(30), test=words(60, 1) + outside(20, seed=1))
    test = files.pop("test")
    headstart.fit(files.pop("train"), **files, out_of_scope_label="oos", test_share=0, output=str(tmp_path / "run"))
    found = headstart.audit(tmp_path / "run", test, forms="lower-case", output=str(tmp_path / "audit"))
    measured = found["out_of_scope"]
    assert (found["rows"], measured["n"], measured["label"], measured["found"]["n"]) == (60, 60, "oos", 20)
    assert measured == headstart.evaluate(tmp_path / "run", test)["out_of_scope"]
    assert (
        found["verdict"][0].startswith("Refused as out of scope: ")
        and "of 20 labelled 'oos' (AUROC" in found["verdict"][0]
    )
    assert "Refused as out of scope" in (tmp_path / "audit" / "report.html").read_text()
    assert "this code gives every text one" in (tmp_path / "run" / "README.md").read_text()


def test_the_score_may_be_named_beside_the_label_and_nothing_refused_at_all(tmp_path: Path) -> None:
    files = written(tmp_path, train=words(120) + outside(20), test=words(40, 1) + outside(9, seed=1))
    named = {"out_of_scope_label": "oos", "decisions": [{"name": "out_of_scope", "score": "energy"}]}
    recipe = assemble("fit", files | named)
    assert isinstance(recipe, Fit)
    assert recipe.given_decisions == (OutOfScope(score="energy", refused=0.05),)
    assert assemble("fit", files | named | {"out_of_scope": False}).given_decisions == (OutOfScope(score="energy"),)  # type: ignore[attr-defined]
    more = {"output": str(tmp_path / "run"), "out_of_scope": False, "refit": False}
    outcome = run(assemble("fit", files | {"out_of_scope_label": "oos"} | more))
    assert outcome.artifact is not None and outcome.artifact.labels == ("a", "b")
    assert scope_asked(outcome.artifact.decisions) is None
    assert outcome.result["scores"]["test"]["accuracy"]["n"] == 40
    assert run(Predict(model=str(tmp_path / "run"), texts=("a1",))).result["predictions"][0]["label"] == "a"
