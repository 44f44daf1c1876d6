"""How well texts about something else are told from those in scope, without any of them to learn from and with some, by score.

    python benchmarks/out_of_scope.py [--only NAME ...] [--rows N] [--strategy NAME] [--draws N ...] [--threads N] [--quick]

Cases: `clinc150`, 150 intents, and its texts out of scope, with rows of the training file held out, and with the validation file;
`clinc150 10`, ten rows of each intent; `ag_news`, one of four topics left out, each in turn; `airline`, tweets to airlines in three
classes against texts of clinc150. One `headstart fit --out-of-scope` each, whose model gives states and logits of the test rows;
all scores are then read off the same numbers, those of peers among them: the largest softmax, the energy, the distance to all rows
(marginal Mahalanobis). For each the area under the ROC curve; of the score of the run also the share of the texts out of scope that
are refused, and that of the texts in scope, where 5 % might be.

`clinc150 labelled` has the texts out of scope of training and validation file too, 100 each: `--out-of-scope-label oos`, beside it
what AutoIntent's `jinoos` makes of the largest softmax of the same model (the threshold out of 100 with the highest accuracy in
scope plus share found, on the validation file). `clinc150 class` learns them as one more class, as without the flag.
Raw results: benchmarks/results/out_of_scope.jsonl.
"""

import argparse
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

import draws
import headstart
import records
from headstart.metrics.calibration import softmax
from headstart.metrics.scope import found_outside
from headstart.solving.out_of_scope import SCOPE_SCORES

RESULTS = "out_of_scope.jsonl"
KEYS = ("case", "strategy", "rows", "draw", "device")
CASES = ("clinc150", "clinc150 10", "clinc150 labelled", "clinc150 class", "ag_news", "airline")
OUTSIDE = "oos"
LABELLED = ("clinc150 labelled", "clinc150 class")
"""Cases with rows out of scope to learn or to tune from."""
FEW, SOME = 1_000, 20
"""Training rows below which only so many intents are taken where rows out of scope are labelled."""
Rows = list[draws.Row]


def case(name: str, draw: int, rows: int) -> list[tuple[str, Rows, Rows, Rows, list[str]]]:
    """Name, training rows, those of a validation file, test rows in scope and texts out of scope of the runs of a case."""
    clinc = {part: draws.rows_of(draws.DATA / "clinc150" / f"{part}.csv") for part in ("train", "dev", "test")}
    inside = {part: [row for row in some if row[1] != OUTSIDE] for part, some in clinc.items()}
    outside = [text for text, label in clinc["test"] if label == OUTSIDE]
    if name == "clinc150":
        train = draws.at_most(inside["train"], rows, draw)
        both = [(name, train, []), (f"{name}, validation file", train, inside["dev"])]
        return [(*each, inside["test"], outside) for each in both]
    if name in LABELLED:
        intents = sorted({label for _, label in inside["train"]})[: SOME if rows < FEW else None]
        kept = {part: [row for row in some if row[1] in intents] for part, some in inside.items()}
        others = {part: [row for row in some if row[1] == OUTSIDE] for part, some in clinc.items()}
        train = draws.at_most(kept["train"], rows, draw) + others["train"]
        return [(name, train, kept["dev"] + others["dev"], kept["test"], outside)]
    if name == "clinc150 10":
        return [(name, draws.per_label(inside["train"], 10, draw), [], inside["test"], outside)]
    source = "ag_news" if name == "ag_news" else "airline"
    train, test = (draws.rows_of(draws.DATA / source / part) for part in draws.FILES[source])
    if name == "airline":
        return [(name, draws.at_most(train, min(rows, 4000), draw), [], draws.at_most(test, 1000, 0), outside)]
    found = []
    for topic in sorted({label for _, label in train}):
        kept = draws.at_most([row for row in train if row[1] != topic], min(rows, 4000), draw)
        scored = draws.at_most([row for row in test if row[1] != topic], 1000, 0)
        others = [text for text, label in draws.at_most(test, len(test), 0) if label == topic][:1000]
        found.append((f"{name} without {topic}", kept, [], scored, others))
    return found


def auroc(inside: np.ndarray, outside: np.ndarray) -> float:
    """How often a text out of scope is the stranger one, ties counting half."""
    from scipy.stats import rankdata

    ranks = rankdata(np.concatenate([inside, outside]))[len(inside) :]
    return float((ranks.sum() - len(outside) * (len(outside) + 1) / 2) / (len(inside) * len(outside)))


def joint_threshold(shares: np.ndarray, right: np.ndarray, outside: np.ndarray) -> float:
    """The least largest probability that AutoIntent's `jinoos` answers from: of 100 thresholds the first that is best.

    Best is the highest share of the rows in scope that get the right label plus the share of the others that get none.

    Args:
        shares: largest probability of rows in scope, shape (rows,).
        right: whether its label is the right one, bool, shape (rows,).
        outside: largest probability of rows out of scope, shape (others,).
    """
    points = np.linspace(0, 1, 100)
    return float(points[np.argmax([(right & (shares >= at)).mean() + (outside < at).mean() for at in points])])


