"""One label by thresholds: where a rare label is never the most probable one, macro-F1 asks to give it all the same."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.alone import run_in
from tests.folders import snippet

import headstart
from headstart.errors import DataError

FILL = ["way", "day", "night", "shop", "opens", "nine", "start", "end", "parcel", "monday"]
STRATEGIES: dict[str, dict[str, Any]] = {
    "tf-idf": {},
    "feature-extraction": {},
    "fine-tuning": {"head": "native", "epochs": 1, "learning_rate": 1e-4},
}


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Rows with a word that makes the rare label likelier, never likely."""
    path = tmp_path_factory.mktemp("uneven") / "rows.csv"
    random = np.random.default_rng(0)
    lines = ["text,label"]
    for at in range(1000):
        late = at % 10 < 4
        rare = late and random.random() < 0.4
        words = random.choice(FILL, size=2)
        lines.append(f"the {words[0]} is {'late' if late else 'good'} {words[1]},{'fault' if rare else 'fine'}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def wide(make_backbone: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_backbone(tmp_path_factory.mktemp("wide") / "bert", initializer_range=0.2)


@pytest.fixture(scope="module")
def fitted(rows: Path, wide: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Folders by strategy, each fitted once."""
    place = tmp_path_factory.mktemp("fitted")

    def folder(strategy: str) -> Path:
        if not (place / strategy).exists():
            headstart.fit(
                str(rows), strategy=strategy, controls=False, backbone=str(wide), threads=1, cache=False,
                output=str(place / strategy), **STRATEGIES[strategy],
            )  # fmt: skip
        return place / strategy

    return folder


def lines_of(rows: Path) -> list[str]:
    return rows.read_text(encoding="utf-8").split("\n")[1:-1]


def texts_of(rows: Path) -> list[str]:
    return [line.rpartition(",")[0] for line in lines_of(rows)]


def unlikely(artifact: Any, rows: Path) -> str:
    """A text that gets the rare label though the other is likelier."""
    found = zip(texts_of(rows), artifact.predict(texts_of(rows)), strict=True)
    return next(text for text, row in found if row.label == "fault" and row.score == row.probabilities["fault"] < 0.5)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_rare_label_is_given_by_all_who_answer(strategy: str, rows: Path, fitted: Callable[[str], Path]) -> None:
    folder = fitted(strategy)
    artifact = headstart.load(folder)
    thresholds = artifact.predictor.thresholds
    assert artifact.task.chosen_metric == "macro_f1" and artifact.task.labels == ("fault", "fine")
    assert thresholds[0] < 0.45 and math.isclose(sum(thresholds), 1, abs_tol=1e-3)
    late = unlikely(artifact, rows)
    # The card: the same thresholds, and code that comes to the same answer without headstart.
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert f"its probability is at least fault {thresholds[0]:.3f}" in card
    printed = run_in(folder, snippet(folder).replace("great plot, weak ending", late))[-1]
    assert ("fault" if strategy == "fine-tuning" else printed) in printed.split()[0] and "fault" in printed
    # What is scored is what is given.
    found = artifact.evidence["refit"]["scores"]["test"]
    assert found["macro_f1"]["value"] > 0.6
    assert found["accuracy"]["value"] < 0.84  # that of the most probable label
    matrix = np.array(artifact.evidence["confusion"]["matrix"])
    assert np.trace(matrix) / matrix.sum() == pytest.approx(found["accuracy"]["value"])


def test_commands_and_recipe_come_to_the_same_thresholds(
    rows: Path, wide: Path, tmp_path: Path, command: Callable[..., Any], fitted: Callable[[str], Path]
) -> None:
    ours = headstart.load(fitted("feature-extraction"))
    command("fit", rows, "--strategy", "feature-extraction", "--no-controls", "--backbone", wide, "--threads", 1, "--output", tmp_path / "one", "--quiet")  # fmt: skip
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text((tmp_path / "one" / "recipe.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    command("run", recipe, "--output", tmp_path / "two", "--quiet")
    late = unlikely(headstart.load(tmp_path / "one"), rows)
    for folder in ("one", "two"):
        found = headstart.load(tmp_path / folder)
        assert (found.task, found.decisions, found.predictor.thresholds) == (
            ours.task,
            ours.decisions,
            ours.predictor.thresholds,
        )
        said = json.loads(command("predict", tmp_path / folder, late).out)
        assert said["label"] == "fault" and said["score"] < 0.5
    found = json.loads(command("evaluate", tmp_path / "two", rows, "--json", "--quiet").out)
    given = [row.label for row in headstart.load(tmp_path / "two").predict(texts_of(rows))]
    right = np.mean([line.endswith(f",{label}") for line, label in zip(lines_of(rows), given, strict=True)])
    assert found["scores"]["accuracy"]["value"] == pytest.approx(right)
    recipe.write_text(
        f"data: {{train: {rows}}}\ntask: {{name: text-classification, thresholds: [0.2, 0.3, 0.5]}}\nstrategy: tf-idf\n",
        encoding="utf-8",
    )
    refused = command("run", recipe, "--output", tmp_path / "three", "--quiet", code=DataError.exit_code)
    assert "3 thresholds were given for 2 labels" in refused.err


def test_an_estimator_predicts_by_them(rows: Path, wide: Path) -> None:
    texts, labels = texts_of(rows), [line.rpartition(",")[2] for line in lines_of(rows)]
    found = headstart.TextClassifier(strategy="feature-extraction", backbone=str(wide), threads=1).fit(texts, labels)
    shares, given = found.predict_proba(texts), found.predict(texts)
    assert found.classes_.tolist() == ["fault", "fine"]
    border = found.artifact_.predictor.thresholds[0]
    assert (given == np.where(shares[:, 0] >= border, "fault", "fine")).all()
    assert (given != found.classes_[shares.argmax(1)]).any()


def test_where_answers_count_alike_the_most_probable_label_is_given(rows: Path, tmp_path: Path) -> None:
    artifact = headstart.fit(
        str(rows), strategy="tf-idf", metric="accuracy", controls=False, output=str(tmp_path / "run"), cache=False
    )
    assert artifact.predictor.thresholds == ()
    assert [row.label for row in artifact.predict(texts_of(rows))] == [
        artifact.labels[at] for at in artifact.predict_proba(texts_of(rows)).argmax(1)
    ]
    assert "hreshold" not in (tmp_path / "run" / "README.md").read_text(encoding="utf-8")
