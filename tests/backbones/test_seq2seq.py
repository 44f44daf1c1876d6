"""Networks that write: a warm start is its encoder, loss and texts are those of plain transformers."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.toys.decoders import make_decoder
from transformers import (
    CONFIG_MAPPING,
    MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING,
    AutoModelForSeq2SeqLM,
    AutoTokenizer,
    GenerationConfig,
)

from headstart.backbones.base import Inputs, open_backbone
from headstart.backbones.location import GENERATE, BackboneSource, locate
from headstart.backbones.pairs import NewDecoder, located_decoder, paired
from headstart.backbones.seq2seq import Seq2Seq, Seq2SeqSteps
from headstart.backbones.warm_start import learn_vocabulary, warm_started
from headstart.errors import ModelError
from headstart.heads.model import Model
from headstart.objectives.seq2seq import Seq2SeqLoss, WritingRows, hidden, word_losses
from headstart.writing.search import search

TEXTS = ["a good day", "very bad indeed", "where is the shop", "monday", "it is a good start and a bad end"]
WRITTEN = ["ein guter Tag", "sehr schlecht", "wo ist der Laden", "Montag", "Anfang gut, Ende schlecht"]
SIZES: dict[str, Any] = {
    "d_model": 32, "encoder_layers": 2, "decoder_layers": 2, "encoder_attention_heads": 2, "decoder_attention_heads": 2,
    "encoder_ffn_dim": 64, "decoder_ffn_dim": 64, "max_position_embeddings": 64,
}  # fmt: skip
T5 = {
    "d_model": 32,
    "num_layers": 2,
    "num_decoder_layers": 2,
    "num_heads": 2,
    "d_kv": 16,
    "d_ff": 64,
    "initializer_factor": 1.0,
}
KINDS = {
    "bart": SIZES, "mbart": SIZES, "pegasus": SIZES, "marian": SIZES, "m2m_100": SIZES, "blenderbot-small": SIZES, "t5": T5,
    "t5 with a head of its own": T5 | {"tie_word_embeddings": False},
}  # fmt: skip


PAIRS = {
    "roberta and new": ("roberta", None),
    "distilbert and gpt2": ("distilbert", "gpt2"),
    "bert and bert": ("bert", "bert"),
}
"""Architectures of an encoder and of its decoder, None for a new one."""


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory, make_backbone: Callable[..., Path]) -> Callable[[str], Seq2Seq]:
    """A tiny random network of a kind."""

    def paired_network(kind: str) -> Seq2Seq:
        place = tmp_path_factory.mktemp("pair")
        reads, writes = PAIRS[kind]
        located = locate(BackboneSource(location=str(make_backbone(place / "encoder", reads, initializer_range=0.5))))
        decoder: Any = NewDecoder(learn_vocabulary(WRITTEN, size=400, first=0), layers=1)
        if writes is not None:
            maker = make_decoder if writes == "gpt2" else make_backbone
            wider = {"hidden_size": 48, "initializer_range": 0.5}
            decoder = located_decoder(str(maker(place / "decoder", writes, **wider)))
        (place / "pair").mkdir()
        found: Any = open_backbone(paired(located, decoder, place / "pair", seed=4)[0], needs=frozenset({GENERATE}))
        if (bias := found.network.get_output_embeddings().bias) is not None:
            torch.nn.init.normal_(bias)
        return found.eval()

    def made(kind: str) -> Seq2Seq:
        if kind in PAIRS:
            return paired_network(kind)
        folder = make_backbone(tmp_path_factory.mktemp("seq2seq") / kind.replace(" ", "-"))
        name = kind.split(" ")[0]
        words = 2 + max(AutoTokenizer.from_pretrained(folder).get_vocab().values())
        config = CONFIG_MAPPING[name](
            vocab_size=words, pad_token_id=0, bos_token_id=2, eos_token_id=3, decoder_start_token_id=2, forced_eos_token_id=None,
            **KINDS[kind],
        )  # fmt: skip
        torch.manual_seed(5)
        plain: Any = MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING[type(config)](config)
        with torch.no_grad():
            for parameter in plain.parameters():
                parameter.add_(0.3 * torch.randn_like(parameter) * parameter.abs().mean())
        (folder / "model.safetensors").unlink()
        plain.save_pretrained(folder)
        found: Any = open_backbone(
            locate(BackboneSource(location=str(folder)), frozenset({GENERATE})), needs=frozenset({GENERATE})
        )
        return found.eval()

    return made


def started(tiny_backbone: Path, folder: Path, **options: Any) -> Seq2Seq:
    located = locate(BackboneSource(location=str(tiny_backbone)))
    read = open_backbone(located)
    vocabulary = learn_vocabulary(WRITTEN, size=400, first=read.network.get_input_embeddings().weight.shape[0])  # type: ignore[operator, union-attr]
    folder.mkdir()
    needs = frozenset({GENERATE})
    found: Any = open_backbone(warm_started(located, vocabulary, folder, **options), needs=needs)
    return found.eval()


def given(backbone: Seq2Seq) -> Inputs:
    tokens = backbone.tokenizer.encode(TEXTS)
    ids, mask = (torch.from_numpy(each) for each in tokens.pad(range(len(TEXTS)), backbone.tokenizer.pad_id))
    return Inputs(ids, mask)


def rows(backbone: Seq2Seq) -> WritingRows:
    return WritingRows(backbone.tokenizer.encode(TEXTS), backbone.target.encode(WRITTEN))


@pytest.mark.parametrize("kind", [*KINDS, *PAIRS])
def test_texts_are_those_of_generate_with_any_beams_and_penalty(kind: str, network: Callable[[str], Seq2Seq]) -> None:
    backbone = network(kind)
    inputs, (first, behind), marks = given(backbone), backbone.written, backbone.marks
    for beams, penalty, size in ((1, 1.0, 0), (3, 1.0, 0), (4, 0.0, 0), (2, 2.0, 0), (3, 1.0, 2), (1, 1.0, 2)):
        how = GenerationConfig(
            num_beams=beams, num_return_sequences=beams, max_new_tokens=9, pad_token_id=marks.pad, eos_token_id=marks.end,
            decoder_start_token_id=marks.start, early_stopping=False, no_repeat_ngram_size=size, **({"length_penalty": penalty} if beams > 1 else {}),
        )  # fmt: skip
        with torch.no_grad():
            theirs = backbone.network.generate(
                input_ids=inputs.ids, attention_mask=inputs.mask, generation_config=how, use_cache=True
            ).view(len(TEXTS), beams, -1)
            steps = Seq2SeqSteps(backbone, backbone.encode(inputs), (first, behind))
        ours = search(
            steps, torch.full((len(TEXTS),), 9), start=marks.start - first, ends=(marks.end - first,), beams=beams, kept=beams,
            length_penalty=penalty, no_repeat_ngram=size,
        )  # fmt: skip
        for row, ranks in enumerate(ours.ids):
            for rank, ids in enumerate(ranks):
                expected = theirs[row, rank, 1:].tolist()
                expected = expected[: expected.index(marks.end)] if marks.end in expected else expected
                assert [each + first for each in ids] == expected, (kind, beams, penalty, size, row, rank)


@pytest.mark.parametrize("kind", [*KINDS, *PAIRS])
def test_the_loss_is_that_of_the_logits_of_plain_transformers(kind: str, network: Callable[[str], Seq2Seq]) -> None:
    backbone = network(kind)
    prepared = rows(backbone)
    batch = Seq2SeqLoss().collate(prepared, np.arange(len(TEXTS)), backbone.marks.pad)
    words, known = batch["words"], batch["known"] > 0
    before = torch.cat([words.new_full((len(words), 1), backbone.marks.start), words[:, :-1]], 1)
    with torch.no_grad():
        logits = backbone.network(
            input_ids=batch["ids"], attention_mask=batch["mask"], decoder_input_ids=before, use_cache=False
        ).logits
        for smoothing in (0.0, 0.2):
            expected = torch.nn.functional.cross_entropy(
                logits[known], words[known], reduction="sum", label_smoothing=smoothing
            )
            found, count = word_losses(Model(backbone, {}), batch, smoothing=smoothing)
            assert float(found) == pytest.approx(float(expected), rel=1e-4)
            assert count == float(known.sum())


def test_a_warm_start_reads_as_its_encoder_does(tiny_backbone: Path, tmp_path: Path) -> None:
    backbone, plain = (
        started(tiny_backbone, tmp_path / "bart"),
        open_backbone(locate(BackboneSource(location=str(tiny_backbone)))),
    )
    inputs = given(plain)  # type: ignore[arg-type]
    with torch.no_grad():
        ours, theirs = (each.eval().encode(inputs).hidden for each in (backbone, plain))
    np.testing.assert_allclose(ours[inputs.mask > 0], theirs[inputs.mask > 0], atol=2e-4)
    assert (backbone.depth, backbone.decoder_depth, len(backbone.blocks())) == (2, 3, 6)
    cold = started(tiny_backbone, tmp_path / "cold", pretrained=False)
    with torch.no_grad():
        assert (cold.encode(inputs).hidden - theirs).abs().max() > 0.1


def test_words_that_are_parted_say_the_same_and_are_joined_again(tiny_backbone: Path, tmp_path: Path) -> None:
    backbone = started(tiny_backbone, tmp_path / "bart")
    batch = Seq2SeqLoss().collate(rows(backbone), np.arange(len(TEXTS)), backbone.marks.pad)
    whole, _ = word_losses(Model(backbone, {}), batch, smoothing=0.1)
    table = backbone.network.model.shared.weight
    whole.backward()
    slopes = table.grad.clone()
    backbone.part_words()
    own = backbone.network.get_decoder().embed_tokens.weight
    parted, _ = word_losses(Model(backbone, {}), batch, smoothing=0.1)
    parted.backward()
    first, behind = backbone.written
    assert own.shape == (behind - first, table.shape[1])
    torch.testing.assert_close(parted, whole)
    torch.testing.assert_close(own.grad, slopes[first:behind])
    with torch.no_grad():
        own.add_(1.0)
    expected = own.detach().clone()
    backbone.join_words()
    assert torch.equal(table[first:behind], expected)
    assert backbone.network.get_decoder().embed_tokens.weight is table
    assert backbone.scoring((first, behind))[0].data_ptr() == table[first:].data_ptr()


def test_words_that_are_read_are_hidden_in_training_alone(tiny_backbone: Path, tmp_path: Path) -> None:
    backbone = started(tiny_backbone, tmp_path / "bart")
    batch = Seq2SeqLoss().collate(rows(backbone), np.arange(len(TEXTS)), backbone.marks.pad)
    special = backbone.tokenizer.special
    torch.manual_seed(1)
    found = hidden(Model(backbone, {}), batch["ids"], 0.5)
    changed = found != batch["ids"]
    assert {*found[changed].tolist()} == {special["mask"]}
    text = ~torch.isin(batch["ids"], torch.tensor([*special.values(), backbone.marks.pad])) & (batch["mask"] > 0)
    assert not (changed & ~text).any()
    assert 0.2 < float(changed[text].float().mean()) < 0.8
    loss = Seq2SeqLoss(word_dropout=0.5).loss(Model(backbone, {}), batch)[0]
    assert float(loss.detach()) != float(word_losses(Model(backbone, {}), batch, smoothing=0.1)[0].detach())


def test_what_is_read_is_never_written(tiny_backbone: Path, tmp_path: Path) -> None:
    backbone = started(tiny_backbone, tmp_path / "bart")
    first, behind = backbone.written
    ids = backbone.target.encode(WRITTEN)
    assert all(first <= each < behind for each in ids.flat.tolist())
    plain = AutoModelForSeq2SeqLM.from_pretrained(tmp_path / "bart").eval()
    inputs = given(backbone)
    with torch.no_grad():
        logits = plain(
            input_ids=inputs.ids, attention_mask=inputs.mask, decoder_input_ids=inputs.ids * 0 + backbone.marks.start
        ).logits
    assert (logits[..., :first].amax(-1) < logits[..., first:].amin(-1)).all()
    writer = AutoTokenizer.from_pretrained(tmp_path / "bart" / "target")
    assert [
        writer.decode(row, skip_special_tokens=True).strip() for row in (ids.pad([at], 0)[0][0] for at in range(5))
    ] == WRITTEN
    assert backbone.target.written([ids.pad([0], 0)[0][0].tolist()]) == WRITTEN[:1]


def test_networks_that_cannot_write_are_refused_by_name(make_backbone: Callable[..., Path], tmp_path: Path) -> None:
    folder = make_backbone(tmp_path / "roberta", "roberta")
    with pytest.raises(ModelError, match="architecture roberta cannot generate, which is needed here"):
        locate(BackboneSource(location=str(folder)), frozenset({GENERATE}))
    located = locate(BackboneSource(location=str(folder)))
    with pytest.raises(
        ModelError, match="a decoder can be put beside those of bert, and encoder-decoders such as BART or T5"
    ):
        warm_started(located, learn_vocabulary(WRITTEN, size=300, first=0), tmp_path)


def test_words_that_the_vocabulary_lacks_are_counted_by_texts(network: Callable[[str], Seq2Seq]) -> None:
    from headstart.strategies.writing import unknown_words

    backbone = network("bart")
    known = ["a good day"] * 99
    some = backbone.target.encode([*known, "\u5b57 \u5b57"])
    assert unknown_words(backbone, some) == "", "one of a hundred is few"
    more = backbone.target.encode([*known, "\u5b57 day \u5b57", "good \u5b57"])
    assert unknown_words(backbone, more).startswith(
        "2 of 101 texts to be written hold words that the vocabulary of the network lacks"
    )
