"""Passages of SQuAD for its questions: BM25, vectors untouched and fine-tuned, both together, and read again.

    python benchmarks/retrieval.py --data /path/to/data --seeds 0,1,2

The questions of the development slice are asked over the paragraphs of both slices; training is on the other slice, whose
articles are others. SQuAD's questions were written with the paragraph in view, which favours BM25. What is kept has intervals by
passage and paired tests.
"""

from __future__ import annotations

import argparse
import gzip
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import headstart

FLOORS = {"untouched": 0.64, "bm25": 0.77, "bi-encoder": 0.70, "hybrid": 0.82, "rerank": 0.84}
"""Recall of the first passage that each is to reach."""


def pairs(path: Path, most: int | None) -> list[dict[str, str]]:
    """Rows with question, passage and title of a SQuAD file."""
    raw = path.read_bytes()
    text = (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode("utf-8")
    rows = [
        {"question": each["question"], "passage": paragraph["context"], "title": article["title"]}
        for article in json.loads(text)["data"]
        for paragraph in article["paragraphs"]
        for each in paragraph["qas"]
    ]
    return rows[:most]


def main() -> None:
    """Run each seed, print and keep what came of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder that holds squad_v11")
    parser.add_argument("--seeds", default="0", help="seeds, parted by commas")
    parser.add_argument("--strategies", default="bm25,untouched,bi-encoder,hybrid,rerank")
    parser.add_argument("--epochs", type=int, default=None)
    parser.add_argument("--learning-rate", type=float, default=None)
    parser.add_argument("--batch-size", type=int, default=None)
    parser.add_argument("--threads", type=int, default=None)
    parser.add_argument("--most", type=int, default=None, help="questions of each slice at most, for trials")
    parser.add_argument("--keep", type=Path, default=None, help="folder that runs are kept in")
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "results" / "retrieval.json")
    args = parser.parse_args()
    kept: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        for name, file in (("train", "train.json.gz"), ("dev", "dev.json")):
            rows = pairs(args.data / "squad_v11" / file, args.most)
            lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
            (Path(folder) / f"{name}.jsonl").write_text("".join(lines), encoding="utf-8")
        for seed in map(int, args.seeds.split(",")):
            given = {key: getattr(args, key) for key in ("epochs", "learning_rate", "batch_size", "threads")}
            options = {key: value for key, value in given.items() if value is not None}
            started = time.perf_counter()
            found = headstart.fit(
                f"{folder}/train.jsonl", test=f"{folder}/dev.jsonl", task="retrieval", strategies=args.strategies, seed=seed,
                budget="none", refit=False, output=f"{args.keep or folder}/run-{seed}", overwrite=True, **options,
            )  # fmt: skip
            board = {row["label"]: row for row in found.evidence["leaderboard"]}
            for name, row in board.items():
                score = (row["scores"] or {}).get("test") or {}
                names = [key for key in ("recall_at_1", "recall_at_5", "ndcg_at_10") if key in score]
                shown = " ".join(f"{key} {score[key]['value']:.3f}" for key in names)
                floor = FLOORS.get(name, 0.0)
                print(
                    f"seed {seed}  {name:<12} {shown}  floor {floor:.2f}  {row['seconds']:.0f} s  {row['description']}"
                )
            kept.append(
                {
                    "seed": seed,
                    "options": options,
                    "seconds": time.perf_counter() - started,
                    "leaderboard": found.evidence["leaderboard"],
                    "comparisons": found.evidence["comparisons"],
                    "machine": found.evidence["machine"],
                    "versions": found.evidence["versions"],
                }
            )
            args.output.parent.mkdir(exist_ok=True)
            args.output.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
