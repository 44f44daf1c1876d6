"""How long texts are in tokens, and what the limit of a network cuts off."""

from __future__ import annotations

from typing import Any

import numpy as np

from headstart.data.long_texts import TokenRows


def lengths(tokens: TokenRows, limit: int, inputs: str = "texts") -> dict[str, Any]:
    """How long the training texts are in tokens, and what the limit cuts off.

    Args:
        tokens: of the training rows.
        limit: most tokens that the network reads at once.
        inputs: what one of them is called, in the plural.
    """
    full = tokens.uncut
    windowed = int((tokens.lengths > limit).sum())
    return {
        **({"windowed": windowed} if windowed else {}),
        "inputs": inputs,
        "texts": len(full),
        "tokens": int(full.sum()),
        "tokens_lost": int(tokens.lost.sum()),
        "median": int(np.median(full)),
        "p95": int(np.percentile(full, 95)),
        "max": int(full.max()),
        "limit": limit,
        "truncated": int((tokens.lost > 0).sum()),
        "tokens_lost_share": float(tokens.lost.sum() / max(full.sum(), 1)),
    }
