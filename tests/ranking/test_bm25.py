"""BM25 finds what people type, scores it by the formula, and stands still at the edges."""

import math
import sys
from pathlib import Path

import numpy as np
import pytest

from headstart.data.tokens import pack
from headstart.errors import ModelError, RecipeError, UnavailableError
from headstart.ranking.bm25 import SCORES, VOCABULARY, WORDS, Bm25, Bm25Settings, read_words
from headstart.ranking.words import words_of

PLAIN = Bm25Settings(language="none")


def test_words_that_search_engines_drop_are_kept() -> None:
    assert words_of("C++ and x at 3.5, F#; don’t!") == ["c++", "and", "x", "at", "3.5", "f#", "don't"]
    assert words_of("a snake_case e-mail node.js") == ["a", "snake", "case", "e", "mail", "node", "js"]
    assert words_of("日本語 text") == ["日", "本", "語", "日本", "本語", "text"]
    assert words_of("😀 costs €5") == ["😀", "costs", "€", "5"]
    assert words_of("Straße Cafe\u0301 ｆｕｌｌ") == ["strasse", "café", "full"]
    assert words_of(" .,- ") == []


def test_scores_are_those_of_the_formula() -> None:
    texts = ["red fox", "red red dog runs", "blue bird"]
    found = Bm25.of(texts, Bm25Settings(language="none", k1=1.2, b=0.5))
    average, lengths = 8 / 3, [2, 4, 2]
    idf = math.log(1 + (3 - 2 + 0.5) / (2 + 0.5))
    expected = [
        idf * tf / (tf + 1.2 * (1 - 0.5 + 0.5 * length / average))
        for tf, length in zip([1, 2, 0], lengths, strict=True)
    ]
    assert found.scores("red") == pytest.approx(expected, rel=1e-5)
    assert found.scores("red red") == pytest.approx(2 * np.array(expected), rel=1e-5)


def test_endings_make_no_difference_in_the_language_of_the_texts() -> None:
    assert Bm25.of(["terminations of contracts"]).search(["terminate contract"], 1).ids.tolist() == [[0]]
    assert Bm25.of(["Die Kündigungen"], Bm25Settings("german")).search(["kündigung"], 1).ids.tolist() == [[0]]
    with pytest.raises(RecipeError, match=r"language: 'englsh' is not known; did you mean 'english'\?"):
        Bm25.of(["x"], Bm25Settings("englsh"))


def test_equal_scores_come_by_number_and_a_text_without_a_word_of_the_query_does_not_come() -> None:
    found = Bm25.of(["a b", "c d", "a e", "a f"], PLAIN).search(["a"], 10)
    assert found.ids.tolist() == [[0, 2, 3, -1, -1, -1, -1, -1, -1, -1]]
    assert found.scores[0, 3:].tolist() == [0.0] * 7
    assert found.counts.tolist() == [3]
    assert Bm25.of(["a b", "c d", "a e", "a f"], PLAIN).search(["a"], 2).ids.tolist() == [[0, 2]]


@pytest.mark.parametrize("texts", [["some text"], [], ["...", "!"]])
@pytest.mark.parametrize("query", ["", "   ", "?!", "unknown"])
def test_queries_that_say_nothing_find_nothing(texts: list[str], query: str) -> None:
    found = Bm25.of(texts, PLAIN).search([query], 3)
    assert found.ids.tolist() == [[-1, -1, -1]]
    assert found.scores.tolist() == [[0.0, 0.0, 0.0]]


def test_what_is_saved_is_read_again(tmp_path: Path) -> None:
    texts = ["red fox", "", "blue dogs running", "日本"]
    before = Bm25.of(texts)
    before.save(tmp_path)
    after = Bm25.load(tmp_path, before.settings)
    for query in ("dog", "fox red", "日本", "nothing"):
        assert after.scores(query).tolist() == before.scores(query).tolist()
    assert len(after) == 4


def test_a_folder_that_contradicts_itself_is_refused(tmp_path: Path) -> None:
    Bm25.of(["red fox", "dog"], PLAIN).save(tmp_path)
    for name, what in ((VOCABULARY, b'["red"]'), (VOCABULARY, b"{}"), (WORDS, b"nonsense"), (SCORES, b"nonsense")):
        before = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(what)
        with pytest.raises(ModelError, match="is damaged"):
            Bm25.load(tmp_path, PLAIN)
        (tmp_path / name).write_bytes(before)


def test_words_that_are_known_keep_their_numbers() -> None:
    vocabulary, first = read_words(["red fox", "red"], "none")
    assert (vocabulary, first.flat.tolist()) == (["red", "fox"], [0, 1, 0])
    more, second = read_words(["fox dog"], "none", vocabulary=vocabulary)
    assert (more, second.flat.tolist()) == (["red", "fox", "dog"], [1, 2])
    joined = Bm25(more, pack([[0, 1], [0], [1, 2]], [0, 0, 0]), PLAIN)
    assert joined.scores("fox").tolist() == Bm25.of(["red fox", "red", "fox dog"], PLAIN).scores("fox").tolist()


def test_words_of_a_query_are_marked_in_a_text_but_not_those_that_nearly_all_texts_have() -> None:
    texts = ["the Dogs’ run, the end", "the cat", "the bird", "the fish", "日本 the"]
    found = Bm25.of(texts)
    marks = found.marked("the running dog", 0, texts[0])
    assert [texts[0][begin:end] for begin, end in marks] == ["Dogs", "run"]
    assert found.marked("nothing", 0, texts[0]) == []
    assert found.marked("日本", 4, texts[4]) == [(0, 1), (1, 2)]
    weights = found.weights("the running dog x", 0)
    assert weights.keys() == {"the", "run", "dog"}
    assert sum(weights.values()) == pytest.approx(float(found.scores("the running dog x")[0]), rel=1e-5)


@pytest.mark.parametrize("package", ["bm25s", "Stemmer"])
def test_a_package_that_is_missing_is_named_with_the_extra_that_brings_it(
    monkeypatch: pytest.MonkeyPatch, package: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(UnavailableError, match=r"needs? the package .*pip install 'headstart\[search\]'"):
        Bm25.of(["x"])
