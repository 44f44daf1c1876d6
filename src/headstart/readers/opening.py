"""From a path to a table: picks the reader by ending or name."""

from pathlib import Path
from typing import Any

from headstart.config import parse
from headstart.data.table import Table, load
from headstart.errors import DataError, RecipeError
from headstart.readers import READERS


def reader_for(path: Path, *, format: str | None = None, **options: Any) -> Any:
    """The reader of a file, with the options that it knows.

    Args:
        path: its ending decides, `.gz` aside, unless `format` is given.
        format: registry name.
        **options: fields of the reader; None means not given.

    Raises:
        DataError: the ending is not known.
        RecipeError: an option that this format does not have.
    """
    name = format or _by_ending(path)
    cls = READERS.get(name)
    given = {key: value for key, value in options.items() if value is not None}
    strangers = [key for key in given if key not in cls.model_fields]
    if strangers:
        raise RecipeError([f"'{key}' does not apply to {name} files such as {path}" for key in strangers])
    return parse(cls, given, f"the format of {path}")


def open_table(path: str | Path, **options: Any) -> Table:
    """Read a whole file; options as for `reader_for`.

    Raises:
        MissingInputError: there is no such file.
        DataError: it cannot be read, or holds no usable row.
    """
    file = Path(path)
    return load(reader_for(file, **options).read(file), str(path))


def _by_ending(path: Path) -> str:
    endings = [ending.lower() for ending in path.suffixes]
    ending = endings[-2] if len(endings) > 1 and endings[-1] == ".gz" else endings[-1] if endings else ""
    known: dict[str, str] = {}
    for name in READERS.names():
        known |= dict.fromkeys(READERS.get(name).extensions, name)
    if ending in known:
        return known[ending]
    raise DataError(
        f"{path}: the ending '{ending}' is not known ({', '.join(sorted(known))}, each also with .gz); "
        f"say what it is with --format {'|'.join(READERS.names())}"
    )
