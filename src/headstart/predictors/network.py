"""A backbone with a pooled head, saved so that plain transformers can load it."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from headstart.backbones.encoder import HALVES, TextEncoder, quiet
from headstart.backbones.location import BackboneSource, locate
from headstart.data.batches import INFERENCE_TOKENS, sorted_batches
from headstart.data.long_texts import TokenRows
from headstart.data.units import Units
from headstart.errors import DivergedError, ModelError
from headstart.heads import HEAD
from headstart.heads.model import Model
from headstart.heads.native import NATIVE_HEADS, WORD_HEADS, write_native, write_native_words
from headstart.heads.pooled import PooledHead
from headstart.heads.windows import windowed_logits
from headstart.predictors.base import HEAD_FILE, Outputs, Predictor, digests
from headstart.predictors.mixed_precision import mixed_precision_logits, reads_fast
from headstart.predictors.snippets import piped, snippet, windowed
from headstart.predictors.tagging_code import tagging_code
from headstart.runtime.device import Device, moved, settled
from headstart.runtime.memory import within_memory
from headstart.runtime.progress import SILENT, Progress
from headstart.types import ONE_LABEL, Meaning

PROBLEMS = {
    "label": "single_label_classification",
    "labels": "multi_label_classification",
    "number": "regression",
}
"""What transformers calls the kinds of answers."""


class NetworkPredictor(Predictor):
    """A model with one pooled head named `classification`.

    Args:
        model: backbone and head; put into eval mode.
    """

    kind: ClassVar[str] = "transformers"

    def __init__(self, model: Model) -> None:
        self.model = model.eval()
        head, backbone = model.heads[HEAD], model.backbone
        if not isinstance(head, PooledHead) or not isinstance(backbone, TextEncoder):
            raise TypeError(
                f"expected a TextEncoder and a PooledHead, found {type(backbone).__name__} and {type(head).__name__}"
            )
        self.head = head
        self.backbone = backbone
        self.words = backbone.words
        """Whether outputs are of words, not of whole texts."""
        self.frozen_states: Callable[[TokenRows], np.ndarray] | None = None
        """What the head reads of many texts, shape (texts, layers * hidden), where the backbone is frozen and a run keeps
        it; takes the place of passes in bfloat16, never of those in float32."""
        self.backbone.fast = False

    def outputs(self, texts: Sequence[Any], *, progress: Progress = SILENT) -> Outputs:
        """Logits in batches of like length; texts, or pairs of them, beyond the length limit are cut and flagged.

        Where the tokenizer has an overlap, texts are read in windows and none is cut.

        Sentences of words are read in windows; only what a word has beyond a whole window is cut.
        Many texts are read in bfloat16 where the processor has it, see `mixed_precision_logits`; `precision` says otherwise.
        """
        tokens = self.backbone.tokenizer.read(texts)
        fast = (
            self.meaning.answers == "label"
            and not self.words
            and reads_fast(self.precision, len(texts), self.backbone.device.type)
        )
        states = self.frozen_states(tokens) if fast and self.frozen_states is not None else None

        def score(rows: np.ndarray, fast: bool) -> np.ndarray:
            told = progress.advance if len(rows) == len(texts) else None
            if not fast or states is None:
                return self._logits(tokens, rows, fast=fast, advance=told)
            if told is not None:
                told(len(rows))
            return self._read(states[rows])

        logits = (
            mixed_precision_logits(score, len(texts), self.meaning.thresholds)
            if fast
            else score(np.arange(len(texts)), False)
        )
        return Outputs(logits, tokens.lost > 0)

    @torch.inference_mode()
    def _logits(
        self,
        tokens: TokenRows,
        rows: np.ndarray,
        *,
        fast: bool,
        advance: Callable[[int], None] | None,
    ) -> np.ndarray:
        units = Units.counted(tokens.units.counts[rows])
        logits = np.empty((units.total, self.head.linear.out_features), dtype=np.float32)

        def read(places: np.ndarray) -> None:
            padded = tokens.pad(rows[places], self.backbone.tokenizer.pad_id)
            ids, mask = moved(tuple(map(torch.from_numpy, padded)), self.model)
            if (homes := tokens.homes_of(rows[places])) is not None:
                home = moved(torch.from_numpy(homes), self.model)
                logits[places] = windowed_logits(self.model, self.head, ids, mask, home).cpu().numpy()
                return
            words = tokens.spans_of(rows[places])
            spans = None if words is None else moved(torch.from_numpy(words), self.model)
            found = self.head(self.model.encode(ids, mask)._replace(spans=spans))
            if self.head.chain is not None:
                found = self.head.chain(found, moved(torch.from_numpy(units.counts[places]), self.model))
            logits[units.of(places)] = found.cpu().numpy()

        self.backbone.fast = fast
        try:
            for places in sorted_batches(tokens.lengths[rows], INFERENCE_TOKENS):
                within_memory(places, read)
                if advance is not None:
                    advance(len(places))
        finally:
            self.backbone.fast = False
        return logits

    def place(self, device: Device) -> None:
        """Compute on a device from now on."""
        self.model.to(settled(device))

    def settle(self) -> None:
        """Let go of the run's states."""
        self.frozen_states = None

    @torch.inference_mode()
    def _read(self, states: np.ndarray) -> np.ndarray:
        return self.head.linear(moved(torch.from_numpy(np.ascontiguousarray(states)), self.model)).cpu().numpy()

    @torch.no_grad()
    def scale(self, factor: float) -> None:
        """Fold the temperature into the head; a chain keeps it as a factor on log-marginals, on which it was found."""
        if self.head.chain is not None:
            self.head.chain.factor.mul_(factor)
            return
        self.head.linear.weight.mul_(factor)
        self.head.linear.bias.mul_(factor)

    @property
    def is_native(self) -> bool:
        """Whether the architecture's own classification head can hold this head."""
        kind = self.backbone.located.config["model_type"]
        if self.words:
            return kind in WORD_HEADS and self.head.only_last and self.head.pooling == self.backbone.poolings[0]
        return kind in NATIVE_HEADS and self.head.only_last and self.head.pooling == "first"

    def save(self, folder: Path, labels: Sequence[str], meaning: Meaning = ONE_LABEL) -> dict[str, Any]:
        """Write model.safetensors, config.json, tokenizer files and the head.

        With a native head the folder holds a `...ForSequenceClassification` or, of words, a `...ForTokenClassification`,
        otherwise the bare encoder.
        """
        backbone = self.backbone
        broken = [name for name, tensor in self.model.state_dict().items() if not torch.isfinite(tensor).all()]
        if broken:
            raise DivergedError(f"{broken[0]} holds numbers that are not finite; nothing was saved")
        with quiet():
            network: Any = self._native(labels, meaning) if self.is_native else backbone.network
            network.save_pretrained(str(folder))
        (folder / "heads").mkdir()
        tensors = {"weight": self.head.linear.weight.detach().clone(), "bias": self.head.linear.bias.detach().clone()}
        if self.head.chain is not None:
            tensors |= {name: tensor.detach().clone() for name, tensor in self.head.chain.state_dict().items()}
        save_file(tensors, str(folder / HEAD_FILE))
        save_tokenizer(backbone, folder)
        return {
            "native": self.is_native,
            "layers": list(self.head.layers),
            "pooling": self.head.pooling,
            "max_length": backbone.tokenizer.max_length,
            **({"pairs": True} if backbone.pairs else {}),
            **({"words": True} if self.words else {}),
            **({"crf": True} if self.head.chain is not None else {}),
            **({"overlap": backbone.tokenizer.overlap} if backbone.tokenizer.overlap is not None else {}),
            "digests": digests(folder),
        }

    @classmethod
    def load(cls, folder: Path, description: Mapping[str, Any]) -> "NetworkPredictor":
        """Read the encoder and the head of an artifact."""
        located = locate(BackboneSource(location=str(folder), max_length=description["max_length"]))
        backbone = TextEncoder(located)
        backbone.pairs = bool(description.get("pairs"))
        backbone.words = bool(description.get("words"))
        backbone.tokenizer.overlap = description.get("overlap")
        try:
            tensors = load_file(str(folder / HEAD_FILE))
            weight, bias = tensors["weight"], tensors["bias"]
            chain = {name: tensors[name] for name in ("transitions", "factor")} if description.get("crf") else None
        except (OSError, KeyError, SafetensorError) as error:
            raise ModelError(f"{folder / HEAD_FILE} cannot be read: {error}") from None
        head = PooledHead(
            backbone.hidden_size,
            len(bias),
            layers=description["layers"],
            pooling=description["pooling"],
            depth=backbone.depth,
            chained=chain is not None,
        )
        head.set(weight, bias)
        if head.chain is not None and chain is not None:
            head.chain.load_state_dict(chain)
        return cls(Model(backbone, {HEAD: head}))

    def usage(self, labels: Sequence[str], meaning: Meaning = ONE_LABEL) -> str:
        """A pipeline where the head is native, else a few lines around `AutoModel`; of words always the best tags allowed."""
        if self.words:
            halved = self.backbone.located.config["model_type"] in HALVES
            return tagging_code(
                labels, self.head, self.backbone.tokenizer.max_length, native=self.is_native, halved=halved
            )
        overlap = self.backbone.tokenizer.overlap
        if self.is_native and overlap is None:
            return piped(labels, meaning, pairs=self.backbone.pairs)
        halved = self.backbone.located.config["model_type"] in HALVES
        reader = "AutoModelForTextEncoding" if halved else "AutoModel"
        backbone = self.backbone
        limit = backbone.tokenizer.max_length
        if overlap is not None:
            return windowed(labels, self.head, limit, overlap, reader, meaning)
        return snippet(labels, self.head, limit, reader, meaning, pairs=backbone.pairs)

    def _native(self, labels: Sequence[str], meaning: Meaning) -> torch.nn.Module:
        from transformers import MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING, MODEL_FOR_TOKEN_CLASSIFICATION_MAPPING

        backbone = self.backbone
        kind = backbone.located.config["model_type"]
        config = type(backbone.network.config).from_dict(backbone.network.config.to_dict())
        config.id2label = dict(enumerate(labels))
        config.label2id = {label: at for at, label in enumerate(labels)}
        if not self.words:
            config.problem_type = PROBLEMS[meaning.answers]
        classes = MODEL_FOR_TOKEN_CLASSIFICATION_MAPPING if self.words else MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING
        cls: Any = classes[type(config)]
        network = cls(config).eval()
        body = getattr(network, network.base_model_prefix)
        body.load_state_dict(backbone.network.state_dict(), strict=False)
        linear, number = self.head.linear, meaning.answers == "number"
        weight = linear.weight * meaning.deviation if number else linear.weight
        bias = linear.bias * meaning.deviation + meaning.mean if number else linear.bias
        if self.words:
            write_native_words(network, WORD_HEADS[kind], weight, bias)
        else:
            write_native(network, NATIVE_HEADS[kind], weight, bias, largest=self._largest_state())
        return network

    @torch.inference_mode()
    def _largest_state(self) -> float:
        tokens = self.backbone.tokenizer.encode(["", "a", "The quick brown fox, 1234!", "zzz " * 50])
        ids, mask = (
            torch.from_numpy(array) for array in tokens.pad(range(len(tokens)), self.backbone.tokenizer.pad_id)
        )
        return float(self.backbone.encode(ids, mask).hidden.abs().max())


def save_tokenizer(backbone: TextEncoder, folder: Path) -> None:
    """Write the tokenizer's files with the length limit in use, so that others truncate alike."""
    import json
    import shutil

    source = backbone.located.folder
    backbone.tokenizer.save(folder)
    for name in ("vocab.txt", "special_tokens_map.json", "added_tokens.json", "merges.txt", "vocab.json"):
        if (source / name).is_file() and not (folder / name).exists():
            shutil.copyfile(source / name, folder / name)
    path = source / "tokenizer_config.json"
    settings = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    settings = {key: value for key, value in settings.items() if key not in ("auto_map", "name_or_path", "max_length")}
    settings["model_max_length"] = backbone.tokenizer.max_length
    (folder / "tokenizer_config.json").write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
