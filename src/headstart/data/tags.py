"""Tags of words and the spans that they mean: schemes told apart, converted, and kept possible.

Schemes (Ramshaw & Marcus 1995; Tjong Kim Sang & Veenstra 1999, "Representing Text Chunks", section 2):

- `iob2`: B- begins every span, I- goes on in it.
- `iob1`: I- for every word of a span; B- only where a span of the same type ends right before.
- `bioes`: B- begins, I- goes on, E- ends, S- is a span of one word (`bilou` says L- and U-).
- `plain`: the type alone; neighbours of one type are one span.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

import numpy as np

Scheme = Literal["iob1", "iob2", "bioes", "plain"]
OUTSIDE = "O"
_SAME = {"L": "E", "U": "S"}
"""Letters of BILOU in those of BIOES."""
_PREFIXES = frozenset("BIESLU")


class Span(NamedTuple):
    """Words that belong together."""

    start: int
    """First word."""
    end: int
    """The word behind the last one."""
    type: str


class OddTag(NamedTuple):
    """A tag that its scheme does not allow where it stands."""

    word: int
    reason: str


def split_tag(tag: str) -> tuple[str, str]:
    """Prefix (`B`, `I`, `E`, `S` or `O`) and type of a tag with a prefix; `I` and the whole tag where it has none."""
    if tag == OUTSIDE:
        return OUTSIDE, ""
    prefix, dash, kind = tag.partition("-")
    if dash and prefix in _PREFIXES:
        return _SAME.get(prefix, prefix), kind
    return "I", tag


def lacking(tags: Sequence[str]) -> str:
    """A tag that a set of tags of `iob2` needs beside the others: `O`, and B- for every I-; empty where none lacks."""
    known = {*tags}
    wanted = [OUTSIDE, *(f"B-{tag[2:]}" for tag in tags if tag.startswith("I-"))]
    return next((tag for tag in wanted if tag not in known), "")


def scheme_of(rows: Iterable[Sequence[str]]) -> Scheme:
    """The scheme that rows of tags are written in; where the signs differ, the one that more spans speak for.

    Args:
        rows: tags of each sentence.
    """
    prefixes: set[str] = set()
    bare = begun = entered = 0
    for tags in rows:
        last = (OUTSIDE, "")
        for tag in tags:
            prefix, kind = split_tag(tag)
            bare += tag not in (OUTSIDE, f"{prefix}-{kind}") and "-" not in tag
            prefixes.add(prefix)
            if prefix != OUTSIDE and last[1] != kind:
                begun += prefix == "B"
                entered += prefix == "I"
            last = prefix, kind
    if bare:
        return "plain"
    if prefixes & {"E", "S"}:
        return "bioes"
    return "iob2" if begun >= entered and begun else "iob1"


def spans_of(tags: Sequence[str], scheme: Scheme = "iob2") -> list[Span]:
    """The spans of a sentence; impossible tags are read as the script `conlleval` of CoNLL-2000 reads them.

    Args:
        tags: of each word.
        scheme: `plain`, or any other: what begins and ends a span is the same in all that have prefixes.
    """
    found: list[Span] = []
    start, last = 0, (OUTSIDE, "")
    for at, tag in enumerate([*tags, OUTSIDE]):
        here = (OUTSIDE, "") if tag == OUTSIDE else ("I", tag) if scheme == "plain" else split_tag(tag)
        if last[0] != OUTSIDE and (last[0] in "ES" or here[0] in "BSO" or here[1] != last[1]):
            found.append(Span(start, at, last[1]))
            last = (OUTSIDE, "")
        if here[0] != OUTSIDE and last[0] == OUTSIDE:
            start = at
        last = here
    return found


def tags_of(spans: Iterable[Span], words: int, scheme: Scheme = "iob2") -> list[str]:
    """Tags of a sentence of so many words; spans must not share words.

    Raises:
        ValueError: two spans share a word, or one is outside of the sentence.
    """
    tags = [OUTSIDE] * words
    before: Span | None = None
    for span in sorted(spans):
        if not 0 <= span.start < span.end <= words:
            raise ValueError(f"the span {span.start} to {span.end} is outside of a sentence of {words} words")
        if before is not None and span.start < before.end:
            raise ValueError(f"the spans {before.start} to {before.end} and {span.start} to {span.end} share words")
        touches = before is not None and before.end == span.start and before.type == span.type
        for at in range(span.start, span.end):
            first, last = at == span.start, at == span.end - 1
            if scheme == "plain":
                tags[at] = span.type
                continue
            if scheme == "bioes":
                prefix = "S" if first and last else "B" if first else "E" if last else "I"
            else:
                prefix = "B" if first and (scheme == "iob2" or touches) else "I"
            tags[at] = f"{prefix}-{span.type}"
        before = span
    return tags


def faults_of(tags: Sequence[str], scheme: Scheme) -> list[OddTag]:
    """Tags that the scheme does not allow where they stand, such as I- after O in `iob2`."""
    if scheme == "plain":
        return []
    found = []
    last = (OUTSIDE, "")
    for at, tag in enumerate([*tags, OUTSIDE]):
        here = split_tag(tag)
        goes_on = last[0] in "BI" and last[0] != OUTSIDE and last[1] == here[1]
        if scheme == "iob2" and here[0] == "I" and not goes_on:
            found.append(OddTag(at, f"{tag} after {_tag(last)}"))
        elif scheme == "iob1" and here[0] == "B" and last[1] != here[1]:
            found.append(OddTag(at, f"{tag} after {_tag(last)}, where I-{here[1]} begins a span"))
        elif scheme == "bioes":
            if last[0] in ("B", "I") and not (here[0] in ("I", "E") and goes_on):
                found.append(OddTag(at - 1, f"{_tag(last)} before {tag}, so the span has no end"))
            elif here[0] in ("I", "E") and not goes_on:
                found.append(OddTag(at, f"{tag} after {_tag(last)}"))
        last = here
    return found


def _tag(parts: tuple[str, str]) -> str:
    return OUTSIDE if parts[0] == OUTSIDE else "-".join(parts)


class Allowed(NamedTuple):
    """Which tags may stand where."""

    first: np.ndarray
    """Whether a sentence may begin with a tag, bool, shape (tags,)."""
    follow: np.ndarray
    """Whether the second may follow the first, bool, shape (tags, tags)."""
    last: np.ndarray
    """Whether a sentence may end with a tag, bool, shape (tags,)."""


def allowed(names: Sequence[str], scheme: Scheme) -> Allowed:
    """What a scheme allows between tags.

    Args:
        names: all tags.
        scheme: `iob2` or `bioes`; in the others everything may follow everything.
    """
    count = len(names)
    first, follow, last = np.ones(count, bool), np.ones((count, count), bool), np.ones(count, bool)
    parts = [split_tag(name) for name in names]
    for at, (prefix, kind) in enumerate(parts):
        inner = prefix == "I" or (prefix == "E" and scheme == "bioes")
        if scheme in ("iob2", "bioes") and inner:
            first[at] = False
            follow[:, at] = [before[0] in ("B", "I") and before[1] == kind for before in parts]
        if scheme == "bioes" and prefix in ("B", "I"):
            last[at] = False
            follow[at] = [after[0] in ("I", "E") and after[1] == kind for after in parts]
    return Allowed(first, follow, last)


def best_paths(
    scores: np.ndarray, offsets: np.ndarray, rules: Allowed, transitions: np.ndarray | None = None
) -> np.ndarray:
    """The tags with the highest sum of scores among those that are allowed (Viterbi 1967), sentence by sentence.

    Args:
        scores: of each word and tag, shape (words, tags).
        offsets: shape (sentences + 1,); sentence i has the words from `offsets[i]` to `offsets[i + 1]`.
        rules: what may stand where.
        transitions: score of the second tag after the first, shape (tags, tags); all 0 if None.

    Returns:
        Index of the tag of each word, shape (words,).
    """
    lengths = np.diff(offsets)
    found = np.zeros(len(scores), dtype=np.int64)
    step = np.where(rules.follow, 0.0 if transitions is None else transitions, -np.inf)
    order = np.argsort(-lengths, kind="stable")
    order = order[lengths[order] > 0]
    for begin in range(0, len(order), 512):
        rows = order[begin : begin + 512]  # of falling length: those that go on stand first
        starts, longest = offsets[rows], int(lengths[rows[0]])
        best = np.where(rules.first, scores[starts].astype(np.float64), -np.inf)
        back = np.zeros((longest, len(rows), scores.shape[1]), dtype=np.int16)
        for at in range(1, longest):
            going = int(np.searchsorted(-lengths[rows], -at, side="left"))
            reached = best[:going, :, None] + step[None]  # (sentences, from, to)
            back[at, :going] = reached.argmax(1)
            best[:going] = reached.max(1) + scores[starts[:going] + at]
        tags = np.where(rules.last, best, -np.inf).argmax(1)
        for at in range(longest - 1, -1, -1):
            going = int(np.searchsorted(-lengths[rows], -at, side="left"))
            found[starts[:going] + at] = tags[:going]
            if at:
                tags[:going] = back[at, np.arange(going), tags[:going]]
    return found
