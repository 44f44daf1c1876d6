"""Evidence with invented values, for the tests of the page and the card."""

import copy
from typing import Any

METRICS = ("accuracy", "macro_f1", "mcc", "log_loss", "ece")


def scores(main: float, n: int, half_width: float = 0.015) -> dict[str, dict[str, float]]:
    """Every metric around one accuracy; the interval is `half_width` to either side."""
    values = {
        "accuracy": main,
        "macro_f1": main - 0.012,
        "mcc": 2 * main - 1,
        "log_loss": 1.2 - main,
        "ece": 0.031,
    }
    return {
        name: {"value": value, "low": value - half_width, "high": value + half_width, "n": n}
        for name, value in values.items()
    }


def entry(strategy: str, role: str, validation: float, test: float, **changes: object) -> dict[str, Any]:
    """One line of the leaderboard that was trained and scored."""
    return {
        "strategy": strategy,
        "role": role,
        "status": "done",
        "chosen": False,
        "seconds": 12.4,
        "trainable_parameters": 1155,
        "description": "",
        "scores": {"validation": scores(validation, 310), "test": scores(test, 1821)},
        "curve": [],
    } | changes


def _curve(last: float) -> list[dict[str, Any]]:
    """Four epochs, the first before training."""
    return [
        {"epoch": 0, "train_loss": None, "validation_loss": 0.61, "validation": last - 0.08},
        {"epoch": 1, "train_loss": 0.58, "validation_loss": 0.44, "validation": last - 0.03},
        {"epoch": 2, "train_loss": 0.39, "validation_loss": 0.401, "validation": last},
        {"epoch": 3, "train_loss": 0.27, "validation_loss": 0.43, "validation": last - 0.006},
    ]


def _leaderboard() -> list[dict[str, Any]]:
    """Three ways of transfer, two controls, one failure and one that had no time."""
    unscored = {"seconds": None, "scores": {"validation": None, "test": None}, "trainable_parameters": None}
    return [
        entry(
            "feature-extraction",
            "transfer",
            0.834,
            0.827,
            description="linear probe on the last three layers",
        ),
        entry(
            "fine-tuning",
            "transfer",
            0.881,
            0.874,
            chosen=True,
            seconds=81.2,
            trainable_parameters=10646786,
            description="all 6 layers, 3 epochs, first-token head",
            curve=_curve(0.881),
        ),
        entry("lora", "transfer", 0.0, 0.0, status="failed", note="the loss was not finite at step 12") | unscored,
        entry(
            "tf-idf",
            "control",
            0.801,
            0.793,
            trainable_parameters=48211,
            description="words 1-2, characters 2-5",
        ),
        entry(
            "from-scratch",
            "control",
            0.702,
            0.688,
            seconds=83.9,
            trainable_parameters=22713216,
            description="the same network, random weights, best of 3 rates",
            curve=_curve(0.702),
        ),
        entry("prompting", "transfer", 0.0, 0.0, status="not run", note="the budget was spent") | unscored,
    ]


def comparison(a: str, b: str, value: float, low: float, high: float, p: float, **changes: object) -> dict[str, Any]:
    """A paired comparison on test by accuracy."""
    return {
        "a": a,
        "b": b,
        "metric": "accuracy",
        "split": "test",
        "difference": {"value": value, "low": low, "high": high, "n": 1821},
        "p": p,
        "p_holm": min(1.0, 2 * p),
        "method": "paired permutation test, 10,000 resamples",
    } | changes


