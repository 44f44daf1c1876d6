"""A retriever by words: BM25, without a network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, ClassVar, Self

import numpy as np
from pydantic import Field

from headstart.data.outputs import Ranked
from headstart.manifest import Stated
from headstart.predictors.base import Runtime, stated
from headstart.predictors.passages import PASSAGES, RetrievalPredictor, load_passages, of_scores, save_passages
from headstart.ranking.bm25 import Bm25, Bm25Settings
from headstart.ranking.fusion import ranked
from headstart.runtime.progress import SILENT, Progress
from headstart.tasks.base import Task
from headstart.tasks.ranking import RankingTask


class Bm25Description(Stated):
    """What the manifest says of a retriever by words."""

    language: str
    k1: Annotated[float, Field(ge=0, le=100)]
    b: Annotated[float, Field(ge=0, le=1)]


class Bm25Predictor(RetrievalPredictor):
    """BM25 over passages (Robertson and Zaragoza 2009, section 3).

    Args:
        task: that knows what is searched.
        settings: how words are found and weighed.
        words: of the passages that are ranked; read if None.
    """

    kind: ClassVar[str] = "bm25"
    runtime: ClassVar[Runtime] = "numpy"

    def __init__(self, task: Task[Any, Any], settings: Bm25Settings, words: Bm25 | None = None) -> None:
        super().__init__(task)
        self.settings = settings
        self.words = words or Bm25.of(self.passages.read(self.numbers), settings)

    def search(
        self, questions: Sequence[str], k: int, *, among: np.ndarray | None = None, progress: Progress = SILENT
    ) -> Ranked:
        """The k best passages for each question; those without a word of it are not given."""
        places = self._places(among)
        found = [
            of_scores(self.words.scores(each)[places][None], self.numbers[places], k, above=0.0) for each in questions
        ]
        progress.advance(len(questions))
        if not found:
            return ranked(np.full((0, k), -1, dtype=np.int64), np.zeros((0, k), dtype=np.float32))
        return ranked(np.concatenate([each.ids for each in found]), np.concatenate([each.scores for each in found]))

    def over(self, task: RankingTask, *, progress: Progress = SILENT) -> Self:
        """A retriever with its settings for other passages."""
        return type(self)(task, self.settings)

    def save(self, folder: Path) -> dict[str, Any]:
        """Write the passages; their words are counted again when they are read."""
        save_passages(folder, self.passages)
        return asdict(self.settings)

    @classmethod
    def load(cls, folder: Path, task: Task[Any, Any], description: Mapping[str, Any]) -> Bm25Predictor:
        """Read passages, and count their words."""
        said = stated(Bm25Description, folder, description)
        return cls(load_passages(folder, cls.kind, task), Bm25Settings(said.language, said.k1, said.b))

    def usage(self) -> str:
        """A few lines around `bm25s`."""
        return f'''import json
from pathlib import Path

import bm25s
import Stemmer

passages = json.loads(Path("{PASSAGES}").read_text())
stemmer = Stemmer.Stemmer("{self.settings.language}")
index = bm25s.BM25(k1={self.settings.k1:g}, b={self.settings.b:g})
index.index(bm25s.tokenize(passages["text"], stopwords=None, stemmer=stemmer, show_progress=False), show_progress=False)
words = bm25s.tokenize(["a question"], stopwords=None, stemmer=stemmer, show_progress=False)
found, scores = index.retrieve(words, k=1, show_progress=False)
print(passages["id"][found[0, 0]], scores[0, 0])  # words are cut otherwise here, so scores may differ a little'''
