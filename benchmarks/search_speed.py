"""One query over many vectors on one core, exactly: against plain numpy, usearch and sentence-transformers.

    python benchmarks/search_speed.py [--vectors 100000] [--width 384] [--queries 50] [--repeats 5] [--quick]

Vectors are random and of length 1, in float32; `headstart` makes a copy in float16 in the first searches, `asked once` has none.
Each way answers the same queries one by one, all ways in turn in every repeat, in one process with one thread. Times are
medians over queries of a repeat, in milliseconds. `numpy` is a
product and argpartition, `usearch exact` is its brute force, `usearch graph` its approximate search as headstart sets
it up, with the share of the ten nearest that it finds; `sentence-transformers` is `util.semantic_search`, left out
where it is not installed. Raw results: benchmarks/results/search_speed.jsonl.
"""

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ |= {name: "1" for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")}

import numpy as np

import records

RESULTS = "search_speed.jsonl"
KEYS = ("what", "vectors", "width", "k")
K = 10


def unit(generator: np.random.Generator, rows: int, width: int) -> np.ndarray:
    """Random vectors of length 1."""
    found = generator.standard_normal((rows, width), dtype=np.float32)
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def by_numpy(query: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """What one writes without a library."""
    scores = vectors @ query
    best = np.argpartition(-scores, K)[:K]
    return best[np.argsort(-scores[best])]


def ways(vectors: np.ndarray, folder: Path) -> dict[str, Callable[[np.ndarray], np.ndarray]]:
    """Every way to search, from a query to numbers of vectors."""
    from usearch.index import search

    from headstart.indexes.approximate import Approximate, approximate
    from headstart.ranking.exact import ExactSearch, nearest

    approximate(vectors, folder)
    graph = Approximate.load(folder, vectors)
    exact = ExactSearch(vectors)
    found: dict[str, Callable[[np.ndarray], np.ndarray]] = {
        "headstart": lambda query: exact.nearest(query[None], K)[0][0],
        "headstart, asked once": lambda query: nearest(query[None], vectors, K)[0][0],
        "numpy": lambda query: by_numpy(query, vectors),
        "usearch exact": lambda query: search(vectors, query, K, metric="ip", exact=True, threads=1).keys,
        "usearch graph": lambda query: graph.nearest(query[None], K)[0][0],
    }
    try:
        import torch
        from sentence_transformers.util import semantic_search
    except ImportError:
        return found
    torch.set_num_threads(1)
    corpus = torch.from_numpy(vectors)

    def peer(query: np.ndarray) -> np.ndarray:
        said = semantic_search(torch.from_numpy(query[None]), corpus, top_k=K, corpus_chunk_size=len(vectors))
        return np.array([each["corpus_id"] for each in said[0]])

    return found | {"sentence-transformers": peer}


def main() -> None:
    """Measure and print medians."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vectors", type=int, default=100_000)
    parser.add_argument("--width", type=int, default=384)
    parser.add_argument("--queries", type=int, default=50)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="5,000 vectors, one repeat: does it run?")
    options = parser.parse_args()
    count, repeats = (5_000, 1) if options.quick else (options.vectors, options.repeats)
    generator = np.random.default_rng(0)
    vectors, queries = unit(generator, count, options.width), unit(generator, options.queries, options.width)
    times: dict[str, list[float]] = {}
    shares: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        found = ways(vectors, Path(folder))
        for repeat in range(repeats):
            for what, way in found.items():
                mine = []
                for query in queries:
                    begun = time.perf_counter()
                    numbers = way(query)
                    mine.append(1000 * (time.perf_counter() - begun))
                    if not repeat:
                        expected = set(by_numpy(query, vectors).tolist())
                        shares.setdefault(what, []).append(len(expected & {int(each) for each in numbers}) / K)
                times.setdefault(what, []).append(statistics.median(mine))
    for what, mine in times.items():
        row: dict[str, Any] = {
            "what": what,
            "vectors": count,
            "width": options.width,
            "k": K,
            "queries": options.queries,
        }
        row |= {"milliseconds": [round(each, 3) for each in mine], "found": round(statistics.mean(shares[what]), 4)}
        if not options.quick:
            records.keep(RESULTS, row, KEYS)
        print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
