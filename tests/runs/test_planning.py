"""What runs, in which order and until when: plans on invented data with invented speeds."""

import json
import sys
import time
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from headstart.data.outputs import Logits
from headstart.data.store import Store
from headstart.errors import RecipeError
from headstart.recipes.parsing import assemble, from_mapping
from headstart.recipes.sources import TEST, TRAIN, VALIDATION
from headstart.runs.experiment import Entry
from headstart.runs.parts import Parts
from headstart.runs.planning import SAFETY, Plan
from headstart.runs.recorded import BACKWARD
from headstart.runtime.deadline import Deadline
from headstart.strategies import STRATEGIES
from headstart.strategies.base import Candidate, Context, Work
from headstart.strategies.tf_idf import TfIdf
from headstart.tasks.text_classification import Example, TextClassification
from headstart.training.settings import Training

TASK = TextClassification(text=("text",), label="label", labels=("no", "yes"), metric="accuracy")


@dataclass(frozen=True)
class Still(Deadline):
    """A deadline on a clock that stands still at `now`."""

    now: float

    @property
    def left(self) -> float:
        return self.at - self.now


def still(left: float) -> Still:
    now = time.perf_counter()
    return Still(now + left, now)


def rows(count: int) -> Store[Example]:
    examples = [Example("a text of some words", ("no", "yes")[at % 2]) for at in range(count)]
    return Store(examples, list(range(2, count + 2)), "rows.csv")


def plan(
    *, train: int = 1000, few: bool = False, left: float | None = None, rate: float | None = 0.01, **options: Any
) -> Plan:
    """A plan for 1,000 training, 100 validation and 200 test rows at a hundredth of a second per row and pass."""
    budget = {} if left is None else {"budget": left}
    recipe = assemble("fit", {"train": "rows.csv", "task": TASK.name} | budget | options)
    folds = np.arange(train)[None, :] % 3 if few else None
    learnt = rows(train)
    held = {} if few else {VALIDATION: rows(100)}
    parts = Parts(TASK, {TRAIN: learnt, **held, TEST: rows(200)}, "", folds)
    context = Context(TASK, learnt, parts.validation, None, recipe.training, 0, folds=folds)
    found = Plan(recipe, parts, context, None if left is None else still(left))
    found.rate, found.test_rate = rate, rate or 0.0
    return found


def get(name: str, **fields: Any) -> Any:
    return STRATEGIES.get(name)(**fields)


def done(name: str, *, right: float, rank: float, count: int = 100) -> Entry:
    """An entry that is done, `right` of whose validation rows are right."""
    targets = np.arange(count) % 2
    logits = np.eye(2)[np.where(np.arange(count) < right * count, targets, 1 - targets)]
    strategy = get(name)
    candidate = Candidate(strategy, None, None, Logits.of(logits), "", 1)  # type: ignore[arg-type]
    return Entry(strategy, "done", 10.0, candidate, rank=(rank, -0.5))


def reasons(found: Plan, entries: Any = ()) -> dict[str, str]:
    return {entry.label: found.step(entry, entries).reason for entry in found.entries()}


def test_without_a_budget_and_with_many_labels_lora_stays_out() -> None:
    found = reasons(plan())
    assert [name for name, reason in found.items() if not reason] == [
        "tf-idf", "feature-extraction", "contrastive", "fine-tuning", "from-scratch",
    ]  # fmt: skip
    assert "name it, or give a --budget" in found["lora"]


def test_with_few_labels_contrastive_comes_before_fine_tuning() -> None:
    found = plan(train=40, few=True)
    assert [entry.label for entry in found.entries()][:4] == [
        "tf-idf", "feature-extraction", "contrastive", "fine-tuning",
    ]  # fmt: skip
    assert reasons(found)["contrastive"] == ""
    assert reasons(found)["fine-tuning"] == ""


def test_with_very_few_labels_contrastive_stands_in_for_fine_tuning() -> None:
    assert reasons(plan(train=30, few=True))["fine-tuning"].startswith("with 15 rows per label contrastive training")
    assert reasons(plan(train=32, few=True))["fine-tuning"] == ""
    assert reasons(plan(train=30, few=True, left=3000.0))["fine-tuning"] == ""


def test_what_was_named_runs_whatever_auto_would_have_done() -> None:
    found = plan(strategies=("contrastive", "lora"), controls=False)
    assert reasons(found) == {"contrastive": "", "lora": ""}


