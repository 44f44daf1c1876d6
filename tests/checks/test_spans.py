"""Words that are one thing here and another there."""

from headstart.checks.spans import odd_spans


def test_words_with_another_type_than_mostly_are_named_and_those_inside_of_longer_spans_are_not() -> None:
    usual = (("Anna", "met", "New", "York"), ("B-person", "O", "B-place", "I-place"))
    rows = [usual] * 4 + [
        (("New", "York", "slept"), ("O", "O", "O")),
        (("Anna", "spoke"), ("B-place", "O")),
        (("New", "York", "Times"), ("B-company", "I-company", "I-company")),
        (("anna", "is", "no", "name"), ("O", "O", "O", "O")),
    ]
    found = {(each.row, each.words, each.said, each.usual, each.times, each.of) for each in odd_spans(rows)}
    assert found == {(4, "New York", "O", "place", 4, 5), (5, "Anna", "place", "person", 4, 5)}


def test_words_that_are_two_things_as_often_are_none_of_them_odd() -> None:
    rows = [(("Bank",), ("B-company",)), (("Bank",), ("B-place",))] * 3
    assert odd_spans(rows) == []
