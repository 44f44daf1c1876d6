"""The tokenizer of a folder, and how long it says that texts may be."""

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from headstart.backbones.folders import SETTINGS, VOCABULARIES, WHOLE, read, read_json, read_text
from headstart.backbones.tokenizer_checks import IDS_LIMIT as WORDS_LIMIT
from headstart.backbones.tokenizer_checks import naming_faults, read_tokenizer, refuse_unsound
from headstart.backbones.tokenizer_limits import texts_in
from headstart.backbones.tokenizing import TextTokenizer
from headstart.errors import ModelError
from headstart.runtime.contained import parsed

NUMBERED = ("vocab.json", "added_tokens.json")
"""Vocabularies that give the id of each word."""
LETTERS = ("do_lower_case", "strip_accents", "tokenize_chinese_chars", "keep_accents", "remove_space", "lowercase")
HANDED = (*LETTERS, "model_max_length", "add_prefix_space", "legacy", "extra_ids", "additional_special_tokens",
          "extra_special_tokens", "add_bos_token", "add_eos_token", "split_by_punct", "clean_up_tokenization_spaces")  # fmt: skip
"""Keys of `tokenizer_config.json` that have a say in it, beside the special tokens themselves."""
IDS_LIMIT, MARKS_LIMIT, LONGEST_MARK = 10_000, 1000, 1000
"""Most tokens that such a key adds by a number, and by a list, which takes transformers time by the square; characters of one."""


def open_tokenizer(folder: Path, max_length: int, pad_id: int) -> TextTokenizer:
    """Read `tokenizer.json` of a folder.

    Raises:
        ModelError: there is none, it cannot be read, or could take all memory or time.
    """
    text = read_text(folder, WHOLE)
    if text is None:
        raise ModelError(f"{folder} has no {WHOLE}")
    return sound(text, folder, max_length, pad_id)


def sound(text: str, folder: Path, max_length: int, pad_id: int) -> TextTokenizer:
    """The tokenizer of the content of a `tokenizer.json`, with the other files of a folder; raises as `open_tokenizer`."""
    tokenizer = read_tokenizer(text, str(folder / WHOLE))
    refuse_unsound(tokenizer, str(folder / WHOLE))
    return TextTokenizer(tokenizer, max_length, pad_id, folder=folder)


def convert_tokenizer(folder: Path, max_length: int, pad_id: int) -> TextTokenizer:
    """Make a fast tokenizer of a folder that has only a vocabulary or a sentencepiece model, through transformers.

    It is given copies of these files and the architecture's own class of tokenizer, whatever else the folder says.

    Raises:
        ModelError: transformers has no fast tokenizer for it, or as `open_tokenizer`.
    """
    from transformers import CONFIG_MAPPING, TOKENIZER_MAPPING

    kind = (read_json(folder, "config.json") or {}).get("model_type")
    fault = f"{folder} has no tokenizer that can be read"
    with tempfile.TemporaryDirectory(prefix="headstart-") as place, naming_faults(fault, texts=False):
        for name in VOCABULARIES:
            if (content := read(folder, name)) is not None:
                if name in NUMBERED:
                    _refuse_ids_beyond(parsed(content, folder / name), str(folder / name))
                (Path(place) / name).write_bytes(content)
        settings = read_json(folder, SETTINGS) or {}
        handed = {key: value for key, value in settings.items() if key in HANDED or key.endswith("_token")}
        _refuse_many_marks(handed, str(folder / SETTINGS))
        if isinstance(extra := handed.get("extra_ids"), int) and extra > IDS_LIMIT:
            raise ModelError(f"{folder / SETTINGS}: extra_ids is {extra:,}, more than the {IDS_LIMIT:,} that are made")
        (Path(place) / SETTINGS).write_text(json.dumps(handed), encoding="utf-8")
        found = TOKENIZER_MAPPING.get(CONFIG_MAPPING[str(kind)], None)
        cls: Any = next((each for each in (found if isinstance(found, tuple) else (found,)) if each is not None), None)
        if cls is None:
            raise ModelError(
                f"{fault}: there is no {WHOLE}, and transformers makes none for {kind} networks; put it there, as the network's "
                "maker has it or as the library tokenizers saves it"
            )
        needed = [name for role, name in cls.vocab_files_names.items() if role != "tokenizer_file"]
        if lacking := [name for name in needed if not (Path(place) / name).exists()]:
            raise ModelError(f"{fault}: there is no {WHOLE}, and no {lacking[0]}")
        slow = cls.from_pretrained(place, local_files_only=True)
        backend = getattr(slow, "backend_tokenizer", None)
        if backend is None:
            raise ModelError(f"{folder}: its tokenizer has no fast form ({WHOLE})")
        text = backend.to_str()
    return sound(text, folder, max_length, pad_id)


def _refuse_ids_beyond(words: Any, where: str) -> None:
    """Refuse words with ids that no network has words for, through all of which the library would go."""
    strange = [] if not isinstance(words, dict) else [each for each in words.values() if type(each) is not int]
    if not isinstance(words, dict) or strange:
        raise ModelError(f"{where} is damaged: expected words with a whole number each")
    if not all(0 <= number < WORDS_LIMIT for number in words.values()):
        largest = max(words.values(), key=abs)
        raise ModelError(f"{where} has the id {str(largest)[:30]}, outside of those that any network has words for")


def _refuse_many_marks(settings: Mapping[str, Any], where: str) -> None:
    """Refuse special tokens without end, and such without an end."""
    marks = list(texts_in(settings))
    if len(marks) > MARKS_LIMIT:
        raise ModelError(f"{where} names {len(marks):,} special tokens; expected at most {MARKS_LIMIT:,}")
    if (longest := max(map(len, marks), default=0)) > LONGEST_MARK:
        raise ModelError(f"{where} has a text of {longest:,} characters; expected at most {LONGEST_MARK:,}")


def stated_limit(folder: Path) -> int | None:
    """The length limit a folder states: its sentence configuration first, then its tokenizer's; None if neither."""
    for name, key in (("sentence_bert_config.json", "max_seq_length"), (SETTINGS, "model_max_length")):
        limit = (read_json(folder, name) or {}).get(key)
        if isinstance(limit, int) and not isinstance(limit, bool) and 0 < limit < 100_000:
            return limit
    return None
