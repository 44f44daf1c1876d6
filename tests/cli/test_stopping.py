"""Ctrl-C and training that diverges: what was finished is kept, nothing half-made is."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

PROGRAM = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # as in a terminal; a job in the background ignores it
from headstart.cli.main import main
main()
"""


def stop(*_: Any, **__: Any) -> None:
    raise KeyboardInterrupt


def test_stopping_the_second_strategy_keeps_the_first_and_says_so(
    headstart: Callable[..., Any], files: Path, tiny_backbone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headstart.strategies.fine_tuning.FineTuning.fit", stop)
    said = headstart(
        "compare", files / "train.csv", "-o", "m", "--strategies", "tf-idf,fine-tuning,from-scratch", "--backbone",
        tiny_backbone, "--json",
    )  # fmt: skip
    assert said.code == 130
    assert said.err.endswith("error: stopped; kept tf-idf, the best finished model, in m\n")
    status = {row["strategy"]: row["status"] for row in said.json["leaderboard"]}
    assert status == {"tf-idf": "done", "fine-tuning": "stopped", "from-scratch": "not run"}
    assert [row["scores"] is None for row in said.json["leaderboard"]] == [False, True, True]
    assert any("fine-tuning: stopped" in sentence for sentence in said.json["verdict"])
    assert headstart("predict", "m", "very good").rows[0]["label"] == "up"


def test_stopping_the_first_strategy_leaves_nothing_behind(
    refused: Callable[..., str], files: Path, tiny_backbone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headstart.strategies.tf_idf.TfIdf.fit", stop)
    message = refused(130, "compare", files / "train.csv", "-o", "deep/m", "--backbone", tiny_backbone)
    assert "stopped before any strategy was done; nothing was kept" in message


@pytest.mark.parametrize("place", ["headstart.runs.comparison.into_parts", "headstart.runs.comparison.publish"])
def test_stopping_anywhere_else_leaves_nothing_behind(
    headstart: Callable[..., Any], files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    monkeypatch.setattr(place, stop)
    said = headstart("fit", files / "train.csv", "-o", "m", "--strategy", "tf-idf", "--C", 1, "--no-controls")
    assert (said.code, said.out) == (130, "")
    assert said.err.endswith("error: stopped; nothing was kept\n")
    assert list(tmp_path.iterdir()) == []


def test_stopping_while_the_folder_is_written_leaves_nothing_behind(
    headstart: Callable[..., Any], files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headstart.runs.comparison.page.render", stop)
    said = headstart("fit", files / "train.csv", "-o", "a/m", "--strategy", "tf-idf", "--C", 1, "--no-controls")
    assert said.code == 130
    assert list(tmp_path.iterdir()) == []


def test_stopping_while_the_test_part_is_scored_keeps_the_finished_models(
    headstart: Callable[..., Any], files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headstart.runs.execution.score", stop)
    words = ("-o", "m", "--strategy", "tf-idf", "--C", 1, "--no-controls", "--test", files / "test.csv")
    said = headstart("fit", files / "train.csv", *words)
    assert said.code == 130
    assert (tmp_path / "m" / "headstart.json").is_file(), "a trained model was thrown away"


@pytest.mark.slow
@pytest.mark.parametrize("second", [pytest.param(True, id="second"), pytest.param(False, id="first")])
def test_a_signal_during_training_does_the_same(files: Path, tiny_backbone: Path, tmp_path: Path, second: bool) -> None:
    words = [
        "compare", str(files / "train.csv"), "-o", "m", "--backbone", str(tiny_backbone), "--strategies",
        "tf-idf,fine-tuning" if second else "fine-tuning", "--no-controls", "--epochs", "250", "--patience", "250",
    ]  # fmt: skip
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *words], cwd=tmp_path, env=environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stderr is not None
        seen = next((line for line in process.stderr if line.startswith("fine-tuning  ") and "%" in line), None)
        assert seen is not None, "training ended before it could be stopped"
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    if second:
        assert "error: stopped; kept tf-idf, the best finished model, in m; go on with: headstart resume m\n" in err
        assert "* tf-idf" in out
        assert sorted(path.name for path in tmp_path.iterdir()) == ["m", "m.part"]
        assert (tmp_path / "m" / "terms.json").is_file()
    else:
        assert "error: stopped before any strategy was done; go on with: headstart resume m\n" in err
        assert out == ""
        assert [path.name for path in tmp_path.iterdir()] == ["m.part"]
    assert len(list(tmp_path.rglob("step-*"))) == 1


@pytest.mark.parametrize("name", ["fine-tuning", "contrastive", "from-scratch", "lora"])
def test_an_update_that_is_not_finite_is_left_out_and_its_lines_are_named(
    headstart: Callable[..., Any], files: Path, tiny_backbone: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    from headstart.objectives.contrastive import ContrastiveLoss
    from headstart.tasks.text_classification import TextClassification

    owner = ContrastiveLoss if name == "contrastive" else TextClassification
    loss, calls = owner.loss, []

    def spoilt(*arguments: Any) -> Any:
        summed, weight = loss(*arguments)
        calls.append(1)
        return (summed * float("nan") if len(calls) == 2 else summed), weight

    monkeypatch.setattr(owner, "loss", spoilt)
    words = ("--strategy", name, "--no-controls", "--backbone", tiny_backbone, "--epochs", 2, "--folds", 0)
    words = (*words, "--rates", "1e-3") if name == "from-scratch" else words
    said = headstart("fit", files / "train.csv", "-o", "m", "--batch-size", 8, *words)
    assert said.code == 0, said.err
    assert "training     !! update 2 is left out, its loss or gradient is not finite (rows " in said.err
    [row] = json.loads(Path("m/evidence.json").read_text())["leaderboard"]
    assert re.search(r"1 update left out, loss or gradient not finite \(lines \d+(, \d+)+", row["note"])


def diverge(*_: Any, **__: Any) -> None:
    from headstart.errors import DivergedError

    raise DivergedError("the loss was not finite in update 7; lower --learning-rate")


def test_a_strategy_that_diverges_is_marked_and_the_rest_goes_on(
    headstart: Callable[..., Any], files: Path, tiny_backbone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headstart.strategies.fine_tuning.FineTuning.fit", diverge)
    words = ("compare", files / "train.csv", "--backbone", tiny_backbone, "--epochs", 1)
    said = headstart(*words, "-o", "m", "--json")
    assert said.code == 0
    rows = {row["strategy"]: row for row in said.json["leaderboard"]}
    assert {name: row["status"] for name, row in rows.items()} == {
        "tf-idf": "done", "feature-extraction": "done", "fine-tuning": "failed", "from-scratch": "done"
    }  # fmt: skip
    assert (rows["fine-tuning"]["scores"], rows["fine-tuning"]["trainable_parameters"]) == (None, None)
    assert any("fine-tuning: failed: the loss was not finite" in line for line in said.json["verdict"])
    table = headstart(*words, "-o", "n").out
    assert "failed: the loss was not finite" in table


def test_if_everything_diverges_nothing_is_kept(
    refused: Callable[..., str], files: Path, tiny_backbone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headstart.strategies.fine_tuning.FineTuning.fit", diverge)
    words = ("--strategy", "fine-tuning", "--no-controls", "--backbone", tiny_backbone)
    assert "fine-tuning: the loss was not finite" in refused(65, "fit", files / "train.csv", "-o", "m", *words)


def test_a_reader_that_closes_the_pipe_early_is_no_fault(linear: Path) -> None:
    command = [sys.executable, "-m", "headstart.cli", "predict", str(linear)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        process.stdin.write(b"it is good\n" * 200)
        process.stdin.close()
        assert process.stderr.read() == b""
        assert process.wait(timeout=60) == 0


def test_ctrl_c_before_the_command_is_there_ends_it_without_a_word(tmp_path: Path) -> None:
    (tmp_path / "typer.py").write_text("import os, signal, time\nos.kill(os.getpid(), signal.SIGINT)\ntime.sleep(1)\n")
    path = os.pathsep.join([str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])])
    begin = PROGRAM.replace(
        "from headstart.cli.main import main\nmain()",
        "import runpy\nrunpy.run_module('headstart.cli', None, '__main__')",
    )
    command = [sys.executable, "-c", begin, "list"]
    done = subprocess.run(command, capture_output=True, env=os.environ | {"PYTHONPATH": path}, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGINT, b"", b"")
