"""The training loop, seen through a small fake model whose losses are chosen by the test."""

import math
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from headstart.data.outputs import Logits
from headstart.errors import DivergedError
from headstart.runtime.progress import Progress
from headstart.runtime.team import ALONE
from headstart.training.settings import Training
from headstart.training.stage import LayerGroup, Stage
from headstart.training.state import History
from headstart.training.trainer import BAD_STEPS, ROLLBACKS, train

ROWS = 24


class Fake(nn.Module):
    """Three layers; `seen` notes at every pass which parts are in training mode and which want gradients."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.team = ALONE
        self.backbone = nn.Module()
        self.backbone.tokenizer = SimpleNamespace(pad_id=0)  # type: ignore[assignment]
        self.low, self.high, self.head = (nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.2)) for _ in range(3))
        self.seen: list[tuple[dict[str, bool], dict[str, bool]]] = []

    def forward(self, inputs: Tensor) -> Tensor:
        parts = {"low": self.low, "high": self.high, "head": self.head}
        self.seen.append(
            (
                {name: part[1].training for name, part in parts.items()},
                {name: part[0].weight.requires_grad for name, part in parts.items()},
            )
        )
        return self.head(self.high(self.low(inputs)))

    def weights(self) -> dict[str, Tensor]:
        return {name: parameter.detach().clone() for name, parameter in self.named_parameters()}


class Told(Progress):
    """Keeps what is said."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, topic: str, message: str, *, warning: bool = False) -> None:
        self.lines.append(f"{topic}: {message}")


class Objective:
    """Squared distance to a target; `spoil` may change the loss of an update, given its number and rows."""

    joint = False

    def __init__(self, spoil: Any = None) -> None:
        self.spoil = spoil or (lambda update, rows, loss: loss)
        self.batches: list[list[int]] = []

    def parted(self, prepared: Any, indices: np.ndarray) -> list[np.ndarray]:
        return [indices]

    def collate(self, prepared: Any, indices: np.ndarray, pad_id: int) -> dict[str, Any]:
        return {"rows": indices.tolist(), "inputs": prepared.inputs[indices], "targets": prepared.targets[indices]}

    def loss(self, model: Fake, batch: dict[str, Any]) -> tuple[Tensor, float]:
        self.batches.append(batch["rows"])
        each = (model(batch["inputs"]) - batch["targets"]).pow(2).sum(1)
        return self.spoil(len(self.batches) - 1, batch["rows"], each.sum()), float(len(each))


def prepared(lengths: np.ndarray | None = None) -> Any:
    """By default rows of equal length, so that 24 rows make 4 batches of 6 in every epoch."""
    random = torch.Generator().manual_seed(5)
    return SimpleNamespace(
        lengths=np.full(ROWS, 10) if lengths is None else lengths,
        inputs=torch.randn(ROWS, 4, generator=random),
        targets=torch.randn(ROWS, 4, generator=random),
    )


def groups(model: Fake) -> list[LayerGroup]:
    return [LayerGroup([model.head], 1.0), LayerGroup([model.high], 0.5), LayerGroup([model.low], 0.25)]


def go(
    model: Fake,
    *,
    objective: Objective | None = None,
    parts: list[LayerGroup] | None = None,
    epochs: int = 3,
    rate: float = 1e-2,
    ranks: list[float] | None = None,
    losses: list[float] | None = None,
    kept: list[dict[str, Tensor]] | None = None,
    seed: int = 0,
    lengths: np.ndarray | None = None,
    **options: Any,
) -> History:
    """Train with validation results given as lists, entry 0 before training; `kept` collects weights per epoch."""
    settings = {key: options.pop(key) for key in list(options) if key in Training.model_fields}
    calls = iter(range(epochs + 1))

    def validate(model: Any) -> tuple[tuple[float, float], float, Logits]:
        at = next(calls)
        if kept is not None:
            kept.append(model.weights())
        loss = losses[at] if losses else 1.0 / (at + 1)
        return (ranks[at] if ranks else float(at), -loss), loss, Logits.of(np.zeros((1, 1), dtype=np.float32))

    return train(
        model,  # type: ignore[arg-type]
        Stage(objective or Objective(), prepared(lengths), parts or groups(model), epochs, rate),  # type: ignore[arg-type]
        Training(**({"batch_size": 6, "patience": 50} | settings)),
        seed=seed,
        validate=validate,
        **options,
    )


