"""Decisions: fitted on rows, applied in the order of their table, kept as plain data, open to other packages."""

import sys
from dataclasses import replace
from types import ModuleType
from typing import Any, ClassVar

import numpy as np
import pytest

from headstart.config import parse
from headstart.data.outputs import Generated, Logits
from headstart.data.store import Store
from headstart.decisions import DECISIONS
from headstart.decisions.abstention import Abstention
from headstart.decisions.base import Decision, applied, fitted, in_order, parse_decision
from headstart.decisions.out_of_scope import OutOfScope
from headstart.decisions.prediction_sets import PredictionSets
from headstart.decisions.temperature import Temperature
from headstart.decisions.thresholds import Thresholds
from headstart.errors import DataError, RecipeError
from headstart.evaluation.judging import chosen_score, scores, sort_key
from headstart.metrics.calibration import best_temperature, softmax
from headstart.metrics.classification import log_losses
from headstart.tasks import TASKS
from headstart.tasks.text_classification import Example, TextClassification

TASK = TextClassification(text=("text",), label="label", labels=("a", "b"), metric="macro_f1")


def store(rare: np.ndarray) -> Store[Example]:
    return Store(
        [Example(f"text {at}", "ab"[int(not each)]) for at, each in enumerate(rare)], range(len(rare)), "f.csv"
    )


def uneven(rows: int = 200, bold: float = 1.0) -> tuple[Logits, Store[Example]]:
    """Outputs of a label that is seldom the most probable one, as often true as they say once divided by `bold`."""
    random = np.random.default_rng(3)
    shares = random.uniform(0.05, 0.55, size=rows)
    logits = np.log(np.stack([shares, 1 - shares], axis=1)) * bold
    return Logits.of(logits.astype(np.float32)), store(random.random(rows) < shares)


def toys(name: str, copies: int = 1) -> tuple[Any, Store[Any], Logits]:
    """A task, its toy rows and outputs that say nothing of them."""
    examples = TASKS.get(name).toy_examples() * copies
    rows = Store(examples, range(len(examples)), "toy.csv")
    task = TASKS.get(name)(label="label").bind(rows)
    outputs = task.blank(rows)
    return task, rows, replace(outputs, values=np.random.default_rng(0).normal(size=outputs.values.shape))


def test_registered_names_are_those_of_the_classes_and_all_can_stand_open() -> None:
    assert DECISIONS.names() == ["temperature", "thresholds", "abstention", "prediction_sets", "out_of_scope"]
    for name in DECISIONS.names():
        decision = DECISIONS.get(name)()
        assert (decision.name, decision.is_idle, decision.wants) == (name, True, {"logits"})


def test_a_temperature_is_the_one_that_makes_the_loss_least() -> None:
    outputs, rows = uneven(bold=3.0)
    found = Temperature().fit(TASK, outputs, rows)
    best = best_temperature(lambda each: log_losses(softmax(outputs.values / each), TASK.targets(rows)))
    assert found.factor == 1 / best
    assert best == pytest.approx(3, rel=0.3)
    np.testing.assert_array_equal(found.apply(TASK, outputs).values, outputs.values * (1 / best))
    assert TASK.losses(found.apply(TASK, outputs), rows).mean() < TASK.losses(outputs, rows).mean()


def test_of_too_few_rows_and_of_numbers_no_temperature_is_found() -> None:
    outputs, rows = uneven(bold=3.0)
    few = Temperature().fit(TASK, outputs.take(range(19)), rows.take(range(19)))
    assert (few.factor, few.is_idle) == (1.0, True)
    assert Temperature().fit(TASK, outputs.take(range(20)), rows.take(range(20))).factor != 1.0
    task, rows, outputs = toys("text-regression", 4)
    assert Temperature().fit(task, outputs, rows).factor == 1.0
    task, rows, outputs = toys("token-classification")
    assert Temperature().fit(task, outputs, rows).factor != 1.0, "its units are words, of which few rows have many"


def test_a_temperature_that_was_given_or_found_stays() -> None:
    outputs, rows = uneven(bold=3.0)
    given = Temperature(factor=0.5)
    assert given.fit(TASK, outputs, rows) is given
    assert (Temperature().value, Temperature().is_idle, given.is_idle) == (1.0, True, False)
    assert Temperature().apply(TASK, outputs) is outputs


@pytest.mark.parametrize("metric", ["macro_f1", "mcc"])
def test_thresholds_are_found_where_the_metric_gains_by_them(metric: str) -> None:
    outputs, rows = uneven()
    task = TASK.revised(metric=metric)
    found = Thresholds().fit(task, outputs, rows)
    assert found.values == task.best_thresholds(outputs, rows)
    assert found.values is not None and len(found.values) == 2
    after = found.apply(task, outputs)
    assert after.thresholds is not None and tuple(after.thresholds) == found.values
    assert chosen_score(task, after, rows).value > chosen_score(task, outputs, rows).value + 0.03
    np.testing.assert_array_equal(after.values, outputs.values)
    assert outputs.thresholds is None, "a copy"


