"""The score of how strange rows are, on disk beside the model whose states it reads."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from headstart.decisions.base import Decision
from headstart.decisions.out_of_scope import OutOfScope, scope_asked
from headstart.errors import ModelError
from headstart.predictors.base import Predictor
from headstart.runtime.contained import arrays
from headstart.solving.out_of_scope import Averaged, usual_score

SCOPE = "scope.safetensors"
"""Name of the file."""
MOST_FITTED = 20_000
"""Training rows that a score is fitted on at most."""


def fit_scope(
    predictor: Predictor,
    asked: OutOfScope,
    inputs: Sequence[Any],
    labels: np.ndarray,
    folds: np.ndarray | None = None,
    *,
    moved: bool = False,
) -> tuple[OutOfScope, np.ndarray | None]:
    """Give a predictor a score that is fitted on training rows.

    Args:
        predictor: whose states are read; of one without states the entropy of its probabilities is the score.
        asked: the decision.
        inputs: of the training rows.
        labels: numbers of their classes, shape (rows,).
        folds: of the rows, shape (rows,), where each is to be scored by what was fitted on the others; None fits on all.
        moved: whether the labels of all rows have moved the network. Under folds no row is then held out of its states, and those
            of new rows are stranger than any of them, so the entropy of the probabilities is the score, which is held out.

    Returns:
        The decision with what it found, and how strange each row was while it was held out, float32, shape (rows,), under folds.
    """
    found = asked.revised(found=asked.score or usual_score(labels))
    if found.by.reads_states and (not predictor.has_states or (moved and folds is not None)):
        found = asked.revised(found="entropy")
    if not found.by.reads_states:
        return found, None
    if folds is None:
        some = np.unique(np.linspace(0, len(inputs) - 1, min(len(inputs), MOST_FITTED)).astype(int))
        states = predictor.states([inputs[int(at)] for at in some])
        predictor.scope = Averaged([found.by.fit(states, labels[some])])
        return found, None
    states, strange, scores = predictor.states(inputs), np.empty(len(inputs), dtype=np.float32), []
    for fold in np.unique(folds):
        out = folds == fold
        scores.append(found.by.fit(states[~out], labels[~out]))
        strange[out] = scores[-1].score(states[out], np.zeros((int(out.sum()), 1)))
    predictor.scope = Averaged(scores)
    return found.revised(parts=len(scores)), strange


def save_scope(predictor: Predictor, folder: Path) -> None:
    """Write the score of a predictor into an existing folder, where it has one."""
    if predictor.scope is not None:
        from safetensors.numpy import save_file

        tensors = {name: np.ascontiguousarray(each) for name, each in predictor.scope.tensors().items()}
        save_file(tensors, str(folder / SCOPE))


def load_scope(predictor: Predictor, folder: Path, decisions: Sequence[Decision], *, digest: str | None = None) -> None:
    """Read the score that decisions ask for.

    Args:
        predictor: that is given it.
        folder: where `save_scope` wrote.
        decisions: of the model.
        digest: SHA-256 of the file; None takes it as it is.

    Raises:
        ModelError: it is missing or damaged.
    """
    asked = scope_asked(decisions)
    if asked is None or asked.strangeness is None or not asked.by.reads_states:
        return
    tensors = arrays(folder, SCOPE, Averaged.shapes(asked.by, asked.parts), digest=digest)
    if len({size for each in tensors.values() for size in each.shape[-1:]}) > 1:
        raise ModelError(f"{folder / SCOPE} is damaged: its arrays do not go together")
    predictor.scope = Averaged.of(asked.by, asked.parts, tensors)
