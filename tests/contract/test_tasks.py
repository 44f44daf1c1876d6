"""What every task promises, shown on its own toy examples with a tiny random network."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.contract.pairs import HEADED

from headstart.backbones.encoder import TextEncoder
from headstart.backbones.location import BackboneSource, locate
from headstart.data.outputs import Outputs
from headstart.evaluation.judging import scores, sort_key
from headstart.heads.model import Model
from headstart.training.settings import Training
from headstart.training.stage import LayerGroup, Stage
from headstart.training.trainer import train

Bound = Callable[[str], tuple[Any, Any]]
every_task = pytest.mark.parametrize("name", HEADED)


def model_for(task: Any, folder: Path) -> Model:
    torch.manual_seed(1)
    backbone = TextEncoder(locate(BackboneSource(location=str(folder))))
    return Model(backbone, task.heads(backbone))


def assert_right(task: Any, logits: np.ndarray, store: Any) -> None:
    """All rows are answered rightly; numbers to a quarter of their deviation."""
    targets = task.targets(store)
    if task.target_kind in ("label", "tags"):
        assert logits.argmax(1).tolist() == targets.tolist()
    elif task.target_kind == "labels":
        assert ((logits >= 0) == (targets > 0)).all()
    elif task.target_kind == "answer":
        said = task.predictions(task.logits(logits, store), list(store.inputs))
        assert [each.answer for each in said] == [row.label[0].text if row.label else "" for row in store.examples]
    else:
        np.testing.assert_allclose(logits[:, 0], targets, atol=0.25)


def perfect(task: Any, targets: np.ndarray) -> np.ndarray:
    """Outputs that answer all rows rightly, and surely."""
    if task.target_kind in ("label", "tags"):
        return np.eye(len(task.names))[targets] * 20
    if task.target_kind == "answer":
        return 20.0 * targets[:, 1:]
    return (2.0 * targets - 1) * 20 if task.target_kind == "labels" else targets[:, None].astype(float)


def logits_of(task: Any, model: Model, prepared: Any, indices: list[int]) -> np.ndarray:
    model.eval()
    with torch.inference_mode():
        batch = task.collate(prepared, np.array(indices), model.backbone.tokenizer.pad_id)
        return task.read(model, batch).values


@every_task
def test_toy_examples_differ_in_length_and_cover_every_label_twice(
    name: str, bound_task: Bound, tiny_backbone: Path
) -> None:
    task, store = bound_task(name)
    prepared = task.prepare(store, model_for(task, tiny_backbone).backbone.tokenizer)
    assert len(store) >= 10
    assert len(set(prepared.lengths.tolist())) >= 4
    targets = task.targets(store)
    if task.target_kind == "number":
        assert len(np.unique(targets)) >= 6
    else:
        assert ((np.bincount(targets) if task.target_kind in ("label", "tags") else targets.sum(0)) >= 2).all()


@every_task
def test_a_tiny_random_model_memorises_the_toy_examples_and_its_loss_falls(
    name: str, bound_task: Bound, tiny_backbone: Path
) -> None:
    task, store = bound_task(name)
    model = model_for(task, tiny_backbone)
    prepared = task.prepare(store, model.backbone.tokenizer)
    everything = [m for level in model.backbone.blocks() for m in level] + list(model.heads.values())

    def validate(model: Model) -> tuple[tuple[float, float], float, Outputs]:
        outputs = task.logits(logits_of(task, model, prepared, list(range(len(store)))), store)
        key = sort_key(task, outputs, store)
        return key, -key[1], outputs

    history = train(
        model,
        Stage(task, prepared, [LayerGroup(everything, 1.0)], 40, 2e-3),
        Training(batch_size=4, patience=40),
        seed=3,
        validate=validate,
    )
    assert_right(task, logits_of(task, model, prepared, list(range(len(store)))), store)
    losses = [epoch.validation_loss for epoch in history.epochs]
    assert losses[-1] < 0.1 * losses[0]
    assert history.skipped == []


@every_task
def test_a_text_alone_and_in_a_batch_with_longer_ones_gives_the_same_logits(
    name: str, bound_task: Bound, wide_backbone: Path
) -> None:
    task, store = bound_task(name)
    model = model_for(task, wide_backbone)
    prepared = task.prepare(store, model.backbone.tokenizer)
    together = logits_of(task, model, prepared, list(range(len(store))))
    assert np.ptp(together, axis=0).min() > 0.1  # the texts do differ, so equality below says something
    units = task.units(store)
    for row in range(len(store)):
        np.testing.assert_allclose(logits_of(task, model, prepared, [row]), together[units.of([row])], atol=1e-5)


@every_task
def test_the_loss_is_a_sum_and_a_weight_so_parts_add_up_to_the_whole(
    name: str, bound_task: Bound, tiny_backbone: Path
) -> None:
    task, store = bound_task(name)
    model = model_for(task, tiny_backbone).eval()
    prepared = task.prepare(store, model.backbone.tokenizer)
    pad = model.backbone.tokenizer.pad_id

    def loss(rows: range) -> tuple[float, float]:
        summed, weight = task.loss(model, task.collate(prepared, np.array(rows), pad))
        return float(summed.detach()), weight

    half = len(store) // 2
    first, second, whole = loss(range(half)), loss(range(half, len(store))), loss(range(len(store)))
    assert first[0] + second[0] == pytest.approx(whole[0], rel=1e-5)
    assert first[1] + second[1] == pytest.approx(whole[1], rel=1e-5)


@every_task
def test_scores_hold_the_chosen_metric_and_perfect_outputs_rank_highest(name: str, bound_task: Bound) -> None:
    task, store = bound_task(name)
    targets = task.targets(store)
    right = perfect(task, targets)
    wrong = np.roll(right, 1, axis=1) if task.target_kind in ("label", "tags") else -right
    keys = [sort_key(task, task.logits(values, store), store) for values in (right, np.zeros_like(right), wrong)]
    assert keys[0] > max(keys[1:])
    assert (
        keys[1] > keys[2] or task.target_kind == "answer"
    )  # any words of a short context may share some with the answer
    assert task.chosen_metric in scores(task, task.logits(np.zeros_like(right), store), store)
