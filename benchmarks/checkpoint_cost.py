"""What checkpoints cost: seconds to write one, as a share of the 30 seconds between two; full fine-tuning of `mini`.

    python benchmarks/checkpoint_cost.py [--saves 12] [--quick]

A stage on SST-2 writes a checkpoint every two seconds; what is timed is the whole of each, as training waits for it: weights,
moments and best weights to files, digests, fsync, rename, removal of the one before the last. The share is that of a
checkpoint every 30 seconds. Raw results: benchmarks/results/checkpoint_cost.jsonl.
"""

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import draws
import records

RESULTS = "checkpoint_cost.jsonl"
KEYS = ("moving",)
EVERY = 30.0


def measured(folder: Path, saves: int, pause: float) -> dict[str, Any]:
    """Seconds of each save of one stage."""
    from headstart.backbones.location import locate
    from headstart.recipes.parsing import assemble
    from headstart.runs.preparation import prepare
    from headstart.runtime.progress import SILENT
    from headstart.strategies.base import Context
    from headstart.strategies.fine_tuning import FineTuning
    from headstart.training.checkpoints import Checkpoints, Stages

    recipe = assemble("fit", {"train": str(draws.DATA / "sst2" / "train.csv"), "test_share": 0, "epochs": 3})
    parts = prepare(recipe, SILENT)
    seconds: list[float] = []
    save = Checkpoints.save

    def timed(self: Checkpoints, *arguments: Any, **named: Any) -> None:
        begun = time.perf_counter()
        save(self, *arguments, **named)
        seconds.append(time.perf_counter() - begun)
        if len(seconds) == saves:
            raise KeyboardInterrupt

    Checkpoints.save = timed  # type: ignore[method-assign]
    context = Context(
        parts.task, parts.train, parts.validation, locate(recipe.backbone), recipe.training, 0, SILENT,
        precision="auto", stages=Stages(folder / "stages", pause),
    )  # fmt: skip
    try:
        FineTuning(head="native").fit(context)
    except KeyboardInterrupt:
        pass
    finally:
        Checkpoints.save = save  # type: ignore[method-assign]
    size = sum(path.stat().st_size for path in max((folder / "stages").rglob("step-*")).iterdir())
    size += sum(path.stat().st_size for path in (folder / "stages").rglob("best-*/*"))
    middle = statistics.median(seconds[:saves])
    return {
        "megabytes": round(size / 1e6, 1),
        "saves": len(seconds[:saves]),
        "seconds": round(middle, 3),
        "slowest": round(max(seconds[:saves]), 3),
        "share": round(middle / (EVERY + middle), 4),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--saves", type=int, default=12)
    parser.add_argument("--quick", action="store_true", help="two saves, nothing kept")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = measured(Path(folder), 2 if options.quick else options.saves, 0.0 if options.quick else 2.0)
    row = {"moving": "all layers of mini", **found}
    if not options.quick:
        records.keep(RESULTS, row, KEYS)
    print(json.dumps(row))


if __name__ == "__main__":
    main()
