"""Late interaction by hand: which token matches which, what each counts, what is no negative."""

from math import exp, log, log1p
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from headstart.backbones.base import Encoding
from headstart.data.tokens import Tokens, TokenWriter
from headstart.data.units import Units
from headstart.objectives.late_interaction import LateInteraction, WeightedRows, token_weights
from headstart.objectives.passage_ranking import RankingRows
from headstart.runtime.team import ALONE

STATES = torch.tensor([[9.0, 9.0], [2.0, 0.0], [0.0, 1.0], [3.0, 4.0]])
"""By token id; id 0 stands for padding."""


def tokens(*rows: list[int]) -> Tokens:
    writer = TokenWriter()
    writer.add_rows(list(rows), [0] * len(rows))
    return writer.tokens()


def loss(
    questions: Tokens, passages: Tokens, positives: list[int], relevant: list[list[int]], weights: list[float]
) -> float:
    flat = np.array([number for own in relevant for number in own])
    none = np.full((len(positives), 0), -1, dtype=np.int64)
    units = Units.counted([len(own) for own in relevant])
    rows = RankingRows(questions, passages, np.array(positives), none, np.arange(len(passages)), units, flat)
    prepared = WeightedRows(rows, np.array(weights, dtype=np.float32))
    batch = LateInteraction(scale=2.0).collate(prepared, np.arange(len(positives)), 0)

    def encode(inputs: Any) -> Encoding:
        return Encoding(STATES[inputs.ids.long()], inputs.mask, ())

    model: Any = SimpleNamespace(backbone=SimpleNamespace(encode=encode, hidden_size=2), team=ALONE, lean=False)
    summed, count = LateInteraction(scale=2.0).loss(model, batch)
    assert count == len(positives)
    return float(summed)


def test_each_token_is_matched_with_the_nearest_of_a_passage_and_counts_by_its_weight() -> None:
    # Of the first question's tokens 1 and 2, weights 3 and 1: the best cosines with passage (3,) are 0.6 and 0.8, with (1, 2, 2) both
    # 1. Of the second one's token 3: 1 and 0.8.
    found = loss(tokens([1, 2], [3]), tokens([3], [1, 2, 2]), [0, 1], [[0], [1]], [5.0, 3.0, 1.0, 7.0])
    own = (3 * 0.6 + 0.8) / 4
    assert found == pytest.approx(log(1 + exp(2 * (1 - own))) + log(1 + exp(2 * (1 - 0.8))), rel=1e-5)


def test_what_answers_too_is_no_negative() -> None:
    questions, passages = tokens([1], [2]), tokens([1], [2])
    both = loss(questions, passages, [0, 1], [[0, 1], [1]], [1.0] * 4)
    assert both == pytest.approx(-log(exp(2) / (exp(2) + 1)), rel=1e-5), (
        "the first question has nothing to be told from"
    )


def test_a_question_whose_tokens_count_nothing_matches_all_alike() -> None:
    assert loss(tokens([1], [2]), tokens([1], [2]), [0, 1], [[0], [1]], [0.0] * 4) == pytest.approx(2 * log(2))


def test_rare_tokens_count_more_and_special_ones_nothing() -> None:
    tokenizer: Any = SimpleNamespace(vocabulary={"[PAD]": 0, "a": 1, "b": 2, "c": 3}, special={"pad": 0})
    found = token_weights(tokens([1, 1, 2, 0], [1], [1, 2, 0]), tokenizer)
    assert found == pytest.approx([0.0, log1p(0.5 / 3.5), log1p(1.5 / 2.5), log1p(3.5 / 0.5)])
