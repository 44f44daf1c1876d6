"""Heads solved with their chain: the least of the loss, and tags that follow from their neighbours alone."""

import numpy as np
import torch

from headstart.data.units import Units
from headstart.heads.chain import TagChain
from headstart.solving.chained import VARIANCE, solve_chained
from headstart.solving.logistic import Part, Solved, solve

FIRST, SECOND, SAME = range(3)


def ambiguous(copies: int = 20) -> tuple[Part, Units]:
    """Sentences of three words; the last two are the same everywhere, their tags go on with what the first word began."""
    words = np.array([[FIRST, SAME, SAME], [SECOND, SAME, SAME]] * copies).ravel()
    targets = np.array([[1, 2, 2], [3, 4, 4]] * copies).ravel()
    return Part(np.eye(3, dtype=np.float32)[words], targets, np.ones(len(words))), Units.counted([3] * 2 * copies)


def alone(part: Part, C: float = 1.0) -> Solved:
    tags = int(part.targets.max()) + 1
    return solve(part, part, labels=tags, rank=lambda logits, targets: (0.0, 0.0), grid=(C,))


def said(head: Solved, part: Part, units: Units) -> np.ndarray:
    chain = TagChain(len(head.bias))
    assert head.transitions is not None
    chain.set(torch.from_numpy(head.transitions))
    with torch.inference_mode():
        return chain(torch.from_numpy(head.logits(part.features)).float(), torch.from_numpy(units.counts)).numpy()


def test_tags_that_only_the_one_before_tells_are_learnt_with_a_chain_and_not_without() -> None:
    part, units = ambiguous()
    words = alone(part)
    assert (words.logits(part.features).argmax(1) == part.targets).mean() < 0.7
    assert (said(solve_chained(part, units, words), part, units).argmax(1) == part.targets).all()


def test_the_solution_is_where_the_loss_has_no_slope() -> None:
    random = np.random.default_rng(3)
    features, targets = random.normal(size=(90, 4)).astype(np.float32) * [1, 5, 0.2, 1] + 2, random.integers(0, 3, 90)
    part, units = Part(features.astype(np.float32), targets, np.ones(90)), Units.counted([1, 29, 20, 40])
    found = solve_chained(part, units, alone(part, 0.05), most=400)
    scale = features.std(0)
    tensors = [torch.from_numpy(each).double() for each in (found.weight * scale, found.bias, found.transitions)]
    weight, bias, transitions = (each.requires_grad_() for each in tensors)
    chain = TagChain(3)
    del chain.transitions
    chain.transitions = transitions  # type: ignore[assignment]
    scores = torch.from_numpy(features / scale) @ weight.T + bias
    loss = chain.loss(scores, torch.from_numpy(targets), torch.from_numpy(units.counts))
    loss = loss + (weight**2).sum() / (2 * 0.05) + (transitions**2).sum() / (2 * VARIANCE)
    loss.backward()
    for each in (weight, bias, transitions):
        assert each.grad is not None
        assert float(each.grad.abs().max()) < 0.05
    assert float(np.abs(found.transitions).max()) > 0.05


def test_time_that_is_up_ends_the_search() -> None:
    part, units = ambiguous()
    asked: list[int] = []
    early = solve_chained(part, units, alone(part), late=lambda: asked.append(1) is None)
    assert len(asked) == 1
    assert early.transitions is not None
    assert np.isfinite(early.transitions).all()


def test_a_tag_that_no_sentence_has_is_never_said() -> None:
    part, units = ambiguous()
    start = solve(part, part, labels=6, rank=lambda logits, targets: (0.0, 0.0), grid=(1.0,))
    assert float(np.exp(said(solve_chained(part, units, start), part, units))[:, [0, 5]].max()) < 1e-6
