"""A training that is paused at an epoch of its schedule and goes on comes out as if it had never been paused, to the last bit."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.training.test_checkpoints import EPOCHS, PER_EPOCH, Ranks, go, same
from tests.training.test_trainer import Fake, Objective, groups, prepared

from headstart.data.table import Table
from headstart.recipes.parsing import assemble
from headstart.recipes.sources import MEMORY
from headstart.runs.comparison import set_up
from headstart.runs.planning import Plan
from headstart.runtime.progress import SILENT
from headstart.strategies import STRATEGIES
from headstart.training.checkpoints import END, Stages
from headstart.training.settings import Training
from headstart.training.stage import Stage
from headstart.training.state import History
from headstart.training.trainer import train


def until(folder: Path, epoch: int | None, ranks: Ranks | None, objective: Any, **more: Any) -> tuple[Fake, History]:
    """A stage that ends after an epoch, and is left to go on."""
    model = Fake()
    stage = Stage(objective, prepared(), groups(model), EPOCHS, 1e-2, epoch)  # type: ignore[arg-type]
    history = train(
        model, stage, Training(batch_size=6, **{"patience": 50} | more), seed=3, validate=ranks, stages=Stages(folder, pausing=True)  # type: ignore[arg-type]
    )  # fmt: skip
    return model, history


@pytest.mark.parametrize("ranks", [Ranks(), Ranks(0.9, 0.5, 0.4, 0.3), None])
def test_paused_after_every_epoch_a_stage_comes_to_the_same_bits_and_trains_nothing_twice(
    tmp_path: Path, ranks: Ranks | None
) -> None:
    whole, objective = go(None, ranks), Objective()
    for epoch in range(1, EPOCHS):
        paused = until(tmp_path, epoch, ranks, objective)
        assert len(objective.batches) == PER_EPOCH * epoch
        assert len(paused[1].epochs) == epoch + (ranks is not None)
    assert same(until(tmp_path, None, ranks, objective), whole)
    assert len(objective.batches) == PER_EPOCH * EPOCHS


def test_patience_is_kept_over_a_pause(tmp_path: Path) -> None:
    ranks, objective = Ranks(0.0, 0.9, 0.5, 0.4), Objective()
    whole = go(None, ranks, patience=1)
    assert len(whole[1].epochs) == 3
    until(tmp_path, 1, ranks, objective, patience=1)
    assert same(until(tmp_path, None, ranks, objective, patience=1), whole)


def test_a_stage_that_is_over_is_not_kept_as_paused(tmp_path: Path) -> None:
    until(tmp_path, None, Ranks(), Objective())
    assert [path.name for path in (tmp_path / "stage-001").glob("*") if path.name != END] == []


def toy(count: int = 60) -> Table:
    rows = [("good" if at % 3 else "bad", "up" if at % 3 else "down", at) for at in range(count)]
    openings = ["the parcel is", "it is", "you say it is", "the shop is", "now it is"]
    texts = [f"{openings[at % 5]} {word} {'very ' * (at % 7)}{'day' if at % 2 else 'night'}" for word, _, at in rows]
    return Table(MEMORY, {"text": texts, "label": [label for _, label, _ in rows]}, list(range(1, count + 1)))


@pytest.fixture
def planned(tiny_backbone: Path) -> Callable[..., Plan]:
    def plan(strategy: dict[str, Any], **more: Any) -> Plan:
        given = {"train": MEMORY, "backbone": str(tiny_backbone), "controls": False, "threads": 1, "test_share": 0.0}
        options = given | {"strategy": strategy, "epochs": 3, "batch_size": 16, "seed": 5} | more
        return set_up(assemble("fit", options), SILENT, toy(), 0.0)  # type: ignore[arg-type]

    return plan


@pytest.mark.parametrize(
    ("strategy", "folds"),
    [
        ({"name": "fine-tuning"}, 0),
        pytest.param({"name": "fine-tuning", "layers": 1, "head": "mean"}, 3, marks=pytest.mark.slow),
        pytest.param({"name": "fine-tuning", "unfreezing": "gradual"}, 0, marks=pytest.mark.slow),
        pytest.param({"name": "lora"}, 0, marks=pytest.mark.slow),
        pytest.param({"name": "contrastive"}, 0, marks=pytest.mark.slow),
        pytest.param({"name": "lora"}, 3, marks=pytest.mark.slow),
    ],
)
def test_a_strategy_that_says_it_pauses_goes_on_to_the_same_model(
    strategy: dict[str, Any], folds: int, planned: Callable[..., Plan], tmp_path: Path
) -> None:
    def fitted(folder: Path | None, epoch: int | None) -> Any:
        plan = planned(strategy, folds=folds)
        stages = None if folder is None else Stages(folder, pausing=True)
        context = replace(plan.context, stages=stages, training=plan.context.training.revised(stop_after=epoch))
        assert plan.entries()[0].strategy.pausing_epochs(context) == 3
        return plan.entries()[0].strategy.fit(context)

    whole = fitted(None, None)
    paused = fitted(tmp_path, 1)
    assert len(paused.curve) < len(whole.curve)
    again = fitted(tmp_path, None)
    assert again.curve == whole.curve
    assert (again.strategy, again.training) == (whole.strategy, whole.training)
    assert all(
        np.array_equal(each, again.validation.arrays()[name]) for name, each in whole.validation.arrays().items()
    )
    for name, kept in (("one", whole), ("two", again)):
        (tmp_path / name).mkdir()
        kept.predictor.save(tmp_path / name)
    files = [path.relative_to(tmp_path / "one") for path in (tmp_path / "one").rglob("*.safetensors")]
    assert files
    assert all((tmp_path / "one" / each).read_bytes() == (tmp_path / "two" / each).read_bytes() for each in files)


def test_strategies_that_choose_by_training_do_not_pause(planned: Callable[..., Plan]) -> None:
    context = planned({"name": "fine-tuning"}).context
    assert not any(
        STRATEGIES.get(name)().pausing_epochs(context) for name in ("contrastive", "feature-extraction", "from-scratch")
    )