def test_nothing_expensive_runs_where_no_mistake_is_left() -> None:
    found = plan()
    entries = [done("feature-extraction", right=1.0, rank=1.0)]
    assert reasons(found, entries)["fine-tuning"] == "no mistake is left to fix on validation"
    assert reasons(found, entries)["from-scratch"] == ""
    entries = [done("feature-extraction", right=0.99, rank=0.99)]
    assert reasons(found, entries)["fine-tuning"] == ""


def test_what_was_made_for_few_labels_runs_even_where_no_mistake_is_left() -> None:
    entries = [done("feature-extraction", right=1.0, rank=1.0, count=40)]
    found = reasons(plan(train=40, few=True), entries)
    assert (found["contrastive"], found["fine-tuning"]) == ("", "no mistake is left to fix on cross-validation")


def test_lora_runs_under_a_budget_only_if_moving_weights_paid() -> None:
    found = plan(left=3000.0)
    frozen = done("feature-extraction", right=0.8, rank=0.8)
    assert reasons(found, [frozen, done("fine-tuning", right=0.9, rank=0.9)])["lora"] == ""
    worse = [frozen, done("fine-tuning", right=0.7, rank=0.7)]
    assert reasons(found, worse)["lora"] == "moving the weights did not pay on validation"


def test_auto_leaves_out_what_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "peft", None)
    entries = [done("feature-extraction", right=0.8, rank=0.8), done("fine-tuning", right=0.9, rank=0.9)]
    assert "lora" not in reasons(plan(left=3000.0), entries)


def test_an_estimate_counts_passes_over_the_rows() -> None:
    found = plan(epochs=2)
    # 1,000 rows at 0.01 s are 10 s a pass; 2 epochs and one of the mean-pooled twin go forward and backward; features
    # of train and validation (1.1 passes) and four validations of 100 rows (0.4) go forward; loading 1 s.
    assert found.estimate(get("fine-tuning")) == pytest.approx(10 * (BACKWARD * 3 + 1.1 + 0.4) + 1)
    assert found.estimate(get("feature-extraction")) == pytest.approx(10 * 1.1 + 1 + 0.5 + 4 * 0.25 + 0.2)
    assert plan(rate=None).estimate(get("fine-tuning")) is None


def test_what_does_not_fit_is_left_out_and_says_by_how_much() -> None:
    found = plan(left=35.0, epochs=3)
    first = [done("feature-extraction", right=0.9, rank=0.9)]
    step = found.step(Entry(get("fine-tuning")), first)
    assert step.seconds is not None
    assert step.seconds > 100
    assert step.reason.startswith("needs 2 min 29 s, 27 s left")


def test_fewer_epochs_and_then_fewer_rows_are_planned_where_all_do_not_fit() -> None:
    first = [done("feature-extraction", right=0.9, rank=0.9)]

    def less(left: float, **options: Any) -> Any:
        found = plan(left=left, **options)
        step = found.step(Entry(get("fine-tuning")), first)
        assert step.reason == ""
        assert step.late == (step.training is not None)
        return found.context_for(step)

    whole = less(400.0)
    assert (whole.training.epochs, len(whole.train)) == (None, 1000)
    assert (less(170.0).training.epochs, less(130.0).training.epochs) == (2, 1)
    few = less(80.0)
    assert (few.training.epochs, few.training.sample, len(few.train)) == (1, 613, 613)
    assert sorted({example.label for example in few.train.examples}) == ["no", "yes"]
    assert few.train.lines == less(80.0).train.lines != list(range(2, 615))
    assert less(170.0, epochs=3).training.sample == 850


def test_of_many_epochs_as_many_are_planned_as_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headstart.strategies.fine_tuning.EPOCHS", 12)
    found = plan(left=400.0)
    step = found.step(Entry(get("fine-tuning")), [done("feature-extraction", right=0.9, rank=0.9)])
    assert step.training is not None and step.training.epochs in (3, 4, 6, 8) and step.training.sample is None
    more = found.recipe.training.revised(epochs=2 * (step.training.epochs or 0))
    longer = found.estimate(get("fine-tuning"), more)
    assert step.seconds is not None and longer is not None
    assert SAFETY * step.seconds < 400 < SAFETY * longer


