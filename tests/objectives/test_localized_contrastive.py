"""A cross-encoder's choice among a few passages by hand, and what a bi-encoder is taught of a teacher's margins."""

from math import exp, log
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from headstart.backbones.base import Encoding
from headstart.data.tokens import Tokens, TokenWriter
from headstart.objectives.localized_contrastive import ChoiceRows, LocalizedContrastive
from headstart.objectives.margin_mse import MarginMSE, MarginRows
from headstart.runtime.team import ALONE

SCORES = {("a", "x"): 2.0, ("a", "y y"): 1.0, ("b", "y y"): 0.5, ("b", "z z z"): 3.0}


def tokens(rows: list[list[int]]) -> Tokens:
    """Texts by their token ids."""
    writer = TokenWriter()
    writer.add_rows(rows, [0] * len(rows))
    return writer.tokens()


class PairTokenizer:
    """Gives every known pair an id of its own, repeated as often as its second text has words."""

    def encode(self, pairs: list[tuple[str, str]]) -> Tokens:
        known = [*SCORES]
        return tokens([[known.index(pair)] * len(pair[1].split()) for pair in pairs])


def choice(candidates: list[list[int]]) -> tuple[float, float]:
    """The loss of two questions whose pairs a fake network scores by their id."""
    tokenizer: Any = PairTokenizer()
    rows = ChoiceRows(["a", "b"], ["x", "y y", "z z z"], np.array(candidates), tokenizer)
    batch = LocalizedContrastive().collate(rows, np.array([0, 1]), 0)
    values = torch.tensor([*SCORES.values()])
    model: Any = SimpleNamespace(
        encode=lambda inputs: inputs.ids[:, 0], heads={"classification": lambda ids: values[ids][:, None]}
    )
    summed, count = LocalizedContrastive().loss(model, batch)
    return float(summed), count


def test_the_passage_that_answers_is_picked_among_those_of_its_row_alone() -> None:
    summed, count = choice([[0, 1], [1, 2]])
    of_a, of_b = -log(exp(2) / (exp(2) + exp(1))), -log(exp(0.5) / (exp(0.5) + exp(3)))
    assert summed == pytest.approx(of_a + of_b, rel=1e-5)
    assert count == 2.0


def test_a_row_with_fewer_passages_picks_among_fewer() -> None:
    assert choice([[0, -1], [1, 2]])[0] == pytest.approx(-log(exp(0.5) / (exp(0.5) + exp(3))), rel=1e-5)


def test_rows_cost_what_their_pairs_have_of_characters() -> None:
    rows = ChoiceRows(["ab", "c"], ["xyz", "u"], np.array([[0, 1], [1, -1]]), PairTokenizer())  # type: ignore[arg-type]
    assert rows.lengths.tolist() == [2 * 2 + 3 + 1, 1 + 1]


def margin(margins: list[float], pairs: list[list[int]], scale: float) -> float:
    """The loss of two questions, of vectors that a fake network gives by token id."""
    vectors = torch.tensor([[2.0, 0.0], [0.0, 3.0], [0.3, 0.4], [5.0, 0.0]])
    rows = MarginRows(
        tokens([[0], [1]]), tokens([[3], [1, 1], [2, 2, 2]]), np.array(pairs), np.array(margins, dtype=np.float32)
    )
    objective = MarginMSE(scale=scale)

    def encode(inputs: Any) -> Encoding:
        return Encoding(vectors[inputs.ids], inputs.mask, ())

    model: Any = SimpleNamespace(backbone=SimpleNamespace(encode=encode, hidden_size=2), team=ALONE, lean=False)
    return float(objective.loss(model, objective.collate(rows, np.array([1, 0]), 0))[0])


def test_cosines_are_to_be_as_far_apart_as_the_teacher_has_the_passages() -> None:
    # Question 0 has the cosines 1, 0 and 0.6 with the three passages, question 1 the cosines 0, 1 and 0.8.
    assert margin([4.0, 2.0], [[0, 2], [1, 0]], scale=10.0) == pytest.approx(0.0 + (10 - 2) ** 2, abs=1e-3)
    assert margin([0.0, -3.0], [[0, 1], [2, 1]], scale=10.0) == pytest.approx(10.0**2 + (-2 + 3) ** 2, abs=1e-3)
