"""A tiny backbone whose tokenizer sets two texts apart, as those of BERT do."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer
from tokenizers.processors import TemplateProcessing


def with_pairs(folder: Path, make: Callable[..., Path], architecture: str = "bert", **changes: Any) -> Path:
    """Make a tiny backbone and give its tokenizer the template of two texts."""
    made = make(folder, architecture, initializer_range=0.2, **changes)
    tokenizer = Tokenizer.from_file(str(made / "tokenizer.json"))
    marks = [(name, tokenizer.token_to_id(name)) for name in ("[CLS]", "[SEP]")]
    tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=marks
    )
    tokenizer.save(str(made / "tokenizer.json"))
    return made
