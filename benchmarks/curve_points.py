"""Points of learning curves: which test rows a strategy gets right after so many training rows, in several nested draws.

    python benchmarks/curve_points.py [--only SET ...] [--strategies NAME ...] [--draws N ...] [--sizes N ...] [--busy]

`words` is TF-IDF of words with logistic regression by scikit-learn, `frozen` the last layer of `mini` with a head that headstart
solves: plain versions of `tf-idf` and `feature-extraction` that take a second each.
`fine-tuning` is `headstart fit --strategy fine-tuning`. Rows of a draw are the first so many of one random order, which begins with
two rows of each label, so draws are nested. Raw results: benchmarks/results/curve_points.jsonl, a line per set, strategy, draw and
size, with the rows that are right as packed bits in base64; forecast.py reads them.
"""

import argparse
import base64
import json
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import draws
import records

RESULTS = "curve_points.jsonl"
KEYS = ("data", "strategy", "draw", "size")
SETS = ("sst2", "ag_news", "nicta_piboso", "umsab", "airline", "trec6", "tfns", "hate_offensive", "cola", "clinc150")
TEST_ROWS = 1000
SIZES = (16, 32, 64, 128, 256, 512, 1024, 2048, 4096)
TRAINED_SIZES = (32, 64, 128, 256, 512, 1024)
"""Sizes of what is trained by gradient steps, which takes a minute each."""
TRAINED_LEAST = 300
"""Rows at which sets of many labels begin."""
TEXT_CHARACTERS = 1500
STRENGTH = 0.03
"""Of heads on frozen features."""
CACHE = Path(os.environ.get("HEADSTART_CURVES", Path(tempfile.gettempdir()) / "headstart-curves"))

Fitter = Callable[[np.ndarray], np.ndarray]
"""From the numbers of training rows to whether each test row is right, bool, shape (test rows,)."""


class Set:
    """The rows of a set: training rows in the file's order, and the test rows that all points are scored on."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.train = draws.rows_of(draws.DATA / name / draws.FILES[name][0])
        self.test = draws.drawn(name, "test", TEST_ROWS, seed=7)
        self.labels = sorted({label for _, label in self.train})
        known = {label: at for at, label in enumerate(self.labels)}
        self.targets = np.array([known[label] for _, label in self.train])
        self.truth = np.array([known.get(label, -1) for _, label in self.test])

    def order(self, draw: int) -> np.ndarray:
        """Numbers of the training rows in the order of a draw: two of each label first, then the others at random."""
        mixed = np.random.default_rng([draw, 0xC0B]).permutation(len(self.train))
        seen = np.zeros(len(self.labels), dtype=int)
        first = []
        for row in mixed:
            if seen[self.targets[row]] < 2:
                first.append(row)
                seen[self.targets[row]] += 1
        return np.concatenate([first, mixed[~np.isin(mixed, first)]]).astype(int)

    def sizes(self, wanted: Sequence[int]) -> list[int]:
        """Sizes that the set has rows for, and that hold two rows of each label."""
        return [size for size in wanted if 2 * len(self.labels) <= size <= len(self.train)]


def by_words(data: Set) -> Fitter:
    """TF-IDF of words (1-2), a logistic regression for each label with C 10, terms counted on the training rows alone."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.multiclass import OneVsRestClassifier

    texts, test = np.array([text for text, _ in data.train], dtype=object), [text for text, _ in data.test]

    def right(rows: np.ndarray) -> np.ndarray:
        vectorizer = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
        terms = vectorizer.fit_transform(texts[rows])
        model = OneVsRestClassifier(LogisticRegression(C=10, solver="liblinear")).fit(terms, data.targets[rows])
        return model.predict(vectorizer.transform(test)) == data.truth

    return right


def by_frozen(data: Set) -> Fitter:
    """The mean of the last states of `mini`, a head of fixed strength that headstart solves."""
    from headstart.solving.logistic import LossPath, Part

    train, test = features(data, "train"), features(data, "test")

    def right(rows: np.ndarray) -> np.ndarray:
        part = Part(train[rows], data.targets[rows], np.ones(len(rows)))
        solved = LossPath(part, None, len(data.labels)).at(STRENGTH, afresh=True)
        return solved.logits(test).argmax(1) == data.truth

    return right


def features(data: Set, part: str) -> np.ndarray:
    """Vectors of all texts of a part, computed once, shape (texts, hidden)."""
    from headstart.backbones.base import open_backbone
    from headstart.backbones.location import BackboneSource, locate
    from headstart.predictors.encoding import encode

    path = CACHE / f"{data.name}_{part}.npy"
    if not path.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        backbone = open_backbone(locate(BackboneSource(location="mini")))
        texts = [text[:TEXT_CHARACTERS] for text, _ in (data.train if part == "train" else data.test)]
        np.save(path, encode(backbone, texts).vectors)
    return np.load(path)


def by_training(data: Set) -> Fitter:
    """`fit --strategy fine-tuning`, without controls."""
    import headstart

    texts, test = [text for text, _ in data.train], [text for text, _ in data.test]
    with tempfile.TemporaryDirectory() as folder:
        scored = draws.write(Path(folder) / "test.csv", data.test).read_bytes()

    def right(rows: np.ndarray) -> np.ndarray:
        given = {"text": [texts[row] for row in rows], "label": [data.labels[data.targets[row]] for row in rows]}
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "test.csv"
            path.write_bytes(scored)
            artifact = headstart.fit(given, strategy="fine-tuning", controls=False, threads=1)
        said = [each.label for each in artifact.predict(test)]
        known = {label: at for at, label in enumerate(data.labels)}
        return np.array([known[label] for label in said]) == data.truth

    return right


STRATEGIES: dict[str, Callable[[Set], Fitter]] = {"words": by_words, "frozen": by_frozen, "fine-tuning": by_training}


def packed(right: np.ndarray) -> str:
    """Bits as text."""
    return base64.b64encode(np.packbits(right).tobytes()).decode()


def unpacked(row: dict[str, Any]) -> np.ndarray:
    """Whether each test row is right, bool, shape (test rows,)."""
    return np.unpackbits(np.frombuffer(base64.b64decode(row["right"]), np.uint8), count=row["rows"]).astype(bool)


def main() -> None:
    """Make the points that are not there yet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", default=list(SETS))
    parser.add_argument("--strategies", nargs="*", default=["words", "frozen"])
    parser.add_argument("--draws", nargs="*", type=int, default=list(range(5)))
    parser.add_argument("--sizes", nargs="*", type=int, default=[])
    options = parser.parse_args()
    there = {tuple(row[key] for key in KEYS) for row in records.rows(RESULTS)}
    for draw in options.draws:
        for name in options.only:
            data = Set(name)
            for strategy in options.strategies:
                usual = TRAINED_SIZES if strategy == "fine-tuning" else SIZES
                wanted = [
                    size for size in data.sizes(options.sizes or usual) if (name, strategy, draw, size) not in there
                ]
                fitter = STRATEGIES[strategy](data) if wanted else None
                for size in wanted:
                    assert fitter is not None
                    started = time.perf_counter()
                    right = fitter(data.order(draw)[:size])
                    row = {"data": name, "strategy": strategy, "draw": draw, "size": size}
                    row |= {"score": float(right.mean()), "rows": len(right), "right": packed(right)}
                    records.keep(RESULTS, row, KEYS)
                    print(json.dumps(row | {"right": "", "seconds": time.perf_counter() - started}), flush=True)


if __name__ == "__main__":
    main()
