"""A bi-encoder: two texts through the same network apart, their cosines mapped to a number."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from safetensors.torch import save_file

from headstart.backbones.base import Inputs
from headstart.backbones.encoder import HALVES
from headstart.backbones.location import NETWORK
from headstart.backbones.tokenizing import TextTokenizer
from headstart.data.batches import inference_batches
from headstart.data.outputs import Logits
from headstart.data.tokens import Tokens
from headstart.decisions.base import Decision
from headstart.decisions.temperature import Temperature
from headstart.heads import HEAD
from headstart.heads.cosine import CosineHead
from headstart.heads.model import Model
from headstart.heads.weights import Weights
from headstart.predictors.base import (
    HEAD_FILE,
    NETWORK_PATHS,
    Predictor,
    ReadDescription,
    Runtime,
    digests,
    prompted,
    refuse_damaged,
    refuse_layers,
    refuse_task,
    stated,
)
from headstart.predictors.opening import reopened
from headstart.predictors.snippets import POOLED
from headstart.runtime.contained import arrays
from headstart.runtime.device import Device, moved, settled
from headstart.runtime.finite import require_finite
from headstart.runtime.memory import within_memory
from headstart.runtime.progress import SILENT, Progress
from headstart.tasks.base import Task

CHUNK = 4096
"""Pairs whose vectors are held at once."""


class TwinPredictor(Predictor):
    """A model with one `CosineHead`.

    Args:
        model: backbone and head; put into eval mode.
        task: bound.
    """

    kind: ClassVar[str] = "bi-encoder"
    reads: ClassVar[tuple[str, ...]] = (*NETWORK_PATHS, HEAD_FILE)
    runtime: ClassVar[Runtime] = "torch"

    def __init__(self, model: Model, task: Task[Any, Any]) -> None:
        super().__init__(task)
        self.model = model.eval()
        head, backbone = model.heads[HEAD], model.backbone
        if not isinstance(head, CosineHead):
            raise TypeError(f"expected a CosineHead, found a {type(head).__name__}")
        self.head = head
        self.backbone = backbone
        self.backbone.fast = False

    @property
    def tokenizer(self) -> TextTokenizer:
        """That of the network."""
        return self.backbone.tokenizer

    def outputs(self, inputs: Sequence[Any], *, progress: Progress = SILENT) -> Logits:
        """Outputs of pairs; a text that occurs in several pairs passes the network once for some thousands of them."""
        logits, lost = np.zeros((len(inputs), 1), dtype=np.float32), np.zeros(len(inputs), dtype=bool)
        for start in range(0, len(inputs), CHUNK):
            pairs = inputs[start : start + CHUNK]
            places: dict[str, int] = {}
            own = np.array([[places.setdefault(text, len(places)) for text in pair] for pair in pairs])
            tokens = self.backbone.tokenizer.encode(list(places))
            vectors = self._vectors(tokens, progress, len(pairs) / len(places))
            with torch.inference_mode():
                sides = moved((vectors[own[:, 0]], vectors[own[:, 1]]), self.model)
                found = self.head.of_vectors(*sides)
            logits[start : start + len(pairs)] = found.cpu().numpy()
            lost[start : start + len(pairs)] = (tokens.lost > 0)[own].any(1)
        return Logits(lost, logits)

    @torch.inference_mode()
    def _vectors(self, tokens: Tokens, progress: Progress, share: float) -> torch.Tensor:
        vectors = torch.empty((len(tokens), len(self.head.layers), self.backbone.hidden_size))

        def read(rows: np.ndarray) -> None:
            ids, mask = (torch.from_numpy(each) for each in tokens.pad(rows, self.backbone.tokenizer.pad_id))
            vectors[torch.from_numpy(rows)] = self.head.vectors(self.model.encode(Inputs(ids, mask))).cpu()

        for rows in inference_batches(tokens.lengths, self.backbone.device.type):
            within_memory(rows, read)
            progress.advance(len(rows) * share)
        return vectors

    def weights(self) -> Weights:
        """Those of the network and of its head."""
        return Weights.of(self.model)

    def with_weights(self, weights: Weights) -> "TwinPredictor":
        """A copy with other weights; what a run keeps of frozen states is not taken along."""
        found = type(self)(deepcopy(self.model), self.task)
        weights.into(found.model)
        found.precision, found.decisions = self.precision, self.decisions
        return found

    def place(self, device: Device) -> None:
        """Compute on a device from now on."""
        self.model.to(settled(device))

    @torch.no_grad()
    def absorb(self, decision: Decision) -> bool:
        """Fold a temperature into the head."""
        if not isinstance(decision, Temperature):
            return False
        self.head.linear.weight.mul_(decision.value)
        self.head.linear.bias.mul_(decision.value)
        return True

    def save(self, folder: Path) -> dict[str, Any]:
        """Write the bare network with its tokenizer into a folder of its own, and the head."""
        require_finite(self.model.state_dict())
        (folder / NETWORK).mkdir()
        self.backbone.save(folder / NETWORK)
        return {**self.save_head(folder), "digests": digests(folder)}

    def save_head(self, folder: Path, head_file: str = HEAD_FILE) -> dict[str, Any]:
        """Write the head alone, as `Predictor.save_head` has it."""
        (folder / head_file).parent.mkdir(exist_ok=True)
        require_finite(self.head.state_dict())
        save_file(self.head.tensors(), str(folder / head_file))
        return {
            **self.head.settings(),
            "max_length": self.backbone.tokenizer.max_length,
            **({"prompt": self.backbone.tokenizer.prompt} if self.backbone.tokenizer.prompt else {}),
            **({"head_file": head_file} if head_file != HEAD_FILE else {}),
        }

    @classmethod
    def load(cls, folder: Path, task: Task[Any, Any], description: Mapping[str, Any]) -> "TwinPredictor":
        """Read the encoder and the head of an artifact."""
        said = stated(ReadDescription, folder, description)
        refuse_task(folder, cls.kind, task, suits=task.pairs)
        refuse_damaged(folder, description)
        backbone = reopened(folder, description, said.max_length)
        prompted(folder, backbone.tokenizer, said)
        refuse_layers(folder, said.layers, backbone.depth)
        tensors = arrays(folder, said.head_file, {"weight": (1, len(said.layers)), "bias": (1,)})
        head = CosineHead.load({name: torch.tensor(each) for name, each in tensors.items()}, description, backbone)
        return cls(Model(backbone, {HEAD: head}), task)

    def usage(self) -> str:
        """A few lines around `AutoModel`."""
        halved = self.backbone.located.config["model_type"] in HALVES
        reader = "AutoModelForTextEncoding" if halved else "AutoModel"
        limit = self.backbone.tokenizer.max_length
        return f'''import torch
from safetensors.torch import load_file
from transformers import {reader}, AutoTokenizer

tokenizer, encoder = AutoTokenizer.from_pretrained("{NETWORK}"), {reader}.from_pretrained("{NETWORK}").eval()
head = load_file("{HEAD_FILE}")

@torch.no_grad()
def vectors(texts):
    batch = tokenizer(texts, truncation=True, max_length={limit}, padding=True, return_tensors="pt")
    states = encoder(**batch, output_hidden_states=True).hidden_states
    mask = batch["attention_mask"].unsqueeze(-1).float()
    pooled = [{POOLED[self.head.pooling]} for state in (states[i] for i in {list(self.head.layers)})]
    return torch.nn.functional.normalize(torch.stack(pooled, 1), dim=2)

def predict(pairs):
    first, second = (vectors(list(side)) for side in zip(*pairs))
    return ((first * second).sum(2) @ head["weight"].T + head["bias"]){self.task.activation_code("torch")}

print({list(self.task.names)!r}, predict([("it rains", "it is wet outside")])[0].tolist())'''
