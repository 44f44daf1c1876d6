"""Words tagged by the names of their types: a decoder asked for each, without labels and with few, beside what learns from few.

    python benchmarks/spans_by_name.py --decoder FOLDER [--only SET ...] [--programs NAME ...] [--rows 60] [--test-rows 200]
        [--threads N] [--quick]

Sentences are drawn by seed 0; test sentences are scored once. Programs: `names`, `--strategy zero-shot` on sentences without tags;
`prompting`, four examples and margins by the same sentences with tags; `mini`, a head on the frozen encoder, and `crf`, the
control, both by these sentences. FOLDER is what `headstart import` made of smol. Raw results:
benchmarks/results/spans_by_name.jsonl, a line for each set and program, F1 with its interval.
"""

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

import numpy as np

import draws
import records
import tasks
from few_labels import timed

RESULTS = "spans_by_name.jsonl"
KEYS = ("data", "program", "rows", "test_rows")
WORDS = {
    "conll2003": {"PER": "person", "LOC": "location", "ORG": "organization", "MISC": "nationality or event"},
    "bc5cdr": {"Chemical": "chemical or drug", "Disease": "disease or symptom"},
}
PROGRAMS = ("names", "prompting", "mini", "crf")


def sample(path: Path, count: int) -> list[tasks.Row]:
    """Sentences drawn from a file."""
    rows = tasks.rows_of(path)
    chosen = np.random.default_rng(0).permutation(len(rows))[:count]
    return [rows[at] for at in chosen]


def command_of(program: str, words: dict[str, str], folder: Path, train: Path, decoder: str) -> list[str]:
    """What a program is called with behind the test file."""
    said = json.dumps(words)
    if program == "names":
        texts = folder / "texts.jsonl"
        blocks = train.read_text(encoding="utf-8").strip().split("\n\n")
        rows = [[line.split("\t")[0] for line in block.split("\n")] for block in blocks]
        texts.write_text("".join(json.dumps({"tokens": row}) + "\n" for row in rows), encoding="utf-8")
        named = ["--labels", ",".join(words), "--descriptions", said]
        return [str(texts), "--strategy", "zero-shot", "--backbone", decoder, *named]
    if program == "prompting":
        asked = ["--shots", "4", "--verbalizer", said, "--folds", "0"]
        return [str(train), "--strategy", "prompting", "--backbone", decoder, "--no-controls", *asked]
    strategy = "crf" if program == "crf" else "feature-extraction"
    return [str(train), "--strategy", strategy, "--drop-rare-labels", "--no-controls"]


def main() -> None:
    """Fit, score, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=[*WORDS], default=[*WORDS])
    parser.add_argument("--programs", nargs="+", choices=PROGRAMS, default=PROGRAMS)
    parser.add_argument("--decoder", default=os.environ.get("HEADSTART_SMOL", ""))
    parser.add_argument("--rows", type=int, default=60)
    parser.add_argument("--test-rows", type=int, default=200)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--quick", action="store_true", help="30 sentences and 5 to test: does it run?")
    options = parser.parse_args()
    rows, tested = (30, 5) if options.quick else (options.rows, options.test_rows)
    for name in options.only:
        files = tasks.SETS[name]
        for program in options.programs:
            if program in ("names", "prompting") and not options.decoder:
                print(f"{name}: {program} is left out; name a decoder with --decoder")
                continue
            with tempfile.TemporaryDirectory() as folder:
                home = Path(folder)
                train = tasks.write(home / "train", sample(draws.DATA / name / files.train, rows))
                test = tasks.write(home / "test", sample(draws.DATA / name / files.test, tested))
                command = [sys.executable, "-m", "headstart.cli", "fit"]
                command += command_of(program, WORDS[name], home, train, options.decoder)
                command += ["--test", str(test), "--task", "token-classification", "--measure", "confusion"]
                command += ["-o", f"{folder}/run", "--json"]
                command += ["--threads", str(options.threads)] if options.threads else []
                said, seconds = timed(command, options.threads)
            score = json.loads(said)["scores"]["test"]["f1"]
            row = {
                "data": name, "program": program, "rows": rows, "test_rows": tested, "device": records.device(),
                "seconds": round(seconds, 1), "f1": score,
            }  # fmt: skip
            if not options.quick:
                records.keep(RESULTS, row, KEYS)
            print(
                f"{name:9} {program:9} {score['value']:.3f} [{score['low']:.3f}, {score['high']:.3f}] {seconds:6.0f} s",
                flush=True,
            )


if __name__ == "__main__":
    main()
