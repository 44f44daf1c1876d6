"""Seconds of training against `transformers.Trainer`: texts, words, questions; same network, 32 rows per update.

    python benchmarks/training_speed.py [--rows 960] [--repeats 3] [--only NAME ...] [--works WORK ...] [--quick]

Programs take turns, each in a process of its own; only training is timed (no loading, no tokenising), without validation,
logging or saving. Peers run with their defaults and with their best documented options, which leave dropout out; `no dropout` is
headstart without it, its defaults keep what the network has. `warm` finds the states of
frozen layers that a first, untimed run left in the cache. Raw results: benchmarks/results/training_speed.jsonl, a line per
program and repeat; the table shows medians, and the spread of accuracies so that a fast loser shows (of words: F1 of entities
in the first 400 sentences of testa, which also stand in for validation and choose nothing; of questions: F1 of answers to the
first 300 of dev, likewise). Questions are of SQuAD, in windows of 256 tokens.
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
import tasks
from few_labels import timed

RESULTS = "training_speed.jsonl"
KEYS = ("work", "program", "rows", "repeat")
PEER = Path(__file__).parent / "peers" / "trainer_fit.py"
WORDS_PEER, QUESTIONS_PEER = PEER.with_name("trainer_tasks.py"), PEER.with_name("question_loop.py")
WORKS = {
    "all layers, 1 epoch": ("sst2", "all", 1),
    "top 2 layers, 3 epochs": ("sst2", "2", 3),
    "words, all layers, 1 epoch": ("conll2003", "all", 1),
    "questions, all layers, 1 epoch": ("squad_v11", "all", 1),
}
TEST_SENTENCES, TEST_QUESTIONS = 400, 300
PROGRAMS = (
    "Trainer, defaults",
    "Trainer, best options",
    "Trainer, best options, bf16",
    "headstart, float32",
    "headstart",
    "headstart, no dropout",
    "headstart, warm cache",
)
WAYS = {"headstart, float32": "float32", "headstart, no dropout": "no-dropout", "headstart, warm cache": "warm"}


def ours(train_file: str, test_file: str, layers: str, epochs: int, seed: int, way: str) -> None:
    """One run of the product's loop in this process; prints a JSON line."""
    import resource
    import time

    import torch

    from headstart.backbones.location import locate
    from headstart.data.cache import ArrayCache, no_cache
    from headstart.evaluation.judging import chosen_score
    from headstart.predictors.network import NetworkPredictor
    from headstart.recipes.parsing import assemble
    from headstart.runs.preparation import prepare
    from headstart.runtime.progress import SILENT
    from headstart.strategies.base import Context
    from headstart.strategies.cross_validation import prepared
    from headstart.strategies.fine_tuning import LEARNING_RATE, FineTuning
    from headstart.strategies.training_run import headed_model, shortcuts
    from headstart.training.stage import Stage
    from headstart.training.trainer import train

    options = {"train": train_file, "test": test_file, "seed": seed, "epochs": epochs}
    if train_file.endswith(".conll"):  # no row may be cut off: tokens are counted
        options |= {"task": tasks.TOKENS, "validation": test_file}
    elif train_file.endswith(".json"):
        options |= {"task": "question-answering", "validation": test_file}
    else:
        options |= {"validation_share": 0.05, "folds": 0}
    warm, bare, precision = way == "warm", way == "no-dropout", "float32" if way == "float32" else "auto"
    recipe = assemble("fit", options)
    parts = prepare(recipe, SILENT, None)
    with tempfile.TemporaryDirectory() as folder:
        cache = ArrayCache(Path(folder), 10**10) if warm else no_cache()
        strategy = FineTuning(layers=layers if layers == "all" else int(layers), head="native", head_first=False)

        def once() -> tuple[Any, float, int]:
            context = Context(
                parts.task, parts.train, parts.validation, locate(recipe.backbone), recipe.training, seed, SILENT,
                cache=cache, precision=precision,
            )  # fmt: skip
            share: Any = {"dropout": 0.0, "hidden_dropout": 0.0} if bare else {"dropout": 0.1}
            model = headed_model(context, pooling="first", head_first=False, **share)
            ready, _ = prepared(context, model.backbone.tokenizer)
            groups = strategy.layer_groups(model, epochs)
            stage = Stage(
                parts.task, ready, groups, epochs, LEARNING_RATE, shortcuts=shortcuts(context, model.backbone)
            )
            begun = time.perf_counter()
            train(model, stage, recipe.training, seed=seed, validate=None)
            return model, time.perf_counter() - begun, int(ready.lengths.sum()) * epochs

        if warm:
            once()
        model, seconds, tokens = once()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    assert parts.test is not None
    outputs = NetworkPredictor(model, parts.task).outputs(list(parts.test.inputs))
    score = chosen_score(parts.task, outputs, parts.test).value
    print(
        json.dumps(
            {
                "accuracy": score,
                "training_seconds": round(seconds, 2),
                "tokens": tokens,
                "trained_rows": len(parts.train),
                "peak_bytes": memory,
                "threads": torch.get_num_threads(),
            }
        )
    )


