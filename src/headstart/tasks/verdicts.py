"""What an annotator said of a row, as Prodigy exports it beside the label: rows that were not accepted are not learnt."""

from __future__ import annotations

from dataclasses import replace

from headstart.data.columns import taken
from headstart.data.table import Table
from headstart.errors import DataError
from headstart.types import Dropped

COLUMN, ACCEPT, REJECT = "answer", "accept", "reject"
VERDICTS = frozenset({ACCEPT, REJECT, "ignore"})
BESIDE = ("label", "accept", "spans")
"""Columns one of which Prodigy writes beside its answers."""


def accepted(table: Table, label: str | None, *, learnt: bool = True) -> Table:
    """The rows whose column `answer` says accept or nothing; the others are among the dropped ones.

    Tables whose column says anything else, and those without a column that it speaks of, come back as they are.

    Args:
        table: as it was read.
        label: column(s) with the label, where they are named; as they are too where `answer` is one of them.
        learnt: whether labels are learnt of the table, so that one alone is not enough.

    Raises:
        DataError: all labels are one, so that the answer is what is to be learnt; or no row was accepted.
    """
    beside = [name for name in BESIDE if name in table.columns]
    if COLUMN not in table.columns or not beside or COLUMN in (label or "").split(","):
        return table
    said = [(cell or "").strip().casefold() for cell in table.columns[COLUMN]]
    if not {*said} - {""} <= VERDICTS or not {*said} - {"", ACCEPT}:
        return table
    if learnt and beside[0] == "label" and "spans" not in beside and {ACCEPT, REJECT} <= {*said}:
        labels = {cell for cell in table.columns["label"] if cell}
        if len(labels) == 1:
            raise DataError(
                f"{table.file}: column 'label' says '{labels.pop()}' in every row, and '{COLUMN}' whether that was accepted "
                f"or rejected; the answer is the label: --label {COLUMN}"
            )
    kept = [row for row, verdict in enumerate(said) if verdict in ("", ACCEPT)]
    if not kept:
        raise DataError(
            f"{table.file}: no row was accepted (column '{COLUMN}'); where the answer is the label: --label {COLUMN}"
        )
    dropped = [
        Dropped(table.file, table.lines[row], f"its {COLUMN} is '{verdict}'; where that is the label: --label {COLUMN}")
        for row, verdict in enumerate(said)
        if verdict not in ("", ACCEPT)
    ]
    columns = {name: taken(values, kept) for name, values in table.columns.items()}
    return replace(table, columns=columns, lines=taken(table.lines, kept), dropped=(*table.dropped, *dropped))
