"""Several labels, or a number, through all doors; and the folder without headstart."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.alone import run_in
from tests.folders import snippet

import headstart

FILL = ["way", "day", "night", "shop", "opens", "nine", "start", "end", "parcel", "monday"]
TEXTS = ["the day is good", "the parcel is bad and good", "the end"]


def write(folder: Path, task: str) -> Path:
    """240 rows whose labels or numbers follow from a word, one of them unusable."""
    rows: list[dict[str, Any]] = []
    for at in range(240):
        words = [["good"], ["bad"], ["good", "bad"], []][at % 4]
        text = f"the {FILL[at % 10]} {FILL[at // 10 % 10]} is {' and '.join(words)} {at}"
        row: dict[str, Any] = {"text": text, "channel": ("mail", "chat")[at % 2]}
        if task == "multi-label-classification":
            row["tags"] = [{"good": "up", "bad": "down"}[word] for word in words]
        elif task == "text-regression":
            row["score"] = 10 * len(words) + words.count("good")
        else:
            row = {"sentence1": text, "sentence2": text if at % 4 else FILL[at % 10], "score": min(at % 4, 1) * 5}
        rows.append(row)
    rows[7]["tags" if task == "multi-label-classification" else "score"] = "none of it"
    path = folder / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def wide(make_backbone: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_backbone(tmp_path_factory.mktemp("wide") / "bert", initializer_range=0.2)


KEYS = {
    "multi-label-classification": ["labels", "probabilities", "truncated"],
    "text-regression": ["value", "truncated"],
    "sentence-similarity": ["value", "truncated"],
}


@pytest.mark.parametrize("task", KEYS)
def test_command_recipe_and_python_come_to_the_same_model_and_all_verbs_know_it(
    task: str, wide: Path, tmp_path: Path, command: Callable[..., Any]
) -> None:
    rows, folder = write(tmp_path, task), tmp_path / "one"
    words = ["--task", task, "--strategy", "feature-extraction", "--no-controls", "--backbone", wide, "--threads", 1]
    said = json.loads(command("fit", rows, *words, "--output", folder, "--json", "--quiet").out)
    assert said["task"] == task
    [dropped] = said["dropped_rows"]
    assert dropped["line"] == 8 and "none of it" in dropped["reason"]
    artifact = headstart.load(folder)
    metric = artifact.task.chosen_metric
    assert said["scores"]["test"][metric]["n"] == artifact.evidence["data"]["splits"]["test"]["rows"]
    printed = command("fit", rows, *words, "--output", tmp_path / "two").out
    assert f"test {metric} [95 %]" in printed
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text((folder / "recipe.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    command("run", recipe, "--output", tmp_path / "three", "--json", "--quiet")
    given = [(text, TEXTS[0]) for text in TEXTS] if artifact.task.pairs else TEXTS
    ours = [row.plain() for row in artifact.predict(given)]
    for other in ("two", "three"):
        assert [row.plain() for row in headstart.load(tmp_path / other).predict(given)] == ours
    words = [text for each in given for text in each] if artifact.task.pairs else TEXTS
    lines = [json.loads(line) for line in command("predict", folder, *words).out.split("\n") if line]
    assert lines == ours
    assert [list(line) for line in lines] == [KEYS[task]] * 3
    column = "channel" if not artifact.task.pairs else "sentence2"
    found = json.loads(command("evaluate", folder, rows, "--by", column, "--json", "--quiet").out)
    assert {*found["scores"]} == {*said["scores"]["test"]}
    assert sum(scores[metric]["n"] for scores in found["groups"][column].values()) == 239
    assert [row["line"] for row in found["dropped_rows"]] == [8]
    out = tmp_path / "out.jsonl"
    command("predict", folder, "--input", rows, "--output", out, "--quiet")
    written = [json.loads(line) for line in out.read_text(encoding="utf-8").split("\n") if line]
    assert len(written) == 240 and {*artifact.task.columns} <= {*written[0]}
    page, card = ((folder / name).read_text(encoding="utf-8") for name in ("report.html", "README.md"))
    assert ">None<" not in page and " None" not in card
    assert {"multi-label-classification": "F1", "text-regression": "Spearman", "sentence-similarity": "Spearman"}[
        task
    ] in card


@pytest.mark.parametrize("task", KEYS)
def test_abstaining_is_refused_where_it_makes_no_sense(task: str, tmp_path: Path) -> None:
    with pytest.raises(headstart.errors.RecipeError, match=f"abstain: {task} has more than one answer"):
        headstart.fit(str(write(tmp_path, task)), task=task, strategy="tf-idf", abstain=0.5, output=str(tmp_path / "x"))


@pytest.mark.parametrize("task", KEYS)
@pytest.mark.parametrize("strategy", ["tf-idf", "feature-extraction"])
def test_the_code_on_the_card_says_the_same_without_headstart(
    task: str, strategy: str, wide: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    artifact = headstart.fit(
        str(write(tmp_path, task)), task=task, strategy=strategy, controls=False, backbone=str(wide), threads=1,
        output=str(folder), cache=False,
    )  # fmt: skip
    given = [(text, TEXTS[0]) for text in TEXTS] if artifact.task.pairs else TEXTS
    code = f"\nimport json\nprint(json.dumps([[float(one) for one in row] for row in predict({given!r})]))"
    found = json.loads(run_in(folder, snippet(folder) + code)[-1])
    if task == "multi-label-classification":
        np.testing.assert_allclose(found, artifact.predict_proba(given), atol=1e-4)
        assert str(list(artifact.predictor.thresholds)) in snippet(folder)
    else:
        np.testing.assert_allclose([row[0] for row in found], [row.value for row in artifact.predict(given)], atol=1e-3)


@pytest.mark.parametrize("task", KEYS)
def test_a_native_head_is_what_plain_transformers_loads(task: str, wide: Path, tmp_path: Path) -> None:
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    more = {"encoder": "cross"} if task == "sentence-similarity" else {}
    folder = tmp_path / "run"
    artifact = headstart.fit(
        str(write(tmp_path, task)), task={"name": task, **more}, strategy="fine-tuning", head="native", epochs=1,
        controls=False, backbone=str(wide), threads=1, output=str(folder), cache=False,
    )  # fmt: skip
    model: Any = AutoModelForSequenceClassification.from_pretrained(str(folder)).eval()
    problem = "multi_label_classification" if task == "multi-label-classification" else "regression"
    assert (model.config.problem_type, model.config.num_labels) == (problem, len(artifact.labels))
    given = [(text, TEXTS[0]) for text in TEXTS] if artifact.task.pairs else TEXTS
    sides = list(map(list, zip(*given, strict=True))) if artifact.task.pairs else [TEXTS]
    batch = AutoTokenizer.from_pretrained(str(folder))(*sides, padding=True, return_tensors="pt")
    with torch.inference_mode():
        logits = model(**batch).logits
    if problem == "regression":
        ours = [row.value for row in artifact.predict(given)]
        np.testing.assert_allclose(logits[:, 0].numpy(), ours, rtol=1e-3, atol=1e-3)
    else:
        np.testing.assert_allclose(logits.sigmoid().numpy(), artifact.predict_proba(given), atol=1e-4)
    code = "\nimport json\nprint(json.dumps(classify('the day is good', truncation=True)))"
    if task != "sentence-similarity":
        printed = json.loads(run_in(folder, snippet(folder) + code)[-1])
        shares = {row["label"]: row["score"] for row in (printed[0] if isinstance(printed[0], list) else printed)}
        [ours] = artifact.predict(["the day is good"])
        expected = dict(ours.probabilities) if problem != "regression" else {artifact.labels[0]: ours.value}
        assert shares == pytest.approx(expected, rel=1e-3, abs=1e-3)
