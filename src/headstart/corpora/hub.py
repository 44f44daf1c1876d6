"""Data sets of the Hugging Face hub, streamed: nothing is downloaded before it is read, nothing is kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any

from headstart.errors import DataError, UnavailableError

SPLIT = "train"
"""Where none is named."""


def streamed(name: str) -> tuple[list[str], Iterator[Mapping[str, Any]]]:
    """Columns and rows of a data set; values that are no text become None.

    Args:
        name: `ID` or `ID:SPLIT`; ID may be a local folder.

    Raises:
        UnavailableError: the package `datasets` is not installed, or the hub is out of reach.
        DataError: there is no such split, or the data set is empty or damaged.
    """
    try:
        import datasets
    except ImportError:
        raise UnavailableError(
            f"hub:{name}: data sets of the hub need the package datasets; install it with: pip install 'headstart[hub]'"
        ) from None
    identity, _, split = name.rpartition(":") if ":" in name else (name, "", SPLIT)
    with _said(name):
        rows = iter(datasets.load_dataset(identity, split=split, streaming=True))
        first = next(rows, None)
    if first is None:
        raise DataError(f"hub:{name}: the split '{split}' is empty; name another: hub:{identity}:SPLIT")
    return [str(column) for column in first], _texts(name, chain([first], rows))


def _texts(name: str, rows: Iterator[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    while True:
        with _said(name):
            row = next(rows, None)
        if row is None:
            return
        yield {key: value if isinstance(value, str) else None for key, value in row.items()}


@contextmanager
def _said(name: str) -> Iterator[None]:
    """Turn what the package raises into an error that says what to do."""
    try:
        yield
    except (ConnectionError, TimeoutError) as error:  # also what the package raises without network
        raise UnavailableError(f"hub:{name}: cannot be reached ({_first_line(error)}); try again later") from None
    except FileNotFoundError as error:
        identity = name.rpartition(":")[0] or name
        if Path(identity).is_dir():
            raise DataError(f"hub:{name}: this folder holds no data files ({_first_line(error)})") from None
        raise UnavailableError(
            f"hub:{name}: there is no such data set within reach ({_first_line(error)}); check the name, and whether you "
            "are logged in where it is private"
        ) from None
    except (ValueError, OSError, RuntimeError) as error:
        raise DataError(f"hub:{name}: cannot be read ({_first_line(error)})") from None


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0][:300] or type(error).__name__
