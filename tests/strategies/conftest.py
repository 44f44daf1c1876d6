"""A few labelled rows with folds, ready for a strategy."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from headstart.backbones.location import BackboneSource, locate
from headstart.data.splits import folds
from headstart.data.store import Store
from headstart.strategies.base import Context
from headstart.tasks.text_classification import Example, TextClassification
from headstart.training.settings import Training

FILL = ["parcel", "shop", "day", "night", "way", "nine", "monday", "start", "end", "yours"]


def texts_of(words: Sequence[str], per_label: int, start: int = 0) -> list[tuple[str, int]]:
    """Texts told apart by one word, with the number of that word; up to a hundred rows no two are equal."""
    rows = range(start, start + per_label)
    return [
        (f"the {FILL[at % 10]} {FILL[at // 10 % 10]} is {word} {FILL[at % 7]}", which)
        for at in rows
        for which, word in enumerate(words)
    ]


@pytest.fixture(scope="session")
def wide_backbone(tmp_path_factory: pytest.TempPathFactory, make_backbone: Callable[..., Path]) -> Path:
    """A tiny random BERT whose states differ much from text to text."""
    return make_backbone(tmp_path_factory.mktemp("backbones") / "wide-bert", initializer_range=0.2)


@pytest.fixture
def few(wide_backbone: Path) -> Callable[..., Context]:
    """A context of `per_label` rows for each label and 16 texts of a target domain; with `parts=0` a validation part of as many others in place of folds, with `beside` one
    beside them."""

    def build(
        per_label: int = 6,
        labels: tuple[str, ...] = ("up", "down"),
        *,
        parts: int = 2,
        beside: bool = False,
        repeats: int = 1,
        seed: int = 0,
        turned: int | None = None,
        **training: Any,
    ) -> Context:
        found = texts_of(("good", "bad", "rather")[: len(labels)], per_label)
        examples = [Example(text, labels[which]) for text, which in found]
        if turned is not None:
            label = examples[turned].label or ""
            examples[turned] = Example(examples[turned].text, labels[(labels.index(label) + 1) % len(labels)])
        train = Store(examples, list(range(len(examples))), "few.csv")
        others = texts_of(("good", "bad", "rather")[: len(labels)], per_label, per_label)
        fresh = Store([Example(text, labels[which]) for text, which in others], list(range(len(others))), "few.csv")
        unlabelled = [Example(f"now {text}") for text, _ in texts_of(("good", "bad"), 8, 50)]
        target = Store(unlabelled, list(range(len(unlabelled))), "target.csv")
        task = TextClassification(text=("text",), label="label", labels=labels, metric="accuracy")
        dealt = np.stack(
            [folds([labels[which] for _, which in found], range(len(found)), parts=parts, seed=at) for at in range(repeats)]
        ) if parts else None  # fmt: skip
        where = {"inner_folds" if beside else "folds": dealt}
        return Context(
            task, train, train if parts and not beside else fresh, locate(BackboneSource(location=str(wide_backbone))),
            Training(**({"batch_size": 4, "epochs": 2} | training)), seed, target=target, **where,
        )  # fmt: skip

    return build
