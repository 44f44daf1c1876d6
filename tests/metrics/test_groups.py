"""How far groups lie apart, and what of it is noise."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from headstart.metrics import METRICS
from headstart.metrics.base import Tally
from headstart.metrics.groups import (
    Rates,
    against_rest,
    bias_aurocs,
    difference,
    equality_difference,
    ratio,
    score_gap,
)

# Made once with fairlearn 0.15.0: demographic_parity_*, equalized_odds_* and MetricFrame of these rows.
GROUPS = np.array([int(c) for c in "212212200002201202012010202111111222211210202100100121222111"])
TRUE = np.array([c == "1" for c in "111101110110000010001011110100000111110101001000011001000111"])
GIVEN = np.array([c == "1" for c in "101010101100100100000010100100100001111100110000000010101000"])
SELECTION = [0.1875, 0.2857142857142857, 0.5652173913043478]
TPR = [0.1111111111111111, 0.375, 0.5384615384615384]
FPR = [0.2857142857142857, 0.23076923076923078, 0.6]


def rates(among: np.ndarray | None = None) -> Rates:
    found = Rates.of(GROUPS, GIVEN, among)
    assert found is not None
    return found


def test_differences_and_ratios_are_those_of_fairlearn() -> None:
    assert rates().values == pytest.approx(SELECTION, abs=1e-12)
    assert difference(rates().values) == pytest.approx(0.3777173913043478, abs=1e-12)
    assert ratio(rates().values) == pytest.approx(0.3317307692307693, abs=1e-12)
    hits, alarms = rates(TRUE), rates(~TRUE)
    assert hits.values == pytest.approx(TPR, abs=1e-12) and alarms.values == pytest.approx(FPR, abs=1e-12)
    assert max(difference(each.values) for each in (hits, alarms)) == pytest.approx(0.42735042735042733, abs=1e-12)
    assert min(ratio(each.values) for each in (hits, alarms)) == pytest.approx(0.20634920634920634, abs=1e-12)


def test_rates_need_rows_of_each_group_and_ratios_of_nothing_are_one() -> None:
    hits = np.array([1, 0, 1, 1], bool)
    assert Rates.of(np.array([0, 0, 1, 2]), hits, np.array([1, 1, 0, 0], bool)) is None
    found = Rates.of(np.array([0, 0, 1, 2]), hits, np.array([1, 1, 0, 1], bool))
    assert found is not None and found.by_group(3) == [0.5, None, 1.0] and difference(found.values) == 0.5
    assert ratio(np.zeros(3)) == 1


def test_groups_that_do_not_differ_lie_no_further_apart_than_noise() -> None:
    random = np.random.default_rng(0)
    p_values = []
    for _ in range(60):
        codes, hits = random.integers(0, 8, 400), random.random(400) < 0.2
        found = Rates.of(codes, hits)
        assert found is not None
        gap = found.gap(lambda each, whole=found.overall: equality_difference(each, whole), most=8.0)
        p_values.append(gap.p)
        assert gap.expected == pytest.approx(8 * 0.8 * np.sqrt(0.16 / 50), rel=0.2)
    assert 0.3 < np.mean(p_values) < 0.7 and min(p_values) > 0.001


def test_a_true_gap_stands_above_the_noise() -> None:
    random = np.random.default_rng(1)
    codes = random.integers(0, 4, 2000)
    found = Rates.of(codes, random.random(2000) < np.array([0.1, 0.1, 0.1, 0.5])[codes])
    assert found is not None
    gap = found.gap(difference)
    assert gap.p < 0.001 and gap.score.low < 0.4 < gap.score.high
    assert gap.above == pytest.approx(gap.score.value - gap.expected)
    small = found.gap(ratio, least=True)
    assert small.p < 0.001 and small.above == pytest.approx(small.expected - small.score.value) and small.above > 0.3


def test_rows_of_one_cluster_are_dealt_as_one() -> None:
    random = np.random.default_rng(4)
    # Ten copies of each of 40 rows: groups that do not differ lie apart as 40 rows do, not 400.
    codes, right = np.repeat(np.arange(40) % 2, 10), np.repeat(random.random(40) < 0.5, 10)
    clusters, metric = np.repeat(np.arange(40), 10), METRICS.get("accuracy")
    alone = Rates.of(codes[::10], right[::10])
    together, apart = Rates.of(codes, right, clusters=clusters), Rates.of(codes, right)
    assert alone is not None and together is not None and apart is not None
    expected = alone.gap(difference).expected
    assert together.gap(difference).expected == pytest.approx(expected, rel=0.05)
    assert apart.gap(difference).expected < expected / 2
    gap = score_gap(metric, accuracy(right), codes, 2, clusters)
    assert gap is not None and gap.expected == pytest.approx(expected, rel=0.05)
    for own, more in ((clusters, 1.0), (None, np.sqrt(0.1))):
        found = against_rest(metric, accuracy(right), codes == 0, own)
        assert found is not None
        width = found[0].high - found[0].low
        assert width == pytest.approx(more * 2 * 1.96 * np.sqrt(2 * 0.25 / 20), rel=0.1)


def accuracy(right: np.ndarray) -> Tally:
    return Tally.of(np.stack([right.astype(int), np.ones(len(right), dtype=int)], axis=1))


def test_scores_of_a_group_against_the_rest() -> None:
    random = np.random.default_rng(2)
    inside = np.arange(600) < 150
    right = random.random(600) < np.where(inside, 0.6, 0.9)
    metric = METRICS.get("accuracy")
    found = against_rest(metric, accuracy(right), inside)
    assert found is not None
    score, p = found
    assert score.value == pytest.approx(right[inside].mean() - right[~inside].mean()) and score.n == 150
    assert p < 0.001 and score.low < -0.3 < score.high
    gap = score_gap(metric, accuracy(right), inside.astype(int), 2)
    assert gap is not None and gap.score.value == pytest.approx(-score.value) and gap.p < 0.01
    even = score_gap(metric, accuracy(random.random(600) < 0.8), random.integers(0, 5, 600), 5)
    assert even is not None and even.p > 0.01 and even.score.value < 3 * even.expected


def test_aurocs_are_those_of_scikit_learn_and_cross_the_border_of_a_group() -> None:
    random = np.random.default_rng(3)
    scores, positive, inside = np.round(random.random(300), 1), random.random(300) < 0.4, random.random(300) < 0.3
    areas = bias_aurocs(scores, positive, inside)
    rows = {
        "subgroup": inside,
        "bpsn": (inside & ~positive) | (~inside & positive),
        "bnsp": (inside & positive) | (~inside & ~positive),
    }
    for name, chosen in rows.items():
        area = areas[name]
        assert area is not None and area.value == pytest.approx(
            roc_auc_score(positive[chosen], scores[chosen]), abs=1e-12
        )
    assert set(bias_aurocs(np.array([0.1, 0.2]), np.array([True, False]), np.array([True, True])).values()) == {None}


def test_intervals_of_aurocs_over_clusters_are_those_of_drawing_whole_clusters_again() -> None:
    random = np.random.default_rng(7)
    size = 8
    clusters = np.repeat(np.arange(40), size)
    positive, inside = random.random(len(clusters)) < 0.5, clusters < 20
    # What a score says hangs on whose row it is: the rows of a cluster lie off together.
    scores = positive + np.repeat(random.normal(0, 2, 40), size) + random.normal(0, 0.2, len(clusters))
    scores = np.round(scores, 1)
    found = bias_aurocs(scores, positive, inside, clusters)
    alone = bias_aurocs(scores, positive, inside)
    chosen = {"subgroup": inside, "bpsn": inside ^ positive, "bnsp": inside == positive}
    for name, rows in chosen.items():
        names, drawn = np.unique(clusters[rows]), []
        members = {who: np.flatnonzero(rows & (clusters == who)) for who in names}
        for _ in range(400):
            places = np.concatenate([members[who] for who in random.choice(names, len(names))])
            if 0 < positive[places].sum() < len(places):
                ups, downs = (scores[places][positive[places] == kind] for kind in (True, False))
                drawn.append(((ups[:, None] > downs) + (ups[:, None] == downs) / 2).mean())
        low, high = np.percentile(drawn, [2.5, 97.5])
        own, narrow = found[name], alone[name]
        assert own is not None and narrow is not None and own.value == pytest.approx(narrow.value, abs=1e-12)
        assert own.low == pytest.approx(low, abs=0.03) and own.high == pytest.approx(high, abs=0.03)
        if name != "subgroup":  # where a cluster has rows of both kinds, what they have in common takes no part
            assert own.high - own.low > 1.5 * (narrow.high - narrow.low)


def test_aurocs_of_clusters_that_each_are_one_row_are_as_wide_and_those_of_one_cluster_say_little() -> None:
    random = np.random.default_rng(8)
    positive = random.random(400) < 0.5
    scores, inside = positive + random.normal(0, 1, 400), np.ones(400, dtype=bool)
    alone = bias_aurocs(scores, positive, inside)["subgroup"]
    each = bias_aurocs(scores, positive, inside, np.arange(400))["subgroup"]
    one = bias_aurocs(scores, positive, inside, np.zeros(400, dtype=np.int64))["subgroup"]
    assert alone is not None and each is not None and one is not None
    assert each.high - each.low == pytest.approx(alone.high - alone.low, rel=0.1)
    assert one.value == each.value and one.high - one.low > 0.7
    apart = bias_aurocs(positive.astype(float), positive, inside, np.arange(400) // 40)["subgroup"]
    assert apart is not None and apart.value == 1 and apart.low == pytest.approx(0.722, abs=0.001)  # Wilson, 10 of 10
