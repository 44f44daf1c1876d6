"""What tests cost: processor seconds by file, printed at the end of a run, with a ceiling for the default tests.

Seconds of the processor, of this process and all that it started: on a machine that others use too, those on the clock say
little. The ceiling is a multiple of what a fixed computation takes on the same machine within the same run.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

KEY = "processor seconds"
DEAREST = 15
"""Files that are named at the end."""
CEILING = 6_000
"""Processor seconds that the default tests may take, in those of `reference`, where continuous integration runs them."""
WORTH_TELLING = 10.0
"""Processor seconds from which on a run says what it cost."""
LEAST = 1_000
"""Tests from which on a run is taken for one of all default tests."""
TICKS = os.sysconf("SC_CLK_TCK")


def processor_seconds(pid: int | None = None) -> float:
    """Of a process since it began, of those that it waited for, and of those that still run below it.

    Processes that are gone, and machines that do not tell, count nothing.
    """
    place = Path(f"/proc/{pid or os.getpid()}")
    try:
        # After the name in parentheses: user, system, and both of the children that were waited for, in ticks.
        own = sum(map(int, (place / "stat").read_text().rpartition(")")[2].split()[11:15]))
        children = [int(each) for file in place.glob("task/*/children") for each in file.read_text().split()]
    except (OSError, ValueError):
        return sum(os.times()[:4]) if pid is None else 0.0
    return own / TICKS + sum(map(processor_seconds, children))


def reference() -> float:
    """Processor seconds of a fixed computation, half of it in Python and half in products of matrices; the least of three."""
    import numpy as np

    matrix = np.random.default_rng(0).normal(size=(384, 384)).astype(np.float32)
    found = []
    for _ in range(3):
        begun = time.process_time()
        words = Counter(str(at % 977) for at in range(600_000))
        assert len(words) == 977
        for _ in range(60):
            matrix @ matrix
        found.append(time.process_time() - begun)
    return min(found)


class Costs:
    """The plugin."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.before = processor_seconds()
        self.by_file: Counter[str] = Counter()
        self.tests = 0
        self.reference = reference() if os.environ.get("CI") and not hasattr(config, "workerinput") else None

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self) -> Any:
        report = yield
        now = processor_seconds()
        report.user_properties.append((KEY, now - self.before))
        self.before = now
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        seconds = sum(value for key, value in report.user_properties if key == KEY)
        self.by_file[report.nodeid.partition("::")[0]] += seconds
        self.tests += report.when == "call"

    @property
    def excess(self) -> str:
        """What there is to say where the ceiling is passed."""
        spent = sum(self.by_file.values())
        if self.reference is None or self.tests < LEAST or self.config.option.markexpr != "not slow":
            return ""
        most = CEILING * self.reference
        told = f"{spent:.0f} s of processor time; {most:.0f} s is the ceiling, {CEILING} times {self.reference:.3f} s"
        return f"the default tests took {told}: make them cheaper, or mark some as slow" if spent > most else ""

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        if exitstatus == pytest.ExitCode.OK and self.excess:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        spent = sum(self.by_file.values())
        if spent < WORTH_TELLING:
            return
        terminalreporter.section(f"the {DEAREST} dearest files, of {spent:.0f} processor seconds in all")
        for name, seconds in self.by_file.most_common(DEAREST):
            terminalreporter.write_line(f"{seconds:7.1f}  {name}")
        if self.excess:
            terminalreporter.write_line(self.excess, red=True)
