"""How likely a decoder answers with words of a text: by passes of its own over every answer, and no answer from elsewhere."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.toys.decoders import make_decoder

from headstart.backbones.base import open_backbone
from headstart.backbones.location import BackboneSource, locate
from headstart.data.questions import AskedText
from headstart.heads.vocabulary import VocabularyHead
from headstart.predictors import answer_likelihoods
from headstart.predictors.answer_likelihoods import NOTHING, AnswerLikelihoods, Paths, SpanLikelihoods
from headstart.predictors.causal import ends_of
from headstart.predictors.prompted_answers import logits_of

TEXTS = ("the cat (it is bad) sat for $20 .", "day and night")
PROMPTS = [f"Read this.\n{text}\nQuestion: what\nAnswer:" for text in TEXTS]


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> AnswerLikelihoods:
    backbone: Any = open_backbone(
        locate(BackboneSource(location=str(make_decoder(tmp_path_factory.mktemp("decoder") / "llama"))))
    ).eval()
    return AnswerLikelihoods(VocabularyHead(backbone, "causal").eval(), backbone.tokenizer, ends_of(backbone))


def paths_of(reader: AnswerLikelihoods, refusal: str = "no", longest: int = 4) -> list[Paths]:
    return [
        reader.paths(asked, " ", text, AskedText("what", text).context_words, refusal, longest=longest)
        for asked, text in zip(PROMPTS, TEXTS, strict=True)
    ]


def by_itself(reader: AnswerLikelihoods, asked: str, answer: str) -> float:
    before, whole = (reader.tokenizer.whole(text).ids for text in (asked, f"{asked} {answer}"))
    ids = [*reader.tokenizer.before, *whole]
    known = len(ids) - len(whole) + len(before)
    with torch.no_grad():
        shares = torch.log_softmax(reader.reader.over.network(input_ids=torch.tensor([ids])).logits[0].double(), 1)
    said = sum(float(shares[at - 1, ids[at]]) for at in range(known, len(ids)))
    return said + float(torch.logsumexp(shares[-1, list(reader.ends)], 0))


def test_scores_are_those_of_each_answer_by_itself(reader: AnswerLikelihoods, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answer_likelihoods, "MOST_STARTS", 100)
    monkeypatch.setattr(answer_likelihoods, "MOST_ALIKE", 100)
    found = reader.scores(PROMPTS, paths_of(reader), start=reader.tokenizer.before)
    for asked, text, own in zip(PROMPTS, TEXTS, found, strict=True):
        words = AskedText("what", text).context_words
        assert {(NOTHING, NOTHING), (0, 0), (0, 1)} <= {*zip(own.firsts.tolist(), own.lasts.tolist(), strict=True)}
        for first, last, score in zip(own.firsts, own.lasts, own.scores, strict=True):
            answer = (
                "no" if first == NOTHING else text[words.starts[first] : words.starts[last] + len(words.words[last])]
            )
            assert score == pytest.approx(by_itself(reader, asked, answer), abs=1e-4), answer


def test_answers_begin_and_end_with_words_and_are_no_longer_than_asked(reader: AnswerLikelihoods) -> None:
    said = set()
    for text, own in zip(TEXTS, paths_of(reader, refusal="", longest=3), strict=True):
        words = AskedText("what", text).context_words.words
        said |= {words[first : last + 1] for first, ends in zip(own.firsts, own.ends, strict=True) for _, last in ends}
    assert max(map(len, said)) == 3
    assert not {each for each in said if each[0] in "()." or each[-1] in "(.$"}
    assert {("$", "20"), ("bad", ")", "sat"), ("day",), ("day", "and", "night")} <= said


def test_the_likeliest_beginnings_alone_are_followed_and_a_refusal_always(
    reader: AnswerLikelihoods, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = reader.scores(PROMPTS, paths_of(reader), start=reader.tokenizer.before)
    monkeypatch.setattr(answer_likelihoods, "MOST_STARTS", 2)
    few = reader.scores(PROMPTS, paths_of(reader), start=reader.tokenizer.before)
    for some, every in zip(few, whole, strict=True):
        assert NOTHING in some.firsts and len({*some.firsts.tolist()}) == 3 < len({*every.firsts.tolist()})
        known = {(a, b): c for a, b, c in zip(every.firsts, every.lasts, every.scores, strict=True)}
        for first, last, score in zip(some.firsts, some.lasts, some.scores, strict=True):
            assert score == pytest.approx(known[first, last], abs=1e-4), "whatever else is followed"


def test_beginnings_and_ends_get_what_their_answers_come_to() -> None:
    shares = np.array([0.5, 0.2, 0.2, 0.1])
    found = SpanLikelihoods(
        np.array([1, 1, 2, NOTHING]), np.array([1, 2, 2, NOTHING]), np.log(shares) - 3, np.ones(4, int)
    )
    logits = logits_of(found, 4)
    expected = np.array([[0.1, 0.1], [0, 0], [0.7, 0.5], [0.2, 0.4]])
    np.testing.assert_allclose(np.exp(logits), 0.99 * expected + 0.01 / 4, atol=1e-9)


def test_line_breaks_and_full_stops_end_an_answer(reader: AnswerLikelihoods, tmp_path: Path) -> None:
    known = reader.tokenizer.vocabulary
    assert {known["\u010a"], known["."]} <= {*reader.ends} and known["a"] not in reader.ends
