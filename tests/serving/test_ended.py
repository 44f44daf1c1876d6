"""Predictions of a file whose process is ended anywhere: nothing half made bears a name, and the same command goes on."""

import json
import signal
from pathlib import Path
from typing import Any

import pytest
from tests.forked import Program

ROWS = 4_400
"""Two chunks."""
PLACES = [
    ("runtime.durable.opened", 1, "after"),  # the lock of the folder to work in
    ("runtime.durable.opened", 2, "after"),  # the journal, with the second chunk
    ("serving.files.predicted", 2, "after"),
    ("serving.files._put", 1, "before"),
    ("serving.files._put", 1, "after"),
]
SIGNALS = {signal.SIGKILL: -9, signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("rows") / "new.csv"
    path.write_text("id,text\n" + "".join(f"{at},it is {('good', 'bad')[at % 2]} {at}\n" for at in range(ROWS)))
    return path


@pytest.fixture(scope="module")
def whole(program: Program, folder: Path, table: Path) -> bytes:
    done = program.run("predict", folder, "--input", table, "--output", table.with_name("whole.csv"))
    assert (done.code, done.err.count("error")) == (0, 0)
    return table.with_name("whole.csv").read_bytes()


SLOW = pytest.mark.slow
CASES = [
    pytest.param(place, signal.SIGKILL, marks=[SLOW] * (at in (0, 2)), id=f"KILL-{at}")
    for at, place in enumerate(PLACES)
] + [
    pytest.param(PLACES[at], how, marks=[SLOW] * (at != usual), id=f"{how.name[3:]}-{at}")
    for how, usual in ((signal.SIGINT, 3), (signal.SIGTERM, 2), (signal.SIGHUP, 2))
    for at in (2, 3, 4)
]


@pytest.mark.parametrize(("place", "how"), CASES)
def test_it_goes_on_to_the_same_bytes(
    program: Program, folder: Path, table: Path, whole: bytes, tmp_path: Path, place: Any, how: signal.Signals
) -> None:
    target = tmp_path / "scored.csv"
    words = ("predict", folder, "--input", table, "--output", target)
    ended = program.run(*words, at=place, how=how)
    assert (ended.code, "Traceback" in ended.err) == (SIGNALS[how], False), ended.err
    putting = place[0] == "serving.files._put"
    written = putting and (place[2] == "after" or how != signal.SIGKILL)  # a signal waits until the file has its name
    assert target.exists() == written
    if how != signal.SIGKILL:  # what is killed is cleaned up after the next time
        assert {path.name for path in tmp_path.iterdir()} == {"scored.csv" if putting else "scored.csv.part"}
        assert ("scored.csv is written" if putting else "rows are kept in") in ended.err
    again = program.run(*words, *(["--overwrite"] if written else []), "--json")
    assert (again.code, json.loads(again.out)["rows"]) == (0, ROWS), again.err
    assert target.read_bytes() == whole
    assert [path.name for path in tmp_path.iterdir()] == ["scored.csv"]
