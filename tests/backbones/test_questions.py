"""Windows of contexts: every word once, where most stands around it, and the ids of plain transformers."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tests.paired import with_pairs
from tokenizers import Tokenizer

from headstart.backbones.questions import PairFrame, first_tokens, read_questions
from headstart.data.questions import AskedText, context_words
from headstart.data.windows import WordTokens

ROOM = 48
LONG = " ".join(f"the parcel arrives on day {letter} , it is good ." for letter in "abcdefghij")


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory, make_backbone: Callable[..., Path]) -> Tokenizer:
    folder = with_pairs(tmp_path_factory.mktemp("paired") / "bert", make_backbone)
    return Tokenizer.from_file(str(folder / "tokenizer.json"))


def read(tokenizer: Tokenizer, *inputs: AskedText, max_length: int = ROOM) -> WordTokens:
    frame = PairFrame.of(tokenizer, tokenizer.token_to_id("[CLS]"))
    return read_questions(tokenizer, inputs, frame=frame, max_length=max_length, unknown=1)


def test_the_frame_is_what_stands_around_two_texts(tokenizer: Tokenizer) -> None:
    cls, sep = (tokenizer.token_to_id(name) for name in ("[CLS]", "[SEP]"))
    assert PairFrame.of(tokenizer, cls) == PairFrame((cls,), (sep,), (sep,), 0)
    assert PairFrame.of(tokenizer, None).nothing == 0


def test_a_context_of_one_window_has_the_ids_of_a_pair(tokenizer: Tokenizer) -> None:
    asked = AskedText("what is good", "the parcel is good, say I")
    found = read(tokenizer, asked)
    assert found.flat.tolist() == tokenizer.encode(*asked).ids
    words = context_words(asked.context).words
    assert found.units.counts.tolist() == [len(words) + 1]
    assert found.spans[0].tolist() == [0, 0, 1]
    tokens = [tokenizer.id_to_token(found.flat[first]) for _, first, _ in found.spans[1:]]
    assert tokens == ["the", "parcel", "is", "good", ",", "say", "i"]


def test_the_windows_are_those_of_the_tokenizers_library(tokenizer: Tokenizer) -> None:
    asked = AskedText("what arrives", LONG)
    found = read(tokenizer, asked)
    own = Tokenizer.from_str(tokenizer.to_str())
    room = ROOM - 3 - len(own.encode(asked.question, add_special_tokens=False).ids)
    own.enable_truncation(ROOM, stride=int(0.375 * room), strategy="only_second")
    expected = own.encode(*asked)
    rows = [expected.ids, *(each.ids for each in expected.overflowing)]
    assert len(rows) > 3
    assert np.split(found.flat, found.offsets[1:-1])[0].tolist() == rows[0]
    assert [each.tolist() for each in np.split(found.flat, found.offsets[1:-1])] == rows
    assert found.homes.counts.tolist() == [len(rows)]


def test_every_word_is_read_once_where_it_has_most_around_it(tokenizer: Tokenizer) -> None:
    found = read(tokenizer, AskedText("what arrives", LONG))
    words = context_words(LONG).words
    rows = np.split(found.flat, found.offsets[1:-1])
    for word, (window, first, behind) in zip(words, found.spans[1:], strict=True):
        assert behind == first + 1
        assert tokenizer.id_to_token(rows[window][first]) == word
    windows = found.spans[1:, 0]
    assert (np.diff(windows) >= 0).all()
    for window in range(1, len(rows)):  # no word is read at the very border of a window that has a neighbour
        own = found.spans[1:][windows == window]
        assert own[0, 1] - 4 >= 8
    assert found.spans[0].tolist() == [0, -len(rows), 1]  # "no answer" stands for all windows


def test_two_rows_keep_their_own_windows(tokenizer: Tokenizer) -> None:
    short, long = AskedText("who", "you say it"), AskedText("what arrives", LONG)
    both, alone = read(tokenizer, long, short), read(tokenizer, short)
    assert both.take(np.array([1])).flat.tolist() == alone.flat.tolist()
    assert both.spans_of([1]).tolist() == alone.spans.tolist()
    assert both.spans_of([1, 0])[0].tolist() == [0, 0, 1]


@pytest.mark.parametrize("max_length", [8, 16, 48])
def test_a_question_longer_than_there_is_room_for_is_cut_and_counted(tokenizer: Tokenizer, max_length: int) -> None:
    question = "is it good " * 40
    found = read(tokenizer, AskedText(question, LONG), max_length=max_length)
    most = min(64, (max_length - 3) // 2)
    assert found.lost.tolist() == [120 - most]
    assert found.windows.lengths.max() <= max_length
    assert found.units.total == len(context_words(LONG).words) + 1
    assert read(tokenizer, AskedText("is it", LONG)).lost.tolist() == [0]


def test_a_context_that_the_tokenizer_makes_nothing_of_is_one_unknown_token(tokenizer: Tokenizer) -> None:
    found = read(tokenizer, AskedText("who", "\u200b\u2060x"[:1] + "\ufe0f"))
    assert found.flat.tolist().count(1) <= 1
    assert found.units.total == len(context_words("\u200b\ufe0f").words) + 1


def test_a_word_is_read_at_the_first_token_that_reaches_into_it() -> None:
    words = context_words("ab cd-ef")
    offsets = np.array([[0, 2], [2, 4], [4, 6], [6, 8]])  # "ab", " c", "d-", "ef"
    assert first_tokens(words, offsets).tolist() == [0, 1, 2, 3]
    assert first_tokens(words, offsets[:2]).tolist() == [0, 1, 1, 1]  # what has no token is read at the last one
