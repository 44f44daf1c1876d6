"""`headstart check` at a terminal: what is shown, and with which code it ends."""

from collections.abc import Callable
from pathlib import Path
from typing import Any


def test_a_strict_check_shows_what_it_found_and_ends_with_code_65(
    headstart: Callable[..., Any], tmp_path: Path
) -> None:
    rows = "".join(f"day {at} at the shop,{('good', 'bad')[at % 2]}\n" for at in range(12))
    (tmp_path / "train.csv").write_text(f"text,label\n{rows}", encoding="utf-8")
    (tmp_path / "test.csv").write_text("text,label\nday 3 at the shop,bad\nanother day,good\n", encoding="utf-8")
    words = ("check", "train.csv", "--test", "test.csv", "--no-noise", "--backbone", "nowhere")
    done = headstart(*words, "--strict", "--json")
    assert done.code == 65 and done.json["counts"] == {"error": 1, "warning": 0, "note": 0}
    assert "error: train.csv: 1 finding of weight (leak)" in done.err
    loose = headstart(*words)
    assert (
        loose.code == 0
        and "ERROR    texts in two parts: 1 test row with a text that is also a training row" in loose.out
    )
    assert "test.csv:2  as train.csv:5" in loose.out and "headstart check train.csv --fix cleaned.csv" in loose.err
