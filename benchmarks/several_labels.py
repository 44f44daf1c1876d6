"""Several labels for a text, told by their names: with unlabelled texts beside and without, and with a few labelled rows.

    python benchmarks/several_labels.py [--only SET ...] [--programs NAME ...] [--smol FOLDER] [--rows 1000] [--labelled 32]
        [--test-rows 500] [--seeds N ...] [--threads N] [--busy] [--quick]

No shared set has rows with several labels, so they are made of two that nearly do, by rules that are given here. `sim_m`: what
a turn of a user who buys tickets settles anew (movie, theatre, date, time, number of tickets), turns that settle nothing left
out. `news_pairs`: two pieces of news of AG News, one behind the other, with the topics of both; half of them share their
topic. Rows are drawn by seed; test rows are scored once.

Programs: `names`, `headstart fit --strategy zero-shot --labels ...` on `--rows` texts without labels; `names, few texts`, the same
on 10 texts, from which borders between having a label and not are found; `names, expected`, told how many labels texts have on
average; `names, labelled`, on `--labelled` rows with labels, which set temperature and thresholds; `decoder` and `both`, with
smol, alone and beside `mini`; `feature-extraction`, what the labelled rows alone are worth. Scores are micro and macro F1 and
mean average precision with intervals. Raw results: benchmarks/results/several_labels.jsonl, a line per set, program and seed.
"""

import argparse
import csv
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

import draws
import records
from few_labels import timed

RESULTS = "several_labels.jsonl"
KEYS = ("data", "program", "seed", "rows", "labelled", "test_rows", "device")
SLOTS = {
    "movie": "movie",
    "theatre_name": "theatre",
    "date": "date",
    "time": "time",
    "num_tickets": "number of tickets",
}
SETS = ("sim_m", "news_pairs")
FEW = 10
"""Texts of the program that has next to none."""
ZERO_SHOT, SMOL = ["--strategy", "zero-shot"], ["--backbone", "SMOL"]
PROGRAMS: dict[str, tuple[str, list[str]]] = {
    "names": ("texts", ZERO_SHOT),
    "names, few texts": ("few", ZERO_SHOT),
    "names, expected": ("texts", [*ZERO_SHOT, "--expected-labels", "MEAN"]),
    "names, labelled": ("labelled", ZERO_SHOT),
    "decoder": ("texts", [*ZERO_SHOT, *SMOL, "--embedding-backbone", "none"]),
    "both": ("texts", [*ZERO_SHOT, *SMOL]),
    "both, labelled": ("labelled", [*ZERO_SHOT, *SMOL]),
    "feature-extraction": ("labelled", ["--strategy", "feature-extraction"]),
}
"""Which rows each program has, and its words on the command line."""
Row = tuple[str, tuple[str, ...]]


def settled(part: str) -> Iterator[Row]:
    """Turns of users with what each settles anew."""
    for line in (draws.DATA / "sim_m" / f"{part}.jsonl").read_text(encoding="utf-8").split("\n"):
        before: dict[str, str] = {}
        found = json.loads(line) if line else {"turns": [], "states": []}
        for text, state in zip(found["turns"], found["states"], strict=True):
            if state is None:
                continue
            new = tuple(name for slot, name in SLOTS.items() if slot in state and state[slot] != before.get(slot))
            before = state
            if new:
                yield text, new


def news_pairs(part: str) -> Iterator[Row]:
    """Two pieces of news each with the topics of both, every other pair of one topic."""
    rows = draws.drawn("ag_news", part, 4000)
    by_topic: dict[str, list[str]] = {}
    for text, label in rows:
        by_topic.setdefault(label, []).append(text)
    topics = sorted(by_topic)
    random = np.random.default_rng(0)
    for at in range(min(map(len, by_topic.values()))):
        first = topics[at % len(topics)]
        second = first if at // len(topics) % 2 else str(random.choice([topic for topic in topics if topic != first]))
        own, other = by_topic[first], by_topic[second]
        if not own or not other or (first == second and len(own) < 2):
            return
        yield f"{own.pop()} {other.pop()}", tuple(sorted({first, second}))


