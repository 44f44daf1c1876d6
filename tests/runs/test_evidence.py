"""What is gathered about a run with a network."""

from pathlib import Path

import pytest

from headstart.recipes.parsing import assemble
from headstart.report.verdict import verdict
from headstart.runs.comparison import compare
from headstart.runtime.progress import SILENT


def test_the_backbone_the_lengths_and_the_corrected_comparisons_are_there(tiny_csv: Path, tiny_backbone: Path) -> None:
    options = {"train": str(tiny_csv), "backbone": str(tiny_backbone), "epochs": 1, "threads": 1, "max_length": 8}
    recipe = assemble("compare", options | {"strategies": "tf-idf,feature-extraction,fine-tuning", "controls": False})
    found = compare(recipe, SILENT)
    evidence = found.artifact.evidence
    assert evidence["backbone"]["architecture"] == "bert"
    assert evidence["backbone"]["max_length"] == 8
    assert evidence["backbone"]["parameters"] > 10_000
    assert len(evidence["backbone"]["digest"]) == 64
    lengths = evidence["data"]["lengths"]
    assert lengths["limit"] == 8
    assert lengths["truncated"] > 0
    assert 0 < lengths["tokens_lost_share"] < 1
    comparisons = evidence["comparisons"]
    assert len(comparisons) == 2
    smallest = min(comparisons, key=lambda row: row["p"])
    assert smallest["p_holm"] == pytest.approx(min(1, 2 * smallest["p"]))
    assert all(row["p_holm"] >= row["p"] for row in comparisons)
    assert evidence["verdict"] == verdict(evidence)
    assert {row["strategy"]: row["chosen"] for row in evidence["leaderboard"]}[evidence["chosen"]] is True
    assert sum(row["chosen"] for row in evidence["leaderboard"]) == 1
    assert found.artifact.predict(["good " * 20])[0].truncated is (evidence["kind"] == "transformers")


def test_confidence_and_slices_are_measured_on_the_rows_that_scores_are_reported_on(tmp_path: Path) -> None:
    lines = ["text,label,shop,customer"]
    for at in range(300):
        word, label = (("good", "up"), ("bad", "down"))[at % 2]
        text = f"it is {word if at % 10 else 'so'} " + "day " * (at % 7)
        lines.append(f"{text},{label},{('north', 'south')[at % 3 == 0]},c{at}")
    path = tmp_path / "data.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    options = {"train": str(path), "strategies": "tf-idf", "C": 1.0, "controls": False, "threads": 1}
    evidence = compare(assemble("fit", options | {"abstain": 0.8, "test_share": 0.4}), SILENT).artifact.evidence
    row = evidence["refit"]  # the model that is saved
    score, rows = row["scores"]["test"]["accuracy"], evidence["data"]["splits"]["test"]["rows"]
    for key in ("reliability", "abstention", "slices"):
        assert evidence[key]["split"] == "test"
    bins = evidence["reliability"]["bins"]
    assert sum(found["rows"] for found in bins) == rows
    assert sum(found["rows"] * found["accuracy"]["value"] for found in bins) / rows == pytest.approx(score["value"])
    gaps = sum(found["rows"] * abs(found["confidence"] - found["accuracy"]["value"]) for found in bins) / rows
    assert gaps == pytest.approx(row["scores"]["test"]["ece"]["value"])
    assert evidence["abstention"]["curve"][0]["accuracy"]["value"] == pytest.approx(score["value"])
    asked = evidence["abstention"]["asked"]
    assert (asked["threshold"], asked["n"]) == (0.8, rows)
    assert any(sentence.startswith("With --abstain 0.8 it answers") for sentence in evidence["verdict"])
    slices = evidence["slices"]
    assert slices["overall"]["value"] == pytest.approx(score["value"])
    assert [group["by"] for group in slices["groups"]] == ["length of the text in words", "shop"]
    assert sum(found["score"]["n"] for found in slices["groups"][1]["slices"]) == rows
    assert slices["left_out"] == [{"column": "customer", "why": f"{rows} distinct values, over 20"}]
    hidden = compare(assemble("fit", options | {"rows": False, "test_share": 0.4}), SILENT).artifact.evidence
    assert hidden["abstention"]["asked"] is None
    assert [group["by"] for group in hidden["slices"]["groups"]] == ["length of the text in words"]
    assert "north" not in str(hidden)


def test_every_strategy_is_scored_in_and_out_of_domain_and_the_best_tested_against_the_others(tmp_path: Path) -> None:
    def rows(path: Path, opening: str, count: int, wrong: int) -> str:
        lines = ["text,label"]
        for at in range(count):
            word, label = (("good", "up"), ("bad", "down"))[(at + (at % wrong == 0)) % 2]
            label = ("up", "down")[at % 2] if at % wrong == 0 else label
            lines.append(f"{opening} {word} {at},{label}")
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return str(path)

    options = {
        "train": rows(tmp_path / "train.csv", "it is", 200, 50), "test": rows(tmp_path / "test.csv", "it was", 60, 20),
        "target_test": rows(tmp_path / "target.csv", "so", 40, 4), "strategies": "tf-idf", "C": 1.0, "controls": False,
        "threads": 1, "validation_share": 0.25, "folds": 0,
    }  # fmt: skip
    evidence = compare(assemble("fit", options), SILENT).artifact.evidence
    (line,) = evidence["leaderboard"]
    found = evidence["domains"]
    assert (found["metric"], found["inside"], found["best"], found["comparisons"]) == ("accuracy", "test", "tf-idf", [])
    (measured,) = found["rows"]
    assert measured["inside"] == line["scores"]["test"]["accuracy"]
    assert measured["outside"] == line["scores"]["target"]["accuracy"]
    assert measured["inside"]["value"] == pytest.approx(57 / 60)
    assert measured["outside"]["value"] == pytest.approx(30 / 40)
    assert measured["gap"]["value"] == pytest.approx(0.75 - 0.95)
    assert measured["gap"]["low"] < -0.2 < measured["gap"]["high"]
    assert any(sentence.startswith("Out of domain tf-idf is best: accuracy 0.750") for sentence in evidence["verdict"])
