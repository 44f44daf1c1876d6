"""Tables as they are in the wild, from a file to predictions, through every door."""

import csv
from pathlib import Path

import pytest

import headstart
from headstart.errors import DataError

FAST = {"strategy": "tf-idf", "C": 3.0, "controls": False, "threads": 1}
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
    for said in ({"header": True}, {"label": "down"}):
        assert headstart.plan(path, **FAST, **said)["plan"]
