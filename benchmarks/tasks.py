"""Tags of words, pairs, single texts and similarity: headstart's fine-tuning against `transformers.Trainer` on the same rows.

    python benchmarks/tasks.py [--only SET ...] [--seeds N] [--first SEED] [--share 0.1] [--controls] [--programs NAME ...]
        [--threads N] [--precision float32] [--rate 1e-4] [--epochs N] [--busy] [--quick] [--show]

Sets: conll2003, bc5cdr, conll2002_nl, wikiann_de (names), mrpc, rte (pairs), cola (sentences), stsb (similarity). A tenth of the
training rows, drawn by seed, is validation, where both programs choose their epoch; the named test part is only scored.
`plain loop` (tags only) learns from both parts for three epochs and chooses nothing; `headstart, refit` learns from both once
all is chosen, and gives a line for the model before too. `--share` draws so much of the training rows first; `--controls` runs
headstart's controls after its fine-tuning. Programs take turns, as whole commands. `seconds` are those of training with
validation (headstart: with tokenising and its head too), `command_seconds` those of everything. Raw results:
benchmarks/results/tasks.jsonl, a line per set, program, seed and share.
"""

import argparse
import csv
import gzip
import json
import os
import re
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import draws
import records
from few_labels import timed

RESULTS = "tasks.jsonl"
KEYS = ("data", "program", "seed", "share", "device")
PEER = Path(__file__).parent / "peers" / "trainer_tasks.py"
PLAIN = Path(__file__).parent / "peers" / "plain_loop.py"
VALIDATION = 0.1
"""Share of the training rows."""
OURS = {
    "headstart": ["--strategy", "fine-tuning"],
    "headstart, refit": ["--strategy", "fine-tuning", "--refit"],
    "headstart, hidden dropout 0, refit": ["--strategy", "fine-tuning", "--refit", "--hidden-dropout", "0"],
    "headstart, hidden dropout 0": ["--strategy", "fine-tuning", "--hidden-dropout", "0"],
    "headstart, cross-encoder": ["--strategy", "fine-tuning", "--encoder", "cross"],
    "headstart, crf": ["--strategy", "crf"],
    "headstart, tf-idf": ["--strategy", "tf-idf"],
    "headstart, from-scratch": ["--strategy", "from-scratch"],
    "headstart, feature-extraction": ["--strategy", "feature-extraction"],
}
"""Programs that are headstart's, and the words that choose them."""
LOOP = "plain loop"
REFIT = ", refit"
"""What ends the name of a program whose model learnt from the validation rows too."""
PROGRAMS = ("Trainer, defaults", "Trainer, best options", "Trainer, best options, bf16", LOOP, *OURS)
USUAL = ("Trainer, best options", "headstart")
QUICK_ROWS, QUICK_TEST = 300, 200

Row = str | dict[str, str]
"""The lines of a sentence with tags, or values by column."""


class DataSet(NamedTuple):
    """Files of a set and what they hold."""

    task: str
    """headstart's name of it; the peer's own names are the keys of `KINDS`."""
    train: str
    test: str
    metric: str
    """What programs are compared by, and choose by."""
    columns: tuple[str, ...] = ()
    """Texts, then label or score; none in files of tags."""


TOKENS, PAIRS = "token-classification", "text-pair-classification"
TEXTS, SIMILARITY = "text-classification", "sentence-similarity"
KINDS = {TOKENS: "token", PAIRS: "pair", TEXTS: "text", SIMILARITY: "similarity"}
SETS = {
    "conll2003": DataSet(TOKENS, "train.conll.gz", "testa.conll", "f1"),
    "bc5cdr": DataSet(TOKENS, "train.conll.gz", "dev.conll.gz", "f1"),
    "conll2002_nl": DataSet(TOKENS, "train.conll.gz", "testb.conll", "f1"),
    "wikiann_de": DataSet(TOKENS, "train.conll", "test.conll", "f1"),
    "mrpc": DataSet(PAIRS, "train.tsv", "test.tsv", "accuracy", ("sentence1", "sentence2", "label")),
    "rte": DataSet(PAIRS, "train.jsonl", "dev.jsonl", "accuracy", ("premise", "hypothesis", "label")),
    "cola": DataSet(TEXTS, "train.csv", "dev.csv", "mcc", ("text", "label")),
    "stsb": DataSet(SIMILARITY, "en_train.csv", "en_dev.csv", "spearman", ("sentence1", "sentence2", "score")),
}