def rows_of(name: str, part: str, count: int, seed: int) -> list[Row]:
    """So many rows of a set, at random."""
    every = list(dict(settled(part) if name == "sim_m" else news_pairs(part)).items())
    return [every[at] for at in np.random.default_rng(seed).permutation(len(every))[:count]]


def written(path: Path, rows: list[Row], *, labelled: bool) -> str:
    """A CSV file with a column of texts and, where wanted, one of labels with bars between."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "labels"] if labelled else ["text"])
        writer.writerows([text, "|".join(labels)] if labelled else [text] for text, labels in rows)
    return str(path)


def main() -> None:
    """Fit, score, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=SETS, default=SETS)
    parser.add_argument("--programs", nargs="+", choices=[*PROGRAMS], default=[*PROGRAMS])
    parser.add_argument("--smol", default=os.environ.get("HEADSTART_SMOL", "models/smol"), help="folder of the decoder")
    parser.add_argument("--rows", type=int, default=1000, help="texts without labels")
    parser.add_argument("--labelled", type=int, default=32, help="rows with labels")
    parser.add_argument("--test-rows", type=int, default=500)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--threads", type=int)
    parser.add_argument("--busy", action="store_true", help="other work runs beside it: times say nothing")
    parser.add_argument("--quick", action="store_true", help="40 texts, 12 test rows, nothing kept: does it run?")
    options = parser.parse_args()
    texts, tested = (40, 12) if options.quick else (options.rows, options.test_rows)
    programs = [name for name in options.programs if "SMOL" not in PROGRAMS[name][1] or Path(options.smol).is_dir()]
    for name in sorted({*options.programs} - {*programs}):
        print(f"there is no decoder in {options.smol}; {name} is left out", file=sys.stderr)
    for seed in options.seeds:
        for name in options.only:
            train, test = rows_of(name, "train", texts, seed), rows_of(name, "test", tested, seed)
            labels = sorted({label for _, own in train for label in own})
            parts = {"texts": train, "few": train[:FEW], "labelled": train[: options.labelled]}
            mean = round(sum(len(own) for _, own in train) / len(train), 2)
            for program in programs:
                source, words = PROGRAMS[program]
                given = [{"SMOL": options.smol, "MEAN": str(mean)}.get(word, word) for word in words]
                with tempfile.TemporaryDirectory() as place:
                    folder = Path(place)
                    command = [sys.executable, "-m", "headstart.cli", "fit"]
                    command += [written(folder / "train.csv", parts[source], labelled=source == "labelled"), *given]
                    command += [
                        "--test",
                        written(folder / "test.csv", test, labelled=True),
                        "--labels",
                        ",".join(labels),
                    ]
                    command += ["--task", "multi-label-classification", "--no-controls", "--seed", str(seed)]
                    command += ["--budget", "none", "--no-cache", "-o", f"{place}/run", "--json", "--quiet"]
                    command += ["--threads", str(options.threads)] if options.threads else []
                    said, seconds = timed(command, options.threads)
                    told = records.described(f"{place}/run")
                found = json.loads(said)
                scores = {key: found["scores"]["test"][key] for key in ("f1", "macro_f1", "map")}
                row = {
                    "data": name, "program": program, "seed": seed, "rows": len(parts[source]), "labelled": options.labelled,
                    "test_rows": len(test), "labels": labels, "mean_labels": mean, "device": records.device(),
                    "threads": options.threads, "quiet": not options.busy, "seconds": round(seconds, 1),
                    "description": told, "scores": scores,
                }  # fmt: skip
                if not options.quick:
                    records.keep(RESULTS, row, KEYS)
                shown = ", ".join(
                    f"{key} {each['value']:.3f} [{each['low']:.3f}, {each['high']:.3f}]" for key, each in scores.items()
                )
                print(f"{name:10} {program:20} {shown}, {seconds:.0f} s; {row['description']}", flush=True)


if __name__ == "__main__":
    main()
