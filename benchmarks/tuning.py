"""What a search for settings is worth on test rows, and whether one that is killed goes on to the same trials.

    python benchmarks/tuning.py [--only NAME ...] [--trials 20] [--rows 1000] [--kills 10] [--quick]

`gain`: `headstart tune` with fine-tuning on at most 1,000 training rows of six sets. The best trial by validation and the defaults
are both scored on the whole test part: their difference, paired, with its interval, whatever is kept; beside it the gain that the
rows of the choices show and the one that the correction expects, and what the model that is kept gains. `killed`: a search with a
small random network, killed by SIGKILL at ten places, evenly spread over the time that a whole one takes, and gone on with
each time; its trials, the winner and the weights that are saved against those of a search that nothing stopped. Raw results:
benchmarks/results/tuning.jsonl.
"""

import argparse
import hashlib
import json
import os
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

import draws
import records
from crash_safety import tiny

RESULTS = "tuning.jsonl"
KEYS = ("what", "data", "trials", "rows")
SETS = ("ag_news", "airline", "cola", "hate_offensive", "sst2", "tfns")


def command(*words: object, environment: dict[str, str] | None = None) -> subprocess.Popen[bytes]:
    """A process of the command line."""
    told = [sys.executable, "-m", "headstart.cli", *map(str, words)]
    return subprocess.Popen(
        told,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env={**os.environ, "HF_HUB_OFFLINE": "1", **(environment or {})},
    )


def ended(process: subprocess.Popen[bytes]) -> None:
    """Wait for a process that has to end well."""
    _, said = process.communicate()
    if process.returncode:
        raise SystemExit(f"{shlex.join(map(str, process.args))}\n{said.decode()[-2000:]}")  # type: ignore[arg-type]


def evidence(folder: Path) -> dict[str, Any]:
    """What a run measured."""
    return json.loads((folder / "evidence.json").read_text(encoding="utf-8"))


def gain(name: str, trials: int, rows: int, folder: Path, *, quick: bool = False) -> dict[str, Any]:
    """One search on a real set."""
    train = draws.training_file(name, folder, rows=rows)
    test = draws.scored_file(name, folder, rows=100 if quick else None)
    strategy = "tf-idf" if quick else "fine-tuning"
    place, started = folder / f"{name}-run", time.perf_counter()
    ended(
        command(
            "tune", train, "--test", test, "--strategy", strategy, "--trials", trials, "--no-controls", "--no-refit",
            "--no-cache", "--output", place,
        )
    )  # fmt: skip
    found, seconds = evidence(place), time.perf_counter() - started
    about, metric = found["search"], found["search"]["metric"]
    board = {each["label"]: each for each in found["leaderboard"]}
    kept = found["chosen"]
    others = [label for label in board if label != kept]
    score = {label: each["scores"]["test"][metric]["value"] for label, each in board.items()}
    usual = next(label for label in board if not board[label]["key"].get("settings"))
    winner = next((label for label in board if label != usual), usual)
    sign = 1 if kept == winner else -1
    paired = next((each for each in found["comparisons"] if others and each["b"] == others[0]), None)
    ends = sorted(sign * paired["difference"][key] for key in ("low", "value", "high")) if paired else []
    value = about["trials"][0]["value"]
    return {
        "metric": metric,
        "kept": "winner" if kept == winner and others else "defaults",
        "defaults": score[usual],
        "winner": score[winner],
        "difference": None if paired is None else dict(zip(("low", "value", "high"), ends, strict=True)),
        "p": paired["p"] if paired else None,
        "gained": score[kept] - score[usual],
        "seen": None if value is None else about["optimistic"] - value,
        "expected": about["gain"],
        "states": [each["state"] for each in about["trials"]],
        "seconds": round(seconds, 1),
        "device": records.device(),
    }


def state(folder: Path) -> dict[str, Any]:
    """What has to be the same, to the bit: trials, winner and weights, without what a clock says."""
    about = evidence(folder)["search"]
    weights = hashlib.sha256()
    for path in sorted(folder.rglob("*.safetensors")):
        weights.update(path.read_bytes())
    trials = [{key: each[key] for key in ("number", "settings", "state", "value")} for each in about["trials"]]
    return {"trials": trials, "best": about["best"], "gain": about["gain"], "weights": weights.hexdigest()}


