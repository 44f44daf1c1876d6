"""Processes forked after torch has shared out work among threads, as servers that load a model first make them."""

import os
import signal
import sys
import warnings
from collections.abc import Callable

import pytest
import torch

from headstart.runtime.forking import is_single
from headstart.runtime.machine import set_threads


def forked(act: Callable[[], bool]) -> int:
    """Exit code of a fork: 0 where `act` is true there; killed after 30 s."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Python warns of forks of processes that have threads
        pid = os.fork()
    if not pid:
        signal.alarm(30)
        code = 1
        try:
            code = 0 if act() else 2
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks here")
def test_a_fork_computes_what_its_parent_does_and_never_waits_for_threads_that_are_gone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TOKENIZERS_PARALLELISM", "true")
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        many = torch.arange(1 << 20, dtype=torch.float32) / (1 << 20)
        expected = many.exp().sum()

        def act() -> bool:
            single = is_single() and torch.get_num_threads() == 1
            asked = set_threads(2, torch_runs=True) == 1  # other threads cannot be had
            return single and asked and torch.isclose(many.exp().sum(), expected).item()

        assert forked(act) == 0
        assert forked(lambda: forked(act) == 0) == 0
        if "tokenizers" in sys.modules:
            assert forked(lambda: os.environ["TOKENIZERS_PARALLELISM"] == "false") == 0
        assert torch.get_num_threads() == 2
        assert not is_single()
    finally:
        torch.set_num_threads(before)
