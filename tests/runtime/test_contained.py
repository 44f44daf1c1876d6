"""Files of folders that others wrote: how large one may be that is read to its end."""

import hashlib
import os
from pathlib import Path

import pytest

from headstart.errors import ModelError
from headstart.runtime import contained


def test_a_file_that_takes_its_bytes_on_the_disk_has_a_digest_at_any_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contained, "MOST_BYTES", 1000)
    held = os.urandom(100_000)
    with (tmp_path / "near.usearch").open("wb") as file:
        file.write(held)
        os.fsync(file.fileno())
    assert contained.digest_of(tmp_path, "near.usearch") == hashlib.sha256(held).hexdigest()


def test_a_file_of_holes_is_not_read_to_its_end(tmp_path: Path) -> None:
    with (tmp_path / "near.usearch").open("wb") as file:
        file.write(b"a" * 10_000)
        file.truncate(1 << 40)
    with pytest.raises(
        ModelError, match="has 1,099,511,627,776 bytes, more than the 1,073,741,824 that can be read here"
    ):
        contained.digest_of(tmp_path, "near.usearch")
