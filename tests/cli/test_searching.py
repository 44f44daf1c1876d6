"""`index` and `search`, as people type them."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import headstart as package
from headstart.cli.found import hit_list

NUMBER, TEXT, COUNT = {"type": "number"}, {"type": "string"}, {"type": "integer", "minimum": 0}


def exactly(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object", "properties": properties, "required": list(properties), "additionalProperties": False
    }  # fmt: skip


def or_null(schema: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [schema, {"type": "null"}]}


DROPPED = {"type": "array", "items": exactly({"file": TEXT, "line": {"type": "integer", "minimum": 1}, "reason": TEXT})}
INDEX = exactly(
    {"index": TEXT, "retriever": {"enum": ["bm25", "dense", "hybrid"]}, "backbone": or_null(TEXT)}
    | dict.fromkeys(("documents", "passages", "ranked", "truncated"), COUNT)
    | {
        "changes": or_null(exactly(dict.fromkeys(("documents", "replaced", "added", "removed"), COUNT))),
        "dropped_rows": DROPPED,
        "seconds": NUMBER,
    }
)
HIT = exactly(
    {"rank": COUNT, "score": NUMBER, "bm25": or_null(NUMBER), "dense": or_null(NUMBER)}
    | dict.fromkeys(("id", "text", "title", "document", "file"), TEXT)
    | dict.fromkeys(("line", "start", "end"), COUNT)
    | {
        "copies": {"type": "array", "items": TEXT},
        "matches": {"type": "array", "items": {"type": "array", "items": COUNT, "minItems": 2, "maxItems": 2}},
    }
)
SEARCH = exactly(
    {
        "index": TEXT,
        "retriever": TEXT,
        "queries": {"type": "array", "items": exactly({"query": TEXT, "hits": {"type": "array", "items": HIT}})},
        "dropped_rows": DROPPED,
    }
)


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "lease.md").write_text("# Lease\n\nThe notice period is three months.\n\nThe rent is due on the first.\n")
    (folder / "house.txt").write_text("Bicycles stand in the cellar.\n\nThe laundry is open on weekdays.\n")
    return folder


@pytest.fixture
def indexed(headstart: Callable[..., Any], docs: Path) -> str:
    said = headstart("index", "docs", "-o", "runs/docs", "--retriever", "bm25", "--passage-tokens", 8, "--json")
    assert said.code == 0, said.err
    found = json.loads(said.out)
    jsonschema.validate(found, INDEX)
    assert (found["documents"], found["passages"], found["ranked"], found["backbone"]) == (2, 5, 5, None)
    return "runs/docs"


def test_a_folder_is_indexed_and_searched_with_places_that_give_back_the_text(
    headstart: Callable[..., Any], indexed: str
) -> None:
    said = headstart("search", indexed, "how long is the notice period", "--best", 2, "--json")
    assert said.code == 0
    found = json.loads(said.out)
    jsonschema.validate(found, SEARCH)
    (query,) = found["queries"]
    hit = query["hits"][0]
    assert (hit["rank"], hit["document"], hit["line"]) == (1, "docs/lease.md", 3)
    assert hit["text"] == "The notice period is three months."
    assert Path(hit["file"]).read_text()[hit["start"] : hit["end"]] == hit["text"]
    assert {"notice", "period"} <= {hit["text"][begin:end] for begin, end in hit["matches"]} <= set(hit["text"].split())


def test_people_see_rank_scores_place_and_passage(headstart: Callable[..., Any], indexed: str) -> None:
    said = headstart("search", indexed, "laundry", "notice", "--best", 1)
    lines = said.out.split("\n")
    assert lines[0] == "> laundry"
    assert lines[2].startswith(" 1  ")
    assert lines[2].endswith("docs/house.txt:3, characters 31 to 63")
    assert "(bm25 " in lines[2]
    assert lines[3] == "    The laundry is open on weekdays."
    assert "> notice" in lines
    said = headstart("search", indexed, "zebra")
    assert said.out == "nothing was found\n"
    assert "no passage has a word of 'zebra'" in said.err


def test_words_of_the_query_are_bold_where_a_person_reads(indexed: str) -> None:
    hits = package.search(indexed, "bicycle", best=1)["queries"]
    assert "\x1b[1mBicycles\x1b[0m stand" in hit_list(hits, True)
    assert "\x1b" not in hit_list(hits, False)
    long = [
        {
            "query": "x",
            "hits": [hits[0]["hits"][0] | {"text": "word " * 300 + "Bicycles here", "matches": [[1500, 1508]]}],
        }
    ]
    shown = hit_list(long, True).split("\n")
    assert len(shown) == 5
    assert shown[1].startswith("    ... word")
    assert shown[-1].endswith("\x1b[1mBicycles\x1b[0m here")


def test_documents_come_in_take_the_place_of_their_earlier_ones_and_go(
    headstart: Callable[..., Any], indexed: str, docs: Path
) -> None:
    (docs / "lease.md").write_text("The notice period is six weeks.")
    (docs / "pets.txt").write_text("Dogs are welcome.")
    said = headstart("index", "--add", "docs/lease.md,docs/pets.txt", indexed, "--json")
    found = json.loads(said.out)
    jsonschema.validate(found, INDEX)
    assert found["changes"] == {"documents": 2, "replaced": 1, "added": 2, "removed": 3}
    assert "six weeks" in headstart("search", indexed, "notice").out
    assert "three months" not in headstart("search", indexed, "notice").out
    said = headstart("index", "--remove", "docs/pets.txt", indexed)
    assert said.out.split("\n")[0] == "0 documents came in: 0 passages; 1 passages went out"
    assert headstart("search", indexed, "dogs").out == "nothing was found\n"


def test_vectors_are_made_by_the_network_that_is_named(
    headstart: Callable[..., Any], docs: Path, tiny_backbone: Path
) -> None:
    said = headstart("index", "docs", "-o", "both", "--backbone", tiny_backbone, "--json")
    found = json.loads(said.out)
    jsonschema.validate(found, INDEX)
    assert (found["retriever"], found["backbone"]) == ("hybrid", tiny_backbone.name)
    hits = json.loads(headstart("search", "both", "rent", "--json").out)["queries"][0]["hits"]
    assert all(-1 <= hit["dense"] <= 1 for hit in hits)
    with pytest.raises(package.HeadstartError, match="reads of a passage; choose fewer"):
        package.index("docs", output="other", backbone=str(tiny_backbone), passage_tokens=5_000)


def test_queries_of_a_file_give_a_row_for_each_passage_with_all_columns(
    headstart: Callable[..., Any], indexed: str, tmp_path: Path
) -> None:
    (tmp_path / "q.csv").write_text("id,question,rank\n1,notice period,a\n2,,b\n3,laundry,c\n")
    said = headstart("search", indexed, "--input", "q.csv", "--best", 1, "--output", "found.csv", "--json")
    assert said.code == 0, said.err
    found = json.loads(said.out)
    assert (found["searched"], found["rows"]) == (2, 2)
    assert found["dropped_rows"] == [{"file": "q.csv", "line": 3, "reason": "has no query in column 'question'"}]
    with open(tmp_path / "found.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["id"], row["rank"], row["headstart_rank"]) for row in rows] == [("1", "a", "1"), ("3", "c", "1")]
    assert rows[0]["headstart_passage"] == "The notice period is three months."
    assert headstart("search", indexed, "--input", "q.csv", "--output", "found.csv").code == 73
    said = headstart("search", indexed, "--input", "-", "--json", stdin=b"notice\n\nlaundry\n")
    assert [each["query"] for each in json.loads(said.out)["queries"]] == ["notice", "laundry"]


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("search", "runs/docs"), 2, "give what to search for, or a file of queries"),
        (("search", "runs/docs", " "), 2, "a query is empty"),
        (("search", "runs/docs", "x", "--input", "q.csv"), 2, "give what to search for, or a file"),
        (("search", "runs/docs", "x", "--output", "f.csv"), 2, "--output writes a row for each passage"),
        (("search", "runs/dosc", "x"), 66, "there is no index runs/dosc; did you mean 'docs'?"),
        (("search", "docs", "x"), 65, "docs holds no index"),
        (("search", "runs/docs", "x", "--best", "0"), 64, "best: should be at least 1"),
        (("search", "runs/docs", "--input", "none.csv"), 66, "none.csv"),
        (("index", "docs", "-o", "runs/docs"), 73, "holds an index; add to it with: headstart index --add"),
        (("index", "runs/docs"), 2, "runs/docs is an index; add to it with"),
        (("index", "docs", "-o", "x", "--language", "klingon", "--retriever", "bm25"), 64, "language: 'klingon' is not known"),
        (("index", "none"), 66, "none"),
        (("index", "--add", "docs", "runs/docs", "runs/other"), 2, "change one index, and 2 folders are named"),
        (("index", "--add", "docs", "runs/docs", "-o", "x"), 2, "--output names a new index"),
        (("index", "--add", "none.txt", "runs/docs"), 66, "none.txt"),
        (("index", "--remove", "nobody", "runs/docs"), 65, "does not know 1 of 1 names of passages or documents: 'nobody'"),
        (("index", "--add", "docs", "runs/docs", "--b", "0.1"), 64, "b: the index was made with 0.75, and 0.1 is given"),
        (("index", "docs", "-o", "x", "--passage-tokens", "5", "--passage-overlap", "5", "--retriever", "bm25"), 64, "passage_overlap: 5 is not below"),
        (("predict", "runs/docs", "x"), 65, "runs/docs holds an index and no model; search it with: headstart search runs/docs"),
        (("show", "model", "runs/docs"), 65, "runs/docs holds an index and no model"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_refused_and_the_index_stays(
    words: tuple[str, ...], code: int, message: str, headstart: Callable[..., Any], indexed: str, tmp_path: Path
) -> None:
    before = sorted(str(path) for path in tmp_path.rglob("*"))
    said = headstart(*words)
    assert message in said.err
    assert said.code == code
    assert "Traceback" not in said.err
    assert sorted(str(path) for path in tmp_path.rglob("*")) == before


def test_recipe_and_python_do_the_same(headstart: Callable[..., Any], docs: Path, tmp_path: Path) -> None:
    (tmp_path / "r.yaml").write_text(
        "verb: index\nsources: [docs]\nretriever: bm25\npassage_tokens: 8\noutput: by_recipe\n"
    )
    assert headstart("run", "r.yaml").code == 0
    found = package.index("docs", retriever="bm25", passage_tokens=8, output="by_python")
    assert found["passages"] == 5
    hits = [package.search(folder, "rent")["queries"][0]["hits"] for folder in ("by_recipe", "by_python")]
    assert hits[0] == hits[1]
    opened = package.Index.open("by_python")
    assert [hit.passage.text for hit in opened.search(["rent"])[0]] == [hit["text"] for hit in hits[1]]
