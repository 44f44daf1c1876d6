"""Which rows go together: length-sorted batches under a token budget, a pure function of (seed, epoch)."""

import math

import numpy as np

INFERENCE_TOKENS = {"cpu": 1024, "cuda": 4096}
"""Padded tokens per batch without gradient, by type of device. On a processor what one layer hands to the next has to stay in its
caches: four times as many are a fifth slower there (docs/log.md)."""
PADDING = 1.03
"""Tokens of a training batch with its padding, over those without."""
PART = 0.8
"""Batches of a part, whose rows are alike on one side, by the root of the number of all batches: with fewer they are more alike on
that side, and less on the other. On 29,000 pairs of captions 1.02 tokens with padding come to one without, by one length 1.08."""
MOST_BATCHES = 1.4
"""Training batches at most, over those of fixed size."""


def sorted_batches(lengths: np.ndarray, budget: int) -> list[np.ndarray]:
    """All rows once, longest first, for prediction and feature extraction.

    Args:
        lengths: tokens per row, shape (rows,).
        budget: most padded tokens per batch; a row longer than it gets a batch of its own.
    """
    order = np.argsort(-lengths, kind="stable")
    return _fill(order, lengths, budget)


def inference_batches(lengths: np.ndarray, device: str = "cpu") -> list[np.ndarray]:
    """All rows once, longest first, in batches of the size that suits a type of device.

    Args:
        lengths: tokens per row, shape (rows,).
        device: `cpu` or `cuda`.
    """
    return sorted_batches(lengths, INFERENCE_TOKENS.get(device, INFERENCE_TOKENS["cuda"]))


def training_batches(lengths: np.ndarray, *, rows: int, seed: int, epoch: int) -> list[np.ndarray]:
    """All rows once, rows of like length together, batches in random order.

    In the order of lengths a row moves by up to half a batch, so that its company changes from epoch to epoch and batches of
    many rows hold next to no padding. The token budget is set so that a batch holds `rows` rows on average, hence the
    number of updates is that of batches of fixed size.

    Args:
        lengths: tokens per row, shape (rows,).
        rows: rows per batch on average, at least 1.
        seed: of the run.
        epoch: from 0; the same (seed, epoch) gives the same batches, whatever ran before.
    """
    lengths = np.asarray(lengths)
    random = np.random.default_rng([seed, epoch, 0xBA7C4])
    order = np.argsort(-(lengths + random.random(len(lengths))), kind="stable")
    order = order[np.argsort(np.arange(len(order)) + random.uniform(0, rows / 2, len(order)), kind="stable")]
    return _shuffled(order, lengths, rows, random)


def paired_batches(read: np.ndarray, written: np.ndarray, *, rows: int, seed: int, epoch: int) -> list[np.ndarray]:
    """All rows once, rows of which both sides are of like length together, batches in random order.

    Rows are parted by the length of the one side, and in each part sorted by that of the other, up and down in turn, so that
    neighbours are alike on both sides also where one part ends and the next begins.

    Args:
        read: tokens of the one side of each row, shape (rows,).
        written: tokens of the other side.
        rows: per batch on average, at least 1.
        seed: of the run.
        epoch: from 0; the same (seed, epoch) gives the same batches, whatever ran before.
    """
    random = np.random.default_rng([seed, epoch, 0xBA7C5])
    count = len(read)
    parts = max(1, round(math.sqrt(count / rows) / PART))
    place = np.empty(count, dtype=np.int64)
    place[np.argsort(-(written + random.random(count)), kind="stable")] = np.arange(count)
    part = place * parts // max(count, 1)
    other = read + random.random(count)
    order = np.lexsort((np.where(part % 2 == 0, -other, other), part))
    return _shuffled(order, np.maximum(read, written), rows, random)


def _shuffled(order: np.ndarray, lengths: np.ndarray, rows: int, random: np.random.Generator) -> list[np.ndarray]:
    """Batches of neighbours under a token budget that so many rows take on average, in random order."""
    updates = max(1, round(len(lengths) / rows))
    budget = max(1, round(float(lengths.mean()) * rows * PADDING))
    while len(batches := _filled(order, lengths, budget)) > MOST_BATCHES * updates:
        budget = math.ceil(1.1 * budget)  # few rows, of which no two are of like length
    if len(batches) == 1 < updates:
        batches = list(np.array_split(order, updates))
    return [batches[i] for i in random.permutation(len(batches))]


def _filled(order: np.ndarray, lengths: np.ndarray, budget: int) -> list[np.ndarray]:
    """As `_fill` has them, but what is left for the last one goes to the one before where that is under half a batch."""
    batches = _fill(order, lengths, budget)
    last = batches[-1]
    if len(batches) > 1 and 2 * int(lengths[last].max()) * len(last) < budget:
        batches[-2:] = [np.concatenate(batches[-2:])]
    return batches


def _fill(order: np.ndarray, lengths: np.ndarray, budget: int) -> list[np.ndarray]:
    batches: list[np.ndarray] = []
    start = 0
    longest = 0
    for at, row in enumerate(order):
        width = max(longest, int(lengths[row]))
        if at > start and width * (at - start + 1) > budget:
            batches.append(order[start:at])
            start, width = at, int(lengths[row])
        longest = width
    if len(order) > start:
        batches.append(order[start:])
    return batches
