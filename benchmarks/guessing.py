"""Is the task of a file guessed? Every file of the shared sets that serve a task, and what becomes of those that serve none.

    python benchmarks/guessing.py

Each file is read whole and nothing is said about it; right is a guess of the task, the columns of texts and that of the label.
`serves` is false for sets whose own task is not there yet (dialogue, translation, pictures): a refusal is right, and what is
guessed instead is kept with them. Seconds are those of the guess alone, reading left out.
Raw results: benchmarks/results/guessing.jsonl.
"""

import argparse
import time
from pathlib import Path

import records
from headstart.errors import DataError
from headstart.readers.opening import open_table
from headstart.tasks.open import OpenTask
from pretraining_speed import DATA

RESULTS = "guessing.jsonl"
CLASSES = ("text-classification", ("text",), "label")
PAIRS = ("text-pair-classification", ("sentence1", "sentence2"), "label")
TAGS = ("token-classification", ("tokens",), "tags")
SERVED = {
    "ag_news": CLASSES,
    "airline": CLASSES,
    "bc5cdr": TAGS,
    "bias_madlibs": CLASSES,
    "clinc150": CLASSES,
    "cola": CLASSES,
    "conll2002_nl": TAGS,
    "conll2003": TAGS,
    "hate_offensive": CLASSES,
    "imdb_1k": CLASSES,
    "imdb_contrast": CLASSES,
    "mrpc": PAIRS,
    "nicta_piboso": CLASSES,
    "rte": ("text-pair-classification", ("premise", "hypothesis"), "label"),
    "sst2": CLASSES,
    "stsb": ("sentence-similarity", ("sentence1", "sentence2"), "score"),
    "tfns": CLASSES,
    "trec6": CLASSES,
    "umsab": CLASSES,
    "wikiann_de": TAGS,
    "yelp_1k": CLASSES,
}
"""Task, columns of texts and of the label of each set."""
OTHERS = (
    "crows_pairs",
    "dailydialog",
    "easy_vqa",
    "flickr8k_100",
    "natural_typos",
    "nlvr",
    "sim_m",
    "tatoeba",
    "winobias",
)
"""Sets of tables whose own task is none of today's."""
ENDINGS = {".csv", ".tsv", ".jsonl", ".conll"}


def files(name: str) -> list[Path]:
    """Tables of a set."""
    return sorted(path for path in (DATA / name).iterdir() if {*path.suffixes} & ENDINGS)


def measured(path: Path, name: str) -> dict[str, object]:
    """What is guessed of a file, and whether it is right."""
    table = open_table(path)
    begun = time.perf_counter()
    try:
        guess = OpenTask().found_in(table)
        found = (guess.task.name, tuple(guess.task.text or ()), guess.task.label)
        others, refused = [*guess.others], ""
    except DataError as error:
        found, others, refused = (None, (), None), [], str(error).removeprefix(f"{path}: ").partition(": ")[0]
    seconds = time.perf_counter() - begun
    right = found == SERVED[name] if name in SERVED else found[0] is None
    return {
        "file": f"{name}/{path.name}", "serves": name in SERVED, "right": right, "task": found[0], "text": list(found[1]),
        "label": found[2], "others": others, "refused": refused, "rows": len(table), "seconds": round(seconds, 2),
    }  # fmt: skip


def main() -> None:
    """Guess all files, set by set."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    found = []
    for name in (*SERVED, *OTHERS):
        for path in files(name):
            row = measured(path, name)
            found.append(row)
            records.keep(RESULTS, row, ("file",))
            mark, what = "ok" if row["right"] else "!!", row["task"] or row["refused"]
            print(f"{mark} {row['file']}: {what} {row['text']} {row['label'] or ''}")
    served = [row for row in found if row["serves"]]
    print(f"{sum(bool(row['right']) for row in served)} of {len(served)} files in {len(SERVED)} sets are guessed right")


if __name__ == "__main__":
    main()