def _data() -> dict[str, Any]:
    """Two files, three parts, two warnings and three dropped rows."""
    return {
        "files": [
            {
                "role": "train",
                "path": "reviews.csv",
                "rows": 1240,
                "used": 1237,
                "format": {"encoding": "utf-8", "delimiter": ","},
            },
            {
                "role": "test",
                "path": "held_out.tsv",
                "rows": 1821,
                "used": 1821,
                "format": {"encoding": "utf-8", "delimiter": "\t"},
            },
        ],
        "splits": {
            "train": {"rows": 927, "labels": {"negative": 312, "neutral": 205, "positive": 410}},
            "validation": {"rows": 310, "labels": {"negative": 104, "neutral": 69, "positive": 137}},
            "test": {"rows": 1821, "labels": {"negative": 640, "neutral": 371, "positive": 810}},
        },
        "rule": "stratified by label, duplicates kept on one side, seed 0",
        "dropped": [
            {"file": "reviews.csv", "line": 55, "reason": "the text is empty"},
            {"file": "reviews.csv", "line": 402, "reason": "the label is empty"},
            {"file": "reviews.csv", "line": 731, "reason": "the text is empty"},
        ],
        "warnings": ["7 texts occur twice in reviews.csv; each pair was kept on one side of the split."],
        "lengths": {
            "median": 21,
            "p95": 60,
            "max": 300,
            "limit": 256,
            "truncated": 3,
            "tokens_lost_share": 0.0021,
        },
    }


def _worst_rows() -> list[dict[str, Any]]:
    """Confident mistakes: a plain one, a right-to-left one and a long one."""
    rows = [
        ("Slow to start, and then I could not put it down.", "positive", "negative", 0.991, 48),
        ("Arrived late; the replacement was better than the original.", "positive", "negative", 0.978, 1102),
        ("הספר הגיע בזמן אבל הכריכה קרועה", "negative", "neutral", 0.955, 77),
        ("It does what the box says, no more and no less. " * 40, "neutral", "positive", 0.941, 1630),
    ]
    return [
        {
            "text": text,
            "label": label,
            "predicted": predicted,
            "score": score,
            "file": "held_out.tsv",
            "line": line,
        }
        for text, label, predicted, score, line in rows
    ]


def share(hits: int, n: int) -> dict[str, float]:
    """A share with an interval of a tenth to either side."""
    return {"value": hits / n, "low": max(0.0, hits / n - 0.1), "high": min(1.0, hits / n + 0.1), "n": n}


def _abstention() -> dict[str, Any]:
    """Four points of a curve and the one asked for, of 200 rows."""
    points = [(0.0, 160, 200), (0.6, 135, 150), (0.8, 95, 100), (0.95, 50, 50)]
    curve = [
        {"threshold": threshold, "coverage": answers / 200, "accuracy": share(right, answers), "n": 200}
        for threshold, right, answers in points
    ]
    return {"split": "test", "asked": curve[2], "curve": curve}


def _slices() -> dict[str, Any]:
    """Two groups, one slice clearly worse than the whole, one column left out."""

    def slice_of(name: str, hits: int, n: int, **changes: object) -> dict[str, Any]:
        return {"name": name, "values": 1, "score": share(hits, n), "worse": False} | changes

    lengths = [slice_of("1 to 9 words", 85, 100), slice_of("10 to 60 words", 88, 100)]
    channels = [
        slice_of("mail", 92, 100),
        slice_of("chat", 30, 50, worse=True),
        slice_of("other", 35, 40, values=3),
    ]
    return {
        "split": "test",
        "metric": "accuracy",
        "overall": share(873, 1000),
        "groups": [
            {"by": "length of the text in words", "kind": "length", "slices": lengths, "unscored": 0},
            {"by": "channel", "kind": "column", "slices": channels, "unscored": 7},
        ],
        "looked_at": 5,
        "left_out": [{"column": "customer", "why": "1,821 distinct values, over 20"}],
    }


