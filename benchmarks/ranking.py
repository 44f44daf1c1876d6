"""Does `rank` put backbones in the order in which they come out fine-tuned, and what does it cost beside one fine-tuning?

    python benchmarks/ranking.py [--sets sst2 ag_news tfns clinc150] [--seeds N] [--folder FOLDER] [--show] [--quick]

Candidates, at least eight, all made on this machine once: `mini` with its first 1 to 5 layers and whole, a network of its shape
with random weights, tiny networks of `headstart pretrain` (masked words, of encyclopedia, medical abstracts and novels; causal
words), and `mini` after `headstart adapt` to medical abstracts and to novels. Each is fine-tuned on 1,000 training rows at most
(`fit --strategy fine-tuning`) and scored on at most 2,000 test rows, mean over seeds. `rank` scores the same training rows, so many
of them at most as `--scored` says. For every score and kind of state: Kendall's tau-b with the fine-tuned order, how many places
the random network is away from the last one, and how many points of the fine-tuned score are lost by taking the first. Cost:
seconds of `rank` for a candidate over those of its fine-tuning, the mean over candidates, nothing kept on disk.

Candidates and fine-tuned scores are kept in `--folder` and made once. Raw results: benchmarks/results/ranking.jsonl, a line for
each set, number of rows scored, score and kind of state (`what: order`), and for each set and candidate (`what: candidate`).
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import draws
import headstart
import records
from headstart.backbones.location import BackboneSource, locate
from headstart.backbones.shallow import layers_in, shallower
from headstart.transferability import TITLES

RESULTS, KEYS = "ranking.jsonl", ("what", "data", "rows", "scored", "score", "states", "candidate")
SETS = ("sst2", "ag_news", "tfns", "clinc150")
ROWS, TESTED = 1000, 2000
SCORED = (250, 500, 1000)
RANDOM = "random mini"
RAW = {"encyclopedia": "wikitext2", "medicine": "biomed_raw", "novels": "gutenberg"}
"""Raw text by what it is: folders of the data."""
STATES = ("best", "mean", "last")


def raw(kind: str) -> str:
    """A file of raw text to learn from."""
    folder = draws.DATA / RAW[kind]
    return str(next(folder / name for name in ("train.txt.gz", "valid.txt.gz") if (folder / name).exists()))


def random_network(folder: Path) -> None:
    """A network of the shape of `mini` with random weights, and its tokenizer."""
    import torch

    from headstart.backbones.base import open_backbone

    torch.manual_seed(0)
    open_backbone(locate(BackboneSource()), pretrained=False).save(folder)


def makers(updates: int) -> dict[str, Callable[[Path], Any]]:
    """How each candidate but `mini` itself is made in a folder."""
    mini = locate(BackboneSource())
    whole = layers_in(mini.config)
    found: dict[str, Callable[[Path], Any]] = {
        f"mini {count}": lambda folder, count=count: shallower(mini, range(count), folder) for count in range(1, whole)
    }
    found[RANDOM] = random_network

    def learnt(kind: str, objective: str) -> Callable[[Path], Any]:
        return lambda folder: headstart.pretrain(
            raw(kind), objective=objective, size="tiny", updates=updates, output=str(folder)
        )

    def adapted(kind: str) -> Callable[[Path], Any]:
        return lambda folder: headstart.adapt(
            raw(kind), backbone="mini", objective="masked-lm", updates=updates // 2, output=str(folder)
        )

    found |= {f"tiny, {kind}": learnt(kind, "masked-lm") for kind in RAW}
    found["tiny, causal"] = learnt("encyclopedia", "causal-lm")
    return found | {f"mini, {kind}": adapted(kind) for kind in ("medicine", "novels")}


def candidates(folder: Path, updates: int, only: int | None) -> dict[str, str]:
    """Locations of the candidates by name; those that are not there are made."""
    found = {"mini": "mini"}
    for name, make in makers(updates).items():
        if only is not None and len(found) >= only and name != RANDOM:
            continue
        place = folder / "networks" / name.replace(", ", "-").replace(" ", "-")
        if not place.exists():
            place.parent.mkdir(parents=True, exist_ok=True)
            print(f"making {name}", flush=True)
            make(place)
        found[name] = str(place)
    return found


def fine_tuned(
    folder: Path, name: str, location: str, train: Path, test: Path, seed: int, options: Mapping[str, Any]
) -> dict[str, Any]:
    """Score and seconds of a fine-tuning, kept in the folder."""
    kept = folder / "fits" / f"{train.stem}-{test.stem}-{Path(location).name}-{seed}.json"
    if not kept.exists():
        started = time.perf_counter()
        artifact = headstart.fit(
            str(train), test=str(test), strategy="fine-tuning", backbone=location, controls=False, seed=seed,
            task="text-classification", budget="none", cache=False, refit=False, measure=("confusion",),
            output=None, **options,
        )  # fmt: skip
        board = artifact.evidence["leaderboard"][0]
        said = {
            "score": board["scores"]["test"][artifact.task.chosen_metric]["value"],
            "seconds": time.perf_counter() - started,
            "fit_seconds": board["seconds"],
        }
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text(json.dumps(said))
        print(f"{train.stem} {name} seed {seed}: {said}", flush=True)
    return json.loads(kept.read_text())


def scored(row: Mapping[str, Any], score: str, states: str) -> float:
    """The score of a candidate by one kind of state."""
    layers = [each for each in row["by_layer"] if len(each["layers"]) == 1]
    if states == "best":
        return max(each["scores"][score] for each in layers)
    return (layers[-1] if states == "last" else row["by_layer"][-1])["scores"][score]


def tau(one: list[float], other: list[float]) -> float:
    """Kendall's tau-b of two lists of scores."""
    from scipy.stats import kendalltau

    found: Any = kendalltau(one, other)
    return float(found.statistic)


