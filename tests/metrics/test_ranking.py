"""Recall, reciprocal rank and nDCG are those of trec_eval, by hand and beside its library."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headstart.metrics import METRICS
from headstart.metrics.ranking import MRR_AT_10, NDCG_AT_10, RECALL_AT_1, RECALL_AT_5, ndcgs, recalls, reciprocal_ranks
from headstart.metrics.resampling import bootstrap
from headstart.metrics.results import RankingResults


def results_of(gains: list[list[float]], ideal: list[list[float]]) -> RankingResults:
    rows = len(gains)
    return RankingResults(np.zeros(rows), np.ones(rows), np.array(gains, dtype=float), np.array(ideal, dtype=float))


def test_a_relevant_candidate_at_rank_two_gives_half_a_reciprocal_rank() -> None:
    found = results_of([[0, 1, 0], [1, 0, 0], [0, 0, 0]], [[1], [1], [1]])
    assert reciprocal_ranks(found, 10).tolist() == [0.5, 1.0, 0.0]
    assert MRR_AT_10.of(MRR_AT_10.tally(found)) == pytest.approx(0.5)
    assert RECALL_AT_1.of(RECALL_AT_1.tally(found)) == pytest.approx(1 / 3)


def test_recall_is_the_share_of_all_relevant_ones_that_was_found() -> None:
    found = results_of([[1, 0, 1, 0, 0, 1]], [[1, 1, 1, 1]])
    assert recalls(found, 5).tolist() == [0.5]
    assert recalls(found, 1).tolist() == [0.25]
    assert RECALL_AT_5.of(RECALL_AT_5.tally(found)) == pytest.approx(0.5)


def test_ndcg_takes_the_grade_as_gain_and_the_best_order_as_measure() -> None:
    found = results_of([[1, 3, 0, 2]], [[3, 2, 1]])
    gained = 1 / 1 + 3 / np.log2(3) + 2 / np.log2(5)
    best = 3 / 1 + 2 / np.log2(3) + 1 / np.log2(4)
    assert ndcgs(found, 10)[0] == pytest.approx(gained / best)
    assert ndcgs(found, 1)[0] == pytest.approx(1 / 3)


def test_what_stands_behind_the_last_rank_does_not_count() -> None:
    found = results_of([[0] * 10 + [1]], [[1]])
    assert (reciprocal_ranks(found, 10)[0], ndcgs(found, 10)[0], recalls(found, 20)[0]) == (0.0, 0.0, 1.0)


def test_a_ranking_without_a_place_scores_nothing() -> None:
    found = RankingResults(np.zeros(2), np.ones(2), np.zeros((2, 0)), np.ones((2, 1)))
    assert [each(found, 5).tolist() for each in (recalls, reciprocal_ranks, ndcgs)] == [[0.0, 0.0]] * 3


def test_intervals_resample_queries_of_one_document_as_one() -> None:
    gains = [[1.0]] * 30 + [[0.0]] * 30
    found = results_of(gains, [[1.0]] * 60)
    alone = bootstrap(RECALL_AT_1, RECALL_AT_1.tally(found))
    together = bootstrap(RECALL_AT_1, RECALL_AT_1.tally(found), clusters=np.repeat(np.arange(6), 10))
    assert alone.value == together.value == 0.5
    assert together.high - together.low > 2 * (alone.high - alone.low)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.permutations(range(25)), st.lists(st.integers(-1, 3), min_size=25, max_size=25)),
        min_size=1,
        max_size=6,
    )
)
def test_scores_are_those_of_pytrec_eval(rows: list[tuple[list[int], list[int]]]) -> None:
    pytrec_eval = pytest.importorskip("pytrec_eval", reason="pip install pytrec-eval-terrier")
    rows = [(order, grades) for order, grades in rows if max(grades) > 0]
    if not rows:
        return
    places = 20
    wanted = {"recall.1,5,20", "recip_rank", "ndcg_cut.10"}
    qrels = {f"q{at}": {f"d{doc}": grade for doc, grade in enumerate(grades)} for at, (_, grades) in enumerate(rows)}
    runs = {
        f"q{at}": {f"d{doc}": float(-rank) for rank, doc in enumerate(order[:places])}
        for at, (order, _) in enumerate(rows)
    }
    cut = {name: dict(sorted(run.items(), key=lambda item: -item[1])[:10]) for name, run in runs.items()}
    whole = pytrec_eval.RelevanceEvaluator(qrels, wanted).evaluate(runs)
    first = pytrec_eval.RelevanceEvaluator(qrels, {"recip_rank"}).evaluate(cut)
    found = results_of(
        [[max(grades[doc], 0) for doc in order[:places]] for order, grades in rows],
        [sorted((max(grade, 0) for grade in grades), reverse=True) for _, grades in rows],
    )
    theirs = [whole[f"q{at}"] for at in range(len(rows))]
    assert ndcgs(found, 10) == pytest.approx([each["ndcg_cut_10"] for each in theirs])
    assert reciprocal_ranks(found, 10) == pytest.approx([first[f"q{at}"]["recip_rank"] for at in range(len(rows))])
    for most in (1, 5, 20):
        assert recalls(found, most) == pytest.approx([each[f"recall_{most}"] for each in theirs])


def test_choices_are_made_by_ndcg_and_the_rest_is_shown() -> None:
    names = [name for name in METRICS.names() if "ranking" in METRICS.get(name).serves]
    assert names[:5] == ["ndcg_at_10", "mrr_at_10", "recall_at_1", "recall_at_5", "recall_at_20"]
    assert NDCG_AT_10.bounds == (0.0, 1.0)
