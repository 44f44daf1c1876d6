"""A million rows: memory and time of fit and predict, and rows per second against `transformers.pipeline`.

    python benchmarks/million_rows.py [--rows N] [--only JOB ...] [--busy] [--files FOLDER]

The rows are those of SST-2's training part over and over, each with a word left out and two numbers put in, so that no
two are alike. Memory is the largest anonymous memory (RssAnon) of the command's process, looked at ten times a second;
mapped files do not count. The pipeline gets batches of 32 over the first rows of the same file, in turn with headstart on
the same rows, three times. Raw results: benchmarks/results/million_rows.jsonl.
"""

import argparse
import csv
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import draws
import records

RESULTS = "million_rows.jsonl"
KEYS = ("job", "rows")
SOURCE = draws.DATA / "sst2" / "train.csv"
COMPARED = 20_000
REPEATS = 3
PEER = Path(__file__).parent / "peers" / "pipeline_predict.py"
JOBS: dict[str, list[str]] = {
    "fit feature-extraction": ["--strategy", "feature-extraction", "--no-controls"],
    "fit tf-idf": ["--strategy", "tf-idf", "--no-controls"],
    "fit auto, 3 minutes": ["--budget", "3m"],
    "fit fine-tuning, top layer, 10 minutes": ["--strategy", "fine-tuning", "--layers", "1", "--budget", "10m"],
}


def rows_of(path: Path) -> list[tuple[str, str]]:
    """Text and label of a shared file."""
    with path.open(encoding="utf-8") as file:
        return [(row["text"], row["label"]) for row in csv.DictReader(file)]


def altered(words: list[str], at: int, chance: random.Random) -> str:
    """The words without one of them and with two numbers, so that no other text is the same."""
    words = list(words)
    if len(words) > 2:
        del words[chance.randrange(len(words))]
    words.insert(chance.randrange(len(words) + 1), str(at))
    words.insert(chance.randrange(len(words) + 1), str(chance.randrange(1000)))
    return " ".join(words)


def written(path: Path, count: int, seed: int = 0) -> Path:
    """A file of `count` different rows."""
    if path.exists():
        return path
    source = rows_of(SOURCE)
    chance = random.Random(seed)
    with path.with_suffix(".part").open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(["text", "label"])
        for at in range(count):
            text, label = source[at % len(source)]
            table.writerow([altered(text.split(), at, chance), label])
    path.with_suffix(".part").rename(path)
    return path


def anonymous(pid: int) -> int:
    """Anonymous memory of a process in bytes."""
    try:
        for line in Path(f"/proc/{pid}/status").read_text().split("\n"):
            if line.startswith("RssAnon:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0


def watched(command: list[str]) -> tuple[float, int, str]:
    """Wall clock, largest anonymous memory and standard output of a command."""
    environment = os.environ | {"HF_HUB_OFFLINE": "1"}
    started = time.perf_counter()
    with tempfile.TemporaryFile("w+") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.PIPE, text=True, env=environment)
        largest = 0
        while process.poll() is None:
            largest = max(largest, anonymous(process.pid))
            time.sleep(0.1)
        seconds = time.perf_counter() - started
        if process.returncode:
            raise SystemExit(f"{' '.join(command)}\n{(process.stderr.read() if process.stderr else '')[-3000:]}")
        out.seek(0)
        return seconds, largest, out.read()


def headstart(*arguments: str) -> list[str]:
    """A command of the product."""
    return [sys.executable, "-m", "headstart.cli", *arguments, "--json", "--quiet"]


def fitted(job: str, train: Path, folder: Path) -> dict[str, Any]:
    """Time, memory and validation score of one fit."""
    seconds, memory, output = watched(
        headstart("fit", str(train), *JOBS[job], "--no-cache", "--output", str(folder / "run"), "--overwrite")
    )
    result = json.loads(output)
    board = {row["strategy"]: row for row in result["leaderboard"] if row["scores"]}
    scores = board[result["strategy"]]["scores"]
    return {
        "seconds": round(seconds, 1),
        "gigabytes": round(memory / 1e9, 2),
        "strategy": result["strategy"],
        "test": scores["test"] and scores["test"]["accuracy"]["value"],
    }


def predicted(model: Path, table: Path, folder: Path) -> dict[str, Any]:
    """Time and memory of predicting the file."""
    seconds, memory, output = watched(
        headstart("predict", str(model), "--input", str(table), "--output", str(folder / "scored.csv"), "--overwrite")
    )
    count = json.loads(output)["rows"]
    return {
        "seconds": round(seconds, 1),
        "gigabytes": round(memory / 1e9, 2),
        "rows_per_second": round(count / seconds),
    }


def compared(model: Path, table: Path, folder: Path) -> dict[str, Any]:
    """Rows per second of both programs on the first rows, whole commands, in turn."""
    some = folder / "some.csv"
    with table.open(encoding="utf-8") as source, some.open("w", encoding="utf-8") as target:
        for _, line in zip(range(COMPARED + 1), source, strict=False):
            target.write(line)
    ours, theirs = [], []
    for _ in range(REPEATS):
        ours.append(COMPARED / predicted(model, some, folder)["seconds"])
        seconds, _, _ = watched([sys.executable, str(PEER), str(model), str(some), str(folder / "peer.csv")])
        theirs.append(COMPARED / seconds)
    with (folder / "scored.csv").open() as mine, (folder / "peer.csv").open() as other:
        pairs = zip(csv.DictReader(mine), csv.DictReader(other), strict=True)
        same = sum(a["prediction"] == b["prediction"] for a, b in pairs)
    return {
        "headstart": round(statistics.median(ours)),
        "pipeline": round(statistics.median(theirs)),
        "ratio": round(statistics.median(ours) / statistics.median(theirs), 2),
        "same_labels": same / COMPARED,
        "compared_rows": COMPARED,
    }


def main() -> None:
    """Run the jobs asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--busy", action="store_true", help="other work runs beside it")
    parser.add_argument("--files", default=str(Path(tempfile.gettempdir()) / "headstart-rows"))
    options = parser.parse_args()
    folder = Path(options.files)
    folder.mkdir(exist_ok=True)
    table = written(folder / f"rows-{options.rows}.csv", options.rows)
    model = folder / "native"
    if not model.exists():
        some = written(folder / "rows-3000.csv", 3000)
        native = ["--strategy", "lora", "--set", "strategy.head=native", "--epochs", "1", "--no-controls"]
        watched(headstart("fit", str(some), *native, "--output", str(model)))
    for job in [*JOBS, "predict", "predict against pipeline"]:
        if options.only and job not in options.only:
            continue
        if job == "predict":
            found = predicted(model, table, folder)
        elif job in JOBS:
            found = fitted(job, table, folder)
        else:
            found = compared(model, table, folder)
        row = {"job": job, "rows": options.rows, "quiet": not options.busy, **found}
        records.keep(RESULTS, row, KEYS)
        print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
