"""Products in bfloat16: who asks for them, what they touch, and what a resolved recipe says of them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from tests.folders import whichever

import headstart
from headstart.backbones.base import Inputs
from headstart.backbones.encoder import TextEncoder
from headstart.backbones.location import BackboneSource, locate
from headstart.runtime.precision import has_fast_products, is_fast

REAL = has_fast_products
"""As it was before tests were kept from it."""


def test_the_processor_is_asked_only_where_nothing_was_said(monkeypatch: pytest.MonkeyPatch) -> None:
    for found in (True, False):
        monkeypatch.setattr("headstart.runtime.precision.has_fast_products", lambda *_, found=found: found)
        assert [is_fast("auto"), is_fast("bfloat16"), is_fast("float32")] == [found, True, False]


def test_the_processor_is_asked_what_it_can_do() -> None:
    flags = Path("/proc/cpuinfo").read_text()
    assert REAL() == ("avx512_bf16" in flags or "amx_tile" in flags)


@pytest.mark.parametrize("layers", [True, False])
def test_states_are_float32_and_only_rounded(make_backbone: Callable[..., Path], tmp_path: Path, layers: bool) -> None:
    folder = make_backbone(tmp_path / "wide", initializer_range=0.2)
    encoder = TextEncoder(locate(BackboneSource(location=str(folder)))).eval()
    tokens = encoder.tokenizer.encode(["good", "it is a very good day"])
    ids, mask = (torch.from_numpy(each) for each in tokens.pad(range(2), encoder.tokenizer.pad_id))
    found = {}
    for fast in (False, True):
        encoder.fast = fast
        with torch.no_grad():
            encoding = encoder.encode(Inputs(ids, mask), layers=layers)
        found[fast] = [encoding.hidden, *encoding.layers]
        assert all(state.dtype == torch.float32 for state in found[fast])
        assert len(found[fast]) == (4 if layers else 1)
    for exact, rounded in zip(found[False], found[True], strict=True):
        np.testing.assert_allclose(rounded, exact, atol=0.05)
    assert not torch.equal(found[False][0], found[True][0])


def test_training_in_bfloat16_moves_float32_weights_and_the_resolved_recipe_says_so(
    tiny_backbone: Path, tiny_csv: Path, tmp_path: Path
) -> None:
    weights, said = {}, {}
    for precision in ("bfloat16", "float32", "auto"):
        artifact = headstart.fit(
            tiny_csv, backbone=str(tiny_backbone), strategy="fine-tuning", head="mean", epochs=1, controls=False,
            precision=precision, output=str(tmp_path / precision), label="label", text="text",
        )  # fmt: skip
        predictor: Any = artifact.predictor
        weights[precision] = {name: tensor.clone() for name, tensor in predictor.model.state_dict().items()}
        assert all(tensor.dtype == torch.float32 for tensor in weights[precision].values())
        assert not predictor.model.backbone.fast, "few rows are scored in float32"
        said[precision] = yaml.safe_load((tmp_path / precision / "recipe.yaml").read_text())["precision"]
    assert said == {"bfloat16": "bfloat16", "float32": "float32", "auto": "float32"}
    layer = "backbone.network.encoder.layer.1.output.dense.weight"
    assert not torch.equal(weights["bfloat16"][layer], weights["float32"][layer])
    assert torch.allclose(weights["bfloat16"][layer], weights["float32"][layer], atol=1e-3)
    assert torch.equal(weights["auto"][layer], weights["float32"][layer])


def test_a_resolved_recipe_in_bfloat16_gives_the_same_bits(tiny_backbone: Path, tiny_csv: Path, tmp_path: Path) -> None:
    first = headstart.fit(
        tiny_csv, backbone=str(tiny_backbone), strategy="fine-tuning", epochs=1, controls=False, precision="bfloat16",
        output=str(tmp_path / "first"), label="label", text="text",
    )  # fmt: skip
    again = yaml.safe_load((tmp_path / "first" / "recipe.yaml").read_text()) | {"output": str(tmp_path / "again")}
    headstart.run(again)
    names = ("model.safetensors", "heads/classification.safetensors")
    for name in names:
        one, other = (whichever(tmp_path / run, name).read_bytes() for run in ("first", "again"))
        assert one == other
    assert first.recipe["precision"] == "bfloat16"
