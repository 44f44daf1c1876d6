"""The Python door: data in memory, what comes back, what is said."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import headstart
from headstart.api import table_of
from headstart.errors import DataError, HeadstartError, MissingInputError, RecipeError
from headstart.runtime.progress import Progress

QUICK: dict[str, Any] = {"strategy": "tf-idf", "C": 1.0, "controls": False}
COLUMNS = {
    "text": [f"it is {('good', 'bad')[at % 2]} {at}" for at in range(40)],
    "label": [("up", "down")[at % 2] for at in range(40)],
}


def test_fit_of_columns_in_memory_writes_nothing_unless_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    artifact = headstart.fit(COLUMNS, **QUICK)
    assert list(tmp_path.iterdir()) == []
    assert artifact.labels == ("down", "up")
    assert artifact.evidence["data"]["files"][0]["path"] == "<memory>"
    assert [row.label for row in artifact.predict(["very good", "very bad"])] == ["up", "down"]
    headstart.fit(COLUMNS, output="m", **QUICK)
    assert [path.name for path in tmp_path.iterdir()] == ["m"]


def test_a_data_frame_gives_the_same_model_as_its_columns_and_as_a_file(tmp_path: Path) -> None:
    frame = pd.DataFrame(COLUMNS, index=range(100, 140))
    frame.to_csv(tmp_path / "data.csv", index=False)
    by_file = headstart.fit(tmp_path / "data.csv", output=str(tmp_path / "m"), **QUICK)
    for data in (frame, COLUMNS):
        found = headstart.fit(data, **QUICK)
        np.testing.assert_array_equal(found.predict_proba(["good", "bad 7"]), by_file.predict_proba(["good", "bad 7"]))


def test_compare_runs_the_strategies_named() -> None:
    artifact = headstart.compare(COLUMNS, strategies=("tf-idf",), controls=False)
    assert [row["strategy"] for row in artifact.evidence["leaderboard"]] == ["tf-idf"]


def test_values_become_texts_and_missing_ones_stay_missing() -> None:
    table = table_of({"a": ["NA", None, float("nan"), "01"], 7: [1, 2.5, True, ""]})
    assert table.columns == {"a": ["NA", None, None, "01"], "7": ["1", "2.5", "True", ""]}
    assert list(table.lines) == [1, 2, 3, 4]
    frame = pd.DataFrame({"a": pd.array(["x", pd.NA], dtype="string"), "b": pd.array([1, None], dtype="Int64")})
    assert table_of(frame).columns == {"a": ["x", None], "b": ["1", None]}


def test_columns_that_cannot_be_used_are_refused() -> None:
    with pytest.raises(DataError, match="columns differ in length: a 2, b 1"):
        table_of({"a": ["x", "y"], "b": ["z"]})
    with pytest.raises(DataError, match="the data has no rows"):
        table_of({"a": []})
    with pytest.raises(DataError, match="the data has no rows"):
        table_of({})


def test_an_unknown_keyword_names_the_one_that_was_meant() -> None:
    epoch: dict[str, Any] = {"epoch": 3}  # editors know the keywords, so a wrong one has to be hidden from them
    outputs: dict[str, Any] = {"outputs": "x"}
    with pytest.raises(RecipeError, match="unknown option 'epoch'; did you mean 'epochs'"):
        headstart.fit(COLUMNS, **epoch)
    with pytest.raises(RecipeError, match="unknown option 'outputs'; did you mean 'output'"):
        headstart.predict("run", ["good"], **outputs)


def test_progress_is_told_and_silence_is_the_default(capfd: pytest.CaptureFixture[str]) -> None:
    class Heard(Progress):
        def __init__(self) -> None:
            self.topics: list[str] = []

        def say(self, topic: str, message: str, *, warning: bool = False) -> None:
            self.topics.append(topic)

        def begin(self, step: str, total: float, note: str = "") -> None:
            self.topics.append(step)

    heard = Heard()
    headstart.fit(COLUMNS, progress=heard, **QUICK)
    assert {"data", "split", "tf-idf"} <= set(heard.topics)
    assert capfd.readouterr() == ("", "")


def test_predict_takes_texts_or_a_file_but_not_one_string(tmp_path: Path) -> None:
    headstart.fit(COLUMNS, output=str(tmp_path / "m"), **QUICK)
    found = headstart.predict(tmp_path / "m", ["very good", "very bad"])
    assert [row["label"] for row in found["predictions"]] == ["up", "down"]
    with pytest.raises(DataError, match="found one string; put it in a list"):
        headstart.predict(tmp_path / "m", "very good")
    (tmp_path / "new.csv").write_text("text\nvery good\nvery bad\n")
    by_file = headstart.predict(tmp_path / "m", input=str(tmp_path / "new.csv"))
    assert by_file["predictions"] == found["predictions"]
    assert (by_file["rows"], by_file["dropped_rows"]) == (2, [])


def test_a_recipe_is_run_from_a_file_or_a_mapping(tmp_path: Path) -> None:
    from headstart import api

    document = {"verb": "fit", "data": {"train": str(tmp_path / "data.csv")}, "strategy": "tf-idf", "controls": False}
    pd.DataFrame(COLUMNS).to_csv(tmp_path / "data.csv", index=False)
    found = api.run(document | {"output": str(tmp_path / "a")})
    assert (found["strategy"], found["artifact"]) == ("tf-idf", str(tmp_path / "a"))
    with pytest.raises(MissingInputError, match="there is no recipe file"):
        api.run(tmp_path / "no.yaml")


def test_errors_are_of_one_tree() -> None:
    with pytest.raises(HeadstartError, match=r"^nowhere\.csv: there is no such file"):
        headstart.fit("nowhere.csv")


def opinion(at: int) -> str:
    return f"we liked plate {at} of soup"


@pytest.mark.parametrize(
    ("data", "task"),
    [
        ([(opinion(at), "ab"[at % 2]) for at in range(20)], "text-classification"),
        ([(opinion(at), f"plate {at} was soup", "ab"[at % 2]) for at in range(20)], "text-pair-classification"),
        ([{"text": opinion(at), "price": at * 1.5} for at in range(20)], "text-regression"),
        ({"text": [*map(opinion, range(20))], "topics": [["a", "b", "c"][: at % 4] for at in range(20)]}, "multi-label-classification"),
        ({"sentence1": [*map(opinion, range(20))], "sentence2": [*map(opinion, range(1, 21))], "score": [at / 4 for at in range(20)]},
         "sentence-similarity"),
        ({"tokens": [opinion(at).split() for at in range(20)], "tags": [["O", "O", "B-X", "I-X", "O", "O"]] * 20}, "token-classification"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("frame", [False, True])
def test_the_task_of_rows_in_memory_is_guessed(data: Any, task: str, frame: bool) -> None:
    if frame and isinstance(data, list) and isinstance(data[0], tuple):
        data = pd.DataFrame(data, columns=["text", "label"] if len(data[0]) == 2 else ["text1", "text2", "label"])
    elif frame:
        data = pd.DataFrame(data)
    strategy = "crf" if task == "token-classification" else "tf-idf"
    found = headstart.plan(data, strategy=strategy, controls=False)
    assert found["data"]["guess"]["task"] == task


def test_rows_that_are_no_rows_are_refused() -> None:
    for data in (["a text", "another"], [("a", "b"), ("a", "b", "c")], [("a",)]):
        with pytest.raises(DataError, match=r"rows in memory are mappings .* or tuples \(text, label\)"):
            headstart.fit(data)  # type: ignore[arg-type]
