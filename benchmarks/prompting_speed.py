"""Label scores of a decoder: rows per second of `prompting` against a straight loop over `model(...)` for each row and label.

    python benchmarks/prompting_speed.py DECODER [--rows 60] [--shots 4] [--repeats 3] [--threads N] [--quick]

DECODER is what `headstart import` made of smol. Texts are those of SST-2, with the same prompt and examples for both; the loop is
what one writes with plain transformers (one pass of prompt and label words for each label, in float32, nothing kept). Programs take
turns; medians of `--repeats`. Scores have to be the same to 1e-3 per row, or nothing is kept. Raw results:
benchmarks/results/prompting_speed.jsonl.
"""

import argparse
import statistics
import time
from typing import Any

import draws
import records

RESULTS = "prompting_speed.jsonl"
KEYS = ("shots", "rows", "threads", "device")
TEMPLATE = "Review: {text}\nSentiment:"


def loop(network: Any, tokenizer: Any, asked: list[str], answers: list[str]) -> list[list[float]]:
    """The sum of log-probabilities of each answer's tokens behind each prompt, one pass for each of the two."""
    import torch

    found = []
    for prompt in asked:
        before = len(tokenizer(prompt)["input_ids"])
        row = []
        for answer in answers:
            whole = tokenizer(prompt + answer, return_tensors="pt")["input_ids"]
            with torch.no_grad():
                shares = network(whole).logits[0].log_softmax(1)
            row.append(sum(float(shares[at - 1, whole[0, at]]) for at in range(before, whole.shape[1])))
        found.append(row)
    return found


def main() -> None:
    """Score both ways in turns, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("decoder")
    parser.add_argument("--rows", type=int, default=60)
    parser.add_argument("--shots", type=int, default=4)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--quick", action="store_true", help="6 rows, once: does it run?")
    options = parser.parse_args()
    import numpy as np
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from headstart.backbones.base import open_backbone
    from headstart.backbones.location import BackboneSource, locate
    from headstart.data.prompts import Prompt, Shot
    from headstart.heads import HEAD
    from headstart.heads.model import Model
    from headstart.heads.vocabulary import VocabularyHead
    from headstart.predictors.prompted import PromptedPredictor
    from headstart.tasks.text_classification import TextClassification

    if options.threads:
        torch.set_num_threads(options.threads)
    rows, repeats = (6, 1) if options.quick else (options.rows, options.repeats)
    labels = ("negative", "positive")
    shown = draws.drawn("sst2", "train", options.shots)
    texts = [text for text, _ in draws.drawn("sst2", "test", rows)]
    prompt = Prompt(TEMPLATE, labels)
    shots = [Shot(text, labels.index(label)) for text, label in shown]
    backbone = open_backbone(locate(BackboneSource(location=options.decoder)), needs=frozenset())
    task = TextClassification(text=("text",), label="label", labels=labels, metric="accuracy")
    ours = PromptedPredictor(Model(backbone, {HEAD: VocabularyHead(backbone, "causal")}), task, prompt, shots)
    tokenizer = AutoTokenizer.from_pretrained(options.decoder)
    network = AutoModelForCausalLM.from_pretrained(options.decoder, dtype=torch.float32).eval()
    asked = [prompt.whole(text, shots) for text in texts]
    seconds: dict[str, list[float]] = {"headstart": [], "loop": []}
    apart = 0.0
    for _ in range(repeats):
        started = time.perf_counter()
        mine = ours.scores(texts)[0]
        seconds["headstart"].append(time.perf_counter() - started)
        started = time.perf_counter()
        theirs = np.array(loop(network, tokenizer, asked, list(prompt.answers)))
        seconds["loop"].append(time.perf_counter() - started)
        apart = max(apart, float(np.abs(mine - theirs).max()))
    if apart > 1e-3:
        raise SystemExit(f"the two differ by {apart:.1e}")
    medians = {name: statistics.median(found) for name, found in seconds.items()}
    ratio = medians["loop"] / medians["headstart"]
    row = {
        "shots": options.shots, "rows": rows, "threads": torch.get_num_threads(), "device": records.device(), "seconds": seconds,
        "ratio": round(ratio, 2), "rows_per_second": round(rows / medians["headstart"], 2), "largest_difference": apart,
    }  # fmt: skip
    if not options.quick:
        records.keep(RESULTS, row, KEYS)
    print(f"{row['rows_per_second']} rows/s, {ratio:.1f} times the loop; scores differ by {apart:.1e} at most")


if __name__ == "__main__":
    main()
