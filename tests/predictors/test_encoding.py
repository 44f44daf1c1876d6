"""Vectors of texts: what transformers gives for the same weights, whatever stands beside a text."""

from pathlib import Path

import numpy as np
import pytest
import torch

from headstart.backbones.base import open_backbone
from headstart.backbones.encoder import TextEncoder
from headstart.backbones.location import BackboneSource, locate
from headstart.errors import ModelError
from headstart.predictors.encoding import encode, encode_tokens

TEXTS = ["it rains", "the printer is broken again and nobody cares", "a", "it rains"]


@pytest.fixture
def backbone(tiny_backbone: Path) -> TextEncoder:
    return open_backbone(locate(BackboneSource(location=str(tiny_backbone))))


def by_transformers(folder: Path, text: str) -> np.ndarray:
    from transformers import AutoModel, AutoTokenizer

    tokenizer, network = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()
    with torch.no_grad():
        mean = network(**tokenizer(text, return_tensors="pt")).last_hidden_state[0].mean(0).numpy()
    return mean / np.sqrt((mean**2).sum())


def test_a_vector_is_the_mean_of_the_last_states_scaled_to_length_one(
    backbone: TextEncoder, tiny_backbone: Path
) -> None:
    found = encode(backbone, TEXTS, precision="float32").vectors
    assert found.dtype == np.float32
    for text, vector in zip(TEXTS, found, strict=True):
        np.testing.assert_allclose(vector, by_transformers(tiny_backbone, text), atol=1e-6)


def test_a_text_has_the_vector_that_it_has_alone(backbone: TextEncoder) -> None:
    together = encode(backbone, TEXTS, precision="float32").vectors
    for text, vector in zip(TEXTS, together, strict=True):
        np.testing.assert_allclose(vector, encode(backbone, [text], precision="float32").vectors[0], atol=1e-6)


def test_the_prompt_of_a_role_stands_in_front_of_the_text(backbone: TextEncoder) -> None:
    backbone.prompts = {"query": "the "}
    prompted = encode(backbone, ["printer"], role="query", precision="float32").vectors
    np.testing.assert_array_equal(prompted, encode(backbone, ["the printer"], precision="float32").vectors)
    plain = encode(backbone, ["printer"], role="passage", precision="float32").vectors
    assert np.abs(plain - prompted).max() > 1e-3


def test_tokens_beyond_the_limit_are_counted_and_vectors_are_written_where_they_are_wanted(
    backbone: TextEncoder,
) -> None:
    limit, place = backbone.tokenizer.max_length, np.zeros((2, backbone.hidden_size), dtype=np.float32)
    found = encode(backbone, ["a", "a " * (limit + 5)], into=place, precision="float32")
    assert found.vectors is place
    assert found.lost[0] == 0
    assert found.lost[1] > 5


def test_a_network_that_gives_no_numbers_is_refused(backbone: TextEncoder) -> None:
    with torch.no_grad():
        next(iter(backbone.blocks()[-1][-1].parameters())).fill_(float("nan"))
    with pytest.raises(ModelError, match="are not finite"):
        encode(backbone, TEXTS, precision="float32")
    assert backbone.fast is False


def states_of(folder: Path, text: str) -> np.ndarray:
    from transformers import AutoModel, AutoTokenizer

    tokenizer, network = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()
    with torch.no_grad():
        return network(**tokenizer(text, return_tensors="pt")).last_hidden_state[0].numpy()


def of_length_one(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def test_stretches_of_a_text_have_the_means_of_their_states_and_texts_keep_their_order(
    backbone: TextEncoder, tiny_backbone: Path
) -> None:
    found = encode(backbone, TEXTS, vector_tokens=4, precision="float32")
    assert found.counts.sum() == len(found.vectors)
    assert found.counts[2] == 1 < found.counts[0] == found.counts[3] < found.counts[1]
    begin = 0
    for text, count in zip(TEXTS, found.counts, strict=True):
        states = states_of(tiny_backbone, text)
        own = found.vectors[begin : begin + count]
        np.testing.assert_allclose(own[0], of_length_one(states[:4].mean(0)), atol=1e-6)
        np.testing.assert_allclose(own[-1], of_length_one(states[-4:].mean(0)), atol=1e-6)
        begin += count


def test_tokens_have_their_last_states(backbone: TextEncoder, tiny_backbone: Path) -> None:
    found = encode_tokens(backbone, TEXTS, precision="float32")
    for at, text in enumerate(TEXTS):
        expected = of_length_one(states_of(tiny_backbone, text))
        np.testing.assert_allclose(found.vectors[found.units.of([at])], expected, atol=1e-6)
