"""What pre-training on this machine buys: a network from raw text, then SST-2 and AG News with 1,000 labels.

    python benchmarks/pretrained_here.py [--budget 45m] [--seeds 5] [--strategy fine-tuning] [--own-texts] [--also SET ...]
        [--objective masked-lm] [--options ...]

A network made by configuration learns from the shared English raw text for `--budget`, everything included; with
`--own-texts` also from the texts of the two training files, with `--also` from those of other sets, without their labels. Then,
for each seed, 1,000 training rows are drawn, and a strategy is fitted on the network and, from the same rows, the control
`from-scratch` (same architecture, random weights, the best of three learning rates on validation, at least as many updates) and
`tf-idf`. Scores are of the whole test parts, which are excluded from the raw text.
Raw results: benchmarks/results/pretrained_here.jsonl.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import draws
import records
from bits_per_byte import TEXTS

RESULTS = "pretrained_here.jsonl"
KEYS = ("network", "strategy", "device", "data", "seed")
SETS = ("sst2", "ag_news")
ALSO = {"imdb_1k": "test.csv.gz", "yelp_1k": "test.csv"}
"""Reviews of films and of shops, of which the texts alone are used."""
LABELS = 1000


def called(words: list[str]) -> dict[str, Any]:
    """The JSON that a command of headstart prints."""
    done = subprocess.run(
        [sys.executable, "-m", "headstart.cli", *words, "--json"], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"headstart {' '.join(words)} failed:\n{done.stderr[-3000:]}")
    return json.loads(done.stdout)


def pretrained(
    place: Path, names: list[str], objective: str, budget: str, more: list[str], labelled: dict[str, str]
) -> None:
    """Learn from raw text, and from the texts of files with labels, unless the network is there already."""
    if place.exists():
        return
    texts = [str(draws.DATA / name) for name in TEXTS if not names or name.partition("/")[0] in names]
    for name, file in labelled.items():
        plain = place.parent / f"{name}-texts.txt"
        rows = draws.rows_of(draws.DATA / name / file)
        plain.write_text("\n\n".join(" ".join(text.split()) for text, _ in rows), encoding="utf-8")
        texts.append(str(plain))
    tests = ",".join(str(draws.scored_file(name, place.parent)) for name in SETS)
    words = ["pretrain", *texts, "--exclude", tests, "--objective", objective, "--budget", budget]
    words += ["--lowercase"] * (objective == "masked-lm")
    found = called([*words, *more, "-o", str(place), "--quiet"])
    print(json.dumps({key: found[key] for key in ("updates", "tokens", "loss", "speed", "seconds")}), flush=True)


def measured(place: Path, name: str, seed: int, strategy: str) -> dict[str, Any]:
    """Test accuracy of a strategy and the controls from the same 1,000 rows."""
    train = draws.training_file(name, place.parent, rows=LABELS, seed=seed)
    with tempfile.TemporaryDirectory() as folder:
        words = ["fit", str(train), "--test", str(draws.scored_file(name, place.parent)), "--backbone", str(place)]
        words += ["--strategy", strategy, "--metric", "accuracy", "--seed", str(seed), "--quiet"]
        found = called([*words, "-o", f"{folder}/run"])
    scores = {
        row["strategy"]: row["scores"]["test"]["accuracy"]["value"]
        for row in found["leaderboard"]
        if (row["scores"] or {}).get("test")
    }
    details = {row["strategy"]: [row.get("detail"), round(row["seconds"] or 0.0, 1)] for row in found["leaderboard"]}
    return {"chosen": found["strategy"], "accuracy": scores[found["strategy"]], "all": scores, "details": details}


def show(network: str, strategy: str) -> None:
    """Gain over the same network from scratch, mean and 95 % interval over the seeds (Student's t)."""
    from scipy.stats import t

    for name in SETS:
        rows = [
            row
            for row in records.rows(RESULTS)
            if (row["network"], row["strategy"], row["data"]) == (network, strategy, name)
        ]
        gains = [100 * (row["accuracy"] - row["all"]["from-scratch"]) for row in rows]
        if len(gains) < 2:
            continue
        half = float(t.ppf(0.975, len(gains) - 1)) * statistics.stdev(gains) / len(gains) ** 0.5
        means = {side: statistics.mean(row["all"][side] for row in rows) for side in ("from-scratch", "tf-idf")} | {
            "chosen": statistics.mean(row["accuracy"] for row in rows)
        }
        said = ", ".join(f"{side} {100 * value:.2f} %" for side, value in means.items())
        print(f"{name}: {said}; gain {statistics.mean(gains):+.2f} points (+-{half:.2f}, {len(gains)} seeds)")


def main() -> None:
    """Pre-train, fit, print a line per fit and the gains."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--budget", default="45m")
    parser.add_argument("--seeds", type=int, default=5, help="how many; 0 to pre-train alone")
    parser.add_argument("--first", type=int, default=0, help="seed to begin with")
    parser.add_argument("--only", nargs="*", choices=SETS, default=list(SETS))
    parser.add_argument("--strategy", default="auto")
    parser.add_argument("--own-texts", action="store_true", help="learn from the training texts too")
    parser.add_argument("--also", nargs="*", choices=list(ALSO), default=[], help="learn from these texts too")
    parser.add_argument(
        "--texts", nargs="*", default=[], help="folders of the raw text; all that are shared if not given"
    )
    parser.add_argument("--name", default="bert small", help="of the network, where options are tried")
    parser.add_argument("--objective", default="masked-lm")
    parser.add_argument("--options", nargs="*", default=[], help="more words for headstart pretrain, without --")
    parser.add_argument("--folder", default=str(Path(tempfile.gettempdir()) / "headstart-pretrained"))
    options = parser.parse_args()
    labelled = {name: draws.FILES[name][0] for name in SETS if options.own_texts}
    labelled |= {name: ALSO[name] for name in options.also}
    network = ", ".join([options.name, options.budget, *["own texts"] * options.own_texts, *options.also])
    place = Path(options.folder) / network.replace(",", "").replace(" ", "-")
    place.parent.mkdir(parents=True, exist_ok=True)
    more = [word if at % 2 else f"--{word}" for at, word in enumerate(options.options)]
    pretrained(place, options.texts, options.objective, options.budget, more, labelled)
    for name in options.only:
        for seed in range(options.first, options.first + options.seeds):
            row = {"network": network, "strategy": options.strategy, "device": records.device()}
            row |= {"data": name, "seed": seed}
            row |= measured(place, name, seed, options.strategy)
            records.keep(RESULTS, row, KEYS)
            print(json.dumps(row), flush=True)
    show(network, options.strategy)


if __name__ == "__main__":
    main()
