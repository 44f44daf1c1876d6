"""How well does `check` find labels that are wrong, and does it keep what it promises? Some labels are changed at random.

    python benchmarks/label_noise.py [--sets sst2,ag_news,trec6,clinc150] [--seeds 3] [--rows N] [--rate 0.05]
        [--skip-before] [--quick]

`auroc`: how often a changed row is more doubtful than another one, for the doubts of `check` and, beside them, for the probability
of the given label by each strategy alone (what confident learning ranks by), the mean of these and the mean of their ranks.
`precision`: share of changed rows among the first 100; `lift`: that over the share of all. `promised`: share of wrong labels that
`check` promises among them, which knows nothing of the changes.

Real data have wrong labels of their own. They are not counted as found, though they are: `precision_aside` and `promised_aside`
leave out rows that are more likely wrong than right before anything is changed (`aside` of them). `test_*`: what the self-test
found of labels that it changed itself, beside those that are wrong already, and what it promised.
Raw results: benchmarks/results/label_noise.jsonl.
"""

import argparse
import time
from typing import Any

import numpy as np

import draws
import records
from headstart.backbones.location import BackboneSource, locate
from headstart.checks.label_noise import self_confidence
from headstart.metrics.calibration import softmax
from headstart.readers.memory import table_of
from headstart.recipes.checking import Check
from headstart.recipes.parsing import assemble
from headstart.recipes.sources import MEMORY
from headstart.runs.doubted import auroc
from headstart.runs.held_out import values_of
from headstart.runs.judging_labels import JudgedLabels, judged
from headstart.runs.label_checks import checked_labels
from headstart.runs.outcome import Call
from headstart.runs.preparation import read

RESULTS = "label_noise.jsonl"
KEYS = ("set", "rows", "rate", "seed")
SETS = ("sst2", "ag_news", "trec6", "clinc150")
FIRST = 100
MOST = 20_000


def flipped(labels: list[str], rate: float, seed: int) -> tuple[list[str], np.ndarray]:
    """Labels of which a share is any other one, and which these are."""
    random = np.random.default_rng([seed, 5])
    names, changed = sorted(set(labels)), np.zeros(len(labels), dtype=bool)
    changed[random.permutation(len(labels))[: round(rate * len(labels))]] = True
    others = {name: [other for other in names if other != name] for name in names}
    return [
        others[label][int(random.integers(len(names) - 1))] if change else label
        for label, change in zip(labels, changed, strict=True)
    ], changed


def found_in(texts: list[str], labels: list[str], *, seed: int, self_test: bool) -> tuple[JudgedLabels, float]:
    """What `check` finds, and the seconds that it takes."""
    table = table_of({"text": texts, "label": labels}, MEMORY)
    recipe = assemble(
        "check", {"train": MEMORY, "text": "text", "label": "label", "seed": seed, "self_test": self_test}
    )
    assert isinstance(recipe, Check)
    found = checked_labels(read(recipe.comparison(), table))
    assert found.task is not None
    begun = time.perf_counter()
    known = judged(recipe.revised(train="rows.csv"), found.task, found.rows, locate(BackboneSource()), Call())
    return known, time.perf_counter() - begun


def measured(found: JudgedLabels, changed: np.ndarray, aside: np.ndarray) -> dict[str, Any]:
    """Scores of a ranking whose truth is known."""
    from scipy.stats import rankdata

    doubts, targets = found.doubted, found.doubted.task.targets(found.doubted.rows)
    own = [self_confidence(softmax(values_of(each)), targets) for each in found.asked.outputs]
    scores = {each.name: -confidence for each, confidence in zip(found.asked.strategies, own, strict=True)}
    scores |= {"mean": -np.mean(own, axis=0), "ranks": -np.mean([rankdata(each) for each in own], axis=0)}
    order = doubts.order
    kept = order[~aside[order]][:FIRST]
    value, low, high = doubts.promise(FIRST)
    model = doubts.model
    return {
        "auroc": auroc(doubts.doubts, changed),
        "auroc_of": {name: auroc(each, changed) for name, each in scores.items()},
        "precision": float(changed[order[:FIRST]].mean()),
        "precision_of": {
            name: float(changed[np.argsort(-each, kind="stable")[:FIRST]].mean()) for name, each in scores.items()
        },
        "lift": float(changed[order[:FIRST]].mean() / changed.mean()),
        "promised": value,
        "promised_low": low,
        "promised_high": high,
        "aside": int(aside.sum()),
        "precision_aside": float(changed[kept].mean()),
        "promised_aside": float(doubts.doubts[kept].mean()),
        "estimated_rate": model.rate,
        "rate_low": model.low,
        "rate_high": model.high,
        "weights": dict(zip((each.name for each in found.asked.strategies), model.weights.tolist(), strict=True)),
    }


def main() -> None:
    """Change labels, check, keep, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", default=",".join(SETS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--rows", type=int, default=MOST, help="rows at most, drawn at random")
    parser.add_argument("--rate", type=float, default=0.05)
    parser.add_argument("--skip-before", action="store_true", help="no look at the labels before they are changed")
    parser.add_argument("--quick", action="store_true", help="few rows and one seed: does it run?")
    options = parser.parse_args()
    for name in options.sets.split(","):
        rows = draws.drawn(name, "train", 300 if options.quick else options.rows)
        texts, labels = [text for text, _ in rows], [label for _, label in rows]
        before = None if options.skip_before else found_in(texts, labels, seed=0, self_test=False)[0].doubted
        aside = np.zeros(len(rows), dtype=bool) if before is None else before.doubts >= 0.5
        for seed in range(1 if options.quick else options.seeds):
            wrong, changed = flipped(labels, options.rate, seed)
            found, seconds = found_in(texts, wrong, seed=seed, self_test=True)
            test = found.test
            assert test is not None
            row = {"set": name, "rows": len(rows), "rate": options.rate, "seed": seed, "seconds": round(seconds, 1)}
            row |= measured(found, changed, aside)
            row |= {
                "rate_before": None if before is None else before.model.rate,
                "test_auroc": test.auroc,
                "test_flipped": test.flipped,
            }
            row |= {"test_found": test.found, "test_promised": test.promised, "test_first": test.first}
            if not options.quick:
                records.keep(RESULTS, row, KEYS)
            print(
                f"{name:9} seed {seed}: auroc {row['auroc']:.4f}, of the first {FIRST} {row['precision']:.2f} changed "
                f"({row['lift']:.1f} x), {row['promised']:.2f} promised; aside {row['aside']}: {row['precision_aside']:.2f}, "
                f"{row['promised_aside']:.2f}; self-test {test.found} of {test.promised:.0f}; {seconds:.0f} s",
                flush=True,
            )


if __name__ == "__main__":
    main()
