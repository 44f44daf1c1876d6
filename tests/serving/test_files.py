"""Predictions for files: order and every original column kept, exactly."""

import csv
import gzip
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import headstart
from headstart.artifact import Artifact
from headstart.data import table
from headstart.errors import DataError, MissingInputError, RunFolderError
from headstart.loading import load
from headstart.readers.opening import open_table
from headstart.serving import files
from headstart.serving.files import CHUNK, FilePredictions, abstains, predict_lines, predicted, prediction_row
from headstart.tasks.text_classification import TextClassification
from headstart.tasks.text_pair_classification import TextPairClassification
from headstart.types import LabelPrediction

TEXTS = [
    "good",
    'a "bad" day',
    "good,\nbetter",
    "NA",
    "null",
    "",
    "bad\u2028bad",
    " good ",
    "caf\u00e9 bad \U0001f600",
    "nan",
]
COLUMNS = {
    "id": ["01", "1.0", "1e5", "NA", "", "None", "true", "-0", "00", "9" * 30],
    "text": TEXTS,
    "note, with comma": ["x", 'q"q', "a\tb", "l1\nl2", "'", "\\n", "#", "=1+1", " pad ", "\u00a0"],
}
ADDED = ["prediction", "score", "truncated", "p_down", "p_up"]


@pytest.fixture(scope="module")
def artifact(folder: Path) -> Artifact:
    return load(folder)


def write(path: Path, columns: dict[str, list[Any]]) -> Path:
    """Written with the standard library and pyarrow, not with our own writers."""
    rows = list(zip(*columns.values(), strict=True))
    ending = path.suffixes[0]
    if ending == ".jsonl":
        lines = [json.dumps(dict(zip(columns, row, strict=True)), ensure_ascii=False) for row in rows]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="")
    elif ending == ".parquet":
        import pyarrow
        import pyarrow.parquet

        pyarrow.parquet.write_table(pyarrow.table(columns), path)
    else:
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, delimiter="\t" if ending == ".tsv" else ",", quoting=csv.QUOTE_ALL)
            writer.writerows([list(columns), *rows])
    return path


def read_back(path: Path) -> dict[str, list[Any]]:
    """Read with the standard library and pyarrow."""
    ending = path.suffixes[0]
    if ending == ".jsonl":
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]
        return {name: [row[name] for row in rows] for name in rows[0]}
    if ending == ".parquet":
        import pyarrow.parquet

        return pyarrow.parquet.read_table(path).to_pydict()
    with path.open(encoding="utf-8", newline="") as file:
        header, *rows = list(csv.reader(file, delimiter="\t" if ending == ".tsv" else ","))
    return {name: [row[at] for row in rows] for at, name in enumerate(header)}


@pytest.mark.parametrize("source", ["csv", "tsv", "jsonl", "parquet"])
@pytest.mark.parametrize("target", ["csv", "tsv", "jsonl", "parquet"])
def test_every_column_comes_out_as_it_went_in_with_the_answers_beside_it(
    artifact: Artifact, tmp_path: Path, source: str, target: str
) -> None:
    path = write(tmp_path / f"new.{source}", COLUMNS)
    rows = FilePredictions(artifact, path)
    rows.write(tmp_path / f"scored.{target}")
    found = read_back(tmp_path / f"scored.{target}")
    assert list(found) == [*COLUMNS, *ADDED]
    assert {name: found[name] for name in COLUMNS} == COLUMNS
    expected = artifact.predict([text or "x" for text in TEXTS])
    for at, answer in enumerate(expected):
        if not TEXTS[at].strip():
            assert [found[name][at] for name in ADDED] == [""] * 5
            continue
        assert (found["prediction"][at], found["truncated"][at]) == (answer.label, "false")
        assert float(found["score"][at]) == pytest.approx(answer.score, abs=1e-6)
        for label, share in answer.probabilities.items():
            assert float(found[f"p_{label}"][at]) == pytest.approx(share, abs=1e-6)
    assert (rows.rows, rows.empty, rows.dropped) == (10, 1, [])
    assert sorted(entry.name for entry in tmp_path.iterdir()) == sorted({f"new.{source}", f"scored.{target}"})


