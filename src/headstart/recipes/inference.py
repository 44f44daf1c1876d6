"""Recipes of what a trained model is asked: `predict` and `evaluate`."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator

from headstart.attribution.explanation import Method
from headstart.backbones.location import BackboneSource, Origin
from headstart.config import InputPath, Names, OutputPath
from headstart.recipes.base import Confidence, Coverage, Recipe, Threads
from headstart.recipes.sources import Format
from headstart.runtime.device import Device
from headstart.runtime.precision import Precision

PASSAGES, PASSAGE_WEIGHT = 10, 1.0
"""Passages that are read for a question, and how much their order counts."""


NO_RUN = "."
"""Stands for the run where labels are told by their names alone."""


class Loaded(Recipe):
    """A trained model is opened: `predict`, `evaluate` and `chat`."""

    model: InputPath
    """Folder of a run."""
    threads: Threads = None
    """CPU threads; by default all cores."""
    device: Device = "auto"
    """Where networks compute: `cpu`, `cuda` (a GPU), or `auto`, a GPU where torch can use one."""
    precision: Precision = "auto"
    """Precision of matrix products for 512 rows and more: `auto` is `bfloat16` where processor or GPU has it, else
    `float32`; rows whose label could hang on it are scored again in float32."""


class Inference(Format, Loaded):
    """A trained model reads rows: `predict` and `evaluate`."""

    task: str | None = Field(default=None, examples=["complaints"])
    """Name of one of the tasks of a run that learnt several together."""
    text: Names | None = None
    """Column(s) with the text; by default those of the training file."""
    corpus: InputPath | None = None
    """Files with passages that a retriever is to search in place of those that it was fitted with."""
    runtime: Literal["auto", "torch", "ctranslate2"] = "auto"
    """What models that write compute with: `auto` is a network that was exported into the folder of the run, where there is one
    that suits, else `torch`."""
    abstain: Confidence = None
    """Confidence below which the model is not to answer, in [0, 1): a prediction then has probabilities and no label, and
    scores come with coverage and accuracy at it. By default that which the model was fitted with, if one was."""
    prediction_sets: Coverage = None
    """Probability with which a set of labels is to hold the true one, in (0, 1): a prediction then has a `set`, and scores say what
    share of the rows it holds. By default that which the model was fitted with, if one was."""


class WritingOptions(Recipe):
    """How models that write are asked to, in the place of how they were fitted."""

    beams: int | None = Field(default=None, ge=1, le=64)
    """Texts that are followed at the same time, in [1, 64], of models that write; by default as the model was fitted with, or as
    many as `best` asks for."""
    length_penalty: float | None = Field(default=None, ge=-10, le=10)
    """Power of a text's length that its log-probability is divided by, in [-10, 10], of models that write."""
    max_new_tokens: int | None = Field(default=None, ge=1, le=100_000)
    """Tokens of a text at most, in [1, 100,000], of models that write."""
    sampling_temperature: float | None = Field(default=None, ge=0, le=10)
    """Over 0 models that write draw words by chance, by probabilities to the power of 1 / temperature; 0 searches; in [0, 10]."""
    top_k: int | None = Field(default=None, ge=0, le=1_000_000)
    """Draw among so many of the likeliest words, in [0, 1,000,000], in models that write; 0 draws among all."""
    top_p: float | None = Field(default=None, gt=0, le=1)
    """Draw among the likeliest words that have this probability together, in (0, 1], in models that write."""
    sampling_seed: int | None = Field(default=None, ge=0, le=2**32 - 1)
    """Seed of what is drawn in models that write, in [0, 4294967295]."""
    no_repeat_ngram: int | None = Field(default=None, ge=0, le=100)
    """Tokens in a row that may not occur twice in a text, in [0, 100], of models that write; 0 allows all."""