class Files(NamedTuple):
    """What every program is given, and how many rows there are."""

    train: Path
    validation: Path
    test: Path
    rows: dict[str, int]


def rows_of(path: Path) -> list[Row]:
    """All rows of a file, as they are written; a sentence with tags is a block of lines."""
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8", newline="") as file:
        kind = path.name.removesuffix(".gz").rpartition(".")[2]
        if kind == "conll":
            blocks = file.read().replace("\r", "").split("\n\n")
            return [block.strip("\n") for block in blocks if block.strip("\n")]
        if kind == "jsonl":
            return [json.loads(line) for line in file.read().split("\n") if line]
        if kind == "tsv":  # quotation marks are plain characters
            return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
        return list(csv.DictReader(file))


def write(stem: Path, rows: list[Row]) -> Path:
    """A file that every program reads to the same rows: sentences with tags, or JSON lines."""
    tagged = isinstance(rows[0], str)
    path = stem.with_name(stem.name + (".conll" if tagged else ".jsonl"))
    lines = [f"{row}\n\n" if tagged else json.dumps(row) + "\n" for row in rows]
    path.write_text("".join(lines), encoding="utf-8")
    return path


def drawn(name: str, seed: int, share: float, folder: Path, *, quick: bool) -> Files:
    """Draw the training rows and cut off validation, the same for every program."""
    found = SETS[name]
    everything, test = (rows_of(draws.DATA / name / file) for file in (found.train, found.test))
    count = QUICK_ROWS if quick else round(share * len(everything))
    chosen = np.random.default_rng(seed).permutation(len(everything))[:count]
    held = round(VALIDATION * len(chosen))
    train, validation = ([everything[at] for at in part] for part in (chosen[held:], chosen[:held]))
    test = test[:QUICK_TEST] if quick else test
    stem = f"{name}_{seed}_"
    return Files(
        write(folder / f"{stem}train", train),
        write(folder / f"{stem}validation", validation),
        write(folder / f"{stem}test", test),
        {"rows": len(train), "validation_rows": len(validation), "test_rows": len(test)},
    )


def trainer(name: str, files: Files, seed: int, options: argparse.Namespace, program: str) -> list[dict[str, Any]]:
    """One run of the peer."""
    found = SETS[name]
    command = [sys.executable, str(PEER), "--task", KINDS[found.task], "--metric", found.metric, "--seed", str(seed)]
    command += [
        "--train",
        str(files.train),
        "--validation",
        str(files.validation),
        "--test",
        str(files.test),
        "--curve",
    ]
    command += (["--columns", ",".join(found.columns)] if found.columns else []) + ["--rate", str(options.rate)]
    command += ["--defaults"] * ("defaults" in program) + ["--bf16"] * ("bf16" in program)
    command += ["--epochs", str(options.epochs)] * bool(options.epochs)
    output, seconds = timed(command, options.threads)
    result = json.loads(output.strip().split("\n")[-1])
    other = "" if options.rate == 5e-5 else f", rate {options.rate:g}"
    kept = {name: value for name, value in result.items() if name not in ("test", "metric", "rows")}
    return [
        {
            "program": program + other + suffix(options),
            "score": result["test"][found.metric],
            "scores": result["test"],
            **kept,
            "command_seconds": round(seconds, 2),
        }
    ]


