"""What tests may not do is seen, refused and noted, in this process and in those that it starts; what they need passes."""

import pickle
import socket
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
import torch
from tests.guarded import guard

FAR = "192.0.2.1"
"""An address that is nobody's (RFC 5737)."""


def as_source(code: str, **names: object) -> None:
    """Run code as if it stood in a file of the source."""
    exec(compile(code, f"{guard.ROOT}/src/headstart/some.py", "exec"), names)


def pickled(folder: Path) -> None:
    as_source("import pickle; pickle.loads(content)", content=pickle.dumps(Path()))


def pickled_file(folder: Path) -> None:
    (folder / "a.pkl").write_bytes(pickle.dumps([1]))
    with (folder / "a.pkl").open("rb") as file:
        as_source("import pickle; pickle.load(file)", file=file)


def torch_file(folder: Path) -> None:
    torch.save({"a": torch.zeros(1)}, folder / "a.bin")
    as_source("import torch; torch.load(name, weights_only=True)", name=folder / "a.bin")


def joblib_file(folder: Path) -> None:
    joblib.dump([1], folder / "a")
    as_source("import joblib; joblib.load(name)", name=folder / "a")


def numpy_file(folder: Path) -> None:
    np.save(folder / "a.npy", np.array([{}], dtype=object), allow_pickle=True)
    as_source("import numpy; numpy.load(name, allow_pickle=True)", name=folder / "a.npy")


def yaml_tag(folder: Path) -> None:
    as_source("import yaml; yaml.load('!!python/name:os.system', Loader=yaml.UnsafeLoader)")


def code(folder: Path) -> None:
    (folder / "modeling.py").write_text("x = 1")
    from importlib.util import module_from_spec, spec_from_file_location

    spec = spec_from_file_location("modeling", folder / "modeling.py")
    assert spec is not None and spec.loader is not None
    spec.loader.exec_module(module_from_spec(spec))


def template(folder: Path) -> None:
    import jinja2

    jinja2.Environment().from_string("{{ 1 + 1 }}")


def test_a_template_in_the_sandbox_may_run_and_reaches_nothing() -> None:
    from jinja2.exceptions import SecurityError
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    sandbox = ImmutableSandboxedEnvironment()
    assert sandbox.from_string("{{ 1 + 1 }}").render() == "2"
    with pytest.raises(SecurityError):
        sandbox.from_string("{{ ''.__class__.__mro__ }}").render()


def connection(folder: Path) -> None:
    socket.create_connection((FAR, 80), timeout=1)


def name_of_a_machine(folder: Path) -> None:
    socket.getaddrinfo("example.org", 443)


@pytest.mark.parametrize(
    ("act", "said"),
    [
        (pickled, "a pickle names pathlib."),
        (pickled_file, "a pickle is read from"),
        (torch_file, "torch.serialization.load is called"),
        (joblib_file, "joblib.numpy_pickle.load is called"),
        (numpy_file, "a pickle"),
        (yaml_tag, "yaml.constructor.FullConstructor.find_python_name is called"),
        (code, "modeling.py is run"),
        (template, "a template that came as text is run"),
        (connection, f"a connection to {FAR}"),
        (name_of_a_machine, "a connection to example.org"),
    ],
)
def test_it_is_refused_and_noted(act: Callable[[Path], None], said: str, tmp_path: Path) -> None:
    with guard.expected() as seen, pytest.raises(guard.Forbidden, match=said.replace(".", r"\.")):
        act(tmp_path)
    assert said in seen[0]
    assert "test_it_is_refused_and_noted" in seen[0]


def test_processes_that_tests_start_are_watched_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    notes = tmp_path / "notes"
    monkeypatch.setenv(guard.NOTES, str(notes))
    words = f"import socket\ntry:\n socket.create_connection(('{FAR}', 80), 1)\nexcept OSError:\n pass"
    subprocess.run([sys.executable, "-c", words], check=True, cwd=tmp_path)
    assert f"a connection to {FAR}" in notes.read_text()


def test_what_was_noted_fails_the_test_that_did_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.guarding import Guarding

    class Report:
        outcome, longrepr = "passed", ""

    plugin = object.__new__(Guarding)
    plugin.notes, plugin.read = tmp_path / "notes", 0

    def reported() -> Any:
        hook = plugin.pytest_runtest_makereport()
        next(hook)
        with pytest.raises(StopIteration) as done:
            hook.send(Report())
        return done.value.value

    plugin.notes.write_text("")
    assert reported().outcome == "passed"
    plugin.notes.write_text("a pickle is read, in some test\n")
    assert (found := reported()).outcome == "failed"
    assert "a pickle is read" in found.longrepr
    assert reported().outcome == "passed", "each is told once"


def double(value: Path) -> Path:
    return value / "b"


def test_what_tests_need_passes(tmp_path: Path) -> None:
    with ProcessPoolExecutor(1, get_context("fork")) as pool:
        assert pool.submit(double, Path("a")).result() == Path("a/b")
    (tmp_path / "own.py").write_text("x = 1")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(tmp_path)
        assert __import__("own").x == 1
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname()[:2]).close()
    np.save(tmp_path / "a.npy", np.zeros(2))
    assert np.load(tmp_path / "a.npy").sum() == 0
