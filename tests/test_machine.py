"""Cores and threads."""

import subprocess
import sys

import pytest

from headstart.machine import cores, set_threads


def test_torch_and_blas_get_the_threads_that_were_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    asked: list[tuple[str, int]] = []
    monkeypatch.setattr("threadpoolctl.threadpool_limits", lambda wanted: asked.append(("blas", wanted)))
    monkeypatch.setattr("torch.set_num_threads", lambda wanted: asked.append(("torch", wanted)))
    assert set_threads(3, torch_runs=True) == torch.get_num_threads()
    assert asked == [("blas", 3), ("torch", 3)]


def test_nothing_is_set_unless_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    monkeypatch.setattr("threadpoolctl.threadpool_limits", asked.append)
    monkeypatch.setattr("torch.set_num_threads", asked.append)
    set_threads(None, torch_runs=True)
    assert set_threads(None, torch_runs=False) == cores() >= 1
    assert asked == []


def test_torch_is_not_imported_where_it_does_not_run() -> None:
    code = "import sys; from headstart.machine import set_threads; n = set_threads(1, torch_runs=False)\n"
    code += "print(n, 'torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "1 False\n"
