"""What saved folders hold: the code on their cards, and their tensors."""

import re
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file


def snippet(folder: Path) -> str:
    """The code block of the card that does without headstart."""
    card = (folder / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```$", card, re.MULTILINE | re.DOTALL)
    [alone] = [block for block in blocks if "headstart" not in block]
    return alone


def tensors(folder: Path) -> dict[str, np.ndarray]:
    """Every tensor of a folder, by file and name."""
    return {
        f"{path.relative_to(folder)}:{name}": tensor
        for path in sorted(folder.rglob("*.safetensors"))
        for name, tensor in load_file(path).items()
    }


def whichever(folder: Path, name: str) -> Path:
    """A file of an artifact, which lies in its folder or, of a network apart from its head, in the one below."""
    return folder / name if (folder / name).exists() else folder / "network" / name
