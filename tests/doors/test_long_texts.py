"""Texts longer than the network reads: windows through all doors, resumed, without headstart; and what is said where they are cut."""

import json
import os
import re
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file
from tests.alone import run_in
from tests.folders import snippet, whichever

import headstart
from headstart import errors

FILL = ["way", "day", "night", "shop", "opens", "nine", "start", "end", "parcel", "monday"]
LONG = [f"the {FILL[at]} is on its way to you " * 12 + word for at, word in enumerate(["good", "bad", "good", "bad"])]
TEXTS = [*LONG, "good", "it is bad"]
STEP = torch.optim.AdamW.step
WINDOWED = ["text-classification", "multi-label-classification", "text-regression"]
OTHERS = ["text-pair-classification", "sentence-similarity", "token-classification"]


def write(folder: Path, task: str, count: int = 120) -> Path:
    """Rows of which every second one is long, with the word that tells at its end."""
    rows: list[dict[str, Any]] = []
    for at in range(count):
        word = ("good", "bad")[at // 2 % 2]
        text = f"{FILL[at % 10]} {at} " + "it is on its way and now " * (at % 2 * (5 + at % 3)) + word
        label: Any = {"good": "up", "bad": "down"}[word]
        row: dict[str, Any] = {"text": text, "label": [label] if task == "multi-label-classification" else label}
        if task in ("text-regression", "sentence-similarity"):
            row["label"] = 4.0 + at % 3 if word == "good" else 1.0 + at % 3
        if task in ("text-pair-classification", "sentence-similarity"):
            row |= {"text": f"{at} {FILL[at % 10]}", "other": text}
        if task == "token-classification":
            words = text.split()
            row = {"tokens": words, "tags": ["B-WORD" if word in ("good", "bad") else "O" for word in words]}
        rows.append(row)
    path = folder / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def wide(make_backbone: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_backbone(tmp_path_factory.mktemp("wide") / "bert", initializer_range=0.2)


def fitted(folder: Path, task: str, wide: Path, **more: Any) -> Any:
    options: dict[str, Any] = {"strategy": "feature-extraction", "controls": False, "threads": 1, "cache": False}
    return headstart.fit(
        str(write(folder, task)), task=task, backbone=str(wide), max_length=24, folds=0, output=str(folder / "run"),
        **(options | more),
    )  # fmt: skip


def test_command_recipe_and_python_come_to_the_same_model(
    wide: Path, tmp_path: Path, command: Callable[..., Any]
) -> None:
    ours = fitted(tmp_path, "text-classification", wide, long="window")
    words = ["--strategy", "feature-extraction", "--no-controls", "--threads", 1, "--folds", 0, "--max-length", 24]
    words += ["--backbone", wide, "--long", "window"]
    _, said = command("fit", tmp_path / "rows.jsonl", *words, "--output", tmp_path / "two")
    assert re.search(r"lengths +none of \d+ training texts were truncated; \d+ of them were read in windows", said)
    recipe = (tmp_path / "two" / "recipe.yaml").read_text(encoding="utf-8")
    assert "\n  long: window\n" in recipe
    command("run", tmp_path / "two" / "recipe.yaml", "--output", tmp_path / "three", "--json", "--quiet")
    for name in ("run", "two", "three"):
        again = headstart.load(tmp_path / name)
        np.testing.assert_allclose(again.predict_proba(TEXTS), ours.predict_proba(TEXTS), atol=1e-6)
    out, said = command("predict", tmp_path / "two", *TEXTS)
    assert [json.loads(line)["truncated"] for line in out.strip().split("\n")] == [False] * 6
    assert "longer than" not in said
    found = json.loads(command("evaluate", tmp_path / "two", tmp_path / "rows.jsonl", "--json", "--quiet").out)
    assert found["truncated"] == 0


@pytest.mark.parametrize(
    ("task", "more"),
    [
        ("text-classification", {"strategy": "fine-tuning", "head": "native", "epochs": 1}),
        ("multi-label-classification", {"strategy": "feature-extraction", "pooling": "mean", "layers": (1, 2)}),
        ("text-regression", {"strategy": "feature-extraction", "pooling": "first"}),
    ],
)
def test_the_code_on_the_card_reads_windows_as_the_product_does(
    task: str, more: dict[str, Any], wide: Path, tmp_path: Path
) -> None:
    artifact = fitted(tmp_path, task, wide, long="window", **more)
    folder = tmp_path / "run"
    code = f"\nimport json\nprint(json.dumps([[float(one) for one in row] for row in predict({TEXTS!r})]))"
    found = json.loads(run_in(folder, snippet(folder) + code)[-1])
    if task == "text-regression":
        np.testing.assert_allclose([row[0] for row in found], [row.value for row in artifact.predict(TEXTS)], atol=1e-3)
    else:
        np.testing.assert_allclose(found, artifact.predict_proba(TEXTS), atol=1e-4)
    card, page = ((folder / name).read_text(encoding="utf-8") for name in ("README.md", "report.html"))
    assert "It reads long texts in windows as headstart does" in card
    for text in (card, page):
        assert "read in windows that overlap, so no token is lost" in text


def test_a_native_head_answers_alike_for_texts_of_one_window(wide: Path, tmp_path: Path) -> None:
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    more = {"strategy": "fine-tuning", "head": "native", "epochs": 1}
    artifact = fitted(tmp_path, "text-classification", wide, long="window", **more)
    model: Any = AutoModelForSequenceClassification.from_pretrained(str(tmp_path / "run")).eval()
    batch = AutoTokenizer.from_pretrained(str(tmp_path / "run"))(
        TEXTS, truncation=True, padding=True, return_tensors="pt"
    )
    with torch.inference_mode():
        theirs = model(**batch).logits.softmax(1).numpy()
    ours = artifact.predict_proba(TEXTS)
    np.testing.assert_allclose(theirs[4:], ours[4:], atol=1e-4)
    assert np.abs(theirs[:4] - ours[:4]).max() > 1e-3


def test_a_run_that_was_stopped_goes_on_to_the_same_bits(
    wide: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    more: dict[str, Any] = {"strategy": "fine-tuning", "head": "mean", "epochs": 2, "checkpoint_every": 0}
    (tmp_path / "whole").mkdir()
    fitted(tmp_path / "whole", "text-classification", wide, long="window", **more)
    done: list[int] = []

    def step(self: Any, *rest: Any) -> Any:
        done.append(1)
        if len(done) == 4:
            os.kill(os.getpid(), signal.SIGINT)
        return STEP(self, *rest)

    monkeypatch.setattr(torch.optim.AdamW, "step", step)
    with pytest.raises(errors.Interrupted, match="headstart resume"):
        fitted(tmp_path, "text-classification", wide, long="window", **more)
    headstart.resume(str(tmp_path / "run"))
    assert len(done) > 4
    first, second = (
        load_file(whichever(folder / "run", "model.safetensors")) for folder in (tmp_path / "whole", tmp_path)
    )
    assert [name for name in first if not np.array_equal(first[name], second[name])] == []


@pytest.mark.parametrize("task", [*WINDOWED, *OTHERS, "cross"])
def test_what_was_cut_is_said_in_terminal_report_and_card_for_every_task(
    task: str, wide: Path, tmp_path: Path, command: Callable[..., Any]
) -> None:
    name = "sentence-similarity" if task == "cross" else task
    words = ["--task", name, "--strategy", "feature-extraction", "--no-controls", "--threads", 1, "--backbone", wide]
    words += ["--max-length", 24, "--folds", 0, *(["--encoder", "cross"] if task == "cross" else [])]
    _, terminal = command("fit", write(tmp_path, name), *words, "--output", tmp_path / "run")
    card, page = ((tmp_path / "run" / each).read_text(encoding="utf-8") for each in ("README.md", "report.html"))
    lengths = headstart.load(tmp_path / "run").evidence["data"]["lengths"]
    kind = {
        "token-classification": "sentences",
        "text-pair-classification": "pairs of texts",
        "cross": "pairs of texts",
    }
    many = lengths["windowed" if task == "token-classification" else "truncated"]
    assert (lengths["texts"] > 0, many > 0) == (True, True)
    counted = f"{many} of {lengths['texts']} training {kind.get(task, 'texts')} ({100 * many / lengths['texts']:.1f} %)"
    assert counted in card and counted in page
    if task == "token-classification":
        assert (
            f"none of {lengths['texts']} training sentences were truncated; {many} of them were read in windows"
            in terminal
        )
        return
    lost = f"{lengths['tokens_lost']} of {lengths['tokens']:,} tokens ({100 * lengths['tokens_lost_share']:.2f} %)"
    for text in (terminal, card, page):
        assert counted in text
        assert lost.replace(str(lengths["tokens_lost"]), f"{lengths['tokens_lost']:,}", 1) in text
    assert ("--long window" in terminal) == (task in WINDOWED)
    given = [LONG[0]] if task in WINDOWED else [LONG[0], LONG[1]]
    out, said = command("predict", tmp_path / "run", *given)
    assert json.loads(out)["truncated"] is True
    assert "1 of 1 texts (100.0 %) were longer than the model reads; their end was not seen" in said
    _, said = command("evaluate", tmp_path / "run", tmp_path / "rows.jsonl")
    assert re.search(r"60 of 120 texts \(50.0 %\) were longer than the model reads", said)


@pytest.mark.parametrize(
    ("task", "reason"),
    [
        ("text-pair-classification", "reads the two texts of a pair as one input.*raise --max-length"),
        ("sentence-similarity", "compares two texts that are read in full.*raise --max-length"),
        ("token-classification", "reads long sentences in windows whatever is said.*leave it out"),
    ],
)
def test_tasks_without_the_option_say_why_and_what_to_do(task: str, reason: str, tmp_path: Path) -> None:
    with pytest.raises(errors.RecipeError, match=f"task: long: {task} {reason}"):
        headstart.fit(str(write(tmp_path, task)), task=task, long="window", output=str(tmp_path / "x"))


def test_another_word_than_the_two_is_refused(tmp_path: Path) -> None:
    with pytest.raises(errors.RecipeError, match="task.long: .*'truncate' or 'window', found 'slide'"):
        headstart.fit(str(write(tmp_path, "text-classification")), long="slide", output=str(tmp_path / "x"))
