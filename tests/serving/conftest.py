"""A small model to serve."""

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a TF-IDF model that tells good from bad."""
    import headstart

    rows = {
        "text": [f"it is {('good', 'bad')[at % 2]} {at}" for at in range(40)],
        "label": [("up", "down")[at % 2] for at in range(40)],
    }
    path = tmp_path_factory.mktemp("served") / "m"
    headstart.fit(rows, strategy="tf-idf", C=3.0, controls=False, output=str(path))
    return path