def measure(name: str, networks: Mapping[str, str], seeds: int, options: argparse.Namespace, folder: Path) -> None:
    """The order of `rank` beside that of fine-tuning, on one set."""
    files = folder / "rows"
    train = draws.training_file(name, files, rows=options.rows)
    test = draws.scored_file(name, files, rows=options.tested)
    more = {"epochs": 1} if options.quick else {}
    tuned = {
        each: [fine_tuned(folder, each, location, train, test, seed, more) for seed in range(seeds)]
        for each, location in networks.items()
    }
    truth = {each: statistics.mean(fit["score"] for fit in fits) for each, fits in tuned.items()}
    seconds = {each: statistics.mean(fit["fit_seconds"] for fit in fits) for each, fits in tuned.items()}
    about = {"data": name, "rows": options.rows, "device": records.device()}
    headstart.rank(
        str(train), backbones=("mini",), most_rows=20, cache=False, task="text-classification"
    )  # imports are no part of what is timed
    for most in options.scored:
        said = headstart.rank(
            str(train), backbones=tuple(networks.values()), most_rows=most, cache=False, task="text-classification"
        )
        by_location = {row["backbone"]: row for row in said["ranking"]}
        rows = {each: by_location[location] for each, location in networks.items()}
        for each, row in rows.items():
            best = {f"{score}, {states}": scored(row, score, states) for score in TITLES for states in STATES}
            found = {"scores": best, "fine_tuned": truth[each], "seeds": seeds, "seconds": row["seconds"]}
            keep(
                about | {"what": "candidate", "scored": most, "candidate": each, "fit_seconds": seconds[each]} | found,
                options,
            )
        share = statistics.mean(row["seconds"] / seconds[each] for each, row in rows.items())
        for score in TITLES:
            for states in STATES:
                values = {each: scored(row, score, states) for each, row in rows.items()}
                order = sorted(values, key=lambda each: -values[each])
                found = {
                    "tau": round(tau([values[each] for each in networks], [truth[each] for each in networks]), 4),
                    "lost": round(100 * (max(truth.values()) - truth[order[0]]), 2),
                    "random_from_last": len(order) - 1 - order.index(RANDOM) if RANDOM in order else None,
                    "candidates": len(networks), "seeds": seeds, "share_of_fit": round(share, 4),
                }  # fmt: skip
                keep(about | {"what": "order", "scored": most, "score": score, "states": states} | found, options)


def keep(row: dict[str, Any], options: argparse.Namespace) -> None:
    """Keep a line of results and print it; quick runs keep nothing."""
    if not options.quick:
        records.keep(RESULTS, row, KEYS)
    print(json.dumps(row), flush=True)


def show() -> None:
    """Kendall's tau by score and kind of state, by set and in the mean."""
    found = [row for row in records.rows(RESULTS) if row["what"] == "order"]
    sets = [*dict.fromkeys(row["data"] for row in found)]
    for most in sorted({row["scored"] for row in found}):
        print(f"\n{most} rows scored: tau (points lost by taking the first) on {', '.join(sets)}; mean, least; cost")
        for score in TITLES:
            for states in STATES:
                own = {
                    row["data"]: row
                    for row in found
                    if (row["scored"], row["score"], row["states"]) == (most, score, states)
                }
                if not own:
                    continue
                cells = " ".join(f"{row['tau']:+.2f} ({row['lost']:4.1f})" for row in own.values())
                every = [row["tau"] for row in own.values()]
                cost = statistics.mean(row["share_of_fit"] for row in own.values())
                print(f"{score:<11} {states:<5} {cells}   {statistics.mean(every):+.2f} {min(every):+.2f}   {cost:.1%}")


def main() -> None:
    """Run what is asked for and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", nargs="*", default=list(SETS))
    parser.add_argument("--seeds", type=int, default=3, help="fine-tunings of each candidate")
    parser.add_argument("--rows", type=int, default=ROWS, help="training rows at most")
    parser.add_argument("--tested", type=int, default=TESTED, help="test rows at most")
    parser.add_argument("--scored", type=int, nargs="*", default=list(SCORED), help="rows that rank scores at most")
    parser.add_argument("--updates", type=int, default=600, help="updates of networks that are made here")
    parser.add_argument(
        "--folder", type=Path, help="where candidates and fine-tuned scores are kept; by default nowhere"
    )
    parser.add_argument("--show", action="store_true", help="run nothing: the table of what is kept")
    parser.add_argument("--quick", action="store_true", help="a few rows and candidates, nothing kept in the results")
    options = parser.parse_args()
    if options.quick:
        options.sets, options.seeds, options.rows, options.tested, options.scored = options.sets[:1], 1, 120, 100, [60]
    if not options.show:
        with tempfile.TemporaryDirectory() as temporary:
            folder = options.folder or Path(temporary)
            networks = candidates(folder, options.updates, 4 if options.quick else None)
            for name in options.sets:
                measure(name, networks, options.seeds, options, folder)
    if not options.quick:
        show()


if __name__ == "__main__":
    main()
