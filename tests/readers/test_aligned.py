"""Line-aligned files: which are meant, what is a row, what is said where they do not fit."""

import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from headstart.errors import DataError, RecipeError
from headstart.readers.aligned import first_gap
from headstart.readers.opening import open_sheet, open_table
from headstart.types import Dropped, Record

Put = Callable[[str, str | bytes], Path]
SIDES = {"en": "en", "de": "de"}


def test_line_n_of_each_file_is_row_n_and_empty_lines_are_reported(put: Put) -> None:
    path = put("train.en", "One.\r\n\nTwo  \n \nsaid\u2028so\n").with_suffix("")
    put("train.de.gz", gzip.compress(b"Eins.\n\nZwei\n\nso"))
    put("train.fr", "Un.\n")
    sheet = open_sheet(path, sides=SIDES)
    assert sheet.columns == ("en", "de")
    assert [*sheet.records] == [
        Record(1, ("One.", "Eins.")),
        Dropped(str(path), 2, "is empty on both sides"),
        Record(3, ("Two  ", "Zwei")),
        Dropped(str(path), 4, "is empty on both sides"),
        Record(5, ("said\u2028so", "so")),
    ]


def test_endings_may_be_other_codes_of_the_languages_and_columns_have_names_of_their_own(put: Put) -> None:
    put("a.eng", "x\n")
    path = put("a.deu_Latn", "y\n").with_suffix("")
    table = open_table(path, sides={"source": "en", "target": "de"})
    assert {name: [*column] for name, column in table.columns.items()} == {"source": ["x"], "target": ["y"]}


def test_a_file_of_that_name_comes_first(put: Put) -> None:
    path = put("a.csv", "en,de\nx,y\n")
    put("a.csv.en", "z\n")
    put("a.csv.de", "z\n")
    assert [*open_table(path, sides=SIDES).columns["en"]] == ["x"]


def test_what_is_missing_or_open_is_said(put: Put) -> None:
    path = put("a.en", "x\n").with_suffix("")
    put("a.fr", "x\n")
    with pytest.raises(DataError, match=r"a\.de is not there; of the files called so there are a\.en, a\.fr"):
        open_sheet(path, sides=SIDES)
    with pytest.raises(
        DataError, match="say which is which: --task translation --source-language en --target-language fr"
    ):
        open_sheet(path)
    with pytest.raises(
        DataError, match=r"is one of several line-aligned files; name them by what they have in common, \S*a, with"
    ):
        open_sheet(path.with_suffix(".en"))
    with pytest.raises(RecipeError, match="'delimiter' does not apply to line-aligned files"):
        open_sheet(path, sides={"en": "en", "fr": "fr"}, delimiter=";")


LENGTHS = np.random.default_rng(3).integers(10, 160, 400)


def both(put: Put, dropped: list[int]) -> Path:
    """Two files whose lines are of like length, the second without some lines, counted from 1."""
    noise = np.random.default_rng(4).normal(1.1, 0.1, len(LENGTHS))
    put("a.en", "".join("x" * int(length) + "\n" for length in LENGTHS))
    lines = ["y" * int(length * share) + "\n" for length, share in zip(LENGTHS, noise, strict=True)]
    put("a.de", "".join(line for number, line in enumerate(lines, 1) if number not in dropped))
    return put("b", "").parent / "a"


@pytest.mark.parametrize("dropped", [[150], [40, 41], [390]])
def test_the_line_from_which_lengths_cease_to_fit_is_named(put: Put, dropped: list[int]) -> None:
    path = both(put, dropped)
    with pytest.raises(DataError, match="different numbers of lines") as refused:
        open_table(path, sides=SIDES)
    said = str(refused.value)
    assert f"a.en has 400, {path}.de has {400 - len(dropped)}" in said
    line = int(said.partition("cease to fit at line ")[2].partition(";")[0])
    assert abs(line - dropped[0]) <= 1


def test_lines_that_are_missing_at_the_end_are_said_to_be(put: Put) -> None:
    with pytest.raises(DataError, match=r"they fit to the end of \S*a\.de, so its last lines are missing"):
        open_table(both(put, [*range(380, 401)]), sides=SIDES)


def test_a_gap_is_where_lengths_differ_least() -> None:
    longer = np.array([5, 90, 7, 60, 30, 2.0])
    assert first_gap(longer, longer[[0, 1, 3, 4, 5]]) == 2
    assert first_gap(longer, longer[1:]) == 0
    assert first_gap(longer, longer[:4]) == 4
