"""Tokens per second of pre-training against transformers' own way: Trainer over texts grouped into blocks.

    python benchmarks/pretraining_speed.py [--repeats 3] [--updates 12] [--size small] [--quick]

The same network (random weights, one seed), the same tokenizer, blocks of 128 tokens and 4,096 tokens per update, on the
Gutenberg and Penn Treebank training texts. Programs take turns, each in a process of its own; the first updates of each do not
count; nothing is logged, validated or saved. Trainer runs with its defaults and with its best documented options (no
dropout, fused AdamW, bfloat16 where the processor has it). Raw results: benchmarks/results/pretraining_speed.jsonl.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import records
from headstart.runtime.precision import has_fast_products

RESULTS = "pretraining_speed.jsonl"
KEYS = ("objective", "program", "size", "bf16", "repeat")
PEER = Path(__file__).parent / "peers" / "trainer_lm.py"
PROGRAMS = ("Trainer, defaults", "Trainer, best options", "headstart, float32", "headstart")
OBJECTIVES = {"masked-lm": "bert", "causal-lm": "gpt2"}
BLOCK, TOKENS, VOCABULARY, POSITIONS = 128, 4096, 16_000, 512
DATA = Path(os.environ.get("HEADSTART_DATA", "../shared/data"))
TEXTS = ("gutenberg/train.txt.gz", "ptb/ptb.train.txt.gz")


def network(objective: str, size: str, texts: list[str], folder: Path) -> Path:
    """A folder with configuration and tokenizer, made once."""
    from headstart.backbones.configured import blank, configuration
    from headstart.backbones.vocabulary import KIND_OF, save_tokenizer, special_ids, train_tokenizer
    from headstart.corpora.documents import segments
    from headstart.corpora.source import TextSource
    from headstart.corpora.survey import survey

    place = folder / f"{objective}-{size}"
    if (place / "config.json").exists():
        return place
    kind = OBJECTIVES[objective]
    place.mkdir(parents=True)
    surveyed = survey(TextSource(texts=tuple(texts)))
    tokenizer = train_tokenizer(
        [segment.text for segment in segments(surveyed)],
        kind=KIND_OF[kind],
        size=VOCABULARY,
        decoder=objective == "causal-lm",
        architecture=kind,
    )
    save_tokenizer(tokenizer, place, max_length=POSITIONS)
    config = configuration(
        kind, size=size, vocabulary=tokenizer.get_vocab_size(), positions=POSITIONS, special=special_ids(tokenizer)
    )
    blank(place, config, max_length=POSITIONS)
    return place


def ours(
    objective: str,
    place: Path,
    texts: list[str],
    updates: int,
    precision: Any,
    *,
    block: int = BLOCK,
    tokens: int = TOKENS,
    compiled: bool = True,
) -> dict[str, Any]:
    """The product's loop in this process, on a GPU where there is one, timed by itself."""
    import resource

    import torch

    from headstart.backbones.encoder import TextEncoder
    from headstart.backbones.location import BackboneSource, Located
    from headstart.corpora.source import TextSource
    from headstart.heads.model import Model
    from headstart.objectives import OBJECTIVES as REGISTRY
    from headstart.runtime.device import name_of, settled
    from headstart.runtime.precision import is_fast
    from headstart.runtime.progress import SILENT
    from headstart.runtime.team import ALONE
    from headstart.training import language
    from headstart.training.compiled import WORTH_SECONDS
    from headstart.training.language import Learner
    from headstart.training.rawtext import TextReader
    from headstart.training.settings import TextTraining

    config = json.loads((place / "config.json").read_text(encoding="utf-8"))
    located = Located(place, BackboneSource(location=str(place), max_length=block), "small", config)
    torch.manual_seed(0)
    device = settled("auto")
    backbone = TextEncoder(located, pretrained=False).to(device)
    backbone.fast = is_fast(precision, device)
    task = REGISTRY.get(objective)()
    model = Model(backbone, task.heads(backbone))
    reader = TextReader(backbone.tokenizer, task, block, 0, ALONE, SILENT)
    with tempfile.TemporaryDirectory() as folder:
        rows = reader.parted(reader.corpus(TextSource(texts=tuple(texts)), Path(folder) / "tokens"))
        settings = TextTraining(batch_tokens=tokens, block_length=block)
        learner = Learner(model, task, rows.learnt, rows.held, settings, 1e-3, 0, backbone.tokenizer)
        language.PROBED = updates
        begun = time.perf_counter()
        speed, _ = learner.measure(None if compiled else WORTH_SECONDS / 2)
    return {
        "tokens_per_second": round(speed.rate, 1),
        "arithmetic_share": round(speed.share, 3),
        "operations": speed.operations,
        "limit": speed.rate * speed.operations / speed.share,
        "device": name_of(device),
        "gpu_bytes": torch.cuda.max_memory_allocated() if device == "cuda" else 0,
        "measuring_seconds": round(time.perf_counter() - begun, 1),
        "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "threads": torch.get_num_threads(),
    }


