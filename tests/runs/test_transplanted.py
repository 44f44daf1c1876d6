"""`adapt` with a vocabulary learnt from the text, and with corrections of low rank in the place of all weights."""

from pathlib import Path
from typing import Any

import pytest
import torch
from tests.runs.test_vectors import lines

import headstart
from headstart.backbones.base import open_backbone
from headstart.backbones.location import BackboneSource, locate
from headstart.errors import RecipeError
from headstart.training.low_rank import corrected, merge

SMALL: dict[str, Any] = {"updates": 4, "rounds": 1, "batch_tokens": 128, "documents": "line", "threads": 1}


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("german")
    for name, side in zip(("en", "de"), lines(90), strict=True):
        (place / f"some.{name}").write_text("".join(f"{line}\n" for line in side), encoding="utf-8")
    return place / "some.de"


def test_a_transplanted_vocabulary_is_learnt_from_the_text_and_compared_with_random_vectors(
    text: Path, tiny_backbone: Path, tmp_path: Path
) -> None:
    found = headstart.adapt(
        text, backbone=str(tiny_backbone), vocabulary="transplant", vocabulary_size=300,
        parallel=(str(text.with_suffix(".en")), str(text)), output=str(tmp_path / "de"), **SMALL,
    )  # fmt: skip
    said = found["vocabulary"]
    assert (said["how"], said["word_vectors"]) == ("transplant", "dictionary")
    assert said["translated"] >= 6 and {*said["initial_loss"]} == {"random", "transplanted"}
    first = said["initial_loss"]
    sentence = f"was {first['random']:.3f} with random vectors for its pieces and {first['transplanted']:.3f} with those that were taken"
    for name in ("README.md", "report.html"):
        assert sentence in " ".join((tmp_path / "de" / name).read_text(encoding="utf-8").split()), name
    located = locate(BackboneSource(location=found["network"]))
    assert located.config["vocab_size"] == said["pieces"]
    assert open_backbone(located).tokenizer.plain.encode("öffnet", add_special_tokens=False).tokens == ["öffnet"]
    with pytest.raises(RecipeError, match="there are none; name some with --parallel"):
        headstart.adapt(text, backbone=str(tiny_backbone), vocabulary="transplant", word_vectors="dictionary",
                        output=str(tmp_path / "none"), **SMALL)  # fmt: skip


def test_corrections_of_low_rank_move_linear_maps_alone_and_leave_a_plain_network(
    text: Path, tiny_backbone: Path, tmp_path: Path
) -> None:
    from safetensors.torch import load_file

    found = headstart.adapt(text, backbone=str(tiny_backbone), lora_rank=2, output=str(tmp_path / "low"), **SMALL)
    assert found["loss"]["after"] <= found["loss"]["before"]
    before, after = (load_file(Path(place) / "model.safetensors") for place in (tiny_backbone, found["network"]))
    after = {name.removeprefix("bert."): tensor for name, tensor in after.items()}
    same = {name for name, tensor in before.items() if name in after and torch.equal(tensor, after[name])}
    assert "embeddings.word_embeddings.weight" in same
    assert not any(name.endswith("query.weight") for name in same)
    with pytest.raises(RecipeError, match="top_layers: corrections"):
        headstart.adapt(
            text, backbone=str(tiny_backbone), lora_rank=2, top_layers=1, output=str(tmp_path / "two"), **SMALL
        )


def test_merging_gives_the_network_back_as_plain_modules_with_the_same_states(tiny_backbone: Path) -> None:
    backbone: Any = open_backbone(locate(BackboneSource(location=str(tiny_backbone)))).eval()
    kinds = [(name, type(module)) for name, module in backbone.network.named_modules()]
    parts = corrected(backbone, 2, seed=1)
    with torch.no_grad():
        for part in parts:
            for parameter in part.parameters():
                parameter.normal_()
    ids = torch.tensor([[2, 9, 11, 3]])
    with torch.no_grad():
        states = backbone.network(input_ids=ids).last_hidden_state
        merge(backbone)
        torch.testing.assert_close(backbone.network(input_ids=ids).last_hidden_state, states, atol=1e-4, rtol=1e-3)
    assert [(name, type(module)) for name, module in backbone.network.named_modules()] == kinds
