"""Answers to questions of SQuAD's development slice from its articles as files, beside the passage that the question is about.

    python benchmarks/ask.py --reader RUN [--retriever RUN] [--rows N] [--threads N] [--choose] [--quick]

RUN is a run of question answering on the training slice (`question_answering.py --keep`). Each of the articles is a text file. What
is asked of them: an index by words (BM25), one by words and vectors of the network as it is and, with `--retriever`, of one that
was fine-tuned. `--choose` reads the 20 best passages of questions of every second article with both untouched indexes and prints F1
by passages and weight. The questions of the articles in between are scored in any case: by `headstart evaluate INDEX FILE --reader
RUN`, and by the reader on the right passage. Raw results: benchmarks/results/ask.jsonl, ask_choices.jsonl.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

import draws
import headstart
import records
from headstart.data.questions import AskedText
from headstart.indexes.index import Index
from headstart.loading import load
from headstart.runs.asking import NEUTRAL, _reply

RESULTS, CHOICES = "ask.jsonl", "ask_choices.jsonl"
KEYS = ("program", "reader", "device")
READ = 20
"""Passages that choices are made among."""
COUNTS, WEIGHTS = (1, 3, 5, 10, 20), (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0)


def articles(folder: Path, rows: int | None) -> tuple[Path, Path, Path]:
    """A folder of articles, and files of the questions of every second one, and of those in between."""
    whole = json.loads((draws.DATA / "squad_v11" / "dev.json").read_text(encoding="utf-8"))["data"]
    pages = folder / "articles"
    pages.mkdir()
    for at, article in enumerate(whole):
        text = "\n\n".join(paragraph["context"] for paragraph in article["paragraphs"])
        (pages / f"{at:03d}_{article['title'].replace('/', '_')}.txt").write_text(text, encoding="utf-8")
    found = []
    for name, some in (("choose", whole[::2]), ("score", whole[1::2])):
        left = rows if rows is not None else 10**9
        kept = []
        for article in some:
            for paragraph in article["paragraphs"]:
                paragraph["qas"] = paragraph["qas"][:left]
                left -= len(paragraph["qas"])
            kept.append(article)
        path = folder / f"{name}.json"
        path.write_text(json.dumps({"version": "1.1", "data": kept}), encoding="utf-8")
        found.append(path)
    return pages, found[0], found[1]


def asked(path: Path) -> Iterator[tuple[str, list[str]]]:
    """Questions with their true answers."""
    for article in json.loads(path.read_text(encoding="utf-8"))["data"]:
        for paragraph in article["paragraphs"]:
            for each in paragraph["qas"]:
                yield each["question"], [answer["text"] for answer in each["answers"]]


def choose(index: Index, reader: Any, path: Path) -> dict[str, float]:
    """F1 by passages that are read and weight of their scores."""
    from headstart.metrics.answers import f1

    questions = list(asked(path))
    found = index.search([question for question, _ in questions], READ)
    pairs = [
        AskedText(question, hit.passage.text)
        for (question, _), hits in zip(questions, found, strict=True)
        for hit in hits
    ]
    read = iter(reader.predictions(reader.raw_outputs(pairs), pairs))
    own = [[next(read) for _ in hits] for hits in found]
    limits = reader.predictor.thresholds or (NEUTRAL, NEUTRAL)
    table = {}
    for count in COUNTS:
        for weight in WEIGHTS:
            options = {"best": 1, "weight": weight, "limits": limits, "normalise": reader.task.normaliser}
            scores = [
                f1(
                    _reply(question, hits[:count], said[:count], **options).said,
                    answers,
                    normalise=reader.task.normaliser,
                )
                for (question, answers), hits, said in zip(questions, found, own, strict=True)
            ]
            table[f"{count} passages, weight {weight:g}"] = round(float(np.mean(scores)), 4)
    return table


def main() -> None:
    """Build the indexes, choose if that is asked for, and score."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reader", required=True)
    parser.add_argument("--retriever")
    parser.add_argument("--rows", type=int, help="questions of each half at most")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--choose", action="store_true")
    parser.add_argument("--busy", action="store_true", help="other work runs beside it: times say nothing")
    parser.add_argument("--quick", action="store_true", help="30 questions, nothing kept: does it run?")
    options = parser.parse_args()
    rows = 30 if options.quick else options.rows
    threads = {"threads": options.threads} if options.threads else {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pages, chosen, scored = articles(folder, rows)
        indexes: dict[str, dict[str, Any]] = {"bm25": {"retriever": "bm25"}, "hybrid": {"retriever": "hybrid"}}
        if options.retriever:
            indexes["hybrid, fine-tuned"] = {"retriever": "hybrid", "backbone": options.retriever}
        for program, given in indexes.items():
            headstart.index(pages, output=str(folder / program), **given, **threads)
        shared = {
            "reader": Path(options.reader).name,
            "device": records.device(),
            "rows": rows,
            "quiet": not options.busy,
        }
        if options.choose:
            for program in ("bm25", "hybrid"):
                table = choose(Index.open(str(folder / program)), load(options.reader), chosen)
                print(program, json.dumps(table, indent=1), flush=True)
                if not options.quick:
                    records.keep(CHOICES, {"program": program, **shared, "f1": table}, KEYS)
        for program in ("right passage", *indexes):
            begun = time.perf_counter()
            if program == "right passage":
                found = headstart.evaluate(options.reader, scored, **threads)
            else:
                found = headstart.evaluate(str(folder / program), scored, reader=options.reader, **threads)
            row = {"program": program, **shared, "scores": found["scores"], "found": found.get("found")}
            row["seconds"] = round(time.perf_counter() - begun, 1)
            if not options.quick:
                records.keep(RESULTS, row, KEYS)
            f1 = found["scores"]["answer_f1"]
            interval = f"[{f1['low']:.3f}, {f1['high']:.3f}]"
            print(
                f"{program:<20} F1 {f1['value']:.3f} {interval}, found {found.get('found')}, {row['seconds']} s",
                flush=True,
            )


if __name__ == "__main__":
    main()
