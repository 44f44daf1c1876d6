"""Several tasks learn together: one folder answers all, each as the artifact that is taken out of it, beside runs of their own."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from tests.conftest import WORDS

import headstart
from headstart.errors import DataError, HeadstartError, MissingInputError, ModelError, RecipeError, UsageError
from headstart.loading import load, tasks_of
from headstart.multi_task import MultiTaskModel
from headstart.recipes.parsing import assemble, from_mapping
from headstart.report import several
from headstart.runs.run import run

TASKS = {
    "mood": {"train": "mood.csv", "test": "mood_test.csv"},
    "amount": {"train": "amount.csv", "task": "text-regression", "label": "amount"},
}
MORE = {
    "tags": {"train": "tags.conll"},
    "pair": {"train": "pair.csv", "task": "text-pair-classification", "label": "label"},
    "alike": {"train": "alike.csv", "task": "sentence-similarity"},
    "many": {"train": "many.csv", "task": "multi-label-classification", "label": "labels", "separator": "|"},
    "asked": {"train": "asked.jsonl", "task": "question-answering"},
}
OPTIONS: dict[str, Any] = {"epochs": 2, "threads": 1, "learning_rate": 1e-3, "batch_size": 8, "measure": ()}
GIVEN: dict[str, list[Any]] = {
    "mood": ["a good day", "the shop is bad"],
    "amount": ["good good", "the parcel"],
    "tags": [["the", "shop", "opens"], ["good", "day"]],
    "pair": [("a good day", "a good day"), ("the shop", "a night")],
    "alike": [("a good day", "a good day"), ("the shop", "a night")],
    "many": ["good and bad", "the parcel"],
    "asked": [("who opens at nine", "the parcel day opens at nine")],
}


def data(folder: Path) -> None:
    """A small file for each kind of task, the same every time."""
    draw, words = random.Random(3), [word for word in WORDS if word.isalpha()]

    def text(count: int) -> str:
        return " ".join(draw.choice(words) for _ in range(count))

    def table(name: str, head: str, rows: list[str]) -> None:
        (folder / name).write_text("\n".join([head, *rows]) + "\n")

    for name, count in (("mood.csv", 48), ("mood_test.csv", 16)):
        rows = [f"{text(4)} {('good', 'bad')[at % 2]} {text(2)},{('up', 'down')[at % 2]}" for at in range(count)]
        table(name, "text,label", rows)
    table("amount.csv", "text,amount", [f"{text(3)}{' good' * (at % 7)},{at % 7 + 0.5 * (at % 2)}" for at in range(40)])
    sentences = ["\n".join([f"{draw.choice(words)} O", f"{text(1)} O", "shop B-LOC", "opens O"]) for _ in range(24)]
    (folder / "tags.conll").write_text("\n\n".join(sentences) + "\n")
    pairs = [(one := text(4), one if at % 2 else text(4)) for at in range(40)]
    table("pair.csv", "one,two,label", [f"{a},{b},{('other', 'same')[a == b]}" for a, b in pairs])
    table("alike.csv", "one,two,similarity", [f"{a},{b},{4.0 * (a == b) + draw.random():.3f}" for a, b in pairs])
    kinds = [("good", "a"), ("bad", "b"), ("good bad", "a|b")]
    table("many.csv", "text,labels", [f"{text(3)} {kinds[at % 3][0]},{kinds[at % 3][1]}" for at in range(45)])
    asked = []
    for at in range(30):
        answer = f"parcel {words[at % 9]}"
        context = f"{text(3)} {answer} {text(2)}"
        answers = {"text": [answer], "answer_start": [context.index(answer)]}
        asked.append(json.dumps({"id": str(at), "question": "who opens", "context": context, "answers": answers}))
    (folder / "asked.jsonl").write_text("\n".join(asked) + "\n")
    (folder / "tasks.yaml").write_text(yaml.safe_dump({"tasks": TASKS}, sort_keys=False))
    (folder / "all.yaml").write_text(yaml.safe_dump({"tasks": TASKS | MORE}, sort_keys=False))


@pytest.fixture(scope="session")
def files(once: Callable[[str, Callable[[Path], object]], Path]) -> Path:
    def make(folder: Path) -> None:
        folder.mkdir()
        data(folder)

    return once("tasks-data", make)


@pytest.fixture(scope="session")
def made(once: Callable[[str, Callable[[Path], object]], Path], files: Path, tiny_backbone: Path) -> Path:
    """A folder that answers three tasks."""
    tasks, backbone = str(files / "tasks.yaml"), str(tiny_backbone)
    return once(
        "tasks-model", lambda folder: headstart.fit_tasks(tasks, backbone=backbone, output=str(folder), **OPTIONS)
    )


def evidence(folder: Path, task: str = "") -> dict[str, Any]:
    return json.loads((folder / (f"tasks/{task}" if task else "") / "evidence.json").read_text())


def weights(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*.safetensors"))}


def test_one_folder_holds_the_network_once_and_a_head_decisions_and_scores_of_each_task(made: Path) -> None:
    assert tasks_of(made) == ("mood", "amount")
    assert [path.name for path in made.rglob("model.safetensors")] == ["model.safetensors"]
    assert sorted(path.stem for path in (made / "heads").iterdir()) == ["amount", "mood"]
    model = MultiTaskModel.load(made)
    assert [model[name].task.name for name in model.tasks] == [
        "text-classification",
        "text-regression",
    ]
    for name in model.tasks:
        found = evidence(made, name)
        labels = [row["label"] for row in found["leaderboard"]]
        assert labels[0] == "multi-task" or "multi-task" in labels
        assert "fine-tuning" in labels
        assert found["chosen"] == "multi-task"
        among = found["among"]
        assert among["epochs_alone"] == max(1, round(among["passes"]))
        assert f"of {among['epochs_alone']}" in found["leaderboard"][labels.index("fine-tuning")]["description"]
        assert {path.name for path in (made / "tasks" / name).iterdir()} >= {
            "README.md",
            "report.html",
            "evidence.json",
        }
    scores = evidence(made)["tasks"]["mood"]
    assert (scores["part"], scores["score"]["n"]) == ("test", 16)
    assert model.predict("mood", ["a good day"]) == load(made, task="mood").predict(["a good day"])


@pytest.mark.parametrize("task", [*TASKS])
def test_what_is_taken_out_answers_to_the_bit_as_the_part_did(made: Path, task: str, tmp_path: Path) -> None:
    headstart.extract(made, task, output=str(tmp_path / "one"))
    kept, whole = load(tmp_path / "one"), load(made, task=task)
    theirs = kept.outputs(GIVEN[task]).arrays()
    for name, own in whole.outputs(GIVEN[task]).arrays().items():
        np.testing.assert_array_equal(own, theirs[name])
    assert kept.decisions == whole.decisions
    assert kept.reference is not None
    assert kept.evidence["among"]["task"] == task
    assert "model.safetensors" in {path.name for path in (tmp_path / "one").iterdir()}


def test_plain_transformers_loads_what_is_taken_out(made: Path, tmp_path: Path) -> None:
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    artifact = headstart.extract(made, "mood", output=str(tmp_path / "one"))
    network = AutoModelForSequenceClassification.from_pretrained(tmp_path / "one").eval()
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "one")
    with torch.no_grad():
        given = tokenizer(GIVEN["mood"], padding=True, return_tensors="pt")
        said = network(given["input_ids"], attention_mask=given["attention_mask"]).logits.softmax(1)
    np.testing.assert_allclose(said.numpy(), artifact.predict_proba(GIVEN["mood"]), atol=1e-3)
    assert network.config.id2label == {0: "down", 1: "up"}


def test_a_task_is_to_be_named_and_known(made: Path, files: Path) -> None:
    with pytest.raises(UsageError, match=r"answers several tasks \(mood, amount\); name one with --task, or take"):
        headstart.predict(made, ["a good day"])
    with pytest.raises(UsageError, match=r"knows no task 'moood'; did you mean 'mood'\? \(tasks: mood, amount\)"):
        headstart.predict(made, ["a good day"], task="moood")
    with pytest.raises(UsageError, match="say which one the rows of"):
        headstart.evaluate(made, files / "mood_test.csv")
    [said] = headstart.predict(made, ["a good day"], task="mood")["predictions"]
    assert set(said["probabilities"]) == {"up", "down"}


def test_evaluate_scores_each_task_on_its_own_test_file(made: Path, files: Path, tmp_path: Path) -> None:
    found = headstart.evaluate(made, files / "tasks.yaml")["tasks_scored"]
    assert list(found) == ["mood"]
    assert found["mood"]["scores"] == headstart.evaluate(made, files / "mood_test.csv", task="mood")["scores"]
    assert found["mood"]["scores"]["accuracy"] == evidence(made)["tasks"]["mood"]["score"]
    (tmp_path / "other.yaml").write_text("tasks:\n  moods: {train: a.csv, test: b.csv}\n  amount: {train: a.csv}\n")
    with pytest.raises(RecipeError, match="moods: the model knows no such task; did you mean 'mood'"):
        headstart.evaluate(made, tmp_path / "other.yaml")


def test_the_resolved_recipe_comes_to_the_same_weights(made: Path, tmp_path: Path) -> None:
    recipe = from_mapping(yaml.safe_load((made / "recipe.yaml").read_text()), "recipe")
    again = run(
        recipe.revised(output=str(tmp_path / "again"), strategies=(recipe.strategies[0].revised(single_runs=False),))
    )
    assert weights(tmp_path / "again") == weights(made)
    assert again.result["tasks"]["mood"]["alone"] is None
    assert "was not trained alone" in " ".join(evidence(tmp_path / "again", "mood")["verdict"])


def test_page_and_card_have_a_section_for_each_task_and_say_what_learning_together_did(made: Path) -> None:
    page, card = (made / "report.html").read_text(), (made / "README.md").read_text()
    for name in TASKS:
        assert f'id="task-{name}"' in page
        assert f"tasks/{name}/README.md" in card
        assert f"headstart extract FOLDER --task {name}" in (made / "tasks" / name / "README.md").read_text()
    assert evidence(made)["verdict"][0] in page.replace("&#39;", "'")
    assert "mood and amount" in page
    assert [set(each) for each in evidence(made)["mixture"]["conflicts"]] == [{"mood | amount"}] * 3


def test_a_folder_that_was_changed_is_not_believed(made: Path, tmp_path: Path) -> None:
    for name in ("heads/mood.safetensors", "network/model.safetensors", "tasks/mood/evidence.json"):
        folder = tmp_path / name.replace("/", "-")
        shutil.copytree(made, folder)
        content = bytearray((folder / name).read_bytes())
        content[-3] ^= 1
        (folder / name).write_bytes(content)
        with pytest.raises(ModelError, match="differs|damaged"):
            load(folder, task="mood").predict(["a"])
    (tmp_path / "own").mkdir()
    shutil.copytree(made, tmp_path / "own" / "run")
    (tmp_path / "own" / "run" / "tasks" / "mood" / "README.md").write_text("mine")
    assert load(tmp_path / "own" / "run", task="mood").labels == ("down", "up")


def summarised(**changes: Any) -> dict[str, Any]:
    """The evidence of three tasks, of which one was helped, one harmed and one is lower within noise."""
    score = {"value": 0.7, "low": 0.6, "high": 0.8, "n": 100}

    def task(metric: str, gain: float, p: float) -> dict[str, Any]:
        difference = {"value": gain, "low": gain - 0.01, "high": gain + 0.01, "n": 100, "p": p, "p_holm": p}
        return {
            "metric": metric,
            "part": "test",
            "score": score,
            "alone": score,
            "difference": difference,
            "why_not_alone": "",
        }

    tasks = {"good": task("accuracy", 0.1, 0.01), "bad": task("mae", 0.2, 0.02), "low": task("accuracy", -0.01, 0.6)}
    return {"tasks": tasks, "mixture": {"conflicts": [], "capped": []}} | changes


def test_harm_is_said_by_name_first_of_all() -> None:
    said = several.verdict(summarised())
    assert said[0] == (
        "Learning together harmed bad; it helped good; no significant difference for low; within noise low is lower than alone."
    )
    assert "harm, +0.200" in said[2]
    apart = [{"a | b": 0.1, "b | c": 0.9}, {"a | b": -0.3, "b | c": 0.2}, {"a | b": -0.1, "b | c": 0.1}]
    found = several.verdict(summarised(mixture={"conflicts": apart, "capped": ["low"]}))
    assert "by their cosine: a and b −0.20." in found[-2]
    assert found[-1].startswith("Few rows beside the others: low;")


def test_rows_in_memory_learn_together_and_a_few_rows_are_limited_and_said(tiny_backbone: Path, files: Path) -> None:
    kinds = (("good", "up"), ("bad", "down"))
    few = [
        {"text": f"{word} {other}", "mood": label} for other in ("day", "night", "shop", "way") for word, label in kinds
    ]
    model = headstart.fit_tasks(
        {"few": {"train": few, "task": "text-classification", "test_share": 0}, "amount": {**TASKS["amount"], "train": str(files / "amount.csv")}},
        backbone=str(tiny_backbone), most_passes=2, sampling_power=0.0, single_runs=False, controls=False,
        weighting="uncertainty", conflicts="project", focus="amount", **OPTIONS,
    )  # fmt: skip
    assert model.tasks == ("few", "amount")
    assert model.evidence["mixture"]["capped"] == ["few"]
    assert any("few: has few rows beside the others" in said for said in model.evidence["warnings"])
    best = model.evidence["mixture"]["best"]
    scores = next(row["curve"] for row in model["amount"].evidence["leaderboard"])
    assert best == max(range(3), key=lambda epoch: (scores[epoch]["validation"], -scores[epoch]["validation_loss"]))
    assert model["few"].predict(["good day"])[0].label in ("up", "down")
    assert all(weight != 1.0 for weight in (each["weight"] for each in model.evidence["tasks"].values())) or best == 0


@pytest.mark.parametrize(
    ("tasks", "error", "said"),
    [
        ({"a": {"train": "nowhere.csv"}, "b": {"train": "mood.csv"}}, MissingInputError, r"task a: .*nowhere\.csv"),
        ({"a": {"train": "mood.csv", "test": "amount.csv"}, "b": {"train": "mood.csv"}}, DataError, "task a: .*amount"),
        ({"a": {"train": "blank.csv"}, "b": {"train": "mood.csv"}}, DataError, "task a: "),
    ],
)
def test_faults_of_the_data_say_whose_they_are(
    tasks: dict[str, Any], error: type[HeadstartError], said: str, files: Path, tiny_backbone: Path, tmp_path: Path
) -> None:
    for name in ("mood.csv", "amount.csv"):
        shutil.copy(files / name, tmp_path / name)
    (tmp_path / "blank.csv").write_text("text,label\n" + "a day,\n" * 40)
    (tmp_path / "tasks.yaml").write_text(yaml.safe_dump({"tasks": tasks}))
    with pytest.raises(error, match=said):
        headstart.fit_tasks(tmp_path / "tasks.yaml", backbone=str(tiny_backbone), **OPTIONS)


def test_a_dry_run_says_how_often_the_rows_of_each_task_would_be_seen(files: Path, tiny_backbone: Path) -> None:
    given = {
        "train": str(files / "tasks.yaml"),
        "strategy": "multi-task",
        "backbone": str(tiny_backbone),
        "dry_run": True,
    }
    found = run(assemble("fit", given)).result["tasks_planned"]
    assert sum(each["share"] for each in found.values()) == pytest.approx(1, abs=1e-3)
    assert found["mood"]["passes_per_epoch"] == pytest.approx(1, abs=0.1)


@pytest.mark.slow
@pytest.mark.parametrize("task", [*MORE])
def test_every_kind_of_task_shares_the_network_and_is_taken_out_as_it_was(
    task: str, once: Callable[[str, Callable[[Path], object]], Path], files: Path, tiny_backbone: Path, tmp_path: Path
) -> None:
    tasks, backbone = str(files / "all.yaml"), str(tiny_backbone)
    folder = once(
        "tasks-all", lambda place: headstart.fit_tasks(tasks, backbone=backbone, output=str(place), **OPTIONS)
    )
    headstart.extract(folder, task, output=str(tmp_path / "one"))
    whole, kept = (
        load(folder, task=task).outputs(GIVEN[task]).arrays(),
        load(tmp_path / "one").outputs(GIVEN[task]).arrays(),
    )
    for name, own in whole.items():
        np.testing.assert_array_equal(own, kept[name])
    assert evidence(folder)["tasks"][task]["alone"] is not None


@pytest.mark.slow
def test_a_run_that_is_killed_goes_on_to_the_same_bits(files: Path, tiny_backbone: Path, tmp_path: Path) -> None:
    words = [
        sys.executable, "-m", "headstart.cli", "fit", str(files / "tasks.yaml"), "--strategy", "multi-task", "--backbone", str(tiny_backbone),
        "--epochs", "4", "--threads", "1", "--learning-rate", "1e-3", "--batch-size", "4", "--checkpoint-every", "0", "--weighting",
        "uncertainty", "--no-cache", "--quiet",
    ]  # fmt: skip
    environment = os.environ | {"HEADSTART_CACHE_GB": "0"}
    subprocess.run([*words, "-o", str(tmp_path / "whole")], check=True, env=environment, timeout=300)
    killed = 0
    for at, wait in enumerate((0.05, 0.4, 1.0, 2.0)):
        folder = tmp_path / f"killed-{at}"
        process = subprocess.Popen([*words, "-o", str(folder)], env=environment)
        stages = folder.with_name(f"{folder.name}.part") / "mixture"
        until = time.monotonic() + 120
        while not stages.is_dir() and process.poll() is None and time.monotonic() < until:
            time.sleep(0.02)
        time.sleep(wait)
        process.send_signal(signal.SIGKILL)
        killed += process.wait(60) == -signal.SIGKILL
        if not folder.exists():
            resumed = subprocess.run(
                [sys.executable, "-m", "headstart.cli", "resume", str(folder), "--quiet"],
                env=environment,
                timeout=300,
                check=False,
            )
            assert resumed.returncode == 0
        assert weights(folder) == weights(tmp_path / "whole")
        one, other = evidence(folder), evidence(tmp_path / "whole")
        assert one["mixture"] == other["mixture"]
        assert one["verdict"] == other["verdict"]
    assert killed >= 2
