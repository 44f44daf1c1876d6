"""What every strategy promises, shown on toy rows with a tiny backbone."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file
from tests.contract.pairs import AXIS, BRIEF, NOT_OPEN, every_strategy, strategies_of, told
from tests.folders import tensors

from headstart.errors import UnavailableError
from headstart.loading import load
from headstart.recipes.parsing import from_mapping
from headstart.strategies import STRATEGIES
from headstart.tasks import TASKS

Run = Callable[..., Any]
OPEN: dict[str, dict[str, Any]] = {"domain-adaptation": {"text_updates": None}}
"""Choices that the other tests make, to be quick."""
TEXTS = ["good", "rather bad , I say", "the parcel is on its way to you now and it is a very good day", "it is"]


@every_strategy()
def test_a_strategy_comes_back_done_with_every_open_choice_filled_in(name: str, run_toy: Run) -> None:
    compared = run_toy(told(AXIS, name, **OPEN.get(name, {})))
    assert [(entry.strategy.name, entry.status) for entry in compared.entries] == [(name, "done")]
    candidate = compared.chosen.finished
    # 20 rows of each of 3 labels: a quarter of each goes to validation.
    assert candidate.validation.values.shape == (15, 3)
    assert np.isfinite(candidate.validation.values).all()
    assert candidate.trainable_parameters > 0 or "labels" not in candidate.strategy.needs
    assert candidate.description
    assert type(candidate.strategy) is STRATEGIES.get(name)
    unset = [key for key in type(candidate.strategy).model_fields if getattr(candidate.strategy, key) is None]
    assert unset == NOT_OPEN.get(name, [])


@every_strategy(folds=True)
def test_with_few_labels_it_gives_out_of_fold_logits_and_every_open_choice_is_filled_in(
    name: str, run_toy: Run
) -> None:
    first = run_toy(told(AXIS, name) | {"folds": None})
    candidate = first.chosen.finished
    assert first.artifact.evidence["data"]["choices"] == "cross-validation"
    assert candidate.validation.values.shape == (60, 3)
    assert np.isfinite(candidate.validation.values).all()
    unset = [key for key in type(candidate.strategy).model_fields if getattr(candidate.strategy, key) is None]
    assert unset == NOT_OPEN.get(name, [])


@every_strategy()
def test_saved_and_loaded_it_predicts_the_same(name: str, run_toy: Run, tmp_path: Path) -> None:
    artifact = run_toy(told(AXIS, name)).artifact
    again = load(artifact.save(tmp_path / "saved"))
    assert again.labels == artifact.labels == ("down", "level", "up")
    # The loaded one answers in numpy, the other in torch: float32 sums in another order.
    np.testing.assert_allclose(again.predict_proba(TEXTS), artifact.predict_proba(TEXTS), atol=1e-5)
    assert again.recipe == artifact.recipe
    assert again.task == artifact.task


@every_strategy()
def test_saving_twice_gives_the_same_weights_to_the_byte(name: str, run_toy: Run, tmp_path: Path) -> None:
    artifact = run_toy(told(AXIS, name)).artifact
    for folder in ("one", "two"):
        artifact.save(tmp_path / folder)
    files = [path.relative_to(tmp_path / "one") for path in (tmp_path / "one").rglob("*.safetensors")]
    assert files
    for file in files:
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


@every_strategy()
def test_the_resolved_recipe_parses_back_to_itself(name: str, run_toy: Run) -> None:
    resolved = run_toy(told(AXIS, name)).artifact.recipe
    assert from_mapping(resolved, "recipe.yaml").plain() == resolved
    assert resolved["strategy"]["name"] == name
    assert resolved["task"]["labels"] == ["down", "level", "up"]
    assert resolved["controls"] is False


@pytest.mark.parametrize("name", ["contrastive", "fine-tuning", "from-scratch", "feature-extraction", "lora"])
def test_another_seed_gives_other_weights(name: str, run_toy: Run, tmp_path: Path) -> None:
    run_toy(told(AXIS, name)).artifact.save(tmp_path / "one")
    run_toy(told(AXIS, name) | {"seed": 2}).artifact.save(tmp_path / "other")
    head = "heads/classification.safetensors:weight"
    assert not np.array_equal(tensors(tmp_path / "one")[head], tensors(tmp_path / "other")[head])


def state(predictor: Any) -> dict[str, np.ndarray]:
    return {name: tensor.detach().numpy().copy() for name, tensor in predictor.model.backbone.state_dict().items()}


def moved(compared: Any, folder: Path) -> set[str]:
    """Names of backbone weights that differ from those in the backbone's folder."""
    before = load_file(folder / "model.safetensors")
    after = {
        name.removeprefix("network."): tensor for name, tensor in state(compared.chosen.finished.predictor).items()
    }
    assert set(after) <= set(before)
    return {name for name, tensor in after.items() if not np.array_equal(tensor, before[name])}


