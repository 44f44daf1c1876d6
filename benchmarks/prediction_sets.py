"""How often sets of labels hold the true one, over random splits, and how many labels that takes.

    python benchmarks/prediction_sets.py [--only SET ...] [--splits 20] [--level 0.95] [--rows 2000] [--test-rows 1000]
        [--threads N] [--quick]

For each split so many rows of a set are drawn for training and for testing (of clinc150 2,250, of those in scope); `headstart fit
--prediction-sets` with `feature-extraction`, without controls. Coverage and size are those of the saved model, which has learnt
from all labelled rows. Raw results: benchmarks/results/prediction_sets.jsonl, a line for each set, level and split.
"""

import argparse
import json
import statistics
import sys
import tempfile
from pathlib import Path

import numpy as np

import draws
import records
from few_labels import timed

RESULTS = "prediction_sets.jsonl"
KEYS = ("data", "level", "split", "rows", "test_rows", "device")
SETS = ("clinc150", "sst2", "ag_news", "nicta_piboso")
OUTSIDE = "oos"


def drawn(name: str, split: int, rows: int, tested: int) -> tuple[list[draws.Row], list[draws.Row]]:
    """Training rows and test rows of a split, from both files of a set together."""
    every = [row for part in draws.FILES[name] for row in draws.rows_of(draws.DATA / name / part) if row[1] != OUTSIDE]
    every = list(dict(every).items())
    order = np.random.default_rng(split).permutation(len(every))
    return [every[at] for at in order[:rows]], [every[at] for at in order[rows : rows + tested]]


def main() -> None:
    """Fit, score, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=[*draws.FILES], default=[*SETS])
    parser.add_argument("--splits", type=int, default=20)
    parser.add_argument("--level", type=float, default=0.95)
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--test-rows", type=int, default=1000)
    parser.add_argument("--threads", type=int)
    parser.add_argument(
        "--quick", action="store_true", help="one split of 200 rows, 50 to test, nothing kept: does it run?"
    )
    options = parser.parse_args()
    rows, tested, splits = (200, 50, 1) if options.quick else (options.rows, options.test_rows, options.splits)
    for name in options.only[:1] if options.quick else options.only:
        size = max(rows, 2250) if name == "clinc150" and not options.quick else rows
        found = []
        for split in range(splits):
            with tempfile.TemporaryDirectory() as place:
                parts = drawn("sst2" if options.quick else name, split, size, tested)
                train, test = (
                    draws.write(Path(place) / f"{part}.csv", some)
                    for part, some in zip(("train", "test"), parts, strict=True)
                )
                command = [
                    sys.executable,
                    "-m",
                    "headstart.cli",
                    "fit",
                    str(train),
                    "--test",
                    str(test),
                    "--no-controls",
                ]
                command += [
                    "--strategy",
                    "feature-extraction",
                    "--prediction-sets",
                    str(options.level),
                    "--seed",
                    str(split),
                ]
                command += ["-o", f"{place}/run", "--drop-rare-labels", "--json", "--quiet"]
                output, seconds = timed(
                    command + (["--threads", str(options.threads)] if options.threads else []), options.threads
                )
                evidence = json.loads(Path(place, "run", "evidence.json").read_text(encoding="utf-8"))
            said, accuracy = evidence["prediction_sets"], json.loads(output)["scores"]["test"]["accuracy"]["value"]
            row = {
                "data": name, "level": options.level, "split": split, "rows": size, "test_rows": said["n"],
                "device": records.device(), "coverage": said["coverage"]["value"], "size": said["size"], "single": said["single"],
                "calibrated_on": said["calibrated_on"], "accuracy": accuracy, "seconds": round(seconds, 1),
            }  # fmt: skip
            if not options.quick:
                records.keep(RESULTS, row, KEYS)
            found.append(row)
        covered = [row["coverage"] for row in found]
        print(
            f"{name}: coverage {statistics.mean(covered):.4f} over {len(found)} splits ({min(covered):.3f} to {max(covered):.3f}), "
            f"{statistics.mean(row['size'] for row in found):.2f} labels a set, accuracy "
            f"{statistics.mean(row['accuracy'] for row in found):.3f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
