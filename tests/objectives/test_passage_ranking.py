"""In-batch negatives by hand: what is picked among what, and what is no negative."""

from math import exp, log
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from headstart.backbones.base import Encoding
from headstart.data.tokens import TokenWriter
from headstart.data.units import Units
from headstart.objectives.passage_ranking import (
    TOGETHER,
    PassageRanking,
    RankingRows,
    passage_batches,
    shuffled_batches,
)
from headstart.runtime.team import ALONE

# Cosines: question a to passages a 1, b 0, c 0.6; question b to passages a 0, b 1, c 0.8.
A, B, C = (2.0, 0.0), (0.0, 3.0), (0.3, 0.4)


def rows(positives: list[int], negatives: list[list[int]], relevant: list[list[int]], copies: list[int]) -> RankingRows:
    """Texts of one token each, whose id is their place."""

    def tokens(count: int) -> Any:
        writer = TokenWriter()
        writer.add_rows([[at] for at in range(count)], [0] * count)
        return writer.tokens()

    flat = np.array([number for own in relevant for number in own])
    return RankingRows(
        tokens(len(positives)), tokens(len(copies)), np.array(positives), np.array(negatives, dtype=np.int64).reshape(len(positives), -1),
        np.array(copies), Units.counted([len(own) for own in relevant]), flat,
    )  # fmt: skip


def loss(
    objective: PassageRanking, prepared: RankingRows, questions: list[Any], passages: list[Any]
) -> tuple[float, float]:
    """The mean-free loss of all rows, of vectors that a fake backbone gives by token id."""
    batch = objective.collate(prepared, np.arange(len(questions)), 0)
    seen = iter([questions, passages])

    def encode(inputs: Any) -> Encoding:
        vectors = torch.tensor(next(seen))[inputs.ids[:, 0]]
        return Encoding(vectors[:, None], inputs.mask, ())

    model: Any = SimpleNamespace(backbone=SimpleNamespace(encode=encode, hidden_size=2), team=ALONE, lean=False)
    summed, count = objective.loss(model, batch)
    return float(summed), count


def test_a_question_picks_its_passage_among_those_of_the_batch() -> None:
    prepared = rows([0, 1], [[], []], [[0], [1]], [0, 1])
    summed, count = loss(PassageRanking(scale=2.0), prepared, [A, B], [A, B])
    assert summed == pytest.approx(2 * -log(exp(2) / (exp(2) + exp(0))), rel=1e-5)
    assert count == 2.0


def test_negatives_of_one_row_are_negatives_of_all() -> None:
    prepared = rows([0, 1], [[2], [-1]], [[0], [1]], [0, 1, 2])
    summed, _ = loss(PassageRanking(scale=1.0), prepared, [A, B], [A, B, C])
    of_a = -log(exp(1) / (exp(1) + exp(0) + exp(0.6)))
    of_b = -log(exp(1) / (exp(1) + exp(0) + exp(0.8)))
    assert summed == pytest.approx(of_a + of_b, rel=1e-5)


def test_what_answers_too_is_no_negative() -> None:
    prepared = rows([0, 1], [[2], [-1]], [[0, 2], [1]], [0, 1, 2])
    summed, _ = loss(PassageRanking(scale=1.0), prepared, [A, B], [A, B, C])
    assert summed == pytest.approx(-log(exp(1) / (exp(1) + 1)) - log(exp(1) / (exp(1) + 1 + exp(0.8))), rel=1e-5)


def test_a_copy_of_the_right_passage_is_no_negative() -> None:
    prepared = rows([0, 1], [[2], [-1]], [[0], [1]], [0, 1, 0])
    summed, _ = loss(PassageRanking(scale=1.0), prepared, [A, B], [A, B, A])
    # Of b, both copies are negatives: their text answers another question.
    assert summed == pytest.approx(-log(exp(1) / (exp(1) + 1)) - log(exp(1) / (exp(1) + 2)), rel=1e-5)


def test_two_questions_of_one_passage_see_it_once() -> None:
    prepared = rows([0, 0], [[], []], [[0], [0]], [0])
    assert loss(PassageRanking(), prepared, [A, C], [A])[0] == pytest.approx(0.0, abs=1e-6)


def test_symmetric_passages_pick_their_question_too() -> None:
    prepared = rows([0, 1], [[], []], [[0], [1]], [0, 1])
    summed, _ = loss(PassageRanking(scale=1.0, symmetric=True), prepared, [A, C], [A, B])
    forward = -log(exp(1) / (exp(1) + exp(0))) - log(exp(0.8) / (exp(0.6) + exp(0.8)))
    back = -log(exp(1) / (exp(1) + exp(0.6))) - log(exp(0.8) / (exp(0) + exp(0.8)))
    assert summed == pytest.approx((forward + back) / 2, rel=1e-5)


def test_two_questions_of_one_passage_are_not_told_apart_by_it() -> None:
    prepared = rows([0, 0], [[], []], [[0], [0]], [0])
    assert loss(PassageRanking(symmetric=True), prepared, [A, C], [A])[0] == pytest.approx(0.0, abs=1e-6)


