"""How a model comes to know rows while it trains: data maps (Swayamdipta et al. 2020), of rows that it does not train on.

The paper reads the probabilities of training rows; here those of rows that are held out, which no training learns by heart.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

Region = Literal["easy", "ambiguous", "hard"]
SHARE = 1 / 3
"""Share of the rows in the regions of ambiguous and hard rows, as in the paper (section 3)."""


@dataclass(frozen=True)
class DataMap:
    """Where rows lie.

    Args:
        confidence: mean probability of the given label over the epochs, in [0, 1], shape (rows,).
        variability: its standard deviation over the epochs, in [0, 0.5], shape (rows,).
        correctness: share of the epochs in which the given label is the likeliest, in [0, 1], shape (rows,).
    """

    confidence: np.ndarray
    variability: np.ndarray
    correctness: np.ndarray

    @property
    def regions(self) -> list[Region]:
        """The region of each row: `ambiguous`, `hard` or `easy`.

        The third of the highest variability is ambiguous; of the others those among the third of the least confidence are hard.
        """
        most = max(1, round(SHARE * len(self.confidence)))
        regions: list[Region] = ["easy"] * len(self.confidence)
        for row in np.argsort(self.confidence, kind="stable")[:most]:
            regions[row] = "hard"
        for row in np.argsort(-self.variability, kind="stable")[:most]:
            regions[row] = "ambiguous"
        return regions


def data_map(probabilities: np.ndarray, right: np.ndarray) -> DataMap:
    """The map of rows by their course.

    Args:
        probabilities: of the given label after each epoch, shape (epochs, rows).
        right: whether it is the likeliest one then, bool, of the same shape.
    """
    return DataMap(probabilities.mean(0), probabilities.std(0), right.mean(0))
