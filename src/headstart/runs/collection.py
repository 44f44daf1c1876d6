"""A file of texts without labels: its rows, its distinct texts, their vectors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.backbones.location import ENCODE, locate
from headstart.data.cache import no_cache, user_cache
from headstart.data.columns import texts_digest
from headstart.data.examples import joined
from headstart.data.files import require_file
from headstart.data.table import Table
from headstart.drawing.text import count, counted, share
from headstart.errors import DataError
from headstart.grouping.distinct import Distinct, distinct
from headstart.readers.lines import text_lines
from headstart.readers.opening import open_table
from headstart.recipes.grouping import Grouping
from headstart.runtime.device import settled
from headstart.runtime.machine import set_threads
from headstart.runtime.precision import is_fast
from headstart.runtime.progress import Progress
from headstart.tasks.columns import guess_text, require_columns, text_fault
from headstart.types import Dropped, Json

if TYPE_CHECKING:
    from headstart.backbones.base import Backbone
    from headstart.tasks.base import Task

KIND = "vectors"
LEAST_TEXTS = 256
"""Texts below which computing again is no slower than looking up."""
ROLE = "query"
"""Role of the texts, for networks that want a prompt in front of them: that of texts that are compared with each other."""


@dataclass(frozen=True)
class Collection:
    """Rows with a text."""

    table: Table
    """All rows that could be read, with all of their columns."""
    columns: tuple[str, ...]
    """Those with the text."""
    rows: np.ndarray
    """Numbers of the rows of the table that have a text, int64, ascending."""
    texts: Sequence[str]
    """Text of each of these rows."""
    inputs: Sequence[Any]
    """What a model is given of each of them: the text itself, two texts, words."""
    dropped: tuple[Dropped, ...]
    """Rows of the file that have none, or could not be read."""

    @cached_property
    def distinct(self) -> Distinct:
        """The distinct texts, and which of them each row has."""
        return distinct(self.texts)

    def line(self, row: int) -> int:
        """Line of one of the rows with a text, in the file."""
        return self.table.lines[int(self.rows[row])]


@dataclass(frozen=True)
class Vectors:
    """Texts as vectors of a network."""

    values: np.ndarray
    """float32, shape (texts, hidden), each of length 1."""
    lost: np.ndarray
    """Tokens of each text that the network did not read, int32, shape (texts,)."""


def collected(
    recipe: Grouping,
    table: Table | None,
    progress: Progress,
    *,
    task: Task[Any, Any] | None = None,
    least: int = 2,
) -> Collection:
    """Read the rows of a recipe.

    Args:
        recipe: whose `input` and `text` say what to read.
        table: rows that were handed over in Python, in place of the file.
        progress: told what was found.
        task: of the model that is to read them; its columns are read where the recipe names none.
        least: rows with a text that there have to be.

    Raises:
        MissingInputError: there is no such file.
        DataError: it cannot be read, lacks a column, or has fewer rows with a text.
    """
    path = Path(recipe.input)
    if table is None:
        require_file(path)
        progress.say("reading", recipe.input)
        by_line = recipe.format is None and path.name.removesuffix(".gz").endswith((".txt", ".text"))
        options = recipe.reading | {"words": task is not None and task.words}
        table = text_lines(path, recipe.encoding) if by_line else open_table(path, **options)
    if table.doubt and not any(name in table.columns for name in recipe.text or ()):
        raise DataError(table.doubt)
    names = _columns(recipe, table, task)
    kept, texts, inputs, dropped = [], [], [], list(table.dropped)
    for row, parts in enumerate(zip(*(table.columns[name] for name in names), strict=True)):
        text, given, reason = _read(parts, task)
        if reason:
            dropped.append(Dropped(table.file, table.lines[row], reason))
        else:
            kept.append(row)
            texts.append(text)
            inputs.append(given)
    if len(texts) < least:
        raise DataError(
            f"{table.file}: {counted(len(texts), 'row')} of {count(len(table))} have a text in {'+'.join(names)}, and texts are "
            "compared with each other; choose the column with --text"
        )
    found = Collection(table, names, np.array(kept, dtype=np.int64), texts, inputs, tuple(dropped))
    given = "" if recipe.text else "; change with --text"
    repeated = len(texts) - len(found.distinct.texts)
    said = f"{count(len(texts))} rows of {table.file} with a text in {'+'.join(names)}"
    progress.say("data", f"{said}, {count(repeated)} of them copies of others{given}")
    return found


def _columns(recipe: Grouping, table: Table, task: Task[Any, Any] | None) -> tuple[str, ...]:
    """The columns with the text: those that are named, those of the model, else one that is guessed.

    Raises:
        DataError: one is not there, or a model of pairs is given another number than two.
    """
    names = recipe.text or (None if task is None else task.text)
    if names is not None and recipe.text is None and len(table.columns) == 1 and task is not None and not task.pairs:
        names = tuple(table.columns)
    require_columns(table, names, None)
    found = tuple(map(table.named, names or (guess_text(table),)))
    if task is not None and task.pairs and len(found) != 2:
        raise DataError(f"this model reads pairs of texts; name two columns with --text (named: {', '.join(found)})")
    return found


def _read(parts: Sequence[str | None], task: Task[Any, Any] | None) -> tuple[str, Any, str]:
    """The text of a row, what a model is given of it, and why it cannot be used; empty where it can."""
    words = task is not None and task.words
    if Json in map(type, parts) and not words:
        return "", None, "a list or an object in place of a text; join its words to one text"
    text = joined(parts)
    if (reason := text_fault(text)) or text is None:
        return "", None, reason or "no text"
    if task is None:
        return text, text, ""
    given: Any = task.input_of(parts)
    if given is None:
        return "", None, "one text of the pair is missing" if task.pairs else "no text"
    return given.text if words else text, given, ""


def opened(recipe: Grouping) -> Backbone:
    """The network of a recipe, where it is to compute; raises as `locate` and `open_backbone` do."""
    from headstart.backbones.base import open_backbone

    needs = frozenset({ENCODE})
    located = locate(recipe.backbone, needs)
    set_threads(recipe.threads, torch_runs=True)
    backbone = open_backbone(located, needs=needs)
    backbone.to(settled(recipe.device))
    return backbone


def encoded(recipe: Grouping, backbone: Backbone, texts: Sequence[str], progress: Progress, *, kept: bool) -> Vectors:
    """Vectors of texts, from an earlier run where they were computed then.

    Args:
        recipe: which says in what numbers.
        backbone: of `opened`.
        texts: distinct ones, in an order of their own.
        progress: told of the step.
        kept: whether the vectors may be written to disk.

    Raises:
        ModelError: the network gives something that is no number.
    """
    from headstart.predictors.encoding import encode
    from headstart.training.frozen import frozen_key

    backbone.fast = is_fast(recipe.precision, backbone.device.type)
    cache = user_cache() if kept and recipe.cache and len(texts) >= LEAST_TEXTS else no_cache()
    prompt = backbone.prompts.get(ROLE, "")
    key = frozen_key(backbone, backbone.blocks(), texts_digest(texts))
    key |= {"prompt": prompt, "max_length": backbone.tokenizer.max_length}
    # The number of tokens that were lost is kept beside the vector, as a number more.
    shape = (len(texts), backbone.hidden_size + 1)
    step = "vectors"

    def fill(states: np.ndarray) -> None:
        progress.begin(step, len(texts))
        found = encode(backbone, texts, role=ROLE, precision=recipe.precision, progress=progress)
        states[:, :-1], states[:, -1] = found.vectors, found.lost
        progress.end()

    states = cache.get(KIND, key, shape, fill)
    return Vectors(np.ascontiguousarray(states[:, :-1]), states[:, -1].astype(np.int32))


def notes_on(found: Collection, vectors: Vectors, backbone: Backbone) -> list[str]:
    """What is said of rows that were left out, and of texts that were cut."""
    notes = rows_left_out(found)
    cut = int((vectors.lost > 0)[found.distinct.of_row].sum())
    if cut:
        notes.append(
            f"{count(cut)} of {count(len(found.texts))} texts ({share(cut, len(found.texts))}) are longer than the "
            f"{backbone.tokenizer.max_length} tokens that the network reads; they are compared by their beginnings"
        )
    return notes


def rows_left_out(found: Collection) -> list[str]:
    """What is said of a file and of its rows that were left out."""
    notes = [*found.table.remarks]
    notes += [f"left out {row.file}:{row.line}: {row.reason}" for row in found.dropped[:3]]
    if len(found.dropped) > 3:
        notes.append(f"left out {count(len(found.dropped))} rows in all (see dropped_rows with --json)")
    return notes
