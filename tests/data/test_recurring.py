"""Spans that stand in a text more than once: by hand, and against looking at all of them."""

import random

from headstart.data.recurring import CONTENT, END, FUNCTION, SIGN, kind_of, recurring_spans


def spans(text: str, longest: int = 10) -> dict[str, list[int]]:
    words = text.split()
    found = recurring_spans([word.lower() for word in words], [kind_of(word) for word in words], longest)
    return {" ".join(words[places[0][0] : places[0][1]]): [begin for begin, _ in places] for places in found}


def test_long_spans_go_before_the_short_ones_in_them() -> None:
    text = "Roger Federer won . The crowd saw Roger Federer and Roger himself , but no Roger Moore"
    assert spans(text) == {"Roger Federer": [0, 7], "Roger": [10, 15]}
    assert spans(text, longest=1) == {"Roger": [0, 7, 10, 15], "Federer": [1, 8]}


def test_function_words_and_signs_are_no_span_and_none_begins_or_ends_with_them() -> None:
    assert spans("it is the end of it , and the end of the road is the end") == {"end": [3, 9, 15]}
    assert spans("House of Lords , House of Lords . of of , ,") == {"House of Lords": [0, 4]}
    assert spans("a - b - a - b") == {"b": [2, 6]}, "a is a function word, and a sign parts words"


def test_places_do_not_overlap() -> None:
    assert spans("so ho ho ho ho ho") == {"ho ho": [1, 3]}
    assert spans("one two one two one") == {"one two": [0, 2]}
    assert spans("nothing stands here twice") == {}
    assert recurring_spans([], [], 5) == []


def test_kinds_of_words() -> None:
    assert [kind_of(word) for word in ("The", "Rome", ".", ",", "1066", "\u3002", "##s", "")] == [
        FUNCTION, CONTENT, END, SIGN, CONTENT, END, CONTENT, SIGN,
    ]  # fmt: skip


def test_on_random_words_each_span_recurs_no_word_is_in_two_and_none_could_be_added() -> None:
    dice = random.Random(0)
    for _ in range(300):
        words = dice.choices("abcdef", k=dice.randint(0, 24))
        kinds = [dice.choice([SIGN, END]) if word == "f" else FUNCTION if word == "e" else CONTENT for word in words]
        longest = dice.randint(1, 5)
        found = recurring_spans(words, kinds, longest)
        covered: list[int] = []
        for places in found:
            texts = {tuple(words[begin:end]) for begin, end in places}
            assert len(texts) == 1
            assert len(places) > 1
            for begin, end in places:
                assert 1 <= end - begin <= longest
                assert kinds[begin] == kinds[end - 1] == CONTENT
                assert {*kinds[begin:end]} <= {CONTENT, FUNCTION}
                covered += range(begin, end)
        assert len(covered) == len({*covered})
        left = [word for at, word in enumerate(words) if at not in covered and kinds[at] == CONTENT]
        assert len(left) == len({*left}), "what is left stands there once"
