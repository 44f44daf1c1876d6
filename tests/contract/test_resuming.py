"""Every strategy, killed or stopped anywhere, comes out as if it had not been: forks of the real command line."""

import csv
import hashlib
import json
import random
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest
from tests.contract.pairs import needs_target, needs_tasks, slow_but, strategies_of
from tests.forked import POINTS, Ended, Program

from headstart.errors import StorageError
from headstart.runs.recorded import place_of
from headstart.strategies import STRATEGIES
from headstart.training.checkpoints import STEP

FORKED = ("fine-tuning", "contrastive")
"""Strategies that are killed by default: trained on labels, and trained on pairs of texts by folds."""
WORDS = ("parcel", "shop", "day", "night", "way", "start")
ROWS = 72
TRAINING = ("--epochs", "2", "--batch-size", "16")


@pytest.fixture(scope="module")
def words(tmp_path_factory: pytest.TempPathFactory, tiny_backbone: Path) -> list[object]:
    """What all fits have in common; every update leaves a checkpoint."""
    path = tmp_path_factory.mktemp("resuming") / "train.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["text", "label"])
        for at in range(ROWS):
            good = at % 2 if at % 7 else 1 - at % 2
            text = (
                f"the {WORDS[at % 6]} is {('bad', 'good')[good]}" + " and very good indeed" * (at % 3) + " ." * (at % 4)
            )
            table.writerow([text + f" {at}", ("down", "up")[at % 2]])
    return [
        path, "--backbone", tiny_backbone, "--checkpoint-every", "0", *TRAINING, "--no-controls",
        "--threads", "1", "--precision", "float32",
    ]  # fmt: skip


def fit_words(words: list[object], name: str, *, trains: bool | None = None) -> list[object]:
    """The command of a strategy; those that train nothing are not told how."""
    if not (STRATEGIES.get(name)().trains if trains is None else trains):
        words = [word for word in words if word not in TRAINING]
    if needs_target(name):
        path = Path(str(words[0])).with_name("target.csv")
        texts = [f"now the {word} is {said} {at}" for at, word in enumerate(WORDS) for said in ("bad", "good")]
        path.write_text("\n".join(["text", *texts]) + "\n", encoding="utf-8")
        words = [*words, "--target", path]
    if needs_tasks(name):
        path = Path(str(words[0])).with_name("moods.csv")
        lines = [
            f"now the {word} is {said} {at},{said}" for at in range(4) for word in WORDS for said in ("low", "high")
        ]
        path.write_text("\n".join(["text,mood", *lines]) + "\n", encoding="utf-8")
        words = [*words, "--auxiliary", path]
    short = {
        "from-scratch": ["--rates", "0.001"],
        "domain-adaptation": ["--text-updates", "8"],
        "weight-averaging": ["--members", "2"],
        "intermediate-task": ["--stone-epochs", "1"],
    }.get(name, [])
    # The others by cross-validation: several stages each.
    folds = ["--folds", "0"] if name in ("fine-tuning", "from-scratch") else []
    return ["fit", *words, "--strategy", name, *short, *folds]


def bits(folder: Path) -> dict[str, str]:
    """Digests of all weights, and the course of the loss."""
    found = {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*.safetensors"))
    }
    evidence = json.loads((folder / "evidence.json").read_text())
    scores = [row["scores"]["validation"] for row in evidence["leaderboard"] if row["scores"]]
    found["curves"] = json.dumps([row["curve"] for row in evidence["leaderboard"]])
    return found | {"scores": json.dumps(scores), "chosen": evidence["chosen"]}


class Whole(dict[str, Any]):
    """Runs that nothing interrupts, by strategy: their bits, and how often each point is reached."""

    def __init__(self, program: Program, words: list[object], place: Path) -> None:
        super().__init__()
        self.program, self.words, self.place = program, words, place

    def __missing__(self, name: str) -> Any:
        done = self.program.run(*fit_words(self.words, name), "-o", self.place / name, count=True)
        assert done.code == 0, done.err
        self[name] = bits(self.place / name), done.reached
        return self[name]


@pytest.fixture(scope="module")
def whole(program: Program, words: list[object], tmp_path_factory: pytest.TempPathFactory) -> Whole:
    return Whole(program, words, tmp_path_factory.mktemp("whole"))


def clean(ended: Ended) -> Ended:
    """No traceback, and no checkpoint that was torn."""
    assert "Traceback" not in ended.err, ended.err
    assert " !! " not in "".join(line for line in ended.err.split("\n") if line.startswith("resume")), ended.err
    return ended


