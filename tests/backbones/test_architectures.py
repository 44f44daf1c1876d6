"""Every architecture behind one interface: tiny random networks of thirteen kinds, loaded, encoded, saved, loaded again."""

import contextlib
import io
import json
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from headstart.backbones.base import Inputs
from headstart.backbones.encoder import TextEncoder, quiet
from headstart.backbones.location import ARCHITECTURES, BackboneSource, locate
from headstart.errors import RecipeError
from headstart.heads.model import Model
from headstart.heads.native import NATIVE_HEADS
from headstart.heads.pooled import PooledHead
from headstart.metrics.calibration import softmax
from headstart.predictors import PREDICTORS
from headstart.predictors.network import NetworkPredictor
from headstart.tasks.text_classification import TextClassification

KINDS = [
    "bert", "roberta", "distilbert", "electra", "mpnet", "deberta-v2", "albert", "xlnet", "gpt2", "llama", "qwen2",
    "modernbert", "t5",
]  # fmt: skip
TEXTS = [
    "good", "bad bad", "it is a good day", "the parcel is on its way to you now", "very good indeed", "a",
    "rather bad , i say", "a good day and a good night to you and all of yours", "the shop opens at nine", "!",
    "bad start , bad end", "it arrives on monday and all is good",
]  # fmt: skip
LABELS = ("down", "level", "up")
TASK = TextClassification(labels=LABELS)
every_architecture = pytest.mark.parametrize("kind", KINDS)

Network = Callable[[str], TextEncoder]


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory, make_backbone: Callable[..., Path]) -> Network:
    made: dict[str, Path] = {}

    def load(kind: str) -> TextEncoder:
        if kind not in made:
            # Weights larger than usual, so that states differ from text to text and a mistake shows.
            spread = {"distilbert": 0.3, "modernbert": 0.3}.get(kind, 0.2)
            with quiet():
                folder = tmp_path_factory.mktemp("networks") / kind
                made[kind] = make_backbone(folder, kind, initializer_range=spread)
            if kind == "qwen2":
                write_byte_level_tokenizer(made[kind])
        return TextEncoder(locate(BackboneSource(location=str(made[kind])))).eval()

    return load


def write_byte_level_tokenizer(folder: Path) -> None:
    """Qwen's own kind: AutoTokenizer builds it from vocabulary and merges, whatever class the folder names."""
    from transformers import Qwen2Tokenizer

    signs = ["<|endoftext|>", "\u0120", *(chr(code) for code in range(97, 123)), ",", ".", "!"]
    vocabulary = {sign: at for at, sign in enumerate(signs)}
    Qwen2Tokenizer(vocab=vocabulary, merges=[], model_max_length=48).save_pretrained(folder)


def states(encoder: TextEncoder, texts: list[str]) -> tuple[list[np.ndarray], np.ndarray]:
    tokens = encoder.tokenizer.encode(texts)
    ids, mask = (torch.from_numpy(a) for a in tokens.pad(range(len(texts)), encoder.tokenizer.pad_id))
    with torch.no_grad():
        encoding = encoder.encode(Inputs(ids, mask), layers=True)
    return [layer.numpy() for layer in (*encoding.layers, encoding.hidden)], tokens.lengths


@every_architecture
def test_a_text_alone_has_the_states_it_has_in_a_padded_batch(kind: str, encoder: Network) -> None:
    network = encoder(kind)
    together, lengths = states(network, TEXTS)
    for row, text in enumerate(TEXTS):
        for alone, batch in zip(states(network, [text])[0], together, strict=True):
            np.testing.assert_allclose(alone[0], batch[row, : lengths[row]], atol=1e-4)


@every_architecture
def test_products_in_bfloat16_round_states_and_gradients(kind: str, encoder: Network) -> None:
    network = encoder(kind)
    tokens = network.tokenizer.encode(TEXTS)
    ids, mask = (torch.from_numpy(a) for a in tokens.pad(range(len(TEXTS)), network.tokenizer.pad_id))
    visible = mask.bool()
    found, slopes = {}, {}
    for fast in (False, True):
        network.fast = fast
        network.zero_grad()
        hidden = network.encode(Inputs(ids, mask)).hidden
        assert hidden.dtype == torch.float32
        (hidden[visible] ** 2).mean().backward()
        found[fast] = hidden[visible].detach()
        slopes[fast] = torch.cat([p.grad.flatten() for p in network.parameters() if p.grad is not None])
    size = found[False].square().mean().sqrt()
    assert 0 < (found[True] - found[False]).square().mean().sqrt() < 0.05 * size
    assert torch.cosine_similarity(slopes[True], slopes[False], dim=0) > 0.98


