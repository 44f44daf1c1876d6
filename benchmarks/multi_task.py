"""Tasks learnt together against runs of their own: MRPC, RTE, STS-B and CoLA on one network, and entities of three sources.

    python benchmarks/multi_task.py [--quick] [--seeds 0,1,2,3,4] [--parts glue,entities] [--plain] [--folder FOLDER]

`glue`: the four tasks together, at most 5,000 rows each, `mini`, three epochs; measured are each task's test score together and
alone (the same network with as many passes over its rows, paired on the same rows). `entities`: CoNLL-2003 with 200 sentences
beside WikiANN in German and BC5CDR. With `--plain` the four tasks are also fitted one by one, as a user would (`headstart fit
--strategy fine-tuning`), for the time of the whole command and the size of the folders; the run together leaves its single runs
out there. Runs that are there are not run again; one that was stopped goes on. Raw results: benchmarks/results/multi_task.jsonl.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import yaml

import records

RESULTS = "multi_task.jsonl"
KEYS = ("part", "task", "rows", "seed", "device", "options")
DATA = Path(os.environ.get("HEADSTART_DATA", "../shared/data")).resolve()
MOST, QUICK_ROWS, SENTENCES = 5000, 96, 200
PAIRS, WORDS = "text-pair-classification", "token-classification"
MRPC = {"train": "mrpc/train.tsv", "validation": "mrpc/dev.tsv", "test": "mrpc/test.tsv", "task": PAIRS}
RTE = {
    "train": "rte/train.jsonl",
    "test": "rte/dev.jsonl",
    "task": PAIRS,
    "text": "premise,hypothesis",
    "label": "label",
}
STSB = {"train": "stsb/en_train.csv", "test": "stsb/en_dev.csv", "task": "sentence-similarity", "encoder": "cross"}
COLA = {"train": "cola/train.csv", "test": "cola/dev.csv", "task": "text-classification", "metric": "mcc"}
CONLL = {"train": "conll2003/train.conll.gz", "test": "conll2003/testa.conll", "task": WORDS}
WIKIANN = {
    name: f"wikiann_de/{file}.conll" for name, file in (("train", "train"), ("validation", "dev"), ("test", "test"))
}
BC5CDR = {"train": "bc5cdr/train.conll.gz", "test": "bc5cdr/dev.conll.gz", "task": WORDS}
PARTS: dict[str, dict[str, dict[str, Any]]] = {
    "glue": {"mrpc": MRPC, "rte": RTE, "stsb": STSB, "cola": COLA},
    "entities": {"conll": CONLL, "wikiann": WIKIANN | {"task": WORDS}, "bc5cdr": BC5CDR},
}
FEW = {"conll": SENTENCES}
"""Tasks of which few rows are taken."""


def tasks(part: str, seed: int, *, quick: bool) -> dict[str, dict[str, Any]]:
    """The tasks of a part with whole paths and the rows that are taken."""
    found = {}
    for name, options in PARTS[part].items():
        paths = {key: str(DATA / value) for key, value in options.items() if key in ("train", "validation", "test")}
        rows = min(FEW.get(name, MOST), QUICK_ROWS if quick else MOST)
        found[name] = options | paths | {"train_rows": rows, "draw": seed}
        if quick:
            found[name]["most_test_rows"] = 100
    return found


def made(folder: Path, *words: str) -> tuple[dict[str, Any], float]:
    """The evidence of a run of the command line, gone on with where it was stopped, and the seconds of the command."""
    evidence, clock = folder / "evidence.json", folder.with_name(f"{folder.name}.seconds")
    if not evidence.exists():
        part = folder.with_name(f"{folder.name}.part")
        given = ["resume", str(folder)] if (part / "run.json").exists() else [*words, "-o", str(folder)]
        started = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "headstart.cli", *given, "--quiet"], check=True, stdout=subprocess.DEVNULL
        )
        clock.write_text(str(time.perf_counter() - started), encoding="utf-8")
    return json.loads(evidence.read_text(encoding="utf-8")), float(clock.read_text(encoding="utf-8"))


def size(folder: Path) -> int:
    """Bytes of a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def together(folder: Path, part: str, seed: int, options: list[str], *, quick: bool) -> list[dict[str, Any]]:
    """Each task's score together and alone, by one run."""
    path = folder / f"{part}-{seed}.yaml"
    path.write_text(yaml.safe_dump({"tasks": tasks(part, seed, quick=quick)}, sort_keys=False), encoding="utf-8")
    words = ["fit", str(path), "--strategy", "multi-task", "--seed", str(seed), "--no-controls", *options]
    evidence, _ = made(folder / f"{part}-{seed}{'-'.join(['', *options])}", *words)
    keys = ("metric", "score", "alone", "difference", "passes")
    return [{"task": name} | {key: each[key] for key in keys} for name, each in evidence["tasks"].items()]


def plain(folder: Path, part: str, seed: int, *, quick: bool) -> dict[str, Any]:
    """Time and size of one run for all, and of one for each, as a user would make them."""
    own = tasks(part, seed, quick=quick)
    path = folder / f"{part}-{seed}.yaml"
    path.write_text(yaml.safe_dump({"tasks": own}, sort_keys=False), encoding="utf-8")
    common = ["--seed", str(seed), "--no-controls", "--no-cache"]
    one = folder / f"{part}-{seed}-time"
    _, whole = made(one, "fit", str(path), "--strategy", "multi-task", "--no-single-runs", *common)
    seconds, bytes_ = 0.0, 0
    for name, options in own.items():
        words = [f"--{key.replace('_', '-')}={value}" for key, value in options.items() if key != "train"]
        single = folder / f"{part}-{seed}-{name}-alone"
        seconds += made(single, "fit", options["train"], "--strategy", "fine-tuning", *words, *common)[1]
        bytes_ += size(single)
    return {"task": "all", "seconds": whole, "seconds_alone": seconds, "time_ratio": whole / seconds,
            "bytes": size(one), "bytes_alone": bytes_, "size_ratio": size(one) / bytes_}  # fmt: skip


def main() -> None:
    """Run what is not there yet, and print a line for each task."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_ROWS} rows, one seed: shows that it runs")
    parser.add_argument("--seeds", default="0,1,2,3,4")
    parser.add_argument("--parts", default="glue,entities")
    parser.add_argument("--options", default="", help="more options of the strategy, such as '--weighting uncertainty'")
    parser.add_argument("--plain", action="store_true", help="time and size against plain runs of each task too")
    parser.add_argument("--folder", default=str(Path(tempfile.gettempdir()) / "headstart-multi-task"))
    options = parser.parse_args()
    folder = Path(f"{options.folder}-quick" if options.quick else options.folder)
    folder.mkdir(parents=True, exist_ok=True)
    more = [*options.options.split(), *(["--epochs", "1"] if options.quick else [])]
    for seed in [0] if options.quick else map(int, options.seeds.split(",")):
        for part in options.parts.split(","):
            measured = together(folder, part, seed, more, quick=options.quick)
            if options.plain and part == "glue":
                measured.append(plain(folder, part, seed, quick=options.quick))
            for each in measured:
                about = {"part": part, "rows": QUICK_ROWS if options.quick else MOST, "seed": seed}
                row = about | {"device": records.device(), "options": options.options} | each
                if not options.quick:
                    records.keep(RESULTS, row, KEYS)
                print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
