"""What is gathered about a run with a network."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from headstart.data.examples import Example
from headstart.data.store import Store
from headstart.metrics.classification import plain
from headstart.recipes.parsing import assemble
from headstart.report.verdict import verdict
from headstart.runs.comparison import compare
from headstart.runs.evidence import _domains
from headstart.runs.experiment import Entry
from headstart.runs.splitting import Parts
from headstart.runtime.progress import SILENT
from headstart.strategies.base import Candidate
from headstart.strategies.tf_idf import TfIdf
from headstart.tasks.text_classification import TextClassification
from headstart.training.settings import Training


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
    (row,) = evidence["leaderboard"]
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


def test_the_best_out_of_domain_is_tested_on_those_rows_and_p_values_are_corrected_together() -> None:
    task = TextClassification(text=("text",), label="label", labels=("no", "yes"), metric="accuracy")
    targets = np.arange(40) % 2
    store = Store([Example("a", ("no", "yes")[at]) for at in targets], list(range(40)), "t.csv")
    parts = Parts(task, store, store, None, "", target_test=store)

    def entry(name: str, wrong: int) -> Entry:
        logits = np.where(targets[:, None] == np.arange(2), 2.0, 0.0)
        logits[:wrong] = logits[:wrong, ::-1]
        found = Entry(type("Named", (TfIdf,), {"name": name, "__module__": __name__})(), "done")
        found.candidate = Candidate(found.strategy, Training(), None, logits, "", 1)  # type: ignore[arg-type]
        found.validation_scores = found.target_scores = plain(task.score(logits, store))
        found.target_logits = logits
        return found

    entries = [entry("first", 20), entry("second", 0), entry("third", 1)]
    found = _domains(entries, parts)
    assert found is not None
    assert [row["strategy"] for row in found["rows"]] == ["second", "third", "first"]
    assert found["inside"] == "validation"
    far, near = sorted(found["comparisons"], key=lambda row: row["b"])
    assert (far["a"], far["b"], far["split"], far["difference"]["value"]) == ("second", "first", "target", 0.5)
    assert far["p_holm"] == pytest.approx(2 * far["p"])
    assert near["p_holm"] == near["p"] > 0.5
    assert _domains(entries, replace(parts, target_test=None)) is None
