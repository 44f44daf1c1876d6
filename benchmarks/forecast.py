"""How often forecasts of learning curves hold: fitted up to one size, against what was measured at twice and four times that.

    python benchmarks/forecast.py [--sets SET ...] [--first 128] [--show]

Points are those of curve_points.py. Each curve is cut at each size from `--first` on, with at least four sizes up to there, and
carried on by `headstart.evaluation.curve_forecasts`; the truth is the mean over draws at the larger size on the same test rows.
Forecasts from half of the test rows are held against the other half too. The textbook's forecast stands beside: one power
law through the means, its 90 % band from draws taken again. Constants of the forecasts were chosen on `DEVELOPED_ON`; the other
sets are what counts. Raw results: benchmarks/results/forecast.jsonl, a line per set, strategy, size fitted to and size ahead.
"""

import argparse
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

import curve_points
import records
from headstart.evaluation import curve_forecasts
from headstart.evaluation.curve_forecasts import forecast
from headstart.evaluation.learning_curves import LearningCurve, learning_curve
from headstart.metrics import METRICS
from headstart.metrics.base import Tally

RESULTS = "forecast.jsonl"
KEYS = ("data", "strategy", "fitted", "size")
DEVELOPED_ON = ("sst2", "ag_news", "nicta_piboso", "umsab")
FIRST = 128
DRAWS = 3
"""Draws that a curve has at least."""
EXPONENTS = np.linspace(0.02, 2, 100)

Cells = Mapping[tuple[int, int], np.ndarray]
"""Whether each test row is right, by size and draw."""


def cells_of(name: str, strategy: str) -> dict[tuple[int, int], np.ndarray]:
    """What was measured of a curve."""
    rows = [each for each in records.rows(curve_points.RESULTS) if (each["data"], each["strategy"]) == (name, strategy)]
    return {(each["size"], each["draw"]): curve_points.unpacked(each) for each in rows}


def curve_of(cells: Cells, most: int, kept: np.ndarray | slice = slice(None)) -> LearningCurve:
    """The learning curve of the cells up to a size, on some of the test rows."""
    tallies = {
        key: Tally.of(np.stack([right[kept], np.ones(len(right[kept]))], 1).astype(int))
        for key, right in cells.items()
        if key[0] <= most
    }
    return learning_curve("curve", tallies, METRICS.get("accuracy"))


def textbook(cells: Cells, most: int, size: int) -> tuple[float, float, float]:
    """A power law through the means by least squares: its score at a size, with the 90 % band over draws taken again."""
    sizes = sorted({n for n, _ in cells if n <= most})
    draws = sorted({draw for n, draw in cells if n == most})
    scores = np.array([[cells[n, draw].mean() if (n, draw) in cells else np.nan for n in sizes] for draw in draws])
    random = np.random.default_rng(0)
    taken = [scores, *(scores[random.integers(0, len(draws), len(draws))] for _ in range(300))]
    found = [_power_law(np.array(sizes, float), np.nanmean(each, 0), size) for each in taken]
    low, high = np.quantile(found[1:], [0.05, 0.95])
    return found[0], float(low), float(high)


def _power_law(sizes: np.ndarray, means: np.ndarray, size: int) -> float:
    best = (np.inf, 0.0)
    for exponent in EXPONENTS:
        basis = np.stack([np.ones(len(sizes)), -(sizes**-exponent)], 1)
        (level, slope), *_ = np.linalg.lstsq(basis, means, rcond=None)
        error = float(((means - basis @ [level, slope]) ** 2).sum())
        best = min(best, (error, float(level - slope * size**-exponent)))
    return best[1]


