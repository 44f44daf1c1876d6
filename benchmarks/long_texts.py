"""What reading long texts whole buys: `--long window` against cutting them off, the same rows, strategy and seeds.

    python benchmarks/long_texts.py [--only SET ...] [--draws 5] [--strategy feature-extraction] [--threads N] [--show]

Reviews of films (imdb_1k) and shops (yelp_1k), 1,000 each: half of them, drawn at random, to learn from, the other half to
score on. Programs take turns. Raw results: benchmarks/results/long_texts.jsonl, a line per set, way, strategy and draw.
"""

import argparse
import json
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

import draws
import records
from few_labels import timed

RESULTS = "long_texts.jsonl"
KEYS = ("data", "long", "strategy", "draw")
SETS = {"imdb_1k": "test.csv.gz", "yelp_1k": "test.csv"}
"""The file of each."""
WAYS = ("truncate", "window")


def halves(name: str, draw: int, folder: Path) -> tuple[Path, Path]:
    """Files to learn from and to score on."""
    rows = draws.rows_of(draws.DATA / name / SETS[name])
    order = np.random.default_rng(draw).permutation(len(rows))
    parts = np.array_split(order, 2)
    return tuple(  # type: ignore[return-value]
        draws.write(folder / f"{kind}.csv", [rows[at] for at in part])
        for kind, part in zip(("train", "test"), parts, strict=True)
    )


def measured(name: str, way: str, draw: int, options: argparse.Namespace) -> dict[str, Any]:
    """One fit."""
    with tempfile.TemporaryDirectory() as place:
        train, test = halves(name, draw, Path(place))
        command = [sys.executable, "-m", "headstart.cli", "fit", str(train), "--test", str(test), "--long", way]
        command += ["--strategy", options.strategy, "--metric", "accuracy", "--no-controls", "--seed", str(draw)]
        command += ["--threads", str(options.threads)] if options.threads else []
        command += ["--output", f"{place}/run", "--no-cache", "--json", "--quiet"]
        _, seconds = timed(command, options.threads)
        evidence = json.loads(Path(f"{place}/run/evidence.json").read_text(encoding="utf-8"))
    [row] = [row for row in evidence["leaderboard"] if row["chosen"]]
    scores = {key: score["value"] for key, score in row["scores"]["test"].items()}
    return {
        "accuracy": scores["accuracy"],
        "scores": scores,
        "lengths": evidence["data"]["lengths"],
        "seconds": seconds,
    }


def show(found: list[dict[str, Any]]) -> None:
    """Means, and the differences draw by draw."""
    for name in SETS:
        for strategy in sorted({row["strategy"] for row in found if row["data"] == name}):
            by = {
                way: {
                    row["draw"]: row
                    for row in found
                    if (row["data"], row["strategy"], row["long"]) == (name, strategy, way)
                }
                for way in WAYS
            }
            both = sorted(set(by["truncate"]) & set(by["window"]))
            gains = [100 * (by["window"][draw]["accuracy"] - by["truncate"][draw]["accuracy"]) for draw in both]
            means = {way: statistics.mean(100 * by[way][draw]["accuracy"] for draw in both) for way in WAYS}
            error = statistics.stdev(gains) / len(gains) ** 0.5 if len(gains) > 1 else float("nan")
            print(
                f"{name}, {strategy}, {len(both)} draws: cut {means['truncate']:.2f} %, window {means['window']:.2f} %, "
                f"gain {statistics.mean(gains):+.2f} points (standard error {error:.2f})"
            )


def main() -> None:
    """Run both ways in turns, a line per fit, and the gains."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", choices=list(SETS), default=list(SETS))
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument("--strategy", default="feature-extraction")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--show", action="store_true", help="run nothing, print the table")
    options = parser.parse_args()
    for draw in range(0 if options.show else options.draws):
        for name in options.only:
            for way in WAYS:
                row = {"data": name, "long": way, "strategy": options.strategy, "draw": draw}
                row |= measured(name, way, draw, options)
                records.keep(RESULTS, row, KEYS)
                print(json.dumps(row), flush=True)
    show(records.rows(RESULTS))


if __name__ == "__main__":
    main()
