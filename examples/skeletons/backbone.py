"""A class of backbones: vectors of words, mixed with their mean. It opens folders whose config.json has its name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import ClassVar

import torch
from safetensors.torch import load_file, save_file
from torch import nn

from headstart.backbones.base import Backbone, Encoding, Inputs
from headstart.backbones.location import Located
from headstart.backbones.tokenizer_files import open_tokenizer

NAME = "bag-of-embeddings"
"""The `model_type` of its folders, under which it is registered."""


class BagOfEmbeddings(Backbone):
    """Words' vectors, and one linear map of each with the mean of all.

    Args:
        located: a folder whose config.json says `vocab_size` and `hidden_size`.
        pretrained: load the weights.
        dropout: not there.
    """

    can: ClassVar[frozenset[str]] = frozenset({"encode"})

    def __init__(self, located: Located, *, pretrained: bool = True, dropout: float | None = None) -> None:
        super().__init__(located)
        self.hidden_size, self.depth, self.poolings = int(located.config["hidden_size"]), 1, ("mean",)
        self.network = nn.ModuleDict(
            {
                "words": nn.Embedding(located.config["vocab_size"], self.hidden_size),
                "mixed": nn.Linear(2 * self.hidden_size, self.hidden_size),
            }
        )
        if pretrained:
            self.network.load_state_dict(load_file(located.folder / "model.safetensors"))
        self.tokenizer = open_tokenizer(located.folder, located.source.max_length or 48, 0)

    def run(self, inputs: Inputs, *, layers: bool = False) -> Encoding:
        """Two layers of states."""
        words = self.network["words"](inputs.ids)  # (rows, tokens, hidden)
        seen = inputs.mask.unsqueeze(-1)
        mean = ((words * seen).sum(1, keepdim=True) / seen.sum(1, keepdim=True)).expand_as(words)
        hidden = self.network["mixed"](torch.cat([words, mean], 2)).tanh()
        return Encoding(hidden, inputs.mask, (words, hidden) if layers else (), inputs.spans)

    def blocks(self) -> list[list[nn.Module]]:
        """Embeddings, and the one layer."""
        return [[self.network["words"]], [self.network["mixed"]]]

    def save(self, folder: Path, network: nn.Module | None = None) -> None:
        """Configuration, weights and tokenizer."""
        (folder / "config.json").write_text(json.dumps(self.located.config))
        weights = (network or self.network).state_dict()
        save_file({name: tensor.contiguous() for name, tensor in weights.items()}, folder / "model.safetensors")
        self.tokenizer.save(folder)
