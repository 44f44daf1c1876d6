"""A program that tokenises a corpus in forks of itself: killed at every call that puts something on the disk, then again.

python killed.py FOLDER     # prints the number of calls; exits with 1 where a second run gave other bits
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit

from headstart.corpora.shards import tokenised
from headstart.corpora.source import TextSource
from headstart.corpora.survey import survey
from headstart.runtime import durable

POINTS = ("sync", "rename", "write_json", "discard")


def tokenise(folder: Path, text: Path) -> None:
    """The work."""
    tokenizer = Tokenizer(WordLevel({"?": 0} | {f"w{at}": at + 1 for at in range(50)}, unk_token="?"))
    tokenizer.pre_tokenizer = WhitespaceSplit()
    found = survey(TextSource(texts=(str(text),), documents="line"))
    tokenised(found, tokenizer, folder, shard_tokens=100)


def contents(folder: Path) -> dict[str, bytes]:
    """Every file."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def forked(folder: Path, text: Path, kill: int | None) -> int:
    """Tokenise in a fork; it is killed before call number `kill`, which counts from 1. Gives the calls made, or -9."""
    pid = os.fork()
    if pid:
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        return code if code < 0 else int((folder.parent / "calls").read_text())
    calls = 0

    def counted(call: Any) -> Any:
        def wrapped(*arguments: Any, **named: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls == kill:
                os.kill(os.getpid(), signal.SIGKILL)
            return call(*arguments, **named)

        return wrapped

    for point in POINTS:
        setattr(durable, point, counted(getattr(durable, point)))
    tokenise(folder, text)
    (folder.parent / "calls").write_text(str(calls))
    os._exit(0)


def main(folder: Path) -> None:
    """All kills; a process that is killed needs no fsync, as the machine goes on."""
    os.fsync = lambda _: None
    text = folder / "text.txt"
    text.write_text("".join(f"w{at % 50} w{at * 7 % 50} new{at} w3\n" for at in range(45)))
    calls = forked(folder / "whole", text, None)
    whole = contents(folder / "whole")
    for kill in range(1, calls + 1):
        place = folder / f"killed-{kill}"
        ended = forked(place, text, kill)
        before = contents(place) if place.exists() else {}
        forked(place, text, None)
        complete = "index/manifest.json" in before
        if ended != -signal.SIGKILL or contents(place) != whole or complete != (before == whole):
            print(f"killed before call {kill} of {calls}: {ended}, {sorted(before)}")  # noqa: T201
            sys.exit(1)
    print(calls)  # noqa: T201


if __name__ == "__main__":
    main(Path(sys.argv[1]))
