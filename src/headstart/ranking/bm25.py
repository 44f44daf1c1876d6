"""BM25: the ranking by words that every other one has to beat (Robertson and Zaragoza 2009, section 3)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.data.outputs import Ranked
from headstart.data.tokens import Tokens, TokenWriter, read_arrow, write_arrow
from headstart.errors import ModelError, UnavailableError
from headstart.ranking.exact import best
from headstart.ranking.fusion import ranked
from headstart.ranking.mapped import mapped
from headstart.ranking.words import INSTALL, placed_words, stemming, words_of
from headstart.runtime.contained import content, parsed

if TYPE_CHECKING:
    import bm25s

SCORES, WORDS, VOCABULARY = "bm25.safetensors", "words.arrow", "vocabulary.json"
"""Files of a folder: scores of each word in each text, the words of each text by number, the words."""
ARRAYS = {"data": ("F32", 1), "indices": ("I32", 1), "indptr": ("I64", 1)}
LEAST_SHARE = 0.35
"""Share of the weight of a text's heaviest word from which on a word of a query is marked in it."""
ROWS = 10_000
"""Texts whose words are handed on at a time."""


@dataclass(frozen=True)
class Bm25Settings:
    """How words are found and weighed."""

    language: str = "english"
    """Whose endings are cut off words (Snowball), or `none`."""
    k1: float = 1.5
    """How soon more of the same word count for less, at least 0."""
    b: float = 0.75
    """How much the length of a text is held against it, in [0, 1]."""


class Bm25:
    """The words of many texts, and what each is worth in each of them (Lu 2024, "BM25S", section 2: scores are computed first).

    Args:
        vocabulary: stems by number.
        tokens: numbers of the stems of each text.
        settings: by which they were found.
        scores: what `bm25s` computed of them; computed if None.
    """

    def __init__(
        self, vocabulary: Sequence[str], tokens: Tokens, settings: Bm25Settings, scores: dict[str, Any] | None = None
    ) -> None:
        self.vocabulary, self.tokens, self.settings = vocabulary, tokens, settings
        self._numbers = {word: number for number, word in enumerate(vocabulary)}
        self._stem = stemming(settings.language)
        self._engine = _engine(settings)
        self._engine.nonoccurrence_array = None
        if scores is None:
            scores = self._computed()
        self._engine.scores = scores
        self._count = int(scores["num_docs"])

    @classmethod
    def of(cls, texts: Iterable[str], settings: Bm25Settings = Bm25Settings()) -> Bm25:
        """Read texts; memory grows with their words, not with their characters.

        Args:
            texts: in the order in which `search` numbers them.
            settings: how words are found and weighed.

        Raises:
            UnavailableError: a package is not installed.
            RecipeError: the language is not known.
        """
        return cls(*read_words(texts, settings.language), settings)

    def __len__(self) -> int:
        return self._count

    def search(self, queries: Sequence[str], k: int) -> Ranked:
        """The k best texts for each query; of equal scores that with the lower number comes first.

        A text that has none of the words of a query has no score and is not given, so there may be fewer than k: none at all where
        the query is empty or none of its words is known.

        Args:
            queries: of any length.
            k: how many, at least 1; more than there are texts is no fault.
        """
        ids = np.full((len(queries), k), -1, dtype=np.int64)
        scores = np.zeros((len(queries), k), dtype=np.float32)
        for row, query in enumerate(queries):
            every = self.scores(query)
            known = np.flatnonzero(every > 0)
            if len(known):
                order, values = best(every[known][None], k)
                ids[row, : order.shape[1]] = known[order[0]]
                scores[row, : order.shape[1]] = values[0]
        return ranked(ids, scores)

    def scores(self, query: str) -> np.ndarray:
        """The score of every text for one query, float32, shape (texts,); 0 where it has none of its words.

        Raises:
            ModelError: a file that was read names texts that are not there.
        """
        numbers = [self._numbers[stem] for stem in map(self._stem, words_of(query)) if stem in self._numbers]
        if not numbers or not self._count:
            return np.zeros(self._count, dtype=np.float32)
        try:
            return self._engine.get_scores_from_ids(numbers)
        except (LookupError, ValueError) as error:
            raise ModelError(f"{SCORES} is damaged: {str(error)[:200]}") from None

    def weights(self, query: str, number: int) -> dict[str, float]:
        """What each stem of a query adds to the score of a text, by stem; those that the text does not have are left out.

        Args:
            query: of any length.
            number: of the text.
        """
        scores, found = self._engine.scores, {}
        for stem in dict.fromkeys(map(self._stem, words_of(query))):
            at = self._numbers.get(stem)
            if at is None:
                continue
            begin, end = int(scores["indptr"][at]), int(scores["indptr"][at + 1])
            places = np.flatnonzero(scores["indices"][begin:end] == number)
            if len(places):
                found[stem] = float(scores["data"][begin + places[0]])
        return found

    def marked(self, query: str, number: int, text: str) -> list[tuple[int, int]]:
        """Places of words of a query in a text, those that count: words that nearly all texts have are left out.

        Args:
            query: of any length.
            number: of the text.
            text: its characters, or a part of them.

        Returns:
            First character and the one behind the last, ascending.
        """
        weights = self.weights(query, number)
        least = LEAST_SHARE * max(weights.values(), default=0.0)
        wanted = {stem for stem, weight in weights.items() if weight >= least}
        return [(begin, end) for word, begin, end in placed_words(text) if self._stem(word) in wanted]

    def save(self, folder: Path) -> None:
        """Write the files that `load` maps; raises an OSError where the disk refuses."""
        from safetensors.numpy import save_file

        scores = self._engine.scores
        arrays = {
            "data": np.ascontiguousarray(scores["data"], np.float32),
            "indices": np.ascontiguousarray(scores["indices"], np.int32),
            "indptr": np.ascontiguousarray(scores["indptr"], np.int64),
        }
        save_file(arrays, folder / SCORES)
        write_arrow(folder / WORDS, self.tokens)
        (folder / VOCABULARY).write_text(json.dumps(list(self.vocabulary), ensure_ascii=True), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path, settings: Bm25Settings) -> Bm25:
        """Map what `save` wrote.

        Raises:
            ModelError: a file is not there, damaged, or contradicts another.
            UnavailableError: a package is not installed.
        """
        arrays = mapped(folder, SCORES, ARRAYS)
        vocabulary = parsed(content(folder, VOCABULARY), folder / VOCABULARY)
        if not isinstance(vocabulary, list) or not all(isinstance(word, str) for word in vocabulary):
            raise ModelError(f"{folder / VOCABULARY} is damaged: expected a list of words")
        try:
            tokens = read_arrow(folder / WORDS)
            is_so = int(arrays["indptr"][-1]) == len(arrays["data"]) == len(arrays["indices"])
        except (OSError, ValueError, TypeError, AttributeError, LookupError) as error:
            raise ModelError(f"{folder / WORDS} is damaged: {str(error)[:200]}") from None
        if not is_so or len(arrays["indptr"]) != len(vocabulary) + 1:
            raise ModelError(f"{folder / SCORES} is damaged: it does not fit the {len(vocabulary):,} words beside it")
        return cls(vocabulary, tokens, settings, {**arrays, "num_docs": len(tokens)})

    def _computed(self) -> dict[str, Any]:
        if not len(self.tokens) or not self.vocabulary:
            empty = {"data": np.empty(0, np.float32), "indices": np.empty(0, np.int32)}
            return {**empty, "indptr": np.zeros(len(self.vocabulary) + 1, np.int64), "num_docs": len(self.tokens)}
        return self._engine.build_index_from_ids(range(len(self.vocabulary)), _Rows(self.tokens), show_progress=False)  # type: ignore[arg-type]


