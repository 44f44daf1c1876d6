"""Queries and the passages of an index that are found for them: the verb `search`."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from headstart.data.files import open_text, require_file
from headstart.data.graphemes import is_blank
from headstart.data.table import column_named
from headstart.errors import DataError, MissingInputError, StorageError, UsageError, quoted
from headstart.folders import refuse_taken
from headstart.indexes.index import Hit, Index
from headstart.readers.opening import open_sheet, writer_for
from headstart.recipes.searching import Asking, Searching
from headstart.registry import did_you_mean
from headstart.runs.outcome import Call, Outcome, left_out
from headstart.runtime.durable import working_folder
from headstart.runtime.machine import set_threads
from headstart.serving.files import standard_input
from headstart.types import Dropped

QUERY_COLUMNS = ("query", "question", "text")
"""Columns that are taken for queries where none is named, the first of them first."""
BATCH = 256
"""Queries of a file that are searched for at a time."""
FOUND = ("rank", "score", "bm25", "dense", "passage_id", "document", "file", "line", "start", "end", "title", "passage")
"""Columns that come behind those of a file of queries."""


class AskedRows(NamedTuple):
    """Queries of a file or of the command."""

    columns: tuple[str, ...]
    rows: Iterator[tuple[tuple[str | None, ...], str]]
    """Values of all columns, and the query."""
    dropped: list[Dropped]
    """Rows without a query, as they come by."""


def search(recipe: Searching, call: Call) -> Outcome:
    """Carry out `search`: the best passages for queries of the command, of lines or of a file.

    Raises:
        HeadstartError: the index, the input or the output can't be used.
    """
    if (recipe.input is None) == (not recipe.query):
        raise UsageError("give what to search for, or a file of queries with --input")
    if recipe.query and recipe.output is not None:
        raise UsageError("--output writes a row for each passage found for the queries of a file given with --input")
    asked = asked_rows(recipe)
    if recipe.output is not None:
        refuse_taken(Path(recipe.output), overwrite=recipe.overwrite)
        writer_for(Path(recipe.output))  # refused before any work
    set_threads(recipe.threads, torch_runs=False)
    found = Index.open(recipe.index, backbone=recipe.backbone)
    if recipe.output is not None:
        return _written(recipe, asked, found)
    queries = [
        {"query": query, "hits": [{"rank": at} | hit.plain() for at, hit in enumerate(hits, start=1)]}
        for _, query, hits in _searched(asked, found, recipe.best)
    ]
    if not queries:
        raise DataError(f"{recipe.input}: holds no query; expected at least one")
    result = {
        "index": recipe.index,
        "retriever": found.said.retriever,
        "queries": queries,
        "dropped_rows": [row.plain() for row in asked.dropped],
    }
    return Outcome(result, notes=left_out(asked.dropped) + _unfound(queries))


def _unfound(queries: Sequence[dict[str, Any]]) -> list[str]:
    nothing = [each["query"] for each in queries if not each["hits"]]
    others = f", nor of {len(nothing) - 1:,} others" if len(nothing) > 1 else ""
    return [f"no passage has a word of {quoted(nothing[0])}{others}"] if nothing else []


def asked_rows(recipe: Searching | Asking) -> AskedRows:
    """Queries of the command, of lines or of a file, with the columns beside them.

    Raises:
        HeadstartError: the file can't be used, or a query is empty.
    """
    if recipe.query:
        for query in recipe.query:
            if is_blank(query):
                raise UsageError("a query is empty; expected some words to search for")
        return AskedRows(("query",), (((query,), query) for query in recipe.query), [])
    dropped: list[Dropped] = []
    path = Path(str(recipe.input))
    if recipe.input == "-":
        return AskedRows(("query",), _lines(standard_input(recipe.encoding), "standard input", dropped), dropped)
    if path.is_dir():
        raise MissingInputError(f"{path} is a folder; name a file of queries")
    require_file(path)
    if recipe.format is None and path.suffix.lower() in (".txt", ".text", ""):
        return AskedRows(("query",), _lines(open_text(path, recipe.encoding), str(path), dropped), dropped)
    sheet = open_sheet(path, words=False, **recipe.reading)
    at = _query_column(path, sheet.columns, sheet.format, recipe.text)

    def rows() -> Iterator[tuple[tuple[str | None, ...], str]]:
        for record in sheet.records:
            if isinstance(record, Dropped):
                dropped.append(record)
            elif is_blank(record.values[at] or ""):
                dropped.append(Dropped(str(path), record.line, f"has no query in column '{sheet.columns[at]}'"))
            else:
                yield record.values, str(record.values[at])

    return AskedRows(tuple(sheet.columns), rows(), dropped)


def _lines(lines: Any, name: str, dropped: list[Dropped]) -> Iterator[tuple[tuple[str | None, ...], str]]:
    for number, line in enumerate(lines, start=1):
        query = line.strip()
        if is_blank(query):
            dropped.append(Dropped(name, number, "has no query"))
        else:
            yield (query,), query


def _query_column(path: Path, names: Sequence[str], format: dict[str, str], wanted: str | None) -> int:
    listing = f"(columns: {', '.join(names)})"
    if wanted is not None:
        name = column_named(wanted, names, format)
        if name not in names:
            raise DataError(
                f"{path} has no column '{wanted}'{did_you_mean(wanted, list(names))} {listing}; choose one with --text"
            )
        return list(names).index(name)
    folded = [name.casefold() for name in names]
    found = next((folded.index(usual) for usual in QUERY_COLUMNS if usual in folded), 0 if len(names) == 1 else None)
    if found is None:
        raise DataError(f"{path}: which column holds the queries? Name it with --text {listing}")
    return found


def _searched(asked: AskedRows, found: Index, best: int) -> Iterator[tuple[tuple[str | None, ...], str, list[Hit]]]:
    held: list[tuple[tuple[str | None, ...], str]] = []

    def flush() -> Iterator[tuple[tuple[str | None, ...], str, list[Hit]]]:
        hits = found.search([query for _, query in held], best)
        yield from ((values, query, some) for (values, query), some in zip(held, hits, strict=True))
        held.clear()

    for row in asked.rows:
        held.append(row)
        if len(held) == BATCH:
            yield from flush()
    if held:
        yield from flush()


def _written(recipe: Searching, asked: AskedRows, found: Index) -> Outcome:
    """Queries with the passages found for them as rows of a file, which appears whole or not at all."""
    target = Path(str(recipe.output))
    prefix = ""
    while {prefix + name for name in FOUND} & set(asked.columns):
        prefix += "headstart_"
    counts = {"searched": 0, "rows": 0}

    def rows() -> Iterator[list[str | None]]:
        for values, _, hits in _searched(asked, found, recipe.best):
            counts["searched"] += 1
            for at, hit in enumerate(hits, start=1):
                counts["rows"] += 1
                yield [*values, *_cells(at, hit)]

    try:
        with working_folder(target) as place:
            writer_for(target).write(place / target.name, [*asked.columns, *(prefix + name for name in FOUND)], rows())
            refuse_taken(target, overwrite=recipe.overwrite)
            os.replace(place / target.name, target)
    except OSError as error:
        raise StorageError(f"{target} cannot be written: {error.strerror or error}") from None
    dropped = [row.plain() for row in asked.dropped]
    return Outcome({"output": str(target)} | counts | {"dropped_rows": dropped}, notes=left_out(asked.dropped))


def _cells(rank: int, hit: Hit) -> list[str | None]:
    numbers = [f"{value:.6g}" if value is not None else "" for value in (hit.score, hit.bm25, hit.dense)]
    passage = hit.passage
    places = [str(each) for each in (passage.line, passage.start, passage.end)]
    return [str(rank), *numbers, passage.id, passage.document, passage.file, *places, passage.title, passage.text]
