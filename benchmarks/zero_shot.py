"""Zero labels: labels told by their names, with an encoder, a decoder and both, on texts whose labels nobody reads.

    python benchmarks/zero_shot.py [--only SET ...] [--programs NAME ...] [--decoder FOLDER] [--rows 2000] [--test-rows 500]
        [--threads N] [--quick]

Training texts are drawn by seed 0 and given without their labels; test rows, drawn too, are scored once. Programs: `mini`, the
default of `headstart fit --strategy zero-shot --labels ...`; `mini, names`, the same without clusters; `both`, the default with a
decoder (`--backbone`); `decoder`, the same without the encoder. Scores are those that `fit --json` gives, with intervals. FOLDER is
what `headstart import` made of smol; without it, programs with a decoder are left out and said. Raw results:
benchmarks/results/zero_shot.jsonl, a line per set and program.
"""

import argparse
import csv
import json
import os
import sys
import tempfile
from pathlib import Path

import draws
import records
from few_labels import timed

RESULTS = "zero_shot.jsonl"
KEYS = ("data", "program", "rows", "test_rows")
SETS = ("sst2", "ag_news", "airline", "tfns")
PROGRAMS = {
    "mini": [],
    "mini, names": ["--no-clusters"],
    "both": ["--backbone", "DECODER"],
    "decoder": ["--backbone", "DECODER", "--embedding-backbone", "none"],
}


def written(path: Path, columns: list[str], rows: list[tuple[str, ...]]) -> Path:
    """A CSV file."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(rows)
    return path


def main() -> None:
    """Fit without labels, score, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=SETS, default=SETS)
    parser.add_argument("--programs", nargs="+", choices=[*PROGRAMS], default=[*PROGRAMS])
    parser.add_argument("--decoder", default=os.environ.get("HEADSTART_SMOL", ""))
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--test-rows", type=int, default=500)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--quick", action="store_true", help="60 texts and 20 test rows: does it run?")
    options = parser.parse_args()
    rows, tested = (60, 20) if options.quick else (options.rows, options.test_rows)
    for name in options.only:
        train, test = draws.drawn(name, "train", rows), draws.drawn(name, "test", tested)
        labels = sorted({label for _, label in train})
        for program in options.programs:
            words = [options.decoder if word == "DECODER" else word for word in PROGRAMS[program]]
            if "" in words:
                print(f"{name}: {program} is left out; name a decoder with --decoder")
                continue
            with tempfile.TemporaryDirectory() as folder:
                texts = written(Path(folder) / "texts.csv", ["text"], [(text,) for text, _ in train])
                scored = written(Path(folder) / "test.csv", ["text", "label"], test)
                command = [sys.executable, "-m", "headstart.cli", "fit", str(texts), "--test", str(scored)]
                command += [
                    "--labels",
                    ",".join(labels),
                    "--strategy",
                    "zero-shot",
                    "-o",
                    f"{folder}/run",
                    "--json",
                ]
                command += ["--threads", str(options.threads)] if options.threads else []
                said, seconds = timed([*command, *words], options.threads)
            found = json.loads(said)
            score = {key: found["scores"]["test"][key] for key in ("accuracy", "macro_f1", "ece")}
            how = next(row for row in found["leaderboard"])
            row = {
                "data": name, "program": program, "rows": rows, "test_rows": tested, "device": records.device(),
                "seconds": round(seconds, 1), "fit_seconds": how["seconds"], "scores": score,
            }  # fmt: skip
            if not options.quick:
                records.keep(RESULTS, row, KEYS)
            accuracy = score["accuracy"]
            print(
                f"{name:9} {program:12} {accuracy['value']:.3f} [{accuracy['low']:.3f}, {accuracy['high']:.3f}] {seconds:6.0f} s",
                flush=True,
            )


if __name__ == "__main__":
    main()
