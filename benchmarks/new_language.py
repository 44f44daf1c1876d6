"""A network for another language: taught by parallel lines, cut down to some languages, given another vocabulary.

    python benchmarks/new_language.py distil [--budget 20m] [--vocabulary new] [--word-vectors dictionary] [--seed 0]
    python benchmarks/new_language.py trim --multilingual FOLDER [--seed 0]
    python benchmarks/new_language.py transplant [--budget 10m] [--word-vectors random|mean|dictionary] [--seed 0]

`distil`: `mini` taught German from the 29,000 lines of Multi30k (captions of photographs). Then, with it and with `mini` untouched,
the share of 1,000 German-English pairs of Tatoeba whose translation is the nearest (each way, and the mean of both), and Spearman's
correlation of cosines with the scores of STS-B dev. `trim`: a multilingual encoder cut down to the pieces of German and English
texts (law, captions, tweets to learn from); sizes, seconds to open it, Tatoeba, and accuracy of `feature-extraction` on German and
English tweets (umsab), before and after. `transplant`: `mini` adapted to German law with a vocabulary of that text, whose vectors
are random, means of old pieces, or from a dictionary found in Multi30k; loss on held-out text per hidden piece.
Raw results: benchmarks/results/new_language.jsonl.
"""

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

import records

RESULTS = "new_language.jsonl"
KEYS = ("part", "what", "budget", "vocabulary", "word_vectors", "vocabulary_size", "seed", "device", "threads")
DATA = Path(os.environ.get("HEADSTART_DATA", "../shared/data"))
CAPTIONS = (str(DATA / "multi30k_en_de/train.en.gz"), str(DATA / "multi30k_en_de/train.de.gz"))
LAW = DATA / "german_law_raw"


def headstart(*words: str) -> dict[str, Any]:
    """What a command prints with `--json`."""
    done = subprocess.run(
        [sys.executable, "-m", "headstart.cli", *words, "--json"], check=True, stdout=subprocess.PIPE, timeout=14400
    )
    return json.loads(done.stdout)


def opened(location: str) -> tuple[Any, float]:
    """A backbone, and the seconds that it took to open."""
    from headstart.backbones.base import open_backbone
    from headstart.backbones.location import BackboneSource, locate

    located = locate(BackboneSource(location=location))  # whose digest is known from then on
    begun = time.perf_counter()
    return open_backbone(located), time.perf_counter() - begun


def tatoeba(backbone: Any) -> dict[str, float]:
    """Share of pairs whose translation is the nearest of a thousand, for each way."""
    from headstart.predictors.encoding import encode
    from headstart.training.teacher_vectors import retrieval_accuracy

    with (DATA / "tatoeba/deu-eng.tsv").open(encoding="utf-8") as file:
        rows = [line.rstrip("\n").split("\t") for line in file][1:]
    german, english = (encode(backbone, [row[at] for row in rows], role="query").vectors for at in (0, 1))
    there, back = retrieval_accuracy(german, english)
    return {"de_en": there, "en_de": back, "both": (there + back) / 2}


def similarity(backbone: Any, language: str = "de") -> float:
    """Spearman's correlation of cosines with people's scores on STS-B dev."""
    from scipy.stats import spearmanr

    from headstart.predictors.encoding import encode

    with (DATA / f"stsb/{language}_dev.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    one, other = (
        encode(backbone, [row[name] for row in rows], role="query").vectors for name in ("sentence1", "sentence2")
    )
    found: Any = spearmanr((one * other).sum(1), [float(row["score"]) for row in rows])
    return float(found[0])


def keep(**row: Any) -> None:
    """Write a measurement and show it."""
    row |= {"device": records.device()}
    records.keep(RESULTS, row, KEYS)
    print(json.dumps(row))


def measured(location: str) -> dict[str, Any]:
    """Scores of an encoder without a label."""
    backbone, _ = opened(location)
    return {"tatoeba": tatoeba(backbone), "stsb_de": similarity(backbone), "stsb_en": similarity(backbone, "en")}