@every_architecture
def test_a_pickled_network_gives_the_same_states(kind: str, encoder: Network) -> None:
    network = encoder(kind)
    with torch.no_grad():
        for parameter in network.blocks()[-1][0].parameters():
            parameter.mul_(1.5)  # no longer those of the folder
    expected, _ = states(network, TEXTS)
    random = torch.random.get_rng_state()
    again = pickle.loads(pickle.dumps(network))
    assert torch.equal(torch.random.get_rng_state(), random)
    assert not again.training
    for mine, theirs in zip(states(again, TEXTS)[0], expected, strict=True):
        np.testing.assert_array_equal(mine, theirs)


@every_architecture
def test_there_is_a_state_per_layer_and_the_last_is_the_output(kind: str, encoder: Network) -> None:
    network = encoder(kind)
    found, _ = states(network, TEXTS[:3])
    assert network.depth == 2
    assert len(found) == network.depth + 2  # embeddings, layers, and the output once more
    assert all(state.shape[2] == network.hidden_size == 32 for state in found)
    np.testing.assert_array_equal(found[-1], found[-2])
    assert np.abs(found[0] - found[1]).max() > 1e-2
    assert np.abs(found[1] - found[2]).max() > 1e-2


@every_architecture
def test_the_stacks_hold_every_parameter_that_moves_the_output_once(kind: str, encoder: Network) -> None:
    network = encoder(kind)
    levels = network.blocks()
    held = [parameter for level in levels for module in level for parameter in module.parameters()]
    assert len({id(parameter) for parameter in held}) == len(held)
    network.requires_grad_(True)
    tokens = network.tokenizer.encode(TEXTS)
    ids, mask = (torch.from_numpy(a) for a in tokens.pad(range(len(TEXTS)), network.tokenizer.pad_id))
    encoding = network.encode(Inputs(ids, mask), layers=True)
    sum((layer**3).sum() for layer in encoding.layers).backward()
    inside = {id(parameter) for parameter in held}
    outside = [
        name
        for name, parameter in network.named_parameters()
        if id(parameter) not in inside and parameter.grad is not None and bool(parameter.grad.any())
    ]
    assert outside == []
    idle = {
        name for name, parameter in network.named_parameters() if id(parameter) in inside and parameter.grad is None
    }
    segments = {name for name in idle if name.endswith(("seg_embed", "r_s_bias"))}  # XLNet's, for pairs of texts
    assert idle == segments


@every_architecture
def test_the_words_are_in_the_lowest_level_and_only_there(kind: str, encoder: Network) -> None:
    network = encoder(kind)
    words = id(network.network.get_input_embeddings().weight)
    found = [
        at
        for at, level in enumerate(network.blocks())
        for module in level
        for parameter in module.parameters()
        if id(parameter) == words
    ]
    assert found == [0]


@every_architecture
def test_the_first_block_stands_below_the_second(kind: str, encoder: Network) -> None:
    network = encoder(kind)
    levels = network.blocks()
    if kind == "albert":  # its layers share their weights
        assert len(levels) == 2
        return
    assert len(levels) == 3
    before, _ = states(network, TEXTS[:2])
    with torch.no_grad():
        for module in levels[2]:
            for parameter in module.parameters():
                parameter.add_(0.05)
    after, _ = states(network, TEXTS[:2])
    np.testing.assert_array_equal(before[1], after[1])
    assert np.abs(before[2] - after[2]).max() > 1e-4


def predictor(
    encoder: TextEncoder, *, pooling: str | None = None, layers: tuple[int, ...] | None = None
) -> NetworkPredictor:
    torch.manual_seed(11)
    head = PooledHead(
        encoder.hidden_size,
        len(LABELS),
        layers=layers or (encoder.depth,),
        pooling=pooling or encoder.poolings[0],
        depth=encoder.depth,
    )
    torch.nn.init.normal_(head.linear.weight, std=0.3)
    torch.nn.init.normal_(head.linear.bias, std=0.3)
    return NetworkPredictor(Model(encoder, {"classification": head}), TASK)


def by_transformers(folder: Path, texts: list[str]) -> np.ndarray:
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    with quiet():
        tokenizer = AutoTokenizer.from_pretrained(folder)
        model = AutoModelForSequenceClassification.from_pretrained(folder).eval()
    assert [model.config.id2label[at] for at in range(len(LABELS))] == list(LABELS)
    batch = tokenizer(texts, truncation=True, padding=True, return_tensors="pt")
    with torch.no_grad():
        return model(**batch).logits.softmax(1).numpy()


def by_snippet(folder: Path, code: str, texts: list[str]) -> np.ndarray:
    """Run the code of the card in the artifact's folder."""
    here = os.getcwd()
    scope: dict[str, Any] = {}
    os.chdir(folder)
    try:
        with quiet(), contextlib.redirect_stdout(io.StringIO()) as printed:
            exec(compile(code, "usage", "exec"), scope)
        assert "down" in printed.getvalue()
        return np.asarray(scope["predict"](texts))
    finally:
        os.chdir(here)