def test_missing_values_stay_missing_where_the_format_can_say_so(artifact: Artifact, tmp_path: Path) -> None:
    columns = {"text": ["good", None, "bad"], "other": [None, "x", ""]}
    write(tmp_path / "new.jsonl", columns)
    rows = FilePredictions(artifact, tmp_path / "new.jsonl")
    rows.write(tmp_path / "scored.jsonl")
    found = read_back(tmp_path / "scored.jsonl")
    assert {name: found[name] for name in columns} == columns
    assert found["prediction"] == ["up", "", "down"]


def test_columns_that_have_the_names_of_answers_are_kept_each_time(artifact: Artifact, tmp_path: Path) -> None:
    write(tmp_path / "0.csv", {"text": ["good", "bad"]})
    for at in range(3):
        FilePredictions(artifact, tmp_path / f"{at}.csv").write(tmp_path / f"{at + 1}.csv")
    found = read_back(tmp_path / "3.csv")
    assert list(found) == ["text", *ADDED, *(f"headstart_{name}" for name in ADDED),
                           *(f"headstart_headstart_{name}" for name in ADDED)]  # fmt: skip
    assert found["prediction"] == found["headstart_headstart_prediction"] == ["up", "down"]


class Counting:
    """A model that labels a text with its own number and keeps the sizes of its calls."""

    labels = ("a", "b")

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.task: Any = TextClassification(text=("text",), labels=self.labels)

    digest = ""

    @property
    def nothing(self) -> dict[str, Any]:
        return dict(self.task.nothing)

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(self.task.columns)

    def predict(self, texts: list[str], *, progress: Any = None) -> list[LabelPrediction]:
        self.sizes.append(len(texts))
        return [LabelPrediction(text, 0.75, {"a": 0.75, "b": 0.25}, False) for text in texts]


def test_a_file_of_many_chunks_keeps_its_order_and_is_never_held_whole(tmp_path: Path) -> None:
    count = 2 * CHUNK + 7
    path = write(tmp_path / "new.csv", {"text": [f"t{at}" for at in range(count)]})
    model: Any = Counting()
    rows = FilePredictions(model, path)
    rows.write(tmp_path / "scored.csv")
    table = open_table(tmp_path / "scored.csv")
    assert list(table.columns["prediction"]) == [f"t{at}" for at in range(count)]
    assert max(model.sizes) == CHUNK
    assert rows.rows == count


def test_lines_are_answered_before_the_last_one_has_come() -> None:
    taken: list[int] = []

    def lines() -> Iterator[str]:
        for at in range(1000):
            taken.append(at)
            yield f"t{at}\n"

    model: Any = Counting()
    answers = predict_lines(model, lines())
    assert next(answers)["label"] == "t0"
    assert len(taken) == 64
    assert [row["label"] for row in answers] == [f"t{at}" for at in range(1, 1000)]


def test_line_ends_are_not_part_of_a_text() -> None:
    model: Any = Counting()
    found = [row["label"] for row in predict_lines(model, ["a\r\n", "b\n", "c\r", "\r\n", " d \n", "e"])]
    assert found == ["a", "b", "c", None, " d ", "e"]


def test_texts_without_content_are_not_given_to_the_model() -> None:
    model: Any = Counting()
    found = predicted(model, [model.task.input_of([text]) for text in ["x", None, "", " \u00a0 ", "y"]])
    assert [row.label if row else None for row in found] == ["x", None, None, None, "y"]
    assert model.sizes == [2]


def paired() -> Any:
    model: Any = Counting()
    model.task = TextPairClassification(text=("a", "b"), label="label", labels=model.labels)
    return model


def test_lines_of_pairs_have_a_tab_between() -> None:
    found = [row["label"] for row in predict_lines(paired(), ["a\tb\r\n", "\n", "c\t \n", "d\te"])]
    assert found == [("a", "b"), None, None, ("d", "e")]
    with pytest.raises(DataError, match="line 2 has 3 texts, expected two with a tab between them"):
        list(predict_lines(paired(), ["a\tb\n", "a\tb\tc\n"]))


def test_columns_of_pairs_go_to_the_model_as_pairs(tmp_path: Path) -> None:
    path = write(tmp_path / "new.csv", {"b": ["b1", "b2"], "a": ["a1", ""]})
    found = [answer.label if answer else None for _, answer in FilePredictions(paired(), path)]
    assert found == [("a1", "b1"), None]
    with pytest.raises(DataError, match=r"reads pairs of texts; name two columns with --text \(named: a\)"):
        FilePredictions(paired(), path, text=["a"])


