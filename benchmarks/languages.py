"""One model's knowledge for another language: search and labels across languages, against controls.

    python benchmarks/languages.py [--only PART ...] [--backbones multi,mini] [--seeds 1] [--threads N] [--quick]

Parts: `tatoeba` (which of 1,000 sentences is the translation of another, nothing trained, vectors whole, halved and in bytes);
`transfer` (three labels of tweets, learnt in English, scored in German and Spanish); `own` (labels in German, and in Spanish,
alone); `few` (English labels and 0, 8 or 32 German ones of each class); `search` (German and Spanish questions of XQuAD to English
passages, untouched and after training on SQuAD's English questions); `answers` (SQuAD's English answers, XQuAD in German and
Spanish); `entities` (CoNLL-2003 in English, WikiANN in German, which follows other guidelines). All but `tatoeba` are runs of the
command line: choices are made on rows of the language that is learnt from. A backbone may be a folder too. Raw results:
benchmarks/results/languages.jsonl, a line per part, backbone, strategy, seed and test.
"""

import argparse
import csv
import gzip
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import draws
import records
from few_labels import timed

RESULTS = "languages.jsonl"
KEYS = ("part", "backbone", "strategy", "seed", "test", "labels", "width")
LANGUAGES = {"de": "german", "es": "spanish"}


