"""Trials by ask and tell: the same after every interruption, in a journal that plain optuna reads."""

import math
import warnings
from pathlib import Path
from typing import Any

import pytest

from headstart.errors import RunFolderError, UnavailableError
from headstart.strategies import STRATEGIES
from headstart.training.settings import Training
from headstart.tuning import search
from headstart.tuning.search import JOURNAL, STUDY, Search, SearchTrial
from headstart.tuning.space import space_of

HELD: dict[str, Any] = {"strategy": STRATEGIES.get("fine-tuning")(), "training": Training()}
SPACE = space_of(
    {
        "strategy.layers": [2, 4, "all"],
        "training.learning_rate": {"low": 1e-5, "high": 5e-4, "log": True},
        "training.epochs": {"low": 2, "high": 6},
    },
    HELD,
    {},
)
TRIALS = 12


def value(trial: SearchTrial) -> float:
    rate = trial.settings["training.learning_rate"]
    return 0.8 - abs(math.log10(rate / 1e-4)) / 10 + 0.01 * (trial.settings["strategy.layers"] == "all")


class Killed(BaseException):
    """The process is gone."""


def go(folder: Path, kill: tuple[str, int] = ("", 0), **more: Any) -> list[SearchTrial]:
    """A search of a dozen trials, some given up on and one failed; killed behind a step of a trial."""
    found = Search(folder, SPACE, **more)

    def done(step: str, trial: SearchTrial) -> None:
        if kill == (step, trial.number):
            with (folder / JOURNAL).open("ab") as file:
                file.write(b'{"op_code": 4, "worker_i')
            (folder / f"{JOURNAL}.lock").symlink_to(JOURNAL)
            raise Killed

    if not found.trials:
        found.begin({"strategy.layers": "all", "training.learning_rate": 1e-4, "training.epochs": 3}, 0.79)
    while sum(each.state != "running" for each in found.trials) < TRIALS:
        trial = found.ask()
        assert trial is not None
        done("ask", trial)
        found.report(trial, 0, value(trial) - 0.1)
        done("report", trial)
        if trial.number == 4:
            found.tell(trial, "failed", note="it diverged")
        elif trial.number % 3 == 2:
            found.tell(trial, "pruned", value(trial) - 0.1)
        else:
            found.tell(trial, "done", value(trial))
        done("tell", trial)
    return found.trials


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> list[SearchTrial]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return go(tmp_path_factory.mktemp("whole"))


def test_a_search_that_was_killed_anywhere_goes_on_to_the_same_trials(whole: list[SearchTrial], tmp_path: Path) -> None:
    steps = [("ask", 1), ("report", 2), ("tell", 4), ("ask", 5), ("tell", 7), ("report", 8), ("ask", 9), ("ask", 11)]
    for kill in steps:
        with pytest.raises(Killed):
            go(tmp_path, kill)
    assert go(tmp_path) == whole


def test_trials_hang_on_the_seed_and_on_what_was_told(whole: list[SearchTrial], tmp_path: Path) -> None:
    assert [each.number for each in whole] == list(range(TRIALS))
    assert len({tuple(each.settings.values()) for each in whole}) == TRIALS
    assert whole[0].settings == {}
    assert (whole[4].state, whole[4].value, whole[4].note) == ("failed", None, "it diverged")
    other = go(tmp_path, seed=1)
    assert [each.settings for each in other[1:]] != [each.settings for each in whole[1:]]


def test_later_trials_lie_nearer_to_what_came_out_well(whole: list[SearchTrial], tmp_path: Path) -> None:
    def far(trials: list[SearchTrial]) -> float:
        return sum(abs(math.log10(each.settings["training.learning_rate"] / 1e-4)) for each in trials) / len(trials)

    found = [go(tmp_path / str(seed), seed=seed) for seed in range(3)]
    assert sum(far(each[7:]) for each in found) < sum(far(each[1:6]) for each in found)


def test_plain_optuna_reads_the_journal(tmp_path: Path) -> None:
    import optuna
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    found = go(tmp_path, about={"metric": "accuracy"})
    study = optuna.load_study(study_name=STUDY, storage=JournalStorage(JournalFileBackend(str(tmp_path / JOURNAL))))
    assert [each.value for each in study.trials if each.value is not None] == [
        each.value for each in found if each.value is not None
    ]
    assert study.user_attrs["metric"] == "accuracy"
    best = max((each for each in found if each.state == "done"), key=lambda each: each.value or 0.0)
    assert study.best_trial.number == best.number
    assert study.trials[3].params == found[3].settings


def test_what_matters_comes_first_and_few_trials_say_nothing(tmp_path: Path) -> None:
    found = Search(tmp_path, SPACE)
    assert found.importances() == {}
    go(tmp_path)
    shares = Search(tmp_path, SPACE).importances()
    assert next(iter(shares)) == "training.learning_rate"
    assert sum(shares.values()) == pytest.approx(1.0)


def test_defaults_outside_of_the_space_take_no_part_in_drawing(tmp_path: Path) -> None:
    found = Search(tmp_path, SPACE)
    found.begin({"strategy.layers": 6, "training.learning_rate": 1e-2, "training.epochs": None}, 0.5)
    for _ in range(8):
        trial = found.ask()
        assert trial is not None
        found.tell(trial, "done", value(trial))
    assert len(found.trials) == 9


def test_a_space_that_is_used_up_ends_the_search(tmp_path: Path) -> None:
    found = Search(tmp_path, space_of({"strategy.layers": [1, 2, "all"]}, HELD, {}))
    found.begin({"strategy.layers": "all"}, 0.5)
    tried = []
    for trial in iter(found.ask, None):
        tried.append(trial.settings["strategy.layers"])
        assert len(tried) <= 2
        found.tell(trial, "done", 0.4)
    assert sorted(tried) == [1, 2]


def test_lists_are_values_too(tmp_path: Path) -> None:
    held = HELD | {"strategy": STRATEGIES.get("feature-extraction")()}
    found = Search(tmp_path, space_of({"strategy.layers": [[1], [1, 2], [2]]}, held, {}))
    found.begin({"strategy.layers": [1]}, 0.5)
    trial = found.ask()
    assert trial is not None
    assert trial.settings["strategy.layers"] in ([1, 2], [2])


def test_a_journal_of_another_search_is_not_gone_on_with(tmp_path: Path) -> None:
    Search(tmp_path, SPACE)
    with pytest.raises(RunFolderError, match="another search"):
        Search(tmp_path, SPACE, seed=3)
    (tmp_path / JOURNAL).write_text("no journal\n")
    with pytest.raises(RunFolderError, match="cannot be read"):
        Search(tmp_path, SPACE)


def test_without_optuna_it_says_how_to_install_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "missing", lambda: search.MISSING)
    with pytest.raises(UnavailableError, match=r"pip install 'headstart\[tune\]'"):
        Search(tmp_path, SPACE)
