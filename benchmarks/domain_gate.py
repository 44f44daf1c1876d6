"""Does the gate of domain adaptation judge right? Sentence roles in medical abstracts, 10 % of the labels, five draws.

    python benchmarks/domain_gate.py [--budget 8m] [--draws 5] [--first 0] [--then feature-extraction] [--objective masked-lm]

`mini` goes on learning on biomedical text (where a gain is to be expected) and on the United States Code (where none is), each
once for `--budget`, without the sentences of nicta_piboso's dev and test parts. Then, for each draw of labels, a strategy is fitted
with the network as it was, with the one and with the other, under equal settings and seeds; the gate sees held-out rows of three
folds of the drawn rows only (as `--folds 3` has it), and the whole test part says whether it was right.
Raw results: benchmarks/results/domain_gate.jsonl.
"""

import argparse
import gzip
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

import records

RESULTS = "domain_gate.jsonl"
KEYS = ("data", "text", "objective", "then", "budget", "device", "draw")
DATA = Path(os.environ.get("HEADSTART_DATA", "../shared/data"))
TEXTS = {"biomedical": "biomed_raw/train.txt.gz", "legal": "us_code_raw/train.txt.gz"}
SHARE = 0.1


def drawn(folder: Path, draw: int) -> Path:
    """A tenth of the training rows, drawn at random."""
    with gzip.open(DATA / "nicta_piboso" / "train.csv.gz", "rt", encoding="utf-8", newline="") as file:
        import csv

        header, *rows = list(csv.reader(file))
    chosen = np.random.default_rng(draw).permutation(len(rows))[: round(SHARE * len(rows))]
    path = folder / f"draw-{draw}.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *[rows[at] for at in sorted(chosen)]])
    return path


def adapted(text: str, objective: str, budget: str, folder: Path) -> Path:
    """The network after learning on a text, through the command line."""
    place = folder / f"{text}-{objective}"
    if not place.exists():
        data = DATA / "nicta_piboso"
        words = ["adapt", str(DATA / TEXTS[text]), "--objective", objective, "--budget", budget, "-o", str(place)]
        words += [
            "--exclude",
            f"{data / 'dev.csv'},{data / 'test.csv'}",
            "--general",
            str(DATA / "wikitext2/valid.txt.gz"),
        ]
        subprocess.run([sys.executable, "-m", "headstart.cli", *words], check=True, timeout=7200)
    return place


def fitted(train: Path, test: Path, backbone: str, then: str, seed: int) -> tuple[Any, Any, dict[str, Any]]:
    """The candidate, the parts, and the scores on test."""
    from headstart.recipes.parsing import assemble
    from headstart.runs.comparison import compare
    from headstart.runs.preparation import prepare
    from headstart.runtime.progress import SILENT

    options = {
        "train": str(train), "test": str(test), "strategy": then, "backbone": backbone,
        "controls": False, "seed": seed, "text": "text", "label": "label", "metric": "accuracy", "folds": 3,
    }  # fmt: skip
    recipe = assemble("fit", options)
    found = compare(recipe, SILENT)
    if found is None:
        raise RuntimeError("nothing came of it")
    return found.chosen.finished, prepare(recipe, SILENT), found.chosen.scores.get("test", {})


def judged(train: Path, test: Path, networks: dict[str, Path], then: str, draw: int) -> dict[str, dict[str, Any]]:
    """For each network whether the gate kept it, and scores with and without, under equal settings and seeds."""
    from headstart.strategies.gate import judged

    plain, parts, scores = fitted(train, test, "mini", then, draw)
    context: Any = SimpleNamespace(task=parts.task, train=parts.train, folds=parts.folds, seed=draw)
    found = {}
    for text, network in networks.items():
        other, _, others = fitted(train, test, str(network), then, draw)
        kept, said = judged(context, [other], [plain], "adaptation")
        found[text] = {
            "kept": kept, "said": said,
            "without": scores["accuracy"]["value"], "with": others["accuracy"]["value"],
            "without_f1": scores["macro_f1"]["value"], "with_f1": others["macro_f1"]["value"],
            "without_log_loss": scores["log_loss"]["value"], "with_log_loss": others["log_loss"]["value"],
        }  # fmt: skip
    return found


def main() -> None:
    """Adapt, fit, judge, and print a line per draw and text."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--budget", default="8m")
    parser.add_argument("--draws", type=int, default=5, help="how many; 0 to adapt alone")
    parser.add_argument("--first", type=int, default=0, help="draw to begin with")
    parser.add_argument("--then", default="feature-extraction")
    parser.add_argument("--objective", default="masked-lm")
    parser.add_argument("--folder", default=str(Path(tempfile.gettempdir()) / "headstart-gate"))
    options = parser.parse_args()
    folder = Path(options.folder)
    folder.mkdir(exist_ok=True)
    networks = {text: adapted(text, options.objective, options.budget, folder) for text in TEXTS}
    test = DATA / "nicta_piboso" / "test.csv"
    for draw in range(options.first, options.first + options.draws):
        train = drawn(folder, draw)
        for text, measured in judged(train, test, networks, options.then, draw).items():
            row = {
                "data": "nicta_piboso, 10 %", "text": text, "objective": options.objective, "then": options.then,
                "budget": options.budget, "device": records.device(), "draw": draw,
            } | measured  # fmt: skip
            records.keep(RESULTS, row, KEYS)
            print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
