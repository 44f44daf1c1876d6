"""Do stepping stones help a task with few labels? Financial tweets (tfns), 8 rows of each label, five rich tasks offered.

    python benchmarks/stepping_stones.py [--draws 5] [--first 0] [--rows 5000] [--then fine-tuning] [--quick]

For each draw of labels: the strategy alone, and the same through the gate of stepping stones with airline, SST-2, umsab,
hate_offensive and TREC-6 beside it, of which the probe takes one. Both choose by cross-validation on the drawn rows; the whole
test part is scored once.
Raw results: benchmarks/results/stepping_stones.jsonl.
"""

import argparse
import tempfile
from pathlib import Path
from typing import Any

import draws
import records

RESULTS = "stepping_stones.jsonl"
KEYS = ("data", "then", "rows", "device", "draw")
POOR, RICH = "tfns", ("airline", "sst2", "umsab", "hate_offensive", "trec6")
PER_LABEL = 8


def fitted(options: dict[str, Any]) -> Any:
    """What a run of one strategy came to."""
    from headstart.recipes.parsing import assemble
    from headstart.runs.comparison import compare
    from headstart.runtime.progress import SILENT

    found = compare(assemble("fit", options), SILENT)
    if found is None:
        raise RuntimeError("nothing came of it")
    return found


def measured(draw: int, folder: Path, rows: int, then: str, tests: int | None) -> dict[str, Any]:
    """Scores on test of the strategy alone and through the gate, and what that said."""
    poor, rich = draws.FILES[POOR], {}
    train = draws.per_label(draws.rows_of(draws.DATA / POOR / poor[0]), PER_LABEL, draw)
    for name in RICH:
        every = draws.rows_of(draws.DATA / name / draws.FILES[name][0])
        rich[name] = draws.write(folder / f"{name}.csv", draws.at_most(every, rows, draw))
    given = {
        "train": str(draws.write(folder / "poor.csv", train)), "test": str(draws.DATA / POOR / poor[1]), "controls": False,
        "seed": draw, "metric": "accuracy", "most_test_rows": tests, "text": "text", "label": "label",
    }  # fmt: skip
    alone = fitted(given | {"strategy": then})
    stepped = fitted(given | {"auxiliary": ",".join(map(str, rich.values())), "then": then, "stone_rows": rows})
    found: dict[str, Any] = {"added": stepped.artifact.evidence["added"]["said"]}
    for name, run in (("without", alone), ("with", stepped)):
        scores = run.chosen.scores["test"]
        found |= {
            name: scores["accuracy"]["value"],
            f"{name}_f1": scores["macro_f1"]["value"],
            f"{name}_seconds": run.chosen.seconds,
        }
    resolved = stepped.artifact.recipe["strategy"]
    return found | {"stone": resolved["stone"], "kept": resolved["stone"] != "none"}


def main() -> None:
    """Measure each draw and print a line of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument("--first", type=int, default=0, help="draw to begin with")
    parser.add_argument("--rows", type=int, default=5000, help="rows of each rich task at most")
    parser.add_argument("--then", default="fine-tuning")
    parser.add_argument("--quick", action="store_true", help="one draw, few rows, nothing kept: see that it runs")
    options = parser.parse_args()
    count, rows, tests = (1, 100, 200) if options.quick else (options.draws, options.rows, None)
    for draw in range(options.first, options.first + count):
        with tempfile.TemporaryDirectory() as folder:
            row = {
                "data": f"{POOR}, {PER_LABEL} per label",
                "then": options.then,
                "rows": rows,
                "device": records.device(),
                "draw": draw,
            }
            row |= measured(draw, Path(folder), rows, options.then, tests)
        print(
            f"draw {draw}: {row['without']:.3f} -> {row['with']:.3f}, {'after ' + row['stone'] if row['kept'] else 'refused'}"
        )
        if not options.quick:
            records.keep(RESULTS, row, KEYS)


if __name__ == "__main__":
    main()
