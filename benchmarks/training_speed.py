"""Seconds of training against `transformers.Trainer`, on the same rows of SST-2, the same network, 32 rows per update.

    python benchmarks/training_speed.py [--rows 960] [--repeats 3] [--only NAME ...] [--quick]

Programs take turns, each in a process of its own; only training is timed (no loading, no tokenising), without validation,
logging or saving. Peers run with their defaults and with their best documented options. `warm` finds the states of
frozen layers that a first, untimed run left in the cache. Raw results: benchmarks/results/training_speed.jsonl, a line per
program and repeat; the table shows medians, and the spread of accuracies so that a fast loser shows.
"""

import argparse
import json
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

import draws
import records
from few_labels import timed

RESULTS = "training_speed.jsonl"
KEYS = ("work", "program", "rows", "repeat")
PEER = Path(__file__).parent / "peers" / "trainer_fit.py"
WORKS = {"all layers, 1 epoch": ("all", 1), "top 2 layers, 3 epochs": ("2", 3)}
PROGRAMS = (
    "Trainer, defaults",
    "Trainer, best options",
    "Trainer, best options, bf16",
    "headstart, float32",
    "headstart",
    "headstart, warm cache",
)


def ours(train_file: str, test_file: str, layers: str, epochs: int, seed: int, way: str) -> None:
    """One run of the product's loop in this process; prints a JSON line."""
    import resource
    import time

    import torch

    from headstart.backbones.location import locate
    from headstart.data.cache import ArrayCache, no_cache
    from headstart.predictors.network import NetworkPredictor
    from headstart.preparation import prepare
    from headstart.progress import SILENT
    from headstart.recipe import assemble
    from headstart.strategies.base import Context
    from headstart.strategies.fine_tuning import LEARNING_RATE, FineTuning
    from headstart.strategies.parts import prepared
    from headstart.strategies.steps import headed_model, shortcuts
    from headstart.training.stage import Stage
    from headstart.training.trainer import train

    options = {
        "train": train_file,
        "test": test_file,
        "validation_share": 0.05,
        "folds": 0,
        "seed": seed,
        "epochs": epochs,
    }
    warm, precision = way == "warm", "float32" if way == "float32" else "auto"
    recipe = assemble("fit", options)
    parts = prepare(recipe, SILENT, None)
    with tempfile.TemporaryDirectory() as folder:
        cache = ArrayCache(Path(folder), 10**10) if warm else no_cache()
        strategy = FineTuning(layers=layers if layers == "all" else int(layers), head="native", head_first=False)

        def once() -> tuple[Any, float]:
            context = Context(
                parts.task, parts.train, parts.validation, locate(recipe.backbone), recipe.training, seed, SILENT,
                cache=cache, precision=precision,
            )  # fmt: skip
            model = headed_model(context, pooling="first", dropout=0.1, head_first=False)
            ready, _ = prepared(context, model.backbone.tokenizer)
            levels = strategy.levels(model, epochs)
            stage = Stage(
                parts.task, ready, levels, epochs, LEARNING_RATE, shortcuts=shortcuts(context, model.backbone)
            )
            begun = time.perf_counter()
            train(model, stage, recipe.training, seed=seed, validate=None)
            return model, time.perf_counter() - begun

        if warm:
            once()
        model, seconds = once()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    texts, labels = zip(*draws.rows_of(Path(test_file)), strict=True)
    found = NetworkPredictor(model).outputs(texts).logits.argmax(1)
    right = sum(parts.task.names[at] == label for at, label in zip(found, labels, strict=True))
    print(
        json.dumps(
            {
                "accuracy": right / len(labels),
                "training_seconds": round(seconds, 2),
                "trained_rows": len(parts.train),
                "peak_bytes": memory,
                "threads": torch.get_num_threads(),
            }
        )
    )


def measured(program: str, train: Path, test: Path, layers: str, epochs: int, seed: int) -> dict[str, Any]:
    """One run of a program in a process of its own."""
    if program.startswith("Trainer"):
        way = "best-bf16" if "bf16" in program else "best" if "best" in program else "default"
        command = [sys.executable, str(PEER), str(train), str(test), way, layers, str(epochs), str(seed)]
    else:
        command = [sys.executable, __file__, "--child", str(train), str(test), layers, str(epochs), str(seed)]
        command += ["warm" if "warm" in program else "float32" if "float32" in program else "auto"]
    output, _ = timed(command, None)
    return json.loads(output.strip().split("\n")[-1])


def show(rows: int) -> None:
    """Medians and ratios."""
    found = [row for row in records.rows(RESULTS) if row["rows"] == rows]
    for work in WORKS:
        print(f"\n{work}, {rows} rows of SST-2")
        mine = {name: [row for row in found if row["work"] == work and row["program"] == name] for name in PROGRAMS}
        times = {name: statistics.median(row["per_row"] for row in each) for name, each in mine.items() if each}
        for name, value in times.items():
            scores = ", ".join(f"{row['accuracy']:.3f}" for row in mine[name])
            memory = statistics.median(row["peak_bytes"] for row in mine[name]) / 1e6
            against = " ".join(f"{times[peer] / value:5.2f}x" for peer in PROGRAMS[:3] if peer in times)
            print(f"  {name:<28} {1000 * value:6.2f} ms per row, epoch  {against}  {memory:5.0f} MB  accuracy {scores}")


def main() -> None:
    """Run the programs in turns and print the table."""
    if sys.argv[1:2] == ["--child"]:
        train, test, layers, epochs, seed, way = sys.argv[2:8]
        ours(train, test, layers, int(epochs), int(seed), way)
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=960)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", nargs="*", default=[], help="names of programs")
    parser.add_argument("--quick", action="store_true", help="192 rows, one repeat: does it run?")
    parser.add_argument("--files", default=str(Path(tempfile.gettempdir()) / "headstart-draws"))
    options = parser.parse_args()
    rows, repeats = (192, 1) if options.quick else (options.rows, options.repeats)
    folder = Path(options.files)
    train, test = draws.training_file("sst2", folder, rows=rows), draws.test_file("sst2", folder)
    for repeat in range(repeats):
        for work, (layers, epochs) in WORKS.items():
            for program in PROGRAMS:
                if (options.only and program not in options.only) or ("warm" in program and layers == "all"):
                    continue
                found = measured(program, train, test, layers, epochs, repeat)
                used = found.get("trained_rows", rows) * epochs
                row = {"work": work, "program": program, "rows": rows, "repeat": repeat}
                row |= found | {"per_row": found["training_seconds"] / used}
                if not options.quick:
                    records.keep(RESULTS, row, KEYS)
                print(json.dumps(row), flush=True)
    show(rows)


if __name__ == "__main__":
    main()
