"""Recurring span selection: what is asked, what is to be found, and the head that goes on from it."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from headstart.backbones.base import Inputs
from headstart.backbones.encoder import TextEncoder
from headstart.backbones.location import BackboneSource, locate
from headstart.data.examples import Example
from headstart.data.store import Store
from headstart.errors import ModelError
from headstart.heads.model import Model
from headstart.heads.span_map import known_map, span_head, with_span_head
from headstart.objectives.span_selection import SpanSelection


@pytest.fixture
def backbone(tiny_backbone: Path) -> TextEncoder:
    return TextEncoder(locate(BackboneSource(location=str(tiny_backbone)))).eval()


def store(*texts: str) -> Store[Any]:
    return Store([Example(text) for text in texts], list(range(len(texts))), "toy")


TEXT = "the shop opens at nine . you say the good shop is bad . it is good"


def asked(backbone: TextEncoder, text: str, number: int) -> tuple[str, str, set[str], set[str]]:
    """Question, context, and the words at which what is to be found begins and ends."""
    objective, tokenizer = SpanSelection(), backbone.tokenizer
    rows = objective.prepare(store(text), tokenizer)
    batch = objective.collate(rows, np.array([number]), tokenizer.pad_id)
    ids = batch["ids"][0].tolist()
    border = ids.index(rows.between[0])
    words = [tokenizer.decode([ids[place]]) for _, place, _ in batch["spans"].tolist()]
    begins, ends = ({words[at] for at in np.flatnonzero(batch["targets"][:, side].numpy())} for side in (1, 2))
    assert batch["counts"].tolist() == [len(words)]
    assert batch["targets"][:, 1:].sum(0).tolist() == pytest.approx([1.0, 1.0])
    return tokenizer.decode(ids[1:border]), " ".join(words), begins, ends


def test_the_sentence_around_a_hidden_span_asks_for_its_other_places_in_the_rest(backbone: TextEncoder) -> None:
    seen = {asked(backbone, TEXT, number)[:2]: asked(backbone, TEXT, number)[2:] for number in range(60)}
    rest = {
        "the [MASK] opens at nine .": ("you say the good shop is bad . it is good", "shop"),
        "you say the good [MASK] is bad .": ("the shop opens at nine . it is good", "shop"),
        "you say the [MASK] shop is bad .": ("the shop opens at nine . it is good", "good"),
        "it is [MASK]": ("the shop opens at nine . you say the good shop is bad .", "good"),
    }
    assert seen == {(question, context): ({word}, {word}) for question, (context, word) in rest.items()}


def test_of_two_places_in_one_sentence_the_other_one_stays_in_the_context(backbone: TextEncoder) -> None:
    found = {asked(backbone, "bad start and bad end .", number)[:2] for number in range(20)}
    assert found == {("[MASK] start and", "bad end ."), ("start and [MASK] end .", "bad")}


def test_spans_of_several_words_begin_and_end_at_the_first_tokens_of_their_words(backbone: TextEncoder) -> None:
    text = "good night to you . bad night . you say good night now . it is a good night"
    found = [asked(backbone, text, number) for number in range(40)]
    assert {(*begins, *ends) for _, _, begins, ends in found} == {("good", "night"), ("you", "you")} - {("you", "you")}


def test_what_is_asked_changes_from_pass_to_pass_and_is_the_same_in_any_company(backbone: TextEncoder) -> None:
    objective = SpanSelection()
    rows = objective.prepare(store(TEXT, "nine", "a bad start . a bad end"), backbone.tokenizer)
    alone = objective.collate(rows, np.array([2]), 0)
    beside = objective.collate(rows, np.array([1, 2, 0]), 0)
    assert len(beside["ids"]) == 2, "one text has no recurring span"
    length = int(alone["mask"].sum())
    assert torch.equal(alone["ids"][0], beside["ids"][0, :length])
    assert beside["spans"][-1, 0] == 1
    later = {tuple(objective.collate(rows, np.array([number]), 0)["ids"][0].tolist()) for number in range(0, 90, 3)}
    assert len(later) == 4


def test_texts_without_a_recurring_span_lose_nothing_and_teach_nothing(backbone: TextEncoder) -> None:
    objective = SpanSelection()
    rows = objective.prepare(store("nine", "it is the shop"), backbone.tokenizer)
    model = Model(backbone, objective.heads(backbone))
    total, count = objective.loss(model, objective.collate(rows, np.arange(2), backbone.tokenizer.pad_id))
    total.backward()
    assert (float(total.detach()), count) == (0.0, 1.0)
    assert all(not parameter.grad.any() for parameter in model.parameters() if parameter.grad is not None)


def test_the_loss_is_the_mean_of_two_cross_entropies_over_the_words_of_the_context(backbone: TextEncoder) -> None:
    objective, tokenizer = SpanSelection(), backbone.tokenizer
    model = Model(backbone, objective.heads(backbone)).eval()
    rows = objective.prepare(store(TEXT, "bad . bad bad day . a bad day"), tokenizer)
    for number in range(20):
        batch = objective.collate(rows, np.array([number]), tokenizer.pad_id)
        total, count = objective.loss(model, batch)
        head: Any = model.heads["spans"]
        states = backbone.encode(Inputs(batch["ids"], batch["mask"])).hidden[0, batch["spans"][:, 1]]
        shares = torch.log_softmax(states @ head.linear.weight.T + head.linear.bias, dim=0)
        expected = -0.5 * (batch["targets"][:, 1:] * shares).sum()
        assert float(total.detach()) == pytest.approx(float(expected.detach()), abs=1e-5)
        assert count == pytest.approx(1.0)


def test_long_texts_are_never_longer_than_the_network_reads(backbone: TextEncoder) -> None:
    tokenizer = backbone.tokenizer
    rows = SpanSelection().prepare(store("good day . " + "the shop is bad . " * 400 + "good day"), tokenizer)
    batch = SpanSelection().collate(rows, np.arange(8), tokenizer.pad_id)
    assert batch["ids"].shape[1] <= int(rows.own.max()) == tokenizer.max_length
    assert int(batch["spans"][:, 2].max()) < batch["ids"].shape[1]


def test_the_network_is_published_with_its_head_and_goes_on_from_it(backbone: TextEncoder, tmp_path: Path) -> None:
    from transformers import AutoModelForQuestionAnswering

    assert known_map(backbone) is None
    head = span_head(backbone)
    assert (head.fresh, head.known) == (True, False)
    backbone.save(tmp_path, with_span_head(backbone, head.linear))
    again = TextEncoder(locate(BackboneSource(location=str(tmp_path))))
    found = span_head(again)
    assert (found.fresh, found.known) == (False, True)
    assert torch.equal(found.linear.weight, head.linear.weight)
    assert torch.equal(found.linear.bias, head.linear.bias)
    network = AutoModelForQuestionAnswering.from_pretrained(tmp_path).eval()
    assert torch.equal(network.qa_outputs.weight, head.linear.weight)


def test_networks_without_such_a_head_or_a_hidden_word_are_refused(make_backbone: Any, tmp_path: Path) -> None:
    decoder = TextEncoder(locate(BackboneSource(location=str(make_backbone(tmp_path / "gpt2", "gpt2")))))
    decoder.tokenizer.special["mask"] = 1
    with pytest.raises(ModelError, match=r"\(gpt2\) has no head that finds spans; choose a network that reads in both"):
        SpanSelection().heads(decoder)
    del decoder.tokenizer.special["mask"]
    with pytest.raises(
        ModelError, match=r"no token for a hidden word \(\[MASK\], <mask>\), which span-selection needs"
    ):
        SpanSelection().heads(decoder)
