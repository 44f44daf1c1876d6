"""Passages to vectors, per second: against `encode` of sentence-transformers, the same network, texts and precision.

    python benchmarks/encoding_speed.py [--passages 1437] [--repeats 3] [--threads 1] [--quick]

The passages are paragraphs of SQuAD, cut at 256 tokens by both. In each repeat both read all of them once, in turn, in
processes of their own; loading is not counted. In float32 both multiply in float32; in bfloat16 headstart multiplies in
bfloat16 and keeps states in float32, and the peer runs under torch.autocast. Raw results:
benchmarks/results/encoding_speed.jsonl.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

import records

RESULTS = "encoding_speed.jsonl"
KEYS = ("what", "precision", "passages", "threads", "device", "repeat")
WHO = ("headstart", "sentence-transformers")


def child(who: str, precision: str, count: int, threads: int) -> None:
    """Encode in this process; prints seconds and a few numbers that both have to agree on."""
    import time

    import numpy as np
    import torch

    from untouched_retrieval import squad

    torch.set_num_threads(threads)
    texts = squad()[0][:count]
    from headstart.backbones.location import BackboneSource, locate

    located = locate(BackboneSource(location="mini"))
    if who == "headstart":
        from headstart.backbones.base import open_backbone
        from headstart.predictors.encoding import encode

        backbone = open_backbone(located)

        def read() -> np.ndarray:
            return encode(backbone, texts, precision=precision).vectors  # type: ignore[arg-type]
    else:
        from sentence_transformers import SentenceTransformer

        model = SentenceTransformer(str(located.folder), device="cpu")
        model.max_seq_length = 256

        def read() -> np.ndarray:
            with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
                return model.encode(texts, normalize_embeddings=True, show_progress_bar=False)

    texts, every = texts[:8], texts
    read()
    texts = every
    begun = time.perf_counter()
    vectors = read()
    seconds = time.perf_counter() - begun
    print(json.dumps({"seconds": round(seconds, 3), "first": [round(float(each), 3) for each in vectors[0][:4]]}))


def main() -> None:
    """Measure in turn and print medians."""
    if sys.argv[1:2] == ["--child"]:
        child(sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5]))
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--passages", type=int, default=1437)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="32 passages, one repeat: does it run?")
    options = parser.parse_args()
    count, repeats = (32, 1) if options.quick else (options.passages, options.repeats)
    os.environ |= {"OMP_NUM_THREADS": str(options.threads), "TOKENIZERS_PARALLELISM": "false", "HF_HUB_OFFLINE": "1"}
    times: dict[tuple[str, str], list[float]] = {}
    for repeat in range(repeats):
        for precision in ("float32", "bfloat16"):
            for who in WHO:
                words = [
                    sys.executable,
                    str(Path(__file__)),
                    "--child",
                    who,
                    precision,
                    str(count),
                    str(options.threads),
                ]
                output = subprocess.run(words, check=True, capture_output=True, text=True).stdout
                found = json.loads(output.strip().split("\n")[-1])
                row: dict[str, Any] = {
                    "what": who,
                    "precision": precision,
                    "passages": count,
                    "threads": options.threads,
                }
                row |= {"device": records.device(), "repeat": repeat, **found}
                times.setdefault((who, precision), []).append(count / found["seconds"])
                if not options.quick:
                    records.keep(RESULTS, row, KEYS)
                print(json.dumps(row), flush=True)
    for precision in ("float32", "bfloat16"):
        mine, theirs = (statistics.median(times[who, precision]) for who in WHO)
        print(f"{precision}: headstart {mine:.1f} passages a second, {WHO[1]} {theirs:.1f}: {mine / theirs:.2f}x")


if __name__ == "__main__":
    main()
