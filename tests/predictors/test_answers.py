"""Networks that answer questions: saved, they say the same in plain transformers, in numpy and by the code of the card."""

import contextlib
import io
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.paired import with_pairs

from headstart.backbones.encoder import TextEncoder, quiet
from headstart.backbones.location import BackboneSource, locate
from headstart.data.questions import AskedText
from headstart.data.store import Store
from headstart.errors import ModelError
from headstart.heads.model import Model
from headstart.predictors import PREDICTORS
from headstart.predictors.network import NetworkPredictor
from headstart.tasks.question_answering import QuestionAnswering

SHORT = AskedText("what opens at nine", "the shop opens at nine, say I.")
LONG = AskedText(
    "what arrives", " ".join(f"the parcel arrives on day {letter}, it is good." for letter in "abcdefghij")
)
NATIVE = ["bert", "electra", "roberta", "distilbert", "albert", "deberta-v2", "xlnet"]


def bound(no_answer: str = "always", **options: Any) -> QuestionAnswering:
    rows = [row for row in QuestionAnswering.toy_examples() if row.label or no_answer == "always"]
    task = QuestionAnswering(text=("question", "context"), label="answers", no_answer=no_answer, **options)
    return task.bind(Store(rows, range(len(rows)), "toy.csv"))


@pytest.fixture(scope="module")
def network(
    tmp_path_factory: pytest.TempPathFactory, make_backbone: Callable[..., Path]
) -> Callable[..., NetworkPredictor]:
    folders = tmp_path_factory.mktemp("paired")

    def made(kind: str = "bert", task: QuestionAnswering | None = None) -> NetworkPredictor:
        folder = folders / kind
        if not folder.exists():
            changes = {"pad_token_id": 0} if kind == "roberta" else {}
            with_pairs(folder, make_backbone, kind, **changes)
        task = task or bound()
        backbone = TextEncoder(locate(BackboneSource(location=str(folder))))
        backbone.pairs, backbone.words = True, True
        torch.manual_seed(1)
        heads = task.heads(backbone)
        with torch.no_grad():
            heads["classification"].linear.weight.mul_(8)
        return NetworkPredictor(Model(backbone, heads), task)

    return made


@pytest.mark.parametrize("kind", NATIVE)
def test_plain_transformers_gives_the_same_logits(
    kind: str, network: Callable[..., NetworkPredictor], tmp_path: Path
) -> None:
    from transformers import AutoModelForQuestionAnswering, AutoTokenizer

    made = network(kind)
    found = made.outputs([SHORT])
    described = json.loads(json.dumps(made.save(tmp_path)))
    assert described["native"]
    with quiet():
        tokenizer = AutoTokenizer.from_pretrained(tmp_path)
        model = AutoModelForQuestionAnswering.from_pretrained(tmp_path).eval()
    batch = tokenizer(*SHORT, return_tensors="pt", return_token_type_ids=made.backbone.border is not None)
    with torch.no_grad():
        said = model(**batch)
    tokens = made.backbone.tokenizer.read([SHORT])
    assert tokens.flat.tolist() == batch["input_ids"][0].tolist()
    both = torch.stack([said.start_logits[0], said.end_logits[0]], dim=1).numpy()
    np.testing.assert_allclose(found.values, both[tokens.spans[:, 1]], atol=2e-5)
    again = PREDICTORS.get(made.kind).load(tmp_path, made.task, described)
    np.testing.assert_allclose(again.outputs([SHORT]).values, found.values, atol=1e-5)
    np.testing.assert_allclose(again.outputs([LONG, SHORT]).values[-len(found.values) :], found.values, atol=1e-5)


@pytest.mark.parametrize("asked", [SHORT, LONG], ids=["one window", "several windows"])
@pytest.mark.parametrize("no_answer", ["always", "never"])
@pytest.mark.parametrize("kind", ["bert", "modernbert"])
def test_the_code_of_the_card_gives_the_same_answer(
    kind: str, no_answer: str, asked: AskedText, network: Callable[..., NetworkPredictor], tmp_path: Path
) -> None:
    made = network(kind, bound(no_answer, max_answer=5))
    described = made.save(tmp_path)
    assert described["native"] == (kind == "bert")
    made.backbone.tokenizer.max_length = 48
    [said] = made.task.predictions(made.outputs([asked]), [asked])
    code = made.usage()
    line = next(each for each in code.splitlines() if each.startswith("question, context = "))
    code = code.replace(line, f"question, context = {asked.question!r}, {asked.context!r}")
    here, scope = os.getcwd(), {}
    os.chdir(tmp_path)
    try:
        with quiet(), contextlib.redirect_stdout(io.StringIO()) as printed:
            exec(compile(code, "card", "exec"), scope)
    finally:
        os.chdir(here)
    answer, *numbers = printed.getvalue().rsplit(" ", 2 if no_answer == "always" else 1)
    assert answer == (said.answer or "no answer")
    assert float(numbers[0]) == pytest.approx(said.spans[0].score, abs=1e-4)
    if no_answer == "always":
        assert float(numbers[1]) == pytest.approx(said.no_answer, abs=1e-4)


def test_of_several_windows_the_one_that_is_least_for_no_answer_counts(
    network: Callable[..., NetworkPredictor],
) -> None:
    from headstart.backbones.base import Inputs

    made = network()
    tokenizer, least = made.backbone.tokenizer, set()
    for question in ("what arrives", "who", "is it good", "when is the day"):
        asked = LONG._replace(question=question)
        found = made.outputs([SHORT, asked])
        ids, mask = (torch.from_numpy(each) for each in tokenizer.read([asked]).pad([0], tokenizer.pad_id))
        with torch.no_grad():
            each = made.head.linear(made.model.encode(Inputs(ids, mask)).hidden[:, 0]).numpy()
        assert len(each) > 2
        own = found.units.offsets[1]  # type: ignore[union-attr]
        np.testing.assert_allclose(found.values[own], each[each.sum(1).argmin()], atol=1e-5)
        least.add(int(each.sum(1).argmin()))
    assert least - {0}  # it is not always the first window


def test_few_questions_are_answered_in_numpy_and_long_contexts_by_torch(
    network: Callable[..., NetworkPredictor], tmp_path: Path
) -> None:
    made = network()
    described = json.loads(json.dumps(made.save(tmp_path)))
    stored = PREDICTORS.get(made.kind).load(tmp_path, made.task, described)
    np.testing.assert_allclose(stored.outputs([SHORT]).values, made.outputs([SHORT]).values, atol=1e-5)
    assert stored._network is None
    np.testing.assert_allclose(stored.outputs([LONG]).values, made.outputs([LONG]).values, atol=1e-5)
    assert stored._network is not None


def test_networks_that_read_from_left_to_right_are_refused(network: Callable[..., NetworkPredictor]) -> None:
    with pytest.raises(ModelError, match="reads from left to right"):
        network("gpt2")
