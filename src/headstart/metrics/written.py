"""Scores of texts that were written, beside references: BLEU and chrF by sacrebleu, ROUGE, from numbers that rows sum.

sacrebleu cuts texts into words and counts what they share; what is summed over rows is what its corpus scores are functions of
(Post 2018, "A Call for Clarity in Reporting BLEU Scores", section 3). So intervals and paired tests resample rows as everywhere.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from functools import cache
from itertools import pairwise

import numpy as np

from headstart.errors import UnavailableError
from headstart.metrics.base import Metric, Tally
from headstart.metrics.classification import mean_of_sums
from headstart.metrics.results import TextResults

MISSING = "scores of texts need the package sacrebleu; install it with: pip install 'headstart[translation]'"
ORDERS = 4
"""Longest sequence of words that BLEU counts."""
CHARACTER_ORDERS, RECALL_WEIGHT = 6, 2.0
"""Longest sequence of characters that chrF counts, and how many times recall counts as much as precision."""


@cache
def _scorers(tokenize: str) -> tuple[object, object]:
    try:
        from sacrebleu.metrics import BLEU, CHRF
    except ImportError as error:
        raise UnavailableError(MISSING) from error
    logging.getLogger("sacrebleu").setLevel(logging.ERROR)  # it says on its own what a text should look like
    return BLEU(tokenize=tokenize), CHRF()


def signatures(tokenize: str = "13a", references: int | None = 1) -> dict[str, str]:
    """How BLEU and chrF are computed, in the form that papers quote (Post 2018, section 4), by the names of the metrics.

    Args:
        tokenize: how texts are cut into words: `13a`, `zh`, `char`, ...
        references: of each row; None where their number varies.
    """
    from importlib.metadata import version

    _scorers(tokenize)
    count = "var" if references is None else references
    made = {
        "bleu": f"eff:no|tok:{tokenize}|smooth:exp",
        "chrf": f"eff:yes|nc:{CHARACTER_ORDERS}|nw:0|space:no",
    }
    return {name: f"nrefs:{count}|case:mixed|{how}|version:{version('sacrebleu')}" for name, how in made.items()}


def counted(
    written: Sequence[str], references: Sequence[Sequence[str]], *, tokenize: str = "13a"
) -> tuple[np.ndarray, np.ndarray]:
    """What BLEU and chrF are made of, for each text.

    Args:
        written: texts; they may be empty.
        references: of each text, at least one.
        tokenize: how texts are cut into words.

    Returns:
        int64 of shape (texts, 10): length, length of the nearest reference, shared sequences of 1 to 4 words, sequences of 1 to 4
        words; and of shape (texts, 18): sequences of 1 to 6 characters of the text, of the reference, shared, one length after the
        other.

    Raises:
        UnavailableError: sacrebleu is not installed.
    """
    bleu, chrf = _scorers(tokenize)
    if not len(written):
        return np.zeros((0, 2 + 2 * ORDERS), dtype=np.int64), np.zeros((0, 3 * CHARACTER_ORDERS), dtype=np.int64)
    most = max(map(len, references))
    streams = [[own[at] if at < len(own) else None for own in references] for at in range(most)]
    found = [each._extract_corpus_statistics(list(written), streams) for each in (bleu, chrf)]  # type: ignore[attr-defined]
    return np.array(found[0], dtype=np.int64), np.array(found[1], dtype=np.int64)


def bleu_of_sums(sums: np.ndarray) -> np.ndarray:
    """BLEU in [0, 100] of summed counts (Papineni et al. 2002, section 2.3; orders without a match smoothed as mteval-v13a does).

    Args:
        sums: shape (..., 10), as `counted` gives them for rows.
    """
    sums = np.asarray(sums, dtype=np.float64)
    said, true = sums[..., 0], sums[..., 1]
    shared, total = sums[..., 2 : 2 + ORDERS], sums[..., 2 + ORDERS :]
    missed = (shared == 0) & (total > 0)
    halvings = np.cumsum(missed, axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        precision = np.where(missed, 0.5**halvings, shared) / total
        logs = np.where(total > 0, np.log(np.maximum(precision, 1e-300)), -np.inf)
        short = np.where(said < true, np.where(said > 0, np.exp(1 - true / said), 0.0), 1.0)
    return np.where(shared.any(-1), 100 * short * np.exp(logs.mean(-1)), 0.0)


def chrf_of_sums(sums: np.ndarray) -> np.ndarray:
    """chrF2 in [0, 100] of summed counts (Popović 2015, section 2; mean of precision and recall over the orders that occur).

    Args:
        sums: shape (..., 18), as `counted` gives them for rows.
    """
    sums = np.asarray(sums, dtype=np.float64).reshape(*np.shape(sums)[:-1], CHARACTER_ORDERS, 3)
    said, true, shared = (sums[..., at] for at in range(3))
    known = (said > 0) & (true > 0)
    orders = np.maximum(known.sum(-1), 1)
    precision = np.where(known, shared / np.maximum(said, 1), 0.0).sum(-1) / orders
    recall = np.where(known, shared / np.maximum(true, 1), 0.0).sum(-1) / orders
    weighed = RECALL_WEIGHT**2 * precision + recall
    return np.where(
        weighed > 0, 100 * (1 + RECALL_WEIGHT**2) * precision * recall / np.where(weighed > 0, weighed, 1), 0.0
    )


def rouge(written: str, references: Sequence[str]) -> tuple[float, float, float]:
    """F1 of single words, of pairs of words and of the longest common sequence of words, each of the best reference, in [0, 1].

    Words are lower-cased runs of letters and digits (Lin 2004, "ROUGE", sections 2 and 3.1; without stemming).

    Args:
        written: a text.
        references: at least one.
    """
    said = _words(written)
    found = []
    for reference in references:
        true = _words(reference)
        pairs = [Counter(pairwise(words)) for words in (said, true)]
        found.append(
            (
                _f1((Counter(said) & Counter(true)).total(), len(said), len(true)),
                _f1((pairs[0] & pairs[1]).total(), max(len(said) - 1, 0), max(len(true) - 1, 0)),
                _f1(_common(said, true), len(said), len(true)),
            )
        )
    one, two, longest = (max(each) for each in zip(*found, strict=True))
    return one, two, longest


def _words(text: str) -> list[str]:
    return "".join(sign if sign.isalnum() else " " for sign in text.lower()).split()


def _f1(shared: int, said: int, true: int) -> float:
    return 2 * shared / (said + true) if shared else 0.0


def _common(one: Sequence[str], other: Sequence[str]) -> int:
    """Length of the longest common subsequence."""
    row = np.zeros(len(other) + 1, dtype=np.int64)
    numbers = {word: at for at, word in enumerate(dict.fromkeys(other))}
    ids = np.array([numbers[word] for word in other], dtype=np.int64)
    for word in one:
        if word not in numbers:
            continue
        extended = np.where(ids == numbers[word], row[:-1] + 1, 0)
        row[1:] = np.maximum.accumulate(np.maximum(row[1:], extended))
    return int(row[-1])


def _rouge(results: TextResults, place: int) -> Tally:
    return Tally.of(np.stack([100 * results.rouge[:, place], np.ones(len(results))], axis=1))


TEXTS = frozenset({TextResults.kind})
PERCENT = (0.0, 100.0)
BLEU = Metric(
    "bleu", "BLEU", TEXTS, lambda results: Tally.of(results.bleu), bleu_of_sums, hub="sacrebleu", bounds=PERCENT
)
CHRF = Metric("chrf", "chrF", TEXTS, lambda results: Tally.of(results.chrf), chrf_of_sums, hub="chrf", bounds=PERCENT)
ROUGE_1 = Metric(
    "rouge_1", "ROUGE-1", TEXTS, lambda results: _rouge(results, 0), mean_of_sums, hub="rouge1", bounds=PERCENT
)
ROUGE_2 = Metric(
    "rouge_2", "ROUGE-2", TEXTS, lambda results: _rouge(results, 1), mean_of_sums, hub="rouge2", bounds=PERCENT
)
ROUGE_L = Metric(
    "rouge_l", "ROUGE-L", TEXTS, lambda results: _rouge(results, 2), mean_of_sums, hub="rougeL", bounds=PERCENT
)
