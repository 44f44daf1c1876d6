"""The cache: computed once, bounded, never a reason to fail, never a number that was not written."""

import json
import os
import shutil
import zlib
from pathlib import Path

import numpy as np
import pytest

from headstart.data import cache as caching
from headstart.data.cache import ABOUT, DATA, ArrayCache, clear_cache, no_cache, user_cache


def ones(array: np.ndarray) -> None:
    array[:] = 1


def forbidden(_: np.ndarray) -> None:
    pytest.fail("computed again")


@pytest.fixture
def cache(tmp_path: Path) -> ArrayCache:
    return ArrayCache(tmp_path / "cache", 10_000)


def test_an_array_is_computed_once(cache: ArrayCache) -> None:
    assert not cache.has("states", {"a": 1})
    first = cache.get("states", {"a": 1}, (3, 4), ones)
    assert cache.has("states", {"a": 1})
    again = ArrayCache(cache.folder, cache.most).get("states", {"a": 1}, (3, 4), forbidden)
    np.testing.assert_array_equal(first, np.ones((3, 4), np.float32))
    np.testing.assert_array_equal(again, first)
    assert again.dtype == np.float32
    assert not again.flags.writeable


@pytest.mark.parametrize("other", ["key", "kind", "dtype"])
def test_keys_kinds_and_types_are_apart(cache: ArrayCache, other: str) -> None:
    cache.get("states", {"a": 1}, (3,), ones)
    calls: list[int] = []
    cache.get(
        "features" if other == "kind" else "states",
        {"a": 2 if other == "key" else 1},
        (3,),
        lambda array: calls.append(1),
        dtype="float64" if other == "dtype" else "float32",
    )
    assert calls == [1]


def test_the_least_recently_used_goes_first(cache: ArrayCache) -> None:
    for name in ("old", "older", "new"):
        cache.get("states", {"name": name}, (1000,), lambda array: None)  # 4,000 bytes each: two have room
        if cache.has("states", {"name": "old"}):
            [place] = [each.folder for each in cache.kept() if name in (each.folder / ABOUT).read_text()]
            os.utime(place / ABOUT, (100 if name == "older" else 200,) * 2)
        if name == "older":
            cache.get("states", {"name": "old"}, (1000,), forbidden)  # used again
            [place] = [each.folder for each in cache.kept() if '"older"' in (each.folder / ABOUT).read_text()]
            os.utime(place / ABOUT, (100, 100))
    assert cache.has("states", {"name": "old"})
    assert not cache.has("states", {"name": "older"})
    assert cache.has("states", {"name": "new"})
    assert sum(each.size for each in cache.kept()) <= cache.most


def test_what_is_larger_than_the_limit_stays_in_memory(cache: ArrayCache) -> None:
    cache.get("states", {"a": 1}, (100,), ones)
    found = cache.get("states", {"a": 2}, (10_000,), ones)
    assert found.sum() == 10_000
    assert cache.has("states", {"a": 1}), "nothing has to go for what does not fit anyway"
    assert not cache.has("states", {"a": 2})


@pytest.mark.parametrize("damage", ["flip", "cut", "about", "size", "missing"])
def test_damage_is_found_and_the_array_computed_again(cache: ArrayCache, damage: str) -> None:
    cache.get("states", {"a": 1}, (100,), ones)
    [kept] = cache.kept()
    data, about = kept.folder / DATA, kept.folder / ABOUT
    if damage == "flip":
        raw = bytearray(data.read_bytes())
        raw[57] ^= 1
        data.write_bytes(raw)
    elif damage == "cut":
        data.write_bytes(data.read_bytes()[:-1])
    elif damage == "about":
        about.write_text("{")
    elif damage == "size":
        data.write_bytes(data.read_bytes()[:200])
        crc32 = zlib.crc32(data.read_bytes())
        about.write_text(json.dumps(json.loads(about.read_text()) | {"crc32": crc32}))
    else:
        data.unlink()
    np.testing.assert_array_equal(cache.get("states", {"a": 1}, (100,), ones), np.ones(100))
    np.testing.assert_array_equal(cache.get("states", {"a": 1}, (100,), forbidden), np.ones(100))


