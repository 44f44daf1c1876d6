"""From documents to tokens on disk, shard by shard: what is finished stays, however the process ends."""

from __future__ import annotations

import hashlib
import json
from array import array
from collections import deque
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.corpora.corpus import ABOUT, DOCUMENTS, ENDS, IDS, INDEX, Corpus, open_corpus, shard_name
from headstart.corpora.documents import DocumentCounts, Segment, segments
from headstart.corpora.removal import Removal
from headstart.corpora.survey import Survey
from headstart.errors import DataError
from headstart.runtime import durable
from headstart.runtime.progress import SILENT, Progress

if TYPE_CHECKING:
    from tokenizers import Tokenizer

FORMAT = 1
BATCH_CHARACTERS, BATCH_SEGMENTS = 1_000_000, 4_096
"""Handed to the tokenizer at once: keeps its threads busy and memory flat."""
CHARACTERS_PER_TOKEN = 3
"""For the room on the disk; English text has four to five."""


def tokenised(
    survey: Survey,
    tokenizer: Tokenizer,
    folder: Path,
    *,
    remove: Removal | None = None,
    shard_tokens: int = 16_000_000,
    progress: Progress = SILENT,
) -> Corpus:
    """Encode a corpus, on all cores; the second call with the same arguments goes on where the first one ended.

    Each segment of `segments` is encoded on its own, without special tokens. A shard ends with the segment that fills it,
    so that its bits do not depend on what was there before.

    Args:
        survey: of the texts.
        tokenizer: is not changed; its truncation and padding are not used.
        folder: for the shards and their index; this process must be the only one in it. What was made of other text,
            or by another tokenizer, is replaced.
        remove: sentences to take out first.
        shard_tokens: tokens from which on a shard is full, at least 1; one shard is in memory, 2 or 4 bytes each.
        progress: told of damaged shards.

    Raises:
        DataError: a text has changed since the survey, or holds no token at all.
        StorageError: the disk refuses, or has no room for it.
    """
    encoder = _Encoder(tokenizer)
    key = {
        "format": FORMAT, "survey": survey.digest, "tokenizer": encoder.digest, "tokenizers": encoder.version,
        "removal": remove.digest if remove else None, "shard_tokens": shard_tokens,
    }  # fmt: skip
    durable.clear_remains(folder)
    if _about(folder / INDEX).get("key") == key and _is_whole(folder, progress):
        return open_corpus(folder)
    _make_room(folder, survey, encoder, key)
    tally = DocumentCounts()
    work = _Work(segments(survey, remove=remove, tally=tally), encoder, progress)
    progress.begin("tokenising", survey.characters)
    shards: list[dict[str, Any]] = []
    while about := _shard(folder / shard_name(len(shards)), work, key, shard_tokens, progress):
        shards.append(about)
    progress.end()
    facts = _facts(survey, tally, shards)
    if not facts["tokens"]:
        raise DataError("the texts hold no token; expected at least one word outside of the evaluation sets")
    _write_index(
        folder, {"key": key, "dtype": encoder.dtype.name, "vocabulary": encoder.vocabulary, "facts": facts}, shards
    )
    return open_corpus(folder)


def _make_room(folder: Path, survey: Survey, encoder: _Encoder, key: dict[str, Any]) -> None:
    """Remove what was made of something else, and see that there is room for what is not there yet."""
    durable.discard(folder / INDEX)
    there = 0
    for path in folder.glob("shard-*"):
        if _about(path).get("key") == key:
            there += sum(file.stat().st_size for file in path.iterdir())
        else:
            durable.discard(path)
    needed = survey.characters // CHARACTERS_PER_TOKEN * encoder.dtype.itemsize + survey.documents * 16
    durable.require_room(folder, needed - there)


def _write_index(folder: Path, about: dict[str, Any], shards: list[dict[str, Any]]) -> None:
    """Say that the corpus is complete, and where its documents begin."""
    parts, start = [np.zeros(1, dtype=np.int64)], 0
    for number, shard in enumerate(shards):
        parts.append(np.fromfile(folder / shard_name(number) / ENDS, dtype=np.int64) + start)
        start += shard["tokens"]
    with durable.sealed(folder / INDEX) as place:
        np.concatenate(parts).tofile(place / DOCUMENTS)
        durable.write_json(place / ABOUT, about | {"shards": [shard["tokens"] for shard in shards]})


