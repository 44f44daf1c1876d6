"""Frozen layers are computed once: training with and without is the same, for every architecture and border."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from headstart.backbones import prefix
from headstart.backbones.base import Inputs
from headstart.backbones.encoder import TextEncoder, quiet
from headstart.backbones.location import BackboneSource, locate
from headstart.backbones.prefix import Border, UnsuitableError
from headstart.data.batches import training_batches
from headstart.data.cache import ArrayCache, no_cache
from headstart.training import frozen
from headstart.training.frozen import Shortcut, TextSet

KINDS = {
    "bert": {},
    "roberta": {},
    "distilbert": {},
    "mpnet": {},
    "electra": {},
    "deberta-v2": {},
    "deberta-v2 with convolution": {"conv_kernel_size": 3, "conv_act": "gelu"},
    "modernbert": {},
    "xlnet": {},
    "gpt2": {},
    "llama": {},
    "qwen2": {},
    "t5": {"num_layers": 4, "num_hidden_layers": None},
}
TEXTS = [
    "good", "bad bad", "it is a good day", "the parcel is on its way to you now", "very good indeed", "a",
    "rather bad , i say", "a good day and a good night to you and all of yours", "the shop opens at nine", "!",
    "bad start , bad end", "it arrives on monday and all is good", "good night", "the way to the shop is good",
    "you say it is bad", "nine parcel", "start now !", "end of the day", "all of it and more of it", "bad way",
]  # fmt: skip
STEPS = 20


@pytest.fixture(scope="module", params=KINDS)
def folder(
    request: pytest.FixtureRequest, make_backbone: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Four layers that differ, so that one swapped or left out shows."""
    changes: dict[str, Any] = {"num_hidden_layers": 4} | KINDS[request.param]
    with quiet():
        return make_backbone(
            tmp_path_factory.mktemp("frozen") / "network", request.param.split()[0], initializer_range=0.2, **changes
        )


def network(folder: Path) -> TextEncoder:
    encoder = TextEncoder(locate(BackboneSource(location=str(folder)))).eval()
    torch.manual_seed(3)
    with torch.no_grad():
        for at, [block, *_] in enumerate(encoder.blocks()[1:]):
            for parameter in block.parameters():
                parameter.add_(0.05 * (at + 1) * torch.randn_like(parameter))
    return encoder


def text_set(encoder: TextEncoder, texts: list[str] = TEXTS) -> TextSet:
    return TextSet([encoder.tokenizer.encode(texts)])


def losses(encoder: TextEncoder, blocks: int, shortcut: Shortcut | None, texts: list[str] = TEXTS) -> list[float]:
    """Those of twenty updates of the upper blocks and a linear head; batches as in training."""
    tokens = encoder.tokenizer.encode(texts)
    torch.manual_seed(0)
    head = torch.nn.Linear(encoder.hidden_size, 3).to(next(encoder.parameters()).dtype)
    moving = [parameter for level in encoder.blocks()[blocks + 1 :] for m in level for parameter in m.parameters()]
    encoder.requires_grad_(False)
    for parameter in moving:
        parameter.requires_grad_(True)
    optimizer = torch.optim.SGD([*moving, *head.parameters()], lr=0.01)
    encoder.shortcut = shortcut
    found: list[float] = []
    epoch = 0
    while len(found) < STEPS:
        for rows in training_batches(tokens.lengths, rows=6, seed=0, epoch=epoch):
            ids, mask = (torch.from_numpy(each) for each in tokens.pad(rows, encoder.tokenizer.pad_id))
            hidden = encoder.encode(Inputs(ids, mask)).hidden
            weights = mask.unsqueeze(-1).to(hidden.dtype)
            logits = head((hidden * weights).sum(1) / weights.sum(1))
            loss = torch.nn.functional.cross_entropy(logits, torch.from_numpy(rows % 3))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            found.append(float(loss.detach()))
        epoch += 1
    encoder.shortcut = None
    return found[:STEPS]


@pytest.mark.parametrize(
    ("dtype", "tolerance", "blocks"),
    [
        pytest.param(dtype, tolerance, blocks, marks=() if blocks in default else pytest.mark.slow)
        for dtype, tolerance, default in ((torch.float64, 1e-9, (1, 3)), (torch.float32, 1e-4, (2,)))
        for blocks in (1, 2, 3, 4)
    ],
)
def test_training_from_the_border_has_the_losses_of_training_in_full(
    folder: Path, blocks: int, dtype: torch.dtype, tolerance: float, tmp_path: Path
) -> None:
    expected = losses(network(folder).to(dtype), blocks, None)
    encoder = network(folder).to(dtype)
    shortcut = Shortcut(encoder, blocks, text_set(encoder), ArrayCache(tmp_path / "cache", 10**9))
    np.testing.assert_allclose(losses(encoder, blocks, shortcut), expected, atol=tolerance, rtol=0)
    assert len(set(np.round(expected, 4))) > STEPS / 2, "the losses have to move for the comparison to say anything"


def test_frozen_blocks_do_not_run_again(folder: Path) -> None:
    encoder = network(folder)
    shortcut = Shortcut(encoder, 3, text_set(encoder), no_cache())
    assert len(shortcut.kept)
    tokens = encoder.tokenizer.encode(TEXTS[:4])
    ids, mask = (torch.from_numpy(each) for each in tokens.pad(range(4), encoder.tokenizer.pad_id))
    counted: list[int] = []
    for at, [block, *_] in enumerate(encoder.blocks()[1:]):
        for module in block.modules():
            if isinstance(module, torch.nn.LayerNorm) or "Norm" in type(module).__name__:
                module.register_forward_hook(lambda *_, at=at: counted.append(at))
    encoder.shortcut = shortcut
    with torch.no_grad():
        encoder.encode(Inputs(ids, mask))
    by_products = {0} if encoder.located.config["model_type"] == "t5" else set()
    assert set(counted) == {3} | by_products


