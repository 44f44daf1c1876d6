"""The command line with texts and labelled rows of another domain."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def elsewhere(files: Path) -> Path:
    """Texts of another domain, and labelled rows of it, beside train.csv and test.csv."""
    texts = [f"on monday the {fill} is {word}" for fill in ("shop", "day", "night") for word in ("good", "bad")]
    (files / "target.csv").write_text("\n".join(["text", *texts]) + "\n", encoding="utf-8")
    rows = [f"you say the {fill} is {word},{label}" for fill in ("shop", "day", "night", "way")
            for word, label in (("good", "up"), ("bad", "down"))]  # fmt: skip
    (files / "target_test.csv").write_text("\n".join(["text,label", *rows]) + "\n", encoding="utf-8")
    return files


def test_scores_in_and_out_of_domain_stand_side_by_side(
    headstart: Callable[..., Any], elsewhere: Path, tiny_backbone: Path, tmp_path: Path
) -> None:
    words = [
        "compare", elsewhere / "train.csv", "--test", elsewhere / "test.csv", "--target", elsewhere / "target.csv",
        "--target-test", elsewhere / "target_test.csv", "--backbone", tiny_backbone, "--no-controls", "--threads", 1,
        "--strategies", "feature-extraction,coral,self-training",
    ]  # fmt: skip
    said = headstart(*words, "-o", "shown")
    assert said.code == 0, said.err
    header, *rows = said.out.split("\n")[:4]
    assert header.split()[1:8] == ["cross-validation", "accuracy", "test", "accuracy", "[95", "%]", "target"]
    assert {row.replace("* ", "").split()[0] for row in rows} == {"feature-extraction", "coral", "self-training"}
    assert "Out of domain " in said.out
    assert "target texts 6, target test 8" in said.err
    assert (tmp_path / "shown" / "report.html").read_text(encoding="utf-8").count('id="domains"') == 1
    found = headstart(*words, "-o", "as-json", "--json").json
    for line in found["leaderboard"]:
        assert line["scores"]["target"]["accuracy"]["n"] == 8
        assert line["scores"]["test"]["accuracy"]["n"] == 30
    assert any(sentence.startswith("Out of domain ") for sentence in found["verdict"])


@pytest.mark.parametrize("name", ["coral", "self-training"])
def test_a_strategy_that_needs_texts_of_the_target_domain_says_how_to_name_them(
    name: str, refused: Callable[..., str], files: Path
) -> None:
    talk = refused(64, "fit", files / "train.csv", "--strategy", name)
    assert f"data.target: {name} learns from texts of the target domain" in talk
    assert "name a file of them with --target" in talk


def test_a_target_file_without_the_text_column_is_named(
    refused: Callable[..., str], files: Path, tmp_path: Path
) -> None:
    path = files / "other.csv"
    path.write_text("words\nso far\n", encoding="utf-8")
    assert f"{path} has no column 'text'" in refused(
        65, "fit", files / "train.csv", "--strategy", "tf-idf", "--target", path
    )
