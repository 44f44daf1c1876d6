"""`headstart init`: a recipe with comments that says what was guessed and runs as it stands there."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

import headstart
from headstart.cli.main import main
from headstart.errors import DataError, RunFolderError
from headstart.recipes.labelled import Fit
from headstart.recipes.parsing import assemble, read
from headstart.runs.run import run

Made = Callable[..., str]


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Made:
    """Writes a file and a recipe for it, and gives the recipe as text."""
    monkeypatch.chdir(tmp_path)

    def make(lines: list[str], name: str = "train.csv", **options: Any) -> str:
        Path(name).write_text("\n".join(lines) + "\n", encoding="utf-8")
        run(assemble("init", {"train": name} | options))
        return Path(options.get("output", "recipe.yaml")).read_text(encoding="utf-8")

    return make


def stars(rows: int = 40) -> list[str]:
    return ["review,stars", *(f"we liked plate {at} of soup,{at % 5 + 1}" for at in range(rows))]


def test_the_recipe_says_what_was_guessed_why_and_what_else_fits(made: Made) -> None:
    text = made(stars())
    assert "  # Guessed: 'stars' has one of 5 labels for each text.\n" in text
    assert "  # text-regression fits too: 'stars' has numbers from 1 to 5.\n" in text
    assert "  label: stars  # 1 8, 2 8, 3 8, 4 8, 5 8\n" in text
    assert "# A recipe for train.csv. Run it: headstart run recipe.yaml\n" in text
    assert "  # test:  # File with rows to report scores on.\n" in text
    task = {"name": "text-classification", "text": ["review"], "label": "stars", "metric": "accuracy"}
    assert yaml.safe_load(text) == {
        "verb": "fit", "data": {"train": "train.csv"}, "task": task, "backbone": "mini", "seed": 0, "output": "runs/train",
    }  # fmt: skip


def test_the_open_keys_can_be_taken_as_they_stand_there(made: Made) -> None:
    text = made(stars())
    opened = "\n".join(line.replace("# ", "", 1) if line.startswith(("# strategy", "# budget", "# training", "# controls")) else line
                       for line in text.split("\n"))  # fmt: skip
    Path("opened.yaml").write_text(opened, encoding="utf-8")
    recipe = read("opened.yaml")
    assert isinstance(recipe, Fit)
    assert (recipe.budget, recipe.training.epochs, recipe.controls) == (600.0, 3, False)
    assert [each.name for each in recipe.strategies or ()] == ["fine-tuning"]


def test_the_recipe_runs_and_comes_to_what_fit_comes_to(made: Made) -> None:
    made(stars(60), name="we like.csv", output="my recipe.yaml")
    options = {"strategy": "tf-idf", "controls": False}
    found = run(read("my recipe.yaml", options | {"strategy.C": 1.0}))
    assert found.artifact is not None
    plain = headstart.fit("we like.csv", output="plain", **options, C=1.0)
    assert plain.evidence["data"]["guess"]["others"] == {"text-regression": "'stars' has numbers from 1 to 5"}
    assert "guess" not in found.artifact.evidence["data"]
    one, other = (artifact.recipe for artifact in (found.artifact, plain))
    assert one == other
    assert one["task"]["name"] == "text-classification"


@pytest.mark.parametrize("label", ["no # comment", "a: b", "two  lines", "'quoted'", "[list]", "yes", "ünï"])
def test_names_and_labels_of_any_kind_leave_a_recipe_that_can_be_read(label: str, made: Made) -> None:
    rows = [f'we liked plate {at} of soup,"{label if at % 2 else "other"}"' for at in range(20)]
    text = made([f'"te: #xt","{label}"', *rows], header=True)
    assert yaml.safe_load(text)["task"] | {"metric": ""} == {
        "name": "text-classification", "text": ["te: #xt"], "label": label, "metric": "",
    }  # fmt: skip


def test_what_is_named_is_kept_and_not_called_a_guess(made: Made) -> None:
    text = made(stars(), task="text-regression", test="train.csv", seed=None)
    assert "Guessed" not in text
    assert yaml.safe_load(text)["data"] == {"train": "train.csv", "test": "train.csv"}
    task = yaml.safe_load(text)["task"]
    assert (task["name"], task["metric"]) == ("text-regression", "spearman")
    assert "mean" not in task


def test_a_recipe_that_is_there_is_replaced_only_when_told(made: Made) -> None:
    made(stars())
    Path("recipe.yaml").write_text("mine", encoding="utf-8")
    with pytest.raises(
        RunFolderError, match=r"recipe\.yaml exists; choose another file with --output, or .*--overwrite"
    ):
        made(stars())
    assert Path("recipe.yaml").read_text(encoding="utf-8") == "mine"
    assert made(stars(), overwrite=True).startswith("# A recipe for train.csv")


@pytest.mark.parametrize("content", ["mine", None])
def test_a_link_in_the_place_of_a_recipe_is_replaced_and_not_followed(content: str | None, made: Made) -> None:
    if content:
        Path("mine.txt").write_text(content, encoding="utf-8")
    Path("recipe.yaml").symlink_to("mine.txt")
    with pytest.raises(RunFolderError, match=r"recipe\.yaml exists"):
        made(stars())
    assert made(stars(), overwrite=True).startswith("# A recipe for train.csv")
    assert not Path("recipe.yaml").is_symlink()
    assert (Path("mine.txt").read_text(encoding="utf-8") if content else Path("mine.txt").exists()) == (
        content or False
    )


def test_a_recipe_does_not_take_the_place_of_the_rows_it_is_for(made: Made) -> None:
    made(stars())
    rows = Path("train.csv").read_bytes()
    for name in ("train.csv", "linked.csv"):
        if name == "linked.csv":
            Path(name).symlink_to("train.csv")
        with pytest.raises(RunFolderError, match=f"{name} holds the rows that the recipe is for; name another file"):
            made(stars(), overwrite=True, output=name)
    assert Path("train.csv").read_bytes() == rows


def test_beside_a_schema_the_recipe_names_it_for_editors(made: Made, tmp_path: Path) -> None:
    (tmp_path / "recipe.schema.json").write_text("{}", encoding="utf-8")
    assert made(stars()).startswith("# yaml-language-server: $schema=recipe.schema.json\n")


def test_a_file_for_no_task_leaves_no_recipe(made: Made) -> None:
    with pytest.raises(DataError, match="no task fits its columns: deu"):
        made(["deu,eng", *(f"ein Satz {at},one sentence {at}" for at in range(20))])
    assert not Path("recipe.yaml").exists()


def test_the_command_says_what_it_did_and_how_to_go_on(
    made: Made, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made(stars(), output="first.yaml")
    monkeypatch.setattr(sys, "argv", ["headstart", "init", "train.csv", "-o", "my recipe.yaml"])
    with pytest.raises(SystemExit, match=r"^0$"):
        main()
    said = capsys.readouterr().err
    assert "guessed text-classification: 'stars' has one of 5 labels for each text; text-regression fits too" in said
    assert "next         headstart run 'my recipe.yaml'\n" in said
