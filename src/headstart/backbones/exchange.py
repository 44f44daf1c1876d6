"""Another vocabulary for a network: its rows of word vectors, chosen or averaged from those it has, in a new folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from scipy import sparse
from tokenizers import Tokenizer

from headstart.backbones import SEQ2SEQ
from headstart.backbones.encoder import configuration_of, quiet
from headstart.backbones.folders import (
    CHAT_TEMPLATE,
    GENERATION,
    SETTINGS,
    WHOLE,
    own_file,
    read,
    read_json,
    write_prompts,
)
from headstart.backbones.location import CONFIG, Located
from headstart.backbones.tokenizer_files import convert_tokenizer, open_tokenizer, stated_limit
from headstart.backbones.vocabulary import ROLES, special_ids, special_ids_of
from headstart.backbones.weights import SINGLE, opened_weights
from headstart.errors import ModelError
from headstart.runtime.durable import write_json

USUAL_LENGTH = 512
SENTENCES = "sentence_bert_config.json"
CARRIED = (CHAT_TEMPLATE, "special_tokens_map.json", SENTENCES)
"""Files that hold no ids and are handed on as they are."""
IDS = ("_token_id", "_token_ids")
"""Ends of the keys of configurations that hold ids."""
PADDING = "pad_token_id"
OF_TOKENIZER = (
    "added_tokens_decoder",
    "backend",
    "vocab_file",
    "tokenizer_file",
    "auto_map",
    "name_or_path",
    "sp_model_kwargs",
)
"""Keys of `tokenizer_config.json` that speak of the old vocabulary."""


@dataclass(frozen=True)
class VocabularyRows:
    """The rows of a vocabulary as sums of those of another one.

    Args:
        shares: of each old row in each new one, a compressed array of scipy of shape (new pieces, old pieces). A row without
            entries has no origin, and is drawn at random with mean and deviation of each column of the old table.
        seed: of what is drawn.
    """

    shares: Any
    seed: int = 0

    @classmethod
    def copies(cls, ids: np.ndarray, old: int) -> VocabularyRows:
        """Each row is one of the old ones.

        Args:
            ids: number of that row, shape (new pieces,).
            old: rows of the old vocabulary.
        """
        ones = np.ones(len(ids), dtype=np.float32)
        return cls(sparse.csr_array((ones, ids, np.arange(len(ids) + 1)), shape=(len(ids), old)))

    @classmethod
    def means(cls, ids: Sequence[Sequence[int]], old: int, *, seed: int = 0) -> VocabularyRows:
        """Each row is the mean of some old ones.

        Args:
            ids: numbers of these rows for each new piece; none where it has no origin.
            old: rows of the old vocabulary.
            seed: of what is drawn.
        """
        counts = np.array([len(each) for each in ids], dtype=np.int64)
        flat = np.array([number for each in ids for number in each], dtype=np.int64)
        shares = np.repeat(1.0 / np.maximum(counts, 1), counts).astype(np.float32)
        places = np.concatenate([[0], np.cumsum(counts)])
        found = sparse.csr_array((shares, flat, places), shape=(len(ids), old))
        found.sum_duplicates()
        return cls(found, seed)

    def of(self, table: torch.Tensor) -> torch.Tensor:
        """The rows of the new vocabulary, of the type of the old ones.

        Args:
            table: those of the old one, shape (old pieces or more, ...); what is beyond is padding.
        """
        flat = table.detach().float().reshape(len(table), -1).numpy()[: self.shares.shape[1]]
        found = np.asarray(self.shares @ flat, dtype=np.float32)
        bare = np.flatnonzero(np.diff(self.shares.indptr) == 0)
        if len(bare):
            random = np.random.default_rng([self.seed, 0x70A])
            drawn = random.standard_normal((len(bare), flat.shape[1])) * flat.std(0) + flat.mean(0)
            found[bare] = drawn.astype(np.float32)
        return torch.from_numpy(found).reshape(len(found), *table.shape[1:]).to(table.dtype)


def tokenizer_of(located: Located) -> Tokenizer:
    """The tokenizer of a folder, without a limit.

    Raises:
        ModelError: it has none that can be read, or its special tokens are not in its vocabulary.
    """
    length = located.source.max_length or stated_limit(located.folder) or USUAL_LENGTH
    has_fast = own_file(located.folder, WHOLE) is not None
    found = (open_tokenizer if has_fast else convert_tokenizer)(located.folder, length, 0).plain
    words, said = found.get_vocab(with_added_tokens=True), read_json(located.folder, SETTINGS) or {}
    for role in ROLES:
        token = said.get(f"{role}_token")
        token = token.get("content") if isinstance(token, dict) else token
        if isinstance(token, str) and token not in words:
            raise ModelError(
                f"{located.folder / SETTINGS} names {token!r} as the {role} token, which is not in the vocabulary; its special "
                "tokens have to be there before it can be changed"
            )
    return found


def special_of(located: Located, tokenizer: Tokenizer) -> dict[str, int]:
    """Ids of special tokens by role, as the files of a folder state them or their names tell; see `vocabulary.ROLES`.

    Args:
        located: the folder.
        tokenizer: of it, see `tokenizer_of`.
    """
    stated = special_ids_of(located.folder) if own_file(located.folder, WHOLE) is not None else {}
    return special_ids(tokenizer) | stated


def require_exchangeable(located: Located) -> None:
    """Refuse networks whose words do not all lie in one table with one tokenizer.

    Raises:
        ModelError: it is such a network.
    """
    kind = located.config["model_type"]
    if kind in SEQ2SEQ or kind == "encoder-decoder":
        raise ModelError(
            f"{located.identity} is an encoder-decoder of the architecture {kind}, which reads and writes with vocabularies that "
            "hang together; those of encoders and decoders can be changed"
        )


def exchange_vocabulary(
    located: Located, before: Tokenizer, tokenizer: Tokenizer, rows: VocabularyRows, folder: Path
) -> None:
    """Write a network with another vocabulary, in the hub's format.

    All weights but the rows of words stay as they are, bit for bit. Heads over words that lie in the folder are changed with
    it.

    Args:
        located: the network.
        before: its tokenizer, see `tokenizer_of`.
        tokenizer: with the new vocabulary and its special tokens.
        rows: of the new vocabulary, by those of the old one.
        folder: an existing one without files of these names.

    Raises:
        ModelError: a token that the configuration names is not in the new vocabulary, or the weights cannot be read.
    """
    require_exchangeable(located)
    numbers = tokenizer.get_vocab(with_added_tokens=True)
    names = {number: token for token, number in before.get_vocab(with_added_tokens=True).items()}
    if sorted(numbers.values()) != list(range(rows.shares.shape[0])):
        raise ValueError("the rows are not those of the tokenizer")
    config = _renumbered(located.config, names, numbers, str(located.folder / CONFIG))
    config.pop("tokenizer_class", None)
    write_json(folder / CONFIG, config | {"vocab_size": len(numbers)})
    if (generation := read_json(located.folder, GENERATION)) is not None:
        write_json(folder / GENERATION, _renumbered(generation, names, numbers, str(located.folder / GENERATION)))
    tables = word_tables(located)
    with opened_weights(located.folder, located.source.digest) as stored:
        known = [name for name in stored if _is_table(name, tables)]
        if not known or any(stored[name].get_shape()[0] < rows.shares.shape[1] for name in known):
            raise ModelError(
                f"{located.folder}: its weights have no row for each of the {rows.shares.shape[1]:,} words of its tokenizer, so "
                "its vocabulary is not changed"
            )
        weights = {
            name: (rows.of(stored[name][:]) if name in known else stored[name][:].clone()).contiguous()
            for name in stored
        }
    save_file(weights, str(folder / SINGLE), metadata={"format": "pt"})
    _write_tokenizer(located, before, tokenizer, folder)


def _write_tokenizer(located: Located, before: Tokenizer, tokenizer: Tokenizer, folder: Path) -> None:
    for name in CARRIED:
        if (content := read(located.folder, name)) is not None:
            (folder / name).write_bytes(content)
    settings = {k: v for k, v in (read_json(located.folder, SETTINGS) or {}).items() if k not in OF_TOKENIZER}
    settings["tokenizer_class"] = "PreTrainedTokenizerFast"
    settings["model_max_length"] = located.source.max_length or stated_limit(located.folder) or USUAL_LENGTH
    numbers = tokenizer.get_vocab(with_added_tokens=True)
    for role, number in special_of(located, before).items():
        if (token := before.id_to_token(number)) in numbers:
            settings.setdefault(f"{role}_token", token)
    write_json(folder / SETTINGS, settings)
    tokenizer.save(str(folder / WHOLE))
    write_prompts(folder, located.prompts, located.default_prompt)


def word_tables(located: Located) -> frozenset[str]:
    """Names of the weights that have a row for each word, with any head over words, as transformers' code has them.

    They are found by making the network twice, without memory, with one word more: what then has another shape is one.
    """
    from transformers import (
        MODEL_FOR_CAUSAL_LM_MAPPING,
        MODEL_FOR_MASKED_LM_MAPPING,
        MODEL_FOR_PRETRAINING_MAPPING,
        MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING,
        MODEL_MAPPING,
    )

    mappings: list[Any] = [
        MODEL_MAPPING, MODEL_FOR_MASKED_LM_MAPPING, MODEL_FOR_CAUSAL_LM_MAPPING, MODEL_FOR_PRETRAINING_MAPPING,
        MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING,
    ]  # fmt: skip
    found: set[str] = set()
    for mapping in mappings:
        config = configuration_of(located, None)
        cls = mapping.get(type(config), None)
        if cls is None:
            continue
        shapes = []
        for extra in (0, 1):
            config.vocab_size = int(located.config["vocab_size"]) + extra
            with quiet(), torch.device("meta"):
                shell = cls(config)
            shapes.append({name: tensor.shape for name, tensor in shell.state_dict().items()})
        prefix = f"{cls.base_model_prefix}."
        found |= {name.removeprefix(prefix) for name, shape in shapes[0].items() if shape != shapes[1][name]}
    return frozenset(found)


def _is_table(name: str, tables: frozenset[str]) -> bool:
    """Whether a stored weight is a table of words; in a folder it may stand behind a prefix."""
    return any(name == table or name.endswith(f".{table}") for table in tables)


def _renumbered(
    values: Mapping[str, Any], names: Mapping[int, str], numbers: Mapping[str, int], where: str
) -> dict[str, Any]:
    """A configuration with the new ids of the tokens that it names."""

    def new(key: str, number: Any) -> Any:
        if isinstance(number, list):
            return [new(key, each) for each in number]
        if not isinstance(number, int) or isinstance(number, bool) or number < 0:
            return number
        token = names.get(number)
        if key == PADDING and token not in numbers:
            raise ModelError(f"{where}: {key} is {number:,}, and the vocabulary has no such token to pad with")
        return numbers.get(token) if token is not None else None  # what is not there any more is not said any more

    return {key: new(key, value) if key.endswith(IDS) else value for key, value in values.items()}