def table(path: Path, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Path:
    """A CSV file."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(rows)
    return path


def tweets(language: str, part: str) -> list[tuple[str, str]]:
    """Tweets with their labels, as the file has them."""
    with (draws.DATA / "umsab" / f"{language}_{part}.csv").open(newline="", encoding="utf-8") as file:
        return [(row["text"], row["label"]) for row in csv.DictReader(file)]


def fitted(words: Sequence[object], options: argparse.Namespace, seed: int) -> dict[str, Any]:
    """What `headstart compare --json` says."""
    with tempfile.TemporaryDirectory() as folder:
        command = [
            sys.executable,
            "-m",
            "headstart.cli",
            "compare",
            *map(str, words),
            "-o",
            f"{folder}/run",
            "--seed",
            str(seed),
        ]
        command += ["--json", "--quiet", *(["--threads", str(options.threads)] if options.threads else [])]
        output, _ = timed(command, options.threads)
    return json.loads(output)


def kept(part: str, options: argparse.Namespace, said: dict[str, Any], **about: Any) -> None:
    """Keep and print the scores of all strategies of a run, on test and on every named test."""
    gaps = {
        (name, row["strategy"]): row["gap"]
        for name, found in (said.get("tests") or {}).items()
        for row in (found or {}).get("rows", [])
    }
    for line in said["leaderboard"]:
        for test, found in (line["scores"] or {}).items():
            if test == "validation" or not found:
                continue
            row = {
                "part": part, **about, "strategy": line["strategy"], "test": test, "seconds": line["seconds"],
                "scores": {name: value for name, value in found.items() if value}, "gap": gaps.get((test, line["strategy"])),
                "device": records.device(),
            }  # fmt: skip
            if not options.quick:
                records.keep(RESULTS, row, KEYS)
            name, score = next(iter(row["scores"].items()))
            print(
                f"{part:9} {about.get('backbone', '')!s:6.6} {line['strategy']:20} {test:12} {name} {score['value']:.3f} "
                f"[{score['low']:.3f}, {score['high']:.3f}] {' '.join(f'{key}={value}' for key, value in about.items())}",
                flush=True,
            )


def tatoeba(options: argparse.Namespace, backbone: str, folder: Path) -> None:
    """Share of sentences whose nearest one is their translation, both ways."""
    from headstart.backbones.base import open_backbone
    from headstart.backbones.location import BackboneSource, locate
    from headstart.predictors.dense import of_bytes, shortened, to_bytes
    from headstart.predictors.encoding import encode
    from headstart.runtime.machine import set_threads

    set_threads(options.threads, torch_runs=True)
    network = open_backbone(locate(BackboneSource(location=backbone)))
    size = network.hidden_size
    for name in ("deu-eng", "spa-eng"):
        lines = (draws.DATA / "tatoeba" / f"{name}.tsv").read_text(encoding="utf-8").split("\n")
        pairs = [line.split("\t")[:2] for line in lines if line][: 50 if options.quick else None]
        started = time.perf_counter()
        sides = [encode(network, [pair[at] for pair in pairs], role="query").vectors for at in (0, 1)]
        seconds = time.perf_counter() - started
        ways = {f"{width} float32": [shortened(each, width) for each in sides] for width in (size, size // 2)}
        ways[f"{size} int8"] = [of_bytes(*to_bytes(each)) for each in sides]
        for width, cut in ways.items():
            for way, (asked, given) in {"to-english": cut, "from-english": cut[::-1]}.items():
                right = (asked @ given.T).argmax(1) == np.arange(len(pairs))
                row = {
                    "part": "tatoeba", "backbone": backbone, "test": f"{name} {way}", "width": width, "rows": len(pairs),
                    "accuracy": float(right.mean()), "seconds": round(seconds, 1), "device": records.device(),
                }  # fmt: skip
                if not options.quick:
                    records.keep(RESULTS, row, KEYS)
                print(f"tatoeba   {backbone:6.6} {name} {way:12} {width}: {right.mean():.3f}", flush=True)


def _files(folder: Path, options: argparse.Namespace, language: str = "english") -> dict[str, Path]:
    """Tweets of a language as files by part."""
    most = 90 if options.quick else None
    rows = {part: tweets(language, part)[:most] for part in ("train", "dev", "test")}
    return {part: table(folder / f"{language}_{part}.csv", ("text", "label"), each) for part, each in rows.items()}


def transfer(options: argparse.Namespace, backbone: str, folder: Path) -> None:
    """English labels, tests in German and Spanish; then labels of their own."""
    files = _files(folder, options)
    others = {short: _files(folder, options, language) for short, language in LANGUAGES.items()}
    tests = ",".join(f"{short}={each['test']}" for short, each in others.items())
    for seed in range(options.seeds):
        words = [
            files["train"],
            "--validation",
            files["dev"],
            "--test",
            files["test"],
            "--tests",
            tests,
            "--metric",
            "accuracy",
        ]
        words += ["--backbone", backbone, "--strategies", f"tf-idf,{options.strategies}", "--no-refit"]
        words += [] if options.scratch else ["--no-controls"]
        kept("transfer", options, fitted(words, options, seed), backbone=backbone, seed=seed, labels="english")


def own(options: argparse.Namespace, backbone: str, folder: Path) -> None:
    """Labels in German and in Spanish alone."""
    for short, language in LANGUAGES.items():
        files = _files(folder, options, language)
        for seed in range(options.seeds):
            words = [files["train"], "--validation", files["dev"], "--test", files["test"], "--metric", "accuracy"]
            words += [
                "--backbone",
                backbone,
                "--strategies",
                f"tf-idf,{options.strategies}",
                "--no-controls",
                "--no-refit",
            ]
            kept("own", options, fitted(words, options, seed), backbone=backbone, seed=seed, labels=short)


def few(options: argparse.Namespace, backbone: str, folder: Path) -> None:
    """English labels and a few German ones of each class among them, drawn by the seed."""
    files, german = _files(folder, options), tweets("german", "train")
    test = _files(folder, options, "german")["test"]
    for seed in range(options.seeds):
        order = np.random.default_rng(seed).permutation(len(german))
        for count in (0, 8, 32):
            drawn = [
                german[at]
                for label in sorted({label for _, label in german})
                for at in [at for at in order if german[at][1] == label][:count]
            ]
            english = tweets("english", "train")[: 90 if options.quick else None]
            path = table(folder / f"few{count}.csv", ("text", "label"), [*english, *drawn])
            words = [
                path,
                "--validation",
                files["dev"],
                "--test",
                files["test"],
                "--tests",
                f"de={test}",
                "--metric",
                "accuracy",
            ]
            words += ["--backbone", backbone, "--strategies", options.strategies, "--no-controls", "--no-refit"]
            kept("few", options, fitted(words, options, seed), backbone=backbone, seed=seed, labels=f"english+{count}")


def squad(path: Path) -> Iterator[dict[str, str]]:
    """Questions of a file in SQuAD's format."""
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    for article in json.loads(data)["data"]:
        for paragraph in article["paragraphs"]:
            for each in paragraph["qas"]:
                said = {"id": each["id"], "question": each["question"], "title": article["title"]}
                yield {**said, "passage": paragraph["context"]}


def dev_articles() -> set[str]:
    """Titles of the articles that nothing is learnt from."""
    return {row["title"] for row in squad(draws.DATA / "squad_v11" / "dev.json")}


def search(options: argparse.Namespace, backbone: str, folder: Path) -> None:
    """Questions in German and Spanish to English passages, those of all articles; learnt from English questions of others."""
    dev, columns = dev_articles(), ("id", "question", "passage", "title")
    most = 200 if options.quick else None
    learnt = [[row[name] for name in columns] for row in squad(draws.DATA / "squad_v11" / "train.json.gz")][:most]
    train = table(folder / "train.csv", columns, learnt)
    english = {row["id"]: row for row in squad(draws.DATA / "xquad" / "xquad.en.json")}
    texts = dict.fromkeys([*(row[2] for row in learnt), *(row["passage"] for row in english.values())])
    corpus = table(folder / "corpus.csv", ("passage",), [(text,) for text in texts])
    files = {}
    for language in ("en", "de", "es"):
        rows = [
            (row["id"], row["question"], english[row["id"]]["passage"], row["title"])
            for row in squad(draws.DATA / "xquad" / f"xquad.{language}.json")
            if english[row["id"]]["title"] in dev
        ]
        files[language] = table(folder / f"{language}.csv", columns, rows)
    for seed in range(options.seeds):
        words = [
            train,
            *_scored_on(files),
            "--corpus",
            corpus,
            "--task",
            "retrieval",
        ]
        words += [
            "--metric",
            "recall_at_1",
            "--group-column",
            "title",
            "--backbone",
            backbone,
            "--strategies",
            "untouched,bm25,bi-encoder",
        ]
        words += ["--no-refit"]
        kept("search", options, fitted(words, options, seed), backbone=backbone, seed=seed, labels="english")


def _scored_on(files: dict[str, Path]) -> list[Any]:
    """Words that name the English test and those of the other languages."""
    return ["--test", files["en"], "--tests", f"de={files['de']},es={files['es']}"]


def _articles(path: Path, target: Path, titles: set[str] | None, most: int | None) -> Path:
    """The articles of a file in SQuAD's format with certain English titles, told by the ids of their questions."""
    data = json.loads(gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes())["data"]
    by_id = {row["id"]: row["title"] for row in squad(draws.DATA / "xquad" / "xquad.en.json")}
    found = [each for each in data if titles is None or by_id.get(each["paragraphs"][0]["qas"][0]["id"]) in titles]
    target.write_text(json.dumps({"version": "1.1", "data": found[:most]}), encoding="utf-8")
    return target


def answers(options: argparse.Namespace, backbone: str, folder: Path) -> None:
    """English answers of 27 articles, XQuAD's questions about 7 others in three languages."""
    dev, most = dev_articles(), 2 if options.quick else None
    train = _articles(draws.DATA / "squad_v11" / "train.json.gz", folder / "train.json", None, most)
    files = {
        language: _articles(draws.DATA / "xquad" / f"xquad.{language}.json", folder / f"{language}.json", dev, most)
        for language in ("en", "de", "es")
    }
    for seed in range(options.seeds):
        words = [
            train,
            *_scored_on(files),
            "--task",
            "question-answering",
        ]
        words += ["--backbone", backbone, "--strategies", "fine-tuning", "--group-column", "title", "--no-refit"]
        kept("answers", options, fitted(words, options, seed), backbone=backbone, seed=seed, labels="english")


def entities(options: argparse.Namespace, backbone: str, folder: Path) -> None:
    """English entities of news, German ones of Wikipedia."""
    conll, wikiann = draws.DATA / "conll2003", draws.DATA / "wikiann_de"
    for seed in range(options.seeds):
        words = [conll / "train.conll.gz", "--test", conll / "testa.conll", "--tests", f"de={wikiann / 'test.conll'}"]
        words += ["--task", "token-classification", "--backbone", backbone, "--strategies", "fine-tuning", "--no-refit"]
        words += ["--most-rows", 300] if options.quick else []
        kept("entities", options, fitted(words, options, seed), backbone=backbone, seed=seed, labels="english")


PARTS = {each.__name__: each for each in (tatoeba, transfer, own, few, search, answers, entities)}


def main() -> None:
    """Measure, keep, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=[*PARTS], default=[*PARTS])
    parser.add_argument("--backbones", default="multi,mini", help="names or folders, parted by commas")
    parser.add_argument("--strategies", default="feature-extraction,fine-tuning", help="of the parts about tweets")
    parser.add_argument(
        "--scratch", action="store_true", help="the same network without pretraining too, in `transfer`"
    )
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--quick", action="store_true", help="a few rows: does it run?")
    options = parser.parse_args()
    for part in options.only:
        for backbone in options.backbones.split(","):
            with tempfile.TemporaryDirectory() as folder:
                PARTS[part](options, backbone, Path(folder))


if __name__ == "__main__":
    main()