_EVIDENCE: dict[str, Any] = {
    "format": 1,
    "title": "reviews",
    "created": "2026-11-20T12:00:00Z",
    "versions": {
        "headstart": "0.1.0",
        "torch": "2.13.0",
        "transformers": "5.23.0",
        "scikit-learn": "1.9.1",
        "python": "3.11.7",
    },
    "machine": {"platform": "Linux x86_64", "cpus": 2, "threads": 2, "device": "cpu"},
    "kind": "transformers",
    "task": {
        "name": "text-classification",
        "text": ["review"],
        "label": "stars",
        "labels": ["negative", "neutral", "positive"],
        "metric": "accuracy",
    },
    "backbone": {
        "name": "mini",
        "id": "sentence-transformers/all-MiniLM-L6-v2",
        "digest": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
        "parameters": 22713216,
        "max_length": 256,
        "architecture": "bert",
        "license": "apache-2.0",
    },
    "data": _data(),
    "leaderboard": _leaderboard(),
    "chosen": "fine-tuning",
    "verdict": [
        (
            "Transfer helped: fine-tuning reaches 0.874 on test, 0.081 above TF-IDF and 0.186 above "
            "the same network from scratch."
        ),
        "The linear probe is 0.047 behind and takes a seventh of the time.",
    ],
    "comparisons": [
        comparison("fine-tuning", "tf-idf", 0.081, 0.062, 0.1, 0.0001),
        comparison("fine-tuning", "from-scratch", 0.186, 0.161, 0.211, 0.0001),
        comparison("feature-extraction", "tf-idf", 0.012, -0.008, 0.033, 0.214),
    ],
    "confusion": {
        "split": "test",
        "labels": ["negative", "neutral", "positive"],
        "matrix": [[577, 41, 22], [38, 280, 53], [19, 56, 735]],
    },
    "reliability": {
        "split": "test",
        "bins": [
            {"low": 0.4, "high": 0.467, "rows": 10, "confidence": 0.45, "accuracy": share(4, 10)},
            {"low": 0.933, "high": 1.0, "rows": 90, "confidence": 0.97, "accuracy": share(86, 90)},
        ],
    },
    "abstention": _abstention(),
    "slices": _slices(),
    "worst_rows": _worst_rows(),
    "cost": {
        "seconds": 194.3,
        "steps": [
            {"name": "reading", "seconds": 0.4},
            {"name": "feature-extraction", "seconds": 12.4},
            {"name": "fine-tuning", "seconds": 81.2},
            {"name": "tf-idf", "seconds": 6.1},
            {"name": "from-scratch", "seconds": 83.9},
            {"name": "measuring", "seconds": 10.3},
        ],
    },
}


def evidence(**changes: object) -> dict[str, Any]:
    """A fresh copy of the evidence, with top-level keys replaced."""
    return copy.deepcopy(_EVIDENCE) | changes


def many_labels(total: int) -> dict[str, Any]:
    """Evidence with `total` labels, each mostly right and a few times taken for the next one."""
    labels = [f"intent_{place:03d}" for place in range(total)]
    matrix = [[0] * total for _ in labels]
    for place in range(total):
        matrix[place][place] = 20
        matrix[place][(place + 1) % total] = place % 9
    made = evidence(confusion={"split": "test", "labels": labels, "matrix": matrix})
    made["task"]["labels"] = labels
    for part in made["data"]["splits"].values():
        part["labels"] = {label: 6 for label in labels}
        part["rows"] = 6 * total
    return made


def without_scores() -> dict[str, Any]:
    """Evidence of a run on which nothing could be measured and nothing optional is known."""
    made = evidence(
        worst_rows=None,
        confusion=None,
        comparisons=[],
        verdict=[],
        chosen=None,
        reliability=None,
        abstention=None,
        slices=None,
    )
    for line in made["leaderboard"]:
        line |= {
            "chosen": False,
            "status": "stopped",
            "curve": [],
            "scores": {"validation": None, "test": None},
        }
    return made


def without_test() -> dict[str, Any]:
    """Evidence of a run without a test part: scores, comparisons and errors are from validation."""
    made = evidence()
    for line in made["leaderboard"]:
        line["scores"]["test"] = None
    for row in made["comparisons"]:
        row["split"] = "validation"
    made["data"]["splits"]["test"] = None
    for key in ("confusion", "reliability", "abstention", "slices"):
        made[key]["split"] = "validation"
    return made


