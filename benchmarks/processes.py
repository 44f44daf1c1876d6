"""Two processes with one thread each against one process with one thread: seconds of training, and the same losses.

    python benchmarks/processes.py [--rows 480] [--repeats 3] [--quick]

Full fine-tuning of the default backbone on SST-2, without dropout, in float32, one epoch; started by torchrun, which the
processes of a team are started by. Raw results: benchmarks/results/processes.jsonl.
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

import draws
import records

RESULTS = "processes.jsonl"
KEYS = ("processes", "rows", "repeat")


def child(train_file: str) -> None:
    """One process of the team; the first one prints a JSON line."""
    import torch

    from headstart.backbones.location import locate
    from headstart.recipes.parsing import assemble
    from headstart.runs.preparation import prepare
    from headstart.runtime.progress import SILENT
    from headstart.runtime.team import joined
    from headstart.strategies.base import Context
    from headstart.strategies.cross_validation import prepared
    from headstart.strategies.fine_tuning import LEARNING_RATE, FineTuning
    from headstart.strategies.training_run import headed_model
    from headstart.training.stage import Stage
    from headstart.training.trainer import train

    torch.set_num_threads(1)
    recipe = assemble("fit", {"train": train_file, "test_share": 0, "validation_share": 0.05, "folds": 0, "epochs": 1})
    parts = prepare(recipe, SILENT)
    with joined() as team:
        context = Context(
            parts.task, parts.train, parts.validation, locate(recipe.backbone), recipe.training, 0, SILENT, team=team
        )
        model = headed_model(context, pooling="first", dropout=0.0, head_first=False)
        for module in model.modules():
            if isinstance(module, torch.nn.Dropout):
                module.p = 0.0
        ready, _ = prepared(context, model.backbone.tokenizer)
        groups = FineTuning().layer_groups(model, 1)
        begun = time.perf_counter()
        history = train(
            model, Stage(parts.task, ready, groups, 1, LEARNING_RATE), recipe.training, seed=0, validate=None
        )
        seconds = time.perf_counter() - begun
        if not team.rank:
            print(json.dumps({"seconds": round(seconds, 2), "loss": history.epochs[-1].train_loss}))


def measured(processes: int, train: Path) -> dict[str, Any]:
    """One run of a team."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        [*command, __file__, "--child", str(train)], capture_output=True, text=True, env=environment, check=False
    )
    if done.returncode:
        raise SystemExit(done.stderr[-2000:])
    return json.loads(done.stdout.strip().split("\n")[-1])


def main() -> None:
    """Run teams of one and two in turns."""
    if sys.argv[1:2] == ["--child"]:
        child(sys.argv[2])
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=480)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="96 rows, one repeat: does it run?")
    options = parser.parse_args()
    rows, repeats = (96, 1) if options.quick else (options.rows, options.repeats)
    kept: dict[int, list[dict[str, Any]]] = {1: [], 2: []}
    with tempfile.TemporaryDirectory() as folder:
        train = draws.training_file("sst2", Path(folder), rows=rows)
        for repeat in range(repeats):
            for processes in kept:
                row = {"processes": processes, "rows": rows, "repeat": repeat, **measured(processes, train)}
                kept[processes].append(row)
                if not options.quick:
                    records.keep(RESULTS, row, KEYS)
                print(json.dumps(row), flush=True)
    one, two = (statistics.median(row["seconds"] for row in kept[count]) for count in (1, 2))
    losses = [row["loss"] for each in kept.values() for row in each]
    print(
        f"one process {one:.2f} s, two {two:.2f} s: {one / two:.2f}x; losses differ by {max(losses) - min(losses):.1e}"
    )


if __name__ == "__main__":
    main()
