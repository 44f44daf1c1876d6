"""How well texts about something else are told from those in scope, without any of them to learn from, by score.

    python benchmarks/out_of_scope.py [--only NAME ...] [--rows N] [--strategy NAME] [--draws N ...] [--threads N] [--quick]

Cases: `clinc150`, 150 intents, and its texts out of scope, with rows of the training file held out, and with the validation file;
`clinc150 10`, ten rows of each intent; `ag_news`, one of four topics left out, each in turn; `airline`, tweets to airlines in three
classes against texts of clinc150. One `headstart fit --out-of-scope` each, whose model gives states and logits of the test rows;
all scores are then read off the same numbers, those of peers among them: the largest softmax, the energy, the distance to all rows
(marginal Mahalanobis). For each the area under the ROC curve; of the score of the run also the share of the texts out of scope that
are refused, and that of the texts in scope, where 5 % might be. Raw results: benchmarks/results/out_of_scope.jsonl.
"""

import argparse
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

import draws
import headstart
import records
from headstart.solving.out_of_scope import SCOPE_SCORES

RESULTS = "out_of_scope.jsonl"
KEYS = ("case", "strategy", "rows", "draw", "device")
CASES = ("clinc150", "clinc150 10", "ag_news", "airline")
OUTSIDE = "oos"
HELD = 3_000
"""Rows in scope of the validation file of clinc150."""
Rows = list[draws.Row]


def case(name: str, draw: int, rows: int) -> list[tuple[str, Rows, Rows, list[str]]]:
    """Name, training rows, test rows in scope and texts out of scope of the runs of a case."""
    clinc = {part: draws.rows_of(draws.DATA / "clinc150" / f"{part}.csv") for part in ("train", "dev", "test")}
    inside = {part: [row for row in some if row[1] != OUTSIDE] for part, some in clinc.items()}
    outside = [text for text, label in clinc["test"] if label == OUTSIDE]
    if name == "clinc150":
        train = draws.at_most(inside["train"], rows, draw)
        return [
            (name, train, inside["test"], outside),
            (f"{name}, validation file", train + inside["dev"], inside["test"], outside),
        ]
    if name == "clinc150 10":
        return [(name, draws.per_label(inside["train"], 10, draw), inside["test"], outside)]
    source = "ag_news" if name == "ag_news" else "airline"
    train, test = (draws.rows_of(draws.DATA / source / part) for part in draws.FILES[source])
    if name == "airline":
        return [(name, draws.at_most(train, min(rows, 4000), draw), draws.at_most(test, 1000, 0), outside)]
    found = []
    for topic in sorted({label for _, label in train}):
        kept = draws.at_most([row for row in train if row[1] != topic], min(rows, 4000), draw)
        scored = draws.at_most([row for row in test if row[1] != topic], 1000, 0)
        others = [text for text, label in draws.at_most(test, len(test), 0) if label == topic][:1000]
        found.append((f"{name} without {topic}", kept, scored, others))
    return found


def auroc(inside: np.ndarray, outside: np.ndarray) -> float:
    """How often a text out of scope is the stranger one, ties counting half."""
    from scipy.stats import rankdata

    ranks = rankdata(np.concatenate([inside, outside]))[len(inside) :]
    return float((ranks.sum() - len(outside) * (len(outside) + 1) / 2) / (len(inside) * len(outside)))


def measured(
    train: Rows, inside: Rows, outside: list[str], strategy: str, threads: int | None, held: int = 0
) -> dict[str, Any]:
    """One run, and all scores of its states and logits.

    Args:
        train: training rows, and behind them those of a validation file.
        inside: test rows in scope.
        outside: texts that are not.
        strategy: that is fitted.
        threads: of the CPU.
        held: rows of the validation file.
    """
    train, validation = (train[:-held], train[-held:]) if held else (train, [])
    with tempfile.TemporaryDirectory() as place:
        path = draws.write(Path(place) / "train.csv", train)
        options: dict[str, Any] = {"strategy": strategy, "controls": False, "out_of_scope": True, "cache": False}
        if validation:
            options["validation"] = str(draws.write(Path(place) / "validation.csv", validation))
        model = headstart.fit(str(path), output=f"{place}/run", threads=threads, seed=0, **options)
        predictor = model.predictor
        texts = [text for text, _ in inside]
        known = np.array([model.labels.index(label) for _, label in train])
        states = [predictor.states(some) for some in ([text for text, _ in train], texts, outside)]
        logits = [model.outputs(some).values for some in (texts, outside)]
        scores = {}
        for name in [name for name in SCOPE_SCORES.names() if not SCOPE_SCORES.get(name).adds_entropy]:
            score = SCOPE_SCORES.get(name).fit(states[0], known)
            scores[name] = round(auroc(*(score.score(*pair) for pair in zip(states[1:], logits, strict=True))), 4)
        said, others = model.predict(texts), model.predict(outside)
        asked = next(each for each in model.decisions if each.name == "out_of_scope")
    return {
        "auroc": scores,
        "score": asked.found,
        "auroc_run": round(auroc(*(-np.array([row.in_scope for row in some]) for some in (said, others))), 4),
        "accuracy": round(
            float(np.mean([row.label == label for row, (_, label) in zip(said, inside, strict=True)])), 4
        ),
        "refused_inside": round(float(np.mean([row.refused for row in said])), 4),
        "refused_outside": round(float(np.mean([row.refused for row in others])), 4),
        "inside": len(said),
        "outside": len(others),
    }


def main() -> None:
    """Fit, score, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=CASES, default=[*CASES])
    parser.add_argument("--rows", type=int, default=15_000, help="training rows at most")
    parser.add_argument("--strategy", default="feature-extraction")
    parser.add_argument("--draws", nargs="+", type=int, default=[0])
    parser.add_argument("--threads", type=int)
    parser.add_argument(
        "--quick", action="store_true", help="300 training rows, 50 to test, nothing kept: does it run?"
    )
    options = parser.parse_args()
    rows = 300 if options.quick else options.rows
    for name in options.only:
        for draw in options.draws:
            for label, train, inside, outside in case(name, draw, rows):
                some = (inside[:50], outside[:50]) if options.quick else (inside, outside)
                if options.quick:
                    known = {each for _, each in train}
                    some = ([row for row in inside if row[1] in known][:50], outside[:50])
                held = HELD if label.endswith("validation file") else 0
                found = measured(train, *some, options.strategy, options.threads, held)
                row = {
                    "case": label, "strategy": options.strategy, "rows": len(train), "draw": draw, "device": records.device(),
                    **found,
                }  # fmt: skip
                if not options.quick:
                    records.keep(RESULTS, row, KEYS)
                best = sorted(found["auroc"].items(), key=lambda each: -each[1])
                print(
                    f"{label}, {len(train)} rows, draw {draw}: {found['score']}, refused {found['refused_outside']:.3f} of those "
                    f"outside and {found['refused_inside']:.3f} inside; AUROC {found['auroc_run']:.3f}; "
                    + ", ".join(f"{each} {value:.3f}" for each, value in best),
                    flush=True,
                )


if __name__ == "__main__":
    main()