def killed(trials: int, kills: int, folder: Path) -> dict[str, Any]:
    """A search that is killed again and again, against one that is not."""
    train = draws.training_file("sst2", folder, rows=120)
    words = [
        "--strategy", "fine-tuning", "--backbone", tiny(folder / "tiny"), "--trials", trials, "--no-controls", "--threads", 1,
        "--checkpoint-every", 0, "--no-cache", "--test-share", 0.2,
    ]  # fmt: skip
    started = time.perf_counter()
    ended(command("tune", train, *words, "--output", folder / "whole"))
    whole = time.perf_counter() - started
    at_work = evidence(folder / "whole")["search"]["seconds"]
    place, done, random = folder / "killed", 0, np.random.default_rng(0)
    for _ in range(kills):
        process = go_on(place, train, words)
        begun = next((line for line in process.stderr or () if line.startswith(b"search")), b"")
        time.sleep(random.uniform(0, 2 * at_work / kills))  # behind imports and reading, which come again each time
        process.kill()
        process.communicate()
        done += bool(begun) and not place.is_dir()
    while not place.is_dir():
        ended(go_on(place, train, words))
    one, two = state(folder / "whole"), state(place)
    return {"kills": done, "same": {key: one[key] == two[key] for key in one}, "seconds": round(whole, 1)}


def go_on(place: Path, train: Path, words: list[Any]) -> subprocess.Popen[bytes]:
    """The process that begins a search, or goes on with it."""
    begun = (place.with_name(f"{place.name}.part") / "run.json").is_file()
    return command("resume", place) if begun else command("tune", train, *words, "--output", place)


def show() -> None:
    """Gains by set and their mean, and whether killed searches were the same."""
    found = [row for row in records.rows(RESULTS) if row["what"] == "gain"]
    for row in found:
        difference = row["difference"] or {"value": 0.0, "low": 0.0, "high": 0.0}
        said = " ".join(f"{100 * difference[key]:+.2f}" for key in ("value", "low", "high"))
        expected = 100 * ((row["expected"] or {}).get("value") or 0.0)
        told = f"seen {100 * (row['seen'] or 0):+.2f}, expected {expected:+.2f}"
        print(f"{row['data']:<16} {row['metric']:<9} defaults {row['defaults']:.4f}, best trial {said} points; {told}")
        print(f"{'':<16} kept {row['kept']} {100 * row['gained']:+.2f}, {row['seconds']:.0f} s")
    if found:
        print(
            f"mean of what is kept {100 * statistics.mean(row['gained'] for row in found):+.2f} points over {len(found)} sets"
        )
    for row in records.rows(RESULTS):
        if row["what"] == "killed":
            print(f"killed {row['kills']} times: same {row['same']}")


def main() -> None:
    """Measure, keep, show."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument(
        "--only", nargs="+", default=[*SETS], choices=[*SETS], help="sets to search on; `killed` is run beside"
    )
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--part", choices=("gain", "killed"), help="one of the two alone")
    parser.add_argument(
        "--quick", action="store_true", help="four trials of tf-idf on 60 rows of one set, two kills; nothing is kept"
    )
    given = parser.parse_args()
    sets, trials, rows, kills = given.only, given.trials, given.rows, given.kills
    if given.quick:
        sets, trials, rows, kills = ["sst2"], 4, 60, 2
    with tempfile.TemporaryDirectory() as folder:
        if given.part != "gain":
            row = {"what": "killed", "data": "sst2", "trials": trials, "rows": 120} | killed(
                trials, kills, Path(folder)
            )
            print(row)
            if not given.quick:
                records.keep(RESULTS, row, KEYS)
        for name in sets if given.part != "killed" else []:
            row = {"what": "gain", "data": name, "trials": trials, "rows": rows} | gain(
                name, trials, rows, Path(folder)
            )
            print(row)
            if not given.quick:
                records.keep(RESULTS, row, KEYS)
    if not given.quick:
        show()


if __name__ == "__main__":
    main()
