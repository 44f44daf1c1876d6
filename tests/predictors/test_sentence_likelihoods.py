"""How likely networks hold sentences that share words, against passes of plain transformers, one word at a time."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.toys.decoders import make_decoder

import headstart
from headstart.backbones.location import BackboneSource
from headstart.cli.audited import audit_shown
from headstart.errors import ModelError, RecipeError
from headstart.evaluation.measurements.pair_likelihoods import PairPreferences
from headstart.predictors.sentence_likelihoods import network_with_words, pair_likelihoods, shared

PAIRS = [
    ("the good phone is small", "the bad phone is small"),
    ("it was good service", "it was not at all bad service"),
    ("good", "bad"),
    ("the phone " * 40, "the service " * 40),
]


@pytest.fixture(scope="module")
def masked(tmp_path_factory: pytest.TempPathFactory, tiny_backbone: Path) -> Path:
    """A tiny random BERT with its head over words."""
    from transformers import AutoConfig, AutoTokenizer, BertForMaskedLM

    folder = tmp_path_factory.mktemp("masked")
    torch.manual_seed(3)
    BertForMaskedLM(AutoConfig.from_pretrained(tiny_backbone, initializer_range=0.5)).save_pretrained(folder)
    AutoTokenizer.from_pretrained(tiny_backbone).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def decoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny random decoder."""
    return make_decoder(tmp_path_factory.mktemp("decoders") / "tiny", initializer_range=0.5)


def plain(folder: Path) -> tuple[Any, Any]:
    """Network and tokenizer as transformers opens them."""
    from transformers import AutoModelForCausalLM, AutoModelForMaskedLM, AutoTokenizer

    kind = AutoModelForMaskedLM if "masked" in str(folder) else AutoModelForCausalLM
    return kind.from_pretrained(folder, dtype=torch.float32).eval(), AutoTokenizer.from_pretrained(folder)


def test_an_encoder_scores_the_words_that_both_share_each_hidden_in_turn(masked: Path) -> None:
    found = pair_likelihoods(network_with_words(BackboneSource(location=str(masked)), "cpu"), PAIRS)
    network, tokenizer = plain(masked)
    for at, pair in enumerate(PAIRS[:2]):
        ids = [tokenizer(text)["input_ids"] for text in pair]
        for side, own in enumerate(ids):
            total = 0.0
            for place in range(1, len(own) - 1):
                if own[place] not in ids[1 - side]:  # no word stands twice in these sentences
                    continue
                hidden = torch.tensor([own])
                hidden[0, place] = tokenizer.mask_token_id
                with torch.no_grad():
                    total += float(network(hidden).logits[0, place].log_softmax(-1)[own[place]])
            assert found.values[at, side] == pytest.approx(total, abs=1e-4)
    assert found.direction == "masked" and found.values[0, 0] != found.values[0, 1]
    assert np.isnan(found.values[2:]).all() and found.long.tolist() == [False, False, False, True]


def test_a_decoder_scores_whole_sentences(decoder: Path) -> None:
    model = network_with_words(BackboneSource(location=str(decoder)), "cpu")
    found = pair_likelihoods(model, PAIRS[:3])
    network, tokenizer = plain(decoder)
    begin = list(model.backbone.tokenizer.begin)
    assert begin
    for at, pair in enumerate(PAIRS[:3]):
        for side, text in enumerate(pair):
            ids = torch.tensor([[*begin, *tokenizer(text, add_special_tokens=False)["input_ids"]]])
            with torch.no_grad():
                scores = network(ids).logits[0, :-1].log_softmax(-1)
            total = float(scores.gather(1, ids[0, 1:, None]).sum())
            assert found.values[at, side] == pytest.approx(total, abs=1e-4)
    assert found.direction == "causal" and not found.long.any()


def test_shared_words_keep_their_order() -> None:
    assert shared([1, 2, 3, 4], [1, 9, 3, 4]) == ([0, 2, 3], [0, 2, 3])
    assert shared([1, 2], [1, 5, 6, 2]) == ([0, 1], [0, 3])
    assert shared([1], [2]) == ([], [])