@every_architecture
def test_a_saved_predictor_loads_and_says_the_same(kind: str, encoder: Network, tmp_path: Path) -> None:
    saved = predictor(encoder(kind))
    described = json.loads(json.dumps(saved.save(tmp_path)))
    again = PREDICTORS.get(saved.kind).load(tmp_path, TASK, described)
    expected = softmax(saved.outputs(TEXTS).values)
    assert np.ptp(expected, axis=0).max() > 0.05  # texts do differ
    np.testing.assert_allclose(softmax(again.outputs(TEXTS).values), expected, atol=1e-5)


@every_architecture
def test_plain_transformers_reads_the_folder_and_says_the_same(kind: str, encoder: Network, tmp_path: Path) -> None:
    saved = predictor(encoder(kind))
    saved.save(tmp_path)
    expected = softmax(saved.outputs(TEXTS).values)
    native = kind in NATIVE_HEADS
    assert saved.is_native is native
    found = by_transformers(tmp_path, TEXTS) if native else by_snippet(tmp_path, saved.usage(), TEXTS)
    np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize("kind", ["bert", "distilbert", "gpt2", "modernbert"])
@pytest.mark.parametrize(("pooling", "layers"), [("mean", (2,)), ("mean", (0, 2)), ("first", (1, 2)), ("last", (1,))])
def test_the_code_of_the_card_says_the_same_for_heads_that_are_not_native(
    kind: str, pooling: str, layers: tuple[int, ...], encoder: Network, tmp_path: Path
) -> None:
    saved = predictor(encoder(kind), pooling=pooling, layers=layers)
    assert not saved.is_native
    saved.save(tmp_path)
    found = by_snippet(tmp_path, saved.usage(), TEXTS)
    np.testing.assert_allclose(found, softmax(saved.outputs(TEXTS).values), atol=1e-4)


@pytest.mark.parametrize("kind", ["bert", "electra"])
def test_an_artifact_is_a_backbone_again(kind: str, encoder: Network, tmp_path: Path) -> None:
    network = encoder(kind)
    saved = predictor(network)
    saved.save(tmp_path)
    again = TextEncoder(locate(BackboneSource(location=str(tmp_path)))).eval()
    for before, after in zip(states(network, TEXTS)[0], states(again, TEXTS)[0], strict=True):
        np.testing.assert_allclose(after, before, atol=1e-6)


def test_native_heads_belong_to_architectures_that_are_loaded() -> None:
    assert set(NATIVE_HEADS) <= ARCHITECTURES
    assert set(KINDS) <= ARCHITECTURES


@pytest.mark.parametrize("kind", ["bert", "gpt2"])
def test_random_weights_for_the_control_are_others_of_the_same_shape(kind: str, encoder: Network) -> None:
    located = encoder(kind).located
    torch.manual_seed(1)
    one = TextEncoder(located, pretrained=False)
    torch.manual_seed(1)
    same = TextEncoder(located, pretrained=False)
    torch.manual_seed(2)
    other = TextEncoder(located, pretrained=False)
    pretrained = dict(encoder(kind).named_parameters())
    for (name, first), second, third in zip(one.named_parameters(), same.parameters(), other.parameters(), strict=True):
        assert torch.equal(first, second)
        assert first.shape == pretrained[name].shape
        if first.ndim > 1:
            assert not torch.equal(first, third)
            assert not torch.equal(first, pretrained[name])


def test_attention_has_no_dropout_and_no_cache_is_kept(encoder: Network) -> None:
    assert encoder("bert").network.config.attention_probs_dropout_prob == 0.0
    assert encoder("gpt2").network.config.attn_pdrop == 0.0
    assert encoder("llama").network.config.use_cache is False


UNDROPPED = ("llama", "qwen2")
"""Architectures that drop no states."""


@every_architecture
def test_states_are_dropped_at_the_share_that_is_asked_for_in_copies_too(kind: str, encoder: Network) -> None:
    located = encoder(kind).located
    ids = torch.arange(20, 36).view(2, 8)

    def differs(dropout: float | None) -> bool:
        """Whether two passes in training differ: attention drops nothing here."""
        with quiet():
            network = pickle.loads(pickle.dumps(TextEncoder(located, dropout=dropout))).train()
        one, other = (network.run(Inputs(ids, torch.ones_like(ids))).hidden for _ in range(2))
        return not torch.equal(one, other)

    assert not differs(0.0)
    if kind in UNDROPPED:
        assert not differs(None)
        with pytest.raises(RecipeError, match=r"hidden_dropout: \w+ networks drop no states; leave it out"):
            differs(0.2)
    else:
        assert differs(0.2)
