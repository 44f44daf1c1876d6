"""What a terminal is sent, and what becomes of streams that are closed, full, narrow or not read."""

import csv
import errno
import io
import json
import re
import sys
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from rich.console import Console
from tests.forked import Program

from headstart.cli.display import Bars, Lines, table
from headstart.cli.streams import Readable, readable
from headstart.errors import StorageError

QUICK = ("--strategy", "tf-idf", "--C", 1, "--no-controls")
TITLE = "\x1b]0;owned\x07"
LABELS = ("\x1b[31mup\x07", "down\u202e\x9b31m", "=1+1\u200b")


def unsafe(text: str) -> list[str]:
    """Characters of a text that move, turn or hide something on a terminal."""
    return [sign for sign in text if sign != "\n" and unicodedata.category(sign) in ("Cc", "Cf", "Cs", "Zl", "Zp")]


@pytest.fixture
def odd(tmp_path: Path) -> Path:
    """Rows whose labels, names of columns and file are full of what is not seen."""
    path = tmp_path / f"a\u202e{TITLE}.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["text", "label", "chan\u200bnel"])
        rows.writerows([f"{word} {at}", label, f"x\x1b[2J{at % 2}\nsaved"]
                       for at in range(20) for word, label in zip(("good", "bad", "so"), LABELS, strict=True))  # fmt: skip
    return path


def test_nothing_that_is_not_seen_reaches_a_terminal_and_json_is_exact(
    headstart: Callable[..., Any], odd: Path, tmp_path: Path
) -> None:
    folder = "m\x1b[1m"
    fitted = headstart("fit", odd, "--label", "label", "-o", folder, *QUICK)
    assert fitted.code == 0, fitted.err
    assert "a spreadsheet would take labels for formulas: '=1+1\\u200b'" in fitted.err
    shown = headstart("show", "model", folder)
    assert r"\x1b[31mup\x07" in shown.out
    judged = headstart("evaluate", folder, odd, "--by", "chan\u200bnel")
    assert r"x\x1b[2J0\nsaved" in judged.out
    wrong = headstart("evaluate", folder, odd, "--by", "no\x1b[2J")
    assert (wrong.code, r"no\x1b[2J" in wrong.err) == (65, True)
    missing = headstart("fit", "no\x1b[2J\nsaved.csv")
    assert missing.code == 66
    assert "\n  saved.csv" in missing.err  # a line of its own, but not one of the command
    said = [fitted, shown, judged, wrong, missing, headstart("fit", odd, f"--\u202e{TITLE}"), headstart("run", TITLE)]
    assert [unsafe(each.out + each.err) for each in said] == [[]] * len(said)

    lines = headstart("predict", folder, "good 1", "bad 1")
    assert [row["label"] for row in lines.rows] == [*LABELS[:2]]
    assert not unsafe(lines.out)
    assert "\\u001b[31mup\\u0007" in lines.out


def test_predictions_of_such_labels_are_written_and_read_back(
    headstart: Callable[..., Any], odd: Path, tmp_path: Path
) -> None:
    assert headstart("fit", odd, "--label", "label", "-o", "m", *QUICK).code == 0
    scored = headstart("predict", "m", "--input", odd, "--output", "s.csv")
    assert scored.code == 0, scored.err
    assert "a spreadsheet would take labels for formulas" in scored.err
    with (tmp_path / "s.csv").open(newline="", encoding="utf-8") as file:
        rows = [*csv.DictReader(file)]
    assert {row["prediction"] for row in rows} == {*LABELS}
    assert [name for name in rows[0] if name.startswith("p_")] == [
        r"p_\x1b[31mup\x07", "p_=1+1\u200b", "p_down\u202e\\x9b31m",
    ]  # fmt: skip
    assert headstart("evaluate", "m", "s.csv").code == 0


def test_a_recipe_with_such_texts_is_shown_safely_and_reads_back(headstart: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "r.yaml").write_text(
        'verb: fit\ndata: {train: "a\\u202e\\e[1m.csv", test: "caf\u00e9"}\nstrategy: tf-idf\n', "utf-8"
    )
    said = headstart("show", "recipe", "r.yaml")
    assert (said.code, unsafe(said.out)) == (0, []), said.err
    assert yaml.safe_load(said.out)["data"]["train"] == "a\u202e\x1b[1m.csv"
    (tmp_path / "bad.yaml").write_text(
        'verb: fit\ndata: {train: d.csv}\n"\\e[2J\\n": 1\nstrategy: "\\e]0;\\a"\n', "utf-8"
    )
    said = headstart("run", "bad.yaml")
    assert (said.code, unsafe(said.err)) == (64, [])