def loop(name: str, files: Files, seed: int, options: argparse.Namespace, program: str) -> list[dict[str, Any]]:
    """One run of the loop by hand, which learns from the validation rows too; for tags only."""
    if SETS[name].task != TOKENS:
        return []
    command = [
        sys.executable,
        str(PLAIN),
        "--train",
        str(files.train),
        str(files.validation),
        "--test",
        str(files.test),
    ]
    command += ["--seed", str(seed), *["--epochs", str(options.epochs)] * bool(options.epochs)]
    output, seconds = timed(command, options.threads)
    result = json.loads(output.strip().split("\n")[-1])
    scores = result.pop("test")
    return [
        {
            "program": program + suffix(options),
            "score": scores[SETS[name].metric],
            "scores": scores,
            **{key: value for key, value in result.items() if key != "rows"},
            "command_seconds": round(seconds, 2),
        }
    ]


def headstart(name: str, files: Files, seed: int, options: argparse.Namespace, program: str) -> list[dict[str, Any]]:
    """One run of the product: one strategy, and its controls where they are asked for."""
    found = SETS[name]
    with tempfile.TemporaryDirectory() as place:
        command = [sys.executable, "-m", "headstart.cli", "fit", str(files.train), "--task", found.task]
        command += ["--validation", str(files.validation), "--test", str(files.test), *OURS[program]]
        if found.task in (PAIRS, TEXTS):
            *texts, label = found.columns
            command += ["--text", ",".join(texts), "--label", label, "--metric", found.metric]
        command += ["--controls" if options.controls else "--no-controls", "--seed", str(seed)]
        command += ["--threads", str(options.threads)] if options.threads else []
        command += ["--precision", options.precision, *["--epochs", str(options.epochs)] * bool(options.epochs)]
        command += ["--output", f"{place}/run", "--no-cache", "--json", "--quiet"]
        _, seconds = timed(command, options.threads)
        evidence = json.loads(Path(f"{place}/run/evidence.json").read_text(encoding="utf-8"))
    board, rows = evidence["leaderboard"], []
    program = program.removesuffix(REFIT)
    for row in board:
        if not (row["scores"] or {}).get("test"):
            continue
        scores = {name: score["value"] for name, score in row["scores"]["test"].items()}
        rows.append(
            {
                "program": f"headstart, {row['strategy']}" if row["role"] == "control" else program + suffix(options),
                "score": scores[found.metric],
                "scores": scores,
                "validation": row["scores"]["validation"][found.metric]["value"],
                "seconds": row["seconds"],
                "description": row["description"],
                "curve": row["curve"],
                "command_seconds": None if options.controls else round(seconds, 2),
            }
        )
    if done := (evidence["refit"] or {}).get("scores"):
        scores = {name: score["value"] for name, score in done["test"].items()}
        first = next(row for row, line in zip(rows, board, strict=False) if line["chosen"])
        whole = {
            "score": scores[found.metric],
            "scores": scores,
            "seconds": first["seconds"] + evidence["refit"]["seconds"],
        }
        rows.append(first | whole | {"program": program + REFIT + suffix(options)})
    return rows


def suffix(options: argparse.Namespace) -> str:
    """What a program's name ends with where epochs were asked for."""
    return f", {options.epochs} epoch{'s' * (options.epochs > 1)}" if options.epochs else ""


def measured(name: str, program: str, seed: int, files: Files, options: argparse.Namespace) -> list[dict[str, Any]]:
    """One run of a program, kept and printed."""
    act = headstart if program in OURS else loop if program == LOOP else trainer
    rows = []
    for found in act(name, files, seed, options, program):
        row = {"data": name, "program": found.pop("program"), "seed": seed, "share": options.share}
        row |= {"device": records.device(), "quiet": not options.busy, "threads": options.threads or processors()}
        row |= {**files.rows, "metric": SETS[name].metric, **found}
        if not options.quick:
            records.keep(RESULTS, row, KEYS)
        print(json.dumps(row), flush=True)
        rows.append(row)
    return rows


