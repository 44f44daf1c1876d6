"""Predictions for files and streams: order kept, every original column kept, memory constant."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

from headstart.artifact import Artifact
from headstart.checks.labels import like_formulas
from headstart.data.table import column_named, refuse_mostly_dropped
from headstart.errors import DataError, StorageError
from headstart.folders import refuse_taken
from headstart.manifest import own_version
from headstart.readers.opening import open_sheet, writer_for
from headstart.registry import did_you_mean
from headstart.runtime import durable
from headstart.runtime.interrupts import shielded, stopped
from headstart.runtime.progress import SILENT, Progress
from headstart.serving.journal import Journal
from headstart.tasks.columns import LONGEST_TEXT
from headstart.types import Dropped, Prediction, Record

CHUNK = 4096
"""Rows predicted at once: enough to sort by length, little enough for any memory."""


def predict_lines(
    artifact: Artifact, lines: Iterable[str], *, abstain: float | None = None, at_once: int = CHUNK
) -> Iterator[dict[str, Any]]:
    """One plain prediction per line, in order; a line without text gives nulls, so that lines keep their numbers.

    Args:
        artifact: what predicts.
        lines: one text each, or two with a tab between them.
        abstain: see `prediction_row`.
        at_once: lines that are waited for before they are answered, at most; the first ones are fewer.
    """
    task: Any = artifact.task
    number = 0
    for chunk in _chunks(lines, first=min(64, at_once), most=at_once):
        inputs = []
        for number, line in enumerate(chunk, start=number + 1):  # noqa: B020
            inputs.append(task.input_of(_parts(line.removesuffix("\n").removesuffix("\r"), number, pairs=task.pairs)))
        yield from (prediction_row(artifact, found, abstain) for found in predicted(artifact, inputs))


def _parts(line: str, number: int, *, pairs: bool) -> list[str]:
    """The texts of a line: the whole of it, or the two that a tab parts."""
    if not pairs:
        return [line]
    parts = line.split("\t")
    if len(parts) == 1 and not line.strip():
        return ["", ""]
    if len(parts) != 2:
        raise DataError(f"line {number} has {len(parts)} texts, expected two with a tab between them")
    return parts


def standard_input(encoding: str | None = None) -> Iterator[str]:
    """Lines of standard input; only "\\n" ends a line.

    Raises:
        DataError: it is not UTF-8, or not in the encoding that was named.
    """
    try:
        if hasattr(sys.stdin, "reconfigure"):
            sys.stdin.reconfigure(newline="\n", encoding=encoding or "utf-8-sig", errors="strict")  # type: ignore[union-attr]
        yield from bounded(sys.stdin)
    except UnicodeDecodeError as error:
        raise DataError(
            f"standard input is not {encoding or 'UTF-8'} (byte {error.start} of a block: "
            f"0x{error.object[error.start]:02x}); convert it, or name its encoding with --encoding"
        ) from None
    except UnicodeError as error:  # of codecs that are none, such as "undefined"
        raise DataError(f"standard input is not {encoding or 'UTF-8'} ({error})") from None
    except (LookupError, OSError) as error:
        raise DataError(f"standard input cannot be read: {getattr(error, 'strerror', None) or error}") from None


def bounded(lines: TextIO) -> Iterator[str]:
    """Lines of an open file, none of which is held where it is longer than two texts and the tab between them can be.

    Raises:
        DataError: one is.
    """
    number, most = 0, 2 * LONGEST_TEXT + 3
    while line := lines.readline(most):
        number += 1
        if len(line) == most and not line.endswith("\n"):
            raise DataError(
                f"line {number:,} has over {most - 3:,} characters; split it, a text has at most {LONGEST_TEXT:,}"
            )
        yield line


def predicted(
    artifact: Artifact, inputs: Sequence[Any], *, progress: Progress = SILENT, journal: Journal | None = None
) -> list[Prediction | None]:
    """A prediction per text, or pair of texts; None where that is None. With a journal, looked up there where it is in it."""
    present = [at for at, given in enumerate(inputs) if given is not None]
    wanted = [inputs[at] for at in present]
    if journal is None:
        predictions = artifact.predict(wanted, progress=progress)
    else:
        given, outputs = artifact.inputs(wanted), journal.find(wanted)
        if outputs is None:
            outputs = artifact.raw_outputs(given, progress=progress)
            journal.add(wanted, outputs)
        predictions = artifact.predictions(outputs, given)
    found: list[Prediction | None] = [None] * len(inputs)
    for at, prediction in zip(present, predictions, strict=True):
        found[at] = prediction
    return found


def prediction_row(artifact: Artifact, prediction: Prediction | None, abstain: float | None = None) -> dict[str, Any]:
    """Plain data of a prediction, nulls where there was no text.

    With `abstain` there is a key `abstained`, and the label, or the answer, is null where the score is below it.
    """
    row = artifact.nothing if prediction is None else dict(prediction.plain())
    if abstain is None:
        return row
    held = abstains(prediction, abstain)
    said = next(iter(artifact.task.nothing))
    return row | {said: None if held else row[said], "abstained": held}


def abstains(prediction: Prediction | None, threshold: float | None) -> bool:
    """Whether the score of a prediction is too low for an answer."""
    score = None if prediction is None else prediction.score
    return score is not None and threshold is not None and score < threshold


class FilePredictions:
    """Predictions for a file with columns (or one text per line, for endings like .txt).

    Args:
        artifact: what predicts.
        path: the input.
        text: columns with the text; those of the training file if None.
        options: format, encoding, delimiter, header.
        progress: advanced by rows.
        abstain: score below which a row gets no label, in [0, 1); None to answer every row.

    `remarks` are those on the file, and once it is written on what was written.

    After the rows were taken, `dropped` lists rows that could not be parsed, `empty` counts rows without text and
    `abstained` those with a score below `abstain`; `layout` says which columns were chosen by their content.
    """

    def __init__(
        self,
        artifact: Artifact,
        path: Path,
        *,
        text: Sequence[str] | None = None,
        options: dict[str, Any] | None = None,
        progress: Progress = SILENT,
        abstain: float | None = None,
    ) -> None:
        self.artifact = artifact
        self.path = path
        self.progress = progress
        self.abstain = abstain
        self.abstained = 0
        self.dropped: list[Dropped] = []
        self.empty = 0
        self.truncated = 0
        self.rows = 0
        sheet = open_sheet(path, words=artifact.task.words, sides=artifact.task.read_sides, **(options or {}))
        self.columns, self.remarks = sheet.columns, sheet.remarks
        self._records = sheet.records
        self.layout = sheet.format.get("layout", "")
        wanted = text or artifact.task.text or ()  # type: ignore[attr-defined]
        names = [column_named(name, sheet.columns, sheet.format) for name in wanted]
        if artifact.task.pairs and len(names) != 2:
            raise DataError(
                f"this model reads pairs of texts; name two columns with --text (named: {', '.join(names)})"
            )
        for name in names:
            if name not in self.columns:
                raise DataError(
                    f"{path} has no column '{name}'{did_you_mean(name, self.columns)} (columns: {', '.join(self.columns)}); "
                    f"choose the column with the text with --text{_without_names(name, sheet.doubt)}"
                )
        self._at = [self.columns.index(name) for name in names]
        self._journal: Journal | None = None

    def __iter__(self) -> Iterator[tuple[Record, Prediction | None]]:
        """Each row with its prediction, in order."""
        for chunk in _chunks(self._usable()):
            task: Any = self.artifact.task
            inputs = [task.input_of([row.values[at] for at in self._at]) for row in chunk]
            for row, prediction in zip(chunk, predicted(self.artifact, inputs, journal=self._journal), strict=True):
                self.empty += prediction is None
                self.abstained += abstains(prediction, self.abstain)
                self.truncated += bool(prediction and prediction.truncated)
                yield row, prediction
            self.rows += len(chunk)
            self.progress.advance(len(chunk))

    def write(self, target: Path, *, overwrite: bool = False) -> None:
        """Write all original columns and the predictions; the file appears whole or not at all.

        Where the model abstains the prediction is empty; score and probabilities are there. What an interrupted run has
        computed is in a file of the same name with `.part` behind it, and the next run with the same model goes on there.

        Raises:
            DataError: a file of words, and the model tags no words.
            RunFolderError: the file is there already, or another process is writing it.
            StorageError: the disk refuses.
            Interrupted: by the user; the message says what was kept.
        """
        refuse_taken(target, overwrite=overwrite)
        writer = writer_for(target)
        added = self.artifact.columns
        if writer.by_word and not self.artifact.task.words:
            raise DataError(f"{target}: files of words hold tags of words only; choose .csv, .tsv, .jsonl or .parquet")
        if writer.by_word:
            added = added[:1]  # the tags; what else is said has no entry per word
        if writer.name in ("csv", "tsv") and (said := like_formulas(self.artifact.labels)):
            self.remarks = (*self.remarks, said)
        prefix = ""
        while {prefix + name for name in added} & set(self.columns):
            prefix += "headstart_"

        def rows() -> Iterator[list[str | None]]:
            for record, found in self:
                held = abstains(found, self.abstain)
                yield [
                    *record.values,
                    *([""] * len(added) if found is None else found.cells(abstained=held)[: len(added)]),
                ]

        columns = [*self.columns, *(prefix + name for name in added)]
        try:
            with durable.working_folder(target) as place:
                work = place / target.name
                if self.artifact.digest:
                    self._write_journaled(writer, target, work, columns, rows(), overwrite=overwrite)
                else:
                    writer.write(work, columns, rows())
                    _put(work, target, overwrite=overwrite)
        except OSError as error:
            raise StorageError(f"{target} cannot be written: {error.strerror or error}") from None

    def _write_journaled(
        self,
        writer: Any,
        target: Path,
        work: Path,
        columns: Sequence[str],
        rows: Iterator[list[str | None]],
        *,
        overwrite: bool,
    ) -> None:
        """Write `work` and put it in the place of `target`, the predictions kept on the way."""
        predictor = self.artifact.predictor
        key = {"model": self.artifact.digest, "precision": predictor.precision, "rows": CHUNK, "version": own_version()}
        key |= predictor.conditions
        blank = self.artifact.task.no_outputs()
        with Journal(target.with_name(target.name + ".part"), key, blank) as journal:
            self._journal = journal
            try:
                writer.write(work, columns, rows)
                with shielded():
                    _put(work, target, overwrite=overwrite)
                    journal.done()
            except KeyboardInterrupt as error:
                raise stopped(error, _kept(journal, target)) from None
            finally:
                self._journal = None

    def _usable(self) -> Iterator[Record]:
        for record in self._records:
            if isinstance(record, Dropped):
                self.dropped.append(record)
                refuse_mostly_dropped(str(self.path), self.dropped, self.rows)
            else:
                yield record


def _put(work: Path, target: Path, *, overwrite: bool) -> None:
    """Give a finished file its name, in one step; a link of that name is replaced and never followed.

    Raises:
        RunFolderError: something came under that name meanwhile, and nothing is to be replaced.
        OSError: the disk refuses.
    """
    if not overwrite:
        try:
            os.link(work, target)  # takes a name that is free, and no other
            return
        except FileExistsError:
            refuse_taken(target, overwrite=False)
        except OSError:  # a disk without links
            refuse_taken(target, overwrite=False)
    os.replace(work, target)


def _without_names(name: str, doubt: str) -> str:
    """What to do where the file, or that which the model learnt from, has no names of columns; empty where both have."""
    if re.fullmatch(r"column_\d+", name):
        return "; the model is of a file without names of columns: say --no-header where this one has none either"
    return f"; {doubt}" if doubt else ""


def _kept(journal: Journal, target: Path) -> str:
    if journal.is_done:
        return f"stopped; {target} is written"
    if not journal.rows or not journal.path.exists():
        return "stopped; nothing was written"
    return f"stopped; the predictions of {journal.rows:,} rows are kept in {journal.path}, and the same command goes on there"


def _chunks(items: Iterable[Any], first: int = CHUNK, most: int = CHUNK) -> Iterator[list[Any]]:
    stream = iter(items)
    size = first
    while chunk := list(islice(stream, size)):
        yield chunk
        size = min(size * 4, most)
