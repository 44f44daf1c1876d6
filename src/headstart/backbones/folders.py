"""What a model folder says of itself: files right in it, any of which may not be there."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from headstart.config import describe
from headstart.errors import ModelError
from headstart.runtime.contained import contained, content, parsed

WHOLE = "tokenizer.json"
"""The file of a tokenizer that needs no other."""
CHAT_TEMPLATE = "chat_template.jinja"
"""Template by which a network that was trained on dialogues is given one as text."""
BESIDE = (CHAT_TEMPLATE, "vocab.txt", "special_tokens_map.json", "added_tokens.json", "merges.txt", "vocab.json")
"""Files beside `tokenizer.json` that are handed on as they are, for programs that read them."""
VOCABULARIES = ("spiece.model", "sentencepiece.bpe.model", "spm.model", "tokenizer.model", *BESIDE[1:])
"""Files from which transformers makes a fast tokenizer where there is no `tokenizer.json`."""
SETTINGS = "tokenizer_config.json"
GENERATION = "generation_config.json"
PROMPTS = "config_sentence_transformers.json"
"""Where sentence-transformers keeps what stands in front of texts, by their role."""
DEFAULT_PROMPT = "default_prompt_name"
"""Key in it: the role whose prompt stands in front of texts of which no role is said."""

TARGET = "target"
"""Folder of the tokenizer of what is written, where it is another than that of what is read."""

MARIAN = ("source.spm", "target.spm", "target_vocab.json")
"""Files of the tokenizers of Marian, beside `vocab.json`."""

NETWORK_FILES = (
    CHAT_TEMPLATE, "config.json", "model.safetensors", "model.safetensors.index.json", WHOLE, SETTINGS, *VOCABULARIES, *MARIAN,
    PROMPTS, "sentence_bert_config.json", "adapter_config.json", "adapter_model.safetensors", GENERATION,
    *(f"{TARGET}/{name}" for name in (WHOLE, SETTINGS, *VOCABULARIES)),
)  # fmt: skip
"""Files that may be read of the folder of a network, beside those that the index of its weights names."""


def own_file(folder: Path, name: str) -> Path | None:
    """Where a file of a folder really lies, see `contained`; None where there is none.

    Args:
        folder: of a model.
        name: of a file right in it.

    Raises:
        ModelError: it is a link to somewhere else, or no regular file.
    """
    return contained(folder, name) if os.path.lexists(folder / name) else None


def read(folder: Path, name: str) -> bytes | None:
    """The content of a file of a folder; None where there is none; raises as `content`."""
    return content(folder, name) if os.path.lexists(folder / name) else None


def read_text(folder: Path, name: str) -> str | None:
    """The content of a text file of a folder; None where there is none.

    Raises:
        ModelError: as `content`; it is not UTF-8.
    """
    found = read(folder, name)
    try:
        return None if found is None else found.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ModelError(f"{folder / name} is damaged: it is not UTF-8: {error}") from None


def read_json(folder: Path, name: str) -> dict[str, Any] | None:
    """Keys and values of a JSON file of a folder; None where there is none.

    Raises:
        ModelError: as `content` and `parsed`; it holds something else.
    """
    found = read(folder, name)
    return None if found is None else as_mapping(found, folder / name)


def as_mapping(found: bytes, path: Path) -> dict[str, Any]:
    """Keys and values of JSON.

    Args:
        found: content of a file.
        path: its place, for messages.

    Raises:
        ModelError: as `parsed`; it holds something else.
    """
    values = parsed(found, path)
    if not isinstance(values, dict):
        raise ModelError(f"{path} holds {describe(values)}, expected keys and values")
    return values


def stated_prompts(folder: Path) -> dict[str, str]:
    """What a folder says is to stand in front of texts, such as `query: `, by their role; empty where it says nothing."""
    found = (read_json(folder, PROMPTS) or {}).get("prompts")
    if not isinstance(found, dict):
        return {}
    return {role: text for role, text in found.items() if isinstance(text, str) and text}


def stated_default_prompt(folder: Path) -> str:
    """What a folder says is to stand in front of texts without a role; empty where it says nothing."""
    name = (read_json(folder, PROMPTS) or {}).get(DEFAULT_PROMPT)
    return stated_prompts(folder).get(name, "") if isinstance(name, str) else ""


def write_prompts(folder: Path, prompts: Mapping[str, str], default: str = "") -> None:
    """Write what `stated_prompts` and `stated_default_prompt` read, where there is anything.

    Args:
        folder: an existing one.
        prompts: by role.
        default: in front of texts without a role, one of `prompts`; nothing if empty.
    """
    if not prompts:
        return
    name = next((role for role, text in prompts.items() if text == default), None)
    values = {"prompts": dict(prompts), **({DEFAULT_PROMPT: name} if name is not None else {})}
    (folder / PROMPTS).write_text(json.dumps(values, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
