"""Model folders that lie: what is read of them, what has a vote, and what is refused by name."""

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from headstart.backbones.base import Inputs
from headstart.backbones.encoder import TextEncoder
from headstart.backbones.location import BackboneSource, locate, weights_digest
from headstart.errors import ModelError
from headstart.heads.vocabulary import VocabularyHead
from headstart.predictors.numpy_bert import NumpyBert

SINGLE, INDEX = "model.safetensors", "model.safetensors.index.json"
BIAS = "encoder.layer.0.output.dense.bias"
NORM, OLD = "embeddings.LayerNorm.weight", "embeddings.LayerNorm.gamma"
Change = Callable[[Path], object]


@pytest.fixture
def folder(tiny_backbone: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_backbone, tmp_path / "backbone"))


def opened(folder: Path, **options: Any) -> TextEncoder:
    return TextEncoder(locate(BackboneSource(location=str(folder), **options)))


def states(network: TextEncoder) -> torch.Tensor:
    tokens = network.tokenizer.encode(["a good day", "bad start , bad end"])
    ids, mask = map(torch.from_numpy, tokens.pad(range(2), network.tokenizer.pad_id))
    with torch.no_grad():
        return network.eval().encode(Inputs(ids, mask)).hidden


def config(**changes: Any) -> Change:
    def change(folder: Path) -> None:
        path = folder / "config.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | changes))

    return change


def weights(alter: Callable[[dict[str, torch.Tensor]], object]) -> Change:
    def change(folder: Path) -> None:
        tensors = {name: tensor.clone() for name, tensor in load_file(folder / SINGLE).items()}
        alter(tensors)
        save_file(tensors, folder / SINGLE)

    return change


def many_tensors(folder: Path) -> None:
    head = json.dumps({f"cls.{at}": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]} for at in range(20_001)})
    (folder / SINGLE).write_bytes(len(head).to_bytes(8, "little") + head.encode())


def index(target: str) -> Change:
    """Weights in another file beside an index that names `target`."""

    def change(folder: Path) -> None:
        (folder / INDEX).write_text(json.dumps({"weight_map": dict.fromkeys(load_file(folder / SINGLE), target)}))
        (folder / SINGLE).rename(folder / "model-00001-of-00001.safetensors")

    return change


def other_weights(folder: Path) -> None:
    tensors = load_file(folder / SINGLE)
    save_file({name: -2 * tensor for name, tensor in tensors.items()}, folder / "other.safetensors")


def linked(name: str, target: str) -> Change:
    def change(folder: Path) -> None:
        (folder / name).unlink(missing_ok=True)
        (folder / name).symlink_to(target)

    return change


def special(name: str, make: Callable[[Path], object]) -> Change:
    def change(folder: Path) -> None:
        (folder / name).unlink(missing_ok=True)
        make(folder / name)

    return change


WITHOUT_A_VOTE: dict[str, dict[str, Any]] = {
    "another file of weights": {"transformers_weights": "other.safetensors"},
    "a pickle": {"transformers_weights": "adapter_model.bin"},
    "a quantiser": {"quantization_config": {"quant_method": "bitsandbytes", "load_in_8bit": True}},
    "fused layers": {"fusion_config": {"attention": {"layers": [0]}}},
    "a layer of its own": {"per_layer_config": {"0": {"hidden_size": 64}}},
    "other names": {"attribute_map": {"hidden_size": "vocab_size"}},
    "methods": {"validate": "x", "to_dict": 1, "get_text_config": None},
    "tuples": {"return_dict": False, "output_attentions": True, "output_hidden_states": True},
    "half numbers": {"dtype": "float16", "torch_dtype": "float16"},
    "many labels": {"num_labels": 10**9},
    "pieces": {"chunk_size_feed_forward": 7},
}


