"""Raw text as rows to learn from: files to shards by the first process, shards to rows by all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from headstart.backbones.tokenizing import TextTokenizer
from headstart.corpora.corpus import Corpus, open_corpus
from headstart.corpora.documents import segments
from headstart.corpora.removal import Removal
from headstart.corpora.shards import tokenised
from headstart.corpora.source import TextSource
from headstart.corpora.survey import Survey, survey
from headstart.data.pieces import Pieces, held_out
from headstart.objectives.base import TextObjective
from headstart.runtime.progress import Progress
from headstart.runtime.team import Team

HELD_SHARE, HELD_TOKENS = 0.02, 50_000
"""Text that is held out: this share, and no more tokens than that."""
HELD_SEED = 0x4E1D
"""The seed of what is hidden in held-out text, the same for every seed of a run."""
LEAST_TOKENS = 4
"""Tokens of a document below which there is nothing to learn from."""


@dataclass
class TextRows:
    """Rows of a text: those to learn from, those to measure on, and what was counted."""

    learnt: Pieces
    held: Pieces
    facts: dict[str, Any] = field(default_factory=dict)


def by_objective(source: TextSource, objective: TextObjective) -> TextSource:
    """A source of raw text, its lines as documents where the objective compares sentences and nothing else is asked for."""
    by_line = objective.by_sentence and source.documents == "auto"
    return source.revised(documents="line") if by_line else source


@dataclass
class TextReader:
    """Makes rows of texts for one objective and one tokenizer.

    Args:
        tokenizer: of the network.
        objective: says what is put around rows, and whether they are lines.
        most: tokens of a row, special ones included.
        seed: of what is held out and what is hidden.
        team: processes of the run; the first one writes shards, all read them.
        progress: told about steps.
    """

    tokenizer: TextTokenizer
    objective: TextObjective
    most: int
    seed: int
    team: Team
    progress: Progress

    def corpus(self, source: TextSource | Survey, folder: Path, unseen: Sequence[Sequence[str]] = ()) -> Corpus:
        """Files tokenised into shards, or those that are there already.

        Args:
            source: which text.
            folder: for the shards; that of the first process counts.
            unseen: texts whose sentences are taken out.

        Raises:
            HeadstartError: a text can't be used, or the disk refuses.
        """
        place = Path(self.team.same(str(folder)))
        if not self.team.rank:
            found = (
                source if isinstance(source, Survey) else survey(by_objective(source, self.objective), self.progress)
            )
            remove = (
                Removal(text for texts in unseen for text in texts) if any(len(texts) for texts in unseen) else None
            )
            tokenised(found, self.tokenizer.plain, place, remove=remove, progress=self.progress)
        self.team.same(True)
        return open_corpus(place)

    def cut(self, corpus: Corpus, begins: np.ndarray, ends: np.ndarray, *, held: bool = False) -> Pieces:
        """Documents, or parts of them, as rows."""
        return self.tokenizer.framing.cut_pieces(
            corpus.read,
            begins,
            ends,
            most=min(self.most, self.tokenizer.max_length),
            least=LEAST_TOKENS,
            direction=self.objective.direction,
            seed=HELD_SEED if held else self.seed,
        )

    def parted(self, corpus: Corpus) -> TextRows:
        """A corpus as rows to learn from and rows to measure on."""
        tokens = min(HELD_TOKENS, round(HELD_SHARE * corpus.tokens))
        begins, ends, first, last = held_out(corpus.documents, tokens=tokens, seed=self.seed)
        return TextRows(self.cut(corpus, begins, ends), self.cut(corpus, first, last, held=True), dict(corpus.facts))

    def whole(self, corpus: Corpus, *, held: bool = False) -> Pieces:
        """All of a corpus."""
        return self.cut(corpus, corpus.documents[:-1], corpus.documents[1:], held=held)


def sample(rows: Any, tokens: int, seed: int) -> Any:
    """So many tokens of rows, drawn at random."""
    order = np.random.default_rng([seed, 0xF157]).permutation(len(rows))
    last = int(np.searchsorted(np.cumsum(rows.own[order]), tokens)) + 1
    return rows.take(np.sort(order[:last]))


def parted_rows(rows: Pieces, seed: int) -> TextRows:
    """Rows of many short texts, some drawn at random to measure on."""
    order = np.random.default_rng([seed, 0xDA97]).permutation(len(rows))
    tokens = min(HELD_TOKENS, round(HELD_SHARE * rows.tokens))
    last = int(np.searchsorted(np.cumsum(rows.own[order]), tokens)) + 1
    held = replace(rows.take(np.sort(order[:last])), seed=HELD_SEED)
    return TextRows(rows.take(np.sort(order[last:])), held)


def lines_of(paths: Sequence[str], encoding: str | None, progress: Progress) -> list[str]:
    """All lines, or rows of tables, of evaluation sets."""
    source = TextSource(texts=tuple(paths), documents="line", encoding=encoding)
    return [segment.text for segment in segments(survey(source, progress))]
