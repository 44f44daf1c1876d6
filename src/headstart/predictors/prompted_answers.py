"""Answers that stand in a text, by how likely a decoder is to write them behind a question about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar

import numpy as np
from pydantic import Field

from headstart.data.outputs import Logits
from headstart.data.prompts import Prompt, Shot
from headstart.data.questions import AskedText
from headstart.data.units import Units
from headstart.data.words import Words
from headstart.heads.model import Model
from headstart.manifest import Stated, shaped
from headstart.predictors.answer_likelihoods import NOTHING, SpanLikelihoods
from headstart.predictors.asked_decoder import PROMPT, AskedDecoder, saved_decoder, writing_code
from headstart.predictors.base import refuse_damaged, refuse_task, stated
from headstart.predictors.rendering import RenderedPrompt
from headstart.runtime.contained import content, parsed
from headstart.runtime.progress import SILENT, Progress
from headstart.tasks.base import Task

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


class PromptedAnswers(AskedDecoder):
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

    def __init__(
        self, model: Model, task: Task[Any, Any], prompt: Prompt, shots: Sequence[Shot] = (), factor: float = 1.0
    ) -> None:
        super().__init__(model, task, factor)
        self.prompt, self.shots = prompt, tuple(shots)
        self._rendered = RenderedPrompt(prompt, self.backbone.tokenizer)

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
            self.reader.paths(said, self._rendered.lead, each.context, read, refusal, longest=options.max_answer)
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
        return self.asked(self._rendered, given.context_words, lambda context: (given.question, context), self.shots)

    def _plain(self) -> dict[str, Any]:
        return {
            **self.prompt.plain(),
            "shots": [{"input": list(each.input), "label": each.label} for each in self.shots],
        }

    @classmethod
    def load(cls, folder: Path, task: Task[Any, Any], description: Mapping[str, Any]) -> PromptedAnswers:
        """Read what `save` wrote."""
        said = stated(AnsweringDescription, folder, description)
        about = shaped(StatedQuestions, parsed(content(folder, PROMPT), folder / PROMPT), f"{folder / PROMPT}")
        suits = task.target_kind == "answer" and all(each.label < len(about.words) for each in about.shots)
        refuse_task(folder, cls.kind, task, suits=suits)
        refuse_damaged(folder, description)
        prompt = Prompt(about.template, tuple(about.words), about.instruction, about.chat)
        shots = [Shot((each.input[0], each.input[1]), each.label) for each in about.shots]
        return cls(saved_decoder(folder, said.max_length, description), task, prompt, shots, said.factor)

    def usage(self) -> str:
        """A few lines that let the network write an answer freely; headstart takes the likeliest words of the text."""
        return writing_code(*self._rendered.usage(("a question", "a text"), self.shots))


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
