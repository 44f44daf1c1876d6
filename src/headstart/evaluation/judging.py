"""Judging predictions, once for all tasks: scores with intervals, paired tests, the order of candidates."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from headstart.data.outputs import Outputs
from headstart.data.store import Store
from headstart.decisions.base import applied, fitted, in_order
from headstart.decisions.temperature import Temperature
from headstart.metrics import METRICS
from headstart.metrics.base import Metric, Tally
from headstart.metrics.counts import F1, TRUE
from headstart.metrics.resampling import PairedTest, bootstrap, interval_for_few, paired_test
from headstart.metrics.results import Results
from headstart.tasks.base import Task
from headstart.types import Score


def scores(task: Task[Any, Any], outputs: Outputs, rows: Store[Any]) -> dict[str, Score]:
    """All metrics of a task that say something of the rows, with 95 % intervals over rows, or over clusters where rows have groups.

    Args:
        task: bound.
        outputs: decided, of the rows.
        rows: labelled; at least one.
    """
    return scores_of(task.all_metrics(), task.results(outputs, rows), rows.groups)


def scores_of(metrics: Iterable[Metric], results: Results, clusters: np.ndarray | None = None) -> dict[str, Score]:
    """Some metrics of results with 95 % intervals; those of some rows alone are left out where there are none of these.

    Args:
        metrics: that serve results of this kind.
        results: at least one row.
        clusters: the cluster of each row, shape (rows,); None where rows stand for themselves.
    """
    tallies = {metric.name: (metric, metric.tally(results)) for metric in metrics}
    return {
        name: bootstrap(metric, tally, clusters=clusters)
        for name, (metric, tally) in tallies.items()
        if metric.is_about(tally)
    }


def scores_by_type(task: Task[Any, Any], outputs: Outputs, rows: Store[Any]) -> dict[str, Score]:
    """F1 of each type of thing that is found, whose `n` is how often it is true; empty where there are no types."""
    results = task.results(outputs, rows)
    found = getattr(results, "found", None)
    if found is None:
        return {}
    return {
        name: bootstrap(F1, Tally.of(found[:, at]), clusters=rows.groups, draws=1000, n=int(found[:, at, TRUE].sum()))
        for at, name in enumerate(getattr(results, "types", ()))
    }


def chosen_score(task: Task[Any, Any], outputs: Outputs, rows: Store[Any]) -> Score:
    """The chosen metric alone, with an interval that holds for few rows too."""
    metric = chosen_metric(task)
    return interval_for_few(metric, metric.tally(task.results(outputs, rows)), clusters=rows.groups)


def compared(
    task: Task[Any, Any],
    a: Outputs,
    b: Outputs,
    rows: Store[Any],
    *,
    task_b: Task[Any, Any] | None = None,
    seed: int = 0,
    draws: int | None = None,
) -> PairedTest:
    """Whether two models differ on the same rows: a paired test of the chosen metric, or of one that stands in for it.

    A metric that has no such test, such as mean average precision, gives way to the usual one of the task.

    Args:
        task: bound.
        a: decided outputs of the first.
        b: decided outputs of the second.
        rows: labelled, that both are of.
        task_b: that of the second where it was bound to other rows, so that its numbers are of another scale.
        seed: of the resampling.
        draws: resamples; as many as `paired_test` takes if None.
    """
    metric = METRICS.get(task.test_metric.get(task.chosen_metric, task.chosen_metric))
    metric = METRICS.get(task.default_metric or task.metrics[0]) if metric.value is None else metric
    sides = (metric.tally(own.results(each, rows)) for own, each in ((task, a), (task_b or task, b)))
    return paired_test(metric, *sides, clusters=rows.groups, draws=draws, seed=seed)


def sort_key(task: Task[Any, Any], outputs: Outputs, rows: Store[Any]) -> tuple[float, float]:
    """How good outputs are, for choices: larger tuples are better; ties are broken by the loss.

    The chosen metric is that at the decisions that are best for these rows, so choices do not hang on decisions that a
    resolved recipe brings along; probabilities are taken as they are.

    Args:
        task: bound.
        outputs: of the rows, undecided.
        rows: labelled.
    """
    decisions = [decision for decision in in_order() if not isinstance(decision, Temperature)]
    results = task.results(applied(fitted(decisions, task, outputs, rows), task, outputs), rows)
    metric = chosen_metric(task)
    value = metric.of(metric.tally(results))
    return (-value if metric.lower_is_better else value), -results.mean_loss


def plain(found: Mapping[str, Score]) -> dict[str, Any]:
    """Scores as the mapping that `--json` prints."""
    return {name: score.plain() for name, score in found.items()}


def chosen_metric(task: Task[Any, Any]) -> Metric:
    """The metric by which choices are made."""
    return METRICS.get(task.chosen_metric)
