"""Controls for tasks that write: a copy of the input, word by word from a lexicon, the nearest training sentence; no network."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from headstart.data.outputs import Generated
from headstart.data.store import Store
from headstart.predictors.plain_texts import CopyPredictor, LexiconPredictor, NearestPredictor, PlainWriter, words_of
from headstart.strategies.base import Auto, Candidate, Context, Strategy, Work
from headstart.strategies.cross_validation import by_fold, rounds
from headstart.tasks.base import Task

WRITES_NOTHING = "it writes texts, and the task asks for something else"
STARTING = 0.5
"""Seconds that a control takes whatever the rows are."""
MOST_SENTENCES, MOST_CHARACTERS = 100_000, 20_000_000
"""Training rows among which the nearest is looked for, and their characters; beyond either they are drawn at random."""


class PlainWriting(Strategy):
    """A control that writes without a network."""

    role: ClassVar[Literal["transfer", "control"]] = "control"
    needs_backbone: ClassVar[bool] = False
    gives: ClassVar[frozenset[str]] = frozenset({Generated.kind})
    auto: ClassVar[Auto | None] = Auto()
    seconds: ClassVar[float] = 0.0
    """About how many it takes by character of training text, on one core."""
    comparing: ClassVar[float] = 0.0
    """About how many it takes by training row for each text that it writes."""

    @abstractmethod
    def _learnt(self, context: Context, rows: Store[Any]) -> tuple[PlainWriter, str, int]:
        """A predictor of some rows, what to say of it, and how many numbers or words it keeps."""

    def refuses(self, task: Task) -> str:
        """Refuses tasks that write nothing."""
        return "" if task.target_kind == "text" else WRITES_NOTHING

    def work(self, context: Context) -> Work:
        """No pass of a network."""
        rows = context.train
        learning = self.seconds * sum(map(len, rows.texts)) * rounds(context)
        return Work(0.0, 0.0, STARTING + learning + self.comparing * len(rows) * len(context.validation))

    def fit(self, context: Context) -> Candidate:
        """Learn from the training rows; under folds from those of the other folds for each."""
        context.progress.begin(self.name, len(context.validation))
        predictor, said, size = self._learnt(context, context.train)
        if context.folds is None:
            outputs: Generated = predictor.outputs(list(context.validation.inputs), progress=context.progress)
        else:
            outputs = context.task.blank(context.train)  # type: ignore[assignment]
            for held, part in by_fold(context):
                outputs.put(held, self._learnt(part, part.train)[0].outputs(list(part.validation.inputs)))
        context.progress.end()
        return Candidate(self, context.training, predictor, outputs, said, size)


class CopySource(PlainWriting):
    """The input again: what a text that was never translated, corrected or shortened would score.

    Needs: nothing.
    Inputs: texts.
    See also: `lexicon`, `nearest-sentence`.

    Example:
        headstart fit examples/phrases/train.csv --task text-to-text --text en --reference de --strategy copy-source
    """

    name: ClassVar[str] = "copy-source"
    cost: ClassVar[int] = 0

    def _learnt(self, context: Context, rows: Store[Any]) -> tuple[PlainWriter, str, int]:
        return CopyPredictor(context.task), "the input as it is", 0


class Lexicon(PlainWriting):
    """Word by word: for each word the one that stands for it most often, learnt from the pairs (Brown et al. 1993, Model 1).

    Needs: texts beside what is written for them; no backbone.
    Inputs: texts.
    See also: `nearest-sentence`; `warm-start`, which has to beat it.

    Example:
        headstart fit examples/phrases/train.csv --task translation --source-language en --target-language de --strategy lexicon
    """

    name: ClassVar[str] = "lexicon"
    cost: ClassVar[int] = 1
    seconds: ClassVar[float] = 3e-6

    alignment_iterations: int = Field(default=5, ge=1, le=100)
    """Rounds of expectation and maximisation, in [1, 100]."""

    def _learnt(self, context: Context, rows: Store[Any]) -> tuple[PlainWriter, str, int]:
        from headstart.solving.alignment import word_translations

        sources = [[word.lower() for word in words_of(text)] for text in rows.texts]
        targets = [words_of(label[0]) for label in rows.labels]
        found = word_translations(sources, targets, iterations=self.alignment_iterations, seed=context.seed)
        return LexiconPredictor(found, context.task), f"{len(found):,} words", len(found)


class NearestSentence(PlainWriting):
    """What was written for the training text that is most alike, by the words in a row that both have: a translation memory.

    Texts are compared by the cosine of their counts of words, pairs of words and triples of words.

    Needs: texts beside what is written for them; no backbone.
    Inputs: texts.
    See also: `lexicon`; `warm-start`, which has to beat it.

    Example:
        headstart fit examples/phrases/train.csv --task text-to-text --text en --reference de --strategy nearest-sentence
    """

    name: ClassVar[str] = "nearest-sentence"
    cost: ClassVar[int] = 1
    seconds: ClassVar[float] = 4e-7
    comparing: ClassVar[float] = 6e-8

    def _learnt(self, context: Context, rows: Store[Any]) -> tuple[PlainWriter, str, int]:
        lengths = np.array([len(text) for text in rows.texts])
        order = np.arange(len(rows))
        if len(rows) > MOST_SENTENCES or lengths.sum() > MOST_CHARACTERS:
            order = np.random.default_rng([context.seed, 0x5E27]).permutation(len(rows))
        fitting = int(np.searchsorted(np.cumsum(lengths[order]), MOST_CHARACTERS, side="right"))
        chosen = np.sort(order[: max(1, min(fitting, MOST_SENTENCES))])
        pairs = [(rows.get(int(row)).text, rows.get(int(row)).label[0]) for row in chosen]
        return NearestPredictor(pairs, context.task), f"{len(pairs):,} texts", len(pairs)
