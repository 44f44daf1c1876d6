"""What single strategies decide, on small contexts."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from headstart.backbones.location import BackboneSource, locate
from headstart.data.store import Store, joined_rows
from headstart.errors import RecipeError, UsageError
from headstart.evaluation.judging import sort_key
from headstart.heads.model import Model
from headstart.runtime.deadline import Deadline, OutOfTime
from headstart.runtime.progress import Progress
from headstart.solving.logistic import GRID as SOLVE_GRID
from headstart.solving.logistic import Part
from headstart.solving.ridge import ridge_by_folds
from headstart.strategies import feature_extraction, probing, tf_idf
from headstart.strategies.base import Context, Shared, Strategy
from headstart.strategies.contrastive import Contrastive
from headstart.strategies.cross_validation import prepared
from headstart.strategies.domain_adaptation import DomainAdaptation
from headstart.strategies.feature_extraction import FeatureExtraction, layer_sets
from headstart.strategies.fine_tuning import FineTuning
from headstart.strategies.from_scratch import FromScratch
from headstart.strategies.probing import _choosing_folds, features, solved_head
from headstart.strategies.tf_idf import GRID, TfIdf, _dealt
from headstart.tasks.text_classification import Example, TextClassification
from headstart.training.settings import Training

WORDS = ["parcel", "shop", "day", "night", "way", "nine", "monday", "start", "end", "yours"]


def part(count: int, start: int = 0) -> Store[Example]:
    """Texts told apart by one word, a third of them `bad`."""
    examples = []
    for at in range(start, start + count):
        word, label = ("bad", "down") if at % 3 == 0 else ("good", "up")
        filling = " ".join(WORDS[(at * step) % 10] for step in range(1, 2 + at % 5))
        examples.append(Example(f"the {filling} is {word}", label))
    return Store(examples, list(range(count)), "f.csv")


@pytest.fixture
def context(make_backbone: Callable[..., Path], tmp_path: Path) -> Context:
    folder = make_backbone(tmp_path / "wide", initializer_range=0.2)
    train, validation = part(36), part(18, 100)
    task = TextClassification(text=("text",), label="label").bind(train)
    located = locate(BackboneSource(location=str(folder)))
    return Context(task, train, validation, located, Training(batch_size=8, epochs=2), seed=0)


def test_sets_of_layers_are_worth_comparing_and_each_once() -> None:
    assert layer_sets(2) == [(2,), (1,), (0, 1, 2), (1, 2)]
    assert layer_sets(6) == [(6,), (5,), (3,), (4, 5, 6), (3, 4, 5, 6), (0, 1, 2, 3, 4, 5, 6)]
    assert layer_sets(24)[-1] == (0, 4, 8, 12, 16, 20, 24)
    for depth in range(1, 30):
        sets = layer_sets(depth)
        assert len(set(sets)) == len(sets)
        assert all(0 <= layer <= depth for layers in sets for layer in layers)


def test_feature_extraction_takes_what_it_was_told(context: Context) -> None:
    found = FeatureExtraction(layers=(0, 2), pooling="mean", C=0.02).fit(context)
    assert (found.strategy.layers, found.strategy.pooling, found.strategy.C) == ((0, 2), "mean", 0.02)
    assert found.description == "frozen, mean of layers 0, 2, C 0.02"
    assert found.trainable_parameters == 2 * 32 * 2 + 2
    assert FeatureExtraction(layers=1).fit(context).description.startswith("frozen, ")  # type: ignore[arg-type]


def test_feature_extraction_chooses_on_training_rows_and_leaves_validation_for_comparing(context: Context) -> None:
    found = FeatureExtraction().fit(context)
    turned = [Example(row.text, "up" if row.label == "down" else "down") for row in context.validation.examples]
    other = FeatureExtraction().fit(
        replace(context, validation=Store(turned, list(range(len(turned))), "f.csv"), shared=Shared())
    )
    assert (other.strategy.layers, other.strategy.pooling, other.strategy.C) == (
        found.strategy.layers, found.strategy.pooling, found.strategy.C,
    )  # fmt: skip
    np.testing.assert_array_equal(other.validation.values, found.validation.values)


def test_feature_extraction_chooses_what_does_best_on_rows_held_out(context: Context) -> None:
    backbone = context.backbone()
    states, _ = features(context, backbone)
    rows, dealt = _choosing_folds(context, backbone)
    assert rows is not None
    assert dealt.shape == (1, 36)
    assert sorted(np.unique(dealt)) == [0, 1, 2]
    targets = context.task.targets(context.train)
    ranks = {}
    for at, pooling in enumerate(backbone.poolings):
        for layers in layer_sets(2):
            inputs = states[:, list(layers), at].reshape(36, -1)
            part = Part(inputs, targets, np.ones(36))
            ranks[layers, pooling] = ridge_by_folds(part, dealt, labels=2, rank=context.task.unit_sort_key)
    found = FeatureExtraction().fit(context)
    assert ranks[found.strategy.layers, found.strategy.pooling] == max(ranks.values())


def test_a_row_and_its_copies_are_held_out_together(context: Context) -> None:
    rows = replace(context.train.take(range(35)), groups=np.arange(35))
    others = [replace(each, text=f"{each.text} again") for each in rows.examples]
    copied = replace(context, train=joined_rows(rows, replace(rows, examples=others)), shared=Shared())
    gated, crossed = DomainAdaptation(gate_folds=3)._judged_on(copied)
    assert crossed and gated.folds is not None
    of_layers = _choosing_folds(copied, context.backbone())[1][0]
    for dealt in (gated.folds[0], of_layers, _dealt(context.task, copied.train)):
        assert (dealt[:35] == dealt[35:]).all() and len(np.unique(dealt)) >= 3


def test_with_many_rows_layers_are_chosen_on_a_sample_and_the_strength_on_validation(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (probing, feature_extraction):
        monkeypatch.setattr(module, "CHOOSING_ROWS", 20)
    rows, dealt = _choosing_folds(context, context.backbone())
    assert rows is not None
    assert (len(rows), dealt.shape) == (20, (1, 20))
    monkeypatch.setattr(probing, "solve_by_folds", lambda *_, **__: pytest.fail("strength by cross-validation"))
    assert FeatureExtraction().fit(context).strategy.C in SOLVE_GRID


@pytest.mark.parametrize(
    ("strategy", "message"),
    [
        (FeatureExtraction(layers=(3,)), r"strategy\.layers: 3 is above 2, the last layer"),
        (FeatureExtraction(pooling="last"), r"strategy\.pooling: 'last' does not suit this backbone \(first, mean\)"),
        (FineTuning(layers=0), r"strategy\.layers: 0 layers can't move; give 'all' or a number of at least 1"),
    ],
)
def test_what_the_backbone_cannot_do_is_a_fault_of_the_recipe(strategy: Any, message: str, context: Context) -> None:
    with pytest.raises(RecipeError, match=message):
        strategy.fit(context)


def test_fine_tuning_of_more_layers_than_there_are_moves_all(context: Context) -> None:
    few, many = (FineTuning(layers=layers, head="mean").fit(context) for layers in (2, 9))
    assert few.trainable_parameters == many.trainable_parameters


def test_fine_tuning_says_what_moved_and_reports_every_epoch(context: Context) -> None:
    found = FineTuning(layers=1, head="native", unfreezing="gradual").fit(context)
    assert found.description.startswith("top 1 layer, gradual, first token, epoch ")
    assert found.description.endswith(" of 2")
    assert [point["epoch"] for point in found.curve] == [0, 1, 2]
    assert found.curve[0]["train_loss"] is None
    assert found.training.learning_rate == 1e-4


def test_fine_tuning_from_a_solved_head_is_never_worse_on_validation_than_that_head(context: Context) -> None:
    found = FineTuning(head="native").fit(
        context.__class__(**(vars(context) | {"training": Training(epochs=2, learning_rate=0.5)}))
    )
    start = found.curve[0]
    assert sort_key(context.task, found.validation, context.validation)[0] >= start["validation"] - 1e-9


def test_dropout_within_the_network_is_its_own_or_what_was_asked_for(context: Context) -> None:
    def outputs(share: Any) -> np.ndarray:
        strategy = FineTuning(head="mean", head_first=False, dropout=0.0, hidden_dropout=share)
        return np.asarray(strategy.fit(context).predictor.outputs(["it is good", "the shop is bad bad"]).values)

    own, same, none, much = (outputs(share) for share in ("own", 0.1, 0.0, 0.5))
    np.testing.assert_array_equal(own, same)  # what BERT's configurations say
    assert not np.allclose(own, none)
    assert not np.allclose(none, much)


@pytest.mark.parametrize(
    ("unfreezing", "layers", "embeddings", "expected"),
    [
        ("at-once", "all", False, [(1.0, 0), (1.0, 0), (0.5, 0)]),
        ("gradual", "all", False, [(1.0, 0), (1.0, 0), (0.5, 1)]),
        ("gradual", "all", True, [(1.0, 0), (1.0, 0), (0.5, 1), (0.25, 2)]),
        ("gradual", 1, True, [(1.0, 0), (1.0, 0)]),
    ],
)
def test_layers_thaw_from_the_top_and_their_rates_fall(
    unfreezing: Any, layers: Any, embeddings: bool, expected: list[tuple[float, int]], context: Context
) -> None:
    backbone = context.backbone()
    model = Model(backbone, context.task.heads(backbone))
    strategy = FineTuning(unfreezing=unfreezing, layers=layers, embeddings=embeddings, layer_decay=0.5)
    groups = strategy.layer_groups(model, 4)
    assert [(group.rate, group.from_epoch) for group in groups] == expected
    stack = backbone.blocks()[::-1]
    assert [group.modules for group in groups[1:]] == stack[: len(groups) - 1]
    assert all(group.from_epoch <= 1 for group in strategy.layer_groups(model, 2))


def test_a_head_that_is_solved_first_starts_better_than_chance(context: Context) -> None:
    solved, random = (FineTuning(head="mean", head_first=first).fit(context).curve[0] for first in (True, False))
    assert solved["validation"] > random["validation"]
    assert solved["validation_loss"] < random["validation_loss"]


def test_a_network_that_has_read_little_is_trained_as_one_that_knows_little(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert context.located is not None
    young = replace(context, located=replace(context.located, learned=0.5), training=Training(batch_size=8))
    grown = replace(young, located=replace(context.located, learned=50.0))
    before = {name: weight.detach().clone() for name, weight in context.backbone().named_parameters()}
    found = FineTuning().fit(young)
    strategy: Any = found.strategy
    assert (strategy.head, strategy.head_first, strategy.embeddings) == ("mean", False, True)
    assert found.training.epochs == 8
    assert found.training.learning_rate in (1e-4, 3e-4, 1e-3)
    assert "best of learning rates 0.0001, 0.0003, 0.001" in found.notes[-1]
    after = dict(found.predictor.model.backbone.named_parameters())  # type: ignore[attr-defined]
    words = next(name for name in before if "word_embeddings" in name)
    assert not np.array_equal(before[words].numpy(), after[words].detach().numpy())
    # What was found, asked for by name, is the same without a choice.
    again = strategy.fit(replace(young, training=found.training))
    assert np.array_equal(again.validation.values, found.validation.values)
    usual: Any = FineTuning(head="mean").fit(grown).strategy
    assert (usual.head_first, usual.embeddings) == (True, False)
    # The plan knows about the three trainings.
    assert FineTuning().work(young).training > 7 * FineTuning(head="mean").work(grown).training


def test_out_of_time_after_one_rate_keeps_what_there_is(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    assert context.located is not None
    young = replace(context, located=replace(context.located, learned=0.5))
    trained, rates = FineTuning._train, []

    def ending(self: FineTuning, part: Context, pooling: str, epochs: int, rate: float, **more: Any) -> Any:
        rates.append(rate)
        if len(rates) > 1:
            raise OutOfTime
        return trained(self, part, pooling, epochs, rate, **more)

    monkeypatch.setattr(FineTuning, "_train", ending)
    assert FineTuning().fit(young).training.learning_rate == 1e-4
    assert rates == [1e-4, 3e-4]


def test_from_scratch_says_how_long_it_trained_and_keeps_its_best_rate(context: Context) -> None:
    found = FromScratch(rates=(1e-7, 1e-3)).fit(context)
    # 36 rows in batches of 8 are few, so it gets the most epochs there are.
    assert found.training.epochs == 8
    assert found.strategy.rates == (1e-3,)  # type: ignore[attr-defined]


def test_brief_rates_are_compared_on_the_way_and_the_best_goes_on_to_the_same_weights(context: Context) -> None:
    brief = FromScratch(rates=(1e-7, 1e-3), passes=4, compare_after=1)
    assert brief.work(context).training == pytest.approx(1.5 * (4 + 1))
    told: list[float] = []

    class Told(Progress):
        def advance(self, units: float, note: str = "") -> None:
            told.append(units)

    found = brief.fit(replace(context, progress=Told()))
    assert sum(told) == len(context.train) * (2 * 1 + 3)  # it goes on where it was left
    alone: Any = found.strategy
    assert (alone.rates, alone.passes, alone.compare_after) == ((1e-3,), 4, 4)
    assert "after 1 of 4 passes, where the others ended" in found.notes[0]
    again = alone.fit(context)
    assert np.array_equal(again.validation.values, found.validation.values)  # type: ignore[attr-defined]
    assert [each["train_loss"] for each in again.curve] == [each["train_loss"] for each in found.curve]


def test_a_brief_control_that_its_time_cuts_short_says_so_and_is_made_again(
    context: Context,
) -> None:
    class Ending(Deadline):
        asked = 0

        @property
        def passed(self) -> bool:
            Ending.asked += 1
            return Ending.asked > 20  # 5 batches each: two trials of one pass, and two passes more

    brief = FromScratch(rates=(1e-7, 1e-3), passes=6, compare_after=1)
    found = brief.fit(replace(context, deadline=Ending(0.0)))
    assert found.training.stop_after is not None
    assert 2 <= found.training.stop_after < 6
    assert f"its time ended training after pass {found.training.stop_after} of 6" in found.notes
    again = found.strategy.fit(replace(context, training=found.training))
    assert np.array_equal(again.validation.values, found.validation.values)  # type: ignore[attr-defined]
    Ending.asked = 0
    with pytest.raises(OutOfTime):
        brief.revised(compare_after=5).fit(replace(context, deadline=Ending(0.0)))


def test_class_weights_reach_every_strategy(context: Context) -> None:
    heavy = context.task.revised(class_weight={"down": 1e4})
    noisy = Store(
        [Example(e.text, ("down", "up")[at % 2]) for at, e in enumerate(context.train.examples)],
        context.train.lines,
        "f",
    )
    for strategy in (TfIdf(C=0.01), FeatureExtraction(layers=(2,), pooling="mean", C=1e-3)):
        shares = []
        for task in (context.task, heavy):
            fresh = Context(task, noisy, context.validation, context.located, context.training, 0)
            shares.append((strategy.fit(fresh).validation.values.argmax(1) == 0).mean())
        assert shares[1] == 1.0 > shares[0], strategy.name


def test_features_and_tokens_are_made_once_per_run(context: Context) -> None:
    backbone = context.backbone()
    assert prepared(context, backbone.tokenizer)[0] is prepared(context, backbone.tokenizer)[0]
    assert features(context, backbone)[0] is features(context, context.backbone())[0]


def test_a_solved_head_reads_the_layers_it_was_told(context: Context) -> None:
    backbone = context.backbone()
    solved = solved_head(context, backbone, layers=(1, 2), pooling="mean", grid=(0.01,))
    train, _ = features(context, backbone)
    expected = np.concatenate([train[:, 1, 1], train[:, 2, 1]], axis=1)
    assert solved.weight.shape == (2, 64)
    right = solved.logits(expected).argmax(1) == context.task.targets(context.train)
    assert right.mean() > 0.8


def test_tf_idf_keeps_a_strength_that_was_given_and_chooses_one_otherwise(context: Context) -> None:
    assert TfIdf(C=0.7).fit(context).strategy == TfIdf(C=0.7)
    found = TfIdf().fit(context)
    assert found.strategy.C in GRID  # type: ignore[attr-defined]
    assert (found.validation.values.argmax(1) == context.task.targets(context.validation)).all()


def test_tf_idf_is_tuned_on_rows_it_was_not_fitted_on(context: Context) -> None:
    random = np.random.default_rng(0)
    noise = [Example(f"word{at} {WORDS[at % 10]}", "up" if random.random() < 0.5 else "down") for at in range(60)]
    rows = Store(noise, list(range(60)), "f")
    task = context.task.revised(metric="log_loss")
    found = TfIdf().fit(Context(task, rows, context.validation, None, context.training, 0))
    # Labels drawn at random: the less is believed, the better; on rows it was fitted on, the more.
    assert found.strategy.C == min(GRID)  # type: ignore[attr-defined]


def test_a_run_without_a_backbone_says_so_when_one_is_asked_for(context: Context) -> None:
    context.located = None
    TfIdf(C=1.0).fit(context)
    with pytest.raises(UsageError, match="set up without a backbone"):
        context.backbone()


def test_tf_idf_of_many_rows_learns_from_a_sample_and_says_so(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = TfIdf(C=1.0).fit(context)
    assert whole.notes == []
    monkeypatch.setattr(tf_idf, "COUNTED_ROWS", len(context.train) - 4)
    monkeypatch.setattr(tf_idf, "CHUNK", 7)
    counted = TfIdf(C=1.0).fit(context)
    assert counted.notes == []
    assert counted.predictor.weight.shape[1] <= whole.predictor.weight.shape[1]  # type: ignore[attr-defined]
    monkeypatch.setattr(tf_idf, "MOST_ROWS", 20)
    some = TfIdf(C=1.0).fit(context)
    assert some.notes == [f"learnt from 20 of {len(context.train)} rows, at random"]
    again = TfIdf(C=1.0).fit(context)
    np.testing.assert_array_equal(some.validation.values, again.validation.values)
    for found in (counted, some):
        assert found.validation.values.shape == whole.validation.values.shape
        assert (found.validation.values.argmax(1) == context.task.targets(context.validation)).mean() > 0.8


@pytest.mark.parametrize("strategy", [FeatureExtraction(), FineTuning(), Contrastive()], ids=lambda s: s.name)
def test_features_too_many_for_memory_give_the_same_model(
    context: Context, strategy: Strategy, monkeypatch: pytest.MonkeyPatch
) -> None:
    context.training = context.training.revised(epochs=1)
    small = strategy.fit(replace(context, shared=Shared()))
    monkeypatch.setattr(probing, "FEATURE_BYTES", 1)
    large = strategy.fit(replace(context, shared=Shared()))
    assert large.strategy == small.strategy
    np.testing.assert_allclose(large.validation.values, small.validation.values, atol=1e-4)


def test_heads_of_very_many_rows_are_solved_on_a_sample_that_is_stated(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probing, "SOLVING_ROWS", 24)
    for limit in (probing.FEATURE_BYTES, 1):
        monkeypatch.setattr(probing, "FEATURE_BYTES", limit)
        found = FeatureExtraction().fit(replace(context, shared=Shared()))
        assert found.notes == [f"head fitted on 24 of {len(context.train)} rows, at random"]
        assert (
            Contrastive().fit(replace(context, shared=Shared())).validation.values.shape
            == found.validation.values.shape
        )
