"""Tables as they are in the wild, from a file to predictions, through every door."""

import csv
import shlex
from pathlib import Path
from typing import Any

import pytest

import headstart
from headstart.cli.main import main
from headstart.errors import DataError, UsageError
from headstart.runtime.progress import Progress


class Heard(Progress):
    """What is said."""

    def __init__(self) -> None:
        self.said: list[tuple[str, str]] = []

    def say(self, topic: str, message: str, *, warning: bool = False) -> None:
        self.said.append((topic, message))

    @classmethod
    def of(cls, data: Any, **options: Any) -> list[tuple[str, str]]:
        """What is said of the plan of a fit."""
        heard = cls()
        headstart.plan(data, progress=heard, **options)
        return heard.said


FAST: dict[str, Any] = {"strategy": "tf-idf", "C": 3.0, "controls": False, "threads": 1}
PAIRS = [(f"it is {('good', 'bad')[at % 2]} {at}", ("up", "down")[at % 2]) for at in range(40)]


@pytest.fixture
def headless(tmp_path: Path) -> Path:
    path = tmp_path / "bare.csv"
    path.write_text("".join(f"{text},{label}\n" for text, label in PAIRS), encoding="utf-8")
    return path


def test_a_file_without_a_header_is_fitted_scored_and_predicted_whole(headless: Path, tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"bare\.csv, line 1 looks like a row .*'up' stands in column 2 of 19 of the next 39"
    ):
        headstart.plan(headless, **FAST)
    run = tmp_path / "run"
    artifact = headstart.fit(headless, header=False, output=str(run), **FAST)
    [file] = artifact.evidence["data"]["files"]
    assert (file["rows"], file["used"], file["format"]["header"]) == (40, 40, "none")
    assert artifact.task.text == ("column_1",)
    assert headstart.evaluate(run, headless, header=False)["scores"]["accuracy"]["n"] == 40
    with pytest.raises(DataError, match="no column 'column_1' .*a file without names of columns: say --no-header"):
        headstart.predict(run, input=str(headless), output=str(tmp_path / "out.csv"))
    headstart.predict(run, input=str(headless), output=str(tmp_path / "out.csv"), header=False)
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    assert header[:3] == ["column_1", "column_2", "prediction"]
    assert [tuple(row[:2]) for row in rows] == PAIRS


def test_a_named_column_leaves_no_doubt_about_the_header(tmp_path: Path) -> None:
    path = tmp_path / "odd.csv"
    path.write_text("good words,down\n" + "".join(f"{a},{b}\n" for a, b in PAIRS), encoding="utf-8")
    with pytest.raises(DataError, match="looks like a row"):
        headstart.plan(path, **FAST)
    named: list[dict[str, Any]] = [{"header": True}, {"label": "down"}]
    for said in named:
        assert headstart.plan(path, **FAST, **said)["plan"]


def test_columns_of_zeros_and_ones_are_labels_on_every_door(tmp_path: Path) -> None:
    train, run = tmp_path / "marks.csv", tmp_path / "run"
    rows = [
        f"it is {('good', 'bad')[at % 2]} and {('red', 'tall', 'flat')[at % 3]},{at % 2},{at % 3 // 2},{at % 3 % 2},w"
        for at in range(60)
    ]
    train.write_text("\n".join(["text,bad,flat,tall,shop", *rows]) + "\n", encoding="utf-8")
    options: dict[str, Any] = FAST | {"task": "multi-label-classification", "label": "bad,flat,tall"}
    artifact = headstart.fit(train, output=str(run), **options)
    assert artifact.labels == ("bad", "flat", "tall")
    assert artifact.predict(["it is bad and flat"])[0].labels == ("bad", "flat")
    assert headstart.evaluate(run, train)["scores"]["f1"]["value"] > 0.9
    slices = artifact.evidence.get("slices") or {}
    assert not {"bad", "flat", "tall"} & {
        group["by"] for group in [*slices.get("groups", []), *slices.get("left_out", [])] if "by" in group
    }
    recipe = tmp_path / "r.yaml"
    recipe.write_text(
        f"verb: fit\ndata: {{train: {train}}}\ntask: {{name: multi-label-classification, label: [bad, flat, tall]}}\n"
        "strategy: {name: tf-idf, C: 3.0}\ncontrols: false\ndry_run: true\n",
        encoding="utf-8",
    )
    assert headstart.run(recipe)["plan"]
    frame = {
        "text": [row.split(",")[0] for row in rows],
        "bad": [at % 2 == 1 for at in range(60)],
        "flat": [at % 3 // 2 for at in range(60)],
    }
    for said in ({}, {"label": "bad,flat"}, {"label": ["bad", "flat"]}):
        [line] = [words for topic, words in Heard.of(frame, **FAST, **said) if topic == "data" and "rows of" in words]
        assert "multi-label-classification, text text, label bad,flat (bad 30, flat 20)" in line
    options["label"] = ["bad", "flat"]
    again = headstart.fit(frame, **options)
    assert again.labels == ("bad", "flat")


def test_labels_that_the_test_file_spells_otherwise_are_shown_in_both_spellings(tmp_path: Path) -> None:
    train, test, run = tmp_path / "train.csv", tmp_path / "test.csv", tmp_path / "run"
    train.write_text("text,label\n" + "".join(f"{a},{(b == 'up') * 1.0}\n" for a, b in PAIRS), encoding="utf-8")
    test.write_text("text,label\n" + "".join(f"{a},{int(b == 'up')}\n" for a, b in PAIRS[:9]), encoding="utf-8")
    both = "it has '0', '1', training rows have '0.0', '1.0'; '0' and '0.0', '1' and '1.0' differ only by spelling"
    with pytest.raises(DataError, match=f"no row whose label occurs in the training rows: {both}"):
        headstart.plan(train, test=str(test), **FAST)
    headstart.fit(train, output=str(run), **FAST)
    with pytest.raises(DataError, match=f"one of the labels 0.0, 1.0: {both}"):
        headstart.evaluate(run, test)
    test.write_text("text,label\nit is good,1\nit is bad,0.0\n", encoding="utf-8")
    [left] = headstart.evaluate(run, test)["dropped_rows"]
    assert (left["line"], left["reason"]) == (2, "label '1' does not occur in the training rows, where it is '1.0'")
    warned = [words for topic, words in Heard.of(train, test=str(test), **FAST) if topic == "check"]
    assert any("('1'); they are left out; '1' and '1.0' differ only by spelling" in words for words in warned)


def test_commands_that_are_suggested_can_be_pasted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "my data's"
    folder.mkdir()
    train = folder / "the rows, all.csv"
    train.write_text("text,label\n" + "".join(f"{a},{b}\n" for a, b in PAIRS), encoding="utf-8")
    run = str(folder / "a run")
    words = ["fit", str(train), "--strategy", "tf-idf", "--C", "3", "--no-controls", "-o", run]
    monkeypatch.setattr("sys.argv", ["headstart", *words])
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 0
    [line] = [line for line in capsys.readouterr().err.splitlines() if line.startswith("next")]
    assert shlex.split(line)[1:] == ["headstart", "predict", run, "your text"]
    with pytest.raises(UsageError) as refused:
        headstart.predict(run, [str(train)])
    assert shlex.split(str(refused.value).partition("rows with: ")[2]) == [
        "headstart",
        "predict",
        run,
        "--input",
        str(train),
    ]
