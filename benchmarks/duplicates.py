"""What thresholds of `duplicates` are worth on pairs that people judged: the default, and those that labelled pairs choose.

    python benchmarks/duplicates.py [--data FOLDER]

MRPC (dev and test) and STS-B (dev, English and German; a pair is a duplicate from 4 of 5 on). For each set: precision
and recall of the threshold that a file of its texts gets unasked, at several shares of the way from the mean cosine to
1, and of thresholds for a precision of 0.8 chosen on its training pairs and applied to the others. Raw results:
benchmarks/results/duplicates.jsonl.
"""

from __future__ import annotations

import argparse
import csv
import os
from pathlib import Path
from typing import Any

import numpy as np

import records
from headstart.backbones.base import open_backbone
from headstart.backbones.location import BackboneSource, locate
from headstart.grouping.distinct import distinct
from headstart.grouping.thresholds import labelled_threshold, typical
from headstart.metrics.intervals import proportion
from headstart.predictors.encoding import encode

RESULTS, KEYS = "duplicates.jsonl", ("set", "share")
PRECISION = 0.8
SHARES = (0.7, 0.8, 0.85, 0.9, 0.95)
SETS = {
    "mrpc": (("mrpc/dev.tsv", "mrpc/test.tsv"), ("mrpc/train.tsv",)),
    "stsb_en": (("stsb/en_dev.csv",), ("stsb/en_train.csv",)),
    "stsb_de": (("stsb/de_dev.csv",), ("stsb/de_train.csv",)),
}


def read(files: tuple[str, ...], folder: Path) -> tuple[list[str], list[str], np.ndarray]:
    """Both sides of the pairs, and whether they are duplicates."""
    rows: list[dict[str, str]] = []
    for name in files:
        tabs = name.endswith(".tsv")
        with (folder / name).open(encoding="utf-8", newline="") as file:
            quoting = csv.QUOTE_NONE if tabs else csv.QUOTE_MINIMAL
            rows += csv.DictReader(file, delimiter="\t" if tabs else ",", quoting=quoting)
    same = [row["label"] == "paraphrase" if "label" in row else float(row["score"]) >= 4 for row in rows]
    return [row["sentence1"] for row in rows], [row["sentence2"] for row in rows], np.array(same)


def worth(cosines: np.ndarray, same: np.ndarray, threshold: float) -> dict[str, Any]:
    """Precision and recall with their intervals."""
    reached = cosines >= threshold
    hits = int((reached & same).sum())
    precision = proportion(hits, int(reached.sum())).plain() if reached.any() else None
    return {
        "threshold": round(threshold, 4),
        "precision": precision,
        "recall": proportion(hits, int(same.sum())).plain(),
    }


def main() -> None:
    """Measure all sets."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = os.environ.get("HEADSTART_DATA", str(Path(__file__).parents[2] / "shared" / "data"))
    parser.add_argument("--data", type=Path, default=Path(default), help="folder with the data sets")
    parser.add_argument("--sets", default=",".join(SETS), help="which of them, with commas between")
    parser.add_argument("--pairs", type=int, default=None, help="pairs of each file at most, for a trial")
    options = parser.parse_args()
    backbone = open_backbone(locate(BackboneSource()))

    def cosines(files: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray, float, np.ndarray]:
        first, second, same = read(files, options.data)
        first, second, same = first[: options.pairs], second[: options.pairs], same[: options.pairs]
        texts = distinct([*first, *second])
        vectors = encode(backbone, texts.texts).vectors
        one, other = texts.of_row.reshape(2, -1)
        return np.einsum("ij,ij->i", vectors[one], vectors[other]), same, typical(vectors), one

    for name in options.sets.split(","):
        test, train = SETS[name]
        found, same, middle, _ = cosines(test)
        about = {"set": name, "pairs": len(same), "duplicates": int(same.sum()), "device": records.device()}
        for share in SHARES:
            row = worth(found, same, middle + share * (1 - middle))
            records.keep(RESULTS, about | {"share": share} | row, KEYS)
        own, own_same, _, groups = cosines(train)
        chosen = labelled_threshold(own, own_same, groups, least=PRECISION, seed=0)
        said = None if chosen.precision is None else chosen.precision.plain()
        row = worth(found, same, chosen.value)
        records.keep(RESULTS, about | {"share": None, "labelled": len(own_same), "said": said} | row, KEYS)


if __name__ == "__main__":
    main()
