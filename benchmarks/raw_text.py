"""Two gigabytes of raw text: memory and time of `headstart pretrain` from the files to shards and the first updates.

    python benchmarks/raw_text.py [--megabytes 200 2000] [--near] [--busy] [--files FOLDER]

The text is that of the shared English files over and over; in every copy of a document a word is left out and two numbers are put
in, so that no two documents are alike, and every fiftieth is written twice. Memory is the largest anonymous memory (RssAnon) of the
command's process, which tokenises in threads, looked at ten times a second; mapped files do not count. Two updates of a
`tiny` network follow, so that reading rows from the shards counts too. `--near` also looks for near duplicates (0.8).
Raw results: benchmarks/results/raw_text.jsonl.
"""

import argparse
import gzip
import json
import random
import re
import tempfile
from pathlib import Path

import records
from bits_per_byte import TEXTS
from million_rows import altered, headstart, watched
from pretraining_speed import DATA

RESULTS = "raw_text.jsonl"
KEYS = ("megabytes", "near")
UPDATES = 2
TWICE = 50
"""Of so many documents one is written again."""


def documents() -> list[list[str]]:
    """Paragraphs of the shared texts, as words."""
    found = []
    for name in TEXTS:
        with gzip.open(DATA / name, "rt", encoding="utf-8") as file:
            found += [words for block in re.split(r"\n\s*\n", file.read()) if len(words := block.split()) > 4]
    return found


def written(path: Path, size: int, seed: int = 0) -> Path:
    """A file of about `size` bytes in which no two documents are alike but for those written twice."""
    if path.exists():
        return path
    source, chance, count, total = documents(), random.Random(seed), 0, 0
    with path.with_suffix(".part").open("w", encoding="utf-8") as file:
        while total < size:
            text = altered(source[count % len(source)], count, chance) + "\n\n"
            for _ in range(2 if count % TWICE == 0 else 1):
                total += len(text.encode())
                file.write(text)
            count += 1
    path.with_suffix(".part").rename(path)
    return path


def main() -> None:
    """Run the sizes asked for, the smallest first."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", nargs="*", type=int, default=[200, 2000])
    parser.add_argument("--near", action="store_true", help="near duplicates too")
    parser.add_argument("--busy", action="store_true", help="other work runs beside it")
    parser.add_argument("--files", default=str(Path(tempfile.gettempdir()) / "headstart-text"))
    options = parser.parse_args()
    folder = Path(options.files)
    folder.mkdir(exist_ok=True)
    for megabytes in options.megabytes:
        text = written(folder / f"text-{megabytes}.txt", megabytes * 1_000_000)
        run = folder / "run"
        words = ["pretrain", str(text), "--objective", "causal-lm", "--size", "tiny", "--documents", "paragraph"]
        words += ["--updates", str(UPDATES), *(["--near-duplicates", "0.8"] if options.near else [])]
        seconds, memory, _ = watched(headstart(*words, "--output", str(run), "--overwrite"))
        evidence = json.loads((run / "evidence.json").read_text(encoding="utf-8"))
        row = {
            "megabytes": megabytes,
            "near": options.near,
            "quiet": not options.busy,
            "seconds": round(seconds, 1),
            "gigabytes": round(memory / 1e9, 3),
            "text": evidence["data"]["facts"],
        }
        records.keep(RESULTS, row, KEYS)
        print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