def test_feature_extraction_moves_no_weight_of_the_backbone(run_toy: Run, wide_backbone: Path) -> None:
    assert moved(run_toy({"strategy": "feature-extraction"}), wide_backbone) == set()


def test_fine_tuning_the_top_layer_moves_it_and_nothing_below(run_toy: Run, wide_backbone: Path) -> None:
    found = moved(run_toy({"strategy": "fine-tuning", "layers": 1, "head": "mean", "head_first": False}), wide_backbone)
    assert found
    assert {".".join(name.split(".")[:3]) for name in found} == {"encoder.layer.1"}


def test_fine_tuning_leaves_the_embeddings_unless_told(run_toy: Run, wide_backbone: Path) -> None:
    options = {"strategy": "fine-tuning", "head": "mean", "head_first": False}
    left = moved(run_toy(options), wide_backbone)
    told = moved(run_toy(options | {"embeddings": True}), wide_backbone)
    assert {".".join(name.split(".")[:3]) for name in left} == {"encoder.layer.0", "encoder.layer.1"}
    assert {name for name in told if name.startswith("embeddings.")} >= {
        "embeddings.word_embeddings.weight",
        "embeddings.position_embeddings.weight",
        "embeddings.LayerNorm.weight",
    }


def test_the_lower_layers_move_less_the_faster_the_rate_decays(run_toy: Run, wide_backbone: Path) -> None:
    before = load_file(wide_backbone / "model.safetensors")
    key = "encoder.layer.0.intermediate.dense.weight"

    def distance(decay: float) -> float:
        options = {"strategy": "fine-tuning", "head": "mean", "head_first": False, "layer_decay": decay}
        after = state(run_toy(options).chosen.finished.predictor)[f"network.{key}"]
        return float(np.abs(after - before[key]).mean())

    assert distance(0.1) < 0.2 * distance(1.0)


def test_from_scratch_starts_from_other_weights_than_the_backbones(run_toy: Run, wide_backbone: Path) -> None:
    after = state(run_toy({"strategy": {"from-scratch": {"rates": (1e-9,)}}}).chosen.finished.predictor)
    for name, before in load_file(wide_backbone / "model.safetensors").items():
        if before.ndim > 1 and not name.startswith("pooler"):
            # At such a rate nothing moves: two draws of random weights of the same spread differ by about that spread.
            assert np.abs(after[f"network.{name}"] - before).mean() > 0.5 * before.std(), name


def test_from_scratch_gets_at_least_the_epochs_of_fine_tuning_for_each_of_its_rates(run_toy: Run) -> None:
    compared = run_toy({"strategies": ("fine-tuning", "from-scratch"), "epochs": 9, "patience": 1, "batch_size": 32})
    tuned, scratch = (entry.finished for entry in compared.entries)
    assert scratch.training.epochs >= tuned.training.epochs == 9
    assert "0.0001, 0.0003, 0.001" in scratch.notes[0]


def test_all_strategies_side_by_side_run_in_order_of_cost_and_the_best_on_validation_is_chosen(run_toy: Run) -> None:
    compared = run_toy({"strategies": tuple({"name": name} | BRIEF.get(name, {}) for name in strategies_of(AXIS))})
    assert [entry.strategy.name for entry in compared.entries] == [
        "tf-idf",
        "zero-shot",
        "feature-extraction",
        "contrastive",
        "coral",
        "fine-tuning",
        "self-training",
        "domain-adaptation",
        "lora",
        "weight-averaging",
        "intermediate-task",
        "from-scratch",
    ]
    assert {entry.status for entry in compared.entries} == {"done"}
    assert compared.chosen.rank == max(entry.rank for entry in compared.entries)


def test_every_task_with_every_strategy_makes_a_recipe_that_reads_back_equal() -> None:
    for task in TASKS.names():
        for strategy in STRATEGIES.names():
            written = {"verb": "fit", "data": {"train": "a.csv"}, "task": task, "strategy": strategy}
            recipe = from_mapping(written, "recipe.yaml")
            assert from_mapping(recipe.plain(), "recipe.yaml") == recipe


def test_a_model_asked_to_compute_on_a_gpu_that_is_not_there_says_so_when_it_is_read(
    run_toy: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    folder = run_toy(told(AXIS, "feature-extraction")).artifact.save(tmp_path / "run")
    with pytest.raises(UnavailableError, match="there is no GPU here"):
        load(folder, device="cuda")
    np.testing.assert_array_equal(load(folder, device="cpu").predict_proba(TEXTS), load(folder).predict_proba(TEXTS))


def test_a_run_says_which_device_it_used(run_toy: Run) -> None:
    artifact = run_toy(told(AXIS, "feature-extraction") | {"device": "cpu"}).artifact
    assert artifact.evidence["machine"]["device"] == "cpu"
    assert artifact.recipe["device"] == "cpu"
