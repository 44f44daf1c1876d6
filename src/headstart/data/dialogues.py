"""Dialogues: turns with roles, in the forms in which files hold them, and what may be wrong with their order."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from headstart.data.graphemes import is_blank
from headstart.data.python_lists import python_list
from headstart.errors import quoted
from headstart.faults import describe
from headstart.plain import from_json

Role = Literal["system", "user", "assistant"]
"""Who says a turn; what a system says is an instruction, which belongs in front of the dialogue."""

ROLES: Mapping[str, Role] = {
    **dict.fromkeys(("user", "human", "customer", "client", "usr", "prompter"), "user"),
    **dict.fromkeys(("assistant", "bot", "gpt", "agent", "model", "ai", "chatbot", "chatgpt"), "assistant"),
    **dict.fromkeys(("system", "developer"), "system"),
}
"""What files call the roles, in lower case."""
DIALOGUE_NAMES = ("messages", "conversations", "conversation", "dialogue", "dialog", "turns", "utterances")
"""Usual names of a column whose cells are lists of turns."""
SPEAKER_NAMES = ("speakers", "speaker", "roles")
"""Usual names of a column beside it whose cells are lists with the speaker of each turn."""
TURN_NAMES = (
    ("prompt", "completion"), ("instruction", "response"), ("instruction", "output"), ("prompt", "response"),
    ("user", "assistant"), ("human", "assistant"), ("human", "bot"),
)  # fmt: skip
"""Usual names of two columns with what a user says and what the assistant says to it."""

_WHO = ("role", "from", "speaker", "author")
_WHAT = ("content", "value", "text", "utterance")
_EXPECTED = '[{"role": "user", "content": "..."}, ...] or ["...", "..."]'


@dataclass(frozen=True, slots=True)
class Turn:
    """What one speaker says at a time.

    Args:
        role: who says it.
        text: what is said; never blank in a dialogue that `dialogue_of` read.
    """

    role: Role
    text: str


Dialogue = tuple[Turn, ...]
"""Turns in the order in which they were said."""


class _Fault(ValueError):
    """Why a cell is no dialogue, in words."""


def dialogue_columns(columns: Sequence[str]) -> tuple[str, ...] | None:
    """The columns of a dialogue by usual names, in any case: of turns, of turns and speakers, of two turns; None for none.

    Args:
        columns: names of the columns of a file.
    """
    folded = {name.strip().casefold(): name for name in reversed(columns)}
    lists = next((folded[name] for name in DIALOGUE_NAMES if name in folded), None)
    if lists is not None:
        speakers = next((folded[name] for name in SPEAKER_NAMES if name in folded), None)
        return (lists,) if speakers is None else (lists, speakers)
    return next(((folded[one], folded[two]) for one, two in TURN_NAMES if one in folded and two in folded), None)


def dialogue_of(cell: str | None, beside: str | None = None) -> tuple[Dialogue | None, str | None]:
    """The dialogue of a row, or why it cannot be read; one of both is None.

    A cell is a list of objects with the speaker and the text of each turn (`role` and `content` as OpenAI and TRL have them, `from`
    and `value` as ShareGPT has them, `speaker` and `text` or `utterance` as sets of task dialogues have them), as JSON or as Python
    prints it; or a list of texts, of which the user says the first, the assistant the second, and so on. Where `content` is a list
    of parts, those of text are joined by line breaks, and others are refused. A speaker `system` is the assistant where a dialogue
    has none, as in sets of task dialogues; in a message with `role` or `from` it is the system.

    Args:
        cell: the list; with `beside`, the text of the first turn is possible too.
        beside: the cell of a second column, where there is one: a list with the speaker of each turn of `cell`; the rest of the
            dialogue as a list of objects; or, where `cell` is a text, the text of the second turn.

    Returns:
        A dialogue of one turn or more, none of them blank. Roles may stand in any order: `repeated_role`, `misplaced_system` and
        `unanswered` say what a task may mind.
    """
    try:
        return _dialogue(cell, beside), None
    except _Fault as fault:
        return None, str(fault)


def dialogue_of_lines(text: str) -> Dialogue:
    """The dialogue that a text is with a turn on each line, said by user and assistant by turns; blank lines are none."""
    lines = [line.strip() for line in text.splitlines() if not is_blank(line)]
    return tuple(Turn(_alternating(at), line) for at, line in enumerate(lines))


def repeated_role(dialogue: Dialogue) -> str | None:
    """Which speaker has two turns in a row, in words; None where none has."""
    for at in range(1, len(dialogue)):
        if dialogue[at].role == dialogue[at - 1].role:
            return f"turns {at} and {at + 1} are both of the {dialogue[at].role}; join them to one, or leave one out"
    return None


def misplaced_system(dialogue: Dialogue) -> str | None:
    """Which turn of the system does not stand in front, in words; None where there is no such turn."""
    for at, turn in enumerate(dialogue[1:], start=2):
        if turn.role == "system":
            return f"turn {at} is of the system, whose text belongs in front of the first turn"
    return None


def unanswered(dialogue: Dialogue) -> str | None:
    """What is missing where no turn is an assistant's, in words; None where there is one."""
    if any(turn.role == "assistant" for turn in dialogue):
        return None
    return "no turn is of the assistant"


