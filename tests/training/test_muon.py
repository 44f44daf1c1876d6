"""Muon as torch has it, and singular values as they should be."""

import pytest
import torch

from headstart.training.muon import Muon, orthogonal


@pytest.mark.parametrize("shape", [(3, 6, 4), (2, 4, 9), (1, 5, 5)])
def test_all_singular_values_come_near_one_and_the_directions_stay(shape: tuple[int, int, int]) -> None:
    torch.manual_seed(0)
    given = torch.randn(shape) * 40
    found = orthogonal(given)
    assert found.shape == given.shape
    values = torch.linalg.svdvals(found)
    assert values.min() > 0.6
    assert values.max() < 1.3
    u, _, v = torch.linalg.svd(given, full_matrices=False)
    wanted = u.mT @ found @ v.mT
    off = wanted - torch.diag_embed(torch.diagonal(wanted, dim1=1, dim2=2))
    assert off.abs().max() < 1e-4


def test_it_moves_as_the_one_of_torch_does_up_to_the_rounding_of_bfloat16() -> None:
    def matrices() -> list[torch.nn.Parameter]:
        torch.manual_seed(1)
        return [torch.nn.Parameter(torch.randn(shape)) for shape in ((6, 4), (6, 4), (3, 8))]

    mine, theirs = matrices(), matrices()
    before = [each.detach().clone() for each in mine]
    ours = Muon([{"params": mine, "lr": 0.1, "weight_decay": 0.01}])
    other = torch.optim.Muon(theirs, lr=0.1, weight_decay=0.01, adjust_lr_fn="match_rms_adamw")
    for seed in range(3):
        generator = torch.Generator().manual_seed(seed)
        for one, two in zip(mine, theirs, strict=True):
            one.grad = torch.randn(one.shape, generator=generator)
            two.grad = one.grad.clone()
        ours.step()
        other.step()
    for one, two, start in zip(mine, theirs, before, strict=True):
        assert (one - two).norm() < 0.03 * (one - start).norm()


def test_a_matrix_without_a_gradient_stays() -> None:
    still, moving = (torch.nn.Parameter(torch.eye(3)) for _ in range(2))
    moving.grad = torch.eye(3)
    Muon([{"params": [still, moving], "lr": 0.1, "weight_decay": 0.1}]).step()
    assert torch.equal(still, torch.eye(3))
    assert not torch.equal(moving, torch.eye(3))
