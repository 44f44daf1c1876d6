"""The resolved recipe comes to the same weights, in another process too."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.folders import whichever

import headstart

AGAIN = """
import sys
from headstart.cli.main import main
for strategy in sys.argv[1:]:
    sys.argv = ["headstart", "run", f"{strategy}/recipe.yaml", "-o", f"{strategy}-again"]
    try:
        main()
    except SystemExit as left:
        assert left.code == 0, left.code
"""


@pytest.mark.parametrize(
    "names",
    [
        pytest.param(("fine-tuning",), id="one"),
        pytest.param(
            ("feature-extraction", "contrastive", "from-scratch", "lora"), id="the others", marks=pytest.mark.slow
        ),
    ],
)
def test_resolved_recipes_run_in_a_fresh_process_give_byte_identical_weights(
    names: tuple[str, ...], train: Path, tiny_backbone: Path, tmp_path: Path
) -> None:
    options = {"backbone": str(tiny_backbone), "threads": 1, "seed": 5, "controls": False}
    strategies: dict[str, dict[str, Any]] = {
        "from-scratch": {"epochs": 1},
        "feature-extraction": {},
        "fine-tuning": {"epochs": 2, "dropout": 0.3, "hidden_dropout": 0.2},
        "contrastive": {"updates": 20},
        "lora": {"epochs": 2, "adapter_dropout": 0.2},
    }
    for strategy in names:
        headstart.fit(train, strategy=strategy, output=str(tmp_path / strategy), **options, **strategies[strategy])
    done = subprocess.run(
        [sys.executable, "-c", AGAIN, *reversed(names)], cwd=tmp_path,
        env=os.environ | {"PYTHONHASHSEED": "4242"}, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    for strategy in names:
        first, second = tmp_path / strategy, tmp_path / f"{strategy}-again"
        for name in ("model.safetensors", "heads/classification.safetensors", "tokenizer.json", "config.json",
                     "recipe.yaml"):  # fmt: skip
            one, other = (whichever(folder, name) for folder in (first, second))
            assert one.read_bytes() == other.read_bytes(), f"{strategy}: {name}"


def test_the_resolved_recipe_says_how_many_threads_there_were(train: Path, tiny_backbone: Path, tmp_path: Path) -> None:
    import torch

    headstart.fit(
        train, strategy="feature-extraction", layers=2, pooling="mean", backbone=str(tiny_backbone), controls=False,
        output=str(tmp_path / "m"),
    )  # fmt: skip
    resolved = yaml.safe_load((tmp_path / "m" / "recipe.yaml").read_text(encoding="utf-8"))
    assert resolved["threads"] == torch.get_num_threads()
