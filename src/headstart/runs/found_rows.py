"""Rows of a file with what was found of each, as files: beside their own columns, in their own order."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from headstart.data.files import writing
from headstart.data.table import Table
from headstart.errors import DataError, RunFolderError
from headstart.folders import check_free, new_folder, refuse_taken, write_manifest
from headstart.manifest import TABLES
from headstart.readers.opening import writer_for

RESULT = "result.json"
ROWS = "rows.csv"

Cells = Sequence[str | None]


def require_free(output: str | None, source: str, *, overwrite: bool) -> None:
    """Refuse an output that is there already, or cannot be written, before any work.

    Args:
        output: file or folder; nothing is checked if None.
        source: file that is read.
        overwrite: whether what headstart wrote may be replaced.

    Raises:
        RunFolderError: it is there.
        DataError: it is a file of words, which holds no columns.
    """
    if output is None:
        return
    path = Path(output)
    if not is_file(path):
        check_free(path, overwrite=overwrite)
        return
    refuse_taken(path, overwrite=overwrite)
    if writer_for(path).by_word:
        raise DataError(f"{path}: files of words have no columns; choose .csv, .tsv, .jsonl or .parquet")
    if path.exists() and os.path.exists(source) and path.samefile(source):
        raise RunFolderError(f"{path} is the file that is read; name another with -o")


def is_file(path: Path) -> bool:
    """Whether an output is a file with rows, as its ending says, and not a folder."""
    return bool(path.suffix) and not path.is_dir()


def write(
    output: Path,
    table: Table,
    found: Mapping[str, Cells],
    *,
    tables: Mapping[str, tuple[Sequence[str], Iterable[Cells]]],
    result: Mapping[str, Any],
    overwrite: bool,
) -> None:
    """Write the rows to a file or, with all else, into a folder.

    Args:
        output: which of the two, by its ending.
        table: all rows that could be read.
        found: further columns by name, a value for each row.
        tables: columns and rows of further files, by name.
        result: what `--json` prints.
        overwrite: replace what headstart wrote there.

    Raises:
        RunFolderError: something is there.
        StorageError: the disk refuses.
    """
    columns, rows = _beside(table, found)
    if is_file(output):
        refuse_taken(output, overwrite=overwrite)
        writer_for(output).write(output, columns, rows)
        return
    with new_folder(output, overwrite=overwrite) as folder:
        writer_for(folder / ROWS).write(folder / ROWS, columns, rows)
        for name, (names, lines) in tables.items():
            writer_for(folder / name).write(folder / name, names, lines)
        with writing(folder / RESULT) as file:
            json.dump(result, file, ensure_ascii=False, indent=1, allow_nan=False)
        write_manifest(folder, TABLES, (ROWS, *tables, RESULT))


def _beside(table: Table, found: Mapping[str, Cells]) -> tuple[list[str], Iterator[Cells]]:
    """Names of all columns and all rows; columns that were found get a prefix where the file has one of such a name."""
    prefix = ""
    while {prefix + name for name in found} & set(table.columns):
        prefix += "headstart_"
    names = [*table.columns, *(prefix + name for name in found)]
    return names, zip(*table.columns.values(), *found.values(), strict=True)
