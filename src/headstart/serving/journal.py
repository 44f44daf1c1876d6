"""Predictions of a large file as they come, so that an interrupted run goes on where it stopped."""

from __future__ import annotations

import fcntl
import json
import math
import os
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Any

import numpy as np

from headstart.data.columns import texts_digest
from headstart.data.outputs import Logits, Outputs, outputs_of
from headstart.errors import HeadstartError, RunFolderError, StorageError
from headstart.runtime.durable import opened

FORMAT = 2
BEGINNING = b'{"format": '
"""How a journal begins."""
LONGEST_HEAD = 10_000
"""Bytes that its first line has at most."""
LONGEST = 1 << 16
"""Bytes of the line in front of an entry."""


class Journal:
    """A file beside the output with the outputs of every chunk that is done; a context manager.

    What an earlier run left is used as long as it comes from the same model and settings, the bytes are whole and the
    texts are the same; from the first chunk that differs everything is computed again. A file of one chunk leaves
    nothing: the journal is made with the second one, and removed by `done`.

    Args:
        path: of the file.
        key: all that outputs depend on beside the texts, plain data.
        blank: outputs of the model for no rows; entries that are not such outputs are computed again. None takes all.
    """

    def __init__(self, path: Path, key: Mapping[str, Any], blank: Outputs | None = None) -> None:
        self.path = path
        self._blank = blank
        self.key = {"format": FORMAT, **key}
        self.rows = 0
        """Rows with text that are in the file."""
        self.is_done = False
        """Whether all that was wanted is written elsewhere."""
        self._file: IO[bytes] | None = None
        self._replaying = False
        self._first: tuple[str, Outputs] | None = None

    def __enter__(self) -> Journal:
        """Look for what an earlier run left.

        Raises:
            RunFolderError: another process is writing it, or a file of that name is no journal.
            StorageError: it can't be opened.
        """
        if os.path.lexists(self.path):
            file = self._open(new=False)
            head = file.readline(LONGEST_HEAD)
            if not (head.startswith(BEGINNING) or BEGINNING.startswith(head)):
                file.close()
                raise RunFolderError(
                    f"{self.path} was not written by headstart, so it is not replaced; move it away, or choose another file "
                    "with --output"
                )
            try:
                self._replaying = json.loads(head) == self.key
            except (ValueError, RecursionError):
                self._replaying = False
            if not self._replaying:
                file.seek(0)
                file.truncate()
                self._header(file)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()

    def find(self, texts: Sequence[str]) -> Outputs | None:
        """Outputs of the next chunk, if an earlier run has computed them; to be asked before `add`."""
        if not self._replaying or self._file is None:
            return None
        start = self._file.tell()
        found = _read(self._file)
        is_whole = found is not None and found[0] == texts_digest(texts) and len(found[1]) == len(texts)
        if found is None or not is_whole or not _is_such(found[1], self._blank):
            self._file.seek(start)
            self._file.truncate()
            self._replaying = False
            return None
        self.rows += len(texts)
        return found[1]

    def add(self, texts: Sequence[str], outputs: Outputs) -> None:
        """Write down the outputs of the next chunk.

        Raises:
            StorageError: the disk refuses.
        """
        entry = (texts_digest(texts), outputs)
        try:
            if self._file is None:
                if self._first is None:
                    self._first = entry
                    return
                file = self._open(new=True)
                self._header(file)
                self._write(file, *self._first)
            self._write(self._file, *entry)
        except OSError as error:
            raise self._refused(error) from None

    def done(self) -> None:
        """Remove the file."""
        self.is_done = True
        if self._file is not None:
            self.path.unlink(missing_ok=True)

    def _open(self, *, new: bool) -> IO[bytes]:
        try:
            self._file = opened(self.path, new=new)
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, FileExistsError):
            if self._file is not None:
                self._file.close()
            raise RunFolderError(f"{self.path}: another process is writing these predictions; wait for it") from None
        except OSError as error:
            if self._file is not None:
                self._file.close()
            raise self._refused(error) from None
        return self._file

    def _refused(self, error: OSError) -> StorageError:
        return StorageError(f"{self.path} cannot be written: {error.strerror or error}")

    def _header(self, file: IO[bytes]) -> None:
        file.write(json.dumps(self.key, sort_keys=True).encode() + b"\n")

    def _write(self, file: IO[bytes] | None, digest: str, outputs: Outputs) -> None:
        if file is None:
            return
        arrays = {name: np.ascontiguousarray(each) for name, each in outputs.arrays().items()}
        payload = b"".join(each.tobytes() for each in arrays.values())
        about = [[name, each.dtype.str, list(each.shape)] for name, each in arrays.items()]
        head = {"texts": digest, "kind": outputs.kind, "arrays": about}
        head["crc32"] = _sum(head, payload)
        file.write(json.dumps(head).encode() + b"\n" + payload)
        file.flush()
        self.rows += len(outputs)


def _is_such(found: Outputs, blank: Outputs | None) -> bool:
    """Whether outputs are of the same kind as some of no rows, and as wide."""
    if blank is None:
        return True
    if not isinstance(found, Logits) or not isinstance(blank, Logits):
        return found.kind == blank.kind
    if (found.units is None) != (blank.units is None):
        return False
    units = len(found) if found.units is None else found.units.total
    width, is_flat = blank.values.shape[1], found.truncated.ndim == 1 and found.truncated.dtype == bool
    return is_flat and found.values.dtype.kind == "f" and found.values.shape == (units, width)


def _read(file: IO[bytes]) -> tuple[str, Outputs] | None:
    """The next entry; None at the end, and where whatever ended the run has torn it."""
    try:
        head = json.loads(file.readline(LONGEST))
        kinds = [np.dtype(kind) for _, kind, _ in head["arrays"]]
        sizes = [kind.itemsize * math.prod(shape) for kind, (_, _, shape) in zip(kinds, head["arrays"], strict=True)]
        left = os.fstat(file.fileno()).st_size - file.tell()
        if min(sizes, default=0) < 0 or sum(sizes) > left:
            return None
        payload, at, arrays = file.read(sum(sizes)), 0, {}
        if _sum(head, payload) != head["crc32"]:
            return None
        for (name, kind, shape), size in zip(head["arrays"], sizes, strict=True):
            arrays[name] = np.frombuffer(payload[at : at + size], dtype=kind).reshape(shape)
            at += size
        return head["texts"], outputs_of(head["kind"], arrays)
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError, HeadstartError):
        return None


def _sum(head: Mapping[str, Any], payload: bytes) -> int:
    """Checksum of an entry: of what its head says of the arrays, and of their bytes."""
    said = json.dumps({key: value for key, value in head.items() if key != "crc32"})
    return zlib.crc32(payload, zlib.crc32(said.encode()))
