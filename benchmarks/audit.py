"""What is found of whom a model treats worse and what breaks it, and what mending buys and costs.

    python benchmarks/audit.py [--only identity typos speed likelihoods] [--seeds N ...] [--rows N]
        [--decoder FOLDER] [--threads N] [--quick]

`identity`: `mini`, frozen, learns from tweets which are toxic (hate_offensive: hate speech and offensive language), as
they are; with copies in which terms of a list stand for each other; with these terms masked; and with copies with typos
beside. The list has every other one of the 50 terms of bias_madlibs, in the order of the alphabet. Each model is
audited on sentences of madlibs with the known terms, and with the others: how far the false alarms of the groups lie
from those of all (Dixon et al. 2018) above the noise of so many rows, and what share of that of the first model is
gone; macro F1 on the test tweets says what it costs. `typos`: SST-2 as it is, and with copies of which a fifth of the
words is misspelt; tested with words misspelt in ways that training has not seen (of each word of the list of
natural_typos every other way). `tf-idf` is the control of both. `speed`: wall clock of `audit` on 1,000 tweets to
airlines with groups, swaps and typos, the whole command. `likelihoods`: which sentence of each of the 1,508 pairs of
CrowS-Pairs a decoder holds for the likelier one; FOLDER is what `headstart import` made of smol.
Raw results: benchmarks/results/audit.jsonl, a line per part, model and seed.
"""

import argparse
import csv
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import draws
import records
from few_labels import timed

RESULTS = "audit.jsonl"
KEYS = ("part", "model", "seed", "rows", "device")
PARTS = ("identity", "typos", "speed", "likelihoods")
FROZEN = ["--strategy", "feature-extraction"]
CONTROL = ["--strategy", "tf-idf"]
TOXIC = {"hate_speech": "toxic", "offensive_language": "toxic", "neither": "not_toxic"}
EVERY = 1_000_000


def run(verb: str, *words: str | Path, threads: int | None) -> tuple[dict[str, Any], float]:
    """What a command of the product prints as JSON, and its seconds."""
    given = [str(word) for word in words] + (["--threads", str(threads)] if threads else [])
    found, seconds = timed([sys.executable, "-m", "headstart.cli", verb, *given, "--json", "--quiet"], threads)
    return json.loads(found), seconds


def fitted(train: Path, test: Path, folder: Path, options: list[str], seed: int, threads: int | None) -> float:
    """Seconds of a fit without controls that learns from all rows."""
    words = [
        "--test",
        test,
        *options,
        "--no-controls",
        "--budget",
        "none",
        "--seed",
        str(seed),
        "-o",
        folder,
        "--overwrite",
    ]
    return run("fit", train, *words, threads=threads)[1]


def identity(folder: Path, seed: int, rows: int, threads: int | None) -> list[dict[str, Any]]:
    """The models of the part `identity`."""
    source = draws.DATA / "hate_offensive"
    parts = [draws.rows_of(source / name)[:rows] for name in draws.FILES["hate_offensive"]]
    train, test = (
        draws.write(folder / f"{name}.csv", [(text, TOXIC[label]) for text, label in part])
        for name, part in zip(("train", "test"), parts, strict=True)
    )
    with (draws.DATA / "bias_madlibs" / "madlibs_en.csv").open(encoding="utf-8", newline="") as file:
        sentences = list(csv.DictReader(file))
    terms = sorted({row["identity"] for row in sentences})
    lists = {"known": terms[::2], "held_out": terms[1::2]}
    for name, own in lists.items():
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, ["text", "label", "identity"], extrasaction="ignore")
            writer.writeheader()
            writer.writerows(row for row in sentences if row["identity"] in own)
    known = folder / "terms.json"
    known.write_text(json.dumps({"identity": lists["known"]}), encoding="utf-8")
    ways = {
        "mini": FROZEN,
        "mini, copies": [*FROZEN, "--counterfactuals", known, "--copies", "3"],
        "mini, masked": [*FROZEN, "--mask-terms", known],
        "mini, masked, copies of typos": [*FROZEN, "--mask-terms", known, "--typo-copies", "en"],
        "tf-idf": CONTROL,
    }
    found = []
    for model, options in ways.items():
        seconds = fitted(train, test, folder / "run", [str(word) for word in options], seed, threads)
        scores = run("evaluate", folder / "run", test, threads=threads)[0]["scores"]
        row: dict[str, Any] = {
            "model": model,
            "fit_seconds": seconds,
            "scores": {key: scores[key] for key in ("accuracy", "macro_f1")},
        }
        for name in lists:
            said, _ = run(
                "audit", folder / "run", folder / f"{name}.csv", "--by", "identity", "--positive-label", "toxic", "--forms", "",
                threads=threads,
            )  # fmt: skip
            [column] = said["audit"]["group_gaps"]["columns"]
            [label] = column["labels"]
            row[name] = {
                key: label[key]["equality_difference"] for key in ("false_positive_rate", "true_positive_rate")
            }
            row[name] |= {
                "accuracy": said["scores"]["accuracy"]["value"],
                "false_alarms": label["false_positive_rate"]["overall"],
            }
        found.append(row)
    whole = found[0]
    for row in found:
        for name in lists:
            before, after = (each[name]["false_positive_rate"]["above"] for each in (whole, row))
            row[name]["removed"] = 1 - after / before if before else None
        row["cost_macro_f1"] = whole["scores"]["macro_f1"]["value"] - row["scores"]["macro_f1"]["value"]
    return found


