"""A tokenised corpus: the ids of all documents one after the other, mapped from disk."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from headstart.errors import DataError
from headstart.runtime import durable

INDEX = "index"
ABOUT, IDS, ENDS, DOCUMENTS = "about.json", "ids.bin", "ends.bin", "documents.bin"


def shard_name(number: int) -> str:
    """Folder of a shard."""
    return f"shard-{number:05d}"


class Corpus:
    """Token ids of a corpus; nothing is in memory before it is read.

    Args:
        folder: that `tokenised` wrote and that is complete; use `open_corpus`.
        about: what its index says.

    Attributes:
        tokens: how many there are.
        documents: int64, shape (documents + 1,); the ids of document i are `read(documents[i], documents[i + 1])`.
        facts: counts of files, documents, copies left out, sentences removed, tokens, characters and words.
        vocabulary: ids are below it.
        key: digests of what it was made from.
    """

    def __init__(self, folder: Path, about: dict[str, Any]) -> None:
        self.folder = folder
        self.facts: dict[str, Any] = about["facts"]
        self.key: dict[str, Any] = about["key"]
        self.vocabulary = int(about["vocabulary"])
        self._starts = np.concatenate([[0], np.cumsum(about["shards"], dtype=np.int64)]).astype(np.int64)
        self._shards = [
            _mapped(folder / shard_name(number) / IDS, about["dtype"]) for number in range(len(about["shards"]))
        ]
        self.tokens = int(self._starts[-1])
        self.documents = _mapped(folder / INDEX / DOCUMENTS, "int64")

    def __len__(self) -> int:
        return self.tokens

    def read(self, start: int, stop: int) -> np.ndarray:
        """Ids of the tokens from `start` to `stop`, int64, shape (stop - start,).

        Raises:
            IndexError: there are no such tokens.
        """
        if not 0 <= start <= stop <= self.tokens:
            raise IndexError(f"tokens {start} to {stop} of a corpus of {self.tokens}")
        found = np.empty(stop - start, dtype=np.int64)
        at = start
        while at < stop:
            shard = int(np.searchsorted(self._starts, at, side="right")) - 1
            begin = int(self._starts[shard])
            end = min(stop, int(self._starts[shard + 1]))
            found[at - start : end - start] = self._shards[shard][at - begin : end - begin]
            at = end
        return found


def open_corpus(folder: Path) -> Corpus:
    """Open what `tokenised` wrote, after a look at the size of every file.

    Raises:
        DataError: it is not complete, or a shard is missing or was cut short; the message names it.
    """
    try:
        about = json.loads((folder / INDEX / ABOUT).read_text(encoding="utf-8"))
        names = [INDEX, *(shard_name(number) for number in range(len(about["shards"])))]
    except FileNotFoundError:
        raise DataError(f"{folder}: is no complete tokenised corpus, its {INDEX} is missing; tokenise again") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{folder / INDEX}: cannot be read ({type(error).__name__}); tokenise again") from None
    for name in names:
        found = _cut_short(folder / name)
        if found:
            raise DataError(f"{folder / name}: {found}; tokenise again, which makes only this part anew")
    return Corpus(folder, about)


def _cut_short(folder: Path) -> str:
    try:
        named = json.loads((folder / durable.MANIFEST).read_text(encoding="utf-8"))["files"]
        for name, about in named.items():
            size = (folder / name).stat().st_size
            if size != about["size"]:
                return f"{name} has {size:,} bytes and was written with {about['size']:,}"
    except FileNotFoundError as error:
        return f"{Path(error.filename).name} is missing"
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        return f"{durable.MANIFEST} cannot be read ({type(error).__name__})"
    return ""


def _mapped(path: Path, dtype: str) -> np.ndarray:
    # A file of no bytes cannot be mapped.
    return np.memmap(path, dtype=dtype, mode="r") if path.stat().st_size else np.zeros(0, dtype=dtype)
