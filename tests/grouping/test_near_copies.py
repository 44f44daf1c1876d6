"""Near copies by their words: whatever vectors say, and never for texts of a few words."""

from headstart.grouping.near_copies import near_copies

LONG = (
    "the parcel was to come on monday and it is friday now and nobody answers the telephone at your office in the town"
)


def test_texts_that_share_most_word_5_grams_are_a_pair() -> None:
    texts = [
        LONG,
        "an order of two kettles",
        LONG + " again",
        LONG.replace("telephone", "phone").replace("friday", "sunday"),
    ]
    first, second = near_copies(texts, 0.8)
    assert (first.tolist(), second.tolist()) == ([0], [2])


def test_texts_of_fewer_than_five_words_have_none() -> None:
    first, second = near_copies(["it is too late", "it is too late !"], 0.5)
    assert not len(first)
    assert not len(second)
