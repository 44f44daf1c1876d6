"""Folders and recipes with one thing changed at random, a hundred by default and some more among the slow tests; `make fuzz` tries ten thousand."""

import json
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from tests.attacks.attempts import Honest, attempt, attempts
from tests.attacks.mutations import content_of, edited, places
from tests.attacks.trials import Ended, fault, trials

COUNT, BY_DEFAULT, TOGETHER = 240, 100, 20
FIRST = [
    pytest.param(at, marks=() if at < BY_DEFAULT else pytest.mark.slow) for at in range(0, COUNT, TOGETHER)
]  # fmt: skip


@pytest.mark.parametrize("first", FIRST)
def test_one_change_is_refused_or_changes_no_answer(first: int, honest: dict[str, Honest], tmp_path: Path) -> None:
    assert attempts(range(first, first + TOGETHER), honest, tmp_path) == []


def test_a_number_is_one_change(honest: dict[str, Honest], tmp_path: Path) -> None:
    found = []
    for place in (tmp_path / "a", tmp_path / "b"):
        place.mkdir()
        found.append((attempt(5, honest, place).what, content_of(place)))
    assert found[0] == found[1]
    assert found[0][1] != content_of(honest["network"].folder.parent)


def test_every_place_of_a_tree_is_changed_some_time() -> None:
    values = {"a": [1, {"b": 2}], "c": "x"}
    assert len(list(places(values))) == 5
    texts = set()
    for number in range(300):
        tree = json.loads(json.dumps(values))
        edited(tree, Random(number))
        texts.add(repr(tree))
    assert len(texts) > 100
    for untouched in ("'c': 'x'", "[1, {'b': 2}]", "'b': 2"):
        assert any(untouched not in text for text in texts)


def grows(_: Path) -> int:
    return len(bytearray(1 << 33))


def test_what_goes_wrong_in_a_fork_is_told_and_the_next_one_goes_on(tmp_path: Path) -> None:
    import os
    import time

    def fails() -> int:
        raise RuntimeError("broken")

    def says() -> int:
        os.write(1, b"fine")
        return 3

    jobs: list[Callable[[], int]] = [
        says,
        lambda: os._exit(7),
        fails,
        lambda: time.sleep(60) or 0,
        lambda: grows(tmp_path),
        says,
    ]
    ends = list(trials(jobs, patience=0.5))
    assert [ended.code for ended in ends] == [3, None, 1, None, 1, 3]
    assert (ends[0].out, ends[-1].out) == ("fine", "fine")
    assert "ended with 7" in ends[1].err
    assert "RuntimeError: broken" in ends[2].err
    assert "took more than 0.5 s" in ends[3].err
    assert "MemoryError" in ends[4].err


@pytest.mark.parametrize(
    ("ended", "said"),
    [
        (Ended(0, "yes", "", 0.1), ""),
        (Ended(65, "", "error: broken", 0.1), ""),
        (Ended(0, "no", "", 0.1), "another answer"),
        (Ended(1, "", "error: KeyError", 0.1), "exit code 1"),
        (Ended(65, "", "Traceback (most recent call last)", 0.1), "Traceback"),
        (Ended(65, "", "thread '<unnamed>' panicked at src", 0.1), "panicked"),
        (Ended(65, "", "", 0.1), "without a word"),
        (Ended(65, "", "x" * 7000, 0.1), "7,000 characters"),
        (Ended(65, "", "error: \x1b[31m", 0.1), "on the terminal"),
        (Ended(0, "yes", "", 5.1), "5.1 s"),
        (Ended(None, "", "killed", 0.1), "killed"),
    ],
)
def test_what_is_taken_for_a_fault(ended: Ended, said: str) -> None:
    found = fault(ended, "yes")
    assert (said in found) if said else (found == "")
