"""How texts are written: by beam search or by chance, how long they may be; kept with what it was chosen for."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field, model_validator

from headstart.config import Component

MARGIN = 10
"""Words that a text may have beyond its share of the input's."""


class Decoding(Component):
    """Greedy or beam search, with a limit that follows the input."""

    name: ClassVar[str] = "decoding"

    beams: int = Field(default=4, ge=1, le=64)
    """Texts that are followed at the same time, in [1, 64]; 1 takes the likeliest word every time."""
    length_penalty: float = Field(default=1.0, ge=-10, le=10)
    """Power of a text's length that its log-probability is divided by, in [-10, 10]; over 0 favours long texts."""
    best: int = Field(default=1, ge=1, le=64)
    """Texts that are given for each input, in [1, 64], no more than there are beams."""
    longest: float = Field(default=2.0, gt=0, le=100)
    """Tokens that a text may have for each token of its input, beside a few, in (0, 100]."""

    @model_validator(mode="after")
    def _enough_beams(self) -> Decoding:
        if self.best > self.beams:
            raise ValueError(f"best: {self.best} texts are asked for and {self.beams} are followed; raise beams")
        return self

    def limits(self, lengths: np.ndarray, most: int) -> np.ndarray:
        """Most tokens of each text, int64, shape (rows,).

        Args:
            lengths: tokens of the inputs, shape (rows,).
            most: tokens that the network can write.
        """
        return np.minimum(np.ceil(self.longest * lengths).astype(np.int64) + MARGIN, most)
