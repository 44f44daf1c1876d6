"""Pooling by hand, the head over layers, and the linear map inside an architecture's own head."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from headstart.backbones.base import Encoding, Inputs
from headstart.heads import HEADS
from headstart.heads.base import LinearHead, LinearMap
from headstart.heads.cosine import CosineHead
from headstart.heads.model import Model
from headstart.heads.native import NativeHead, write_native
from headstart.heads.pooled import PooledHead, pool

HIDDEN = torch.tensor([[[1.0, -2.0], [3.0, 4.0], [100.0, 100.0]], [[5.0, 6.0], [7.0, 8.0], [9.0, -1.0]]])
MASK = torch.tensor([[1, 1, 0], [1, 1, 1]])


@pytest.mark.parametrize(
    ("pooling", "expected"),
    [
        ("first", [[1, -2], [5, 6]]),
        ("last", [[3, 4], [9, -1]]),
        ("mean", [[2, 1], [7, 13 / 3]]),
        ("max", [[3, 4], [9, 8]]),
    ],
)
def test_one_vector_per_text_without_its_padding(pooling: str, expected: list[list[float]]) -> None:
    torch.testing.assert_close(pool(HIDDEN, MASK, pooling), torch.tensor(expected, dtype=torch.float32))


def test_an_unknown_pooling_is_refused() -> None:
    with pytest.raises(ValueError, match="'median' is none of first, mean, last, max"):
        pool(HIDDEN, MASK, "median")


def test_a_head_reads_its_layers_side_by_side_in_order() -> None:
    head = PooledHead(2, 1, layers=(2, 0), pooling="first", depth=2)
    head.set(LinearMap(np.array([[1.0, 10.0, 100.0, 1000.0]]), np.array([0.5])))
    layers = (HIDDEN, HIDDEN * 0, HIDDEN * 2)
    found = head.eval()(Encoding(HIDDEN * 2, MASK, layers))
    # Layer 2 first: (2, -4) . (1, 10) = -38; layer 0: (1, -2) . (100, 1000) = -1900.
    torch.testing.assert_close(found[0], torch.tensor([-38 - 1900 + 0.5]))
    assert not head.only_last


def test_a_head_of_the_last_layer_alone_reads_the_output_and_asks_for_no_layers() -> None:
    head = PooledHead(2, 1, layers=(2,), pooling="last", depth=2)
    asked: list[bool] = []

    class Fake(nn.Module):
        device = torch.device("cpu")

        def encode(self, inputs: Inputs, *, layers: bool) -> Encoding:
            asked.append(layers)
            return Encoding(HIDDEN, inputs.mask, ())

    model = Model(Fake(), {"classification": head})  # type: ignore[arg-type]
    assert head.only_last
    assert head(model.encode(Inputs(MASK, MASK))).shape == (2, 1)
    Model(Fake(), {"a": head, "b": PooledHead(2, 1, layers=(1,), pooling="mean", depth=2)}).encode(Inputs(MASK, MASK))  # type: ignore[arg-type]
    assert asked == [False, True]


def test_dropout_acts_in_training_only() -> None:
    torch.manual_seed(0)
    head = PooledHead(2, 3, layers=(2,), pooling="mean", depth=2, dropout=0.5)
    encoding = Encoding(HIDDEN, MASK, ())
    torch.testing.assert_close(head.eval()(encoding), head.eval()(encoding), rtol=0, atol=0)
    head.train()
    assert len({tuple(head(encoding).flatten().tolist()) for _ in range(12)}) > 1


@pytest.mark.parametrize(
    ("activation", "function"), [("tanh", torch.tanh), ("relu", torch.relu), ("gelu", nn.functional.gelu)]
)
def test_the_native_head_computes_the_linear_map_it_was_given(activation: str, function: object) -> None:
    random = torch.Generator().manual_seed(2)
    weight, bias = torch.randn(3, 16, generator=random), torch.randn(3, generator=random)
    states = torch.randn(50, 16, generator=random) * 3
    network = nn.Module()
    network.dense, network.classifier = nn.Linear(16, 16), nn.Linear(16, 3)
    place = NativeHead("dense", activation, "classifier")
    write_native(network, place, weight, bias, largest=float(states.abs().max()))
    with torch.no_grad():
        found = network.classifier(function(network.dense(states)))  # type: ignore[operator]
    np.testing.assert_allclose(found.numpy(), (states @ weight.T + bias).numpy(), atol=2e-3)
    np.testing.assert_allclose(found.softmax(1).numpy(), (states @ weight.T + bias).softmax(1).numpy(), atol=1e-4)


def test_a_head_that_is_no_linear_map_is_refused() -> None:
    network = SimpleNamespace(get_submodule=lambda path: nn.ReLU())
    with pytest.raises(TypeError, match="dense of SimpleNamespace is a ReLU, not a Linear"):
        write_native(network, NativeHead("dense", "tanh", "out"), torch.ones(2, 2), torch.ones(2), largest=1.0)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("head", "settings", "names"),
    [
        (
            PooledHead(2, 3, layers=(2, 0), pooling="last", depth=2),
            {"layers": [2, 0], "pooling": "last"},
            ["weight", "bias"],
        ),
        (
            PooledHead(2, 3, layers=(2,), pooling="first", depth=2, chained=True),
            {"layers": [2], "pooling": "first", "crf": True},
            ["weight", "bias", "transitions", "factor"],
        ),
        (CosineHead(layers=(1, 2), pooling="mean", depth=2), {"layers": [1, 2], "pooling": "mean"}, ["weight", "bias"]),
    ],
    ids=["layers", "chain", "cosine"],
)
def test_a_head_is_made_again_from_its_tensors_and_settings(
    head: LinearHead, settings: object, names: list[str]
) -> None:
    for parameter in head.parameters():
        torch.nn.init.normal_(parameter)
    tensors = head.tensors()
    assert (head.settings(), list(tensors)) == (settings, names)
    again = HEADS.get(head.name).load(
        tensors, head.settings() | {"max_length": 9}, SimpleNamespace(hidden_size=2, depth=2)
    )
    assert type(again) is type(head)
    assert (again.width, again.only_last) == (head.width, head.only_last)
    assert all(torch.equal(again.state_dict()[name], value) for name, value in head.state_dict().items())
    head.linear.weight.data.zero_()
    assert tensors["weight"].any(), "what was put away is a copy"


def test_a_head_of_which_a_tensor_is_missing_is_not_made() -> None:
    head = PooledHead(2, 3, layers=(2,), pooling="first", depth=2, chained=True)
    tensors = {name: value for name, value in head.tensors().items() if name != "factor"}
    with pytest.raises(KeyError, match="factor"):
        PooledHead.load(tensors, head.settings(), SimpleNamespace(hidden_size=2, depth=2))  # type: ignore[arg-type]


def test_what_is_solved_with_its_chain_is_put_in_as_a_whole() -> None:
    head = PooledHead(2, 2, layers=(2,), pooling="first", depth=2, chained=True)
    head.set(LinearMap(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([5.0, 6.0]), np.array([[0.0, 7.0], [8.0, 0.0]])))
    assert head.linear.weight.tolist() == [[1, 2], [3, 4]]
    assert head.linear.bias.tolist() == [5, 6]
    assert head.chain is not None
    assert head.chain.transitions.tolist() == [[0, 7], [8, 0]]
