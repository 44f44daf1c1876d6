"""Pairs of sentences judged by a decoder that is asked: paraphrases without labels and with few, and how alike sentences are.

    python benchmarks/prompted_pairs.py --decoder FOLDER [--only mrpc stsb] [--programs NAME ...] [--rows 64]
        [--test-rows 300] [--threads N] [--quick]

`mrpc`: is one sentence a paraphrase of the other (accuracy and macro F1; 66 % are); `stsb`: how alike they are, from 0
to 5 (Spearman). Rows and test rows are drawn by seed 0; test rows are scored once. Programs: `names`, `--strategy zero-
shot` on pairs without labels; `prompting`, four examples, and the rest of the labelled rows for calibration and choice;
`mini`, a head on the frozen encoder by the same labelled rows; `tf-idf`, the control. FOLDER is what `headstart import`
made of smol. Raw results: benchmarks/results/prompted_pairs.jsonl.
"""

import argparse
import csv
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

import draws
import records
from few_labels import timed

RESULTS = "prompted_pairs.jsonl"
KEYS = ("data", "program", "rows", "test_rows", "device")
FILES = {
    "mrpc": ("mrpc/train.tsv", "mrpc/test.tsv", "\t", "label"),
    "stsb": ("stsb/en_train.csv", "stsb/en_dev.csv", ",", "score"),
}
TASKS = {"mrpc": "text-pair-classification", "stsb": "sentence-similarity"}
METRICS = {"mrpc": ("accuracy", "macro_f1"), "stsb": ("spearman",)}
PROGRAMS = ("names", "prompting", "mini", "tf-idf")
WORDS = {"not_paraphrase": "different", "paraphrase": "equivalent"}


def sample(name: str, part: int, count: int) -> list[dict[str, str]]:
    """Rows drawn from a file."""
    path, delimiter = draws.DATA / FILES[name][part], FILES[name][2]
    with path.open(encoding="utf-8", newline="") as file:
        quoting = csv.QUOTE_NONE if delimiter == "\t" else csv.QUOTE_MINIMAL
        rows = list(csv.DictReader(file, delimiter=delimiter, quoting=quoting))
    return [rows[at] for at in np.random.default_rng(0).permutation(len(rows))[:count]]


def written(path: Path, rows: list[dict[str, str]], label: str | None) -> Path:
    """A file of pairs, with their labels where these are named."""
    columns = ["sentence1", "sentence2", *([label] if label else [])]
    path.write_text("".join(json.dumps({key: row[key] for key in columns}) + "\n" for row in rows), encoding="utf-8")
    return path


def options_of(name: str, program: str, decoder: str, labels: list[str]) -> list[str]:
    """What `fit` is called with behind its files."""
    words = json.dumps({label: WORDS.get(label, label) for label in labels})
    if program == "names":
        return ["--strategy", "zero-shot", "--backbone", decoder, "--labels", ",".join(labels), "--descriptions", words]
    if program == "prompting":
        asked = ["--verbalizer", words] if name == "mrpc" else []
        return ["--strategy", "prompting", "--backbone", decoder, "--shots", "4", *asked, "--no-controls"]
    return ["--strategy", "tf-idf" if program == "tf-idf" else "feature-extraction", "--no-controls"]


def measured(
    name: str, program: str, folder: Path, counts: tuple[int, int], decoder: str, threads: int | None
) -> dict[str, Any]:
    """Scores of one program with its seconds."""
    label = FILES[name][3]
    train, test = (sample(name, part, count) for part, count in enumerate(counts))
    labels = sorted({row[label] for row in train}) if name == "mrpc" else []
    files = [
        written(folder / "train.jsonl", train, None if program == "names" else label),
        written(folder / "test.jsonl", test, label),
    ]
    words = [
        "--task",
        TASKS[name],
        "--text",
        "sentence1,sentence2",
        *options_of(name, program, decoder, labels),
    ]
    given = [
        str(files[0]),
        "--test",
        str(files[1]),
        *words,
        "--budget",
        "none",
        "-o",
        str(folder / "run"),
        "--overwrite",
    ]
    command = [sys.executable, "-m", "headstart.cli", "fit", *given, "--json", "--quiet"]
    command += ["--threads", str(threads)] if threads else []
    _, seconds = timed(command, threads)
    evidence = json.loads((folder / "run" / "evidence.json").read_text(encoding="utf-8"))
    row = next(each for each in evidence["leaderboard"] if each["label"] == evidence["chosen"])
    scores = {metric: row["scores"]["test"][metric] for metric in METRICS[name]}
    return {"scores": scores, "seconds": round(seconds, 1), "description": records.described(folder / "run")}


def main() -> None:
    """Fit, score, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=[*FILES], default=[*FILES])
    parser.add_argument("--programs", nargs="+", choices=PROGRAMS, default=[*PROGRAMS])
    parser.add_argument("--rows", type=int, default=64)
    parser.add_argument("--test-rows", type=int, default=300)
    parser.add_argument(
        "--decoder", default=os.environ.get("HEADSTART_SMOL", "models/smol"), help="folder of the decoder"
    )
    parser.add_argument("--threads", type=int)
    parser.add_argument("--quick", action="store_true", help="24 rows, 10 test rows, nothing kept: does it run?")
    options = parser.parse_args()
    counts = (24, 10) if options.quick else (options.rows, options.test_rows)
    for name in options.only:
        for program in options.programs:
            if (name, program) in (("stsb", "names"), ("stsb", "tf-idf")):
                continue  # a number has no name, and words of pairs have their own control
            with tempfile.TemporaryDirectory() as place:
                found = measured(name, program, Path(place), counts, options.decoder, options.threads)
            row = {
                "data": name,
                "program": program,
                "rows": counts[0],
                "test_rows": counts[1],
                "device": records.device(),
            } | found
            if not options.quick:
                records.keep(RESULTS, row, KEYS)
            print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
