"""Answers that stand in a text, by how likely a decoder is to write them behind a question about it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar

import numpy as np
from pydantic import Field

from headstart.backbones.base import open_backbone
from headstart.backbones.location import ENCODE, GENERATE, BackboneSource, locate, location_of
from headstart.data.outputs import Logits
from headstart.data.prompts import Prompt, Shot
from headstart.data.questions import AskedText
from headstart.data.units import Units
from headstart.data.words import Words
from headstart.errors import DataError
from headstart.heads import HEAD
from headstart.heads.model import Model
from headstart.heads.vocabulary import VocabularyHead
from headstart.manifest import Stated, shaped
from headstart.predictors.answer_likelihoods import MOST_TOKENS, NOTHING, AnswerLikelihoods, SpanLikelihoods
from headstart.predictors.base import (
    NETWORK_PATHS,
    Runtime,
    ScaledPredictor,
    digests,
    network_digest,
    refuse_damaged,
    refuse_task,
    stated,
)
from headstart.predictors.causal import ends_of
from headstart.predictors.rendering import RenderedPrompt
from headstart.runtime.contained import content, parsed
from headstart.runtime.device import Device, settled
from headstart.runtime.finite import require_finite
from headstart.runtime.progress import SILENT, Progress
from headstart.tasks.base import Task

PROMPT = "prompt.json"
"""The file of a prompt in an artifact."""
NEEDS = frozenset({ENCODE, GENERATE})
UNHEARD = 0.01
"""Probability that is shared out evenly among all words, those that no answer was followed from among them."""


class AnsweringDescription(Stated):
    """What the manifest says of a decoder that is asked for answers."""

    max_length: Annotated[int, Field(ge=8)]
    factor: Annotated[float, Field(gt=0)]


class StatedQuestion(Stated):
    """A question with its text and the number of its answer in `prompt.json`."""

    input: Annotated[list[str], Field(min_length=2, max_length=2)]
    label: Annotated[int, Field(ge=0)]


class StatedQuestions(Stated):
    """The content of `prompt.json`."""

    template: str
    words: Annotated[list[str], Field(min_length=1)]
    instruction: str
    chat: bool
    shots: list[StatedQuestion]


class PromptedAnswers(ScaledPredictor):
    """A decoder that is asked a question about a text and may answer with words of that text alone.

    Args:
        model: with a `VocabularyHead`; put into eval mode.
        task: bound; finds answers in texts.
        prompt: what is asked, of a question (`{first}`) and a text (`{second}`); the first of its words says that there is no
            answer, the others are answers of the examples.
        shots: examples with the numbers of their answers.
        factor: what logits are multiplied by, so that probabilities are calibrated.
    """

    kind: ClassVar[str] = "prompted-answers"
    reads: ClassVar[tuple[str, ...]] = (*NETWORK_PATHS, PROMPT)
    runtime: ClassVar[Runtime] = "torch"

    def __init__(
        self, model: Model, task: Task[Any, Any], prompt: Prompt, shots: Sequence[Shot] = (), factor: float = 1.0
    ) -> None:
        super().__init__(task)
        self.model = model.eval()
        self.backbone = model.backbone
        self.backbone.fast = False
        self.prompt, self.shots, self.factor = prompt, tuple(shots), factor
        self._rendered = RenderedPrompt(prompt, self.backbone.tokenizer)
        self._reader: AnswerLikelihoods | None = None

    @property
    def reader(self) -> AnswerLikelihoods:
        """What scores answers, where the network is."""
        if self._reader is None:
            head: Any = self.model.heads[HEAD]
            tokenizer, device = self.backbone.tokenizer, self.backbone.device.type
            self._reader = AnswerLikelihoods(head, tokenizer, ends_of(self.backbone), device=device)
        return self._reader

    @property
    def lead(self) -> str:
        """What stands between the prompt and an answer."""
        return self._rendered.answers[0].partition(self.prompt.words[0])[0]

    def outputs(self, inputs: Sequence[Any], *, progress: Progress = SILENT) -> Logits:
        """Logarithms of the probabilities that the answer begins, and ends, with each word of its text, or that there is none.

        Raises:
            DataError: instruction and examples leave no room for a text, or the chat template refuses the conversation.
        """
        given = [AskedText(*each) for each in inputs]
        asked, words = list[str](), list[Words]()
        for each in given:
            said, read = self._asked(each)
            asked.append(said)
            words.append(read)
        options: Any = self.task
        refusal = self.prompt.words[0] if options.may_refuse else ""
        paths = [
            self.reader.paths(said, self.lead, each.context, read, refusal, longest=options.max_answer)
            for said, each, read in zip(asked, given, words, strict=True)
        ]
        found = self.reader.scores(asked, paths, start=self._rendered.start, progress=progress)
        counts = [len(each.context_words.words) + 1 for each in given]
        values = [logits_of(own, count) for own, count in zip(found, counts, strict=True)]
        cut = np.array([len(read.words) + 1 < count for read, count in zip(words, counts, strict=True)], dtype=bool)
        every = np.concatenate([*values, np.zeros((0, 2))]).astype(np.float32)
        return Logits(cut, np.float32(self.factor) * every, Units.counted(counts))

    def _asked(self, given: AskedText) -> tuple[str, Words]:
        """The prompt of a question, with as much of its text as there is room for, and the words of that."""
        tokenizer, words = self.backbone.tokenizer, given.context_words
        room = tokenizer.max_length - len(self._rendered.start) - MOST_TOKENS
        count = len(words.words)
        while count > 0:
            context = given.context if count == len(words.words) else given.context[: _end(words, count)]
            asked = self._rendered.whole((given.question, context), self.shots)
            over = len(tokenizer.whole(asked).ids) - room
            if over <= 0:
                return asked, words._replace(words=words.words[:count], starts=words.starts[:count])
            count = min(count - 1, max(1, count * room // (room + over)))
        raise DataError(
            f"the prompt has over {room:,} tokens without the text, more than the network reads: give fewer shots or a shorter "
            "instruction, or raise --max-length if the backbone allows"
        )

    def place(self, device: Device) -> None:
        """Compute on a device from now on."""
        self.model.to(settled(device))
        self._reader = None

    @property
    def conditions(self) -> Mapping[str, Any]:
        """The prompt, which says what is asked."""
        return {"prompt": self._plain(), "factor": self.factor}

    def _plain(self) -> dict[str, Any]:
        return {
            **self.prompt.plain(),
            "shots": [{"input": list(each.input), "label": each.label} for each in self.shots],
        }

    def save(self, folder: Path) -> dict[str, Any]:
        """Write the network and its tokenizer as plain transformers loads them, and `prompt.json`."""
        require_finite(self.model.state_dict())
        head: Any = self.model.heads[HEAD]
        self.backbone.save(folder, head.whole)
        (folder / PROMPT).write_text(json.dumps(self._plain(), indent=1, ensure_ascii=True) + "\n", encoding="utf-8")
        return {"max_length": self.backbone.tokenizer.max_length, "factor": self.factor, "digests": digests(folder)}

    @classmethod
    def load(cls, folder: Path, task: Task[Any, Any], description: Mapping[str, Any]) -> PromptedAnswers:
        """Read what `save` wrote."""
        said = stated(AnsweringDescription, folder, description)
        about = shaped(StatedQuestions, parsed(content(folder, PROMPT), folder / PROMPT), f"{folder / PROMPT}")
        suits = task.target_kind == "answer" and all(each.label < len(about.words) for each in about.shots)
        refuse_task(folder, cls.kind, task, suits=suits)
        refuse_damaged(folder, description)
        source = BackboneSource(
            location=location_of(folder), max_length=said.max_length, digest=network_digest(description)
        )
        backbone = open_backbone(locate(source, NEEDS), needs=NEEDS)
        prompt = Prompt(about.template, tuple(about.words), about.instruction, about.chat)
        shots = [Shot((each.input[0], each.input[1]), each.label) for each in about.shots]
        return cls(Model(backbone, {HEAD: VocabularyHead(backbone, "causal")}), task, prompt, shots, said.factor)

    def usage(self) -> str:
        """A few lines that let the network write an answer freely; headstart takes the likeliest words of the text."""
        asking, told = self._rendered.usage(("a question", "a text"), self.shots)
        return f"""# these lines write freely; headstart takes the likeliest words of the text in place of that
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

