"""Ctrl-C, SIGTERM and SIGHUP: taken between two updates and never inside one; the second one ends the process at once."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from headstart.errors import Ended, Interrupted


class Terminated(KeyboardInterrupt):
    """The process was asked to end, by SIGTERM or because its terminal was closed (SIGHUP)."""


class _State:
    """Where the signals of this process stand."""

    watching = False
    asked: int | None = None
    """The signal that is to be raised once no block is shielded."""
    number: int | None = None
    """The first signal that came."""
    came = 0
    """How many came."""
    shielded = 0
    """Blocks that none may break into."""


_state = _State()


def taken() -> None:
    """Say that a signal has done what it was for, so that the next one is a first one again."""
    _state.asked, _state.number, _state.came = None, None, 0


@contextmanager
def watched(*, terminate: bool = False) -> Iterator[None]:
    """Take Ctrl-C, and SIGTERM and SIGHUP if asked to, for the time of a block; only the main thread can.

    The first signal raises KeyboardInterrupt (`Terminated` for the other two) as soon as no block is `shielded`. The second one
    ends the process at once, with 128 and its number.

    Args:
        terminate: take SIGTERM and SIGHUP too, which a library should leave to the program it is part of.
    """
    wanted: dict[int, Any] = {signal.SIGINT: signal.default_int_handler}
    if terminate:
        wanted |= {signal.SIGTERM: signal.SIG_DFL, signal.SIGHUP: signal.SIG_DFL}
    # What somebody else takes, or ignores as a job in the background does Ctrl-C, stays theirs.
    taken = [number for number, usual in wanted.items() if signal.getsignal(number) == usual]
    if _state.watching or not taken or threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, _take) for number in taken}
    _state.watching, _state.asked, _state.number, _state.came, _state.shielded = True, None, None, 0, 0
    try:
        yield
    finally:
        _state.watching = False
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def shielded() -> Iterator[None]:
    """A block that no signal breaks into; the one that came meanwhile is raised at its end."""
    _state.shielded += 1
    try:
        yield
    finally:
        _state.shielded -= 1
    if _state.asked is not None and not _state.shielded:
        raised = _state.asked
        _state.asked = None
        _raise(raised)


def stopped(error: KeyboardInterrupt, message: str) -> Interrupted:
    """What to raise towards the user."""
    if not isinstance(error, Terminated):
        return Interrupted(message)
    ended = Ended(message)
    ended.exit_code = 128 + (_state.number or signal.SIGTERM)
    return ended


@contextmanager
def all_or_nothing() -> Iterator[None]:
    """Take Ctrl-C for the time of a block that writes nothing before its end.

    Raises:
        Interrupted: it came.
    """
    with watched():
        try:
            yield
        except KeyboardInterrupt as error:
            raise stopped(error, "stopped; nothing was written") from None


def exit_code() -> int:
    """128 and the number of the first signal that came; that of Ctrl-C where it was not seen here."""
    return 128 + (_state.number or signal.SIGINT)


def _take(number: int, frame: FrameType | None) -> None:
    _state.came += 1
    _state.number = _state.number or number
    if _state.came > 1:
        os._exit(128 + number)
    if _state.shielded:
        _state.asked = number
    else:
        _raise(number)


def _raise(number: int) -> None:
    raise KeyboardInterrupt if number == signal.SIGINT else Terminated
