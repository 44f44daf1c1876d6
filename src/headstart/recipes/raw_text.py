"""Recipes of learning from raw text: `pretrain` and `adapt`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field

from headstart.backbones.location import BackboneSource, Origin
from headstart.config import Component, Names, OutputPath, named
from headstart.corpora.source import HUB, TextSource
from headstart.objectives import OBJECTIVES
from headstart.objectives.base import Objective, TextObjective
from headstart.recipes.base import LEAST_BUDGET, Recipe, Seconds, Seed, Threads
from headstart.runtime.device import Device
from headstart.runtime.precision import Precision
from headstart.training.settings import TextTraining


class RawTextData(TextSource):
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
    """Make texts lower-case (WordPiece tokenizers only)."""


def as_texts(value: Any) -> Any:
    """Names of texts as a section of their own."""
    return {"texts": value} if isinstance(value, str | list | tuple) else value


def placed(names: tuple[str, ...], directory: Path) -> tuple[str, ...]:
    """Names of files, given as from a folder, as they are found from elsewhere; those on the hub stay as they are."""
    return tuple(name if name.startswith(HUB) else str(directory / name) for name in names)


class LanguageModelling(Recipe):
    """From raw text to a network that knows its language: `pretrain` and `adapt`."""

    positional: ClassVar[tuple[str, ...]] = ("texts",)

    data: Annotated[RawTextData, BeforeValidator(as_texts)]
    """Raw text."""
    objective: Annotated[Objective, named(OBJECTIVES, "masked-lm", only=TextObjective, others="learns from labels")] = (
        Field(default="masked-lm", validate_default=True)
    )
    """What is learnt: `masked-lm` (the missing word), `causal-lm` (the next word), `simcse` (contrastive),
    `span-selection` (where else a name stands in a text, for questions about texts)."""
    training: TextTraining = Field(default_factory=TextTraining)
    """Settings of the training loop."""
    budget: Seconds = Field(default=None, ge=LEAST_BUDGET)
    """Wall-clock time for the whole command, such as `90s`, `10m` or `1h`, at least 30 s; as many updates are planned as fit."""
    seed: Seed = 0
    """Seed of random weights, order, dropout and what is hidden, in [0, 2^32)."""
    threads: Threads = None
    """CPU threads; weights are the same again only at the same number. By default all cores."""
    device: Device = "auto"
    """Where networks compute: `cpu`, `cuda` (a GPU), or `auto`, a GPU where torch can use one."""
    precision: Precision = "auto"
    """Precision of matrix products: `auto` is `bfloat16` where processor or GPU has it, else `float32`."""
    output: OutputPath | None = None
    """Folder for the network, report and evidence; by default `runs/` and the name of the first text."""
    overwrite: bool = False
    """Replace the output folder if an earlier run wrote it."""

    def moved(self, directory: Path) -> Self:
        """A copy whose files, named as from `directory`, are found from elsewhere."""
        files = {key: placed(getattr(self.data, key), directory) for key in ("texts", "held_out", "exclude")}
        return self.revised(data=self.data.revised(**files))


class Pretrain(LanguageModelling):
    """A language model from raw text, the missing word or the next one: the backbone of fits to come.

    Example:
        headstart pretrain examples/domain/guests.txt --size tiny --vocabulary-size 500 --batch-tokens 256 -o runs/guests
    """

    verb: ClassVar[str] = "pretrain"

    network: Network = Field(default_factory=Network)
    """The network, made by configuration."""


class Transplant(Component):
    """The pieces of an adapted network, and where the vectors of new ones come from."""

    vocabulary: Literal["kept", "transplant"] = "kept"
    """Pieces that words are cut into: those of the network are `kept`, or `transplant` puts ones learnt from the text in their
    place, for a language or a domain whose words the old ones cut to bits."""
    vocabulary_size: int = Field(default=16_000, ge=300, le=1_000_000)
    """Pieces of a transplanted vocabulary at most, special ones included, in [300, 1000000]."""
    word_vectors: Literal["auto", "dictionary", "mean", "random"] = "auto"
    """Where the vectors of transplanted pieces come from: copies of equal ones and the `mean` of old pieces, before these a
    `dictionary` found in parallel lines, or `random` numbers; `auto` takes the dictionary where there are such lines."""
    parallel: Names = ()
    """Files, two that are line-aligned: the first in the language of the network, the second in that of the text; or one table
    with two columns in this order."""


class Adapt(LanguageModelling):
    """A pretrained network goes on learning on the text of a domain; fits then start from it.

    Example:
        headstart adapt examples/domain/guests.txt --backbone mini --batch-tokens 256 -o runs/adapted
    """

    verb: ClassVar[str] = "adapt"

    backbone: Origin = Field(default_factory=BackboneSource)
    """The pretrained network: `mini`, a hub id, a folder or an earlier run."""
    general: Names = ()
    """Files with text such as the network was trained on: the loss on it is shown before and after, against forgetting."""
    replay: float = Field(default=0.0, ge=0, lt=1)
    """Share of rows that are drawn from `general` so that it is not forgotten, in [0, 1)."""
    top_layers: Literal["all"] | int = "all"
    """How many of the top layers move, at least 1; `all` moves the words' vectors too."""
    lora_rank: int | None = Field(default=None, ge=1, le=1024)
    """Rank of a correction of all linear maps, in [1, 1024], which learns in their place and is added to them at the end (LoRA: Hu
    et al. 2022, section 4.1); by default the weights themselves move. Vectors of transplanted words move in any case."""
    transplant: Transplant = Field(default_factory=Transplant)
    """The network's vocabulary."""

    def moved(self, directory: Path) -> Self:
        """A copy whose files, named as from `directory`, are found from elsewhere."""
        transplant = self.transplant.revised(parallel=placed(self.transplant.parallel, directory))
        return super().moved(directory).revised(general=placed(self.general, directory), transplant=transplant)
