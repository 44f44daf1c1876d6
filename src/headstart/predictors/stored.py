"""A network artifact on disk: answers a few texts in numpy where it can, starts torch when there is real work."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from headstart.backbones.tokenizing import open_tokenizer
from headstart.data.batches import INFERENCE_TOKENS, sorted_batches
from headstart.errors import ModelError
from headstart.predictors import numpy_bert
from headstart.predictors.base import HEAD_FILE, WEIGHTS, Outputs, Predictor, refuse_damaged
from headstart.runtime.device import Device, settled
from headstart.runtime.progress import SILENT, Progress
from headstart.types import ONE_LABEL, Meaning


class StoredPredictor(Predictor):
    """What `load` gives for artifacts of the kind `transformers`.

    Args:
        folder: of the artifact.
        description: what `NetworkPredictor.save` returned.
    """

    kind: ClassVar[str] = "transformers"

    def __init__(self, folder: Path, description: Mapping[str, Any]) -> None:
        from safetensors import SafetensorError
        from safetensors.numpy import load_file

        self.folder = folder
        self.description = description
        refuse_damaged(folder, description)
        try:
            config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
            self._head: dict[str, Any] = {**load_file(str(folder / HEAD_FILE)), **description}
        except OSError as error:
            raise ModelError(
                f"{folder}: {error.filename or HEAD_FILE} cannot be read: {error.strerror or error}"
            ) from None
        except ValueError as error:
            raise ModelError(f"{folder / 'config.json'} is damaged: {error}") from None
        except SafetensorError as error:
            raise ModelError(f"{folder / HEAD_FILE} is damaged: {error}") from None
        self._pad_id = int(config.get("pad_token_id") or 0)
        self._tokenizer = open_tokenizer(folder, int(description["max_length"]), self._pad_id)
        self._tokenizer.overlap = description.get("overlap")
        self._border = self._tokenizer.border if description.get("pairs") else None
        self._is_light = (
            numpy_bert.can_run(config) and description["pooling"] in ("first", "mean") and (folder / WEIGHTS).is_file()
        ) and not description.get("words")
        self._encoder: numpy_bert.NumpyBert | None = None
        self.device: Device = "cpu"
        self._network: Any = None

    def outputs(self, texts: Sequence[Any], *, progress: Progress = SILENT) -> Outputs:
        """Logits; in numpy as long as torch was not needed and there is little to do."""
        if self._network is None and self._is_light and len(texts) <= numpy_bert.MOST_TOKENS // 8:
            tokens = self._tokenizer.read(texts).windows
            if len(tokens) == len(texts) and int(tokens.lengths.sum()) <= numpy_bert.MOST_TOKENS:
                self._encoder = self._encoder or numpy_bert.NumpyBert(self.folder, self._border)
                batches = sorted_batches(tokens.lengths, INFERENCE_TOKENS)
                logits = numpy_bert.logits(self._encoder, tokens, batches, self._pad_id, self._head)
                progress.advance(len(texts))
                return Outputs(logits, tokens.lost > 0)
        self.network.precision, self.network.meaning = self.precision, self.meaning
        return self.network.outputs(texts, progress=progress)

    def place(self, device: Device) -> None:
        """Compute on a device from now on; few texts stay in numpy, as torch takes longer to start."""
        if device == "cuda":
            settled(device)  # says at once that there is none
        self.device = device
        if self._network is not None:
            self._network.place(device)

    @property
    def network(self) -> Any:
        """The model in torch, loaded when first asked for."""
        if self._network is None:
            from headstart.predictors.network import NetworkPredictor

            self._network = NetworkPredictor.load(self.folder, self.description)
            self._network.place(self.device)
            self._encoder = None
        return self._network

    def scale(self, factor: float) -> None:
        """Fold a temperature into the head."""
        self.network.scale(factor)

    def save(self, folder: Path, labels: Sequence[str], meaning: Meaning = ONE_LABEL) -> dict[str, Any]:
        """Write the model again."""
        return self.network.save(folder, labels, meaning)

    @classmethod
    def load(cls, folder: Path, description: Mapping[str, Any]) -> "StoredPredictor":
        """Check the files against their digests and read tokenizer and head; the encoder follows when needed."""
        return cls(folder, description)

    def usage(self, labels: Sequence[str], meaning: Meaning = ONE_LABEL) -> str:
        """As `NetworkPredictor.usage`."""
        return self.network.usage(labels, meaning)
