"""What labels are worth that `suggest` asks for: accuracy by number of labels, beside rows picked at random.

    python benchmarks/suggest.py [--sets ag_news sst2] [--seeds N] [--show]

For each seed 3,000 training rows are the pool. `rounds`: 8 labels per class at random, then five rounds of 32 rows that each way of
picking chooses by the model so far; after each a logistic regression on frozen vectors of `mini` is fitted and scored on at
most 2,000 test rows. Ways: `random`; `margin`, `entropy`, `least-confidence` as `suggest --by` has them; `margin, no
clusters` (`--candidates 1`); `no model` (`suggest` without `--model`, the rows so far as `--labelled`). `first`: the first 16, 32
and 64 labels, before there is a model. Truth is the label of the set, so a person's slips are not in it. The parts are those of the
product; vectors are computed once. Differences from `random` are paired by seed, with 95 % intervals by Student's t. Raw results:
benchmarks/results/suggest.jsonl, a line for each set, kind, way and seed.
"""

from __future__ import annotations

import argparse
import json
import statistics
from typing import Any, NamedTuple

import numpy as np

import draws
import records
from headstart.backbones.base import open_backbone
from headstart.backbones.location import BackboneSource, locate
from headstart.grouping.diverse import most_uncertain, not_covered, one_of_each_cluster, without_copies
from headstart.metrics.uncertainty import uncertainty
from headstart.predictors.encoding import encode

RESULTS, KEYS = "suggest.jsonl", ("data", "kind", "way", "seed")
SETS = ("ag_news", "sst2", "airline", "trec6", "tfns", "hate_offensive")
POOL, TESTED, START, BATCH, ROUNDS = 3000, 2000, 8, 32, 5
FIRST = (16, 32, 64)
CANDIDATES = 10
RANDOM, NO_MODEL = "random", "no model"
WAYS = (RANDOM, "margin", "entropy", "least-confidence", "margin, no clusters", NO_MODEL)
T = {1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776, 5: 2.571, 6: 2.447, 7: 2.365, 8: 2.306, 9: 2.262}
"""Quantile 0.975 of Student's t by degrees of freedom."""


class Pool(NamedTuple):
    """Rows that may be labelled, and rows that are scored."""

    vectors: np.ndarray
    labels: np.ndarray
    groups: np.ndarray
    """Group of near copies of each row."""
    test_vectors: np.ndarray
    test_labels: np.ndarray


def read(name: str) -> tuple[list[str], list[str], list[str], list[str]]:
    """Texts and labels of the training rows and of the scored ones, each text once."""
    train = dict(draws.rows_of(draws.DATA / name / draws.FILES[name][0]))
    test = draws.rows_of(draws.DATA / name / draws.FILES[name][1])
    order = np.random.default_rng(7).permutation(len(test))[:TESTED]
    return list(train), list(train.values()), [test[at][0] for at in order], [test[at][1] for at in order]


def fitted(pool: Pool, rows: list[int]) -> Any:
    """A logistic regression on the vectors of labelled rows."""
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=10.0, max_iter=1000).fit(pool.vectors[rows], pool.labels[rows])


def picked(pool: Pool, way: str, rows: list[int], count: int, seed: int) -> list[int]:
    """The rows that a way of picking asks for next."""
    labelled = np.zeros(len(pool.labels), dtype=bool)
    labelled[rows] = True
    groups = np.where(np.isin(pool.groups, pool.groups[labelled]), -1, pool.groups)
    if way == RANDOM:
        free = np.flatnonzero(~labelled)
        return np.random.default_rng([seed, len(rows)]).permutation(free)[:count].tolist()
    if way == NO_MODEL:
        one_each = most_uncertain(np.zeros(len(groups)), groups, len(groups))
        numbers = np.sort(np.concatenate([one_each, np.flatnonzero(labelled)]))
        return numbers[not_covered(pool.vectors[numbers], labelled[numbers], count, seed=seed)].tolist()
    by: Any = way.partition(",")[0]
    unsure = uncertainty(fitted(pool, rows).predict_proba(pool.vectors), by)
    if way != by:
        return most_uncertain(unsure, groups, count).tolist()
    places = most_uncertain(unsure, groups, CANDIDATES * count)
    weights = np.maximum(unsure[places], 1e-6)
    return places[one_of_each_cluster(pool.vectors[places], weights, count, seed=seed)].tolist()


