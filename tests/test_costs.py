"""The costs of tests are counted with all that they start, and a ceiling says when they are too many."""

import subprocess
import sys
import time
from types import SimpleNamespace
from typing import Any

import pytest
from tests.costs import CEILING, KEY, LEAST, Costs, processor_seconds, reference

WORK = "import time\nwhile time.process_time() < 0.3: pass\n"


def spent(code: str) -> float:
    """What is counted of a process that is waited for."""
    before = processor_seconds()
    subprocess.run([sys.executable, "-S", "-c", code], check=True)
    return processor_seconds() - before


def test_seconds_of_other_processes_count_once_whether_they_still_run_or_not() -> None:
    before = processor_seconds()
    with subprocess.Popen([sys.executable, "-S", "-c", WORK + "input()"], stdin=subprocess.PIPE) as process:
        while processor_seconds(process.pid) < 0.29:
            time.sleep(0.01)
        while_it_runs = processor_seconds() - before
    assert 0.25 < while_it_runs < 2
    assert processor_seconds() - before == pytest.approx(while_it_runs, abs=0.5)
    assert 0.25 < spent(f"import subprocess, sys\nsubprocess.run([sys.executable, '-S', '-c', {WORK!r}])") < 2


def test_a_process_that_is_gone_counts_nothing() -> None:
    assert processor_seconds(2**22 + 1) == 0.0


def report(name: str, seconds: float) -> Any:
    return SimpleNamespace(nodeid=name, user_properties=[("other", 1e9), (KEY, seconds)], when="call")


@pytest.mark.parametrize(
    ("seconds", "tests", "marks", "passed"),
    [(1.1, LEAST, "not slow", True), (0.9, LEAST, "not slow", False), (1.1, LEAST - 1, "not slow", False), (1.1, LEAST, "", False)],
)  # fmt: skip
def test_the_default_tests_have_a_ceiling_in_continuous_integration(
    monkeypatch: pytest.MonkeyPatch, seconds: float, tests: int, marks: str, passed: bool
) -> None:
    monkeypatch.setattr("tests.costs.reference", lambda: 0.5)
    config: Any = SimpleNamespace(option=SimpleNamespace(markexpr=marks))
    for variable in (None, "true"):
        monkeypatch.delenv("CI", raising=False)
        if variable:
            monkeypatch.setenv("CI", variable)
        costs = Costs(config)
        for at in range(tests):
            costs.pytest_runtest_logreport(report(f"tests/test_{at % 2}.py::test_a", seconds * CEILING * 0.5 / tests))
        assert costs.by_file["tests/test_0.py"] == pytest.approx(seconds * CEILING / 4, rel=0.01)
        assert bool(costs.excess) == (passed and variable == "true")
        session: Any = SimpleNamespace(exitstatus=0)
        costs.pytest_sessionfinish(session, 0)
        assert session.exitstatus == int(passed and variable == "true")


def test_the_reference_is_a_fraction_of_a_second() -> None:
    assert 0.01 < reference() < 10
