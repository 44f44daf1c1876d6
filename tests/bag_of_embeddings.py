"""A random network of a class of backbones that another package would add: the one of `examples/skeletons`."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from skeletons.backbone import NAME, BagOfEmbeddings

__all__ = ["NAME", "BagOfEmbeddings", "make_bag"]


def make_bag(folder: Path, words: Path, **changes: Any) -> Path:
    """A random network in a folder, with the tokenizer of another."""
    folder.mkdir(parents=True)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copyfile(words / name, folder / name)
    vocabulary = len(json.loads((words / "tokenizer.json").read_text())["model"]["vocab"])
    config = {"model_type": NAME, "vocab_size": vocabulary, "hidden_size": 16} | changes
    (folder / "config.json").write_text(json.dumps(config))
    random = torch.Generator().manual_seed(3)
    weights = {
        "words.weight": torch.randn(vocabulary, 16, generator=random),
        "mixed.weight": torch.randn(16, 32, generator=random) / 4,
        "mixed.bias": torch.zeros(16),
    }
    save_file(weights, folder / "model.safetensors")
    return folder