def equal(one: dict[str, Tensor], two: dict[str, Tensor]) -> bool:
    return all(torch.equal(one[name], two[name]) for name in one)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_loss_that_is_not_finite_never_reaches_the_weights_and_its_rows_are_noted(value: float) -> None:
    objective = Objective(lambda update, rows, loss: loss * value if update == 2 else loss)
    model = Fake()
    history = go(model, objective=objective)
    assert all(torch.isfinite(weight).all() for weight in model.weights().values())
    assert history.skipped == [objective.batches[2]]
    assert all(math.isfinite(epoch.train_loss) for epoch in history.epochs[1:])  # type: ignore[arg-type]


def test_a_gradient_that_is_not_finite_never_reaches_the_weights() -> None:
    class Trap(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, loss: Tensor) -> Tensor:
            return loss.clone()

        @staticmethod
        def backward(ctx: Any, *gradient: Tensor) -> Tensor:
            return gradient[0] * math.nan

    objective = Objective(lambda update, rows, loss: Trap.apply(loss) if update == 1 else loss)
    model = Fake()
    history = go(model, objective=objective)
    assert all(torch.isfinite(weight).all() for weight in model.weights().values())
    assert history.skipped == [objective.batches[1]]


def test_an_update_that_is_skipped_leaves_the_weights_as_they_were() -> None:
    model = Fake()
    before = model.weights()
    objective = Objective(lambda update, rows, loss: loss * math.nan)
    with pytest.raises(DivergedError, match="not finite"):
        go(model, objective=objective)
    assert equal(before, model.weights())


def test_where_going_back_does_not_help_training_stops_the_third_time_and_names_rate_and_rows() -> None:
    objective = Objective(lambda update, rows, loss: loss * math.nan if update >= 4 else loss)
    with pytest.raises(
        DivergedError, match=r"3 updates in a row, for the 3rd time \(update 13, learning rate .*\).*--learning-rate"
    ) as error:
        go(Fake(), objective=objective, rate=0.02, epochs=10)
    assert (BAD_STEPS, ROLLBACKS) == (3, 3)
    assert len(objective.batches) == 4 + 3 * 3  # an epoch, and three tries after it
    assert f"last rows {', '.join(map(str, objective.batches[-1]))}" in str(error.value)


def test_bad_updates_in_a_row_send_training_back_to_the_best_weights_at_half_the_rate_and_without_them() -> None:
    objective, model, kept = Objective(), Fake(), []
    objective.spoil = lambda update, rows, loss: loss * math.nan if 5 <= update <= 7 else loss
    told = Told()
    history = go(model, objective=objective, epochs=3, ranks=[0.0, 1.0, 2.0, 3.0], kept=kept, progress=told)
    assert history.rollbacks == 1
    assert history.skipped == objective.batches[5:8]
    assert [epoch.epoch for epoch in history.epochs] == [0, 1, 2, 3]
    # Epoch 1 and one update; three bad ones; epoch 1's weights again, the one batch that was good, all of the last epoch.
    assert len(objective.batches) == 4 + 1 + 3 + 1 + 4
    assert objective.batches[8] == objective.batches[4]
    assert all(torch.isfinite(weight).all() for weight in model.weights().values())
    assert any("back to the weights of epoch 1" in line and "half the rate" in line for line in told.lines)


def test_bad_updates_with_good_ones_between_do_not_stop_training() -> None:
    objective = Objective(lambda update, rows, loss: loss * math.nan if update % 3 else loss)
    history = go(Fake(), objective=objective)
    assert len(history.skipped) == 8  # two of every three of the twelve updates