def test_rows_that_a_strategy_is_given_are_those_of_the_resolved_recipe() -> None:
    found = plan(left=80.0)
    step = found.step(Entry(get("fine-tuning")), [done("feature-extraction", right=0.9, rank=0.9)])
    assert step.training is not None
    again = plan(strategy="fine-tuning", epochs=1, sample=step.training.sample)
    same = again.context_for(again.step(Entry(get("fine-tuning")), ()))
    assert same.train.lines == found.context_for(step).train.lines
    assert same.deadline is None
    kept = found.again(step.entry, json.loads(json.dumps(step.kept())))
    assert kept.training == step.training


def test_a_cheap_strategy_that_cannot_have_all_rows_leaves_time_for_others() -> None:
    found = plan(left=100.0, train=10_000)
    step = found.step(Entry(get("feature-extraction")), [done("tf-idf", right=0.8, rank=0.8)])
    assert step.training is not None
    assert step.training.sample is not None
    assert step.seconds is not None
    assert step.seconds * 1.2 < 45


def test_no_control_starves_transfer(monkeypatch: pytest.MonkeyPatch) -> None:
    found = plan(left=100.0)
    monkeypatch.setattr(TfIdf, "work", lambda self, context: Work(0.0, 0.0, 40.0))
    order = found.entries()
    assert [entry.label for entry in order][-2:] == ["tf-idf", "from-scratch"]
    # A tenth of the budget is kept back for the control, and no more.
    assert found.left(get("feature-extraction"), order) == pytest.approx(100 - 5 - 3 - 2 - 10, abs=0.1)
    assert found.left(get("tf-idf"), order) == pytest.approx(100 - 5 - 3 - 2, abs=0.1)


def test_the_first_cheap_strategy_runs_even_if_it_may_not_fit() -> None:
    found = plan(left=30.0, train=1000, few=True, rate=0.025)
    entry = Entry(get("feature-extraction"))
    assert found.step(entry, ()).reason == ""
    assert found.step(entry, [done("tf-idf", right=0.8, rank=0.8)]).reason != ""
    found.rate = 0.0155  # too close for comfort, but nothing pretrained has run
    assert found.step(entry, [done("tf-idf", right=0.8, rank=0.8)]).reason == ""
    assert found.step(entry, [done("contrastive", right=0.8, rank=0.8)]).reason != ""


def test_a_strategy_has_to_be_done_before_its_test_and_the_last_steps() -> None:
    found = plan(left=100.0)
    deadline = found.context_for(found.step(Entry(get("feature-extraction")), ())).deadline
    assert deadline is not None
    assert deadline.left == pytest.approx(100 - 2 - 5 - 3, abs=0.5)
    assert plan().context_for(plan().step(Entry(get("feature-extraction")), ())).deadline is None


def test_held_out_rows_that_a_budget_cannot_read_are_sampled() -> None:
    found = plan(left=60.0, train=100_000, test="t.csv")
    assert found.fitting() == {}  # each strategy is given as many training rows as fit
    found.rate = 0.1
    # A tenth of 60 s are 60 of 100 validation rows at 0.1 s, and the whole has to shrink like them.
    assert found.fitting() == {"most_rows": pytest.approx(60_060, abs=100)}
    found.rate, found.test_rate = 0.01, 0.15
    assert found.fitting() == {"most_test_rows": 200}
    few = plan(left=60.0, few=True, rate=0.1)
    # Heads of 1,000 rows and two labels take 1.2 s.
    assert few.fitting()["most_rows"] == pytest.approx(1200 * 30 / 101.2, abs=2)
    assert plan(left=60.0).fitting() == {}
    assert plan(train=100_000, rate=0.1).fitting() == {}


def test_auto_leaves_long_tests_of_what_it_does_not_keep_out() -> None:
    found = plan()
    kept, other, control = (done(name, right=0.9, rank=0.9) for name in ("lora", "fine-tuning", "from-scratch"))
    found.tested(kept, 3.0)
    assert found.untested(other) == ""
    found.tested(kept, 11.0)
    assert found.untested(other).startswith("not scored on test, which takes 11 s")
    assert found.untested(control) == ""
    assert found.untested(done("tf-idf", right=0.9, rank=0.9)) == ""
    named = plan(strategies=("lora", "fine-tuning"))
    named.tested(kept, 11.0)
    assert named.untested(other) == ""


