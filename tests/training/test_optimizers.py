"""AdamW and Muon behind one face: who moves what, and that nothing is lost between stopping and going on."""

import torch
from torch import nn

from headstart.training.optimizers import Optimizer


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 4), nn.Linear(4, 3))


def groups(net: nn.Sequential, decay: float = 0.0) -> list[dict[str, object]]:
    return [
        {"params": [net[0].weight, net[1].weight], "lr": 0.1, "peak": 0.1, "weight_decay": decay},
        {"params": [net[0].bias, net[1].bias], "lr": 0.1, "peak": 0.1, "weight_decay": 0.0},
    ]


def gradients(net: nn.Sequential, seed: int = 1) -> None:
    generator = torch.Generator().manual_seed(seed)
    for parameter in net.parameters():
        parameter.grad = torch.randn(parameter.shape, generator=generator)


def made(net: nn.Sequential, matrices: frozenset[int] = frozenset()) -> Optimizer:
    return Optimizer(groups(net), betas=(0.9, 0.98), epsilon=1e-8, matrices=matrices)


def test_without_matrices_it_is_adamw_to_the_bit() -> None:
    one, other = network(), network()
    ours = made(one)
    theirs = torch.optim.AdamW(groups(other), betas=(0.9, 0.98), eps=1e-8, fused=True)
    for seed in range(3):
        gradients(one, seed)
        gradients(other, seed)
        ours.step()
        theirs.step()
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))


def test_a_matrix_under_muon_moves_by_nearly_the_same_along_all_directions() -> None:
    net = network()
    before = net[0].weight.detach().clone()
    bias = net[0].bias.detach().clone()
    optimizer = made(net, frozenset([id(net[0].weight)]))
    gradients(net)
    optimizer.step()
    lengths = torch.linalg.svdvals((net[0].weight - before).detach()) / (0.1 * 0.2 * 6**0.5)
    assert (lengths > 0.6).all()
    assert (lengths < 1.3).all()
    assert torch.allclose((net[0].bias - bias).abs(), torch.full((4,), 0.1), atol=1e-4), "the rest is AdamW's"
    assert {*optimizer.moments(net[0].weight)} == {"momentum_buffer"}
    assert {*optimizer.moments(net[1].weight)} == {"step", "exp_avg", "exp_avg_sq"}


def test_what_is_remembered_can_be_put_into_another_one() -> None:
    one, other = network(), network()
    chosen = [frozenset([id(net[0].weight)]) for net in (one, other)]
    first, second = made(one, chosen[0]), made(other, chosen[1])
    gradients(one)
    first.step()
    for mine, theirs in zip(one.parameters(), other.parameters(), strict=True):
        theirs.data.copy_(mine.data)
        for name, value in first.moments(mine).items():
            second.set_moment(theirs, name, value.clone())
    for net, optimizer in ((one, first), (other, second)):
        gradients(net, 2)
        optimizer.step()
        optimizer.zero_grad()
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))
    assert all(parameter.grad is None for parameter in one.parameters())
    first.forget()
    assert not first.moments(one[0].weight)
