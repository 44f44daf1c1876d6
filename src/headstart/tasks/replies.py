"""Replies of files that others may be picked out of."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from headstart.data.dialogues import dialogue_columns, dialogue_of
from headstart.data.files import open_text
from headstart.data.graphemes import is_blank
from headstart.data.table import Table
from headstart.errors import DataError
from headstart.ranking.passages import Passage
from headstart.ranking.sources import Gathered
from headstart.readers.opening import open_table
from headstart.tasks.columns import first_named, text_fault
from headstart.types import Dropped

COLUMNS = ("reply", "replies", "response", "answer", "completion", "text", "message", "utterance", "content")
LINES = (".txt", ".text", "")
"""Endings of files with a reply on each line."""


def replies_in(path: str, tally: Gathered, *, reply_role: Literal["any", "assistant"] = "any") -> Iterator[Passage]:
    """The replies of a file, as they stand there.

    Args:
        path: of a text file with a reply on each line, a table with a column of replies, or one with dialogues, whose turns are
            replies.
        tally: told what is no reply.
        reply_role: whose turns of dialogues are replies.

    Raises:
        DataError: a folder, or a table without such a column.
        MissingInputError: the file is not there.
    """
    place = Path(path)
    if place.is_dir():
        raise DataError(
            f"{path} is a folder; name a file of replies: one on each line, or a table with a column of them"
        )
    if place.suffix.lower() in LINES:
        for line, text in enumerate(open_text(place), start=1):
            yield from _reply(place, line, "", text.strip(), tally)
        return
    table = open_table(path)
    tally.dropped.extend(table.dropped)
    name = first_named(table.columns, COLUMNS)
    dialogues = dialogue_columns([*table.columns])
    if dialogues is not None:
        yield from _turns(table, dialogues, reply_role, tally)
        return
    if name is None and len(table.columns) > 1:
        raise DataError(
            f"{path}: which column holds the replies? Call it 'reply' (columns: {', '.join(table.columns)}), or give a text file "
            "with one on each line"
        )
    for line, cell in zip(table.lines, table.columns[name or next(iter(table.columns))], strict=True):
        yield from _reply(place, line, "", cell or "", tally)


def _turns(table: Table, columns: tuple[str, ...], reply_role: str, tally: Gathered) -> Iterator[Passage]:
    for line, own in zip(table.lines, zip(*(table.columns[name] for name in columns), strict=True), strict=True):
        found, reason = dialogue_of(*own)
        if reason is not None:
            tally.dropped.append(Dropped(table.file, line, reason))
        for at, turn in enumerate(found or (), start=1):
            if turn.role != "system" and reply_role in ("any", turn.role):
                yield from _reply(Path(table.file), line, f".{at}", turn.text, tally)


def _reply(path: Path, line: int, place: str, text: str, tally: Gathered) -> Iterator[Passage]:
    fault = text_fault(text)
    if fault is not None:
        if not is_blank(text) or place or path.suffix.lower() not in LINES:
            tally.dropped.append(Dropped(str(path), line, fault))
        return
    tally.documents += 1
    name = f"{path.name}:{line}{place}"
    yield Passage(name, text, "", name, str(path), line, 0, len(text))
