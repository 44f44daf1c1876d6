"""Ways of asking a decoder for labels: what comes of a template with a calibration on some rows, and which rows these are."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from headstart.data.outputs import Logits
from headstart.data.store import Store
from headstart.errors import RecipeError
from headstart.strategies.base import Context
from headstart.tasks.base import Task

if TYPE_CHECKING:
    from headstart.predictors.prompted import NumberScale, PromptedPredictor

Calibration = Literal["none", "contextual", "batch", "domain-conditional"]
CALIBRATIONS: tuple[Calibration, ...] = ("batch", "none", "contextual", "domain-conditional")
"""In the order in which they are taken where scores are the same."""
TRIED = 120
"""Training rows on which templates and calibrations are compared."""
TRIED_SENTENCES = 60
"""Training rows by which it is set how much has to speak for a span of words."""


class Way(NamedTuple):
    """What came of a template with a calibration on some training rows."""

    asked: PromptedPredictor
    """What asks, without a bias."""
    calibration: Calibration
    bias: np.ndarray
    loss: float
    """Mean log-loss in nats at the temperature that suits it; of numbers the mean squared error of standardised ones."""
    scale: NumberScale | None = None
    """What makes numbers of scores, fitted on these rows."""
    expected: float | None = None
    """Labels that a text has on average where it may have several."""


def loss_of(way: Way) -> float:
    """What ways are compared by."""
    return way.loss


def tried_rows(context: Context, most: int = TRIED) -> Store[Any]:
    """Training rows on which ways are compared, drawn at random, in the order of the file.

    Args:
        context: of the run.
        most: of them at most.
    """
    order = np.random.default_rng([context.seed, 0x9807]).permutation(len(context.train))
    return context.train.take(np.sort(order[:most]).tolist())


def way_of(
    task: Task[Any, Any], asked: PromptedPredictor, calibration: Calibration, bias: np.ndarray, scores: np.ndarray,
    rows: Store[Any],
) -> Way:  # fmt: skip
    """What comes of a bias on labelled rows with these scores, multiplied by the factor of what asks."""
    if asked.scale is None:
        outputs = Logits.of((asked.factor * (scores + bias)).astype(np.float32))
        return Way(asked, calibration, bias, mean_loss(task, outputs, rows))
    targets = task.targets(rows).astype(np.float64)
    scale = asked.scale.fitted(asked.scale.expected(scores + bias), targets)
    loss = float(((scale.numbers(scores + bias)[:, 0] - targets) ** 2).mean())
    return Way(asked, calibration, bias, loss, scale)


def numbers_of(rows: Store[Any]) -> np.ndarray:
    """Numbers of labelled rows as the file has them, float64, shape (rows,)."""
    return np.array(rows.labels, dtype=np.float64)


def answers_of(task: Task[Any, Any], rows: Store[Any], scale: NumberScale | None) -> list[int]:
    """Number of the words that are right for each row; of numbers the nearest, of several labels the rarest."""
    if task.target_kind == "labels":
        return [task.names.index(label) for label in task.strata(rows)]
    if scale is None:
        return task.targets(rows).tolist()
    return np.abs(numbers_of(rows)[:, None] - np.array(scale.values)).argmin(1).tolist()


def mean_answer(scores: np.ndarray) -> np.ndarray:
    """Logarithm of the mean probability of each label over rows, shape (labels,)."""
    from scipy.special import log_softmax, logsumexp

    return logsumexp(log_softmax(scores, axis=1), axis=0) - np.log(len(scores))


def mean_loss(task: Task[Any, Any], outputs: Logits, rows: Store[Any]) -> float:
    """Mean log-loss at the temperature that suits outputs best."""
    from headstart.metrics.calibration import best_temperature

    losses = task.losses_at(outputs, rows)
    return 0.0 if losses is None else float(np.mean(losses(best_temperature(losses))))


def refuse_shots(shots: int) -> None:
    """Refuse examples where no row has a label.

    Raises:
        RecipeError: there are some.
    """
    if shots:
        raise RecipeError(["strategy.shots: examples need labels, and the training file has none; leave shots out"])


def drawn(context: Context, count: int, *, balanced: bool) -> np.ndarray:
    """Training rows, at most so many, in the order in which they stand in a prompt; balanced, labels take turns."""
    order = np.random.default_rng([context.seed, 0x5407]).permutation(len(context.train))
    if balanced:
        labels: Any = context.task.strata(context.train)
        turns = Counter[str]()
        place = []
        for row in order.tolist():
            place.append((turns[labels[row]], labels[row]))
            turns[labels[row]] += 1
        order = order[sorted(range(len(order)), key=place.__getitem__)]
    return order[:count]
