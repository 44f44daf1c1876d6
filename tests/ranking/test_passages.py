"""Passages are rows of an Arrow table; ids stand there once, texts are ranked once."""

from pathlib import Path

import numpy as np
import pytest

from headstart.errors import DataError
from headstart.ranking import passages as module
from headstart.ranking.passages import Passage, Passages, PassageWriter, opened


def passage(name: str, text: str, title: str = "", document: str = "d", line: int = 1) -> Passage:
    return Passage(name, text, title, document, "f.txt", line, 0, len(text))


def test_texts_are_passages_with_ids_and_places() -> None:
    found = Passages.of(["ein Text", "noch einer"], ids=["a", "b"], titles=["Titel", ""])
    assert len(found) == 2
    assert found[1] == Passage("b", "noch einer", "", "b", "passages", 2, 0, 10)
    assert found[-2].title == "Titel"
    assert list(found.ids) == ["a", "b"]
    assert found.read(np.array([1, 0])) == ["noch einer", "Titel\nein Text"]
    assert list(Passages.of(["x"]).ids) == ["passages:1"]


def test_equal_texts_are_ranked_once_and_known_by_all_their_ids() -> None:
    found = Passages.of(["x", "y", "x", "x"], ids=list("abcd"))
    assert found.first.tolist() == [0, 1, 0, 0]
    assert found.distinct.tolist() == [0, 1]
    assert found.copies(0) == [2, 3]
    assert found.copies(2) == [0, 3]
    assert found.copies(1) == []


def test_a_title_tells_equal_texts_apart() -> None:
    assert Passages.of(["x", "x"], titles=["a", "b"]).distinct.tolist() == [0, 1]


def test_ids_that_stand_there_twice_are_all_counted_and_named_with_their_lines() -> None:
    with pytest.raises(DataError, match=r"2 ids of passages stand there twice.*'a' \(p, line 1; p, line 3\), 'b'"):
        Passages.of(["1", "2", "3", "4"], ids=["a", "b", "a", "b"], file="p")


def test_passages_that_are_many_go_to_a_file_and_are_the_same(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    rows = [passage(f"{number}", f"text {number % 7}", document=f"d{number // 3}", line=number) for number in range(50)]
    small = PassageWriter()
    for row in rows:
        small.add(row)
    expected = small.passages()
    monkeypatch.setattr(module, "MEMORY_BYTES", 1_000)
    monkeypatch.setattr(module, "BATCH_ROWS", 4)
    for path in (None, tmp_path / "passages.arrow"):
        large = PassageWriter(path)
        for row in rows:
            large.add(row)
        found = large.passages()
        assert list(found) == rows == list(expected)
        assert found.first.tolist() == expected.first.tolist()
    assert Passages(opened(tmp_path / "passages.arrow")).first.tolist() == expected.first.tolist()


def test_rows_are_found_by_id_and_by_document() -> None:
    found = Passages(
        Passages.of(["1", "2", "3"])
        .table.set_column(3, "document", [["d", "e", "d"]])
        .set_column(0, "id", [["d#1", "e", "d#2"]])
    )
    rows = found.rows_of(["d", "e", "d#2", "nobody"])
    assert {name: each.tolist() for name, each in rows.items()} == {"d": [0, 2], "e": [1], "d#2": [2], "nobody": []}
