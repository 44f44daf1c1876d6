"""What a predictor is: inputs in, outputs out, and a folder it can live in."""

from abc import ABC, abstractmethod
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from headstart.backbones.folders import NETWORK_FILES
from headstart.backbones.location import NETWORK
from headstart.backbones.weights import ENDING, joint_digest
from headstart.data.outputs import Outputs
from headstart.data.store import Store
from headstart.decisions.base import Decision
from headstart.decisions.temperature import Temperature
from headstart.errors import ModelError, UsageError
from headstart.manifest import MANIFEST, S, Stated, shaped
from headstart.runtime.contained import arrays, differs, digest_of
from headstart.runtime.device import Device
from headstart.runtime.precision import Precision
from headstart.runtime.progress import SILENT, Progress
from headstart.solving.out_of_scope import Averaged
from headstart.tasks.base import Task
from headstart.writing.decoding import Decoding

if TYPE_CHECKING:
    from headstart.backbones.tokenizing import TextTokenizer
    from headstart.heads.model import Model
    from headstart.heads.weights import Weights

WEIGHTS = "model.safetensors"
"""The file of a network's weights in an artifact."""
HEAD_FILE = "heads/classification.safetensors"
"""The file of a head's weights in an artifact."""

NETWORK_PATHS = tuple(f"{home}{name}" for home in ("", f"{NETWORK}/") for name in NETWORK_FILES)
"""Files that may be read where a network is opened, wherever it lies in an artifact."""

Runtime = Literal["torch", "numpy", "sklearn"]
"""What a predictor computes with."""
AskedRuntime = Literal["auto", "torch", "ctranslate2"]
"""What models that write are to compute with: `auto` is an exported network where there is one that suits, else torch."""


