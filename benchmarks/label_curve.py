"""From no label to 500 per class on SST-2 and AG News: what transfer buys over both controls, drawn with bands.

    python benchmarks/label_curve.py [--only NAME ...] [--labels N ...] [--draws N ...] [--busy] [--draw-only]

Each point is one `headstart fit --strategy auto` with its controls on so many rows of each class, drawn at random, scored
on 1,500 test rows; lines are means over draws, bands reach from the worst draw to the best. Points at 0 are those of zero_shot.py,
with `mini` and with a decoder beside it, on 500 test rows. Raw results: benchmarks/results/label_curve.jsonl; the figure:
docs/label_curve.svg.
"""

import argparse
import json
import math
import statistics
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import draws
import records
from few_labels import timed

RESULTS, NO_LABELS = "label_curve.jsonl", "zero_shot.jsonl"
KEYS = ("data", "labels", "draw")
LABELS = (2, 8, 32, 125, 500)
DRAWS = 3
SETS = {"sst2": "SST-2, sentiment, 2 classes", "ag_news": "AG News, topics, 4 classes"}
LINES = (("transfer", "#1a5fb4", ""), ("tf-idf", "#a05a00", "6 4"), ("from-scratch", "#77767b", "2 4"))
UNLABELLED = {"mini": ("zero-shot", "#1a5fb4"), "both": ("with smol", "#7a3e9d")}
"""Programs of zero_shot.py that are drawn, each with its name there and its colour."""
FIRST = 60
"""Where the labels begin; 0 stands at the edge."""
FIGURE = draws.ROOT / "docs" / "label_curve.svg"
TEST_ROWS = 1500


def run(name: str, labels: int, draw: int, folder: Path) -> dict[str, Any]:
    """One point: test accuracies of the transferred model and of both controls."""
    train = draws.training_file(name, folder, labels=labels, seed=draw)
    test = draws.scored_file(name, folder)
    with tempfile.TemporaryDirectory() as place:
        command = [sys.executable, "-m", "headstart.cli", "fit", str(train), "--test", str(test), "--strategy", "auto"]
        command += ["--seed", str(draw), "--most-test-rows", str(TEST_ROWS), "--no-cache"]
        command += ["--output", f"{place}/run", "--json", "--quiet"]
        output, seconds = timed(command, None)
    result = json.loads(output)
    board = {row["strategy"]: row for row in result["leaderboard"] if (row["scores"] or {}).get("test")}
    ways = [name for name in board if name not in ("tf-idf", "from-scratch")]
    chosen = result["strategy"]
    best = max(ways, key=lambda way: (way == chosen, board[way]["scores"]["validation"]["accuracy"]["value"]))

    def accuracy(name: str) -> float:
        return board[name]["scores"]["test"]["accuracy"]["value"]

    return {
        "transfer": accuracy(best),
        "way": best,
        "chosen": chosen,
        "tf-idf": accuracy("tf-idf"),
        "from-scratch": accuracy("from-scratch"),
        "all": {name: accuracy(name) for name in board},
        "seconds": round(seconds, 1),
    }


def band(values: list[float]) -> tuple[float, float, float]:
    """Mean, least and largest."""
    return statistics.mean(values), min(values), max(values)


def panel(name: str, left: float) -> list[str]:
    """One data set: axes, bands, lines."""
    rows = [row for row in records.rows(RESULTS) if row["data"] == name]
    counts = sorted({row["labels"] for row in rows})
    low = 0.4 if name == "sst2" else 0.2

    def x(count: float) -> float:
        return left + FIRST + (330 - FIRST) * math.log(count / LABELS[0]) / math.log(LABELS[-1] / LABELS[0])

    def y(value: float) -> float:
        return 290 - 230 * (min(max(value, low), 0.95) - low) / (0.95 - low)

    parts = [f'<text x="{left}" y="32" font-weight="600">{SETS[name]}</text>']
    for step in range(round(low * 10), 10):
        parts.append(f'<path d="M{left} {y(step / 10):.1f}h330" stroke="#d8d8d8"/>')
        parts.append(f'<text x="{left - 8}" y="{y(step / 10) + 4:.1f}" text-anchor="end">{step / 10:.1f}</text>')
    parts += [f'<text x="{x(count):.1f}" y="312" text-anchor="middle">{count}</text>' for count in counts]
    ends: list[tuple[float, float, str, str]] = []
    for line, colour, dash in LINES:
        points = [(count, *band([row[line] for row in rows if row["labels"] == count])) for count in counts]
        if not points:
            continue
        over = [f"{x(count):.1f},{y(high):.1f}" for count, _, _, high in points]
        under = [f"{x(count):.1f},{y(least):.1f}" for count, _, least, _ in reversed(points)]
        parts.append(f'<polygon points="{" ".join(over + under)}" fill="{colour}" fill-opacity="0.15"/>')
        path = " ".join(f"{x(count):.1f},{y(mean):.1f}" for count, mean, _, _ in points)
        parts.append(
            f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2.5" stroke-dasharray="{dash}"/>'
        )
        ends.append((y(points[-1][1]) + 4, x(points[-1][0]) + 6, line, colour))
    parts += _unlabelled(name, left, y)
    lowest = 0.0
    for wanted, across, line, colour in sorted(ends):
        lowest = max(wanted, lowest + 15)
        parts.append(f'<text x="{across:.1f}" y="{lowest:.1f}" fill="{colour}">{line}</text>')
    return parts


