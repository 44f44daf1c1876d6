"""Answers to questions about texts: strategies, controls and a plain loop of transformers on the same files.

    python benchmarks/question_answering.py [--only SET ...] [--programs PROGRAM ...] [--seeds N] [--first SEED] [--threads N]
        [--keep FOLDER] [--busy] [--quick] [--show]

Sets: `squad_v11`, all 5,244 training questions, 2,285 of other articles scored; `policyqa`, questions about privacy policies of 20
web sites, of which a quarter, drawn by seed, is scored and the others are learnt from. Programs: headstart's strategies and
controls, each a `headstart fit --strategy NAME --no-controls` that cuts its own validation part off by article; `refit`,
fine-tuning that learns from all rows once all is chosen; `plain loop`, peers/question_loop.py: all rows, three epochs, the same
rate and batches. Scores are exact match and F1 by the official rules, with intervals that resample articles where headstart gives
them. Raw results: benchmarks/results/question_answering.jsonl.
"""

import argparse
import gzip
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

RESULTS = "question_answering.jsonl"
KEYS = ("data", "program", "seed", "device")
PEER = Path(__file__).parent / "peers" / "question_loop.py"
SETS = ("squad_v11", "policyqa")
LOOP = "plain loop"
PROGRAMS = ("word-overlap", "feature-extraction", "fine-tuning", "refit", "lora", "from-scratch", LOOP)
SCORED = 0.25
"""Share of the web sites of policyqa."""


def files(name: str, seed: int, folder: Path) -> tuple[Path, Path]:
    """Training file and the one that is scored."""
    source = draws.DATA / name
    if name == "squad_v11":
        return source / "train.json.gz", source / "dev.json"
    with gzip.open(source / "dev.json.gz", "rt", encoding="utf-8") as file:
        sites = json.load(file)["data"]
    order = np.random.default_rng(seed).permutation(len(sites))
    count = round(SCORED * len(sites))
    found = []
    for part, chosen in (("test", order[:count]), ("train", order[count:])):
        path = folder / f"{name}_{seed}_{part}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"data": [sites[at] for at in sorted(chosen)]}), encoding="utf-8")
        found.append(path)
    return found[1], found[0]


def headstart(program: str, train: Path, test: Path, options: argparse.Namespace, seed: int) -> dict[str, Any]:
    """One run of the product."""
    strategy, refit = ("fine-tuning", "--refit") if program == "refit" else (program, "--no-refit")
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.keep or temporary
        command = [
            sys.executable,
            "-m",
            "headstart.cli",
            "fit",
            str(train),
            "--test",
            str(test),
            "--no-controls",
            refit,
        ]
        command += ["--task", "question-answering", "--strategy", strategy, "--seed", str(seed), "--budget", "none"]
        command += [
            "--output",
            f"{folder}/{program}-{seed}",
            "--overwrite",
            "--no-cache",
            "--no-rows",
            "--json",
            "--quiet",
        ]
        command += ["--epochs", "1", "--folds", "0"] if options.quick and program != "word-overlap" else []
        command += ["--threads", str(options.threads)] if options.threads else []
        output, seconds = timed(command, options.threads)
    found = json.loads(output)
    scores = {name: [each["value"], each["low"], each["high"]] for name, each in found["scores"]["test"].items()}
    return {
        "scores": scores,
        "fit_seconds": found["leaderboard"][0]["seconds"],
        "command_seconds": round(seconds, 1),
    }


def loop(train: Path, test: Path, options: argparse.Namespace, seed: int) -> dict[str, Any]:
    """One run of the loop."""
    command = [sys.executable, str(PEER), "--train", str(train), "--test", str(test), "--seed", str(seed)]
    command += ["--epochs", "1", "--test-rows", "50"] if options.quick else []
    command += ["--threads", str(options.threads)] if options.threads else []
    output, seconds = timed(command, options.threads)
    found = json.loads(output.strip().split("\n")[-1])
    scores = {"answer_f1": [found["f1"]], "exact_match": [found["exact_match"]]}
    return {
        "scores": scores,
        "fit_seconds": found["training_seconds"],
        "command_seconds": round(seconds, 1),
    }


def show() -> None:
    """Mean scores of each program."""
    for name in SETS:
        rows = [row for row in records.rows(RESULTS) if row["data"] == name]
        print(f"\n{name}: F1, exact match x 100 on questions of other articles")
        for program in PROGRAMS:
            own = [row for row in rows if row["program"] == program]
            if not own:
                continue
            f1, exact = (
                statistics.mean(100 * row["scores"][metric][0] for row in own)
                for metric in ("answer_f1", "exact_match")
            )
            ends = [row["scores"]["answer_f1"][1:] for row in own if len(row["scores"]["answer_f1"]) == 3]
            between = f" [{100 * ends[0][0]:.1f}, {100 * ends[0][1]:.1f}]" if len(ends) == 1 else ""
            seconds = [row["fit_seconds"] for row in own if row["quiet"]]
            took = f", {statistics.median(seconds):.0f} s" if seconds else ""
            print(f"  {program:<20} {f1:5.1f}{between}, {exact:5.1f}  ({len(own)} run{'s' * (len(own) > 1)}{took})")


def main() -> None:
    """Run the programs in turns and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", choices=SETS, default=list(SETS))
    parser.add_argument("--programs", nargs="*", choices=PROGRAMS, default=list(PROGRAMS))
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--keep", help="folder that runs are kept in")
    parser.add_argument("--busy", action="store_true", help="other work runs beside it: times say nothing")
    parser.add_argument("--quick", action="store_true", help="60 questions, one epoch, nothing kept: does it run?")
    parser.add_argument("--show", action="store_true", help="the table of what is kept")
    options = parser.parse_args()
    folder = Path(tempfile.gettempdir()) / "headstart-draws"
    for seed in range(options.first, options.first + options.seeds) if not options.show else ():
        for name in options.only:
            train, test = files(name, seed, folder)
            if options.quick:
                train = draws.questions(folder / "quick_train.json", "train.json.gz", 60)
                test = draws.questions(folder / "quick_test.json", "dev.json", 60)
            for program in options.programs:
                act = (
                    loop(train, test, options, seed)
                    if program == LOOP
                    else headstart(program, train, test, options, seed)
                )
                row = {"data": name, "program": program, "seed": seed, "device": records.device()}
                row |= {"quiet": not options.busy, **act}
                if not options.quick:
                    records.keep(RESULTS, row, KEYS)
                print(json.dumps(row), flush=True)
    show()


if __name__ == "__main__":
    main()
