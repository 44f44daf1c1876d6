"""Heads over words: the loss and gradients of transformers' own heads, for every architecture."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from headstart.backbones.base import Inputs
from headstart.backbones.encoder import TextEncoder
from headstart.backbones.location import BackboneSource, locate
from headstart.errors import ModelError
from headstart.heads import vocabulary
from headstart.heads.model import Model
from headstart.heads.vocabulary import VocabularyHead, token_loss, widened, word_loss

MASKED = ["bert", "roberta", "distilbert", "mpnet", "electra", "deberta-v2", "modernbert"]
CAUSAL = ["gpt2", "llama", "qwen2"]
CASES = [(kind, "masked") for kind in MASKED] + [(kind, "causal") for kind in CAUSAL]


def model_of(folder: Path, direction: Any) -> tuple[TextEncoder, VocabularyHead]:
    backbone = TextEncoder(locate(BackboneSource(location=str(folder))))
    head = VocabularyHead(backbone, direction)
    head.whole.eval()
    return backbone, head


@pytest.mark.parametrize(("kind", "direction"), CASES)
def test_loss_and_gradients_are_those_of_transformers(
    kind: str, direction: str, make_backbone: Callable[..., Path], tmp_path: Path
) -> None:
    backbone, head = model_of(make_backbone(tmp_path / kind, kind, initializer_range=0.2), direction)
    torch.manual_seed(0)
    ids = torch.randint(5, 60, (3, 11))
    if direction == "causal":
        theirs = head.whole(input_ids=ids, labels=ids).loss
        words = ids[:, 1:].reshape(-1)
        states = backbone.run(Inputs(ids, torch.ones_like(ids))).hidden[:, :-1].reshape(-1, backbone.hidden_size)
    else:
        labels = torch.where(torch.rand(3, 11) < 0.3, ids, -100)
        theirs = head.whole(input_ids=ids, labels=labels).loss
        places = (labels.reshape(-1) >= 0).nonzero().squeeze(1)
        words = labels.reshape(-1)[places]
        states = backbone.run(Inputs(ids, torch.ones_like(ids))).hidden.reshape(-1, backbone.hidden_size)[places]
    ours = head.loss(states, words, fast=False) / len(words)
    assert float(ours.detach()) == pytest.approx(float(theirs.detach()), abs=1e-5)
    weights = [weight for weight in head.whole.parameters() if weight.requires_grad]
    mine = torch.autograd.grad(ours, weights, allow_unused=True)
    others = torch.autograd.grad(theirs, weights, allow_unused=True)
    for one, other in zip(mine, others, strict=True):
        assert (one is None) == (other is None)
        if one is not None:
            torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)


def test_words_at_both_ends_share_their_vectors_and_move_once(
    make_backbone: Callable[..., Path], tmp_path: Path
) -> None:
    backbone, head = model_of(make_backbone(tmp_path / "bert"), "masked")
    assert head.whole.get_output_embeddings().weight is backbone.network.get_input_embeddings().weight
    assert head.fresh  # a bare encoder has no weights for the head


def test_a_folder_with_a_head_gives_it(make_backbone: Callable[..., Path], tmp_path: Path) -> None:
    backbone, head = model_of(make_backbone(tmp_path / "bert"), "masked")
    head.whole.save_pretrained(str(tmp_path / "whole"))
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (tmp_path / "whole" / name).write_bytes((tmp_path / "bert" / name).read_bytes())
    _, other = model_of(tmp_path / "whole", "masked")
    assert not other.fresh
    states = torch.randn(4, backbone.hidden_size)
    torch.testing.assert_close(head.logits(states), other.logits(states))


def test_a_head_that_is_no_linear_layer_at_its_end_is_used_as_it_is(
    make_backbone: Callable[..., Path], tmp_path: Path
) -> None:
    backbone, head = model_of(make_backbone(tmp_path / "bert"), "masked")
    forward = head.whole.forward

    def softened(*args: Any, **options: Any) -> Any:
        output = forward(*args, **options)
        output.logits = 3 * torch.tanh(output.logits / 3)
        return output

    head.whole.forward = softened
    assert not head._ends_in(head.whole.get_output_embeddings())
    vars(head)["last"] = None
    states, words = torch.randn(4, backbone.hidden_size), torch.tensor([5, 6, 7, 8])
    expected = torch.nn.functional.cross_entropy(head.logits(states), words, reduction="sum").detach()
    assert float(head.loss(states, words, fast=False).detach()) == pytest.approx(float(expected))


@pytest.mark.parametrize(
    ("kind", "direction", "way"), [("bert", "causal", "masked-lm"), ("gpt2", "masked", "causal-lm")]
)
def test_the_wrong_direction_is_refused(
    kind: str, direction: Any, way: str, make_backbone: Callable[..., Path], tmp_path: Path
) -> None:
    backbone = TextEncoder(locate(BackboneSource(location=str(make_backbone(tmp_path / kind, kind)))))
    with pytest.raises(ModelError, match=f"architecture {kind}, which learns from .*{way}"):
        VocabularyHead(backbone, direction)


@pytest.mark.parametrize("smoothing", [0.0, 0.3])
def test_the_loss_in_chunks_is_that_of_torch(smoothing: float) -> None:
    torch.manual_seed(0)
    states = torch.randn(1100, 6, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(9, 6, dtype=torch.float64, requires_grad=True)
    bias = torch.randn(9, dtype=torch.float64, requires_grad=True)
    words = torch.randint(9, (1100,))
    expected = torch.nn.functional.cross_entropy(
        states @ weight.T + bias, words, reduction="sum", label_smoothing=smoothing
    )
    slopes = torch.autograd.grad(expected, (states, weight, bias))
    ours = word_loss(states, weight, bias, words, fast=False, smoothing=smoothing)
    # Logits are float32 inside.
    assert float(ours.detach()) == pytest.approx(float(expected.detach()), rel=1e-5)
    for one, other in zip(torch.autograd.grad(2 * ours, (states, weight, bias)), slopes, strict=True):
        torch.testing.assert_close(one, 2 * other, rtol=1e-3, atol=1e-4)


def test_without_gradients_only_the_loss_is_computed() -> None:
    states, weight = torch.randn(5, 4), torch.randn(7, 4)
    words = torch.tensor([0, 1, 2, 3, 6])
    ours = word_loss(states, weight, None, words, fast=False)
    assert float(ours) == pytest.approx(
        float(torch.nn.functional.cross_entropy(states @ weight.T, words, reduction="sum"))
    )
    assert not ours.requires_grad


@pytest.mark.parametrize("words", [64, 90, 127])
@pytest.mark.parametrize("with_bias", [False, True])
def test_words_that_nothing_scores_change_neither_loss_nor_gradients(
    words: int, with_bias: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(0)
    right = torch.randint(0, words, (30,))
    given = [torch.randn(30, 16), torch.randn(words, 16), *([torch.randn(words)] if with_bias else [])]

    def found() -> tuple[torch.Tensor, ...]:
        leaves = [each.clone().requires_grad_() for each in given]
        bias = leaves[2] if with_bias else None
        loss = word_loss(leaves[0], leaves[1], bias, right, fast=False, smoothing=0.1)
        return loss.detach(), *torch.autograd.grad(loss, leaves)

    before = found()
    monkeypatch.setattr(vocabulary, "PADDED", ("cpu",))
    for one, other in zip(before, found(), strict=True):
        assert one.shape == other.shape
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("kind", CAUSAL)
def test_a_decoder_says_the_same_of_rows_padded_to_one_of_few_widths(
    kind: str, make_backbone: Callable[..., Path], tmp_path: Path
) -> None:
    backbone, head = model_of(make_backbone(tmp_path / kind, kind, initializer_range=0.2), "causal")
    model = Model(backbone, {"causal-lm": head})
    ids = torch.randint(5, 60, (3, 11))
    mask = torch.arange(11)[None, :] < torch.tensor([11, 7, 9])[:, None]
    labels = torch.full_like(ids, -100)
    labels[:, :-1] = torch.where(mask[:, 1:], ids[:, 1:], -100)
    batch = {"ids": torch.where(mask, ids, 0), "mask": mask.long(), "labels": labels}
    wide = widened(batch, 64)
    assert {tensor.shape for tensor in wide.values()} == {(3, 64)}
    assert {tensor.shape for tensor in widened(batch, 40).values()} == {(3, 40)}
    assert {tensor.shape for tensor in widened(batch, None).values()} == {(3, 64)}
    (one, count), (other, again) = (token_loss(model, "causal-lm", each) for each in (batch, wide))
    assert count == again == 24
    assert float(one.detach()) == pytest.approx(float(other.detach()), rel=1e-5)
