"""SST-2 (6,920 / 872 / 1,821 sentences): test accuracy of every strategy and control, choices on the dev part.

    python benchmarks/text_classification.py [--only NAME ...] [--seeds N ...] [--threads N]

Each row is one run of the product: `headstart.compare` with one strategy, so test is read once per row. Raw results
are written to benchmarks/results/sst2.jsonl, a line per row; rows with the same strategy, seed and threads replace
each other.
"""

import argparse
import json
import os
import statistics
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")

ROOT = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("HEADSTART_DATA", ROOT.parent / "shared" / "data")) / "sst2"
RESULTS = Path(__file__).parent / "results" / "sst2.jsonl"
ROWS = [
    ("tf-idf", 0),
    ("feature-extraction", 0),
    ("fine-tuning", 0),
    ("fine-tuning", 1),
    ("fine-tuning", 2),
    ("from-scratch", 0),
]


def run(strategy: str, seed: int, threads: int | None) -> dict[str, Any]:
    """One row: fit, choose on dev, score test."""
    import headstart

    started = time.perf_counter()
    artifact = headstart.fit(
        DATA / "train.csv",
        validation=str(DATA / "dev.csv"),
        test=str(DATA / "test.csv"),
        strategy=strategy,
        seed=seed,
        threads=threads,
        controls=False,
    )
    evidence = artifact.evidence
    row = evidence["leaderboard"][0]
    return {
        "data": "sst2",
        "strategy": strategy,
        "seed": seed,
        "threads": evidence["machine"]["threads"],
        "seconds": round(time.perf_counter() - started, 1),
        "description": row["description"],
        "note": row["note"],
        "scores": row["scores"],
        "versions": evidence["versions"],
        "script": "benchmarks/text_classification.py",
    }


def keep(row: dict[str, Any]) -> None:
    """Write a row in place of an earlier one of the same kind."""
    RESULTS.parent.mkdir(exist_ok=True)
    lines = RESULTS.read_text(encoding="utf-8").split("\n") if RESULTS.exists() else []
    others = [json.loads(line) for line in lines if line]
    others = [other for other in others if any(other[key] != row[key] for key in ("strategy", "seed", "threads"))]
    rows = sorted([*others, row], key=lambda found: (found["strategy"], found["seed"], found["threads"]))
    RESULTS.write_text("".join(json.dumps(found) + "\n" for found in rows), encoding="utf-8")


def show() -> None:
    """Print the table, seeds averaged."""
    rows = [json.loads(line) for line in RESULTS.read_text(encoding="utf-8").split("\n") if line]
    for strategy in dict.fromkeys(row["strategy"] for row in rows):
        own = [row for row in rows if row["strategy"] == strategy]
        values = [row["scores"]["test"]["accuracy"]["value"] for row in own]
        seconds = statistics.median(row["seconds"] for row in own)
        seeds = ",".join(str(row["seed"]) for row in own)
        print(f"{strategy:<20} test accuracy {statistics.mean(values):.4f}  (seeds {seeds}: {values})  {seconds:.0f} s")


def main() -> None:
    """Run the rows asked for and print all that are there."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--seeds", nargs="*", type=int, default=[])
    parser.add_argument("--threads", type=int)
    options = parser.parse_args()
    for strategy, seed in ROWS:
        if (not options.only or strategy in options.only) and (not options.seeds or seed in options.seeds):
            row = run(strategy, seed, options.threads)
            keep(row)
            print(json.dumps(row), flush=True)
    show()


if __name__ == "__main__":
    main()
