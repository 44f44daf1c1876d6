"""Masked, causal and contrastive learning from raw text: what is hidden, what is told, what it costs."""

from collections.abc import Callable
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
from headstart.objectives.causal_lm import CausalLM
from headstart.objectives.masked_lm import MaskedLM
from headstart.objectives.simcse import SimCSE


@pytest.fixture
def backbone(tiny_backbone: Path) -> TextEncoder:
    return TextEncoder(locate(BackboneSource(location=str(tiny_backbone)))).eval()


def store(*texts: str) -> Store[Any]:
    return Store([Example(text) for text in texts], list(range(len(texts))), "toy")


LONG = "the good shop opens at nine and it is a good day to you " * 2


def test_the_asked_share_of_every_row_is_hidden_and_never_a_special_token(backbone: TextEncoder) -> None:
    objective = MaskedLM(share=0.3)
    rows = objective.prepare(store(LONG, "good"), backbone.tokenizer)
    batch = objective.collate(rows, np.array([0, 1]), backbone.tokenizer.pad_id)
    told = (batch["labels"] >= 0).numpy()
    length = int(batch["mask"][0].sum()) - 2
    assert told.sum(1).tolist() == [round(0.3 * length), 1]
    assert not told[:, 0].any()
    assert not told[0, length + 1 :].any()
    assert not told[1, 2:].any()


def test_of_hidden_words_eight_tenths_are_masked_one_changed_one_kept(backbone: TextEncoder) -> None:
    objective = MaskedLM(share=0.5)
    rows = objective.prepare(store(LONG), backbone.tokenizer)
    plain, _, _ = rows.pad(np.arange(600), 0)
    batch = objective.collate(rows, np.arange(600), 0)
    ids, told = batch["ids"].numpy(), batch["labels"].numpy() >= 0
    assert np.array_equal(batch["labels"].numpy()[told], plain[told])
    assert np.array_equal(ids[~told], plain[~told])
    masked = (ids[told] == rows.hidden).mean()
    same = (ids[told] == plain[told]).mean()
    assert masked == pytest.approx(0.8, abs=0.02)
    assert same == pytest.approx(0.1, abs=0.02)  # and the few words that were changed into themselves
    assert not np.isin(ids[told & (ids != rows.hidden) & (ids != plain)], rows.special).any()


def test_words_are_hidden_anew_in_every_pass_and_alike_in_any_company(backbone: TextEncoder) -> None:
    objective = MaskedLM()
    rows = objective.prepare(store(LONG, "good day", "bad night and day"), backbone.tokenizer)
    first = objective.collate(rows, np.array([0]), 0)
    again = objective.collate(rows, np.array([2, 0, 1]), 0)
    later = objective.collate(rows, np.array([3]), 0)
    assert torch.equal(first["ids"][0], again["ids"][1])
    assert not torch.equal(first["labels"], later["labels"])


def test_whole_words_are_hidden_together(backbone: TextEncoder) -> None:
    # "goods" and "badly" are cut into pieces by the tiny tokenizer: good ##s, b ##a ##d ...
    objective = MaskedLM(share=0.4, whole_words=True)
    rows = objective.prepare(store("gooxs the bedly is zzz and opqns"), backbone.tokenizer)
    assert rows.begins is not None
    for number in range(40):
        plain, _, text = rows.pad(np.array([number]), 0)
        told = objective.collate(rows, np.array([number]), 0)["labels"].numpy() >= 0
        begins = rows.begins[plain] & text
        word = np.cumsum(begins[0])
        for each in set(word[text[0]].tolist()):
            inside = told[0][(word == each) & text[0]]
            assert inside.all() or not inside.any()
        assert told.any()


