"""What no process of the tests may do: unpickle or run what comes from a file of data, or reach beyond this machine.

An audit hook of the interpreter (PEP 578) sees it wherever it happens, in libraries too, and in children: forks inherit it, and
processes that tests start find `sitecustomize.py` beside this file on their path. What is seen is refused, and noted in a file,
so that no `except` on the way hides it. Pickles that go from process to process pass; so does code that a test put on the path.

Not seen are compiled libraries that read or connect by themselves, and processes that start without an environment.
"""

from __future__ import annotations

import os
import pickle
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import CodeType, FrameType, ModuleType
from typing import Any

NOTES = "HEADSTART_TEST_NOTES"
"""Variable with the file in which what is seen is noted."""
ROOT = str(Path(__file__).resolve().parents[2])
OURS = tuple(
    {ROOT, *(os.path.realpath(place) for place in (sys.prefix, sys.base_prefix, os.path.dirname(os.__file__)))}
)
"""Folders whose code may run."""
BETWEEN_PROCESSES = (
    "/multiprocessing/",
    "/concurrent/futures/",
    "/joblib/externals/",
    "/torch/distributed/",
    "/execnet/",
    "/sklearn/utils/_testing.py",
    "/sklearn/utils/estimator_checks.py",
)
"""Parts of the names of files that read pickles which the same program sent: another process, or a check of estimators."""
UNPICKLING = ("/pickle.py", "/joblib/", "/numpy/", "/torch/")
"""Parts of the names of files that unpickle for who calls them."""
READERS = (
    "/transformers/",
    "/peft/",
    "/tokenizers/",
    "/safetensors/",
    "/huggingface_hub/",
    "/yaml/",
    "/src/headstart/",
)
"""Parts of the names of files that read folders of others: text that they evaluate may have come from there."""
NEAR = ("127.", "::1", "localhost", "::ffff:127.", "0.0.0.0")
"""How addresses of this machine begin."""
LOADERS = {
    "torch.serialization": ("load",),
    "joblib.numpy_pickle": ("load",),
    "yaml.constructor": ("FullConstructor.find_python_name", "FullConstructor.find_python_module"),
}
"""Functions that unpickle, or build what a file names, without a word to the hook."""


class Forbidden(PermissionError):
    """Something that no test may do."""


_notes: Path | None = None
_expected: list[str] | None = None


def refuse(what: str) -> None:
    """Note what was seen, with where it was done, and stop it.

    Raises:
        Forbidden: always.
    """
    frame, places = sys._getframe(1), []
    while frame is not None and len(places) < 12:
        if "importlib" not in frame.f_code.co_filename and frame.f_code.co_filename != __file__:
            places.append(f"{frame.f_code.co_filename}:{frame.f_lineno}")
        frame = frame.f_back
    line = f"{what}, in {os.environ.get('PYTEST_CURRENT_TEST', 'no test')}, at {' < '.join(places)}"
    if _expected is not None:
        _expected.append(line)
    elif _notes is not None:
        with open(_notes, "a", encoding="utf-8") as file:
            file.write(line.replace("\n", " ") + "\n")
    raise Forbidden(what)


@contextmanager
def expected() -> Iterator[list[str]]:
    """What is seen within the block, which a test does on purpose."""
    global _expected
    before, _expected = _expected, []
    try:
        yield _expected
    finally:
        _expected = before


def _caller() -> str:
    """The file of the code that did it, but for this one."""
    frame: FrameType | None = sys._getframe()
    while frame is not None and frame.f_code.co_filename == __file__:
        frame = frame.f_back
    return frame.f_code.co_filename if frame is not None else ""


def _may_unpickle() -> bool:
    """Whether another process of the program sent it, or a test reads what it wrote itself."""
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        name = frame.f_code.co_filename
        if any(part in name for part in BETWEEN_PROCESSES):
            return True
        if name != __file__ and not any(part in name for part in UNPICKLING):
            return name.startswith(f"{ROOT}/tests/")
        frame = frame.f_back
    return False


def _is_sandboxed() -> bool:
    """Whether a template is run by jinja's sandbox, whose templates reach nothing outside and change nothing: chat templates are."""
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        if any(cls.__name__ == "ImmutableSandboxedEnvironment" for cls in type(frame.f_locals.get("self")).__mro__):
            return True
        frame = frame.f_back
    return False


def _on_class(module: str, name: str) -> None:
    if not _may_unpickle():
        refuse(f"a pickle names {module}.{name}")


