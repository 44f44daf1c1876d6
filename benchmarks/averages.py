"""What do averages of weights buy, in and out of domain? Soups of three seeds, and points between start and end (WiSE-FT).

    python benchmarks/averages.py [--rows 5000] [--seeds 3] [--only soup|wise] [--quick]

Soups of three seeds on SST-2 and tfns, beside the mean of the seeds on test. WiSE-FT trained on SST-2, scored on its test part
and on yelp_1k and imdb_1k, beside the end of training. Each with several seeds of the run, without learning again from all rows.
Raw results: benchmarks/results/averages.jsonl.
"""

import argparse
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

import draws
import records

RESULTS = "averages.jsonl"
KEYS = ("average", "data", "rows", "device", "seed")
OUTSIDE = {"yelp": "yelp_1k/test.csv", "imdb": "imdb_1k/test.csv.gz"}
RUNS = (("soup", "sst2"), ("soup", "tfns"), ("wise", "sst2"))


def measured(average: str, data: str, rows: int, seed: int, folder: Path, tests: int | None) -> dict[str, Any]:
    """Scores of the average and of what it was made of, by part, and what the gate said."""
    from headstart.recipes.parsing import assemble
    from headstart.runs.comparison import compare
    from headstart.runtime.progress import SILENT

    train, test = draws.FILES[data]
    drawn = draws.at_most(draws.rows_of(draws.DATA / data / train), rows, seed)
    outside = {name: str(draws.DATA / path) for name, path in OUTSIDE.items()} if average == "wise" else {}
    given = {
        "train": str(draws.write(folder / "train.csv", drawn)), "test": str(draws.DATA / data / test), "tests": outside,
        "average": average, "controls": False, "refit": False, "seed": seed, "most_test_rows": tests,
        "text": "text", "label": "label", "metric": "accuracy",
    }  # fmt: skip
    found = compare(assemble("fit", given), SILENT)
    if found is None:
        raise RuntimeError("nothing came of it")
    added = found.artifact.evidence["added"]
    parts = {
        part: {"with": each["with"]["value"]} | {name: one["score"]["value"] for name, one in each["without"].items()}
        for part, each in added["parts"].items()
    }
    scores = {part: each["accuracy"]["value"] for part, each in found.chosen.scores.items()}
    return {
        "scores": scores,
        "kept": added["kept"],
        "what": added["what"],
        "said": added["said"],
        "parts": parts,
        "seconds": found.chosen.seconds,
    }


def line(row: dict[str, Any]) -> str:
    """What a run came to, in a few words."""
    said = [f"{row['average']} {row['data']} seed {row['seed']}: {row['what']} {'kept' if row['kept'] else 'not kept'}"]
    for part, scores in row["parts"].items():
        others = {name: score for name, score in scores.items() if name != "with"}
        before = others.get("the end", float(np.mean([*others.values()])))
        said.append(f"{part} {before:.3f} -> {scores['with']:.3f}")
    return ", ".join(said)


def main() -> None:
    """Measure each average and seed, and print a line of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=5000)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", choices=("soup", "wise"))
    parser.add_argument("--quick", action="store_true", help="one seed, few rows, nothing kept: see that it runs")
    options = parser.parse_args()
    seeds, rows, tests = (1, 200, 100) if options.quick else (options.seeds, options.rows, None)
    for average, data in RUNS:
        for seed in range(seeds) if options.only in (None, average) else ():
            with tempfile.TemporaryDirectory() as folder:
                row = {"average": average, "data": data, "rows": rows, "device": records.device(), "seed": seed}
                row |= measured(average, data, rows, seed, Path(folder), tests)
            print(line(row))
            if not options.quick:
                records.keep(RESULTS, row, KEYS)


if __name__ == "__main__":
    main()
