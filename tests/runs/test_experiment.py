"""The corridor from a strategy to its scores: calibrated on validation, failures kept apart, test read once."""

from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import pytest

from headstart.data.outputs import Logits
from headstart.data.store import Store, joined_rows
from headstart.decisions.base import Decision
from headstart.decisions.out_of_scope import OutOfScope, scope_asked
from headstart.decisions.temperature import Temperature
from headstart.errors import DivergedError
from headstart.evaluation.measurements.scope import Refusals
from headstart.evaluation.subjects import Subject
from headstart.metrics.calibration import best_temperature
from headstart.recipes.sources import TARGET_TEST, TEST, TRAIN, VALIDATION, Role
from headstart.runs.experiment import Entry, run_strategy, score
from headstart.runs.parts import Parts
from headstart.runs.reference import reference_of
from headstart.strategies.base import Candidate, Context, Strategy
from headstart.tasks.text_classification import Example, TextClassification
from headstart.training.settings import Training

TASK = TextClassification(text=("text",), label="label", labels=("no", "yes"), metric="accuracy")


class FakePredictor:
    """Says `yes` with the number in the text as logit."""

    kind = "fake"
    has_states = True
    scope = None

    def __init__(self) -> None:
        self.factor, self.asked = 1.0, 0
        self.decisions: Any = ()
        self.read: list[str] = []

    def states(self, texts: Any, *, progress: Any = None) -> np.ndarray:
        self.read += texts
        return np.array([[float(text)] for text in texts], dtype=np.float32)

    def outputs(self, texts: Any, *, progress: Any = None) -> Logits:
        self.asked += 1
        return Logits.of(np.array([[0.0, float(text)] for text in texts]) * self.factor)

    def outputs_of(self, rows: Any, *, progress: Any = None) -> Logits:
        return self.outputs(rows.inputs, progress=progress)

    def absorb(self, decision: Decision) -> bool:
        if not isinstance(decision, Temperature):
            return False
        self.factor *= decision.value
        return True


class Fake(Strategy):
    name: ClassVar[str] = "fake"
    cost: ClassVar[int] = 1

    error: bool = False
    """Whether to diverge."""

    def fit(self, context: Context) -> Candidate:
        if self.error:
            raise DivergedError("no number")
        predictor: Any = FakePredictor()
        outputs = predictor.outputs([e.text for e in context.validation.examples])
        predictor.asked = 0
        return Candidate(self, context.training, predictor, outputs, "fake", 1)


def part(count: int, boldness: float) -> Store[Example]:
    """Three of four are right, each as sure as `boldness` says."""
    rows = []
    for at in range(count):
        label = ("no", "yes")[at % 2]
        sign = (1 if label == "yes" else -1) * (-1 if at % 4 == 3 else 1)
        rows.append(Example(str(sign * boldness), label))
    return Store(rows, list(range(count)), "f.csv")


def setting(boldness: float, **others: Store[Example]) -> tuple[Context, Parts]:
    own = {TRAIN: part(8, 1), VALIDATION: part(40, boldness), TEST: part(80, boldness)}
    parts = Parts(TASK, own | {Role(name): rows for name, rows in others.items()}, "as given")
    return Context(TASK, parts.train, parts.validation, None, Training(), 0), parts


def test_a_strategy_that_is_too_sure_is_calibrated_on_validation_everywhere() -> None:
    context, parts = setting(20.0)
    entry = Entry(Fake())
    run_strategy(entry, context, parts)
    raw = np.array([[0.0, float(e.text)] for e in parts.validation.examples])
    losses_at = TASK.losses_at(Logits.of(raw), parts.validation)
    assert losses_at is not None
    factor = 1 / best_temperature(losses_at)
    # Right three times of four: the best logit is log 3, down from 20.
    assert factor == pytest.approx(np.log(3) / 20, rel=1e-2)
    np.testing.assert_allclose(entry.finished.validation.values, raw * factor)
    score(entry, context, parts, TEST)
    test = np.array([[0.0, float(e.text)] for e in parts.test.examples])  # type: ignore[union-attr]
    np.testing.assert_allclose(entry.decided["test"].values, test * factor)
    scores = entry.scores["test"]
    assert scores["accuracy"]["value"] == pytest.approx(0.75)
    assert scores["log_loss"]["value"] == pytest.approx(-0.75 * np.log(0.75) - 0.25 * np.log(0.25), rel=1e-3)
    assert scores["ece"]["value"] < 0.01


def test_the_test_part_is_read_once_and_only_when_asked() -> None:
    context, parts = setting(2.0)
    entry = Entry(Fake())
    run_strategy(entry, context, parts)
    predictor: Any = entry.finished.predictor
    assert predictor.asked == 0
    assert entry.scores == {}
    score(entry, context, parts, TEST)
    assert predictor.asked == 1


def test_without_a_test_part_nothing_is_read() -> None:
    context, parts = setting(2.0)
    parts = Parts(TASK, {TRAIN: parts.train, VALIDATION: parts.validation}, "as given")
    entry = Entry(Fake())
    run_strategy(entry, context, parts)
    assert parts.scored == {}
    assert entry.outputs("test", parts) is None
    assert entry.outputs("validation", parts) is not None


