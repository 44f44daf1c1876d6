"""Texts that a word decides, and an estimator that learns them in a tenth of a second."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from headstart import TextClassifier

FILL = ["way", "day", "night", "shop", "opens", "nine", "start", "end"]


@pytest.fixture
def texts() -> list[str]:
    """Forty texts, all different; "good" and "bad" take turns."""
    return [f"it is {('good', 'bad')[at % 2]} {FILL[at % 8]} {FILL[at // 8]}" for at in range(40)]


@pytest.fixture
def labels() -> list[str]:
    """`up` where the text is good, `down` where it is bad."""
    return ["up" if at % 2 == 0 else "down" for at in range(40)]


@pytest.fixture(scope="session")
def make(tiny_backbone: Path) -> Callable[..., TextClassifier]:
    """Make a TextClassifier on the tiny backbone: feature extraction with nothing left to choose but the strength."""

    def build(**changes: Any) -> TextClassifier:
        strategy = {"name": "feature-extraction", "layers": 2, "pooling": "mean"}
        return TextClassifier(**({"strategy": strategy, "backbone": str(tiny_backbone), "threads": 1} | changes))

    return build


@pytest.fixture
def probe(make: Callable[..., TextClassifier]) -> TextClassifier:
    """Not fitted."""
    return make()


@pytest.fixture
def fitted(probe: TextClassifier, texts: list[str], labels: list[str]) -> TextClassifier:
    """Fitted on `texts` and `labels`."""
    return probe.fit(texts, labels)
