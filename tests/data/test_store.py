"""The store of examples, its digest, and the table it comes from."""

import numpy as np
import pytest

from headstart.data.store import Store
from headstart.data.table import Table, load
from headstart.errors import DataError
from headstart.tasks.text_classification import Example
from headstart.types import Dropped, Record, Sheet

ROWS = [Example("a", "x"), Example("b", "y", 2.0), Example("c", "x")]
STORE = Store(ROWS, [2, 3, 5], "f.csv", {"who": ["p", "q", "r"]})


def test_taking_rows_keeps_their_order_lines_and_columns() -> None:
    part = STORE.take([2, 0])
    assert part.examples == [ROWS[2], ROWS[0]]
    assert part.lines == [5, 2]
    assert part.columns == {"who": ["r", "p"]}
    assert (part.file, len(part), part.get(1)) == ("f.csv", 2, ROWS[0])


def test_groups_stay_with_their_rows_whichever_are_taken() -> None:
    grouped = Store(ROWS, [2, 3, 5], "f.csv", groups=np.array([4, 4, 9]))
    assert grouped.take([2, 0]).groups.tolist() == [9, 4]  # type: ignore[union-attr]
    assert grouped.take(np.array([1])).take([0]).groups.tolist() == [4]  # type: ignore[union-attr]
    assert grouped.take([]).groups.tolist() == []  # type: ignore[union-attr]
    assert STORE.take([1]).groups is None
    assert grouped.digest() == STORE.digest(), "rows are the same data whatever they are grouped by"


def test_the_digest_is_of_the_examples_in_order_and_of_nothing_else() -> None:
    assert STORE.digest() == Store(list(ROWS), [7, 8, 9], "other.csv").digest()
    assert len(STORE.digest()) == 64


@pytest.mark.parametrize(
    "examples",
    [
        ROWS[::-1],
        ROWS[:2],
        [Example("a", "x"), Example("b", "y"), Example("c", "x")],
        [Example("a", "y"), *ROWS[1:]],
        [Example("ab", "y", 2.0), Example("c", "x")],
        [Example("a ", "x"), *ROWS[1:]],
    ],
)
def test_the_digest_tells_other_data_apart(examples: list[Example]) -> None:
    assert Store(examples, [0] * len(examples), "f.csv").digest() != STORE.digest()


def test_half_characters_have_a_digest_too() -> None:
    assert len(Store([Example("\ud800")], [1], "f").digest()) == 64


def test_a_table_holds_rows_by_column_and_what_was_left_out() -> None:
    gone = Dropped("f.csv", 3, "3 values, expected 2")
    sheet = Sheet(("a", "b"), iter([Record(2, ("1", None)), gone, Record(4, ("2", "x"))]), {"encoding": "utf-8"})
    table = load(sheet, "f.csv")
    assert table.columns == {"a": ["1", "2"], "b": [None, "x"]}
    assert (list(table.lines), table.dropped, len(table)) == ([2, 4], (gone,), 2)


def test_a_table_without_rows_says_the_first_reason() -> None:
    sheet = Sheet(("a", "b"), iter([Dropped("f.csv", 2, "one value")]))
    with pytest.raises(
        DataError, match=r"f\.csv has a header \(a, b\) but no usable row; first reason: line 2: one value"
    ):
        load(sheet, "f.csv")


def test_a_column_that_is_not_there_is_named_with_the_nearest_and_the_flag() -> None:
    table = Table("f.csv", {"review": ["a"], "stars": ["1"]}, [2])
    with pytest.raises(
        DataError, match=r"no column 'reviw'; did you mean 'review'\? \(columns: review, stars\).*--text"
    ):
        table.column("reviw", "--text")
