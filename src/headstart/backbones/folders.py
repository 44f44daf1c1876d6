"""What is read of a model folder: regular files that lie in it, by plain names and within bounds."""

import json
import os
import stat
from pathlib import Path
from typing import Any

from headstart.config import describe
from headstart.errors import ModelError

TEXT_LIMIT = 512 << 20
"""Most bytes of a file that is read as a whole; the tokenizers of the largest vocabularies have a tenth of it."""
JSON_LIMIT = 64 << 20
"""Most bytes of a file of keys and values."""
WHOLE = "tokenizer.json"
"""The file of a tokenizer that needs no other."""
BESIDE = ("vocab.txt", "special_tokens_map.json", "added_tokens.json", "merges.txt", "vocab.json")
"""Files beside `tokenizer.json` that are handed on as they are, for programs that read them."""
VOCABULARIES = ("spiece.model", "sentencepiece.bpe.model", "spm.model", "tokenizer.model", *BESIDE)
"""Files from which transformers makes a fast tokenizer where there is no `tokenizer.json`."""
SETTINGS = "tokenizer_config.json"
PROMPTS = "config_sentence_transformers.json"
"""Where sentence-transformers keeps what stands in front of texts, by their role."""


def is_plain(name: str) -> bool:
    """Whether a name is that of a file in the folder itself: without a separator, not hidden, nothing that ends it early."""
    return bool(name) and not name.startswith(".") and not set("/\\\0") & set(name)


def own_file(folder: Path, name: str) -> Path | None:
    """Where a file of a folder really lies; None where there is none.

    A link is followed within the folder, and in a cache of the hub from a snapshot to the files that all snapshots share.

    Args:
        folder: of a model.
        name: of a file right in it.

    Raises:
        ModelError: the name is not plain, the file is a link to somewhere else, or no regular file.
    """
    if not is_plain(name):
        raise ModelError(f"{folder}: {name[:200]!r} is not the plain name of a file in it; only such files are read")
    path = folder / name
    try:
        real = path.resolve(strict=True)
        kind = real.lstat().st_mode
    except FileNotFoundError:
        return None
    except (OSError, RuntimeError) as error:  # links in a circle are a RuntimeError up to Python 3.12
        raise ModelError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}") from None
    if path.is_symlink() and not _is_at_home(real, folder.resolve()):
        raise ModelError(f"{path} is a link out of its folder, which is not followed; put a copy of the file there")
    if not stat.S_ISREG(kind):
        raise ModelError(f"{path} is {_kind(kind)}, expected a regular file")
    return real


def _is_at_home(real: Path, home: Path) -> bool:
    """Whether a file is inside of a folder, or among the files that the snapshots of a hub's cache share."""
    if real.is_relative_to(home):
        return True
    snapshots = next((above for above in home.parents if above.name == "snapshots"), None)
    if snapshots is None or not snapshots.parent.name.startswith("models--"):
        return False
    return real.parent == snapshots.parent / "blobs"


def _kind(mode: int) -> str:
    if stat.S_ISDIR(mode):
        return "a folder"
    return "a pipe" if stat.S_ISFIFO(mode) else "a device or socket"


def has(folder: Path, name: str) -> bool:
    """Whether a folder has a file that can be read, see `own_file`."""
    return own_file(folder, name) is not None


def read(folder: Path, name: str, *, most: int = TEXT_LIMIT) -> bytes | None:
    """The content of a file of a folder; None where there is none.

    Args:
        folder: of a model.
        name: of a file right in it.
        most: bytes.

    Raises:
        ModelError: as `own_file`; the file is larger, or cannot be read.
    """
    place = own_file(folder, name)
    if place is None:
        return None
    try:
        # Neither waits for the other end of a pipe nor follows a link that was put there since.
        with os.fdopen(os.open(place, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            about = os.fstat(file.fileno())
            if not stat.S_ISREG(about.st_mode):
                raise ModelError(f"{folder / name} is {_kind(about.st_mode)}, expected a regular file")
            content = file.read(most + 1)
    except OSError as error:
        raise ModelError(f"{folder / name} cannot be read: {error.strerror or error}") from None
    if len(content) > most:
        raise ModelError(f"{folder / name} has more than the {most >> 20} MiB that such a file may have")
    return content


def read_text(folder: Path, name: str) -> str | None:
    """The content of a text file of a folder, as `read` gives it.

    Raises:
        ModelError: as `read`; it is not UTF-8.
    """
    content = read(folder, name)
    try:
        return None if content is None else content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ModelError(f"{folder / name} is not UTF-8: {error}") from None


def read_json(folder: Path, name: str) -> dict[str, Any] | None:
    """Keys and values of a JSON file of a folder; None where there is none.

    Raises:
        ModelError: as `read`; it is not JSON, or holds something else.
    """
    content = read(folder, name, most=JSON_LIMIT)
    return None if content is None else as_mapping(content, folder / name)


def as_mapping(content: bytes, path: Path) -> dict[str, Any]:
    """Keys and values of JSON.

    Args:
        content: of a file.
        path: its place, for messages.

    Raises:
        ModelError: it is not JSON, nested too deeply, or something else than keys and values.
    """
    try:
        found = json.loads(content.decode("utf-8"))
    except ValueError as error:
        raise ModelError(f"{path} is not JSON: {error}") from None
    except RecursionError:
        raise ModelError(f"{path} is not JSON that can be read: it is nested too deeply") from None
    if not isinstance(found, dict):
        raise ModelError(f"{path} holds {describe(found)}, expected keys and values")
    return found
