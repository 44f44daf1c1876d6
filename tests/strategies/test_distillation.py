"""Distillation: what the teacher is asked, what the student learns from, when the teacher is refused."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.invented_artifacts import linear
from tests.toys.decoders import make_decoder

from headstart.backbones.location import BackboneSource, locate
from headstart.data.cache import ArrayCache, no_cache
from headstart.data.store import Store
from headstart.errors import ModelError, RecipeError
from headstart.loading import load
from headstart.metrics.calibration import softmax
from headstart.predictors.teachers import Teacher, as_given
from headstart.runtime.progress import SILENT, Progress
from headstart.strategies import teachers
from headstart.strategies.asking import asked_texts, farthest
from headstart.strategies.base import Context, Shared
from headstart.strategies.distillation import Distillation, layer_numbers
from headstart.strategies.fine_tuning import FineTuning
from headstart.strategies.teachers import (
    ArtifactTeacher,
    BackboneTeacher,
    Ensemble,
    answers,
    is_backbone,
    require_suiting,
    teacher_of,
)
from headstart.strategies.zero_shot import ZeroShot
from headstart.tasks.text_classification import TextClassification
from headstart.tasks.text_pair_classification import TextPairClassification
from headstart.tasks.token_classification import TokenClassification

Few = Callable[..., Context]


class Knowing(Teacher):
    """Sure of `up` where the text has the word good, of `down` elsewhere; silent where it has a word that it does not know."""

    def __init__(self, names: tuple[str, ...] = ("down", "up"), silent: str = "?", sure: float = 4.0) -> None:
        self.names, self.silent, self.sure = names, silent, sure
        self.description, self.digest = "knowing", f"{names}{silent}{sure}"
        self.asked: list[str] = []

    def logits(self, inputs: Sequence[Any], *, progress: Progress = SILENT) -> np.ndarray:
        self.asked += inputs
        up = np.array([self.sure if "good" in text else -self.sure for text in inputs])
        both = {"up": up, "down": -up}
        found = np.stack([both.get(name, up) for name in self.names], axis=1)
        found = found - np.logaddexp.reduce(found, axis=1, keepdims=True)
        found[[self.silent in text for text in inputs]] = np.nan
        return found.astype(np.float32)


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Knowing]:
    """A teacher in the place of that of any folder."""

    def put(teacher: Knowing | None = None, **options: Any) -> Knowing:
        teacher = teacher or Knowing(**options)
        monkeypatch.setattr(teachers, "_opened", lambda *_: teacher)
        return teacher

    return put


def distilled(context: Context, **options: Any) -> Any:
    return Distillation(**({"teacher": "runs/big", "teacher_gate": False} | options)).fit(context)


def weights_of(candidate: Any) -> list[np.ndarray]:
    return [each.detach().numpy() for each in candidate.predictor.model.parameters()]


def test_the_teacher_is_asked_once_about_each_text_and_again_in_no_later_run(
    few: Few, known: Callable[..., Knowing], tmp_path: Path
) -> None:
    teacher = known()
    context = replace(few(4, parts=0), cache=ArrayCache(tmp_path, 10**8))
    distilled(context)
    texts = {*context.train.texts, *context.validation.texts, *(context.target or Store[Any]([], [], "")).texts}
    assert len(teacher.asked) == len(texts) and {*teacher.asked} == texts
    distilled(replace(context, shared=Shared()))  # a later run on this machine
    assert len(teacher.asked) == len(texts)
    joined = Store([*context.train.examples, *context.validation.examples], range(16), "few.csv")
    distilled(replace(context, cache=no_cache(), train=joined, shared=Shared(joined=context)))  # all rows once more
    assert len(teacher.asked) == len(texts)


def test_a_student_without_labels_of_its_own_learns_what_the_teacher_says(
    few: Few, known: Callable[..., Knowing]
) -> None:
    known(silent="nowhere")
    wrong = few(8, parts=0, epochs=30, learning_rate=3e-3)
    flipped = [replace(each, label="down" if each.label == "up" else "up") for each in wrong.train.examples]
    context = replace(wrong, train=Store(flipped, wrong.train.lines, "few.csv"), labels_by="a teacher")
    found = distilled(context, student={"name": "fine-tuning", "head_first": False, "head": "mean"})
    assert found.strategy.mix == 0.0
    said = softmax(found.predictor.outputs(list(wrong.train.inputs)).values).argmax(1)
    assert (said == wrong.task.targets(wrong.train)).mean() > 0.9
    assert "taught by knowing" in found.description


def test_texts_without_an_answer_are_left_out_and_counted(
    few: Few, known: Callable[..., Knowing], monkeypatch: pytest.MonkeyPatch
) -> None:
    known(silent="now the day")
    context = few(4, parts=0)
    seen: list[Context] = []

    def watched(_: Any, context: Context) -> Any:
        seen.append(context)
        raise InterruptedError

    monkeypatch.setattr(FineTuning, "fit", watched)
    with pytest.raises(InterruptedError):
        distilled(context)
    [given] = seen
    assert given.lessons is not None
    texts = list((context.target or Store[Any]([], [], "")).texts)
    answered = [text for text in texts if "now the day" not in text]
    assert 0 < len(answered) < len(texts)
    assert list(given.train.texts) == [*context.train.texts, *answered]
    logits, mix = given.lessons.of(list(given.train.keys))
    assert mix.tolist() == [0.5] * len(context.train) + [0.0] * len(answered)
    np.testing.assert_allclose(np.exp(logits).sum(1), 1.0, atol=1e-5)
    added = given.train.take(range(len(context.train), len(given.train)))
    assert [label for label in added.labels] == ["up" if "good" in text else "down" for text in answered]


def test_under_folds_texts_are_dealt_out_and_outputs_are_those_of_the_rows(
    few: Few, known: Callable[..., Knowing]
) -> None:
    known()
    context = few(4)
    found = distilled(context, teacher_gate=True)
    assert len(found.validation) == len(context.train)


def test_the_gate_keeps_labels_alone_where_the_teacher_adds_nothing_and_says_so(
    few: Few, known: Callable[..., Knowing]
) -> None:
    context = replace(few(6, parts=0, epochs=6, learning_rate=1e-3), target=None)
    contrary = Knowing(names=("up", "down"))
    contrary.names = ("down", "up")  # says of each text the other label
    known(contrary)
    found = distilled(context, teacher_gate=True, mix=0.0)
    assert "refused, labels alone" in found.description and found.strategy.mix == 1.0
    assert any(note.startswith("refused: on validation") for note in found.notes)
    alone = found.strategy.student.fit(context)
    for ours, theirs in zip(weights_of(found), weights_of(alone), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    again = found.strategy.fit(context)
    for ours, theirs in zip(weights_of(found), weights_of(again), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_resolved_strategy_comes_to_the_same_weights_and_refuses_another_teacher(
    few: Few, known: Callable[..., Knowing]
) -> None:
    known()
    context = few(4, parts=0)
    found = distilled(context)
    again = found.strategy.fit(replace(context, shared=Shared()))
    for ours, theirs in zip(weights_of(found), weights_of(again), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    known(sure=5.0)
    with pytest.raises(ModelError, match="it is not the one that this student learnt from"):
        found.strategy.fit(replace(context, teachers={}))


@pytest.mark.parametrize(
    ("sure", "texts", "said"),
    [
        (0.0, None, "says '.*' of each of 24 texts"),
        (4.0, "bad", "says 'down' of each of"),
        (4.0, "", "answered none of"),
    ],
)
def test_a_teacher_that_always_says_the_same_is_refused(
    sure: float, texts: str | None, said: str, few: Few, known: Callable[..., Knowing]
) -> None:
    known(sure=sure, silent="" if texts == "" else "?")
    context = replace(few(6, parts=0), target=None)
    if texts:
        rows = [replace(each, text=each.text.replace("good", texts)) for each in context.train.examples]
        context = replace(context, train=Store(rows, context.train.lines, "few.csv"), validation=Store(rows, context.train.lines, "few.csv"))  # fmt: skip
    with pytest.raises(ModelError, match=said):
        distilled(context)


def test_labels_are_named_both_ways_and_other_inputs_are_refused() -> None:
    task = TextClassification(text=("text",), label="label", labels=("up", "down"))
    with pytest.raises(RecipeError, match=r"only the teacher knows 'high', and only the data has 'up'"):
        require_suiting(Knowing(names=("down", "high")), task)
    teacher = Knowing()
    teacher.pairs = True
    with pytest.raises(RecipeError, match=r"reads pairs of texts, and text-classification has single texts"):
        require_suiting(teacher, task)


def test_a_student_and_a_task_that_cannot_be_taught_are_refused() -> None:
    with pytest.raises(ValueError, match=r"feature-extraction learns from labels alone.*fine-tuning"):
        Distillation(student="feature-extraction")  # type: ignore[arg-type]
    assert "none is named; give the folder of a run with --teacher" in Distillation().refuses(TextClassification())
    assert "one label to each text" in Distillation(teacher=("x",)).refuses(TokenClassification())
    assert not Distillation(teacher=("x",)).refuses(TextPairClassification())
    with pytest.raises(RecipeError, match="is an endpoint; name its model"):
        teacher_of(["http://localhost:8001/v1"])
    with pytest.raises(RecipeError, match="no teacher is named"):
        teacher_of([])


def test_a_teacher_of_a_folder_says_what_its_artifact_says_and_several_their_mean(tmp_path: Path) -> None:
    task = TextClassification(text=("text",), label="label", labels=("no", "yes"), metric="accuracy")
    turned = task.revised(labels=("yes", "no"))
    for name, each in (("one", task), ("two", turned)):
        model = linear(each)
        model.predictor.weight = model.predictor.weight * (1.0 if name == "one" else 0.3)  # type: ignore[attr-defined]
        model.save(tmp_path / name)
    texts = ["a good day", "bad bad night", "the shop opens"]
    one, two = (load(tmp_path / name).predict_proba(texts) for name in ("one", "two"))
    teacher = ArtifactTeacher(tmp_path / "one")
    np.testing.assert_allclose(np.exp(teacher.logits(texts)), one, atol=1e-6)
    both = teacher_of([str(tmp_path / "one"), str(tmp_path / "two")], turned)
    assert isinstance(both, Ensemble) and both.names == ("no", "yes")
    np.testing.assert_allclose(np.exp(both.logits(texts)), (one + two[:, ::-1]) / 2, atol=1e-6)
    assert both.parameters == 2 * (teacher.parameters or 0) > 0


def test_thresholds_of_a_teacher_are_taught_where_its_labels_are_and_said_where_they_are_not(
    few: Few, known: Callable[..., Knowing]
) -> None:
    given = as_given(np.log([[0.6, 0.4], [0.9, 0.1], [np.nan, np.nan]]), (0.75, 0.25))
    np.testing.assert_allclose(np.exp(given[:2]), [[1 / 3, 2 / 3], [0.75, 0.25]], atol=1e-6)
    assert np.isnan(given[2]).all() and as_given(given, ()) is given
    context = few(4, parts=0)
    teacher = known(names=context.task.names[::-1])
    teacher.thresholds = (0.999, 0.001)
    plain = softmax(answers(context, teacher, list(context.train.keys), list(context.train.inputs)))
    taught = Distillation(teacher="runs/big")
    for by, applied in (("", False), ("knowing", True)):
        lessons = taught._lessons(replace(context, labels_by=by, shared=Shared()), context, teacher)
        said = softmax(lessons.context.lessons.of(list(context.train.keys))[0])  # type: ignore[union-attr]
        expected = plain / (0.001, 0.999) if applied else plain
        np.testing.assert_allclose(said, expected / expected.sum(1, keepdims=True), atol=1e-5)
        words = "it is taught what they give" if applied else "the student finds its own"
        assert any(words in each for each in lessons.said)


def test_a_pretrained_network_teaches_labels_by_their_names(few: Few, tiny_backbone: Path, tmp_path: Path) -> None:
    context = replace(few(4, parts=0, epochs=1), labels_by="a network")
    found = distilled(context, teacher=str(tiny_backbone))
    (teacher,) = context.teachers.values()
    assert isinstance(teacher, BackboneTeacher) and teacher.parameters and "zero-shot" in found.description
    own = locate(BackboneSource(location=str(tiny_backbone)))
    zero = ZeroShot().fit(replace(context, located=own, shared=Shared(), labelled=False, validation=Store([], [], "")))
    some = list(context.train.inputs)
    expected = softmax(zero.predictor.outputs(some).values)  # type: ignore[attr-defined]
    np.testing.assert_allclose(np.exp(teacher.logits(some)), expected, atol=1e-4)
    by = found.strategy.taught_by(context)
    assert by is not None and by.teacher is teacher, "opened once"
    assert is_backbone("smol") and is_backbone(str(make_decoder(tmp_path / "llama")))
    linear(context.task).save(tmp_path / "run")
    assert not is_backbone(str(tmp_path / "run")) and not is_backbone("runs/nothing")
    with pytest.raises(RecipeError, match="knows no labels of its own; name them with --labels"):
        teacher_of([str(tiny_backbone)])
    pairs = TextPairClassification(text=("a", "b"), label="label", labels=("no", "yes"), metric="accuracy")
    with pytest.raises(ModelError, match="cannot teach text-pair-classification: an encoder cannot tell"):
        teacher_of([str(tiny_backbone)], pairs, rows=context.train)


def test_a_run_of_another_task_does_not_teach(tmp_path: Path) -> None:
    from tests.invented_artifacts import chain

    chain().save(tmp_path / "tags")
    with pytest.raises(ModelError, match="is a model for token-classification, and a teacher gives one label"):
        ArtifactTeacher(tmp_path / "tags")


def test_layers_are_spread_evenly_or_named() -> None:
    assert layer_numbers(6, 12, "x") == (0, 2, 4, 7, 9, 11)  # DistilBERT's
    assert [layer_numbers(count, 6, "x") for count in (1, 2, 3, 6)] == [(0,), (0, 5), (0, 2, 5), (0, 1, 2, 3, 4, 5)]
    assert Distillation(student_layers="0,3").student_layers == (0, 3)  # type: ignore[arg-type]
    assert Distillation(student_layers="2").student_layers == 2  # type: ignore[arg-type]
    with pytest.raises(RecipeError, match="7 are more than the 6 layers of x"):
        layer_numbers(7, 6, "x")
    with pytest.raises(RecipeError, match="no layer 6 in x; its 6 layers are 0 to 5"):
        layer_numbers((0, 6), 6, "x")
    with pytest.raises(ValueError, match="not in ascending order, or one stands twice"):
        Distillation(student_layers=(3, 0))


def test_a_student_has_the_layers_it_was_given_and_says_whose(
    few: Few, known: Callable[..., Knowing], make_backbone: Callable[..., Path], tmp_path: Path
) -> None:
    known()
    folder = make_backbone(tmp_path / "deep", num_hidden_layers=4)
    context = replace(few(4, parts=0), located=locate(BackboneSource(location=str(folder))))
    found = distilled(context, student_layers=(0, 3), student_start="backbone")
    assert found.predictor.model.backbone.depth == 2
    assert "layers 0, 3 of the 4 of the backbone" in found.notes
    whole = distilled(context, student_layers=4, student_start="backbone")
    assert any("the student is no smaller" in note for note in whole.notes)


def test_texts_are_asked_about_at_random_by_diversity_or_by_uncertainty(few: Few) -> None:
    context = few(6, parts=0)
    texts = context.target or Store[Any]([], [], "")
    assert len(asked_texts(context, texts, None, "random")) == len(texts)
    for by in ("random", "diversity", "uncertainty"):
        found = asked_texts(context, texts, 5, by)
        assert len(found) == 5 and list(found.lines) == sorted({*found.lines})
        assert list(asked_texts(context, texts, 5, by).lines) == list(found.lines)
    again = asked_texts(replace(context, seed=1), texts, 5, "random")
    assert list(again.lines) != list(asked_texts(context, texts, 5, "random").lines)


def test_the_farthest_texts_are_of_every_corner() -> None:
    corners = np.eye(4)[[0, 0, 1, 1, 1, 2, 3, 0]] + np.arange(8)[:, None] * 1e-3
    assert len({int(row) for row in corners[farthest(corners, 4)].argmax(1)}) == 4
    assert sorted(farthest(corners, 8).tolist()) == list(range(8))


def test_answers_stand_in_the_order_of_the_labels_of_the_task(few: Few) -> None:
    context = few(4)  # its labels are up and down
    found = answers(context, Knowing(), ["it is good", "it is bad"], ["it is good", "it is bad"])
    assert context.task.names == ("up", "down") and found.argmax(1).tolist() == [0, 1]
