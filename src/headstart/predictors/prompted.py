"""Labels by how likely a decoder is to write their words behind a prompt, saved so that plain transformers can load it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from copy import copy
from pathlib import Path
from typing import Annotated, Any, ClassVar, NamedTuple

import numpy as np
from pydantic import Field

from headstart.data.outputs import Logits
from headstart.data.prompts import BETWEEN, Prompt, Shot
from headstart.errors import DataError
from headstart.heads import HEAD
from headstart.heads.model import Model
from headstart.manifest import Stated, shaped
from headstart.metrics.calibration import softmax
from headstart.predictors.asked_decoder import PROMPT, saved_decoder
from headstart.predictors.base import (
    NETWORK_PATHS,
    Runtime,
    ScaledPredictor,
    digests,
    refuse_damaged,
    refuse_task,
    stated,
)
from headstart.predictors.continuations import Continuations
from headstart.predictors.rendering import RenderedPrompt
from headstart.ranking.bm25 import Bm25, Bm25Settings
from headstart.runtime.contained import content, parsed
from headstart.runtime.device import Device, settled
from headstart.runtime.finite import require_finite
from headstart.runtime.progress import SILENT, Progress
from headstart.tasks.base import Task

MOST_POOLED = 2000
"""Examples that the most similar ones are picked from."""


class PromptedDescription(Stated):
    """What the manifest says of a decoder with a prompt."""

    max_length: Annotated[int, Field(ge=8)]


class StatedShot(Stated):
    """An example in `prompt.json`."""

    input: str | Annotated[list[str], Field(min_length=2, max_length=2)]
    label: Annotated[int, Field(ge=0)]


class StatedScale(Stated):
    """What makes numbers of words, in `prompt.json`."""

    values: Annotated[list[float], Field(min_length=2)]
    slope: float
    offset: float


class StatedPrompt(Stated):
    """The content of `prompt.json`."""

    template: str
    words: Annotated[list[str], Field(min_length=2)]
    instruction: str
    chat: bool = False
    shots: list[StatedShot]
    nearest: Annotated[int, Field(ge=0, le=1000)]
    bias: list[float]
    normalised: bool
    factor: Annotated[float, Field(gt=0)]
    scale: StatedScale | None = None


class NumberScale(NamedTuple):
    """What makes one number of how likely words for numbers are."""

    values: tuple[float, ...]
    """What each of the words stands for."""
    slope: float = 1.0
    """What the expected value is multiplied by."""
    offset: float = 0.0
    """What is added then, so that standardised numbers come out."""

    def expected(self, scores: np.ndarray) -> np.ndarray:
        """The mean of the values by the probabilities of their words, float64, shape (rows,).

        Args:
            scores: logarithms of what probabilities are proportional to, shape (rows, words).
        """
        return softmax(scores) @ np.array(self.values)

    def fitted(self, expected: np.ndarray, targets: np.ndarray) -> NumberScale:
        """A copy with the slope and the offset of least squares.

        Args:
            expected: of labelled rows, shape (rows,).
            targets: their standardised numbers, shape (rows,).
        """
        apart = expected - expected.mean()
        spread = float(apart @ apart)
        slope = float(apart @ targets) / spread if spread > 1e-12 else 0.0
        return self._replace(slope=slope, offset=float(targets.mean() - slope * expected.mean()))

    def numbers(self, scores: np.ndarray) -> np.ndarray:
        """Standardised numbers, float64, shape (rows, 1)."""
        return (self.slope * self.expected(scores) + self.offset)[:, None]


class PromptedPredictor(ScaledPredictor):
    """A decoder that is asked about each text, and the words of labels behind the question.

    Args:
        model: with a `VocabularyHead`; put into eval mode.
        task: bound; gives one label to each row, or several.
        prompt: what is asked.
        shots: examples with their answers, in the order in which they stand; or what the most similar ones are picked from.
        nearest: how many of these are picked for each text, by BM25, the most similar one last (Liu et al. 2022, "What Makes Good
            In-Context Examples for GPT-3?", section 3); 0 takes all for every text.
        bias: added to the scores of labels, float64, shape (labels,), see `strategies.prompting`; 0 if None.
        normalised: scores are means over tokens in place of sums.
        factor: what scores are multiplied by, so that probabilities are calibrated.
        scale: what makes a number of the scores, for tasks of numbers; None where the words are those of labels.
    """

    kind: ClassVar[str] = "prompted"
    reads: ClassVar[tuple[str, ...]] = (*NETWORK_PATHS, PROMPT)
    runtime: ClassVar[Runtime] = "torch"

    def __init__(
        self, model: Model, task: Task[Any, Any], prompt: Prompt, shots: Sequence[Shot] = (), *, nearest: int = 0,
        bias: np.ndarray | None = None, normalised: bool = False, factor: float = 1.0,
        scale: NumberScale | None = None,
    ) -> None:  # fmt: skip
        super().__init__(task)
        self.model = model.eval()
        self.backbone = model.backbone
        self.backbone.fast = False
        self.prompt, self.shots, self.nearest = prompt, tuple(shots), nearest
        self.bias = np.zeros(len(prompt.words)) if bias is None else bias
        self.normalised, self.factor, self.scale = normalised, factor, scale
        self._rendered = RenderedPrompt(prompt, self.backbone.tokenizer)
        self._index = Bm25.of((_joined(shot.input) for shot in self.shots), Bm25Settings()) if nearest else None

    def asking(self, prompt: Prompt, *, shots: Sequence[Shot] | None = None) -> PromptedPredictor:
        """This network with another prompt and no bias, with its examples unless others are given.

        Raises:
            ModelError: the prompt is a conversation, and the network has no chat template.
        """
        found = copy(self)
        found.prompt, found.bias = prompt, np.zeros(len(prompt.words))
        found._rendered = RenderedPrompt(prompt, self.backbone.tokenizer)
        if shots is not None:
            found.shots, found.nearest, found._index = tuple(shots), 0, None
        return found

    def outputs(self, inputs: Sequence[Any], *, progress: Progress = SILENT) -> Logits:
        """Scores of the labels with their bias, or one number, of each row; long texts are cut, instructions never."""
        scores, cut = self.scores(inputs, progress=progress)
        return self.decided(scores, cut)

    def decided(self, scores: np.ndarray, cut: np.ndarray) -> Logits:
        """What comes of the scores of rows.

        Args:
            scores: of the words without bias, shape (rows, words).
            cut: whether each row was cut, bool, shape (rows,).
        """
        found = self.factor * (scores + self.bias)
        return Logits(cut, (found if self.scale is None else self.scale.numbers(found)).astype(np.float32))

    def scores(
        self, inputs: Sequence[Any], *, apart: bool = False, progress: Progress = SILENT
    ) -> tuple[np.ndarray, np.ndarray]:
        """Log-probabilities of the labels' words without bias, float64, (rows, labels), and which rows were cut.

        Args:
            inputs: texts, or pairs of texts.
            apart: leave an example out where it is asked about itself.
            progress: advanced by rows.

        Raises:
            DataError: the prompt alone is longer than the network reads, or the chat template refuses the conversation.
        """
        head: Any = self.model.heads[HEAD]
        device = self.backbone.device.type
        reader = Continuations(head, self.backbone.tokenizer, device=device, fast=self.backbone.fast)
        asked, cut = self._asked(inputs, apart)
        found = reader.scores(asked, self._rendered.answers, start=self._rendered.start, progress=progress)
        return (found.scores / found.tokens if self.normalised else found.scores), cut

    def _asked(self, inputs: Sequence[Any], apart: bool) -> tuple[list[str], np.ndarray]:
        """What is asked about each text, and whether it had to be cut."""
        tokenizer, answers = self.backbone.tokenizer, self._rendered.answers
        chosen = self._chosen(inputs, apart)
        asked = [self._rendered.whole(given, shots) for given, shots in zip(inputs, chosen, strict=True)]
        room = tokenizer.max_length - len(self._rendered.start) - max(tokenizer.uncut(list(answers)).lengths.tolist())
        over = tokenizer.uncut(asked).lengths - room if len(asked) else np.zeros(0, dtype=np.int64)
        for row in np.flatnonzero(over > 0).tolist():
            asked[row] = self._shortened(inputs[row], chosen[row], room)
        return asked, over > 0

    def _chosen(self, inputs: Sequence[Any], apart: bool) -> list[Sequence[Shot]]:
        """The examples that stand in front of each text."""
        if self._index is None or not len(inputs):
            return [[shot for shot in self.shots if not apart or shot.input != given] for given in inputs]
        found = self._index.search([_joined(given) for given in inputs], min(self.nearest + apart, len(self.shots)))
        picked = []
        for given, ids in zip(inputs, found.ids.tolist(), strict=True):
            own = [self.shots[at] for at in ids if at >= 0 and not (apart and self.shots[at].input == given)]
            picked.append(own[: self.nearest][::-1])
        return picked

    def _shortened(self, given: Any, shots: Sequence[Shot], room: int) -> str:
        """The prompt of a text that is too long, the end of the text left out."""
        tokenizer = self.backbone.tokenizer
        texts = [given] if isinstance(given, str) else list(given)
        kept = sum(len(tokenizer.whole(text).ids) for text in texts)
        over = 1
        while kept > over:
            kept -= over
            whole = self._rendered.whole(_first_tokens(texts, kept, tokenizer), shots)
            over = len(tokenizer.whole(whole).ids) - room
            if over <= 0:
                return whole
        raise DataError(
            f"the prompt has over {room:,} tokens without the text, more than the network reads: give fewer shots or a shorter "
            "instruction, or raise --max-length if the backbone allows"
        )

    @property
    def language_model(self) -> Model:
        """The decoder with its head over words."""
        return self.model

    def place(self, device: Device) -> None:
        """Compute on a device from now on."""
        self.model.to(settled(device))

    @property
    def conditions(self) -> Mapping[str, Any]:
        """The prompt, which says what is asked."""
        return {"prompt": self._plain()}

    def _plain(self) -> dict[str, Any]:
        return {
            **self.prompt.plain(), "shots": [shot._asdict() for shot in self.shots], "nearest": self.nearest,
            "bias": self.bias.tolist(), "normalised": self.normalised, "factor": self.factor,
            "scale": None if self.scale is None else self.scale._asdict(),
        }  # fmt: skip

    def save(self, folder: Path) -> dict[str, Any]:
        """Write the network and its tokenizer as plain transformers loads them, and `prompt.json`."""
        require_finite(self.model.state_dict())
        head: Any = self.model.heads[HEAD]
        self.backbone.save(folder, head.whole)
        (folder / PROMPT).write_text(json.dumps(self._plain(), indent=1, ensure_ascii=True) + "\n", encoding="utf-8")
        return {"max_length": self.backbone.tokenizer.max_length, "digests": digests(folder)}

    @classmethod
    def load(cls, folder: Path, task: Task[Any, Any], description: Mapping[str, Any]) -> PromptedPredictor:
        """Read what `save` wrote."""
        said = stated(PromptedDescription, folder, description)
        where = f"{folder / PROMPT}"
        about = shaped(StatedPrompt, parsed(content(folder, PROMPT), folder / PROMPT), where)
        values = None if about.scale is None else about.scale.values
        suits = task.target_kind in (("label", "labels") if values is None else ("number",)) and not task.words
        suits = suits and len(about.words) == len(about.bias) == len(task.names if values is None else values)
        refuse_task(folder, cls.kind, task, suits=suits and all(shot.label < len(about.words) for shot in about.shots))
        refuse_damaged(folder, description)
        prompt = Prompt(about.template, tuple(about.words), about.instruction, about.chat)
        shots = [Shot(own if isinstance(own := each.input, str) else tuple(own), each.label) for each in about.shots]
        return cls(
            saved_decoder(folder, said.max_length, description), task, prompt, shots, nearest=about.nearest,
            bias=np.array(about.bias), normalised=about.normalised, factor=about.factor,
            scale=None if about.scale is None else NumberScale(tuple(about.scale.values), about.scale.slope, about.scale.offset),
        )  # fmt: skip

    def usage(self) -> str:
        """A few lines that score the words of each label behind the prompt of a text."""
        shots = self.shots if not self.nearest else ()
        example = ("a text", "another text") if self.task.pairs else "a text"
        asking, told = self._rendered.usage(example, shots)
        chosen = (
            ""
            if not self.nearest
            else f"  # headstart puts the {self.nearest} most similar examples of prompt.json in front\n"
        )
        mean = " / len(own)" if self.normalised else ""
        bias = [round(float(each), 6) for each in self.bias]
        return f"""{chosen}import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

tokenizer, network = AutoTokenizer.from_pretrained("."), AutoModelForCausalLM.from_pretrained(".", dtype=torch.float32).eval()
{asking}
labels = {json.dumps(list(self.task.names), ensure_ascii=False)}
answers = {json.dumps(list(self._rendered.answers), ensure_ascii=False)}
bias, scores = {bias}, []
for answer in answers:
    before, whole = (tokenizer(each{told})["input_ids"] for each in (asked, asked + answer))
    own = whole[len(before):]
    with torch.no_grad():
        shares = network(torch.tensor([whole])).logits[0].log_softmax(1)
    scores.append(sum(float(shares[len(before) + at - 1, each]) for at, each in enumerate(own)){mean})
logits = {round(self.factor, 6)} * (torch.tensor(scores) + torch.tensor(bias))
{self._said()}"""

    def _said(self) -> str:
        """The last line of `usage`: probabilities of the labels, or the number in the unit of the training file."""
        if self.scale is None:
            shares = "softmax(0)" if self.task.target_kind == "label" else "sigmoid()"
            return f"print(dict(zip(labels, logits.{shares}.tolist())))"
        mean, deviation = self.task.output_scale
        slope, offset = self.scale.slope * deviation, self.scale.offset * deviation + mean
        expected = f"float(logits.softmax(0) @ torch.tensor({list(self.scale.values)}))"
        return f"print({{labels[0]: {slope!r} * {expected} + {offset!r}}})"


def _joined(given: Any) -> str:
    return given if isinstance(given, str) else BETWEEN.join(given)


def _first_tokens(texts: Sequence[str], kept: int, tokenizer: Any) -> Any:
    """A text, or two, without their ends, with so many tokens together; of two the longer one is cut first."""
    places = [tokenizer.whole(text).offsets for text in texts]
    counts = [len(each) for each in places]
    while sum(counts) > kept:
        counts[counts.index(max(counts))] -= 1
    found = tuple(
        text if count == len(own) else text[: own[count - 1][1] if count else 0]
        for text, own, count in zip(texts, places, counts, strict=True)
    )
    return found[0] if len(found) == 1 else found
