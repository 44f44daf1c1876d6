"""The stub of the package: of one mind with the fields, and what editors and checkers of types make of it."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

import headstart
from headstart.recipes.flags import flat
from headstart.recipes.signatures import DOORS, STUB, stub
from headstart.recipes.verbs import VERBS


def test_the_stub_is_that_of_the_fields_of_today() -> None:
    assert STUB.read_text(encoding="utf-8") == stub(), "write it anew: python -m headstart.recipes.signatures"


def test_the_stub_is_python_and_has_every_public_name() -> None:
    tree = ast.parse(stub())
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    imported = {alias.asname for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert set(headstart.__all__) <= {*functions, *imported, "__version__"}
    for door in DOORS:
        given = {argument.arg for argument in functions[door.name].args.kwonlyargs}
        names = {name for name in flat(door.verb) if "." not in name} - {
            *VERBS.get(door.verb).positional,
            *door.without,
        }
        assert names <= given, door.name
        assert not functions[door.name].args.kwarg, "a mistyped option would pass"


@pytest.mark.slow
def test_a_checker_of_types_finds_what_is_mistyped(tmp_path: Path) -> None:
    good = """from typing import Any
import headstart
model: headstart.Artifact = headstart.fit("a.csv", strategy="fine-tuning", layers=2, text=("a", "b"), training={"epochs": 3})
headstart.compare({"text": ["a"]}, strategies=["tf-idf", {"name": "lora", "rank": 4}], backbone={"location": "mini"}, budget="3m")
named: dict[str, Any] = {"fine-tuning.layers": 2}
headstart.plan("a.csv", **named)
headstart.pretrain("a.txt", objective="causal-lm", size="tiny")
headstart.predict("runs/a", ["x"], abstain=0.3)["predictions"]
"""
    bad = [
        'headstart.fit("a.csv", epoch=3)',
        'headstart.fit("a.csv", epochs="three")',
        'headstart.fit("a.csv", device="gpu")',
    ]
    (tmp_path / "a.py").write_text(good + "\n".join(bad) + "\n")
    words = [sys.executable, "-m", "pyright", "--pythonpath", sys.executable, "a.py"]
    alone = os.environ | {"PYRIGHT_PYTHON_IGNORE_WARNINGS": "1"}  # or it looks for a newer version of itself
    done = subprocess.run(words, cwd=tmp_path, env=alone, capture_output=True, text=True, timeout=300, check=False)
    assert [line.split(":")[1] for line in done.stdout.splitlines() if " - error" in line] == ["9", "10", "11"], (
        done.stdout
    )
