"""How single labels are judged: calibration, paired tests, sureness, mistakes."""

import numpy as np
import pytest

from headstart.data.store import Store
from headstart.metrics.calibration import softmax
from headstart.metrics.classification import log_losses
from headstart.tasks.text_classification import Example, TextClassification

LABELS = ("a", "b", "c")
TASK = TextClassification(text=("text",), label="label", labels=LABELS, metric="accuracy")


def store(targets: np.ndarray) -> Store[Example]:
    examples = [Example(f"text {at}", LABELS[label]) for at, label in enumerate(targets)]
    return Store(examples, list(range(len(targets))), "rows.csv")


def drawn(temperature: float, rows: int) -> tuple[np.ndarray, Store[Example]]:
    """Logits that are too bold by `temperature`, and labels drawn from the true probabilities."""
    random = np.random.default_rng(3)
    true = random.normal(size=(rows, 3)) * 1.5
    targets = (random.random((rows, 1)) > softmax(true).cumsum(1)).sum(1)
    return true * temperature, store(targets)


@pytest.mark.parametrize("known", [0.3, 4.0])
def test_multiplying_by_the_factor_lowers_the_loss(known: float) -> None:
    logits, rows = drawn(known, 500)
    factor = TASK.factor(logits, rows)
    assert factor == pytest.approx(1 / known, rel=0.25)
    before, after = (TASK.losses(found, rows).mean() for found in (logits, logits * factor))
    assert after < before
    assert before == pytest.approx(log_losses(softmax(logits), TASK.targets(rows)).mean())


def test_few_rows_are_not_calibrated_on() -> None:
    logits, rows = drawn(4.0, 20)
    assert TASK.factor(logits[:19], rows.take(range(19))) == 1.0
    assert TASK.factor(logits, rows) != 1.0


@pytest.mark.parametrize(
    ("metric", "tested"), [("accuracy", "accuracy"), ("macro_f1", "macro_f1"), ("log_loss", "accuracy")]
)
def test_models_are_compared_by_the_metric_or_by_accuracy(metric: str, tested: str) -> None:
    task = TASK.revised(metric=metric)
    targets = np.arange(60) % 3
    right = np.eye(3)[targets] * 5
    worse = right.copy()
    worse[:30] = np.roll(right[:30], 1, axis=1)
    found = task.compared(right, worse, store(targets))
    assert found.metric == tested
    assert found.paired.difference.value > 0.4
    assert found.paired.p < 0.001
    assert (task.by_answers, task.lower_is_better) == (metric != "log_loss", metric == "log_loss")


def test_mistakes_are_those_made_with_most_confidence() -> None:
    logits = np.array([[3.0, 0, 0], [0, 1.0, 0], [0, 4.0, 0], [0, 0, 2.0]])
    rows = store(np.array([0, 0, 2, 0]))
    found = TASK.mistakes(logits, rows, 2)
    assert [(each.row, each.label, each.predicted) for each in found] == [(2, "c", "b"), (3, "a", "c")]
    assert found[0].score == pytest.approx(softmax(logits)[2].max())
    assert len(TASK.mistakes(logits, rows, 9)) == 3
    sure, right = TASK.sureness(logits, rows)
    assert right.tolist() == [True, False, False, False]
    assert sure == pytest.approx(softmax(logits).max(1))
    assert TASK.confusion(logits, rows).tolist() == [[1, 1, 1], [0, 0, 0], [0, 1, 0]]
    assert TASK.measured(logits, rows).value == 0.25
