"""A network artifact on disk: answers a few texts in numpy where it can, starts torch when there is real work."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from headstart.backbones.folders import own_file, read_json
from headstart.backbones.location import CONFIG, network_in
from headstart.backbones.tokenizer_files import open_tokenizer
from headstart.backbones.tokenizing import TextTokenizer
from headstart.data.batches import inference_batches
from headstart.data.outputs import Logits
from headstart.data.windows import WordTokens
from headstart.decisions.base import Decision
from headstart.errors import ModelError
from headstart.predictors import numpy_bert
from headstart.predictors.base import (
    HEAD_FILE,
    NETWORK_PATHS,
    WEIGHTS,
    NetworkDescription,
    Predictor,
    Runtime,
    head_arrays,
    network_digest,
    prompted,
    refuse_damaged,
    refuse_layers,
    refuse_task,
    stated,
)
from headstart.runtime.device import Device, settled
from headstart.runtime.progress import SILENT, Progress
from headstart.tasks.base import Task


def _fits(said: NetworkDescription, task: Task[Any, Any]) -> bool:
    """Whether a network reads what a task has, and has the head that it asks for."""
    return (said.words, said.pairs, said.crf) == (task.words, task.together, task.chained)


class StoredPredictor(Predictor):
    """What `load` gives for artifacts of the kind `transformers`.

    Args:
        folder: of the artifact.
        task: bound.
        description: what `NetworkPredictor.save` returned.
    """

    kind: ClassVar[str] = "transformers"
    reads: ClassVar[tuple[str, ...]] = (*NETWORK_PATHS, HEAD_FILE)
    runtime: ClassVar[Runtime] = "torch"

    def __init__(self, folder: Path, task: Task[Any, Any], description: Mapping[str, Any]) -> None:
        super().__init__(task)
        self.folder = folder
        self.description = description
        said = stated(NetworkDescription, folder, description)
        refuse_task(folder, self.kind, task, suits=_fits(said, task))
        refuse_damaged(folder, description)
        self._home = home = network_in(folder)
        config = read_json(home, CONFIG)
        if config is None:
            raise ModelError(f"{home} has no {CONFIG}")
        self._pad_id = int(config.get("pad_token_id") or 0)
        self._tokenizer = open_tokenizer(home, said.max_length, self._pad_id)
        self._tokenizer.overlap = said.overlap
        prompted(folder, self._tokenizer, said)
        self._border = self._tokenizer.border if said.pairs else None
        self._is_light = (
            numpy_bert.can_run(config)
            and said.max_length <= config["max_position_embeddings"]
            and (said.words or said.pooling in ("first", "mean"))
            and own_file(home, WEIGHTS) is not None
        )
        width = None
        if self._is_light:
            width, self._tokenizer.words = config["hidden_size"], config["vocab_size"]
            refuse_layers(folder, said.layers, config["num_hidden_layers"])
        tensors = head_arrays(folder, said, len(task.names), width)
        self._head: dict[str, Any] = {**tensors, **description}
        self._encoder: numpy_bert.NumpyBert | None = None
        self.device: Device = "cpu"
        self._network: Any = None

    def outputs(self, inputs: Sequence[Any], *, progress: Progress = SILENT) -> Logits:
        """Logits; in numpy as long as torch was not needed and there is little to do."""
        if (
            self.scope is None
            and self._network is None
            and self._is_light
            and len(inputs) <= numpy_bert.MOST_TOKENS // 8
        ):
            read = self._tokenizer.read(inputs)
            tokens = read if isinstance(read, WordTokens) else read.windows
            own = isinstance(tokens, WordTokens) and bool((tokens.spans[:, 1] >= 0).all())  # no choice between windows
            whole = own if isinstance(tokens, WordTokens) else len(tokens) == len(inputs)
            if whole and int(tokens.lengths.sum()) <= numpy_bert.MOST_TOKENS:
                self._encoder = self._encoder or numpy_bert.NumpyBert(
                    self._home, self._border, digest=network_digest(self.description)
                )
                batches = inference_batches(tokens.lengths)
                progress.advance(len(inputs))
                if isinstance(tokens, WordTokens):
                    logits = numpy_bert.word_logits(self._encoder, tokens, batches, self._pad_id, self._head)
                    return Logits(tokens.lost > 0, logits, tokens.units)
                logits = numpy_bert.logits(self._encoder, tokens, batches, self._pad_id, self._head)
                return Logits(tokens.lost > 0, logits)
        self.network.precision, self.network.decisions = self.precision, self.decisions
        self.network.scope = self.scope
        return self.network.outputs(inputs, progress=progress)

    @property
    def tokenizer(self) -> TextTokenizer:
        """That of the network, which need not be loaded for it."""
        return self._tokenizer

    @property
    def has_states(self) -> bool:
        """As `NetworkPredictor`."""
        return not self.task.words

    def states(self, inputs: Sequence[Any], *, progress: Progress = SILENT) -> np.ndarray:
        """As `NetworkPredictor.states`."""
        found: np.ndarray = self.network.states(inputs, progress=progress)
        return found

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

            self._network = NetworkPredictor.load(self.folder, self.task, self.description)
            self._network.place(self.device)
            self._encoder = None
        return self._network

    @property
    def model(self) -> Any:
        """The backbone with its head, loaded when first asked for."""
        return self.network.model

    @property
    def backbone(self) -> Any:  # type: ignore[override]
        """The backbone, loaded when first asked for."""
        return self.network.backbone

    def absorb(self, decision: Decision) -> bool:
        """Fold a temperature into the head."""
        return self.network.absorb(decision)

    def save(self, folder: Path) -> dict[str, Any]:
        """Write the model again."""
        return self.network.save(folder)

    def save_head(self, folder: Path, head_file: str = HEAD_FILE) -> dict[str, Any]:
        """Write the head again."""
        return self.network.save_head(folder, head_file)

    @classmethod
    def load(cls, folder: Path, task: Task[Any, Any], description: Mapping[str, Any]) -> "StoredPredictor":
        """Check the files against their digests and read tokenizer and head; the encoder follows when needed."""
        return cls(folder, task, description)

    def usage(self) -> str:
        """As `NetworkPredictor.usage`."""
        self.network.decisions = self.decisions
        return self.network.usage()
