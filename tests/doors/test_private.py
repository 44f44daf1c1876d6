"""`--no-rows`: nothing of the data's texts in what people pass on."""

import html
import json
from pathlib import Path
from typing import Any

import pytest

import headstart

FILES = ("report.html", "README.md", "evidence.json", "headstart.json", "recipe.yaml")


def shown(folder: Path, texts: list[str]) -> set[tuple[str, str]]:
    """File and text for every text found in it, in any spelling a file may give it."""
    found = set()
    for name in FILES:
        content = html.unescape((folder / name).read_text(encoding="utf-8"))
        for text in texts:
            spellings = {text, json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1], text[:60]}
            if any(spelling in content for spelling in spellings):
                found.add((name, text))
    return found


def test_without_the_flag_the_worst_mistakes_are_shown(linear: Path, feedback: Any) -> None:
    names = {name for name, _ in shown(linear, feedback.texts)}
    assert {"report.html", "evidence.json"} <= names
    assert "README.md" not in names


@pytest.mark.parametrize("test", [True, False], ids=["test file", "no test part"])
def test_no_rows_keeps_every_text_out_of_report_card_and_evidence(feedback: Any, tmp_path: Path, test: bool) -> None:
    parts: dict[str, Any] = {"test": str(feedback.test)} if test else {"test_share": 0}
    headstart.fit(
        feedback.part, strategy="tf-idf", C=1.0, controls=False, rows=False, output=str(tmp_path / "m"), **parts
    )
    assert (len(feedback.texts), len(feedback.part_texts)) == (200, 120)
    assert shown(tmp_path / "m", feedback.texts + feedback.part_texts) == set()
    assert headstart.load(tmp_path / "m").evidence["worst_rows"] is None


def test_rows_handed_over_in_python_leave_nothing_in_the_cache(
    tiny_backbone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADSTART_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HEADSTART_CACHE_GB", "1")
    texts = [f"{word} {end}" for word in ("good", "bad") for end in ("day", "night", "way", "shop", "parcel")]
    data = {"text": texts, "label": ["up"] * 5 + ["down"] * 5}
    options: dict[str, Any] = {"strategy": "fine-tuning", "layers": 1, "head": "mean", "epochs": 2, "controls": False}
    headstart.fit(data, backbone=str(tiny_backbone), folds=0, test_share=0, **options)
    assert not (tmp_path / "cache").exists()
