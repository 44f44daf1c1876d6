"""Tables with a row for each span become texts with all of their spans; other tables stay as they are."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

import headstart
from headstart.readers.opening import in_memory, open_table

Put = Callable[[str, str | bytes], Path]
TEXTS = {
    "Ida Moor sails to Kiel.": [("Ida Moor", "WHO"), ("Kiel", "WHERE")],
    "Rain over Kiel": [("Kiel", "WHERE")],
    "In Bern, Otto waits": [("Bern", "WHERE"), ("Otto", "WHO")],
}


def rows(form: str, *, last: int = 0) -> list[str]:
    """t a text, s where a span begins, e where it ends, k its type, m its words, d a document."""
    found = []
    for number, (text, spans) in enumerate(TEXTS.items()):
        for mention, kind in spans:
            start = text.index(mention)
            known = {
                "t": f'"{text}"', "s": str(start), "e": str(start + len(mention) - last), "k": kind, "m": f'"{mention}"',
                "d": f"doc{number}", "f": f"{start}.0", "g": f"{start + len(mention)}.0",
            }  # fmt: skip
            found.append(",".join(known[cell] for cell in form.split()))
    return found


def many(form: str) -> list[str]:
    """The same of nine texts with other places each."""
    return [row.replace("Kiel", f"Kiel{at}").replace("Bern", f"Bern{at}") for at in range(9) for row in rows(form)]


EXPECTED = [
    [[text.index(mention), text.index(mention) + len(mention), kind] for mention, kind in spans]
    for text, spans in TEXTS.items()
]


@pytest.mark.parametrize(
    ("header", "form", "last", "columns"),
    [
        ("text,start,end,type", "t s e k", 0, ("text", "spans")),
        ("doc,text,begin,end,label", "d t s e k", 0, ("text", "doc", "spans")),
        ("sentence,entity,start_offset,end_offset,label", "t m s e k", 0, ("sentence", "spans")),
        ("sentence,entity,start,end,tag", "t m s e k", 1, ("sentence", "spans")),
        ("text,Start,End,Entity Type", "t f g k", 0, ("text", "spans")),
    ],
)
def test_rows_of_one_text_are_one(put: Put, header: str, form: str, last: int, columns: tuple[str, ...]) -> None:
    table = open_table(put("a.csv", "\n".join([header, *rows(form, last=last)]) + "\n"))
    assert tuple(table.columns) == columns
    assert list(table.columns[columns[0]]) == list(TEXTS)
    assert [json.loads(cell) for cell in table.columns["spans"] if cell] == EXPECTED
    assert "a row for each span" in table.remarks[-1]
    assert ("the last character" in table.remarks[-1]) == bool(last)


def test_a_text_without_spans_stands_with_empty_cells(put: Put) -> None:
    table = open_table(put("a.csv", "\n".join(["text,start,end,type", *rows("t s e k"), "Nothing here,,,"]) + "\n"))
    assert list(table.columns["spans"])[-1] == "[]"


def test_what_is_no_span_and_spans_that_stand_apart_are_named(put: Put) -> None:
    strange = ["Odd,one,2,WHO", '"Rain over Kiel3",0,4,WHAT']
    table = open_table(put("a.csv", "\n".join(["text,start,end,type", *many("t s e k"), *strange]) + "\n"))
    assert [(row.line, row.reason[:24]) for row in table.dropped] == [
        (47, "line 47: 'one' to '2' of"), (48, "a span of a text whose o")
    ]  # fmt: skip


@pytest.mark.parametrize(
    "content",
    [
        "text,start,end,label\n" + "".join(f"a text of number {at},{at % 3},{at % 3 + 2},up\n" for at in range(8)),
        "text,from,to,label\n" + "fine,2001,2002,up\nbad,2003,2004,down\n" * 4,
        "text,start,end\n" + "a long text,1,3\n" * 8,
        "text,begin,start,end,label\n" + "a long text,1,1,3,up\n" * 8,
    ],
)
def test_other_tables_stay_as_they_are(put: Put, content: str) -> None:
    assert tuple(open_table(put("a.csv", content)).columns) == tuple(content.partition("\n")[0].split(","))


def test_columns_from_python_too() -> None:
    cells = [row.replace('"', "").rsplit(",", 3) for row in rows("t s e k")]
    columns: dict[str, list[str | None]] = dict(
        zip(("text", "start", "end", "type"), map(list, zip(*cells, strict=True)), strict=True)
    )
    assert tuple(in_memory(columns, "data").columns) == ("text", "spans")


def test_the_task_is_told(put: Put) -> None:
    path = put("a.csv", "\n".join(["sentence,mention,start,end,type", *many("t m s e k")]) + "\n")
    assert headstart.plan(path, strategy="crf")["plan"]  # which serves entities alone