def test_files_are_kept_like_arrays(cache: ArrayCache) -> None:
    assert cache.find("tokens", {"a": 1}) is None
    path = cache.keep("tokens", {"a": 1}, 5, lambda path: path.write_bytes(b"12345") and None)
    assert path is not None
    assert cache.find("tokens", {"a": 1}) == path
    assert path.read_bytes() == b"12345"
    assert cache.keep("tokens", {"a": 2}, 10**9, lambda path: path.write_bytes(b"1") and None) is None
    path.write_bytes(b"12346")
    assert cache.find("tokens", {"a": 1}) is None
    assert not path.exists()


def test_a_folder_that_cannot_be_written_means_memory(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    cache = ArrayCache(tmp_path / "file" / "cache", 10_000)
    assert cache.room() == 0
    assert cache.get("states", {}, (3,), ones).sum() == 3


def test_a_disk_that_fills_up_on_the_way_means_memory(cache: ArrayCache, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(caching.np, "memmap", full)
    assert cache.get("states", {}, (3,), ones).sum() == 3
    assert list(cache.folder.glob("*/*")) == []


def test_an_interruption_leaves_nothing(cache: ArrayCache) -> None:
    def stop(_: np.ndarray) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cache.get("states", {}, (3,), stop)
    assert list(cache.folder.glob("*/*")) == []


def test_a_share_of_the_free_disk_is_the_most(cache: ArrayCache, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = type("Usage", (), {"free": 4_000})
    monkeypatch.setattr(caching.shutil, "disk_usage", lambda _: usage)
    assert cache.room() == 1_000
    cache.get("states", {}, (100,), ones)
    assert cache.room() == 1_400


def test_clearing_frees_everything(cache: ArrayCache) -> None:
    cache.get("states", {"a": 1}, (100,), ones)
    cache.get("features", {"a": 1}, (50,), ones)
    left = cache.folder / "states" / ".new-left"
    left.mkdir()
    assert cache.clear() == 600
    assert cache.kept() == []
    assert not left.exists()


def test_nothing_is_written_without_a_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert no_cache().get("states", {}, (3,), ones).sum() == 3
    assert no_cache().kept() == []
    assert list(tmp_path.iterdir()) == []


def test_folder_and_limit_come_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(caching.FOLDER, str(tmp_path / "here"))
    monkeypatch.setenv(caching.LIMIT, "0.5")
    assert user_cache() == ArrayCache(tmp_path / "here", 500_000_000) or user_cache().folder == tmp_path / "here"
    assert user_cache().most == 500_000_000
    user_cache().get("states", {}, (10,), ones)
    assert clear_cache() == 40
    monkeypatch.setenv(caching.LIMIT, "0")
    assert user_cache().room() == 0
    monkeypatch.delenv(caching.FOLDER)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "there"))
    assert user_cache().folder == tmp_path / "there" / "headstart"


def give_away(path: Path, patch: pytest.MonkeyPatch) -> None:
    """Make a file or folder somebody else's, neither this user's nor root's."""
    if os.geteuid() == 0:
        os.chown(path, 65534, -1)
    else:
        patch.setattr(caching.os, "geteuid", lambda: 65533)


def linked(path: Path) -> None:
    path.rename(path.with_name("elsewhere"))
    path.symlink_to(path.with_name("elsewhere"))


def piped(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


POISONS = {
    "somebody else's folder": lambda kept, patch: give_away(kept, patch),
    "somebody else's array": lambda kept, patch: give_away(kept / DATA, patch),
    "a link to a folder": lambda kept, patch: linked(kept),
    "a link to an array": lambda kept, patch: linked(kept / DATA),
    "a pipe for an array": lambda kept, patch: piped(kept / DATA),
    "a pipe for a description": lambda kept, patch: piped(kept / ABOUT),
    "a file for a folder": lambda kept, patch: (shutil.rmtree(kept), kept.write_text("")),
    "a list": lambda kept, patch: (kept / ABOUT).write_text("[]"),
    "nested": lambda kept, patch: (kept / ABOUT).write_text("[" * 100_000),
    "endless": lambda kept, patch: os.truncate(kept / ABOUT, 10**9),
    "another key": lambda kept, patch: (kept / ABOUT).write_text(
        (kept / ABOUT).read_text().replace('"a": 1', '"a": 2')
    ),
}


@pytest.mark.parametrize("poison", POISONS)
def test_what_this_user_did_not_write_for_a_key_is_not_read(
    poison: str, cache: ArrayCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache.get("states", {"a": 1}, (100,), ones)
    [kept] = cache.kept()
    POISONS[poison](kept.folder, monkeypatch)

    def twos(array: np.ndarray) -> None:
        array[:] = 2

    assert cache.find("states", {"dtype": "float32", "a": 1}) is None
    np.testing.assert_array_equal(cache.get("states", {"a": 1}, (100,), twos), np.full(100, 2))
    if os.geteuid() == 0 or "somebody" not in poison:  # and is replaced
        np.testing.assert_array_equal(cache.get("states", {"a": 1}, (100,), forbidden), np.full(100, 2))


def test_an_array_of_another_key_is_not_taken_for_it(cache: ArrayCache) -> None:
    cache.get("states", {"a": 1}, (100,), ones)
    [kept] = cache.kept()
    place = cache._place("states", {"dtype": "float32", "a": 2})
    shutil.copytree(kept.folder, place)
    assert cache.get("states", {"a": 2}, (100,), lambda array: None).sum() == 0


def test_what_a_killed_process_left_is_cleared_by_the_next_that_writes(cache: ArrayCache) -> None:
    left = cache.folder / "states" / ".array.new-abcdefgh" / "new"
    left.mkdir(parents=True)
    (left / DATA).write_bytes(bytes(1000))
    cache.get("states", {"a": 1}, (100,), ones)
    assert [path.name for path in (cache.folder / "states").glob(".*")] == []


def test_only_what_looks_like_an_array_counts_and_is_cleared(cache: ArrayCache) -> None:
    mine = cache.folder / "projects" / "thesis"
    mine.mkdir(parents=True)
    (mine / ABOUT).write_text("{}")
    (mine / DATA).write_bytes(b"mine")
    assert (cache.kept(), cache.clear()) == ([], 0)
    assert (mine / DATA).read_bytes() == b"mine"


@pytest.mark.parametrize(("said", "most"), [("nan", 8e9), ("inf", 8e9), ("1e400", 8e9), ("-3", 0), ("lots", 8e9)])
def test_a_limit_that_is_no_number_is_the_usual_one(said: str, most: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(caching.LIMIT, said)
    assert user_cache().most == most


@pytest.mark.parametrize("home", ["", "~", "relative"])
def test_a_user_without_a_home_has_no_cache(home: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(caching.FOLDER, raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv(caching.LIMIT, "1")
    monkeypatch.setattr(caching.os.path, "expanduser", lambda _: home)
    assert user_cache().get("states", {"a": 1}, (3,), ones).sum() == 3
    assert (user_cache().room(), list(tmp_path.iterdir())) == (0, [])


def test_what_a_link_leads_to_is_neither_read_nor_removed(cache: ArrayCache, tmp_path: Path) -> None:
    cache.get("states", {"a": 1}, (100,), ones)
    kinds, aside = cache.folder / "states", tmp_path / "aside"
    kinds.rename(aside)
    (aside / ".new-left").mkdir()
    kinds.symlink_to(aside)
    before = sorted(aside.rglob("*"))
    assert cache.get("states", {"a": 1}, (100,), ones).sum() == 100
    assert cache.find("states", {"dtype": "float32", "a": 2}) is None
    assert (cache.kept(), cache.clear()) == ([], 0)
    assert sorted(aside.rglob("*")) == before
