"""A process for one cell of a study: `python -m headstart.runs.cell_process FOLDER`, told its recipe on standard input."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from pathlib import Path

from headstart.errors import HeadstartError
from headstart.recipes.parsing import from_mapping
from headstart.runs.cells import Cell, done_at
from headstart.runs.keys import Key
from headstart.runtime.interrupts import exit_code, watched


def main(place: Path) -> int:
    """Carry out the cell and keep what it comes to; the exit code of the process."""
    told = json.loads(sys.stdin.readline())
    try:
        with watched(terminate=True):
            threading.Thread(target=_end_with_parent, daemon=True).start()
            recipe = from_mapping(told["recipe"], str(place))
            done_at(Cell(Key.of(told["key"]), recipe), place, test=told["test"])  # type: ignore[arg-type]
    except HeadstartError as error:
        sys.stdout.write(json.dumps({"error": type(error).__name__, "message": str(error)}))
        return error.exit_code
    except KeyboardInterrupt:
        return exit_code()
    return 0


def _end_with_parent() -> None:
    """Where the process that asked for the cell is no more, stop as on SIGTERM."""
    sys.stdin.read()
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