@pytest.mark.parametrize("metric", ["accuracy", "log_loss"])
def test_thresholds_are_not_looked_for_where_the_metric_gains_nothing(metric: str) -> None:
    outputs, rows = uneven()
    found = Thresholds().fit(TASK.revised(metric=metric), outputs, rows)
    assert (found.values, found.is_idle) == ((), True)
    assert found.apply(TASK, outputs) is outputs


@pytest.mark.parametrize("name", ["text-regression", "sentence-similarity", "token-classification"])
def test_tasks_without_thresholds_have_none(name: str) -> None:
    task, rows, outputs = toys(name, 4)
    found = Thresholds().fit(task, outputs, rows)
    assert found.is_idle and found.apply(task, outputs) is outputs


def test_labels_in_any_number_have_thresholds_by_every_metric_and_of_few_rows_too() -> None:
    task, rows, outputs = toys("multi-label-classification")
    for metric in ("f1", "macro_f1", "map", "log_loss"):
        found = Thresholds().fit(task.revised(metric=metric), outputs, rows)
        assert found.values is not None and len(found.values) == 3
        assert scores(task, found.apply(task, outputs), rows)["f1"].value >= scores(task, outputs, rows)["f1"].value


def test_thresholds_that_were_given_stay_and_have_to_be_one_for_each_label() -> None:
    outputs, rows = uneven()
    given = Thresholds(values=(0.9, 0.1))
    assert given.fit(TASK, outputs, rows) is given
    with pytest.raises(
        DataError, match="3 thresholds were given for 2 labels; give one for each, in the order of 'labels'"
    ):
        Thresholds(values=(0.2, 0.3, 0.5)).fit(TASK, outputs, rows)
    with pytest.raises(RecipeError, match=r"values.*at most 1"):
        parse(Thresholds, {"values": [1.5, 0.5]})


def test_a_row_is_left_out_where_the_label_it_gets_is_less_sure_than_asked() -> None:
    logits = np.log(np.array([[0.45, 0.55], [0.2, 0.8], [0.5, 0.5], [0.7, 0.3]]))
    outputs = Logits.of(logits)
    assert Abstention(least=0.6).apply(TASK, outputs).abstained.tolist() == [True, False, True, False]  # type: ignore[union-attr]
    by_thresholds = Thresholds(values=(0.4, 0.6)).apply(TASK, outputs)  # the first row gets a, at 0.45
    found = Abstention(least=0.5).apply(TASK, by_thresholds)
    assert found.abstained is not None
    assert found.abstained.tolist() == [True, False, False, False]
    assert found.thresholds is by_thresholds.thresholds
    assert outputs.abstained is None, "a copy"


def test_nothing_is_left_out_where_nobody_asks_or_rows_have_no_one_prediction() -> None:
    outputs, rows = uneven()
    assert Abstention().is_idle and Abstention().apply(TASK, outputs) is outputs
    assert not Abstention(least=0.0).is_idle
    assert Abstention(least=0.6).fit(TASK, outputs, rows) == Abstention(least=0.6)
    for name in ("text-regression", "token-classification", "multi-label-classification"):
        task, _, said = toys(name)
        assert Abstention(least=0.6).apply(task, said) is said
    with pytest.raises(RecipeError, match=r"least.*below 1"):
        parse(Abstention, {"least": 1.0})


def test_all_decisions_stand_in_the_order_of_the_table_whatever_the_order_given() -> None:
    given = [Abstention(least=0.5), Temperature(factor=2.0)]
    assert in_order(given) == (
        Temperature(factor=2.0),
        Thresholds(),
        Abstention(least=0.5),
        PredictionSets(),
        OutOfScope(),
    )
    assert in_order() == (Temperature(), Thresholds(), Abstention(), PredictionSets(), OutOfScope())


