"""Hub data sets, of which a local folder is one: rows stream, what is wrong is said."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from headstart.corpora.documents import segments
from headstart.corpora.source import TextSource
from headstart.corpora.survey import survey
from headstart.errors import DataError, UnavailableError

Write = Callable[..., str]
pytest.importorskip("datasets")
pytestmark = pytest.mark.filterwarnings("default")  # those of other people's packages


@pytest.fixture
def folder(write: Write, tmp_path: Path) -> Path:
    write(
        "set/train.jsonl", '{"id": 1, "text": "one two"}\n{"id": 2, "text": null}\n{"id": 3, "text": "three\\nfour"}\n'
    )
    write("set/test.jsonl", '{"id": 4, "text": "five"}\n')
    return tmp_path / "set"


def test_rows_of_a_split_are_documents(folder: Path) -> None:
    found = survey(TextSource(texts=(f"hub:{folder}", f"hub:{folder}:test")))
    assert [segment.text for segment in segments(found)] == ["one two", "three\nfour", "five"]
    assert [(file.column, file.rule, file.documents, file.dropped, file.bytes) for file in found.files] == [
        ("text", "row", 2, 1, 17),
        ("text", "row", 1, 0, 4),
    ]


def test_a_split_or_a_column_that_is_not_there_is_an_error(folder: Path) -> None:
    with pytest.raises(DataError, match=r"hub:.*set:dev: cannot be read \(Bad split: dev\. Available splits: "):
        survey(TextSource(texts=(f"hub:{folder}:dev",)))
    with pytest.raises(DataError, match=r"has no column 'texts'; did you mean 'text'\? \(columns: id, text\)"):
        survey(TextSource(texts=(f"hub:{folder}",), column="texts"))


def test_out_of_reach_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="hub:nobody/nothing-at-all: "):
        survey(TextSource(texts=("hub:nobody/nothing-at-all",)))
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"empty: .*data file"):
        survey(TextSource(texts=(f"hub:{tmp_path / 'empty'}",)))


def test_without_the_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(UnavailableError, match=r"pip install 'headstart\[hub\]'"):
        survey(TextSource(texts=("hub:x",)))
