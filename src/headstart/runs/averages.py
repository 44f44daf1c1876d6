"""What strategies come to over several runs: mean scores, paired tests within an axis, and which of them is kept."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import t as student

from headstart.backbones.location import BackboneSource
from headstart.drawing.scores import ALPHA
from headstart.errors import DivergedError
from headstart.metrics import METRICS, significance
from headstart.metrics.base import Metric
from headstart.metrics.repeats import compared_runs, mean_score
from headstart.metrics.resampling import PairedTest
from headstart.runs.cells import CellEntry, CellResult
from headstart.runs.keys import Key
from headstart.strategies.base import Strategy
from headstart.types import Score

FIRST = ("test", "validation")
"""Parts by which ways are held against each other: the first that was scored."""


@dataclass(frozen=True)
class RepeatedEntry:
    """A strategy on a backbone, with what came of its runs.

    Args:
        key: its strategy, and its backbone where there are several.
        strategy: as the recipe has it.
        source: the backbone; None where the strategy needs none.
        runs: its entries by seed, those that came to a model.
        notes: why others did not.
    """

    key: Key
    strategy: Strategy
    source: BackboneSource | None
    runs: Mapping[int, CellEntry]
    notes: tuple[str, ...]


def choose(ways: Sequence[RepeatedEntry], results: Sequence[CellResult]) -> tuple[RepeatedEntry, str]:
    """The way that is kept, and why: that of the lowest loss of those that are statistically tied with the best mean on validation.

    Raises:
        DivergedError: no strategy came to an end.
    """
    done = [way for way in ways if way.runs]
    if not done:
        notes = [note for way in ways for note in way.notes] or [each.note for each in results if each.note]
        raise DivergedError("; ".join(notes) or "no strategy was run; give a larger --budget")
    most = max(len(way.runs) for way in done)
    able = [way for way in done if len(way.runs) == most]
    metric = METRICS.get(results[0].metric)
    sign = -1 if metric.lower_is_better else 1
    best = max(able, key=lambda way: (sign * _mean(way, "validation", metric), -way.strategy.cost))
    tied = [way for way in able if way is best or _tied(metric, best, way, "validation", results)]
    kept = min(tied, key=lambda way: (_loss(way), way.strategy.cost))
    highest = f"{'lowest' if metric.lower_is_better else 'highest'} mean {metric.name} on {results[0].choices}"
    over = f" over {most} seeds" if most > 1 else ""
    if kept is best:
        return kept, highest + over
    return kept, f"lowest mean loss of those that are statistically tied with {best.key.label}, the {highest}{over}"


def _mean(way: RepeatedEntry, part: str, metric: Metric) -> float:
    return statistics.fmean(metric.of(entry.judged[part].tally) for entry in way.runs.values())


def _loss(way: RepeatedEntry) -> float:
    return statistics.fmean(float(entry.judged["validation"].losses.mean()) for entry in way.runs.values())


def _tied(metric: Metric, best: RepeatedEntry, other: RepeatedEntry, part: str, results: Sequence[CellResult]) -> bool:
    test = _compared(metric, best, other, part, results)
    return test is None or test.p >= ALPHA


def _compared(
    metric: Metric, a: RepeatedEntry, b: RepeatedEntry, part: str, results: Sequence[CellResult]
) -> PairedTest | None:
    """A paired test of two ways over the seeds that both have; None where they were not scored on the same rows."""
    both = [seed for seed in a.runs if seed in b.runs and all(part in way.runs[seed].judged for way in (a, b))]
    digests = {result.digests.get(part) for result in results if result.key.seed in both}
    if not both or (len(digests) > 1 and len(both) == 1):
        return None
    if len(digests) > 1:  # other rows under each seed: the seeds alone are drawn
        return _by_seeds(metric, a, b, part, both)
    sides = [[way.runs[seed].judged[part].tally for seed in both] for way in (a, b)]
    return compared_runs(metric, sides[0], sides[1], clusters=_groups(results, part))


def _by_seeds(metric: Metric, a: RepeatedEntry, b: RepeatedEntry, part: str, seeds: Sequence[int]) -> PairedTest:
    """Student's paired test of scores on other rows under each seed."""
    differences = np.array(
        [metric.of(a.runs[seed].judged[part].tally) - metric.of(b.runs[seed].judged[part].tally) for seed in seeds]
    )
    mean, error = float(differences.mean()), float(differences.std(ddof=1)) / np.sqrt(len(seeds))
    half = float(student.ppf(0.975, len(seeds) - 1)) * error
    p = float(2 * student.sf(abs(mean) / error, len(seeds) - 1)) if error > 0 else float(mean == 0)
    rows = len(a.runs[seeds[0]].judged[part].tally)
    return PairedTest(
        metric.name, Score(mean, mean - half, mean + half, rows), p, f"Student's test over {len(seeds)} runs"
    )


