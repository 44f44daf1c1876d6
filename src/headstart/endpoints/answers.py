"""Answers of an endpoint as they come, on disk, so that none that was received is ever asked and paid for again."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import threading
import zlib
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Any, NamedTuple

from headstart.endpoints.spending import Spent
from headstart.errors import RunFolderError
from headstart.plain import from_json
from headstart.runtime.durable import opened, refusal, sync

FORMAT = 1
ANSWERS = "answers.jsonl"
"""The usual name of the file."""
_SUM = 8
"""Characters of a checksum in front of a line."""


class Received(NamedTuple):
    """What came of a request."""

    value: Any
    """What was read of the answer, plain data; None where it was refused."""
    model: str = ""
    """The model that answered, by its own word."""
    refused: str = ""
    """Why the endpoint does not answer this very request; empty where it does."""


def digest_of(url: str, path: str, body: Mapping[str, Any], form: str) -> str:
    """The name of an answer: SHA-256 of where it is asked for, what is asked, and how the answer is read; the key is no part.

    Args:
        url: of the endpoint.
        path: below it.
        body: of the request, with the model.
        form: how the answer is read.
    """
    text = json.dumps([url, path, body, form], sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


class AnswerJournal:
    """A file to which every request is added before it is sent, and every answer when it has come; a context manager.

    A process that is killed leaves requests without an answer: these were under way (`in_flight`), and count as spent. A line that
    was torn, or that the disk has changed, is left out.

    Args:
        path: of the file, made when the first line is written; None keeps answers in memory alone.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.spent = Spent()
        """What all requests before this process came to, those without an answer at most."""
        self.in_flight = 0
        """Requests that were under way when an earlier process ended."""
        self.damaged = 0
        """Lines that were torn or changed."""
        self._answers: dict[str, Received] = {}
        self._open: dict[str, list[Spent]] = {}
        self._lock = threading.Lock()
        self._file: IO[bytes] | None = None

    def __enter__(self) -> AnswerJournal:
        """Take up what an earlier process left.

        Raises:
            RunFolderError: another process is writing it, or something else bears its name.
            StorageError: it cannot be opened.
        """
        if self.path is not None and os.path.lexists(self.path):
            try:
                self._read(self._opened(self.path))
            except OSError as error:
                self.__exit__(None, None, None)
                raise refusal(self.path, error) from None
            except BaseException:
                self.__exit__(None, None, None)
                raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()
        self._file = None

    def __len__(self) -> int:
        """Answers that are there."""
        return len(self._answers)

    def get(self, digest: str) -> Received | None:
        """An answer that has come before."""
        return self._answers.get(digest)

    def sent(self, digest: str, most: Spent) -> None:
        """Note a request that is about to be sent.

        Args:
            digest: see `digest_of`.
            most: what it may come to.

        Raises:
            StorageError: the disk refuses; then it must not be sent.
        """
        self._add({"sent": digest, "most": list(most)})

    def answered(self, digest: str, received: Received, spent: Spent) -> None:
        """Keep an answer; it is on the disk afterwards.

        Raises:
            StorageError: the disk refuses.
        """
        self._answers[digest] = received
        self._add(
            {"answered": digest, "value": received.value, "model": received.model, "spent": list(spent)}, settled=True
        )

    def failed(self, digest: str, spent: Spent) -> None:
        """Note that no answer came.

        Raises:
            StorageError: the disk refuses.
        """
        self._add({"failed": digest, "spent": list(spent)})

    def _add(self, entry: Mapping[str, Any], *, settled: bool = False) -> None:
        if self.path is None:
            return
        try:
            with self._lock:
                if self._file is None:
                    self.path.parent.mkdir(parents=True, exist_ok=True)
                    file = self._opened(self.path)
                    file.write(_line({"format": FORMAT}))
                    sync(self.path.parent)
                self._file.write(_line(entry))  # type: ignore[union-attr]
                self._file.flush()  # type: ignore[union-attr]
            if settled:
                os.fsync(self._file.fileno())  # type: ignore[union-attr]
        except OSError as error:
            raise refusal(self.path, error) from None

    def _opened(self, path: Path) -> IO[bytes]:
        try:
            self._file = opened(path)
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RunFolderError(f"{path}: another process is asking for these answers; wait for it") from None
        except OSError as error:
            raise refusal(path, error) from None
        return self._file

    def _read(self, file: IO[bytes]) -> None:
        """Take up what is there, and make sure that the next line begins on its own."""
        header = _line({"format": FORMAT})
        last, known = b"", 0
        for last in file:
            entry = _entry(last)
            known += entry is not None
            if entry is None or not self._take(entry):
                self.damaged += 1
        if not known and file.tell() and not (file.tell() < len(header) and header.startswith(last)):
            raise RunFolderError(f"{self.path} was not written by headstart, so nothing is added to it; move it away")
        if not known:
            self.damaged = 0
            file.seek(0)
            file.truncate()
            file.write(header)
        elif not last.endswith(b"\n"):
            file.write(b"\n")
        for name, left in self._open.items():
            self.in_flight += len(left)
            for most in left:  # said once: the next process that opens it finds them settled
                self.spent = self.spent.plus(most)
                file.write(_line({"failed": name, "spent": list(most)}))
        self._open = {}
        file.flush()

    def _take(self, entry: Mapping[str, Any]) -> bool:
        """Take up one line; False where it makes no sense."""
        try:
            if "format" in entry:
                return entry["format"] == FORMAT
            if "sent" in entry:
                self._open.setdefault(entry["sent"], []).append(Spent(*map(int, entry["most"])))
                return True
            digest = entry.get("answered") or entry["failed"]
            spent = Spent(*map(int, entry["spent"]))
            if "answered" in entry:
                self._answers[digest] = Received(entry["value"], str(entry["model"]))
        except (LookupError, TypeError, ValueError):
            return False
        self.spent = self.spent.plus(spent)
        if self._open.get(digest):
            self._open[digest].pop()
        return True


def _line(entry: Mapping[str, Any]) -> bytes:
    text = json.dumps(entry, ensure_ascii=True).encode("ascii")
    return b"%08x %s\n" % (zlib.crc32(text), text)


def _entry(line: bytes) -> Mapping[str, Any] | None:
    """The content of a line; None where it is not what was written."""
    try:
        if not line.endswith(b"\n") or int(line[:_SUM], 16) != zlib.crc32(line[_SUM + 1 : -1]):
            return None
        found = from_json(line[_SUM + 1 : -1])
    except ValueError:
        return None
    return found if isinstance(found, Mapping) else None
