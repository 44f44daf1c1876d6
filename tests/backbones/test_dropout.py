"""Dropout with random numbers of its own: shares, scale, gradients, and the same masks for the same seed."""

import pytest
import torch
from torch import nn

from headstart.backbones.dropout import FastDropout, quicken_dropout


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_numbers_are_dropped_at_their_share_and_the_others_scaled(p: float, dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    found = FastDropout(p)(torch.ones(200, 503, dtype=dtype))
    assert found.dtype == dtype
    kept = found[found != 0]
    assert len(kept) / found.numel() == pytest.approx(1 - p, abs=0.006)  # 100,600 draws: four standard errors
    assert kept.unique().tolist() == pytest.approx([1 / (1 - p)], rel=1e-2 if dtype == torch.bfloat16 else 1e-4)
    rows, columns = (found == 0).float().mean(1), (found == 0).float().mean(0)
    assert abs(rows - p).max() < 0.12
    assert abs(columns - p).max() < 0.19


def test_masks_are_a_function_of_the_seed_of_torch_and_differ_from_call_to_call() -> None:
    drop, x = FastDropout(0.3), torch.ones(7, 9)

    def twice(seed: int) -> torch.Tensor:
        torch.manual_seed(seed)
        return torch.stack([drop(x), drop(x)])

    assert torch.equal(twice(1), twice(1))
    assert not torch.equal(twice(1), twice(2))
    assert not torch.equal(*twice(1))


def test_gradients_pass_where_numbers_passed() -> None:
    x = torch.ones(50, requires_grad=True)
    found = FastDropout(0.4)(x)
    found.sum().backward()
    assert x.grad is not None
    assert torch.equal(x.grad, found.detach())


@pytest.mark.parametrize("p", [0.0, 0.3])
def test_nothing_is_dropped_in_eval_mode_or_with_a_share_of_zero(p: float) -> None:
    x = torch.randn(4, 5)
    assert torch.equal(FastDropout(p).eval()(x), x)
    assert torch.equal(FastDropout(0.0)(x), x)
    assert torch.equal(FastDropout(1.0)(x), torch.zeros(4, 5))


def test_only_plain_dropout_is_replaced_and_keeps_its_share_and_mode() -> None:
    class Other(nn.Dropout):
        pass

    network = nn.Sequential(nn.Dropout(0.2), nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.3).eval()), Other(0.4))
    quicken_dropout(network)
    inner = network[1][1]  # type: ignore[index]
    assert type(network[0]) is type(inner) is FastDropout
    assert (network[0].p, network[0].training, inner.p, inner.training) == (0.2, True, 0.3, False)
    assert type(network[2]) is Other
