"""Writing a linear head into an architecture's own classification head, so plain transformers can load the result.

Most encoders put `dense -> activation` between the first token's state and their classifier. To pass the state
through unchanged the dense map becomes a small multiple of the identity under tanh, which is linear near 0, or the
identity plus a shift under ReLU and GELU, which are linear far above 0; the classifier undoes it. Training *through*
such a map is ill-conditioned, hence it is written at the end, never trained.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

TANH_SCALE = 1e-4
"""State error about (scale x state)^2 / 3, far below float32 rounding of the state."""


@dataclass(frozen=True)
class NativeHead:
    """Where an architecture keeps its classification head, as module paths."""

    dense: str
    activation: str
    classifier: str


NATIVE_HEADS = {
    "bert": NativeHead("bert.pooler.dense", "tanh", "classifier"),
    "ernie": NativeHead("ernie.pooler.dense", "tanh", "classifier"),
    "albert": NativeHead("albert.pooler", "tanh", "classifier"),
    "roberta": NativeHead("classifier.dense", "tanh", "classifier.out_proj"),
    "xlm-roberta": NativeHead("classifier.dense", "tanh", "classifier.out_proj"),
    "camembert": NativeHead("classifier.dense", "tanh", "classifier.out_proj"),
    "mpnet": NativeHead("classifier.dense", "tanh", "classifier.out_proj"),
    "electra": NativeHead("classifier.dense", "gelu", "classifier.out_proj"),
    "distilbert": NativeHead("pre_classifier", "relu", "classifier"),
    "deberta": NativeHead("pooler.dense", "gelu", "classifier"),
    "deberta-v2": NativeHead("pooler.dense", "gelu", "classifier"),
}
"""Architectures whose own head can hold a linear map of the first token's state; the others can't, for want of a
bias or because a norm stands between."""


WORD_HEADS = {
    **dict.fromkeys(NATIVE_HEADS, "classifier"),
    "gpt2": "classifier",
    "llama": "score",
    "qwen2": "score",
    "qwen3": "score",
}
"""Architectures whose class `...ForTokenClassification` is a linear map of the last states, and where it is."""


SPAN_HEADS = {**dict.fromkeys(NATIVE_HEADS, "qa_outputs"), "xlnet": "qa_outputs"}
"""Architectures whose class `...ForQuestionAnswering` is a linear map of the last states, and where it is."""


@torch.no_grad()
def write_native_words(network: nn.Module, place: str, weight: Tensor, bias: Tensor) -> None:
    """Make `network`'s own head compute `weight @ state + bias` for every token.

    Args:
        network: of a class `...ForTokenClassification` or `...ForQuestionAnswering`.
        place: its entry in `WORD_HEADS` or `SPAN_HEADS`.
        weight: shape (outputs, hidden).
        bias: shape (outputs,).
    """
    linear = _linear(network, place)
    linear.weight.copy_(weight)
    linear.bias.copy_(bias)


@torch.no_grad()
def write_native(network: nn.Module, place: NativeHead, weight: Tensor, bias: Tensor, *, largest: float) -> None:
    """Make `network`'s own head compute `weight @ first_state + bias`.

    Args:
        network: of a class `...ForSequenceClassification`.
        place: its entry in `NATIVE_HEADS`.
        weight: shape (labels, hidden).
        bias: shape (labels,).
        largest: largest absolute value that a state takes, for the shift.
    """
    dense, classifier = _linear(network, place.dense), _linear(network, place.classifier)
    identity = torch.eye(weight.shape[1])
    if place.activation == "tanh":
        dense.weight.copy_(identity * TANH_SCALE)
        dense.bias.zero_()
        classifier.weight.copy_(weight / TANH_SCALE)
        classifier.bias.copy_(bias)
        return
    shift = 2 * largest + 8  # GELU is the identity to float32 above 6
    dense.weight.copy_(identity)
    dense.bias.fill_(shift)
    classifier.weight.copy_(weight)
    classifier.bias.copy_(bias - shift * weight.double().sum(1).float())


def _linear(network: nn.Module, path: str) -> nn.Linear:
    found = network.get_submodule(path)
    if not isinstance(found, nn.Linear):
        raise TypeError(f"{path} of {type(network).__name__} is a {type(found).__name__}, not a Linear")
    return found
