"""A BERT's forward pass in numpy: a few texts answered before torch would even be imported.

Importing torch and transformers takes seconds, the forward pass of a small encoder on one text takes milliseconds. Texts, pairs
and words are read; sentences of words in windows too, and with a chain over their tags.
Only plain BERT is known here (the architecture of the embedded default); anything else, and anything long, goes
through torch. Both ways agree to 1e-5 in probability; a test holds them to it.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from headstart.backbones.folders import read_json
from headstart.backbones.tokenizing import types_of
from headstart.backbones.weights import opened_weights
from headstart.data.tokens import Tokens
from headstart.data.windows import WordTokens
from headstart.errors import ModelError

MOST_TOKENS = 4096
"""Tokens up to which starting torch is not worth it."""
LAYERS_LIMIT = 1000
"""Layers beyond which a configuration is none of a network that anyone made."""


SIZES = (
    "num_hidden_layers",
    "num_attention_heads",
    "hidden_size",
    "intermediate_size",
    "vocab_size",
    "max_position_embeddings",
)


def can_run(config: Mapping[str, Any]) -> bool:
    """Whether a config describes a plain BERT encoder, and all of its sizes."""
    return (
        config.get("model_type") == "bert"
        and config.get("hidden_act") == "gelu"
        and config.get("position_embedding_type", "absolute") == "absolute"
        and not config.get("is_decoder")
        and not config.get("add_cross_attention")
        and isinstance(config.get("layer_norm_eps"), float)
        and all(isinstance(config.get(name), int) and config[name] > 0 for name in SIZES)
        and config["hidden_size"] % config["num_attention_heads"] == 0
    )


def expected_shapes(config: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the tensors of a BERT encoder, but for the number of its token types."""
    hidden, inner = config["hidden_size"], config["intermediate_size"]
    shapes: dict[str, tuple[int, ...]] = {
        "embeddings.word_embeddings.weight": (config["vocab_size"], hidden),
        "embeddings.position_embeddings.weight": (config["max_position_embeddings"], hidden),
        "embeddings.token_type_embeddings.weight": (config.get("type_vocab_size", 2), hidden),
    }
    linear = {
        "attention.self.query": (hidden, hidden),
        "attention.self.key": (hidden, hidden),
        "attention.self.value": (hidden, hidden),
        "attention.output.dense": (hidden, hidden),
        "intermediate.dense": (inner, hidden),
        "output.dense": (hidden, inner),
    }
    norms = ["embeddings.LayerNorm"]
    for at in range(min(config["num_hidden_layers"], LAYERS_LIMIT)):
        norms += [f"encoder.layer.{at}.{part}.LayerNorm" for part in ("attention.output", "output")]
        for part, shape in linear.items():
            shapes |= {f"encoder.layer.{at}.{part}.weight": shape, f"encoder.layer.{at}.{part}.bias": shape[:1]}
    return shapes | {f"{norm}.{part}": (hidden,) for norm in norms for part in ("weight", "bias")}


