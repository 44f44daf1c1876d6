"""The verb `check`, whole: what is wrong with labelled data."""

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import headstart
from headstart.cli.checked import findings_shown
from headstart.errors import DataError, MissingInputError, RecipeError, RunFolderError
from headstart.readers.memory import table_of
from headstart.recipes.effects import without_effect
from headstart.recipes.parsing import assemble
from headstart.runs.doubted import SelfTest, auroc
from headstart.runs.judging_labels import finding, judged, plain
from headstart.runs.label_checks import checked_labels
from headstart.runs.outcome import Call
from headstart.runs.preparation import read as read_rows

WORDS = [
    "very",
    "the",
    "a",
    "is",
    "it",
    "and",
    "you",
    "to",
    "on",
    "at",
    "way",
    "day",
    "night",
    "shop",
    "opens",
    "nine",
    "start",
    "end",
]
LONG = " ".join(f"word{at}" for at in range(40))
GOOD, BAD = ("good", "yours", "way"), ("bad", "end", "night")


def clear(count: int, seed: int = 0) -> list[tuple[str, str]]:
    """Texts whose label a word tells."""
    random = np.random.default_rng(seed)
    found = []
    for at in range(count):
        word = (GOOD[0], BAD[0])[at % 2]
        words = [*random.choice(WORDS, 7), word]
        found.append((" ".join(random.permutation(words).tolist()) + f" {at}", ("pos", "neg")[at % 2]))
    return found


def written(path: Path, rows: list[tuple[str, str]], header: tuple[str, str] = ("text", "label")) -> str:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])
    return str(path)


def read(path: Path) -> list[dict[str, str]]:
    return [*csv.DictReader(path.read_text(encoding="utf-8").splitlines())]


def kinds(found: dict[str, Any]) -> dict[str, list[int]]:
    """Lines of the findings by kind."""
    return {each["kind"]: [place["line"] for place in each["places"]] for each in found["findings"]}


@pytest.fixture
def dirty(tmp_path: Path) -> tuple[str, str]:
    """A training file and a test file with one fault of each kind."""
    rows = clear(20)
    rows += [
        rows[0],  # line 22: a copy
        (rows[1][0].upper(), "pos"),  # line 23: another label
        ("the shop opens at nine on monday", "POS"),  # line 24: another spelling
        ("", "pos"),  # line 25: no text
        ("you start it now", "odd"),  # line 26: a label of one row
        ("all of it is in the test", "pos"),  # line 27
        (f"{LONG} thirteen", "pos"),  # line 28
        (f"{LONG} fourteen", "pos"),  # line 29
    ]
    test = [
        ("all of it is in the test", "pos"),
        ("a day to start", "unheard"),
        (f"{LONG} fifteen", "pos"),
        ("the end is at night", "neg"),
    ]
    return written(tmp_path / "train.csv", rows), written(tmp_path / "test.csv", test)


def test_each_fault_is_found_at_its_line(dirty: tuple[str, str], tiny_backbone: Path) -> None:
    train, test = dirty
    found = headstart.check(train, test=test, noise=False, backbone=str(tiny_backbone))
    lines = kinds(found)
    assert lines["copy"] == [22]
    assert lines["contradiction"] == [3, 23]
    assert lines["spelling"] == [24]
    assert lines["unusable"] == [25]
    assert lines["rare label"] == [26]
    assert (lines["leak"], lines["unseen label"], lines["near copy"], lines["near leak"]) == ([2], [3], [29], [4])
    assert [each["weight"] for each in found["findings"]] == sorted(
        (each["weight"] for each in found["findings"]), key=("error", "warning", "note").index
    )
    assert found["counts"]["error"] == 3 and not found["passed"]
    assert found["labels"] == {"pos": 16, "neg": 10}
    said = findings_shown(found)
    assert "as line 2" in said and "'POS' (1 row)" in said and "not checked: label noise: it was not asked for" in said


def test_a_cleaned_copy_says_what_was_done_and_the_file_stays_as_it_is(
    dirty: tuple[str, str], tiny_backbone: Path, tmp_path: Path
) -> None:
    train, test = dirty
    before = Path(train).read_bytes()
    options: dict[str, Any] = {"test": test, "noise": False, "backbone": str(tiny_backbone)}
    found = headstart.check(train, fix=str(tmp_path / "cleaned.csv"), **options)
    assert Path(train).read_bytes() == before
    rows = read(tmp_path / "cleaned.csv")
    done = read(tmp_path / "cleaned.changes.csv")
    assert [(each["line"], each["done"]) for each in done] == [
        ("22", "left out"), ("24", "merged"), ("25", "left out"), ("27", "left out"),
    ]  # fmt: skip
    assert len(rows) == found["fixed"]["rows"] == 25 and found["fixed"]["of_rows"] == 28
    assert ("the shop opens at nine on monday", "pos") in [(row["text"], row["label"]) for row in rows]
    with pytest.raises(RunFolderError, match=r"cleaned\.csv"):
        headstart.check(train, fix=str(tmp_path / "cleaned.csv"), **options)
    with pytest.raises(RunFolderError, match="is the file that is read"):
        headstart.check(train, fix=train, overwrite=True, **options)


