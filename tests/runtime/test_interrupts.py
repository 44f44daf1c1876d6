"""Signals come between blocks that are shielded, the second one ends the process, and what others take stays theirs."""

import os
import signal
import subprocess
import sys
import threading

import pytest

from headstart.errors import Ended, Interrupted
from headstart.runtime import interrupts
from headstart.runtime.interrupts import Terminated, exit_code, shielded, stopped, watched


@pytest.fixture(autouse=True)
def usual(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interrupts, "_state", interrupts._State())
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.mark.parametrize(
    ("number", "kind", "code"),
    [(signal.SIGINT, KeyboardInterrupt, 130), (signal.SIGTERM, Terminated, 143), (signal.SIGHUP, Terminated, 129)],
)
def test_a_signal_is_raised_at_once_or_at_the_end_of_the_shield(
    number: signal.Signals, kind: type[BaseException], code: int
) -> None:
    reached = []
    with pytest.raises(kind) as error, watched(terminate=True):
        os.kill(os.getpid(), number)
        reached.append("after")
    assert (type(error.value), reached, exit_code()) == (kind, [], code)
    interrupts._state.number = None
    with pytest.raises(kind) as error, watched(terminate=True):
        with shielded():
            with shielded():
                os.kill(os.getpid(), number)
                reached.append("inner")
            reached.append("outer")
        reached.append("after")
    assert (type(error.value), reached) == (kind, ["inner", "outer"])
    assert (exit_code(), stopped(error.value, "").exit_code) == (code, code)


def test_handlers_are_put_back() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with watched(terminate=True), watched():
        assert signal.getsignal(signal.SIGINT) is interrupts._take
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


def test_a_library_leaves_sigterm_alone_and_what_others_take() -> None:
    with watched():
        assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a job in the background
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup has it
    with watched(terminate=True):
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
        assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN
        assert signal.getsignal(signal.SIGTERM) is interrupts._take
    signal.signal(signal.SIGHUP, before)


def test_another_thread_takes_no_signals() -> None:
    found = []

    def work() -> None:
        with watched(), shielded():
            found.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [signal.default_int_handler]


TWICE = """
import os, signal, sys, time
from headstart.runtime.interrupts import shielded, watched
signal.signal(signal.SIGINT, signal.default_int_handler)
try:
    with watched(terminate=True), shielded():
        os.kill(os.getpid(), int(sys.argv[1]))
        print("still here", flush=True)
        os.kill(os.getpid(), int(sys.argv[1]))
        time.sleep(1)
        print("too long", flush=True)
finally:
    print("cleaned", flush=True)
"""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_the_second_signal_ends_the_process_at_once(number: signal.Signals, code: int) -> None:
    done = subprocess.run([sys.executable, "-c", TWICE, str(int(number))], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (code, "still here\n", "")


def test_errors_towards_the_user() -> None:
    assert type(stopped(KeyboardInterrupt(), "a")) is Interrupted
    assert type(stopped(Terminated(), "a")) is Ended
    assert (Interrupted.exit_code, stopped(Terminated(), "a").exit_code, exit_code()) == (130, 143, 130)
