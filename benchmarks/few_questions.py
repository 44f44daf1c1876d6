"""16, 128 or 1,024 questions of SQuAD 1.1: what learning from the unlabelled contexts first buys, with bands.

    python benchmarks/few_questions.py [--questions N ...] [--draws N ...] [--arms NAME ...] [--epochs N] [--adapted FOLDER]
        [--folds N] [--passes N] [--test-rows N] [--threads N] [--busy] [--quick]

The arms are `mini`, and `mini` after `headstart adapt --objective span-selection` on the contexts of the training file, without
their questions (the contexts of the dev part are never learnt from). Each point is one `headstart fit --strategy fine-tuning` on so
many questions drawn at random, scored on the dev part, whose articles are others; every draw is the same for both arms. The
control `word-overlap` stands beside them. By default `fit` makes some 480 updates, which is half an hour on one core for each
run; `--passes` makes fewer of them. F1 is that of the official script. Raw results: benchmarks/results/few_questions.jsonl.
"""

import argparse
import gzip
import json
import random
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

import draws
import records
from few_labels import timed

RESULTS = "few_questions.jsonl"
KEYS = ("questions", "draw", "arm", "adapt", "folds", "passes", "test_rows")
COUNTS = (16, 128, 1024)
DRAWS = 5
EPOCHS = 20
"""Passes over the contexts; about a quarter of an hour on two cores."""
ARMS = ("mini", "span-selection", "word-overlap")
DATA = "squad_v11"


def read(name: str) -> list[dict[str, Any]]:
    """Questions of a file in the form of SQuAD, each with its context."""
    path = draws.DATA / DATA / name
    with gzip.open(path, "rt", encoding="utf-8") if name.endswith(".gz") else open(path, encoding="utf-8") as file:
        articles = json.load(file)["data"]
    return [
        {"id": asked["id"], "title": article["title"], "context": each["context"], "question": asked["question"],
         "answers": asked["answers"]}
        for article in articles
        for each in article["paragraphs"]
        for asked in each["qas"]
    ]  # fmt: skip


def written(rows: list[dict[str, Any]], path: Path) -> Path:
    """Rows as JSON lines."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def adapted(rows: list[dict[str, Any]], folder: Path, options: list[str]) -> tuple[Path, float]:
    """The network after span selection on the contexts of some rows, and the seconds of the command."""
    place = folder / "adapted"
    texts = written(
        [{"text": text} for text in dict.fromkeys(row["context"] for row in rows)], folder / "contexts.jsonl"
    )
    command = [sys.executable, "-m", "headstart.cli", "adapt", str(texts), "--objective", "span-selection", *options]
    _, seconds = timed([*command, "--seed", "0", "-o", str(place), "--overwrite", "--quiet"], None)
    return place, seconds


def fitted(train: Path, test: Path, strategy: str, backbone: str, seed: int, more: list[str]) -> dict[str, Any]:
    """Scores on test rows of one strategy, with more options."""
    with tempfile.TemporaryDirectory() as place:
        command = [sys.executable, "-m", "headstart.cli", "fit", str(train), "--test", str(test), "--no-controls"]
        command += ["--task", "question-answering", "--strategy", strategy, "--seed", str(seed), "--no-cache", *more]
        command += [] if strategy == "word-overlap" else ["--backbone", backbone]
        output, seconds = timed([*command, "-o", f"{place}/run", "--json", "--quiet"], None)
    scores = json.loads(output)["scores"]["test"]
    found = {name: scores[name] for name in ("answer_f1", "exact_match")}
    return {**{name: each["value"] for name, each in found.items()}, "low": found["answer_f1"]["low"],
            "high": found["answer_f1"]["high"], "test_rows": found["answer_f1"]["n"], "seconds": round(seconds, 1)}  # fmt: skip


def show() -> None:
    """The table of what is kept: mean F1 over draws, the worst and the best of them."""
    kept = records.rows(RESULTS)
    for count in sorted({row["questions"] for row in kept}):
        for arm in ARMS:
            values = [row["answer_f1"] for row in kept if (row["questions"], row["arm"]) == (count, arm)]
            if values:
                band = f"{statistics.mean(values):.3f} [{min(values):.3f}, {max(values):.3f}]"
                print(f"{count:>5} questions  {arm:<15} F1 {band}  {len(values)} draws")


def main() -> None:
    """Run the points asked for and show all that are there."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--questions", nargs="*", type=int, default=list(COUNTS))
    parser.add_argument("--draws", nargs="*", type=int, default=list(range(DRAWS)))
    parser.add_argument("--arms", nargs="*", choices=ARMS, default=list(ARMS))
    parser.add_argument("--epochs", type=float, default=EPOCHS, help="passes of span selection over the contexts")
    parser.add_argument(
        "--adapted", help="network that an earlier `adapt` made with as many passes; it is not made again"
    )
    parser.add_argument(
        "--folds", type=int, help="of cross-validation; by default as `fit` does, many where rows are few"
    )
    parser.add_argument(
        "--passes", type=int, help="epochs of fine-tuning; by default as `fit` does, many where rows are few"
    )
    parser.add_argument("--test-rows", type=int, help="questions that are scored, drawn at random; all by default")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--busy", action="store_true", help="other work runs beside it")
    parser.add_argument("--quick", action="store_true", help="one draw of few questions, two updates, nothing kept")
    parser.add_argument("--show", action="store_true", help="only the table of what is kept")
    options = parser.parse_args()
    if options.show:
        show()
        return
    how = ["--updates", "2", "--rounds", "1"] if options.quick else ["--epochs", str(options.epochs)]
    more = [] if options.folds is None else ["--folds", str(options.folds)]
    more += [] if options.threads is None else ["--threads", str(options.threads)]
    training = [] if options.passes is None else ["--epochs", str(options.passes)]
    counts, seeds = ([16], [0]) if options.quick else (options.questions, options.draws)
    every, dev = read("train.json.gz"), read("dev.json")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        scored = min(20 if options.quick else options.test_rows or len(dev), len(dev))
        test = written(random.Random(0).sample(dev, scored), folder / "dev.jsonl")
        spent, networks = 0.0, {"mini": "mini", "word-overlap": ""}
        if options.adapted:
            networks["span-selection"] = options.adapted
        elif "span-selection" in options.arms:
            network, spent = adapted(every, folder, how)
            networks["span-selection"] = str(network)
        for seed in seeds:
            order = random.Random(seed).sample(range(len(every)), len(every))
            for count in counts:
                train = written([every[row] for row in order[:count]], folder / f"{count}-{seed}.jsonl")
                for arm in options.arms:
                    strategy = "word-overlap" if arm == "word-overlap" else "fine-tuning"
                    row = {"questions": count, "draw": seed, "arm": arm, "quiet": not options.busy}
                    row |= {"folds": options.folds, "passes": options.passes if strategy == "fine-tuning" else None}
                    row |= {"adapt": " ".join(how) if arm == "span-selection" else "", "device": records.device()}
                    row |= fitted(
                        train, test, strategy, networks[arm], seed, more + training * (strategy == "fine-tuning")
                    )
                    row |= {"adapt_seconds": round(spent, 1)} if arm == "span-selection" and spent else {}
                    if not options.quick:
                        records.keep(RESULTS, row, KEYS)
                    print(json.dumps(row), flush=True)
    show()


if __name__ == "__main__":
    main()
