"""What a search varies: read from plain data with every fault at once, and given back as it was."""

from typing import Any

import pytest

from headstart.errors import RecipeError
from headstart.recipes.parsing import from_mapping
from headstart.recipes.tuning import Tune
from headstart.strategies import STRATEGIES
from headstart.training.settings import Training
from headstart.tuning.space import Choices, Range, changed, plain, setting, space_of, usual_space

HELD: dict[str, Any] = {"strategy": STRATEGIES.get("fine-tuning")(), "training": Training()}
GIVEN = {
    "training.learning_rate": {"low": "1e-5", "high": 5e-4, "log": True},
    "strategy.layers": [2, 4, "all"],
    "training.epochs": {"low": 2, "high": 6},
}


def test_a_space_is_read_in_the_order_of_its_paths_and_whole_numbers_stay_whole() -> None:
    found = space_of(GIVEN, HELD, {})
    assert list(found.items()) == [
        ("strategy.layers", Choices((2, 4, "all"))),
        ("training.epochs", Range(2, 6, whole=True)),
        ("training.learning_rate", Range(1e-5, 5e-4, log=True)),
    ]
    assert space_of(plain(found), HELD, {}) == found


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("strategy.layer", [2, 4], "unknown key; did you mean 'layers'"),
        ("learning_rate", [1e-5, 1e-4], "did you mean 'training.learning_rate'"),
        ("data.train", ["a", "b"], "keys begin with strategy. or training."),
        ("strategy.layers.deep", [1, 2], "has no settings of its own"),
        ("training.stop_after", [1, 2], "is frozen: where training pauses"),
        ("training.warmup", [0.1, 0.2], "is frozen: it is not wanted"),
        ("strategy.dropout", [0.0, 0.2], "is frozen: the recipe sets it to 0.3"),
        ("training.epochs", {"low": 5, "high": 2}, "is empty: low is 5 and high is 2"),
        ("training.epochs", {"low": 1.5, "high": 4}, "should be a whole number"),
        ("training.epochs", {"low": 1, "high": 4000}, "should be at most 1,000, found 4000"),
        ("training.epochs", {"low": 1}, "has no high"),
        ("training.epochs", {"low": 1, "high": 3, "step": 1}, "unknown key 'step'"),
        ("training.weight_decay", {"low": 0, "high": 0.1, "log": True}, "over 0 where log is true"),
        ("training.weight_decay", {"low": True, "high": 0.1}, "low should be a number, found true"),
        ("training.patience", [1], "at least two values"),
        ("training.patience", [1, 1], "named twice"),
        ("strategy.head", ["auto", "mena"], "did you mean 'mean'"),
        ("training.patience", 3, "should be a list of values"),
    ],
)
def test_what_cannot_be_searched_is_refused_under_its_key(path: str, value: Any, said: str) -> None:
    held = HELD | {"strategy": HELD["strategy"].revised(dropout=0.3)}
    with pytest.raises(RecipeError) as caught:
        space_of(GIVEN | {path: value}, held, {"training.warmup": "it is not wanted"})
    assert [fault.place for fault in caught.value.faults] == [("space", path)]
    assert said in str(caught.value)


def test_all_faults_are_told_at_once_and_an_empty_space_is_one() -> None:
    with pytest.raises(RecipeError) as caught:
        space_of({"strategy.layer": [1, 2], "training.epoch": [1, 2]}, HELD, {})
    assert len(caught.value.faults) == 2
    with pytest.raises(RecipeError, match="is empty; name at least one setting"):
        space_of({}, HELD, {})


def test_settings_of_a_strategy_within_a_strategy_are_reached_by_their_path() -> None:
    held = HELD | {"strategy": STRATEGIES.get("self-training")(then="fine-tuning")}
    space = space_of({"strategy.then.layers": [1, 2]}, held, {})
    assert plain(space) == {"strategy.then.layers": [1, 2]}
    done = changed(held, {"strategy.then.layers": 2, "training.epochs": 5})
    assert (setting(done, "strategy.then.layers"), setting(done, "training.epochs")) == (2, 5)
    assert setting(held, "strategy.then.layers") == "all"


@pytest.mark.parametrize("name", [name for name in STRATEGIES.names() if STRATEGIES.get(name).searched])
def test_the_usual_space_of_a_strategy_can_be_drawn_from(name: str) -> None:
    held = {"strategy": STRATEGIES.get(name)(), "training": Training()}
    space = usual_space(held["strategy"].searched, held)
    assert space_of(plain(space), held, {}) == space


def recipe(**more: Any) -> Tune:
    found = from_mapping({"verb": "tune", "data": {"train": "a.csv"}} | more, "r.yaml")
    assert isinstance(found, Tune)
    return found


def test_by_default_what_the_recipe_leaves_open_is_searched() -> None:
    assert {*recipe().searched()} == {
        "strategy.layers",
        "strategy.layer_decay",
        "training.epochs",
        "training.learning_rate",
    }
    some = recipe(strategy={"name": "fine-tuning", "layers": 2}, training={"epochs": 3})
    assert {*some.searched()} == {"strategy.layer_decay", "training.learning_rate"}


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"trials": 0}, "trials: should be at least 1, found 0"),
        ({"space": {"strategy.layer": [1, 2]}}, "space.strategy.layer: unknown key; did you mean 'layers'"),
        ({"strategy": "feature-extraction", "space": {"training.epochs": [1, 2]}}, "trains nothing by gradient"),
        (
            {"strategies": ["lora", "fine-tuning"]},
            "strategies: one is searched at a time, and lora, fine-tuning are named",
        ),
        ({"strategy": "zero-shot"}, "nothing is known to matter for zero-shot"),
        ({"strategy": {"name": "tf-idf", "C": 1.0}}, "the recipe sets all that is known to matter for tf-idf"),
    ],
)
def test_a_recipe_that_cannot_be_searched_says_why(more: dict[str, Any], said: str) -> None:
    with pytest.raises(RecipeError) as caught:
        recipe(**more).searched()
    assert said in str(caught.value)
