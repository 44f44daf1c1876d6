"""Windows become texts: by hand, in parts, with gradients."""

import pytest
import torch
from torch import Tensor

from headstart.backbones.base import Inputs
from headstart.data import batches
from headstart.heads import windows
from headstart.heads.windows import in_parts, joined

POOLED = torch.tensor([[1.0, 8.0], [4.0, 2.0], [7.0, -2.0]])
"""Three windows: two of the first text, of 6 and 3 tokens, one of the second."""
LENGTHS, HOMES = torch.tensor([6, 3, 5]), torch.tensor([0, 0, 1])


@pytest.mark.parametrize(
    ("pooling", "expected"), [("mean", [2.0, 6.0]), ("first", [2.5, 5.0]), ("last", [2.5, 5.0]), ("max", [4.0, 8.0])]
)
def test_a_text_is_the_mean_of_its_windows_by_tokens_or_alike_or_their_maximum(
    pooling: str, expected: list[float]
) -> None:
    found = joined(POOLED, LENGTHS, HOMES, pooling)
    torch.testing.assert_close(found, torch.tensor([expected, [7.0, -2.0]]))
    deep = joined(POOLED[:, None, None], LENGTHS, HOMES, pooling)
    assert torch.equal(deep[:, 0, 0], found)


@pytest.mark.parametrize("pooling", ["mean", "first", "last", "max"])
def test_a_text_of_one_window_is_that_window_to_the_bit(pooling: str) -> None:
    pooled, lengths = torch.randn(50, 7), torch.randint(1, 99, (50,))
    assert torch.equal(joined(pooled, lengths, torch.arange(50), pooling), pooled)


def read(seen: list[tuple[int, ...]], weight: Tensor) -> object:
    def sums(inputs: Inputs) -> Tensor:
        ids, mask = inputs.ids, inputs.mask
        assert ids is not None
        seen.append(tuple(ids.shape))
        return (ids * mask).sum(1, keepdim=True) * weight

    return sums


def batch(lengths: list[int]) -> tuple[Tensor, Tensor]:
    ids = torch.arange(1, 1 + len(lengths) * max(lengths)).view(len(lengths), -1)
    return ids, (torch.arange(max(lengths))[None] < torch.tensor(lengths)[:, None]).long()


def test_windows_pass_with_those_of_like_length_and_come_back_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(batches.INFERENCE_TOKENS, "cpu", 10)
    ids, mask = batch([2, 5, 1, 5, 2, 4])
    seen: list[tuple[int, ...]] = []
    found = in_parts(read(seen, torch.ones(1)), Inputs(ids, mask))  # type: ignore[arg-type]
    assert found.tolist() == [[float(value)] for value in (ids * mask).sum(1).tolist()]
    assert seen == [(2, 5), (2, 4), (2, 2)]


@pytest.mark.parametrize(("kept", "passes"), [(18, 2), (19, 1)])
def test_a_batch_of_many_tokens_is_computed_again_on_the_way_back_with_the_same_gradient(
    kept: int, passes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(batches.INFERENCE_TOKENS, "cpu", 10)
    monkeypatch.setattr(windows, "KEPT_TOKENS", kept)
    ids, mask = batch([2, 5, 1, 5, 2, 4])
    seen: list[tuple[int, ...]] = []
    weight = torch.ones(1, requires_grad=True)
    in_parts(read(seen, weight), Inputs(ids, mask)).sum().backward()  # type: ignore[arg-type, no-untyped-call]
    assert weight.grad is not None
    assert float(weight.grad) == float((ids * mask).sum())
    assert len(seen) == 3 * passes
    with torch.no_grad():
        in_parts(read(seen, weight), Inputs(ids, mask))  # type: ignore[arg-type]
    assert len(seen) == 3 * passes + 3
