"""How single labels are judged: calibration, paired tests, sureness, mistakes."""

import numpy as np
import pytest

from headstart.data.outputs import Logits
from headstart.data.store import Store
from headstart.decisions.temperature import Temperature
from headstart.evaluation.judging import chosen_metric, chosen_score, compared
from headstart.metrics.calibration import softmax
from headstart.metrics.classification import log_losses
from headstart.tasks.text_classification import Example, TextClassification

LABELS = ("a", "b", "c")
TASK = TextClassification(text=("text",), label="label", labels=LABELS, metric="accuracy")


def store(targets: np.ndarray) -> Store[Example]:
    examples = [Example(f"text {at}", LABELS[label]) for at, label in enumerate(targets)]
    return Store(examples, list(range(len(targets))), "rows.csv")


def drawn(temperature: float, rows: int) -> tuple[Logits, Store[Example]]:
    """Logits that are too bold by `temperature`, and labels drawn from the true probabilities."""
    random = np.random.default_rng(3)
    true = random.normal(size=(rows, 3)) * 1.5
    targets = (random.random((rows, 1)) > softmax(true).cumsum(1)).sum(1)
    return Logits.of(true * temperature), store(targets)


@pytest.mark.parametrize("known", [0.3, 4.0])
def test_multiplying_by_the_factor_lowers_the_loss(known: float) -> None:
    outputs, rows = drawn(known, 500)
    decision = Temperature().fit(TASK, outputs, rows)
    assert decision.value == pytest.approx(1 / known, rel=0.25)
    before, after = (TASK.losses(found, rows).mean() for found in (outputs, decision.apply(TASK, outputs)))
    assert after < before
    assert before == pytest.approx(log_losses(softmax(outputs.values), TASK.targets(rows)).mean())


def test_few_rows_are_not_calibrated_on() -> None:
    outputs, rows = drawn(4.0, 20)
    assert Temperature().fit(TASK, outputs.take(range(19)), rows.take(range(19))).value == 1.0
    assert Temperature().fit(TASK, outputs, rows).value != 1.0


@pytest.mark.parametrize(
    ("metric", "tested"), [("accuracy", "accuracy"), ("macro_f1", "macro_f1"), ("log_loss", "accuracy")]
)
def test_models_are_compared_by_the_metric_or_by_accuracy(metric: str, tested: str) -> None:
    task = TASK.revised(metric=metric)
    targets = np.arange(60) % 3
    right = np.eye(3)[targets] * 5
    worse = right.copy()
    worse[:30] = np.roll(right[:30], 1, axis=1)
    found = compared(task, Logits.of(right), Logits.of(worse), store(targets))
    assert found.metric == tested
    assert found.difference.value > 0.4
    assert found.p < 0.001
    chosen = chosen_metric(task)
    assert (chosen.is_loss, chosen.lower_is_better) == (metric == "log_loss", metric == "log_loss")


def test_mistakes_are_those_made_with_most_confidence() -> None:
    logits = np.array([[3.0, 0, 0], [0, 1.0, 0], [0, 4.0, 0], [0, 0, 2.0]])
    outputs, rows = Logits.of(logits), store(np.array([0, 0, 2, 0]))
    found = TASK.mistakes(outputs, rows, 2)
    assert [(each.row, each.label, each.predicted) for each in found] == [(2, "c", "b"), (3, "a", "c")]
    assert found[0].score == pytest.approx(softmax(logits)[2].max())
    assert len(TASK.mistakes(outputs, rows, 9)) == 3
    assert TASK.is_right(outputs, rows).tolist() == [True, False, False, False]
    assert TASK.confidence(outputs) == pytest.approx(softmax(logits).max(1))
    assert TASK.confusion(outputs, rows).tolist() == [[1, 1, 1], [0, 0, 0], [0, 1, 0]]
    assert chosen_score(TASK, outputs, rows).value == 0.25


def test_groups_stay_with_rows_whose_labels_are_merged_or_known() -> None:
    rows = store(np.array([0, 1, 1, 2]))
    grouped = Store(rows.examples, rows.lines, rows.file, groups=np.array([5, 5, 6, 7]))
    task = TASK.revised(labels=("a", "b"), merge_labels=True)
    assert task.known(grouped)[0].groups.tolist() == [5, 5, 6]  # type: ignore[union-attr]
    assert task.cleaned(grouped)[0].groups.tolist() == [5, 5, 6, 7]  # type: ignore[union-attr]
