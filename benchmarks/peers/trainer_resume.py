"""transformers.Trainer with a checkpoint after every step, gone on with as its documentation says: the newest one.

Imported by crash_safety.py, which forks; knows nothing of headstart. `run` trains a small network on a CSV file and prints
the SHA-256 of the final weights and the logged losses as one JSON line.
"""

import csv
import hashlib
import json
import sys
from pathlib import Path
from typing import Any


def run(train_path: str, backbone: str, folder: str, spoil: int | None = None) -> None:
    """Train two epochs, from the newest checkpoint where there is one; `spoil` makes the loss of a step NaN."""
    import torch
    from transformers import (
        AutoModelForSequenceClassification,
        AutoTokenizer,
        DataCollatorWithPadding,
        Trainer,
        TrainingArguments,
        set_seed,
    )
    from transformers.trainer_utils import get_last_checkpoint
    from transformers.utils import logging

    logging.disable_progress_bar()
    set_seed(0)
    with open(train_path, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    names = sorted({row["label"] for row in rows})
    tokenizer = AutoTokenizer.from_pretrained(backbone)
    model = AutoModelForSequenceClassification.from_pretrained(backbone, num_labels=len(names))
    data = [
        {**tokenizer(row["text"], truncation=True, max_length=64), "labels": names.index(row["label"])} for row in rows
    ]

    class Spoilt(Trainer):
        def compute_loss(self, *arguments: Any, **named: Any) -> Any:
            loss = super().compute_loss(*arguments, **named)
            if self.state.global_step != spoil:
                return loss
            return loss * float("nan") if not isinstance(loss, tuple) else (loss[0] * float("nan"), *loss[1:])

    arguments = TrainingArguments(
        folder, num_train_epochs=2, per_device_train_batch_size=16, save_strategy="steps", save_steps=1,
        save_total_limit=2, logging_steps=1, report_to="none", use_cpu=True, disable_tqdm=True, seed=0,
    )  # fmt: skip
    trainer = Spoilt(model, arguments, DataCollatorWithPadding(tokenizer), data)
    Path(folder).mkdir(exist_ok=True)
    trainer.train(resume_from_checkpoint=get_last_checkpoint(folder))
    state = hashlib.sha256()
    finite = True
    for name, tensor in sorted(model.state_dict().items()):
        state.update(name.encode() + tensor.numpy().tobytes())
        finite &= bool(torch.isfinite(tensor).all()) if tensor.is_floating_point() else True
    losses = [row["loss"] for row in trainer.state.log_history if "loss" in row]
    sys.stdout.write(json.dumps({"weights": state.hexdigest(), "finite": finite, "losses": losses}) + "\n")
