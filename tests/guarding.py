"""Turns a test red in which something was done that `guarded/guard.py` forbids, even where the code under test went on."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import pytest
from tests.guarded import guard

PLACE = Path(guard.__file__).parent


class Guarding:
    """The plugin."""

    def __init__(self) -> None:
        number, name = tempfile.mkstemp(prefix="headstart-seen-")
        os.close(number)
        self.notes, self.read = Path(name), 0
        os.environ[guard.NOTES] = name
        others = [
            place for place in os.environ.get("PYTHONPATH", "").split(os.pathsep) if place and place != str(PLACE)
        ]
        os.environ["PYTHONPATH"] = os.pathsep.join([str(PLACE), *others])
        guard.install(self.notes)

    def fresh(self) -> list[str]:
        """What was noted since the last call, by this process and all that it started."""
        lines = self.notes.read_text(encoding="utf-8").splitlines()
        found, self.read = lines[self.read :], len(lines)
        return found

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self) -> Any:
        report = yield
        if seen := self.fresh():
            report.outcome = "failed"
            report.longrepr = "forbidden in tests, see tests/guarded/guard.py:\n" + "\n".join(seen)
        return report

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if seen := self.fresh():
            print("\nforbidden in tests, see tests/guarded/guard.py:", *seen, sep="\n")  # noqa: T201
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        self.notes.unlink(missing_ok=True)
