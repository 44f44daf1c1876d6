"""An index that is killed while it is written is the earlier one or the new one, and the same command comes to its end."""

import os
from pathlib import Path

import pytest
from tests.forked import POINTS, Program

from headstart.errors import MissingInputError, ModelError
from headstart.indexes.index import Index
from headstart.ranking.passages import Passages

WRITING = [point for point in POINTS if point.startswith("runtime.durable.")]
FEW = 2
"""Kills that the default tests make do with."""


def state(folder: Path) -> list[str]:
    """Passages of an index whose files are those that were written, each of which is found by its words."""
    index = Index.open(folder)
    index._generation.verify()
    ids = sorted(str(name) for name in index.passages.ids)
    assert sorted(hit.passage.id for hit in index.search(["common"], 50)[0]) == ids
    return ids


def make(folder: str | Path) -> tuple[object, ...]:
    return "index", "a.txt", "b.txt", "--retriever", "bm25", "-o", folder, "--quiet"


def change(folder: str | Path, *, add: str = "c.txt", remove: str = "a.txt") -> tuple[object, ...]:
    return "index", "--add", add, "--remove", remove, folder, "--quiet"


def places(program: Program, *words: object) -> list[tuple[str, int, str]]:
    """Every place at which the command may be killed while it writes."""
    done = program.run(*words, count=True)
    assert done.code == 0, done.err
    return [
        (point, number, when)
        for point in WRITING
        for number in range(1, done.reached.get(point, 0) + 1)
        for when in ("before", "after")
    ]


def test_what_was_left_of_an_index_that_was_killed_makes_way(tmp_path: Path) -> None:
    passages = Passages.of(["common"], ids=["a"])
    for left in ("lock", ".new-headstart.json", "generations"):
        folder = tmp_path / left
        folder.mkdir()
        (folder / "lock").touch()
        (folder / left).mkdir() if left == "generations" else (folder / left).touch()
        Index.build(folder, passages, retriever="bm25")
        assert state(folder) == ["a"]
        assert sorted(os.listdir(folder)) == ["generations", "headstart.json", "lock"]


@pytest.mark.parametrize("every", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_an_index_that_is_killed_is_whole_and_goes_on(
    program: Program, tmp_path: Path, every: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a", "b", "c"):
        Path(f"{name}.txt").write_text(f"common words of {name}")
    kills = places(program, *make("counted"))
    more = places(program, *change("counted"))
    assert len(kills) + len(more) >= 40
    step = 1 if every else len(kills) // FEW
    for number, at in enumerate(kills[step - 1 :: step]):
        folder = Path(f"new{number}")
        ended = program.run(*make(folder), at=at)
        assert ended.code == -9
        try:
            assert state(folder) == ["a.txt", "b.txt"]
        except (MissingInputError, ModelError) as error:
            assert "never finished" in str(error) or "there is no index" in str(error) or "holds no index" in str(error)
            assert program.run(*make(folder)).code == 0
        assert state(folder) == ["a.txt", "b.txt"]
        assert sorted(os.listdir(folder)) == ["generations", "headstart.json", "lock"]
        assert len(os.listdir(folder / "generations")) == 1
    step = 1 if every else len(more) // FEW
    assert program.run(*make("changing")).code == 0
    for at in more[step - 1 :: step]:
        ended = program.run(*change("changing"), at=at)
        assert ended.code == -9
        found = state(Path("changing"))
        assert found in (["a.txt", "b.txt"], ["b.txt", "c.txt"])
        if found == ["a.txt", "b.txt"]:
            assert program.run(*change("changing")).code == 0
        assert state(Path("changing")) == ["b.txt", "c.txt"]
        back = program.run(*change("changing", add="a.txt", remove="c.txt"))
        assert back.code == 0, back.err
        assert len(os.listdir(Path("changing", "generations"))) == 1
