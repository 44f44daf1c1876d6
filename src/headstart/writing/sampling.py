"""Texts whose words are drawn by chance, or are the likeliest every time, given word by word as they come."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from headstart.data.draws import uniform
from headstart.writing.decoding import MOST_TEXTS, Decoding
from headstart.writing.search import Found, Steps, ended_by, search, without_repeats


class Word(NamedTuple):
    """The next words of all rows that are not done."""

    rows: Tensor
    """Numbers of these rows, int64, shape (going,)."""
    ids: Tensor
    """The word of each, int64, shape (going,)."""
    scores: Tensor
    """Log-probability of each before any were left out, float32, shape (going,)."""
    ended: Tensor
    """Whether it ends its text, bool, shape (going,)."""


def words(
    steps: Steps, limits: Tensor, how: Decoding, *, start: int | Tensor, ends: Sequence[int], numbers: np.ndarray,
    forced: Sequence[int] = (),
) -> Iterator[Word]:  # fmt: skip
    """The words of texts as they come, until all rows have ended or are at their limit.

    Args:
        steps: of `rows` rows.
        limits: most words of each row, that which ends it included, int64, shape (rows,), at least 1.
        how: how words are drawn; at temperature 0 the likeliest is taken.
        start: the first word that the network is given; or of each row, int64, shape (rows,).
        ends: words that end a text, at least one.
        numbers: of the texts; what is drawn for a text hangs on its number and the seed, not on the texts beside it; shape (rows,).
        forced: the words that a text begins with.
    """
    device = limits.device
    rows = torch.arange(len(limits), device=device)
    last = torch.as_tensor(start, device=device).expand(len(limits))
    before = last[:, None]
    for at in range(int(limits.max())):
        scores = steps.next(last)
        if at < len(forced):
            chosen = torch.full_like(last, forced[at])
        else:
            size = how.no_repeat_ngram
            allowed = without_repeats(scores, before, size) if size else scores
            chosen = _drawn(allowed, how, numbers[rows.cpu().numpy()], at) if how.draws else allowed.argmax(1)
        ended = ended_by(chosen, ends)
        yield Word(rows, chosen, scores.gather(1, chosen[:, None])[:, 0], ended)
        going = (~ended & (limits[rows] > at + 1)).nonzero().squeeze(1)
        if not len(going):
            return
        before = torch.cat([before, chosen[:, None]], dim=1)
        if len(going) < len(rows):
            steps.select(going)
            before, rows, chosen = before[going], rows[going], chosen[going]
        last = chosen


def in_parts(written: Iterable[Word], text_of: Callable[[list[int]], str]) -> Iterator[str]:
    """The text of a single row bit by bit as its words come, without blanks in front; a character appears once it is whole.

    Args:
        written: words of one row, see `words`.
        text_of: text of ids.
    """
    ids, text, shown = list[int](), "", 0
    for word in written:
        if bool(word.ended[0]):
            break
        ids.append(int(word.ids[0]))
        text = text_of(ids).lstrip()
        if not text.endswith("\ufffd") and len(text) > shown:  # half a character waits for its other half
            yield text[shown:]
            shown = len(text)
    if len(text) > shown:
        yield text[shown:]


def sample(
    steps: Steps, limits: Tensor, how: Decoding, *, start: int | Tensor, ends: Sequence[int], numbers: np.ndarray,
    forced: Sequence[int] = (),
) -> Found:  # fmt: skip
    """Texts of `words`, one for each row; their scores are the mean log-probability of their words."""
    count = len(limits)
    ids: list[list[int]] = [[] for _ in range(count)]
    total, length, ended = [0.0] * count, [0] * count, [False] * count
    for word in words(steps, limits, how, start=start, ends=ends, numbers=numbers, forced=forced):
        for row, chosen, score, is_end in zip(*(each.tolist() for each in word), strict=True):
            total[row] += score
            length[row] += 1
            ended[row] = is_end
            if not is_end:
                ids[row].append(chosen)
    scores = [[value / max(size, 1)] for value, size in zip(total, length, strict=True)]
    return Found([[own] for own in ids], scores, [[own] for own in ended])


def _drawn(scores: Tensor, how: Decoding, numbers: np.ndarray, at: int) -> Tensor:
    """Words drawn among the likeliest, int64, shape (rows,)."""
    shares = torch.softmax(scores.double() / how.sampling_temperature, dim=1)
    shares, order = shares.sort(dim=1, descending=True, stable=True)
    if how.top_k:
        shares[:, how.top_k :] = 0.0
    if how.top_p < 1:  # the likeliest word stays, and that by which the share is reached
        shares[(shares.cumsum(1) - shares) / shares.sum(1, keepdim=True) >= how.top_p] = 0.0
    reached = shares.cumsum(1)
    point = torch.from_numpy(uniform((how.sampling_seed,), numbers, np.array([at]))).to(scores.device) * reached[:, -1:]
    place = torch.searchsorted(reached, point, right=True)[:, 0]
    last = (shares > 0).sum(1) - 1
    return order.gather(1, torch.minimum(place, last)[:, None])[:, 0]


def decoded(
    steps: Steps, limits: Tensor, how: Decoding, *, start: int | Tensor, ends: Sequence[int], numbers: np.ndarray,
    forced: Sequence[int] = (),
) -> Found:  # fmt: skip
    """Texts as a decoding has them: searched for, or drawn; arguments as `words` takes them."""
    if not how.draws:
        return search(
            steps, limits, start=start, ends=ends, beams=how.beams, kept=how.best, length_penalty=how.length_penalty,
            forced=forced, no_repeat_ngram=how.no_repeat_ngram,
        )  # fmt: skip
    rows, best = len(limits), how.best
    steps.select(torch.arange(rows, device=limits.device).repeat_interleave(best))
    given = torch.as_tensor(start, device=limits.device).expand(rows).repeat_interleave(best)
    own = (numbers[:, None] * MOST_TEXTS + np.arange(best)[None, :]).reshape(-1)
    found = sample(steps, limits.repeat_interleave(best), how, start=given, ends=ends, numbers=own, forced=forced)
    groups = [range(row * best, (row + 1) * best) for row in range(rows)]
    order = [sorted(group, key=lambda at: -found.scores[at][0]) for group in groups]
    return Found(
        [[found.ids[at][0] for at in group] for group in order],
        [[found.scores[at][0] for at in group] for group in order],
        [[found.ended[at][0] for at in group] for group in order],
    )
