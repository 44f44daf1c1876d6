"""Scores of a part as a whole and by group."""

import numpy as np
import pytest

from headstart.data.outputs import Logits
from headstart.data.store import Store
from headstart.evaluation.judging import scores
from headstart.evaluation.scoring import by_group
from headstart.tasks.text_classification import Example, TextClassification

TASK = TextClassification(text=("text",), label="label", labels=("no", "yes"), metric="accuracy")
LABELS = ["yes", "yes", "no", "no", "yes"]
ROWS = Store(
    [Example(f"text {at}", label) for at, label in enumerate(LABELS)],
    [2, 3, 4, 5, 6],
    "a.csv",
    {"channel": ["mail", "mail", "chat", None, "mail"]},
)
OUTPUTS = Logits.of(np.array([[0.0, 2.0], [1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]]))


def test_scores_are_of_the_labels_that_the_logits_say() -> None:
    found = scores(TASK, OUTPUTS, ROWS)
    assert found["accuracy"].value == pytest.approx(3 / 5)  # rows 0, 2 and 4
    assert found["accuracy"].n == 5


def test_groups_are_scored_each_by_itself_the_largest_first() -> None:
    found = by_group(TASK, OUTPUTS, ROWS, ["channel"])["channel"]
    assert next(iter(found)) == "mail"
    assert {name: (score["accuracy"].value, score["accuracy"].n) for name, score in found.items()} == {
        "mail": (pytest.approx(2 / 3), 3),
        "chat": (1.0, 1),
        "": (0.0, 1),
    }
