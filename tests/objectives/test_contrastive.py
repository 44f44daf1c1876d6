"""The two losses by hand, the batches, and that training draws labels together."""

from collections import Counter
from math import exp, log
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from headstart.backbones.base import Encoding
from headstart.backbones.encoder import TextEncoder
from headstart.backbones.location import BackboneSource, locate
from headstart.data.store import Store
from headstart.heads.model import Model
from headstart.objectives.contrastive import ContrastiveLoss, paired_batches
from headstart.runtime.team import ALONE
from headstart.training.features import pooled_states
from headstart.training.settings import Training
from headstart.training.stage import LayerGroup, Stage
from headstart.training.trainer import train

# Cosines: a to b 0.6, a to c 0, b to c 0.8, whatever the lengths.
A, B, C = (2.0, 0.0), (0.3, 0.4), (0.0, 5.0)


def loss(objective: ContrastiveLoss, vectors: list[tuple[float, float]], groups: list[int]) -> tuple[Tensor, float]:
    """Of vectors that a fake backbone gives; a second token is padding and must not matter."""
    hidden = torch.tensor([[vector, (9.0, -9.0)] for vector in vectors], requires_grad=True)
    mask = torch.tensor([[1, 0]] * len(vectors))
    encode = SimpleNamespace(encode=lambda inputs: Encoding(hidden, mask, ()), hidden_size=hidden.shape[-1])
    model: Any = SimpleNamespace(backbone=encode, team=ALONE, lean=False)
    summed, count = objective.loss(model, {"parts": [(None, mask)], "groups": torch.tensor(groups)})  # type: ignore[dict-item]
    summed.backward()
    assert hidden.grad is not None
    assert torch.isfinite(hidden.grad).all()
    return summed.detach(), count


def test_the_supervised_loss_by_hand() -> None:
    summed, count = loss(ContrastiveLoss(temperature=0.5), [A, B, C], [7, 7, 2])
    of_a = -log(exp(1.2) / (exp(1.2) + exp(0.0)))
    of_b = -log(exp(1.2) / (exp(1.2) + exp(1.6)))
    assert float(summed) == pytest.approx(of_a + of_b, rel=1e-5)
    assert count == 2.0  # c has no positive and says nothing


def test_several_positives_of_a_row_count_by_their_mean() -> None:
    summed, count = loss(ContrastiveLoss(temperature=1.0), [A, B, C, (0.0, 1.0)], [0, 0, 1, 0])
    # A fourth row like c but of label 0: cosines a-d 0, b-d 0.8, c-d 1.
    of_a = -(log(exp(0.6) / (exp(0.6) + 2.0)) + log(1 / (exp(0.6) + 2.0))) / 2
    of_b = -(log(exp(0.6) / (exp(0.6) + 2 * exp(0.8))) + log(exp(0.8) / (exp(0.6) + 2 * exp(0.8)))) / 2
    of_d = -(log(1 / (1 + exp(0.8) + exp(1.0))) + log(exp(0.8) / (1 + exp(0.8) + exp(1.0)))) / 2
    assert float(summed) == pytest.approx(of_a + of_b + of_d, rel=1e-5)
    assert count == 3.0


def test_the_loss_of_pairs_by_hand() -> None:
    summed, count = loss(ContrastiveLoss(loss_kind="pairs"), [A, B, C], [0, 0, 1])
    # Alike: (0.6 - 1)^2; different: the mean of 0^2 and 0.8^2; both sides weigh the same over six ordered pairs.
    assert float(summed) / count == pytest.approx((0.16 + 0.32) / 2, rel=1e-5)
    assert count == 6.0


@pytest.mark.parametrize(
    ("vectors", "groups", "expected"), [([A, B], [0, 0], 0.16), ([B, C], [0, 1], 0.64), ([B], [0], 0.0)]
)
def test_pairs_of_one_kind_or_none_are_no_hindrance(vectors: Any, groups: list[int], expected: float) -> None:
    summed, count = loss(ContrastiveLoss(loss_kind="pairs"), vectors, groups)
    assert float(summed) / count == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("groups", [[0, 1, 2], [0]])
