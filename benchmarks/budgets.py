"""What `headstart fit` comes to in the time it takes by default and under budgets, on eight data sets.

    python benchmarks/budgets.py [--only NAME ...] [--budgets usual 1m 3m 10m none ...] [--rows N] [--busy]

Each is one whole command on at most 2,000 training rows (`usual` names no budget) with the whole test part; without
`--budgets` all of them. `none` is the reference: every strategy in full, picked on validation. Regret: its test accuracy less
that of the model of `fit`. Share used and overrun: wall clock of the whole command over its budget, the share only where more
could have run. Forecasts: the time left that was said last before a quarter, half and three quarters of the run, against what
was left then, larger over smaller. Raw results: benchmarks/results/budgets.jsonl, a line per set, budget and number of rows.
"""

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import draws
import records

RESULTS = "budgets.jsonl"
KEYS = ("data", "budget", "rows")
ROWS = 2000
SECONDS = {"usual": 180, "1m": 60, "3m": 180, "10m": 600}
ALL = "tf-idf,feature-extraction,contrastive,fine-tuning,lora"
MOMENTS = (0.25, 0.5, 0.75)
UNITS = {"h": 3600, "min": 60, "s": 1}
CUT = re.compile(r"needs .* left|learnt from|out of time|the budget (ended|was spent)")
"""Notes of strategies that had more to do."""

Line = tuple[float, str]
"""Seconds since the start, and what was said."""


def logged(command: list[str]) -> tuple[str, list[Line], float]:
    """Standard output of a command, the lines of its standard error with their times, and its wall clock."""
    environment = {name: value for name, value in os.environ.items() if name != "HEADSTART_BUDGET"}
    started = time.perf_counter()
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment | {"HF_HUB_OFFLINE": "1"}
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        lines = [(time.perf_counter() - started, line.rstrip()) for line in process.stderr]
        output = process.stdout.read()
    if process.returncode:
        raise SystemExit(f"{' '.join(command)}\n" + "\n".join(line for _, line in lines[-20:]))
    return output, lines, time.perf_counter() - started


def seconds_said(line: str) -> float | None:
    """The time left that a line names; None if it names none."""
    found = re.search(r"about ([0-9hmins. ]+) left", line)
    if found is None:
        return None
    return sum(float(number) * UNITS[unit] for number, unit in re.findall(r"([0-9.]+) (h|min|s)\b", found[1]))


def forecasts(lines: list[Line], total: float) -> list[float | None]:
    """How far the times left were off at each of `MOMENTS`, as factors of at least 1."""
    said = [(at, left) for at, line in lines if (left := seconds_said(line)) is not None]
    found: list[float | None] = []
    for moment in MOMENTS:
        before = [(at, left) for at, left in said if at <= moment * total]
        if not before:
            found.append(None)
            continue
        at, left = before[-1]
        found.append(round(max(left / (total - at), (total - at) / max(left, 0.1)), 3))
    return found


def run(name: str, budget: str, rows: int, folder: Path) -> dict[str, Any]:
    """One whole command."""
    train, test = draws.training_file(name, folder, rows=rows), draws.scored_file(name, folder)
    verb, options = ("compare", ["--strategies", ALL, "--no-controls"]) if budget == "none" else ("fit", [])
    if budget not in ("none", "usual"):
        options = ["--budget", budget]
    with tempfile.TemporaryDirectory() as place:
        command = [sys.executable, "-m", "headstart.cli", verb, str(train), "--test", str(test), *options]
        output, lines, seconds = logged([*command, "--output", f"{place}/run", "--no-cache", "--json"])
        evidence = json.loads(Path(place, "run", "evidence.json").read_text(encoding="utf-8"))
    result = json.loads(output)
    notes = {row["strategy"]: row["note"] for row in evidence["leaderboard"]}
    board = {
        row["strategy"]: {
            "status": row["status"],
            "seconds": row["seconds"],
            "validation": (row["scores"] or {}).get("validation") and row["scores"]["validation"]["accuracy"]["value"],
            "log_loss": (row["scores"] or {}).get("validation") and row["scores"]["validation"]["log_loss"]["value"],
            "test": (row["scores"] or {}).get("test") and row["scores"]["test"]["accuracy"]["value"],
            "note": notes[row["strategy"]],
        }
        for row in result["leaderboard"]
    }
    test_scores = result["scores"]["test"]
    return {
        "strategy": result["strategy"],
        "accuracy": test_scores["accuracy"]["value"],
        "macro_f1": test_scores["macro_f1"]["value"],
        "seconds": round(seconds, 2),
        "first_line": round(lines[0][0], 2) if lines else None,
        "more": any(CUT.search(note) for note in notes.values()),
        "forecasts": forecasts(lines, seconds),
        "leaderboard": board,
    }


def show(rows: int) -> None:
    """Regret per set and its mean, share of budgets used and overruns, forecasts, first signs."""
    found = {(row["data"], row["budget"]): row for row in records.rows(RESULTS) if row["rows"] == rows}
    for budget, limit in SECONDS.items():
        own = {name: found[name, budget] for name in draws.FILES if (name, budget) in found}
        if not own:
            continue
        times = {name: row["seconds"] / limit for name, row in own.items()}
        print(f"{budget}: at most {max(row['seconds'] for row in own.values()):.0f} s, {max(times.values()):.2f}x")
        print(
            "  used "
            + ", ".join(f"{name} {share:.2f}{'' if own[name]['more'] else ' (all)'}" for name, share in times.items())
        )
        regrets = {
            name: 100 * (found[name, "none"]["accuracy"] - row["accuracy"])
            for name, row in own.items()
            if (name, "none") in found
        }
        if regrets:
            print(
                "  regret, points: "
                + ", ".join(f"{name} {value:+.2f} ({own[name]['strategy']})" for name, value in regrets.items())
            )
            print(f"  mean regret {statistics.mean(regrets.values()):+.2f} points over {len(regrets)} sets")
    factors = [row["forecasts"] for (_, budget), row in found.items() if budget != "none"]
    for at, moment in enumerate(MOMENTS):
        known = sorted(each[at] for each in factors if each[at] is not None)
        if known:
            inside = ", ".join(f"{sum(value <= most for value in known)} within {most:g}x" for most in (2, 1.4))
            median, worst = statistics.median(known), known[-1]
            print(
                f"time left at {moment:.0%} of {len(known)} runs: median {median:.2f}x off, worst {worst:.2f}x, {inside}"
            )
    firsts = [row["first_line"] for row in found.values() if row.get("first_line") is not None]
    if firsts:
        print(f"first line after {max(firsts):.1f} s at most")


def main() -> None:
    """Run what is asked for and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--budgets", nargs="*", default=["none", *SECONDS])
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--busy", action="store_true", help="other work runs beside it")
    parser.add_argument("--files", default=str(Path(tempfile.gettempdir()) / "headstart-draws"))
    options = parser.parse_args()
    for name in options.only or draws.FILES:
        for budget in options.budgets:
            row = {"data": name, "budget": budget, "rows": options.rows, "quiet": not options.busy}
            row |= {"device": records.device()} | run(name, budget, options.rows, Path(options.files))
            records.keep(RESULTS, row, KEYS)
            print(json.dumps(row), flush=True)
    show(options.rows)


if __name__ == "__main__":
    main()
