"""An endpoint on this machine, and clients of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.endpoints.faulty import FaultyEndpoint

from headstart.runtime.progress import Progress

KEY = "sk-very-secret-0123456789"


class Heard(Progress):
    """What is said."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.warnings: list[str] = []
        self.units = 0.0

    def say(self, topic: str, message: str, *, warning: bool = False) -> None:
        self.lines.append(message)
        if warning:
            self.warnings.append(message)

    def advance(self, units: float, note: str = "") -> None:
        self.units += units


@pytest.fixture
def served() -> Iterator[FaultyEndpoint]:
    """An endpoint without faults."""
    with FaultyEndpoint() as found:
        yield found


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def key_file(tmp_path: Path) -> str:
    path = tmp_path / "key"
    path.touch(mode=0o600)
    path.write_text(f"{KEY}\n")
    return str(path)


def settings(served: FaultyEndpoint, **changes: Any) -> Any:
    """Settings of an endpoint."""
    from headstart.endpoints.settings import Endpoint

    return Endpoint(**{"url": served.url, "model": "tiny", "timeout": 5, **changes})
