"""The recipe of a conversation with a model that was fitted to dialogues: `chat`."""

from __future__ import annotations

from typing import ClassVar

from headstart.config import InputPath, OutputPath
from headstart.recipes.inference import Loaded, WritingOptions


class Chat(WritingOptions, Loaded):
    """A conversation with a model of dialogues: on a terminal turn by turn, or with the turns that are given.

    On a terminal replies appear as they are written; Ctrl-C ends one, `/reset` begins anew, `/save FILE` keeps the conversation,
    and `/quit` or Ctrl-D leaves.

    Example:
        headstart chat runs/bot
        headstart chat runs/bot "What time do you open?" "And on Sundays?"
    """

    verb: ClassVar[str] = "chat"
    positional: ClassVar[tuple[str, ...]] = ("model", "messages")

    messages: tuple[str, ...] = ()
    """What the user says, turn by turn; the assistant answers each."""
    system: str | None = None
    """What the system says in front of the conversation; by default nothing but what the chat template has."""
    history: InputPath | None = None
    """File with a conversation that is gone on with, as `save` writes it (JSON lines, the last one counts)."""
    save: OutputPath | None = None
    """File that the conversation is added to at its end, as a line of JSON with `messages`: a file to fit on."""
