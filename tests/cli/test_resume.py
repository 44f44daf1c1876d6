"""`headstart resume` through all doors, and what stands in its way."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

import headstart as package
from headstart.errors import UsageError
from headstart.manifest import checkable
from headstart.runtime.durable import Lock

STEP = torch.optim.AdamW.step


@pytest.fixture
def stopping(monkeypatch: pytest.MonkeyPatch) -> Callable[[int | None], list[int]]:
    """Ctrl-C in the middle of an update; None lets all of them through and counts them."""

    def at(wanted: int | None) -> list[int]:
        done: list[int] = []

        def step(self: Any, *rest: Any) -> Any:
            done.append(1)
            if len(done) == wanted:
                os.kill(os.getpid(), signal.SIGINT)
            return STEP(self, *rest)

        monkeypatch.setattr(torch.optim.AdamW, "step", step)
        return done

    return at


@pytest.fixture
def words(files: Path, tiny_backbone: Path) -> list[object]:
    return [
        "fit", files / "train.csv", "--backbone", tiny_backbone, "--strategy", "fine-tuning", "--no-controls",
        "--epochs", 3, "--head", "native", "--threads", 1,
    ]  # fmt: skip


def weights(folder: Path) -> bytes:
    return next(folder.rglob("model.safetensors")).read_bytes()


KEPT: dict[str, Path] = {}
"""What `stopped` made for the first test of this process that asked for it."""


@pytest.fixture
def stopped(
    headstart: Callable[..., Any], words: list[object], stopping: Any, tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:  # fmt: skip
    """A run that was stopped, and `whole`, the same without."""
    if "folder" not in KEPT:
        assert headstart(*words, "-o", "whole").code == 0
        stopping(4)
        said = headstart(*words, "-o", "m")
        assert said.code == 130
        assert said.err.endswith("error: stopped before any strategy was done; go on with: headstart resume m\n")
        stopping(None)
        KEPT["folder"] = tmp_path_factory.mktemp("stopped") / "kept"
        shutil.copytree(tmp_path, KEPT["folder"], symlinks=True)
    shutil.copytree(KEPT["folder"], tmp_path, symlinks=True, dirs_exist_ok=True)
    return tmp_path / "m"


@pytest.mark.parametrize("door", ["command line", "recipe", "python"])
def test_every_door_goes_on_to_the_same_weights(
    headstart: Callable[..., Any], stopped: Path, stopping: Any, door: str
) -> None:
    done = stopping(None)
    if door == "command line":
        said = headstart("resume", "m", "--json")
        assert (said.code, said.json["artifact"], said.json["strategy"]) == (0, "m", "fine-tuning")
    elif door == "recipe":
        Path("go.yaml").write_text("verb: resume\nrun: m\n")
        said = headstart("run", "go.yaml")
        assert said.code == 0
        assert "* fine-tuning" in said.out
        assert "headstart predict m" in said.err
    else:
        assert package.resume("m").evidence["chosen"] == "fine-tuning"
    assert weights(stopped) == weights(stopped.parent / "whole")
    assert len(done) > 3
    assert not Path("m.part").exists()
    again = headstart("resume", "m")
    assert again.code == 0
    assert "m is finished; nothing is left to do" in again.err


def test_a_run_that_is_not_there_names_the_one_that_was_meant(refused: Callable[..., str], stopped: Path) -> None:
    shutil.copytree("m.part", "runner.part")
    message = refused(66, "resume", "runer")
    assert "there is no run runer" in message
    assert "runner" in message


def test_a_folder_that_is_no_run(refused: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    assert "there is no run mine" in refused(66, "resume", "mine")


@pytest.mark.parametrize("content", ["{", "[]", "{}", '{"format": 1, "recipe": {}}', '{"format": "x"}'])
def test_a_damaged_description_is_named(headstart: Callable[..., Any], stopped: Path, content: str) -> None:
    Path("m.part/run.json").write_text(content)
    said = headstart("resume", "m")
    assert said.code == 73
    assert "m.part/run.json is damaged" in said.err


def test_one_of_a_later_version_is_refused(headstart: Callable[..., Any], stopped: Path) -> None:
    about = json.loads(Path("m.part/run.json").read_text())
    Path("m.part/run.json").write_text(json.dumps(about | {"format": 99}))
    said = headstart("resume", "m")
    assert (said.code, "later headstart; upgrade" in said.err) == (73, True)


def test_the_first_command_again_does_not_begin_anew_unless_told_to(
    headstart: Callable[..., Any], words: list[object], stopped: Path
) -> None:
    said = headstart(*words, "-o", "m")
    assert said.code == 73
    assert "m.part holds what an interrupted run left; go on with: headstart resume m, or begin anew" in said.err
    assert list(Path("m.part").rglob("step-*"))
    assert headstart(*words, "-o", "m", "--overwrite").code == 0
    assert weights(stopped) == weights(stopped.parent / "whole")


def test_a_second_process_is_told_who_is_at_work(
    headstart: Callable[..., Any], words: list[object], stopped: Path
) -> None:
    lock = Lock(Path("m.part"))
    for command in (["resume", "m"], [*words, "-o", "m", "--overwrite"]):
        said = headstart(*command)
        assert said.code == 73
        assert f"m.part is in use by process {os.getpid()} on " in said.err
    lock.release()
    assert headstart("resume", "m").code == 0


def test_data_that_changed_is_said_and_all_is_done_again(
    headstart: Callable[..., Any], files: Path, stopped: Path, stopping: Any
) -> None:
    path = files / "train.csv"
    before = path.read_text()
    path.write_text(before + "the parcel is rather bad indeed,down\n")
    try:
        strict = headstart("resume", "m", "--strict")
        assert strict.code == 73
        assert "begun under other conditions (train " in strict.err
        assert list(Path("m.part").rglob("step-*")), "a refusal costs nothing"
        done = stopping(None)
        said = headstart("resume", "m")
        assert said.code == 0
        assert "resume       !! changed since: train " in said.err
        assert "all is done again" in said.err
        assert len(done) >= 7
    finally:
        path.write_text(before)


@pytest.mark.parametrize("strict", [True, False])
def test_other_conditions_of_the_machine_are_said_and_only_strictly_refused(
    headstart: Callable[..., Any], stopped: Path, strict: bool
) -> None:
    about = json.loads(Path("m.part/run.json").read_text())
    about["conditions"]["machine"] |= {"threads": 7, "torch": "2.12.0"}
    Path("m.part/run.json").write_text(json.dumps(checkable(about)))
    said = headstart("resume", "m", *(["--strict"] if strict else []))
    found = f"threads 7 -> 1; torch 2.12.0 -> {torch.__version__.split('+')[0]}"
    assert found in said.err.replace(torch.__version__, torch.__version__.split("+")[0])
    if strict:
        assert said.code == 73
        assert "leave out --strict to go on" in said.err
        assert headstart("resume", "m").code == 0
    else:
        assert said.code == 0
        assert "not the same to the last bit, because of " in said.err
    assert weights(stopped) == weights(stopped.parent / "whole")


def test_from_another_folder(
    headstart: Callable[..., Any], files: Path, tiny_backbone: Path, stopping: Any, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    shutil.copy(files / "train.csv", "here.csv")
    words = [
        "fit",
        "here.csv",
        "--backbone",
        tiny_backbone,
        "--strategy",
        "fine-tuning",
        "--no-controls",
        "--epochs",
        2,
    ]
    stopping(3)
    assert headstart(*words, "-o", "m").code == 130
    stopping(None)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert headstart("resume", "../m").code == 0
    assert (tmp_path / "m" / "headstart.json").is_file()


def test_rows_handed_over_in_python_are_handed_over_again(tiny_backbone: Path, stopping: Any, tmp_path: Path) -> None:
    data = {"text": [f"it is {('good', 'bad')[at % 2]} {at}" for at in range(60)], "label": ["up", "down"] * 30}
    options: dict[str, Any] = {
        "backbone": str(tiny_backbone), "strategy": "fine-tuning", "controls": False, "epochs": 2, "threads": 1,
    }  # fmt: skip
    package.fit(data, output=str(tmp_path / "whole"), **options)
    stopping(3)
    with pytest.raises(package.HeadstartError, match=r"go on with: headstart resume .*/m"):
        package.fit(data, output=str(tmp_path / "m"), **options)
    stopping(None)
    with pytest.raises(
        UsageError, match=r"begun with rows handed over in Python; hand them over again: headstart.resume\("
    ):
        package.resume(tmp_path / "m")
    assert package.resume(tmp_path / "m", data).evidence["chosen"] == "fine-tuning"
    assert weights(tmp_path / "m") == weights(tmp_path / "whole")


def test_a_budget_goes_on_where_it_was(
    headstart: Callable[..., Any], words: list[object], stopping: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headstart.cli.main.STARTED", time.perf_counter())
    stopping(4)
    assert headstart(*words, "--budget", "60s", "-o", "m").code == 130
    about = json.loads(Path("m.part/run.json").read_text())
    assert set(about["measured"]) == {"rate", "test_rate", "backward", "writing", "fewer"}
    assert 0 < about["spent"] < 60
    Path("m.part/run.json").write_text(json.dumps(checkable(about | {"spent": 59.9})))
    stopping(None)
    monkeypatch.setattr("headstart.cli.main.STARTED", time.perf_counter())
    said = headstart("resume", "m", "--json")
    # A minute is over: what has nothing to show yet is left out, and said.
    assert said.code != 0 or said.json["seconds"] > 59.9, said.err


def test_what_a_clock_decided_stays_as_it_was_where_a_run_goes_on(
    headstart: Callable[..., Any], words: list[object], stopping: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = [*words, "--folds", 0, "--batch-size", 8, "--budget", "30m"]
    with monkeypatch.context() as slow:
        slow.setattr("headstart.runs.planning.Plan.estimate", lambda *_: 9999.0)
        slow.setattr(
            "headstart.runs.planning.Plan._shorter", lambda self, *_: self.recipe.training.revised(epochs=2, sample=40)
        )
        assert headstart(*words, "-o", "whole").code == 0
        stopping(3)
        assert headstart(*words, "-o", "m").code == 130
    stopping(None)
    assert headstart("resume", "m").code == 0
    assert weights(Path("m")) == weights(Path("whole"))
    assert "\n  sample: 40\n" in Path("m/recipe.yaml").read_text()


@pytest.mark.slow
def test_a_run_that_another_process_works_on_is_refused(
    headstart: Callable[..., Any], words: list[object], tmp_path: Path
) -> None:
    words = [*words, "-o", "m", "--epochs", 400, "--patience", 400]
    command = [sys.executable, "-m", "headstart.cli", *map(str, words)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    with subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith("fine-tuning  ") and "loss" in line:
                break
        second = headstart(*words, "--overwrite")
        assert second.code == 73, second.err
        assert f"in use by process {process.pid} on" in second.err
        process.send_signal(signal.SIGTERM)
        rest = process.stderr.read()
        assert process.wait(timeout=60) == 143, rest
        assert rest.endswith("go on with: headstart resume m\n")
