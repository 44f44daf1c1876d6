"""Numbers with a comma or a sign beside them are read where only one thing can be meant."""

import pytest

from headstart.data.numbers import Notation, Numbers, with_point
from headstart.data.table import Table
from headstart.tasks.text_regression import TextRegression


@pytest.mark.parametrize(
    ("cells", "numbers"),
    [
        (["1,234", "980", "12,050"], [1234, 980, 12050]),
        (["1,234,567", "2,345"], [1234567, 2345]),
        (["1,234.50", "2,345.00"], [1234.5, 2345]),
        (["-1,234", "+12", "0.5"], [-1234, 12, 0.5]),
        (["1,234", "2,345"], []),
        (["1,234", "1234"], [1234]),
        (["1,234", "0,5"], []),
        (["0,123", "980"], [980]),
        (["85%", "7 %", "12.5%"], [85, 7, 12.5]),
        (["$1,200", "$80"], [1200, 80]),
        (["-$5", "$-4", "$ 3"], [-5, -4, 3]),
        (["9 \u20ac", "\u20ac12.50"], [9, 12.5]),
        (["\u22124", "\u2013.5", "3 \u2212 4", "\u2212\u22121"], [-4, -0.5]),
        (["\u2212$5", "$7"], [-5, 7]),
        (["85%", "0.7"], [0.7]),
        (["$5", "\u20ac5"], []),
        (["1e3", ".5", "nan", "inf", "1_0", ""], [1000, 0.5]),
    ],
)
def test_only_what_is_meant_is_read(cells: list[str], numbers: list[float]) -> None:
    assert Numbers([cell for cell in cells if cell]).values == numbers


def test_the_advice_for_commas() -> None:
    assert with_point("1.234,5") == "1234.5 for"
    assert with_point("\u22120,5") == "-0.5 for"
    assert with_point("1 234,5") == "1234.5 for"
    assert with_point("1,234") == "1234 or 1.234, whichever is meant by"
    assert Numbers(["1,234", "2,345"]).decimal_comma == "1,234"
    assert Numbers(["1,234", "345"]).decimal_comma is None
    assert (
        Notation.of(["$1,234", "$5"]).said
        == "'$' is left out of the numbers and commas part thousands ('1,234' is 1234)"
    )


def test_rows_that_are_written_in_another_way_than_the_others_are_dropped_with_the_reason() -> None:
    cells = [*(f"{at},{at}00%" for at in range(1, 10)), "40%", "0.5", "7,5%"]
    rows = Table("a.csv", {"text": [f"a {at}" for at in range(12)], "score": [*cells]}, range(2, 14))
    task = TextRegression().guess(Table("a.csv", {"text": ["a", "b"], "score": ["1,100%", "40%"]}, [2, 3]))
    [said] = task.remarks(Table("a.csv", {"text": ["a", "b"], "score": ["1,100%", "40%"]}, [2, 3]))
    assert (
        said == "a.csv: numbers of 'score': '%' is left out of the numbers and commas part thousands ('1,234' is 1234)"
    )
    examples, dropped = task.parse(rows)
    assert list(examples.labels) == [40.0]
    assert "the others have '%' beside them: write all of them alike" in dropped[9].reason
    assert "it has a decimal comma, and numbers are read with a point: write 7.5 for it" in dropped[10].reason
