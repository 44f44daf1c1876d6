"""Control: BM25, the ranking by words that a network has to beat."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from headstart.data.outputs import Ranked
from headstart.strategies.base import Auto, Candidate, Context, Need, Strategy, Work
from headstart.strategies.retrieving import NOT_RETRIEVAL, held_out, is_retrieval, words_of
from headstart.tasks.base import Task

COUNTING = 1e-6
"""Seconds by character in which words are counted."""


class Bm25Ranking(Strategy):
    """Passages by the words that they share with a question, rare ones first (Robertson & Zaragoza 2009, section 3).

    No network, nothing learnt: what retrieval is measured against. Where questions were written with the passage in view it is hard
    to beat, and the verdict says so where it wins.

    Needs: nothing but passages.
    Inputs: questions.
    See also: `untouched`, the control with a network; `hybrid`, which adds its scores to those of vectors.

    Example:
        headstart fit examples/help/train.csv --task retrieval --strategy bm25 --stemmer english
    """

    name: ClassVar[str] = "bm25"
    cost: ClassVar[int] = 1
    role: ClassVar[Literal["transfer", "control"]] = "control"
    needs: ClassVar[frozenset[Need]] = frozenset()
    needs_backbone: ClassVar[bool] = False
    gives: ClassVar[frozenset[str]] = frozenset({Ranked.kind})
    auto: ClassVar[Auto | None] = Auto()

    stemmer: str = "english"
    """Whose endings are cut off words (Snowball), or `none`."""
    k1: float = Field(default=1.5, ge=0, le=100)
    """How soon more of the same word count for less, in [0, 100]."""
    b: float = Field(default=0.75, ge=0, le=1)
    """How much the length of a passage is held against it, in [0, 1]."""

    @classmethod
    def missing(cls) -> str:
        """The extra that brings the libraries."""
        from importlib.util import find_spec

        if find_spec("bm25s") and find_spec("Stemmer"):
            return ""
        return "bm25 needs the packages bm25s and PyStemmer; install them with: pip install 'headstart[search]'"

    def refuses(self, task: Task) -> str:
        """Refuses what is no retrieval."""
        return "" if is_retrieval(task) else NOT_RETRIEVAL

    def work(self, context: Context) -> Work:
        """Words are counted once."""
        texts = context.task.passages.texts  # type: ignore[attr-defined]
        return Work(0.0, 0.0, 1.0 + COUNTING * sum(len(text or "") for text in texts))

    def fit(self, context: Context) -> Candidate:
        """Count words, learn nothing."""
        context.progress.begin(self.name, len(context.validation))
        predictor = words_of(context, language=self.stemmer, k1=self.k1, b=self.b)
        outputs = held_out(context, predictor)
        context.progress.end()
        said = f"{len(predictor.words.vocabulary):,} words of {len(predictor.numbers):,} passages"
        return Candidate(self, context.training, predictor, outputs, said, 0)