def test_a_tokenizer_without_a_hidden_word_is_refused(make_backbone: Callable[..., Path], tmp_path: Path) -> None:
    import json

    folder = make_backbone(tmp_path / "bert")
    path = folder / "tokenizer.json"
    said = json.loads(path.read_text())
    said["model"]["vocab"] = {
        ("[HOLE]" if word == "[MASK]" else word): at for word, at in said["model"]["vocab"].items()
    }
    said["added_tokens"] = [each for each in said["added_tokens"] if each["content"] != "[MASK]"]
    path.write_text(json.dumps(said))
    tokenizer = TextEncoder(locate(BackboneSource(location=str(folder)))).tokenizer
    with pytest.raises(ModelError, match=r"no token for a hidden word .* learn with causal-lm"):
        MaskedLM().prepare(store("good"), tokenizer)


def test_masked_loss_is_that_of_transformers_on_the_same_batch(backbone: TextEncoder) -> None:
    objective = MaskedLM()
    rows = objective.prepare(store(LONG, "good day", "bad"), backbone.tokenizer)
    model = Model(backbone, objective.heads(backbone)).eval()
    batch = objective.collate(rows, np.arange(3), backbone.tokenizer.pad_id)
    head: Any = model.heads["masked-lm"]
    head.whole.eval()
    theirs = head.whole(input_ids=batch["ids"], attention_mask=batch["mask"], labels=batch["labels"]).loss
    summed, count = objective.loss(model, batch)
    assert float(summed.detach()) / count == pytest.approx(float(theirs.detach()), abs=1e-5)


@pytest.mark.parametrize("kind", ["gpt2", "llama"])
def test_causal_loss_is_that_of_transformers_on_the_same_batch(
    kind: str, make_backbone: Callable[..., Path], tmp_path: Path
) -> None:
    backbone = TextEncoder(locate(BackboneSource(location=str(make_backbone(tmp_path / kind, kind))))).eval()
    objective = CausalLM()
    rows = objective.prepare(store(LONG, "good day", "bad and it is"), backbone.tokenizer)
    assert len(rows.before) == 1
    model = Model(backbone, objective.heads(backbone)).eval()
    batch = objective.collate(rows, np.arange(3), backbone.tokenizer.pad_id)
    head: Any = model.heads["causal-lm"]
    head.whole.eval()
    own = torch.where(batch["mask"] > 0, batch["ids"], -100)
    theirs = head.whole(input_ids=batch["ids"], attention_mask=batch["mask"], labels=own).loss
    summed, count = objective.loss(model, batch)
    assert count == float((batch["mask"].sum(1) - 1).sum())
    assert float(summed.detach()) / count == pytest.approx(float(theirs.detach()), abs=1e-5)


def test_simcse_is_the_cross_entropy_of_finding_oneself(backbone: TextEncoder) -> None:
    objective = SimCSE(temperature=0.5)
    rows = objective.prepare(store("good day", "bad", "the shop opens at nine"), backbone.tokenizer)
    model = Model(backbone, {}).eval()  # without dropout both passes are the same
    summed, count = objective.loss(model, objective.collate(rows, np.arange(3), backbone.tokenizer.pad_id))
    vectors = []
    for at in range(3):
        ids, mask, _ = rows.pad(np.array([at]), 0)
        states = backbone.run(Inputs(torch.from_numpy(ids), torch.from_numpy(mask))).hidden[0]
        vectors.append(states.mean(0) / states.mean(0).norm())
    cosines = torch.stack(vectors) @ torch.stack(vectors).T / 0.5
    expected = -torch.log_softmax(cosines, 1).diagonal().sum()
    assert count == 3
    assert float(summed.detach()) == pytest.approx(float(expected.detach()), rel=1e-4)


def test_a_sample_says_what_is_told_in_a_hidden_place(backbone: TextEncoder) -> None:
    objective = MaskedLM()
    rows = objective.prepare(store(LONG, "good day", "bad"), backbone.tokenizer)
    model = Model(backbone, objective.heads(backbone)).eval()
    assert "(was: " in objective.sample(model, rows, backbone.tokenizer)
