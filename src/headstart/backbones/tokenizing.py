"""Texts to token ids through the `tokenizers` library alone, so that prediction needs no transformers import."""

import hashlib
import json
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import tokenizers
from tokenizers import Tokenizer

from headstart.data.cache import no_cache
from headstart.data.columns import texts_digest
from headstart.data.tokens import Tokens, TokenWriter, read_arrow, write_arrow
from headstart.errors import ModelError

KIND = "tokens"
LEAST_TEXTS = 2000
"""Texts below which tokenising again is no slower than looking up."""
CHUNK = 10_000
"""Texts handed to the tokenizer at once: keeps memory flat and the threads busy."""


class TextTokenizer:
    """A fast tokenizer with a length limit.

    Args:
        tokenizer: of the `tokenizers` library, with its post-processor (special tokens) set.
        max_length: most tokens per text, special tokens included.
        pad_id: id written where a batch is padded; masked, so any valid id does.
    """

    def __init__(self, tokenizer: Tokenizer, max_length: int, pad_id: int) -> None:
        self.max_length = max_length
        self.pad_id = pad_id
        self.cache = no_cache()
        """Where the ids of many texts are kept from run to run."""
        self._tokenizer = tokenizer
        tokenizer.no_padding()
        tokenizer.enable_truncation(max_length)

    def encode(self, texts: Sequence[str]) -> Tokens:
        """Tokenise texts, on all cores; what is beyond the limit is cut off and counted in `lost`.

        An empty result (a decoder's tokenizer on an empty text) becomes one padding token, so every text has a state.
        """
        if len(texts) < LEAST_TEXTS or not self.cache.room():
            return self._encoded(texts)
        key = {"tokenizer": self.digest, "texts": texts_digest(texts), "version": tokenizers.__version__}
        path = self.cache.find(KIND, key)
        try:
            if path is not None:
                return read_arrow(path)
            found = self._encoded(texts)
            size = found.flat.nbytes + found.offsets.nbytes + found.lost.nbytes
            path = self.cache.keep(KIND, key, size, lambda path: write_arrow(path, found))
            return found if path is None else read_arrow(path)
        except (OSError, ValueError):  # another process is clearing the cache
            return self._encoded(texts)

    @property
    def digest(self) -> str:
        """SHA-256 of all that ids depend on beside the text."""
        state = f"{self.max_length} {self.pad_id} {self._tokenizer.to_str()}"
        return hashlib.sha256(state.encode("utf-8", "surrogatepass")).hexdigest()

    def _encoded(self, texts: Sequence[str]) -> Tokens:
        writer = TokenWriter()
        stream = iter(texts)
        while chunk := list(islice(stream, CHUNK)):
            rows, lost = [], []
            for encoding in self._tokenizer.encode_batch_fast(chunk):
                rows.append(encoding.ids or [self.pad_id])
                lost.append(sum(len(part.ids) - sum(part.special_tokens_mask) for part in encoding.overflowing))
            writer.add_rows(rows, lost)
        return writer.tokens()

    def save(self, folder: Path) -> None:
        """Write `tokenizer.json` without truncation or padding, as the hub has it."""
        self._tokenizer.no_truncation()
        self._tokenizer.save(str(folder / "tokenizer.json"))
        self._tokenizer.enable_truncation(self.max_length)


def open_tokenizer(folder: Path, max_length: int, pad_id: int) -> TextTokenizer:
    """Read `tokenizer.json` of a folder.

    Raises:
        ModelError: there is none, or it cannot be read.
    """
    path = folder / "tokenizer.json"
    try:
        return TextTokenizer(Tokenizer.from_str(path.read_text(encoding="utf-8")), max_length, pad_id)
    except FileNotFoundError:
        raise ModelError(f"{folder} has no tokenizer.json") from None
    except Exception as error:  # the tokenizers library raises plain Exception for every fault
        raise ModelError(f"{path} cannot be read as a tokenizer: {error}") from None


def convert_tokenizer(folder: Path, max_length: int, pad_id: int) -> TextTokenizer:
    """Make a fast tokenizer of a folder that has only a vocabulary or a sentencepiece model, through transformers.

    Raises:
        ModelError: transformers has no fast tokenizer for it.
    """
    from transformers import AutoTokenizer

    try:
        slow = AutoTokenizer.from_pretrained(str(folder), trust_remote_code=False)
    except (OSError, ValueError, KeyError, ImportError) as error:
        raise ModelError(f"{folder} has no tokenizer that can be read: {str(error).splitlines()[0]}") from None
    backend = getattr(slow, "backend_tokenizer", None)
    if backend is None:
        raise ModelError(f"{folder}: its tokenizer has no fast form (tokenizer.json)")
    return TextTokenizer(Tokenizer.from_str(backend.to_str()), max_length, pad_id)


def stated_limit(folder: Path) -> int | None:
    """The length limit a folder states: its sentence configuration first, then its tokenizer's; None if neither."""
    for name, key in (("sentence_bert_config.json", "max_seq_length"), ("tokenizer_config.json", "model_max_length")):
        path = folder / name
        if path.is_file():
            try:
                limit = json.loads(path.read_text(encoding="utf-8")).get(key)
            except ValueError:
                continue
            if isinstance(limit, int) and 0 < limit < 100_000:
                return limit
    return None
