"""What a backbone is: a pretrained network with its tokenizer, spoken to by capability."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Self

from torch import Tensor, nn

from headstart.backbones.location import ENCODE, Located, backbone_class

if TYPE_CHECKING:
    import torch

    from headstart.backbones.tokenizing import TextTokenizer

MAIN = "main"
"""Role of the network that a run is about, among several."""


@dataclass(frozen=True)
class Inputs:
    """What a network reads in one pass."""

    ids: Tensor | None
    """Token ids, int64, shape (rows, tokens); None where what is read has none, such as images."""
    mask: Tensor
    """1 for tokens, 0 for padding on the right, int64, shape (rows, tokens)."""
    spans: Tensor | None = None
    """The words to be read, int64, shape (words, 3): the row of each, its first token and the one behind its last; None
    where whole rows are read."""
    homes: Tensor | None = None
    """Number of the text of each row, int64, shape (rows,), from 0, ascending and without a gap, where rows are windows of
    texts; None where each row is a text of its own."""
    pixels: Tensor | None = None
    """Images, float32, shape (rows, 3, height, width)."""
    target: Tensor | None = None
    """Token ids of the texts that a decoder is to write, int64, shape (rows, tokens)."""
    more: Mapping[str, Tensor] = field(default_factory=dict)
    """What else a network is called with, by its own names, such as `perm_mask` of shape (rows, tokens, tokens). Where there
    is anything rows keep their width, and no pass starts above frozen blocks."""

    def to(self, device: torch.device) -> Inputs:
        """The inputs with their tensors on a device."""
        given = {each.name: getattr(self, each.name) for each in fields(self)}
        moved: dict[str, Any] = {name: value.to(device) for name, value in given.items() if isinstance(value, Tensor)}
        return Inputs(**moved, more={name: value.to(device) for name, value in self.more.items()})

    def take(self, rows: Tensor, width: int) -> Inputs:
        """Some rows, cut off behind so many tokens where nothing but tokens is read; without spans and homes.

        Args:
            rows: their numbers, int64, shape (some,).
            width: tokens of the longest of them.
        """
        cut = slice(None) if self.more else slice(width)

        def some(value: Tensor | None, *places: slice) -> Tensor | None:
            return None if value is None else value[(rows, *places)]

        return Inputs(
            some(self.ids, cut), self.mask[rows, cut], pixels=some(self.pixels), target=some(self.target),
            more={name: value[rows] for name, value in self.more.items()},
        )  # fmt: skip


class Encoding(NamedTuple):
    """What a backbone makes of a batch."""

    hidden: Tensor
    """Last hidden states, shape (rows, tokens, hidden)."""
    mask: Tensor
    """1 for tokens, 0 for padding, shape (rows, tokens)."""
    layers: tuple[Tensor, ...]
    """Hidden states from the embeddings to the last layer, each (rows, tokens, hidden); empty unless asked for."""
    spans: Tensor | None = None
    """The words to be read, as `Inputs` has them; None where whole rows are."""


class Backbone(nn.Module, ABC):
    """A pretrained network with its tokenizer.

    Strategies know it by what it can and by its `blocks` alone: they freeze, unfreeze and set learning rates without a
    branch per architecture. A class of its own is one file and one line in `headstart.backbones.BACKBONES`; `open_backbone`
    calls it with a verified folder, `pretrained` (False for random weights) and `dropout` (share of the states dropped in
    training, in [0, 1); None for the network's own).

    Args:
        located: the folder that it comes from.
    """

    can: ClassVar[frozenset[str]] = frozenset({ENCODE})
    """What it can do: `encode` texts, `decode` towards a target, `generate` texts, `see` images."""

    network: nn.Module
    """What computes; its weights are what is saved."""
    tokenizer: TextTokenizer
    hidden_size: int
    """Numbers of a hidden state."""
    depth: int
    """Number of layers, embeddings not counted; there are fewer blocks where layers share weights."""
    poolings: tuple[str, ...]
    """Ways to make one vector of a text that suit this architecture, the native one first."""

    def __init__(self, located: Located) -> None:
        super().__init__()
        self.located = located
        self.prompts: dict[str, str] = {}
        """What stands in front of a text by its role, such as `query`; kept in what is saved."""
        self.default_prompt = ""
        """What stands in front of a text without a role, where the network was trained so; the tokenizer puts it there once it is
        told to (`TextTokenizer.put_prompt`)."""
        self.fast = False
        """Whether matrices are multiplied in bfloat16; states are float32 all the same."""
        self.pairs = False
        """Whether inputs are pairs of texts, which some architectures are told apart by type ids."""
        self.words = False
        """Whether states are read word by word."""
        self.shortcut: Callable[[Inputs], Tensor] | None = None
        """Gives the last hidden states in place of a pass over all blocks while the lower ones are frozen, see
        `training.frozen`."""

    def face(self) -> Self:
        """The network as another task reads it: weights are shared; pairs, words and what the tokenizer does are its own."""
        other: Self = _twin(self)
        other.tokenizer = _twin(self.tokenizer)
        return other

    @property
    def device(self) -> torch.device:
        """Where it computes; batches are brought there, states stay there."""
        return next(self.parameters()).device

    @property
    def dtype(self) -> torch.dtype:
        """Type of the weights and of the states given back."""
        return next(self.parameters()).dtype

    @property
    def border(self) -> int | None:
        """The id that parts the two texts of a pair, where the network is told which is which; else None."""
        return None

    def encode(self, inputs: Inputs, *, layers: bool = False) -> Encoding:
        """Hidden states of a batch.

        Args:
            inputs: wherever they are.
            layers: give the states of every layer too.
        """
        inputs = inputs.to(self.device)
        if layers or self.shortcut is None or inputs.more:
            return self.run(inputs, layers=layers)
        return Encoding(self.shortcut(inputs), inputs.mask, (), inputs.spans)

    @abstractmethod
    def run(self, inputs: Inputs, *, layers: bool = False) -> Encoding:
        """A pass over all blocks of inputs that are where the network is; `layers` as in `encode`."""

    @abstractmethod
    def blocks(self) -> list[list[nn.Module]]:
        """The parts from input to output, those of one stack behind those of another, in the order in which states pass.

        A part is a list of modules that freeze and move together. The first part has the embeddings, which every other
        reads. Modules whose output `encode` does not use (a pooler) are in none.
        """

    def encoder_blocks(self) -> list[list[nn.Module]]:
        """Those that `encode` passes, embeddings first; all but where a decoder stands beside an encoder."""
        return self.blocks()

    @abstractmethod
    def save(self, folder: Path, network: nn.Module | None = None) -> None:
        """Write configuration, weights and tokenizer into a folder from which `open_backbone` makes the same again.

        Args:
            folder: an existing one.
            network: that is saved in place of the backbone's own: the same with a head on top.
        """


def _twin(thing: Any) -> Any:
    """Another object with the same attributes; unlike `copy.copy`, a network stays where it computes."""
    other = object.__new__(type(thing))
    other.__dict__.update(vars(thing))
    return other


def open_backbone(
    located: Located,
    *,
    needs: frozenset[str] = frozenset(),
    pretrained: bool = True,
    dropout: float | None = None,
) -> Backbone:
    """The network of a folder, of the class that its configuration asks for.

    Args:
        located: a verified folder.
        needs: what it has to be able to do, see `Backbone.can`.
        pretrained: load the weights; False gives the same network with random ones.
        dropout: share of the states dropped in training, in [0, 1); what the configuration says if None.

    Raises:
        ModelError: its class cannot do what is needed, or the folder cannot be used.
        RecipeError: its architecture drops no states, so that no share but 0 can be.
    """
    opened: Backbone = backbone_class(located.config, needs)(located, pretrained=pretrained, dropout=dropout)
    return opened
