"""The cache: computed once, bounded, never a reason to fail, never a number that was not written."""

import json
import os
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
