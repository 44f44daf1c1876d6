"""Tables that are handed over in Python are read as their owner means them, or refused in plain words."""

from enum import Enum
from typing import Any

import numpy as np
import pandas as pd
import pytest

from headstart.errors import DataError
from headstart.readers.memory import table_of


class Mood(Enum):
    GLAD = "glad"
    CROSS = object()


class ClassLabel:
    """A column of numbers that stand for names, as datasets has it."""

    names = ("no", "yes")

    def __init__(self) -> None:
        self.names = ["no", "yes"]


class Rows:
    """A table that gives rows where it is walked through, as datasets has it."""

    column_names = ("text", "label")
    features = {"text": object(), "label": ClassLabel()}

    def __init__(self) -> None:
        self.column_names = ["text", "label"]

    def __iter__(self) -> Any:
        return iter([{"text": "a", "label": 1}])

    def __getitem__(self, name: str) -> list[Any]:
        return {"text": ["a", "b", "c"], "label": [1, 0, -1]}[name]


def columns(data: Any) -> dict[str, list[str | None]]:
    table = table_of(data)
    return {name: list(table.columns[name]) for name in table.columns}


def test_bytes_are_text_and_members_of_an_enumeration_their_values() -> None:
    data = {"text": [b"caf\xc3\xa9", np.bytes_(b"tea")], "label": [Mood.GLAD, Mood.CROSS]}
    assert columns(data) == {"text": ["café", "tea"], "label": ["glad", "CROSS"]}
    with pytest.raises(DataError, match="column 'text' holds bytes that are not UTF-8"):
        table_of({"text": [b"caf\xe9"], "label": ["a"]})


def test_iterators_are_rows() -> None:
    expected = {"text": ["a", "b"], "label": ["x", "y"]}
    assert columns(zip(["a", "b"], ["x", "y"], strict=True)) == expected
    assert columns({"text": text, "label": label} for text, label in [("a", "x"), ("b", "y")]) == expected
    with pytest.raises(DataError, match="a list of texts alone has no labels"):
        table_of(iter(["a", "b"]))
    with pytest.raises(DataError, match="no rows"):
        table_of(iter([]))


def test_a_dataset_is_read_by_column_and_its_numbers_are_the_names_they_stand_for() -> None:
    assert columns(Rows()) == {"text": ["a", "b", "c"], "label": ["yes", "no", None]}


def test_several_parts_are_not_one_table() -> None:
    class Parts(dict):
        column_names = {"train": ["text"], "test": ["text"]}

    with pytest.raises(DataError, match=r"several parts \(train, test\); hand over one of them, as data\['train'\]"):
        table_of(Parts(train=1, test=2))


def test_two_columns_of_one_name_are_named() -> None:
    frame = pd.DataFrame([["a", "x", "y"]], columns=["text", "label", "label"])
    with pytest.raises(DataError, match="two columns have the name 'label'"):
        table_of(frame)
    with pytest.raises(DataError, match="two columns have the name '1'"):
        table_of({1: ["a"], "1": ["b"]})
