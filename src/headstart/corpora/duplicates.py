"""Documents that occur more than once: to the word by a hash, nearly by MinHash; memory is a few bytes per document."""

from __future__ import annotations

import hashlib
import os
import tempfile
import zlib
from array import array
from typing import IO

import numpy as np

from headstart.runtime.durable import temporary_refusal

WORDS = 5
"""Words of a shingle; a document with fewer has no near duplicates."""
PERMUTATIONS = 128
"""Hash functions of a signature: a similarity of 0.8 is estimated to about 0.035 (one standard deviation)."""
MISSED = 0.01
"""Most of the pairs exactly as similar as asked for that are never compared."""
ROUNDS = 64
"""Documents of one bucket that others are compared with; more share a bucket only where much of it is one template."""
HELD_BYTES = 1 << 24
COMPARED = 10_000
"""Signatures that are compared at once."""
_random = np.random.default_rng(20260101)
_MULTIPLIERS = _random.integers(1 << 63, size=PERMUTATIONS, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
_SHIFTS = _random.integers(1 << 63, size=PERMUTATIONS, dtype=np.uint64)
_POWERS = _random.integers(1 << 63, size=WORDS, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
_MIX = np.uint64(0x9E3779B97F4A7C15)


class Fingerprint:
    """What is kept of a document that streams by, the same however it is cut.

    Args:
        near: whether the signature for near duplicates is made, which takes most of the time.
    """

    def __init__(self, *, near: bool) -> None:
        self.words = 0
        self._exact = hashlib.blake2b(digest_size=8)
        self._signature = np.full(PERMUTATIONS, 0xFFFFFFFF, dtype=np.uint32) if near else None
        self._tail: list[str] = []

    def add(self, words: list[str]) -> None:
        """The next words of the document."""
        if not words:
            return
        text = " ".join(words)
        self._exact.update((" " + text if self.words else text).encode("utf-8", "surrogatepass"))
        self.words += len(words)
        if self._signature is not None:
            words = self._tail + text.casefold().split(" ")
            for start in range(0, len(words) - WORDS + 1, COMPARED):
                lowest = _lowest(words[start : start + COMPARED + WORDS - 1])
                np.minimum(self._signature, lowest, out=self._signature)
            self._tail = words[-(WORDS - 1) :]

    def exact(self) -> int:
        """64 bits of a hash of the words, whatever white space is between them."""
        return int.from_bytes(self._exact.digest(), "little")

    def signature(self) -> np.ndarray | None:
        """MinHash of the word 5-grams, uint32, shape (128,); None where there are none, or none were asked for."""
        return self._signature if self.words >= WORDS else None


def _lowest(words: list[str]) -> np.ndarray:
    """Lowest value of each hash function over the shingles of some words (at least `WORDS` of them)."""
    hashed = np.fromiter((zlib.crc32(word.encode("utf-8", "surrogatepass")) for word in words), np.uint64, len(words))
    count = len(words) - WORDS + 1
    shingles = np.zeros(count, dtype=np.uint64)
    for place in range(WORDS):
        shingles += (hashed[place : place + count] + np.uint64(place + 1)) * _POWERS[place]
    shingles ^= shingles >> np.uint64(31)
    shingles *= _MIX
    shingles ^= shingles >> np.uint64(29)
    lowest = np.full(PERMUTATIONS, 0xFFFFFFFF, dtype=np.uint32)
    for start in range(0, count, 512):  # 512 x 128 values of 8 bytes stay in the processor's cache
        part = shingles[start : start + 512, None] * _MULTIPLIERS + _SHIFTS  # (shingles, PERMUTATIONS)
        np.minimum(lowest, (part >> np.uint64(32)).min(axis=0).astype(np.uint32), out=lowest)
    return lowest


class Fingerprints:
    """Fingerprints of all documents in order: 8 bytes each in memory, signatures in a file without a name."""

    def __init__(self, *, near: bool) -> None:
        self.near = near
        self._exact = array("Q")
        self._signed = array("b")
        self._held: list[np.ndarray] = []
        self._file: IO[bytes] | None = None

    def __len__(self) -> int:
        return len(self._exact)

    def add(self, document: Fingerprint) -> None:
        """The next document.

        Raises:
            StorageError: the disk refuses the signatures.
        """
        self._exact.append(document.exact())
        if self.near:
            signature = document.signature()
            self._signed.append(signature is not None)
            self._held.append(np.zeros(PERMUTATIONS, dtype=np.uint32) if signature is None else signature)
            if len(self._held) * PERMUTATIONS * 4 >= HELD_BYTES:
                self._spill()

    def close(self) -> None:
        """Give the file back; nothing can be added or compared after it."""
        if self._file is not None:
            self._file.close()

    def truncate(self, count: int) -> None:
        """Forget all documents but the first `count`."""
        del self._exact[count:]
        if not self.near:
            return
        del self._signed[count:]
        if self._file is None:
            del self._held[count:]
            return
        self._spill()
        self._file.truncate(count * PERMUTATIONS * 4)
        self._file.seek(0, os.SEEK_END)

    def repeated(self) -> np.ndarray:
        """Numbers of the documents whose words stood before, int64, ascending."""
        hashes = np.frombuffer(self._exact, dtype=np.uint64) if len(self._exact) else np.zeros(0, dtype=np.uint64)
        order = np.argsort(hashes, kind="stable")
        ordered = hashes[order]
        return np.sort(order[1:][ordered[1:] == ordered[:-1]])

    def similar(self, least: float, *, leaving: np.ndarray) -> np.ndarray:
        """Numbers of the documents that have an earlier one in `earlier`, int64, ascending; arguments are those of `earlier`."""
        return np.flatnonzero(self.earlier(least, leaving=leaving) >= 0)

    def earlier(self, least: float, *, leaving: np.ndarray) -> np.ndarray:
        """An earlier document for each, with about `least` or more of its word 5-grams; -1 where there is none.

        Jaccard similarity by MinHash (Broder 1997, section 4), candidates by locality-sensitive hashing in bands
        (Leskovec, Rajaraman & Ullman, Mining of Massive Datasets, section 3.4). Those that have one are compared no further.

        Args:
            least: similarity in (0, 1).
            leaving: numbers of documents that are left out already.

        Raises:
            StorageError: the disk refuses the signatures.
        """
        signatures = self._signatures()
        alive = np.frombuffer(self._signed, dtype=np.int8).astype(bool)
        alive[leaving] = False
        found = np.full(len(alive), -1, dtype=np.int64)
        rows = rows_per_band(least)
        for band in range(PERMUTATIONS // rows):
            numbers = np.flatnonzero(alive & (found < 0))
            keys = _bucket(signatures, numbers, band * rows, rows)
            order = np.argsort(keys, kind="stable")
            ordered = keys[order]
            borders = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1], [True]]))
            several = np.flatnonzero(np.diff(borders) > 1)
            for begin, end in zip(borders[several].tolist(), borders[several + 1].tolist(), strict=True):
                _compare(signatures, numbers[order[begin:end]], least, found)
        return found

    def _signatures(self) -> np.ndarray:
        if self._file is None:
            return np.array(self._held, dtype=np.uint32).reshape(-1, PERMUTATIONS)
        self._spill()
        return np.memmap(self._file, dtype=np.uint32, mode="r").reshape(-1, PERMUTATIONS)

    def _spill(self) -> None:
        if not self._held:
            return
        try:
            if self._file is None:
                self._file = tempfile.TemporaryFile(prefix="headstart-")  # noqa: SIM115
            self._file.write(np.concatenate(self._held).data)
            self._file.flush()
        except OSError as error:
            raise temporary_refusal(
                "the signatures for near duplicates", error, otherwise=", or leave near_duplicates away"
            ) from None
        self._held = []


