"""The site is built without a warning."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.docs.conftest import DOCS
from tests.guarded.guard import NOTES


@pytest.mark.slow
def test_the_site_is_built_without_a_warning(tmp_path: Path) -> None:
    pytest.importorskip("furo", reason="Sphinx is not installed: pip install 'headstart[docs]'")
    words = ["-W", "--keep-going", "-q", "-d", str(tmp_path / "trees"), str(DOCS), str(tmp_path / "site")]
    # Sphinx runs templates and keeps what it has read in pickles of its own, which no test of a file of others does.
    unwatched = {name: value for name, value in os.environ.items() if name != NOTES}
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", *words], env=unwatched, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "site" / "catalogue" / "strategies" / "fine-tuning.html").read_text(encoding="utf-8")
    assert "Kumar et al. 2022" in page
