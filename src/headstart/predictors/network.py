"""A backbone with a pooled head, saved so that plain transformers can load it."""

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from safetensors.torch import save_file

from headstart.backbones.base import Inputs, open_backbone
from headstart.backbones.encoder import HALVES
from headstart.backbones.location import NETWORK
from headstart.backbones.tokenizing import TextTokenizer
from headstart.data.batches import inference_batches
from headstart.data.long_texts import TokenRows
from headstart.data.outputs import Logits
from headstart.data.units import Units
from headstart.decisions.base import Decision
from headstart.decisions.temperature import Temperature
from headstart.heads import HEAD
from headstart.heads.model import Model
from headstart.heads.native import NATIVE_HEADS, SPAN_HEADS, WORD_HEADS, write_native, write_native_words
from headstart.heads.pooled import PooledHead
from headstart.heads.weights import Weights
from headstart.heads.windows import windowed_states
from headstart.predictors.answering_code import answering_code
from headstart.predictors.base import (
    HEAD_FILE,
    NetworkDescription,
    Predictor,
    Runtime,
    digests,
    head_arrays,
    prompted,
    refuse_layers,
    stated,
)
from headstart.predictors.mixed_precision import mixed_precision_logits, reads_fast
from headstart.predictors.opening import reopened
from headstart.predictors.snippets import piped, snippet, windowed
from headstart.predictors.tagging_code import tagging_code
from headstart.runtime.device import Device, moved, settled
from headstart.runtime.finite import require_finite
from headstart.runtime.memory import within_memory
from headstart.runtime.progress import SILENT, Progress
from headstart.tasks.base import Task