def test_the_weights_of_the_best_epoch_are_restored() -> None:
    model, kept = Fake(), []
    history = go(model, epochs=4, ranks=[0, 0.2, 0.9, 0.3, 0.1], kept=kept)
    assert history.best == 2
    assert equal(model.weights(), kept[2])
    assert not equal(kept[2], kept[4])
    assert not model.training


def test_the_start_counts_only_where_it_may_be_kept() -> None:
    ranks = [0.9, 0.2, 0.3]
    kept: list[dict[str, Tensor]] = []
    model = Fake()
    history = go(model, epochs=2, ranks=ranks, kept=kept, keep_start=True)
    assert history.best == 0
    assert equal(model.weights(), kept[0])
    kept.clear()
    model = Fake()
    assert go(model, epochs=2, ranks=ranks, kept=kept).best == 2
    assert equal(model.weights(), kept[2])


def test_an_epoch_whose_validation_is_not_finite_is_never_the_best() -> None:
    model, kept = Fake(), []
    history = go(model, epochs=3, ranks=[0, 0.1, 0.9, 0.05], losses=[1, 1, math.nan, 1], kept=kept)
    assert history.best == 1
    assert equal(model.weights(), kept[1])


def test_validation_that_is_never_finite_is_divergence() -> None:
    with pytest.raises(DivergedError, match=r"after any of 2 epochs at learning rate 0\.01; lower --learning-rate"):
        go(Fake(), epochs=2, losses=[math.nan] * 3)


def test_patience_stops_after_that_many_epochs_without_a_better_one() -> None:
    ranks = [0, 0.5, 0.6, 0.6, 0.4, 0.9, 1, 1, 1, 1]
    history = go(Fake(), epochs=9, ranks=ranks, losses=[1.0] * 10, patience=2)
    assert [epoch.epoch for epoch in history.epochs] == [0, 1, 2, 3, 4]
    assert history.best == 2
    assert history.updates == 4 * 4


def test_training_stops_when_asked_to() -> None:
    history = go(Fake(), epochs=9, stop=lambda history: len(history.epochs) == 3)
    assert [epoch.epoch for epoch in history.epochs] == [0, 1, 2]


def test_gradual_unfreezing_thaws_from_the_head_down_one_part_an_epoch() -> None:
    model = Fake()
    parts = [LayerGroup([model.head], 1.0), LayerGroup([model.high], 1.0, 1), LayerGroup([model.low], 1.0, 2)]
    kept: list[dict[str, Tensor]] = []
    go(model, parts=parts, kept=kept)
    moving = [
        {name for name in ("low", "high", "head") if not torch.equal(a[f"{name}.0.weight"], b[f"{name}.0.weight"])}
        for a, b in pairwise(kept)
    ]
    assert moving == [{"head"}, {"head", "high"}, {"head", "high", "low"}]
    wanted = [seen[1] for seen in model.seen[::4]]
    assert wanted == [
        {"low": False, "high": False, "head": True},
        {"low": False, "high": True, "head": True},
        {"low": True, "high": True, "head": True},
    ]


def test_parts_that_do_not_move_stay_in_eval_mode_and_as_they_were() -> None:
    model = Fake()
    model.train()
    before = model.weights()
    go(model, parts=[LayerGroup([model.head], 1.0), LayerGroup([model.low], 0.0)])
    assert all(training == {"low": False, "high": False, "head": True} for training, _ in model.seen)
    assert all(wants == {"low": False, "high": False, "head": True} for _, wants in model.seen)
    after = model.weights()
    for name in before:
        assert torch.equal(before[name], after[name]) != name.startswith("head"), name


def test_the_same_seed_gives_the_same_weights_whatever_ran_before() -> None:
    found = []
    for before, seed in enumerate((3, 3, 4)):
        model = Fake()
        torch.manual_seed(before)
        objective = Objective()
        go(model, seed=seed, objective=objective)
        found.append((model.weights(), objective.batches))
    assert equal(found[0][0], found[1][0])
    assert found[0][1] == found[1][1]
    assert not equal(found[0][0], found[2][0])