def labelled(
    train: Rows, validation: Rows, inside: Rows, outside: list[str], strategy: str, threads: int | None, *, known: bool
) -> dict[str, Any]:
    """One run that has texts out of scope with a label, and what peers do with these.

    Args:
        train: training rows, some of them out of scope.
        validation: rows of a validation file, some of them out of scope.
        inside: test rows in scope.
        outside: test texts that are not.
        strategy: that is fitted.
        threads: of the CPU.
        known: whether the label is said to stand for texts out of scope; else it is learnt as a class.
    """
    with tempfile.TemporaryDirectory() as place:
        files = {
            name: str(draws.write(Path(place) / f"{name}.csv", some))
            for name, some in (("train", train), ("validation", validation))
        }
        options: dict[str, Any] = {"strategy": strategy, "controls": False, "cache": False, "refit": False}
        options |= {"out_of_scope_label": OUTSIDE} if known else {}
        model = headstart.fit(files.pop("train"), output=f"{place}/run", threads=threads, seed=0, **files, **options)
        texts, true = [text for text, _ in inside], np.array([label for _, label in inside])
        said = [model.predict(some) for some in (texts, outside)]
        if not known:
            found = [np.array([row.label == OUTSIDE for row in some]) for some in said]
            right = np.array([row.label for row in said[0]]) == true
            strange = [np.array([row.probabilities[OUTSIDE] for row in some]) for some in said]
            return {"score": "class", **_summary(found_outside(-strange[0], -strange[1], *found, right=right))}
        right = np.array([row.label for row in said[0]]) == true
        in_scope, refused = (
            [np.array([getattr(row, name) for row in some]) for some in said] for name in ("in_scope", "refused")
        )
        asked: Any = next(each for each in model.decisions if each.name == "out_of_scope")
        promised = found_outside(*in_scope, *(each <= asked.refused for each in in_scope), right=right)
        own = _summary(found_outside(*in_scope, *refused, right=right))
        return {
            "score": asked.found, "tuned": asked.tuning, **own,
            "at_promise": _summary(promised), "jinoos": jinoos(model, validation, inside, outside),
        }  # fmt: skip


def jinoos(model: Any, validation: Rows, inside: Rows, outside: list[str]) -> dict[str, Any]:
    """What the largest softmax of a model comes to on test texts, at the threshold that `joint_threshold` finds on validation."""
    held = [[text for text, label in validation if (label == OUTSIDE) == other] for other in (False, True)]
    tops, names = [], np.array(model.labels)
    for some in (*held, [text for text, _ in inside], outside):
        shares = softmax(model.outputs(some).values)
        tops.append((shares.max(axis=1), names[shares.argmax(axis=1)]))
    right = [
        given == np.array([label for _, label in rows if label != OUTSIDE])
        for (_, given), rows in ((tops[0], validation), (tops[2], inside))
    ]
    least = joint_threshold(tops[0][0], right[0], tops[1][0])
    sure = tops[2][0], tops[3][0]
    found = found_outside(*sure, *(each < least for each in sure), right=right[1])
    return {"threshold": round(least, 4), **_summary(found)}


def _summary(found: Any) -> dict[str, Any]:
    """What refusing comes to, in four digits."""
    plain = found.plain()
    scores = {"auroc_run": "auroc", "refused_inside": "refused", "refused_outside": "found", "accuracy_all": "accuracy"}
    sizes = {"outside": plain["n"], "inside": plain["refused"]["n"]}
    found = {name: round(plain[key]["value"], 4) for name, key in scores.items()}
    return found | {name: round(plain[name], 4) for name in ("f1", "joint")} | sizes


def measured(
    train: Rows, validation: Rows, inside: Rows, outside: list[str], strategy: str, threads: int | None
) -> dict[str, Any]:
    """One run, and all scores of its states and logits.

    Args:
        train: training rows.
        validation: rows of a validation file; none where it is cut off.
        inside: test rows in scope.
        outside: texts that are not.
        strategy: that is fitted.
        threads: of the CPU.
    """
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
        outputs: Any = [model.outputs(some) for some in (texts, outside)]
        scores = {}
        for name in [name for name in SCOPE_SCORES.names() if not SCOPE_SCORES.get(name).adds_entropy]:
            score = SCOPE_SCORES.get(name).fit(states[0], known)
            scores[name] = round(
                auroc(
                    *(score.score(*pair) for pair in zip(states[1:], (each.values for each in outputs), strict=True))
                ),
                4,
            )
        said, others = model.predict(texts), model.predict(outside)
        asked: Any = next(each for each in model.decisions if each.name == "out_of_scope")
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


def said(row: dict[str, Any]) -> str:
    """A measurement in a line."""
    best = sorted((row.get("auroc") or {}).items(), key=lambda each: -each[1])
    parts = [
        f"{row['case']}, {row['rows']} rows, draw {row['draw']}: {row['score']}, refused {row['refused_outside']:.3f} of those "
        f"outside and {row['refused_inside']:.3f} inside; AUROC {row['auroc_run']:.3f}",
        ", ".join(f"{each} {value:.3f}" for each, value in best),
        *(
            f"{name}: {row[name]}"
            for name in ("joint", "f1", "accuracy_all", "tuned", "at_promise", "jinoos")
            if name in row
        ),
    ]
    return "; ".join(each for each in parts if each)


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
            for label, train, validation, inside, outside in case(name, draw, rows):
                if options.quick:
                    known = {each for _, each in train}
                    inside, outside = [row for row in inside if row[1] in known][:50], outside[:50]
                given = (train, validation, inside, outside, options.strategy, options.threads)
                found = labelled(*given, known=name != "clinc150 class") if name in LABELLED else measured(*given)
                row = {
                    "case": label, "strategy": options.strategy, "rows": len(train) + len(validation), "draw": draw,
                    "device": records.device(), **found,
                }  # fmt: skip
                if not options.quick:
                    records.keep(RESULTS, row, KEYS)
                print(said(row), flush=True)


if __name__ == "__main__":
    main()
