"""Thousands of folders and recipes with one thing changed at random, each in a fork with little time and memory.

    make fuzz               # or: python tests/attacks/fuzz.py [COUNT] [FIRST]

Every attempt has a number and every number is one change, so a fault is seen again with `fuzz.py 1 NUMBER`. Exit code 1 where
there is a fault: a traceback, another answer without a word, over 5 seconds of the processor, over 2 GB.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TOGETHER = 20
"""Attempts that one fork works through."""


def main(count: int = 10_000, first: int = 0) -> int:
    """Try as many numbers, from the first one on, two at a time."""
    sys.path.insert(0, str(ROOT))
    os.environ |= {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "HEADSTART_CACHE_GB": "0", "HEADSTART_BUDGET": "none"}
    from tests.attacks.attempts import attempts, fitted
    from tests.conftest import make_tiny_backbone
    from tests.guarded import guard

    from headstart.runtime.machine import set_threads

    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None) as name:
        place = Path(name)
        (place / "seen").touch()
        guard.install(place / "seen")
        honest = fitted(place / "honest", make_tiny_backbone(place / "tiny"))
        set_threads(1, torch_runs=True)
        begun, workers = time.perf_counter(), []
        for worker in range(min(2, os.cpu_count() or 1)):
            pid = os.fork()
            if not pid:
                (place / f"faults-{worker}").touch()
                for at in range(first + worker * TOGETHER, first + count, 2 * TOGETHER):
                    numbers = range(at, min(at + TOGETHER, first + count))
                    with (place / f"faults-{worker}").open("a") as file:
                        for line in attempts(numbers, honest, place):
                            print(line, flush=True)  # noqa: T201
                            file.write(line.replace("\n", " ") + "\n")
                os._exit(0)
            workers.append(pid)
        ends = [os.waitpid(pid, 0)[1] for pid in workers]
        faults = [line for path in place.glob("faults-*") for line in path.read_text().splitlines()]
        seen = (place / "seen").read_text().splitlines()
        taken = time.perf_counter() - begun
        print(f"{count:,} attempts in {taken:.0f} s: {len(faults)} faults, {len(seen)} forbidden", *seen, sep="\n")  # noqa: T201
        return int(bool(faults or seen or any(ends)))


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