class NumpyBert:
    """A BERT encoder read from a folder that `NetworkPredictor.save` wrote.

    Args:
        folder: with a config.json that `can_run` is true of, and safetensors weights.
        border: id that parts the two texts of a pair; None for single texts.
        digest: of the weights, see `weights_digest`; None where any will do.

    Raises:
        ModelError: the weights are not those of the configuration or of the digest, or not finite.
    """

    def __init__(self, folder: Path, border: int | None = None, *, digest: str | None = None) -> None:
        config = read_json(folder, "config.json") or {}
        self.border = border
        self.depth = int(config["num_hidden_layers"])
        self.heads = int(config["num_attention_heads"])
        self.epsilon = float(config["layer_norm_eps"])
        with opened_weights(folder, digest, framework="np") as stored:
            prefix = "bert." if any(name.startswith("bert.") for name in stored) else ""
            shapes = expected_shapes(config)
            for name, shape in shapes.items():
                found = stored.get(f"{prefix}{name}")
                if found is None or tuple(found.get_shape()) != shape:
                    what = "is not there" if found is None else f"has the shape {found.get_shape()}"
                    raise ModelError(f"the weights in {folder} cannot be loaded: {name} {what}, expected {list(shape)}")
            arrays = {name: stored[f"{prefix}{name}"][...] for name in shapes}
        with np.errstate(over="ignore"):  # in the precision of torch, where a larger number is not finite
            self.weights = {name: array.astype(np.float32, copy=False) for name, array in arrays.items()}
        for name, array in self.weights.items():
            if arrays[name].dtype.kind != "f" or not np.isfinite(array).all():
                raise ModelError(f"the weights in {folder} cannot be loaded: {name} holds numbers that are not finite")

    def states(self, ids: np.ndarray, mask: np.ndarray) -> list[np.ndarray]:
        """Hidden states from the embeddings to the last layer, each (batch, tokens, hidden)."""
        at = self.weights
        words = at["embeddings.word_embeddings.weight"][ids]
        places = at["embeddings.position_embeddings.weight"][: ids.shape[1]]
        types = at["embeddings.token_type_embeddings.weight"]
        kinds = types[0] if self.border is None or len(types) < 2 else types[types_of(ids, self.border)]
        hidden = self._norm(words + places + kinds, "embeddings.LayerNorm")
        blocked = np.where(mask[:, None, None, :] > 0, np.float32(0), np.float32(-1e30))  # (batch, 1, 1, tokens)
        states = [hidden]
        for layer in range(self.depth):
            hidden = self._layer(hidden, blocked, f"encoder.layer.{layer}")
            states.append(hidden)
        return states

    def _layer(self, hidden: np.ndarray, blocked: np.ndarray, name: str) -> np.ndarray:
        batch, tokens, size = hidden.shape
        split = (batch, tokens, self.heads, size // self.heads)
        query, key, value = (
            self._linear(hidden, f"{name}.attention.self.{part}").reshape(split).transpose(0, 2, 1, 3)
            for part in ("query", "key", "value")
        )  # each (batch, heads, tokens, size / heads)
        logits = query @ key.transpose(0, 1, 3, 2) * np.float32(split[3] ** -0.5) + blocked
        shares = np.exp(logits - logits.max(-1, keepdims=True))
        shares /= shares.sum(-1, keepdims=True)
        read = (shares @ value).transpose(0, 2, 1, 3).reshape(hidden.shape)
        hidden = self._norm(
            self._linear(read, f"{name}.attention.output.dense") + hidden, f"{name}.attention.output.LayerNorm"
        )
        wide = gelu(self._linear(hidden, f"{name}.intermediate.dense"))
        return self._norm(self._linear(wide, f"{name}.output.dense") + hidden, f"{name}.output.LayerNorm")

    def _linear(self, inputs: np.ndarray, name: str) -> np.ndarray:
        return inputs @ self.weights[f"{name}.weight"].T + self.weights[f"{name}.bias"]

    def _norm(self, inputs: np.ndarray, name: str) -> np.ndarray:
        centred = inputs - inputs.mean(-1, keepdims=True)
        spread = np.sqrt((centred**2).mean(-1, keepdims=True) + np.float32(self.epsilon))
        return centred / spread * self.weights[f"{name}.weight"] + self.weights[f"{name}.bias"]


def gelu(x: np.ndarray) -> np.ndarray:
    """Gaussian error linear unit, x times the normal distribution function; by Abramowitz & Stegun 7.1.26 (error < 1.5e-7)."""
    z = np.abs(x) * np.float32(2**-0.5)
    t = 1 / (1 + np.float32(0.3275911) * z)
    series = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))))
    erf = 1 - series * np.exp(-z * z)
    return (x * (1 + np.sign(x) * erf) / 2).astype(x.dtype)


