"""How defaults are chosen: on half of the sets, judged on the other half, both ways.

    python benchmarks/defaults.py [--family NAME] [--only SET ...] [--sizes N ...] [--draws N ...] [--settings NAME ...] [--busy]

Every setting of a family (one strategy with some of its options) learns from the same rows of every set: so many of each
class, or 1,000 in all. Its score on what was held out (out of fold, or on validation rows) and on at most 1,000 test rows are
kept, one JSON line each, in benchmarks/results/defaults.jsonl.

A setting is a good default where it is good on sets that had no part in choosing it. So the sets are parted in two, by name,
every other one; the setting with the best mean test score on one half is taken as if it were the default, and judged on the
other half by its regret: how far its test score is below that of the setting which the held-out rows of that very set
prefer. `--show` prints these, the means of all settings, and the tables of sets, losing cells too.
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
from few_labels import KINDS, SETS, TEST_ROWS, timed

RESULTS = "defaults.jsonl"
KEYS = ("family", "setting", "data", "size", "draw")
SIZES = (2, 8, 32, 1000)
"""Rows of each class; 1,000 are rows in all."""
IN_ALL = 1000
DRAWS = 3
FAMILIES: dict[str, dict[str, list[str]]] = {
    "contrastive": {
        "default": [],
        "6 updates": ["--updates", "6"],
        "12 updates": ["--updates", "12"],
        "24 updates": ["--updates", "24"],
        "48 updates": ["--updates", "48"],
        "24 updates at 1e-4": ["--updates", "24", "--learning-rate", "1e-4"],
        "pairs, 12 updates": ["--loss", "pairs", "--updates", "12"],
        "no names": ["--no-label-names"],
        "names": ["--label-names"],
    },
    "feature-extraction": {"default": [], "no names": ["--no-label-names"], "names": ["--label-names"]},
    "fine-tuning": {
        "default": [],
        "5e-5": ["--learning-rate", "5e-5"],
        "1e-4": ["--learning-rate", "1e-4"],
        "6 epochs": ["--epochs", "6"],
    },
}
"""Settings by strategy; `default` is what the present version does on its own."""


def run(
    family: str, setting: str, name: str, size: int, draw: int, folder: Path, threads: int | None
) -> dict[str, Any]:
    """One fit: accuracy on what was held out and on test."""
    kinds = KINDS.get(name) if size != IN_ALL else None
    many = {"rows": size} if size == IN_ALL else {"labels": size}
    train = draws.training_file(name, folder, seed=draw, kinds=kinds, **many)
    test = draws.scored_file(name, folder / str(kinds), kinds=kinds, rows=TEST_ROWS)
    with tempfile.TemporaryDirectory() as place:
        command = [sys.executable, "-m", "headstart.cli", "fit", str(train), "--test", str(test), "--strategy", family]
        command += [*FAMILIES[family][setting], "--no-controls", "--seed", str(draw), "--no-cache", "--budget", "none"]
        command += ["--output", f"{place}/run", "--json", "--quiet"]
        output, seconds = timed(command + (["--threads", str(threads)] if threads else []), threads)
    row = json.loads(output)["leaderboard"][0]
    return {
        "held_out": row["scores"]["validation"]["accuracy"]["value"],
        "test": row["scores"]["test"]["accuracy"]["value"],
        "seconds": round(seconds, 1),
    }


def means(family: str, size: int, measure: str) -> dict[str, dict[str, float]]:
    """Mean over draws by set and setting, of the draws that all settings of the set have."""
    found: dict[str, dict[str, dict[int, float]]] = {}
    for row in records.rows(RESULTS):
        if (row["family"], row["size"]) == (family, size):
            found.setdefault(row["data"], {}).setdefault(row["setting"], {})[row["draw"]] = row[measure]
    tables = {}
    for name, settings in found.items():
        common = set.intersection(*(set(by_draw) for by_draw in settings.values()))
        if common:
            tables[name] = {
                setting: statistics.mean(by_draw[draw] for draw in common) for setting, by_draw in settings.items()
            }
    return tables


def best(values: dict[str, float]) -> str:
    """The setting with the largest value, the first of several."""
    return max(values, key=lambda setting: values[setting])


def regrets(test: dict[str, dict[str, float]], held_out: dict[str, dict[str, float]]) -> list[tuple[str, str, float]]:
    """Set, default chosen on the sets of the other half, and its regret in points."""
    names = sorted(test)
    found = []
    for half in (0, 1):
        others, own = names[1 - half :: 2], names[half::2]
        shared = [setting for setting in test[names[0]] if all(setting in test[name] for name in names)]
        over = {setting: statistics.mean(test[name][setting] for name in others) for setting in shared}
        default = best(over)
        for name in own:
            preferred = best({setting: held_out[name][setting] for setting in shared})
            found.append((name, default, 100 * (test[name][preferred] - test[name][default])))
    return sorted(found)


def show(family: str) -> None:
    """Tables of one family: settings by set, then what leaving sets out says."""
    for size in SIZES:
        test, held_out = means(family, size, "test"), means(family, size, "held_out")
        if not test:
            continue
        settings = [each for each in FAMILIES[family] if any(each in row for row in test.values())]
        print(f"\n{family}, {size} {'rows' if size == IN_ALL else 'of each class'}: test accuracy")
        print(f"{'':<16}" + " ".join(f"{setting:>18}" for setting in settings))
        for name, row in sorted(test.items()):
            print(f"{name:<16}" + " ".join(f"{row[each]:>18.4f}" if each in row else f"{'':>18}" for each in settings))
        whole = [each for each in settings if all(each in row for row in test.values())]
        print(
            f"{'mean':<16}"
            + " ".join(
                f"{statistics.mean(row[each] for row in test.values()):>18.4f}" if each in whole else f"{'':>18}"
                for each in settings
            )
        )
        if len(test) >= 4:
            found = regrets(test, held_out)
            print("chosen on the other half: " + "; ".join(f"{name} {by} {regret:+.2f}" for name, by, regret in found))
            print(f"mean regret {statistics.mean(regret for _, _, regret in found):+.2f} points")


def main() -> None:
    """Run what is asked for and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--family", default="contrastive", choices=[*FAMILIES])
    parser.add_argument("--only", nargs="*", default=[*SETS])
    parser.add_argument("--sizes", nargs="*", type=int, default=[*SIZES])
    parser.add_argument("--draws", nargs="*", type=int, default=[*range(DRAWS)])
    parser.add_argument("--settings", nargs="*")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--busy", action="store_true", help="other work runs beside it: keep scores, not times")
    parser.add_argument("--show", action="store_true", help="only print the tables of what is kept")
    parser.add_argument("--files", default=str(Path(tempfile.gettempdir()) / "headstart-draws"))
    options = parser.parse_args()
    folder = Path(options.files)
    for size in options.sizes if not options.show else ():
        for draw in options.draws:
            for name in options.only:
                for setting in options.settings or FAMILIES[options.family]:
                    row = dict(zip(KEYS, (options.family, setting, name, size, draw), strict=True))
                    row |= {"quiet": not options.busy, "processor": records.device()}
                    row |= run(options.family, setting, name, size, draw, folder, options.threads)
                    records.keep(RESULTS, row, KEYS)
                    print(json.dumps(row), flush=True)
    show(options.family)


if __name__ == "__main__":
    main()