def rows_per_band(least: float) -> int:
    """The most rows per band with which a pair that is just similar enough shares a band, but for `MISSED` of them."""
    fitting = [rows for rows in range(1, 33) if (1 - least**rows) ** (PERMUTATIONS // rows) <= MISSED]
    return max(fitting, default=1)


def _bucket(signatures: np.ndarray, numbers: np.ndarray, start: int, rows: int) -> np.ndarray:
    """One 64-bit key per document from some columns of its signature."""
    keys = np.zeros(len(numbers), dtype=np.uint64)
    for begin in range(0, len(numbers), COMPARED):
        part = signatures[numbers[begin : begin + COMPARED], start : start + rows]
        key = keys[begin : begin + COMPARED]
        for column in range(part.shape[1]):
            key ^= part[:, column]
            key *= _MIX
            key ^= key >> np.uint64(32)
    return keys


def _compare(signatures: np.ndarray, members: np.ndarray, least: float, found: np.ndarray) -> None:
    """Note the earlier document of those members of a bucket, in ascending order, that are similar to one."""
    for _ in range(ROUNDS):
        if len(members) < 2:
            return
        number, members = members[0], members[1:]
        first = signatures[number]
        same = np.concatenate(
            [(signatures[members[at : at + COMPARED]] == first).mean(axis=1) for at in range(0, len(members), COMPARED)]
        )
        found[members[same >= least]] = number
        members = members[same < least]
