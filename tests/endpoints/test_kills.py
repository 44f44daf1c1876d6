"""A process that asks an endpoint is killed at any moment: no answer that came is asked for again, and the labels are the same."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.endpoints.faulty import FaultyEndpoint

from headstart.endpoints.answers import ANSWERS

TEXTS = [f"text {at} is {'good' if at % 3 else 'so so'}" for at in range(200)]
CONCURRENCY = 4
PROGRAM = """
import json, os, sys
from pathlib import Path
from headstart.data.prompts import Prompt
from headstart.endpoints.settings import Endpoint
from headstart.endpoints.teacher import EndpointTeacher
from headstart.runtime.progress import Progress

class Told(Progress):
    def say(self, topic, message, *, warning=False):
        print(message, flush=True)

def label(url, folder, concurrency, texts):
    endpoint = Endpoint(url=url, model="tiny", concurrency=concurrency)
    prompt = Prompt("{text}\\nIn one word:", ("good", "bad"))
    taught = EndpointTeacher(endpoint, ("pos", "neg"), prompt, answers=Path(folder) / "answers.jsonl")
    found = taught.logits(texts, progress=Told())
    print(json.dumps([found.tolist(), taught.spent]), flush=True)

for line in sys.stdin:
    out, *given = json.loads(line)
    process = os.fork()
    if not process:
        os.dup2(os.open(out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 1)
        label(*given)
        os._exit(0)
    print(process, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), flush=True)
"""
"""Labels texts in forks of itself, which are killed: it has imported all that they need."""


class Labeller:
    """The program; a context manager."""

    def __init__(self, served: FaultyEndpoint) -> None:
        self.served = served

    def __enter__(self) -> Labeller:
        words = [sys.executable, "-c", PROGRAM]
        self._process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate(timeout=60)

    def run(self, folder: Path, at: int = 0, *, before: bool = False) -> tuple[int, list[str]]:
        """Exit code and lines of a process that labels all texts, killed at a request of its own if that is asked for."""
        assert self._process.stdin is not None and self._process.stdout is not None
        folder.mkdir(exist_ok=True)
        with Killer(self.served, at, before=before) as killer:
            given = [str(folder / "out"), self.served.url, str(folder), CONCURRENCY, TEXTS]
            self._process.stdin.write(json.dumps(given) + "\n")
            self._process.stdin.flush()
            killer.process = int(self._process.stdout.readline())
            code = int(self._process.stdout.readline())
        return code, (folder / "out").read_text().splitlines()


class Killer:
    """Kills a process when a request comes, or right after its answer was sent."""

    def __init__(self, served: FaultyEndpoint, at: int, *, before: bool) -> None:
        self.served = served
        self.at = at
        self.before = before
        self.process = 0
        self._usual = served._post

    def __enter__(self) -> Killer:
        self.served._post = self._post  # type: ignore[method-assign]
        return self

    def __exit__(self, *_: object) -> None:
        self.served._post = self._usual  # type: ignore[method-assign]

    def _post(self, request: Any) -> None:
        self.at -= 1
        now = self.at == 0
        while now and not self.process:  # it is about to be told
            time.sleep(0.001)
        if now and self.before:
            os.kill(self.process, signal.SIGKILL)
        self._usual(request)
        if now and not self.before:
            os.kill(self.process, signal.SIGKILL)


@pytest.mark.parametrize(
    "runs",
    [
        [[(2, True), (60, False), (70, True)]],
        pytest.param([[(1 + 19 * at // 2, bool(at % 3))] for at in range(20)], marks=pytest.mark.slow),
    ],
    ids=["one after the other", "20 places"],
)
def test_no_answer_that_came_is_asked_for_again(tmp_path: Path, runs: list[list[tuple[int, bool]]]) -> None:
    with FaultyEndpoint(seconds=0.002) as served, Labeller(served) as labeller:
        for number, places in enumerate(runs):
            folder = tmp_path / str(number)
            served.answered.clear()
            begun, flown = served.count, 0
            for at, before in places:
                code, lines = labeller.run(folder, at, before=before)
                assert code == -signal.SIGKILL
                flown += _under_way(lines)
            code, lines = labeller.run(folder)
            flown += _under_way(lines)
            assert code == 0 and 0 < flown <= CONCURRENCY * len(places)
            found, spent = json.loads(lines[-1])
            wanted = [[0.8, 0.2] if "good" in text else [0.3, 0.7] for text in TEXTS]
            assert np.exp(found) == pytest.approx(np.array(wanted), abs=1e-6)
            again = sum(count - 1 for count in served.answered.values())
            assert again <= flown, "what is asked for again was under way, and said to be"
            assert served.count - begun <= spent[0] == len(TEXTS) + 1 + flown, "every request that was sent is counted"
            assert (folder / ANSWERS).read_text().count('"answered"') == len(TEXTS) + 1


def _under_way(lines: list[str]) -> int:
    """Requests that were under way when the process before was killed, as it is said."""
    said = [line for line in lines if "requests were under way" in line]
    return int(said[0].split("; ")[1].split()[0].replace(",", "")) if said else 0
