"""Small labelled files drawn from the real data sets: the same rows for every program that is compared."""

import csv
import gzip
import json
import os
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("HEADSTART_DATA", ROOT.parent / "shared" / "data"))
FILES = {
    "ag_news": ("train.csv.gz", "test.csv.gz"),
    "airline": ("train.csv.gz", "test.csv"),
    "clinc150": ("train.csv", "test.csv"),
    "cola": ("train.csv", "dev.csv"),
    "hate_offensive": ("train.csv.gz", "test.csv"),
    "nicta_piboso": ("train.csv.gz", "test.csv"),
    "sst2": ("train.csv", "test.csv"),
    "tfns": ("train.csv", "test.csv"),
    "trec6": ("train.csv", "test.csv"),
    "umsab": ("english_train.csv", "english_test.csv"),
}
"""Training file of each set and the one that is scored; all have the columns text and label."""
KINDS_SEED = 0
"""Of the labels that are drawn where a set has too many for a peer."""

Row = tuple[str, str]


def rows_of(path: Path) -> list[Row]:
    """Text and label of every row of a file, gzipped or not."""
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8", newline="") as file:
        return [(row["text"], row["label"]) for row in csv.DictReader(file)]


def write(path: Path, rows: list[Row]) -> Path:
    """A CSV file with the columns text and label."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "label"])
        writer.writerows(rows)
    return path


def questions(path: Path, name: str, count: int, seed: int = 0) -> Path:
    """A file in the form of SQuAD with so many questions of a file of squad_v11, drawn at random."""
    source = DATA / "squad_v11" / name
    with (gzip.open if source.suffix == ".gz" else open)(source, "rt", encoding="utf-8") as file:
        articles = json.load(file)["data"]
    every = [asked["id"] for article in articles for each in article["paragraphs"] for asked in each["qas"]]
    chosen = {every[at] for at in np.random.default_rng(seed).permutation(len(every))[:count]}
    kept = []
    for article in articles:
        paragraphs = [
            {"context": each["context"], "qas": own}
            for each in article["paragraphs"]
            if (own := [asked for asked in each["qas"] if asked["id"] in chosen])
        ]
        if paragraphs:
            kept.append({"title": article["title"], "paragraphs": paragraphs})
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"version": "1.1", "data": kept}), encoding="utf-8")
    return path


def per_label(rows: list[Row], count: int, seed: int) -> list[Row]:
    """`count` rows of each label (all where there are fewer), in random order."""
    random = np.random.default_rng(seed)
    chosen: list[int] = []
    for label in sorted({label for _, label in rows}):
        own = [at for at, row in enumerate(rows) if row[1] == label]
        chosen += list(random.permutation(own)[:count])
    return [rows[at] for at in random.permutation(chosen)]


def at_most(rows: list[Row], count: int, seed: int) -> list[Row]:
    """`count` rows at random, with two of each label at least."""
    random = np.random.default_rng(seed)
    order = random.permutation(len(rows))
    seen: dict[str, int] = {}
    first, rest = [], []
    for at in order:
        label = rows[at][1]
        seen[label] = seen.get(label, 0) + 1
        (first if seen[label] <= 2 else rest).append(at)
    return [rows[at] for at in [*first, *rest][:count]]


def of_kinds(name: str, rows: list[Row], kinds: int | None) -> list[Row]:
    """The rows of so many of a set's labels, the same for every draw; all where no number is given."""
    if kinds is None:
        return rows
    every = sorted({label for _, label in rows_of(DATA / name / FILES[name][0])})
    chosen = {every[at] for at in np.random.default_rng(KINDS_SEED).permutation(len(every))[:kinds]}
    return [row for row in rows if row[1] in chosen]


def training_file(
    name: str,
    folder: Path,
    *,
    labels: int | None = None,
    rows: int | None = None,
    seed: int = 0,
    kinds: int | None = None,
) -> Path:
    """Draw a training file: so many rows of each label, or at most so many rows; of `kinds` of the labels where given."""
    drawn = of_kinds(name, rows_of(DATA / name / FILES[name][0]), kinds)
    if labels is not None:
        return write(folder / f"{name}_{labels}_{seed}.csv", per_label(drawn, labels, seed))
    return write(folder / f"{name}_most_{rows}_{seed}.csv", at_most(drawn, rows or len(drawn), seed))


def scored_file(name: str, folder: Path, *, kinds: int | None = None, rows: int | None = None) -> Path:
    """The scored part as a CSV file with the columns text and label, whole or so many of its rows, the same ones always."""
    path = folder / f"{name}_test{f'_{rows}' if rows else ''}.csv"
    if path.exists():
        return path
    found = of_kinds(name, rows_of(DATA / name / FILES[name][1]), kinds)
    order = np.random.default_rng(7).permutation(len(found))
    return write(path, found if rows is None else [found[at] for at in order[:rows]])


def drawn(name: str, part: str, count: int, seed: int = 0) -> list[Row]:
    """So many rows of a set at random.

    Args:
        name: of the set.
        part: `train` or `test`.
        count: rows at most.
        seed: another seed, other rows.
    """
    every = rows_of(DATA / name / FILES[name][part == "test"])
    return [every[at] for at in np.random.default_rng(seed).permutation(len(every))[:count]]