def test_dropout_differs_from_update_to_update_and_from_seed_to_seed_alone() -> None:
    """Batches and weights held equal, what is left to differ is the dropout."""

    def first_losses(seed: int, before: int) -> list[float]:
        losses: list[float] = []

        def note(update: int, rows: list[int], loss: Tensor) -> Tensor:
            losses.append(float(loss.detach()))
            return loss

        model = Fake()
        torch.manual_seed(before)
        go(model, objective=Objective(note), seed=seed, epochs=2, rate=1e-12, batch_size=ROWS)
        return losses

    one, again, other = first_losses(1, 7), first_losses(1, 8), first_losses(2, 7)
    assert one == again
    assert len({*one, *other}) == 4


def test_every_row_is_learnt_from_once_an_epoch() -> None:
    objective = Objective()
    history = go(Fake(), objective=objective)
    per_epoch = history.updates // 3
    for epoch in range(3):
        rows = [row for batch in objective.batches[epoch * per_epoch : (epoch + 1) * per_epoch] for row in batch]
        assert sorted(rows) == list(range(ROWS))


def test_gradients_are_clipped_to_the_norm_so_their_size_does_not_matter_beyond_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    norms: list[float] = []
    step = torch.optim.AdamW.step

    def noted(self: Any, *args: Any, **more: Any) -> Any:
        gradients = [p.grad for group in self.param_groups for p in group["params"] if p.grad is not None]
        norms.append(float(torch.cat([gradient.flatten() for gradient in gradients]).norm()))
        return step(self, *args, **more)

    monkeypatch.setattr(torch.optim.AdamW, "step", noted)
    go(Fake(), objective=Objective(lambda update, rows, loss: loss * 1e6), max_grad_norm=0.25)
    assert norms == pytest.approx([0.25] * 12, rel=1e-3)