def measured(program: str, objective: str, place: Path, texts: list[str], updates: int) -> dict[str, Any]:
    """One run of a program in a process of its own."""
    if program.startswith("Trainer"):
        words = [
            str(PEER),
            "--probe",
            str(updates),
            "--objective",
            objective.removesuffix("-lm"),
            "--config",
            str(place),
        ]
        words += ["--tokenizer", str(place), "--block", str(BLOCK), "--batch", str(TOKENS // BLOCK), "--text", *texts]
        words += ["--best"] if "best" in program else []
    else:
        precision = "float32" if "float32" in program else "auto"
        words = [__file__, "--child", objective, str(place), str(updates), precision, *texts]
    done = subprocess.run([sys.executable, *words], capture_output=True, text=True, timeout=1800, check=False)
    if done.returncode:
        raise SystemExit(f"{program} failed:\n{done.stderr[-3000:]}")
    return json.loads(done.stdout.strip().split("\n")[-1])


def show(size: str) -> None:
    """Medians and ratios, on processors with bfloat16 products and on those without."""
    for bf16 in (True, False):
        if found := [row for row in records.rows(RESULTS) if (row["size"], row["bf16"]) == (size, bf16)]:
            show_some(found, size, bf16)


def show_some(found: list[dict[str, Any]], size: str, bf16: bool) -> None:
    """Those of one kind of processor."""
    for objective in OBJECTIVES:
        mine = {
            name: [row for row in found if row["objective"] == objective and row["program"] == name]
            for name in PROGRAMS
        }
        rates = {
            name: statistics.median(row["tokens_per_second"] for row in rows) for name, rows in mine.items() if rows
        }
        print(
            f"\n{objective}, {OBJECTIVES[objective]} {size}, processors with{'' if bf16 else 'out'} bfloat16 products"
        )
        for name, rate in rates.items():
            against = "  ".join(f"{rate / rates[peer]:5.2f}x" for peer in PROGRAMS[:2] if peer in rates)
            memory = statistics.median(row["peak_bytes"] for row in mine[name]) / 1e6
            print(f"  {name:<24} {rate:8,.0f} tokens/s  {against}  {memory:6,.0f} MB")


def main() -> None:
    """Run the programs in turns and print the table."""
    if sys.argv[1:2] == ["--child"]:
        objective, place, updates, precision, *texts = sys.argv[2:]
        print(json.dumps(ours(objective, Path(place), texts, int(updates), precision)))
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--updates", type=int, default=12)
    parser.add_argument("--size", default="small", choices=["tiny", "small", "base"])
    parser.add_argument("--quick", action="store_true", help="a tiny network, one repeat: does it run?")
    options = parser.parse_args()
    size, repeats, updates = ("tiny", 1, 5) if options.quick else (options.size, options.repeats, options.updates)
    texts = [str(DATA / name) for name in (TEXTS[1:] if options.quick else TEXTS)]
    with tempfile.TemporaryDirectory() as folder:
        for repeat in range(repeats):
            for objective in OBJECTIVES:
                place = network(objective, size, texts, Path(folder))
                for program in PROGRAMS:
                    row = {"objective": objective, "program": program, "size": size}
                    row |= {"bf16": has_fast_products("cpu"), "repeat": repeat}
                    row |= measured(program, objective, place, texts, updates)
                    if not options.quick:
                        records.keep(RESULTS, row, KEYS)
                    print(json.dumps(row), flush=True)
    show(size)


if __name__ == "__main__":
    main()