def test_the_share_of_pairs_whose_first_sentence_is_the_likelier_one(
    masked: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "pairs.csv"
    lines = [f"the good phone {at},the bad phone {at},size" for at in range(12)]
    lines += [f"the small phone {at},the bad phone {at},name" for at in range(12)]
    file.write_text("sent_more,sent_less,bias_type\n" + "\n".join(lines) + "\ngood,bad,name\n")

    def values(model: Any, pairs: list[tuple[str, str]], **_: Any) -> Any:
        found = pair_likelihoods(model, pairs)
        ahead = np.array(
            [[2.0, 1.0] if "good" in first else [1.0, 2.0 - at % 2] for at, (first, _) in enumerate(pairs)]
        )
        return type(found)(np.where(np.isnan(found.values), np.nan, ahead), found.direction, found.long)

    monkeypatch.setattr("headstart.predictors.sentence_likelihoods.pair_likelihoods", values)
    found = headstart.audit(masked, sentence_pairs=str(file), output=str(tmp_path / "out"))
    whole, size, name = found["audit"]["pair_likelihoods"]["categories"]
    assert (whole["pairs"], size["pairs"], name["pairs"]) == (24, 12, 12)
    assert (whole["prefers"]["value"], size["prefers"]["value"], name["prefers"]["value"]) == (0.5, 1.0, 0.0)
    assert (
        whole["p"] == 1.0 and size["p"] == pytest.approx(2 * 0.5**12) and size["p_holm"] == pytest.approx(3 * size["p"])
    )
    assert found["audit"]["pair_likelihoods"]["left_out"] == {"too_long": 0, "no_word_in_common": 1}
    said = "\n".join(found["verdict"])
    assert (
        "a half would be neither way" in said
        and "size 1.000" in said
        and "1 pair without a word in common is left out" in said
    )
    assert audit_shown(found).startswith("Likelier sentences\n")
    page = (tmp_path / "out" / "report.html").read_text()
    assert "pretrained network" in page and "pseudo-log-likelihood" in page


def test_what_cannot_be_asked_is_said(tiny_backbone: Path, masked: Path, tmp_path: Path) -> None:
    file = tmp_path / "pairs.csv"
    file.write_text("sent_more,sent_less\ngood,bad\n")
    with pytest.raises(ModelError, match="no weights for a head over words"):
        headstart.audit(tiny_backbone, sentence_pairs=str(file))
    with pytest.raises(RecipeError, match="give a file with labelled rows"):
        headstart.audit(masked)
    with pytest.raises(RecipeError, match="by: needs labelled rows"):
        headstart.audit(masked, sentence_pairs=str(file), by="channel")
    [why] = headstart.audit(masked, sentence_pairs=str(file))["not_measured"]
    assert why == {"measurement": "pair_likelihoods", "why": "none of 1 pair can be compared"}


def test_a_run_of_prompting_is_asked_both_ways(decoder: Path, tmp_path: Path) -> None:
    labels = ["good", "bad"] * 8
    texts = [f"the {word} phone is number {at}" for at, word in enumerate(labels)]
    run = tmp_path / "run"
    options = {"strategy": "prompting", "backbone": str(decoder), "shots": 0, "controls": False, "test_share": 0}
    headstart.fit({"text": texts, "label": labels}, output=str(run), **options)  # type: ignore[arg-type]
    test, pairs = tmp_path / "test.csv", tmp_path / "pairs.csv"
    test.write_text("\n".join(["text,label", *map(",".join, zip(texts, labels, strict=True))]) + "\n")
    pairs.write_text("sent_more,sent_less\nthe good phone,the bad phone\n")
    found = headstart.audit(run, test, sentence_pairs=str(pairs), forms="")
    assert list(found["audit"]) == ["sentence_pairs", "pair_likelihoods"]
    again = PairPreferences(pairs=str(pairs)).preferences(network_with_words(BackboneSource(location=str(run)), "cpu"))
    assert found["audit"]["pair_likelihoods"] == again
    assert PairPreferences(pairs=str(pairs)).seconds(100, 0.5) == 1.0, "two sentences of one pair"