def _dialogue(cell: str | None, beside: str | None) -> Dialogue:
    turns = _listed(cell)
    if turns is None and beside is not None and cell is not None:
        texts = [_text(cell, 1), _text(beside, 2)]
        return tuple(Turn(_alternating(at), text) for at, text in enumerate(texts))
    if turns is None:
        raise _Fault(
            "no dialogue" if cell is None or is_blank(cell) else f"{quoted(cell)} is no dialogue; expected {_EXPECTED}"
        )
    more = None if beside is None or is_blank(beside) else _listed(beside)
    if more is None and beside is not None:
        raise _Fault(f"{describe(beside)} beside the turns; expected a list with the speaker of each turn")
    if more and all(isinstance(each, str | int) for each in more) and all(isinstance(each, str) for each in turns):
        return _spoken(turns, more)
    turns = [*turns, *(more or [])]
    if not turns:
        raise _Fault("no turns")
    if all(isinstance(turn, str) for turn in turns):
        return tuple(Turn(_alternating(at), _text(turn, at + 1)) for at, turn in enumerate(turns))
    said = [_message(turn, at) for at, turn in enumerate(turns, start=1)]
    return _with_roles(
        [who for who, _, _ in said], [what for _, what, _ in said], task=all(named for *_, named in said)
    )


def _listed(cell: str | None) -> list[Any] | None:
    """The list that a cell is; None where it is something else."""
    if cell is None or not cell.lstrip().startswith("["):
        return None
    try:
        found = from_json(cell)
    except ValueError as error:
        found = python_list(cell)
        if found is None and cell.rstrip().endswith("]"):
            raise _Fault(f"{quoted(cell)} is no list that can be read: {error}") from None
    return found if isinstance(found, list) else None


def _spoken(turns: list[Any], speakers: list[Any]) -> Dialogue:
    if len(turns) != len(speakers):
        raise _Fault(f"{len(turns)} turns and {len(speakers)} speakers")
    if not turns:
        raise _Fault("no turns")
    texts = [_text(turn, at) for at, turn in enumerate(turns, start=1)]
    return _with_roles(speakers, texts, task=True)


def _message(turn: Any, at: int) -> tuple[Any, str, bool]:
    """Who says what in the turn of a place, and whether it is a speaker that has a name there."""
    if not isinstance(turn, Mapping):
        raise _Fault(f"turn {at} is {describe(turn)}; expected {_EXPECTED}")
    who = next((key for key in _WHO if key in turn), None)
    what = next((key for key in _WHAT if key in turn), None)
    if who is None or what is None:
        lacks = "speaker" if who is None else "text"
        keys = " or ".join(f"'{key}'" for key in (_WHO if who is None else _WHAT)[:3])
        raise _Fault(f"turn {at} has no {lacks}; expected a key {keys}")
    return turn[who], _text(turn[what], at), who == "speaker"


def _text(content: Any, at: int) -> str:
    """The text of a turn, parts of text joined."""
    if isinstance(content, list):
        content = "\n".join(_part(part, at) for part in content)
    if content is None or (isinstance(content, str) and is_blank(content)):
        raise _Fault(f"turn {at} is empty")
    if not isinstance(content, str):
        raise _Fault(f"turn {at} is {describe(content)}; expected a text")
    return content


def _part(part: Any, at: int) -> str:
    if isinstance(part, str):
        return part
    if isinstance(part, Mapping) and part.get("type", "text") == "text" and isinstance(part.get("text"), str):
        return part["text"]
    kind = part.get("type") if isinstance(part, Mapping) else part
    raise _Fault(f"turn {at} has a part of the kind {describe(kind)}; only texts can be read")


def _with_roles(speakers: Sequence[Any], texts: Sequence[str], *, task: bool) -> Dialogue:
    """Turns with the roles that speakers stand for; `task` says that `system` is who answers, unless somebody else does."""
    found: list[Role] = []
    for at, who in enumerate(speakers, start=1):
        role = ROLES.get(who.strip().casefold()) if isinstance(who, str) else None
        if role is None:
            raise _Fault(f"turn {at} has the unknown role {describe(who)}; known are system, user and assistant")
        found.append(role)
    if task and "assistant" not in found:
        found = ["assistant" if role == "system" else role for role in found]
    return tuple(Turn(role, text) for role, text in zip(found, texts, strict=True))


def _alternating(at: int) -> Role:
    return "assistant" if at % 2 else "user"


def messages_of(dialogue: Dialogue) -> list[dict[str, str]]:
    """The turns as chat templates and files of messages have them: objects with `role` and `content`."""
    return [{"role": turn.role, "content": turn.text} for turn in dialogue]


def json_of(dialogue: Dialogue) -> str:
    """The dialogue as JSON that `dialogue_of` reads back equal; one text for equal dialogues."""
    return json.dumps(messages_of(dialogue), ensure_ascii=False)
