"""What the project promises in SECURITY.md, tests hold: each promise names some that are there."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROMISES = re.split(
    r"\n- ", (ROOT / "SECURITY.md").read_text(encoding="utf-8").split("## Promises")[1].split("## What is not")[0]
)[1:]
NAME = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.split("**")[1][:40])
def test_a_promise_names_tests_that_are_there(promise: str) -> None:
    named = NAME.findall(promise)
    assert named
    for file, test in named:
        tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
        assert test in {each.name for each in tree.body if isinstance(each, ast.FunctionDef)}, f"{file}::{test}"


def test_there_are_promises() -> None:
    assert len(PROMISES) > 10
