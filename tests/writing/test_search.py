"""Beam search on a table of probabilities: what is found by hand, what leaves the batch, and where it ends."""

from itertools import product
from math import log

import numpy as np
import pytest
import torch

from headstart.writing.decoding import Decoding
from headstart.writing.search import Found, search

START, END, A, B = 0, 1, 2, 3


class Table:
    """A network that knows words by the last one alone: log-probabilities, shape (words, words); rows may have tables of their own."""

    def __init__(self, *tables: dict[int, dict[int, float]]) -> None:
        self.tables = torch.full((len(tables), 4, 4), -50.0)
        for at, table in enumerate(tables):
            for word, following in table.items():
                for other, probability in following.items():
                    self.tables[at, word, other] = log(probability)
        self.rows = torch.arange(len(tables))
        self.asked: list[int] = []

    def next(self, ids: torch.Tensor) -> torch.Tensor:
        self.asked.append(len(ids))
        return self.tables[self.rows, ids].clone()

    def select(self, rows: torch.Tensor) -> None:
        self.rows = self.rows[rows]


GARDEN = {START: {A: 0.6, B: 0.4}, A: {A: 0.4, B: 0.3, END: 0.3}, B: {END: 0.9, A: 0.1}}
"""The likeliest first word leads to no likely text."""


def found(*tables: dict[int, dict[int, float]], limits: list[int] | None = None, **options: object) -> Found:
    steps = Table(*tables)
    most = torch.tensor(limits or [5] * len(tables))
    return search(steps, most, start=START, ends=(END,), **options)  # type: ignore[arg-type]


def test_one_beam_takes_the_likeliest_word_every_time_and_two_find_the_likelier_text() -> None:
    assert found(GARDEN, beams=1, length_penalty=0.0).ids == [[[A, A, A, A, A]]]
    two = found(GARDEN, beams=2, kept=2, length_penalty=0.0)
    assert two.ids[0][0] == [B]
    assert two.scores[0][0] == pytest.approx(log(0.4 * 0.9), abs=1e-5)
    assert two.ended[0][0]


def test_as_many_beams_as_there_are_texts_find_the_best_of_all() -> None:
    generator = np.random.default_rng(0)
    for _ in range(20):
        weights = generator.dirichlet([0.5] * 3, size=4)
        table = {word: dict(zip((END, A, B), weights[word] + 1e-9, strict=True)) for word in range(4)}
        texts = {}
        for length in range(1, 5):
            for middle in product((A, B), repeat=length - 1):
                for last in (END,) if length < 4 else (END, A, B):
                    path = [START, *middle, last]
                    texts[tuple(path[1:])] = sum(
                        log(table[one][other]) for one, other in zip(path, path[1:], strict=False)
                    )
        best = max(texts, key=lambda path: texts[path])
        wide = found(table, limits=[4], beams=24, length_penalty=0.0)
        assert wide.ids[0][0] == [word for word in best if word != END]
        assert wide.scores[0][0] == pytest.approx(texts[best], abs=1e-4)


def test_rows_that_are_done_leave_the_batch_and_texts_come_back_in_order() -> None:
    quick, slow = {START: {END: 0.99, A: 0.01}, A: {END: 1.0}}, {START: {A: 1.0}, A: {A: 1.0}}
    steps = Table(slow, quick, slow)
    said = search(steps, torch.tensor([4, 4, 2]), start=START, ends=(END,), beams=1)
    assert said.ids == [[[A] * 4], [[]], [[A, A]]]
    assert said.ended == [[False], [True], [False]]
    assert steps.asked == [3, 2, 1, 1]


def test_a_first_word_may_be_forced_and_the_end_be_put_off() -> None:
    assert found(GARDEN, beams=1, forced=(B,)).ids[0][0] == [B]
    quick = {START: {END: 0.99, A: 0.01}, A: {END: 0.9, A: 0.1}}
    assert found(quick, beams=1).ids[0][0] == []
    assert found(quick, beams=1, least=2).ids[0][0] == [A, A]


def test_limits_follow_the_input_and_no_more_texts_are_given_than_are_followed() -> None:
    assert Decoding(longest=1.5).limits(np.array([2, 5, 400]), 100).tolist() == [13, 18, 100]
    with pytest.raises(ValueError, match="5 texts are asked for and 4 are followed; raise beams"):
        Decoding(best=5)
