"""Spans of words with a type, by how likely a decoder is to write them where it is asked for words of that type."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar, NamedTuple, Self

import numpy as np
from pydantic import Field

from headstart.data.outputs import Logits
from headstart.data.prompts import Prompt, Shot
from headstart.data.tags import OUTSIDE
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

LONGEST = 5
"""Words of a span at most."""
AT_ONCE = 32
"""Texts that are asked about for one type after the other."""
APART = 2.0
"""Weight of a type's share among all types in the score of a run of words; see docs/prompting.md."""
FARTHEST = 8.0
"""Log-odds beyond which no word is given a tag, and none is denied one."""


class SpansDescription(Stated):
    """What the manifest says of a decoder that is asked for spans."""

    max_length: Annotated[int, Field(ge=8)]
    factor: Annotated[float, Field(gt=0)]


class StatedExample(Stated):
    """A text with the number of its answer in `prompt.json`."""

    input: str
    label: Annotated[int, Field(ge=0)]


class StatedType(Stated):
    """What is asked about one type, in `prompt.json`."""

    template: str
    words: Annotated[list[str], Field(min_length=1)]
    instruction: str
    chat: bool
    shots: list[StatedExample]
    margin: float


class StatedSpans(Stated):
    """The content of `prompt.json`."""

    types: Annotated[list[StatedType], Field(min_length=1)]


class TypePrompt(NamedTuple):
    """How words of one type are asked for."""

    prompt: Prompt
    """About a text; the first of its words says that there are none, the others are answers of the examples."""
    shots: tuple[Shot, ...] = ()
    """Examples with the numbers of their answers."""


class Candidates(NamedTuple):
    """Runs of words of one text, each as a span of one type."""

    firsts: np.ndarray
    """First word of each, int64, shape (candidates,)."""
    lasts: np.ndarray
    """Last word of each, int64."""
    types: np.ndarray
    """Number of the type of each, int64."""
    scores: np.ndarray
    """How much speaks for it, in nats, float64; see `of`."""

    @classmethod
    def of(cls, found: Sequence[SpanLikelihoods]) -> Self:
        """Candidates by what was written where each type was asked for.

        The score of a run of words is the logarithm of how much likelier it is than that there is none of the type, and `APART`
        times that of its share among all types, since small networks write the names in a text whatever they are asked for. A
        run that was not followed for a type counts there as the least likely one that was.

        Args:
            found: answers of each type, a refusal among them.
        """
        runs: dict[tuple[int, int], int] = {}
        parts = list[tuple[np.ndarray, np.ndarray]]()
        for own in found:
            none = own.firsts == NOTHING
            pairs = zip(own.firsts[~none].tolist(), own.lasts[~none].tolist(), strict=True)
            places = np.array([runs.setdefault(pair, len(runs)) for pair in pairs], dtype=np.int64)
            parts.append((places, own.scores[~none] - own.scores[none].max()))
        table = np.stack([np.full(len(runs), scores.min(initial=0.0)) for _, scores in parts], axis=1)
        for kind, (places, scores) in enumerate(parts):
            table[places, kind] = scores
        shares = table - np.logaddexp.reduce(table, axis=1, keepdims=True)
        places = np.concatenate([each for each, _ in parts])
        types = np.repeat(np.arange(len(parts)), [len(each) for each, _ in parts])
        words = np.array(list(runs), dtype=np.int64).reshape(-1, 2)[places]
        return cls(words[:, 0], words[:, 1], types, (table + APART * shares)[places, types])

    def less(self, margins: np.ndarray) -> Self:
        """Those whose scores are over the margins of their types, shape (types,), with what they are over them."""
        scores = self.scores - margins[self.types]
        return type(self)(*(column[scores > 0] for column in (self.firsts, self.lasts, self.types, scores)))

    def apart(self) -> list[int]:
        """Numbers of those, from the highest score on, that share no word with one before them."""
        taken, kept = set[int](), list[int]()
        for at in np.argsort(-self.scores, kind="stable").tolist():
            own = range(int(self.firsts[at]), int(self.lasts[at]) + 1)
            if taken.isdisjoint(own):
                taken.update(own)
                kept.append(at)
        return kept


