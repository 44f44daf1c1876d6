"""What a warm start buys with few pairs: English to German on Multi30k against the same network from scratch, paired.

    python benchmarks/few_pairs.py [--programs PROGRAM ...] [--pairs N ...] [--minutes M] [--seeds N] [--threads N] [--busy]
        [--quick] [--show]

For each number of pairs, drawn at random, each program has the same minutes for the whole command (`--budget`), is chosen on the
validation part and writes test2016. `back-translation` and `warm-start --word-dropout` are the warm start with these, on at most
5,000 pairs; the texts alone are German captions of pairs that were not drawn, at most `--alone`. Programs are compared by a
paired bootstrap over the sentences of test2016. Raw results: benchmarks/results/few_pairs.jsonl, and in few_pairs_texts what was
written.
"""

import argparse
import gzip
import json
import random
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

import records
from few_labels import timed
from translation import lines, written

RESULTS, WRITTEN = "few_pairs.jsonl", "few_pairs_texts"
KEYS = ("program", "pairs", "minutes", "seed", "device")
PROGRAMS = ("from-scratch", "warm-start", "warm-start --word-dropout", "back-translation")
PAIRS = (500, 2_000, 8_000, 29_000)
MOST = 5_000
"""Pairs up to which the options of few pairs run."""
DRAWS = 2_000


def alone(folder: Path, pairs: int, seed: int, most: int) -> Path:
    """German captions of pairs that were not drawn, a line each."""
    every = list(zip(lines("train.en"), lines("train.de"), strict=True))
    drawn = {one for one in random.Random(seed).sample(every, pairs)} if pairs < len(every) else set(every)
    texts = [other for one, other in every if (one, other) not in drawn]
    path = folder / "alone.txt"
    path.write_text(
        "".join(f"{text}\n" for text in random.Random(seed).sample(texts, min(most, len(texts)))), encoding="utf-8"
    )
    return path


def run(program: str, pairs: int, seed: int, options: argparse.Namespace) -> dict[str, Any]:
    """One fit, and what it writes for test2016."""
    with tempfile.TemporaryDirectory() as name:
        folder, few = Path(name), 20 if options.quick else None
        train, held, test = (
            written("train", folder, pairs, seed), written("val", folder, few), written("test2016", folder, few)
        )  # fmt: skip
        strategy = program.split(" ")[0]
        command = [
            sys.executable,
            "-m",
            "headstart.cli",
            "fit",
            str(train),
            "--validation",
            str(held),
            "--test",
            str(test),
        ]
        command += [
            "--task",
            "translation",
            "--source-language",
            "en",
            "--target-language",
            "de",
            "--strategy",
            strategy,
        ]
        command += [
            "--no-controls",
            "--no-refit",
            "--seed",
            str(seed),
            "--output",
            f"{name}/run",
            "--no-rows",
            "--json",
            "--quiet",
        ]
        command += ["--word-dropout", str(options.share)] if "word-dropout" in program else []
        command += (
            ["--target", str(alone(folder, pairs, seed, options.alone))] if strategy == "back-translation" else []
        )
        command += ["--budget", f"{options.minutes:g}m" if options.minutes else "none"]
        command += ["--epochs", "1"] if options.quick else []
        command += ["--threads", str(options.threads)] if options.threads else []
        output, seconds = timed(command, options.threads)
        found = json.loads(output)
        predict = [sys.executable, "-m", "headstart.cli", "predict", f"{name}/run", "--quiet"]
        inputs = [json.loads(line)["en"] for line in test.read_text(encoding="utf-8").rstrip("\n").split("\n")]
        said = subprocess.run(predict, input="\n".join(inputs), capture_output=True, text=True, check=True).stdout
    entry = found["leaderboard"][0]
    texts = [json.loads(line)["text"] for line in said.strip().split("\n")]
    scores = {metric: [each["value"], each["low"], each["high"]] for metric, each in found["scores"]["test"].items()}
    about = {"scores": scores, "fit_seconds": entry["seconds"], "description": entry.get("description")}
    return {**about, "command_seconds": round(seconds, 1), "texts": texts}