def pool(hidden: np.ndarray, mask: np.ndarray, pooling: str) -> np.ndarray:
    """As `headstart.heads.pooled.pool`, for `first` and `mean`."""
    if pooling == "first":
        return hidden[:, 0]
    wide = mask[:, :, None].astype(hidden.dtype)
    return (hidden * wide).sum(1) / wide.sum(1)


def logits(
    encoder: NumpyBert, tokens: Tokens, batches: Sequence[np.ndarray], pad_id: int, head: dict[str, Any]
) -> np.ndarray:
    """Logits of shape (texts, labels).

    Args:
        encoder: of the artifact.
        tokens: of the texts.
        batches: rows that go together.
        pad_id: id written where a batch is padded.
        head: `weight`, `bias`, `layers` and `pooling`.
    """
    found = np.empty((len(tokens), len(head["bias"])), dtype=np.float32)
    for indices in batches:
        ids, mask = tokens.pad(indices, pad_id)
        states = encoder.states(ids, mask)
        pooled = np.concatenate([pool(states[layer], mask, head["pooling"]) for layer in head["layers"]], axis=1)
        found[indices] = pooled @ head["weight"].T + head["bias"]
    return found


def pool_words(hidden: np.ndarray, spans: np.ndarray, pooling: str) -> np.ndarray:
    """One vector per word, as `headstart.heads.pooled.pool` has it, shape (words, hidden).

    Args:
        hidden: shape (windows, tokens, hidden).
        spans: window, first piece and the place behind the last one of each word, shape (words, 3).
        pooling: `first`, `last`, `mean` or `max` over a word's pieces.
    """
    row, begin, end = spans.T
    if pooling in ("first", "last"):
        return hidden[row, begin if pooling == "first" else end - 1]
    counts = end - begin
    starts = np.cumsum(counts) - counts
    within = np.arange(int(counts.sum())) - np.repeat(starts, counts)
    pieces = hidden[np.repeat(row, counts), np.repeat(begin, counts) + within]
    if pooling == "max":
        return np.maximum.reduceat(pieces, starts)
    return np.add.reduceat(pieces, starts) / counts[:, None].astype(hidden.dtype)


def word_logits(
    encoder: NumpyBert, tokens: WordTokens, batches: Sequence[np.ndarray], pad_id: int, head: Mapping[str, Any]
) -> np.ndarray:
    """Logits of the words of all sentences, one sentence after the other, shape (words, tags); arguments as of `logits`.

    Where the head has a chain (`crf`), logarithms of probabilities under it, as `headstart.heads.chain` has them.
    """
    units = tokens.units
    found = np.empty((units.total, len(head["bias"])), dtype=np.float32)
    for indices in batches:
        states = encoder.states(*tokens.pad(indices, pad_id))
        spans = tokens.spans_of(indices)
        pooled = np.concatenate([pool_words(states[layer], spans, head["pooling"]) for layer in head["layers"]], axis=1)
        scores = pooled @ head["weight"].T + head["bias"]
        if head.get("crf"):
            sentences = np.split(scores.astype(np.float64), np.cumsum(units.counts[indices])[:-1])
            scores = float(head["factor"]) * np.concatenate([_chained(each, head["transitions"]) for each in sentences])
        found[units.of(indices)] = scores
    return found


def _chained(scores: np.ndarray, transitions: np.ndarray) -> np.ndarray:
    """Logarithms of the probability of each tag of the words of one sentence, shape (words, tags)."""
    forward, backward = scores.copy(), np.zeros_like(scores)
    for at in range(1, len(scores)):
        forward[at] += _log_sum(forward[at - 1][:, None] + transitions)
    for at in range(len(scores) - 2, -1, -1):
        backward[at] = _log_sum((transitions + scores[at + 1] + backward[at + 1]).T)
    logs = forward + backward
    return logs - _log_sum(logs.T)[:, None]


def _log_sum(values: np.ndarray) -> np.ndarray:
    """Logarithm of the sum of exponentials over the first axis."""
    highest = values.max(0)
    return highest + np.log(np.exp(values - highest).sum(0))
