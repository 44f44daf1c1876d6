"""A tiny network that writes, in the folder of a run."""

import csv
import gc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.invented_artifacts import linear

import headstart

NOUNS = {"day": "Tag", "start": "Start", "way": "Weg", "monday": "Montag", "shop": "Laden", "night": "Abend"}
VERBS = {"is": "ist", "opens": "sieht", "say": "kennt"}


def sentences(count: int = 40) -> list[str]:
    """Sentences of one to seven words."""
    words = [*NOUNS, *VERBS]
    return [" ".join(words[(at * 5 + place * (1 + at % 3)) % 9] for place in range(1 + at % 7)) for at in range(count)]


def _written(path: Path, pairs: list[tuple[str, str]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("en", "de"), *pairs])
    return path


@pytest.fixture(scope="session")
def made(make_backbone: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that has learnt some sentences, only to be copied."""
    place = tmp_path_factory.mktemp("exported")
    backbone = make_backbone(place / "wide-bert", initializer_range=0.2)
    pairs = [
        (f"{one} {verb} {other}", f"{NOUNS[one]} {VERBS[verb]} {NOUNS[other]}")
        for one in NOUNS for verb in VERBS for other in NOUNS if one != other
    ]  # fmt: skip
    headstart.fit(
        str(_written(place / "train.csv", pairs)), task="translation", source_language="en", target_language="de",
        strategy="warm-start", decoder_layers=1, encoder_rate=1.0, epochs=20, learning_rate=5e-3, batch_size=8, controls=False, refit=False, folds=0,
        validation_share=0.2, backbone=str(backbone), seed=5, threads=1, budget="none", beams=1, longest=0.5, output=str(place / "run"),
    )  # fmt: skip
    return place / "run"


@pytest.fixture
def texts_csv(tmp_path: Path) -> Path:
    """Sentences with references."""
    known = NOUNS | VERBS
    return _written(
        tmp_path / "texts.csv", [(text, " ".join(known[word] for word in text.split())) for text in sentences()]
    )


@pytest.fixture
def linear_run(tmp_path: Path) -> Path:
    """An artifact that writes nothing."""
    return linear().save(tmp_path / "linear")


@pytest.fixture(autouse=True, scope="module")
def _let_go() -> Iterator[None]:
    """Nothing of the runtime is left for the end of the interpreter, which it does not survive."""
    yield
    gc.collect()
