"""The folder of what was found without a model: evidence, page, recipe, and perhaps rows."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from headstart.artifact import EVIDENCE, RECIPE, recipe_text
from headstart.folders import new_folder, write_manifest
from headstart.manifest import PAGE, TABLES
from headstart.readers.opening import writer_for
from headstart.recipes.base import Recipe
from headstart.runtime.durable import write_json


def write(
    folder: Path,
    evidence: Mapping[str, Any],
    recipe: Recipe,
    page: str,
    *,
    overwrite: bool = False,
    within: Path | None = None,
    rows: tuple[str, Mapping[str, list[str]]] | None = None,
) -> None:
    """Write such a folder; it appears whole or not at all.

    Args:
        folder: where it shall be.
        evidence: plain data.
        recipe: what gives the same again.
        page: an HTML document.
        overwrite: replace a folder that headstart wrote.
        within: folder to work in, as `folders.new_folder` has it.
        rows: name of a file of rows, and its columns.

    Raises:
        RunFolderError: something is there.
        StorageError: the disk refuses.
    """
    with new_folder(folder, overwrite=overwrite, within=within) as work:
        write_json(work / EVIDENCE, dict(evidence))
        (work / RECIPE).write_text(recipe_text(recipe.plain()), encoding="utf-8")
        (work / PAGE).write_text(page, encoding="utf-8")
        names = [EVIDENCE, RECIPE]
        if rows is not None:
            name, columns = rows
            writer_for(work / name).write(work / name, list(columns), zip(*columns.values(), strict=True))
            names.append(name)
        write_manifest(work, TABLES, names)