def test_labels_that_were_changed_come_first_and_the_folder_has_it_all(tiny_backbone: Path, tmp_path: Path) -> None:
    rows = clear(120)
    changed = {7, 40, 93}
    noisy = [
        (text, {"pos": "neg", "neg": "pos"}[label]) if at in changed else (text, label)
        for at, (text, label) in enumerate(rows)
    ]
    folder = tmp_path / "check"
    options: dict[str, Any] = {"strategies": ({"name": "tf-idf", "C": 30.0},), "label_folds": 3, "most_doubtful": 3}
    found = headstart.check(
        written(tmp_path / "rows.csv", noisy), backbone=str(tiny_backbone), output=str(folder), fix=str(tmp_path / "c.csv"),
        drop_doubtful=0.5, **options,
    )  # fmt: skip
    noise = found["noise"]
    assert {each["line"] - 2 for each in noise["suspects"]} == changed
    assert all(each["likelier"] != each["label"] for each in noise["suspects"])
    assert noise["expected"]["precision"] > 0.9 and 0.005 < noise["rate"]["value"] < 0.06
    assert noise["self_test"]["flipped"] == 24 and noise["self_test"]["auroc"] > 0.85
    assert found["fixed"]["left_out"] == 3 and found["fixed"]["rows"] == 117
    assert {int(each["line"]) - 2 for each in read(tmp_path / "c.changes.csv")} == changed
    table = read(folder / "rows.csv")
    doubted = {at for at, row in enumerate(table) if float(row["probability_wrong"]) > 0.5}
    assert doubted == changed
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "Doubtful labels" in page and "Self-test" in page and "<script" not in page
    assert json.loads((folder / "evidence.json").read_text(encoding="utf-8"))["noise"] == noise
    again = headstart.run(folder / "recipe.yaml")
    assert again["noise"] == noise


KINDS: dict[str, Any] = {
    "multi-label-classification": lambda text, at: {"text": text, "label": ["x", "y"] if at % 2 else ["y"]},
    "text-regression": lambda text, at: {"text": text, "label": at % 2 + len(text) / 100},
    "token-classification": lambda text, at: {
        "words": text.split(),
        "tags": ["B-X" if word in ("good", "shop") else "B-Y" if word == "bad" else "O" for word in text.split()],
    },
}


@pytest.mark.parametrize("kind", KINDS)
def test_sets_numbers_and_words_are_judged_too(kind: str, tiny_backbone: Path, tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    rows = [KINDS[kind](text, at) for at, (text, _) in enumerate(clear(60))]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    strategies = ({"name": "feature-extraction", "layers": (2,), "pooling": "mean", "C": 1.0},)
    found = headstart.check(str(path), task=kind, backbone=str(tiny_backbone), strategies=strategies, label_folds=2)
    noise = found["noise"]
    assert len(noise["suspects"]) == 60 and 0 <= noise["rate"]["value"] < 0.5
    assert [each["rank"] for each in noise["suspects"]] == [*range(1, 61)]
    assert noise["self_test"]["flipped"] == 12
    assert all(0 <= each["probability_wrong"] <= 1 for each in noise["suspects"])


def test_of_tasks_without_labels_what_can_be_said_is_said_and_the_rest_is_left_out(tiny_backbone: Path) -> None:
    data = {
        "question": ["who is it"] * 4,
        "context": ["the shop is good"] * 2 + ["it opens"] * 2,
        "answer": ["good"] * 2 + ["it"] * 2,
    }
    found = headstart.check(data, task="question-answering", backbone=str(tiny_backbone))
    assert kinds(found)["copy"] == [2, 4]
    assert {each["check"] for each in found["not_checked"]} == {"label noise"}
    pairs = {"source": ["the shop", "a day"], "target": ["der laden", "ein tag"]}
    found = headstart.check(pairs, task="text-to-text", text="source", reference="target", backbone=str(tiny_backbone))
    assert {each["check"] for each in found["not_checked"]} >= {"label noise", "lengths"}


def test_a_strategy_that_trains_says_how_it_came_to_know_rows(tiny_backbone: Path, tmp_path: Path) -> None:
    found = headstart.check(
        written(tmp_path / "rows.csv", clear(50)), backbone=str(tiny_backbone), label_folds=2, self_test=False, epochs=2,
        strategies=({"name": "fine-tuning", "head": "mean"},), learning_rate=1e-3,
    )  # fmt: skip
    [course] = found["noise"]["maps"]
    assert sum(course["regions"].values()) == 50 and 0 < course["confidence"] < 1 and len(course["hardest"]) == 20


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "no usable row"),
        ([("a day", "pos")] * 3, "all 3 rows have the label 'pos'"),
        ([("a day", "pos"), ("a night", "neg"), ("a way", "pos")], "1 label with one row only: 'neg'"),
    ],
)
def test_files_that_nothing_can_be_learnt_from_are_told_apart_from_those_that_cannot_be_read(
    rows: list[tuple[str, str]], message: str, tiny_backbone: Path, tmp_path: Path
) -> None:
    path = written(tmp_path / "rows.csv", rows)
    if not rows:
        with pytest.raises(DataError, match=message):
            headstart.check(path)
        return
    found = headstart.check(path, backbone=str(tiny_backbone))
    assert [each["what"] for each in found["findings"] if each["weight"] == "error"] == [message]
    assert found["noise"] is None and "label noise" in {each["check"] for each in found["not_checked"]}


