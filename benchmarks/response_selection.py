"""Replies of dialogues, picked out of ten and out of all: words, the network as it is, and the bi-encoder.

    python benchmarks/response_selection.py [--sets dailydialog-en,dailydialog-de,sim_m] [--seeds 0,1,2]
        [--backbone mini] [--epochs 3] [--quick]

Of DailyDialog the first 800 dialogues are learnt from (a share of them is validation) and the last 200 are scored, of Sim-M its own
parts. The turns before a reply are two. Every row is scored on its reply and nine others of the scored part, which are the same for
all strategies and seeds, and on all replies of the part; intervals are by dialogue. TF-IDF is the cosine of pieces of
words, two to four characters long, weighed by their rarity in the training turns.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

import headstart
from headstart.data.store import Store
from headstart.evaluation.judging import plain, scores
from headstart.predictors.passages import of_scores
from headstart.readers.opening import open_table
from headstart.runs.searched import contested, with_passages
from headstart.tasks.response_selection import ResponseSelection
from records import keep

DATA = Path(os.environ.get("HEADSTART_DATA", "../shared/data"))
LEARNT, SCORED = 800, 200
"""Dialogues of DailyDialog: the first ones, and the last ones."""
FLOORS = {"dailydialog-en": {"untouched": 0.63, "bi-encoder": 0.68}}
"""Recall of the reply out of ten that each is to reach."""
NAMES = ("recall_at_1_of_10", "mrr_of_10", "recall_at_10")


def files(name: str, data: Path, folder: Path, few: int | None) -> tuple[Path, Path]:
    """Files with the dialogues that are learnt from and those that are scored, at most `few` of each."""
    if name == "sim_m":
        parts = [(data / "sim_m" / f"{part}.jsonl").read_text("utf-8").splitlines() for part in ("train", "test")]
    else:
        lines = (data / "dailydialog" / f"{name.removeprefix('dailydialog-')}.jsonl").read_text("utf-8").splitlines()
        parts = [lines[:LEARNT], lines[-SCORED:]]
    for part, lines in zip(("train", "test"), parts, strict=True):
        (folder / f"{part}.jsonl").write_text("\n".join(lines[:few]) + "\n", encoding="utf-8")
    return folder / "train.jsonl", folder / "test.jsonl"


def by_rarity(train: Path, test: Path) -> dict[str, Any]:
    """Scores of the cosine of TF-IDF on the rows of a file."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    task: Any = ResponseSelection().guess(open_table(test))
    known, rows = (task.parse(open_table(path))[0] for path in (train, test))
    task, found = with_passages(task, {"test": rows}, None)
    contested_rows: Store[Any] = contested(task, {"test": found["test"].rows})["test"]
    pool = task.pool(contested_rows)
    words = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), sublinear_tf=True).fit(
        [each.text for each in known.examples] + [each.passage for each in known.examples]
    )
    asked: Any = words.transform(list(contested_rows.inputs))
    replies: Any = words.transform(task.passages.read(pool))
    ranking = of_scores((asked @ replies.T).toarray().astype(np.float32), pool, len(pool))
    return plain(scores(task, task.selected(ranking, contested_rows), contested_rows))


def shown(name: str, seed: int, strategy: str, found: dict[str, Any], more: str = "") -> None:
    """Print the scores of a strategy."""
    first = found[NAMES[0]]
    rest = " ".join(f"{key} {found[key]['value']:.3f}" for key in NAMES[1:])
    floor = FLOORS.get(name, {}).get(strategy)
    print(
        f"{name:<15} seed {seed} {strategy:<11} {NAMES[0]} {first['value']:.3f} [{first['low']:.3f}, {first['high']:.3f}] {rest} "
        f"{'' if floor is None else f'floor {floor:.2f}'} {more}",
        flush=True,
    )


def main() -> None:
    """Run each set and seed, print and keep what came of it."""
    parser = argparse.ArgumentParser(description="Replies of dialogues by words and by vectors.")
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--sets", default="dailydialog-en", help="names with commas between")
    parser.add_argument("--seeds", default="0")
    parser.add_argument("--strategies", default="bi-encoder", help="beside the controls bm25 and untouched")
    parser.add_argument("--backbone", default="mini")
    parser.add_argument("--epochs", type=int, default=None)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--threads", type=int, default=None)
    parser.add_argument("--quick", action="store_true", help="30 dialogues, one epoch, nothing kept: does it run?")
    args = parser.parse_args()
    given = {"epochs": 1 if args.quick else args.epochs, "batch_size": args.batch_size, "threads": args.threads}
    options = {key: value for key, value in given.items() if value is not None}
    for name in args.sets.split(","):
        with tempfile.TemporaryDirectory() as folder:
            train, test = files(name, args.data, Path(folder), 30 if args.quick else None)
            lexical = by_rarity(train, test)
            shown(name, 0, "tf-idf", lexical)
            for seed in map(int, args.seeds.split(",")):
                started = time.perf_counter()
                found = headstart.fit(
                    str(train), test=str(test), task="response-selection", strategies=args.strategies, backbone=args.backbone,
                    seed=seed, budget="none", refit=False, output=f"{folder}/run-{seed}", **options,
                )  # fmt: skip
                for each in found.evidence["leaderboard"]:
                    if score := (each["scores"] or {}).get("test"):
                        shown(name, seed, each["label"], score, f"{each['seconds']:.0f} s  {each['description']}")
                evidence = {key: found.evidence[key] for key in ("leaderboard", "comparisons", "machine", "versions")}
                row = {"set": name, "backbone": args.backbone, "seed": seed, "options": options, "tf-idf": lexical}
                row |= {"seconds": round(time.perf_counter() - started, 1)} | evidence
                if not args.quick:
                    keep("response_selection.jsonl", json.loads(json.dumps(row)), ("set", "backbone", "seed"))


if __name__ == "__main__":
    main()
