"""Files that say in words what labels mean."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import yaml

from headstart.data.files import require_file
from headstart.errors import DataError, quoted
from headstart.readers.opening import open_table

LABEL, DESCRIPTION = "label", "description"
MAPPINGS = (".json", ".yaml", ".yml")
"""Endings of files that hold one mapping."""


def read_descriptions(path: Path, labels: Sequence[str]) -> dict[str, str]:
    """Words by label: a table with the columns `label` and `description`, or a mapping in JSON or YAML.

    Args:
        path: of the file.
        labels: that there are.

    Raises:
        MissingInputError: there is no such file.
        DataError: it is of another shape, describes a label twice or one that is not there, or leaves one without words.
    """
    require_file(path)
    found = _mapping(path) if path.suffix.lower() in MAPPINGS else _table(path)
    if strange := [label for label in found if label not in labels]:
        raise DataError(f"{path}: there is no label {quoted(strange[0])} (labels: {', '.join(labels[:20])})")
    if empty := [label for label in labels if not found.get(label, "").strip()]:
        raise DataError(
            f"{path}: the label {quoted(empty[0])} has no description; give one, or leave labels to their names"
        )
    return found


def _mapping(path: Path) -> dict[str, str]:
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read as {path.suffix[1:]}: {' '.join(str(error).split())}") from None
    if not isinstance(found, dict) or not all(isinstance(each, str) for each in found.values()):
        raise DataError(f"{path}: expected a mapping of labels to texts, such as {{pos: a happy customer}}")
    return {str(label): words for label, words in found.items()}


def _table(path: Path) -> dict[str, str]:
    table = open_table(path)
    names = {name.strip().casefold(): name for name in table.columns}
    if missing := [name for name in (LABEL, DESCRIPTION) if name not in names]:
        raise DataError(f"{path}: has no column '{missing[0]}'; its columns are {', '.join(table.columns)}")
    found: dict[str, str] = {}
    rows = zip(table.columns[names[LABEL]], table.columns[names[DESCRIPTION]], table.lines, strict=True)
    for label, words, line in rows:
        if label in found:
            raise DataError(f"{path}:{line}: the label {quoted(label or '')} is described twice")
        found[label or ""] = words or ""
    return found
