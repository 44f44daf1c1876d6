"""What the training rows of a run look like, for the artifact."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from headstart.data.reference import SAMPLE, Reference, histogram
from headstart.recipes.labelled import Experiment
from headstart.recipes.sources import MEMORY
from headstart.runs.experiment import Entry
from headstart.runs.parts import Parts
from headstart.tasks.base import Task


def reference_of(recipe: Experiment, chosen: Entry, parts: Parts) -> Reference:
    """Labels, lengths and confidence of the rows that a model was fitted on and chosen by, and states of some of them.

    Copies of training rows in other words are left out: new rows are held against those that came.

    Args:
        recipe: whose `rows` says whether anything made of single rows may be kept; pooled states are.
        chosen: the entry that is kept.
        parts: the data.
    """
    task, rows = parts.task, parts.originals
    histograms = {"characters": histogram([len(text) for text in rows.texts])}
    outputs = chosen.outputs("validation", parts)
    sure = None if outputs is None else task.confidence(outputs)
    if sure is not None and len(sure):
        histograms["confidence"] = histogram(sure, low=0.0, high=1.0)
    states = None
    if recipe.rows and recipe.data.train != MEMORY:  # data that was handed over never leaves memory
        some = np.sort(np.random.default_rng([recipe.seed, 0x2EF]).permutation(len(rows))[:SAMPLE])
        states = _states(chosen.finished.predictor, task, [rows.get(int(row)).input for row in some])
    return Reference(len(rows), dict(task.counts(rows)), histograms, states)


def _states(predictor: Any, task: Task[Any, Any], inputs: Sequence[Any]) -> np.ndarray | None:
    """The mean state of each input on the last layer, shape (inputs, hidden); None where there is no network."""
    model = getattr(predictor, "model", None)
    if model is None:
        return None
    from headstart.training.features import pooled_states

    backbone = model.backbone
    apart = task.pairs and not backbone.pairs  # two texts that pass apart: the first stands for both
    tokens = backbone.tokenizer.read([each[0] for each in inputs] if apart else inputs)
    found = pooled_states(backbone, tokens, ("mean",), layers=(backbone.depth,))[:, 0, 0]
    units = tokens.units
    if units.total == len(units):
        return found
    sums = np.stack([units.sums(column) for column in found.T.astype(np.float64)], axis=1)
    return (sums / np.maximum(units.counts, 1)[:, None]).astype(np.float32)
