"""A chain on top of a head: loss and probabilities as counting every sequence gives them, whatever else is in the batch."""

from itertools import product

import pytest
import torch
from torch import Tensor

from headstart.heads.chain import TagChain


def chain_of(tags: int, seed: int = 0, scale: float = 2.0) -> TagChain:
    chain = TagChain(tags)
    with torch.no_grad():
        chain.transitions.copy_(torch.randn(tags, tags, generator=torch.Generator().manual_seed(seed)) * scale)
    return chain


def drawn(counts: list[int], tags: int, scale: float = 3.0) -> tuple[Tensor, Tensor, Tensor]:
    """Scores, targets and counts."""
    random = torch.Generator().manual_seed(sum(counts))
    scores = torch.randn(sum(counts), tags, generator=random) * scale
    return scores, torch.randint(tags, (sum(counts),), generator=random), torch.tensor(counts)


def counted(scores: Tensor, transitions: Tensor, targets: Tensor) -> tuple[float, Tensor]:
    """Loss and probabilities of one sentence, sequence by sequence."""
    words, tags = scores.shape
    transitions = transitions.detach()
    weights, shares = {}, torch.zeros(words, tags, dtype=torch.float64)
    for path in product(range(tags), repeat=words):
        score = sum(float(scores[at, tag]) for at, tag in enumerate(path))
        score += sum(float(transitions[a, b]) for a, b in zip(path, path[1:], strict=False))
        weights[path] = torch.tensor(score, dtype=torch.float64).exp()
    total = torch.stack([*weights.values()]).sum()
    for path, weight in weights.items():
        for at, tag in enumerate(path):
            shares[at, tag] += weight / total
    return -float((weights[tuple(targets.tolist())] / total).log()), shares


@pytest.mark.parametrize("counts", [[1], [4], [1, 3], [2, 0, 5, 1]])
def test_loss_and_probabilities_are_those_of_counting_every_sequence(counts: list[int]) -> None:
    chain, (scores, targets, lengths) = chain_of(3), drawn(counts, 3)
    parts = [each.split(counts) for each in (scores, targets)]
    found = [
        counted(*each)
        for each in zip(parts[0], [chain.transitions] * len(counts), parts[1], strict=True)
        if len(each[0])
    ]
    assert float(chain.loss(scores, targets, lengths).detach()) == pytest.approx(
        sum(each[0] for each in found), rel=1e-5
    )
    torch.testing.assert_close(
        chain(scores, lengths).exp().double(), torch.cat([each[1] for each in found]), atol=1e-6, rtol=1e-5
    )


def test_without_transitions_it_is_the_head_alone() -> None:
    chain, (scores, targets, counts) = TagChain(4), drawn([3, 1, 6], 4)
    torch.testing.assert_close(chain(scores, counts), scores.log_softmax(1))
    alone = torch.nn.functional.cross_entropy(scores, targets, reduction="sum")
    torch.testing.assert_close(chain.loss(scores, targets, counts), alone)


def test_longer_sentences_beside_it_have_no_influence_on_outputs_or_gradient() -> None:
    chain, (scores, targets, counts) = chain_of(3), drawn([3, 9, 1], 3)
    together = chain(scores, counts)
    ends = counts.cumsum(0).tolist()
    for begin, end in zip([0, *ends], ends, strict=False):
        torch.testing.assert_close(chain(scores[begin:end], torch.tensor([end - begin])), together[begin:end])
    scores.requires_grad_()
    chain.loss(scores, targets, counts).backward()
    whole, scores.grad = scores.grad, None
    chain.loss(scores[:3], targets[:3], counts[:1]).backward()
    assert whole is not None
    torch.testing.assert_close(scores.grad[:3], whole[:3])
    assert float(scores.grad[3:].abs().max()) == 0


def test_the_gradient_is_what_the_chain_expects_less_what_is_true() -> None:
    chain, (scores, targets, counts) = chain_of(3), drawn([4, 1, 2], 3)
    scores.requires_grad_()
    chain.loss(scores, targets, counts).backward()
    expected = chain(scores, counts).exp() - torch.nn.functional.one_hot(targets, 3)
    torch.testing.assert_close(scores.grad, expected.detach(), atol=1e-5, rtol=1e-4)
    assert chain.transitions.grad is not None
    assert float(chain.transitions.grad.sum()) == pytest.approx(0, abs=1e-5)  # as many steps expected as there are


def test_long_sentences_with_large_scores_stay_finite() -> None:
    chain, (scores, targets, counts) = chain_of(5, scale=40.0), drawn([2000], 5, scale=80.0)
    scores.requires_grad_()
    chain.loss(scores, targets, counts).backward()
    assert bool(torch.isfinite(scores.grad).all())
    assert bool(torch.isfinite(chain.transitions.grad).all())
    assert bool(torch.isfinite(chain(scores, counts)).all())


def test_scores_in_bfloat16_are_summed_in_float32() -> None:
    chain, (scores, targets, counts) = chain_of(3), drawn([40, 7], 3)
    rounded = scores.bfloat16()
    assert chain(rounded, counts).dtype == torch.float32
    torch.testing.assert_close(chain.loss(rounded, targets, counts), chain.loss(rounded.float(), targets, counts))


def test_no_words_are_no_outputs() -> None:
    assert TagChain(3)(torch.zeros(0, 3), torch.zeros(1, dtype=torch.int64)).shape == (0, 3)


@pytest.mark.parametrize("chained", [True, False])
def test_tags_that_only_the_one_before_tells_are_trained_with_a_chain_and_not_without(chained: bool) -> None:
    words = torch.tensor([0, 2, 2, 1, 2, 2])  # the last two are the same, and go on with what the first began
    targets, counts = torch.tensor([1, 2, 2, 3, 4, 4]), torch.tensor([3, 3])
    torch.manual_seed(0)
    head, chain = torch.nn.Linear(3, 5), TagChain(5)
    moving = [*head.parameters(), *(chain.parameters() if chained else ())]
    optimizer = torch.optim.Adam(moving, lr=0.1)
    states = torch.nn.functional.one_hot(words, 3).float()
    for _ in range(100):
        optimizer.zero_grad()
        chain.loss(head(states), targets, counts).backward()
        optimizer.step()
    assert bool((chain(head(states), counts).argmax(1) == targets).all()) is chained
