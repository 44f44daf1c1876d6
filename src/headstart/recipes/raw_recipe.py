"""Recipes of learning from raw text: `pretrain` and `adapt`."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field, field_validator

from headstart.backbones.location import BackboneSource, Origin
from headstart.config import Component, Names, named, seconds
from headstart.corpora.source import RawText
from headstart.objectives import OBJECTIVES
from headstart.objectives.base import Objective
from headstart.objectives.base import RawText as TextObjective
from headstart.runtime.device import Device
from headstart.runtime.precision import Precision
from headstart.training.settings import TextTraining

LEAST_BUDGET = 30.0
"""Seconds that reading, one training, scoring, saving and the report need on small data."""


class Corpus(RawText):
    """Raw text: what is learnt from, what the loss is measured on, what must not be seen."""

    held_out: Names = ()
    """Files with text that the loss is measured on; by default a part is held out, 2 % and at most 50,000 tokens."""
    exclude: Names = ()
    """Files of evaluation sets, such as test.csv: their sentences are removed from the text and counted."""


class Network(Component):
    """A network made by configuration, with random weights and a tokenizer trained from the text."""

    architecture: str | None = None
    """`bert`, `roberta`, `distilbert`, `mpnet`, `electra`, `deberta-v2`, `modernbert` (encoders), `gpt2`, `llama`, `qwen2`,
    `qwen3` (decoders), or a folder or hub id whose configuration and tokenizer are taken without the weights; by default
    `bert` for `masked-lm`, `gpt2` for `causal-lm`."""
    size: Literal["tiny", "small", "base"] = "small"
    """`tiny` (2 layers of 128), `small` (4 of 512) or `base` (12 of 768)."""
    network_layers: int | None = Field(default=None, ge=1, le=200)
    """Number of layers, in place of the size's."""
    hidden_size: int | None = Field(default=None, ge=8, le=16_384)
    """Width of the states, in place of the size's."""
    attention_heads: int | None = Field(default=None, ge=1, le=256)
    """Heads of each layer, in place of the size's."""
    tokenizer: Literal["auto", "wordpiece", "bpe", "unigram"] = "auto"
    """Kind of tokenizer that is trained; `auto` is that of the architecture."""
    vocabulary_size: int = Field(default=16_000, ge=300, le=1_000_000)
    """Words of the tokenizer at most, special ones included."""
    lowercase: bool = False
    """Make texts lower-case (word-piece tokenizers only)."""


def _raw(value: Any) -> Any:
    return {"texts": value} if isinstance(value, str | list | tuple) else value


class Raw(Component):
    """Learning from raw text: `pretrain` and `adapt`."""

    verb: ClassVar[str]

    data: Annotated[Corpus, BeforeValidator(_raw)]
    """Raw text."""
    objective: Annotated[Objective, named(OBJECTIVES, "masked-lm")] = Field(default="masked-lm", validate_default=True)
    """What is learnt: `masked-lm` (the missing word), `causal-lm` (the next word), `simcse` (contrastive)."""
    training: TextTraining = Field(default_factory=TextTraining)
    """Settings of the training loop."""
    budget: Annotated[float | None, BeforeValidator(seconds)] = Field(default=None, ge=LEAST_BUDGET)
    """Wall-clock time for the whole command, such as `90s`, `10m` or `1h`, at least 30 s; as many updates are planned as fit."""
    seed: int = Field(default=0, ge=0, lt=2**32)
    """Of random weights, order, dropout and what is hidden, in [0, 2^32)."""
    threads: int | None = Field(default=None, ge=1, le=1024)
    """CPU threads; weights are the same again only at the same number. By default all cores."""
    device: Device = "auto"
    """Where networks compute: `cpu`, `cuda` (a GPU), or `auto`, a GPU where torch can use one."""
    precision: Precision = "auto"
    """Of matrix products: `auto` is `bfloat16` where processor or GPU has it, else `float32`."""
    output: str | None = None
    """Folder for the network, report and evidence; by default `runs/` and the name of the first text."""
    overwrite: bool = False
    """Replace the output folder if an earlier run wrote it."""

    @field_validator("objective")
    @classmethod
    def _from_text(cls, value: Any) -> Any:
        if not isinstance(value, TextObjective):
            raise ValueError(f"'{value.name}' learns from labels; give masked-lm, causal-lm or simcse")
        return value

    def plain(self) -> dict[str, Any]:
        """Plain data with the verb."""
        return {"verb": self.verb} | super().plain()


class Pretrain(Raw):
    """A language model from raw text, with its tokenizer: the backbone of fits to come."""

    verb: ClassVar[str] = "pretrain"

    network: Network = Field(default_factory=Network)
    """The network, made by configuration."""


class Adapt(Raw):
    """A pretrained network goes on learning on the text of a domain; fits then start from it."""

    verb: ClassVar[str] = "adapt"

    backbone: Origin = Field(default_factory=BackboneSource)
    """The pretrained network: `mini`, a hub id, a folder or an earlier run."""
    general: Names = ()
    """Files with text such as the network was trained on: the loss on it is shown before and after, against forgetting."""
    replay: float = Field(default=0.0, ge=0, lt=1)
    """Share of rows that are drawn from `general` so that it is not forgotten, in [0, 1)."""
    top_layers: Literal["all"] | int = "all"
    """How many of the top layers move, at least 1; `all` moves the words' vectors too."""