@pytest.mark.parametrize(("role", "name"), [(TARGET_TEST, "target"), (Role.of_test("shop"), "shop")])
def test_rows_of_another_domain_are_scored_beside_the_test_part_with_the_same_calibration(
    role: Role, name: str
) -> None:
    context, parts = setting(20.0, **{role: part(10, -20.0)})  # right where the test part is wrong
    entry = Entry(Fake())
    run_strategy(entry, context, parts)
    assert [*parts.scored] == [TEST, role]
    score(entry, context, parts, role)
    assert [*entry.scores] == [name]
    assert entry.scores[name]["accuracy"]["value"] == pytest.approx(0.2)  # rows 3 and 7 of ten
    assert entry.scores[name]["accuracy"]["n"] == 10
    logits = entry.decided[name].values
    assert logits is not None
    assert abs(logits[0, 1]) == pytest.approx(np.log(3), rel=1e-2)
    assert entry.plain(chosen=True)["scores"][name] == entry.scores[name]
    assert entry.plain(chosen=True)["scores"]["test"] is None


def test_without_rows_of_a_target_domain_nothing_is_said_of_one() -> None:
    context, parts = setting(2.0)
    entry = Entry(Fake())
    run_strategy(entry, context, parts)
    assert entry.outputs("target", parts) is None
    assert entry.plain(chosen=True)["scores"].keys() == {"validation", "test"}


def test_a_strategy_that_diverges_fails_alone() -> None:
    context, parts = setting(2.0)
    entry = Entry(Fake(error=True))
    run_strategy(entry, context, parts)
    assert (entry.status, entry.note, entry.candidate) == ("failed", "no number", None)
    assert entry.seconds > 0
    found = entry.plain(chosen=False)
    assert (found["status"], found["scores"], found["note"]) == ("failed", None, "no number")
    with pytest.raises(RuntimeError, match="fake is not done"):
        _ = entry.finished
    score(entry, context, parts, TEST)
    assert entry.scores == {}


def test_rank_is_taken_after_calibration_so_sureness_alone_does_not_win() -> None:
    ranks = []
    for boldness in (2.0, 9.0):
        context, parts = setting(boldness)
        entry = Entry(Fake())
        run_strategy(entry, context, parts)
        ranks.append(entry.rank)
    assert ranks[0] == pytest.approx(ranks[1], rel=1e-3)


class Still(Fake):
    name: ClassVar[str] = "still"
    frozen: ClassVar[bool] = True


def in_folds(strategy: Strategy) -> Any:
    """The predictor of a strategy on forty rows in two folds, which is to refuse some."""
    rows, folds = part(40, 2), np.arange(40)[None] // 2 % 2
    parts = Parts(TASK, {TRAIN: rows}, "as given", folds)
    entry = Entry(strategy)
    run_strategy(entry, Context(TASK, rows, rows, None, Training(), 0, folds=folds), parts, [OutOfScope(refused=0.05)])
    return entry.finished.predictor


def test_states_that_learnt_every_row_say_nothing_of_held_out_ones() -> None:
    still, moved = in_folds(Still()), in_folds(Fake())
    assert scope_asked(still.decisions).found == "mahalanobis-neighbours-entropy" and still.scope is not None  # type: ignore[union-attr]
    assert scope_asked(moved.decisions).found == "entropy" and moved.scope is None  # type: ignore[union-attr]


def test_copies_say_nothing_of_how_far_new_rows_lie() -> None:
    train = part(8, 1)
    copied = joined_rows(train, part(3, 5))
    parts = Parts(TASK, {TRAIN: copied, VALIDATION: part(12, 2)}, "as given", copies=3)
    entry = Entry(Still())
    run_strategy(entry, Context(TASK, copied, parts.validation, None, Training(), 0), parts, [OutOfScope(refused=0.05)])
    predictor: Any = entry.finished.predictor
    assert predictor.read[:8] == [each.text for each in train.examples] and "5" not in " ".join(predictor.read)
    recipe: Any = SimpleNamespace(rows=False)
    found = reference_of(recipe, entry, parts)
    assert (found.rows, found.labels) == (8, {"no": 4, "yes": 4})


def test_too_few_held_out_rows_refuse_nothing_and_that_is_said() -> None:
    context, parts = setting(2.0)
    entry = Entry(Still())
    run_strategy(entry, context, parts, [OutOfScope(refused=0.02, score="entropy")])
    score(entry, context, parts, TEST)
    assert parts.test is not None
    plain = Refusals().measure(Subject(entry.finished.predictor, TASK, parts.test, entry.decided["test"]))
    assert plain is not None and (plain["rows"], plain["least"], plain["refused"]["value"]) == (40, 49, 0)
    [said] = Refusals().sentences(plain, {})
    assert said == "No text is refused as out of scope: to refuse 2.0 % takes 49 held-out rows, and there were 40."
    assert Refusals().card(plain, {}) == [said]
