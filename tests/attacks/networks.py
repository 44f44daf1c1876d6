"""Folders of networks that lie: other weights, pickles, absurd sizes, files that are none."""

from __future__ import annotations

import json
import os
import struct
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from tests.attacks.corpus import Corpus
from tests.attacks.honest import (
    PICKLED,
    SPECIAL,
    as_text,
    changed,
    deep,
    index,
    other,
    special,
    tensors,
    with_keys,
    write,
)

NETWORKS = Corpus(65)
WEIGHTS, CONFIG = "model.safetensors", "config.json"
SHARD = "model-00001-of-00001.safetensors"
refused, harmless = NETWORKS.refused, NETWORKS.harmless


def sharded(folder: Path, file: str = SHARD) -> None:
    """One file of weights behind an index that names another one."""
    index(folder, file)
    (folder / WEIGHTS).rename(folder / SHARD)


def elsewhere(folder: Path, path: Path) -> None:
    """Other weights at a place."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write(other(tensors(folder)), path)


@refused("pytorch_model.bin")
def an_index_names_a_pickle(folder: Path) -> None:
    (folder / "pytorch_model.bin").write_bytes(PICKLED)
    sharded(folder, "pytorch_model.bin")


@refused("weights.pt")
def an_index_names_a_pickle_that_is_not_there(folder: Path) -> None:
    sharded(folder, "weights.pt")


@harmless()
def a_pickle_lies_beside_the_weights(folder: Path) -> None:
    for name in ("pytorch_model.bin", "adapter_model.bin", "training_args.bin", "optimizer.pt", "model.pkl"):
        (folder / name).write_bytes(PICKLED)


@refused("sub/")
def an_index_names_a_file_in_a_folder_below(folder: Path) -> None:
    elsewhere(folder, folder / "sub" / SHARD)
    sharded(folder, f"sub/{SHARD}")


@refused("..")
def an_index_names_a_file_outside(folder: Path) -> None:
    elsewhere(folder, folder.with_name("outside.safetensors"))
    sharded(folder, "../outside.safetensors")


@refused("outside.safetensors")
def an_index_names_a_file_by_its_whole_path(folder: Path) -> None:
    elsewhere(folder, folder.with_name("outside.safetensors"))
    sharded(folder, str(folder.with_name("outside.safetensors")))


@refused("none.safetensors")
def an_index_names_a_file_that_is_not_there(folder: Path) -> None:
    sharded(folder, "none.safetensors")


@refused()
def an_index_names_files_by_number(folder: Path) -> None:
    sharded(folder)
    changed(
        folder / f"{WEIGHTS}.index.json", lambda about: about.update(weight_map=dict.fromkeys(about["weight_map"], 7))
    )


@refused()
def an_index_names_no_file(folder: Path) -> None:
    sharded(folder)
    changed(folder / f"{WEIGHTS}.index.json", lambda about: about.update(weight_map={}))


@refused()
def an_index_says_that_a_weight_lies_in_another_file(folder: Path) -> None:
    sharded(folder)
    write({"else": np.zeros(1, np.float32)}, folder / "b.safetensors")
    first = "embeddings.word_embeddings.weight"
    changed(folder / f"{WEIGHTS}.index.json", lambda about: about["weight_map"].update({first: "b.safetensors"}))


@harmless()
def a_file_of_weights_that_no_index_names(folder: Path) -> None:
    elsewhere(folder, folder / "a.safetensors")


@harmless()
def an_index_beside_whole_weights_names_others(folder: Path) -> None:
    elsewhere(folder, folder / "a.safetensors")
    index(folder, "a.safetensors")


@refused()
def an_index_whose_file_is_a_link_outside(folder: Path) -> None:
    sharded(folder)
    outside = folder.with_name("outside.safetensors")
    (folder / SHARD).rename(outside)
    (folder / SHARD).symlink_to(outside)


for content, about in (
    (deep(), "deep"),
    ("[]", "a list"),
    ("{}", "empty"),
    ('{"weight_map": [1]}', "of a list"),
    ("", "blank"),
):
    NETWORKS.each((), (65,), {f"an index that is {about}": lambda folder, content=content: (
        sharded(folder), (folder / f"{WEIGHTS}.index.json").write_text(content))})  # fmt: skip


@harmless()
def a_configuration_names_other_weights(folder: Path) -> None:
    elsewhere(folder, folder / "other.safetensors")
    with_keys(CONFIG, transformers_weights="other.safetensors")(folder)


@harmless()
def a_configuration_names_a_pickle(folder: Path) -> None:
    (folder / "adapter_model.bin").write_bytes(PICKLED)
    with_keys(CONFIG, transformers_weights="adapter_model.bin")(folder)


@harmless("adapter_config.json")
def an_adapter_lies_beside_the_weights(folder: Path) -> None:
    random, low = np.random.default_rng(0), {}
    for layer in range(2):
        for part in ("query", "value"):
            place = f"base_model.model.encoder.layer.{layer}.attention.self.{part}"
            low[f"{place}.lora_A.weight"] = random.normal(size=(4, 32)).astype(np.float32)
            low[f"{place}.lora_B.weight"] = random.normal(size=(32, 4)).astype(np.float32)
    write(low, folder / "adapter_model.safetensors")
    about = {"peft_type": "LORA", "r": 4, "lora_alpha": 64, "target_modules": ["query", "value"]}
    (folder / "adapter_config.json").write_text(json.dumps(about | {"base_model_name_or_path": str(folder)}))


@harmless("adapter_config.json")
def an_adapter_points_to_another_network(folder: Path) -> None:
    (folder / "adapter_config.json").write_text('{"peft_type": "LORA", "base_model_name_or_path": "someone/else"}')


@harmless()
def a_configuration_asks_for_code(folder: Path) -> None:
    (folder / "modeling_own.py").write_text("raise SystemExit('code of the folder runs')")
    (folder / "configuration_own.py").write_text("raise SystemExit('code of the folder runs')")
    code = {
        name: f"{'configuration' if 'Config' in name else 'modeling'}_own.Own" for name in ("AutoConfig", "AutoModel")
    }
    for name in (CONFIG, "tokenizer_config.json"):
        with_keys(name, auto_map=code | {"AutoTokenizer": ["modeling_own.Own", None]}, trust_remote_code=True)(folder)


VOTES: dict[str, Any] = {
    "quantization_config": {"quant_method": "bitsandbytes", "load_in_8bit": True},
    "fusion_config": {"all": True},
    "attn_implementation": "someone/kernel",
    "_attn_implementation_internal": "someone/kernel",
    "architectures": ["posix.system"],
    "dtype": "float16",
    "torch_dtype": "system",
    "base_model_tp_plan": {"layers.*": "colwise"},
    "tokenizer_class": "SomeoneTokenizer",
    "_name_or_path": "someone/else",
    "pruned_heads": {"0": [0, 1]},
    "is_decoder": True,
    "add_cross_attention": True,
    "chunk_size_feed_forward": 1,
    "output_hidden_states": False,
    "return_dict": False,
    "torchscript": True,
    "use_bfloat16": True,
    "num_labels": 3,
    "custom_pipelines": {"x": {"impl": "own.Own"}},
}  # fmt: skip
"""Keys of configurations that change what transformers does with a folder."""
NETWORKS.each((), (0, 65), {f"a configuration says {key}": with_keys(CONFIG, **{key: VOTES[key]}) for key in VOTES
                            if key not in ("is_decoder", "pruned_heads")})  # fmt: skip


@refused("embeddings.")
def weights_without_one_that_fits(folder: Path) -> None:
    write({"foo": np.ones(3, np.float32)}, folder / WEIGHTS)


@refused("encoder.layer.1.output.dense.bias")
def a_weight_is_missing(folder: Path) -> None:
    weights = tensors(folder)
    del weights["encoder.layer.1.output.dense.bias"]
    write(weights, folder / WEIGHTS)


@refused("encoder.layer.7.output.dense.bias")
def a_weight_too_many(folder: Path) -> None:
    write(tensors(folder) | {"encoder.layer.7.output.dense.bias": np.ones(32, np.float32)}, folder / WEIGHTS)


def with_value(folder: Path, value: float) -> None:
    """One number of the weights is another."""
    weights = tensors(folder)
    weights["encoder.layer.0.output.dense.weight"][3, 5] = value
    write(weights, folder / WEIGHTS)


NETWORKS.each(("encoder.layer.0.output.dense.weight",), (65,), {
    f"a weight is {value}": partial(with_value, value=value) for value in (np.nan, np.inf, -np.inf)
})  # fmt: skip


def with_array(folder: Path, array: np.ndarray) -> None:
    """One of the weights has another shape or kind."""
    write(tensors(folder) | {"encoder.layer.0.output.dense.weight": array}, folder / WEIGHTS)


NETWORKS.each(("encoder.layer.0.output.dense.weight",), (65,), {
    "a weight of another shape": partial(with_array, array=np.ones((32, 63), np.float32)),
    "a weight on its side": partial(with_array, array=np.ones((64, 32), np.float32)),
    "a weight without a shape": partial(with_array, array=np.ones((), np.float32)),
    "a weight without a number": partial(with_array, array=np.ones((0, 64), np.float32)),
    "a weight of truth values": partial(with_array, array=np.ones((32, 64), np.bool_)),
    "a weight of whole numbers": partial(with_array, array=np.ones((32, 64), np.int64)),
})  # fmt: skip


def with_header(folder: Path, header: bytes, *, length: int | None = None, data: bytes | None = None) -> None:
    """Weights whose file says something else about itself."""
    content = (folder / WEIGHTS).read_bytes()
    (size,) = struct.unpack("<Q", content[:8])
    rest = content[8 + size :] if data is None else data
    (folder / WEIGHTS).write_bytes(struct.pack("<Q", len(header) if length is None else length) + header + rest)


def offsets(begin: int, end: int, shape: tuple[int, ...] = (1,)) -> bytes:
    return json.dumps({"a": {"dtype": "F32", "shape": shape, "data_offsets": [begin, end]}}).encode()


NETWORKS.each(("damaged",), (65,), {
    "a header longer than the file": partial(with_header, header=b"{}", length=1 << 40),
    "a header as long as can be said": partial(with_header, header=b"{}", length=(1 << 64) - 1),
    "a header that is a list": partial(with_header, header=b"[1]"),
    "a header that is deep": partial(with_header, header=deep().encode()),
    "a header that is deep with keys": partial(with_header, header=(b'{"a":' * 50_000 + b"1" + b"}" * 50_000)),
    "places beyond the file": partial(with_header, header=offsets(0, 1 << 50, (1 << 48,))),
    "places that turn round": partial(with_header, header=offsets(8, 4)),
    "a shape that overflows": partial(with_header, header=offsets(0, 4, (1 << 32, 1 << 32))),
    "a file of weights that is empty": as_text(WEIGHTS, ""),
    "a file of weights that is text": as_text(WEIGHTS, "version https://git-lfs.github.com/spec/v1\nsize 90\n"),
    "a file of weights that is a pickle": as_text(WEIGHTS, PICKLED),
    "a file of weights that is cut": lambda folder: (folder / WEIGHTS).write_bytes((folder / WEIGHTS).read_bytes()[:-9]),
    "a file of weights with nothing of any length behind": lambda folder: os.truncate(folder / WEIGHTS, 1 << 41),
    "a file of weights with more behind": lambda folder: (folder / WEIGHTS).write_bytes(
        (folder / WEIGHTS).read_bytes() + b"more"
    ),
})  # fmt: skip

for name in (WEIGHTS, CONFIG, "tokenizer.json", "tokenizer_config.json"):
    codes = (0, 65) if name == "tokenizer_config.json" else (65,)
    NETWORKS.each((), codes, {f"{name} is a {kind}": partial(special, name=name, kind=kind) for kind in SPECIAL})
NETWORKS.each((), (0, 65), {f"{name} is a {kind}": partial(special, name=name, kind=kind)
                            for name in ("vocab.txt", "special_tokens_map.json", "config_sentence_transformers.json",
                                         "sentence_bert_config.json", "headstart.json")
                            for kind in SPECIAL})  # fmt: skip

SIZES = ("num_hidden_layers", "hidden_size", "vocab_size", "max_position_embeddings", "intermediate_size", "type_vocab_size",
         "num_attention_heads")  # fmt: skip
WRONG: tuple[Any, ...] = (10**9, 10**12, 10**30, -1, 0, 1.5, 1e308, "12", "many", None, True, [], {}, [2])
for key in SIZES:
    NETWORKS.each((), (0, 65) if key in ("type_vocab_size", "max_position_embeddings") else (65,), {
        f"{key} is {value!r}": with_keys(CONFIG, **{key: value}) for value in WRONG
    }, free=True)  # fmt: skip
OTHERS: dict[str, tuple[Any, ...]] = {
    "num_labels": (10**9, -1, "x"),
    "id2label": ([1], {"x": {}}, {str(at): "x" for at in range(3)}, 7),
    "pad_token_id": (10**9, -5, 10**30, "x", [0]),
    "hidden_act": ("posix.system", 7, ["gelu"], None),
    "layer_norm_eps": ("x", None, float("nan"), -1.0),
    "hidden_dropout_prob": (7, -1, "x", None),
    "model_type": ("posix", ["bert"], None, 7, {}, "x" * 100_000, "\x1b]0;title\x07"),
    "position_embedding_type": ("relative_key", 7),
    "text_config": ({"hidden_size": 10**9}, [], "x"),
}
for key, values in OTHERS.items():
    NETWORKS.each((), (0, 65), {f"{key} is {str(value)[:40]!r}": with_keys(CONFIG, **{key: value}) for value in values},
                  free=True)  # fmt: skip

JSONS: dict[str, str | bytes] = {
    "deep": deep(),
    "deep with keys": deep(50_000, '{"a":', "}"),
    "a list": "[1]",
    "a number": "7",
    "a number of 5,000 digits": "9" * 5000,
    "empty": "",
    "null": "null",
    "no JSON": "{,}",
    "not UTF-8": b'{"model_type": "\xff"}',
    "UTF-16": '{"model_type": "bert"}'.encode("utf-16"),
    "half a character": '{"model_type": "bert", "\\ud800": 1}',
    "controls": '{"model_type": "\\u001b]0;title\\u0007"}',
}
for name in (CONFIG, "tokenizer.json"):
    NETWORKS.each(("given",), (65,), {f"{name} is {about}": as_text(name, text) for about, text in JSONS.items()})
for name in ("tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "config_sentence_transformers.json",
             "sentence_bert_config.json", "headstart.json", "generation_config.json"):  # fmt: skip
    NETWORKS.each((), (0, 65), {f"{name} is {about}": as_text(name, text) for about, text in JSONS.items()})
NETWORKS.each((), (0, 65), {
    f"model_max_length is {value!r}": with_keys("tokenizer_config.json", model_max_length=value)
    for value in (-1, 1e30, 10**30, "x", None, [], True, float("nan"))
} | {
    "a template of a chat": with_keys("tokenizer_config.json", chat_template="{% for a in range(10**9) %}{% endfor %}"),
    "a tokenizer class of someone": with_keys("tokenizer_config.json", tokenizer_class="SomeoneTokenizer"),
    "prompts that are no texts": as_text("config_sentence_transformers.json", '{"prompts": {"query": 7}}'),
    "a prompt that never ends": as_text("config_sentence_transformers.json", '{"prompts": {"query": "' + "x" * 10**6 + '"}}'),
})  # fmt: skip
