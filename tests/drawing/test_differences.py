"""Two texts word by word."""

from hypothesis import given
from hypothesis import strategies as st

from headstart.drawing.differences import ADDED, MISSING, MOST_WORDS, SAME, TextPart, differences, shortened_parts


def test_words_that_one_text_lacks_are_told_from_those_in_both() -> None:
    reference, written = differences("Ein Hund läuft schnell.", "Ein Kater läuft.")
    assert reference == [
        TextPart(SAME, "Ein "),
        TextPart(MISSING, "Hund "),
        TextPart(SAME, "läuft "),
        TextPart(MISSING, "schnell"),
        TextPart(SAME, "."),
    ]
    assert written == [TextPart(SAME, "Ein "), TextPart(ADDED, "Kater "), TextPart(SAME, "läuft.")]


def test_scripts_that_set_no_blanks_are_told_apart_by_characters() -> None:
    assert differences("一个男人", "一个女人") == (
        [TextPart(SAME, "一个"), TextPart(MISSING, "男"), TextPart(SAME, "人")],
        [TextPart(SAME, "一个"), TextPart(ADDED, "女"), TextPart(SAME, "人")],
    )


def test_nothing_and_the_same() -> None:
    assert differences("a b", "") == ([TextPart(MISSING, "a b")], [])
    assert differences("a  b\n", "a b") == ([TextPart(SAME, "a b")], [TextPart(SAME, "a b")])


def test_ten_thousand_words_are_cut() -> None:
    reference, written = differences("a " * 10_000, "b")
    assert reference == [TextPart(MISSING, "a " * MOST_WORDS), TextPart(SAME, " …")]
    assert written == [TextPart(ADDED, "b")]


def test_long_parts_are_cut_between_words() -> None:
    parts = [TextPart(SAME, "one two "), TextPart(ADDED, "three four "), TextPart(SAME, "five")]
    assert shortened_parts(parts, 16) == [TextPart(SAME, "one two "), TextPart(ADDED, "three …")]
    assert shortened_parts(parts, 99) == parts


texts = st.text(st.sampled_from("ab .,男人<&"), max_size=30)


@given(texts, texts)
def test_parts_are_the_texts_but_for_blanks(one: str, other: str) -> None:
    sides = differences(one, other)
    for parts, text in zip(sides, (one, other), strict=True):
        assert "".join(part.text for part in parts).split() == text.split()
        assert all(first.kind != second.kind for first, second in zip(parts, parts[1:], strict=False))
