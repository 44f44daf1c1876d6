"""Budgets kept, and what they cost: `headstart fit --budget` on at most 1,000 training rows of eight data sets.

    python benchmarks/budgets.py [--only NAME ...] [--budgets 1m 3m 10m] [--reference] [--busy]

Regret: test accuracy of the best of all strategies run without a budget and picked on validation (`--reference`), less
that of the model a budget of 3 minutes came to. Overrun: wall clock of the whole command over its budget. Raw results:
benchmarks/results/budgets.jsonl, a line per set and budget (`none` for the reference).
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

RESULTS = "budgets.jsonl"
KEYS = ("data", "budget")
ROWS = 1000
SECONDS = {"1m": 60, "3m": 180, "10m": 600}
ALL = "tf-idf,feature-extraction,contrastive,fine-tuning,lora"


def run(name: str, budget: str, folder: Path) -> dict[str, Any]:
    """One whole command."""
    train, test = draws.training_file(name, folder, rows=ROWS), draws.test_file(name, folder)
    verb, options = ("compare", ["--strategies", ALL, "--no-controls"]) if budget == "none" else ("fit", [])
    if budget != "none":
        options = ["--strategy", "auto", "--budget", budget]
    with tempfile.TemporaryDirectory() as place:
        command = [sys.executable, "-m", "headstart.cli", verb, str(train), "--test", str(test), *options]
        output, seconds = timed([*command, "--output", f"{place}/run", "--no-cache", "--json", "--quiet"], None)
    result = json.loads(output)
    board = {
        row["strategy"]: {
            "status": row["status"],
            "seconds": row["seconds"],
            "validation": (row["scores"] or {}).get("validation") and row["scores"]["validation"]["accuracy"]["value"],
            "log_loss": (row["scores"] or {}).get("validation") and row["scores"]["validation"]["log_loss"]["value"],
            "test": (row["scores"] or {}).get("test") and row["scores"]["test"]["accuracy"]["value"],
        }
        for row in result["leaderboard"]
    }
    test_scores = result["scores"]["test"]
    return {
        "strategy": result["strategy"],
        "accuracy": test_scores["accuracy"]["value"],
        "macro_f1": test_scores["macro_f1"]["value"],
        "seconds": round(seconds, 2),
        "leaderboard": board,
    }


def show() -> None:
    """Regret per set and its mean; overruns."""
    found = {tuple(row[key] for key in KEYS): row for row in records.rows(RESULTS)}
    regrets = []
    for name in draws.FILES:
        if (name, "none") in found and (name, "3m") in found:
            best, kept = found[name, "none"], found[name, "3m"]
            regrets.append(100 * (best["accuracy"] - kept["accuracy"]))
            print(
                f"{name:<15} without a budget {best['accuracy']:.4f} ({best['strategy']}), 3 minutes {kept['accuracy']:.4f} "
                f"({kept['strategy']}), regret {regrets[-1]:+.2f} points"
            )
    if regrets:
        print(f"mean regret {statistics.mean(regrets):+.2f} points over {len(regrets)} sets")
    for budget, limit in SECONDS.items():
        times = {name: found[name, budget]["seconds"] / limit for name in draws.FILES if (name, budget) in found}
        if times:
            shown = ", ".join(f"{name} {share:.2f}" for name, share in times.items())
            print(f"budget {budget}: worst {max(times.values()):.2f}x ({shown})")


def main() -> None:
    """Run what is asked for and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--budgets", nargs="*", default=[])
    parser.add_argument("--reference", action="store_true")
    parser.add_argument("--busy", action="store_true", help="other work runs beside it")
    parser.add_argument("--files", default=str(Path(tempfile.gettempdir()) / "headstart-draws"))
    options = parser.parse_args()
    for name in options.only or draws.FILES:
        for budget in [*(["none"] if options.reference else []), *options.budgets]:
            row = {"data": name, "budget": budget, "rows": ROWS, "quiet": not options.busy}
            row |= run(name, budget, Path(options.files))
            records.keep(RESULTS, row, KEYS)
            print(json.dumps(row), flush=True)
    show()


if __name__ == "__main__":
    main()