def distil(options: argparse.Namespace, place: Path) -> None:
    """`mini` taught German, beside `mini` untouched."""
    keep(part="distil", what="untouched", **measured("mini"))
    words = ["--teacher", "mini", "--vocabulary", options.vocabulary, "--word-vectors", options.word_vectors]
    words += ["--budget", options.budget, "--seed", str(options.seed), "-o", str(place / "student")]
    words += ["--vocabulary-size", str(options.vocabulary_size)]
    found = headstart("distill-vectors", *CAPTIONS, *words)
    about = {key: getattr(options, key) for key in ("budget", "vocabulary", "word_vectors", "vocabulary_size", "seed")}
    said = {key: found[key] for key in ("updates", "tokens", "loss", "retrieval", "vocabulary", "seconds", "speed")}
    keep(part="distil", what="taught", **about, threads=os.cpu_count(), run=said, **measured(str(place / "student")))


def accuracy(location: str, language: str, seed: int) -> float:
    """Accuracy on tweets of a solved head on frozen states."""
    data = DATA / "umsab"
    words = ["fit", str(data / f"{language}_train.csv"), "--test", str(data / f"{language}_test.csv"), "--strategy"]
    words += ["feature-extraction", "--no-controls", "--backbone", location, "--seed", str(seed)]
    with tempfile.TemporaryDirectory() as place:
        found = headstart(*words, "-o", f"{place}/run")
    return float(found["scores"]["test"]["accuracy"]["value"])


def trim(options: argparse.Namespace, place: Path) -> None:
    """A multilingual encoder with the pieces of German and English alone."""
    texts = [
        *CAPTIONS,
        str(LAW / "train.txt.gz"),
        *(str(DATA / f"umsab/{name}_train.csv") for name in ("german", "english")),
    ]
    found = headstart("trim", options.multilingual, "--texts", ",".join(texts), "-o", str(place / "small"))
    for what, location in (("whole", options.multilingual), ("trimmed", str(place / "small"))):
        backbone, *seconds = opened(location)
        seconds += [opened(location)[1] for _ in range(2)]
        scores = {f"umsab_{name}": accuracy(location, name, options.seed) for name in ("german", "english")}
        side = "before" if what == "whole" else "after"
        sizes = {key: found[key][side] for key in ("pieces", "parameters", "bytes")}
        about = sizes | scores | {"opening": float(np.median(seconds)), "tatoeba": tatoeba(backbone)}
        keep(part="trim", what=what, seed=options.seed, held_out=found["held_out"], **about)


def transplant(options: argparse.Namespace, place: Path) -> None:
    """`mini` on German law with a vocabulary of its own."""
    words = [
        "adapt",
        str(LAW / "train.txt.gz"),
        "--held-out",
        str(LAW / "valid.txt"),
        "--backbone",
        "mini",
        "--vocabulary",
        "transplant",
    ]
    words += ["--word-vectors", options.word_vectors, "--budget", options.budget, "--seed", str(options.seed)]
    words += ["--vocabulary-size", str(options.vocabulary_size)]
    words += ["--parallel", ",".join(CAPTIONS)] if options.word_vectors == "dictionary" else []
    found = headstart(*words, "-o", str(place / "adapted"))
    about = {key: getattr(options, key) for key in ("budget", "word_vectors", "vocabulary_size", "seed")}
    said = {key: found[key] for key in ("updates", "tokens", "loss", "vocabulary", "seconds", "speed")}
    keep(part="transplant", what=options.word_vectors, **about, threads=os.cpu_count(), **said)


def main() -> None:
    """Carry out one part."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("part", choices=("distil", "trim", "transplant"))
    parser.add_argument("--budget", default="")
    parser.add_argument("--vocabulary", default="new")
    parser.add_argument("--vocabulary-size", type=int, default=16_000)
    parser.add_argument("--word-vectors", default="dictionary")
    parser.add_argument("--multilingual", default="")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    options.budget = options.budget or {"distil": "20m", "transplant": "10m"}.get(options.part, "")
    if options.part == "trim" and not options.multilingual:
        parser.error("trim needs --multilingual, the folder of a multilingual encoder")
    with tempfile.TemporaryDirectory(prefix="headstart-") as place:
        {"distil": distil, "trim": trim, "transplant": transplant}[options.part](options, Path(place))


if __name__ == "__main__":
    main()