class Predict(WritingOptions, Inference):
    """Texts in, labels or answers with probabilities out: arguments, files, pipes.

    Example:
        headstart predict runs/feedback "It broke after a week."
        headstart predict runs/feedback --input examples/feedback/test.csv --output scored.csv
        headstart predict --labels praise,complaint "It broke after a week."
        headstart predict --labels delivery,price,staff --several "It came late, and the shop was rude."
    """

    verb: ClassVar[str] = "predict"
    positional: ClassVar[tuple[str, ...]] = ("model", "texts")

    texts: tuple[str, ...] = ()
    """Texts to classify."""
    labels: Names | None = None
    """Labels to choose from by their names alone, such as `good,bad`, in the place of a run; all arguments are texts then."""
    several: bool = False
    """Give each text any number of the `labels` that are named, each by itself."""
    spans: bool = False
    """Give words of each text the `labels` that are named, as types of spans such as `person,place`; takes a decoder."""
    backbone: Origin = Field(default_factory=BackboneSource)
    """The pretrained network that tells labels by their names: an encoder such as `mini`, or a decoder such as `smol`."""
    input: InputPath | None = None
    """File with a text column, or `-` for lines on standard input."""
    output: OutputPath | None = None
    """File to write: all columns of the input, in order, with prediction and probabilities."""
    best: int | None = Field(default=None, ge=1, le=100)
    """Answers, passages or texts listed for each input at most, in [1, 100], of models that find or write these; by default the
    best answer or text, or five passages."""
    max_answer: int | None = Field(default=None, ge=1, le=10_000)
    """Words of an answer at most, in [1, 10000], of models that find answers in texts; by default as the model was fitted with."""
    stream: bool = False
    """Answer each line of standard input as it comes, and say at the end how long answers took; with texts, and a model that
    writes, show what is written word by word."""
    why: bool = False
    """Say of each word how much it mattered, of models that give texts labels or a number: predictions then have `words`, places
    and weights. It takes a pass for each word."""
    why_by: Method = "occlusion"
    """How words are weighed: `occlusion` (how much less likely the answer is without the word) or, of networks,
    `integrated-gradients`; naming it asks for `why`."""
    overwrite: bool = False
    """Replace the output file."""

    @model_validator(mode="before")
    @classmethod
    def _why_by(cls, values: Any) -> Any:
        """Who says how words are weighed wants them weighed."""
        if isinstance(values, dict) and values.get("why_by") is not None and "why" not in values:
            return values | {"why": True}
        return values

    @model_validator(mode="before")
    @classmethod
    def _names_alone(cls, values: Any) -> Any:
        """With labels no run is named, so what stands in its place is the first text."""
        if not isinstance(values, dict) or not values.get("labels"):
            return values
        first = [str(values["model"])] if values.get("model") not in (None, "", NO_RUN) else []
        return values | {"model": NO_RUN, "texts": (*first, *(values.get("texts") or ()))}

    @model_validator(mode="after")
    def _one_kind(self) -> Predict:
        if self.several and self.spans:
            raise ValueError("labels are given to texts (several) or to words (spans), not to both; leave one out")
        if self.why and self.spans:
            raise ValueError("words are weighed for labels of texts, and spans are labels of words; leave why out")
        return self

    @model_validator(mode="before")
    @classmethod
    def _lines_stream(cls, values: Any) -> Any:
        """What streams is standard input where nothing else is named."""
        if (
            isinstance(values, dict)
            and values.get("stream")
            and not values.get("texts")
            and values.get("input") is None
        ):
            return values | {"input": "-"}
        return values


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
    group_column: str | None = None
    """Column whose equal values belong together, such as a customer or an author, and are resampled as one for intervals and
    p-values; by default that of the training where the file has it, `none` for none."""
    reader: InputPath | None = None
    """Folder of a run that answers questions, where `model` is an index: answers from its passages are scored, end to end."""
    passages: int = Field(default=PASSAGES, ge=1, le=1000)
    """Passages of an index that are read for each question, in [1, 1000]."""
    passage_weight: float = Field(default=PASSAGE_WEIGHT, ge=0, le=100)
    """How much the order of passages counts against what the reader says, at least 0, see `ask`."""