def path_of(row: dict[str, Any]) -> Path:
    """Where what a run wrote is kept."""
    name = "_".join(str(row[key]).replace(" ", "-").replace(",", "") for key in KEYS)
    return records.RESULTS / WRITTEN / f"{name}.txt.gz"


def texts_of(row: dict[str, Any]) -> list[str]:
    """What a run wrote."""
    return gzip.decompress(path_of(row).read_bytes()).decode().split("\n")


def paired(one: list[str], other: list[str], references: list[str], seed: int = 0) -> tuple[float, float, float, float]:
    """Difference in BLEU of two systems, its 95 % interval, and the share of draws in which it is not over 0."""
    from headstart.metrics.written import bleu_of_sums, counted

    sums = [counted(texts, [[each] for each in references], tokenize="13a")[0] for texts in (one, other)]
    drawn = np.random.default_rng(seed).integers(0, len(references), (DRAWS, len(references)))
    gaps = np.array([bleu_of_sums(sums[0][rows].sum(0)) - bleu_of_sums(sums[1][rows].sum(0)) for rows in drawn]).ravel()
    whole = float(np.squeeze(bleu_of_sums(sums[0].sum(0)) - bleu_of_sums(sums[1].sum(0))))
    low, high = np.quantile(gaps, (0.025, 0.975))
    return whole, float(low), float(high), float((gaps <= 0).mean())


def show() -> None:
    """Mean BLEU by number of pairs, and each program against the one from scratch and the plain warm start."""
    kept, references = records.rows(RESULTS), lines("test2016.de")
    for pairs, minutes in sorted({(row["pairs"], row["minutes"] or 0) for row in kept}):
        print(f"\n{pairs:,} pairs, {minutes:g} minutes")
        own = [row for row in kept if (row["pairs"], row["minutes"] or 0) == (pairs, minutes)]
        by = {(row["program"], row["seed"]): row for row in own}
        for program in PROGRAMS:
            rows = [row for row in own if row["program"] == program]
            if not rows:
                continue
            print(
                f"  {program:<28} BLEU {statistics.mean(row['scores']['bleu'][0] for row in rows):5.2f} ({len(rows)} runs)",
                end="",
            )
            for rival in PROGRAMS[:2]:
                rows_of_both = [(row, by[rival, row["seed"]]) for row in rows if (rival, row["seed"]) in by]
                gaps = [paired(texts_of(a), texts_of(b), references) for a, b in rows_of_both if rival != program]
                told = ", ".join(f"{gap:+.2f} [{low:+.2f}, {high:+.2f}]" for gap, low, high, _ in gaps)
                print(f"; against {rival}: {told}" if gaps else "", end="")
            print()


def main() -> None:
    """Run the programs in turns and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--programs", nargs="*", choices=PROGRAMS, default=list(PROGRAMS))
    parser.add_argument("--pairs", nargs="*", type=int, default=list(PAIRS))
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--alone", type=int, default=10_000, help="texts that stand alone, at most")
    parser.add_argument("--share", type=float, default=0.1, help="of the words that word dropout hides")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--busy", action="store_true", help="other work runs beside it: times say nothing")
    parser.add_argument("--quick", action="store_true", help="40 pairs, one epoch, nothing kept: does it run?")
    parser.add_argument("--show", action="store_true", help="the table of what is kept")
    options = parser.parse_args()
    if options.quick:
        options.pairs, options.minutes, options.alone = [40], None, 10
    for seed in range(options.seeds) if not options.show else ():
        for pairs in options.pairs:
            for program in options.programs:
                if pairs > MOST and program not in PROGRAMS[:2]:
                    continue
                found = run(program, pairs, seed, options)
                row = {
                    "program": program,
                    "pairs": pairs,
                    "minutes": options.minutes,
                    "seed": seed,
                    "device": records.device(),
                }
                texts = found.pop("texts")
                row |= {"quiet": not options.busy, **found}
                if not options.quick:
                    path_of(row).parent.mkdir(parents=True, exist_ok=True)
                    path_of(row).write_bytes(gzip.compress("\n".join(texts).encode(), mtime=0))
                    records.keep(RESULTS, row, KEYS)
                print(json.dumps(row), flush=True)
    show()


if __name__ == "__main__":
    main()
