"""Self-training: which texts are labelled, what is learnt from them, and when a round is not kept."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
import pytest

from headstart.config import parse
from headstart.data.outputs import Logits
from headstart.errors import RecipeError
from headstart.runtime.deadline import OutOfTime
from headstart.strategies.base import Candidate, Context, Strategy
from headstart.strategies.self_training import SelfTraining, believed, least_confidence

Few = Callable[..., Context]
SEEN: list[Context] = []
"""Contexts that the scripted strategy was fitted in, in order."""


class SaysByWord:
    """Sure of `up` where the text has the word good, of `down` where it has bad, of nothing elsewhere."""

    def __init__(self, sureness: float) -> None:
        self.sureness = sureness

    def outputs(self, texts: Any, *, progress: Any = None) -> Logits:
        signs = [("good" in text) - ("bad" in text) for text in texts]
        return Logits.of(np.array([[sign * self.sureness, 0.0] for sign in signs]))


class Scripted(Strategy):
    """Right on validation but for the share given for each fit, and as sure as told."""

    name: ClassVar[str] = "scripted"
    cost: ClassVar[int] = 1

    wrong: tuple[float, ...] = (0.0,)
    sureness: float = 9.0
    cut: int = 99
    late: int = 99

    def fit(self, context: Context) -> Candidate:
        SEEN.append(context)
        at = len(SEEN) - 1
        if at == self.late:
            raise OutOfTime
        targets = context.task.targets(context.validation)
        logits = np.where(targets[:, None] == np.arange(2), 3.0, 0.0)
        broken = round(self.wrong[min(at, len(self.wrong) - 1)] * len(targets))
        logits[:broken] = logits[:broken, ::-1]
        training = context.training.revised(stop_after=1) if at == self.cut else context.training
        predictor: Any = SaysByWord(self.sureness)
        return Candidate(self, training, predictor, Logits.of(logits), f"fit {at}", 1)


@pytest.fixture(autouse=True)
def fresh() -> None:
    SEEN.clear()


def added(context: Context, rows: int) -> list[tuple[str | None, float, bool]]:
    """Label, weight and whether the text says good of what stands behind the labelled rows."""
    examples = list(context.train.examples)[rows:]
    return [(example.label, example.weight, "good" in example.text) for example in examples]


def test_the_threshold_is_the_least_confidence_at_which_nine_in_ten_are_right() -> None:
    sure = np.array([0.99, 0.98, 0.97, 0.96, 0.95, 0.94, 0.93, 0.92, 0.91, 0.9, 0.8, 0.7, 0.6])
    right = np.array([True] * 10 + [False, False, True])  # 10 of 11 are 0.909, 10 of 12 and 11 of 13 below 0.9
    targets = np.where(right, 0, 1)
    assert least_confidence(np.stack([sure, 1 - sure], axis=1), targets) == 0.8


def test_rows_that_are_as_sure_are_counted_together() -> None:
    sure = np.array([0.99] * 9 + [0.8] * 3)
    targets = np.array([0] * 9 + [0, 1, 1])  # at 0.8 there are 12 rows and 10 right ones
    assert least_confidence(np.stack([sure, 1 - sure], axis=1), targets) == 0.9


def test_too_few_rows_say_nothing_of_a_threshold() -> None:
    sure = np.full(9, 0.6)
    assert least_confidence(np.stack([sure, 1 - sure], axis=1), np.zeros(9, int)) == 0.9


def test_as_many_texts_are_labelled_of_each_label_the_surest_first() -> None:
    first = np.array([0.95, 0.99, 0.91, 0.97, 0.2, 0.5, 0.1])
    rows, labels = believed(np.stack([first, 1 - first, np.zeros(7)], axis=1), 0.75)
    # Two are sure of label 1, rows 4 and 6, four of label 0, of which 1 and 3 are the surest, none of label 2.
    assert rows.tolist() == [1, 3, 4, 6]
    assert labels.tolist() == [0, 0, 1, 1]
    for other in (0.5, 0.99):  # sure of nothing, and of label 0 alone
        assert believed(np.array([[other, 1 - other]] * 3), 0.75)[0].tolist() == []


def test_what_was_labelled_is_learnt_from_at_its_weight_and_labelled_anew_in_every_round(few: Few) -> None:
    context = few(per_label=10, parts=0)
    found = SelfTraining(then=Scripted(), rounds=2, pseudo_weight=0.25, confidence=0.9).fit(context)
    assert [len(each.train) for each in SEEN] == [20, 36, 36]  # 16 target texts, 8 of each word
    assert sorted(set(added(SEEN[2], 20)), key=str) == [("down", 0.25, False), ("up", 0.25, True)]
    assert SEEN[2].validation is context.validation
    assert found.strategy == SelfTraining(then=Scripted(), rounds=2, pseudo_weight=0.25, confidence=0.9)
    assert "16 of 16 target texts labelled, threshold 0.90" in found.notes
    assert found.description == "scripted, 2 rounds: fit 2"


def test_a_round_that_is_worse_on_validation_by_more_than_noise_is_not_kept(few: Few) -> None:
    context = few(per_label=30, parts=0)
    found = SelfTraining(then=Scripted(wrong=(0.0, 0.0, 0.5)), rounds=2, confidence=0.9).fit(context)
    assert found.description == "scripted, 1 round: fit 1"
    assert found.strategy.rounds == 1  # type: ignore[attr-defined]
    assert "later rounds were worse on validation by more than noise" in found.notes
    SEEN.clear()
    noise = SelfTraining(then=Scripted(wrong=(0.0, 0.0, 0.05)), rounds=2, confidence=0.9).fit(context)
    assert noise.description == "scripted, 2 rounds: fit 2"


def test_where_no_text_is_sure_enough_there_is_no_round(few: Few) -> None:
    found = SelfTraining(then=Scripted(sureness=0.01), rounds=3, confidence=0.99).fit(few(per_label=10, parts=0))
    assert len(SEEN) == 1
    assert found.strategy.rounds == 0  # type: ignore[attr-defined]
    assert found.notes == [
        "0 of 16 target texts labelled, threshold 0.99",
        "0 of 3 rounds: too few target texts are as sure",
    ]


@pytest.mark.parametrize("how", ["cut", "late"])
def test_a_round_that_the_budget_cut_short_does_not_count(how: str, few: Few) -> None:
    scripted = Scripted(**{how: 2})  # type: ignore[arg-type]
    found = SelfTraining(then=scripted, rounds=2, confidence=0.9).fit(few(per_label=10, parts=0))
    assert found.description == "scripted, 1 round: fit 1"
    assert found.training.stop_after is None


def test_under_folds_every_fold_goes_through_the_rounds_without_its_held_out_rows(few: Few) -> None:
    context = few(per_label=6, parts=3)
    found = SelfTraining(then=Scripted(), rounds=1, confidence=0.9).fit(context)
    whole, rest = SEEN[:2], SEEN[2:]
    assert [each.folds is not None for each in whole] == [True, True]
    assert whole[1].folds is not None
    assert whole[1].folds.shape == (1, 28)
    assert whole[1].validation is whole[1].train
    assert len(rest) == 6  # three folds, without and with texts
    for before, after in zip(rest[::2], rest[1::2], strict=True):
        held = {example.text for example in after.validation.examples}
        assert len(held) == 4
        assert held == {example.text for example in before.validation.examples}
        assert not held & {example.text for example in after.train.examples}
        assert len(after.train) == 8 + 16
    assert found.validation.values.shape == (12, 2)


def test_the_labels_of_rows_held_out_do_not_decide_what_is_said_of_them(few: Few) -> None:
    """With everything else given, turning a label changes the logits of other folds only."""
    inside = {"name": "feature-extraction", "layers": [2], "pooling": "mean", "C": 0.01, "label_names": False}
    strategy = parse(SelfTraining, {"then": inside, "confidence": 0.5, "rounds": 1}, "test")
    context = few(per_label=5, epochs=1)
    before = strategy.fit(context).validation.values
    after = strategy.fit(few(per_label=5, epochs=1, turned=5)).validation.values
    assert context.folds is not None
    own = context.folds[0] == context.folds[0][5]
    np.testing.assert_array_equal(after[own], before[own])
    assert (after[~own] != before[~own]).any(1).all()


def test_without_texts_of_a_target_domain_it_says_which_flag_names_them(few: Few) -> None:
    with pytest.raises(RecipeError, match=r"data\.target: self-training .* name a file of them with --target"):
        SelfTraining(then=Scripted()).fit(replace(few(parts=0), target=None))


def test_self_training_inside_itself_is_refused() -> None:
    with pytest.raises(RecipeError, match=r"then: self-training inside self-training adds nothing; give more --rounds"):
        parse(SelfTraining, {"then": "self-training"}, "recipe.yaml")


def test_a_frozen_network_is_asked_by_its_stored_states_and_says_the_same(
    few: Few, monkeypatch: pytest.MonkeyPatch
) -> None:
    from headstart.predictors.network import NetworkPredictor
    from headstart.strategies.feature_extraction import FeatureExtraction
    from headstart.strategies.unlabelled import target_logits

    context = few(parts=0)
    assert context.target is not None
    candidate = FeatureExtraction(layers=(1, 2), pooling="mean", C=0.01).fit(context)
    expected = candidate.predictor.outputs(list(context.target.texts)).values
    monkeypatch.setattr(NetworkPredictor, "outputs", None)
    np.testing.assert_allclose(target_logits(context, candidate, context.target), expected, atol=1e-4)
