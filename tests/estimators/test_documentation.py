"""The code that the reference shows for scikit-learn runs."""

import re
from pathlib import Path

import pytest

REFERENCE = Path(__file__).resolve().parents[2] / "docs" / "reference.md"


def test_the_code_of_the_reference_runs_as_it_stands_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = re.search(r"^## scikit-learn\n.*?```python\n(.*?)```", REFERENCE.read_text(encoding="utf-8"), re.M | re.S)
    assert found, "docs/reference.md has no code under '## scikit-learn'"
    monkeypatch.chdir(tmp_path)
    exec(compile(found.group(1), str(REFERENCE), "exec"), {"__name__": "reference"})
    assert re.search(r"strategy__C': 0\.\d+, .*\} \[5\]\n$", capsys.readouterr().out)
    assert (tmp_path / "runs" / "stars" / "headstart.json").is_file()
