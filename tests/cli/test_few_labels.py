"""A dozen labelled rows from the command line: what is promised, and what is refused."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

QUICK = ("--strategy", "tf-idf", "--C", 1, "--no-controls")
DOZEN = "text,label\n" + "".join(f"it is good {word},up\nit is bad {word},down\n" for word in "abcdef")


@pytest.fixture
def data(tmp_path: Path) -> Callable[..., Path]:
    """Write a file, data.csv by default."""

    def write(text: str, name: str = "data.csv") -> Path:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_twelve_rows_make_a_model_and_the_lack_of_a_test_is_said(
    headstart: Callable[..., Any], data: Callable[..., Path], tiny_backbone: Path
) -> None:
    words = ("--strategies", "tf-idf,feature-extraction,contrastive", "--no-controls", "--backbone", tiny_backbone)
    said = headstart("fit", data(DOZEN), "-o", "m", *words, "--json")
    assert said.code == 0
    assert "12 rows are too few to cut off a test part" in said.err
    assert "train 12 (choices by 3-fold cross-validation, 5 times" in said.err
    assert said.json["scores"]["test"] is None
    assert said.json["scores"]["validation"]["accuracy"]["n"] == 12
    assert [row["status"] for row in said.json["leaderboard"]] == ["done"] * 3
    assert headstart("predict", "m", "it is good").rows[0]["label"] == "up"
    assert "cross-validation accuracy" in headstart("fit", data(DOZEN), "-o", "n", *QUICK).out.split("\n")[0]


def test_labels_that_stand_in_the_test_alone_are_left_out_by_name(
    headstart: Callable[..., Any], data: Callable[..., Path]
) -> None:
    test = data("text,label\nit is good,up\nso so,level\nno idea,unknown\nit is bad,down\n", "test.csv")
    said = headstart("fit", data(DOZEN), "--test", test, "-o", "m", *QUICK, "--json")
    assert said.code == 0
    assert "have labels that training rows lack ('level', 'unknown'); they are left out" in said.err
    assert [(row["file"], row["line"]) for row in said.json["dropped_rows"]] == [(str(test), 3), (str(test), 4)]
    assert said.json["scores"]["test"]["accuracy"]["n"] == 2


def test_a_label_whose_rows_have_no_text_is_named(headstart: Callable[..., Any], data: Callable[..., Path]) -> None:
    said = headstart("fit", data(DOZEN + ",level\n  ,level\n"), "-o", "m", *QUICK, "--json")
    assert said.code == 0
    assert "no row of the label(s) 'level' (2 rows) can be used, so the model will not know them" in said.err
    assert [row["line"] for row in said.json["dropped_rows"]] == [14, 15]
    assert set(headstart("predict", "m", "good").rows[0]["probabilities"]) == {"up", "down"}


def test_rows_that_are_all_equal_cannot_be_held_out(refused: Callable[..., str], data: Callable[..., Path]) -> None:
    message = refused(65, "fit", data("text,label\n" + "same,up\nSame,down\n" * 6), "-o", "m", *QUICK)
    assert "all rows belong together, so none can be held out; give --validation" in message


@pytest.mark.parametrize(
    ("words", "code", "fault"),
    [
        (
            ("--folds", 1),
            64,
            "data.folds: one fold leaves no rows to learn from; give at least 2, or 0 for a validation",
        ),
        (("--folds", -1), 64, "data.folds: should be at least 0, found '-1'"),
        (("--folds", 21), 64, "data.folds: should be at most 20, found '21'"),
        (("--folds", "some"), 64, "data.folds: should be a whole number"),
        (
            ("--folds", 3, "--validation", "data.csv"),
            64,
            "data.folds: a validation part is given, so there is nothing to",
        ),
        (
            ("--group-column", "label"),
            65,
            "the rows of the label(s) 'down', 'up' belong together (one text or group each)",
        ),
    ],
)
def test_folds_that_cannot_be(
    refused: Callable[..., str], data: Callable[..., Path], words: tuple[Any, ...], code: int, fault: str
) -> None:
    assert fault in refused(code, "fit", data(DOZEN), "-o", "m", *QUICK, *words)


def test_more_folds_than_rows_are_as_many_as_rows(headstart: Callable[..., Any], data: Callable[..., Path]) -> None:
    said = headstart("fit", data(DOZEN), "-o", "m", *QUICK, "--folds", 20)
    assert said.code == 0
    assert "choices by 12-fold cross-validation" in said.err


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (("contrastive", "--top-layers", 0), "strategy.top_layers: no layer would move"),
        (("contrastive", "--temperature", 0), "temperature: should be over 0"),
        (("contrastive", "--loss", "cosine"), "loss: should be 'supervised' or 'pairs', found 'cosine'"),
        (("lora", "--targets", "qeury"), "no linear map of the backbone ends in 'qeury'; did you mean 'query'?"),
        (("lora", "--rank", 0), "rank: should be at least 1"),
        (("lora", "--targets", ","), "targets: "),
        (("feature-extraction", "--updates", 3), "'updates' is an option of contrastive, which is not among the strat"),
    ],
)
def test_options_that_cannot_be(
    refused: Callable[..., str], data: Callable[..., Path], tiny_backbone: Path, words: tuple[Any, ...], fault: str
) -> None:
    more = ("--no-controls", "--backbone", tiny_backbone, "-o", "m", "--strategy", *words)
    assert fault in refused(64, "fit", data(DOZEN), *more)


def test_lora_without_peft_names_the_extra(
    refused: Callable[..., str], data: Callable[..., Path], tiny_backbone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "peft", None)
    words = ("--no-controls", "--backbone", tiny_backbone, "-o", "m", "--strategy", "lora")
    assert "install it with: pip install 'headstart[lora]'" in refused(69, "fit", data(DOZEN), *words)


def test_a_strategy_that_fails_in_a_fold_is_marked_and_the_rest_goes_on(
    headstart: Callable[..., Any], data: Callable[..., Path], tiny_backbone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from headstart.strategies.contrastive import Contrastive

    real, calls = Contrastive._trained, iter(range(9))

    def second(*given: Any) -> Any:
        if next(calls) == 1:
            raise RuntimeError("no memory for a second fold")
        return real(*given)

    monkeypatch.setattr(Contrastive, "_trained", second)
    words = ("--strategies", "feature-extraction,contrastive,fine-tuning", "--no-controls", "--epochs", 1)
    said = headstart("compare", data(DOZEN), "-o", "m", *words, "--backbone", tiny_backbone, "--json")
    assert said.code == 0
    assert {row["strategy"]: row["status"] for row in said.json["leaderboard"]} == {
        "feature-extraction": "done", "contrastive": "failed", "fine-tuning": "done"
    }  # fmt: skip
    assert any("RuntimeError: no memory for a second fold" in line for line in said.json["verdict"])
    assert headstart("predict", "m", "it is good").code == 0
