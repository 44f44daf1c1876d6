"""What a student keeps of its teacher on SST-2: score and speed of two layers, and what a decoder's labels are worth.

    python benchmarks/distillation.py [--quick] [--seeds 0,1,2] [--parts layers,labels] [--smol FOLDER] [--folder FOLDER]

`layers`: `mini` fine-tuned on the training file teaches a student of two of its six layers, with the same rows and their true
labels; measured are the share of the teacher's test accuracy that is kept and texts a second of both, one after the other on this
machine, beside the same student without a teacher (`--mix 1`). `labels`: `smol`, prompted without examples (template chosen on 120
labelled rows), labels the training texts; `mini` learns from its words alone and is scored on test beside the teacher and beside
`contrastive` on 8, 32 and 125 true labels of each class. Runs that are there are not run again; one that was stopped goes on.
Raw results: benchmarks/results/distillation.jsonl.
"""

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

import records

RESULTS = "distillation.jsonl"
KEYS = ("part", "what", "rows", "seed", "device")
DATA = Path(os.environ.get("HEADSTART_DATA", "../shared/data")) / "sst2"
QUICK_ROWS = 400
PER_CLASS = (8, 32, 125)


def table(name: str) -> tuple[list[str], list[list[str]]]:
    """Header and rows of a file of SST-2."""
    with (DATA / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        header, *rows = list(csv.reader(file))
    return header, rows


def written(path: Path, header: list[str], rows: list[list[str]]) -> Path:
    """A CSV file."""
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return path


def made(folder: Path, *words: str) -> dict[str, Any]:
    """The evidence of a run of the command line, which is gone on with where it was stopped."""
    evidence = folder / "evidence.json"
    if not evidence.exists():
        part = folder.with_name(f"{folder.name}.part")
        given = ["resume", str(folder)] if (part / "run.json").exists() else [*words, "-o", str(folder)]
        subprocess.run(
            [sys.executable, "-m", "headstart.cli", *given, "--quiet"], check=True, stdout=subprocess.DEVNULL
        )
    return json.loads(evidence.read_text(encoding="utf-8"))


def score(evidence: dict[str, Any]) -> dict[str, float]:
    """Test accuracy of the model that was kept, with its interval."""
    return next(row for row in evidence["leaderboard"] if row["chosen"])["scores"]["test"]["accuracy"]


def layers(folder: Path, train: Path, held: list[str], seed: int) -> list[dict[str, Any]]:
    """The teacher, its student of two layers, and the same student without it."""
    common = [*held, "--no-controls", "--no-refit", "--seed", str(seed)]
    big = folder / f"big-{seed}"
    teacher = made(big, "fit", str(train), "--strategy", "fine-tuning", *common)
    two = ["--strategy", "distillation", "--teacher", str(big), "--student-layers", "2", *common]
    taught = made(folder / f"two-{seed}", "fit", str(train), *two, "--no-teacher-gate", "--epochs", "6")
    alone = made(folder / f"alone-{seed}", "fit", str(train), *two, "--mix", "1", "--epochs", "6")
    speeds = taught["teacher"]["texts_per_second"]
    best = score(teacher)
    return [
        {"what": "teacher", "accuracy": best},
        {"what": "two layers, taught", "accuracy": score(taught), "kept": score(taught)["value"] / best["value"],
         "speed": speeds["student"] / speeds["teacher"], "agreement": taught["teacher"]["parts"]["test"]["agreement"]["value"]},
        {"what": "two layers, labels alone", "accuracy": score(alone), "kept": score(alone)["value"] / best["value"]},
    ]  # fmt: skip


def labels(folder: Path, train: Path, held: list[str], seed: int, smol: str, rows: int) -> list[dict[str, Any]]:
    """A prompted decoder, its student, and what true labels come to."""
    header, every = table("train")
    text, label = header.index("text"), header.index("label")
    order = np.random.default_rng(seed).permutation(len(every)).tolist()
    common = [*held, "--no-controls", "--no-refit", "--seed", str(seed)]
    few = written(folder / f"few-{seed}.csv", header, [every[at] for at in sorted(order[:120])])
    asked = folder / f"prompted-{seed}"
    how = ["--strategy", "prompting", "--backbone", smol, "--calibration", "batch", "--folds", "0"]
    teacher = made(asked, "fit", str(few), *how, *common)
    raw = folder / f"raw-{seed}.txt"
    raw.write_text("".join(f"{every[at][text]}\n" for at in sorted(order[:rows])), encoding="utf-8")
    student = made(
        folder / f"student-{seed}", "distill", str(asked), "--texts", str(raw), "--backbone", "mini", *common
    )
    found = [
        {"what": "smol, prompted", "accuracy": score(teacher)},
        {"what": "mini, taught", "accuracy": score(student)},
    ]
    for count in PER_CLASS:
        own = [
            [at for at in order if every[at][label] == name][:count] for name in sorted({row[label] for row in every})
        ]
        some = written(
            folder / f"true-{count}-{seed}.csv", header, [every[at] for at in sorted(at for some in own for at in some)]
        )
        # Who has so few labels has no validation file: choices are made by cross-validation.
        alone = ["--test", held[held.index("--test") + 1], "--no-controls", "--seed", str(seed)]
        true = made(folder / f"contrastive-{count}-{seed}", "fit", str(some), "--strategy", "contrastive", *alone)
        found.append({"what": f"mini, {count} true labels per class", "accuracy": score(true)})
    return found


def main() -> None:
    """Run what is not there yet, and print a line for each model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_ROWS} rows, one seed: shows that it runs")
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--parts", default="layers,labels")
    parser.add_argument("--smol", default="models/smol", help="folder of the decoder; the part is left out without")
    parser.add_argument("--folder", default=str(Path(tempfile.gettempdir()) / "headstart-distillation"))
    options = parser.parse_args()
    folder = Path(f"{options.folder}-quick" if options.quick else options.folder)
    folder.mkdir(parents=True, exist_ok=True)
    header, every = table("train")
    rows = QUICK_ROWS if options.quick else len(every)
    train = written(folder / "train.csv", header, every[:rows])
    held = ["--validation", str(DATA / "dev.csv"), "--test", str(DATA / "test.csv")]
    if options.quick:
        cut = {name: written(folder / f"{name}.csv", table(name)[0], table(name)[1][:200]) for name in ("dev", "test")}
        held = ["--validation", str(cut["dev"]), "--test", str(cut["test"])]
    for seed in [0] if options.quick else map(int, options.seeds.split(",")):
        for part in options.parts.split(","):
            if part == "labels" and not Path(options.smol).is_dir():
                print(f"there is no decoder in {options.smol}; the part 'labels' is left out", file=sys.stderr)
                continue
            if part == "layers":
                measured = layers(folder, train, held, seed)
            else:
                measured = labels(folder, train, held, seed, options.smol, rows)
            for each in measured:
                row = {"part": part, "rows": rows, "seed": seed, "device": records.device()} | each
                if not options.quick:
                    records.keep(RESULTS, row, KEYS)
                print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
