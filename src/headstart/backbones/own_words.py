"""Words of one side of a network whose two sides share a table, trained without the rows of the other side."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class OwnWords(nn.Module):
    """Vectors of some words of a table, as an embedding that is called with the ids of the whole table.

    Args:
        table: of all words, shape (words, hidden).
        first: the first word that has a vector here.
        behind: the one behind the last.
        pad: id whose vector does not move; it is among them.
        scale: of the vectors that are given.
    """

    def __init__(self, table: Tensor, first: int, behind: int, pad: int, scale: float = 1.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(table[first:behind].detach().clone())
        self.first, self.pad, self.scale = first, pad - first, scale

    def forward(self, ids: Tensor) -> Tensor:
        """Vectors of ids, int64 of any shape; float32 with the vectors' numbers as a further axis."""
        return nn.functional.embedding(ids - self.first, self.weight, padding_idx=self.pad) * self.scale

    @torch.no_grad()
    def put(self, table: Tensor) -> None:
        """Write the vectors into the table of all words."""
        table[self.first : self.first + len(self.weight)] = self.weight
