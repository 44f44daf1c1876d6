"""The estimator of retrieval: questions and passages in memory."""

import pytest

from headstart import Retriever
from headstart.errors import DataError

WORDS = ("good", "bad", "nine", "monday", "night", "shop", "parcel", "day", "start", "end", "way", "indeed")
QUESTIONS = [f"{begin} {word}" for begin in ("where is", "is it", "you say", "now", "and yours") for word in WORDS]
PASSAGES = [f"{word} is here" for word in WORDS] * 5


def test_it_finds_the_passages_of_fit_by_their_words() -> None:
    model = Retriever(strategy="bm25").fit(QUESTIONS, PASSAGES)
    assert model.predict(["where are nine", "zzz"]).tolist() == ["nine is here", ""]
    best = model.search(["parcel day"])[0].passages
    assert {hit.text for hit in best[:2]} == {"parcel is here", "day is here"}
    assert model.score(QUESTIONS, PASSAGES) > 0.9
    assert model.score(["zzz"], ["nine is here"]) == 0.0


def test_passages_that_are_missing_or_no_texts_are_named() -> None:
    with pytest.raises(DataError, match="y has 1 passages, and X has 2 questions"):
        Retriever(strategy="bm25").fit(["a", "b"], ["c"])
    with pytest.raises(DataError, match=r"y\[1\] is a int, expected the text or id of a passage"):
        Retriever(strategy="bm25").fit(["a", "b"], ["c", 3])
    with pytest.raises(DataError, match="requires y to be passed"):
        Retriever(strategy="bm25").fit(["a", "b"], None)
