"""How near the training step comes to what the processor can do: full fine-tuning, about 4,096 real tokens per update.

    python benchmarks/arithmetic.py [--updates 5] [--quick]

Counted are the operations of forward and backward pass as torch's FlopCounterMode sees them, on batches without padding
(rows of one length); the limit is the best 2048 x 2048 x 2048 float32 matrix product, measured between the updates. Raw
results: benchmarks/results/arithmetic.jsonl.
"""

import argparse
import json
import statistics
import time
from typing import Any

import draws
import records

RESULTS = "arithmetic.jsonl"
KEYS = ("precision", "tokens", "length", "threads")
SIDE = 2048


def product(dtype: Any) -> float:
    """Operations per second of one matrix product."""
    import torch

    a, b = torch.randn(SIDE, SIDE, dtype=dtype), torch.randn(SIDE, SIDE, dtype=dtype)
    begun = time.perf_counter()
    torch.matmul(a, b)
    return 2 * SIDE**3 / (time.perf_counter() - begun)


def measured(precision: Any, tokens: int, length: int, updates: int) -> dict[str, Any]:
    """Share of the limit that whole updates reach."""
    import numpy as np
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    from headstart.backbones.encoder import TextEncoder
    from headstart.backbones.location import BackboneSource, locate
    from headstart.data.store import Store
    from headstart.heads.model import Model
    from headstart.runtime.precision import is_fast
    from headstart.runtime.progress import SILENT
    from headstart.strategies.fine_tuning import LEARNING_RATE, FineTuning
    from headstart.tasks.text_classification import Example, TextClassification
    from headstart.training.settings import Training
    from headstart.training.stage import Stage
    from headstart.training.trainer import _Loop

    texts = [text for text, _ in draws.rows_of(draws.DATA / "ag_news" / "train.csv.gz")]
    backbone = TextEncoder(locate(BackboneSource(max_length=length)))
    backbone.fast = is_fast(precision)
    encoded = backbone.tokenizer.encode(texts)
    rows = np.flatnonzero(encoded.lengths == length)[: tokens // length].tolist()
    task = TextClassification(text=("text",), label="label", labels=("no", "yes"), metric="accuracy")
    store = Store([Example(texts[row], ("no", "yes")[at % 2]) for at, row in enumerate(rows)], rows, "ag_news")
    model = Model(backbone, task.heads(backbone, pooling="first"))
    stage = Stage(task, task.prepare(store, backbone.tokenizer), FineTuning().layer_groups(model, 1), 1, LEARNING_RATE)
    loop = _Loop(model, stage, Training(), 0, None, SILENT, None)
    loop.total = updates + 3
    loop.thawing.begin(0)
    batch = np.arange(len(rows))
    with FlopCounterMode(display=False) as counter:
        loop._update(batch)
    loop._update(batch)
    seconds, limits = [], []
    for _ in range(updates):
        limits += [product(torch.float32) for _ in range(3)]
        begun = time.perf_counter()
        loop._update(batch)
        seconds.append(time.perf_counter() - begun)
    rate = counter.get_total_flops() / statistics.median(seconds)
    found = {
        "precision": precision,
        "tokens": len(rows) * length,
        "length": length,
        "threads": torch.get_num_threads(),
        "operations": counter.get_total_flops(),
        "seconds": round(statistics.median(seconds), 4),
        "gigaflops": round(rate / 1e9, 1),
        "limit_gigaflops": round(max(limits) / 1e9, 1),
        "share": round(rate / max(limits), 3),
    }
    if precision == "bfloat16":  # minutes on a processor without instructions for it
        found["bfloat16_product_gigaflops"] = round(max(product(torch.bfloat16) for _ in range(5)) / 1e9, 1)
    return found


def main() -> None:
    """Measure both precisions."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--updates", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="a few tokens, one update: does it run?")
    options = parser.parse_args()
    from headstart.runtime.precision import has_fast_products

    tokens, updates = (512, 1) if options.quick else (4096, options.updates)
    for precision in ("float32", "bfloat16") if not options.quick or has_fast_products() else ("float32",):
        for length in (32, 64):
            row = measured(precision, tokens, length, updates)
            if not options.quick:
                records.keep(RESULTS, row, KEYS)
            print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
