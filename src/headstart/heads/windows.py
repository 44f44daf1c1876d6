"""Texts read in windows: every window passes the network by itself, and a text is the mean (or maximum) of its windows."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from headstart.backbones.base import Inputs
from headstart.data.batches import inference_batches
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


def in_parts(read: Callable[[Inputs], Tensor], inputs: Inputs) -> Tensor:
    """What `read` makes of windows, of which those of like length go together, a few thousand tokens at a time.

    Args:
        read: takes some windows and gives a row for each.
        inputs: all windows.

    Returns:
        Rows in the order of the windows; gradients flow through all of them.
    """
    lengths = inputs.mask.sum(1)
    parts = inference_batches(lengths.cpu().numpy(), lengths.device.type)
    lean = torch.is_grad_enabled() and int(lengths.sum()) > KEPT_TOKENS
    found = []
    for rows in parts:
        some = inputs.take(torch.from_numpy(rows).to(lengths.device), int(lengths[rows[0]]))
        # The mask is handed over by itself: by the tensors that it is given, torch tells whose random numbers to keep.
        if lean:
            found.append(checkpoint(lambda _, some=some: read(some), some.mask, use_reentrant=False))
        else:
            found.append(read(some))
    return torch.cat(found)[torch.from_numpy(np.argsort(np.concatenate(parts)))]


def windowed_states(model: Model, head: PooledHead, inputs: Inputs) -> Tensor:
    """What a head reads of texts that are read in windows, shape (texts, layers * hidden).

    Args:
        model: whose backbone reads.
        head: one of its heads.
        inputs: windows, with `homes`.
    """
    if inputs.homes is None:
        raise ValueError("these rows are no windows of texts")
    pooled = in_parts(lambda some: head.pooled(model.encode(some)), inputs)
    return joined(pooled, inputs.mask.sum(1), inputs.homes, head.pooling)


def windowed_logits(model: Model, head: PooledHead, inputs: Inputs) -> Tensor:
    """Outputs of texts that are read in windows, shape (texts, outputs); arguments as for `windowed_states`."""
    return head.answers(windowed_states(model, head, inputs))