def _unlabelled(name: str, left: float, y: Callable[[float], float]) -> list[str]:
    """A mark with its interval for each way without labels."""
    found = {row["program"]: row["scores"]["accuracy"] for row in records.rows(NO_LABELS) if row["data"] == name}
    parts = [f'<text x="{left:.1f}" y="312" text-anchor="middle">0</text>'] if found else []
    for at, (program, (said, colour)) in enumerate(UNLABELLED.items()):
        if program not in found:
            continue
        score, across = found[program], left + 10 * at
        parts.append(
            f'<path d="M{across} {y(score["low"]):.1f}V{y(score["high"]):.1f}" stroke="{colour}" stroke-width="1.5"/>'
        )
        parts.append(f'<circle cx="{across}" cy="{y(score["value"]):.1f}" r="4" fill="{colour}"/>')
        parts.append(f'<text x="{left + 16}" y="{y(score["value"]) + 4 - 14 * at:.1f}" fill="{colour}">{said}</text>')
    return parts


def draw_figure() -> None:
    """Write docs/label_curve.svg from the raw results."""
    said = []
    for name in SETS:
        found = {
            row["program"]: row["scores"]["accuracy"]["value"] for row in records.rows(NO_LABELS) if row["data"] == name
        }
        means = ", ".join(
            f"{title} {found[program]:.3f}" for program, (title, _) in UNLABELLED.items() if program in found
        )
        said += [f"{SETS[name]}, no labels: {means}"] * bool(means)
        for count in LABELS:
            rows = [row for row in records.rows(RESULTS) if row["data"] == name and row["labels"] == count]
            if rows:
                means = ", ".join(f"{line} {band([row[line] for row in rows])[0]:.3f}" for line, _, _ in LINES)
                said.append(f"{SETS[name]}, {count} labels per class: {means}")
    parts = [part for at, name in enumerate(SETS) for part in panel(name, 50 + 490 * at)]
    parts.append(
        '<text x="490" y="340" text-anchor="middle">labels per class (logarithmic); test accuracy upwards</text>'
    )
    FIGURE.write_text(
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 980 352" role="img" font-family="sans-serif" font-size="13">'
        f"<title>Test accuracy by number of labels</title><desc>{'; '.join(said)}</desc>"
        f'<rect width="980" height="352" fill="white"/>{"".join(parts)}</svg>\n',
        encoding="utf-8",
    )


def main() -> None:
    """Run the points asked for and draw all that are there."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--labels", nargs="*", type=int, default=list(LABELS))
    parser.add_argument("--draws", nargs="*", type=int, default=list(range(DRAWS)))
    parser.add_argument("--busy", action="store_true", help="other work runs beside it")
    parser.add_argument("--draw-only", action="store_true")
    parser.add_argument("--files", default=str(Path(tempfile.gettempdir()) / "headstart-draws"))
    options = parser.parse_args()
    for draw in [] if options.draw_only else options.draws:
        for labels in options.labels:
            for name in options.only or SETS:
                row = {"data": name, "labels": labels, "draw": draw, "quiet": not options.busy}
                row |= run(name, labels, draw, Path(options.files))
                records.keep(RESULTS, row, KEYS)
                print(json.dumps(row), flush=True)
    draw_figure()


if __name__ == "__main__":
    main()
