"""Recipe of keeping a trained network for another runtime: `export`."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from headstart.config import InputPath, OutputPath
from headstart.recipes.base import Recipe, Threads
from headstart.recipes.sources import Format


class Exporting(Format, Recipe):
    """A model that writes, kept for a faster runtime; refused where that does not write the same.

    Without `--output` it lies in the folder of the run, and `headstart predict` uses it from then on. Needs `headstart[fast]`.

    Example:
        headstart export runs/phrases --to ctranslate2
    """

    verb: ClassVar[str] = "export"
    positional: ClassVar[tuple[str, ...]] = ("model",)

    model: InputPath
    """Folder of a run."""
    to: Literal["ctranslate2"] = Field(default="ctranslate2", examples=["ctranslate2"])
    """Runtime that the network is kept for."""
    int8: bool = False
    """Keep weights as integers of 8 bits: a quarter of the size, faster, and texts that differ here and there."""
    quantization: Literal["float32", "int8", "int16", "bfloat16", "float16"] = "float32"
    """Kind of numbers that weights are kept in; `float32` writes the same texts."""
    data: InputPath | None = None
    """File with texts that both write for, to be compared, with references beside them or without; by default the rows that the
    run was tested on, chosen by or learnt from, in this order, where the file is still there."""
    threads: Threads = None
    """CPU threads; by default all cores."""
    output: OutputPath | None = None
    """Folder to write; by default one in the folder of the run, named as the runtime."""
    overwrite: bool = False
    """Replace an earlier export."""

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if self.int8 and self.quantization not in ("float32", "int8"):
            raise ValueError(f"int8 and quantization {self.quantization} contradict each other; give one of them")
        return self

    @property
    def numbers(self) -> str:
        """What weights are kept in."""
        return "int8" if self.int8 else self.quantization
