"""The recipe of finding out what is wrong with labelled data, before anything is learnt from it: `check`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, ClassVar, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from headstart.backbones.location import BackboneSource, Origin
from headstart.config import InputPath, OutputPath, named
from headstart.recipes.base import Recipe, Seed, Threads
from headstart.recipes.labelled import Compare, listed
from headstart.recipes.sources import Data, Format, tests_by_name
from headstart.runtime.device import Device
from headstart.runtime.precision import Precision
from headstart.strategies import STRATEGIES
from headstart.strategies.base import Strategy
from headstart.tasks import TASKS
from headstart.tasks.base import Task
from headstart.tasks.open import OpenTask
from headstart.training.settings import Training

FILES = (
    "train",
    "validation",
    "test",
    "target",
    "target_test",
    "tests",
    "corpus",
    "out_of_scope_label",
    "group_column",
)
"""Keys that say where rows come from and which belong together, as in the section `data` of `fit`."""


class Check(Format, Recipe):
    """What is wrong with labelled data: bad rows, copies, leaks, doubtful labels.

    Example:
        headstart check examples/feedback/train.csv --test examples/feedback/test.csv
        headstart check examples/feedback/train.csv --no-noise --fix cleaned.csv
    """

    verb: ClassVar[str] = "check"
    positional: ClassVar[tuple[str, ...]] = ("train",)

    train: InputPath
    """File with labelled rows, as `fit` reads them."""
    validation: InputPath | None = None
    """File with rows to make choices on."""
    test: InputPath | None = None
    """File with rows to report scores on."""
    target: InputPath | None = None
    """File with texts of another domain that the model is for, without labels."""
    target_test: InputPath | None = None
    """File with labelled rows of that other domain."""
    tests: Annotated[dict[str, str], BeforeValidator(tests_by_name)] = Field(default_factory=dict)
    """Files with more rows to report scores on, by name, such as `shop=shop.csv,film=film.csv`."""
    corpus: InputPath | None = None
    """Files with the passages that are searched, of the task retrieval: a folder of texts, a text file, or a table."""
    out_of_scope_label: str | None = Field(default=None, examples=["oos"])
    """Label of rows that are examples of texts out of scope, such as `oos`, as `fit` has it: they are no class, and are looked at
    for copies of other rows."""
    group_column: str | None = None
    """Column whose equal values belong together, such as a customer or an author: labels are judged without their help."""
    task: Annotated[Task | OpenTask, named(TASKS, unnamed=OpenTask.having)] = Field(default=None, validate_default=True)
    """What is to be learnt, by the name that the hub has for it (`headstart list tasks`); by default the task that fits the
    training file best, of those that have all options given."""
    near_duplicates: float = Field(default=0.8, ge=0, lt=1)
    """Share of word 5-grams in common, in (0, 1), from which on texts are near copies; 0 for never."""
    noise: bool = True
    """Rank rows by how likely their label is wrong, by models that were not fitted on them; `--no-noise` takes seconds."""
    self_test: bool = True
    """Change some labels in a copy in memory and count how many come to the top, which takes as long as the ranking."""
    backbone: Origin = Field(default_factory=BackboneSource)
    """The pretrained network, whose vocabulary and window are held against the texts too: `mini`, a hub id, a folder or an earlier
    run."""
    strategies: Annotated[tuple[Annotated[Strategy, named(STRATEGIES)], ...] | None, BeforeValidator(listed)] = None
    """Strategies that labels are judged by, by name; by default the control that needs no network (`tf-idf`, `crf`) and
    `feature-extraction`. Of one that trains, such as `fine-tuning`, it is also said how it comes to know rows, epoch by epoch."""
    training: Training = Field(default_factory=Training)
    """Settings of the training loop, of strategies that train."""
    label_folds: int = Field(default=5, ge=2, le=20)
    """Folds in which strategies are fitted without the rows that they judge, in [2, 20]."""
    most_rows: int = Field(default=20_000, ge=50, le=200_000)
    """Training rows whose labels are judged at most, a sample stratified by label, in [50, 200000]; of tags of words as many rows
    as have three times so many words."""
    most_doubtful: int = Field(default=100, ge=1, le=10_000)
    """Rows that are listed, the most doubtful first, and whose share of wrong labels is promised, in [1, 10000]."""
    strict: bool = False
    """End with exit code 65 where there is a finding that is more than a note."""
    fix: OutputPath | None = None
    """File for a cleaned copy of the training rows, such as cleaned.csv: copies and rows that stand in a scored file are left out,
    spellings of a label are merged, doubtful labels are marked in a column; what was done stands beside it in a second file."""
    drop_doubtful: float | None = Field(default=None, gt=0, le=1)
    """Probability of a wrong label from which on rows are left out of the cleaned copy too, in (0, 1]; by default none is."""
    seed: Seed = 0
    """Seed of the sample, of the folds and of the labels that the self-test changes, in [0, 2^32)."""
    threads: Threads = None
    """CPU threads; by default all cores."""
    device: Device = "auto"
    """Where networks compute: `cpu`, `cuda` (a GPU), or `auto`, a GPU where torch can use one."""
    precision: Precision = "auto"
    """Precision of matrix products: `auto` is `bfloat16` where processor or GPU has it, else `float32`."""
    cache: bool = True
    """Keep the states on disk, so that they are not computed again; data handed over in Python never leaves memory."""
    output: OutputPath | None = None
    """Folder for the findings, with a page and a table of the rows; by default none is written."""
    overwrite: bool = False
    """Replace the output folder if headstart wrote it, and the cleaned copy."""

    @field_validator("strategies")
    @classmethod
    def _some(cls, value: tuple[Strategy, ...] | None) -> tuple[Strategy, ...] | None:
        names = [each.name for each in value or ()]
        if value is not None and not value:
            raise ValueError("name at least one, or leave it out")
        if twice := next((name for at, name in enumerate(names) if name in names[:at]), None):
            raise ValueError(f"{twice} is named twice")
        return value

    @model_validator(mode="after")
    def _possible(self) -> Self:
        self.data  # noqa: B018  names of tests that are taken are refused there
        return self

    @property
    def data(self) -> Data:
        """Where rows come from, as `fit` has it."""
        return Data(**{key: getattr(self, key) for key in FILES}, **self.reading)

    def comparison(self) -> Compare:
        """The run of `compare` that reads the same rows."""
        return Compare(data=self.data, task=self.task, strategies=self.strategies, seed=self.seed)

    def moved(self, directory: Path) -> Self:
        """A copy whose files, named as from `directory`, are found from elsewhere; data in memory stays there."""
        moved = self.data.moved(directory)
        return self.revised(**{key: getattr(moved, key) for key in FILES})

    def plain(self) -> dict[str, Any]:
        """Plain data with the verb; what is left open is left out."""
        values = super().plain()
        for key in ("task", "strategies"):
            if not values[key]:
                del values[key]
        return values
