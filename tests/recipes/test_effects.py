"""Options that change nothing are refused for one strategy that is named, and said where there are several."""

from pathlib import Path
from typing import Any

import pytest

from headstart.errors import RecipeError
from headstart.recipes.effects import without_effect
from headstart.recipes.parsing import assemble, from_mapping, read
from headstart.runtime.progress import Progress
from headstart.strategies import STRATEGIES
from headstart.training.settings import Training


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"strategy": "feature-extraction", "epochs": 3},
         r"training\.epochs: has no effect here: feature-extraction trains nothing by gradient \(it would change the control from-scratch alone\)"),
        ({"strategy": "feature-extraction", "epochs": 3, "controls": False},
         r"training\.epochs: has no effect here: feature-extraction trains nothing by gradient$"),
        ({"strategies": ("tf-idf",), "training": {"batch_size": 8}, "controls": False}, r"training\.batch_size: has no effect"),
        ({"strategy": "crf", "task": "token-classification", "training.warmup": 0.3, "controls": False}, r"training\.warmup: has"),
        ({"strategy": "from-scratch", "learning_rate": 1e-5}, r"learning_rate: has no effect here: from-scratch tries its own `rates`"),
        ({"strategy": "contrastive", "epochs": 2, "updates": 9}, r"contrastive\.updates: has no effect here: `training.epochs` is"),
        ({"strategy": "contrastive", "loss": "pairs", "temperature": 0.3}, r"contrastive\.temperature: has no effect here: only"),
        ({"strategy": "self-training", "target": "b", "then": "feature-extraction", "epochs": 2}, r"self-training trains nothing"),
        ({"strategy": "domain-adaptation", "gate": False, "gate_seeds": 3}, r"gate_seeds: has no effect here: there is no gate"),
    ],
)  # fmt: skip
def test_an_option_without_effect_on_the_one_strategy_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        assemble("fit", {"train": "a.csv"} | options)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, []),
        ({"epochs": 3}, []),
        ({"strategies": ("tf-idf", "fine-tuning"), "epochs": 3}, []),
        ({"strategies": ("tf-idf", "feature-extraction"), "epochs": 3, "controls": False},
         ["training.epochs has no effect here: none of tf-idf, feature-extraction has a use for it"]),
        ({"strategies": ("tf-idf", "feature-extraction"), "epochs": 3},
         ["training.epochs has no effect here: none of tf-idf, feature-extraction has a use for it (it would change the control "
          "from-scratch alone)"]),
        ({"strategy": "tf-idf", "max_length": 64, "controls": False},
         ["backbone.max_length has no effect here: no strategy of the run has a network"]),
        ({"strategy": "tf-idf", "max_length": 64}, []),
        ({"test": "b.csv", "test_share": 0.3}, ["data.test_share has no effect here: a test file is given, so no test part is cut off"]),
        ({"validation": "b.csv", "validation_share": 0.3}, ["data.validation_share has no effect here: a validation file is given, so "
                                                           "no validation part is cut off"]),
        ({"folds": 4, "validation_share": 0.3}, ["data.validation_share has no effect here: choices are made by cross-validation, so "
                                                 "no validation part is cut off"]),
        ({"target": "b.csv"}, ["data.target has no effect here: no strategy of the run learns from texts of another domain; "
                               "self-training and coral do"]),
        ({"target": "b.csv", "strategy": "coral"}, []),
        ({"target": "b.csv", "strategy": "domain-adaptation"}, []),
        ({"overwrite": True}, ["overwrite has no effect here: no output folder is named, so a name that is free is taken"]),
        ({"strategy": "tf-idf", "checkpoint_every": 5.0}, []),
    ],
)  # fmt: skip
def test_what_changes_nothing_is_said_in_a_line(options: dict[str, Any], said: list[str]) -> None:
    assert [idle.line for idle in without_effect(assemble("fit", {"train": "a.csv"} | options))] == said


def test_a_file_says_it_too_and_is_never_refused_for_it(tmp_path: Path) -> None:
    """A resolved recipe holds the settings of the run that it comes from, whatever its one strategy has a use for."""
    recipe = from_mapping(
        {"data": {"train": "a"}, "strategy": "feature-extraction", "training": {"epochs": 3}, "controls": False},
        "r.yaml",
    )
    lines = [idle.line for idle in without_effect(recipe)]
    assert lines == ["training.epochs has no effect here: feature-extraction trains nothing by gradient"]
    assert from_mapping(recipe.plain(), "r.yaml") == recipe
    path = tmp_path / "r.yaml"
    path.write_text("data: {train: a}\nstrategy: tf-idf\n")
    assert read(path, {"training.epochs": 3}).training.epochs == 3


def test_it_is_said_before_the_run_begins(tmp_path: Path) -> None:
    from headstart.errors import MissingInputError
    from headstart.runs.run import run

    class Heard(Progress):
        lines: list[tuple[str, str, bool]] = []

        def say(self, topic: str, message: str, *, warning: bool = False) -> None:
            self.lines.append((topic, message, warning))

    with pytest.raises(MissingInputError):
        run(assemble("fit", {"train": str(tmp_path / "a.csv"), "test": "b.csv", "test_share": 0.5}), Heard())
    assert [(topic, warning) for topic, _, warning in Heard.lines] == [("options", True)]


def test_a_search_over_settings_may_leave_some_without_effect() -> None:
    options = {"train": "a.csv", "strategy": "feature-extraction", "epochs": 3}
    assert assemble("fit", options, idle=True).training.epochs == 3


def test_updates_of_raw_text_go_before_epochs() -> None:
    both = assemble("pretrain", {"texts": ("a.txt",), "updates": 3, "epochs": 2})
    assert [idle.line for idle in without_effect(both)] == [
        "training.epochs has no effect here: `updates` is given, and goes before"
    ]
    assert without_effect(assemble("adapt", {"texts": ("a.txt",), "epochs": 2})) == []


def test_words_to_predict_need_no_format_of_a_file() -> None:
    recipe = assemble("predict", {"model": "m", "texts": ("a",), "encoding": "cp1252", "overwrite": True})
    assert [idle.place for idle in without_effect(recipe)] == [("overwrite",), ("encoding",)]
    assert without_effect(assemble("predict", {"model": "m", "input": "a.csv", "encoding": "cp1252"})) == []


@pytest.mark.parametrize("name", STRATEGIES.names())
def test_what_a_strategy_has_no_use_for_are_keys_that_there_are(name: str) -> None:
    cls = STRATEGIES.get(name)
    known = {*cls.model_fields, *(f"training.{key}" for key in Training.model_fields)}
    assert set(cls().unused(Training(epochs=2))) <= known
    closed = (
        "bm25", "copy-source", "coral", "crf", "feature-extraction", "lexicon", "nearest-sentence", "prompting", "self-training", "tf-idf",
        "untouched", "word-overlap", "zero-shot",
    )  # fmt: skip
    assert cls().trains == (name not in closed)
