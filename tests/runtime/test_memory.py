"""What counts as memory that ran out."""

import numpy as np
import pytest
import torch

from headstart.errors import OutOfMemoryError
from headstart.runtime.memory import is_out_of_memory, refuse_narrow, within_memory


def test_errors_that_say_so_and_others() -> None:
    assert is_out_of_memory(MemoryError())
    assert is_out_of_memory(torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"))
    assert is_out_of_memory(
        RuntimeError("[enforce fail at alloc_cpu.cpp:124] DefaultCPUAllocator: can't allocate memory")
    )
    assert is_out_of_memory(RuntimeError("std::bad_alloc"))
    assert is_out_of_memory(RuntimeError("could not create a memory object"))
    assert not is_out_of_memory(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
    assert not is_out_of_memory(ValueError("out of memory"))


def test_the_allocator_of_this_machine_is_understood() -> None:
    with pytest.raises(RuntimeError) as error:
        torch.empty(1 << 60, dtype=torch.uint8)
    assert is_out_of_memory(error.value)


@pytest.mark.parametrize(("most", "parts"), [(8, [8]), (7, [8, 4, 4]), (3, [8, 4, 2, 2, 4, 2, 2]), (1, None)])
def test_work_on_rows_is_halved_until_it_fits(most: int, parts: list[int] | None) -> None:
    done, asked = np.zeros(8, dtype=int), []

    def work(rows: np.ndarray) -> None:
        asked.append(len(rows))
        if len(rows) > most:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory")
        done[rows] += 1

    within_memory(np.arange(8), work)
    assert done.tolist() == [1] * 8
    assert parts is None or asked == parts


def test_a_single_row_that_does_not_fit_and_other_errors_are_raised() -> None:
    def fail(error: Exception) -> None:
        raise error

    with pytest.raises(MemoryError):
        within_memory(np.arange(4), lambda _: fail(MemoryError()))
    asked: list[int] = []
    with pytest.raises(RuntimeError, match="shapes"):
        within_memory(np.arange(4), lambda rows: (asked.append(len(rows)), fail(RuntimeError("shapes")))[1])
    assert asked == [4]


def test_fewer_addresses_than_libraries_take_are_refused_before_they_are_loaded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("resource.getrlimit", lambda _: (200 << 20, -1))
    with pytest.raises(OutOfMemoryError, match="limited to 200 MiB of addresses, and at least 512 are needed"):
        refuse_narrow()
    for limit in (-1, 512 << 20):
        monkeypatch.setattr("resource.getrlimit", lambda _, limit=limit: (limit, -1))
        refuse_narrow()
