"""Words drawn by chance on a table of probabilities: how often each comes, what is left out, what a text hangs on."""

from collections import Counter
from math import log

import numpy as np
import pytest
import torch
from tests.writing.test_search import END, START, A, B, Table

from headstart.writing.decoding import Decoding
from headstart.writing.sampling import Word, decoded, in_parts, words

TABLE = {START: {A: 0.6, B: 0.3, END: 0.1}, A: {END: 1.0}, B: {END: 1.0}}
LOOP = {START: {A: 1.0}, A: {B: 1.0}, B: {A: 0.9, B: 0.09, END: 0.01}}


def drawn(
    tables: int, numbers: np.ndarray | None = None, table: dict = TABLE, **options: object
) -> list[list[list[int]]]:
    how = Decoding(**{"sampling_temperature": 1.0, "beams": 1} | options)  # type: ignore[arg-type]
    given = np.arange(tables) if numbers is None else numbers
    steps = Table(*[table] * tables)
    return decoded(steps, torch.full((tables,), 5), how, start=START, ends=(END,), numbers=given).ids


def shares(texts: list[list[list[int]]]) -> dict[int | None, float]:
    counts = Counter(text[0][0] if text[0] else None for text in texts)
    return {word: count / len(texts) for word, count in counts.items()}


def test_words_come_as_often_as_they_are_probable_and_temperature_sharpens_them() -> None:
    found = shares(drawn(4000))
    assert found[A] == pytest.approx(0.6, abs=0.03)
    assert found[B] == pytest.approx(0.3, abs=0.03)
    assert found[None] == pytest.approx(0.1, abs=0.02)
    cold = shares(drawn(4000, sampling_temperature=0.5))
    assert cold[A] == pytest.approx(0.36 / 0.46, abs=0.03)


def test_few_of_the_likeliest_words_or_those_of_a_share_are_drawn_from() -> None:
    assert shares(drawn(500, top_k=1)) == {A: 1.0}
    assert set(shares(drawn(500, top_k=2))) == {A, B}
    assert shares(drawn(500, top_p=0.6)) == {A: 1.0}
    assert set(shares(drawn(500, top_p=0.61))) == {A, B}


def test_a_text_hangs_on_its_number_and_the_seed_not_on_those_beside_it() -> None:
    whole = drawn(50)
    assert drawn(50) == whole
    assert drawn(3, np.array([40, 7, 12])) == [whole[40], whole[7], whole[12]]
    assert drawn(50, sampling_seed=1) != whole


def test_several_texts_of_an_input_differ_and_the_likeliest_is_the_first() -> None:
    texts = drawn(40, best=3)
    assert all(len(each) == 3 for each in texts)
    assert any(len({tuple(text) for text in each}) > 1 for each in texts)
    how = Decoding(sampling_temperature=1.0, best=3)
    found = decoded(Table(*[TABLE] * 40), torch.full((40,), 5), how, start=START, ends=(END,), numbers=np.arange(40))
    assert all(scores == sorted(scores, reverse=True) for scores in found.scores)
    row = next(at for at, each in enumerate(found.ids) if each[0] == [A])
    assert found.scores[row][0] == pytest.approx(log(0.6) / 2, abs=1e-4)


def test_what_was_written_in_a_row_is_not_written_again() -> None:
    assert drawn(1, table=LOOP, sampling_temperature=0.0)[0][0] == [A, B, A, B, A]
    assert drawn(1, table=LOOP, sampling_temperature=0.0, no_repeat_ngram=2)[0][0][:3] == [A, B, A]
    assert drawn(1, table=LOOP, sampling_temperature=0.0, no_repeat_ngram=2)[0][0] != [A, B, A, B, A]
    assert drawn(1, table=LOOP, no_repeat_ngram=2, top_k=1)[0][0][:3] == [A, B, A]
    assert drawn(1, table=LOOP, no_repeat_ngram=2, top_k=1)[0][0][3:4] != [B]


def test_words_come_one_by_one_and_the_first_may_be_given() -> None:
    steps = Table(TABLE, TABLE)
    how = Decoding(beams=1)
    seen = [
        (each.rows.tolist(), each.ids.tolist(), each.ended.tolist())
        for each in words(steps, torch.tensor([2, 1]), how, start=START, ends=(END,), numbers=np.arange(2), forced=(B,))
    ]
    assert seen == [([0, 1], [B, B], [False, False]), ([0], [END], [True])]


def test_any_of_several_words_may_end_a_text() -> None:
    how = Decoding(beams=2)
    found = decoded(Table(TABLE), torch.tensor([5]), how, start=START, ends=(END, A), numbers=np.arange(1))
    assert found.ids == [[[]]]
    assert found.ended == [[True]]


def test_a_character_is_shown_once_it_is_whole_and_all_is_shown_at_the_end() -> None:
    def word(byte: int, ended: bool = False) -> Word:
        return Word(torch.tensor([0]), torch.tensor([byte]), torch.tensor([0.0]), torch.tensor([ended]))

    def text_of(ids: list[int]) -> str:
        return bytes(ids).decode("utf-8", "replace")

    said = " né ".encode()
    assert list(in_parts(map(word, said), text_of)) == ["n", "é", " "]
    assert list(in_parts([*map(word, said[:3]), word(0, ended=True)], text_of)) == ["n", "\ufffd"]
