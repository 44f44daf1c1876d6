"""Runs of the command line in forked processes that are killed on the way: a program that has imported all, and its client.

A fork takes a few hundredths of a second where a new process takes seconds. The program itself computes nothing, so that
forks start threads of their own.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

POINTS = (
    "runtime.durable.sync",
    "runtime.durable.rename",
    "runtime.durable.write_json",
    "runtime.durable.discard",
    "training.checkpoints.save_file",
)
"""Functions that put something on the disk; a fork may be killed before or after any call of them."""


class Ended(NamedTuple):
    """How a fork ended."""

    code: int
    """Exit code, or minus the number of the signal that ended it."""
    out: str
    err: str
    reached: dict[str, int]
    """Calls of each of `POINTS` and of `update`, a step of the optimiser, where they were counted."""


class Program:
    """The program, as a context manager."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._process = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=dict(os.environ)
        )

    def __enter__(self) -> Program:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(timeout=60)  # it has much to take down
        self._process.stdout.close()

    def run(
        self,
        *words: object,
        at: tuple[str, int, str] | None = None,
        after: float | None = None,
        how: signal.Signals = signal.SIGKILL,
        limits: dict[str, int] | None = None,
        count: bool = False,
        team: int = 1,
        streams: dict[int, str] | None = None,
        encoding: str = "utf-8",
    ) -> Ended:
        """Run `headstart WORDS`.

        Args:
            words: of the command line.
            at: point, number of its call from 1, and `before` or `after` it, where the signal is sent.
            after: seconds after which it is sent from outside.
            how: the signal.
            limits: resource limits by name, such as RLIMIT_FSIZE; RLIMIT_AS counts from where the fork begins.
            count: whether calls of the points are counted.
            team: processes that work on it together, as torchrun starts them; the first one is killed, and then the others,
                and it is the first one's end that is told.
            streams: what standard input (0), output (1) or error (2) is in place of the usual: a path, `closed`, or `unread`, a pipe
                whose other end is closed.
            encoding: that of standard output.
        """
        assert self._process.stdin is not None and self._process.stdout is not None
        task = {
            "words": [str(word) for word in words], "at": at, "after": after, "how": int(how), "limits": limits or {},
            "count": count, "folder": str(self.folder), "directory": os.getcwd(), "team": team,
            "streams": streams or {}, "encoding": encoding,
        }  # fmt: skip
        (self.folder / "reached").unlink(missing_ok=True)
        self._process.stdin.write(json.dumps(task) + "\n")
        self._process.stdin.flush()
        code = json.loads(self._process.stdout.readline())
        note = self.folder / "reached"
        reached = json.loads(note.read_text()) if note.exists() else {}
        return Ended(code, (self.folder / "out").read_text(), (self.folder / "err").read_text(), reached)


def patch(task: dict[str, Any]) -> None:
    """Count calls of the points, and send the signal at the one that was asked for."""
    import importlib

    import torch

    reached: dict[str, int] = {}
    note = Path(task["folder"]) / "reached"
    wanted = tuple(task["at"]) if task["at"] else None

    def counted(point: str, call: Any) -> Any:
        def wrapped(*arguments: Any, **named: Any) -> Any:
            reached[point] = reached.get(point, 0) + 1
            if task["count"]:  # at once: a process of a team leaves without coming back
                note.write_text(json.dumps(reached))
            if wanted == (point, reached[point], "before"):
                os.kill(os.getpid(), task["how"])
            found = call(*arguments, **named)
            if wanted == (point, reached[point], "after"):
                os.kill(os.getpid(), task["how"])
            return found

        return wrapped

    for point in {*POINTS, *([wanted[0]] if wanted else [])} - {"update"}:
        place, _, name = point.rpartition(".")
        module = importlib.import_module(f"headstart.{place}")
        call = getattr(module, name)
        holders = [module]
        if call.__module__ == module.__name__:  # its own: others may have imported it by name
            holders = [each for key, each in sys.modules.items() if key.startswith("headstart")]
        for holder in holders:
            if getattr(holder, name, None) is call:
                setattr(holder, name, counted(point, call))
    torch.optim.AdamW.step = counted("update", torch.optim.AdamW.step)  # type: ignore[method-assign]


