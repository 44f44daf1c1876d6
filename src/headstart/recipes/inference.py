"""Recipes of what a trained model is asked: `predict` and `evaluate`."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from headstart.config import InputPath, Names, OutputPath
from headstart.recipes.base import Confidence, Recipe, Threads
from headstart.recipes.sources import Format
from headstart.runtime.device import Device
from headstart.runtime.precision import Precision

PASSAGES, PASSAGE_WEIGHT = 10, 2.0
"""Passages that are read for a question, and how much their order counts."""


class Inference(Format, Recipe):
    """A trained model reads rows: `predict` and `evaluate`."""

    model: InputPath
    """Folder of a run."""
    text: Names | None = None
    """Column(s) with the text; by default those of the training file."""
    corpus: InputPath | None = None
    """Files with passages that a retriever is to search in place of those that it was fitted with."""
    threads: Threads = None
    """CPU threads; by default all cores."""
    device: Device = "auto"
    """Where networks compute: `cpu`, `cuda` (a GPU), or `auto`, a GPU where torch can use one."""
    precision: Precision = "auto"
    """Precision of matrix products for 512 rows and more: `auto` is `bfloat16` where processor or GPU has it, else
    `float32`; rows whose label could hang on it are scored again in float32."""
    abstain: Confidence = None
    """Confidence below which the model is not to answer, in [0, 1): a prediction then has probabilities and no label, and
    scores come with coverage and accuracy at it. By default that which the model was fitted with, if one was."""


class Predict(Inference):
    """Texts in, labels or answers with probabilities out: arguments, files, pipes.

    Example:
        headstart predict runs/feedback "It broke after a week."
        headstart predict runs/feedback --input examples/feedback/test.csv --output scored.csv
    """

    verb: ClassVar[str] = "predict"
    positional: ClassVar[tuple[str, ...]] = ("model", "texts")

    texts: tuple[str, ...] = ()
    """Texts to classify."""
    input: InputPath | None = None
    """File with a text column, or `-` for lines on standard input."""
    output: OutputPath | None = None
    """File to write: all columns of the input, in order, with prediction and probabilities."""
    best: int | None = Field(default=None, ge=1, le=100)
    """Answers, passages or texts listed for each input at most, in [1, 100], of models that find or write these; by default the
    best answer or text, or five passages."""
    max_answer: int | None = Field(default=None, ge=1, le=10_000)
    """Words of an answer at most, in [1, 10000], of models that find answers in texts; by default as the model was fitted with."""
    beams: int | None = Field(default=None, ge=1, le=64)
    """Texts that are followed at the same time, in [1, 64], of models that write; by default as the model was fitted with, or as
    many as `best` asks for."""
    length_penalty: float | None = Field(default=None, ge=-10, le=10)
    """Power of a text's length that its log-probability is divided by, in [-10, 10], of models that write."""
    overwrite: bool = False
    """Replace the output file."""


class Evaluate(Inference):
    """Scores of a model on labelled rows, as a whole and by group.

    Example:
        headstart evaluate runs/feedback examples/feedback/test.csv --by channel
    """

    verb: ClassVar[str] = "evaluate"
    positional: ClassVar[tuple[str, ...]] = ("model", "test")

    test: InputPath
    """File with labelled rows."""
    by: Names = ()
    """Columns by whose values scores are given too."""
    label: str | None = None
    """Column with the label; by default that of the training file."""
    reader: InputPath | None = None
    """Folder of a run that answers questions, where `model` is an index: answers from its passages are scored, end to end."""
    passages: int = Field(default=PASSAGES, ge=1, le=1000)
    """Passages of an index that are read for each question, in [1, 1000]."""
    passage_weight: float = Field(default=PASSAGE_WEIGHT, ge=0, le=100)
    """How much the order of passages counts against what the reader says, at least 0, see `ask`."""
