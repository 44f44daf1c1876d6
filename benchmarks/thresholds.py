"""What thresholds buy: the same model's macro-F1 and Matthews correlation, by thresholds and by the most probable label.

    python benchmarks/thresholds.py [--only SET ...] [--strategies NAME ...] [--seeds 3] [--rows 2000] [--quick] [--show]

Sets whose classes are uneven: airline, cola, hate_offensive, nicta_piboso, tfns. Training rows are drawn by seed, test parts are
whole (of CoLA, dev). A model is fitted for each metric; where it found no thresholds the difference is 0. Scores only, so other
work may run beside it. Raw results: benchmarks/results/thresholds.jsonl, a line per set, strategy, metric and seed.
"""

import argparse
import json
import statistics
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import draws
import records
from headstart.data.examples import Example
from headstart.data.store import Store
from headstart.metrics import METRICS as KNOWN

RESULTS = "thresholds.jsonl"
KEYS = ("data", "strategy", "metric", "rows", "seed")
SETS = ("airline", "cola", "hate_offensive", "nicta_piboso", "tfns")
FILES = draws.FILES | {"cola": ("train.csv", "dev.csv")}
METRICS = ("macro_f1", "mcc")


def measured(name: str, strategy: str, metric: str, seed: int, rows: int, place: Path) -> dict[str, Any]:
    """One fit, scored both ways."""
    import headstart

    train, test = (draws.rows_of(draws.DATA / name / file) for file in FILES[name])
    path = draws.write(place / f"{name}_{seed}.csv", draws.at_most(train, rows, seed))
    artifact = headstart.fit(
        str(path), text="text", label="label", strategy=strategy, metric=metric, controls=False, seed=seed, folds=0,
        output=str(place / f"{name}_{strategy}_{metric}_{seed}"), overwrite=True,
    )  # fmt: skip
    test = [row for row in test if row[1] in artifact.labels]
    outputs: Any = artifact.outputs([text for text, _ in test])
    scored = Store([Example(text, label) for text, label in test], list(range(len(test))), name)
    row: dict[str, Any] = {"data": name, "strategy": strategy, "metric": metric, "rows": rows, "seed": seed}
    row |= {"test_rows": len(test), "thresholds": artifact.predictor.thresholds or None}
    for way, said in (("by thresholds", outputs), ("most probable", replace(outputs, thresholds=None))):
        results = artifact.task.results(said, scored)
        metrics = [KNOWN.get(each) for each in ("macro_f1", "mcc", "accuracy")]
        row[way] = {metric.name: metric.of(metric.tally(results)) for metric in metrics}
    return row


def show(found: list[dict[str, Any]]) -> None:
    """Means over seeds and the paired differences, in points."""
    print(f"{'data':<16}{'strategy':<20}{'metric':<10}{'rows':>6}{'probable':>10}{'thresholds':>12}{'gain (s.e.)':>16}")
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for row in found:
        groups.setdefault(tuple(row[key] for key in KEYS[:-1]), []).append(row)
    for (name, strategy, metric, rows), runs in sorted(groups.items()):
        before, after = ([100 * run[way][metric] for run in runs] for way in ("most probable", "by thresholds"))
        gains = [new - old for old, new in zip(before, after, strict=True)]
        error = statistics.stdev(gains) / len(gains) ** 0.5 if len(gains) > 1 else float("nan")
        means = f"{statistics.mean(before):>10.2f}{statistics.mean(after):>12.2f}"
        print(f"{name:<16}{strategy:<20}{metric:<10}{rows:>6}{means}{statistics.mean(gains):>+9.2f} ({error:.2f})")


def main() -> None:
    """Fit, score both ways and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", choices=SETS, default=[])
    parser.add_argument("--strategies", nargs="*", default=["tf-idf", "feature-extraction"])
    parser.add_argument("--seeds", type=int, default=3, help="how many")
    parser.add_argument("--rows", type=int, default=2000, help="training rows, validation among them")
    parser.add_argument("--quick", action="store_true", help="one set, tf-idf, one seed: does it run?")
    parser.add_argument("--show", action="store_true", help="run nothing, print the table")
    options = parser.parse_args()
    if options.quick:
        options.only, options.strategies, options.seeds = ["tfns"], ["tf-idf"], 1
    done = []
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(0 if options.show else options.seeds):
            for name in options.only or SETS:
                for strategy in options.strategies:
                    for metric in METRICS:
                        done.append(measured(name, strategy, metric, seed, options.rows, Path(folder)))
                        print(json.dumps(done[-1]), flush=True)
                        if not options.quick:
                            records.keep(RESULTS, done[-1], KEYS)
    show(done if options.quick else records.rows(RESULTS))


if __name__ == "__main__":
    main()