def test_nothing_more_is_scored_once_the_budget_is_spent() -> None:
    found = plan(left=30.0)
    entry = done("from-scratch", right=0.9, rank=0.9)
    found.tested(entry, 20.0)
    assert found.untested(entry) == ""
    found.tested(entry, 26.0)
    assert found.untested(entry) == "not scored on test: the budget was spent"
    assert found.untested(done("tf-idf", right=0.9, rank=0.9)) == ""


def test_the_time_a_strategy_took_corrects_later_estimates() -> None:
    found = plan(left=3000.0, epochs=1)
    entry = done("lora", right=0.9, rank=0.9)
    before = found.estimate(get("fine-tuning"))
    work = entry.strategy.work(found.context)
    entry.seconds = 8 + 1 + 10 * work.reading + 6 * 10 * work.training
    found.learn(entry)
    assert found.backward == pytest.approx(6.0)
    after = found.estimate(get("fine-tuning"))
    assert before is not None
    assert after is not None
    assert after - before == pytest.approx((6 - BACKWARD) * 10 * 2)


def usual(monkeypatch: pytest.MonkeyPatch, **options: Any) -> Plan:
    """A plan under the usual budget, as where nothing is said."""
    monkeypatch.delenv("HEADSTART_BUDGET", raising=False)
    found = plan(**options)
    if found.recipe.limit is not None:
        found.end = still(found.recipe.limit)
    return found


def test_without_a_word_fit_has_three_minutes_and_compare_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HEADSTART_BUDGET", raising=False)

    def limit(verb: str = "fit", **options: Any) -> float | None:
        return assemble(verb, {"train": "rows.csv"} | options).limit

    assert (limit(), limit(budget="none"), limit(budget="10m"), limit("compare")) == (180, None, 600, None)
    assert limit(strategy="fine-tuning") is None
    assert from_mapping({"data": {"train": "a.csv"}, "budget": None}, "recipe").limit is None
    monkeypatch.setenv("HEADSTART_BUDGET", "5m")
    assert limit() == 300
    monkeypatch.setenv("HEADSTART_BUDGET", "soon")
    with pytest.raises(RecipeError, match="HEADSTART_BUDGET: 'soon' is no time"):
        limit()


def test_under_a_budget_controls_that_take_long_come_behind_transfer(monkeypatch: pytest.MonkeyPatch) -> None:
    found = usual(monkeypatch)
    order = ["tf-idf", "feature-extraction", "contrastive", "fine-tuning", "lora", "from-scratch"]
    assert [entry.label for entry in found.entries()] == order
    monkeypatch.setattr(TfIdf, "work", lambda self, context: Work(0.0, 0.0, 19.0))
    found = usual(monkeypatch)
    assert [entry.label for entry in found.entries()] == [*order[1:5], "tf-idf", "from-scratch"]


def test_the_control_from_scratch_is_brief_and_never_above_one_and_a_half_times_transfer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = usual(monkeypatch, rate=0.001)
    control = Entry(get("from-scratch"))
    assert found.step(control, ()).reason == "no pretrained strategy ran, so there is nothing to compare it with"
    tuned = done("fine-tuning", right=0.9, rank=0.9)
    tuned.seconds = 30.0
    step = found.step(control, [tuned])
    assert (step.reason, step.most) == ("", 45.0)
    assert step.seconds is not None
    assert step.seconds <= 45
    brief: Any = step.brief
    assert (brief.passes, brief.compare_after) == (7, 1)
    deadline = found.context_for(step).deadline
    assert deadline is not None
    assert deadline.left == pytest.approx(45, abs=0.5)
    tuned.seconds = 5.0
    assert found.step(control, [tuned]).reason.startswith("needs 16 s, more than 1.5 times the costliest")
    again = found.again(control, json.loads(json.dumps(step.kept())))
    assert (again.brief, again.most, again.reason) == (brief, 45.0, "")


def test_a_control_that_was_named_or_has_all_time_is_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = Entry(get("from-scratch"))
    assert plan().step(entry, ()).brief is None
    assert plan().step(entry, ()).reason == ""
    named = usual(monkeypatch, strategies=("from-scratch",))
    assert (named.step(entry, ()).brief, named.step(entry, ()).reason) == (None, "")
    beside = usual(monkeypatch, strategies=("fine-tuning",))
    tuned = done("fine-tuning", right=0.9, rank=0.9)
    tuned.seconds = 120.0
    step = beside.step(entry, [tuned])
    assert (beside.end, step.most) == (None, 180.0)
    assert step.brief is not None


