"""Recipes of finding out what is in a file of texts without labels: `duplicates`, `cluster` and `suggest`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from headstart.backbones.location import BackboneSource, Origin
from headstart.config import InputPath, Names, OutputPath
from headstart.metrics.uncertainty import By
from headstart.recipes.base import Recipe, Seed, Threads
from headstart.recipes.sources import MEMORY, Format
from headstart.runtime.device import Device
from headstart.runtime.precision import Precision


class Grouping(Format, Recipe):
    """Texts of a file are compared by their vectors: `duplicates`, `cluster` and `suggest`."""

    positional: ClassVar[tuple[str, ...]] = ("input",)

    input: InputPath
    """File with a text column, or with a text on each line where it ends in .txt."""
    text: Names | None = None
    """Column(s) with the text, joined by a blank; by usual names, else the one with the longest values, if not given."""
    backbone: Origin = Field(default_factory=BackboneSource)
    """The pretrained network whose vectors texts are compared by: `mini`, a hub id, a folder or an earlier run."""
    cache: bool = True
    """Keep the vectors of the texts on disk, so that they are not computed again; data handed over in Python never leaves
    memory."""
    seed: Seed = 0
    """Seed of all that is drawn at random, in [0, 2^32)."""
    threads: Threads = None
    """CPU threads; by default all cores."""
    device: Device = "auto"
    """Where networks compute: `cpu`, `cuda` (a GPU), or `auto`, a GPU where torch can use one."""
    precision: Precision = "auto"
    """Precision of matrix products: `auto` is `bfloat16` where processor or GPU has it, else `float32`."""
    output: OutputPath | None = None
    """File for the rows with what was found, such as out.csv, or a folder for that and all else."""
    overwrite: bool = False
    """Replace the output file, or the folder if headstart wrote it."""

    def moved(self, directory: Path) -> Self:
        """A copy whose file, named as from `directory`, is found from elsewhere; data in memory stays there."""
        return self if self.input == MEMORY else self.revised(input=str(directory / self.input))


class Duplicates(Grouping):
    """Texts that say the same: copies, near copies, and those that a network takes for alike, in groups.

    Example:
        headstart duplicates examples/pairs/train.csv --text question1 --threshold 0.8
    """

    verb: ClassVar[str] = "duplicates"

    threshold: Literal["auto"] | Annotated[float, Field(gt=0, le=1)] = "auto"
    """Cosine from which on two texts are duplicates, in (0, 1]; `auto`: by the labelled pairs where there are some, else nine
    tenths of the way from the mean cosine of two texts of the file to 1."""
    pairs: InputPath | None = None
    """File with pairs of texts and whether they are duplicates, by which the threshold is chosen."""
    positive: str | None = None
    """Label of the pairs that are duplicates or, where labels are numbers, the least number of such a pair; by default found
    where there are two labels, such as 0 and 1."""
    least_precision: float | None = Field(default=None, gt=0, lt=1)
    """Share of duplicates among the labelled pairs at or above the threshold, at least, in (0, 1); by default 0.95."""
    near_duplicates: float = Field(default=0.8, ge=0, lt=1)
    """Share of word 5-grams in common, in (0, 1), from which on two texts are duplicates whatever their vectors; 0 for never."""

    @model_validator(mode="after")
    def _one_threshold(self) -> Self:
        if self.pairs is not None and self.threshold != "auto":
            raise ValueError("labelled pairs choose the threshold; give `pairs` or `threshold`, not both")
        return self


class Cluster(Grouping):
    """What a pile of texts is about: clusters with examples and the words that set them apart, and what is in none.

    Example:
        headstart cluster examples/feedback/train.csv -k 8 --label sentiment
    """

    verb: ClassVar[str] = "cluster"

    k: Literal["auto"] | Annotated[int, Field(ge=2, le=10_000)] = "auto"
    """Number of clusters, in [2, 10000]; `auto`: the fewest whose silhouette is nine tenths of the highest, or 20 where that
    is under 0.05."""
    label: str | None = None
    """Column with labels that clusters are compared with; they play no part in making them."""


class Suggest(Grouping):
    """Which rows a person should label next: those that a model is least sure of, none of them copies of others.

    Example:
        headstart suggest examples/feedback/test.csv --label verdict --best 5
        headstart suggest examples/domain/hotels_unlabelled.csv --model runs/feedback --best 20 -o to_label.csv
    """

    verb: ClassVar[str] = "suggest"

    model: InputPath | None = None
    """Folder of a run whose uncertainty counts, and by whose own vectors texts are compared, or by TF-IDF where it has no
    network; without one rows are chosen by diversity alone, before there is any label."""
    best: int = Field(default=50, ge=1, le=1000)
    """Rows that are suggested, in [1, 1000]."""
    by: By = Field(default="margin", examples=["entropy"])
    """How uncertain a model is: `margin`, by how little the likeliest label is ahead of the second; `entropy`;
    `least-confidence`, by the probability of all but the likeliest."""
    candidates: int = Field(default=10, ge=1, le=100)
    """Texts that are clustered for each row that is suggested, the most uncertain ones, in [1, 100]; 1 asks for the most
    uncertain rows as they are."""
    labelled: InputPath | None = None
    """File with rows that are labelled already: their texts, and near copies of them, are left out."""
    label: str | None = None
    """Column for the labels that a person fills in, that of the model's training file or `label` by default; rows that have
    something in it are left out."""
    curve: InputPath | None = None
    """Folder that `headstart curve` wrote, from which it is said what more labels would bring."""
