"""How likely a decoder goes on with each of some texts, row by row: what rows have in common is read once."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from headstart.backbones.tokenizing import TextTokenizer
from headstart.data.batches import sorted_batches
from headstart.heads.vocabulary import VocabularyHead
from headstart.predictors.causal import CausalPass
from headstart.runtime.memory import within_memory
from headstart.runtime.progress import SILENT, Progress

TOKENS = {"cpu": 1024, "cuda": 32768}
"""Tokens of rows that are read at the same time, with those of what all have in common."""
CHUNK = 10_000
"""Texts that are tokenised at once."""


class Continued(NamedTuple):
    """How likely texts are behind others."""

    scores: np.ndarray
    """Log-probability of each text behind that of each row, summed over its tokens, float64, shape (rows, texts)."""
    tokens: np.ndarray
    """How many tokens these are, int64, of the same shape."""


class Continuations:
    """Scores of texts behind others.

    A text and what goes on with it are tokenised as one, since a tokenizer may join them; tokens from the first on that is not that
    of the text alone count as what goes on. What all rows of a call begin with, an instruction and examples as a rule, passes the
    network once; of each row the rest does once, however many texts are scored.

    Args:
        head: over words, of a backbone in eval mode.
        tokenizer: of the backbone.
        device: type of device that it computes on.
        fast: multiply in bfloat16.
    """

    def __init__(
        self, head: VocabularyHead, tokenizer: TextTokenizer, *, device: str = "cpu", fast: bool = False
    ) -> None:
        self.tokenizer, self.device = tokenizer, device
        self.over = CausalPass(head, fast=fast)
        self._place = next(head.whole.parameters()).device

    def scores(
        self,
        rows: Sequence[str],
        answers: Sequence[str],
        *,
        start: Sequence[int] | None = None,
        progress: Progress = SILENT,
    ) -> Continued:
        """How likely each of some answers is behind each row.

        Args:
            rows: texts, each with a token at least.
            answers: texts, not empty.
            start: ids in front of each row; what begins every text of the tokenizer if None.
            progress: advanced by rows.
        """
        before, behind = self._parted(rows, answers, [*(self.tokenizer.before if start is None else start)])
        common = in_common(before)
        lengths = np.array(
            [len(ids) - common + max(map(len, own)) - 1 for ids, own in zip(before, behind, strict=True)]
        )
        found = np.zeros((len(rows), len(answers)))
        with torch.inference_mode():
            held = self.begun(before[0][:common]) if len(rows) else None

            def score(places: np.ndarray) -> None:
                part = [before[row][common:] for row in places], [behind[row] for row in places]
                found[places] = self._scored(*part, held, common)

            for places in sorted_batches(lengths + common, TOKENS[self.device]):
                within_memory(places, score)
                progress.advance(len(places))
        counts = np.array([[len(each) for each in own] for own in behind], dtype=np.int64).reshape(found.shape)
        return Continued(found, counts)

    def _parted(
        self, rows: Sequence[str], answers: Sequence[str], start: list[int]
    ) -> tuple[list[list[int]], list[list[list[int]]]]:
        """Ids of each row behind `start`, and of each answer behind the row."""
        before, behind = list[list[int]](), list[list[list[int]]]()
        size = max(1, CHUNK // (len(answers) + 1))
        for begin in range(0, len(rows), size):
            some = rows[begin : begin + size]
            tokens = self.tokenizer.uncut([*some, *(f"{row}{answer}" for row in some for answer in answers)])
            for at in range(len(some)):
                alone = [*start, *tokens.get(at).tolist()]
                place = len(some) + at * len(answers)
                joined = [[*start, *tokens.get(place + each).tolist()] for each in range(len(answers))]
                cut = max(1, min(_alike(alone, each) for each in joined))
                before.append(alone[:cut])
                behind.append([each[cut:] for each in joined])
        return before, behind

    def begun(self, ids: list[int]) -> Any:
        """What passes go on from where these ids were read, as a cache of one row."""
        held = self.over.empty()
        if ids:
            given = torch.tensor([ids], device=self._place)
            self.over.logits(given, torch.ones_like(given), held)
        return held

    def _scored(self, before: list[list[int]], behind: list[list[list[int]]], held: Any, common: int) -> np.ndarray:
        """Scores of one batch, shape (rows, answers)."""
        first, cache, mask = self.read(before, held, common)
        scores = torch.stack([first[row, [each[0] for each in own]] for row, own in enumerate(behind)]).double()
        longer = [(row, at) for row, own in enumerate(behind) for at, each in enumerate(own) if len(each) > 1]
        if longer:
            places = torch.tensor([row for row, _ in longer], device=self._place)
            rest = [behind[row][at] for row, at in longer]
            cache.batch_select_indices(places)
            ids, more = self.padded([each[:-1] for each in rest], left=False)
            logits = self.over.logits(ids, torch.cat([mask[places], more], 1), cache, last=ids.shape[1])
            wanted, known = self.padded([each[1:] for each in rest], left=False)
            shares = torch.log_softmax(logits, 2).gather(2, wanted[:, :, None])[:, :, 0].double()
            total = (shares * known).sum(1)
            scores[places, torch.tensor([at for _, at in longer], device=self._place)] += total
        return scores.cpu().numpy()

    def read(self, rows: list[list[int]], held: Any, common: int) -> tuple[Tensor, Any, Tensor]:
        """Read rows behind what they have in common.

        Args:
            rows: ids of each behind these, at least one.
            held: see `begun`; left as it is.
            common: how many ids these are.

        Returns:
            Log-probabilities of what may follow each row, float32, shape (rows, vocabulary), the cache, and the mask of all that it
            holds.
        """
        cache = copy.deepcopy(held)
        if common:
            cache.batch_repeat_interleave(len(rows))
        ids, mask = self.padded(rows, left=True)
        mask = torch.cat([mask.new_ones(len(rows), common), mask], 1)
        return torch.log_softmax(self.over.logits(ids, mask, cache)[:, 0], 1), cache, mask

    def padded(self, rows: list[list[int]], *, left: bool) -> tuple[Tensor, Tensor]:
        """Ids and mask of rows, filled up on one side, int64, shape (rows, longest)."""
        width = max(map(len, rows))
        ids = np.full((len(rows), width), self.tokenizer.pad_id, dtype=np.int64)
        mask = np.zeros_like(ids)
        for row, own in enumerate(rows):
            place = slice(width - len(own), width) if left else slice(len(own))
            ids[row, place], mask[row, place] = own, 1
        return torch.from_numpy(ids).to(self._place), torch.from_numpy(mask).to(self._place)


def _alike(one: Sequence[int], other: Sequence[int]) -> int:
    """How many ids two rows begin with alike; one less than the other has at most, so that it goes on with something."""
    most = min(len(one), len(other) - 1)
    return next((at for at in range(most) if one[at] != other[at]), most)


def in_common(rows: Sequence[list[int]]) -> int:
    """How many ids all rows begin with alike; each has one more."""
    if not rows:
        return 0
    least, most = min(rows), max(rows)  # in the order of their ids: what these have in common all have
    count = min(map(len, rows)) - 1
    return next((at for at in range(count) if least[at] != most[at]), count)
