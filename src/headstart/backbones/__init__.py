"""Backbones: pretrained networks with their tokenizers, the classes that open them, and the names of some."""

from headstart.registry import Registry

KNOWN = {name: f"headstart.backbones.{name}" for name in ("mini", "multi", "smol")}
"""Short names to the module that says where the weights are; anything else is a hub id or a folder."""

TRANSFORMERS = "transformers"
"""The class of backbones for architectures that are code of the transformers library."""

SEQ2SEQ = ("bart", "blenderbot", "blenderbot-small", "m2m_100", "marian", "mbart", "pegasus")
"""Architectures of encoder-decoders that are opened to write texts."""
DECODERS = (
    "bloom", "gemma", "gemma2", "gpt2", "gpt_neo", "gpt_neox", "llama", "mistral", "opt", "qwen2", "qwen3", "smollm3"
)  # fmt: skip
"""Architectures of decoders, which go on with a text."""
BACKBONES = Registry(
    "backbone",
    {TRANSFORMERS: "headstart.backbones.encoder:TextEncoder"}
    | dict.fromkeys(DECODERS, "headstart.backbones.encoder:TextDecoder")
    | dict.fromkeys(SEQ2SEQ, "headstart.backbones.seq2seq:Seq2Seq")
    | {"encoder-decoder": "headstart.backbones.pairs:EncoderDecoderPair"},
    group="headstart.backbones",
)
"""Classes of backbones: a name other than `transformers` is the `model_type` in the config.json of the folders that the class
opens."""