def test_rows_without_a_positive_give_no_supervised_loss_and_no_gradient_that_is_not_finite(groups: list[int]) -> None:
    summed, count = loss(ContrastiveLoss(), [A, B, C][: len(groups)], groups)
    assert (float(summed), count) == (0.0, 1.0)


@st.composite
def labels(draw: st.DrawFn) -> np.ndarray:
    return np.array(draw(st.lists(st.integers(0, 5), min_size=1, max_size=80)))


@settings(max_examples=150, deadline=None)
@given(labels(), st.integers(1, 40), st.integers(0, 5), st.integers(0, 3))
def test_batches_hold_every_row_once_and_no_label_alone_where_it_has_two_rows(
    groups: np.ndarray, rows: int, seed: int, epoch: int
) -> None:
    batches = paired_batches(groups, rows=rows, seed=seed, epoch=epoch)
    assert sorted(np.concatenate(batches).tolist()) == list(range(len(groups)))
    total = Counter(groups.tolist())
    for batch in batches:
        assert all(count > 1 or total[group] == 1 for group, count in Counter(groups[batch].tolist()).items())


def test_batches_are_about_as_large_as_asked() -> None:
    groups = np.arange(96) % 3
    batches = paired_batches(groups, rows=32, seed=0, epoch=0)
    assert [len(batch) for batch in batches] == [32, 32, 32]
    assert [len(batch) for batch in paired_batches(groups, rows=1, seed=0, epoch=0)] == [2] * 48
    assert [len(batch) for batch in paired_batches(groups, rows=4096, seed=0, epoch=0)] == [96]


def test_batches_are_a_function_of_seed_and_epoch() -> None:
    def dealt(seed: int, epoch: int) -> list[list[int]]:
        return [batch.tolist() for batch in paired_batches(np.arange(40) % 4, rows=8, seed=seed, epoch=epoch)]

    assert dealt(1, 0) == dealt(1, 0)
    assert dealt(1, 0) != dealt(1, 1)
    assert dealt(1, 0) != dealt(2, 0)


@pytest.mark.parametrize("loss_kind", ["supervised", "pairs"])
def test_training_draws_rows_of_a_label_together_and_labels_apart(loss_kind: Any, tiny_backbone: Path) -> None:
    torch.manual_seed(1)
    backbone = TextEncoder(locate(BackboneSource(location=str(tiny_backbone))))
    examples = ContrastiveLoss.toy_examples()
    objective = ContrastiveLoss(loss_kind=loss_kind)
    store = Store(examples, list(range(len(examples))), "toy.csv")
    ready = objective.prepare(store, backbone.tokenizer)
    assert ready.groups.tolist() == [1, 0, 1, 0, 1, 0] * 2  # labels in the order of the alphabet
    assert len(set(ready.lengths.tolist())) >= 4

    def apart() -> tuple[float, float]:
        vectors = pooled_states(backbone, ready.tokens, ("mean",))[:, -1, 0]
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        cosines, alike = vectors @ vectors.T, ready.groups[:, None] == ready.groups[None, :]
        return float(cosines[alike & ~np.eye(12, dtype=bool)].mean()), float(cosines[~alike].mean())

    before = apart()
    moving = [module for level in backbone.blocks() for module in level]
    history = train(
        Model(backbone, {}),
        Stage(
            objective, ready, [LayerGroup(moving, 1.0)], 20, 1e-3,
            batches=lambda epoch: paired_batches(ready.groups, rows=12, seed=0, epoch=epoch),
        ),
        Training(),
        seed=0,
        validate=None,
    )  # fmt: skip
    after = apart()
    assert after[0] - after[1] > before[0] - before[1] + 0.3
    assert after[1] < before[1]
    losses = [epoch.train_loss or 0.0 for epoch in history.epochs]
    # With five positives each, picking one of them at random is the best there is for the supervised loss.
    least = log(5) if loss_kind == "supervised" else 0.0
    assert losses[-1] - least < 0.3 * (losses[0] - least)
    assert history.skipped == []


