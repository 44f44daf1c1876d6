"""Learning from raw text: rounds, plans, the pull towards the start, and heads that learn alone first."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from headstart.backbones.encoder import TextEncoder
from headstart.backbones.location import BackboneSource, locate
from headstart.heads.model import Model
from headstart.objectives.masked_lm import MaskedLM
from headstart.objectives.simcse import SimCSE
from headstart.runtime.deadline import Deadline, OutOfTime
from headstart.training.head_warmup import own_weights, prime
from headstart.training.language import Learner, Speed, held_sums
from headstart.training.settings import TextTraining

TEXTS = [f"the {'good' if at % 2 else 'bad'} shop opens at nine and it is a day to you {at % 4}" for at in range(60)]


@pytest.fixture
def learner(tiny_backbone: Path) -> Callable[..., Learner]:
    def make(objective: Any = None, **settings: Any) -> Learner:
        torch.manual_seed(0)
        objective = objective or MaskedLM()
        backbone = TextEncoder(locate(BackboneSource(location=str(tiny_backbone))))
        model = Model(backbone, objective.heads(backbone))
        pieces = backbone.tokenizer.framing.pieces(TEXTS, direction=objective.direction, seed=0)
        held = pieces.take(np.arange(8))
        given = TextTraining(**({"batch_tokens": 100, "rounds": 3} | settings))
        return Learner(model, objective, pieces.take(np.arange(8, 60)), held, given, 2e-3, 0, backbone.tokenizer)

    return make


def test_the_best_round_is_kept_and_the_curve_counts_tokens(learner: Callable[..., Learner]) -> None:
    made = learner()
    learned = made.learn(20)
    assert [row["updates"] for row in learned.curve] == [0, 7, 14, 20]
    assert learned.curve[0]["tokens"] == 0
    counted = [sum(int(made.rows.lengths[rows].sum()) for rows in made.batches(20)(number)) for number in range(3)]
    assert [row["tokens"] for row in learned.curve[1:]] == np.cumsum(counted).tolist()
    best = min(row["loss"] for row in learned.curve)
    assert made.held_loss() == pytest.approx(best, rel=1e-6)
    assert learned.curve[learned.history.best]["loss"] == best < learned.curve[0]["loss"]


def test_measuring_the_speed_leaves_the_model_as_it_was(learner: Callable[..., Learner]) -> None:
    made = learner()
    before = {name: weight.detach().clone() for name, weight in made.model.named_parameters()}
    loss = made.held_loss()
    speed, evaluating = made.measure()
    assert all(torch.equal(weight, before[name]) for name, weight in made.model.named_parameters())
    assert made.held_loss() == loss
    assert speed.rate > 0
    assert evaluating > 0
    # Two layers of width 32: the products of a token, forward and backward, cannot be fewer than six per weight of theirs.
    weights = sum(p.numel() for name, p in made.model.named_parameters() if "layer." in name and p.ndim > 1)
    assert speed.operations > 5 * weights


def test_the_held_out_loss_hides_the_same_words_every_time(learner: Callable[..., Learner]) -> None:
    for objective in (MaskedLM(), SimCSE()):
        made = learner(objective)
        one = held_sums(made.model, made.objective, made.held, 0)
        torch.rand(3)
        assert held_sums(made.model, made.objective, made.held, 0) == one
        assert one[1] > 0


def test_as_many_updates_are_planned_as_fit(learner: Callable[..., Learner]) -> None:
    made = learner()
    tokens = made.batches(8).rows * float(made.rows.own.mean())
    deadline = Deadline(time.perf_counter() + 100)
    planned = made.updates_in(deadline, Speed(tokens=int(10 * tokens), seconds=10.0), 2.0)
    assert planned == pytest.approx((96 - 5 * 2.0) / 1.0, abs=1)
    assert made.updates_in(Deadline(time.perf_counter() - 1), Speed(1000, 1.0), 0.1) == 0


def test_measuring_on_held_out_text_takes_a_small_share_of_the_time(
    learner: Callable[..., Learner], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headstart.training.language.LEAST_MEASURED", 8)
    made = learner()
    held = made.held.tokens
    times = made.settings.rounds + 2
    assert made.measure_less(Deadline(time.perf_counter() + 1000 * times), 1.0) == 1.0
    assert made.held.tokens == held
    taken = made.measure_less(Deadline(time.perf_counter() + 10 * times), 1.0)
    assert taken == pytest.approx(0.4, abs=0.02)
    fewer = made.held
    assert 0.3 * held < fewer.tokens < 0.6 * held
    again = learner()
    again.measure_on(fewer.tokens)
    assert (again.held.starts == fewer.starts).all()


def test_a_budget_that_measuring_even_little_would_eat_is_measured_less_often(learner: Callable[..., Learner]) -> None:
    made = learner()
    made.measure_seldom(Deadline(time.perf_counter() + 1000), 1.0)
    assert made.settings.rounds == 3  # as it was
    made.measure_seldom(Deadline(time.perf_counter() + 60), 1.2)  # 4.8 seconds are allowed, four times 1.2
    assert made.settings.rounds == 2
    made.measure_seldom(Deadline(time.perf_counter() + 1), 5.0)
    assert made.settings.rounds == 2


def test_under_a_budget_few_updates_are_timed_and_little_is_measured(
    learner: Callable[..., Learner], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headstart.training.language.LEAST_MEASURED", 8)
    made = learner()
    timed = []
    usual = Learner._timed
    monkeypatch.setattr(
        Learner,
        "_timed",
        lambda self, updates, *, skipped: timed.append(updates) or usual(self, updates, skipped=skipped),
    )
    before = {name: weight.detach().clone() for name, weight in made.model.named_parameters()}
    speed, evaluating = made.measure(1e-3)
    assert timed == [2]
    assert speed.rate > 0
    assert evaluating > 0
    made.measure(1e6)
    assert timed == [2, 2, 8]
    made.measure()
    assert timed == [2, 2, 8, 8]
    assert all(torch.equal(weight, before[name]) for name, weight in made.model.named_parameters())


def test_a_deadline_ends_learning_after_a_whole_round(learner: Callable[..., Learner]) -> None:
    with pytest.raises(OutOfTime):
        learner().learn(20, deadline=Deadline(time.perf_counter() - 1))


def test_the_pull_towards_the_start_holds_the_weights_back(learner: Callable[..., Learner]) -> None:
    moved = []
    for pull in (0.0, 100.0):
        made = learner(l2_sp=pull)
        before = {name: weight.detach().clone() for name, weight in made.model.named_parameters()}
        made.learn(12)
        moved.append(
            sum(
                float((weight - before[name]).detach().square().sum()) for name, weight in made.model.named_parameters()
            )
        )
    assert moved[1] < 0.8 * moved[0]


def test_one_step_of_the_pull_is_the_rate_times_it_of_the_way_back(learner: Callable[..., Learner]) -> None:
    from headstart.training.trainer import _Loop

    made = learner(l2_sp=0.5)
    loop = _Loop(made.model, made._stage(4), made.settings.loop, 0, None, made.progress, None)
    weight, start = loop.parameters[0], loop.start[0].clone()
    with torch.no_grad():
        weight.add_(1.0)
    for group in loop.optimizer.param_groups:
        group["lr"] = 0.1
    loop._pull()
    loop.best.close()
    torch.testing.assert_close(weight.detach(), start + 0.95)


def test_a_random_head_learns_alone_first(learner: Callable[..., Learner]) -> None:
    made = learner()
    before = {name: weight.detach().clone() for name, weight in made.model.named_parameters()}
    prime(made, 100, None)
    changed = {name for name, weight in made.model.named_parameters() if not torch.equal(weight, before[name])}
    assert changed
    assert all(name.startswith("heads.") for name in changed)
    assert own_weights(Model(made.model.backbone, {})) == []


def test_words_with_one_vector_at_both_ends_are_moved_by_one_optimiser_entry(learner: Callable[..., Learner]) -> None:
    from headstart.training.trainer import _Loop

    made = learner()
    loop = _Loop(made.model, made._stage(4), made.settings.loop, 0, None, made.progress, None)
    loop.best.close()
    assert len({id(parameter) for parameter in loop.parameters}) == len(loop.parameters)