def measured(program: str, train: Path, test: Path, layers: str, epochs: int, seed: int) -> dict[str, Any]:
    """One run of a program in a process of its own."""
    if program.startswith("Trainer") and train.suffix == ".conll":
        command = [sys.executable, str(WORDS_PEER), "--task", "token", "--train", str(train), "--test", str(test)]
        command += ["--epochs", str(epochs), "--seed", str(seed)]
        command += ["--defaults"] * ("defaults" in program) + ["--bf16"] * ("bf16" in program)
        found = json.loads(timed(command, None)[0].strip().split("\n")[-1])
        kept = ("training_seconds", "tokens", "peak_bytes", "threads")
        return {"accuracy": found["test"]["f1"], **{name: found[name] for name in kept}}
    if program.startswith("Trainer") and train.suffix == ".json":
        way = "trainer-best-bf16" if "bf16" in program else "trainer-best" if "best" in program else "trainer"
        command = [sys.executable, str(QUESTIONS_PEER), "--train", str(train), "--test", str(test), "--program", way]
        command += ["--epochs", str(epochs), "--seed", str(seed)]
        found = json.loads(timed(command, None)[0].strip().split("\n")[-1])
        kept = ("training_seconds", "tokens", "peak_bytes", "threads")
        return {"accuracy": found["f1"], **{name: found[name] for name in kept}}
    if program.startswith("Trainer"):
        way = "best-bf16" if "bf16" in program else "best" if "best" in program else "default"
        command = [sys.executable, str(PEER), str(train), str(test), way, layers, str(epochs), str(seed)]
    else:
        command = [sys.executable, __file__, "--child", str(train), str(test), layers, str(epochs), str(seed)]
        command += [WAYS.get(program, "auto")]
    output, _ = timed(command, None)
    return json.loads(output.strip().split("\n")[-1])


def words(folder: Path, rows: int) -> tuple[Path, Path]:
    """So many sentences of CoNLL-2003, and those that are scored."""
    found = tasks.SETS["conll2003"]
    folder.mkdir(parents=True, exist_ok=True)
    parts = {"train": (found.train, rows), "test": (found.test, TEST_SENTENCES)}
    train, test = (
        tasks.write(folder / f"conll2003_{rows}_{part}", tasks.rows_of(draws.DATA / "conll2003" / name)[:most])
        for part, (name, most) in parts.items()
    )
    return train, test


def questions(folder: Path, rows: int) -> tuple[Path, Path]:
    """So many questions of SQuAD, of all articles alike, and those that are scored."""
    folder.mkdir(parents=True, exist_ok=True)
    parts = {"train": ("train.json.gz", rows), "test": ("dev.json", TEST_QUESTIONS)}
    train, test = (
        draws.questions(folder / f"squad_v11_{rows}_{part}.json", name, most) for part, (name, most) in parts.items()
    )
    return train, test


def show(rows: int) -> None:
    """Medians and ratios."""
    found = [row for row in records.rows(RESULTS) if row["rows"] == rows]
    for work in WORKS:
        print(f"\n{work}, {rows} rows of {WORKS[work][0]}")
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
    parser.add_argument("--works", nargs="*", choices=list(WORKS), default=list(WORKS))
    parser.add_argument("--quick", action="store_true", help="192 rows, one repeat: does it run?")
    parser.add_argument("--files", default=str(Path(tempfile.gettempdir()) / "headstart-draws"))
    options = parser.parse_args()
    rows, repeats = (192, 1) if options.quick else (options.rows, options.repeats)
    folder = Path(options.files)
    files = {
        "sst2": (draws.training_file("sst2", folder, rows=rows), draws.scored_file("sst2", folder)),
        "conll2003": words(folder, rows),
        "squad_v11": questions(folder, rows),
    }
    for repeat in range(repeats):
        for work in options.works:
            data, layers, epochs = WORKS[work]
            for program in PROGRAMS:
                if (options.only and program not in options.only) or ("warm" in program and layers == "all"):
                    continue
                found = measured(program, *files[data], layers, epochs, repeat)
                used = found.get("trained_rows", rows) * epochs
                row = {"work": work, "program": program, "rows": rows, "repeat": repeat}
                row |= found | {"per_row": found["training_seconds"] / used}
                if not options.quick:
                    records.keep(RESULTS, row, KEYS)
                print(json.dumps(row), flush=True)
    show(rows)


if __name__ == "__main__":
    main()