class _Rows(Sequence[list[int]]):
    """Numbers of words of texts as lists, which are made when they are asked for."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens

    def __len__(self) -> int:
        return len(self._tokens)

    def __getitem__(self, at: int) -> list[int]:  # type: ignore[override]
        if at >= len(self):
            raise IndexError(at)
        return self._tokens.get(at).tolist()


def read_words(texts: Iterable[str], language: str, *, vocabulary: Sequence[str] = ()) -> tuple[list[str], Tokens]:
    """Stems of texts by number, and the numbers of each text's.

    Args:
        texts: as many as there are.
        language: as of `Bm25Settings`.
        vocabulary: stems that have numbers already; new ones come behind them.

    Raises:
        UnavailableError: the package for stems is not installed.
        RecipeError: the language is not known.
    """
    stem = stemming(language)
    numbers = {word: number for number, word in enumerate(vocabulary)}
    known: dict[str, int] = {}
    writer = TokenWriter()
    rows: list[list[int]] = []
    for text in texts:
        row = []
        for word in words_of(text):
            number = known.get(word)
            if number is None:
                number = known[word] = numbers.setdefault(stem(word), len(numbers))
            row.append(number)
        rows.append(row)
        if len(rows) == ROWS:
            writer.add_rows(rows, [0] * len(rows))
            rows = []
    writer.add_rows(rows, [0] * len(rows))
    return list(numbers), writer.tokens()


def _engine(settings: Bm25Settings) -> bm25s.BM25:
    try:
        import bm25s
    except ImportError:
        raise UnavailableError(f"ranking by words needs the package bm25s; {INSTALL}") from None
    return bm25s.BM25(k1=settings.k1, b=settings.b, method="lucene")
