"""Code run without headstart, in forks of a process that has imported what such code imports.

A fork takes a few hundredths of a second where importing transformers takes seconds. The process itself computes nothing, so
that forks start threads of their own.
"""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

SECONDS = 120


@cache
def _program() -> subprocess.Popen[str]:
    process = subprocess.Popen([sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    atexit.register(process.kill)
    return process


def run_in(folder: Path, code: str) -> list[str]:
    """Run code in a folder, in a process that must not import headstart; the lines that it prints.

    Raises:
        AssertionError: it fails, with what it says.
    """
    program = _program()
    assert program.stdin is not None and program.stdout is not None
    with tempfile.TemporaryDirectory() as place:
        task = {"code": code, "directory": str(folder), "place": place}
        program.stdin.write(json.dumps(task) + "\n")
        program.stdin.flush()
        status = json.loads(program.stdout.readline())
        out, err = ((Path(place) / name).read_text(encoding="utf-8") for name in ("out", "err"))
    assert status == 0, err
    return out.strip().split("\n")


def child(task: dict[str, Any]) -> None:
    """Run the code as a program of its own would."""
    import signal
    import traceback

    signal.alarm(SECONDS)
    for number, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(Path(task["place"]) / name, os.O_WRONLY | os.O_CREAT), number)
    sys.stdout, sys.stderr = open(1, "w", closefd=False), open(2, "w", closefd=False)  # noqa: SIM115
    os.chdir(task["directory"])
    sys.path[0] = ""
    status = 0
    try:
        exec(compile(task["code"], "<card>", "exec"), {"__name__": "__main__"})
        assert "headstart" not in sys.modules, "the code has imported headstart"
    except BaseException as error:
        traceback.print_exception(error)
        status = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def serve() -> None:
    """Import all, then fork for every task that comes."""
    import sklearn.linear_model
    import torch
    import transformers.models.bert.modeling_bert
    import transformers.pipelines

    _ = sklearn, torch, transformers
    for line in sys.stdin:
        pid = os.fork()
        if not pid:
            child(json.loads(line))
        _, status = os.waitpid(pid, 0)
        sys.stdout.write(json.dumps(os.waitstatus_to_exitcode(status)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    serve()
