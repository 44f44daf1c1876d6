"""Target tokens per second of training an encoder-decoder, against `transformers.Seq2SeqTrainer`: same network and batch size.

    python benchmarks/writing_speed.py [--pairs 1920] [--repeats 3] [--only PROGRAM ...] [--works WORK ...] [--threads N] [--busy]
        [--quick] [--show]

The network is the warm start of `mini` on pairs of Multi30k, written to a folder that both sides train. Programs take turns,
each in a process of its own; only training is timed (no loading, no tokenising), without validation, logging or saving, and
without label smoothing (transformers' would reach the words of the other side). A work is about which layers move: `all`, or
`decoder`, the encoder as it is, in three epochs, whose states headstart keeps. Raw results:
benchmarks/results/writing_speed.jsonl, a line per program and repeat, with the name of the processor; the table shows medians.
"""

import argparse
import json
import platform
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

import records
from few_labels import timed
from translation import written

RESULTS = "writing_speed.jsonl"
KEYS = ("work", "program", "pairs", "repeat", "processor", "threads")
PEER = Path(__file__).parent / "peers" / "trainer_seq2seq.py"
PEERS = {
    "Seq2SeqTrainer, defaults": "default",
    "Seq2SeqTrainer, best options": "best",
    "Seq2SeqTrainer, best options, bf16": "best-bf16",
}
PROGRAMS = (*PEERS, "headstart, float32", "headstart")
WORKS = {"all": 1, "decoder": 3}
"""What moves, and in how many epochs."""
BATCH = 32


def processor() -> str:
    """The name of the processor."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text(encoding="utf-8").split("\n") if path.exists() else []
    return next((line.split(": ")[1] for line in lines if line.startswith("model name")), platform.processor())


def ours(train_file: str, work: str, way: str, seed: int, folder: str, threads: int) -> None:
    """Build the network and write it to a folder where there is none, or one run of the product's loop; prints a JSON line."""
    import resource
    import time

    import torch

    from headstart.backbones.location import locate
    from headstart.objectives.seq2seq import Seq2SeqLoss
    from headstart.recipes.parsing import assemble
    from headstart.runs.preparation import prepare
    from headstart.runtime.machine import set_threads
    from headstart.runtime.progress import SILENT
    from headstart.strategies.base import Context
    from headstart.strategies.warm_start import LEARNING_RATE, WarmStart
    from headstart.strategies.writing import rows_of, trained_writer
    from headstart.training.stage import LayerGroup

    set_threads(threads or None, torch_runs=True)
    epochs = WORKS[work]
    options = {
        "train": train_file,
        "validation": train_file,
        "task": "translation",
        "source_language": "en",
        "folds": 0,
    }
    recipe = assemble("fit", options | {"target_language": "de", "seed": seed, "batch_size": BATCH})
    parts = prepare(recipe, SILENT, None)
    context = Context(
        parts.task, parts.train, parts.validation, locate(recipe.backbone), recipe.training, seed, SILENT,
        precision="float32" if way == "float32" else "auto", last_epoch=epochs,
    )  # fmt: skip
    strategy = WarmStart(encoder_rate=0.0 if work == "decoder" else 0.1)
    backbone, _ = strategy._network(context, pretrained=True)
    if way == "build":
        backbone.save(Path(folder))
        return
    tokens = int(rows_of(backbone, parts.train)[0].written.lengths.sum()) * epochs
    backbone.part_words()
    encoder, decoder = backbone.network.get_encoder(), backbone.network.get_decoder()
    groups = [LayerGroup([encoder], strategy.encoder_rate), LayerGroup([decoder], 1.0)]
    begun = time.perf_counter()
    run = trained_writer(context, backbone, groups, Seq2SeqLoss(smoothing=0.0), epochs=epochs, rate=LEARNING_RATE)
    seconds = time.perf_counter() - begun
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    losses = [each.train_loss for each in run.history.epochs if each.train_loss is not None]
    found = {
        "training_seconds": round(seconds, 2),
        "tokens": tokens,
        "peak_bytes": memory,
        "threads": torch.get_num_threads(),
    }
    print(json.dumps(found | {"loss": round(statistics.mean(losses), 4) if losses else None}))


def measured(program: str, train: Path, work: str, seed: int, folder: Path, threads: int) -> dict[str, Any]:
    """One run of a program in a process of its own."""
    if program in PEERS:
        command = [
            sys.executable,
            str(PEER),
            str(folder),
            str(train),
            PEERS[program],
            work,
            str(BATCH),
            str(WORKS[work]),
            str(seed),
        ]
        command += [str(threads)] if threads else []
    else:
        way = "float32" if "float32" in program else "auto"
        command = [sys.executable, __file__, "--child", str(train), work, way, str(seed), str(folder), str(threads)]
    output, _ = timed(command, threads or None)
    return json.loads(output.strip().split("\n")[-1])


def show() -> None:
    """Medians and ratios."""
    kept = records.rows(RESULTS)
    for work, pairs, name in sorted({(row["work"], row["pairs"], row["processor"]) for row in kept}):
        print(f"\n{work} moves, {pairs:,} pairs, {name}")
        own = [row for row in kept if (row["work"], row["pairs"], row["processor"]) == (work, pairs, name)]
        rates = {
            program: statistics.median(
                row["tokens"] / row["training_seconds"] for row in own if row["program"] == program
            )
            for program in PROGRAMS
            if any(row["program"] == program for row in own)
        }
        for program, rate in rates.items():
            against = " ".join(f"{rate / rates[peer]:5.2f}x" for peer in PEERS if peer in rates)
            memory = statistics.median(row["peak_bytes"] for row in own if row["program"] == program) / 1e6
            print(f"  {program:<36} {rate:8,.0f} target tokens/s  {against}  {memory:6,.0f} MB")


def main() -> None:
    """Run the programs in turns and print the table."""
    if sys.argv[1:2] == ["--child"]:
        train, work, way, seed, folder, threads = sys.argv[2:8]
        ours(train, work, way, int(seed), folder, int(threads))
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=1920)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", nargs="*", choices=PROGRAMS, default=list(PROGRAMS))
    parser.add_argument("--works", nargs="*", choices=list(WORKS), default=list(WORKS))
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--busy", action="store_true", help="other work runs beside it: times say nothing")
    parser.add_argument("--quick", action="store_true", help="64 pairs, one repeat, nothing kept: does it run?")
    parser.add_argument("--show", action="store_true", help="the table of what is kept")
    options = parser.parse_args()
    pairs, repeats = (64, 1) if options.quick else (options.pairs, options.repeats)
    with tempfile.TemporaryDirectory() as place:
        for repeat in range(repeats) if not options.show else ():
            train, folder = written("train", Path(place), pairs), Path(place) / f"network-{repeat}"
            folder.mkdir()
            build = [sys.executable, __file__, "--child", str(train), "all", "build", str(repeat), str(folder), "0"]
            timed(build, None)
            for work in options.works:
                for program in options.only:
                    found = measured(program, train, work, repeat, folder, options.threads)
                    row = {"work": work, "program": program, "pairs": pairs, "repeat": repeat, "processor": processor()}
                    row |= {"device": records.device(), "quiet": not options.busy, **found}
                    row["threads"] = options.threads or found["threads"]
                    if not options.quick:
                        records.keep(RESULTS, row, KEYS)
                    print(json.dumps(row), flush=True)
    show()


if __name__ == "__main__":
    main()
