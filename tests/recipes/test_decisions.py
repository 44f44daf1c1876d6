"""Decisions in recipes: named by themselves, and where an earlier version had thresholds among the keys of the task."""

from typing import Any

import pytest

from headstart.decisions.abstention import Abstention
from headstart.decisions.temperature import Temperature
from headstart.decisions.thresholds import Thresholds
from headstart.errors import RecipeError
from headstart.recipes.parsing import from_mapping


def recipe(**values: Any) -> Any:
    return from_mapping({"verb": "fit", "data": {"train": "a.csv"}, **values}, "recipe.yaml")


def test_thresholds_of_the_task_become_a_decision() -> None:
    task = {"name": "text-classification", "labels": ["a", "b"], "metric": "macro_f1"}
    found = recipe(task=task | {"thresholds": [0.25, 0.75]})
    assert found.decisions == (Thresholds(values=(0.25, 0.75)),)
    assert "thresholds" not in found.plain()["task"]
    assert found.plain()["decisions"] == [{"name": "thresholds", "values": [0.25, 0.75]}]
    assert from_mapping(found.plain(), "again.yaml") == found
    assert recipe(task=task | {"thresholds": None}) == recipe(task=task)
    assert recipe(task=task).decisions == ()


def test_they_stand_behind_decisions_that_are_named() -> None:
    task = {"name": "multi-label-classification", "thresholds": [0.5, 0.5]}
    found = recipe(task=task, decisions=[{"name": "temperature", "factor": 0.5}])
    assert found.decisions == (Temperature(factor=0.5), Thresholds(values=(0.5, 0.5)))


def test_a_threshold_outside_of_zero_and_one_is_refused_in_either_place() -> None:
    for values in (
        {"task": {"name": "text-classification", "thresholds": [0.5, 1.5]}},
        {"decisions": [{"name": "thresholds", "values": [0.5, 1.5]}]},
    ):
        with pytest.raises(RecipeError, match=r"decisions\.0.*values\.1"):
            recipe(**values)


def test_a_decision_that_stands_twice_is_refused() -> None:
    twice = [{"name": "thresholds", "values": [0.5, 0.5]}, {"name": "thresholds", "values": []}]
    with pytest.raises(RecipeError, match="the decision 'thresholds' is named twice; keep the one that is meant"):
        recipe(decisions=twice)


def test_a_decision_that_is_not_known_is_refused_with_the_one_that_was_meant() -> None:
    with pytest.raises(RecipeError, match="did you mean 'abstention'"):
        recipe(decisions=[{"name": "abstension"}])


def test_abstention_that_was_asked_for_is_a_decision_too() -> None:
    found = recipe(abstain=0.75, decisions=[{"name": "temperature", "factor": 0.5}])
    assert found.given_decisions == (Temperature(factor=0.5), Abstention(least=0.75))
    assert found.plain()["decisions"] == [{"name": "temperature", "factor": 0.5}]