def test_a_text_weighs_the_same_alone_and_beside_longer_ones(tiny_backbone: Path) -> None:
    backbone = TextEncoder(locate(BackboneSource(location=str(tiny_backbone)))).eval()
    examples = ContrastiveLoss.toy_examples()
    objective = ContrastiveLoss()
    ready = objective.prepare(Store(examples, [0] * 12, "toy.csv"), backbone.tokenizer)
    batch = objective.collate(ready, np.array([0, 4]), backbone.tokenizer.pad_id)
    assert batch["groups"].tolist() == [1, 1]
    assert [mask.sum(1).tolist() for _, mask in batch["parts"]] == [sorted(ready.lengths[[0, 4]].tolist())]
    model = Model(backbone, {})
    with torch.no_grad():
        together, _ = ContrastiveLoss(loss_kind="pairs").loss(model, batch)
        alone = pooled_states(backbone, ready.tokens, ("mean",))[[0, 4], -1, 0]
    order = np.argsort(ready.lengths[[0, 4]])
    alone = alone[order]
    cosine = alone[0] @ alone[1] / np.linalg.norm(alone[0]) / np.linalg.norm(alone[1])
    assert float(together) == pytest.approx(2 * (cosine - 1) ** 2, abs=1e-5)


def test_rows_of_like_length_pass_the_network_together_and_none_is_lost(tiny_backbone: Path) -> None:
    backbone = TextEncoder(locate(BackboneSource(location=str(tiny_backbone)))).eval()
    objective = ContrastiveLoss()
    ready = objective.prepare(Store(ContrastiveLoss.toy_examples(), [0] * 12, "toy.csv"), backbone.tokenizer)
    batch = objective.collate(ready, np.arange(12), backbone.tokenizer.pad_id)
    lengths = [mask.sum(1).tolist() for _, mask in batch["parts"]]
    assert [len(part) for part in lengths] == [6, 6]
    assert [each for part in lengths for each in part] == sorted(ready.lengths.tolist())
    assert sorted(batch["groups"].tolist()) == sorted(ready.groups.tolist())


@pytest.mark.parametrize("loss_kind", ["supervised", "pairs"])
def test_without_keeping_activations_loss_and_gradients_are_the_same_dropout_included(
    loss_kind: Any, tiny_backbone: Path
) -> None:
    from headstart.backbones.encoder import TextEncoder
    from headstart.backbones.location import BackboneSource, locate
    from headstart.heads.model import Model

    objective = ContrastiveLoss(loss_kind=loss_kind)
    backbone = TextEncoder(locate(BackboneSource(location=str(tiny_backbone))))
    model = Model(backbone, {})
    model.train()
    rows = ContrastiveLoss.toy_examples()
    prepared = objective.prepare(Store(rows, list(range(len(rows))), "toy"), backbone.tokenizer)
    batch = objective.collate(prepared, np.arange(len(rows)), 0)
    found = []
    for lean in (False, True):
        model.lean = lean
        model.zero_grad()
        torch.manual_seed(5)
        summed, _ = objective.loss(model, batch)
        summed.backward()
        grads = [parameter.grad.clone() for parameter in model.parameters() if parameter.grad is not None]
        found.append((float(summed.detach()), grads))
    assert found[0][0] == found[1][0]
    assert len(found[0][1]) == len(found[1][1]) > 10
    for one, two in zip(found[0][1], found[1][1], strict=True):
        torch.testing.assert_close(one, two, rtol=1e-6, atol=1e-8)
