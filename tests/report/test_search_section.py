"""The section on a search for settings: what was tried, what the best is worth, in words that promise no more than was measured."""

from typing import Any

import invented
import pytest

from headstart.report.page import render
from headstart.report.search import sentences


def about(**changes: Any) -> dict[str, Any]:
    trials = [
        {"number": 0, "settings": {}, "state": "done", "value": 0.80, "seconds": 3.0, "note": ""},
        {"number": 1, "settings": {"training.learning_rate": 3e-4}, "state": "done", "value": 0.84, "seconds": 3.0, "note": ""},
        {"number": 2, "settings": {"training.learning_rate": 1e-5}, "state": "pruned", "value": 0.7, "seconds": 1.0, "note": ""},
        {"number": 3, "settings": {"training.learning_rate": 9e-1}, "state": "failed", "value": None, "seconds": 1.0, "note": "diverged"},
    ]  # fmt: skip
    found = {
        "strategy": "fine-tuning", "metric": "accuracy", "choices": "validation", "asked": 4, "stopped": "", "space": {},
        "trials": trials, "kept": 0, "best": 1, "optimistic": 0.84, "seconds": 8.0,
        "expected": {"value": 0.81, "low": 0.77, "high": 0.85, "n": 100}, "gain": {"value": 0.01, "low": -0.02, "high": 0.04, "n": 100},
        "sold": False, "importances": {"training.learning_rate": 1.0},
    }  # fmt: skip
    found |= changes
    return found | {"sentences": sentences(found)}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "Searching gave nothing beyond noise: trial 1 has accuracy 0.840"),
        ({"sold": True, "gain": {"value": 0.03, "low": 0.01, "high": 0.05, "n": 9}, "kept": 1}, "Searching paid"),
        ({"best": 0}, "No trial was better than the defaults in accuracy on validation; they are kept."),
        ({"gain": None, "kept": 1}, "The defaults failed, so trial 1"),
        (
            {"stopped": "the budget was over", "asked": 20},
            "4 of 20 trials of fine-tuning were run, 2 to the end, 1 given up",
        ),
    ],
)
def test_it_is_said_what_the_search_is_worth(changes: dict[str, Any], said: str) -> None:
    assert said in " ".join(about(**changes)["sentences"])


def test_the_page_shows_every_trial_the_correction_and_what_mattered() -> None:
    page = render(invented.evidence(search=about()))
    for word in ("Search for settings", "defaults", "trial 3", "given up on the way", "failed: diverged", "training.learning_rate 0.0003",
                 "to be expected on others", "PED-ANOVA"):  # fmt: skip
        assert word in page
    assert 'id="search"' not in render(invented.evidence())


def test_a_search_of_many_trials_is_cut_and_odd_numbers_do_no_harm() -> None:
    many = [{"number": at, "settings": {}, "state": "done", "value": float("nan") if at % 7 == 0 else at, "seconds": None, "note": ""} for at in range(3000)]  # fmt: skip
    page = render(invented.evidence(search=about() | {"trials": many, "gain": {"value": float("inf")}}))
    assert "100 of 3,000 trials are shown" in page
    assert len(page.encode()) < 1_000_000