def cross_validated(key: str = "cross-validation") -> dict[str, Any]:
    """Evidence of a run without a test part that made choices by cross-validation, its scores under `key`."""
    made = without_test()
    made["data"]["choices"] = "cross-validation"
    made["data"]["splits"]["validation"] = None
    for line in made["leaderboard"]:
        line["scores"] = {key: line["scores"]["validation"], "test": None}
    for row in [*made["comparisons"], *(made[name] for name in ("confusion", "reliability", "abstention", "slices"))]:
        row["split"] = key
    return made


def two_domains() -> dict[str, Any]:
    """Evidence of a run with texts and labelled rows of a target domain; fine-tuning has no test score."""
    made = evidence()
    made["data"]["target"] = {"texts": 2000, "digest": "0" * 64}
    made["data"]["splits"]["target"] = {"rows": 600, "labels": {"negative": 200, "neutral": 200, "positive": 200}}
    rows = []
    for line in made["leaderboard"]:
        if line["scores"]["validation"] is None:
            continue
        inside = line["scores"]["test"]["accuracy"]
        line["scores"]["target"] = scores(inside["value"] - 0.1, 600)
        outside = line["scores"]["target"]["accuracy"]
        gap = {"value": -0.1, "low": -0.13, "high": -0.07, "n": 600}
        rows.append(
            {"strategy": line["strategy"], "role": line["role"], "inside": inside, "outside": outside, "gap": gap}
        )
    rows.sort(key=lambda row: -row["outside"]["value"])
    rows[0] |= {"inside": None, "gap": None}
    others = [row["strategy"] for row in rows[1:]]
    tests = [comparison(rows[0]["strategy"], name, 0.05, 0.01, 0.09, 0.004, split="target") for name in others]
    made["domains"] = {
        "metric": "accuracy", "inside": "test", "best": rows[0]["strategy"], "rows": rows, "comparisons": tests,
    }  # fmt: skip
    return made


def named_tests() -> dict[str, Any]:
    """Evidence of a run with two tests of names of their own; on the second nothing was scored."""
    made = two_domains()
    for row in [*made["leaderboard"], made["data"]["splits"]]:
        found = row.get("scores", row)
        if "target" in found:
            found["corner shop"] = found.pop("target")
    measured = made.pop("domains")
    for test in measured["comparisons"]:
        test["split"] = "corner shop"
    del made["data"]["target"]
    made["tests"] = {"corner shop": measured, "film": None}
    return made


def from_before() -> dict[str, Any]:
    """Evidence as it was written before confidence and slices were measured."""
    made = evidence()
    for key in ("reliability", "abstention", "slices"):
        del made[key]
    return made


def _score(value: float, n: int) -> dict[str, float]:
    return {"value": value, "low": value - 0.1, "high": value + 0.1, "n": n}