def rows_of(name: str, strategy: str, first: int) -> list[dict[str, Any]]:
    """A line for each size that a curve is cut at and each size ahead."""
    cells = cells_of(name, strategy)
    sizes = sorted({size for size, _ in cells})
    whole = [size for size in sizes if sum(n == size for n, _ in cells) >= DRAWS]
    found = []
    for fitted in [size for at, size in enumerate(whole) if at >= curve_forecasts.LEAST_SIZES - 1 and size >= first]:
        ahead = [size for size in (2 * fitted, 4 * fitted) if size in whole]
        if not ahead:
            continue
        half = np.random.default_rng([fitted, len(name)]).permutation(len(next(iter(cells.values())))) % 2 == 0
        known, other = forecast(curve_of(cells, fitted), ahead), forecast(curve_of(cells, fitted, half), ahead)
        for size in ahead:
            rights = [right for (n, _), right in cells.items() if n == size]
            truth, unseen = (
                statistics.fmean(float(right[kept].mean()) for right in rights) for kept in (slice(None), ~half)
            )
            row = {"data": name, "strategy": strategy, "fitted": fitted, "size": size, "truth": truth, "unseen": unseen}
            row |= {"unseen_deviation": float(np.mean(rights, axis=0)[~half].std(ddof=1) / np.sqrt((~half).sum()))}
            for key, each in (("forecast", known), ("half", other)):
                point = next((point for point in each.points if point.size == size), None)
                row[key] = None if point is None else {"value": point.value, "low": point.low, "high": point.high}
                row[f"{key}_refusal"] = "" if point else each.refusal or "wide band"
            value, low, high = textbook(cells, fitted, size)
            found.append(row | {"textbook": {"value": value, "low": low, "high": high}})
    return found


def table(rows: Sequence[Mapping[str, Any]], title: str) -> None:
    """Points inside of their bands and mean errors, for twice and four times the rows."""
    print(f"\n{title}")
    for times in (2, 4):
        own = [row for row in rows if row["size"] == times * row["fitted"]]
        shown = [row for row in own if row["forecast"]]
        book = [row for row in own if row["textbook"]["low"] <= row["truth"] <= row["textbook"]["high"]]
        if not shown:
            continue
        inside = [row for row in shown if row["forecast"]["low"] <= row["truth"] <= row["forecast"]["high"]]
        error = statistics.fmean(abs(row["forecast"]["value"] - row["truth"]) for row in shown)
        simple = statistics.fmean(abs(row["textbook"]["value"] - row["truth"]) for row in own)
        split = [row for row in own if row["half"]]
        apart = [row for row in split if _holds(row)]
        said = f"{len(apart)} of {len(split)}" if split else "none"
        print(
            f"  {times}x: {len(own)} points, {len(shown)} forecast; inside {len(inside)} ({len(inside) / len(shown):.0%}), "
            f"mean error {100 * error:.2f} points; other test rows: inside {said}; "
            f"textbook: inside {len(book)} of {len(own)}, {100 * simple:.2f}"
        )
        for row in shown:
            if row not in inside:
                place = f"{row['data']} {row['strategy']} {row['fitted']} -> {row['size']}"
                print(f"     lost: {place}: {_band(row)}, true {row['truth']:.3f}")


def _holds(row: Mapping[str, Any]) -> bool:
    """Whether what was measured on other test rows is where the band and their own noise have it."""
    band = row["half"]
    width = np.hypot((band["high"] - band["low"]) / 2, 1.645 * row["unseen_deviation"])
    return bool(abs(row["unseen"] - (band["low"] + band["high"]) / 2) <= width)


def _band(row: Mapping[str, Any]) -> str:
    own = row["forecast"]
    return f"{own['value']:.3f} [{own['low']:.3f}, {own['high']:.3f}]"


def main() -> None:
    """Forecast, keep, show."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", nargs="*", default=list(curve_points.SETS))
    parser.add_argument("--first", type=int, default=FIRST)
    parser.add_argument("--show", action="store_true", help="show what was kept, forecast nothing")
    options = parser.parse_args()
    if not options.show:
        for name in options.sets:
            for strategy in curve_points.STRATEGIES:
                for row in rows_of(name, strategy, options.first) if cells_of(name, strategy) else ():
                    records.keep(RESULTS, row, KEYS)
    rows = [row for row in records.rows(RESULTS) if row["data"] in options.sets]
    developed = [row for row in rows if row["data"] in DEVELOPED_ON]
    table(developed, f"sets that constants were chosen on: {', '.join(DEVELOPED_ON)}")
    others = [row for row in rows if row["data"] not in DEVELOPED_ON]
    table(others, "other sets")
    for strategy in curve_points.STRATEGIES:
        table([row for row in others if row["strategy"] == strategy], f"other sets, {strategy}")
    refused = [row for row in others if not row["forecast"]]
    whys = [row["forecast_refusal"].partition(":")[0].partition(" would be")[0] for row in refused]
    for why in sorted({*whys}):
        print(f"  {whys.count(why)} points of other sets not forecast: {why}")


if __name__ == "__main__":
    main()
