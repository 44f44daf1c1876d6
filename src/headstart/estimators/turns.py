"""Dialogues as Python has them: lists of texts or messages, or texts with a turn on each line."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from headstart.data.dialogues import Turn, dialogue_of, dialogue_of_lines
from headstart.errors import DataError
from headstart.estimators.base import Transfer
from headstart.faults import describe

COLUMN = "dialogue"
"""Column that dialogues stand in."""


class DialogueTransfer(Transfer):
    """What estimators share whose rows are dialogues."""

    def _inputs(self, X: Any, *, fitting: bool) -> list[Any]:
        columns = self._columns(X, fitting=fitting)
        if len(columns) != 1:
            raise DataError(f"expected one column of dialogues, found {len(columns)}")
        return [turns_of(each, at) for at, each in enumerate(columns[0])]

    def _written(self, inputs: Sequence[Any]) -> dict[str, list[str | None]]:
        return {COLUMN: [cell_of(each) for each in inputs]}


def turns_of(given: Any, at: int) -> list[Turn]:
    """The turns of a dialogue.

    Raises:
        DataError: it is none.
    """
    if isinstance(given, str):
        return [*dialogue_of_lines(given)]
    if not isinstance(given, Sequence):
        raise DataError(f"dialogue {at} is {describe(given)}, expected a text, or a list of turns or messages")
    if not given:
        return []
    turns = [_message(each) if isinstance(each, Turn) else each for each in given]
    try:
        found, reason = dialogue_of(json.dumps(turns))
    except (TypeError, ValueError):
        found, reason = None, "it holds something else than texts and messages"
    if found is None:
        raise DataError(f"dialogue {at}: {reason}")
    return [*found]


def continued(dialogues: Sequence[list[Turn]], y: Any, who: str) -> list[list[Turn]]:
    """Dialogues with their replies.

    Args:
        dialogues: that are answered.
        y: the text that answers each; None where dialogues hold their replies.
        who: the class that is given them, for messages.

    Raises:
        DataError: replies are no texts, or not as many.
    """
    if y is None:
        return [*dialogues]
    if isinstance(y, str) or not hasattr(y, "__iter__"):
        raise DataError(f"{who} requires y to be a list of texts, found a {type(y).__name__}")
    replies = list(y)
    if len(replies) != len(dialogues):
        raise DataError(f"y has {len(replies)} replies, and X has {len(dialogues)} dialogues")
    wrong = next((at for at, each in enumerate(replies) if not isinstance(each, str)), None)
    if wrong is not None:
        raise DataError(f"y[{wrong}] is a {type(replies[wrong]).__name__}, expected the text of a reply")
    return [[*turns, Turn("assistant", reply)] for turns, reply in zip(dialogues, replies, strict=True)]


def _message(turn: Turn) -> dict[str, str]:
    return {"role": turn.role, "content": turn.text}


def cell_of(dialogue: Sequence[Turn]) -> str:
    """The dialogue as a cell of a table."""
    return json.dumps([_message(turn) for turn in dialogue], ensure_ascii=False)
