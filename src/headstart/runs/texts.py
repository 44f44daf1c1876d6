"""The texts of a run on raw text as rows: what is learnt from, what is measured on, and what was left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.errors import DataError, RecipeError
from headstart.recipes.raw_text import Adapt, LanguageModelling
from headstart.runtime.progress import Progress
from headstart.runtime.team import Team

if TYPE_CHECKING:
    from headstart.backbones.base import Backbone
    from headstart.corpora.corpus import Corpus
    from headstart.corpora.survey import Survey
    from headstart.data.pieces import Pieces
    from headstart.heads.model import Model
    from headstart.objectives.base import TextObjective


@dataclass
class Texts:
    """Raw text as rows of tokens."""

    rows: Pieces
    held: Pieces
    facts: dict[str, Any]
    general: Pieces | None = None
    """Held-out rows of general text."""
    general_facts: dict[str, Any] = field(default_factory=dict)

    def general_loss(self, model: Model, objective: TextObjective) -> float | None:
        """Mean loss of a network on the held-out general text; None where there is none."""
        from headstart.training.language import held_sums

        if self.general is None:
            return None
        total, count = held_sums(model, objective, self.general, model.backbone.tokenizer.pad_id)
        return total / max(count, 1.0)


def rows_of(
    recipe: LanguageModelling, surveyed: Survey, backbone: Backbone, place: Path, progress: Progress, team: Team
) -> Texts:
    """Rows to learn from and to measure on, from shards that the first process writes.

    Args:
        recipe: names the texts.
        surveyed: what a first look at them found.
        backbone: whose tokenizer cuts them.
        place: folder for the shards.
        progress: told about every step.
        team: processes that all make this call.

    Raises:
        DataError: the text does not come to one update.
        RecipeError: general text is to be replayed and there is none.
    """
    from headstart.training.rawtext import HELD_TOKENS, TextReader, TextRows, lines_of, sample

    objective: Any = recipe.objective
    data, settings = recipe.data, recipe.training
    reader = TextReader(backbone.tokenizer, objective, settings.block_length, recipe.seed, team, progress)
    unseen = [lines_of(data.exclude, data.encoding, progress)] if data.exclude and not team.rank else []
    corpus = reader.corpus(surveyed, place / "tokens", unseen)

    def beside(paths: Sequence[str], name: str) -> Corpus:
        return reader.corpus(data.revised(texts=tuple(paths), held_out=(), exclude=()), place / name)

    if data.held_out:
        held = sample(reader.whole(beside(data.held_out, "held-out"), held=True), HELD_TOKENS, recipe.seed)
        rows = TextRows(reader.whole(corpus), held, dict(corpus.facts))
    else:
        rows = reader.parted(corpus)
    if rows.learnt.tokens < settings.batch_tokens or not len(rows.held):
        raise DataError(
            f"{', '.join(data.texts[:3])}: the text comes to {corpus.tokens:,} tokens, and one update takes "
            f"{settings.batch_tokens:,}; give more text, or lower --batch-tokens"
        )
    progress.say("text", _said(rows.facts, rows.learnt, rows.held))
    texts = Texts(rows.learnt, rows.held, rows.facts)
    if isinstance(recipe, Adapt) and recipe.general:
        general = reader.parted(beside(recipe.general, "general"))
        texts.general, texts.general_facts = general.held, general.facts
        if recipe.replay:
            texts.rows = _with_replay(texts.rows, general.learnt, recipe)
    elif isinstance(recipe, Adapt) and recipe.replay:
        raise RecipeError(["replay: rows are drawn from general text, and there is none; name files with --general"])
    return texts


def _with_replay(rows: Pieces, general: Pieces, recipe: Adapt) -> Pieces:
    from headstart.data.pieces import joined

    wanted = round(len(rows) * recipe.replay / (1 - recipe.replay))
    order = np.random.default_rng([recipe.seed, 0x9E91]).permutation(len(general))
    return joined(rows, general.take(np.resize(order, wanted)))


def _said(facts: dict[str, Any], rows: Pieces, held: Pieces) -> str:
    named = {
        "duplicate_files": "duplicate files",
        "exact_duplicates": "duplicate documents",
        "near_duplicates": "near duplicates",
        "sentences_removed": "sentences of evaluation sets",
    }
    left_out = [f"{name} {facts[key]:,}" for key, name in named.items() if facts.get(key)]
    said = (
        f"{facts.get('documents', 0):,} documents, {facts.get('characters', 0) / 1e6:.1f} M characters, "
        f"{rows.tokens:,} tokens in {len(rows):,} rows, {held.tokens:,} held out"
    )
    return said + (f"; left out: {', '.join(left_out)}" if left_out else "")
