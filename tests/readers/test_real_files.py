"""Every row of published data sets is read, with the counts their README states."""

import os
from collections import Counter
from pathlib import Path

import pytest

from headstart.data.table import Table
from headstart.readers.base import Reader
from headstart.readers.conll import Conll
from headstart.readers.delimited import CommaSeparated, TabSeparated
from headstart.readers.jsonl import JsonLines
from headstart.tasks.token_classification import TokenClassification
from headstart.types import Record

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("HEADSTART_DATA", ROOT.parent / "shared" / "data"))
READERS: dict[str, Reader] = {
    ".csv": CommaSeparated(),
    ".tsv": TabSeparated(),
    ".jsonl": JsonLines(),
    ".conll": Conll(),
}
LANGUAGES = ("english", "german", "spanish")

COUNTS = {
    "sst2/train.csv": 6920,
    "sst2/dev.csv": 872,
    "sst2/test.csv": 1821,
    "airline/train.csv.gz": 10906,
    "airline/dev.csv": 1500,
    "airline/test.csv": 2000,
    "mrpc/train.tsv": 3576,
    "mrpc/dev.tsv": 500,
    "mrpc/test.tsv": 1725,
    "conll2003/testa.conll": 3250,
    "wikiann_de/dev.conll": 2000,
    "dailydialog/en.jsonl": 1000,
    "dailydialog/de.jsonl": 1000,
    **{f"umsab/{language}_train.csv": 1839 for language in LANGUAGES},
    **{f"umsab/{language}_dev.csv": 324 for language in LANGUAGES},
    **{f"umsab/{language}_test.csv": 870 for language in LANGUAGES},
}


def records(name: str) -> tuple[tuple[str, ...], list[Record]]:
    path = DATA / name
    if not path.exists():
        pytest.skip(f"no {name} in {DATA} (set HEADSTART_DATA)")
    sheet = READERS["." + path.name.split(".")[1]].read(path)
    rows = list(sheet.records)
    assert all(isinstance(row, Record) for row in rows), [row for row in rows if not isinstance(row, Record)][:3]
    return sheet.columns, [row for row in rows if isinstance(row, Record)]


@pytest.mark.parametrize("name", COUNTS)
def test_a_published_file_gives_every_row_and_drops_none(name: str) -> None:
    assert len(records(name)[1]) == COUNTS[name]


def test_the_labels_of_the_airline_tweets_have_the_published_counts() -> None:
    columns, rows = records("airline/train.csv.gz")
    place = columns.index("label")
    assert Counter(row.values[place] for row in rows) == {"negative": 6869, "neutral": 2333, "positive": 1704}


@pytest.mark.parametrize(
    ("name", "types"), [("conll2003/testa.conll", "LOC MISC ORG PER"), ("wikiann_de/dev.conll", "LOC ORG PER")]
)
def test_words_and_tags_of_published_sentences_are_read_without_a_word(name: str, types: str) -> None:
    columns, rows = records(name)
    assert columns == ("tokens", "tags")
    table = Table(name, {at: [row.values[place] for row in rows] for place, at in enumerate(columns)}, range(len(rows)))
    task = TokenClassification().guess(table)
    store, dropped = task.parse(table)
    assert (dropped, task.remarks(table), task.bind(store).types) == ([], [], tuple(types.split()))


def test_quotes_of_mrpc_are_plain_characters() -> None:
    columns, rows = records("mrpc/train.tsv")
    assert columns == ("sentence1", "sentence2", "label")
    assert Counter(row.values[2] for row in rows) == {"paraphrase": 2407, "not_paraphrase": 1169}
    lines = (DATA / "mrpc/train.tsv").read_text("utf-8").split("\n")
    assert [row.values for row in rows] == [tuple(line.split("\t")) for line in lines[1:-1]]
