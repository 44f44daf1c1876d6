"""English to German on captions of Multi30k: a warm start and the controls, by minutes and by number of pairs.

    python benchmarks/translation.py [--programs PROGRAM ...] [--pairs N ...] [--minutes M] [--epochs N] [--seeds N] [--threads N]
        [--busy] [--quick] [--show]

Each program is one `headstart fit --task translation --strategy NAME` on so many pairs drawn at random, chosen on the validation
part and scored on test2016 by BLEU (sacrebleu, cased, 13a) and chrF, with intervals by sentence. `--minutes` is the budget of the
whole command. Raw results: benchmarks/results/translation.jsonl.
"""

import argparse
import gzip
import json
import random
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

import draws
import records
from few_labels import timed

RESULTS = "translation.jsonl"
KEYS = ("program", "pairs", "minutes", "epochs", "seed", "device")
PROGRAMS = ("copy-source", "lexicon", "nearest-sentence", "warm-start")
ALL = 29_000


def lines(name: str) -> list[str]:
    """Lines of a file, packed or not."""
    path = draws.DATA / "multi30k_en_de" / name
    packed = Path(f"{path}.gz")
    text = (gzip.decompress(packed.read_bytes()) if packed.exists() else path.read_bytes()).decode("utf-8")
    return text.rstrip("\n").split("\n")


def written(part: str, folder: Path, count: int | None = None, seed: int = 0) -> Path:
    """Pairs of a part as JSON lines, some at random."""
    pairs = list(zip(lines(f"{part}.en"), lines(f"{part}.de"), strict=True))
    if count is not None and count < len(pairs):
        pairs = random.Random(seed).sample(pairs, count)
    path = folder / f"{part}_{len(pairs)}_{seed}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = (json.dumps({"en": one, "de": other}, ensure_ascii=False) + "\n" for one, other in pairs)
    path.write_text("".join(rows), encoding="utf-8")
    return path


def run(program: str, count: int, seed: int, options: argparse.Namespace) -> dict[str, Any]:
    """One fit."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        few = 30 if options.quick else None
        parts = [written("train", folder, count, seed), written("val", folder, few), written("test2016", folder, few)]
        command = [
            sys.executable,
            "-m",
            "headstart.cli",
            "fit",
            str(parts[0]),
            "--validation",
            str(parts[1]),
            "--test",
            str(parts[2]),
        ]
        command += [
            "--task",
            "translation",
            "--source-language",
            "en",
            "--target-language",
            "de",
            "--strategy",
            program,
        ]
        command += [
            "--no-controls",
            "--no-refit",
            "--seed",
            str(seed),
            "--output",
            f"{options.keep or name}/{program}-{count}-{seed}",
            "--overwrite",
            "--no-rows",
            "--json",
            "--quiet",
        ]
        command += ["--budget", f"{options.minutes:g}m" if options.minutes else "none"]
        trains = program == "warm-start"
        command += ["--epochs", str(options.epochs)] if options.epochs and trains else []
        command += ["--threads", str(options.threads)] if options.threads else []
        output, seconds = timed(command, options.threads)
    found = json.loads(output)
    scores = {metric: [each["value"], each["low"], each["high"]] for metric, each in found["scores"]["test"].items()}
    entry = found["leaderboard"][0]
    about = {"fit_seconds": entry["seconds"], "description": entry.get("description")}
    return {"scores": scores, **about, "command_seconds": round(seconds, 1)}


def show() -> None:
    """Mean BLEU of each program."""
    for count, minutes in sorted({(row["pairs"], row["minutes"] or 0) for row in records.rows(RESULTS)}):
        print(f"\n{count:,} pairs" + (f", {minutes:g} minutes" if minutes else ""))
        for program in PROGRAMS:
            own = [
                row for row in records.rows(RESULTS)
                if (row["program"], row["pairs"], row["minutes"] or 0) == (program, count, minutes)
            ]  # fmt: skip
            if own:
                bleu, chrf = (statistics.mean(row["scores"][name][0] for row in own) for name in ("bleu", "chrf"))
                print(f"  {program:<18} BLEU {bleu:5.2f}, chrF {chrf:5.2f} ({len(own)} run{'s' * (len(own) > 1)})")


def main() -> None:
    """Run the programs in turns and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--programs", nargs="*", choices=PROGRAMS, default=list(PROGRAMS))
    parser.add_argument("--pairs", nargs="*", type=int, default=[ALL])
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--keep", help="folder that runs are kept in")
    parser.add_argument("--busy", action="store_true", help="other work runs beside it: times say nothing")
    parser.add_argument("--quick", action="store_true", help="60 pairs, one epoch, nothing kept: does it run?")
    parser.add_argument("--show", action="store_true", help="the table of what is kept")
    options = parser.parse_args()
    if options.quick:
        options.pairs, options.epochs = [60], 1
    for seed in range(options.seeds) if not options.show else ():
        for count in options.pairs:
            for program in options.programs:
                row = {
                    "program": program,
                    "pairs": count,
                    "minutes": options.minutes,
                    "epochs": options.epochs,
                    "seed": seed,
                }
                row |= {"device": records.device(), "quiet": not options.busy, **run(program, count, seed, options)}
                if not options.quick:
                    records.keep(RESULTS, row, KEYS)
                print(json.dumps(row), flush=True)
    show()


if __name__ == "__main__":
    main()
