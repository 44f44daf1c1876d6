"""Control: TF-IDF with logistic regression, tuned by cross-validation; no pretrained knowledge, no network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from headstart.data.outputs import Logits
from headstart.data.splits import fold_groups
from headstart.data.store import Store
from headstart.predictors.linear_text import (
    CHARACTERS,
    CHUNK,
    WORDS,
    LinearTextPredictor,
    flat,
    vectorizer_for,
    weighted,
)
from headstart.strategies.base import LEAST_STRENGTH, MOST_STRENGTH, Auto, Candidate, Context, Strategy, Work
from headstart.strategies.linear import compact, fitted, spread
from headstart.tasks.base import Task
from headstart.tuning.space import Dimension, Range

GRID = (0.3, 1.0, 3.0, 10.0, 30.0)
FOLDS = 4
TUNING_CELLS = 16_000
"""Rows x labels beyond which the strength is cross-validated on a sample of the rows."""
MOST_ROWS = 200_000
"""Training rows beyond which a random sample is learnt from."""
COUNTED_ROWS = 50_000
"""Rows on which terms are counted."""
TUNING_ROWS = 3000
"""Rows on which the strength is cross-validated at least, where there are so many."""
BRIEF_C = 10.0
"""Strength where there is no time to find one; of those tried it is chosen most often."""
START, COUNTING, FITTING = 1.0, 1e-5, 3e-7
"""Seconds of libraries; by character in which terms are counted; by character and label in which a regression is fitted once."""
MOST_TERMS = 100_000
"""Most terms kept per vectorizer, the most frequent ones."""


class TfIdf(Strategy):
    """Words (1-2) and characters (2-5), sublinear TF-IDF, logistic regression with C by cross-validation.

    One regression for each label where texts have any number of them; ridge regression where they have a number, for pairs of
    texts on the cosines of the two (of their words, and of their characters).

    The baseline to beat: seconds to train, no GPU, and on some data the winner. Where a budget leaves a control no time to find C,
    it is 10.

    Needs: labels; no backbone.
    Inputs: texts or pairs of texts as a whole, with one label, any number of labels, or a number.
    See also: `crf`, the control where words have labels; `from-scratch`, the control of what a network learns by itself.

    Example:
        headstart fit examples/feedback/train.csv --strategy tf-idf --C 3
    """

    name: ClassVar[str] = "tf-idf"
    role: ClassVar[Literal["transfer", "control"]] = "control"
    needs_backbone: ClassVar[bool] = False
    auto: ClassVar[Auto | None] = Auto(verbs=frozenset({"compare"}))
    cost: ClassVar[int] = 1
    searched: ClassVar[Mapping[str, Dimension]] = {"strategy.C": Range(0.03, 300.0, log=True)}

    C: float | None = Field(default=None, ge=LEAST_STRENGTH, le=MOST_STRENGTH)
    """Inverse strength of regularisation, in [1e-15, 1e15]; chosen by cross-validation on the training rows if not given."""

    def refuses(self, task: Task) -> str:
        """Refuses tasks on words."""
        own = {"tags": "crf", "answer": "word-overlap"}.get(task.target_kind, "another")
        return f"it knows texts as a whole, not words; the control of this task is {own}" if task.words else ""

    def work(self, context: Context) -> Work:
        """No pass of a network; terms take time in proportion to the characters of the texts, many labels more of it."""
        chars, rows, labels = sum(map(len, context.train.texts)), len(context.train), len(context.task.names)
        folds = 0 if context.folds is None else int(context.folds[0].max()) + 1
        fits = 1.0 + max(folds - 1, 0)  # of all rows; those of k folds come to k - 1 of them
        if self.C is None:
            tuned = min(1.0, _tuning_rows(labels) / max(rows, 1))
            fits += len(GRID) * ((folds or FOLDS) - 1) * tuned
        return Work(0.0, 0.0, START + chars * (COUNTING + FITTING * fits * (labels if labels > 2 else 1)))

    def briefer(self, context: Context) -> Sequence[Strategy]:
        """The usual strength, where it was to be found."""
        return [] if self.C is not None else [self.revised(C=BRIEF_C)]

    def fit(self, context: Context) -> Candidate:
        """Choose C by cross-validation, then fit on all training rows."""
        rows, total = _sampled(context), len(context.train)
        train = context.train if len(rows) == total else context.train.take(rows)
        texts = list(train.inputs)
        targets = context.task.targets(train)
        weights = context.task.weights(train.examples)
        context.progress.begin(self.name, len(GRID) * FOLDS + 2)
        vectorizers, terms = _vectorized(texts, context.seed)
        terms = compact(context.task, terms, [len(each.vocabulary_) for each in vectorizers])
        context.progress.advance(1)
        strength = self.C or self._tuned(context, train, terms, targets, weights)
        weight, bias = fitted(context.task, terms, targets, weights, strength)
        weight = spread(context.task, weight, [len(each.vocabulary_) for each in vectorizers])
        predictor = LinearTextPredictor(vectorizers, weight, bias, context.task)
        if context.folds is None:
            outputs = predictor.outputs(list(context.validation.inputs))
        else:
            outputs = Logits.of(_out_of_fold(context, terms, targets, weights, strength))
        context.progress.end()
        return Candidate(
            self.revised(C=strength),
            context.training,
            predictor,
            outputs,
            f"{weight.shape[1]:,} terms, C {strength:g}",
            terms.shape[1] * len(bias) + len(bias),
            notes=[] if len(rows) == total else [f"learnt from {len(rows):,} of {total:,} rows, at random"],
        )

    def _tuned(
        self, context: Context, train: Store[Any], terms: Any, targets: np.ndarray, weights: np.ndarray
    ) -> float:
        random = np.random.default_rng([context.seed, 0x7F1DF])
        labels = len(context.task.names)
        rows = random.permutation(len(targets))[: _tuning_rows(labels)]
        # Folds of the context keep groups and equal texts together, as those that are dealt here do.
        folds = _dealt(context.task, train.take(rows)) if context.folds is None else context.folds[0][rows]
        ranks = {}
        for strength in GRID:
            logits = np.zeros((len(rows), labels))
            for fold in np.unique(folds):
                inside, outside = rows[folds != fold], folds == fold
                if not outside.any() or not len(inside):
                    continue
                weight, bias = fitted(context.task, terms[inside], targets[inside], weights[inside], strength)
                logits[outside] = terms[rows[outside]] @ weight.T + bias
                context.progress.advance(1)
            ranks[strength] = context.task.unit_sort_key(logits, targets[rows])
            if context.late:
                break
        return max(ranks, key=lambda strength: ranks[strength])


def _tuning_rows(labels: int) -> int:
    """Most rows on which the strength is cross-validated."""
    return max(TUNING_ROWS, TUNING_CELLS // labels)


def _sampled(context: Context) -> np.ndarray:
    """Training rows that are learnt from: all, or `MOST_ROWS` of them at random."""
    total = len(context.train)
    if total <= MOST_ROWS or context.folds is not None:
        return np.arange(total)
    return np.sort(np.random.default_rng([context.seed, 0x7F1D5]).permutation(total)[:MOST_ROWS])


def _vectorized(texts: Sequence[Any], seed: int) -> tuple[list[Any], Any]:
    """Fitted vectorizers, and the weights of all terms in all texts, sparse of shape (texts, terms).

    Terms and their rarity are counted on `COUNTED_ROWS` texts at most, which is where the memory goes.
    """
    from scipy.sparse import hstack, vstack

    options: dict[str, Any] = {"max_features": MOST_TERMS, "min_df": 1 if len(texts) < 20_000 else 2}
    vectorizers = [vectorizer_for(kind, **options) for kind in (WORDS, CHARACTERS)]
    if len(texts) <= COUNTED_ROWS:
        parts = [[part for vectorizer in vectorizers for part in weighted(vectorizer, texts, fit=True)]]
    else:
        counted = np.random.default_rng([seed, 0xC0DE]).permutation(len(texts))[:COUNTED_ROWS]
        for vectorizer in vectorizers:
            vectorizer.fit(flat([texts[row] for row in counted]))
        chunks = (texts[start : start + CHUNK] for start in range(0, len(texts), CHUNK))
        parts = (
            [part.astype(np.float32) for vectorizer in vectorizers for part in weighted(vectorizer, chunk)]
            for chunk in chunks
        )
    return vectorizers, vstack([hstack(part, format="csr").astype(np.float32) for part in parts], format="csr")


def _out_of_fold(context: Context, terms: Any, targets: np.ndarray, weights: np.ndarray, strength: float) -> np.ndarray:
    """Logits of each training row from a map fitted without its fold, shape (rows, labels)."""
    logits = np.zeros((len(targets), len(context.task.names)))
    own = context.folds[0] if context.folds is not None else np.zeros(0)
    for fold in np.unique(own):
        kept = own != fold
        weight, bias = fitted(context.task, terms[kept], targets[kept], weights[kept], strength)
        logits[own == fold] = terms[own == fold] @ weight.T + bias
    return logits


def _dealt(task: Task, rows: Store[Any]) -> np.ndarray:
    """Fold of each row, in [0, FOLDS), shape (rows,): by turns within each label, rows that belong together in one fold."""
    _, first, group = np.unique(fold_groups(rows), return_index=True, return_inverse=True)
    kinds = np.unique(np.array(task.strata(rows.take(first)), dtype=str), return_inverse=True)[1]
    found = np.empty(len(first), dtype=np.int64)
    for kind in range(int(kinds.max()) + 1):
        own = np.flatnonzero(kinds == kind)
        found[own[np.argsort(first[own])]] = (np.arange(len(own)) + kind) % FOLDS
    return found[group]