def measure(name: str, seeds: int) -> None:
    """All ways of picking on a set."""
    train, labels, test, test_labels = read(name)
    backbone = open_backbone(locate(BackboneSource()))
    vectors, test_vectors = encode(backbone, train).vectors, encode(backbone, test).vectors
    for seed in range(seeds):
        rows = np.sort(np.random.default_rng([seed, 1]).permutation(len(train))[:POOL])
        groups = without_copies([train[at] for at in rows], np.zeros(len(rows), dtype=bool))
        own = np.array([labels[at] for at in rows])
        pool = Pool(vectors[rows], own, groups, test_vectors, np.array(test_labels))
        random = np.random.default_rng([seed, 2])
        start = [int(at) for each in np.unique(own) for at in random.permutation(np.flatnonzero(own == each))[:START]]
        for way in WAYS:
            chosen, scores = list(start), []
            for _ in range(ROUNDS + 1):
                accuracy = fitted(pool, chosen).score(pool.test_vectors, pool.test_labels)
                scores.append({"labels": len(chosen), "accuracy": round(float(accuracy), 6)})
                chosen += picked(pool, way, chosen, BATCH, seed) if len(scores) <= ROUNDS else []
            keep(name, "rounds", way, seed, scores)
        for way in (RANDOM, NO_MODEL):
            scores = []
            for count in FIRST:
                chosen = picked(pool, way, [], count, seed)
                several = len(np.unique(pool.labels[chosen])) > 1
                accuracy = fitted(pool, chosen).score(pool.test_vectors, pool.test_labels) if several else 0.0
                scores.append({"labels": count, "accuracy": round(float(accuracy), 6)})
            keep(name, "first", way, seed, scores)


def keep(name: str, kind: str, way: str, seed: int, scores: list[dict[str, Any]]) -> None:
    """Keep a line of results and print it."""
    row = {"data": name, "kind": kind, "way": way, "seed": seed, "scores": scores, "device": records.device()}
    records.keep(RESULTS, row, KEYS)
    print(json.dumps(row), flush=True)


def show() -> None:
    """Mean accuracy by way and number of labels, and the difference from `random` with its interval."""
    found = records.rows(RESULTS)
    for name, kind in dict.fromkeys((row["data"], row["kind"]) for row in found):
        own = [row for row in found if (row["data"], row["kind"]) == (name, kind)]
        chance = {row["seed"]: [each["accuracy"] for each in row["scores"]] for row in own if row["way"] == RANDOM}
        print(f"\n{name}, {kind}: labels {', '.join(str(each['labels']) for each in own[0]['scores'])}")
        for way in [each for each in WAYS if any(row["way"] == each for row in own)]:
            scores = {row["seed"]: [each["accuracy"] for each in row["scores"]] for row in own if row["way"] == way}
            means = " ".join(f"{statistics.mean(each):.3f}" for each in zip(*scores.values(), strict=True))
            gains = [np.subtract(scores[seed], chance[seed]) * 100 for seed in scores]
            said = " ".join(interval([float(each) for each in at]) for at in zip(*gains, strict=True))
            print(f"{way:<20} {means}" + (f"   {said}" if way != RANDOM else ""))


def interval(gains: list[float]) -> str:
    """Mean difference in points with its 95 % interval over seeds."""
    if len(gains) < 2:
        return f"{gains[0]:+.1f}"
    half = T.get(len(gains) - 1, 1.96) * statistics.stdev(gains) / len(gains) ** 0.5
    return f"{statistics.mean(gains):+.1f} [{statistics.mean(gains) - half:+.1f}, {statistics.mean(gains) + half:+.1f}]"


def main() -> None:
    """Run what is asked for and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", nargs="*", default=list(SETS))
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--show", action="store_true", help="run nothing: the table of what is kept")
    options = parser.parse_args()
    for name in options.sets if not options.show else ():
        measure(name, options.seeds)
    show()


if __name__ == "__main__":
    main()
