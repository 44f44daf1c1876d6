"""Words weighed by integrated gradients, from a text without words to the text as it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.attribution.explanation import Explanation
from headstart.attribution.reading import ReadInput, readings
from headstart.attribution.scorer import Scorer, in_float32
from headstart.errors import UsageError
from headstart.runtime.progress import SILENT, Progress

if TYPE_CHECKING:
    from torch import Tensor

    from headstart.predictors.network import NetworkPredictor

STEPS = 50
"""Points of the Gauss-Legendre quadrature along the way, as captum has them by default."""
MOST_TOKENS = 4096
"""Tokens that pass the network at once with their gradient."""


def by_integrated_gradients(
    scorer: Scorer,
    inputs: Sequence[Any],
    *,
    of: Sequence[Sequence[int]] | None = None,
    progress: Progress = SILENT,
) -> list[Explanation]:
    """Integrated gradients of the answer (Sundararajan, Taly & Yan 2017, equation 1), summed over the tokens of each word.

    They begin at the text in which every token is a hidden word (`[MASK]`, or padding where the network knows none), with its
    places and the tokens around it kept, in float32.

    Args:
        scorer: the model, a network of the kind `transformers`.
        inputs: texts, or pairs of them, none of them blank.
        of: as for occlusion.
        progress: advanced by inputs.

    Raises:
        UsageError: a text is read in several windows.
    """
    if not len(inputs):
        return []
    with in_float32(scorer.predictor):
        found = readings(scorer.predictor, scorer.task, inputs)
        network: Any = getattr(scorer.predictor, "network", scorer.predictor)
        outputs = scorer.outputs([each.whole for each in found])
        said = scorer.said(outputs) if of is None else of
        explained = []
        for each, own in zip(found, said, strict=True):
            explained.append(_explained(scorer, network, each, own))
            progress.advance(1)
    return explained


def _explained(scorer: Scorer, network: NetworkPredictor, reading: ReadInput, own: Sequence[int]) -> Explanation:
    tokenizer = network.backbone.tokenizer
    if tokenizer.overlap is not None and isinstance(reading.whole, str) and not tokenizer.fits(reading.whole):
        raise UsageError(
            f"a text of {len(reading.whole):,} characters is read in several windows; integrated gradients are of one, so take "
            "occlusion"
        )
    framed = tokenizer.framed_text(reading.whole)
    hidden = tokenizer.special.get("mask")
    baseline = tokenizer.pad_id if hidden is None else hidden
    ids = np.array(framed.ids, dtype=np.int64)
    sides = np.array([-1 if side is None else side for side in framed.sequence_ids])
    start = np.where(sides >= 0, baseline, ids)
    weights, gaps, scores = integrated_gradients(network, ids, start, own)
    shares = _shares(reading, framed.offsets, sides)
    summed = weights @ shares
    summed[:, [at for at in range(len(reading.places)) if at not in {*reading.seen}]] = np.nan
    return Explanation(
        "integrated-gradients",
        scorer.names(own),
        tuple(scores),
        reading.texts,
        reading.places,
        summed,
        unread=len(reading.places) - len(reading.seen),
        hidden_by=tokenizer.token(baseline),
        gaps=tuple(gaps),
    )


def integrated_gradients(
    network: NetworkPredictor, ids: np.ndarray, start: np.ndarray, own: Sequence[int]
) -> tuple[np.ndarray, list[float], list[float]]:
    """Integrated gradients of some of a network's answers by the embeddings of a text's words, summed over their numbers.

    Args:
        network: whose backbone and head answer.
        ids: of the text, with the tokens around it, shape (tokens,).
        start: ids where the way begins, of the same shape.
        own: numbers of the labels; 0 for the number.

    Returns:
        Weights of shape (labels, tokens); for each label what these sum to less the difference of the answers at both ends of the
        way; and the answers at its end.
    """
    import torch

    nodes, shares = np.polynomial.legendre.leggauss(STEPS)
    points = torch.tensor((1 + nodes) / 2, dtype=torch.float32)
    shares = torch.tensor(shares / 2, dtype=torch.float32)
    size = max(1, MOST_TOKENS // len(ids))
    device = network.backbone.device
    pair = torch.from_numpy(np.stack([start, ids])).to(device)
    with torch.no_grad():
        ends = network.backbone.network.get_input_embeddings()(pair).float()
        before, behind = _answers(network, pair, own).cpu().numpy().astype(np.float64)
    total = torch.zeros((len(own), *ends.shape[1:]), dtype=torch.float64)
    for some, share in zip(points.split(size), shares.split(size), strict=True):
        way = ends[0] + some.to(device)[:, None, None] * (ends[1] - ends[0])  # (points, tokens, width)
        with torch.enable_grad(), _embedded(network, way.requires_grad_()):
            found = _answers(network, pair[1].expand(len(some), -1), own)
            for at in range(len(own)):
                (gradient,) = torch.autograd.grad(found[:, at].sum(), way, retain_graph=at + 1 < len(own))
                total[at] += torch.einsum("p,ptw->tw", share, gradient.cpu()).double()
    weights = (total * (ends[1] - ends[0]).cpu().double()).sum(2).numpy()
    return weights, (weights.sum(1) - (behind - before)).tolist(), behind.tolist()


def _answers(network: NetworkPredictor, ids: Tensor, own: Sequence[int]) -> Tensor:
    """Probabilities of some labels, or numbers, of rows of ids, shape (rows, labels)."""
    import torch

    from headstart.backbones.base import Inputs

    inputs = Inputs(ids, torch.ones_like(ids))
    logits = network.head(network.backbone.run(inputs, layers=not network.head.only_last))
    if network.task.target_kind == "number":
        mean, deviation = network.task.output_scale
        return logits * deviation + mean
    return (logits.softmax(1) if network.task.target_kind == "label" else logits.sigmoid())[:, list(own)]


@contextmanager
def _embedded(network: NetworkPredictor, vectors: Tensor) -> Iterator[None]:
    """Give the network vectors of words in place of those of its ids."""
    table = network.backbone.network.get_input_embeddings()
    handle = table.register_forward_hook(lambda *_: vectors)
    try:
        yield
    finally:
        handle.remove()


def _shares(reading: ReadInput, offsets: Sequence[tuple[int, int]], sides: np.ndarray) -> np.ndarray:
    """Which share of each token belongs to each word, by the characters that they have in common, shape (tokens, words)."""
    found = np.zeros((len(offsets), len(reading.places)))
    for side in range(len(reading.texts)):
        words = [at for at, place in enumerate(reading.places) if place.side == side]
        starts = np.array([reading.places[at].start for at in words])
        ends = np.array([reading.places[at].end for at in words])
        for token in np.flatnonzero(sides == side).tolist():
            begin, end = offsets[token]
            common = np.clip(np.minimum(ends, end) - np.maximum(starts, begin), 0, None)
            if common.sum():
                found[token, words] = common / common.sum()
    return found