class Predictor(ABC):
    """A trained thing that answers for a task.

    Args:
        task: bound.
    """

    kind: ClassVar[str]
    """Registry name, written into the artifact."""
    reads: ClassVar[tuple[str, ...]] = ()
    """Files that `load` reads where they are there, relative to the folder: the manifest has to name them."""
    runtime: ClassVar[Runtime]
    """What computes: threads are set for it, and cards name it."""
    precision: Precision = "auto"
    """`float32` keeps networks from reading many texts in bfloat16 where the processor has it."""
    decisions: tuple[Decision, ...] = ()
    """Decisions that its outputs go through afterwards; products in bfloat16 are proven to keep the one label that they give."""

    scope: Averaged | None = None
    """What says of rows how strange they are, by the states that the head reads; `outputs` have it then."""
    backbone: Any = None
    """The network that its answers are made with, a `Backbone`; None where there is none."""

    def __init__(self, task: Task[Any, Any]) -> None:
        self.task = task

    @property
    def tokenizer(self) -> "TextTokenizer | None":
        """What cuts the texts that it is given for its network; None where no network reads them as they are."""
        return None

    @property
    def thresholds(self) -> tuple[float, ...]:
        """By which labels are given; empty where there are none."""
        return next((decision.values or () for decision in self.decisions if decision.name == "thresholds"), ())  # type: ignore[attr-defined]

    @abstractmethod
    def outputs(self, inputs: Sequence[Any], *, progress: Progress = SILENT) -> Outputs:
        """Outputs of what a tokenizer is given of rows, in the order given; `progress` advances by rows."""

    @property
    def language_model(self) -> "Model | None":
        """The network with its own head over words that answers are made with; None where there is no such network."""
        return None

    @property
    def has_states(self) -> bool:
        """Whether there are states that its head reads, which `states` gives."""
        return False

    def states(self, inputs: Sequence[Any], *, progress: Progress = SILENT) -> np.ndarray:
        """What its head reads of each input, of several layers on the last one, float32, shape (inputs, width).

        Raises:
            UsageError: it has no states of its own.
        """
        raise UsageError(f"a model of the kind '{self.kind}' has no states that a head reads")

    def outputs_of(self, rows: Store[Any], *, progress: Progress = SILENT) -> Outputs:
        """Outputs of the rows of a part; those of their inputs, unless rows say what else they are judged on."""
        return self.outputs(list(rows.inputs), progress=progress)

    def stream(self, given: Any, how: Decoding | None = None) -> Generator[str, None, bool]:
        """The text for one input bit by bit, as it is written, without blanks in front.

        Args:
            given: as `Artifact.inputs` gives it.
            how: by default as the task has it; a text that is streamed is not searched for by beams.

        Returns:
            Whether the input was cut.

        Raises:
            UsageError: the model does not write.
        """
        raise UsageError(f"text that appears as it is written is for models that write; this one does {self.task.name}")

    def absorb(self, decision: Decision) -> bool:
        """Build a decision into the weights where there is a place for it, so that the folder says the same without headstart.

        Returns:
            Whether it was.
        """
        return False

    def weights(self) -> "Weights | None":
        """A copy of all weights of its network and heads, so that they can be averaged; None where that has no meaning."""
        return None

    def with_weights(self, weights: "Weights") -> "Predictor":
        """A predictor like it, of its own, with other weights of the same shape.

        Args:
            weights: as those that `weights` gives.

        Raises:
            UsageError: it has no weights that can be exchanged.
        """
        raise UsageError(f"the weights of a model of the kind '{self.kind}' cannot be exchanged")

    def place(self, device: Device) -> None:  # noqa: B027
        """Compute on a device from now on, where there is a network."""

    def compute_with(self, runtime: AskedRuntime) -> None:
        """Compute with a runtime from now on; `torch` stands for what the model was made with.

        Raises:
            UsageError: the model is not kept for it.
            UnavailableError: the runtime is not installed.
            ModelError: what is kept for it is damaged.
        """
        if runtime not in ("auto", "torch"):
            raise UsageError(
                f"--runtime {runtime} is for models that write and were exported for it, see: headstart export --help"
            )

    @property
    def remark(self) -> str:
        """What to know of how it computes; empty where nothing is out of the ordinary."""
        return ""

    @property
    def conditions(self) -> Mapping[str, Any]:
        """What its outputs depend on beside files, precision and version, as plain data: journals of others are not used."""
        return {}

    def release(self) -> None:  # noqa: B027
        """Let go of what only the run that made it has use for."""

    @abstractmethod
    def save(self, folder: Path) -> dict[str, Any]:
        """Write the weights into an existing folder; return plain data that `load` needs again."""

    def save_head(self, folder: Path, head_file: str = HEAD_FILE) -> dict[str, Any]:
        """Write what is the task's alone, where several share the network; return plain data that `load` needs with it.

        Args:
            folder: an existing one, in which the network lies, or will.
            head_file: relative to it.

        Raises:
            UsageError: the model is not a head on a network.
        """
        raise UsageError(
            f"a model of the kind '{self.kind}' has no head of its own that could share a network with others"
        )

    @classmethod
    @abstractmethod
    def load(cls, folder: Path, task: Task[Any, Any], description: Mapping[str, Any]) -> "Predictor":
        """Read back what `save` wrote.

        Raises:
            ModelError: a file is missing or damaged.
        """

    @abstractmethod
    def usage(self) -> str:
        """Python code that uses the folder without headstart, for the card; it runs in the artifact's folder."""


class ScaledPredictor(Predictor):
    """A predictor without a layer of its own for labels: a temperature is kept as a factor of its logits."""

    factor: float
    """What logits are multiplied by, over 0."""

    def absorb(self, decision: Decision) -> bool:
        """A temperature goes into the factor; nothing else has a place."""
        if not isinstance(decision, Temperature):
            return False
        self.factor *= decision.value
        return True


