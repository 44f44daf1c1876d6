"""Texts read in windows: every window passes the network by itself, and a text is the mean (or maximum) of its windows."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from headstart.data.batches import INFERENCE_TOKENS, sorted_batches
from headstart.heads.model import Model
from headstart.heads.pooled import PooledHead

KEPT_TOKENS = 16_384
"""Tokens of a batch up to which activations are kept for the gradient; those of more are computed again on the way back, so
that a text of any length can be learnt from: a third more time, the same numbers."""


def joined(pooled: Tensor, lengths: Tensor, homes: Tensor, pooling: str) -> Tensor:
    """One vector per text from the pooled states of its windows.

    The mean over tokens counts every window by its tokens, so it is the mean over all that was read; windows of which the
    first or the last token is read count alike (mean pooling of fractions, Sun, Qiu, Xu & Huang 2019, section 5.3.1).

    Args:
        pooled: shape (windows, ...).
        lengths: tokens of each window, special ones included, shape (windows,).
        homes: number of the text of each window, from 0, ascending and without a gap, shape (windows,).
        pooling: how tokens became one vector: `first`, `last`, `mean` or `max`.

    Returns:
        Shape (texts, ...); of a text with one window what that has, to the bit.
    """
    shape = (int(homes[-1]) + 1, *pooled.shape[1:])
    if pooling == "max":
        places = homes.view(-1, *[1] * (pooled.ndim - 1)).expand_as(pooled)
        return pooled.new_zeros(shape).scatter_reduce(0, places, pooled, "amax", include_self=False)
    weights = (lengths if pooling == "mean" else torch.ones_like(lengths)).to(pooled.dtype)
    shares = weights / weights.new_zeros(shape[0]).index_add(0, homes, weights)[homes]  # (windows,)
    return pooled.new_zeros(shape).index_add(0, homes, pooled * shares.view(-1, *[1] * (pooled.ndim - 1)))


def in_parts(read: Callable[[Tensor, Tensor], Tensor], ids: Tensor, mask: Tensor) -> Tensor:
    """What `read` makes of windows, of which those of like length go together, a few thousand tokens at a time.

    Args:
        read: takes ids and mask of some windows and gives a row for each.
        ids: of all windows, shape (windows, tokens).
        mask: 1 for tokens, 0 for padding on the right, same shape.

    Returns:
        Rows in the order of the windows; gradients flow through all of them.
    """
    lengths = mask.sum(1)
    parts = sorted_batches(lengths.cpu().numpy(), INFERENCE_TOKENS)
    lean = torch.is_grad_enabled() and int(lengths.sum()) > KEPT_TOKENS
    found = []
    for rows in parts:
        width = int(lengths[rows[0]])
        given = ids[rows, :width], mask[rows, :width]
        found.append(checkpoint(read, *given, use_reentrant=False) if lean else read(*given))
    return torch.cat(found)[torch.from_numpy(np.argsort(np.concatenate(parts)))]  # type: ignore[arg-type]


def windowed_logits(model: Model, head: PooledHead, ids: Tensor, mask: Tensor, homes: Tensor) -> Tensor:
    """Outputs of texts that are read in windows, shape (texts, outputs).

    Args:
        model: whose backbone reads.
        head: one of its heads.
        ids: of the windows, shape (windows, tokens).
        mask: 1 for tokens, 0 for padding on the right, same shape.
        homes: as `joined` has it.
    """
    pooled = in_parts(lambda ids, mask: head.pooled(model.encode(ids, mask)), ids, mask)
    return head.answers(joined(pooled, mask.sum(1), homes, head.pooling))
