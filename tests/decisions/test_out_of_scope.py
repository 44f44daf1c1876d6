"""Out of scope: what is refused, by which score, and that it is the same through files, folds, resumption and learning again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.decisions.test_decisions import toys
from tests.decisions.test_prediction_sets import TASK, drawn
from tests.runs.test_studies import words

from headstart.data.outputs import Logits
from headstart.decisions.out_of_scope import OutOfScope, scope_asked
from headstart.errors import DataError, ModelError
from headstart.loading import load
from headstart.predictors.scope import SCOPE
from headstart.recipes.inference import Evaluate, Predict
from headstart.recipes.parsing import assemble
from headstart.runs.run import run
from headstart.types import LabelPrediction


def strange(values: np.ndarray) -> Logits:
    found = Logits.of(np.zeros((len(values), 3), dtype=np.float32))
    found.strangeness = values.astype(np.float32)
    return found


def test_as_many_of_the_held_out_rows_are_refused_as_may_be() -> None:
    _, rows = drawn(1000, 0)
    scores = np.random.default_rng(0).normal(size=1000)
    asked = OutOfScope(refused=0.05, found="relative-mahalanobis").fit(TASK, strange(scores), rows)
    assert asked.rows == 1000 and not asked.is_idle
    again = asked.apply(TASK, strange(scores))
    assert again.refused is not None and again.in_scope is not None
    assert again.refused.sum() in (49, 50)
    assert scores[again.refused].min() > scores[~again.refused].max()
    new = asked.apply(TASK, strange(np.array([-9.0, 9.0])))
    assert new.in_scope is not None and new.in_scope[0] == 1.0 and new.in_scope[1] == pytest.approx(1 / 1001)
    many = np.random.default_rng(1).normal(size=20_000)
    share = np.mean(asked.apply(TASK, strange(many)).refused)  # type: ignore[arg-type]
    assert 0.03 < share < 0.07
    assert OutOfScope().fit(TASK, strange(scores), rows) == OutOfScope(), "nobody asked"
    assert asked.given() == OutOfScope(refused=0.05)
    few = OutOfScope(refused=0.05, found="relative-mahalanobis").fit(
        TASK, strange(scores[:10]), rows.take(np.arange(10))
    )
    assert not few.apply(TASK, strange(np.array([99.0]))).refused.any(), "ten rows cannot tell one in twenty"  # type: ignore[union-attr]


def test_distance_and_entropy_are_added_in_deviations_of_held_out_rows() -> None:
    outputs, rows = drawn(400, 0)
    outputs.strangeness = np.random.default_rng(0).normal(50, 10, size=400).astype(np.float32)
    asked = OutOfScope(refused=0.05, found="mahalanobis-entropy").fit(TASK, outputs, rows)
    assert asked.scales is not None and asked.scales[:2] == pytest.approx((50, 10), abs=1.5)
    assert 0.04 < np.mean(asked.apply(TASK, outputs).refused) < 0.06  # type: ignore[arg-type]
    new = Logits.of(np.array([[9.0, 0, 0], [9.0, 0, 0], [0.0, 0, 0]], dtype=np.float32))
    new.strangeness = np.array([50, 120, 62], dtype=np.float32)
    found = asked.apply(TASK, new)
    assert found.refused.tolist() == [False, True, True], "far though sure; rather far and unsure"  # type: ignore[union-attr]


def test_the_point_is_tuned_on_rows_out_of_scope_and_never_above_what_may_be() -> None:
    _, rows = drawn(400, 0)
    random = np.random.default_rng(0)
    held = strange(random.normal(size=400))
    asked = OutOfScope(refused=0.05, found="relative-mahalanobis", label="oos").fit(TASK, held, rows)
    assert asked.tuning is None
    inside = asked.apply(TASK, held).in_scope
    far, near = (asked.apply(TASK, strange(random.normal(at, 1, size=80))).in_scope for at in (9, 1))
    assert inside is not None and far is not None and near is not None
    sure = asked.tuned(inside, far)
    assert sure.point is not None and sure.point < 0.01 and sure.tuning is not None
    assert sure.tuning["found"] == sure.tuning["at_most"] == 1.0 and sure.tuning["refused"] < 0.01
    assert sure.apply(TASK, held).refused.sum() == round(400 * sure.tuning["refused"]) < 4  # type: ignore[union-attr]
    unsure = asked.tuned(inside, near)
    assert unsure.point is not None and 0.02 < unsure.point <= 0.05
    assert 0.1 < np.mean(unsure.apply(TASK, strange(random.normal(1, 1, size=4000))).refused) < 0.4  # type: ignore[arg-type]
    assert unsure.given() == OutOfScope(refused=0.05), "rows and label are another run's own"


def test_without_states_probabilities_say_it() -> None:
    outputs, rows = drawn(400, 0)
    asked = OutOfScope(refused=0.1).fit(TASK, outputs, rows)
    assert asked.found == "entropy"
    flat = Logits.of(np.array([[0.0, 0.0, 0.0], [9.0, 0.0, 0.0]], dtype=np.float32))
    assert asked.apply(TASK, flat).refused.tolist() == [True, False]  # type: ignore[union-attr]


def test_only_tasks_with_one_label_refuse() -> None:
    for name in ("text-regression", "token-classification", "multi-label-classification"):
        task, rows, outputs = toys(name)
        with pytest.raises(DataError, match="no one label to withhold"):
            OutOfScope(refused=0.1).fit(task, outputs, rows)
    said = LabelPrediction("up", 0.9, {"up": 0.9, "down": 0.1}, False, None, 0.01, True)
    assert said.plain()["label"] is None and said.plain()["in_scope"] == 0.01
    assert said.cells()[0] == "" and said.cells()[-1] == "0.010000"


@pytest.fixture
def options(tiny_backbone: Path, tmp_path: Path) -> dict[str, Any]:
    (tmp_path / "train.csv").write_text(words(140))
    (tmp_path / "test.csv").write_text(words(60, 1))
    files = {"train": str(tmp_path / "train.csv"), "test": str(tmp_path / "test.csv"), "output": str(tmp_path / "run")}
    more = {"backbone": str(tiny_backbone), "threads": 1, "controls": False, "strategy": "feature-extraction"}
    return {**files, **more, "out_of_scope": True}


@pytest.mark.parametrize("more", [{"folds": 0}, {"folds": 3}], ids=["validation", "folds"])
def test_a_model_refuses_what_it_is_told_and_says_the_same_when_it_is_read(
    more: dict[str, Any], options: dict[str, Any], tmp_path: Path
) -> None:
    outcome = run(assemble("fit", options | more))
    assert outcome.artifact is not None
    evidence = json.loads((tmp_path / "run" / "evidence.json").read_text())["out_of_scope"]
    assert (evidence["may"], evidence["n"], evidence["score"]) == (0.05, 60, "mahalanobis-neighbours-entropy")
    assert "As out of scope" in " ".join(outcome.result["verdict"])
    assert "get no label" in (tmp_path / "run" / "README.md").read_text()
    recipe = (tmp_path / "run" / "recipe.yaml").read_text()
    assert "out_of_scope: true" in recipe and "strangeness" not in recipe
    again, texts = load(tmp_path / "run"), ["a1 a2", "b1 b2 b3", "nothing of that kind"]
    for one, other in zip(outcome.artifact.predict(texts), again.predict(texts), strict=True):
        assert one.in_scope == other.in_scope and one.refused == other.refused
    rows = run(Predict(model=str(tmp_path / "run"), texts=tuple(texts))).result["predictions"]
    assert [row["in_scope"] for row in rows] == [row.in_scope for row in again.predict(texts)]
    scored = run(Evaluate(model=str(tmp_path / "run"), test=options["test"])).result["out_of_scope"]
    assert scored["refused"] == evidence["refused"]
    (tmp_path / "run" / SCOPE).unlink()
    with pytest.raises(ModelError, match="scope"):
        load(tmp_path / "run").predict(texts)


@pytest.mark.slow
def test_the_resolved_recipe_and_a_resumed_run_refuse_the_same(options: dict[str, Any], tmp_path: Path) -> None:
    from headstart.recipes.parsing import from_mapping

    asked = {"decisions": [{"name": "out_of_scope", "refused": 0.2, "score": "mahalanobis"}], "out_of_scope": False}
    first = run(assemble("fit", options | asked)).artifact
    assert first is not None
    found = scope_asked(first.decisions)
    assert found is not None and (found.refused, found.found) == (0.2, "mahalanobis")
    second = run(from_mapping(first.recipe | {"output": str(tmp_path / "again")}, "recipe.yaml")).artifact
    assert second is not None
    texts = ["a1 a2", "b1 b2 b3", "nothing of that kind"]
    assert [row.in_scope for row in first.predict(texts)] == [row.in_scope for row in second.predict(texts)]


def test_a_model_of_words_counts_by_its_probabilities(options: dict[str, Any], tmp_path: Path) -> None:
    given = {key: value for key, value in options.items() if key != "backbone"} | {"strategy": "tf-idf"}
    artifact = run(assemble("fit", given)).artifact
    assert artifact is not None
    asked = scope_asked(artifact.decisions)
    assert asked is not None and asked.found == "entropy" and not (tmp_path / "run" / SCOPE).exists()
    assert artifact.predict(["a1 a2 a3"])[0].in_scope is not None
    score = {"decisions": [{"name": "out_of_scope", "refused": 0.1, "score": "mahalanobis"}], "out_of_scope": False}
    named = run(assemble("fit", given | score | {"overwrite": True})).artifact
    assert named is not None
    asked = scope_asked(named.decisions)
    assert asked is not None and (asked.score, asked.found) == ("mahalanobis", "entropy"), "controls have no states"
