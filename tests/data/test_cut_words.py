"""Spans whose places were counted in another way are told by the words that they cut."""

import json

import pytest

from headstart.data.cut_words import words_cut

NAMES = ("Edda Holm", "Pavel Quist", "Zoë Ångström", "Ирина Белова")


def said(shift: tuple[int, int], *, before: str = "Today ", bad: int = 20, utf16: bool = False) -> str:
    texts, spans = [], []
    for at in range(20):
        name = NAMES[at % 4]
        text = f"{before}{name} went home early."
        start = text.index(name)
        one, other = shift if at < bad else (0, 0)
        more = len(text[:start].encode("utf-16-le")) // 2 - start if utf16 else 0
        texts.append(text)
        spans.append(json.dumps([[start + one + more, start + len(name) + other + more, "PER"]]))
    return words_cut(texts, spans)


def test_spans_that_cut_words_are_counted_with_an_example() -> None:
    assert said((0, -1)).startswith(
        "20 of 20 spans begin or end inside a word, such as 'Edda Hol|m'; are ends inclusive"
    )
    assert "such as 'E|dda Holm'" in said((1, 0), bad=3)
    assert "20 of 20" in said((0, 0), before="🍵🍵 Today ", utf16=True)
    assert "UTF-16" in said((0, 0), before="🍵 Today ", utf16=True)


def test_few_cuts_and_none_are_not_spoken_of() -> None:
    assert said((0, 0)) == said((0, 0), before="🍵 Today ") == said((0, -1), bad=2) == ""
    assert words_cut(["Edda went"], [json.dumps([[0, 3, "PER"]])]) == ""
    assert words_cut(["Edda went"] * 9, ["B-PER O"] * 9) == ""
    assert words_cut(["1\ufe0f\u20e3Edda went"] * 9, [json.dumps([[3, 7, "PER"]])] * 9) == ""


@pytest.mark.parametrize(
    "text",
    [
        "สมชายเดินทางไปเชียงใหม่",
        "王小明昨天去了北京",
        "たろうはとうきょうへいった",
        "철수는서울에갔다",
        "ワタシハ東京ニイク",
    ],
)
def test_scripts_without_blanks_have_no_words_to_cut(text: str) -> None:
    assert words_cut([text] * 20, [json.dumps([[2, 5, "PER"]])] * 20) == ""
