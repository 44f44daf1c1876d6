"""Words to token ids: those of transformers, and no word ever lost."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

from headstart.backbones.base import Inputs
from headstart.backbones.tokenizer_files import open_tokenizer
from headstart.backbones.tokenizing import TextTokenizer
from headstart.data.words import joined_words

TEXTS = ["the shop opens at nine", "good day to you and yours", "it's a parcel, is it?"] * 3


def trained(kind: str) -> Tokenizer:
    model: Any = models.BPE(unk_token="<unk>") if kind != "unigram" else models.Unigram()
    tokenizer = Tokenizer(model)
    special = ["<unk>", "<s>", "</s>"]
    if kind == "byte-level":
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        tokenizer.decoder = decoders.ByteLevel()
    else:
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer: Any = (
        trainers.UnigramTrainer(vocab_size=60, special_tokens=special, unk_token="<unk>", show_progress=False)
        if kind == "unigram"
        else trainers.BpeTrainer(vocab_size=300, special_tokens=special, show_progress=False)
    )
    tokenizer.train_from_iterator(TEXTS, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>",
        special_tokens=[("<s>", tokenizer.token_to_id("<s>")), ("</s>", tokenizer.token_to_id("</s>"))],
    )
    return tokenizer


def reader(kind: str, tiny_backbone: Path, most: int = 40) -> tuple[TextTokenizer, Tokenizer]:
    if kind == "word-piece":
        found = open_tokenizer(tiny_backbone, most, 0)
        return found, found.plain
    raw = trained(kind)
    return TextTokenizer(Tokenizer.from_str(raw.to_str()), most, 0), raw


@pytest.mark.parametrize("kind", ["word-piece", "byte-level", "metaspace", "unigram"])
def test_ids_are_those_that_transformers_gives_for_texts_split_into_words(kind: str, tiny_backbone: Path) -> None:
    from transformers import PreTrainedTokenizerFast

    ours, raw = reader(kind, tiny_backbone)
    theirs = PreTrainedTokenizerFast(tokenizer_object=raw, add_prefix_space=True)
    if kind == "byte-level":
        raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
        theirs = PreTrainedTokenizerFast(tokenizer_object=raw)
    words = [["the", "shop", "opens"], ["day", "nine", "it"]]
    found = ours.read([joined_words(each) for each in words])
    for row, each in enumerate(words):
        wanted = theirs(each, is_split_into_words=True)
        assert found.windows.get(row).tolist() == wanted["input_ids"]
        first = [wanted.word_ids(0).index(at) for at in range(len(each))]
        assert found.spans_of([row])[:, 1].tolist() == first


@pytest.mark.parametrize("kind", ["word-piece", "byte-level", "metaspace", "unigram"])
def test_every_word_has_a_piece_of_its_own_whatever_it_is(kind: str, tiny_backbone: Path) -> None:
    ours, _ = reader(kind, tiny_backbone, most=12)
    sign = st.text(min_size=1, max_size=12)

    @settings(max_examples=60, deadline=None)
    @given(st.lists(sign, min_size=1, max_size=20))
    def check(words: list[str]) -> None:
        found = ours.read([joined_words(words)])
        assert found.units.counts.tolist() == [len(words)]
        window, begin, end = found.spans.T
        assert (begin < end).all()
        assert (found.windows.lengths <= 12).all()
        assert (end <= found.windows.lengths[window] - 1).all()
        assert (begin >= 1).all()

    check()


def test_words_in_windows_have_the_pieces_they_have_alone(tiny_backbone: Path) -> None:
    ours, _ = reader("word-piece", tiny_backbone, most=10)
    words = ["good", "xyzzy", "day", "shop", "qwerty", "nine", "to", "you", "and", "parcel"] * 4
    found = ours.read([joined_words(words)])
    assert len(found.windows) > 4
    assert found.lost.tolist() == [0]
    for word, (window, begin, end) in zip(words, found.spans, strict=True):
        alone = ours.read([joined_words([word])])
        assert found.windows.get(window)[begin:end].tolist() == alone.windows.get(0)[1:-1].tolist()


def test_a_word_longer_than_a_window_is_cut_and_counted_and_those_behind_it_stay(tiny_backbone: Path) -> None:
    ours, _ = reader("word-piece", tiny_backbone, most=10)
    found = ours.read([joined_words(["good", "zyxwvutsrqponm", "day"])])
    assert found.lost.tolist() == [6]
    window, begin, end = found.spans[2]
    assert (
        found.windows.get(window)[begin:end].tolist()
        == ours.read([joined_words(["day"])]).windows.get(0)[1:-1].tolist()
    )


def test_states_of_words_do_not_depend_on_the_sentences_beside_them(
    make_backbone: Callable[..., Path], tmp_path: Path
) -> None:
    import torch

    from headstart.backbones.encoder import TextEncoder
    from headstart.backbones.location import BackboneSource, locate
    from headstart.heads.pooled import pool
    from headstart.training.features import pooled_states

    backbone = TextEncoder(locate(BackboneSource(location=str(make_backbone(tmp_path / "b", initializer_range=0.2)))))
    sentences = [joined_words(text.split()) for text in ("good day xyzzy", "the shop opens at nine now", "xq")]
    tokens = backbone.tokenizer.read(sentences)
    states = pooled_states(backbone, tokens, ("first", "mean", "last"))
    assert states.shape == (10, 3, 3, 32)
    ids, mask = (torch.from_numpy(each) for each in tokens.pad([0], 0))
    with torch.inference_mode():
        hidden = backbone.encode(Inputs(ids, mask)).hidden[0]
    start, end = tokens.spans[2][1:]
    np.testing.assert_allclose(states[2, 2, 0], hidden[start], atol=1e-5)
    np.testing.assert_allclose(states[2, 2, 1], hidden[start:end].mean(0), atol=1e-5)
    np.testing.assert_allclose(states[2, 2, 2], hidden[end - 1], atol=1e-5)
    assert end - start > 1
    spans = torch.from_numpy(tokens.spans_of([0]))
    highest = pool(hidden[None], mask, "max", spans)
    np.testing.assert_allclose(highest[2], hidden[start:end].amax(0), atol=1e-6)
