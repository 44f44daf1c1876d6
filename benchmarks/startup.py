"""Cold starts: `--help`, `list`, and one prediction against a cold `transformers.pipeline`, interleaved.

    python benchmarks/startup.py [--repeats N]

Every measurement is a fresh process on a warm disk cache; medians are printed, all times are written to
benchmarks/results/startup.json. Two models: feature extraction (a head of our own; the pipeline gets a model of the
same size) and fine-tuning (native head; the pipeline gets the very same folder). Run it with nothing else running.
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

os.environ.setdefault("HF_HUB_OFFLINE", "1")

ROOT = Path(__file__).resolve().parents[1]
RESULTS = Path(__file__).parent / "results" / "startup.json"
PIPELINE = """
from transformers import pipeline
classify = pipeline("text-classification", model={folder!r}, truncation=True)
print(classify("great plot, weak ending"))
"""


def seconds(command: list[str]) -> float:
    """Wall time of one process."""
    started = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - started


def main() -> None:
    """Train two small models, then time."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=7)
    repeats = parser.parse_args().repeats
    command = str(Path(sys.executable).parent / "headstart")
    with tempfile.TemporaryDirectory() as folder:
        models = {}
        for strategy in ("feature-extraction", "fine-tuning"):
            models[strategy] = f"{folder}/{strategy}"
            extra = ["--epochs", "1", "--head", "native"] if strategy == "fine-tuning" else []
            data = str(ROOT / "examples" / "feedback" / "train.csv")
            words = ["fit", data, "--strategy", strategy, "--no-controls", "-o", models[strategy], *extra]
            subprocess.run([command, *words], check=True, capture_output=True)
        text = "great plot, weak ending"
        cases = {
            "headstart --help": [command, "--help"],
            "headstart list": [command, "list"],
            "headstart predict (feature-extraction)": [command, "predict", models["feature-extraction"], text],
            "headstart predict (fine-tuning)": [command, "predict", models["fine-tuning"], text],
            "transformers.pipeline": [sys.executable, "-c", PIPELINE.format(folder=models["fine-tuning"])],
        }
        times: dict[str, list[float]] = {name: [] for name in cases}
        for turn in range(repeats + 1):
            for name, words in cases.items():
                taken = seconds(words)
                if turn:  # the first round warms the disk cache
                    times[name].append(round(taken, 3))
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(
        json.dumps({"script": "benchmarks/startup.py", "seconds": times}, indent=1) + "\n", encoding="utf-8"
    )
    peer = statistics.median(times["transformers.pipeline"])
    for name, values in times.items():
        median = statistics.median(values)
        print(f"{name:<42} {median:6.2f} s  {median / peer:5.2f}x of the pipeline")


if __name__ == "__main__":
    main()