def test_an_ascii_terminal_gets_escapes_and_the_same_json(
    headstart: Callable[..., Any], tmp_path: Path, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = "".join(f"gut {at},sch\u00f6n\nschlecht {at},\u00fcbel\x7f\U0001f600\n" for at in range(20))
    (tmp_path / "data.csv").write_text("text,label\n" + rows, encoding="utf-8")
    assert headstart("fit", "data.csv", "-o", "m", *QUICK).code == 0
    narrow = program.run("show", "model", "m", encoding="ascii")
    assert narrow.code == 0, narrow.err
    assert r"sch\xf6n, \xfcbel\x7f\U0001f600" in narrow.out
    narrow = program.run("predict", "m", "gut", "schlecht", encoding="ascii")
    assert (narrow.code, narrow.out.isascii()) == (0, True)
    assert narrow.out.isprintable() or not unsafe(narrow.out)
    assert [json.loads(line)["label"] for line in narrow.out.splitlines()] == ["sch\u00f6n", "\u00fcbel\x7f\U0001f600"]


@pytest.mark.parametrize(
    ("streams", "code", "said"),
    [
        ({1: "closed"}, 0, ""),
        ({0: "closed", 1: "closed", 2: "closed"}, 0, ""),
        ({1: "unread"}, 0, ""),
        ({2: "unread"}, 0, ""),
        ({2: "/dev/full"}, 0, ""),
        ({1: "/dev/full"}, 74, "error: standard output cannot be written: No space left on device\n"),
        ({1: "/dev/full", 2: "/dev/full"}, 74, ""),
        ({0: "/dev/full"}, 65, "error: standard input cannot be read: Bad file descriptor\n"),
    ],
)
def test_streams_that_are_closed_full_or_not_read(
    program: Program, linear: Path, streams: dict[int, str], code: int, said: str
) -> None:
    ended = program.run("predict", linear, *[] if 0 in streams else ["good", "very good day " * 20], streams=streams)
    assert (ended.code, ended.err) == (code, said)
    assert bool(ended.out) == (streams.keys() == {2})


def test_files_do_not_get_the_numbers_of_closed_streams(program: Program, files: Path, tmp_path: Path) -> None:
    streams = {0: "closed", 1: "closed", 2: "closed"}
    ended = program.run("fit", files / "train.csv", "-o", tmp_path / "m", *QUICK, streams=streams)
    assert (ended.code, ended.out, ended.err) == (0, "", "")
    assert json.loads((tmp_path / "m" / "evidence.json").read_text(encoding="utf-8"))["verdict"]


def test_little_memory_is_named_as_that(program: Program, linear: Path, tmp_path: Path) -> None:
    (tmp_path / "lines.txt").write_text("\n".join(["good day " * 100_000] * 30), encoding="utf-8")
    ended = program.run("predict", linear, "--input", tmp_path / "lines.txt", limits={"RLIMIT_AS": 1 << 20})
    assert (ended.code, ended.out) == (71, ""), ended.err
    assert re.fullmatch(r"error: memory ran out.*; free some, or lower --batch-size.*\n", ended.err), ended.err


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        OSError(errno.ENOMEM, "Cannot allocate memory"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:124] DefaultCPUAllocator: can't allocate memory"),
        ImportError("libtorch_cpu.so: failed to map segment from shared object"),
        RuntimeError("can't start new thread"),
    ],
)
@pytest.mark.parametrize("place", ["headstart.runs.run.run", "headstart.strategies.tf_idf.TfIdf.fit"])
def test_whoever_says_that_memory_ran_out_is_understood(
    refused: Callable[..., str], files: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, place: str
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(place, fail)
    message = refused(71, "fit", files / "train.csv", "-o", "m", *QUICK)
    assert "memory ran out" in message
    assert str(error).split()[:2] == [] or str(error)[:20] in message


def test_a_line_without_an_end_is_not_read_to_its_end(
    refused: Callable[..., str], linear: Path, tmp_path: Path
) -> None:
    line = "x" * 2_000_004
    assert "line 2 has over 2,000,000 characters; split it" in refused(
        65, "predict", linear, stdin=f"good\n{line}".encode()
    )
    (tmp_path / "lines.txt").write_text(line, encoding="utf-8")
    assert "line 1 has over 2,000,000 characters" in refused(65, "predict", linear, "--input", "lines.txt")


def test_writes_that_fail_are_named_or_forgotten() -> None:
    class Full(io.StringIO):
        def write(self, text: str) -> int:
            raise OSError(28, "No space left on device")

    assert Readable(Full(), None).write("progress") == 8
    with pytest.raises(StorageError, match="^standard output cannot be written: No space left on device$"):
        Readable(Full(), "standard output").write("a result")


def test_bars_of_other_packages_move_and_what_they_show_cannot() -> None:
    for text, seen in (
        ("\r 10%|\u2588| a\x1b[2J\rb", "\r 10%|\u2588| a\\x1b[2J\\rb"),
        ("\n\n\x1b[A\x1b[A", "\n\n\x1b[A\x1b[A"),
        ("a\x1b[A", "a\\x1b[A"),
    ):
        to = io.StringIO()
        Readable(to, None).write(text)
        assert to.getvalue() == seen
    to = io.StringIO()
    Readable(to, "standard output").write("\r\x1b[A")
    assert to.getvalue() == "\\r\\x1b[A"


def test_lines_bars_and_tables_stay_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with readable():
        lines, bars = Lines(), Bars()
        bars._bar.live.console = bars._console = Console(file=sys.stderr, force_terminal=False)
        for progress in (lines, bars):
            progress.say("data", "a\nerror: b\x1b[2J\r")
            progress.begin("step\x07", 2)
            progress.advance(1, "at\x1b[1m")
            progress.end("done\n")
    assert [line for line in capsys.readouterr().err.splitlines() if line.startswith("data")] == [
        r"data         a\nerror: b\x1b[2J\r"
    ] * 2
    assert table(["a", "b"], [["x\n", "y"]]) == "a    b\nx\\n  y"


def test_a_loss_that_a_library_swallows_is_told_at_the_end(program: Program) -> None:
    ended = program.run("predict", "--help", streams={1: "/dev/full"})
    assert (ended.code, ended.err) == (74, "error: standard output cannot be written: No space left on device\n")
