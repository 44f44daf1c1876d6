"""What a question's words say of the words of a context: features of extractive question answering without a network."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from headstart.data.questions import AskedText, context_words
from headstart.data.units import Units
from headstart.solving.span_scores import SpanLayout

ASKING = frozenset({"who", "whom", "whose", "what", "which", "when", "where", "why", "how"})
"""Words that ask in English; the first words of a question say what is asked for in other languages."""
ENDS = frozenset({".", "!", "?", "\u3002", "\uff01", "\uff1f"})
"""Signs that end sentences."""
REACHES = (1, 2, 4, 8, 16)
"""Words on each side within which those of the question are looked for."""
WIDTH = 2 * len(REACHES) + 16
"""Numbers that say of a word how near it is to words of the question."""
OWN, COVERED, FOUND = 0, 2 + 2 * len(REACHES), WIDTH - 1
"""Places of the shares of the question that a word is, that its sentence has, and that the whole context has."""
NOTHING = 3
"""Numbers that say whether there is an answer at all."""
SIGNS = frozenset({",", ";", ":", "(", ")"})
"""Signs that answers seldom reach over."""
STEM = 5
"""Letters of a word that stand for its stem."""


def shape_of(word: str) -> str:
    """What a word looks like: `X` for runs of capitals, `x` of small letters, `0` of digits, other signs as they are."""
    kinds = ["X" if sign.isupper() else "0" if sign.isdigit() else "x" if sign.isalpha() else sign for sign in word]
    short = "".join(kind for at, kind in enumerate(kinds) if at == 0 or kinds[at - 1] != kind)
    return f"{short}{min(len(word), 4)}" if short in ("0", "X") else short


def traits_of(words: Sequence[str]) -> list[list[str]]:
    """What each word of a context is and stands beside, as names, whatever is asked."""
    lower, shapes = [word.lower() for word in words], [shape_of(word) for word in words]
    found = []
    for at in range(len(words)):
        before, after = (lower[at - 1] if at else "<"), (lower[at + 1] if at + 1 < len(words) else ">")
        earlier = shapes[at - 1] if at else "<"
        later = shapes[at + 1] if at + 1 < len(words) else ">"
        found.append(
            [
                "any", f"w={lower[at]}", f"s={shapes[at]}", f"e={lower[at][-3:]}", f"l={before}", f"r={after}",
                f"ls={earlier}|{shapes[at]}", f"rs={shapes[at]}|{later}", f"lss={earlier}|{shapes[at]}|{later}",
                f"l2={lower[at - 2] if at > 1 else '<'}|{before}", f"r2={after}|{lower[at + 2] if at + 2 < len(words) else '>'}",
            ]
        )  # fmt: skip
    return found


def asked_for(words: Sequence[str]) -> list[str]:
    """What a question asks for, as names: its first words, and the word that asks with the one behind it."""
    lower = [word.lower() for word in words]
    at = next((at for at, word in enumerate(lower) if word in ASKING), 0)
    asks, behind = lower[at] if lower else "", lower[at + 1] if at + 1 < len(lower) else ""
    return ["any", f"a={asks}", f"a={asks} {behind}", f"b={' '.join(lower[:2])}"]


def stem_of(word: str) -> str:
    """The beginning of a word in small letters, which words of one stem share as a rule."""
    return word.lower()[:STEM]


def overlaps(question: Sequence[str], context: Sequence[str], rarity: Mapping[str, float]) -> np.ndarray:
    """How near each word of a context is to words of the question, rare words counting more; float32, shape (words, WIDTH).

    Sums of the rarities of question words on the left and on the right (the sliding window of Richardson et al. 2013), and in the
    sentence of the word, as shares of those of the whole question.

    Args:
        question: its words.
        context: its words, at least one.
        rarity: of stems, over 0; one that is not there is as rare as the rarest.
    """
    most = max(rarity.values(), default=1.0)
    asked = {stem: rarity.get(stem, most) for stem in map(stem_of, question) if stem[0].isalnum()}
    pairs = {(stem_of(one), stem_of(other)) for one, other in pairwise(question)}
    total = sum(asked.values()) or 1.0
    stems = [stem_of(word) for word in context]
    count = len(stems)
    own = np.array([asked.get(stem, 0.0) for stem in stems]) / total
    sums = np.concatenate([[0.0], np.cumsum(own)])
    at = np.arange(count)
    columns = [own, own > 0]
    for reach in REACHES:
        columns.append(sums[at] - sums[np.maximum(at - reach, 0)])
        columns.append(sums[np.minimum(at + 1 + reach, count)] - sums[at + 1])
    ends = np.array([word in ENDS for word in context])
    sentence = np.concatenate([[0], np.cumsum(ends)[:-1]])
    covered = np.zeros(int(sentence[-1]) + 1)
    for number, stem in {
        (number, stem) for number, stem in zip(sentence.tolist(), stems, strict=True) if stem in asked
    }:
        covered[number] += asked[stem] / total
    padded = np.concatenate([[0.0], covered, [0.0]])
    columns += [covered[sentence], covered[sentence] >= covered.max(), padded[sentence], padded[sentence + 2]]
    columns.append(covered[sentence] - covered.max())
    strong = np.flatnonzero(own >= 0.5 * own.max()) if own.max() > 0 else np.zeros(0, dtype=np.int64)
    for sign in (-1, 1):
        gaps = np.full(count, 100.0)
        if len(strong):
            place = np.searchsorted(strong, at, side="right" if sign < 0 else "left") - (sign < 0)
            there = (place >= 0) & (place < len(strong))
            gaps[there] = np.abs(at[there] - strong[place[there]])
        columns.append(1 / (1 + gaps))
    before = np.array([False, False, *((one, other) in pairs for one, other in pairwise(stems))])[:count]
    after = np.array([*((one, other) in pairs for one, other in pairwise(stems[1:])), False, False, False])[:count]
    columns += [before, after]
    begins = np.searchsorted(sentence, sentence)
    columns += [1 / (1 + at - begins), at / count]
    columns += [
        np.array([rarity.get(stem, most) for stem in stems]) / most,
        np.array([word.isalnum() for word in context]),
    ]
    columns.append(np.full(count, sum(asked[stem] for stem in asked.keys() & {*stems}) / total))
    return np.stack([np.asarray(column, dtype=np.float32) for column in columns], axis=1)


@dataclass(frozen=True, eq=False)
class Terms:
    """What is known of questions and of words.

    Args:
        asked: names of what questions ask for.
        traits: names of what words are and stand beside.
        pairs: numbers of one of each, a feature each, in rising order, int64, shape (pairs, 2).
        rarity: how rare a stem is, over 0.
    """

    asked: Sequence[str]
    traits: Sequence[str]
    pairs: np.ndarray
    rarity: Mapping[str, float]

    @classmethod
    def learnt(cls, rows: Iterable[tuple[AskedText, Sequence[int]]], least: int) -> Terms:
        """Terms of questions whose answers are known.

        Args:
            rows: questions with the numbers of the first and last words of their answers.
            least: how often a pair has to stand there, at least.
        """
        counted, stems, known = Counter[tuple[str, str]](), Counter[str](), dict[str, list[list[str]]]()
        for given, places in rows:
            if given.context not in known:
                known[given.context] = traits_of(given.context_words.composed)
                stems.update({stem_of(word) for word in given.context_words.composed})
            own = asked_for(context_words(given.question).composed)
            counted.update((one, other) for at in places for one in own for other in known[given.context][at])
        kept = [pair for pair, count in counted.items() if count >= least]
        asked, traits = (sorted({pair[side] for pair in kept}) for side in (0, 1))
        first, second = ({name: at for at, name in enumerate(names)} for names in (asked, traits))
        pairs = np.array(sorted((first[one], second[other]) for one, other in kept), dtype=np.int64)
        rarity = {stem: float(np.log((len(known) + 1) / (stems[stem] + 0.5))) for stem in sorted(stems)}
        return cls(asked, traits, pairs.reshape(-1, 2), rarity)

    @property
    def width(self) -> int:
        """Features of a word."""
        return len(self.pairs) + WIDTH + NOTHING

    def features(self, inputs: Sequence[AskedText]) -> tuple[Any, SpanLayout]:
        """Features of "no answer" and of each word of the contexts, sparse float32 of shape (units, width), and how they lie."""
        from scipy.sparse import csr_matrix, hstack

        numbers, flags = [], []
        for given in inputs:
            words = given.context_words.composed
            own = np.zeros((len(words) + 1, WIDTH + NOTHING), dtype=np.float32)
            own[1:, :WIDTH] = overlaps(context_words(given.question).composed, words, self.rarity)
            own[0, WIDTH:] = 1.0, own[:, COVERED].max(), own[:, FOUND].max()
            numbers.append(own)
            flags.append(np.array([(False, False), *((word in ENDS, word in SIGNS) for word in words)]))
        columns = self._columns(inputs)
        ends = np.concatenate([[0], np.cumsum([len(each) for each in columns])])
        every = np.concatenate([*columns, np.zeros(0, dtype=np.int64)])
        shape = len(columns), len(self.pairs)
        pairs = csr_matrix((np.ones(len(every), dtype=np.float32), every, ends), shape=shape)
        dense, marks = np.concatenate(numbers), np.concatenate(flags)
        layout = SpanLayout(Units.counted([len(each) for each in numbers]), marks[:, 0], marks[:, 1], dense[:, OWN])
        return hstack([pairs, csr_matrix(dense)], format="csr"), layout

    def _columns(self, inputs: Sequence[AskedText]) -> list[np.ndarray]:
        """The pairs that are known of each unit."""
        asked, traits = ({name: at for at, name in enumerate(names)} for names in (self.asked, self.traits))
        codes = np.append(self.pairs @ np.array([len(traits), 1]), np.iinfo(np.int64).max)
        known: dict[str, list[np.ndarray]] = {}
        found = []
        for given in inputs:
            if given.context not in known:
                known[given.context] = [
                    np.array([traits[name] for name in names if name in traits], dtype=np.int64)
                    for names in traits_of(given.context_words.composed)
                ]
            question = asked_for(context_words(given.question).composed)
            own = np.array([asked[name] for name in question if name in asked], dtype=np.int64) * len(traits)
            found.append(np.zeros(0, dtype=np.int64))
            for each in known[given.context]:
                wanted = (own[:, None] + each).ravel()
                at = np.searchsorted(codes, wanted)
                found.append(at[codes[at] == wanted])
        return found
