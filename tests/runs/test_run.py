"""A recipe of any verb to its outcome."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import headstart
from headstart.data.outputs import Logits
from headstart.errors import DataError, MissingInputError, RecipeError, UsageError
from headstart.recipes.inference import Evaluate, Predict
from headstart.recipes.labelled import Fit
from headstart.recipes.parsing import assemble
from headstart.runs.run import run

ROWS = "".join(f"it is good {at},up,{at % 3}\nit is bad {at},down,{at % 3}\n" for at in range(20))


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A TF-IDF model; only to be read."""
    folder = tmp_path_factory.mktemp("run")
    (folder / "data.csv").write_text("text,label,shop\n" + ROWS)
    headstart.fit(folder / "data.csv", strategy="tf-idf", C=1.0, controls=False, output=str(folder / "m"))
    return folder / "m"


def test_missing_files_are_said_before_any_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headstart.runs.comparison.compare", lambda *_, **__: pytest.fail("work began"))
    (tmp_path / "data.csv").write_text("text,label\n" + ROWS)
    for options in ({"test": "no.csv"}, {"validation": "no.csv"}, {"train": "no.csv"}):
        recipe = assemble("fit", {"train": str(tmp_path / "data.csv"), "output": str(tmp_path / "m")} | options)
        with pytest.raises(MissingInputError, match=r"^no\.csv: there is no such file"):
            run(recipe)


def test_something_that_is_no_recipe_is_refused() -> None:
    with pytest.raises(UsageError, match="a str cannot be run"):
        run("fit")


def test_an_outcome_carries_result_artifact_and_folder(model: Path, tmp_path: Path) -> None:
    recipe = Fit(data={"train": str(model.parent / "data.csv")}, strategies="tf-idf", controls=False,
                 output=str(tmp_path / "m"))  # fmt: skip
    outcome = run(recipe)
    assert (outcome.folder, outcome.interrupted) == (tmp_path / "m", False)
    assert outcome.artifact is not None
    assert outcome.result["strategy"] == "tf-idf"


def test_predict_counts_rows_without_text_long_rows_and_dropped_ones(model: Path, tmp_path: Path) -> None:
    path = tmp_path / "new.csv"
    path.write_text("text,x\nit is good,1\n,2\none,two,three\nit is bad,3\n")
    outcome = run(Predict(model=str(model), input=str(path)))
    assert [row["label"] for row in outcome.result["predictions"]] == ["up", None, "down"]
    assert outcome.result["rows"] == 3
    assert [row["line"] for row in outcome.result["dropped_rows"]] == [4]
    assert [note for note in outcome.notes if "1 rows have no text" in note]
    assert [note for note in outcome.notes if f"left out {path}:4" in note]


def test_a_format_that_is_named_beats_the_ending(model: Path, tmp_path: Path) -> None:
    path = tmp_path / "table.txt"
    path.write_text("text;x\nit is good;1\nit is bad;2\n")
    outcome = run(Predict(model=str(model), input=str(path), format="csv"))
    assert [row["label"] for row in outcome.result["predictions"]] == ["up", "down"]


def test_evaluate_takes_other_columns_and_lists_what_it_left_out(model: Path, tmp_path: Path) -> None:
    path = tmp_path / "test.csv"
    path.write_text("review,mood,shop\nit is good,up,a\nit is bad,down,b\nso so,level,a\n,up,a\n")
    outcome = run(Evaluate(model=str(model), test=str(path), text="review", label="mood", by="shop"))
    assert outcome.result["scores"]["accuracy"] == {"value": 1.0, "low": 1.0, "high": 1.0, "n": 2}
    assert {shop: scores["accuracy"]["n"] for shop, scores in outcome.result["groups"]["shop"].items()} == {
        "a": 1, "b": 1
    }  # fmt: skip
    assert sorted(row["line"] for row in outcome.result["dropped_rows"]) == [4, 5]
    assert len(outcome.notes) == 2


def test_evaluate_measures_what_the_model_gets_wrong(model: Path, tmp_path: Path) -> None:
    path = tmp_path / "test.csv"
    path.write_text("text,label\nit is good,up\nit is bad,up\nit is good 2,up\nit is bad,down\n")
    scores = run(Evaluate(model=str(model), test=str(path))).result["scores"]
    assert scores["accuracy"]["value"] == 0.75


def test_lines_of_a_text_file_end_at_line_feeds_only_and_a_byte_order_mark_is_no_text(
    model: Path, tmp_path: Path
) -> None:
    (tmp_path / "lines.txt").write_bytes(b"\xef\xbb\xbfgood\r\n\xe2\x80\xa8good\rgood\n\nbad")
    found = run(Predict(model=str(model), input=str(tmp_path / "lines.txt"))).result["predictions"]
    assert [row["label"] for row in found] == ["up", "up", None, "down"]
    assert found[0] == run(Predict(model=str(model), texts=("good",))).result["predictions"][0]
    (tmp_path / "cp.txt").write_bytes("caf\u00e9 bad".encode("cp1252"))
    named = run(Predict(model=str(model), input=str(tmp_path / "cp.txt"), encoding="cp1252")).result["predictions"]
    assert named == run(Predict(model=str(model), texts=("caf\u00e9 bad",))).result["predictions"]
    with pytest.raises(DataError, match="name its encoding with --encoding"):
        run(Predict(model=str(model), input=str(tmp_path / "cp.txt")))