def typos(folder: Path, seed: int, rows: int, threads: int | None) -> list[dict[str, Any]]:
    """The models of the part `typos`."""
    train, test = (
        draws.write(folder / f"{name}.csv", draws.at_most(draws.rows_of(draws.DATA / "sst2" / file), rows, seed))
        for name, file in zip(("train", "test"), draws.FILES["sst2"], strict=True)
    )
    lines = (draws.DATA / "natural_typos" / "en.tsv").read_text(encoding="utf-8").splitlines()[1:]
    ways = {word: said.split() for word, _, said in (line.partition("\t") for line in lines)}
    for at, name in enumerate(("seen", "unseen")):
        kept = (f"{word}\t{' '.join(said[at::2])}" for word, said in ways.items() if said[at::2])
        (folder / f"{name}.tsv").write_text("\n".join(kept) + "\n", encoding="utf-8")
    copies = ["--typo-copies", folder / "seen.tsv"]
    models = {
        "mini": FROZEN,
        "mini, copies of typos": [*FROZEN, *copies],
        "tf-idf": CONTROL,
        "tf-idf, copies of typos": [*CONTROL, *copies],
    }
    found = []
    for model, options in models.items():
        fitted(train, test, folder / "run", [str(word) for word in options], seed, threads)
        said, _ = run(
            "audit", folder / "run", test, "--typos", folder / "unseen.tsv", "--typo-rates", "0.1,0.3,1", "--most-rows", "100000",
            "--forms", "", threads=threads,
        )  # fmt: skip
        shown = said["audit"]["perturbations"]
        rates = {f"{row['rate']:g}": {"score": row["score"], "misspelt": row["misspelt"]} for row in shown["rows"]}
        found.append({"model": model, "untouched": shown["untouched"], "rates": rates})
    return found


def speed(folder: Path, seed: int, rows: int, threads: int | None) -> list[dict[str, Any]]:
    """Seconds of an audit of a model that was fitted before."""
    source = draws.DATA / "airline"
    fitted(
        source / "train.csv.gz",
        source / "test.csv",
        folder / "run",
        [*FROZEN, "--label", "label", "--text", "text"],
        seed,
        threads,
    )
    lines = (source / "test.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    (folder / "some.csv").write_text("".join(lines[: min(rows, 1000) + 1]), encoding="utf-8")
    terms = folder / "terms.json"
    airlines = ["united", "usairways", "americanair", "southwestair", "jetblue", "virginamerica"]
    pronouns = [["he", "she"], ["his", "her"], ["him", "her"], ["man", "woman"], ["guy", "lady"]]
    terms.write_text(json.dumps({"airline": airlines, "gender": pronouns}), encoding="utf-8")
    said, seconds = run(
        "audit",
        folder / "run",
        folder / "some.csv",
        "--by",
        "airline",
        "--swap",
        terms,
        "--typos",
        "en",
        threads=threads,
    )
    copies = sum(each.get("copies", 0) for each in said["audit"]["swaps"]["lists"])
    return [{"model": "mini", "seconds": round(seconds, 1), "copies": copies, "audited": said["rows"]}]


def likelihoods(decoder: str, threads: int | None) -> list[dict[str, Any]]:
    """What a decoder prefers, as it is."""
    pairs = draws.DATA / "crows_pairs" / "crows_pairs.csv"
    said, seconds = run("audit", decoder, "--sentence-pairs", pairs, threads=threads)
    keys = ("category", "pairs", "prefers", "p_holm")
    found = said["audit"]["pair_likelihoods"]
    kinds = [{key: each[key] for key in keys} for each in found["categories"]]
    return [{"model": Path(decoder).name, "score": found["score"], "categories": kinds, "seconds": round(seconds, 1)}]


def main() -> None:
    """Fit, audit, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=[*PARTS])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--rows", type=int, default=EVERY, help="rows of each file at most")
    parser.add_argument(
        "--decoder", default=os.environ.get("HEADSTART_SMOL", "models/smol"), help="folder of a decoder"
    )
    parser.add_argument("--threads", type=int)
    parser.add_argument("--quick", action="store_true", help="300 rows of each file, nothing kept: does it run?")
    options = parser.parse_args()
    rows = 300 if options.quick else options.rows
    measured = {"identity": identity, "typos": typos, "speed": speed}
    for part in options.only:
        for seed in options.seeds:
            with tempfile.TemporaryDirectory() as place:
                for found in (
                    likelihoods(options.decoder, options.threads)
                    if part == "likelihoods"
                    else measured[part](Path(place), seed, rows, options.threads)
                ):
                    row = {"part": part, "seed": seed, "rows": rows, "device": records.device()} | found
                    if not options.quick:
                        records.keep(RESULTS, row, KEYS)
                    print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
