"""A conversation on a terminal: what is typed, and replies as they are written."""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterable, Iterator
from pathlib import Path
from typing import Any, TextIO

from headstart.errors import HeadstartError
from headstart.runtime.interrupts import Terminated, taken
from headstart.unseen import escaped

PROMPT = "> "
HELP = "/reset begins anew, /save FILE keeps the conversation, /quit leaves; Ctrl-C ends a reply"


def converse(conversation: Any, lines: Iterable[str], out: TextIO, *, prompt: str = PROMPT) -> None:
    """Answer lines until one says `/quit` or there are no more.

    Args:
        conversation: a `headstart.runs.chatting.Conversation`.
        lines: what is typed.
        out: where replies go.
        prompt: written before each line is read.
    """
    out.write(prompt)
    out.flush()
    for line in lines:
        text = line.strip()
        if text == "/quit":
            return
        if text.startswith("/"):
            out.write(_ordered(conversation, text) + "\n")
        elif text:
            _answer(conversation, text, out)
        out.write(prompt)
        out.flush()
    out.write("\n")


def _ordered(conversation: Any, text: str) -> str:
    """Carry out a command; what is said of it."""
    word, _, rest = text.partition(" ")
    if word == "/reset":
        conversation.reset()
        return "(begun anew)"
    if word == "/save" and rest.strip():
        try:
            conversation.save(Path(rest.strip()))
        except HeadstartError as error:
            return f"({error})"
        return f"(added to {rest.strip()})"
    return f"({HELP})" if word in ("/help", "/save") else f"(no command is called {word}; {HELP})"


def _answer(conversation: Any, text: str, out: TextIO) -> None:
    """Write a reply as it comes; Ctrl-C ends it."""
    parts: Generator[str, None, None] = conversation.reply(text)
    try:
        first = True
        for part in parts:
            out.write(escaped(part.lstrip() if first else part))
            out.flush()
            first = first and not part.strip()
        out.write("\n")
    except KeyboardInterrupt as error:
        if isinstance(error, Terminated):
            raise
        parts.close()
        taken()
        out.write(" (ended)\n")
    except HeadstartError as error:
        out.write(f"({error})\n")


def typed() -> Iterator[str]:
    """Lines of standard input; Ctrl-C at the prompt begins a new line."""
    while True:
        try:
            line = sys.stdin.readline()
        except KeyboardInterrupt as error:
            if isinstance(error, Terminated):
                raise
            taken()
            sys.stdout.write("\n" + PROMPT)
            sys.stdout.flush()
            continue
        if not line:
            return
        yield line
