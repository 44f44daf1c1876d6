"""Tests with names of their own: scored beside the test part, through every door."""

import csv
import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

import headstart
from headstart.recipes.parsing import assemble
from headstart.runs.conditions import conditions

FILL = ["way", "day", "night", "shop", "opens", "nine", "start", "end", "parcel", "monday"]


def written(path: Path, count: int, *, opening: str, wrong: int = 0) -> Path:
    """Rows of two labels told apart by a word; each `wrong`th one has the other's label."""
    lines = ["text,label"]
    for at in range(count):
        label = (at + (wrong > 0 and at % wrong == 0)) % 2
        word = ("good", "bad")[at % 2]
        lines.append(f"{opening} {word} {FILL[at % 10]} {FILL[at // 10 % 10]} {at},{('up', 'down')[label]}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """train.csv, test.csv, shop.csv with a fourth of its labels wrong, and film.csv."""
    written(tmp_path / "train.csv", 60, opening="it is")
    written(tmp_path / "test.csv", 40, opening="it was")
    written(tmp_path / "shop.csv", 40, opening="the shop is", wrong=4)
    written(tmp_path / "film.csv", 30, opening="a film that is")
    return tmp_path


def test_named_tests_are_scored_and_compared_through_every_door(files: Path, command: Callable[..., Any]) -> None:
    test, shop, film = (str(files / f"{name}.csv") for name in ("test", "shop", "film"))
    options = {"strategies": ("tf-idf",), "C": 1.0, "controls": False, "threads": 1}
    tests = {"shop": shop, "film": film}
    by_python = headstart.compare(files / "train.csv", test=test, tests=tests, output=str(files / "p"), **options)
    words = ("compare", files / "train.csv", "--test", test, "--strategies", "tf-idf", "--C", 1, "--no-controls")
    words = (*words, "--threads", 1, "--tests", f"shop={shop},film={film}")
    said = command(*words, "-o", files / "flags")
    recipe = {
        "verb": "compare", "data": {"train": str(files / "train.csv"), "test": test, "tests": tests}, "threads": 1,
        "strategies": [{"tf-idf": {"C": 1.0}}], "controls": False, "output": str(files / "file"),
    }  # fmt: skip
    (files / "r.yaml").write_text(yaml.safe_dump(recipe, sort_keys=False), encoding="utf-8")
    by_file = json.loads(command("run", files / "r.yaml", "--json").out)

    evidence = by_python.evidence
    (line,) = evidence["leaderboard"]
    assert {name: line["scores"][name]["accuracy"]["value"] for name in ("test", "shop", "film")} == {
        "test": 1.0, "shop": 0.75, "film": 1.0
    }  # fmt: skip
    found = evidence["tests"]
    assert [*found] == ["shop", "film"]
    (row,) = found["shop"]["rows"]
    assert (found["shop"]["inside"], row["gap"]["value"], row["gap"]["n"]) == ("test", -0.25, 40)
    assert row["gap"]["low"] < -0.25 < row["gap"]["high"] < 0
    assert evidence["data"]["splits"]["film"]["rows"] == 30
    assert [file["role"] for file in evidence["data"]["files"]] == ["train", "test", "shop", "film"]
    for door in ("flags", "file"):
        again = json.loads((files / door / "evidence.json").read_text(encoding="utf-8"))
        assert (again["tests"], again["leaderboard"][0]["scores"]) == (found, line["scores"])
        assert (files / door / "recipe.yaml").read_text() == (files / "p" / "recipe.yaml").read_text()
    assert by_file["tests"] == found
    assert by_file["scores"] == line["scores"]

    header, *body = said.out.split("\n")
    assert "test accuracy [95 %]  shop accuracy [95 %]  film accuracy [95 %]" in header
    assert "shop - test [95 %]" in body[2]
    assert "-0.250 [-0." in body[3]
    assert any(each.startswith("On shop tf-idf reaches accuracy 0.750 [") for each in body)
    assert "train 60, test 40, shop 40, film 30 (" in said.err
    assert "only 30 film rows: intervals are wide" in said.err
    page = (files / "flags" / "report.html").read_text(encoding="utf-8")
    assert page.count('id="tests"') == 1
    assert "Every metric on shop" in page
    card = (files / "flags" / "README.md").read_text(encoding="utf-8")
    assert "\n## Other tests\n\n### shop\n" in card
    assert "- Parts: train 60, test 40, shop 40, film 30 rows" in card


def test_named_tests_alone_stand_beside_what_choices_were_made_on(files: Path) -> None:
    options = {"strategy": "tf-idf", "C": 1.0, "controls": False, "threads": 1}
    evidence = headstart.fit(files / "train.csv", tests={"shop": files / "shop.csv"}, **options).evidence
    (row,) = evidence["tests"]["shop"]["rows"]
    assert evidence["tests"]["shop"]["inside"] == "cross-validation"
    assert row["inside"] == evidence["leaderboard"][0]["scores"]["validation"]["accuracy"]
    assert row["outside"]["n"] == 40
    assert evidence["leaderboard"][0]["scores"]["test"] is None


def test_a_named_test_that_is_not_there_is_said_before_any_work(files: Path, command: Callable[..., Any]) -> None:
    said = command("fit", files / "train.csv", "--tests", "shop=nowhere.csv", code=66)
    assert said.err.startswith("error: nowhere.csv: there is no such file")
    said = command("fit", files / "train.csv", "--tests", "nowhere.csv", code=64)
    assert "data.tests: 'nowhere.csv' is not of the form NAME=FILE,NAME=FILE" in said.err


def test_a_brand_that_was_not_learnt_from_is_a_test_of_its_own(shared_data: Path, tmp_path: Path) -> None:
    with gzip.open(shared_data / "airline" / "train.csv.gz", "rt", encoding="utf-8", newline="") as file:
        rows = [row for _, row in zip(range(3000), csv.DictReader(file), strict=False)]
    for name, brands in (("own", ("United", "US Airways")), ("delta", ("Delta",)), ("virgin", ("Virgin America",))):
        with (tmp_path / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, ["text", "label"], extrasaction="ignore")
            writer.writeheader()
            writer.writerows(row for row in rows if row["airline"] in brands)
    options = {"strategy": "tf-idf", "C": 1.0, "controls": False, "threads": 1}
    tests = {name: tmp_path / f"{name}.csv" for name in ("delta", "virgin")}
    evidence = headstart.fit(tmp_path / "own.csv", tests=tests, metric="accuracy", **options).evidence
    for name, least in (("delta", 300), ("virgin", 80)):
        (row,) = evidence["tests"][name]["rows"]
        assert row["outside"]["n"] > least
        assert 0.3 < row["outside"]["value"] < 1
        assert row["gap"]["value"] == pytest.approx(row["outside"]["value"] - row["inside"]["value"])
        assert row["gap"]["low"] < row["gap"]["value"] < row["gap"]["high"]
    assert row["gap"]["high"] < 0  # passengers of Virgin America have other things to say


def test_a_run_that_goes_on_knows_whether_a_named_test_has_changed_since(files: Path) -> None:
    recipe = assemble("fit", {"train": str(files / "train.csv"), "tests": {"shop": str(files / "shop.csv")}})
    before = conditions(recipe, None, None, 1, 1)["inputs"]
    assert [*before] == ["train", "tests.shop"]
    written(files / "shop.csv", 41, opening="the shop is")
    after = conditions(recipe, None, None, 1, 1)["inputs"]
    assert (after["train"] == before["train"], after["tests.shop"] == before["tests.shop"]) == (True, False)


def test_a_run_that_goes_on_knows_whether_files_of_words_have_changed_since(files: Path, tmp_path: Path) -> None:
    for name in ("terms.txt", "typos.tsv", "swaps.txt", "slips.tsv"):
        (tmp_path / name).write_text("good\tgodo\nbad\tbda\n")
    measure = [
        {"name": "swaps", "terms": "swaps.txt", "positive_label": "up"},
        {"name": "perturbations", "typos": "slips.tsv"},
    ]
    words = {"counterfactuals": "terms.txt", "typo_copies": "typos.tsv", "measure": measure}
    recipe = assemble("fit", {"train": str(files / "train.csv"), **words}).moved(tmp_path)
    before = conditions(recipe, None, None, 1, 1)["inputs"]
    names = ["counterfactuals", "typo_copies", "swaps.terms", "perturbations.typos"]
    assert [*before] == ["train", *names]
    for name, file in zip(names, ("terms.txt", "typos.tsv", "swaps.txt", "slips.tsv"), strict=True):
        (tmp_path / file).write_text("good\tgodo\n")
        after = conditions(recipe, None, None, 1, 1)["inputs"]
        assert [key for key in after if after[key] != before[key]] == [name]
        before = after
    keyboards = assemble(
        "fit", {"train": "train.csv", "typo_copies": "xx", "measure": [{"name": "perturbations", "typos": "de"}]}
    )
    moved = keyboards.moved(tmp_path)
    assert (moved.data.typo_copies, moved.measure[0].typos) == ("xx", "de")
