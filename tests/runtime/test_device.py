"""Where networks compute: the choice, and what it says where there is no GPU."""

import pytest
import torch

from headstart.errors import UnavailableError
from headstart.runtime.device import moved, name_of, settled
from headstart.runtime.precision import has_fast_products

HERE = "cuda" if torch.cuda.is_available() else "cpu"


def test_auto_is_a_gpu_where_there_is_one_and_several_processes_stay_on_cpus() -> None:
    assert settled("auto") == HERE
    assert settled("cpu") == "cpu"
    assert settled("auto", processes=2) == "cpu"
    assert name_of("cpu") == "cpu"


def test_several_processes_are_told_that_they_cannot_share_a_gpu() -> None:
    with pytest.raises(UnavailableError, match="several processes work on CPUs together; for a GPU run one process"):
        settled("cuda", processes=2)


def test_a_gpu_that_is_not_there_is_named_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UnavailableError, match="there is no GPU here.*leave --device out to compute on the CPU"):
        settled("cuda")


def test_a_gpu_is_found_by_what_torch_says_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "Card 9")
    assert settled("auto") == settled("cuda") == "cuda"
    assert name_of("cuda") == "cuda (Card 9)"


@pytest.mark.parametrize(("capability", "fast"), [((7, 5), False), ((8, 0), True), ((9, 0), True)])
def test_products_on_a_gpu_are_in_bfloat16_from_ampere_on(
    capability: tuple[int, int], fast: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda: capability)
    assert has_fast_products("cuda") is fast


def test_a_batch_is_moved_with_all_that_is_in_it() -> None:
    module = torch.nn.Linear(2, 2, device="meta")
    batch = {"ids": torch.ones(2), "parts": [(torch.ones(1), torch.ones(3))], "n": 3}
    found = moved(batch, module)
    assert found["ids"].device.type == "meta"
    assert [part.device.type for part in found["parts"][0]] == ["meta", "meta"]
    assert found["n"] == 3
