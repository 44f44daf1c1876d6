"""How texts are written: by beam search or by chance, how long they may be; kept with what it was chosen for."""

from __future__ import annotations

from abc import ABC
from typing import ClassVar

import numpy as np
from pydantic import Field, model_validator

from headstart.config import Component

MOST_TEXTS = 64
"""Texts that are given for an input at most."""
MARGIN = 10
"""Words that a text may have beyond its share of the input's."""


class DecodingOptions(Component, ABC):
    """Fields that say how texts are written, of a decoding and of the tasks that write."""

    beams: int = Field(default=4, ge=1, le=64)
    """Texts that are followed at the same time, in [1, 64]; 1 takes the likeliest word every time."""
    length_penalty: float = Field(default=1.0, ge=-10, le=10)
    """Power of a text's length that its log-probability is divided by, in [-10, 10]; over 0 favours long texts."""
    longest: float = Field(default=2.0, gt=0, le=100)
    """Tokens that a text may have for each token of its input, beside a few, in (0, 100]."""
    max_new_tokens: int | None = Field(default=None, ge=1, le=100_000)
    """Tokens of a text at most, in [1, 100,000], whatever its input; by default as `longest` has it."""
    sampling_temperature: float = Field(default=0.0, ge=0, le=10)
    """Over 0 words are drawn by chance, by probabilities to the power of 1 / temperature; 0 searches; in [0, 10]."""
    top_k: int = Field(default=0, ge=0, le=1_000_000)
    """Draw among so many of the likeliest words (Fan et al. 2018, section 5.4), in [0, 1,000,000]; 0 draws among all."""
    top_p: float = Field(default=1.0, gt=0, le=1)
    """Draw among the likeliest words that have this probability together (Holtzman et al. 2020, section 3.1), in (0, 1]."""
    sampling_seed: int = Field(default=0, ge=0, le=2**32 - 1)
    """Seed of what is drawn, in [0, 4294967295]; the text of an input depends on it and on the input's number alone."""
    no_repeat_ngram: int = Field(default=0, ge=0, le=100)
    """Tokens in a row that may not occur twice in a text (Paulus et al. 2018, section 2.5), in [0, 100]; 0 allows all."""


class Decoding(DecodingOptions):
    """Beam search, the likeliest word every time, or words drawn by chance; with a limit that follows the input."""

    name: ClassVar[str] = "decoding"

    best: int = Field(default=1, ge=1, le=MOST_TEXTS)
    """Texts that are given for each input, in [1, 64]; where they are searched for no more than there are beams."""

    @model_validator(mode="after")
    def _enough_beams(self) -> Decoding:
        if self.best > self.beams and not self.draws:
            raise ValueError(f"best: {self.best} texts are asked for and {self.beams} are followed; raise beams")
        return self

    @property
    def draws(self) -> bool:
        """Whether words are drawn by chance."""
        return self.sampling_temperature > 0

    def limits(self, lengths: np.ndarray, most: int) -> np.ndarray:
        """Most tokens of each text, int64, shape (rows,).

        Args:
            lengths: tokens of the inputs, shape (rows,).
            most: tokens that the network can write.
        """
        if self.max_new_tokens is not None:
            return np.full(len(lengths), min(self.max_new_tokens, most), dtype=np.int64)
        return np.minimum(np.ceil(self.longest * lengths).astype(np.int64) + MARGIN, most)
