"""Averages of weights: one plain network, kept where validation does not lose, shown beside what it was made of."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

import headstart
from headstart.data.table import Table
from headstart.errors import ModelError, RecipeError
from headstart.heads.weights import Weights
from headstart.recipes.parsing import assemble, from_mapping
from headstart.recipes.sources import MEMORY
from headstart.runs.comparison import RunResult, compare
from headstart.runtime.progress import SILENT
from headstart.strategies.weight_points import Barrier

NATIVE = {"name": "fine-tuning", "head": "native"}
QUERY = "backbone.network.encoder.layer.1.attention.self.query.weight"


def rows(count: int = 60, first: int = 0) -> Table:
    words = ["shop", "day", "night", "parcel", "way"]
    texts = [
        f"{'good' if at % 2 else 'bad'} {words[at % 5]} {words[at % 3]} {at}" for at in range(first, first + count)
    ]
    labels = [("down", "up")[(at % 2) ^ (at % 5 == 0)] for at in range(first, first + count)]
    return Table(MEMORY, {"text": texts, "label": labels}, list(range(count)))


@pytest.fixture
def ran(tiny_backbone: Path, tmp_path: Path) -> Callable[..., RunResult]:
    test = rows(12, first=100)
    lines = [f"{text},{label}" for text, label in zip(test.columns["text"], test.columns["label"], strict=True)]
    (tmp_path / "test.csv").write_text("\n".join(["text,label", *lines]) + "\n")

    def run(**options: Any) -> RunResult:
        given = {
            "train": MEMORY, "backbone": str(tiny_backbone), "controls": False, "threads": 1, "folds": 0, "epochs": 3,
            "validation_share": 0.3, "test": str(tmp_path / "test.csv"), "refit": False, "precision": "float32", "learning_rate": 3e-3,
            "cache": False, "measure": [],
        }  # fmt: skip
        found = compare(assemble("fit", given | options), SILENT, rows())
        assert found is not None
        return found

    return run


def weights_of(found: RunResult) -> dict[str, Any]:
    predictor: Any = found.artifact.predictor
    return {name: tensor.numpy().copy() for name, tensor in predictor.model.state_dict().items()}


def single(ran: Callable[..., RunResult], seed: int, **options: Any) -> dict[str, np.ndarray]:
    found = ran(average="soup", member_seeds=[seed], then=NATIVE, **options)
    assert found.chosen.finished.description.startswith("not averaged; ")
    return weights_of(found)


def test_a_soup_is_the_mean_of_its_trainings_and_its_recipe_makes_it_again(
    ran: Callable[..., RunResult], tmp_path: Path
) -> None:
    found = ran(average="soup", members=2, gate=False, then=NATIVE)
    soup, first, second = weights_of(found), single(ran, 0), single(ran, 1)
    assert not np.array_equal(first[QUERY], second[QUERY])
    assert np.allclose(soup[QUERY], (first[QUERY] + second[QUERY]) / 2, atol=1e-7)
    resolved = found.artifact.recipe["strategy"]
    assert (resolved["member_seeds"], resolved["gate"], resolved["then"]["head"]) == ([0, 1], False, "native")
    added = found.artifact.evidence["added"]
    assert (added["what"], added["kept"]) == ("the soup of 2 seeds", True)
    assert "one basin: halfway between" in added["said"]
    assert [*added["parts"]["test"]["without"]] == ["seed 0", "seed 1"]
    assert "On 12 test rows it reaches accuracy" in " ".join(found.artifact.evidence["verdict"])
    again = compare(from_mapping(found.artifact.recipe, "recipe"), SILENT, rows())  # type: ignore[arg-type]
    assert again is not None
    assert all(np.array_equal(each, soup[name]) for name, each in weights_of(again).items())
    folder = tmp_path / "model"
    folder.mkdir()
    found.artifact.write(folder)
    plain = load_file(folder / "model.safetensors")
    assert sum(each.size for each in plain.values()) < 1.05 * sum(each.size for each in soup.values())
    loaded = headstart.load(folder)
    assert loaded.labels == ("down", "up")


def test_wise_is_a_point_on_the_line_from_the_fitted_head_to_the_end(
    ran: Callable[..., RunResult], tiny_backbone: Path
) -> None:
    found = ran(average="wise", end_share=0.25, gate=False, then=NATIVE)
    if found.chosen.finished.epoch == 0:
        pytest.fail("the toy training has to be better than its start, or there is no line")
    wise, end = weights_of(found), single(ran, 0)
    start = load_file(tiny_backbone / "model.safetensors")[QUERY.removeprefix("backbone.network.")]
    assert np.allclose(wise[QUERY], 0.75 * start + 0.25 * end[QUERY], atol=1e-7)
    assert found.artifact.recipe["strategy"]["end_share"] == 0.25
    added = found.artifact.evidence["added"]
    assert [*added["parts"]["test"]["without"]] == ["the start", "the end"]


def test_by_default_the_point_is_the_nearest_to_the_start_that_is_as_good(ran: Callable[..., RunResult]) -> None:
    found = ran(average="wise", then=NATIVE)
    strategy = found.artifact.recipe["strategy"]
    assert 0 <= strategy["end_share"] <= 1
    added = found.artifact.evidence["added"]
    assert added["kept"] == (strategy["end_share"] < 1)
    assert "one basin" in added["said"] or "no better than the start" in added["said"]


@pytest.mark.slow
def test_under_cross_validation_folds_are_averaged_each_by_itself(ran: Callable[..., RunResult]) -> None:
    found = ran(average="soup", members=2, gate=False, folds=3, validation_share=None)
    assert found.chosen.finished.description.startswith("the soup of 2 seeds")
    again = compare(from_mapping(found.artifact.recipe, "recipe"), SILENT, rows())  # type: ignore[arg-type]
    assert again is not None
    assert np.array_equal(again.chosen.finished.validation.values, found.chosen.finished.validation.values)  # type: ignore[attr-defined]


@pytest.mark.slow
def test_it_learns_again_from_all_rows(ran: Callable[..., RunResult]) -> None:
    found = ran(average="soup", members=2, gate=False, refit=True, then=NATIVE, learning_rate=1e-3)
    assert found.artifact.evidence["refit"].get("rows") == 60, found.artifact.evidence["refit"]
    assert not np.array_equal(
        weights_of(found)[QUERY], weights_of(ran(average="soup", members=2, gate=False, then=NATIVE))[QUERY]
    )


def test_points_of_other_shapes_have_no_mean() -> None:
    narrow, wide = Weights({"a": torch.zeros(2, 3)}), Weights({"a": torch.zeros(2, 4)})
    with pytest.raises(ModelError, match="a is 2x3 and 2x4; average models of one backbone"):
        Weights.mixed([narrow, wide], [0.5, 0.5])
    whole = Weights({"a": torch.arange(3)})
    assert torch.equal(
        Weights.mixed([whole, Weights({"a": torch.ones(3, dtype=torch.long)})], [0.5, 0.5]).tensors["a"],
        torch.arange(3),
    )


def test_a_barrier_is_the_highest_rise_above_the_line() -> None:
    low, high = np.zeros(50), np.full(50, 1.0)
    rise = np.linspace(0.1, 0.3, 50)
    found = Barrier.between(low, high, [(0.5, 0.5 + rise), (0.9, np.full(50, 0.9))])
    assert found.clear
    assert found.height == pytest.approx(0.2)
    assert not Barrier.between(low, high, [(0.5, np.full(50, 0.4))]).clear


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"strategy": "tf-idf"}, "tf-idf trains no weights, so there is nothing to average"),
        ({"strategy": "feature-extraction"}, "feature-extraction trains no weights"),
        ({"strategy": {"name": "fine-tuning", "head_first": False}}, "starts from a random head without `head_first`"),
        ({"member_seeds": [3, 3]}, "the seed 3 is named twice"),
        ({"average": "mean"}, "average"),
        ({"average": "wise", "members": 2}, "it is about soups"),
    ],
)
def test_what_cannot_be_averaged_is_refused_before_anything_runs(options: dict[str, Any], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        assemble("fit", {"train": "a.csv", "average": "soup"} | options)


def test_the_option_fits_the_strategies_that_are_named_within_it() -> None:
    recipe = assemble("compare", {"train": "a.csv", "average": "wise", "strategies": "lora,fine-tuning"})
    assert [(each.name, each.then.name) for each in recipe.strategies] == [  # type: ignore[attr-defined]
        ("weight-averaging", "lora"), ("weight-averaging", "fine-tuning"),
    ]  # fmt: skip
    alone = assemble(
        "fit", {"train": "a.csv", "strategy": {"name": "weight-averaging", "then": "lora"}, "average": "wise"}
    )
    [strategy] = alone.strategies or ()
    assert (strategy.then.name, strategy.average) == ("lora", "wise")  # type: ignore[attr-defined]