def _on_code(code: Any) -> None:
    name = code.co_filename if isinstance(code, CodeType) else "<string>"
    if name.startswith("<"):
        caller = _caller()
        if name in ("<template>", "<expression>") and "/jinja2/" in caller and not _is_sandboxed():
            refuse(f"a template that came as text is run ({name})")
        if name == "<string>" and any(part in caller for part in READERS):
            refuse("text is evaluated")
    elif not is_ours(name):
        refuse(f"code of {name} is run")


def is_ours(name: str) -> bool:
    """Whether code of a file may run: that of the installation, of the project, and what a test put on the path."""
    if not os.path.isabs(name):
        return not os.path.exists(name) or is_ours(os.path.abspath(name))
    if "transformers_modules" in name:
        return False
    real = os.path.realpath(name)
    return real.startswith(OURS) or name.startswith(OURS) or any(place and name.startswith(place) for place in sys.path)


def _on_library(name: Any) -> None:
    if isinstance(name, str) and os.path.isabs(name) and not is_ours(name) and not name.startswith(("/lib", "/usr")):
        refuse(f"the library {name} is loaded")


def _on_marshal(*_: Any) -> None:
    where = _caller()
    if "importlib" not in where and "/_pytest/" not in where and not where.startswith(OURS):
        refuse("compiled code is read")


def _on_address(_: Any, address: Any) -> None:
    if isinstance(address, tuple):
        _on_host(address[0])


def _on_host(host: Any, *_: Any) -> None:
    host = host.decode("ascii", "replace") if isinstance(host, bytes) else host
    if host and not str(host).lower().startswith(NEAR) and host not in ("::", os.uname().nodename):
        refuse(f"a connection to {host}")


RULES: dict[str, Callable[..., None]] = {
    "pickle.find_class": _on_class,
    "exec": _on_code,
    "ctypes.dlopen": _on_library,
    "marshal.load": _on_marshal,
    "marshal.loads": _on_marshal,
    "socket.connect": _on_address,
    "socket.sendto": _on_address,
    "socket.sendmsg": _on_address,
    "socket.getaddrinfo": _on_host,
    "socket.gethostbyname": _on_host,
}


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if (rule := RULES.get(event)) is not None:
        rule(*arguments)


def _refusing(call: Callable[..., Any], name: str) -> Callable[..., Any]:
    def refusing(*arguments: Any, **named: Any) -> Any:
        if not _may_unpickle():
            refuse(f"{name} is called")
        return call(*arguments, **named)

    return refusing


def _close(module: ModuleType) -> None:
    for name in LOADERS[module.__name__]:
        holder: Any = module
        *path, last = name.split(".")
        for part in path:
            holder = getattr(holder, part)
        call = getattr(holder, last)
        closed = _refusing(call, f"{module.__name__}.{name}")
        setattr(holder, last, closed)
        package = sys.modules.get(module.__name__.partition(".")[0])
        if getattr(package, last, None) is call:  # it was imported before
            setattr(package, last, closed)


def _closing(run: Callable[[ModuleType], None]) -> Callable[[ModuleType], None]:
    def closing(module: ModuleType) -> None:
        run(module)
        _close(module)

    return closing


class _Closing:
    """Finds the modules in `LOADERS` as the others do, and closes them once they have run."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        if name not in LOADERS:
            return None
        for finder in sys.meta_path:
            found = None if finder is self else finder.find_spec(name, path, target)
            if found is not None and found.loader is not None:
                found.loader.exec_module = _closing(found.loader.exec_module)  # type: ignore[method-assign]
                return found
        return None


def _load(file: Any, *arguments: Any, _run: Callable[..., Any] = pickle.load, **named: Any) -> Any:
    """`pickle.load`, but for files on the disk."""
    try:
        is_pipe = not stat.S_ISREG(os.fstat(file.fileno()).st_mode)
    except (AttributeError, OSError):
        is_pipe = True
    if not is_pipe and not _may_unpickle():
        refuse(f"a pickle is read from {getattr(file, 'name', 'a file')}")
    return _run(file, *arguments, **named)


def install(notes: str | Path) -> None:
    """Watch this process from now on, and those that it forks.

    Args:
        notes: file in which what is seen is noted, a line each.
    """
    global _notes
    _notes = Path(notes)
    if getattr(sys, "_guarded_by_tests", False):
        return
    sys._guarded_by_tests = True  # type: ignore[attr-defined]
    pickle.load = _load
    for name in LOADERS:
        if name in sys.modules:
            _close(sys.modules[name])
    sys.meta_path.insert(0, _Closing())  # type: ignore[arg-type]
    sys.addaudithook(_hook)
