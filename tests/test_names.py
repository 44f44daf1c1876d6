"""Names and docstrings of the whole source, read without importing it."""

import ast
from collections import defaultdict
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[1] / "src" / "headstart"
FILES = sorted(SOURCE.rglob("*.py"))


def test_no_two_public_classes_have_the_same_name() -> None:
    places = defaultdict(list)
    for path in FILES:
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].append(str(path.relative_to(SOURCE)))
    assert {name: found for name, found in places.items() if len(found) > 1} == {}


@pytest.mark.parametrize("start", ["Of ", "Likewise"])
def test_no_docstring_begins_in_the_middle_of_a_sentence(start: str) -> None:
    found = []
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            text = node.value.value if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) else ""
            if isinstance(text, str) and text.startswith(start):
                found.append(f"{path.relative_to(SOURCE)}:{node.lineno}")
    assert found == []


OBSOLETE = (
    "can't be told", "nothing can be told", "inside the noise", "outside the noise", "transfer bought", "transfer buys",
    "no way of transferring", "untouched network", "as a multiple of", "flatter", "stopped by the user", "mend ",
    "read whole", "head solved", "is solved", "are solved", "for the sake of", "word-piece",
)  # fmt: skip


def test_the_words_of_the_field_stand_where_home_made_ones_stood() -> None:
    texts = {path: path.read_text(encoding="utf-8").lower() for path in [*FILES, *sorted(SOURCE.rglob("*.j2"))]}
    found = [(words, path.name) for path, text in texts.items() for words in OBSOLETE if words in text]
    assert found == []
