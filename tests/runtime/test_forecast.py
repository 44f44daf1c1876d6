"""Forecasts of all that is left of a command, on a clock of our own."""

import pytest

from headstart.cli.display import Lines
from headstart.runtime.forecast import Forecast
from headstart.runtime.progress import NamedStage


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def forecast(clock: Clock) -> Forecast:
    found = Forecast(clock)
    found.expect(
        [
            NamedStage("read", 10.0),
            NamedStage("lora", 99.0, "no", runs=False),
            NamedStage("train", 40.0),
            NamedStage("report", 5.0),
        ]
    )
    return found


def test_all_that_is_to_come_is_left_and_what_does_not_run_is_not(forecast: Forecast, clock: Clock) -> None:
    assert forecast.left() == 55
    forecast.enter("read")
    assert forecast.left() == 55
    clock.now = 4.0
    assert forecast.left() == 51
    forecast.enter("train")
    assert forecast.left() == 45


def test_the_more_of_a_stage_is_done_the_more_its_own_pace_counts(forecast: Forecast, clock: Clock) -> None:
    forecast.enter("train")
    forecast.begin(100)
    clock.now = 8.0  # what came before the first unit says nothing of the pace
    forecast.advance(1)
    assert forecast.left() == 32 + 5
    clock.now = 10.0
    forecast.advance(1)  # 2 s a unit: 196 s for the rest, against 30 s as planned
    assert forecast.left() == pytest.approx(0.98 * 30 + 0.02 * 196 + 5)
    clock.now = 106.0
    forecast.advance(48)  # planned time is over: 50 units in 98 s less the first
    assert forecast.left() == pytest.approx(50 * 98 / 49 + 5)


@pytest.mark.parametrize("done", [0, 10, 100])
def test_time_left_is_never_nothing_while_work_is(forecast: Forecast, clock: Clock, done: int) -> None:
    forecast.enter("report")
    forecast.begin(100)
    for _ in range(done):
        clock.now += 0.5
        forecast.advance(1)
    clock.now += 1000.0
    left = forecast.left()
    assert left is not None
    assert left >= 1
    assert forecast.said.startswith("about ")


def test_a_stage_that_nobody_announced_is_forecast_by_its_pace(clock: Clock) -> None:
    forecast = Forecast(clock)
    assert (forecast.left(), forecast.said) == (None, "")
    forecast.enter("evaluating")
    forecast.begin(10)
    for _ in range(5):
        clock.now += 2.0
        forecast.advance(1)
    assert forecast.left() == 10


def test_what_nobody_knows_the_time_of_is_not_said_to_be_nothing(clock: Clock) -> None:
    forecast = Forecast(clock)
    forecast.expect([NamedStage("reading"), NamedStage("learning"), NamedStage("report", 2.0)])
    forecast.enter("reading")
    forecast.begin(10)
    for _ in range(5):
        clock.now += 2.0
        forecast.advance(1)
    assert forecast.said == "about 12 s left of reading"
    forecast.expect([NamedStage("learning", 60.0), NamedStage("report", 2.0)])
    forecast.enter("learning")
    assert forecast.said == "about 62 s left"


def test_lines_show_the_plan_once_and_what_is_left_of_all(capsys: pytest.CaptureFixture[str], clock: Clock) -> None:
    lines = Lines()
    lines.forecast._clock = clock
    stages = [
        NamedStage("tf-idf", 3.0),
        NamedStage("fine-tuning", 60.0, "2 epochs"),
        NamedStage("lora", 9.0, "needs 9.0 s, 1.0 s left", False),
    ]
    lines.expect(stages)
    lines.expect(stages)
    lines.enter("fine-tuning")
    lines.begin("fine-tuning", 10)
    lines._printed -= 20.0  # nothing was said for long
    lines.advance(3, "loss 0.5")
    lines.end()
    assert capsys.readouterr().err.splitlines() == [
        "plan         tf-idf       about 3.0 s",
        "             fine-tuning   about 60 s  2 epochs",
        "             lora                      not run: needs 9.0 s, 1.0 s left",
        "fine-tuning  begins, about 60 s left",
        "fine-tuning  30 %, loss 0.5, about 60 s left",
        "fine-tuning  done in 0.0 s",
    ]