def spans() -> dict[str, Any]:
    """Evidence of a model that finds spans of two types; one mistake with a missed and an invented span."""
    labels = [
        {"label": kind, "right": right, "predicted": said, "true": true}
        | {name: _score(value, true) for name, value in (("precision", 0.75), ("recall", 0.6), ("f1", 0.667))}
        for kind, right, said, true in (("PER", 3, 5, 5), ("LOC", 2, 3, 4))
    ]
    kinds = ["right", "wrong type", "wrong boundary", "wrong type and boundary", "missed", "invented"]
    types = {"PER": [3, 1, 0, 0, 1, 1], "LOC": [2, 0, 1, 0, 1, 0]}
    confused = [
        ["PER", "PER", 3],
        ["LOC", "LOC", 3],
        ["PER", "LOC", 1],
        ["PER", None, 1],
        ["LOC", None, 1],
        [None, "PER", 1],
    ]
    rome = {"text": "Rome", "type": "LOC", "kind": "right"}
    true = [{"text": "Ada", "type": "PER", "kind": "missed", "score": None}, {"text": " left "}, rome | {"score": None}]
    said = [{"text": "Ada left "}, rome | {"score": 0.91}, {"text": " on "}]
    said.append({"text": "Monday", "type": "PER", "kind": "invented", "score": 0.9998})
    row = {"text": "Ada left Rome on Monday", "label": "PER: Ada", "predicted": "PER: Monday", "score": 0.9998}
    row |= {"file": "a.conll", "line": 3, "marked": {"true": [*true, {"text": " on Monday"}], "predicted": said}}
    made = evidence(confusion=None, reliability=None, abstention=None, worst_rows=[row])
    made["task"] |= {"name": "token-classification", "words": True, "labels": ["O", "B-LOC", "I-LOC", "B-PER", "I-PER"]}
    made["by_label"] = {"split": "test", "kind": "type", "total": 2, "labels": labels}
    made["span_errors"] = {"split": "test", "kinds": kinds, "types": types, "confused": confused}
    return made


def passages() -> dict[str, Any]:
    """Evidence of a model that ranks passages."""
    found = [
        {"rank": 1, "id": "house.md", "text": "The house is shut.", "answers": False},
        {"rank": None, "id": "shop.md", "text": "The shop opens at nine.", "answers": True},
    ]
    row = {
        "text": "when is it open?",
        "label": "shop.md",
        "predicted": "house.md",
        "score": None,
        "file": "q.csv",
        "line": 2,
    }
    made = evidence(confusion=None, reliability=None, abstention=None, worst_rows=[row | {"passages": found}])
    made["task"] |= {"name": "retrieval", "answers": "passages", "labels": []}
    return made


def numbers() -> dict[str, Any]:
    """Evidence of a model that gives pairs a number."""
    row = {
        "text": "A dog runs.\nA cat sleeps.",
        "texts": ["A dog runs.", "A cat sleeps."],
        "label": "1",
        "predicted": "4",
    }
    made = evidence(
        confusion=None, reliability=None, abstention=None, worst_rows=[row | {"score": None, "file": "", "line": 2}]
    )
    made["task"] |= {"name": "sentence-similarity", "answers": "number", "text": ["left", "right"], "labels": ["score"]}
    made["task"] |= {"pairs": True}
    made["number_errors"] = {
        "split": "test",
        "n": 4,
        "mae": _score(0.5, 4),
        "bias": -0.2,
        "half": 0.4,
        "ninety": 1.1,
        "spread": [1.5, 0.9],
        "ranges": [
            {"low": 0.0, "high": 1.0, "bias": 0.3, "mae": _score(0.6, 2)},
            {"low": 2.0, "high": 2.0, "bias": -0.3, "mae": _score(0.4, 2)},
        ],
        "residuals": {"edges": [-1.0, 0.0, 1.0, 2.0], "counts": [1, 2, 1]},
        "points": [[0.0, 0.5], [1.0, 1.4], [2.0, 1.6], [2.0, 2.4]],
    }
    return made


def label_sets() -> dict[str, Any]:
    """Evidence of a model that gives texts any number of labels."""
    row = {"text": "a text", "label": "a, b, c", "predicted": "a, d", "score": 0.97, "file": "f.csv", "line": 2}
    row |= {"labels": {"right": ["a"], "missed": ["b, c"], "invented": ["d"]}}
    made = evidence(confusion=None, reliability=None, abstention=None, worst_rows=[row])
    labels = [
        {"label": f"label {at}", "right": 3, "predicted": 0 if at == 4 else 5, "true": 6, "recall": _score(0.5, 6)}
        | {"precision": None if at == 4 else _score(0.6, 5), "f1": _score(at / 20, 6)}
        for at in range(14)
    ]
    made["by_label"] = {"split": "test", "kind": "label", "total": 20, "labels": labels}
    return made
