"""Files without labels: the teacher gives them, the run goes on as any other, and nothing passes for accuracy that is agreement."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import headstart
from headstart.cli.display import leaderboard
from headstart.drawing.scores import AGREEMENT
from headstart.errors import DataError, ModelError, RecipeError
from headstart.loading import load
from headstart.recipes.parsing import assemble, from_mapping
from headstart.report import card, page
from headstart.runs.comparison import publish
from headstart.runs.run import run

WORDS = ("parcel", "shop", "day", "night", "way", "start", "end", "monday")
TEXTS = [f"the {a} is {word} and {b}" for word in ("good", "bad") for a in WORDS for b in WORDS]
COMMON: dict[str, Any] = {"threads": 1, "controls": False, "epochs": 1, "refit": False, "budget": None}


@pytest.fixture(scope="module")
def teacher(once: Callable[..., Path], tiny_backbone: Path) -> str:
    rows = {"body": TEXTS, "mood": ["up" if "good" in text else "down" for text in TEXTS]}

    def make(folder: Path) -> None:
        found = headstart.fit(
            rows, strategy="feature-extraction", backbone=str(tiny_backbone), folds=0, controls=False, threads=1
        )
        publish(found, folder)

    return str(once("teacher", make))


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("raw") / "raw.txt"
    path.write_text("\n".join(TEXTS) + "\n\n", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def taught(teacher: str, raw: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("taught") / "small"
    recipe = assemble("distill", {"teacher": teacher, "texts": str(raw), "student_layers": 1, "output": str(folder), "folds": 0} | COMMON)  # fmt: skip
    return run(recipe)


def test_texts_without_labels_are_labelled_by_the_teacher_and_every_place_says_so(taught: Any, teacher: str) -> None:
    artifact = taught.artifact
    evidence = artifact.evidence
    assert set(evidence["data"]["labels_by"]) == {"train", "validation"} == set(taught.result["labels_by"])
    assert artifact.labels == ("down", "up") and artifact.task.label == "mood" and artifact.task.text == ("text",)
    assert artifact.predictor.model.backbone.depth == 1
    assert f"reaches {AGREEMENT} (accuracy)" in evidence["verdict"][0]
    assert "not how often the model is right" in evidence["verdict"][1]
    assert "validation agreement (accuracy)" in leaderboard(evidence)
    assert AGREEMENT in card.render(evidence, files=[], snippet="")
    assert page.render(evidence).lower().count(AGREEMENT) >= 4
    found = evidence["teacher"]
    assert found["parts"]["validation"]["agreement"] == evidence["leaderboard"][0]["scores"]["validation"]["accuracy"]
    assert "teacher" not in found["parts"]["validation"]
    assert found["parameters"]["student"] < found["parameters"]["teacher"]
    said = load(teacher).predict_proba(TEXTS).argmax(1)
    assert evidence["data"]["splits"]["train"]["rows"] + evidence["data"]["splits"]["validation"]["rows"] == len({*TEXTS}) == len(said)  # fmt: skip


def test_the_resolved_recipe_comes_to_the_same_weights(taught: Any) -> None:
    again = run(from_mapping(taught.artifact.recipe | {"output": None}, "recipe.yaml").revised(output=None)).artifact
    assert again is not None
    ours, theirs = (list(each.predictor.model.parameters()) for each in (taught.artifact, again))
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(a.detach(), b.detach())


def test_fit_and_distill_are_one_and_true_labels_of_a_test_file_are_scores(
    teacher: str, tiny_backbone: Path, tmp_path: Path
) -> None:
    labelled = tmp_path / "test.csv"
    labelled.write_text("body,other\n" + "".join(f"{text} now,{'down' if at % 2 else 'up'}\n" for at, text in enumerate(TEXTS[:40])))  # fmt: skip
    options = COMMON | {"test": str(labelled), "folds": 0, "backbone": str(tiny_backbone)}
    one = headstart.distill(teacher, {"body": TEXTS}, **options)
    two = headstart.fit({"body": TEXTS}, strategy={"name": "distillation", "teacher": teacher}, **options)
    np.testing.assert_array_equal(one.predict_proba(TEXTS[:5]), two.predict_proba(TEXTS[:5]))
    found = one.evidence["teacher"]["parts"]["test"]
    assert "test" not in one.evidence["data"]["labels_by"]
    assert found["student"] == one.evidence["leaderboard"][0]["scores"]["test"]["accuracy"]
    true = np.array([at % 2 == 0 for at in range(40)])
    said = load(teacher).predict_proba([f"{text} now" for text in TEXTS[:40]])[:, 1] > 0.5
    assert found["teacher"]["value"] == pytest.approx((true == said).mean())
    assert "reaches accuracy" in one.evidence["verdict"][0]


def test_a_network_labels_texts_that_it_is_told_the_labels_of(tiny_backbone: Path, raw: Path, tmp_path: Path) -> None:
    given = {"teacher": str(tiny_backbone), "texts": str(raw), "backbone": str(tiny_backbone), "folds": 0, "output": str(tmp_path / "run")} | COMMON  # fmt: skip
    with pytest.raises(DataError, match="name the labels that texts are to be given"):
        run(assemble("distill", given))
    found = run(assemble("distill", given | {"labels": ["good", "bad"], "overwrite": True}))
    assert found.artifact is not None and found.artifact.labels == ("good", "bad")
    evidence = found.artifact.evidence
    assert evidence["data"]["labels_by"].keys() == {"train", "validation"}
    beside = evidence["teacher"]
    assert beside["teacher"].endswith("zero-shot") and beside["parameters"]["teacher"] > 0


def test_a_file_with_labels_of_the_teacher_is_a_labelled_one(teacher: str, tiny_backbone: Path) -> None:
    rows = {"body": TEXTS, "mine": ["up" if "good" in text else "down" for text in TEXTS]}
    found = headstart.fit(
        rows, strategy={"name": "distillation", "teacher": teacher}, backbone=str(tiny_backbone), folds=0, **COMMON
    )
    assert "labels_by" not in found.evidence["data"] and found.task.label == "mine"
    assert found.evidence["teacher"]["parts"]["validation"]["teacher"]["value"] > 0.9


@pytest.mark.parametrize("by", ["random", "diversity", "uncertainty"])
def test_some_rows_are_asked_about_and_the_others_left_out(by: str, teacher: str, tiny_backbone: Path) -> None:
    found = headstart.distill(
        teacher, TEXTS, ask=30, ask_by=by, backbone=str(tiny_backbone), folds=0, validation_share=0.3, **COMMON
    )
    data = found.evidence["data"]
    assert data["splits"]["train"]["rows"] + data["splits"]["validation"]["rows"] == 30
    assert any(f"30 of {len(TEXTS)} rows" in warning for warning in data["warnings"])


def test_what_cannot_teach_or_be_learnt_from_is_refused(teacher: str, tmp_path: Path) -> None:
    same = tmp_path / "same.txt"
    same.write_text("the good parcel\nthe good day\n")
    with pytest.raises(ModelError, match="says 'up' of each of 2 texts, or nearly so"):
        headstart.distill(teacher, same, **COMMON)
    with pytest.raises(DataError, match="is empty"):
        (tmp_path / "none.txt").write_text("\n\n")
        headstart.distill(teacher, tmp_path / "none.txt", **COMMON)
    with pytest.raises(RecipeError, match="'fine-tuning' does not learn from a teacher; give distillation"):
        assemble("distill", {"teacher": "a", "texts": "b", "strategy": "fine-tuning"})


def test_a_teacher_that_has_changed_is_noticed_when_a_run_goes_on(tmp_path: Path) -> None:
    from headstart.runs.conditions import conditions

    (tmp_path / "teacher").mkdir()
    (tmp_path / "train.csv").write_text("text,label\na,b\n")
    recipe: Any = assemble("fit", {"train": str(tmp_path / "train.csv"), "strategy": "distillation", "teacher": str(tmp_path / "teacher")})  # fmt: skip
    found = []
    for content in ("one", "other"):
        (tmp_path / "teacher" / "weights").write_text(content)
        found.append(conditions(recipe, None, None, 1, 1)["inputs"]["file 1 teacher"])
    assert found[0] != found[1]