def test_several_text_columns_are_joined(tmp_path: Path) -> None:
    path = write(tmp_path / "new.csv", {"title": ["a", "", "c"], "body": ["b", "d", ""]})
    model: Any = Counting()
    found = [answer.label for _, answer in FilePredictions(model, path, text=["title", "body"]) if answer]
    assert found == ["a b", "d", "c"]


def test_rows_that_cannot_be_parsed_are_listed(artifact: Artifact, tmp_path: Path) -> None:
    (tmp_path / "new.csv").write_text("text,x\ngood,1\nbroken\nbad,2\n")
    rows = FilePredictions(artifact, tmp_path / "new.csv")
    rows.write(tmp_path / "scored.csv")
    assert read_back(tmp_path / "scored.csv")["x"] == ["1", "2"]
    assert [row.line for row in rows.dropped] == [3]


def test_a_file_that_is_there_is_replaced_only_on_request_and_only_when_all_is_well(
    artifact: Artifact, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "new.csv", {"text": ["good", "bad"]})
    target = tmp_path / "scored.csv"
    target.write_text("mine")
    with pytest.raises(RunFolderError, match=r"scored\.csv exists"):
        FilePredictions(artifact, path).write(target)
    with monkeypatch.context() as patch:
        patch.setattr(Artifact, "raw_outputs", lambda *_, **__: (_ for _ in ()).throw(DataError("broken half-way")))
        with pytest.raises(DataError, match="broken half-way"):
            FilePredictions(artifact, path).write(target, overwrite=True)
    assert target.read_text() == "mine"
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["new.csv", "scored.csv"]
    FilePredictions(artifact, path).write(target, overwrite=True)
    assert read_back(target)["prediction"] == ["up", "down"]
    FilePredictions(artifact, path).write(path, overwrite=True)
    assert read_back(path)["text"] == ["good", "bad"]
    assert path.stat().st_mode & 0o777 == 0o644


def test_beyond_twenty_labels_only_the_best_is_written(tmp_path: Path) -> None:
    class Many(Counting):
        labels = tuple(f"l{at}" for at in range(21))  # type: ignore[assignment]

        def predict(self, texts: list[str], *, progress: Any = None) -> list[LabelPrediction]:
            return [LabelPrediction("l3", 1.0, dict.fromkeys(self.labels, 0.0) | {"l3": 1.0}, True) for _ in texts]

    model: Any = Many()
    FilePredictions(model, write(tmp_path / "new.csv", {"text": ["x"]})).write(tmp_path / "scored.csv")
    assert read_back(tmp_path / "scored.csv") == {
        "text": ["x"], "prediction": ["l3"], "score": ["1.000000"], "truncated": ["true"]
    }  # fmt: skip


def test_a_missing_text_column_names_the_one_that_was_meant(artifact: Artifact, tmp_path: Path) -> None:
    path = write(tmp_path / "new.csv", {"txt": ["x"], "other": ["y"]})
    with pytest.raises(DataError, match=r"no column 'text'; did you mean 'txt'\? \(columns: txt, other\)"):
        FilePredictions(artifact, path)


