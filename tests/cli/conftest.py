"""The command as a function, small labelled files, and two models fitted once."""

import io
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

OPENINGS = ["the parcel is", "it is", "a day and a night", "you say it is", "the shop is", "now it is"]
FILL = ["way", "day", "night", "shop", "opens", "nine", "start", "end", "parcel", "monday"]


@dataclass
class Said:
    """What a command said and how it left."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output as one JSON value; anything else on it, or NaN, is an error."""

        def refuse(name: str) -> Any:
            raise ValueError(f"{name} is not JSON")

        return json.loads(self.out, parse_constant=refuse)

    @property
    def rows(self) -> list[Any]:
        """Standard output as JSON lines."""
        return [json.loads(line) for line in self.out.split("\n") if line]


@pytest.fixture
def headstart(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Callable[..., Said]:
    """Run `headstart WORDS` in this process, in an empty folder of its own."""
    from headstart.cli.main import main

    monkeypatch.chdir(tmp_path)

    def call(*words: object, stdin: bytes = b"") -> Said:
        monkeypatch.setattr(sys, "argv", ["headstart", *map(str, words)])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8"))
        capsys.readouterr()
        with pytest.raises(SystemExit, match=r"^\d+$") as left:
            main()
        said = capsys.readouterr()
        assert isinstance(left.value.code, int)
        return Said(left.value.code, said.out, said.err)

    return call


def write_rows(path: Path, count: int, *, start: int = 0) -> Path:
    """Rows of two labels told apart by a word."""
    lines = ["text,label,channel"]
    for at in range(start, start + count):
        word, label = (("good", "up"), ("bad", "down"))[at % 2]
        text = f"{OPENINGS[at % 6]} {word} {FILL[at % 10]} {FILL[at // 10 % 10]}"
        lines.append(f"{text},{label},{'mail' if at % 3 else 'chat'}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with train.csv (60 rows) and test.csv (30 others)."""
    folder = tmp_path_factory.mktemp("files")
    write_rows(folder / "train.csv", 60)
    write_rows(folder / "test.csv", 30, start=60)
    return folder


@pytest.fixture(scope="session")
def network(tiny_backbone: Path, files: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fine-tuned model; only to be read."""
    import headstart

    folder = tmp_path_factory.mktemp("models") / "network"
    headstart.fit(
        files / "train.csv", test=str(files / "test.csv"), backbone=str(tiny_backbone), strategy="fine-tuning",
        head="native", epochs=1, controls=False, output=str(folder),
    )  # fmt: skip
    return folder


@pytest.fixture(scope="session")
def linear(files: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A TF-IDF model; only to be read."""
    import headstart

    folder = tmp_path_factory.mktemp("models") / "linear"
    headstart.fit(
        files / "train.csv", test=str(files / "test.csv"), strategy="tf-idf", C=3.0, controls=False, output=str(folder)
    )
    return folder


def contents(folder: Path) -> dict[str, int]:
    """Every path below a folder, hidden ones too, with its size in bytes (0 for folders)."""
    return {str(path.relative_to(folder)): path.stat().st_size if path.is_file() else 0 for path in folder.rglob("*")}


@pytest.fixture
def refused(headstart: Callable[..., Said], tmp_path: Path) -> Callable[..., str]:
    """Run a command that must fail cleanly; returns its message."""

    def call(code: int, *words: object, stdin: bytes = b"") -> str:
        before = contents(tmp_path)
        said = headstart(*words, stdin=stdin)
        talk = said.err[said.err.find("error: ") :]
        assert said.code == code, said.err
        assert said.out == ""
        assert said.err.count("error: ") == 1
        assert said.err.startswith("error: ") or "\nerror: " in said.err
        assert "Traceback" not in said.err
        assert "fault of headstart" not in said.err
        assert contents(tmp_path) == before, "something was left behind"
        return talk

    return call