def _groups(results: Sequence[CellResult], part: str) -> np.ndarray | None:
    return next((each.groups[part] for each in results if part in each.groups), None)


def line(way: RepeatedEntry, results: Sequence[CellResult], *, chosen: bool) -> dict[str, Any]:
    """A line of the leaderboard: mean scores of a way over its runs, as plain data."""
    entries = list(way.runs.values())
    metric = METRICS.get(results[0].metric) if results[0].metric else None
    parts = dict.fromkeys(part for entry in entries for part in entry.scores)
    scores: dict[str, Any] = {"validation": None, "test": None}
    for part in parts:
        own = [entry.scores[part] for entry in entries if part in entry.scores]
        scores[part] = {
            name: mean_of([each[name] for each in own]) for name in own[0] if all(name in each for each in own)
        }
        digests = {each.digests.get(part) for each in results}
        tallies = [entry.judged[part].tally for entry in entries if part in entry.judged]
        if metric is not None and len(digests) == 1 and tallies:
            scores[part][metric.name] = mean_score(metric, tallies, clusters=_groups(results, part)).plain()
    return {
        "key": way.key.plain(),
        "label": way.key.label,
        "strategy": way.strategy.name,
        "role": way.strategy.role,
        "usual": way.strategy.usual,
        "status": "done" if entries else "not run",
        "chosen": chosen,
        "seconds": round(statistics.fmean(entry.seconds for entry in entries), 2) if entries else 0.0,
        "trainable_parameters": entries[0].trainable_parameters if entries else None,
        "description": f"mean of {len(entries)} runs" if len(entries) > 1 else "one run" if entries else "",
        "scores": scores if entries else None,
        "curve": [],
        "runs": [_run(seed, entry) for seed, entry in way.runs.items()],
        "note": "; ".join(dict.fromkeys([*way.notes, *(entry.note for entry in entries if entry.note)])),
    }


def _run(seed: int, entry: CellEntry) -> dict[str, Any]:
    return {"seed": seed, "seconds": round(entry.seconds, 2), "scores": {**entry.scores}}


def mean_of(scores: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The mean of scores of several runs with a 95 % interval, from their own intervals and their spread.

    Args:
        scores: plain data of each run, on rows of the same kind.
    """
    values = np.array([each["value"] for each in scores], float)
    halves = np.array([(each["high"] - each["low"]) / 2 for each in scores], float)
    rows, runs = (
        float((halves**2).mean()) / 1.96**2,
        float(values.var(ddof=1)) / len(values) if len(values) > 1 else 0.0,
    )
    total = rows + runs
    freedom = total**2 / (runs**2 / (len(values) - 1)) if runs > 0 else np.inf
    half = float(student.ppf(0.975, freedom)) * float(np.sqrt(total))
    mean, bounded = float(values.mean()), [each[side] for each in scores for side in ("low", "high")]
    share = all(0 <= each <= 1 for each in bounded)
    low, high = (max(mean - half, 0.0), min(mean + half, 1.0)) if share else (mean - half, mean + half)
    return {"value": mean, "low": low, "high": high, "n": int(scores[0]["n"])}


def comparisons(
    ways: Sequence[RepeatedEntry], chosen: RepeatedEntry, results: Sequence[CellResult]
) -> list[dict[str, Any]]:
    """The chosen way against the others in paired tests, p-values corrected within each axis on which these differ from it."""
    metric = METRICS.get(results[0].metric)
    part = next((each for each in FIRST if any(each in entry.judged for entry in chosen.runs.values())), "validation")
    split = results[0].choices if part == "validation" else part
    families: dict[str, list[dict[str, Any]]] = {}
    for way in ways:
        test = None if way is chosen or not way.runs else _compared(metric, chosen, way, part, results)
        if test is None:
            continue
        same = [way.key.strategy == chosen.key.strategy, way.key.backbone in (None, chosen.key.backbone)]
        axis = "backbone" if same == [True, False] else "strategy" if same[1] else "both"
        known = {"a": chosen.key.label, "b": way.key.label, "metric": test.metric, "split": split, "axis": axis}
        row = known | {"difference": test.difference.plain(), "p": test.p, "method": test.method}
        families.setdefault(axis, []).append(row)
    for rows in families.values():
        significance.correct(rows)
    return [row for rows in families.values() for row in rows]


def said_of(result: CellResult) -> str:
    """Scores of a cell in a few words."""
    part = next((each for each in FIRST if any(each in entry.scores for entry in result.entries)), "validation")
    return ", ".join(
        f"{entry.key.strategy} {entry.scores[part][result.metric]['value']:.3f}"
        for entry in result.entries
        if entry.done and result.metric in entry.scores.get(part, {})
    )