def _facts(survey: Survey, tally: DocumentCounts, shards: list[dict[str, Any]]) -> dict[str, Any]:
    counted = {name: sum(about[name] for about in shards) for name in ("documents", "tokens", "characters", "words")}
    removed = {"sentences_removed": tally.sentences_removed, "documents_emptied": tally.emptied}
    return survey.facts | removed | counted


def _about(folder: Path) -> dict[str, Any]:
    try:
        found = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _is_whole(folder: Path, progress: Progress) -> bool:
    whole = True
    for path in (folder / INDEX, *(folder / shard_name(at) for at in range(len(_about(folder / INDEX)["shards"])))):
        found = durable.damage(path)
        if found:
            progress.say("tokens", f"{path} is damaged: {found}; it is made again", warning=True)
            whole = False
    return whole


class _Encoder:
    """A tokenizer without truncation, padding and special tokens."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        import tokenizers

        self._tokenizer = tokenizers.Tokenizer.from_str(tokenizer.to_str())
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self.version = tokenizers.__version__
        self.digest = hashlib.sha256(self._tokenizer.to_str().encode()).hexdigest()
        self.vocabulary = max(self._tokenizer.get_vocab(with_added_tokens=True).values(), default=-1) + 1
        self.dtype = np.dtype(np.uint16 if self.vocabulary <= 1 << 16 else np.uint32)

    def encode(self, texts: list[str]) -> list[np.ndarray]:
        found = self._tokenizer.encode_batch_fast(texts, add_special_tokens=False)
        return [np.asarray(each.ids, dtype=self.dtype) for each in found]


class _Work:
    """Segments in order: to be encoded, in batches, or left out where a shard has them already."""

    def __init__(self, stream: Iterator[Segment], encoder: _Encoder, progress: Progress) -> None:
        self.encoder = encoder
        self.open = 0
        """Tokens so far of the document that is under way."""
        self._stream, self._progress = stream, progress
        self._ready: deque[tuple[Segment, np.ndarray]] = deque()

    def skip(self, count: int) -> None:
        """Pass over segments that a shard has."""
        while self._ready and count:
            self._ready.popleft()
            count -= 1
        for segment in islice(self._stream, count):
            self._progress.advance(len(segment.text))

    def take(self) -> tuple[Segment, np.ndarray] | None:
        """The next segment and its ids; None at the end."""
        if not self._ready:
            batch: list[Segment] = []
            size = 0
            for segment in self._stream:
                batch.append(segment)
                size += len(segment.text)
                if size >= BATCH_CHARACTERS or len(batch) >= BATCH_SEGMENTS:
                    break
            self._ready.extend(zip(batch, self.encoder.encode([each.text for each in batch]), strict=True))
            self._progress.advance(size)
        return self._ready.popleft() if self._ready else None


def _shard(target: Path, work: _Work, key: dict[str, Any], most: int, progress: Progress) -> dict[str, Any] | None:
    """What a shard says of itself, found or made; None where there are no segments left."""
    if target.exists():
        found = durable.damage(target)
        about = _about(target)
        if not found:
            work.skip(about["segments"])
            work.open = about["open"]
            return about
        progress.say("tokens", f"{target} is damaged: {found}; it is made again", warning=True)
        durable.discard(target)
    return _made(target, work, key, most)


def _made(target: Path, work: _Work, key: dict[str, Any], most: int) -> dict[str, Any] | None:
    ids: list[np.ndarray] = []
    ends = array("q")
    about: dict[str, Any] = {
        "key": key,
        "segments": 0,
        "tokens": 0,
        "characters": 0,
        "words": 0,
    }
    while about["tokens"] < most:
        step = work.take()
        if step is None:
            break
        segment, encoded = step
        ids.append(encoded)
        about["segments"] += 1
        about["tokens"] += len(encoded)
        about["characters"] += len(segment.text)
        about["words"] += len(segment.text.split())
        work.open += len(encoded)
        if segment.last:
            if work.open:  # a document of characters that the tokenizer drops is none
                ends.append(about["tokens"])
            work.open = 0
    if not about["segments"]:
        return None
    about |= {"documents": len(ends), "open": work.open}
    with durable.sealed(target) as place:
        with open(place / IDS, "wb") as file:
            for encoded in ids:
                encoded.tofile(file)
        np.frombuffer(ends, dtype=np.int64).tofile(place / ENDS) if ends else (place / ENDS).touch()
        durable.write_json(place / ABOUT, about)
    return about
