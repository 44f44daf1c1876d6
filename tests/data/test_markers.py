"""Markers in a text become spans at their places, and what cannot be one is named."""

import random

import pytest

from headstart.data.markers import unmarked
from headstart.data.tagged import RowFault


def test_spans_are_where_the_markers_stood() -> None:
    found = unmarked("<PER>Ada Lovelace</PER> wohnt in <LOC>München</LOC>.")
    assert found.text == "Ada Lovelace wohnt in München."
    assert found.spans == [(0, 12, "PER"), (22, 29, "LOC")]
    assert [found.text[begin:end] for begin, end, _ in found.spans] == ["Ada Lovelace", "München"]
    assert unmarked("3 < 4 und 5 > 2, <3, a<b>c</b>d") == ("3 < 4 und 5 > 2, <3, acd", [(22, 23, "b")])
    assert unmarked("") == ("", [])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("<PER>Ada", "<PER> is opened and never closed"),
        ("Ada</PER>", "</PER> closes what was not opened"),
        ("<PER>Ada</LOC>", "</LOC> closes what was not opened"),
        ("<PER>Ada <LOC>in</LOC></PER>", "<LOC> stands within <PER>"),
        ("<PER> </PER>", "nothing stands between <PER> and </PER>"),
    ],
)
def test_what_is_no_span_is_named(text: str, said: str) -> None:
    with pytest.raises(RowFault, match=said):
        unmarked(text)


def test_what_was_marked_is_found_again() -> None:
    draw = random.Random(0)
    for _ in range(200):
        parts = [("".join(draw.choices("ab /é", k=draw.randint(0, 5))), draw.choice(["", "X", "Y1"])) for _ in range(6)]
        marked = "".join(f"<{name}>{text}</{name}>" if name and text.strip() else text for text, name in parts)
        found = unmarked(marked)
        assert found.text == "".join(text for text, _ in parts)
        spans = [(found.text[begin:end], name) for begin, end, name in found.spans]
        assert spans == [each for each in parts if each[1] and each[0].strip()]
