"""The Python door: one function per verb, its keyword arguments the names of the flags."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from headstart.artifact import Artifact
from headstart.data.arrays import as_texts
from headstart.data.table import Table
from headstart.errors import DataError, UsageError
from headstart.readers.opening import in_memory
from headstart.recipes.parsing import assemble, from_mapping, read
from headstart.recipes.sources import MEMORY
from headstart.runs.outcome import Outcome
from headstart.runs.run import run as run_recipe
from headstart.runtime.progress import SILENT, Progress
from headstart.types import Json


class Columns(Protocol):
    """TableLike in memory by column: a DataFrame, or a mapping of column names to values."""

    def __iter__(self) -> Iterator[Any]: ...
    def __getitem__(self, name: Any, /) -> Iterable[Any]: ...


RowList = Sequence[Mapping[str, Any] | tuple[Any, ...]]
"""Rows in memory: mappings of column names to values, or tuples of text and label, or of two texts and label."""
TableLike = str | Path | Columns | RowList
"""Labelled rows: the path of a file, or columns or rows in memory."""
TUPLES = {2: ("text", "label"), 3: ("text1", "text2", "label")}
"""Names of the columns of rows that are tuples, by their length."""


def fit(data: TableLike, *, progress: Progress = SILENT, **options: Any) -> Artifact:
    """Transfer a pretrained model to labelled data; controls run beside it.

    Args:
        data: path of a file, a DataFrame, a mapping of column names to values, or a list of rows. Data handed over in memory is
            written nowhere unless `output` is given.
        progress: told what happens; silent by default.
        **options: flags of `headstart fit` with underscores (`strategy="fine-tuning"`, `epochs=3`, `output="runs/x"`),
            whole sections (`training={"epochs": 3}`) or dotted paths (`**{"strategies.0.layers": 2}`).

    Returns:
        The artifact; its `evidence` holds leaderboard, verdict and all that was measured.

    Raises:
        HeadstartError: see `headstart.errors`.
    """
    return _experiment("fit", data, progress, options)


def compare(data: TableLike, *, progress: Progress = SILENT, **options: Any) -> Artifact:
    """Run strategies and controls side by side; arguments as for `fit`, with `strategies=("tf-idf", "fine-tuning")`."""
    return _experiment("compare", data, progress, options)


def pretrain(
    texts: str | Path | Sequence[str | Path], *, progress: Progress = SILENT, **options: Any
) -> dict[str, Any]:
    """A language model from raw text, made by configuration.

    Args:
        texts: files, globs, folders or `hub:ID`.
        progress: told what happens; silent by default.
        **options: flags of `headstart pretrain` with underscores (`objective="causal-lm"`, `size="tiny"`, `budget="30m"`,
            `output="runs/lm"`).

    Returns:
        What `headstart pretrain --json` prints; its `network` is a folder for `backbone=`.

    Raises:
        HeadstartError: see `headstart.errors`.
    """
    return _learned("pretrain", texts, progress, options)


def adapt(texts: str | Path | Sequence[str | Path], *, progress: Progress = SILENT, **options: Any) -> dict[str, Any]:
    """Let a pretrained network go on learning on raw text of a domain.

    Arguments and result as of `pretrain`, with `backbone="mini"` in place of architecture and size.
    """
    return _learned("adapt", texts, progress, options)


def _learned(verb: str, texts: Any, progress: Progress, options: dict[str, Any]) -> dict[str, Any]:
    named = (texts,) if isinstance(texts, str | Path) else tuple(texts)
    recipe = assemble(verb, {"texts": tuple(str(each) for each in named)} | options)
    return run_recipe(recipe, progress).result


def resume(
    run: str | Path, data: TableLike | None = None, *, strict: bool = False, progress: Progress = SILENT
) -> Artifact | dict[str, Any]:
    """Go on with a run that was stopped or killed, from where it stopped to its end.

    Args:
        run: its output folder.
        data: the rows again, where they were handed over in memory.
        strict: refuse where data, versions, threads or the processor are not those that the run was begun under.
        progress: told what happens.

    Returns:
        The artifact (of `pretrain` and `adapt`, what they return); where nothing changed, the one that the run would have
        come to without the interruption.

    Raises:
        HeadstartError: see `headstart.errors`; MissingInputError where there is no such run.
    """
    recipe = assemble("resume", {"run": str(run), "strict": strict})
    table = None if data is None or isinstance(data, str | Path) else table_of(data)
    outcome = run_recipe(recipe, progress, table=table)
    return outcome.result if "network" in outcome.result else _artifact(outcome)


def plan(data: TableLike, *, progress: Progress = SILENT, **options: Any) -> dict[str, Any]:
    """What `fit` would run on this data and about how long it would take; returns what `fit --dry-run --json` prints.

    Args:
        data: as for `fit`.
        progress: told what was found in the data.
        **options: as for `fit`.
    """
    return _run("fit", data, progress, options | {"dry_run": True}).result


def predict(
    model: str | Path, texts: Sequence[str] = (), *, progress: Progress = SILENT, **options: Any
) -> dict[str, Any]:
    """Classify texts, or a file with `input=` (and `output=`); returns what `headstart predict --json` prints."""
    recipe = assemble("predict", {"model": str(model), "texts": tuple(as_texts(texts))} | options)
    return run_recipe(recipe, progress).result


def evaluate(model: str | Path, test: str | Path, *, progress: Progress = SILENT, **options: Any) -> dict[str, Any]:
    """Score a model on labelled rows, by group with `by=`; returns what `headstart evaluate --json` prints."""
    recipe = assemble("evaluate", {"model": str(model), "test": str(test)} | options)
    return run_recipe(recipe, progress).result


def run(recipe: str | Path | Mapping[str, Any], *, progress: Progress = SILENT) -> dict[str, Any]:
    """Run a recipe, from a file or given as a mapping; returns what `headstart run --json` prints."""
    built = from_mapping(recipe, "recipe") if isinstance(recipe, Mapping) else read(recipe)
    return run_recipe(built, progress).result


def _experiment(verb: str, data: TableLike, progress: Progress, options: dict[str, Any]) -> Artifact:
    if options.get("dry_run"):
        raise UsageError("a dry run has no model to give back; call headstart.plan(data, ...) for what would run")
    return _artifact(_run(verb, data, progress, options))


def _artifact(outcome: Outcome) -> Artifact:
    if outcome.artifact is None:
        raise RuntimeError("an experiment ended without an artifact")
    return outcome.artifact


def _run(verb: str, data: TableLike, progress: Progress, options: dict[str, Any]) -> Outcome:
    table = None if isinstance(data, str | Path) else table_of(data)
    train = str(data) if table is None else MEMORY
    return run_recipe(assemble(verb, {"train": train} | options), progress, table=table)


def table_of(data: Columns | RowList) -> Table:
    """A table from a DataFrame, a mapping of columns or a list of rows; values become texts, None and NaN stay empty.

    Raises:
        DataError: columns of unequal length, or nothing in them; rows that are neither mappings nor tuples of one length.
    """
    given: Any = _columns_of(data) if isinstance(data, list | tuple) else data
    columns = {str(name): [_as_text(value) for value in given[name]] for name in given}
    lengths = {name: len(values) for name, values in columns.items()}
    if len(set(lengths.values())) > 1:
        raise DataError(f"columns differ in length: {', '.join(f'{name} {count}' for name, count in lengths.items())}")
    rows = next(iter(lengths.values()), 0)
    if not rows:
        raise DataError("the data has no rows")
    return in_memory(columns, MEMORY)


def _plain_value(value: Any) -> Any:
    """Numbers and arrays of numpy inside of a list as Python has them."""
    return value.tolist() if hasattr(value, "tolist") else str(value)


def _columns_of(rows: RowList) -> dict[str, list[Any]]:
    """Columns of rows; a name that a mapping lacks is None there."""
    if all(isinstance(row, Mapping) for row in rows):
        names = dict.fromkeys(name for row in rows for name in row)
        return {name: [row.get(name) for row in rows] for name in names}  # type: ignore[union-attr]
    sizes = {len(row) if isinstance(row, list | tuple) else 0 for row in rows}
    if len(sizes) != 1 or not sizes <= {*TUPLES}:
        raise DataError(
            'rows in memory are mappings such as {"text": ..., "label": ...}, or tuples (text, label) or (text, text, label), '
            "all of one kind; a list of texts alone has no labels to learn from"
        )
    return dict(zip(TUPLES[sizes.pop()], map(list, zip(*rows, strict=True)), strict=True))


def _as_text(value: Any) -> str | None:
    if value is None or type(value).__name__ == "NAType":  # pandas.NA has no truth to compare by
        return None
    if hasattr(value, "tolist") and getattr(value, "ndim", 0):
        value = value.tolist()
    if isinstance(value, set | frozenset):
        value = sorted(value, key=str)
    if isinstance(value, list | tuple | dict):
        return Json(json.dumps(value, ensure_ascii=False, default=_plain_value))
    if value != value:
        return None
    return value if isinstance(value, str) else str(value)
