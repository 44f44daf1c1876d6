"""Training rows in another language that users bring: which row each translates, and how they join what is learnt from."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from headstart.data.columns import taken
from headstart.data.markers import unmarked
from headstart.data.store import Store, joined_rows
from headstart.data.table import Table
from headstart.data.tagged import RowFault
from headstart.drawing.text import count
from headstart.errors import DataError
from headstart.evaluation.pairing import id_columns
from headstart.tasks.base import Task
from headstart.tasks.columns import first_named
from headstart.types import Dropped

ORIGINAL = "original row"
"""Column of translated rows with the line of the training row that each translates; empty where that is none."""
TEXTS = ("text", "sentence", "context", "passage", "tokens")
"""Names of the column with markers, where the training file's own is not there."""


def without_marks(table: Table, task: Task) -> Table:
    """A table whose spans are marked in the text, with these in the column where the training file has them.

    Where the file has that column, it is left as it is. Tags and answers are so marked: `<PER>Ada</PER>`, and around an answer in
    its context any one name.

    Raises:
        DataError: there is neither such a column nor one with texts.
    """
    label = task.label or ""
    if task.target_kind not in ("tags", "answer") or table.named(label) in table.columns:
        return table
    own = (task.text or ("",))[-1]
    name = own if own in table.columns else first_named(list(table.columns), TEXTS)
    if name is None:
        raise DataError(
            f"{table.file} has neither the column '{label}' nor one with texts (columns: {', '.join(table.columns)}); call that "
            f"with marked spans '{own}'"
        )
    texts, cells, kept, dropped = [], [], [], []
    for row, cell in enumerate(table.columns[name]):
        try:
            text, spans = unmarked(cell or "")
        except RowFault as fault:
            dropped.append(Dropped(table.file, int(table.lines[row]), str(fault)))
            continue
        said: list[Any] = [list(span) for span in spans]
        if task.target_kind == "answer":
            said = [{"text": text[begin:end], "answer_start": begin} for begin, end, _ in spans]
        texts.append(text)
        cells.append(json.dumps(said, ensure_ascii=False))
        kept.append(row)
    beside = {key: taken(values, kept) for key, values in table.columns.items() if key != name}
    columns: dict[str, Sequence[str | None]] = {**beside, own: texts, label: cells}
    return replace(table, columns=columns, lines=taken(table.lines, kept), dropped=(*table.dropped, *dropped))


def linked(translations: Store[Any], originals: Store[Any], *, whole: bool) -> Store[Any]:
    """Translated rows with the line of the training row that each translates, in the column `ORIGINAL`.

    They are told by a column of ids that both files have or, where no row of either file was left out and both have as many, by
    their order.

    Args:
        translations: the rows.
        originals: the training rows.
        whole: whether no row of either file was left out.
    """
    lines: Sequence[str | None] | None = None
    for name in id_columns(originals):
        ids = {
            cell.strip(): str(line) for cell, line in zip(originals.columns[name], originals.lines, strict=True) if cell
        }
        if name in translations.columns and len(ids) == len(originals):
            lines = [ids.get((cell or "").strip(), "") for cell in translations.columns[name]]
            break
    if lines is None and whole and len(translations) == len(originals):
        lines = [str(line) for line in originals.lines]
    return translations if lines is None else replace(translations, columns={**translations.columns, ORIGINAL: lines})


class Joined(NamedTuple):
    """Training rows with translated ones among them."""

    rows: Store[Any]
    added: int
    """Translated rows that are learnt from."""
    held: int
    """Those left out because what they translate is held out."""
    free: int
    """Those that translate no row of the training file."""

    def facts(self) -> dict[str, int]:
        """Plain data for the evidence."""
        return {"used": self.added, "held_out": self.held, "of_no_row": self.free}

    def sentence(self, file: str) -> str:
        """What is said of them."""
        said = f"{count(self.added)} translated rows of {file} are learnt from beside the training rows"
        if self.held:
            said += f", {count(self.held)} are not, since the rows that they translate are held out"
        return said + (f"; {count(self.free)} translate no row of the training file" if self.free else "")


def joined(train: Store[Any], translations: Store[Any], *, cut: bool) -> Joined:
    """Training rows and the translated rows whose originals are among them, or that have none.

    Args:
        train: rows that are learnt from, after others were cut off.
        translations: of `linked`.
        cut: whether others were cut off the same file.

    Raises:
        DataError: rows were cut off, and it is not known which rows are translations of these.
    """
    told = translations.columns.get(ORIGINAL)
    if told is None and cut:
        raise DataError(
            f"{translations.file}: nothing says which row of {train.file} each row translates, so translations of rows that are "
            "held out would be learnt from; give both files a column 'id' or the same rows in the same order, or name files with "
            "--validation and --test"
        )
    told = told or [""] * len(translations)
    here = {str(line): at for at, line in enumerate(train.lines)}
    chosen = [at for at, line in enumerate(told) if not line or line in here]
    own = translations.take(chosen)
    groups = np.arange(len(train)) if train.groups is None else train.groups
    fresh = int(groups.max(initial=-1)) + 1
    places = [here.get(told[at] or "", -1) for at in chosen]
    theirs = [int(groups[place]) if place >= 0 else fresh + number for number, place in enumerate(places)]
    columns = {name: values for name, values in own.columns.items() if name != ORIGINAL}
    own = replace(own, columns=columns, groups=np.array(theirs, dtype=np.int64))
    free = sum(not told[at] for at in chosen)
    return Joined(joined_rows(replace(train, groups=groups), own), len(chosen), len(told) - len(chosen), free)