def test_short_vectors_are_made_of_length_one_again() -> None:
    prepared = rows([0, 1], [[], []], [[0], [1]], [0, 1])
    summed, _ = loss(
        PassageRanking(scale=1.0, widths=(1,)), prepared, [(3.0, 1.0), (-1.0, 9.0)], [(0.5, 0.0), (-2.0, 1.0)]
    )
    assert summed == pytest.approx(2 * -log(exp(1) / (exp(1) + exp(-1))), rel=1e-5)


def test_it_is_the_mean_over_lengths_of_vectors() -> None:
    prepared = rows([0, 1], [[], []], [[0], [1]], [0, 1])
    given = [(3.0, 1.0), (-1.0, 9.0)], [(0.5, 0.0), (-2.0, 1.0)]
    each = [loss(PassageRanking(widths=(width,)), prepared, *given)[0] for width in (1, 2)]
    assert loss(PassageRanking(widths=(2, 1)), prepared, *given)[0] == pytest.approx(sum(each) / 2, rel=1e-5)


def test_batches_hold_every_row_once_and_hang_on_seed_and_epoch_alone() -> None:
    first = shuffled_batches(103, rows=10, seed=1, epoch=0)
    assert sorted(np.concatenate(first).tolist()) == list(range(103))
    assert {len(batch) for batch in first} == {10, 11}
    again = shuffled_batches(103, rows=10, seed=1, epoch=0)
    assert all((a == b).all() for a, b in zip(first, again, strict=True))
    assert (np.concatenate(first) != np.concatenate(shuffled_batches(103, rows=10, seed=1, epoch=1))).any()


def test_the_questions_of_a_passage_are_together_and_all_rows_stand_once() -> None:
    positives = np.array([at % 20 for at in range(100)] + [77] * (2 * TOGETHER + 1))
    batches = passage_batches(positives, passages=5, seed=1, epoch=0)
    assert sorted(np.concatenate(batches).tolist()) == list(range(len(positives)))
    homes = [{at for at, batch in enumerate(batches) if passage in positives[batch]} for passage in range(20)]
    assert {len(own) for own in homes} == {1}
    drawn = [sum(positives[batch] == 77) for batch in batches]
    assert sum(count > 0 for count in drawn) > 1, "many questions of one passage are not all in one batch"
    again = passage_batches(positives, passages=5, seed=1, epoch=0)
    assert all((a == b).all() for a, b in zip(batches, again, strict=True))
    other = passage_batches(positives, passages=5, seed=1, epoch=1)
    assert (np.concatenate(batches) != np.concatenate(other)).any()


def test_passages_that_are_near_to_each_other_stand_in_one_batch() -> None:
    random = np.random.default_rng(1)
    positives = np.repeat(random.permutation(24), 2)
    kinds = random.normal(size=(12, 16))
    vectors = np.concatenate([kinds, kinds + 0.01 * random.normal(size=kinds.shape)]).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    batches = passage_batches(positives, passages=4, seed=4, epoch=0, vectors=vectors)
    assert sorted(np.concatenate(batches).tolist()) == list(range(48))
    for batch in batches:
        assert len({*positives[batch].tolist()}) == 2 * len({*(positives[batch] % 12).tolist()}) == 4
    other = passage_batches(positives, passages=4, seed=4, epoch=1, vectors=vectors)
    assert (np.concatenate(batches) != np.concatenate(other)).any()


def test_with_stretches_the_best_of_a_passage_counts_beside_the_whole() -> None:
    states = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])

    def tokens(*rows: list[int]) -> Any:
        writer = TokenWriter()
        writer.add_rows(list(rows), [0] * len(rows))
        return writer.tokens()

    def encode(inputs: Any) -> Encoding:
        return Encoding(states[inputs.ids.long()], inputs.mask, ())

    # Stretches of two tokens: of the first passage (1, 1), (1, 2), (2, 2); of the second (3, 2).
    prepared = RankingRows(
        tokens([1], [2]), tokens([1, 1, 2, 2], [3, 2]), np.array([0, 1]), np.full((2, 0), -1), np.arange(2), Units.one_each(2), np.array([0, 1])
    )  # fmt: skip
    objective = PassageRanking(scale=1.0, vector_tokens=2)
    batch = objective.collate(prepared, np.arange(2), 0)
    model: Any = SimpleNamespace(backbone=SimpleNamespace(encode=encode, hidden_size=2), team=ALONE, lean=False)
    summed, _ = objective.loss(model, batch)
    first, second = 0.5**0.5, (1 / 5**0.5, 2 / 5**0.5)
    whole = log(1 + exp(second[0] - first)) + log(1 + exp(first - second[1]))
    stretches = log(1 + exp(second[0] - 1)) + log(1 + exp(1 - second[1]))
    assert float(summed) == pytest.approx((whole + stretches) / 2, rel=1e-5)