def test_threads_are_set_when_asked_for(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    monkeypatch.setattr("threadpoolctl.threadpool_limits", asked.append)
    run(Predict(model=str(model), texts=("good",), threads=3))
    run(Evaluate(model=str(model), test=str(model.parent / "data.csv"), threads=2))
    run(Predict(model=str(model), texts=("good",)))
    assert asked == [3, 2]


def test_long_texts_of_a_file_are_counted_and_said(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def outputs(self: object, texts: list[str], *, progress: object = None) -> Logits:
        return Logits(np.array([len(text) > 9 for text in texts]), np.zeros((len(texts), 2), np.float32))

    monkeypatch.setattr("headstart.predictors.linear_text.LinearTextPredictor.outputs", outputs)
    (tmp_path / "new.csv").write_text("text,label\nshort,up\na long text,up\n")
    outcome = run(Predict(model=str(model), input=str(tmp_path / "new.csv")))
    assert outcome.result["truncated"] == 1
    assert [note for note in outcome.notes if note.startswith("1 of 2 texts (50.0 %) were longer")]
    assert run(Evaluate(model=str(model), test=str(tmp_path / "new.csv"))).result["truncated"] == 1


def test_predict_abstains_below_the_threshold_and_counts_it(model: Path, tmp_path: Path) -> None:
    path = tmp_path / "new.csv"
    path.write_text("text\nit is good good good\nwhat\n\n")
    scores = [row["score"] for row in run(Predict(model=str(model), input=str(path))).result["predictions"]]
    assert scores[0] > scores[1]
    threshold = (scores[0] + scores[1]) / 2
    outcome = run(Predict(model=str(model), input=str(path), abstain=threshold))
    found = outcome.result["predictions"]
    assert [(row["label"], row["abstained"]) for row in found] == [("up", False), (None, True), (None, False)]
    assert found[1]["probabilities"] is not None
    assert outcome.result["abstained"] == 1
    assert [note for note in outcome.notes if note.startswith("1 of 3 rows have a score under")]
    assert "abstained" not in run(Predict(model=str(model), input=str(path))).result
    texts = run(Predict(model=str(model), texts=("it is good good good", "what"), abstain=threshold))
    assert [row["abstained"] for row in texts.result["predictions"]] == [False, True]


@pytest.mark.parametrize(
    "options", [{"abstain": 0.75}, {"decisions": [{"name": "abstention", "least": 0.75}]}], ids=["flag", "recipe"]
)
def test_a_model_that_was_fitted_to_abstain_does_so_unless_it_is_told_otherwise(
    options: dict[str, Any], model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = assemble(
        "fit", {"train": str(model.parent / "data.csv"), "strategy": "tf-idf", "controls": False} | options
    )
    fitted = run(recipe.revised(output=str(tmp_path / "m")))
    assert fitted.result["abstention"]["threshold"] == 0.75
    # Labels are down, up; logits of log 9 and log 2 give confidences of 0.9 and 2/3.
    logits = np.log(np.array([[1, 9], [2, 1]], dtype=np.float32))
    monkeypatch.setattr(
        "headstart.predictors.linear_text.LinearTextPredictor.outputs", lambda *_, **__: Logits.of(logits)
    )
    (tmp_path / "new.csv").write_text("text,label\na,up\nb,down\n")
    (tmp_path / "new.txt").write_text("a\nb\n")
    folder, file = str(tmp_path / "m"), str(tmp_path / "new.csv")
    asked: dict[str, Any]
    for asked in ({"texts": ("a", "b")}, {"input": file}, {"input": str(tmp_path / "new.txt")}):
        for abstain, labels in ((None, ["up", None]), (0.0, ["up", "down"]), (0.95, [None, None])):
            found = run(Predict(model=folder, abstain=abstain, **asked)).result["predictions"]
            assert [row["label"] for row in found] == labels
            assert [row["abstained"] for row in found] == [label is None for label in labels]
            assert [round(row["score"], 3) for row in found] == [0.9, 0.667]
    outcome = run(Predict(model=folder, input=file, output=str(tmp_path / "scored.csv")))
    assert outcome.result["abstained"] == 1
    assert [line.split(",")[2] for line in (tmp_path / "scored.csv").read_text().splitlines()] == [
        "prediction",
        "up",
        "",
    ]
    for abstain, coverage in ((None, 0.5), (0.0, 1.0), (0.95, 0.0)):
        assert run(Evaluate(model=folder, test=file, abstain=abstain)).result["abstention"]["coverage"] == coverage


def test_evaluate_measures_what_is_left_above_a_threshold(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Labels are down, up; logits of log 9, log 4 and 0 give confidences of 0.9, 0.8 and 0.5.
    logits = np.log(np.array([[1, 9], [9, 1], [4, 1], [1, 1]], dtype=np.float32))
    monkeypatch.setattr(
        "headstart.predictors.linear_text.LinearTextPredictor.outputs",
        lambda *_, **__: Logits.of(logits),
    )
    path = tmp_path / "test.csv"
    path.write_text("text,label\na,up\nb,up\nc,down\nd,up\n")
    found = run(Evaluate(model=str(model), test=str(path), abstain=0.75)).result["abstention"]
    assert (found["threshold"], found["coverage"], found["n"]) == (0.75, 0.75, 4)
    assert (found["accuracy"]["value"], found["accuracy"]["n"]) == (pytest.approx(2 / 3), 3)
    assert found["accuracy"]["low"] == pytest.approx(0.2077, abs=5e-5)  # Wilson, 2 of 3
    assert "abstention" not in run(Evaluate(model=str(model), test=str(path))).result


@pytest.mark.parametrize("value", [-0.1, 1.0])
def test_a_threshold_outside_of_zero_and_one_is_refused(value: float) -> None:
    for verb, names in (
        ("fit", {"train": "a"}),
        ("predict", {"model": "m"}),
        ("evaluate", {"model": "m", "test": "t"}),
    ):
        with pytest.raises(RecipeError, match="abstain"):
            assemble(verb, names | {"abstain": value})
