"""Attention takes float32 inside passes in bfloat16, and leaves no trace in what is saved."""

import json
from pathlib import Path

import pytest
import torch

from headstart.backbones.attention import NAME
from headstart.backbones.base import Inputs
from headstart.backbones.encoder import TextEncoder
from headstart.backbones.location import BackboneSource, locate


@pytest.fixture
def encoder(tiny_backbone: Path) -> TextEncoder:
    return TextEncoder(locate(BackboneSource(location=str(tiny_backbone)))).eval()


def batch(encoder: TextEncoder) -> tuple[torch.Tensor, torch.Tensor]:
    tokens = encoder.tokenizer.encode(["the good shop", "a day", "bad night and a bad day"])
    ids, mask = tokens.pad(range(3), encoder.tokenizer.pad_id)
    return torch.from_numpy(ids), torch.from_numpy(mask)


@pytest.mark.parametrize("fast", [False, True])
def test_attention_is_in_float32_whatever_the_products_are_in(
    encoder: TextEncoder, fast: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: set[torch.dtype] = set()
    real = torch.nn.functional.scaled_dot_product_attention

    def noted(*tensors: torch.Tensor, **options: object) -> torch.Tensor:
        seen.update(tensor.dtype for tensor in tensors[:3])
        seen.add(torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else torch.float32)
        return real(*tensors, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(torch.nn.functional, "scaled_dot_product_attention", noted)
    encoder.fast = fast
    assert encoder.network.config._attn_implementation == NAME
    assert encoder.run(Inputs(*batch(encoder))).hidden.dtype == torch.float32
    assert seen == {torch.float32}


def test_states_are_those_of_transformers_own_attention(encoder: TextEncoder) -> None:
    ids, mask = batch(encoder)
    with torch.no_grad():
        found = encoder.run(Inputs(ids, mask)).hidden
        encoder.network.set_attn_implementation("sdpa")
        expected = encoder.run(Inputs(ids, mask)).hidden
        encoder.network.set_attn_implementation("eager")
        plain = encoder.run(Inputs(ids, mask)).hidden
    assert torch.equal(found[mask == 1], expected[mask == 1])
    torch.testing.assert_close(found[mask == 1], plain[mask == 1], atol=1e-5, rtol=1e-5)


def test_what_is_saved_names_no_attention_of_ours(encoder: TextEncoder, tmp_path: Path) -> None:
    from transformers import AutoModel

    encoder.network.save_pretrained(str(tmp_path))
    assert NAME not in json.dumps(json.loads((tmp_path / "config.json").read_text()))
    assert AutoModel.from_pretrained(str(tmp_path)).config._attn_implementation == "sdpa"
