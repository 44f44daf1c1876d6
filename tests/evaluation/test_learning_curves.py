"""Learning curves against formulas and simulations with known truth: bands, forecasts, what labels are worth."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
from scipy.stats import norm
from scipy.stats import t as student

from headstart.evaluation import learning_curves
from headstart.evaluation.curve_forecasts import forecast
from headstart.evaluation.label_savings import label_savings
from headstart.evaluation.learning_curves import LearningCurve, drawn_means, falls, learning_curve
from headstart.metrics import METRICS
from headstart.metrics.base import Tally

ACCURACY, LOSS = METRICS.get("accuracy"), METRICS.get("log_loss")
SIZES = (16, 32, 64, 128, 256)


def right(count: float, rows: int = 1000) -> Tally:
    """The first rows, the easy ones, are right."""
    return Tally.of(np.stack([np.arange(rows) < round(count), np.ones(rows)], 1).astype(int))


def curve(
    scores: Mapping[int, float],
    *,
    draws: int = 4,
    spread: float = 0.01,
    rows: int = 1000,
    pool: int | None = None,
    label: str = "way",
) -> LearningCurve:
    """A curve with mean scores by size, its draws as far from them as `spread` says, all of them with the same sign."""
    offsets = np.linspace(-1, 1, draws) if draws > 1 else np.zeros(1)
    cells = {
        (n, d): right(rows * (mean + spread * offsets[d]), rows) for n, mean in scores.items() for d in range(draws)
    }
    return learning_curve(label, cells, ACCURACY, draws=range(draws), pool=pool)


def power(size: float) -> float:
    return 0.9 - 1.6 * size**-0.5


def test_a_band_adds_what_draws_and_test_rows_vary_by() -> None:
    found = curve({16: 0.5, 32: 0.6}, draws=3, spread=0.02)
    between = float(np.var([0.48, 0.5, 0.52], ddof=1)) / 3
    half = np.sqrt(student.ppf(0.975, 2) ** 2 * between + 1.96**2 * float(found.test_variance[0]))
    (band, _) = found.bands()
    assert found.test_variance[0] == pytest.approx(0.25 / 1000, rel=0.2)
    assert (band.score.value, band.draws, band.of_draws) == (pytest.approx(0.5), 3, True)
    assert band.score.high - band.score.value == pytest.approx(half, rel=0.01)


def test_a_single_draw_has_a_band_of_test_rows_alone_and_says_so() -> None:
    found = curve({16: 0.5}, draws=1)
    (band,) = found.bands()
    assert not band.of_draws
    assert band.score.high - band.score.low == pytest.approx(2 * 1.96 * np.sqrt(0.25 / 1000), rel=0.1)


def test_a_missing_cell_is_a_gap_and_not_a_zero() -> None:
    cells = {(16, 0): right(500), (16, 1): right(520), (64, 0): right(700)}
    found = learning_curve("way", cells, ACCURACY, sizes=(16, 32, 64), draws=range(2))
    assert found.means.tolist() == [pytest.approx(0.51), pytest.approx(np.nan, nan_ok=True), pytest.approx(0.7)]
    assert [(band.size, band.draws, band.of_draws) for band in found.bands()] == [(16, 2, True), (64, 1, False)]
    assert np.isfinite(drawn_means(found)[:, [0, 2]]).all()


def test_test_rows_are_the_same_for_all_cells_and_curves() -> None:
    one, other = curve({16: 0.5, 32: 0.5}, spread=0.0), curve({16: 0.5}, spread=0.0)
    assert np.array_equal(one.resampled[:, :, 0], one.resampled[:, :, 1])
    assert np.array_equal(one.resampled[:, :, 0], other.resampled[:, :, 0])
    assert np.array_equal(drawn_means(curve({16: 0.5})), drawn_means(curve({16: 0.5})))


def test_rows_that_hang_together_are_drawn_together() -> None:
    cells = {(16, 0): right(50, 100)}
    plain, grouped = (
        learning_curve("way", cells, ACCURACY, clusters=clusters) for clusters in (None, np.arange(100) // 10)
    )
    assert grouped.test_variance[0] > 5 * plain.test_variance[0]


def test_draws_that_are_most_of_the_rows_do_not_pass_for_sure() -> None:
    found = curve({16: 0.5, 100: 0.6}, pool=100)
    whole = learning_curve(
        "way", {(n, d): right(1000 * (0.5 + n / 1000 + (0.02 * d if n < 100 else 0))) for n in (16, 100) for d in range(4)},
        ACCURACY, pool=100,
    )  # fmt: skip
    assert found.draw_variance[1] == pytest.approx(found.draw_variance[0])
    assert whole.bands()[1].of_draws
    assert whole.mean_variance[1] - whole.test_variance[1] == pytest.approx(whole.draw_variance[0])
    assert curve({16: 0.5}, pool=32).draw_variance[0] == pytest.approx(2 * curve({16: 0.5}).draw_variance[0])


def test_cells_of_other_test_rows_are_refused() -> None:
    with pytest.raises(ValueError, match="same test rows"):
        learning_curve("way", {(16, 0): right(5, 10), (32, 0): right(5, 11)}, ACCURACY)


def test_a_power_law_is_carried_on_inside_of_its_band() -> None:
    found = forecast(curve({size: power(size) for size in (32, 64, 128, 256, 512)}, spread=0.004))
    assert [point.size for point in found.points] == [1024, 2048]
    for point in found.points:
        assert point.value == pytest.approx(power(point.size), abs=0.012)
        assert point.low < power(point.size) < point.high
        assert point.gain_low < power(point.size) - power(512) < point.gain_high
        assert point.width < 0.1
    assert sum(share for _, share in found.families) == pytest.approx(1)


def test_a_loss_is_carried_on_downwards() -> None:
    def losses(size: int, draw: int) -> Tally:
        values = np.random.default_rng(0).normal(0.3 + 2 * size**-0.5 + 0.005 * (draw - 1), 0.1, 500)
        return Tally.of(np.stack([values, np.ones(500)], 1))

    found = forecast(learning_curve("way", {(n, d): losses(n, d) for n in SIZES for d in range(3)}, LOSS))
    assert [point.value for point in found.points] == pytest.approx([0.3 + 2 * n**-0.5 for n in (512, 1024)], abs=0.02)
    assert all(point.gain < 0 for point in found.points)


@pytest.mark.parametrize(
    ("scores", "why"),
    [
        ([0.5, 0.6, 0.65], "needs 4 sizes"),
        ([0.5, 0.6, 0.7, 0.6, 0.5], "it falls"),
        ([0.5, 0.5, 0.5, 0.5, 0.5], "not risen by more than noise"),
        ([0.5, 0.505, 0.51, 0.53, 0.65], "rises faster from size to size"),
    ],
)
def test_there_is_no_forecast_of_what_no_curve_can_tell(scores: list[float], why: str) -> None:
    found = forecast(curve(dict(zip(SIZES, scores, strict=False)), spread=0.005))
    assert found.points == ()
    assert why in found.refusal


def test_there_is_no_forecast_of_one_draw_nor_beyond_four_times_the_rows_nor_in_a_wide_band() -> None:
    scores = {size: power(size) for size in (32, 64, 128, 256)}
    assert "draws" in forecast(curve(scores, draws=1)).refusal
    assert "up to 4 times" in forecast(curve(scores), [1025]).refusal
    assert "wide" in forecast(curve({size: power(size) for size in SIZES}, spread=0.05, rows=60)).refusal
    assert [point.size for point in forecast(curve(scores, spread=0.002), [300, 5000]).points] == [300]


def test_a_fall_at_the_start_is_left_out_of_the_fit() -> None:
    found = forecast(curve({8: 0.75} | {size: power(size) for size in (32, 64, 128, 256, 512)}, spread=0.004))
    assert found.points[0].value == pytest.approx(power(1024), abs=0.012)


def test_a_curve_that_falls_is_said_to() -> None:
    assert falls(curve({16: 0.5, 32: 0.7, 64: 0.6})) == [(32, 64)]
    assert falls(curve({16: 0.5, 32: 0.501, 64: 0.5})) == []


def test_labels_are_worth_what_a_control_needs_between_its_sizes() -> None:
    control = curve({16: 0.5, 64: 0.6, 256: 0.7}, spread=0.0, label="control")
    way = curve({16: 0.65, 64: 0.7, 256: 0.8}, spread=0.0)
    first, second, third = label_savings(way, control)
    assert first.rows == pytest.approx(128, rel=1e-6)  # half way between 64 and 256 along the logarithm
    assert (first.times, first.at_least) == (pytest.approx(8), False)
    assert first.low <= first.times <= (first.high or 0)
    assert (second.times, second.at_least) == (pytest.approx(4), False)
    assert (third.rows, third.times, third.at_least, third.high) == (256, 1, True, None)


def test_nothing_is_said_where_a_control_does_as_well_with_its_fewest_rows() -> None:
    control = curve({16: 0.6, 64: 0.7}, spread=0.0)
    assert [each.size for each in label_savings(curve({16: 0.55, 64: 0.65}, spread=0.0), control)] == [64]


def test_a_dip_of_the_control_is_smoothed_out() -> None:
    control = curve({16: 0.5, 32: 0.62, 64: 0.58, 128: 0.7}, spread=0.0)
    (found,) = label_savings(curve({16: 0.65}, spread=0.0), control)
    assert 64 < found.rows < 128


def test_curves_of_other_draws_are_not_held_against_each_other() -> None:
    with pytest.raises(ValueError, match="same draws"):
        label_savings(curve({16: 0.5}, draws=2), curve({16: 0.5}, draws=3))


@pytest.mark.slow
@pytest.mark.parametrize(("draws", "pool"), [(5, None), (3, None), (5, 420)])
def test_bands_hold_the_truth_as_often_as_they_say(
    draws: int, pool: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(learning_curves, "RESAMPLES", 300)
    random, sizes, noise = np.random.default_rng(5), (50, 400), 3.0
    truth = {n: float(norm.cdf((-0.3 + 0.2 * np.log2(n / 50)) / np.sqrt(1.09 + noise**2 / n))) for n in sizes}
    inside = []
    for _ in range(300):
        hard, rows = random.normal(size=300), random.normal(size=pool or 1)
        cells = {}
        for draw in range(draws):
            taken = random.permutation(rows) if pool else random.normal(size=max(sizes))
            for n in sizes:
                able = -0.3 + 0.2 * np.log2(n / 50) + noise * taken[:n].mean()
                told = hard + 0.3 * random.normal(size=300) < able
                cells[n, draw] = Tally.of(np.stack([told, np.ones(300)], 1).astype(int))
        bands = learning_curve("way", cells, ACCURACY, pool=pool, seed=int(random.integers(1 << 30))).bands()
        inside.append([band.score.low <= truth[band.size] <= band.score.high for band in bands])
    assert np.mean(inside) == pytest.approx(0.955, abs=0.03)


def test_numbers_do_not_hang_on_how_many_curves_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = curve({16: 0.5, 32: 0.6})
    with_gap = learning_curve("way", {(16, 0): right(500)}, ACCURACY, sizes=(16, 32), draws=range(4))
    assert len(whole.resampled) == len(with_gap.resampled)
    monkeypatch.setattr(learning_curves, "MOST_WEIGHTS", 7000)
    assert np.array_equal(curve({16: 0.5, 32: 0.6}).resampled.shape, whole.resampled.shape)