def test_an_outlook_counts_what_comes_before(monkeypatch: pytest.MonkeyPatch) -> None:
    found = usual(monkeypatch, rate=0.006)
    steps = {step.entry.label: step for step in found.outlook(found.entries())}
    assert [steps[name].late for name in ("feature-extraction", "contrastive", "lora", "from-scratch")] == [
        False,
        False,
        True,
        True,
    ]
    assert found.step(Entry(get("lora")), ()).late is False
    assert sum(step.seconds or 0.0 for step in steps.values() if step.runs) < 180 - found.kept
    monkeypatch.setattr(TfIdf, "work", lambda self, context: Work(0.0, 0.0, 170.0))
    found = usual(monkeypatch, rate=0.006)
    last = {step.entry.label: step for step in found.outlook(found.entries())}["tf-idf"]
    assert last.reason.startswith("needs 2 min 50 s"), "others are expected to have run by then"


@pytest.mark.parametrize(("texts", "rate"), [(1100, 0.005), (0, 0.01), (400, 0.01)])
def test_passes_of_the_frozen_network_measure_those_to_come_unless_they_were_cached(texts: int, rate: float) -> None:
    found = plan(left=3000.0)
    entry = done("feature-extraction", right=0.9, rank=0.9)
    found.context.shared.features = SimpleNamespace(read=texts, seconds=5.5)  # type: ignore[assignment]
    entry.seconds = 5.5 + 0.5 + 1 + 3 * entry.strategy.work(found.context).heads
    found.learn(entry)
    assert found.rate == pytest.approx(rate)
    assert found.solving == pytest.approx(3.0 if rate < 0.01 else 1.0)


def test_heads_that_take_long_are_expected_of_those_to_come() -> None:
    found = plan(left=3000.0, few=True)
    before = found.estimate(get("contrastive"))
    found.solving = 5.0
    after = found.estimate(get("contrastive"))
    assert before is not None
    assert after is not None
    assert after - before == pytest.approx(4 * 0.5 * 2e-4 * 1000)


def test_a_control_without_a_network_that_takes_long_is_brief(monkeypatch: pytest.MonkeyPatch) -> None:
    found = usual(monkeypatch)
    entry = next(entry for entry in found.entries() if entry.label == "tf-idf")
    assert found.step(entry, ()).brief is None
    monkeypatch.setattr(TfIdf, "work", lambda self, context: Work(0.0, 0.0, 400.0 if self.C is None else 30.0))
    found = usual(monkeypatch)
    step = found.step(entry, [done("contrastive", right=0.9, rank=0.9)])
    assert (step.brief, step.runs, step.late) == (TfIdf(C=10.0), True, True)
    monkeypatch.setattr(TfIdf, "work", lambda self, context: Work(0.0, 0.0, 400.0))
    step = usual(monkeypatch).step(entry, [done("contrastive", right=0.9, rank=0.9)])
    assert step.reason.startswith("needs 6 min 40 s")


def test_a_control_that_can_be_brief_runs_before_transfer_as_briefly_as_it_has_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(TfIdf, "work", lambda self, context: Work(0.0, 0.0, 40.0 if self.C is None else 12.0))
    found = usual(monkeypatch)
    entries = found.entries()
    assert entries[0].label == "tf-idf"
    assert found.step(entries[0], entries).brief == TfIdf(C=10.0)
    ran = [
        entries[0],
        *(done(each.label, right=0.9, rank=0.9) for each in entries[1:] if each.strategy.role == "transfer"),
    ]
    assert found.step(entries[0], ran).brief is None, "transfer has run, and what is left is its own"


def test_what_moves_weights_does_not_run_on_a_small_part_of_the_rows_that_another_had() -> None:
    first = [done("feature-extraction", right=0.8, rank=0.8), done("contrastive", right=0.9, rank=0.9)]
    for entry in first:
        assert entry.candidate is not None
        entry.candidate.training = Training()
    lora = Entry(get("lora"))
    alone = plan(left=45.0, strategies=("lora",)).step(lora, first[:1])
    assert alone.training is not None
    assert 200 <= (alone.training.sample or 0) < 500
    assert plan(left=45.0, strategies=("lora",)).step(lora, first).reason.startswith("needs")
