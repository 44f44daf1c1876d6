"""Small texts on disk and a tokenizer of a few words."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit

from headstart.runtime.progress import Progress


class Heard(Progress):
    """Keeps what was said."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.total = self.done = 0.0

    def begin(self, step: str, total: float, note: str = "") -> None:
        self.total, self.done = total, 0.0

    def advance(self, units: float, note: str = "") -> None:
        self.done += units

    def say(self, topic: str, message: str, *, warning: bool = False) -> None:
        self.lines.append(message)


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., str]:
    """Writes a file of text or bytes; gives its path."""

    def written(name: str, content: Any) -> str:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)

    return written


@pytest.fixture(scope="session")
def words() -> Tokenizer:
    """The words w0 to w299 are the ids 1 to 300, anything else is 0."""
    tokenizer = Tokenizer(WordLevel({"?": 0} | {f"w{at}": at + 1 for at in range(300)}, unk_token="?"))
    tokenizer.pre_tokenizer = WhitespaceSplit()
    return tokenizer
