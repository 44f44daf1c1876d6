"""How likely texts are behind others: exactly what the network says of each pair by itself, with little of it read twice."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from tests.toys.decoders import make_decoder

from headstart.backbones.base import open_backbone
from headstart.backbones.location import BackboneSource, locate
from headstart.heads.vocabulary import VocabularyHead
from headstart.predictors import continuations
from headstart.predictors.continuations import Continuations

KINDS = ("llama", "gpt2", "qwen2", "gpt_neox", "opt", "bloom")
SHARED = "Is it good or not good?\n\nthe cat sat on the mat yes\n\n"
ROWS = [f"{SHARED}{text}" for text in ("what is not", "day", "and a very long day and a night, no", "the cat")]
ANSWERS = (" good", " not good at all", "night", " b", "a")


@pytest.fixture(scope="module")
def scorer(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Continuations]:
    made: dict[str, Continuations] = {}

    def of(kind: str) -> Continuations:
        if kind not in made:
            folder = make_decoder(tmp_path_factory.mktemp("decoder") / kind, kind)
            backbone: Any = open_backbone(locate(BackboneSource(location=str(folder)))).eval()
            made[kind] = Continuations(VocabularyHead(backbone, "causal").eval(), backbone.tokenizer)
        return made[kind]

    return of


def alone(scorer: Continuations, row: str, answer: str) -> tuple[float, int]:
    """By a pass of its own over each text with its answer."""
    whole = lambda text: scorer.tokenizer.whole(text).ids  # noqa: E731
    before, both = whole(row), whole(f"{row}{answer}")
    cut = next((at for at in range(len(before)) if both[at] != before[at]), len(before))
    with torch.no_grad():
        shares = torch.log_softmax(scorer.over.network(input_ids=torch.tensor([both])).logits[0].double(), 1)
    return sum(float(shares[at - 1, both[at]]) for at in range(cut, len(both))), len(both) - cut


@pytest.mark.parametrize("kind", KINDS)
def test_scores_are_those_of_each_text_with_each_answer_by_itself(
    kind: str, scorer: Callable[[str], Continuations], monkeypatch: pytest.MonkeyPatch
) -> None:
    for size in (1024, 60):  # all rows at once, and few
        monkeypatch.setitem(continuations.TOKENS, "cpu", size)
        found = scorer(kind).scores(ROWS, ANSWERS)
        expected = [[alone(scorer(kind), row, answer) for answer in ANSWERS] for row in ROWS]
        np.testing.assert_allclose(found.scores, [[score for score, _ in own] for own in expected], atol=1e-4)
        assert found.tokens.tolist() == [[count for _, count in own] for own in expected]
        assert found.tokens.max() > 2


def test_what_rows_have_in_common_passes_the_network_once(
    scorer: Callable[[str], Continuations], monkeypatch: pytest.MonkeyPatch
) -> None:
    own, read = scorer("llama"), list[int]()
    inner = own.over.logits
    monkeypatch.setattr(
        own.over, "logits", lambda ids, *more, **options: read.append(ids.numel()) or inner(ids, *more, **options)
    )
    rows = [f"{SHARED}{text}" for text in ("day", "cat", "yes", "bad")]
    own.scores(rows, ANSWERS[:1])
    every = sum(len(own.tokenizer.whole(row).ids) for row in rows)
    assert sum(read) < every / 2
    assert own.scores([], ANSWERS).scores.shape == (0, len(ANSWERS))
    np.testing.assert_allclose(own.scores(ROWS[:1], ANSWERS).scores, own.scores(ROWS, ANSWERS).scores[:1], atol=1e-5)


def test_an_answer_that_a_tokenizer_joins_with_the_text_is_scored_from_there(
    scorer: Callable[[str], Continuations],
) -> None:
    own = scorer("gpt2")
    found = own.scores(["the c"], ["at"])
    expected, count = alone(own, "the c", "at")
    assert (
        own.tokenizer.whole("the cat").ids[: len(own.tokenizer.whole("the c").ids)] != own.tokenizer.whole("the c").ids
    )
    assert (found.scores[0, 0], found.tokens[0, 0]) == (pytest.approx(expected, abs=1e-4), count)
