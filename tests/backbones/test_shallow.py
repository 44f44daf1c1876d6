"""Networks with fewer layers: which are kept, that plain transformers loads them, and what cannot be cut."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from headstart.backbones.base import Inputs, open_backbone
from headstart.backbones.location import BackboneSource, Located, locate
from headstart.backbones.shallow import layers_in, shallower
from headstart.errors import ModelError


def located(folder: Path) -> Located:
    return locate(BackboneSource(location=str(folder), max_length=32))


@pytest.mark.parametrize(
    ("architecture", "layers", "changes"),
    [
        ("bert", (1, 3), {}),
        ("llama", (1, 3), {}),
        ("modernbert", (0, 3), {"layer_types": ["full_attention", "sliding_attention"] * 2}),
        ("distilbert", (1, 3), {}),
    ],
)
def test_the_layers_that_are_kept_run_one_after_the_other_and_plain_transformers_loads_them(
    architecture: str,
    layers: tuple[int, int],
    changes: dict[str, object],
    make_backbone: Callable[..., Path],
    tmp_path: Path,
) -> None:
    from transformers import AutoModel

    whole = located(make_backbone(tmp_path / "whole", architecture, num_hidden_layers=4, **changes))
    found = shallower(whole, layers, tmp_path / "cut")
    assert layers_in(found.config) == 2 and found.source.max_length == 32
    small, large = open_backbone(found), open_backbone(whole)
    assert small.depth == 2
    kept = [large.blocks()[at] for at in (0, *(each + 1 for each in layers))]
    for own, theirs in zip(small.blocks(), kept, strict=True):
        for mine, its in zip(own, theirs, strict=True):
            for a, b in zip(mine.parameters(), its.parameters(), strict=True):
                assert torch.equal(a, b)
    network = AutoModel.from_pretrained(found.folder, dtype=torch.float32).eval()
    if "layer_types" in changes:
        assert network.config.layer_types == ["full_attention", "sliding_attention"]
    small.eval()
    tokens = small.tokenizer.encode(["the parcel arrives on monday"])
    ids, mask = map(torch.from_numpy, tokens.pad([0], small.tokenizer.pad_id))
    with torch.no_grad():
        ours = small.encode(Inputs(ids, mask)).hidden
        np.testing.assert_allclose(ours, network(input_ids=ids, attention_mask=mask).last_hidden_state, atol=1e-5)
    numbered = [module.layer_idx for module in network.modules() if hasattr(module, "layer_idx")]
    assert sorted({*numbered}) in ([], [0, 1])


def test_layers_that_share_weights_cannot_be_left_out(make_backbone: Callable[..., Path], tmp_path: Path) -> None:
    whole = located(make_backbone(tmp_path / "albert", "albert"))
    with pytest.raises(ModelError, match=r"albert has 2 layers that share weights, so none can be left out"):
        shallower(whole, (0,), tmp_path / "cut")


def test_a_first_layer_that_others_read_has_to_stay(make_backbone: Callable[..., Path], tmp_path: Path) -> None:
    whole = located(make_backbone(tmp_path / "t5", "t5"))
    with pytest.raises(ModelError, match=r"relative_attention_bias.*keep the first one, layer 0"):
        shallower(whole, (1,), tmp_path / "cut")
    assert layers_in(shallower(whole, (0,), tmp_path / "cut").config) == 1
