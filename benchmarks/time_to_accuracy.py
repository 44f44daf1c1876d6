"""Seconds until a model is as accurate as three epochs of `transformers.Trainer` make it, on the whole of SST-2.

    python benchmarks/time_to_accuracy.py [--seeds 0 1 2] [--quick]

Trainer runs with its defaults and batches of 32 for three epochs, the epoch most accurate on dev is kept; the target is its
mean test accuracy over the seeds, less 0.3 points. headstart runs frozen features, contrastive training and fine-tuning in
turn (`compare`, no controls); what counts is the time until the strategy that is best on dev so far reaches the target,
everything before it included. Loading and tokenising are in headstart's time and not in Trainer's. Programs take turns. Raw
results: benchmarks/results/time_to_accuracy.jsonl.
"""

import argparse
import json
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

import draws
import records
from few_labels import timed

RESULTS = "time_to_accuracy.jsonl"
KEYS = ("program", "seed", "rows")
PEER = Path(__file__).parent / "peers" / "trainer_fit.py"
STRATEGIES = "feature-extraction,contrastive,fine-tuning"
SLACK = 0.003


def trainer(train: Path, test: Path, validation: Path, seed: int) -> dict[str, Any]:
    """Seconds and test accuracy of the peer."""
    import os

    command = [sys.executable, str(PEER), str(train), str(test), "default", "all", "3", str(seed)]
    output, _ = timed([*command, str(os.cpu_count()), str(validation)], None)
    found = json.loads(output.strip().split("\n")[-1])
    return {"seconds": found["training_seconds"], "accuracy": found["accuracy"]}


def headstart(train: Path, test: Path, validation: Path, seed: int) -> dict[str, Any]:
    """Strategies in the order in which they ran."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "headstart.cli", "compare", str(train), "--test", str(test)]
        command += ["--validation", str(validation), "--strategies", STRATEGIES, "--no-controls", "--seed", str(seed)]
        output, seconds = timed([*command, "--output", f"{folder}/run", "--no-cache", "--json", "--quiet"], None)
    found = json.loads(output)
    board = {row["strategy"]: row for row in found["leaderboard"]}
    steps = []
    for name in STRATEGIES.split(","):
        scores = board[name]["scores"]
        steps.append(
            {
                "strategy": name,
                "seconds": board[name]["seconds"],
                "validation": scores["validation"]["accuracy"]["value"],
                "accuracy": scores["test"]["accuracy"]["value"],
            }
        )
    return {"seconds": round(seconds, 2), "steps": steps}


def reached(steps: list[dict[str, Any]], target: float) -> tuple[float, str] | None:
    """When the best on validation so far is accurate enough, and which it is."""
    total, best = 0.0, steps[0]
    for step in steps:
        total += step["seconds"]
        best = max(best, step, key=lambda each: each["validation"])
        if best["accuracy"] >= target:
            return total, best["strategy"]
    return None


def main() -> None:
    """Run both programs in turns and print the ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", nargs="*", type=int, default=[0, 1, 2])
    parser.add_argument("--quick", action="store_true", help="200 rows, one seed: does it run?")
    options = parser.parse_args()
    seeds, rows = ([0], 200) if options.quick else (options.seeds, 6920)
    found: dict[str, list[dict[str, Any]]] = {"Trainer": [], "headstart": []}
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        train = draws.training_file("sst2", folder, rows=rows)
        test = draws.scored_file("sst2", folder)
        validation = draws.write(folder / "dev.csv", draws.rows_of(draws.DATA / "sst2" / "dev.csv"))
        for seed in seeds:
            for program, act in (("headstart", headstart), ("Trainer", trainer)):
                row = {"program": program, "seed": seed, "rows": rows, **act(train, test, validation, seed)}
                found[program].append(row)
                if not options.quick:
                    records.keep(RESULTS, row, KEYS)
                print(json.dumps(row), flush=True)
    target = statistics.mean(row["accuracy"] for row in found["Trainer"]) - SLACK
    theirs = statistics.median(row["seconds"] for row in found["Trainer"])
    for row in found["headstart"]:
        when = reached(row["steps"], target)
        said = "not reached" if when is None else f"{when[0]:.0f} s with {when[1]}, 1/{theirs / when[0]:.1f} of Trainer"
        print(f"target {target:.4f}, Trainer {theirs:.0f} s; headstart, seed {row['seed']}: {said}")


if __name__ == "__main__":
    main()
