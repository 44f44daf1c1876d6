"""What is not computed twice: feature extraction again in one process, and as a second whole command.

    python benchmarks/again.py [--repeats 3] [--quick]

In one process: from read data to predictor, first with an empty cache, then with another seed and with another head (other
layers), whose features are there already. As commands: `headstart fit --strategy feature-extraction` on SST-2, twice. Each
repeat begins with an empty cache and a process of its own. Raw results: benchmarks/results/again.jsonl.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import draws
import records

RESULTS = "again.jsonl"
KEYS = ("what", "rows", "repeat")


def child(rows: int) -> None:
    """First, another seed, another head, in this process; prints a JSON line."""
    from headstart.backbones.location import locate
    from headstart.data.cache import user_cache
    from headstart.recipes.parsing import assemble
    from headstart.runs.preparation import prepare
    from headstart.runtime.progress import SILENT
    from headstart.strategies.base import Context
    from headstart.strategies.feature_extraction import FeatureExtraction

    given = {name: str(draws.DATA / "sst2" / f"{name}.csv") for name in ("train", "test")}
    recipe = assemble("fit", {**given, "validation": str(draws.DATA / "sst2" / "dev.csv"), "most_rows": rows})
    parts = prepare(recipe, SILENT)

    def once(seed: int, strategy: FeatureExtraction) -> float:
        begun = time.perf_counter()
        context = Context(
            parts.task, parts.train, parts.validation, locate(recipe.backbone), recipe.training, seed, SILENT,
            cache=user_cache(), precision="auto",
        )  # fmt: skip
        strategy.fit(context)
        return round(time.perf_counter() - begun, 3)

    found = {"first": once(0, FeatureExtraction())}
    found["another seed"] = once(1, FeatureExtraction())
    found["another head"] = once(0, FeatureExtraction(layers=(3, 4), pooling="first"))
    print(json.dumps(found))


def command(rows: int, folder: str) -> float:
    """Seconds of one whole command."""
    data = draws.DATA / "sst2"
    words = [
        sys.executable,
        "-m",
        "headstart.cli",
        "fit",
        str(data / "train.csv"),
        "--validation",
        str(data / "dev.csv"),
    ]
    words += ["--test", str(data / "test.csv"), "--strategy", "feature-extraction", "--no-controls"]
    words += ["--most-rows", str(rows), "--output", f"{folder}/run", "--overwrite", "--quiet"]
    begun = time.perf_counter()
    subprocess.run(words, check=True, capture_output=True)
    return round(time.perf_counter() - begun, 3)


def main() -> None:
    """Measure and print medians."""
    if sys.argv[1:2] == ["--child"]:
        child(int(sys.argv[2]))
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="400 rows, one repeat: does it run?")
    options = parser.parse_args()
    rows, repeats = (400, 1) if options.quick else (6920, options.repeats)
    kept: list[dict[str, Any]] = []
    for repeat in range(repeats):
        for what in ("in one process", "whole commands"):
            with tempfile.TemporaryDirectory() as folder:
                os.environ |= {"HEADSTART_CACHE": f"{folder}/cache", "HEADSTART_CACHE_GB": "8", "HF_HUB_OFFLINE": "1"}
                if what == "whole commands":
                    found = {"first": command(rows, folder), "second": command(rows, folder)}
                else:
                    words = [sys.executable, str(Path(__file__)), "--child", str(rows)]
                    output = subprocess.run(words, check=True, capture_output=True, text=True).stdout
                    found = json.loads(output.strip().split("\n")[-1])
            row = {"what": what, "rows": rows, "repeat": repeat, **found}
            kept.append(row)
            if not options.quick:
                records.keep(RESULTS, row, KEYS)
            print(json.dumps(row), flush=True)
    for what in ("in one process", "whole commands"):
        mine = [row for row in kept if row["what"] == what]
        first = statistics.median(row["first"] for row in mine)
        for name in ("another seed", "another head", "second"):
            if name in mine[0]:
                again = statistics.median(row[name] for row in mine)
                print(f"{what}: first {first:.2f} s, {name} {again:.2f} s, {first / again:.1f}x")


if __name__ == "__main__":
    main()
