"""Predictions of a large file that was interrupted go on where they stopped, and come out as if never interrupted."""

import fcntl
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from headstart.artifact import Artifact
from headstart.data.outputs import Generated, Logits, Outputs
from headstart.data.units import Units
from headstart.errors import Interrupted, RunFolderError, StorageError
from headstart.loading import load
from headstart.serving import files
from headstart.serving.files import FilePredictions
from headstart.serving.journal import BEGINNING, Journal

KEY = {"model": "m", "rows": 4}


@pytest.fixture
def artifact(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Artifact:
    monkeypatch.setattr(files, "CHUNK", 4)
    monkeypatch.setattr(files._chunks, "__defaults__", (4, 4))
    return load(folder)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "new.csv"
    rows = [f"{at},{('good', 'bad', '', 'a day')[at % 4]} {at if at % 4 != 2 else ''}" for at in range(22)]
    path.write_text("\n".join(["id,text", *rows]) + "\n")
    return path


class Told:
    """Counts the texts that are computed and stops at one of them."""

    def __init__(self, artifact: Artifact, stop_at: str = "") -> None:
        self.real, self.stop_at = type(artifact.predictor).outputs.__get__(artifact.predictor), stop_at
        self.texts: list[str] = []

    def __call__(self, texts: list[str], **options: Any) -> Outputs:
        if self.stop_at in texts:
            raise KeyboardInterrupt
        self.texts += texts
        return self.real(texts, **options)


@pytest.fixture
def told(artifact: Artifact, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Told]:
    def put(stop_at: str = "none") -> Told:
        found = Told(artifact, stop_at)
        monkeypatch.setattr(artifact.predictor, "outputs", found)
        return found

    return put


@pytest.fixture
def expected(artifact: Artifact, table: Path, tmp_path: Path) -> bytes:
    FilePredictions(artifact, table).write(tmp_path / "expected.csv")
    assert not (tmp_path / "expected.csv.part").exists()
    return (tmp_path / "expected.csv").read_bytes()


def stop(artifact: Artifact, table: Path, target: Path, told: Callable[..., Told], at: str = "bad 13") -> str:
    told(at)
    with pytest.raises(Interrupted) as error:
        FilePredictions(artifact, table).write(target, overwrite=True)
    return str(error.value)


def test_an_interrupted_file_goes_on_where_it_stopped(
    artifact: Artifact, table: Path, tmp_path: Path, told: Callable[..., Told], expected: bytes
) -> None:
    target = tmp_path / "scored.csv"
    said = stop(artifact, table, target, told)
    # Three chunks of four rows, three with text each, are done.
    assert said == f"stopped; the predictions of 9 rows are kept in {target}.part, and the same command goes on there"
    assert not target.exists()
    rest = told()
    FilePredictions(artifact, table).write(target)
    assert rest.texts == ["good 12", "bad 13", "a day 15", "good 16", "bad 17", "a day 19", "good 20", "bad 21"]
    assert target.read_bytes() == expected
    assert sorted(path.name for path in tmp_path.iterdir()) == ["expected.csv", "new.csv", "scored.csv"]


def test_it_may_be_interrupted_more_than_once(
    artifact: Artifact, table: Path, tmp_path: Path, told: Callable[..., Told], expected: bytes
) -> None:
    target = tmp_path / "scored.csv"
    stop(artifact, table, target, told, "bad 9")
    assert "of 12 rows" in stop(artifact, table, target, told, "bad 17")
    assert "of 12 rows" in stop(artifact, table, target, told, "bad 17")
    told()
    FilePredictions(artifact, table).write(target)
    assert target.read_bytes() == expected


def test_a_stop_in_the_first_chunk_leaves_nothing(
    artifact: Artifact, table: Path, tmp_path: Path, told: Callable[..., Told]
) -> None:
    assert stop(artifact, table, tmp_path / "scored.csv", told, "bad 1") == "stopped; nothing was written"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new.csv"]


@pytest.mark.parametrize("lost", [1, 10, 70])
def test_what_was_torn_is_computed_again(
    lost: int, artifact: Artifact, table: Path, tmp_path: Path, told: Callable[..., Told], expected: bytes
) -> None:
    target, part = tmp_path / "scored.csv", tmp_path / "scored.csv.part"
    stop(artifact, table, target, told)
    part.write_bytes(part.read_bytes()[:-lost])
    rest = told()
    FilePredictions(artifact, table).write(target)
    assert len(rest.texts) == 11
    assert target.read_bytes() == expected


def test_every_byte_that_is_flipped_is_found_or_harmless(
    artifact: Artifact, table: Path, tmp_path: Path, told: Callable[..., Told], expected: bytes
) -> None:
    target, part = tmp_path / "scored.csv", tmp_path / "scored.csv.part"
    stop(artifact, table, target, told)
    whole = part.read_bytes()
    for place in range(len(BEGINNING), len(whole), 7):
        part.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        told()
        FilePredictions(artifact, table).write(target, overwrite=True)
        assert target.read_bytes() == expected


@pytest.mark.parametrize("change", ["model", "precision", "row"])
def test_another_model_or_file_starts_anew_where_it_differs(
    change: str, artifact: Artifact, table: Path, tmp_path: Path, told: Callable[..., Told]
) -> None:
    target = tmp_path / "scored.csv"
    stop(artifact, table, target, told)
    if change == "model":
        artifact.digest = "another"
    elif change == "precision":
        artifact.predictor.precision = "float32"
    else:
        table.write_text(table.read_text().replace("good 4", "good four"))
    rest = told()
    FilePredictions(artifact, table).write(target)
    assert len(rest.texts) == {"row": 14}.get(change, 17)
    assert ("good four" in rest.texts) == (change == "row")


def test_two_processes_do_not_write_the_same_predictions(
    artifact: Artifact, table: Path, tmp_path: Path, told: Callable[..., Told]
) -> None:
    target = tmp_path / "scored.csv"
    stop(artifact, table, target, told)
    with open(f"{target}.part", "rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(RunFolderError, match=r"scored\.csv\.part: another process is writing these predictions"):
            FilePredictions(artifact, table).write(target)


@pytest.mark.parametrize("kind", ["file", "link", "dangling link", "pipe", "folder"])
def test_what_is_no_journal_is_neither_read_nor_written(kind: str, tmp_path: Path) -> None:
    path, other = tmp_path / "x.part", tmp_path / "other"
    if kind == "file":
        path.write_bytes(b"half of a film")
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to(other)
    if kind == "link":
        other.write_bytes(b'{"format": 2, "a film"')
    before = os.lstat(path)
    with pytest.raises(RunFolderError, match=r"x\.part (was not written by headstart|is a link, a folder or a device)"):
        Journal(path, KEY).__enter__()
    assert os.lstat(path) == before
    assert not other.exists() or other.read_bytes() == b'{"format": 2, "a film"'


def test_a_disk_that_refuses_is_an_error_and_a_journal_that_was_hardly_begun_is_written_anew(tmp_path: Path) -> None:
    found = Logits.of(np.zeros((1, 2), np.float32))
    with Journal(tmp_path / "none" / "x.part", KEY) as journal, pytest.raises(StorageError, match="cannot be written"):
        journal.add(["a"], found)
        journal.add(["b"], found)
    (tmp_path / "junk.part").write_bytes(BEGINNING[:5])
    with Journal(tmp_path / "junk.part", KEY) as journal:
        assert journal.find(["a"]) is None
        journal.add(["a"], found)
    with Journal(tmp_path / "junk.part", KEY) as journal:
        assert journal.find(["a"]) is not None
        assert journal.find(["b"]) is None


def written(path: Path, *chunks: tuple[list[str], Outputs]) -> bytes:
    with Journal(path, KEY) as journal:
        for texts, outputs in chunks:
            journal.add(texts, outputs)
    return path.read_bytes()


def said(texts: list[str]) -> Generated:
    made = Generated.of(texts)
    made.truncated, made.losses = np.array([True, False]), np.array([0.5, 0.0], dtype=np.float32)
    return made


def test_texts_that_a_model_wrote_are_kept_and_what_is_torn_or_flipped_of_them_is_not(tmp_path: Path) -> None:
    path, first, second = tmp_path / "x.part", ["a", "b"], ["c", "d"]
    whole = written(path, (first, said(["yes", "caf\u00e9 \U0001f600"])), (second, said(["", "no\nno"])))
    with Journal(path, KEY) as journal:
        for texts, expected in ((first, ["yes", "caf\u00e9 \U0001f600"]), (second, ["", "no\nno"])):
            found = journal.find(texts)
            assert isinstance(found, Generated)
            assert ([text for (text,) in found.texts], found.truncated.tolist(), found.losses.tolist()) == (
                expected,
                [True, False],
                [0.5, 0.0],
            )
        assert journal.rows == 4
    start = whole.rindex(b'{"texts"')  # of the second entry
    for place in range(start, len(whole)):
        for broken in (whole[:place], whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :]):
            path.write_bytes(broken)
            with Journal(path, KEY) as journal:
                assert journal.find(first) is not None
                assert journal.find(second) is None, place
                journal.add(second, said(["", "no\nno"]))
            assert path.read_bytes() == whole


FLAT = Logits.of(np.zeros((0, 2), np.float32))
OTHERS: dict[str, Outputs] = {
    "another width": Logits.of(np.zeros((2, 7), np.float32)),
    "whole numbers": Logits.of(np.zeros((2, 2), np.int64)),
    "three dimensions": Logits.of(np.zeros((2, 2, 2), np.float32)),
    "one of many each": Logits.of(np.zeros((3, 2), np.float32), Units.counted([1, 2])),
    "another kind": said(["yes", "no"]),
    "what is no yes or no": Logits(np.zeros(2), np.zeros((2, 2), np.float32)),
}


@pytest.mark.parametrize("other", OTHERS)
def test_outputs_that_the_model_does_not_give_are_computed_again(other: str, tmp_path: Path) -> None:
    path, texts = tmp_path / "x.part", ["a", "b"]
    for outputs, is_found in ((OTHERS[other], False), (Logits.of(np.ones((2, 2), np.float32)), True)):
        written(path, (texts, outputs), (["c", "d"], outputs))
        with Journal(path, KEY, FLAT) as journal:
            assert (journal.find(texts) is not None) == is_found
        path.unlink()
