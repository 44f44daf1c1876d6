"""Honest folders, fitted once, and what they answer."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from pathlib import Path

import pytest
from tests.attacks.attempts import Honest, fitted
from tests.attacks.trials import Ended, trials


@pytest.fixture(scope="session")
def honest(tiny_backbone: Path, once: Callable[..., Path]) -> dict[str, Honest]:
    """Folders by kind: a network, and artifacts with a linear model and with a network."""
    place = once("attacked", lambda folder: fitted(folder, tiny_backbone))
    return fitted(place, tiny_backbone)


@pytest.fixture
def tried(honest: dict[str, Honest], tmp_path: Path) -> Callable[..., Iterator[tuple[Path, Ended]]]:
    """Change copies of an honest folder, and do its job on each; the copies with how the jobs ended."""
    numbers = count()

    def run(kind: str, ways: Sequence[Callable[[Path], object]]) -> Iterator[tuple[Path, Ended]]:
        folders = []
        for way in ways:
            folder = tmp_path / str(next(numbers)) / "given"
            shutil.copytree(honest[kind].folder, folder)
            way(folder)
            folders.append(folder)
        yield from zip(folders, trials([honest[kind].job(folder) for folder in folders]), strict=True)

    return run


@pytest.fixture
def make_copy(tmp_path: Path) -> Callable[[Path], Path]:
    """A function that copies a folder to where it may be changed."""
    return lambda folder: shutil.copytree(folder, tmp_path / "copy")