class NetworkPredictor(Predictor):
    """A model with one pooled head named `classification`.

    Args:
        model: backbone and head; put into eval mode.
        task: bound.
    """

    kind: ClassVar[str] = "transformers"
    runtime: ClassVar[Runtime] = "torch"

    def __init__(self, model: Model, task: Task[Any, Any]) -> None:
        super().__init__(task)
        self.model = model.eval()
        head, backbone = model.heads[HEAD], model.backbone
        if not isinstance(head, PooledHead):
            raise TypeError(f"expected a PooledHead, found a {type(head).__name__}")
        self.head = head
        self.backbone = backbone
        self.words = backbone.words
        """Whether outputs are of words, not of whole texts."""
        self.frozen_states: Callable[[TokenRows], np.ndarray] | None = None
        """What the head reads of many texts, shape (texts, layers * hidden), where the backbone is frozen and a run keeps
        it; takes the place of passes in bfloat16, never of those in float32."""
        self.backbone.fast = False

    def outputs(self, inputs: Sequence[Any], *, progress: Progress = SILENT) -> Logits:
        """Logits in batches of like length; texts, or pairs of them, beyond the length limit are cut and flagged.

        Where the tokenizer has an overlap, texts are read in windows and none is cut.

        Sentences of words are read in windows; only what a word has beyond a whole window is cut.
        Many texts are read in bfloat16 where the processor has it, see `mixed_precision_logits`; `precision` says otherwise.
        """
        tokens = self.backbone.tokenizer.read(inputs)
        if self.scope is not None:
            found = np.empty((len(inputs), self.backbone.hidden_size), dtype=np.float32)
            values = self._logits(tokens, np.arange(len(inputs)), fast=False, advance=progress.advance, states=found)
            return Logits(tokens.lost > 0, values, strangeness=self.scope.score(found, values))
        fast = (
            self.task.target_kind == "label"
            and not self.words
            and reads_fast(self.precision, len(inputs), self.backbone.device.type)
        )
        states = self.frozen_states(tokens) if fast and self.frozen_states is not None else None

        def score(rows: np.ndarray, fast: bool) -> np.ndarray:
            advance = progress.advance if len(rows) == len(inputs) else None
            if not fast or states is None:
                return self._logits(tokens, rows, fast=fast, advance=advance)
            if advance is not None:
                advance(len(rows))
            return self._read(states[rows])

        values = (
            mixed_precision_logits(score, len(inputs), self.thresholds)
            if fast
            else score(np.arange(len(inputs)), False)
        )
        return Logits(tokens.lost > 0, values, tokens.units if self.words else None)

    @property
    def tokenizer(self) -> TextTokenizer:
        """That of the network."""
        return self.backbone.tokenizer

    def untrained(self, seed: int = 0) -> "NetworkPredictor":
        """A predictor like it whose weights are all random, as before any training.

        Args:
            seed: of the weights.
        """
        head = self.head
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            backbone = open_backbone(self.backbone.located, pretrained=False)
            made = PooledHead(
                backbone.hidden_size, head.width, layers=head.layers, pooling=head.pooling, depth=backbone.depth
            )
        backbone.tokenizer, backbone.pairs, backbone.words = self.backbone.tokenizer, self.backbone.pairs, self.words
        found = NetworkPredictor(Model(backbone, {HEAD: made}), self.task)
        found.model.to(self.backbone.device)
        return found

    @property
    def has_states(self) -> bool:
        """Whether it reads whole texts, of which its head reads one vector each."""
        return not self.words

    def states(self, inputs: Sequence[Any], *, progress: Progress = SILENT) -> np.ndarray:
        """What the head reads of each text on the last of its layers, in float32."""
        tokens = self.backbone.tokenizer.read(inputs)
        found = np.empty((len(inputs), self.backbone.hidden_size), dtype=np.float32)
        self._logits(tokens, np.arange(len(inputs)), fast=False, advance=progress.advance, states=found)
        return found

    @torch.inference_mode()
    def _logits(
        self,
        tokens: TokenRows,
        rows: np.ndarray,
        *,
        fast: bool,
        advance: Callable[[int], None] | None,
        states: np.ndarray | None = None,
    ) -> np.ndarray:
        """Logits of some texts; what the head reads of them on its last layer goes into `states`, where that is given."""
        units = Units.counted(tokens.units.counts[rows])
        logits = np.empty((units.total, self.head.width), dtype=np.float32)

        def read(places: np.ndarray) -> None:
            padded = tokens.pad(rows[places], self.backbone.tokenizer.pad_id)
            ids, mask = moved(tuple(map(torch.from_numpy, padded)), self.model)
            if (homes := tokens.homes_of(rows[places])) is not None:
                home = moved(torch.from_numpy(homes), self.model)
                pooled = windowed_states(self.model, self.head, Inputs(ids, mask, homes=home))
                logits[places] = self.head.answers(pooled).cpu().numpy()
                if states is not None:
                    states[places] = pooled[:, -states.shape[1] :].cpu().numpy()
                return
            words = tokens.spans_of(rows[places])
            spans = None if words is None else moved(torch.from_numpy(words), self.model)
            encoding = self.model.encode(Inputs(ids, mask, spans))
            if states is not None:
                states[places] = self.head.pooled(encoding)[:, -states.shape[1] :].cpu().numpy()
            found = self.head(encoding)
            if self.head.chain is not None:
                found = self.head.chain(found, moved(torch.from_numpy(units.counts[places]), self.model))
            logits[units.of(places)] = found.cpu().numpy()

        self.backbone.fast = fast
        try:
            for places in inference_batches(tokens.lengths[rows], self.backbone.device.type):
                within_memory(places, read)
                if advance is not None:
                    advance(len(places))
        finally:
            self.backbone.fast = False
        return logits

    def weights(self) -> Weights:
        """Those of the network and of its head."""
        return Weights.of(self.model)

    def with_weights(self, weights: Weights) -> "NetworkPredictor":
        """A copy with other weights; what a run keeps of frozen states is not taken along."""
        found = type(self)(deepcopy(self.model), self.task)
        weights.into(found.model)
        found.precision, found.decisions = self.precision, self.decisions
        return found

    def place(self, device: Device) -> None:
        """Compute on a device from now on."""
        self.model.to(settled(device))

    def release(self) -> None:
        """Let go of the run's states."""
        self.frozen_states = None

    @torch.inference_mode()
    def _read(self, states: np.ndarray) -> np.ndarray:
        return self.head.linear(moved(torch.from_numpy(np.ascontiguousarray(states)), self.model)).cpu().numpy()

    @torch.no_grad()
    def absorb(self, decision: Decision) -> bool:
        """Fold a temperature into the head; a chain keeps it as a factor on log-marginals, on which it was found."""
        if not isinstance(decision, Temperature):
            return False
        if self.head.chain is not None:
            self.head.chain.factor.mul_(decision.value)
            return True
        self.head.linear.weight.mul_(decision.value)
        self.head.linear.bias.mul_(decision.value)
        return True

    @property
    def is_native(self) -> bool:
        """Whether the architecture's own classification head can hold this head."""
        kind = self.backbone.located.config["model_type"]
        if self.words:
            return kind in self._word_heads and self.head.only_last and self.head.pooling == self.backbone.poolings[0]
        return kind in NATIVE_HEADS and self.head.only_last and self.head.pooling == "first"

    @property
    def _finds_answers(self) -> bool:
        """Whether the outputs of words are for where an answer begins and ends."""
        return self.task.target_kind == "answer"

    @property
    def _word_heads(self) -> Mapping[str, str]:
        """Architectures whose own head can hold one over words, and where it is."""
        return SPAN_HEADS if self._finds_answers else WORD_HEADS

    def save(self, folder: Path) -> dict[str, Any]:
        """Write model.safetensors, config.json, tokenizer files and the head.

        With a native head the folder holds a `...ForSequenceClassification` or, of words, a `...ForTokenClassification`;
        otherwise the bare network lies in a folder of its own, so that nobody takes the artifact for a classifier of transformers.
        """
        backbone = self.backbone
        require_finite(self.model.state_dict())
        home = folder if self.is_native else folder / NETWORK
        home.mkdir(exist_ok=True)
        backbone.save(home, self._native() if self.is_native else None)
        return {"native": self.is_native, **self.save_head(folder), "digests": digests(folder)}

    def save_head(self, folder: Path, head_file: str = HEAD_FILE) -> dict[str, Any]:
        """Write the head alone, as `Predictor.save_head` has it."""
        backbone = self.backbone
        require_finite(self.head.state_dict())
        (folder / head_file).parent.mkdir(exist_ok=True)
        save_file(self.head.tensors(), str(folder / head_file))
        return {
            **self.head.settings(),
            "max_length": backbone.tokenizer.max_length,
            **({"pairs": True} if backbone.pairs else {}),
            **({"words": True} if self.words else {}),
            **({"overlap": backbone.tokenizer.overlap} if backbone.tokenizer.overlap is not None else {}),
            **({"prompt": backbone.tokenizer.prompt} if backbone.tokenizer.prompt else {}),
            **({"head_file": head_file} if head_file != HEAD_FILE else {}),
        }

    @classmethod
    def load(cls, folder: Path, task: Task[Any, Any], description: Mapping[str, Any]) -> "NetworkPredictor":
        """Read the encoder and the head of an artifact."""
        said = stated(NetworkDescription, folder, description)
        backbone = reopened(folder, description, said.max_length)
        backbone.pairs, backbone.words = said.pairs, said.words
        backbone.tokenizer.overlap = said.overlap
        prompted(folder, backbone.tokenizer, said)
        refuse_layers(folder, said.layers, backbone.depth)
        tensors = head_arrays(folder, said, len(task.names), backbone.hidden_size)
        head = PooledHead.load({name: torch.tensor(each) for name, each in tensors.items()}, description, backbone)
        return cls(Model(backbone, {HEAD: head}), task)

    def usage(self) -> str:
        """A pipeline where the head is native, else a few lines around `AutoModel`; of words always the best tags allowed."""
        if self._finds_answers:
            limit = self.backbone.tokenizer.max_length
            types = self.backbone.border is not None  # type: ignore[attr-defined]
            return answering_code(self.task, self.thresholds, self.head, limit, native=self.is_native, types=types)
        if self.words:
            halved = self.backbone.located.config["model_type"] in HALVES
            return tagging_code(
                self.task.names, self.head, self.backbone.tokenizer.max_length, native=self.is_native, halved=halved
            )
        overlap = self.backbone.tokenizer.overlap
        if self.is_native and overlap is None:
            return piped(self.task, self.thresholds)
        halved = self.backbone.located.config["model_type"] in HALVES
        reader = "AutoModelForTextEncoding" if halved else "AutoModel"
        backbone = self.backbone
        limit = backbone.tokenizer.max_length
        if overlap is not None:
            home = "." if self.is_native else NETWORK
            return windowed(self.task, self.thresholds, self.head, limit, overlap, reader, home)
        return snippet(self.task, self.thresholds, self.head, limit, reader)

    def _native(self) -> torch.nn.Module:
        from transformers import (
            MODEL_FOR_QUESTION_ANSWERING_MAPPING,
            MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING,
            MODEL_FOR_TOKEN_CLASSIFICATION_MAPPING,
        )

        backbone: Any = self.backbone
        kind = backbone.located.config["model_type"]
        config = type(backbone.network.config).from_dict(backbone.network.config.to_dict())
        config.id2label = dict(enumerate(self.task.names))
        config.label2id = {label: at for at, label in enumerate(self.task.names)}
        if not self.words:
            config.problem_type = self.task.problem_type
        classes = MODEL_FOR_TOKEN_CLASSIFICATION_MAPPING if self.words else MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING
        classes = MODEL_FOR_QUESTION_ANSWERING_MAPPING if self._finds_answers else classes
        cls: Any = classes[type(config)]
        network = cls(config).eval()
        body = getattr(network, network.base_model_prefix)
        body.load_state_dict(backbone.network.state_dict(), strict=False)
        linear, (mean, deviation) = self.head.linear, self.task.output_scale
        is_scaled = (mean, deviation) != (0.0, 1.0)
        weight = linear.weight * deviation if is_scaled else linear.weight
        bias = linear.bias * deviation + mean if is_scaled else linear.bias
        if self.words:
            write_native_words(network, self._word_heads[kind], weight, bias)
        else:
            write_native(network, NATIVE_HEADS[kind], weight, bias, largest=self._largest_state())
        return network

    @torch.inference_mode()
    def _largest_state(self) -> float:
        tokens = self.backbone.tokenizer.encode(["", "a", "The quick brown fox, 1234!", "zzz " * 50])
        ids, mask = (
            torch.from_numpy(array) for array in tokens.pad(range(len(tokens)), self.backbone.tokenizer.pad_id)
        )
        return float(self.backbone.encode(Inputs(ids, mask)).hidden.abs().max())
