"""Bits per byte after a quarter of an hour of causal pre-training on the shared English raw text, against transformers' way.

    python benchmarks/bits_per_byte.py [--minutes 15] [--size small] [--rates 5e-5 1e-3]

The same architecture (random weights), the same tokenizer and the same text for both; judged by one program
(`peers/trainer_lm.py --evaluate`: plain transformers, windows of 256 tokens that know nothing of one another) on the test text
of the Penn Treebank. Trainer runs with its best documented options (bfloat16 where the processor multiplies it), at its default
rate and at a higher one with warm-up; its schedule spans what a probe says will fit. `bf16` of a row says whether the processor
does. Raw results: benchmarks/results/bits_per_byte.jsonl.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import records
from headstart.runtime.precision import has_fast_products
from pretraining_speed import DATA, PEER, network

RESULTS = "bits_per_byte.jsonl"
KEYS = ("program", "size", "minutes", "bf16")
TEXTS = (
    "gutenberg/train.txt.gz",
    "ptb/ptb.train.txt.gz",
    "wikitext2/valid.txt.gz",
    "biomed_raw/train.txt.gz",
    "us_code_raw/train.txt.gz",
)
TEST = "ptb/ptb.test.txt"
BLOCK, BATCH = 256, 16


def called(words: list[str]) -> dict[str, Any]:
    """The JSON that a program prints last."""
    done = subprocess.run([sys.executable, *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(words)} failed:\n{done.stderr[-3000:]}")
    return json.loads(done.stdout.strip().split("\n")[-1])


def judged(folder: Path) -> float:
    """Bits per byte of the test text."""
    words = [str(PEER), "--evaluate", str(folder), "--text", str(DATA / TEST), "--block", str(BLOCK), "--lines"]
    return min(called(words)["bits_per_byte"], called(words[:-1])["bits_per_byte"])


def main() -> None:
    """Train in turns and print a line per program."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=15)
    parser.add_argument("--size", default="small", choices=["tiny", "small", "base"])
    parser.add_argument("--rates", nargs="*", default=["5e-5", "1e-3"], help="of Trainer")
    parser.add_argument("--only", nargs="*", default=[], help="headstart, Trainer")
    parser.add_argument("--options", nargs="*", default=[], help="more words for headstart pretrain, without --")
    parser.add_argument("--name", default="headstart", help="of the row, where options are tried")
    options = parser.parse_args()
    texts = [str(DATA / name) for name in TEXTS]
    seconds = round(60 * options.minutes)
    with tempfile.TemporaryDirectory() as folder:
        place = network("causal-lm", options.size, texts, Path(folder))
        rows: list[dict[str, Any]] = []
        if not options.only or "headstart" in options.only:
            out = Path(folder) / "ours"
            words = [
                "-m",
                "headstart.cli",
                "pretrain",
                *texts,
                "--objective",
                "causal-lm",
                "--architecture",
                str(place),
            ]
            words += ["--block-length", str(BLOCK), "--budget", f"{seconds}s", "-o", str(out), "--json", "--quiet"]
            words += [word if at % 2 else f"--{word}" for at, word in enumerate(options.options)]
            found = called(words)
            rows.append(
                {"program": options.name, "tokens": found["tokens"], "updates": found["updates"], "folder": out}
            )
        for rate in options.rates if not options.only or "Trainer" in options.only else ():
            common = [str(PEER), "--objective", "causal", "--config", str(place), "--tokenizer", str(place), "--best"]
            common += ["--block", str(BLOCK), "--batch", str(BATCH), "--text", *texts]
            speed = called([*common, "--probe", "8"])["tokens_per_second"]
            planned = str(max(1, round(speed * seconds / (BLOCK * BATCH))))
            out = Path(folder) / f"trainer-{rate}"
            warm = [] if rate == "5e-5" else ["--warmup", str(round(0.06 * int(planned)))]
            words = [*common, "--seconds", str(seconds), "--planned-updates", planned, "--learning-rate", rate, *warm]
            found = called([*words, "--output", str(out)])
            name = f"Trainer, best options, rate {rate}"
            rows.append({"program": name, "tokens": found["tokens"], "updates": found["updates"], "folder": out})
        for row in rows:
            row["bits_per_byte"] = judged(row.pop("folder"))
            row |= {"size": options.size, "minutes": options.minutes, "bf16": has_fast_products("cpu")}
            records.keep(RESULTS, row, KEYS)
            print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