@pytest.mark.parametrize("said", WITHOUT_A_VOTE)
def test_keys_that_a_configuration_does_not_declare_have_no_vote(said: str, folder: Path, tmp_path: Path) -> None:
    expected = states(opened(folder))
    other_weights(folder)
    torch.save({BIAS: torch.ones(32)}, folder / "adapter_model.bin")
    config(**WITHOUT_A_VOTE[said])(folder)
    network = opened(folder)
    assert torch.equal(states(network), expected)
    (tmp_path / "out").mkdir()
    network.save(tmp_path / "out")
    assert not WITHOUT_A_VOTE[said].keys() & json.loads((tmp_path / "out" / "config.json").read_text()).keys() - {
        "dtype"
    }


def test_an_adapter_beside_the_weights_is_not_applied(folder: Path) -> None:
    expected = states(opened(folder))
    names = [f"base_model.model.encoder.layer.0.attention.self.query.lora_{side}.weight" for side in "AB"]
    save_file({names[0]: torch.ones(4, 32), names[1]: torch.ones(32, 4)}, folder / "adapter_model.safetensors")
    about = {"peft_type": "LORA", "base_model_name_or_path": "x", "r": 4, "lora_alpha": 64, "target_modules": ["query"]}
    (folder / "adapter_config.json").write_text(json.dumps(about))
    assert torch.equal(states(opened(folder)), expected)
    (folder / SINGLE).unlink()
    with pytest.raises(ModelError, match=r"has no model\.safetensors.*it holds an adapter alone; merge it"):
        opened(folder)