def child(task: dict[str, Any], rank: int, port: int) -> None:
    """Be the command, or one process of a team."""
    import resource

    folder = Path(task["folder"])
    os.chdir(task["directory"])
    for number, name in ((1, "out"), (2, "err")):
        name += str(rank) if rank else ""
        os.dup2(os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    if task["team"] > 1:
        place = {
            "RANK": rank,
            "LOCAL_RANK": rank,
            "WORLD_SIZE": task["team"],
            "MASTER_ADDR": "127.0.0.1",
            "MASTER_PORT": port,
        }
        os.environ |= {name: str(value) for name, value in place.items()}
        task |= {"count": task["count"] and not rank, "at": None if rank else task["at"]}
    sys.stdout = open(1, "w", closefd=False, encoding=task["encoding"])  # noqa: SIM115
    sys.stderr = open(2, "w", closefd=False)  # noqa: SIM115
    for number, what in task["streams"].items():
        redirect(int(number), what)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if task["at"] or task["count"]:
        patch(task)
    import headstart.cli.main as cli

    cli.STARTED = time.perf_counter()
    for name, limit in task["limits"].items():
        if name == "RLIMIT_AS":  # beyond what importing took
            limit += int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(getattr(resource, name), (limit, limit))
    sys.argv = ["headstart", *task["words"]]
    code = 1
    try:
        cli.main()
    except SystemExit as leaving:
        code = leaving.code if isinstance(leaving.code, int) else int(leaving.code is not None)
    except BaseException as error:
        import traceback

        traceback.print_exception(error)
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
    os._exit(code)


def redirect(number: int, what: str) -> None:
    """Make a standard stream what was asked for, as a shell does before a program starts."""
    if what == "closed":
        os.close(number)
        setattr(sys, ("stdin", "stdout", "stderr")[number], None)
    elif what == "unread":
        back, front = os.pipe()
        os.close(back)
        os.dup2(front, number)
        os.close(front)
    else:
        os.dup2(os.open(what, os.O_WRONLY), number)
        if not number:
            sys.stdin = open(0, closefd=False)  # noqa: SIM115


def free_port() -> int:
    """One that nobody listens at."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def serve() -> None:
    """Import all, then fork for every task that comes."""
    import bm25s
    import pyarrow
    import sklearn.linear_model
    import Stemmer
    import torch
    import transformers.models.bert.modeling_bert

    import headstart.cli.main
    import headstart.predictors.trained
    import headstart.report.page
    import headstart.runs.comparison
    import headstart.runs.indexing
    import headstart.runs.pretraining
    import headstart.runs.run
    import headstart.runs.workspace
    import headstart.strategies.training_run
    from headstart.objectives import OBJECTIVES
    from headstart.predictors import PREDICTORS
    from headstart.readers import READERS
    from headstart.strategies import STRATEGIES
    from headstart.tasks import TASKS

    _ = bm25s, headstart, pyarrow, sklearn, Stemmer, transformers
    for registry in (OBJECTIVES, PREDICTORS, READERS, STRATEGIES, TASKS):
        for name in registry.names():
            registry.get(name)
    with suppress(ImportError):  # a long table, built when the first network is loaded
        from transformers.conversion_mapping import get_checkpoint_conversion_mapping

        get_checkpoint_conversion_mapping("bert")
    torch.set_num_threads(1)
    for line in sys.stdin:
        task = json.loads(line)
        port, pids = free_port(), []
        for rank in range(task["team"]):
            pids.append(os.fork())
            if not pids[-1]:
                child(task, rank, port)
        if task["after"] is not None:
            time.sleep(task["after"])
            with suppress(ProcessLookupError):
                os.kill(pids[0], task["how"])
        _, status = os.waitpid(pids[0], 0)
        for pid in pids[1:]:
            if status:
                os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        sys.stdout.write(json.dumps(os.waitstatus_to_exitcode(status)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    serve()