tokenizer, network = AutoTokenizer.from_pretrained("."), AutoModelForCausalLM.from_pretrained(".", dtype=torch.float32).eval()
{asking}
given = tokenizer(asked, return_tensors="pt"{told})
with torch.no_grad():
    said = network.generate(**given, max_new_tokens={MOST_TOKENS}, do_sample=False)[0, given["input_ids"].shape[1]:]
print(tokenizer.decode(said, skip_special_tokens=True).strip())"""


def logits_of(found: SpanLikelihoods, count: int) -> np.ndarray:
    """Logarithms of the probabilities that an answer begins and ends with each word, float64, shape (count, 2).

    They are sums over answers that begin, or end, there, so that the sum of the two for a word and another one is the score of
    the answer between them as it is for networks with a head for words. The first row is that of there being no answer.

    Args:
        found: answers with their log-probabilities.
        count: outputs of the row, one more than its text has words.
    """
    shares = np.exp(found.scores - np.logaddexp.reduce(found.scores)) if len(found.scores) else found.scores
    places = [np.where(each == NOTHING, 0, each + 1) for each in (found.firsts, found.lasts)]
    sums = np.stack([np.bincount(each, shares, count) for each in places], axis=1)
    return np.log((1 - UNHEARD) * sums + UNHEARD / count)


def _end(words: Words, count: int) -> int:
    """Place behind the last of the first words."""
    return words.starts[count - 1] + len(words.words[count - 1])
