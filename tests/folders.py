"""What saved folders hold: the code on their cards, run without headstart, and their tensors."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file


def snippet(folder: Path) -> str:
    """The code block of the card that does without headstart."""
    card = (folder / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```$", card, re.MULTILINE | re.DOTALL)
    [alone] = [block for block in blocks if "headstart" not in block]
    return alone


def run_in(folder: Path, code: str) -> list[str]:
    """Run code in a folder, in a process that must not import headstart; the lines that it prints.

    Raises:
        AssertionError: it fails, with what it says.
    """
    code += "\nimport sys\nassert 'headstart' not in sys.modules\n"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip().split("\n")


def tensors(folder: Path) -> dict[str, np.ndarray]:
    """Every tensor of a folder, by file and name."""
    return {
        f"{path.relative_to(folder)}:{name}": tensor
        for path in sorted(folder.rglob("*.safetensors"))
        for name, tensor in load_file(path).items()
    }
