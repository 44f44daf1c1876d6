"""What learning again from all rows buys: the same run scored before and after, on the same test rows.

    python benchmarks/refit.py [--only SET ...] [--strategies NAME ...] [--rows N] [--draws N ...] [--threads N] [--busy] [--show]

Eight classification sets, at most 2,000 rows of each, of which a fifth less is learnt from before (validation, 15 %); four entity
sets, a tenth of whose rows is drawn. Each run is one `headstart fit --strategy NAME --no-controls`; its leaderboard has the model
that learnt from the training rows, its `refit` the one that learnt from validation rows too. Raw results:
benchmarks/results/refit.jsonl, a line per set, strategy and draw.
"""

import argparse
import json
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

import draws
import records
import tasks
from few_labels import TEST_ROWS, timed

RESULTS = "refit.jsonl"
KEYS = ("data", "rows", "strategy", "draw")
SETS = ("ag_news", "airline", "cola", "hate_offensive", "nicta_piboso", "sst2", "tfns", "umsab")
ENTITIES = ("conll2003", "wikiann_de", "conll2002_nl", "bc5cdr")
STRATEGIES = ("feature-extraction", "contrastive", "fine-tuning")
ROWS, SHARE = 2000, 0.1


def files(name: str, rows: int, draw: int, folder: Path) -> tuple[Path, Path]:
    """Training rows and test rows."""
    if name in SETS:
        return draws.training_file(name, folder, rows=rows, seed=draw), draws.scored_file(name, folder, rows=TEST_ROWS)
    found = tasks.drawn(name, draw, SHARE, folder, quick=False)
    whole = folder / f"{name}_{draw}_whole.conll"
    whole.write_text(
        found.train.read_text(encoding="utf-8") + found.validation.read_text(encoding="utf-8"), encoding="utf-8"
    )
    return whole, found.test


def run(name: str, strategy: str, rows: int, draw: int, folder: Path, threads: int | None) -> dict[str, Any]:
    """Scores before and after, by the task's own metric."""
    train, test = files(name, rows, draw, folder)
    with tempfile.TemporaryDirectory() as place:
        command = [
            sys.executable,
            "-m",
            "headstart.cli",
            "fit",
            str(train),
            "--test",
            str(test),
            "--strategy",
            strategy,
        ]
        command += [
            "--no-controls",
            "--refit",
            "--seed",
            str(draw),
            "--no-cache",
            "--output",
            f"{place}/run",
            "--json",
            "--quiet",
        ]
        command += ["--metric", "accuracy"] * (name in SETS) + ["--task", tasks.TOKENS] * (name in ENTITIES)
        output, seconds = timed(command + (["--threads", str(threads)] if threads else []), threads)
    found = json.loads(output)
    before, after = found["leaderboard"][0]["scores"]["test"], found["scores"]["test"]
    metric = "accuracy" if name in SETS else "f1"
    return {
        "metric": metric,
        "learnt": found["refit"]["rows"],
        "before": before[metric]["value"],
        "after": after[metric]["value"],
        "loss_before": before.get("log_loss", {}).get("value"),
        "loss_after": after.get("log_loss", {}).get("value"),
        "refit_seconds": found["refit"]["seconds"],
        "fit_seconds": found["leaderboard"][0]["seconds"],
        "seconds": round(seconds, 1),
    }


def show() -> None:
    """Gains by strategy and set, then their means with standard errors over sets."""
    rows = records.rows(RESULTS)
    for strategy in STRATEGIES:
        means = []
        for name in (*SETS, *ENTITIES):
            own = [row for row in rows if (row["data"], row["strategy"]) == (name, strategy)]
            if not own:
                continue
            gains = [100 * (row["after"] - row["before"]) for row in own]
            means.append(statistics.mean(gains))
            before = statistics.mean(row["before"] for row in own)
            print(
                f"{strategy:<20} {name:<15} {own[0]['metric']} {before:.4f}, {means[-1]:+.2f} points ({len(own)} draws)"
            )
        if len(means) > 1:
            error = statistics.stdev(means) / len(means) ** 0.5
            print(
                f"{strategy:<20} mean {statistics.mean(means):+.2f} points (s.e. over sets {error:.2f}), worst {min(means):+.2f}"
            )


def main() -> None:
    """Run what is asked for and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", default=[*SETS])
    parser.add_argument("--strategies", nargs="*", default=[*STRATEGIES])
    parser.add_argument("--rows", type=int, default=ROWS, help="of classification sets, at most")
    parser.add_argument("--draws", nargs="*", type=int, default=[0])
    parser.add_argument("--threads", type=int)
    parser.add_argument("--busy", action="store_true", help="other work runs beside it: times say nothing")
    parser.add_argument("--show", action="store_true", help="only print the table of what is kept")
    options = parser.parse_args()
    for draw in options.draws if not options.show else ():
        for strategy in options.strategies:
            for name in options.only:
                with tempfile.TemporaryDirectory() as folder:
                    row = dict(zip(KEYS, (name, options.rows, strategy, draw), strict=True))
                    row |= {"quiet": not options.busy, "processor": records.device()}
                    row |= run(name, strategy, options.rows, draw, Path(folder), options.threads)
                records.keep(RESULTS, row, KEYS)
                print(json.dumps(row), flush=True)
    show()


if __name__ == "__main__":
    main()
