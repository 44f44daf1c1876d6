"""Lines that are answered as they come: none waits for the next, and how long it took is said at the end."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import headstart
from headstart.loading import load
from headstart.serving.streaming import Waits, predict_stream

LINES = ["it is good 3", "it is bad 4", "", "it is good 5"]


def test_a_line_is_answered_before_the_next_one_is_read(folder: Path) -> None:
    answered: list[str | None] = []
    waits = Waits()

    def lines() -> Iterator[str]:
        for at, line in enumerate(LINES):
            assert len(answered) == at, "the line before was not answered yet"
            assert len(waits) == at
            yield line + "\n"

    for row in predict_stream(load(folder), lines(), waits=waits):
        answered.append(row["label"])
    assert answered == ["up", "down", None, "up"]
    assert len(waits) == 4


def test_a_generator_of_texts_gives_each_prediction_as_it_comes(folder: Path) -> None:
    artifact = load(folder)
    asked: list[str] = []

    def texts() -> Iterator[str]:
        for line in LINES:
            asked.append(line)
            yield line

    stream = artifact.stream(texts())
    assert (next(stream).label, asked) == ("up", LINES[:1])
    assert [each.label for each in stream] == ["down", None, "up"]
    assert asked == LINES


def test_percentiles_are_those_of_the_waits() -> None:
    waits = Waits()
    assert waits.plain() == {}
    for at in range(101):
        waits.add(at / 1000)
    assert waits.plain() == {"latency_ms": {"p50": pytest.approx(50), "p95": pytest.approx(95)}}
    assert str(waits) == "p50 50.0 ms, p95 95.0 ms over 101 lines"


def test_python_is_given_rows_and_latency(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "lines.txt"
    path.write_text("\n".join(LINES) + "\n")
    with path.open() as file:
        monkeypatch.setattr(sys, "stdin", file)
        said = headstart.predict(folder, stream=True)
    assert [row["label"] for row in said["predictions"]] == ["up", "down", None, "up"]
    assert 0 < said["latency_ms"]["p50"] <= said["latency_ms"]["p95"]


def heard() -> None:
    """Let a process hear of Ctrl-C, also where the tests run in the background of a shell, which has it ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.fixture
def slow_reader(folder: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """`headstart predict --stream` in a process of its own, both ends of whose pipes are here."""
    words = [sys.executable, "-m", "headstart.cli", "predict", str(folder), "--stream"]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        words,
        stdin=pipe,
        stdout=pipe,
        stderr=pipe,
        env=os.environ | {"PYTHONUNBUFFERED": ""},
        preexec_fn=heard,
    ) as process:
        yield process
        process.kill()


def test_a_slow_writer_gets_each_answer_and_ctrl_c_ends_it_with_the_latency(
    slow_reader: "subprocess.Popen[bytes]",
) -> None:
    assert slow_reader.stdin is not None and slow_reader.stdout is not None and slow_reader.stderr is not None
    for line, label in zip(LINES, ["up", "down", None, "up"], strict=True):
        slow_reader.stdin.write(line.encode() + b"\n")
        slow_reader.stdin.flush()
        assert json.loads(slow_reader.stdout.readline())["label"] == label
    slow_reader.send_signal(signal.SIGINT)
    said = slow_reader.communicate(timeout=60)[1].decode()
    assert (slow_reader.returncode, "Traceback" in said) == (130, False), said
    assert "ms over" in said and said.endswith("stopped\n"), said


def test_a_reader_that_has_seen_enough_ends_it_cleanly(slow_reader: "subprocess.Popen[bytes]") -> None:
    assert slow_reader.stdin is not None and slow_reader.stdout is not None and slow_reader.stderr is not None
    slow_reader.stdin.write(b"it is good 3\n")
    slow_reader.stdin.flush()
    assert slow_reader.stdout.readline()
    slow_reader.stdout.close()
    slow_reader.stdin.write(b"it is good 4\nit is good 5\n")
    slow_reader.stdin.close()
    said = slow_reader.stderr.read().decode()
    assert (slow_reader.wait(timeout=60), "Traceback" in said) == (0, False), said