def show(found: list[dict[str, Any]]) -> None:
    """Mean scores and times of each program; headstart's differences to each other one, seed by seed on the same device."""
    for name in SETS:
        for share in sorted({row["share"] for row in found if row["data"] == name}, reverse=True):
            by: dict[str, dict[tuple[int, str], dict[str, Any]]] = {}
            for row in found:
                if (row["data"], row["share"]) == (name, share):
                    by.setdefault(row["program"], {})[row["seed"], row["device"]] = row
            rows = next(iter(next(iter(by.values())).values()))["rows"]
            print(f"\n{name}, {rows} training rows, {SETS[name].metric} x 100 on test")
            for program, runs in sorted(by.items()):
                print(f"  {program:<42} {line_of(list(runs.values()))}")
            for program, runs in sorted(by.items()):
                lasting = re.search(r", \d+ epochs?$", program) if program.startswith("Trainer") else None
                mine = f"headstart{lasting[0]}" if lasting else "headstart"
                both = [(by[mine][run], runs[run]) for run in runs if run in by.get(mine, {})]
                if program != mine and both:
                    print(f"  {mine} - {program:<30} {difference(both)}")


def line_of(runs: list[dict[str, Any]]) -> str:
    """Mean score with its spread, and median times."""
    values = [100 * row["score"] for row in runs]
    spread = f" (s.d. {statistics.stdev(values):.2f})" if len(values) > 1 else ""
    wall = [row["command_seconds"] for row in runs if row["command_seconds"] and row["quiet"]]
    own = [row["seconds"] for row in runs if row["quiet"]]
    times = f", training {statistics.median(own):.0f} s" if own else ", not timed"
    times += f", command {statistics.median(wall):.0f} s" if wall else ""
    return f"{statistics.mean(values):6.2f}{spread}, {len(values)} seed{'s' * (len(values) > 1)}{times}"


def difference(both: list[tuple[dict[str, Any], dict[str, Any]]]) -> str:
    """Mean of the paired differences in points, and of how the times compare."""
    gains = [100 * (mine["score"] - theirs["score"]) for mine, theirs in both]
    error = f"s.e. {statistics.stdev(gains) / len(gains) ** 0.5:.2f}" if len(gains) > 1 else "one seed"
    fair = [(mine["seconds"], theirs["seconds"]) for mine, theirs in both if mine["quiet"] and theirs["quiet"]]
    ratio = f", {statistics.median(mine / theirs for mine, theirs in fair):.2f}x of its training" if fair else ""
    return f"{statistics.mean(gains):+6.2f} points ({error}){ratio}"


def main() -> None:
    """Run what is asked for in turns and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", choices=list(SETS), default=[])
    parser.add_argument("--seeds", type=int, default=3, help="how many")
    parser.add_argument("--first", type=int, default=0, help="seed to begin with")
    parser.add_argument("--share", type=float, default=1.0, help="of the training rows, in (0, 1]")
    parser.add_argument("--controls", action="store_true", help="headstart's controls too")
    parser.add_argument("--programs", nargs="*", choices=PROGRAMS, default=list(USUAL))
    parser.add_argument("--rate", type=float, default=5e-5, help="of the peer")
    parser.add_argument("--epochs", type=int, default=0, help="of both, in place of their defaults")
    parser.add_argument("--precision", choices=["auto", "bfloat16", "float32"], default="auto", help="headstart's")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--busy", action="store_true", help="other work runs beside it: keep scores, show no times")
    parser.add_argument("--quick", action="store_true", help="300 rows, one epoch, one seed: does it run?")
    parser.add_argument("--show", action="store_true", help="run nothing, print the table")
    options = parser.parse_args()
    options.epochs = 1 if options.quick else options.epochs
    done, failed = [], []
    count = 0 if options.show else 1 if options.quick else options.seeds
    for seed in range(options.first, options.first + count):
        for name in options.only or SETS:
            with tempfile.TemporaryDirectory() as folder:
                files = drawn(name, seed, options.share, Path(folder), quick=options.quick)
                for program in options.programs:
                    try:
                        done += measured(name, program, seed, files, options)
                    except SystemExit as fault:  # hours of other runs wait behind it
                        failed.append(f"{name}, {program}, seed {seed}")
                        print(f"{failed[-1]}: {fault}", file=sys.stderr, flush=True)
    show(done if options.quick else records.rows(RESULTS))
    if failed:
        raise SystemExit(f"failed: {'; '.join(failed)}")


def processors() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


if __name__ == "__main__":
    main()
