"""How likely a network finds texts that people wrote: metrics of losses, which sum over rows."""

from __future__ import annotations

from math import log

import numpy as np

from headstart.metrics.base import Metric, Tally
from headstart.metrics.results import ReplyResults

NATS, TOKENS, BYTES = range(3)
"""What is summed of each row."""
MOST = 1e6
"""Largest loss and perplexity that are told apart from endless ones."""


def _tally(results: ReplyResults) -> Tally:
    return Tally.of(np.stack([results.losses, results.counts, results.bytes], axis=1).astype(np.float64))


def _per_token(sums: np.ndarray) -> np.ndarray:
    return sums[..., NATS] / np.maximum(sums[..., TOKENS], 1)


def _per_byte(sums: np.ndarray) -> np.ndarray:
    return sums[..., NATS] / log(2) / np.maximum(sums[..., BYTES], 1)


def _perplexity(sums: np.ndarray) -> np.ndarray:
    return np.exp(np.minimum(_per_token(sums), log(MOST)))


_SERVES = frozenset({ReplyResults.kind})
TOKEN_LOSS = Metric("token_loss", "loss per token, nats", _SERVES, _tally, _per_token, lower_is_better=True, is_loss=True,
                    bounds=(0.0, MOST))  # fmt: skip
"""Mean negative log-probability of a token; of networks with one tokenizer only the same numbers mean the same."""
BITS_PER_BYTE = Metric("bits_per_byte", "bits per byte", _SERVES, _tally, _per_byte, lower_is_better=True, is_loss=True,
                       bounds=(0.0, MOST))  # fmt: skip
"""Loss by bytes of text (Gao et al. 2020, section 3.1), which holds for networks with different tokenizers."""
PERPLEXITY = Metric("perplexity", "perplexity", _SERVES, _tally, _perplexity, hub="perplexity", lower_is_better=True, is_loss=True,
                    bounds=(1.0, MOST))  # fmt: skip
"""Exponential of the loss per token (Jelinek et al. 1977)."""
