"""Every script of benchmarks/ says how it is called; whether it runs is what `make bench-quick` shows."""

import runpy
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[1] / "benchmarks"
SHARED = ("draws", "records")
"""What the scripts share; no scripts."""
SCRIPTS = sorted(path.stem for path in FOLDER.glob("*.py") if path.stem not in SHARED)


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_benchmark_knows_its_arguments(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.syspath_prepend(str(FOLDER))
    monkeypatch.setattr(sys, "argv", [f"{name}.py", "--help"])
    for shared in SHARED:
        monkeypatch.delitem(sys.modules, shared, raising=False)
    with pytest.raises(SystemExit, match="^0$"):
        runpy.run_path(str(FOLDER / f"{name}.py"), run_name="__main__")
    assert capsys.readouterr().out.startswith(f"usage: {name}.py ")
