"""Soft labels: the mixed loss by hand, and texts that no teacher has answered."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from headstart.backbones.base import open_backbone
from headstart.backbones.location import BackboneSource, locate
from headstart.data.examples import Example
from headstart.data.store import Store
from headstart.heads.model import Model
from headstart.metrics.calibration import softmax
from headstart.tasks.text_classification import TextClassification
from headstart.training.lessons import Lessons, SoftLabels

TEXTS = ["good", "rather bad , I say", "it is", "on monday"]
ROWS = Store([Example(text, label, weight) for text, label, weight in zip(TEXTS, "abab", (1.0, 2.0, 1.0, 4.0), strict=True)], [2, 3, 4, 5], "x")  # fmt: skip
TEACHER = np.log(np.array([[0.9, 0.1], [0.3, 0.7], [0.5, 0.5]], dtype=np.float32))


@pytest.fixture(scope="module")
def model(tiny_backbone: Path) -> Callable[[Any], Model]:
    backbone = open_backbone(locate(BackboneSource(location=str(tiny_backbone))))

    def made(task: Any) -> Model:
        torch.manual_seed(0)
        return Model(backbone, task.heads(backbone)).eval()

    return made


def batch_of(objective: Any, model: Model, rows: list[int]) -> Any:
    ready = objective.prepare(ROWS, model.backbone.tokenizer)
    return objective.collate(ready, np.array(rows), model.backbone.tokenizer.pad_id)


@torch.no_grad()
def test_the_loss_is_that_of_labels_and_of_the_teacher_in_their_shares(model: Callable[[Any], Model]) -> None:
    task = TextClassification(text=("text",), label="label").bind(ROWS)
    lessons = Lessons(
        dict(zip(TEXTS[:3], range(3), strict=True)), TEACHER, np.array([0.25, 0.0, 1.0], dtype=np.float32), 3.0
    )
    network = model(task)
    batch = batch_of(SoftLabels(task, lessons), network, [3, 0, 1, 2])
    scores = task.forward(network, batch).numpy()
    labels, weights, mix = np.array([1, 0, 1, 0]), np.array([4.0, 1.0, 2.0, 1.0]) / 2, np.array([1.0, 0.25, 0.0, 1.0])
    own = -np.log(softmax(scores))[np.arange(4), labels]
    teacher, student = softmax(np.vstack([[[0.0, 0.0]], TEACHER]) / 3), softmax(scores / 3)
    apart = (teacher * (np.log(teacher) - np.log(student))).sum(1)
    summed, count = SoftLabels(task, lessons).loss(network, batch)
    assert count == pytest.approx(4.0)
    assert float(summed) == pytest.approx(float((weights * (mix * own + (1 - mix) * 9 * apart)).sum()), abs=1e-5)


@torch.no_grad()
def test_a_text_without_an_answer_is_learnt_by_its_label_alone(model: Callable[[Any], Model]) -> None:
    task = TextClassification(text=("text",), label="label").bind(ROWS)
    network = model(task)
    nothing = SoftLabels(task, Lessons({}, TEACHER, np.zeros(3, dtype=np.float32), 2.0))
    summed, count = nothing.loss(network, batch_of(nothing, network, [0, 1, 2, 3]))
    plain, known = task.loss(network, batch_of(nothing, network, [0, 1, 2, 3]))
    assert (float(summed), count) == (pytest.approx(float(plain), abs=1e-6), known)


def test_a_student_that_says_what_the_teacher_says_has_no_gradient(model: Callable[[Any], Model]) -> None:
    task = TextClassification(text=("text",), label="label").bind(ROWS)
    network = model(task)
    probe = SoftLabels(task, Lessons({}, TEACHER, np.zeros(3, dtype=np.float32), 2.0))
    with torch.no_grad():
        said = task.forward(network, batch_of(probe, network, [0, 1, 2, 3])).log_softmax(1).numpy()
    lessons = Lessons(dict(zip(TEXTS, range(4), strict=True)), said, np.zeros(4, dtype=np.float32), 2.0)
    objective = SoftLabels(task, lessons)
    summed, _ = objective.loss(network, batch_of(objective, network, [0, 1, 2, 3]))
    summed.backward()
    assert float(summed.detach()) == pytest.approx(0.0, abs=1e-6)
    assert max(float(each.grad.abs().max()) for each in network.heads.parameters() if each.grad is not None) < 1e-5
