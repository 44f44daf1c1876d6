"""transformers.Seq2SeqTrainer on pairs of texts in JSON lines with the keys en and de; prints one JSON line.

    python trainer_seq2seq.py FOLDER TRAIN.jsonl {default,best,best-bf16} {all,decoder} BATCH EPOCHS SEED [THREADS]

FOLDER holds an encoder-decoder, its tokenizer and, below `target`, that of what is written. `default`: its own settings. `best`:
rows grouped by length, fused AdamW, a worker that collates; `best-bf16` adds its mixed precision. No logging, no saving, nothing
validated. `decoder` leaves the layers of the encoder as they are. Knows nothing of headstart.
"""

import json
import resource
import sys
import tempfile
import time
from typing import Any


def main() -> None:
    """Train, print."""
    folder, train_path, options, moving, batch, epochs, seed = sys.argv[1:8]
    import torch
    from transformers import (
        AutoModelForSeq2SeqLM,
        AutoTokenizer,
        DataCollatorForSeq2Seq,
        Seq2SeqTrainer,
        Seq2SeqTrainingArguments,
        set_seed,
    )
    from transformers.utils import logging

    logging.disable_progress_bar()
    if len(sys.argv) > 8:
        torch.set_num_threads(int(sys.argv[8]))
    set_seed(int(seed))
    model = AutoModelForSeq2SeqLM.from_pretrained(folder)
    if moving == "decoder":
        model.get_encoder().layers.requires_grad_(False)
    reader, writer = AutoTokenizer.from_pretrained(folder), AutoTokenizer.from_pretrained(f"{folder}/target")
    with open(train_path, encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    read = reader([row["en"] for row in rows], truncation=True, max_length=256)["input_ids"]
    written = writer([row["de"] for row in rows], truncation=True, max_length=256)["input_ids"]
    pairs = [{"input_ids": ids, "labels": labels} for ids, labels in zip(read, written, strict=True)]
    best: dict[str, Any] = {}
    if options.startswith("best"):
        best = {"train_sampling_strategy": "group_by_length", "optim": "adamw_torch_fused", "dataloader_num_workers": 1}
    with tempfile.TemporaryDirectory() as place:
        arguments = Seq2SeqTrainingArguments(
            output_dir=place,
            per_device_train_batch_size=int(batch),
            num_train_epochs=float(epochs),
            seed=int(seed),
            use_cpu=True,
            report_to="none",
            logging_strategy="no",
            save_strategy="no",
            disable_tqdm=True,
            bf16=options == "best-bf16",
            **best,
        )
        collator = DataCollatorForSeq2Seq(reader, model=model, label_pad_token_id=-100)
        trainer = Seq2SeqTrainer(model=model, args=arguments, train_dataset=pairs, data_collator=collator)
        begun = time.perf_counter()
        loss = trainer.train().training_loss
        seconds = time.perf_counter() - begun
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    tokens = sum(map(len, written)) * int(float(epochs))
    print(
        json.dumps({"training_seconds": round(seconds, 2), "tokens": tokens, "peak_bytes": memory, "loss": round(loss, 4),
                    "threads": torch.get_num_threads()})
    )  # fmt: skip


if __name__ == "__main__":
    main()
