"""Do intervals hold what they promise, and are equal ways told apart? A simulation whose truth is known.

    python benchmarks/intervals.py [--trials 1000] [--quick]

Rows are more or less hard for every model (a normal number each); a run of a way has a skill of its own, and is right on a row
with the probability that a logistic curve gives both. `coverage`: how often the 95 % interval of a mean over runs holds the mean
of all runs on all rows. `false_better`: how often, of five ways that are equal, the one that is best on validation is called
better than any other on test, p-values corrected by Holm. `false_better_pairs`: the same without correction. Of a single run the
interval is one for this model alone, whose own truth is what it has to hold.
Raw results: benchmarks/results/intervals.jsonl.
"""

import argparse
import time
from typing import Any

import numpy as np

import records
from headstart.metrics import METRICS, significance
from headstart.metrics.base import Metric, Tally
from headstart.metrics.repeats import compared_runs, mean_score
from headstart.metrics.resampling import bootstrap, paired_test
from headstart.metrics.results import LabelResults

RESULTS = "intervals.jsonl"
KEYS = ("metric", "rows", "runs", "spread")
WAYS = 5
SKILL = 1.0
LARGE = 40_000
DRAWS = 400


def run(random: np.random.Generator, hard: np.ndarray, truth: np.ndarray, skill: float) -> LabelResults:
    """What a model of a skill answers on rows of two labels."""
    right = random.random(len(hard)) < 1 / (1 + np.exp(-(hard + skill)))
    predicted = np.where(right, truth, 1 - truth)
    sure = np.full((len(hard), 2), 0.2)
    sure[np.arange(len(hard)), predicted] = 0.8
    return LabelResults(-np.log(sure[np.arange(len(hard)), truth]), np.ones(len(hard)), truth, predicted, sure)


def rows_of(random: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
    """How hard rows are, and their labels, of which a third is the rarer one."""
    return random.normal(size=count), (random.random(count) < 1 / 3).astype(int)


def tallies(random: np.random.Generator, metric: Metric, rows: int, skills: np.ndarray) -> list[Tally]:
    """The tallies of runs on the same rows."""
    hard, truth = rows_of(random, rows)
    return [metric.tally(run(random, hard, truth, skill)) for skill in skills]


def coverage(metric: Metric, rows: int, runs: int, spread: float, trials: int) -> float:
    """Share of trials whose interval holds the truth."""
    held, random = 0, np.random.default_rng([rows, runs, int(10 * spread)])
    whole = [
        metric.of(tallies(random, metric, LARGE, np.array([SKILL + random.normal() * spread]))[0]) for _ in range(60)
    ]
    truth = float(np.mean(whole))
    for trial in range(trials):
        skills = SKILL + spread * random.normal(size=runs)
        found = tallies(random, metric, rows, skills)
        if runs == 1:
            own = metric.of(tallies(random, metric, LARGE, skills)[0])
            score = bootstrap(metric, found[0], draws=DRAWS, seed=trial)
            held += score.low <= own <= score.high
        else:
            score = mean_score(metric, found, draws=DRAWS, seed=trial)
            held += score.low <= truth <= score.high
    return held / trials


def false_better(metric: Metric, rows: int, runs: int, spread: float, trials: int) -> tuple[float, float]:
    """Share of trials in which one of equal ways is called better, with and without correction."""
    corrected, single, random = 0, 0, np.random.default_rng([rows, runs, int(10 * spread), 1])
    for trial in range(trials):
        skills = SKILL + spread * random.normal(size=WAYS * runs)
        chosen_on, test = (tallies(random, metric, rows, skills) for _ in range(2))
        sides = [test[way * runs : (way + 1) * runs] for way in range(WAYS)]
        means = [np.mean([metric.of(each) for each in chosen_on[way * runs : (way + 1) * runs]]) for way in range(WAYS)]
        best = int(np.argmin(means) if metric.lower_is_better else np.argmax(means))
        if runs == 1:
            tests = [
                paired_test(metric, sides[best][0], side[0], draws=DRAWS, seed=trial)
                for side in sides
                if side is not sides[best]
            ]
        else:
            tests = [
                compared_runs(metric, sides[best], side, draws=DRAWS, seed=trial)
                for side in sides
                if side is not sides[best]
            ]
        gains = [-each.difference.value if metric.lower_is_better else each.difference.value for each in tests]
        adjusted = significance.holm([each.p for each in tests])
        corrected += any(p < 0.05 and gain > 0 for p, gain in zip(adjusted, gains, strict=True))
        single += any(each.p < 0.05 and gain > 0 for each, gain in zip(tests, gains, strict=True))
    return corrected / trials, single / trials


def main() -> None:
    """Simulate, keep, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=1000)
    parser.add_argument("--quick", action="store_true", help="a few trials: does it run?")
    options = parser.parse_args()
    trials = 20 if options.quick else options.trials
    for name in ("accuracy", "macro_f1"):
        metric = METRICS.get(name)
        for rows in (100, 400):
            for runs, spread in ((1, 0.0), (3, 0.2), (5, 0.2)):
                begun = time.perf_counter()
                row: dict[str, Any] = {"metric": name, "rows": rows, "runs": runs, "spread": spread, "trials": trials}
                row["coverage"] = coverage(metric, rows, runs, spread, trials)
                row["false_better"], row["false_better_pairs"] = false_better(metric, rows, runs, spread, trials)
                row["seconds"] = round(time.perf_counter() - begun, 1)
                if not options.quick:
                    records.keep(RESULTS, row, KEYS)
                print(
                    f"{name:9} {rows} rows, {runs} runs: coverage {row['coverage']:.3f}, false better {row['false_better']:.3f} "
                    f"(uncorrected {row['false_better_pairs']:.3f})",
                    flush=True,
                )


if __name__ == "__main__":
    main()
