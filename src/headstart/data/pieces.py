"""Raw text as rows: documents cut into pieces of like length, read again and again in passes that are numbered on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from headstart.data.batches import training_batches
from headstart.data.draws import uniform
from headstart.data.tokens import Tokens

Read = Callable[[int, int], np.ndarray]
"""Ids from one place of a long row of tokens to another."""


class Cycled:
    """An array that begins again behind its end.

    Args:
        values: shape (rows,).
    """

    def __init__(self, values: np.ndarray) -> None:
        self.values = values

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        """Those of the first pass."""
        return np.array(self.values, dtype=dtype, copy=copy)

    def __getitem__(self, rows: np.ndarray | int) -> np.ndarray:
        return self.values[np.asarray(rows) % len(self.values)]


@dataclass(frozen=True)
class Pieces:
    """Pieces of documents by number; the first `len(pieces)` numbers are the first pass over them, then comes the second.

    So what an objective draws for a row (which words are hidden) can be a function of seed and number alone: another one
    in every pass, and the same one whatever ran before, in how many parts a batch is passed, and by how many processes.

    Args:
        read: gives token ids between two places.
        starts: where each piece begins, int64, shape (pieces,).
        ends: where it ends.
        before: ids put in front of every piece, such as that of `[CLS]`.
        after: ids put behind it.
        begins: for each id of the vocabulary, whether a word begins with it, shape (vocabulary,).
        hidden: id that stands for a hidden word; None where the tokenizer has none.
        special: ids that stand for no text, never hidden and never drawn.
        seed: of all that is drawn.
        between: ids put between the two texts of a pair.
        kinds: for each id of the vocabulary what a word that begins with it is, as `data.recurring.kind_of` has it.
    """

    read: Read
    starts: np.ndarray
    ends: np.ndarray
    before: tuple[int, ...] = ()
    after: tuple[int, ...] = ()
    begins: np.ndarray | None = None
    hidden: int | None = None
    special: tuple[int, ...] = ()
    seed: int = 0
    between: tuple[int, ...] = ()
    kinds: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.starts)

    @property
    def own(self) -> np.ndarray:
        """Tokens of each piece with what is put around it, int64, shape (pieces,)."""
        return self.ends - self.starts + len(self.before) + len(self.after)

    @property
    def lengths(self) -> Cycled:
        """Tokens of each piece by number, in any pass."""
        return Cycled(self.own)

    @property
    def tokens(self) -> int:
        """Tokens of a pass, with what is put around the pieces."""
        return int(self.own.sum())

    def take(self, rows: np.ndarray) -> Pieces:
        """The pieces at `rows`, numbered anew."""
        return replace(self, starts=self.starts[rows], ends=self.ends[rows])

    def pad(self, rows: np.ndarray, pad_id: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Ids, mask of tokens and mask of text, each int64 or bool of shape (rows, longest), padded on the right.

        The mask of text is False for what was put around the pieces, too.
        """
        which = np.asarray(rows) % len(self)
        lengths = self.own[which]
        width = int(lengths.max(initial=1))
        ids = np.full((len(which), width), pad_id, dtype=np.int64)
        first = len(self.before)
        ids[:, :first] = self.before
        for row, (piece, length) in enumerate(zip(which.tolist(), lengths.tolist(), strict=True)):
            last = length - len(self.after)
            ids[row, first:last] = self.read(int(self.starts[piece]), int(self.ends[piece]))
            ids[row, last:length] = self.after
        at = np.arange(width)[None, :]
        mask = at < lengths[:, None]
        text = (at >= len(self.before)) & (at < lengths[:, None] - len(self.after))
        return ids, mask.astype(np.int64), text

    def drawn(self, rows: np.ndarray, width: int, stream: int) -> np.ndarray:
        """Numbers in [0, 1), shape (rows, width): a function of seed, number of the row, place in it and `stream`."""
        return uniform((self.seed, stream), np.asarray(rows), np.arange(width))