def test_the_command_writes_the_same_file(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from headstart.cli.main import main

    path = write(tmp_path / "new.csv", COLUMNS)
    words = ["predict", str(folder), "--input", str(path), "--output"]
    for more in ([str(tmp_path / "scored.csv")], [str(tmp_path / "again.csv"), "--json"]):
        monkeypatch.setattr("sys.argv", ["headstart", *words, *more])
        with pytest.raises(SystemExit, match=r"^0$"):
            main()
    said = capsys.readouterr()
    assert json.loads(said.out) == {
        "output": str(tmp_path / "again.csv"), "rows": 10, "truncated": 0, "dropped_rows": []
    }  # fmt: skip
    assert "scored.csv (10 rows)" in said.err
    headstart.predict(folder, input=str(path), output=str(tmp_path / "python.csv"))
    contents = {(tmp_path / name).read_bytes() for name in ("scored.csv", "again.csv", "python.csv")}
    assert len(contents) == 1
    found = read_back(tmp_path / "scored.csv")
    assert {name: found[name] for name in COLUMNS} == COLUMNS


TASK = TextClassification()
ARTIFACT = Artifact(None, TASK)  # type: ignore[arg-type]
SURE = LabelPrediction("up", 0.75, {"down": 0.25, "up": 0.75}, False)


def test_a_score_below_the_threshold_is_no_answer_and_one_at_it_is() -> None:
    assert [abstains(SURE, threshold) for threshold in (None, 0.0, 0.75, 0.76)] == [False, False, False, True]
    assert abstains(None, 0.5) is False


def test_a_row_says_whether_the_model_abstained_only_where_that_was_asked_for() -> None:
    whole = {"label": "up", "score": 0.75, "probabilities": {"down": 0.25, "up": 0.75}, "truncated": False}
    assert prediction_row(ARTIFACT, SURE) == whole
    assert prediction_row(ARTIFACT, SURE, 0.7) == whole | {"abstained": False}
    assert prediction_row(ARTIFACT, SURE, 0.8) == whole | {"label": None, "abstained": True}
    nothing = {"label": None, "score": None, "probabilities": None, "truncated": False}
    assert prediction_row(ARTIFACT, None) == nothing
    assert prediction_row(ARTIFACT, None, 0.8) == nothing | {"abstained": False}
    model: Any = Counting()
    assert [row["abstained"] for row in predict_lines(model, ["a", "", "b"], abstain=0.8)] == [True, False, True]


class Wavering(Counting):
    """A model that is sure of texts that end in an exclamation mark."""

    labels = ("down", "up")

    def predict(self, texts: list[str], *, progress: Any = None) -> list[LabelPrediction]:
        shares = [0.9 if text.endswith("!") else 0.6 for text in texts]
        return [LabelPrediction("up", share, {"down": 1 - share, "up": share}, False) for share in shares]


def test_a_written_file_keeps_its_columns_and_the_probabilities_where_the_model_abstains(tmp_path: Path) -> None:
    path = write(tmp_path / "new.csv", {"text": ["good!", "good", "", "bad"]})
    model: Any = Wavering()
    rows = FilePredictions(model, path, abstain=0.8)
    rows.write(tmp_path / "scored.csv")
    assert read_back(tmp_path / "scored.csv") == {
        "text": ["good!", "good", "", "bad"],
        "prediction": ["up", "", "", ""],
        "score": ["0.900000", "0.600000", "", "0.600000"],
        "truncated": ["false", "false", "", "false"],
        "p_down": ["0.100000", "0.400000", "", "0.400000"],
        "p_up": ["0.900000", "0.600000", "", "0.600000"],
    }
    assert (rows.abstained, rows.empty, rows.rows) == (2, 1, 4)
    plain = FilePredictions(model, path)
    plain.write(tmp_path / "plain.csv")
    assert read_back(tmp_path / "plain.csv")["prediction"] == ["up", "up", "", "up"]
    assert plain.abstained == 0


@pytest.mark.parametrize("kind", ["link", "dangling link", "folder", "pipe"])
def test_an_output_that_is_a_link_is_not_followed_and_a_folder_is_refused_before_the_work(
    kind: str, artifact: Artifact, tmp_path: Path
) -> None:
    path = write(tmp_path / "new.csv", {"text": ["good"]})
    target, other = tmp_path / "scored.csv", tmp_path / "other"
    if kind == "folder":
        target.mkdir()
    elif kind == "pipe":
        os.mkfifo(target)
    else:
        target.symlink_to(other)
    if kind == "link":
        other.write_text("mine")
    with pytest.raises(RunFolderError, match=r"scored\.csv (exists|is a folder)"):
        FilePredictions(artifact, path).write(target)
    if kind in ("folder", "pipe"):
        with pytest.raises(RunFolderError, match=rf"scored\.csv is a {kind}"):
            FilePredictions(artifact, path).write(target, overwrite=True)
        assert target.is_fifo() or kind == "folder"
        return
    FilePredictions(artifact, path).write(target, overwrite=True)
    assert read_back(target)["prediction"] == ["up"]
    assert not target.is_symlink()
    assert (other.read_text() if other.exists() else "mine") == "mine"


@pytest.mark.parametrize("links", [True, False])
def test_what_came_under_the_name_of_the_output_meanwhile_stays(
    links: bool, artifact: Artifact, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, target = write(tmp_path / "new.csv", {"text": ["good"]}), tmp_path / "scored.csv"
    real = Artifact.raw_outputs

    def slow(*arguments: Any, **named: Any) -> Any:
        target.symlink_to(path)
        return real(*arguments, **named)

    def refuse(*_: Any) -> None:
        raise OSError(1, "no links on this disk")

    monkeypatch.setattr(Artifact, "raw_outputs", slow)
    if not links:
        monkeypatch.setattr("os.link", refuse)
    before = path.read_bytes()
    with pytest.raises(RunFolderError, match=r"scored\.csv exists"):
        FilePredictions(artifact, path).write(target)
    assert (target.is_symlink(), path.read_bytes()) == (True, before)
    target.unlink()
    FilePredictions(artifact, path).write(target, overwrite=True)
    assert (target.is_symlink(), path.read_bytes()) == (False, before)


CHANGES = {
    "shorter": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "longer": lambda path: path.write_bytes(path.read_bytes() * 2),
    "replaced": lambda path: (path.rename(path.with_name("old")), path.write_bytes(path.with_name("old").read_bytes())),
    "removed": lambda path: path.unlink(),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("name", ["new.csv", "new.jsonl", "new.tsv", "new.jsonl.gz"])
def test_an_input_that_changes_between_two_passes_over_it_is_refused(
    name: str, change: str, artifact: Artifact, tmp_path: Path
) -> None:
    path = write(
        tmp_path / name.removesuffix(".gz"), {"text": ["good", "bad"] * 700, "more": ["x"] * 1400}
    )  # not all at hand
    if name.endswith(".gz"):
        path = path.with_name(name)
        path.write_bytes(gzip.compress(path.with_suffix("").read_bytes()))
    rows = FilePredictions(artifact, path)
    CHANGES[change](path)
    if change in ("replaced", "removed"):  # it is open already, and stays what it was
        rows.write(tmp_path / "scored.csv")
        assert rows.rows == 1400
        return
    with pytest.raises((DataError, MissingInputError), match=rf"{name}: (has changed while it was read|was removed)"):
        rows.write(tmp_path / "scored.csv")
    assert not (tmp_path / "scored.csv").exists()


@pytest.mark.parametrize("change", ["shorter", "longer"])
@pytest.mark.parametrize("name", ["new.csv", "new.txt"])
def test_an_input_that_changes_while_it_is_read_is_refused(
    name: str, change: str, folder: Path, artifact: Artifact, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / name, {"text": [f"good {at}" for at in range(1400)]})
    real = Artifact.raw_outputs

    def slow(*arguments: Any, **named: Any) -> Any:
        monkeypatch.setattr(Artifact, "raw_outputs", real)
        CHANGES[change](path)
        return real(*arguments, **named)

    monkeypatch.setattr(files, "CHUNK", 64)
    monkeypatch.setattr(files._chunks, "__defaults__", (64, 64))
    monkeypatch.setattr(Artifact, "raw_outputs", slow)
    output = {"output": str(tmp_path / "scored.csv")} if name == "new.csv" else {}
    with pytest.raises(DataError, match=rf"{name}: has changed while it was read"):
        headstart.predict(folder, input=str(path), **output)
    assert not (tmp_path / "scored.csv").exists()


def test_a_file_that_is_no_table_is_left_before_the_list_of_its_faults_fills_the_memory(
    artifact: Artifact, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table, "MOST_DROPPED", 10)
    (tmp_path / "new.csv").write_text("text,id\n" + "good,1\n" + "bad\n" * 1000)
    said = r"new\.csv: 11 rows cannot be used so far and [01] can; .* reason: line 3: "
    with pytest.raises(DataError, match=said):
        FilePredictions(artifact, tmp_path / "new.csv").write(tmp_path / "scored.csv")
    with pytest.raises(DataError, match=said):
        open_table(tmp_path / "new.csv")
    (tmp_path / "new.csv").write_text("text,id\n" + "good,1\n" * 20 + "bad\n" * 20)
    assert len(open_table(tmp_path / "new.csv").dropped) == 20
