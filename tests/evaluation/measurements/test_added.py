"""What was added, with it and without: the difference is the same whichever of the two was kept."""

from typing import Any

import numpy as np

from headstart.data.outputs import Logits
from headstart.data.store import Store
from headstart.evaluation.measurements.added import KEPT, WhatWasAdded
from headstart.evaluation.subjects import Addition, Contender, FinishedRun, Subject
from headstart.tasks.text_classification import Example, TextClassification

TASK = TextClassification(text=("text",), label="label", labels=("down", "up"), metric="accuracy")
ROWS = Store([Example(f"text {at}", ("down", "up")[at % 2]) for at in range(20)], list(range(20)), "test.csv")


def outputs(right: int) -> Logits:
    """Those of a model that is right on so many of the rows."""
    says = np.array([at % 2 if at < right else 1 - at % 2 for at in range(20)])
    return Logits(np.zeros(20, bool), np.where(says[:, None] == np.arange(2), 2.0, -2.0).astype(np.float32))


def measured(*, kept: bool, own: Logits, other: Logits) -> dict[str, Any]:
    added = Addition("averaging", "the soup", kept, "why", {"seed 0" if kept else "the soup": {"test": other}})
    run = FinishedRun((Contender("averaging", "transfer", {}, {"test": own}),), {"test": ROWS}, {}, {}, added=added)
    nobody: Any = None
    plain = WhatWasAdded().measure(Subject(nobody, TASK, ROWS, own, "test", run=run))
    assert plain is not None
    return plain


def test_with_and_without_are_told_apart_whether_it_was_kept_or_refused() -> None:
    soup, single = outputs(15), outputs(18)
    for plain, name in (
        (measured(kept=True, own=soup, other=single), "seed 0"),
        (measured(kept=False, own=single, other=soup), KEPT),
    ):
        part = plain["parts"]["test"]
        [(called, row)] = part["without"].items()
        assert called == name
        assert (part["with"]["value"], row["score"]["value"]) == (0.75, 0.9)
        assert round(row["difference"]["value"], 6) == -0.15
    said = " ".join(WhatWasAdded().sentences(plain, {}))
    assert "The soup was not kept: why. On 20 test rows it would have reached accuracy 0.750" in said
    assert "the kept model 0.900 (-0.150 by it). These scores were read when the choice was made" in said