def cut(begins: np.ndarray, ends: np.ndarray, most: int, least: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Documents cut into pieces of at most `most` tokens, those of a document as equal as may be.

    Args:
        begins: where each document begins, int64, shape (documents,).
        ends: where it ends.
        most: tokens of a piece, at least 1.
        least: tokens below which a document is left out, at least 1.

    Returns:
        Where each piece begins and ends, int64.
    """
    long = ends - begins >= least
    begins, lengths = begins[long], (ends - begins)[long]
    counts = -(-lengths // most)
    document = np.repeat(np.arange(len(lengths)), counts)
    within = np.arange(len(document)) - np.repeat(np.cumsum(counts) - counts, counts)
    starts = begins[document] + within * lengths[document] // counts[document]
    stops = begins[document] + (within + 1) * lengths[document] // counts[document]
    return starts, stops


LEAST_HELD = 16
"""Tokens of a stretch of text whose loss says anything."""
STRETCHES = 16
"""Held-out text comes from so many places at least."""


def held_out(offsets: np.ndarray, *, tokens: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Documents parted into text to learn from and text to measure on.

    Documents are held out as a whole unless they are long: of those, stretches are.

    Args:
        offsets: shape (documents + 1,); document i has the tokens from `offsets[i]` to `offsets[i + 1]`.
        tokens: to hold out, about: documents and stretches of documents drawn at random, half of the text at most.
        seed: of the draw.

    Returns:
        Begins and ends of what is learnt from, then begins and ends of what is held out.
    """
    wanted = max(tokens, LEAST_HELD)
    longest = max(-(-wanted // STRETCHES), LEAST_HELD)
    if len(offsets) == 2:
        longest = min(longest, max(int(offsets[1] - offsets[0]) // 2, 1))
    begins, ends = cut(offsets[:-1], offsets[1:], longest, 1)
    order = np.random.default_rng([seed, 0x4E1D]).permutation(len(begins))
    last = int(np.searchsorted(np.cumsum((ends - begins)[order]), wanted)) + 1
    held = np.zeros(len(begins), dtype=bool)
    held[order[: min(last, len(begins) // 2)]] = True
    # What is left of a document goes on across the borders of stretches that nothing was taken between.
    inner = np.zeros(len(begins) + 1, dtype=bool)
    inner[1:-1] = ~held[1:] & ~held[:-1] & ~np.isin(begins[1:], offsets)
    return begins[~held & ~inner[:-1]], ends[~held & ~inner[1:]], begins[held], ends[held]


def of_tokens(tokens: Tokens) -> tuple[Read, np.ndarray, np.ndarray]:
    """Texts that were tokenised without special tokens, one piece each; empty ones are left out."""
    whole = np.flatnonzero(tokens.lengths > 0)

    def read(start: int, end: int) -> np.ndarray:
        return np.asarray(tokens.flat[start:end])

    return read, tokens.offsets[:-1][whole], tokens.offsets[1:][whole]


def joined(one: Pieces, other: Pieces) -> Pieces:
    """The pieces of both, those of the first one first."""
    border = int(one.ends.max(initial=0))

    def read(start: int, end: int) -> np.ndarray:
        return one.read(start, end) if start < border else other.read(start - border, end - border)

    starts = np.concatenate([one.starts, other.starts + border])
    return replace(one, read=read, starts=starts, ends=np.concatenate([one.ends, other.ends + border]))


class Batches:
    """Batches of raw text by round: so many updates each, passes over the pieces following one another.

    Args:
        lengths: tokens of the pieces of a pass, shape (pieces,).
        tokens: of a batch, about.
        updates: of a round, at least 1.
        total: updates of all rounds; the last round has what is left.
        seed: of the run.
    """

    def __init__(self, lengths: np.ndarray, *, tokens: int, updates: int, total: int, seed: int) -> None:
        self.lengths = lengths
        self.rows = max(1, round(tokens / max(float(lengths.mean()), 1.0)))
        self.updates, self.total, self.seed = updates, total, seed
        self.per_pass = 0
        self._pass: tuple[int, list[np.ndarray]] = (-1, [])
        self._begun: list[int] = [0]
        """Updates before each pass."""

    def __call__(self, round_: int) -> list[np.ndarray]:
        """Numbers of the rows of every batch of a round, from 0."""
        first = round_ * self.updates
        last = min(first + self.updates, self.total)
        found: list[np.ndarray] = []
        while first < last:
            number = self._pass_at(first)
            batches = self._of(number)
            begin = first - self._begun[number]
            some = batches[begin : begin + last - first]
            found += [rows + number * len(self.lengths) for rows in some]
            first += len(some)
        return found

    def _pass_at(self, update: int) -> int:
        """Which pass an update is in; passes differ by a batch or two."""
        while self._begun[-1] <= update:
            self._begun.append(self._begun[-1] + len(self._of(len(self._begun) - 1)))
        return int(np.searchsorted(self._begun, update, side="right")) - 1

    def _of(self, number: int) -> list[np.ndarray]:
        if self._pass[0] != number:
            self._pass = number, training_batches(self.lengths, rows=self.rows, seed=self.seed, epoch=number)
        return self._pass[1]


def tokens_of(batches: Sequence[np.ndarray], lengths: Cycled) -> int:
    """Tokens of some batches."""
    return sum(int(lengths[rows].sum()) for rows in batches)