def finished(program: Program, first: list[object], run: Path, **how: Any) -> Ended:
    """Go on with a run; with its first command, if it was killed before anything was written down."""
    begun = (place_of(run) / "run.json").is_file() or (run / "headstart.json").is_file()
    return clean(program.run("resume", run, **how) if begun else program.run(*first, "-o", run, **how))


def require_same(whole: dict[str, str], run: Path) -> None:
    assert bits(run) == whole
    assert not place_of(run).exists()
    assert {path.name for path in run.parent.iterdir()} == {run.name}  # nothing half-written beside it


@pytest.mark.slow
def test_killed_and_resumed_on_a_disk(
    program: Program, words: list[object], whole: Whole, tmp_path: Path, disk: Path
) -> None:
    """Temporary folders may lie in memory, where what was written stays without being synced."""
    expected, reached = whole["fine-tuning"]
    first = fit_words(words, "fine-tuning")
    for at, point in enumerate(POINTS):
        run = disk / str(at) / "run"
        run.parent.mkdir()
        killed = program.run(*first, "-o", run, at=(point, 1 + reached[point] // 2, ("before", "after")[at % 2]))
        assert killed.code == -signal.SIGKILL
        assert finished(program, first, run).code == 0
        require_same(expected, run)


@pytest.mark.parametrize(
    ("point", "hit", "when"),
    slow_but(
        [(point, *((1, "before"), (2, "after"))[at % 2]) for at, point in enumerate(POINTS)],
        [(point, hit, when) for point in POINTS for hit in (1, 2) for when in ("before", "after")],
    ),
)
def test_killed_at_every_point_of_the_writer(
    program: Program, words: list[object], whole: Whole, tmp_path: Path, point: str, hit: int, when: str
) -> None:
    expected, reached = whole["fine-tuning"]
    assert reached[point] >= 2
    first = fit_words(words, "fine-tuning")
    killed = program.run(*first, "-o", tmp_path / "run", at=(point, hit, when))
    assert killed.code == -signal.SIGKILL
    assert finished(program, first, tmp_path / "run").code == 0
    require_same(expected, tmp_path / "run")


@pytest.mark.parametrize("name", slow_but(FORKED, strategies_of("text-classification")))
def test_every_strategy_killed_in_the_middle_and_near_the_end(
    program: Program, words: list[object], whole: Whole, tmp_path: Path, name: str
) -> None:
    expected, reached = whole[name]
    first = fit_words(words, name)
    run = tmp_path / "run"
    point = "update" if reached.get("update") else "runtime.durable.sync"
    assert program.run(*first, "-o", run, at=(point, max(1, reached[point] // 2), "after")).code == -signal.SIGKILL
    left = finished(program, first, run, at=("runtime.durable.rename", 2, "before"))
    assert left.code == -signal.SIGKILL
    assert finished(program, first, run).code == 0
    require_same(expected, run)


@pytest.mark.slow
def test_a_strategy_around_another_one_goes_on_in_the_round_that_was_killed(
    program: Program, words: list[object], tmp_path: Path
) -> None:
    inner = ["--then", "fine-tuning", "--rounds", "1", "--confidence", "0.4", "--folds", "0"]
    first = [*fit_words(words, "self-training", trains=True), *inner]
    done = program.run(*first, "-o", tmp_path / "whole" / "run", count=True)
    assert done.code == 0, done.err
    run = tmp_path / "killed" / "run"
    run.parent.mkdir()
    killed = program.run(*first, "-o", run, at=("update", done.reached["update"] - 1, "after"))
    assert killed.code == -signal.SIGKILL
    again = clean(program.run("resume", run, count=True))
    assert again.code == 0, again.err
    assert again.reached["update"] < done.reached["update"] / 2  # the round before it was read, not trained again
    require_same(bits(tmp_path / "whole" / "run"), run)


@pytest.mark.parametrize("kills", [4, pytest.param(200, marks=pytest.mark.slow)])
def test_killed_at_random_times(
    program: Program, words: list[object], whole: Whole, tmp_path: Path, kills: int
) -> None:
    chance = random.Random(kills)
    expected, reached = whole["contrastive"]
    assert reached["update"] > 10
    first = fit_words(words, "contrastive")
    done = 0
    while done < kills:
        run = tmp_path / str(done) / "run"
        run.parent.mkdir()
        ended = finished(program, first, run, after=chance.uniform(0.05, 0.7))
        for _ in range(5):
            if ended.code != -signal.SIGKILL:
                break
            done += 1
            ended = finished(program, first, run, after=chance.uniform(0.05, 0.7))
        if ended.code == -signal.SIGKILL:
            done += 1
            ended = finished(program, first, run)
        assert ended.code == 0, ended.err
        require_same(expected, run)
        shutil.rmtree(run)


@pytest.mark.parametrize("updates", [(1, 10), pytest.param((4, 7), marks=pytest.mark.slow)])
@pytest.mark.parametrize(("how", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_stopped_at_any_update_the_checkpoint_of_that_update_is_there_and_it_says_how_to_go_on(
    program: Program,
    words: list[object],
    whole: Whole,
    tmp_path: Path,
    how: signal.Signals,
    code: int,
    updates: tuple[int, ...],
) -> None:
    expected, reached = whole["fine-tuning"]
    first = [*fit_words(words, "fine-tuning"), "--checkpoint-every", "1h"]
    # Two epochs of four batches, then one epoch of the network that is read by the mean over tokens.
    assert reached["update"] == 12
    steps_done = {1: 1, 4: 4, 7: 7, 10: 2}
    for update in updates:
        run = tmp_path / str(update) / "run"
        run.parent.mkdir()
        ended = clean(program.run(*first, "-o", run, at=("update", update, ("before", "after")[update % 2]), how=how))
        assert ended.code == code, ended.err
        assert ended.err.endswith(f"go on with: headstart resume {run}\n"), ended.err
        steps = [path.name for path in place_of(run).rglob(f"{STEP}*")]
        assert len(steps) == 1
        assert steps[0].startswith(f"{STEP}{steps_done[update]:08d}")
        assert finished(program, first, run).code == 0
        require_same(expected, run)
    assert {update % 2 for update in updates} == {0, 1}  # before and after


@pytest.mark.slow
@pytest.mark.parametrize("count", [4, 40])
def test_a_limit_on_file_sizes_never_costs_what_was_written(
    program: Program, words: list[object], whole: Whole, tmp_path: Path, count: int
) -> None:
    expected, _ = whole["fine-tuning"]
    first = fit_words(words, "fine-tuning")
    sizes = sorted(path.stat().st_size for path in (whole.place / "fine-tuning").rglob("*") if path.is_file())
    chance = random.Random(5)
    # What the fork says goes to a file too, so the least limit leaves room for it.
    limits = [chance.randrange(16_000, int(1.2 * sizes[-1])) for _ in range(count)]
    codes = set()
    for at, limit in enumerate(limits):
        run = tmp_path / str(at) / "run"
        run.parent.mkdir()
        if at % 2:  # with a checkpoint that was written before
            assert program.run(*first, "-o", run, at=("update", 1 + at % 8, "after")).code == -signal.SIGKILL
        full = finished(program, first, run, limits={"RLIMIT_FSIZE": limit})
        codes.add(full.code)
        assert full.code in (0, StorageError.exit_code), full.err
        if full.code:
            assert "cannot be written" in full.err
            assert finished(program, first, run).code == 0
        require_same(expected, run)
        shutil.rmtree(run)
    assert StorageError.exit_code in codes


def test_an_experiment_of_several_strategies_does_not_do_again_what_is_done(
    program: Program, words: list[object], tmp_path: Path
) -> None:
    first = [
        "compare",
        *words,
        "--strategies",
        "tf-idf,feature-extraction,contrastive,from-scratch",
        "--rates",
        "0.001",
        "--folds",
        "0",
    ]
    done = program.run(*first, "-o", tmp_path / "whole" / "run", count=True)
    assert done.code == 0, done.err
    run = tmp_path / "killed" / "run"
    run.parent.mkdir()
    killed = program.run(*first, "-o", run, at=("update", done.reached["update"] - 3, "after"))
    assert killed.code == -signal.SIGKILL
    again = clean(program.run("resume", run, count=True))
    assert again.code == 0, again.err
    assert again.reached["update"] == 4  # the last one had left no checkpoint yet
    for name in ("tf-idf", "feature-extraction", "contrastive"):
        assert f"{name} was done before" in again.err
    require_same(bits(tmp_path / "whole" / "run"), run)


def test_predictions_that_were_killed_leave_nothing_behind_once_they_are_whole(
    program: Program, words: list[object], whole: Whole, tmp_path: Path
) -> None:
    assert whole["fine-tuning"]
    model = whole.place / "fine-tuning"
    command = ["predict", model, "--input", words[0], "--output", tmp_path / "out.csv"]
    killed = program.run(*command, at=("serving.files.own_version", 1, "after"))
    assert killed.code == -signal.SIGKILL
    assert len(list(tmp_path.iterdir())) == 1
    assert clean(program.run(*command)).code == 0
    assert [path.name for path in tmp_path.iterdir()] == ["out.csv"]
