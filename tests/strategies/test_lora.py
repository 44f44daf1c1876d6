"""Low-rank corrections: the weights stay, what is saved is a plain network."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

import headstart
from headstart.data.table import Table
from headstart.errors import RecipeError, UnavailableError
from headstart.recipes.parsing import assemble
from headstart.recipes.sources import MEMORY
from headstart.runs.comparison import compare
from headstart.runtime.progress import SILENT
from headstart.strategies.base import Context
from headstart.strategies.lora import LEARNING_RATE, Lora

Few = Callable[..., Context]
TEXTS = ["it is good", "the parcel is bad bad", "a day and a night and a day"]


def changed(candidate: Any, folder: Path) -> set[str]:
    """Names of weights that differ from those in the backbone's folder."""
    before = load_file(folder / "model.safetensors")
    after = candidate.predictor.model.backbone.network.state_dict()
    assert set(after) <= set(before)
    return {name for name, tensor in after.items() if not np.array_equal(tensor, before[name])}


def test_the_weights_stay_until_the_correction_is_merged_in(few: Few, wide_backbone: Path) -> None:
    before = load_file(wide_backbone / "model.safetensors")
    context = few(parts=0, learning_rate=1e-2)
    run = Lora(rank=2, alpha=6.0, head_first=False)._train(context, "mean", 2, 1e-2, None)
    adapted = {name: tensor.detach().numpy() for name, tensor in run.model.backbone.network.state_dict().items()}
    plain = {
        name.removeprefix("base_model.model.").replace(".base_layer", ""): tensor.copy()
        for name, tensor in adapted.items()
        if "lora_" not in name
    }
    assert set(plain) <= set(before)
    assert [name for name, tensor in plain.items() if not np.array_equal(tensor, before[name])] == []
    layer = "encoder.layer.1.attention.self.query"
    down, up = (adapted[f"base_model.model.{layer}.lora_{side}.default.weight"] for side in "AB")
    assert (down.shape, up.shape) == ((2, 32), (32, 2))
    assert np.abs(up).max() > 0
    network: Any = run.model.backbone.network
    merged = network.merge_and_unload().state_dict()
    np.testing.assert_allclose(merged[f"{layer}.weight"], before[f"{layer}.weight"] + 6 / 2 * up @ down, atol=1e-6)


def test_every_linear_map_is_corrected_and_nothing_else(few: Few, wide_backbone: Path) -> None:
    found = Lora(rank=4, head="mean", head_first=False).fit(few(parts=0, learning_rate=1e-2))
    maps = ["attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense",
            "intermediate.dense", "output.dense"]  # fmt: skip
    assert changed(found, wide_backbone) == {
        f"encoder.layer.{layer}.{name}.weight" for layer in (0, 1) for name in maps
    }
    # Four maps of 32 to 32, one to 64 and one back, each rank x (in + out); two layers; a head of 2 x 32 and 2.
    assert found.trainable_parameters == 2 * 4 * (4 * 64 + 2 * 96) + 66
    assert found.training.learning_rate == 1e-2
    assert found.description.startswith("rank 4, mean of tokens, epoch ")
    assert found.description.endswith(" of 2")


def test_only_the_maps_that_were_named_are_corrected(few: Few, wide_backbone: Path) -> None:
    found = Lora(targets=("query", "self.value"), head="mean", head_first=False).fit(few(parts=0, learning_rate=1e-2))
    assert changed(found, wide_backbone) == {
        f"encoder.layer.{layer}.attention.self.{name}.weight" for layer in (0, 1) for name in ("query", "value")
    }


def test_targets_are_a_list_or_words_with_commas() -> None:
    assert Lora(targets="query, value").targets == ("query", "value")  # type: ignore[arg-type]
    assert Lora(targets="query").targets == ("query",)  # type: ignore[arg-type]


def test_a_target_that_the_network_has_not_is_a_fault_of_the_recipe(few: Few) -> None:
    with pytest.raises(RecipeError, match=r"(?s)recipe has 2 problems") as error:
        Lora(targets=("query", "valeu", "LayerNorm")).fit(few())
    assert error.value.problems == (
        "strategy.targets: no linear map of the backbone ends in 'valeu'; did you mean 'value'? "
        "(there are dense, key, query, value)",
        "strategy.targets: no linear map of the backbone ends in 'LayerNorm' (there are dense, key, query, value)",
    )


def test_the_rate_is_higher_than_in_fine_tuning_unless_told(few: Few) -> None:
    found = Lora(rank=1).fit(few(per_label=3, parts=0, epochs=1))
    assert found.training.learning_rate == LEARNING_RATE == 1e-3


def test_without_peft_the_extra_to_install_is_named_before_any_work(
    tiny_csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert Lora.missing() == ""
    monkeypatch.setitem(sys.modules, "peft", None)
    with pytest.raises(
        UnavailableError, match=r"needs the package peft; install it with: pip install 'headstart\[lora\]'"
    ):
        headstart.compare(tiny_csv, strategies=("tf-idf", "lora"))


def test_what_is_saved_is_a_plain_network_that_transformers_loads_and_that_says_the_same(
    wide_backbone: Path, tmp_path: Path
) -> None:
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    words = [("good", "up"), ("bad", "down")] * 10
    columns = {"text": [f"it is {word} " + "now " * at for at, (word, _) in enumerate(words)],
               "label": [label for _, label in words]}  # fmt: skip
    recipe = assemble("fit", {
        "train": MEMORY, "backbone": str(wide_backbone), "controls": False, "threads": 1, "epochs": 2,
        "learning_rate": 1e-2, "strategy": {"name": "lora", "head": "native", "adapter_dropout": 0.1},
    })  # fmt: skip
    artifact = compare(recipe, SILENT, Table(MEMORY, columns, list(range(20)))).artifact
    folder = artifact.save(tmp_path / "m")
    saved = {name for path in folder.rglob("*.safetensors") for name in load_file(path)}
    assert saved
    assert [name for name in saved if "lora" in name or "base_layer" in name or "base_model" in name] == []
    assert [path.name for path in folder.rglob("adapter*")] == []
    model = AutoModelForSequenceClassification.from_pretrained(str(folder)).eval()
    tokenizer: Any = AutoTokenizer.from_pretrained(str(folder))
    batch = tokenizer(TEXTS, padding=True, return_tensors="pt")
    with torch.inference_mode():
        theirs = model(**batch).logits.softmax(1).numpy()
    np.testing.assert_allclose(theirs, artifact.predict_proba(TEXTS), atol=1e-4)
    assert {name for name, _ in model.named_parameters() if "lora" in name} == set()


def test_dropout_of_the_correction_acts_in_training_alone(few: Few) -> None:
    context = few(per_label=3, parts=0, epochs=1, learning_rate=1e-2)
    options: dict[str, Any] = {"rank": 2, "head": "mean", "dropout": 0.0, "head_first": False}
    plain, dropped, again = (
        Lora(**options, adapter_dropout=share).fit(context).predictor.outputs(TEXTS).values for share in (0.0, 0.5, 0.5)
    )
    assert not np.allclose(plain, dropped)
    np.testing.assert_array_equal(dropped, again)