REFUSED: dict[str, tuple[Change, str]] = {
    "a pickle in the index": (index("pytorch_model.bin"), r"names 'pytorch_model\.bin'; only plain names of \.safetensors"),
    "a folder in the index": (index("sub/x.safetensors"), "only plain names"),
    "the folder above in the index": (index("../other.safetensors"), "only plain names"),
    "a path in the index": (index("/tmp/other.safetensors"), "only plain names"),
    "a file that is not there": (index("gone.safetensors"), "names gone.safetensors, which is not there"),
    "an index without a map": (lambda f: (index("x")(f), (f / INDEX).write_text("{}")), "has no 'weight_map' that names"),
    "an index that is a list": (lambda f: (index("x")(f), (f / INDEX).write_text("[1]")), "holds a list"),
    "a link to weights elsewhere": (linked(SINGLE, "/etc/hostname"), "is a link to a place outside"),
    "a link to what another program knows": (linked("vocab.txt", "/proc/self/environ"), "is a link to a place outside"),
    "a link to a device": (linked("merges.txt", "/dev/zero"), "is a link to a place outside"),
    "a link to itself": (linked("vocab.txt", "vocab.txt"), "cannot be read"),
    "a pipe for weights": (special(SINGLE, os.mkfifo), "expected a file"),
    "a pipe for a configuration": (special("config.json", os.mkfifo), "expected a file"),
    "a pipe for a tokenizer": (special("tokenizer.json", os.mkfifo), "expected a file"),
    "a pipe beside a tokenizer": (special("added_tokens.json", os.mkfifo), "expected a file"),
    "a folder for a file": (special("tokenizer_config.json", Path.mkdir), "expected a file"),
    "a list for settings": (special("tokenizer_config.json", lambda p: p.write_text("[1]")), "holds a list"),
    "a list for a length": (special("sentence_bert_config.json", lambda p: p.write_text("[1]")), "holds a list"),
    "a deep configuration": (special("config.json", lambda p: p.write_text('{"a":' + "[" * 100_000)), "nested too deep"),
    "none of its weights": (weights(lambda t: (t.clear(), t.update(foo=torch.ones(3)))), r"this and \d+ more"),
    "one weight less": (weights(lambda t: t.pop(BIAS)), f"{BIAS} is not among them"),
    "one weight more": (weights(lambda t: t.update({"encoder.layer.7.x": torch.ones(3)})), "7.x is not a part of such"),
    "no number": (weights(lambda t: t[BIAS].fill_(torch.nan)), f"{BIAS} holds numbers that are not finite"),
    "one number without end": (weights(lambda t: t[BIAS][3:4].fill_(torch.inf)), f"{BIAS} holds numbers that are not finite"),
    "numbers beyond float32": (weights(lambda t: t.update({BIAS: torch.full((32,), 1e300, dtype=torch.float64)})), "not finite"),
    "integers": (weights(lambda t: t.update({BIAS: torch.ones(32, dtype=torch.int32)})), f"{BIAS} is stored as I32"),
    "integers by a former name": (
        weights(lambda t: t.update({OLD: t.pop(NORM).to(torch.int8)})), r"LayerNorm\.gamma is stored as I8"
    ),
    "a weight by two names": (weights(lambda t: t.update({OLD: -t[NORM]})), f"{NORM} is there twice, also by its former name {OLD}"),
    "a long head": (
        special(SINGLE, lambda path: path.write_bytes((17 << 20).to_bytes(8, "little") + b" " * (17 << 20))),
        "a head of 17,825,792 bytes, more than the 16,777,216",
    ),
    "many tensors": (many_tensors, r"has 20,001 tensors, more than the 20,000"),
    "another shape": (weights(lambda t: t.update({BIAS: torch.ones(33)})), rf"{BIAS} has the shape \[33\]"),
    "states that overflow": (
        weights(lambda t: t["embeddings.LayerNorm.weight"].fill_(3e38)), "states of a short text are not finite"
    ),
    "a huge vocabulary": (config(vocab_size=10**12), "describes a network of .* GB, the weights hold"),
    "a huge width": (config(intermediate_size=10**9), "describes a network of .* GB, the weights hold"),
    "many places": (config(max_position_embeddings=10**12), "describes a network of .* GB, the weights hold"),
    "many layers": (config(num_hidden_layers=10**9), "num_hidden_layers is 1,000,000,000, more than the 1,000"),
    "a layer more": (config(num_hidden_layers=3), r"encoder\.layer\.2\..* is not among them"),
    "a layer less": (config(num_hidden_layers=1), r"encoder\.layer\.1\..* is not a part of such a network"),
    "no heads": (config(num_attention_heads=0), r"by zero; a value in its config\.json does not suit such a network"),
    "padding outside": (config(pad_token_id=10**6), "Padding_idx must be within"),
    "an endless norm": (config(layer_norm_eps=float("nan")), "states of a short text are not finite"),
    "labels that are a list": (config(id2label=[1, 2]), r"config\.json cannot be used"),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("lie", REFUSED)
def test_a_folder_that_lies_is_refused_by_name(lie: str, folder: Path) -> None:
    change, said = REFUSED[lie]
    change(folder)
    with pytest.raises(ModelError, match=said):
        opened(folder)


def test_weights_in_several_files_are_the_same_network_and_pinned_by_these_files_alone(folder: Path) -> None:
    expected, whole = states(opened(folder)), load_file(folder / SINGLE)
    names = sorted(whole)
    parts = {"a.safetensors": names[::2], "b.safetensors": names[1::2]}
    for file, some in parts.items():
        save_file({name: whole[name] for name in some}, folder / file)
    (folder / INDEX).write_text(
        json.dumps({"weight_map": {name: file for file, some in parts.items() for name in some}})
    )
    (folder / SINGLE).unlink()
    digest = weights_digest(folder)
    assert torch.equal(states(opened(folder)), expected)
    save_file({"x": torch.ones(3)}, folder / "adapter_model.safetensors")  # which nothing names
    assert torch.equal(states(opened(folder, digest=digest)), expected)
    save_file({name: whole[name] for name in names}, folder / "b.safetensors")
    with pytest.raises(ModelError, match="is in two files"):
        opened(folder)


def test_weights_that_change_after_they_were_found_are_refused(folder: Path) -> None:
    located = locate(BackboneSource(location=str(folder)))
    weights(lambda tensors: tensors[BIAS].add_(1))(folder)
    with pytest.raises(ModelError, match=f"expected {located.source.digest}: damaged"):
        TextEncoder(located)


def test_links_of_a_snapshot_lead_to_the_blobs_of_its_own_cache(folder: Path, tmp_path: Path) -> None:
    cache = tmp_path / "models--org--model"
    snapshot = cache / "snapshots" / ("c" * 40)
    snapshot.mkdir(parents=True)
    (cache / "blobs").mkdir()
    for path in folder.iterdir():
        blob = cache / "blobs" / f"of-{path.name}"
        shutil.copyfile(path, blob)
        (snapshot / path.name).symlink_to(f"../../blobs/{blob.name}")
    assert torch.equal(states(opened(snapshot)), states(opened(folder)))
    (cache / "blobs" / "of-config.json").unlink()
    (cache / "blobs" / "of-config.json").symlink_to(folder / "config.json")
    with pytest.raises(ModelError, match="is a link to a place outside"):
        opened(snapshot)


@pytest.mark.parametrize("with_head", [True, False])
def test_a_head_that_was_published_with_a_network_is_no_part_of_it(with_head: bool, folder: Path) -> None:
    from transformers import BertForMaskedLM

    network = opened(folder)
    expected = states(network)
    whole = BertForMaskedLM(network.network.config)
    whole.bert.load_state_dict(network.network.state_dict())
    whole.save_pretrained(folder)
    if not with_head:
        weights(lambda tensors: tensors.pop("cls.predictions.transform.dense.weight"))(folder)
    network = opened(folder)
    assert torch.equal(states(network), expected)
    assert VocabularyHead(network, "masked").fresh is not with_head


def test_a_head_of_another_shape_is_named(folder: Path) -> None:
    network = opened(folder)
    weights(lambda tensors: tensors.update({"cls.predictions.decoder.weight": torch.ones(7, 32)}))(folder)
    with pytest.raises(
        ModelError, match=r"cls\.predictions\.decoder\.weight has the shape \[7, 32\], the configuration asks for"
    ):
        VocabularyHead(TextEncoder(replace(network.located, source=BackboneSource(location=str(folder)))), "masked")


def test_reading_weights_takes_no_random_number(folder: Path) -> None:
    before = torch.random.get_rng_state()
    opened(folder)
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (weights(lambda t: t.pop(BIAS)), f"{BIAS} is not there"),
        (weights(lambda t: t[BIAS].fill_(torch.nan)), f"{BIAS} holds numbers that are not finite"),
        (weights(lambda t: t.update({OLD: -t[NORM]})), f"{NORM} is there twice, also by its former name {OLD}"),
        (config(num_hidden_layers=3), r"layer\.2\..* is not there"),
        (config(vocab_size=7), r"word_embeddings\.weight has the shape"),
    ],
)
def test_weights_are_checked_where_numpy_reads_them_too(change: Change, said: str, folder: Path) -> None:
    digest = weights_digest(folder)
    assert np.isfinite(NumpyBert(folder, digest=digest).states(np.array([[2, 3]]), np.ones((1, 2)))[-1]).all()
    change(folder)
    with pytest.raises(ModelError, match=said):
        NumpyBert(folder)
    if weights_digest(folder) != digest:
        with pytest.raises(ModelError, match=f"expected {digest}"):
            NumpyBert(folder, digest=digest)


def test_names_with_and_without_the_prefix_are_the_same_network_in_numpy_and_in_torch(folder: Path) -> None:
    weights(lambda tensors: tensors.update({f"bert.{name}": -tensor for name, tensor in tensors.items()}))(folder)
    network = opened(folder)
    tokens = network.tokenizer.encode(["a good day"])
    ids, mask = tokens.pad([0], 0)
    with torch.no_grad():
        expected = network.eval().encode(Inputs(torch.from_numpy(ids), torch.from_numpy(mask))).hidden.numpy()
    np.testing.assert_allclose(NumpyBert(folder).states(ids, mask)[-1], expected, atol=1e-5)


def test_a_network_beyond_the_memory_of_this_machine_is_refused_before_it_is_made(folder: Path) -> None:
    config(vocab_size=10**11)(folder)
    located = locate(BackboneSource(location=str(folder)))
    with pytest.raises(ModelError, match="the network takes .* GB and this machine has"):
        TextEncoder(located, pretrained=False)
