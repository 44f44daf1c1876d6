"""Learning on the task's own texts before 100 labels per class: masked words and contrastive sentences, through the gate.

    python benchmarks/task_adaptation.py [--budget 4m] [--draws 5] [--first 0] [--then feature-extraction] [--only SET ...]

`mini` goes on learning on the texts of the training file, without their labels (TAPT by `masked-lm`, Gururangan et al. 2020,
section 4; `simcse`), each once for `--budget`, without the sentences of the test part. Then, for each draw of 100 rows per class, a
strategy is fitted with the network as it was and with each of the others, under equal settings and seeds; the gate sees held-out
rows of three folds of the drawn rows only, and the whole test part says what came of it.
Raw results: benchmarks/results/task_adaptation.jsonl.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import domain_gate
import draws
import records

RESULTS = "task_adaptation.jsonl"
KEYS = ("data", "objective", "then", "budget", "device", "draw")
SETS = ("nicta_piboso", "airline")
OBJECTIVES = ("masked-lm", "simcse")
LABELS = 100


def adapted(name: str, objective: str, budget: str, folder: Path) -> Path:
    """The network after learning on the texts of a training file."""
    place = folder / f"{name}-{objective}-{budget}"
    if not place.exists():
        texts = folder / f"{name}.txt"
        rows = draws.rows_of(draws.DATA / name / draws.FILES[name][0])
        texts.write_text("\n".join(" ".join(text.split()) for text, _ in rows), encoding="utf-8")
        words = ["adapt", str(texts), "--documents", "line", "--objective", objective, "--budget", budget]
        words += ["--exclude", str(draws.scored_file(name, folder)), "-o", str(place)]
        subprocess.run([sys.executable, "-m", "headstart.cli", *words], check=True, timeout=7200)
    return place


def show() -> None:
    """Mean gains over the draws, with and without the gate."""
    found: dict[tuple[str, ...], list[tuple[float, bool]]] = {}
    for row in records.rows(RESULTS):
        key = (row["data"], row["objective"], row["then"], row["budget"], row["device"])
        found.setdefault(key, []).append((100 * (row["with"] - row["without"]), row["kept"]))
    for (data, objective, then, budget, device), gains in found.items():
        always = statistics.mean(gain for gain, _ in gains)
        gated = [gain if kept else 0.0 for gain, kept in gains]
        error = statistics.stdev(gated) / len(gated) ** 0.5 if len(gated) > 1 else float("nan")
        kept = f"kept {sum(kept for _, kept in gains)} of {len(gains)}"
        print(
            f"{data}, {objective} for {budget} ({device}), then {then}: {kept}, through the gate "
            f"{statistics.mean(gated):+.2f} points (s.e. {error:.2f}), always adapted {always:+.2f}"
        )


def main() -> None:
    """Adapt, fit, judge, and print a line per draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--budget", default="4m")
    parser.add_argument("--draws", type=int, default=5, help="how many; 0 to adapt alone")
    parser.add_argument("--first", type=int, default=0, help="draw to begin with")
    parser.add_argument("--then", default="feature-extraction")
    parser.add_argument("--only", nargs="*", default=SETS)
    parser.add_argument("--folder", default=str(Path(tempfile.gettempdir()) / "headstart-tapt"))
    options = parser.parse_args()
    folder = Path(options.folder)
    folder.mkdir(exist_ok=True)
    for name in options.only:
        networks = {objective: adapted(name, objective, options.budget, folder) for objective in OBJECTIVES}
        for draw in range(options.first, options.first + options.draws):
            train = draws.training_file(name, folder, labels=LABELS, seed=draw)
            test = draws.scored_file(name, folder)
            for objective, measured in domain_gate.judged(train, test, networks, options.then, draw).items():
                row = {"data": name, "objective": objective, "then": options.then, "budget": options.budget}
                row |= {"device": records.device(), "draw": draw, "labels": LABELS} | measured
                records.keep(RESULTS, row, KEYS)
                print(json.dumps(row), flush=True)
    show()


if __name__ == "__main__":
    main()
