"""How two other tools choose a method, on the same backbone, beside `headstart fit`: by the smallest class, and by a search.

    python benchmarks/peer_methods.py [--only SET ...] [--labels 2 4 8 16 32] [--draws N ...] [--programs NAME ...]
        [--test-rows 1000] [--threads N] [--busy] [--quick]

Neither tool installs beside the versions that headstart runs on, so their methods are rebuilt here from parts of headstart and of
scikit-learn; what is compared is the way of choosing, on one encoder (`mini`) and the same rows.

- `headstart`: `headstart fit` with its defaults, without controls.
- `smallest-class` (OpenAutoNLU): up to 5 rows of the smallest class contrastive learning of pairs anchored in the labels' names,
  up to 80 the same without names, beyond fine-tuning with the best of 10 trials. No control and no test of the choice.
- `search` (AutoIntent, its classic preset): 20 trials of optuna's TPE over a module on frozen vectors (nearest neighbours with
  their number and weights, logistic regression, random forest) by accuracy on the fifth of the rows that is held out; the best is
  fitted once more on all rows.

Rows are drawn by `draws.py`; the same test rows are scored for all. Raw results: benchmarks/results/peer_methods.jsonl,
a line for each set, number of labels, draw and program; at the end means with a standard error over draws, losing cases as well.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

import draws
import records
from few_labels import timed

RESULTS = "peer_methods.jsonl"
KEYS = ("data", "labels", "draw", "program", "test_rows", "device")
SETS = ("ag_news", "sst2")
PROGRAMS = ("headstart", "smallest-class", "search")
ANCHORED, CONTRASTIVE = 5, 80
"""Rows of the smallest class up to which pairs are anchored in names, and up to which contrastive learning is chosen."""
TRIALS, TUNED = 20, 10
"""Trials of the search, and of fine-tuning beyond `CONTRASTIVE` rows."""


def command(verb: str, words: list[str], place: str, threads: int | None) -> list[str]:
    """A command of the product that writes a run into a folder."""
    options = ["--output", f"{place}/run", "--no-controls", "--no-cache", "--json", "--quiet"]
    options += ["--threads", str(threads)] if threads else []
    return [sys.executable, "-m", "headstart.cli", verb, *words, *options]


def by_smallest_class(rows: list[draws.Row]) -> tuple[str, list[str]]:
    """The verb and the options of the method that the smallest class stands for."""
    fewest = min(Counter(label for _, label in rows).values())
    if fewest <= CONTRASTIVE:
        names = "--label-names" if fewest <= ANCHORED else "--no-label-names"
        return "fit", ["--strategy", "contrastive", "--loss", "pairs", names]
    return "tune", ["--strategy", "fine-tuning", "--trials", str(TUNED)]


def run(program: str, train: Path, test: Path, seed: int, threads: int | None) -> dict[str, Any]:
    """One whole command of the product."""
    rows = draws.rows_of(train)
    verb, options = by_smallest_class(rows) if program == "smallest-class" else ("fit", [])
    with tempfile.TemporaryDirectory() as place:
        words = [str(train), "--test", str(test), "--seed", str(seed), *options]
        output, seconds = timed(command(verb, words, place, threads), threads)
        told = records.described(f"{place}/run")
    found = json.loads(output)
    score = found["scores"]["test"]["accuracy"]["value"]
    return {"accuracy": score, "seconds": round(seconds, 1), "method": f"{found['strategy']}: {told}"}


def vectors(texts: list[str], threads: int | None) -> np.ndarray:
    """Mean vectors of the last layer of `mini`, of length 1, shape (texts, width)."""
    import torch

    from headstart.backbones.base import open_backbone
    from headstart.backbones.location import BackboneSource, locate
    from headstart.training.features import pooled_states

    if threads:
        torch.set_num_threads(threads)
    backbone = open_backbone(locate(BackboneSource()))
    states = pooled_states(backbone, backbone.tokenizer.encode(texts), ("mean",), layers=(backbone.depth,))[:, 0, 0]
    return states / np.maximum(np.linalg.norm(states, axis=1, keepdims=True), 1e-12)


def module(trial: Any, seed: int) -> Any:
    """A module of the search with the settings of a trial."""
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.neighbors import KNeighborsClassifier

    kind = trial.suggest_categorical("module", ["neighbours", "logistic", "forest"])
    if kind == "neighbours":
        weights = trial.suggest_categorical("weights", ["uniform", "distance"])
        return KNeighborsClassifier(trial.suggest_int("k", 1, 20), weights=weights)
    if kind == "logistic":
        return LogisticRegression(C=trial.suggest_float("C", 1e-2, 1e3, log=True), max_iter=1000)
    depth = trial.suggest_int("max_depth", 2, 20)
    return RandomForestClassifier(trial.suggest_int("trees", 50, 300), max_depth=depth, random_state=seed)


def search(train: Path, test: Path, seed: int, threads: int | None) -> dict[str, Any]:
    """The search over modules on frozen vectors, one fifth of the rows held out."""
    import optuna
    from sklearn.model_selection import train_test_split

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    started = time.perf_counter()
    rows, scored = draws.rows_of(train), draws.rows_of(test)
    states = vectors([text for text, _ in [*rows, *scored]], threads)
    known, labels = states[: len(rows)], np.array([label for _, label in rows])
    held = max(len(set(labels)), len(rows) // 5)
    kept, tried = train_test_split(np.arange(len(rows)), test_size=held, stratify=labels, random_state=seed)

    def objective(trial: Any) -> float:
        made = module(trial, seed)
        if getattr(made, "n_neighbors", 1) > len(kept):
            return 0.0
        return float(made.fit(known[kept], labels[kept]).score(known[tried], labels[tried]))

    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed, multivariate=False))
    study.optimize(objective, n_trials=TRIALS)
    best = module(study.best_trial, seed).fit(known, labels)
    found = float(best.score(states[len(rows) :], np.array([label for _, label in scored])))
    told = ", ".join(f"{name} {value}" for name, value in study.best_params.items())
    return {"accuracy": found, "seconds": round(time.perf_counter() - started, 1), "method": told}


def show() -> None:
    """Mean gain of `headstart` over each way, over the draws that both have; and over all."""
    found = {(r["data"], r["labels"], r["draw"], r["program"]): r["accuracy"] for r in records.rows(RESULTS)}
    for program in PROGRAMS[1:]:
        means = []
        for name, labels in sorted({(key[0], key[1]) for key in found}):
            drawn = [key[2] for key in found if key[:2] == (name, labels) and key[3] == program]
            both = [draw for draw in drawn if (name, labels, draw, "headstart") in found]
            if not both:
                continue
            ours, theirs = ([found[name, labels, draw, each] for draw in both] for each in ("headstart", program))
            gains = [100 * (one - other) for one, other in zip(ours, theirs, strict=True)]
            error = statistics.stdev(gains) / len(gains) ** 0.5 if len(gains) > 1 else float("nan")
            means.append(statistics.mean(gains))
            print(
                f"{name:<10} {labels:>3} per label, {len(both)} draws: headstart {statistics.mean(ours):.4f}, {program} "
                f"{statistics.mean(theirs):.4f}, gain {means[-1]:+.2f} points (s.e. {error:.2f})"
            )
        if means:
            print(f"over {program}: mean {statistics.mean(means):+.2f} points, worst {min(means):+.2f}")


def main() -> None:
    """Draw, fit, score, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=[*draws.FILES], default=[*SETS])
    parser.add_argument("--labels", nargs="+", type=int, default=[2, 4, 8, 16, 32], help="rows of each label")
    parser.add_argument("--draws", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--programs", nargs="+", choices=PROGRAMS, default=PROGRAMS)
    parser.add_argument("--test-rows", type=int, default=1000)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--busy", action="store_true", help="other work runs beside it: times say nothing")
    parser.add_argument("--quick", action="store_true", help="2 rows of each label, 20 test rows, nothing kept")
    options = parser.parse_args()
    labels, tested = ([2], 20) if options.quick else (options.labels, options.test_rows)
    for name in options.only[:1] if options.quick else options.only:
        every = draws.rows_of(draws.DATA / name / draws.FILES[name][0])
        scored = draws.at_most(draws.rows_of(draws.DATA / name / draws.FILES[name][1]), tested, 0)
        for count in labels:
            for draw in options.draws[:1] if options.quick else options.draws:
                with tempfile.TemporaryDirectory() as place:
                    train = draws.write(Path(place) / "train.csv", draws.per_label(every, count, draw))
                    test = draws.write(Path(place) / "test.csv", scored)
                    for program in options.programs:
                        one = search if program == "search" else lambda *given, p=program: run(p, *given)
                        row = {
                            "data": name, "labels": count, "draw": draw, "program": program, "test_rows": len(scored),
                            "device": records.device(), "threads": options.threads, "quiet": not options.busy,
                            **one(train, test, draw, options.threads),
                        }  # fmt: skip
                        if not options.quick:
                            records.keep(RESULTS, row, KEYS)
                        print(
                            f"{name:<10} {count:>3} per label, draw {draw}: {program:<14} {row['accuracy']:.4f}, "
                            f"{row['seconds']:.0f} s, {row['method'][:90]}",
                            flush=True,
                        )
    show()


if __name__ == "__main__":
    main()
