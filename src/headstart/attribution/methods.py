"""Ways to weigh words, by name, and which models each of them can be used on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, get_args

import numpy as np

from headstart.attribution.explanation import Explanation, Method, refuse_unexplained
from headstart.attribution.occlusion import by_occlusion
from headstart.attribution.scorer import Scorer
from headstart.errors import UsageError
from headstart.predictors.base import Predictor
from headstart.runtime.progress import SILENT, Progress
from headstart.tasks.base import Task


def refuse_unweighed(predictor: Predictor, task: Task[Any, Any], method: str) -> None:
    """Refuse a model whose words a method cannot weigh.

    Raises:
        UsageError: there is no such method, the model gives no label and no number for a text, or it is no network where
            gradients are asked for.
    """
    refuse_unexplained(task)
    if method not in get_args(Method):
        raise UsageError(f"words are weighed by {' or '.join(get_args(Method))}, not by {method!r}")
    if method == "integrated-gradients" and predictor.kind != "transformers":
        raise UsageError(
            f"integrated gradients are for networks with a head on their states; this model is of the kind '{predictor.kind}', "
            "so take occlusion"
        )


def weighed(
    scorer: Scorer,
    inputs: Sequence[Any],
    method: Method,
    *,
    of: Sequence[Sequence[int]] | None = None,
    progress: Progress = SILENT,
) -> list[Explanation]:
    """How much each word of inputs mattered, for each of them.

    Args:
        scorer: the model.
        inputs: texts, or pairs of them, none of them blank.
        method: how words are weighed; `refuse_unweighed` says for which models.
        of: numbers of the labels that are explained, for each input; what the model says of it by default.
        progress: advanced by passes, or by inputs where gradients are taken.
    """
    with np.errstate(all="ignore"):
        if method == "occlusion":
            return by_occlusion(scorer, inputs, of=of, progress=progress)
        from headstart.attribution.integrated_gradients import by_integrated_gradients

        return by_integrated_gradients(scorer, inputs, of=of, progress=progress)
