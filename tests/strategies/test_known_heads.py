"""Answers begin with the head that lies beside the network's weights; without one it is fitted on frozen states."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from headstart.backbones.encoder import TextEncoder
from headstart.backbones.location import BackboneSource, locate
from headstart.data.store import Store
from headstart.heads.pooled import PooledHead
from headstart.heads.span_map import span_head, with_span_head
from headstart.predictors.base import WEIGHTS
from headstart.strategies.base import Context
from headstart.strategies.fine_tuning import FineTuning
from headstart.tasks.question_answering import QuestionAnswering
from headstart.training.settings import Training


@pytest.fixture(scope="module")
def adapted(
    make_backbone: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory
) -> tuple[dict[str, Path], PooledHead]:
    """A bare network and the same with a head that finds spans, and that head."""
    folder = tmp_path_factory.mktemp("networks")
    bare = make_backbone(folder / "bare", initializer_range=0.2)
    backbone = TextEncoder(locate(BackboneSource(location=str(bare))))
    head = span_head(backbone)
    (folder / "adapted").mkdir()
    backbone.save(folder / "adapted", with_span_head(backbone, head.linear))
    return {"bare": bare, "adapted": folder / "adapted"}, head


def context(folder: Path) -> Context:
    rows = QuestionAnswering.toy_examples() * 2
    store = Store(rows, list(range(len(rows))), "toy.csv")
    task = QuestionAnswering().bind(store)
    located = locate(BackboneSource(location=str(folder)))
    return Context(task, store, store, located, Training(batch_size=4, epochs=1), 0)


def first_head(folder: Path) -> Any:
    from headstart.strategies.training_run import headed_model

    return headed_model(context(folder), pooling="first", dropout=0.0, head_first=True).heads["classification"]


def test_a_head_beside_the_weights_is_gone_on_from_and_none_is_fitted(
    adapted: tuple[dict[str, Path], PooledHead],
) -> None:
    folders, head = adapted
    found = first_head(folders["adapted"])
    assert found.known
    assert torch.equal(found.linear.weight, head.linear.weight)
    assert torch.equal(found.linear.bias, head.linear.bias)
    fitted = first_head(folders["bare"])
    assert not fitted.known
    assert not torch.equal(fitted.linear.weight, head.linear.weight)


def test_weights_that_were_never_trained_are_no_head_to_go_on_from(adapted: tuple[dict[str, Path], PooledHead]) -> None:
    folders, _ = adapted
    backbone = context(folders["adapted"]).backbone(pretrained=False)
    assert not QuestionAnswering(no_answer="always").heads(backbone)["classification"].known


def test_a_run_on_an_adapted_network_trains_and_saves(
    adapted: tuple[dict[str, Path], PooledHead], tmp_path: Path
) -> None:
    folders, head = adapted
    found = FineTuning(head="native").fit(context(folders["adapted"]))
    found.predictor.save(tmp_path)
    assert (tmp_path / WEIGHTS).is_file()
    predictor: Any = found.predictor
    moved = (predictor.head.linear.weight - head.linear.weight).detach().abs().max()
    assert 0 <= float(moved) < 0.05, "a step or two from where it was"
