"""What is searched: the passages of a corpus, or those that rows name; and rows with the numbers of their passages."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from headstart.data.store import Store
from headstart.errors import DataError
from headstart.ranking.passages import Passages, PassageWriter
from headstart.ranking.sources import Gathered, passages_in
from headstart.recipes.sources import TARGET
from headstart.runtime.progress import SILENT, Progress
from headstart.tasks.base import Task
from headstart.tasks.ranking import RankingTask
from headstart.tasks.relevance import AnsweredQuestions, Places, named_passages, only_asked

MOST_WORDS = 180
"""Words of a passage of a corpus at most: about what sentence encoders read."""


def read_corpus(path: str, task: Task[Any, Any], *, progress: Progress = SILENT) -> tuple[Passages, list[str]]:
    """The passages of files, and what is to be said of them.

    Args:
        path: a folder of texts, a text file, or a table with a column of passages.
        task: that ranks them, and may read files in a way of its own.
        progress: told what is left out of folders.

    Raises:
        DataError, MissingInputError, StorageError: they cannot be read, or hold no passage.
    """
    assert isinstance(task, RankingTask)
    tally, writer = Gathered(), PassageWriter()
    own = task.corpus_in(path, tally)
    try:
        for passage in own or passages_in([path], most=MOST_WORDS, tally=tally, progress=progress):
            writer.add(passage)
        found = writer.passages()
    finally:
        writer.discard()
    if not len(found):
        raise DataError(f"{path} has no passage with text")
    said = []
    if tally.dropped:
        first = tally.dropped[0]
        said.append(
            f"{len(tally.dropped):,} rows or files of {path} are no passages and are left out ({first.file}:{first.line}: "
            f"{first.reason})"
        )
    copies = len(found) - len(found.distinct)
    if copies:
        said.append(f"{copies:,} passages of {path} repeat the text of an earlier one; they are ranked as one")
    return found, said


def with_passages(
    task: Task[Any, Any],
    parts: Mapping[Any, Store[Any]],
    corpus: Passages | None,
    unlabelled: Collection[Any] = (),
) -> tuple[Task[Any, Any], dict[Any, AnsweredQuestions]]:
    """A task that knows what is searched, and the questions of each part with the numbers of their passages.

    Args:
        task: of retrieval.
        parts: judgements as `parse` gives them, in the order in which passages are numbered where no corpus is given.
        corpus: what is searched; all passages that stand in the parts if None.
        unlabelled: parts of questions alone, of which nobody says what answers them.

    Raises:
        DataError: rows name passages by ids alone and there is no corpus, or no question of a part has a passage.
    """
    assert isinstance(task, RankingTask)
    passages = corpus
    if passages is None or task.searches_own:
        passages = named_passages(parts.values(), corpus)
    places = Places.of(passages)
    found = {name: task.queries(rows, passages, places) for name, rows in parts.items() if name not in unlabelled}
    for name, each in found.items():
        if not len(each.rows):
            raise DataError(f"{parts[name].file} has no question with a passage that answers it{_reason(each, corpus)}")
    found |= {name: AnsweredQuestions(only_asked(parts[name]), [], []) for name in unlabelled}
    return task.searching(passages), found


def contested(task: Task[Any, Any], parts: Mapping[Any, Store[Any]]) -> dict[Any, Store[Any]]:
    """The rows of parts with what each is judged on, see `RankingTask.contested`; those of the target domain as they are."""
    assert isinstance(task, RankingTask)
    return {name: rows if name == TARGET else task.contested(rows) for name, rows in parts.items()}


def _reason(found: AnsweredQuestions, corpus: Passages | None) -> str:
    if not found.dropped:
        return ""
    first = found.dropped[0]
    asked = "; name the files of the passages with --corpus" if corpus is None else ""
    return f"; first reason: line {first.line}: {first.reason}{asked}"
