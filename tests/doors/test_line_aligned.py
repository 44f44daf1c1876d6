"""Line-aligned files and translation memories from all doors: to learn from, to be scored on, to be translated."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import headstart
from headstart.errors import DataError
from headstart.readers.tmx import Tmx

PAIRS = [(f"The {what} is on the {where}.", f"Der {was} ist auf dem {wo}.") for what, was in (
    ("dog", "Hund"), ("table", "Tisch"), ("bird", "Vogel"), ("hat", "Hut"), ("tree", "Baum"), ("man", "Mann"),
) for where, wo in (("mountain", "Berg"), ("roof", "Dach"), ("field", "Feld"), ("wall", "Wall"))]  # fmt: skip
OPTIONS: dict[str, Any] = {
    "task": "translation", "source_language": "en", "target_language": "de", "strategy": "lexicon", "controls": False, "threads": 1,
}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where `train` and `val` stand for two files each, and `test.tmx` holds the same sentences."""
    for name, rows in (("train", PAIRS), ("val", PAIRS[::3])):
        for at, ending in enumerate(("en", "de")):
            text = "".join(f"{row[at]}\n" for row in rows).encode()
            (tmp_path / f"{name}.{ending}").write_bytes(text)
    (tmp_path / "train.de.gz").write_bytes(gzip.compress((tmp_path / "train.de").read_bytes()))
    (tmp_path / "train.de").unlink()
    Tmx().write(tmp_path / "test.tmx", ["de-DE", "en-US"], [row[::-1] for row in PAIRS[::4]])
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def fitted(folder: Path) -> Path:
    headstart.fit("train", validation="val", test="test.tmx", output="run", **OPTIONS)
    return folder / "run"


def test_all_doors_learn_the_same_and_know_where_rows_came_from(fitted: Path, command: Callable[..., Any]) -> None:
    (fitted.parent / "recipe.yaml").write_text(
        "data: {train: train, validation: val, test: test.tmx}\ntask: {translation: {source_language: en, target_language: de}}\n"
        "strategies: lexicon\ncontrols: false\nthreads: 1\noutput: byrecipe\n"
    )
    headstart.run(fitted.parent / "recipe.yaml")
    flags = "--validation val --test test.tmx --task translation --source-language en --target-language de --strategy lexicon"
    command("fit", "train", *flags.split(), "--no-controls", "--threads", "1", "-o", "byflags")
    found = {
        json.dumps(headstart.load(name).predict(["The man is on the roof."])[0].plain())
        for name in ("run", "byrecipe", "byflags")
    }
    assert len(found) == 1
    evidence = json.loads((fitted / "evidence.json").read_text())
    files = {each["role"]: (each["path"], each["rows"], each["used"]) for each in evidence["data"]["files"]}
    assert files == {"train": ("train", 24, 24), "validation": ("val", 8, 8), "test": ("test.tmx", 6, 6)}
    assert any("test rows have a text that is also a training row" in said for said in evidence["data"]["warnings"])
    assert evidence["task"]["signatures"]["bleu"].startswith("nrefs:1|case:mixed|eff:no|tok:13a|")
    assert {"doubts", "written_texts", "source_lengths", "rare_words"} <= {
        name for name, plain in evidence.items() if plain
    }


def test_the_model_is_scored_on_them_and_reads_one_side_alone(fitted: Path, command: Callable[..., Any]) -> None:
    said = command("evaluate", fitted, "val").out
    assert "bleu  nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:" in said
    scores = json.loads(command("evaluate", fitted, "test.tmx", "--json").out)
    assert scores["signatures"]["chrf"].startswith("nrefs:1|case:mixed|eff:yes|nc:6")
    assert scores["doubts"]["rows"] == 6
    (fitted.parent / "val.de").unlink()
    lines = command("predict", fitted, "--input", "val.en").out.splitlines()
    assert [
        {"Hund", word} <= {*json.loads(line)["text"].split()}
        for line, word in zip(lines, ("Berg", "Wall"), strict=False)
    ] == [True] * 2
    command("predict", fitted, "--input", "val", "--output", "out.csv")
    header, first, *_ = (fitted.parent / "out.csv").read_text().splitlines()
    assert header == "en,prediction,score,doubts"
    assert first.startswith("The dog is on the mountain.,")


def test_packed_lines_are_read_too(fitted: Path, command: Callable[..., Any]) -> None:
    (fitted.parent / "some.en.gz").write_bytes(gzip.compress(b"The dog is on the wall.\n"))
    [line] = command("predict", fitted, "--input", "some.en.gz").out.splitlines()
    assert {"Hund", "Wall"} <= {*json.loads(line)["text"].split()}


def test_files_that_do_not_fit_are_refused_before_anything_is_learnt(folder: Path) -> None:
    (folder / "val.de").write_text("".join(f"{row[1]}\n" for row in PAIRS[:3]))
    with pytest.raises(
        DataError, match=r"val: line-aligned files have different numbers of lines: val\.en has 8, val\.de has 3"
    ):
        headstart.fit("train", validation="val", output="run", **OPTIONS)
    assert not (folder / "run").exists()


def test_a_run_knows_that_one_of_its_files_has_changed(folder: Path) -> None:
    from headstart.recipes.parsing import assemble
    from headstart.runs.conditions import conditions

    recipe = assemble("fit", {"train": "train", **OPTIONS})
    before = conditions(recipe, None, None, 1, 1)["inputs"]
    (folder / "train.en").write_text("changed\n")
    assert conditions(recipe, None, None, 1, 1)["inputs"] != before