class ReadDescription(Stated):
    """What is said of every head over states: which it reads and how, and how many tokens of a text."""

    layers: Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=1)]
    pooling: Literal["first", "mean", "last", "max"]
    max_length: Annotated[int, Field(ge=8)]
    prompt: str = ""
    """What the tokenizer puts in front of each text."""
    head_file: Annotated[str, Field(pattern=r"^heads/[A-Za-z0-9_-]{1,60}\.safetensors$")] = HEAD_FILE
    """The file of the head's weights; each of several tasks has one of its own."""


class NetworkDescription(ReadDescription):
    """What the manifest says of a network with a pooled head."""

    native: bool = False
    pairs: bool = False
    words: bool = False
    crf: bool = False
    overlap: Annotated[int, Field(ge=0)] | None = None


def stated(cls: type[S], folder: Path, description: Mapping[str, Any]) -> S:
    """What the manifest of a folder says of a part beside the digests of its files.

    Raises:
        ModelError: it is not of the shape that it has to have.
    """
    values = {key: value for key, value in description.items() if key != "digests"}
    return shaped(cls, values, f"{folder / MANIFEST}, in the description of the model,")


def prompted(folder: Path, tokenizer: "TextTokenizer", said: ReadDescription) -> None:
    """Have a tokenizer put in front of each text what a manifest says.

    Raises:
        ModelError: that has no place there.
    """
    if not tokenizer.put_prompt(said.prompt):
        raise ModelError(f"{folder} is damaged: its tokenizer has no place for the prompt {said.prompt[:80]!r}")


def refuse_layers(folder: Path, layers: Sequence[int], depth: int) -> None:
    """Refuse layers that a network does not have, or that stand twice.

    Raises:
        ModelError: there are some.
    """
    if max(layers) > depth or len({*layers}) < len(layers):
        said = ", ".join(map(str, layers[:10]))
        raise ModelError(f"{folder} is damaged: its head reads the layers {said} of a network with {depth}")


def head_arrays(
    folder: Path, said: NetworkDescription, labels: int, width: int | None, *, digest: str | None = None
) -> dict[str, np.ndarray]:
    """The tensors of a pooled head, which fit what the manifest says of it.

    Args:
        folder: of the artifact.
        said: what the manifest says.
        labels: outputs.
        width: of the states of one layer; None where that is not known yet.
        digest: SHA-256 of the file; None takes it as it is.

    Raises:
        ModelError: they do not.
    """
    shapes = {"weight": (labels, None if width is None else width * len(said.layers)), "bias": (labels,)}
    chain = {"transitions": (labels, labels), "factor": ()} if said.crf else {}
    return arrays(folder, said.head_file, shapes | chain, digest=digest)


def refuse_task(folder: Path, kind: str, task: Task[Any, Any], *, suits: bool) -> None:
    """Refuse a task that models of a kind cannot do, as the manifest then contradicts itself.

    Raises:
        ModelError: it does not suit.
    """
    if not suits:
        raise ModelError(
            f"{folder} is damaged: its model is of the kind '{kind}', which does not do {task.name} as it says"
        )


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 of every weights file of an artifact, by name relative to it."""
    names = (str(path.relative_to(folder)) for path in sorted(folder.rglob("*.safetensors")))
    return {name: digest_of(folder, name) for name in names}


def network_digest(description: Mapping[str, Any]) -> str:
    """The digest that the weights of the network have by what `save` returned, see `weights_digest`."""
    named = {name.removeprefix(f"{NETWORK}/"): digest for name, digest in description["digests"].items()}
    return joint_digest({name: digest for name, digest in named.items() if "/" not in name and name.endswith(ENDING)})


def refuse_damaged(folder: Path, description: Mapping[str, Any]) -> None:
    """Compare weights files with the digests that `save` returned.

    Raises:
        ModelError: one is missing, is no file inside of the folder, or differs.
    """
    for name, digest in description["digests"].items():
        if digest_of(folder, name) != digest:
            raise differs(folder / name)
