"""Models whose answers are known: words that add up, and a tiny network with weights by formula that knows `[MASK]`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer

from headstart.backbones.encoder import TextEncoder
from headstart.backbones.location import BackboneSource, locate
from headstart.data.outputs import Logits
from headstart.heads.model import Model
from headstart.heads.pooled import PooledHead
from headstart.predictors.base import Predictor
from headstart.predictors.network import NetworkPredictor

VALUES = {"good": 2.0, "bad": -3.0, "very": 0.5, "night": -1.0, "day": 1.0}
"""What words add to the first output."""


class AddedWords(Predictor):
    """Outputs are sums over words: the first as `VALUES` has it, others none; of a pair the second text counts double.

    Args:
        task: bound.
        limit: words that are read of each text.
    """

    kind: ClassVar[str] = "added-words"
    runtime: ClassVar[Any] = "numpy"

    def __init__(self, task: Any, limit: int = 100) -> None:
        super().__init__(task)
        self.limit, self.precisions, self.passes = limit, set[str](), 0

    def outputs(self, inputs: Sequence[Any], *, progress: Any = None) -> Logits:
        """The sums."""
        self.precisions.add(self.precision)
        self.passes += len(inputs)
        values, cut = np.zeros((len(inputs), len(self.task.names)), dtype=np.float32), np.zeros(len(inputs), dtype=bool)
        for row, given in enumerate(inputs):
            for side, text in enumerate([given] if isinstance(given, str) else given):
                words = text.split()
                cut[row] |= len(words) > self.limit
                values[row, 0] += (side + 1) * sum(VALUES.get(word, 0.0) for word in words[: self.limit])
        return Logits(cut, values)

    def save(self, folder: Path) -> dict[str, Any]:
        """Nothing."""
        return {}

    @classmethod
    def load(cls, folder: Path, task: Any, description: Mapping[str, Any]) -> AddedWords:
        """Nothing is kept."""
        return cls(task)

    def usage(self) -> str:
        """None."""
        return ""


@pytest.fixture(scope="module")
def known_folder(make_backbone: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny BERT whose tokenizer knows `[MASK]` in texts."""
    folder = make_backbone(tmp_path_factory.mktemp("known") / "tiny")
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.add_special_tokens(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"])
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


@pytest.fixture
def known_network(known_folder: Path) -> Callable[..., NetworkPredictor]:
    """Makes a predictor of twelve tokens for a task, with weights that hang on nothing but their places."""

    def make(task: Any, layers: tuple[int, ...] = (2,), pooling: str = "mean") -> NetworkPredictor:
        encoder = TextEncoder(locate(BackboneSource(location=str(known_folder), max_length=12)))
        encoder.pairs = task.together
        head = PooledHead(32, len(task.names), layers=layers, pooling=pooling, depth=2)
        model = Model(encoder, {"classification": head})
        with torch.no_grad():
            for at, (name, each) in enumerate(sorted(model.named_parameters())):
                wave = torch.sin(torch.arange(each.numel(), dtype=torch.float64) * 0.7 + at) * 0.4
                each.copy_((1 + wave if "LayerNorm.weight" in name else wave).view(each.shape))
        return NetworkPredictor(model, task)

    return make
