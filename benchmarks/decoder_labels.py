"""LoRA on a small decoder for classification, beside `mini`: accuracy and minutes on the same labelled rows.

    python benchmarks/decoder_labels.py --smol FOLDER [--only SET ...] [--labels 32 125 2000] [--programs NAME ...] [--draws N ...]
        [--minutes M] [--test-rows 500] [--threads N] [--busy] [--quick]

SST-2 and AG News with so many rows of each label (2,000 is all that the training part of AG News has), drawn at random. Each
program is one `headstart fit` without controls and without a test file, whose wall clock is `seconds`, the whole command with its
choices and its learning again from all rows; then the run is scored on the same test rows. `smol, lora` puts a head on the decoder;
`smol, lora, written` is the instruction follower: the decoder is tuned to write the label behind a question about the text, and
what it writes is right where it is the label. With `--minutes` each command has that budget, and results say so.
FOLDER is what `headstart import` made of smol; without it, programs with the decoder are left out and said. Intervals are
Wilson's. Raw results: benchmarks/results/decoder_labels.jsonl, a line per set, labels, draw, program and budget.
"""

import argparse
import csv
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import draws
import records
from few_labels import timed

RESULTS = "decoder_labels.jsonl"
KEYS = ("data", "labels", "draw", "program", "minutes", "test_rows", "device")
LABELS = (32, 125, 2000)
QUESTIONS = {
    "sst2": "Is this review negative or positive? Answer with one word.\n",
    "ag_news": "Is this news about business, sci_tech, sports or world? Answer with one word.\n",
}
PROGRAMS = {
    "mini, feature-extraction": ["--strategy", "feature-extraction"],
    "mini, fine-tuning": ["--strategy", "fine-tuning"],
    "mini, lora": ["--strategy", "lora"],
    "smol, feature-extraction": ["--strategy", "feature-extraction", "--backbone", "SMOL"],
    "smol, lora": ["--strategy", "lora", "--backbone", "SMOL"],
    "smol, lora, written": ["--strategy", "lora", "--backbone", "SMOL", "--task", "text-to-text", "--text", "text"],
}
WRITTEN = "smol, lora, written"


def command(verb: str, *words: str | Path, threads: int | None) -> list[str]:
    """A command of the product."""
    given = [str(word) for word in words] + (["--threads", str(threads)] if threads else [])
    return [sys.executable, "-m", "headstart.cli", verb, *given, "--json", "--quiet"]


def written_right(run: Path, test: list[draws.Row], threads: int | None) -> tuple[int, int, float]:
    """Test rows whose label a run wrote, those for which it wrote no label at all, and the seconds of it."""
    texts, said = draws.write(run.parent / "asked.csv", test), run.parent / "said.csv"
    words = ("--input", texts, "--output", said, "--overwrite")
    _, seconds = timed(command("predict", run, *words, threads=threads), threads)
    with said.open(encoding="utf-8", newline="") as file:
        found = [row["prediction"].strip().rstrip(".").casefold() for row in csv.DictReader(file)]
    known = {label.casefold() for _, label in test}
    right = sum(one == label.casefold() for one, (_, label) in zip(found, test, strict=True))
    return right, sum(one not in known for one in found), seconds


def measured(
    name: str, program: str, folder: Path, train: Path, test: list[draws.Row], **options: Any
) -> dict[str, Any]:
    """Seconds of a fit, accuracy of what came of it with its interval, seconds of its answers."""
    from headstart.metrics.intervals import proportion

    threads, minutes = options["threads"], options["minutes"]
    words = [options["smol"] if word == "SMOL" else word for word in PROGRAMS[program]]
    if program == WRITTEN:
        words += ["--reference", "label", "--prefix", QUESTIONS[name]]
    words += ["--budget", f"{minutes}m" if minutes else "none", "--no-controls", "--no-cache", "--test-share", "0"]
    run = folder / "run"
    fitted = command("fit", train, *words, "--seed", str(options["seed"]), "-o", run, "--overwrite", threads=threads)
    _, seconds = timed(fitted, threads)
    row: dict[str, Any] = {"seconds": round(seconds, 1), "description": records.described(run)}
    if program == WRITTEN:
        right, strange, answering = written_right(run, test, threads)
        row["no_label"] = strange
    else:
        scored = draws.write(folder / "test.csv", test)
        found, answering = timed(command("evaluate", run, scored, threads=threads), threads)
        right = round(json.loads(found)["scores"]["accuracy"]["value"] * len(test))
    score = proportion(right, len(test))
    return row | {
        "accuracy": score.value,
        "low": score.low,
        "high": score.high,
        "answering_seconds": round(answering, 1),
    }


def main() -> None:
    """Fit, score, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=[*QUESTIONS], default=[*QUESTIONS])
    parser.add_argument("--labels", nargs="+", type=int, default=[*LABELS], help="rows of each label")
    parser.add_argument("--programs", nargs="+", choices=[*PROGRAMS], default=[*PROGRAMS])
    parser.add_argument("--draws", nargs="+", type=int, default=[0])
    parser.add_argument("--minutes", type=float, help="budget of each command; by default the usual time of each")
    parser.add_argument("--smol", default=os.environ.get("HEADSTART_SMOL", "models/smol"), help="folder of the decoder")
    parser.add_argument("--test-rows", type=int, default=500)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--busy", action="store_true", help="other work runs beside it: times say nothing")
    parser.add_argument(
        "--quick", action="store_true", help="4 rows of each label, 10 test rows, nothing kept: does it run?"
    )
    options = parser.parse_args()
    counts, tested = ([4], 10) if options.quick else (options.labels, options.test_rows)
    programs = [each for each in options.programs if "SMOL" not in PROGRAMS[each] or Path(options.smol).is_dir()]
    for program in sorted({*options.programs} - {*programs}):
        print(f"there is no decoder in {options.smol}; {program} is left out", file=sys.stderr)
    for draw in options.draws:
        for name in options.only:
            test = draws.drawn(name, "test", tested)
            for labels in counts:
                for program in programs:
                    with tempfile.TemporaryDirectory() as place:
                        folder = Path(place)
                        train = draws.training_file(name, folder, labels=labels, seed=draw)
                        found = measured(
                            name, program, folder, train, test,
                            smol=options.smol, threads=options.threads, minutes=options.minutes, seed=draw,
                        )  # fmt: skip
                    row = {
                        "data": name, "labels": labels, "draw": draw, "program": program, "minutes": options.minutes,
                        "test_rows": tested, "device": records.device(), "threads": options.threads, "quiet": not options.busy,
                    } | found  # fmt: skip
                    if not options.quick:
                        records.keep(RESULTS, row, KEYS)
                    print(
                        f"{name:8} {labels:>5} {program:26} {row['accuracy']:.3f} [{row['low']:.3f}, {row['high']:.3f}] "
                        f"{row['seconds'] / 60:6.1f} min, answers {row['answering_seconds']:.0f} s; {row['description']}",
                        flush=True,
                    )


if __name__ == "__main__":
    main()