def test_texts_that_are_not_known_pass_the_frozen_blocks(folder: Path) -> None:
    encoder = network(folder)
    shortcut = Shortcut(encoder, 2, text_set(encoder, TEXTS[:12]), no_cache())
    tokens = encoder.tokenizer.encode(TEXTS[8:16])
    ids, mask = (torch.from_numpy(each) for each in tokens.pad(range(8), encoder.tokenizer.pad_id))
    with torch.no_grad():
        found, expected = shortcut(Inputs(ids, mask)), encoder.run(Inputs(ids, mask)).hidden
    np.testing.assert_allclose(found[mask.bool()], expected[mask.bool()], atol=1e-4)


@pytest.fixture
def encoder(make_backbone: Callable[..., Path], tmp_path: Path) -> TextEncoder:
    return network(make_backbone(tmp_path / "bert", num_hidden_layers=4, initializer_range=0.2))


def test_a_shared_block_cannot_be_left_out(make_backbone: Callable[..., Path], tmp_path: Path) -> None:
    albert = TextEncoder(locate(BackboneSource(location=str(make_backbone(tmp_path / "albert", "albert"))))).eval()
    with pytest.raises(UnsuitableError, match="more than once"):
        Shortcut(albert, 1, text_set(albert), no_cache())


def test_a_border_that_changes_the_output_is_refused(encoder: TextEncoder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prefix.Border, "states", lambda self, run, raw=False: torch.zeros_like(run()))
    with pytest.raises(UnsuitableError, match="states differ by"):
        Shortcut(encoder, 2, text_set(encoder), no_cache())


def test_the_number_of_frozen_blocks_is_checked(encoder: TextEncoder) -> None:
    blocks = [level[0] for level in encoder.blocks()[1:]]
    with pytest.raises(ValueError, match="5 frozen blocks of 4"):
        Border(blocks, 5)


def test_after_a_pass_from_the_border_the_blocks_are_as_they_were(encoder: TextEncoder) -> None:
    shortcut = Shortcut(encoder, 2, text_set(encoder), no_cache())
    tokens = encoder.tokenizer.encode(TEXTS[:3])
    ids, mask = (torch.from_numpy(each) for each in tokens.pad(range(3), encoder.tokenizer.pad_id))
    with torch.no_grad():
        before = encoder.run(Inputs(ids, mask)).hidden
        shortcut(Inputs(ids, mask))
        assert torch.equal(encoder.run(Inputs(ids, mask)).hidden, before)
    for [block, *_] in encoder.blocks()[1:]:
        assert "forward" not in vars(block)
        assert not block._forward_pre_hooks


def test_states_are_kept_from_run_to_run_and_do_not_depend_on_the_order_of_texts(
    encoder: TextEncoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = ArrayCache(tmp_path / "cache", 10**9)
    first = Shortcut(encoder, 2, text_set(encoder), cache)
    assert not first.is_warm
    kept = np.array(first.kept)
    second = Shortcut(encoder, 2, text_set(encoder, TEXTS[::-1] + TEXTS[:3]), cache)
    assert second.is_warm
    monkeypatch.setattr(Shortcut, "_fill", lambda self, states: pytest.fail("computed again"))
    np.testing.assert_array_equal(second.kept, kept)


@pytest.mark.parametrize("change", ["weights", "blocks", "texts"])
def test_states_are_computed_again_when_anything_they_depend_on_differs(
    encoder: TextEncoder, tmp_path: Path, change: str
) -> None:
    cache = ArrayCache(tmp_path / "cache", 10**9)
    assert len(Shortcut(encoder, 2, text_set(encoder), cache).kept)
    if change == "weights":
        with torch.no_grad():
            next(encoder.blocks()[2][0].parameters())[0] += 1e-6
    blocks = 3 if change == "blocks" else 2
    texts = TEXTS[:-1] if change == "texts" else TEXTS
    assert not Shortcut(encoder, blocks, text_set(encoder, texts), cache).is_warm


def test_weights_above_the_border_do_not_matter(encoder: TextEncoder, tmp_path: Path) -> None:
    cache = ArrayCache(tmp_path / "cache", 10**9)
    assert len(Shortcut(encoder, 2, text_set(encoder), cache).kept)
    with torch.no_grad():
        next(encoder.blocks()[3][0].parameters())[0] += 1.0
    assert Shortcut(encoder, 2, text_set(encoder), cache).is_warm


def test_where_there_is_no_room_for_all_the_first_texts_are_kept_and_the_losses_stay(
    encoder: TextEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = losses(encoder, 2, None)
    texts = text_set(encoder)
    monkeypatch.setattr(frozen, "MEMORY_BYTES", 4 * encoder.hidden_size * int(texts.tokens.offsets[9]))
    fresh = network(encoder.located.folder)
    shortcut = Shortcut(fresh, 2, texts, no_cache())
    assert shortcut.known == 9
    assert len(shortcut.kept) == texts.tokens.offsets[9]
    np.testing.assert_allclose(losses(fresh, 2, shortcut), expected, atol=1e-4)
