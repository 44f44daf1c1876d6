"""Parquet tables, streamed batch by batch through pyarrow."""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar

from headstart.data.files import complete_rows, replacing, require_file
from headstart.data.foreign import foreign, web_page
from headstart.data.packed import BOMB, MOST_UNPACKED
from headstart.errors import DataError, UnavailableError
from headstart.readers.base import Reader
from headstart.types import Dropped, Record, Sheet

BATCH_ROWS = 2_048

# Stands for a value that is not text, until its row is reported.
_NOT_TEXT = object()


class Parquet(Reader):
    """Parquet, through pyarrow; the line of a row is its number, counted from 1.

    - Texts come out to the character; null is None. Bytes are taken as UTF-8, as older writers store texts;
      a row with bytes that are not is dropped.
    - Other values become text: `1`, `1.0`, `true`, `2024-05-01`; dictionary columns give their values; lists,
      structs and maps become JSON text.
    - A damaged page ends the reading with an error where it is found; `write` adds checksums.
    """

    name: ClassVar[str] = "parquet"
    extensions: ClassVar[tuple[str, ...]] = (".parquet", ".pq")

    def read(self, path: Path) -> Sheet:
        """See `Reader.read`.

        Raises:
            UnavailableError: pyarrow is not installed.
        """
        require_file(path)
        parquet = _pyarrow("pyarrow.parquet")
        with open(path, "rb") as file:
            head = file.read(1024)
        magic = head[:4]
        if not magic:
            raise DataError(f"{path}: is empty; expected a Parquet file")
        if magic != b"PAR1":
            if magic[:2] != b"\x1f\x8b" and (what := foreign(head) or web_page(head)):
                raise DataError(f"{path}: is {what}")
            packed = ", it is compressed with gzip: unpack it" if magic[:2] == b"\x1f\x8b" else ""
            raise DataError(f"{path}: is not Parquet (it begins with {magic!r}, expected b'PAR1'){packed}")
        with _refusing(path):
            table = parquet.ParquetFile(path, page_checksum_verification=True)
            columns = tuple(str(name) for name in table.schema_arrow.names)
        if len(set(columns)) != len(columns) or not columns:
            table.close()
            raise DataError(f"{path}: has the columns {', '.join(columns) or '(none)'}; each needs its own name")
        return Sheet(columns, _records(path, table))

    def write(self, path: Path, columns: Sequence[str], rows: Iterable[Sequence[str | None]]) -> None:
        """See `Reader.write`; every column is text, None is null.

        Raises:
            UnavailableError: pyarrow is not installed.
        """
        if path.suffix.lower() == ".gz":
            raise DataError(f"{path}: Parquet compresses its pages itself; leave the .gz away")
        arrow, parquet = _pyarrow("pyarrow"), _pyarrow("pyarrow.parquet")
        names = tuple(columns)
        schema = arrow.schema([(name, arrow.string()) for name in names])
        checked = complete_rows(path, names, rows)
        first = list(islice(checked, BATCH_ROWS))
        with (
            replacing(path) as part,
            parquet.ParquetWriter(part, schema, write_page_checksum=True) as file,
        ):
            batch = first
            while batch:
                cells = [arrow.array(list(values), arrow.string()) for values in zip(*batch, strict=True)]
                file.write_batch(arrow.record_batch(cells, schema=schema))
                batch = list(islice(checked, BATCH_ROWS))


def _pyarrow(module: str) -> Any:
    import importlib

    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise UnavailableError(f"reading and writing Parquet needs pyarrow ({error}); pip install pyarrow") from None


@contextmanager
def _refusing(path: Path, row: int | None = None) -> Iterator[None]:
    arrow = _pyarrow("pyarrow")
    try:
        yield
    except (arrow.ArrowException, OSError, MemoryError, ValueError, OverflowError) as error:
        detail = " ".join(str(error).split())[:200]
        where = f"{path}" if row is None else f"{path}, after row {row}"
        if isinstance(error, MemoryError):
            raise DataError(
                f"{where}: needs more memory than there is, or is damaged Parquet ({detail}); read it where there is more, or "
                "write it again"
            ) from None
        raise DataError(f"{where}: is damaged Parquet ({detail}); download or write it again") from None


def _records(path: Path, table: Any) -> Iterator[Record | Dropped]:
    number = unpacked = 0
    most = max(MOST_UNPACKED, BOMB * path.stat().st_size)
    with table:
        batches = table.iter_batches(batch_size=BATCH_ROWS)
        while True:
            with _refusing(path, number):
                batch = next(batches, None)
                if batch is None:
                    break
                cells = [_texts(column) for column in batch.columns]
            unpacked += sum(len(text) for texts in cells for text in texts if isinstance(text, str))
            if unpacked > most:
                raise DataError(
                    f"{path}: unpacks to over {BOMB} times its size, as no table of texts does; write it as CSV if it is one"
                )
            for values in zip(*cells, strict=True):
                number += 1
                if _NOT_TEXT in values:
                    place = values.index(_NOT_TEXT) + 1
                    yield Dropped(str(path), number, f"has bytes that are not UTF-8 text in column {place}")
                else:
                    yield Record(number, values)


def _texts(column: Any) -> list[Any]:
    """One Python text, None or `_NOT_TEXT` per value of an Arrow array."""
    arrow = _pyarrow("pyarrow")
    kinds = arrow.types
    while isinstance(column, (arrow.DictionaryArray, arrow.ExtensionArray)):
        column = column.dictionary_decode() if isinstance(column, arrow.DictionaryArray) else column.storage
    kind = column.type
    if kinds.is_null(kind):
        return [None] * len(column)
    if kinds.is_string(kind) or kinds.is_large_string(kind):
        try:
            return column.to_pylist()
        except UnicodeDecodeError:
            return _decoded(column.cast(arrow.large_binary()))
    if kinds.is_binary(kind) or kinds.is_large_binary(kind) or kinds.is_fixed_size_binary(kind):
        return _decoded(column)
    if kinds.is_nested(kind):
        return [None if value is None else _json(value) for value in column.to_pylist()]
    try:
        texts = column.cast(arrow.string()).to_pylist()
        # Arrow writes 1.0 as "1", which would not be told from a whole number.
        return [_fractional(text) for text in texts] if kinds.is_floating(kind) else texts
    except (arrow.ArrowNotImplementedError, arrow.ArrowInvalid):
        return [None if value is None else str(value) for value in column.to_pylist()]


def _decoded(column: Any) -> list[Any]:
    texts: list[Any] = []
    for value in column.to_pylist():
        try:
            texts.append(None if value is None else value.decode("utf-8"))
        except UnicodeDecodeError:
            texts.append(_NOT_TEXT)
    return texts


def _fractional(text: str | None) -> str | None:
    return f"{text}.0" if text is not None and text.lstrip("-").isdigit() else text


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)
