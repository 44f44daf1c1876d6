"""Metrics of rankings: recall, mean reciprocal rank and nDCG up to a rank, by the rules of trec_eval.

Each is the mean over queries that have a relevant candidate. What is relevant has a grade over 0; recall and reciprocal rank count
every grade alike. Candidates of equal score stand in the order of their numbers in the corpus, so a scorer that gives all the same
score is judged as one that gives that order. trec_eval breaks ties by name instead, the later name first.

Where a right candidate is to be told from nine others that were drawn, its place among these ten is what counts (Lowe et al. 2015,
"The Ubuntu Dialogue Corpus", section 4.1).
"""

from __future__ import annotations

from functools import partial

import numpy as np

from headstart.metrics.base import Metric, Tally
from headstart.metrics.classification import mean_of_sums
from headstart.metrics.results import RankingResults, SelectionResults

RANKINGS, SELECTIONS = frozenset({RankingResults.kind}), frozenset({SelectionResults.kind})


def recalls(results: RankingResults, most: int) -> np.ndarray:
    """Share of a query's relevant candidates among the first `most`, in [0, 1], shape (rows,)."""
    found = (results.gains[:, :most] > 0).sum(1)
    return found / np.maximum((results.ideal > 0).sum(1), 1)


def reciprocal_ranks(results: RankingResults, most: int) -> np.ndarray:
    """1 / rank of the first relevant candidate among the first `most`, 0 where none is; in [0, 1], shape (rows,)."""
    hits = results.gains[:, :most] > 0
    if not hits.shape[1]:
        return np.zeros(len(hits))
    return np.where(hits.any(1), 1.0 / (hits.argmax(1) + 1), 0.0)


def ndcgs(results: RankingResults, most: int) -> np.ndarray:
    """Discounted cumulative gain of the first `most` in shares of the best possible one, in [0, 1], shape (rows,).

    The gain is the grade, the discount log2(rank + 1) (Järvelin & Kekäläinen 2002, section 2.2, as trec_eval's `ndcg_cut` has it).
    """
    best = _discounted(results.ideal[:, :most])
    return np.where(best > 0, _discounted(results.gains[:, :most]) / np.maximum(best, 1e-300), 0.0)


def _discounted(gains: np.ndarray) -> np.ndarray:
    return (np.maximum(gains, 0.0) / np.log2(np.arange(gains.shape[1]) + 2.0)).sum(1)


def _tally(results: RankingResults, values: object, most: int) -> Tally:
    each = values(results, most)  # type: ignore[operator]
    return Tally.of(np.stack([each, np.ones(len(each))], axis=1))


def _metric(name: str, title: str, values: object, most: int, serves: frozenset[str] = RANKINGS) -> Metric:
    return Metric(name, title, serves, partial(_tally, values=values, most=most), mean_of_sums)


def _firsts(results: SelectionResults) -> Tally:
    return Tally.of(np.stack([results.ranks == 1, np.ones(len(results.ranks), dtype=bool)], axis=1).astype(np.int64))


def _reciprocals(results: SelectionResults) -> Tally:
    each = np.where(results.ranks > 0, 1.0 / np.maximum(results.ranks, 1), 0.0)
    return Tally.of(np.stack([each, np.ones(len(each))], axis=1))


NDCG_AT_10 = _metric("ndcg_at_10", "nDCG@10", ndcgs, 10)
MRR_AT_10 = _metric("mrr_at_10", "MRR@10", reciprocal_ranks, 10)
RECALL_AT_1 = _metric("recall_at_1", "recall@1", recalls, 1)
RECALL_AT_5 = _metric("recall_at_5", "recall@5", recalls, 5)
RECALL_AT_20 = _metric("recall_at_20", "recall@20", recalls, 20)
RECALL_AT_10 = _metric("recall_at_10", "recall@10", recalls, 10, SELECTIONS)
RECALL_AT_1_OF_10 = Metric("recall_at_1_of_10", "recall@1 of 10", SELECTIONS, _firsts, mean_of_sums, is_share=True)
MRR_OF_10 = Metric("mrr_of_10", "MRR of 10", SELECTIONS, _reciprocals, mean_of_sums)
