"""Cores and threads."""

import subprocess
import sys

import pytest

from headstart.runtime.machine import cores, kept_memory, product_rate, set_threads


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
    code = "import sys; from headstart.runtime.machine import set_threads; n = set_threads(1, torch_runs=False)\n"
    code += "print(n, 'torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "1 False\n"


def test_freed_memory_stays_with_the_process_for_a_block() -> None:
    import resource

    import numpy as np

    def faults() -> int:
        begun = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        for _ in range(20):
            np.ones(20_000_000 // 8)
        return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - begun

    with kept_memory():
        faults()
        kept = faults()
    assert kept < 5_000  # 20 times 20 MB are 97,656 pages where each comes anew


def test_the_limit_of_the_machine_is_a_rate() -> None:
    assert 1e9 < product_rate(fast=False) < 1e15
