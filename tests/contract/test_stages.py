"""What every objective and task promises of its training: stopped anywhere it goes on to the same bits, in parts to the same
update, and numbers that are not finite never reach the weights."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from headstart.backbones.encoder import TextEncoder
from headstart.backbones.location import BackboneSource, locate
from headstart.data.store import Store
from headstart.heads.model import Model
from headstart.objectives import OBJECTIVES
from headstart.runtime.progress import SILENT, Progress
from headstart.tasks import TASKS
from headstart.training.checkpoints import Stages
from headstart.training.settings import Training
from headstart.training.stage import LayerGroup, Stage
from headstart.training.state import History
from headstart.training.trainer import train

EPOCHS = 2
LEARNT = [name for name in TASKS.names() if TASKS.get(name).outputs_kind == "logits"]
"""Tasks that are minimised themselves; the others are learnt by objectives of their strategies."""
NAMES = [*LEARNT, *OBJECTIVES.names()]
every_objective = pytest.mark.parametrize("name", NAMES)


class Stop(Progress):
    """Ctrl-C after so many updates; counts them."""

    def __init__(self, after: int | None = None) -> None:
        self.after, self.done = after, 0

    def advance(self, units: float, note: str = "") -> None:
        self.done += bool(note)
        if self.done == self.after:
            raise KeyboardInterrupt


class Run:
    """Trains an objective's toy examples with a tiny network that has dropout."""

    def __init__(self, name: str, backbone: Path, bound: Callable[[str], Any]) -> None:
        self.name, self.folder, self.bound = name, backbone, bound

    def __call__(
        self, stages: Path | None, *, progress: Progress = SILENT, spoil: Any = None, dropout: bool = True
    ) -> tuple[dict[str, torch.Tensor], History]:
        torch.manual_seed(1)
        backbone = TextEncoder(locate(BackboneSource(location=str(self.folder))))
        if self.name in TASKS.names():
            objective, store = self.bound(self.name)
            model = Model(backbone, objective.heads(backbone))
        else:
            cls = OBJECTIVES.get(self.name)
            rows = cls.toy_examples()
            objective, store = cls(), Store(rows, list(range(len(rows))), "toy")
            model = Model(backbone, objective.heads(backbone))
        if not dropout:
            for module in model.modules():
                if isinstance(module, torch.nn.Dropout):
                    module.p = 0.0
        if spoil is not None:
            objective = spoil(objective)
        groups = [LayerGroup([each for level in backbone.blocks() for each in level], 1.0)]
        groups += [LayerGroup(list(model.heads.values()), 1.0)] if len(model.heads) else []
        stage = Stage(objective, objective.prepare(store, backbone.tokenizer), groups, EPOCHS, 1e-3)
        kept = None if stages is None else Stages(stages, 1000.0, progress)
        history = train(
            model, stage, Training(batch_size=4), seed=3, validate=None, progress=progress, stages=kept
        )  # fmt: skip
        return {name: weight.detach().clone() for name, weight in model.named_parameters()}, history


@pytest.fixture
def run(name: str, tiny_backbone: Path, make_backbone: Any, tmp_path: Path, bound_task: Callable[[str], Any]) -> Run:
    decoder = name not in TASKS.names() and getattr(OBJECTIVES.get(name), "direction", "") == "causal"
    return Run(name, make_backbone(tmp_path / "decoder", "gpt2") if decoder else tiny_backbone, bound_task)


@every_objective
def test_stopped_after_any_update_it_goes_on_to_the_same_bits(run: Run, tmp_path: Path) -> None:
    counted = Stop()
    weights, history = run(None, progress=counted)
    assert counted.done >= 4
    for after in range(1, counted.done + 1):
        folder = tmp_path / str(after)
        with pytest.raises(KeyboardInterrupt):
            run(folder, progress=Stop(after))
        again, course = run(folder)
        assert all(torch.equal(again[key], weight) for key, weight in weights.items())
        assert [epoch.train_loss for epoch in course.epochs] == [epoch.train_loss for epoch in history.epochs]


class Proxy:
    """An objective with another loss."""

    def __init__(self, objective: Any) -> None:
        self.objective = objective
        self.calls = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.objective, name)


class Scarce(Proxy):
    """Memory for one pass over more than two rows fails, or, where all rows are needed at once, the first pass does."""

    def loss(self, model: Any, batch: Any) -> Any:
        self.calls += 1
        joint = self.objective.joint
        rows = len(batch["ids"]) if not joint else 0
        if (joint and not model.lean) or rows > 2:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory")
        return self.objective.loss(model, batch)


@every_objective
def test_in_parts_it_comes_to_the_same_update(run: Run, request: pytest.FixtureRequest) -> None:
    whole, history = run(None, dropout=False)
    parts, course = run(None, dropout=False, spoil=Scarce)
    assert [epoch.train_loss for epoch in course.epochs] == pytest.approx(
        [epoch.train_loss for epoch in history.epochs], rel=1e-5
    )
    # What is added to all words of a row alike leaves their softmax as it is: its gradient is noise around 0, and Adam scales that.
    free = ("encoder.layer.1.output.LayerNorm.bias", "linear.bias") if "question-answering" in request.node.name else ()
    for key, weight in whole.items():
        close = 1e-2 if key.endswith(free) else 1e-5
        torch.testing.assert_close(parts[key], weight, rtol=1e-4, atol=close)


class Spoilt(Proxy):
    """The second update is not finite."""

    def loss(self, model: Any, batch: Any) -> Any:
        self.calls += 1
        summed, weight = self.objective.loss(model, batch)
        return (summed * float("nan") if self.calls == 2 else summed), weight


@every_objective
def test_a_loss_that_is_not_finite_is_left_out_and_its_rows_are_noted(run: Run) -> None:
    weights, history = run(None, spoil=Spoilt)
    assert all(torch.isfinite(weight).all() for weight in weights.values())
    [rows] = history.skipped
    assert 0 < len(set(rows)) == len(rows)
    assert all(np.isfinite(epoch.train_loss or np.nan) for epoch in history.epochs)
