"""What a user of transformers writes to classify the texts of a file: a pipeline with batches of 32.

python pipeline_predict.py MODEL INPUT.csv OUTPUT.csv
"""

import csv
import sys

from transformers import pipeline


def main() -> None:
    """Read, classify, write."""
    model, source, target = sys.argv[1:]
    classify = pipeline("text-classification", model=model, device=-1)
    with open(source, encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    with open(target, "w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(["text", "label", "prediction", "score"])
        found = classify([row["text"] for row in rows], batch_size=32, truncation=True)
        for row, answer in zip(rows, found, strict=True):
            table.writerow([row["text"], row["label"], answer["label"], answer["score"]])


if __name__ == "__main__":
    main()
