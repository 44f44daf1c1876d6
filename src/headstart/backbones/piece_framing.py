"""Rows for objectives on raw text: pieces of documents within the special tokens that a tokenizer puts around a text."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from tokenizers import Tokenizer

from headstart.data.pieces import Pieces, Read, cut, of_tokens
from headstart.data.recurring import SIGN, kind_of
from headstart.data.tokens import TokenWriter
from headstart.errors import ModelError


@dataclass
class PieceFraming:
    """Cuts raw text and frames the pieces, and knows of each token whether a word begins with it and what that word is.

    Args:
        fast: a tokenizer of the `tokenizers` library.
        whole: that one without a limit.
        special: ids that stand for no text, by role.
        before: ids that it puts in front of a text.
        after: ids that it puts behind it.
        begin: ids that stand in front of a text where each token is predicted from those before it.
        max_length: most tokens of a row, those around the text included.
        naming_faults: makes a `ModelError` that names the tokenizer of what fails within it.
    """

    fast: Tokenizer
    whole: Tokenizer
    special: Mapping[str, int]
    before: tuple[int, ...]
    after: tuple[int, ...]
    begin: tuple[int, ...]
    max_length: int
    naming_faults: Callable[[], AbstractContextManager[None]]

    def pieces(self, texts: Sequence[str], *, direction: str = "", seed: int = 0) -> Pieces:
        """Texts as rows for an objective on raw text, one piece each, cut off at the limit; empty ones are left out.

        Args:
            texts: of any length.
            direction: of the objective, `masked`, `causal` or empty.
            seed: of what the objective draws.

        Raises:
            ModelError: words are to be hidden and there is no token for that.
        """
        writer = TokenWriter()
        with self.naming_faults():
            rows = [each.ids for each in self.fast.encode_batch(list(texts), add_special_tokens=False)]
        writer.add_rows(rows, [0] * len(rows))
        read, starts, ends = of_tokens(writer.tokens())
        framed = self.framed(read, starts, ends, direction=direction, seed=seed)
        room = self.max_length - len(framed.before) - len(framed.after)
        return self.framed(read, starts, np.minimum(ends, starts + room), direction=direction, seed=seed)

    def cut_pieces(
        self,
        read: Read,
        begins: np.ndarray,
        ends: np.ndarray,
        *,
        most: int,
        least: int = 1,
        direction: str = "",
        seed: int = 0,
    ) -> Pieces:
        """Documents as rows for an objective on raw text, cut into pieces.

        Args:
            read: gives token ids, without special ones, between two places.
            begins: where each document begins, shape (documents,).
            ends: where it ends.
            most: tokens of a row with its special tokens, at most `max_length`.
            least: tokens below which a document is left out.
            direction: of the objective, `masked`, `causal` or empty.
            seed: of what the objective draws.

        Raises:
            ModelError: words are to be hidden and there is no token for that.
        """
        nothing = np.zeros(0, dtype=np.int64)
        frame = self.framed(read, nothing, nothing, direction=direction, seed=seed)
        starts, stops = cut(begins, ends, most - len(frame.before) - len(frame.after), least)
        return self.framed(read, starts, stops, direction=direction, seed=seed)

    def framed(self, read: Read, starts: np.ndarray, ends: np.ndarray, *, direction: str, seed: int) -> Pieces:
        """Pieces with the special tokens that the tokenizer puts around a text.

        `causal` ones begin with the token that begins a text, or else with that which ends one; nothing stands behind them.
        """
        before, after = self.before, self.after
        if direction == "causal":
            before, after = self.begin, ()
        if direction == "masked" and "mask" not in self.special:
            raise ModelError(
                "its tokenizer has no token for a hidden word ([MASK], <mask>); learn with causal-lm instead"
            )
        return Pieces(
            read, starts, ends, before, after, self._begins, self.special.get("mask"),
            tuple(sorted(set(self.special.values()))), seed, self._between, self._kinds,
        )  # fmt: skip

    @cached_property
    def _between(self) -> tuple[int, ...]:
        """Special tokens between the two texts of a pair; those behind a text where the tokenizer has none for pairs."""
        pair = self.whole.encode("a", "a")
        of = pair.sequence_ids
        inner = pair.ids[len(of) - of[::-1].index(0) : of.index(1)] if 0 in of and 1 in of else []
        return tuple(inner) or self.after

    @cached_property
    def _kinds(self) -> np.ndarray:
        """For each id what a word that begins with it is, shape (vocabulary,); special tokens are signs."""
        words = self.fast.get_vocab(with_added_tokens=True)
        found = np.zeros(max(words.values(), default=0) + 1, dtype=np.int8)
        special = {*self.special.values()}
        for word, number in words.items():
            found[number] = SIGN if number in special else kind_of(word.lstrip("\u0120\u010a\u2581"))
        return found

    @cached_property
    def _begins(self) -> np.ndarray:
        """For each id whether a word begins with it, shape (vocabulary,)."""
        words = self.fast.get_vocab(with_added_tokens=True)
        found = np.ones(max(words.values(), default=0) + 1, dtype=bool)
        pieces = any(word.startswith("##") for word in words)
        marked = ("Ġ", "Ċ", "▁")
        joined = not pieces and any(word.startswith(marked) for word in words)
        for word, number in words.items():
            if pieces:
                found[number] = not word.startswith("##")
            elif joined:
                found[number] = word.startswith(marked)
        return found
