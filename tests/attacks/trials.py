"""What is tried on folders that lie: in forks, with little time and memory, and what may come of it."""

from __future__ import annotations

import json
import os
import re
import resource
import select
import signal
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

SECONDS = 5.0
"""Processor time that each may take."""
PATIENCE = 30.0
"""Seconds on the clock after which one is killed; on a machine that others use too, they say little else."""
MEMORY = 2 * 1024**3
"""Bytes that each may take beyond what the process had before."""
LONGEST = 6_000
"""Characters of a message: whatever stands in a folder, what is shown of it is bounded."""
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""What no message brings to a terminal."""

Job = Callable[[], int]
"""Does something as a command would, printing what it says; returns the exit code."""


class Ended(NamedTuple):
    """How a job ended."""

    code: int | None
    """None where it was killed or took the process down, and `err` says how."""
    out: str
    err: str
    seconds: float
    """Of the processor."""


def trials(jobs: Sequence[Job], *, patience: float = PATIENCE, memory: int = MEMORY) -> Iterator[Ended]:
    """Do jobs in a fork of this process, one after the other; in another fork from the next one on where one takes it down."""
    at = 0
    while at < len(jobs):
        pid, pipe = _forked(jobs[at:], memory)
        try:
            for line in _lines(pipe, patience):
                if line:
                    yield Ended(**json.loads(line))
                    at += 1
                if not line or at == len(jobs):
                    break
            else:
                line = b""
        finally:
            os.close(pipe)
            os.kill(pid, signal.SIGKILL)
            _, status = os.waitpid(pid, 0)
        if not line:
            code = os.waitstatus_to_exitcode(status)
            how = f"took more than {patience:g} s" if code == -signal.SIGKILL else f"ended with {code}"
            yield Ended(None, "", f"the process {how}", patience)
            at += 1


def command(*words: object) -> Job:
    """The job that is the command line with some words."""

    def run() -> int:
        from headstart.cli.main import main

        sys.argv = ["headstart", *map(str, words)]
        try:
            main()
        except SystemExit as leaving:
            return leaving.code if isinstance(leaving.code, int) else int(leaving.code is not None)
        return 0

    return run


def fault(ended: Ended, honest: str | None, codes: Sequence[int] = (0, 65)) -> str:
    """What is wrong with how a job ended; empty where nothing is.

    Args:
        ended: the end.
        honest: what is printed of the honest folder; None if anything may be.
        codes: exit codes that are right.
    """
    if ended.code is None:
        return ended.err
    for sign in ("Traceback", "fault of headstart", "panicked at"):
        if sign in ended.err:
            return f"{sign}: {ended.err[-1500:]}"
    if ended.code not in codes:
        return f"exit code {ended.code}: {ended.err[-1500:]}"
    if ended.code == 0 and honest is not None and ended.out != honest:
        return f"another answer: {ended.out[:300]}"
    if ended.code != 0 and not ended.err.strip():
        return f"exit code {ended.code} without a word"
    if len(ended.err) > LONGEST:
        return f"a message of {len(ended.err):,} characters"
    if found := CONTROL.search(ended.err):
        return f"{found.group()!r} on the terminal: {ended.err[:300]!r}"
    if ended.seconds > SECONDS:
        return f"{ended.seconds:.1f} s"
    return ""


def _lines(pipe: int, patience: float) -> Iterator[bytes]:
    """Lines as they come; an empty one where none comes in time, or the other end is closed."""
    held = b""
    while True:
        line, found, rest = held.partition(b"\n")
        if found:
            held = rest
            yield line
            continue
        ready, _, _ = select.select([pipe], [], [], patience)
        more = os.read(pipe, 1 << 16) if ready else b""
        if not more:
            yield b""
            return
        held += more


def _forked(jobs: Sequence[Job], memory: int) -> tuple[int, int]:
    """A fork that does the jobs and tells a line of each; its number, and where the lines come from."""
    out, into = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forks beside threads, which have nothing to do here
        pid = os.fork()
    if pid:
        os.close(into)
        return pid, out
    status = 1
    try:
        os.close(out)
        _work(jobs, into, memory)
        status = 0
    finally:
        os._exit(status)


def _work(jobs: Sequence[Job], into: int, memory: int) -> None:
    files = os.memfd_create("out"), os.memfd_create("err")
    for number, file in ((1, files[0]), (2, files[1])):
        os.dup2(file, number)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (taken + memory, taken + memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for job in jobs:
        for file in files:
            os.ftruncate(file, 0)
            os.lseek(file, 0, os.SEEK_SET)
        sys.stdin, sys.stdout = open(0, closefd=False), open(1, "w", closefd=False)  # noqa: SIM115
        sys.stderr = open(2, "w", errors="backslashreplace", closefd=False)  # noqa: SIM115
        begun, code = time.process_time(), 1
        try:
            code = job()
        except BaseException as error:  # a panic of a library in Rust is no Exception
            traceback.print_exception(error)
        sys.stdout.flush()
        sys.stderr.flush()
        seconds = time.process_time() - begun
        said = [os.pread(file, 1 << 22, 0).decode("utf-8", "replace") for file in files]
        line = json.dumps({"code": code, "out": said[0], "err": said[1], "seconds": seconds}) + "\n"
        left = line.encode()
        while left:
            left = left[os.write(into, left) :]