def test_what_cannot_be_read_or_asked_is_refused_with_the_reason(tmp_path: Path, tiny_backbone: Path) -> None:
    path = written(tmp_path / "rows.csv", clear(60))
    with pytest.raises(MissingInputError, match="no-such"):
        headstart.check("no-such.csv")
    with pytest.raises(DataError, match="label"):
        headstart.check(path, label="sentiment")
    with pytest.raises(RecipeError, match="cannot serve"):
        headstart.check(path, strategies="crf", backbone=str(tiny_backbone))
    with pytest.raises(RecipeError, match="data.target"):
        headstart.check(path, strategies="self-training", backbone=str(tiny_backbone))
    with pytest.raises(DataError, match=r"rows\.csv: 1 finding of weight \(unseen label\)"):
        other = written(tmp_path / "other.csv", [("a shop at nine", "else")] * 1)
        headstart.check(path, test=other, noise=False, strict=True, backbone=str(tiny_backbone))
    half = tmp_path / "half.csv"
    half.write_bytes(b"text,label\na day,pos\na \xff night,neg\n")
    with pytest.raises(DataError, match=r"half\.csv"):
        headstart.check(str(half))


def test_without_a_backbone_the_control_judges_alone(tmp_path: Path) -> None:
    path = written(tmp_path / "rows.csv", clear(60))
    found = headstart.check(path, backbone=str(tmp_path / "nowhere"), self_test=False, label_folds=2)
    assert [each["strategy"] for each in found["noise"]["strategies"]] == ["tf-idf"]
    assert "is not a folder" in found["not_checked"][0]["why"]


def test_a_promise_that_the_self_test_breaks_is_not_made() -> None:
    def test(found: int, promised: float) -> SelfTest:
        return SelfTest(100, 0.9, 100, found, promised, found)

    assert test(60, 65.0).is_kept and test(60, 72.0).is_kept
    assert not test(60, 95.0).is_kept and not test(14, 0.0).is_kept


def test_the_auroc_counts_ties_for_a_half() -> None:
    assert auroc(np.array([3.0, 1.0, 2.0, 2.0]), np.array([True, False, True, False])) == pytest.approx(0.875)


@pytest.mark.parametrize(
    ("options", "place"),
    [
        ({"overwrite": True}, "overwrite"),
        ({"noise": False, "label_folds": 3}, "label_folds"),
        ({"drop_doubtful": 0.9}, "drop_doubtful"),
        ({"epochs": 3}, "epochs"),
    ],
)
def test_options_without_effect_are_said(options: dict[str, Any], place: str) -> None:
    [idle] = without_effect(assemble("check", {"train": "rows.csv"} | options))
    assert idle.place[-1] == place


def test_no_share_is_promised_where_the_self_test_breaks_its_promise(tiny_backbone: Path) -> None:
    recipe: Any = assemble(
        "check",
        {"train": "rows.csv", "self_test": False, "label_folds": 2, "strategies": ({"name": "tf-idf", "C": 3.0},)},
    )
    table = table_of({"text": [text for text, _ in clear(60)], "label": [label for _, label in clear(60)]}, "rows.csv")
    labels = checked_labels(read_rows(recipe.comparison(), table))
    assert labels.task is not None
    found = judged(recipe, labels.task, labels.rows, None, Call())
    assert found.promise(10) == found.doubted.promise(10)
    for kept, said in ((10, "look wrong"), (90, "cannot be told")):
        tested = replace(found, test=SelfTest(10, 0.9, 100, kept, 10.0, 5))
        assert said in finding(tested, 10).what
        assert (plain(tested, 10)["expected"]["precision"] is None) == (kept == 90)
