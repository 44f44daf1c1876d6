"""How tokens of one text match those of others: late interaction."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def token_matches(asked: Tensor, read: Tensor, lengths: Sequence[int]) -> Tensor:
    """The highest cosine that each token of questions has with any token of a passage.

    Args:
        asked: vectors of length 1, shape (tokens of questions, hidden).
        read: vectors of length 1, shape (tokens of passages, hidden), one passage's after the other's.
        lengths: tokens of each passage, each at least 1.

    Returns:
        Shape (tokens of questions, passages).
    """
    cosines = asked @ read.T
    return torch.stack([some.amax(1) for some in cosines.split(list(lengths), dim=1)], dim=1)


def weighted_means(values: Tensor, weights: Tensor, homes: Tensor, count: int) -> Tensor:
    """The mean of each question over its tokens by their weights; 0 where these are all 0.

    Args:
        values: of tokens, shape (tokens, passages).
        weights: at least 0, shape (tokens,).
        homes: the question of each token, int64, shape (tokens,).
        count: questions.

    Returns:
        Shape (count, passages).
    """
    sums = values.new_zeros(count, values.shape[1]).index_add(0, homes, values * weights[:, None])
    whole = weights.new_zeros(count).index_add(0, homes, weights)
    return sums / whole.clamp(min=1e-6)[:, None]