def test_the_rate_rises_during_warm_up_and_falls_to_nothing_and_levels_keep_their_share(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rates: list[list[float]] = []
    step = torch.optim.AdamW.step

    def noted(self: Any, *args: Any, **more: Any) -> Any:
        rates.append(sorted({group["lr"] for group in self.param_groups}, reverse=True))
        return step(self, *args, **more)

    monkeypatch.setattr(torch.optim.AdamW, "step", noted)
    go(Fake(), epochs=2, rate=0.8, warmup=0.25)
    # Eight updates, two of warm-up: 1/2 and 2/2 of the rate, then (8 - update) / 6.
    shares = [1 / 2, 2 / 2, 6 / 6, 5 / 6, 4 / 6, 3 / 6, 2 / 6, 1 / 6]
    assert rates == [pytest.approx([0.8 * share, 0.4 * share, 0.2 * share]) for share in shares]


@pytest.mark.parametrize("seed", range(4))
def test_the_rate_ends_at_its_last_share_and_never_below_where_epochs_differ_in_their_number_of_batches(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rates: list[float] = []
    step = torch.optim.AdamW.step

    def noted(self: Any, *args: Any, **more: Any) -> Any:
        rates.append(max(group["lr"] for group in self.param_groups))
        return step(self, *args, **more)

    monkeypatch.setattr(torch.optim.AdamW, "step", noted)
    lengths = np.random.default_rng(seed).integers(3, 40, ROWS)
    go(Fake(), epochs=8, rate=1e-2, warmup=0.0, batch_size=3, lengths=lengths, seed=seed)
    assert rates == pytest.approx([1e-2 * (len(rates) - at) / len(rates) for at in range(len(rates))])


def test_matrices_decay_and_biases_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    groups: list[tuple[int, float]] = []
    build = torch.optim.AdamW.__init__

    def noted(self: Any, params: Any, **more: Any) -> None:
        groups.extend((group["params"][0].ndim, group["weight_decay"]) for group in params)
        build(self, params, **more)

    monkeypatch.setattr(torch.optim.AdamW, "__init__", noted)
    go(Fake(), weight_decay=0.3)
    assert set(groups) == {(2, 0.3), (1, 0.0)}


def test_the_loss_of_an_epoch_is_the_mean_over_its_rows() -> None:
    model = Fake().eval()
    data = prepared()
    with torch.no_grad():
        expected = float((model(data.inputs) - data.targets).pow(2).sum(1).mean())
    for part in (model.low, model.high, model.head):
        part[1] = nn.Dropout(0.0)
    history = go(model, epochs=1, rate=1e-12, batch_size=5)
    assert history.epochs[1].train_loss == pytest.approx(expected, rel=1e-5)
    assert history.epochs[0].train_loss is None
    assert history.epochs[0].plain()["validation_loss"] == 1.0


def last_epochs(stage: dict[str, Any], validated: bool = True) -> tuple[Fake, History]:
    model, calls = Fake(), iter(range(100))

    def validate(_: Any) -> tuple[tuple[float, float], float, Logits]:
        return (float(next(calls)), 0.0), 1.0, Logits.of(np.zeros((1, 1), dtype=np.float32))

    data, told = prepared(), {"epochs": 4, "learning_rate": 1e-2} | stage
    history = train(
        model,  # type: ignore[arg-type]
        Stage(Objective(), data, groups(model), **told),  # type: ignore[arg-type]
        Training(batch_size=6, patience=50),
        seed=0,
        validate=validate if validated else None,
    )
    return model, history


@pytest.mark.parametrize("validated", [True, False])
def test_training_that_stops_after_an_epoch_keeps_to_the_schedule_of_all(
    validated: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    rates: list[float] = []
    step = torch.optim.AdamW.step

    def noted(self: Any, *args: Any, **more: Any) -> Any:
        rates.append(max(group["lr"] for group in self.param_groups))
        return step(self, *args, **more)

    monkeypatch.setattr(torch.optim.AdamW, "step", noted)
    _, whole = last_epochs({}, validated)
    part, early = last_epochs({"stop_after": 2}, validated)
    assert (whole.best, early.best, early.updates) == (4, 2, 8)
    assert rates[16:] == rates[:8]
    assert not part.training
    _, beyond = last_epochs({"stop_after": 9}, validated)
    assert (beyond.best, beyond.updates) == (4, 16)


def test_training_that_stops_after_epoch_zero_leaves_the_weights_as_they_were() -> None:
    model, history = last_epochs({"stop_after": 0}, validated=False)
    assert equal(model.weights(), Fake().weights())
    assert (history.best, history.updates, history.epochs) == (0, 0, [])


def test_without_validation_the_weights_of_the_last_epoch_are_kept() -> None:
    validated, _ = last_epochs({})  # each epoch better than the one before
    model, history = last_epochs({}, validated=False)
    assert equal(model.weights(), validated.weights())
    assert [epoch.epoch for epoch in history.epochs] == [1, 2, 3, 4]
    assert all(epoch.train_loss is not None and math.isnan(epoch.validation) for epoch in history.epochs)


def test_batches_that_were_chosen_are_taken_as_they_are_and_count_for_the_schedule(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rates: list[float] = []
    step = torch.optim.AdamW.step

    def noted(self: Any, *args: Any, **more: Any) -> Any:
        rates.append(max(group["lr"] for group in self.param_groups))
        return step(self, *args, **more)

    monkeypatch.setattr(torch.optim.AdamW, "step", noted)
    chosen = {0: [[3, 1, 2], [0]], 1: [[5, 4]]}
    objective, model = Objective(), Fake()
    stage = Stage(
        objective, prepared(), groups(model), 2, 0.3, batches=lambda epoch: [np.array(rows) for rows in chosen[epoch]]  # type: ignore[arg-type]
    )  # fmt: skip
    train(model, stage, Training(warmup=0.0), seed=0, validate=None)  # type: ignore[arg-type]
    assert objective.batches == [[3, 1, 2], [0], [5, 4]]
    assert rates == pytest.approx([0.3, 0.2, 0.1])
