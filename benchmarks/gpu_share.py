"""How much of a GPU's arithmetic pre-training uses: a network of GPT-2's small size, causal, against transformers' Trainer.

    python benchmarks/gpu_share.py [--repeats 3] [--updates 20] [--tokens 65536] [--block 1024] [--place DIR] [--show]

The same random network (12 layers, 768 wide, about 50,000 words), tokenizer, blocks and tokens per update; programs take
turns, each in a process of its own, the first updates of each do not count, nothing is logged, validated or saved. Products
are in bfloat16. The share is that of the best of four products of 8192 x 8192 matrices of random numbers in bfloat16,
measured by the same process after training; operations are those of the products, forward and backward, as torch's
FlopCounterMode counts them, nothing counted twice. Raw results: benchmarks/results/gpu_share.jsonl.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import torch

import pretraining_speed as speed
import records

RESULTS = "gpu_share.jsonl"
KEYS = ("program", "device", "tokens", "block", "repeat")
PROGRAMS = ("Trainer, best options", "headstart, not compiled", "headstart")
SIZE, WORDS = "base", 50_257


def measured(program: str, place: Path, texts: list[str], options: argparse.Namespace) -> dict[str, Any]:
    """One run of a program in a process of its own."""
    if program.startswith("Trainer"):
        words = [str(speed.PEER), "--probe", str(options.updates), "--objective", "causal", "--config", str(place)]
        words += [
            "--tokenizer",
            str(place),
            "--block",
            str(options.block),
            "--batch",
            str(options.tokens // options.block),
        ]
        words += ["--best", "--text", *texts]
    else:
        numbers = map(str, (options.updates, options.block, options.tokens, int("not" not in program)))
        words = [__file__, "--child", str(place), *numbers, *texts]
    done = subprocess.run([sys.executable, *words], capture_output=True, text=True, timeout=500, check=False)
    if done.returncode:
        raise SystemExit(f"{program} failed:\n{done.stderr[-3000:]}")
    return json.loads(done.stdout.strip().split("\n")[-1])


def show(found: list[dict[str, Any]]) -> None:
    """Medians and ratios."""
    for device, tokens, block in sorted({(row["device"], row["tokens"], row["block"]) for row in found}):
        some = [row for row in found if (row["device"], row["tokens"], row["block"]) == (device, tokens, block)]
        rates = {
            program: statistics.median(row["tokens_per_second"] for row in some if row["program"] == program)
            for program in PROGRAMS
            if any(row["program"] == program for row in some)
        }
        own = [row for row in some if "operations" in row]
        limit, operations = (statistics.median(row[name] for row in own) for name in ("limit", "operations"))
        print(f"\n{device}, {tokens:,} tokens per update, blocks of {block}; products {limit / 1e12:.0f} TFLOP/s")
        for program, rate in rates.items():
            print(f"  {program:<24} {rate:10,.0f} tokens/s  {rate * operations / limit:6.1%} of it")


def main() -> None:
    """Run the programs in turns and print the table."""
    if sys.argv[1:2] == ["--child"]:
        place, updates, block, tokens, compiled, *texts = sys.argv[2:]
        found = speed.ours(
            "causal-lm", Path(place), texts, int(updates), "auto",
            block=int(block), tokens=int(tokens), compiled=compiled == "1",
        )  # fmt: skip
        print(json.dumps(found))
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--updates", type=int, default=20)
    parser.add_argument("--tokens", type=int, default=65_536)
    parser.add_argument("--block", type=int, default=1024)
    parser.add_argument("--programs", nargs="*", choices=PROGRAMS, default=list(PROGRAMS))
    parser.add_argument("--place", type=Path, help="where network and tokenizer are kept, to be made once")
    parser.add_argument("--show", action="store_true", help="run nothing, print the table")
    options = parser.parse_args()
    if not options.show and not torch.cuda.is_available():
        print("there is no GPU here that torch can use; nothing was measured")
        return
    texts = [str(speed.DATA / speed.TEXTS[0])]
    with tempfile.TemporaryDirectory() as folder:
        for repeat in range(0 if options.show else options.repeats):
            speed.VOCABULARY, speed.POSITIONS = WORDS, options.block
            place = speed.network("causal-lm", SIZE, texts, options.place or Path(folder))
            device = "?"
            for program in options.programs[::-1]:  # headstart first: it says what the device is
                found = measured(program, place, texts, options)
                device = found.get("device", device)
                row = {"program": program, "device": device, "tokens": options.tokens, "block": options.block}
                row = {**found, **row, "repeat": repeat}
                records.keep(RESULTS, row, KEYS)
                print(json.dumps(row), flush=True)
    show(records.rows(RESULTS))


if __name__ == "__main__":
    main()