def test_each_is_fitted_on_what_those_before_it_leave() -> None:
    outputs, rows = uneven(bold=3.0)
    temperature, thresholds, abstention, *_ = fitted(in_order([Abstention(least=0.7)]), TASK, outputs, rows)
    calibrated = temperature.apply(TASK, outputs)
    assert isinstance(thresholds, Thresholds)
    assert thresholds.values == TASK.best_thresholds(calibrated, rows) != TASK.best_thresholds(outputs, rows)
    found = applied((temperature, thresholds, abstention), TASK, outputs)
    np.testing.assert_array_equal(found.values, calibrated.values)
    sure = TASK.confidence(replace(calibrated, thresholds=np.array(thresholds.values)))
    np.testing.assert_array_equal(found.abstained, sure < 0.7)  # type: ignore[arg-type]
    assert 0 < found.abstained.sum() < 200  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "decision",
    [Temperature(), Temperature(factor=0.25), Thresholds(), Thresholds(values=()), Thresholds(values=(0.25, 0.75)),
     Abstention(), Abstention(least=0.5)],
)  # fmt: skip
def test_decisions_come_back_from_plain_data(decision: Decision) -> None:
    plain = decision.plain()
    assert plain["name"] == decision.name
    assert parse_decision(plain, "decisions.json") == decision
    assert plain == decision.plain(), "it is not used up"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"name": "temperatur"}, r"unknown decision 'temperatur'; did you mean 'temperature'\?"),
        ({}, "unknown decision ''.*known: temperature, thresholds, abstention, prediction_sets, out_of_scope"),
        ({"name": "temperature", "factr": 2}, "factr"),
        ({"name": "temperature", "factor": 0}, r"factor.*over 0"),
    ],
)
def test_plain_data_of_no_decision_are_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        parse_decision(values, "decisions.json")


class Shift(Decision):
    """A number that is added to the first output, found as the least that gives its label to a third of the rows."""

    name: ClassVar[str] = "shift"
    by: float | None = None

    @property
    def is_idle(self) -> bool:
        return not self.by

    def fit(self, task: Any, outputs: Logits, rows: Store[Any]) -> "Shift":  # type: ignore[override]
        if self.by is not None:
            return self
        return self.revised(by=float(np.quantile(outputs.values[:, 1] - outputs.values[:, 0], 1 / 3)))

    def apply(self, task: Any, outputs: Logits) -> Logits:  # type: ignore[override]
        assert outputs.thresholds is None, "it stands before thresholds"
        return replace(outputs, values=outputs.values + np.array([self.by or 0.0, 0.0]))


class Cut(Decision):
    """The first words of generated texts."""

    name: ClassVar[str] = "cut"
    wants: ClassVar[frozenset[str]] = frozenset({"generated"})
    words: int = 1

    @property
    def is_idle(self) -> bool:
        return False

    def fit(self, task: Any, outputs: Generated, rows: Store[Any]) -> "Cut":  # type: ignore[override]
        return self.revised(words=2)

    def apply(self, task: Any, outputs: Generated) -> Generated:  # type: ignore[override]
        return replace(outputs, texts=[(" ".join(text.split()[: self.words]),) for text, *_ in outputs.texts])


@pytest.fixture
def toy_decisions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two decisions of another package, which stand between the temperature and the thresholds."""
    module = ModuleType("toy_decisions")
    module.Shift, module.Cut = Shift, Cut  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "toy_decisions", module)
    DECISIONS.names()
    table = dict(DECISIONS._table)
    first = {"temperature": table.pop("temperature")}
    monkeypatch.setattr(
        DECISIONS, "_table", first | {"shift": "toy_decisions:Shift", "cut": "toy_decisions:Cut"} | table
    )


@pytest.mark.usefixtures("toy_decisions")
def test_a_decision_that_is_added_is_fitted_and_applied_in_its_place() -> None:
    outputs, rows = uneven(bold=3.0)
    task = TASK.revised(metric="accuracy")
    assert [decision.name for decision in in_order()] == [
        "temperature",
        "shift",
        "cut",
        "thresholds",
        "abstention",
        "prediction_sets",
        "out_of_scope",
    ]
    decisions = fitted(in_order(), task, outputs, rows)
    temperature, shift, cut = decisions[:3]
    calibrated = temperature.apply(task, outputs)
    assert isinstance(shift, Shift)
    assert shift.by == pytest.approx(np.quantile(calibrated.values[:, 1] - calibrated.values[:, 0], 1 / 3))
    assert cut == Cut(), "logits are none of its business"
    found = applied(decisions, task, outputs)
    assert task.decided(found).tolist().count(0) == 67
    np.testing.assert_allclose(found.values[:, 0], calibrated.values[:, 0] + shift.by, rtol=1e-5)
    assert parse_decision(shift.plain(), "decisions.json") == shift
    assert (
        sort_key(task, outputs, rows)[0]
        == chosen_score(task, fitted([Shift()], task, outputs, rows)[0].apply(task, outputs), rows).value
    )


@pytest.mark.usefixtures("toy_decisions")
def test_outputs_of_another_kind_pass_the_decisions_that_do_not_want_them() -> None:
    written = Generated.of(["one two three", "four"])
    decisions = fitted(in_order([Shift(by=1.0), Abstention(least=0.5)]), TASK, written, store(np.array([True, False])))
    assert decisions == (
        Temperature(),
        Shift(by=1.0),
        Cut(words=2),
        Thresholds(),
        Abstention(least=0.5),
        PredictionSets(),
        OutOfScope(),
    )
    assert applied(decisions, TASK, written).texts == [("one two",), ("four",)]