class PromptedSpans(AskedDecoder):
    """A decoder that is asked for the words of each type in a text, and may answer with words of that text or with none.

    Every run of words gets a score for each type, see `Candidates.of`, less the margin of that type. Where runs share words the one
    with the highest value is taken; it is a span where its value is over 0.

    Args:
        model: with a `VocabularyHead`; put into eval mode.
        task: bound; tags words.
        asking: how words of each type are asked for, in the order of their names.
        margins: nats by which a span of each type has to be likelier than none; shape (types,).
        factor: what logits are multiplied by, so that probabilities are calibrated.
    """

    kind: ClassVar[str] = "prompted-spans"
    listed: ClassVar[bool] = True
    starts: ClassVar[int | None] = 8

    def __init__(
        self, model: Model, task: Task[Any, Any], asking: Sequence[TypePrompt], margins: Sequence[float], factor: float = 1.0
    ) -> None:  # fmt: skip
        super().__init__(model, task, factor)
        self.asking, self.margins = tuple(asking), np.asarray(margins, dtype=np.float64)
        self._rendered = [RenderedPrompt(each.prompt, self.backbone.tokenizer) for each in self.asking]

    def outputs(self, inputs: Sequence[Any], *, progress: Progress = SILENT) -> Logits:
        """Log-odds of the tags of all words against being outside of spans; see `tag_values`.

        Raises:
            DataError: instruction and examples leave no room for a text, or the chat template refuses the conversation.
        """
        found, cut = self.candidates(inputs, progress=progress)
        return self.decided(found, cut, [len(each.words) for each in inputs])

    def decided(self, found: Sequence[Candidates], cut: np.ndarray, counts: Sequence[int]) -> Logits:
        """What comes of the candidates of rows under the margins.

        Args:
            found: of each row.
            cut: whether each row was cut, bool, shape (rows,).
            counts: words of each row.
        """
        types = len(self.asking)
        own = [OUTSIDE, *(f"{prefix}-{kind}" for kind in self.task.label_names for prefix in "BI")]
        values = [
            tag_values(each._replace(scores=each.scores - self.margins[each.types]), count, types)
            for each, count in zip(found, counts, strict=True)
        ]
        every = np.concatenate([*values, np.zeros((0, 1 + 2 * types))])
        ordered = every[:, [own.index(tag) for tag in self.task.names]]
        return Logits(cut, (self.factor * ordered).astype(np.float32), Units.counted(counts))

    def candidates(self, inputs: Sequence[Any], *, progress: Progress = SILENT) -> tuple[list[Candidates], np.ndarray]:
        """Spans that there may be in each text, without margins, and which texts were cut.

        Args:
            inputs: words of texts.
            progress: advanced by texts.
        """
        found, cut = list[Candidates](), np.zeros(len(inputs), dtype=bool)
        for begin in range(0, len(inputs), AT_ONCE):
            some = inputs[begin : begin + AT_ONCE]
            kinds = [self._likelihoods(kind, some, cut[begin : begin + AT_ONCE]) for kind in range(len(self.asking))]
            found += [Candidates.of(each) for each in zip(*kinds, strict=True)]
            progress.advance(len(some))
        return found, cut

    def _likelihoods(self, kind: int, inputs: Sequence[Words], cut: np.ndarray) -> list[SpanLikelihoods]:
        """How likely words of texts are where one type is asked for; marks texts that were cut."""
        rendered, (prompt, shots) = self._rendered[kind], self.asking[kind]
        asked = [self.asked(rendered, each, str, shots) for each in inputs]
        cut |= [len(read.words) < len(each.words) for (_, read), each in zip(asked, inputs, strict=True)]
        paths = [
            self.reader.paths(said, rendered.lead, read.text, read, prompt.words[0], longest=LONGEST) for said, read in asked
        ]  # fmt: skip
        return self.reader.scores([said for said, _ in asked], paths, start=rendered.start)

    def _plain(self) -> dict[str, Any]:
        return {
            "types": [
                {
                    **each.prompt.plain(),
                    "shots": [shot._asdict() for shot in each.shots],
                    "margin": float(margin),
                }
                for each, margin in zip(self.asking, self.margins, strict=True)
            ]
        }

    @classmethod
    def load(cls, folder: Path, task: Task[Any, Any], description: Mapping[str, Any]) -> PromptedSpans:
        """Read what `save` wrote."""
        said = stated(SpansDescription, folder, description)
        about = shaped(StatedSpans, parsed(content(folder, PROMPT), folder / PROMPT), f"{folder / PROMPT}").types
        suits = task.target_kind == "tags" and len(about) == len(task.label_names)
        suits = suits and all(shot.label < len(each.words) for each in about for shot in each.shots)
        refuse_task(folder, cls.kind, task, suits=suits)
        refuse_damaged(folder, description)
        asking = [
            TypePrompt(
                Prompt(each.template, tuple(each.words), each.instruction, each.chat),
                tuple(Shot(shot.input, shot.label) for shot in each.shots),
            )
            for each in about
        ]
        margins = [each.margin for each in about]
        return cls(saved_decoder(folder, said.max_length, description), task, asking, margins, said.factor)

    def usage(self) -> str:
        """A few lines that let the network write freely where the first type is asked for."""
        return writing_code(*self._rendered[0].usage("a text", self.asking[0].shots))


def tag_values(found: Candidates, count: int, types: int) -> np.ndarray:
    """Log-odds of the tags of a text's words, float64, shape (words, 1 + 2 * types); the first column, of no span, is 0.

    Candidates are gone through from the highest score on; each that shares no word with one before it gives its words its score
    as the value of its tags. So those over 0 are the spans of the best sequence of tags, and no other word is likelier inside of
    a span than outside.

    Args:
        found: with margins taken off their scores.
        count: words of the text.
        types: how many there are.
    """
    values = np.full((count, 1 + 2 * types), -FARTHEST)
    values[:, 0] = 0.0
    for at in found.apart():
        first, last, kind = (int(each[at]) for each in found[:3])
        score = np.clip(found.scores[at], -FARTHEST, FARTHEST)
        values[first, 1 + 2 * kind] = score
        values[first + 1 : last + 1, 2 + 2 * kind] = score
    return values
