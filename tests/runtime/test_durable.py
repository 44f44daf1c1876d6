"""Folders that are whole or not there: order of what is asked of the disk, damage found, locks, full disks."""

import io
import json
import os
import random
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from headstart.errors import RunFolderError, StorageError
from headstart.runtime import durable
from headstart.runtime.durable import (
    LOCK,
    MANIFEST,
    Lock,
    clear_remains,
    damage,
    discard,
    require_room,
    sealed,
    write_whole,
)


def written(target: Path, size: int = 1000) -> Path:
    with sealed(target) as work:
        (work / "inner").mkdir()
        (work / "a.bin").write_bytes(bytes(range(256)) * (size // 256 + 1))
        (work / "inner" / "b.txt").write_text("words\n")
    return target


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """What is asked of the disk, in order."""
    found: list[tuple[str, str]] = []

    def note(kind: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def noted(path: Path, *rest: Any) -> Any:
            name = path.name
            found.append((kind, "new" if name.startswith(durable.UNFINISHED) and path.is_dir() else name))
            return call(path, *rest)

        return noted

    for name in ("sync", "rename"):
        monkeypatch.setattr(durable, name, note(name, getattr(durable, name)))
    return found


def test_everything_is_on_the_disk_before_the_folder_gets_its_name_and_its_name_is_after(
    tmp_path: Path, asked: list[tuple[str, str]]
) -> None:
    written(tmp_path / "x")
    assert asked == [
        ("sync", "a.bin"),
        ("sync", "b.txt"),
        ("sync", "inner"),
        ("sync", "new"),
        ("sync", MANIFEST),
        ("sync", "new"),
        ("rename", "new"),
        ("sync", tmp_path.name),
    ]


def test_a_file_that_is_replaced_is_on_the_disk_before_it_gets_its_name(
    tmp_path: Path, asked: list[tuple[str, str]]
) -> None:
    write_whole(tmp_path / "about.json", {"a": 1})
    new = f"{durable.UNFINISHED}about.json"
    assert asked == [("sync", new), ("rename", new), ("sync", tmp_path.name)]
    assert json.loads((tmp_path / "about.json").read_text()) == {"a": 1}


def test_what_is_replaced_is_gone_under_its_name_before_the_new_one_has_it(
    tmp_path: Path, asked: list[tuple[str, str]]
) -> None:
    written(tmp_path / "x", 500)
    asked.clear()
    written(tmp_path / "x", 5000)
    assert [each for each in asked if each[0] == "rename"] == [("rename", "x"), ("rename", "new")]
    assert damage(tmp_path / "x") == ""
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt(), RuntimeError("bug")])
def test_a_block_that_fails_leaves_what_was_there(tmp_path: Path, error: BaseException) -> None:
    before = written(tmp_path / "x")
    manifest = (before / MANIFEST).read_bytes()
    with pytest.raises(StorageError if isinstance(error, OSError) else type(error)), sealed(before) as work:
        (work / "c").write_text("c")
        raise error
    assert (before / MANIFEST).read_bytes() == manifest
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


def test_a_flipped_bit_and_a_cut_are_found_wherever_they_are_and_the_file_is_named(tmp_path: Path) -> None:
    folder = written(tmp_path / "x", 3000)
    chance = random.Random(7)
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        whole = path.read_bytes()
        for _ in range(100):
            at = chance.randrange(len(whole))
            flipped = bytearray(whole)
            flipped[at] ^= 1 << chance.randrange(8)
            for spoilt in (bytes(flipped), whole[:at]):
                path.write_bytes(spoilt)
                reason = damage(folder)
                named = str(path.relative_to(folder))
                assert named in reason or (path.name == MANIFEST and reason), (named, at, reason)
        path.write_bytes(whole)
    assert damage(folder) == ""


def test_a_file_that_is_missing_or_was_added_is_found(tmp_path: Path) -> None:
    folder = written(tmp_path / "x")
    (folder / "more.txt").write_text("more")
    assert damage(folder) == "more.txt is not in the manifest"
    (folder / "more.txt").unlink()
    (folder / "a.bin").unlink()
    assert damage(folder) == "a.bin is missing"
    (folder / MANIFEST).unlink()
    assert damage(folder) == f"{MANIFEST} is missing"
    (tmp_path / "linked").symlink_to(tmp_path / "x")
    assert damage(tmp_path / "linked") == "linked is a link, which is never followed"
    assert damage(tmp_path / "nothing") == f"{MANIFEST} is missing"


def test_remains_of_dead_processes_are_cleared_and_nothing_else(tmp_path: Path) -> None:
    written(tmp_path / "x")
    (tmp_path / f"{durable.UNFINISHED}abc").mkdir()
    (tmp_path / f"{durable.UNFINISHED}abc" / "half").write_text("half")
    (tmp_path / "x" / f"{durable.DISCARDED}def").mkdir()
    (tmp_path / f"{durable.UNFINISHED}run.json").write_text("{")
    (tmp_path / "mine.txt").write_text("mine")
    clear_remains(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine.txt", "x"]
    assert damage(tmp_path / "x") == ""
    discard(tmp_path / "x")
    discard(tmp_path / "x")
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_what_does_not_fit_is_refused_with_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(durable.shutil, "disk_usage", lambda _: type("usage", (), {"free": 3_000_000}))
    require_room(tmp_path / "a" / "b", 3_000_000)
    with pytest.raises(StorageError, match=r"needs 10\.5 MB and 3\.0 MB are free: 7\.5 MB are missing"):
        require_room(tmp_path / "a" / "b", 10_500_000)


WORK = """
import sys, time
from pathlib import Path
from headstart.runtime.durable import working_folder
with working_folder(Path(sys.argv[1])) as folder:
    (folder / "half").write_text("half")
    print(folder.name, flush=True)
    time.sleep(60)
"""


def test_working_folders_of_dead_processes_are_cleared_and_those_of_others_are_not(tmp_path: Path) -> None:
    target = tmp_path / "out[1].csv"
    begin = f".{target.name}{durable.UNFINISHED}"
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        dead = process.pid
    # Earlier versions had the number of the process in the name; what does not look like one of ours stays.
    gone = f"{begin}{dead}-abcdefgh"
    kept = [f"{begin}{os.getpid()}-abcdefgh", f"{begin}mine", f".other.csv{durable.UNFINISHED}abcdefgh"]
    for name in (gone, *kept):
        (tmp_path / name).mkdir()
        (tmp_path / name / "half").write_text("half")
    command = [sys.executable, "-c", WORK, str(target)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        theirs = other.stdout.readline().strip()
        with durable.working_folder(target) as work:
            assert {path.name for path in tmp_path.iterdir()} == {*kept, theirs, work.name}
        other.kill()
    assert {path.name for path in tmp_path.iterdir()} == {*kept, theirs}
    with durable.working_folder(target) as work:
        assert {path.name for path in tmp_path.iterdir()} == {*kept, work.name}


@pytest.mark.parametrize("kind", ["link", "pipe", "folder"])
def test_a_lock_that_is_no_file_is_refused_and_what_it_leads_to_stays(tmp_path: Path, kind: str) -> None:
    (tmp_path / "run").mkdir()
    mine, lock = tmp_path / "mine", tmp_path / "run" / durable.LOCK
    mine.write_text("mine")
    {"link": lambda: lock.symlink_to(mine), "pipe": lambda: os.mkfifo(lock), "folder": lock.mkdir}[kind]()
    with pytest.raises(RunFolderError, match="lock is a link, a folder or a device"):
        Lock(tmp_path / "run")
    assert mine.read_text() == "mine"


def test_a_current_folder_that_was_removed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    with pytest.raises(StorageError, match="run cannot be written: No such file or directory"):
        Lock(Path("run"))
    with pytest.raises(StorageError, match="the current folder cannot be used"):
        durable.current_folder()


def test_a_machine_without_a_folder_for_temporary_files_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> str:
        raise FileNotFoundError(2, "No usable temporary directory found")

    monkeypatch.setattr(durable.tempfile, "gettempdir", none)
    said = str(durable.temporary_refusal("the rows", OSError(28, "No space left on device")))
    assert said.startswith(
        "the folder for temporary files: the rows cannot be kept there while they are used (No space left"
    )


def test_json_is_read_of_regular_files_alone_and_not_to_any_depth(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "deep").write_text("[" * 100_000)
    (tmp_path / "link").symlink_to("/dev/zero")
    for name, error in (("pipe", OSError), ("link", OSError), ("", OSError), ("none", OSError), ("deep", ValueError)):
        with pytest.raises(error):
            durable.read_json(tmp_path / name)


HOLD = """
import sys, time
from pathlib import Path
from headstart.runtime.durable import Lock
lock = Lock(Path(sys.argv[1]))
print("held", flush=True)
time.sleep(60)
"""


def test_a_second_process_is_told_who_has_the_lock_and_that_of_a_dead_one_is_taken(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path / "run")], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        with pytest.raises(RunFolderError, match=rf"in use by process {holder.pid} on ") as error:
            Lock(tmp_path / "run")
        assert error.value.exit_code == 73
        holder.send_signal(signal.SIGKILL)
        assert holder.wait() == -signal.SIGKILL
    lock = Lock(tmp_path / "run")
    with pytest.raises(RunFolderError, match=f"in use by process {os.getpid()}"):
        Lock(tmp_path / "run")
    lock.release()
    Lock(tmp_path / "run").release()


def test_a_lock_whose_file_was_removed_meanwhile_is_no_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flock, calls = durable.fcntl.flock, []

    def removing(file: Any, how: int) -> None:
        calls.append(how)
        flock(file, how)
        if len(calls) == 1:
            (tmp_path / "run" / durable.LOCK).unlink()  # the process that had it has just ended its run

    monkeypatch.setattr(durable.fcntl, "flock", removing)
    lock = Lock(tmp_path / "run")
    assert len(calls) == 2
    with pytest.raises(RunFolderError):
        Lock(tmp_path / "run")
    lock.release()


LIMITED = """
import resource, sys
from pathlib import Path
from headstart.runtime.durable import damage, sealed
from headstart.errors import StorageError
folder, limit = Path(sys.argv[1]), int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
try:
    with sealed(folder / "x") as work:
        (work / "a.bin").write_bytes(bytes(100_000))
        (work / "b.bin").write_bytes(bytes(50_000))
except StorageError as error:
    print(error)
    sys.exit(error.exit_code)
"""


@pytest.mark.parametrize("limit", [0, 10, 50, 200, 60_000, 99_999, 200_000])
def test_a_limit_on_file_sizes_leaves_the_old_folder_or_the_new_one_whole(tmp_path: Path, limit: int) -> None:
    written(tmp_path / "x")
    before = (tmp_path / "x" / MANIFEST).read_bytes()
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(tmp_path), str(limit)], capture_output=True, text=True, check=False
    )
    assert damage(tmp_path / "x") == ""
    assert [path.name for path in tmp_path.iterdir()] == ["x"]
    if limit == 200_000:
        assert done.returncode == 0, done.stderr
        assert (tmp_path / "x" / MANIFEST).read_bytes() != before
    else:
        assert done.returncode == 74, done.stderr
        assert "cannot be written: File too large" in done.stdout
        assert (tmp_path / "x" / MANIFEST).read_bytes() == before
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY


def test_a_lock_that_a_full_disk_has_no_room_for_is_an_error_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full(io.BytesIO):
        def flush(self) -> None:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(Lock, "_taken", lambda *_: Full())
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / LOCK).touch()
    with pytest.raises(StorageError, match="lock cannot be written: No space left on device"):
        Lock(tmp_path / "run")
    assert list(tmp_path.iterdir()) == []
