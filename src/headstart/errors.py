"""Every error that headstart raises on purpose, as one tree.

    HeadstartError                exit code
    ├── UsageError                2    a call that cannot mean anything
    ├── RecipeError               64   faults in a recipe, flags or keyword arguments
    ├── DataError                 65   rows, columns or labels that cannot be used
    ├── ModelError                65   weights or a model folder that cannot be used
    ├── DivergedError             65   training produced numbers that are not finite
    ├── MissingInputError         66   a file or folder that is not there
    ├── UnavailableError          69   the hub, or an optional dependency, is out of reach
    ├── OutOfMemoryError          71   memory ran out
    ├── RunFolderError            73   the output folder is taken
    └── StorageError              74   the disk refuses: read-only, full, not permitted

A message says where, what was found, what was expected and what to do. `Interrupted` (130) and `Ended` (143, or 129 where
the terminal was closed) stand apart: the user asked for it.
"""

from collections.abc import Sequence
from typing import NamedTuple

from headstart.unseen import escaped, on_one_line


class Fault(NamedTuple):
    """One thing that is wrong in a recipe, and where."""

    place: tuple[str, ...]
    """Keys on the way there from the top; numbers count the entries of a list."""
    text: str
    """What was found, what was expected, what to do."""
    key: str = ""
    """Name of a key that is not known at that place; empty for other faults."""
    known: tuple[str, ...] = ()
    """Names that are known there."""

    def __str__(self) -> str:
        """`place: text`."""
        return ": ".join(part for part in (".".join(self.place), self.text) if part)


LONGEST = 60
"""Characters of a value that a message shows at most."""
LONGEST_LINE = 2_000
"""Characters of a line of a message; what is longer repeats what somebody gave, and is cut."""
MOST_LISTED = 25
"""Problems that a message lists; more are counted."""


def quoted(text: str) -> str:
    """A text in quotes on one line, or its beginning where it is longer than `LONGEST` characters."""
    return f"'{on_one_line(text)}'" if len(text) <= LONGEST else f"'{on_one_line(text[: LONGEST - 3])}...'"


def bounded(message: str) -> str:
    """A message whose lines are cut where they are longer than `LONGEST_LINE` characters."""
    lines = message.split("\n")
    return "\n".join(line if len(line) <= LONGEST_LINE else f"{line[:LONGEST_LINE]}..." for line in lines)


class HeadstartError(Exception):
    """Base of the tree; the command line prints its message and exits with `exit_code`."""

    exit_code = 1

    def __str__(self) -> str:
        """The message, long lines cut; what is not seen, such as codes for a terminal in the name of a file, as escapes."""
        return bounded(escaped(super().__str__()))


class UsageError(HeadstartError):
    """A call that cannot mean anything, such as a text argument that is the name of a file."""

    exit_code = 2


class RecipeError(HeadstartError, ValueError):
    """One or more faults in a recipe, all of them listed at once; a ValueError too, as scikit-learn expects.

    Args:
        problems: one each, as a fault with its place or as a line that names it (`training.epochs`) and the remedy.
        where: the file or door the recipe came from, for the first line of the message.
    """

    exit_code = 64

    def __init__(self, problems: "Sequence[str | Fault]", where: str = "recipe") -> None:
        self.faults = tuple(each if isinstance(each, Fault) else Fault((), each) for each in problems)
        self.problems = tuple(str(fault) for fault in self.faults)
        self.where = where
        lines = "\n".join(f"  - {problem}" for problem in self.problems[:MOST_LISTED])
        if len(self.problems) > MOST_LISTED:
            lines += f"\n  - and {len(self.problems) - MOST_LISTED:,} more"
        noun = "problem" if len(self.problems) == 1 else "problems"
        super().__init__(f"{where} has {len(self.problems)} {noun}:\n{lines}")


class DataError(HeadstartError, ValueError):
    """Rows, columns or labels that cannot be used as they are; a ValueError too, as scikit-learn expects."""

    exit_code = 65


class ModelError(HeadstartError):
    """Weights or a model folder that cannot be used: wrong digest, unsafe format, unknown architecture."""

    exit_code = 65


class DivergedError(HeadstartError):
    """Training produced a loss or gradient that is not finite, and skipping the rows did not help."""

    exit_code = 65


class MissingInputError(HeadstartError):
    """A file or folder that was named is not there."""

    exit_code = 66


class UnavailableError(HeadstartError):
    """The hub cannot be reached, or an optional dependency is not installed."""

    exit_code = 69


class OutOfMemoryError(HeadstartError):
    """Memory ran out, and doing the same in parts did not help; the message says where."""

    exit_code = 71


class RunFolderError(HeadstartError):
    """The output folder exists already or belongs to another run."""

    exit_code = 73


class StorageError(HeadstartError):
    """The disk refuses: read-only, full or not permitted."""

    exit_code = 74


class Interrupted(HeadstartError):
    """The user stopped the run; what was finished has been kept, and the message says what."""

    exit_code = 130


class Ended(Interrupted):
    """The run was stopped by SIGTERM, as a machine does that wants its place back, or SIGHUP; the message says how it goes on."""

    exit_code = 143
