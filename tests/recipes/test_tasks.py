"""A file of tasks: each is a set-up of `fit`, and all that is wrong is said at once, with names and lines."""

from pathlib import Path
from typing import Any

import pytest

from headstart.errors import MissingInputError, RecipeError, UsageError
from headstart.recipes.labelled import Fit
from headstart.recipes.parsing import assemble, from_mapping
from headstart.recipes.tasks import is_file_of_tasks, task_recipes, tasks_in
from headstart.runs.run import run


def written(folder: Path, text: str) -> str:
    (folder / "tasks.yaml").write_text(text)
    return str(folder / "tasks.yaml")


def recipe(path: str, **options: Any) -> Fit:
    return assemble("fit", {"train": path, "strategy": "multi-task"} | options)


def test_tasks_have_their_own_files_and_the_settings_of_the_run(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "tasks:\n  mood: {train: a.csv, test: sub/b.csv, label: x}\n  amount:\n    train: /c.csv\n    task: text-regression\n"
        "    metric: mae\n    train_rows: 8\n",
    )
    found = task_recipes(recipe(path, seed=4, epochs=7, layers=2, backbone="there"))
    assert list(found) == ["mood", "amount"]
    mood, amount = found["mood"], found["amount"]
    assert (mood.data.train, mood.data.test) == (str(tmp_path / "a.csv"), str(tmp_path / "sub" / "b.csv"))
    assert mood.task.plain() == {"label": "x"}
    assert (amount.data.train, amount.data.train_rows, amount.known_task.chosen_metric) == ("/c.csv", 8, "mae")
    for own in found.values():
        assert (own.seed, own.training.epochs, own.backbone.location, own.data.folds) == (4, 7, "there", 0)
        [single] = own.strategies or ()
        assert (single.name, single.plain()["layers"]) == ("fine-tuning", 2)


def test_everything_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "seed: 3\ntasks:\n  a/b: {train: a.csv}\n  mood: {train: a.csv, epochs: 3, lable: x}\n  Mood: {train: a.csv, folds: 3}\n"
        "  words: {train: a.csv, task: summarization}\n  none: 7\n",
    )
    with pytest.raises(RecipeError) as error:
        task_recipes(recipe(path, focus="mod", loss_weights={"word": 2}))
    text = str(error.value)
    for said in (
        "'a/b' is no name for a task",
        "epochs: is for all tasks together; give it to headstart fit",
        "lable: is no option of a task; did you mean 'label'?",
        "differs from 'mood' by case alone",
        "folds: tasks that learn together have a validation part each",
        "summarization cannot be one of several: it writes texts",
        "tasks.none: expected options as `fit` has them, found 7",
        "there is no task 'mod'; did you mean 'mood'?",
        "there is no task 'word'; did you mean 'words'?",
        "seed: a file of tasks has the key 'tasks' alone",
    ):
        assert said in text, said
    assert "line 4" in text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("tasks:\n  a: {train: x.csv}\n  a: {train: y.csv}\n", "twice"),
        ("tasks:\n  a: {train: x.csv}\n", "expected 2 to 100 tasks, found 1"),
        ("task: {}\n", "expected the key 'tasks'"),
        ("tasks: [a, b]\n", "expected the key 'tasks'"),
        ("tasks:\n  a: {}\n  b: {train: x.csv}\n", "tasks.a.data"),
        ("tasks:\n  a: {train: x.csv, task: retrieval}\n  b: {train: x.csv}\n", "it ranks what it searches"),
        ("tasks:\n  a: {train: x.csv, target: y.csv}\n  b: {train: x.csv}\n", "is not read where several tasks"),
    ],
)
def test_a_file_that_means_nothing_is_refused_with_the_reason(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(RecipeError, match=said):
        tasks_in(written(tmp_path, text))


def test_a_table_in_the_place_of_tasks_and_tasks_in_the_place_of_a_table(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text,label\n")
    with pytest.raises(RecipeError, match="is no YAML file; multi-task is for several tasks: it learns several"):
        run(recipe(str(tmp_path / "a.csv")))
    with pytest.raises(MissingInputError, match=r"nowhere\.yaml"):
        run(recipe(str(tmp_path / "nowhere.yaml")))
    path = written(tmp_path, "tasks:\n  a: {train: x.csv}\n  b: {train: x.csv}\n")
    assert is_file_of_tasks(path)
    with pytest.raises(UsageError, match="is a file of several tasks; learn them together with: headstart fit"):
        run(assemble("fit", {"train": path}))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"label": "x"}, "task: is of one task"),
        ({"test": "x.csv"}, "data.test: is of one task"),
        ({"abstain": 0.8}, "abstain: is of one task"),
        ({"refit": True}, "refit: multi-task does not learn from validation rows again"),
    ],
)
def test_what_is_of_one_task_is_refused_for_all(options: dict[str, Any], said: str) -> None:
    with pytest.raises(RecipeError, match=said):
        run(recipe("tasks.yaml", **options))


def test_several_tasks_are_learnt_by_fit_and_by_one_strategy_alone() -> None:
    with pytest.raises(RecipeError, match=r"runs by itself: headstart fit TASKS\.yaml --strategy multi-task"):
        run(assemble("compare", {"train": "t.yaml", "strategies": "multi-task,tf-idf"}))
    with pytest.raises(RecipeError, match="several tasks are learnt by `strategy: multi-task`"):
        run(from_mapping({"data": {"train": "t.csv"}, "tasks": {"a": {"train": "x"}}}, "r.yaml"))


def test_tasks_in_a_recipe_are_moved_with_their_files() -> None:
    given = {"a": {"train": "a.csv", "label": "x"}, "b": {"data": {"train": "/b.csv", "test": "t.csv"}}}
    moved = recipe("tasks.yaml", tasks=given).moved(Path("/there"))
    assert moved.data.train == "/there/tasks.yaml"
    assert (moved.tasks["a"]["data"]["train"], moved.tasks["a"]["label"]) == ("/there/a.csv", "x")
    assert (moved.tasks["b"]["data"]["train"], moved.tasks["b"]["data"]["test"]) == ("/b.csv", "/there/t.csv")
