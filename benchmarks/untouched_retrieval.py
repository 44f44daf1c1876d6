"""Retrieval with nothing trained: questions of SQuAD over all of its paragraphs, by words, by vectors and by both.

    python benchmarks/untouched_retrieval.py [--quick] [--backbone mini]

The questions of the development part are asked over the paragraphs of both parts, each paragraph a passage. Those who wrote the
questions had the paragraph before their eyes, which favours words. Intervals of recall at 1 resample articles, of which there are
seven. Raw results: benchmarks/results/untouched_retrieval.jsonl.
"""

import argparse
import gzip
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

import draws
import records

RESULTS = "untouched_retrieval.jsonl"
KEYS = ("set", "backbone", "retriever", "fusion", "dense_weight", "questions")
WAYS: list[dict[str, Any]] = [
    {"retriever": "bm25"},
    {"retriever": "bm25", "words": "none"},
    {"retriever": "dense"},
    {"retriever": "hybrid", "fusion": "ranks"},
    *({"retriever": "hybrid", "dense_weight": weight} for weight in (0.3, 0.4, 0.5, 0.6, 0.7)),
]
K = 20


def squad() -> tuple[list[str], list[str], np.ndarray, list[str]]:
    """Paragraphs of both parts, questions of the development part, the paragraph of each, and its article."""
    folder = draws.DATA / "squad_v11"
    learnt = gzip.decompress((folder / "train.json.gz").read_bytes())
    parts = [json.loads(learnt), json.loads((folder / "dev.json").read_bytes())]
    numbers: dict[str, int] = {}
    questions, gold, articles = [], [], []
    for at, part in enumerate(parts):
        for article in part["data"]:
            for paragraph in article["paragraphs"]:
                number = numbers.setdefault(paragraph["context"], len(numbers))
                for each in paragraph["qas"] if at else ():
                    questions.append(each["question"])
                    gold.append(number)
                    articles.append(article["title"])
    return list(numbers), questions, np.array(gold), articles


def scores(found: np.ndarray, gold: np.ndarray, articles: list[str]) -> dict[str, Any]:
    """Recall, MRR and nDCG of rankings with one relevant passage each, and the interval of recall at 1."""
    hits = found == gold[:, None]
    ranks = np.where(hits.any(1), hits.argmax(1) + 1, 10**9)
    within = ranks <= 10
    said = {f"recall_at_{k}": float((ranks <= k).mean()) for k in (1, 5, 20)}
    said |= {"mrr_at_10": float(np.where(within, 1 / ranks, 0).mean())}
    said |= {"ndcg_at_10": float(np.where(within, 1 / np.log2(ranks + 1), 0).mean())}
    names = sorted(set(articles))
    right = np.array([[(ranks[np.array(articles) == name] == 1).sum(), articles.count(name)] for name in names])
    drawn = right[np.random.default_rng(0).integers(0, len(names), (10_000, len(names)))].sum(1)
    low, high = np.quantile(drawn[:, 0] / drawn[:, 1], [0.025, 0.975])
    return {name: round(value, 4) for name, value in said.items()} | {"low": round(low, 4), "high": round(high, 4)}


def main() -> None:
    """Index, search, score, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backbone", default="mini")
    parser.add_argument("--quick", action="store_true", help="60 paragraphs and their questions: does it run?")
    options = parser.parse_args()
    from headstart.backbones.location import BackboneSource, locate
    from headstart.indexes.encoder import Encoder
    from headstart.indexes.index import Index
    from headstart.ranking.bm25 import Bm25Settings
    from headstart.ranking.passages import Passages

    paragraphs, questions, gold, articles = squad()
    if options.quick:
        first = int(gold.min())
        paragraphs = paragraphs[first : first + 60]
        kept = [at for at, number in enumerate(gold) if first <= number < first + 60][:100]
        questions, gold = [questions[at] for at in kept], gold[kept] - first
        articles = [articles[at] for at in kept]
    encoder = Encoder(locate(BackboneSource(location=options.backbone)))
    held: dict[int, np.ndarray] = {}
    read, asked = encoder.passages, encoder.queries

    def passages(texts: Any, **more: Any) -> Any:
        key = hash(tuple(texts))
        if key not in held:
            held[key] = read(texts, **more)  # type: ignore[assignment]
        return held[key]

    def queries(texts: Any) -> np.ndarray:
        key = hash(("query", *texts))
        if key not in held:
            held[key] = asked(texts)
        return held[key]

    encoder.passages, encoder.queries = passages, queries  # type: ignore[method-assign]
    for way in WAYS:
        words = Bm25Settings(language=way.get("words", "english"))
        own = {name: value for name, value in way.items() if name != "words"}
        with tempfile.TemporaryDirectory() as folder:
            begun = time.perf_counter()
            index, _ = Index.build(Path(folder) / "index", Passages.of(paragraphs), encoder=encoder, words=words, **own)
            made = time.perf_counter() - begun
            found = index.ranked(questions, K).ids
        row = {"set": "squad_v11", "backbone": options.backbone, "fusion": "sum", "dense_weight": 0.5, **way}
        row |= {"paragraphs": len(paragraphs), "questions": len(questions), "device": records.device()}
        row |= scores(found, gold, articles) | {"seconds_to_index": round(made, 1)}
        if not options.quick:
            records.keep(RESULTS, row, (*KEYS, "words"))
        print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
