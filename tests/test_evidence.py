"""What is gathered about a run with a network."""

from pathlib import Path

import pytest

from headstart.comparison import compare
from headstart.progress import SILENT
from headstart.recipe import assemble
from headstart.verdict import verdict


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
