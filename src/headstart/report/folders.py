"""Evidence that is shown to others without the folders of the machine that it was made on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePath
from typing import Any

KEYS = ("path", "file", "location", "folder", "texts", "test")
"""Under which evidence names files."""


def without_folders(evidence: Mapping[str, Any]) -> dict[str, Any]:
    """The evidence with the name alone of every file that it says the absolute path of, in its sentences too."""
    names = {path: PurePath(path).name for path in sorted({*_paths(evidence)}, key=len, reverse=True)}
    return _replaced(evidence, names)


def _paths(value: Any, key: str = "") -> Iterator[str]:
    """Absolute paths of files, wherever they stand."""
    if isinstance(value, str):
        if key in KEYS and PurePath(value).is_absolute() and PurePath(value).name:
            yield value
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _paths(inner, str(name))
    elif isinstance(value, Sequence):
        for inner in value:
            yield from _paths(inner, key)


def _replaced(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        for path, name in names.items():
            value = value.replace(path, name)
        return value
    if isinstance(value, Mapping):
        return {key: _replaced(inner, names) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_replaced(inner, names) for inner in value]
    return value
