"""Control for tasks on words: a linear-chain CRF on what words look like; no pretrained knowledge, no network."""

from __future__ import annotations

from collections import Counter
from typing import Any, ClassVar

import numpy as np

from headstart.data.outputs import Logits
from headstart.data.store import Store
from headstart.data.units import Units
from headstart.evaluation.judging import sort_key
from headstart.predictors.chain import ChainPredictor, known_features, shapes_of
from headstart.strategies.base import Context
from headstart.strategies.word_controls import WordControl
from headstart.tasks.base import Task

RARE_FROM = 20_000
"""Words from which on features that occur once are left out."""
SECONDS = 2.5e-5
"""Seconds that a word takes for each tag when a chain is fitted, on one core."""


class Crf(WordControl):
    """Linear-chain conditional random field (Lafferty et al. 2001) on words, shapes, prefixes, suffixes and neighbours.

    The baseline to beat on words: minutes to train, no GPU, strength of the L2 penalty by cross-validation.

    Needs: labels, one for each word; no backbone.
    Inputs: sentences as words, with spans or tags.
    See also: `tf-idf`, the control of whole texts; the option `crf` of `token-classification` puts a chain on a network.

    Example:
        headstart fit examples/entities/train.conll --task token-classification --strategy crf
    """

    name: ClassVar[str] = "crf"
    grid: ClassVar[tuple[float, ...]] = (0.3, 1.0, 3.0, 10.0)
    tuning_words: ClassVar[int] = 20_000
    iterations: ClassVar[int] = 100
    salt: ClassVar[int] = 0xC4F

    def refuses(self, task: Task) -> str:
        """Refuses all tasks but those that tag words."""
        return "" if task.target_kind == "tags" else "it tags words; the control of whole texts is tf-idf"

    def _seconds(self, context: Context) -> tuple[float, float]:
        return 0.0, SECONDS * len(context.task.names)

    def _rank(self, context: Context, outputs: Logits, rows: Store[Any]) -> tuple[float, float]:
        return sort_key(context.task, outputs, rows)

    def _size(self, predictor: ChainPredictor) -> tuple[int, int]:
        return len(predictor.features), predictor.chain.weight.size + predictor.chain.transitions.size

    def _fitted(self, context: Context, rows: np.ndarray, variance: float) -> ChainPredictor:
        """A chain fitted on some training rows."""
        from headstart.solving.chain import solve_chain

        train = context.train.take(rows)
        sentences = [each.composed for each in train.inputs]
        units = Units.counted([len(words) for words in sentences])
        seen: Counter[str] = Counter(name for words in sentences for names in shapes_of(words) for name in names)
        least = 2 if units.total >= RARE_FROM else 1
        names = sorted(name for name, count in seen.items() if count >= least)
        places = {name: at for at, name in enumerate(names)}
        chain = solve_chain(
            known_features(sentences, places),
            context.task.targets(train),
            units,
            tags=len(context.task.names),
            strength=variance,
            most=self.iterations,
            late=lambda: context.late,
            advance=context.progress.advance,
        )
        return ChainPredictor(chain, names, context.task)
