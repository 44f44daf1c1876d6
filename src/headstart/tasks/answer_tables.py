"""Questions, contexts and answers as they stand in the columns of a file."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from headstart.data.answers import Answer, AnswerCounts, answers_in, offset_unit
from headstart.data.columns import taken
from headstart.data.profile import TableProfile
from headstart.data.questions import Questions, context_words, words_between
from headstart.data.splits import numbered
from headstart.data.store import Store
from headstart.data.table import Table
from headstart.data.tagged import RowFault
from headstart.errors import DataError
from headstart.tasks.columns import first_named, require_columns, text_fault
from headstart.tasks.fitness import Fitness
from headstart.types import Dropped

QUESTION_NAMES = ("question", "query", "q")
CONTEXT_NAMES = ("context", "passage", "paragraph", "document", "evidence", "article", "text", "content", "body")
ANSWER_NAMES = ("answers", "answer", "answer_text", "answer_texts", "span", "label", "target")
START_NAMES = ("answer_start", "answer_starts", "start", "answer_offset", "begin", "start_position")
GROUP_NAMES = ("title", "article", "document_id", "doc_id", "document", "source")
"""Names of columns that say which text a context is part of."""
LEAST_SHARED = 0.8
"""Share of the filled answers that stand in their context, from which on columns are those of questions."""
SAMPLED = 300
"""Rows by which columns are judged."""


def guessed(
    table: Table, text: tuple[str, str] | None, label: str | None, start: str | None
) -> tuple[tuple[str, str], str, str | None]:
    """Columns of questions and contexts, of answers and of their places; those that are named stay.

    Raises:
        DataError: a named column is not there, or none fits.
    """
    require_columns(table, text, label)
    if start is not None:
        start = table.named(start)
        table.column(start, "--answer-start")
    free = [name for name in table.columns if name not in (*(text or ()), label, start)]
    if text is None:
        question = first_named(free, QUESTION_NAMES)
        context = first_named([name for name in free if name != question], CONTEXT_NAMES)
        if question is None or context is None:
            missing = "questions" if question is None else "contexts"
            raise DataError(
                f"{table.file}: no column looks like {missing} (columns: {', '.join(table.columns)}); name both with --text "
                "question,context"
            )
        text = question, context
    rest = [name for name in free if name not in text]
    label = label or first_named(rest, ANSWER_NAMES)
    if label is None:
        raise DataError(
            f"{table.file}: no column looks like answers (columns: {', '.join(table.columns)}); name it with --label"
        )
    start = start or first_named([name for name in rest if name != label], START_NAMES)
    return (text[0], text[1]), label, start


def asked_fitness(profile: TableProfile, text: tuple[str, str], label: str) -> Fitness:
    """How many of the answers stand in their contexts, and are shorter than these."""
    columns = profile.columns
    if not {*text, label} <= {*columns}:
        return Fitness(0.0)
    filled = found = 0
    for question, context, cell in zip(*(columns[name].cells[:SAMPLED] for name in (*text, label)), strict=True):
        if not question or not context or not cell or cell == context:
            continue
        filled += 1
        try:
            found += bool(answers_in(cell, None, context)) and len(cell.strip()) > 1
        except RowFault as fault:
            found += "more than once" in str(fault)
    if not filled or found < LEAST_SHARED * filled or columns[text[1]].words < 5:
        return Fitness(0.0)
    return Fitness(0.99 * found / filled, f"'{label}' has words of '{text[1]}' that answer '{text[0]}'")


def questions_of(
    table: Table, text: tuple[str, str], label: str | None, start: str | None
) -> tuple[Store, list[Dropped]]:
    """The rows that can be used, and the others with a reason.

    Args:
        table: with the columns.
        text: columns of questions and contexts.
        label: column of answers; None where rows have none.
        start: column of their places; None where there is none, or the answers say them.

    Returns:
        Rows of one article, by its title, or of one context hang together as groups.
    """
    columns = _columns(table, text, label, start)
    counts = AnswerCounts(unit=offset_unit(zip(columns[2], columns[3], columns[1], strict=True)))
    kept, labels, words, dropped = [], [], [], []
    for row, (question, context, cell, place) in enumerate(zip(*columns, strict=True)):
        reason = _fault(question, "question", text[0]) or _fault(context, "context", text[1])
        answers: tuple[Answer, ...] | None = None
        if reason is None and not context_words(context or "").words:
            reason = f"the context in '{text[1]}' has no word"
        if reason is None and label is not None:
            try:
                answers = answers_in(cell, place, context or "", counts)
            except RowFault as fault:
                reason = str(fault)
            reason = reason or _wordless(context or "", answers or ())
        if reason:
            dropped.append(Dropped(table.file, table.lines[row], reason))
            continue
        kept.append(row)
        labels.append(answers)
        words.append(len(context_words(context or "").words))
    found = Questions(taken(columns[0], kept), taken(columns[1], kept), labels, np.array(words, dtype=np.int64))
    beside = {name: taken(values, kept) for name, values in table.columns.items()}
    return Store(found, taken(table.lines, kept), table.file, beside, _groups(table, text[1], kept)), dropped


def remarks_on(table: Table, text: tuple[str, str], label: str, start: str | None) -> list[str]:
    """How offsets are counted, and what became of answers that are not at theirs, in sentences; arguments as of `questions_of`."""
    columns = _columns(table, text, label, start)
    counts = AnswerCounts(unit=offset_unit(zip(columns[2], columns[3], columns[1], strict=True)))
    for _, context, cell, place in zip(*columns, strict=True):
        try:
            answers_in(cell, place, context or "", counts)
        except RowFault:
            continue
    return list(counts.remarks(table.file))


def _columns(
    table: Table, text: tuple[str, str], label: str | None, start: str | None
) -> tuple[Sequence[str | None], Sequence[str | None], Sequence[str | None], Sequence[str | None]]:
    nothing: Sequence[str | None] = [None] * len(table)
    return (
        table.column(text[0], "--text"),
        table.column(text[1], "--text"),
        nothing if label is None else table.column(label, "--label"),
        nothing if label is None or start is None or start not in table.columns else table.columns[start],
    )


def _fault(text: str | None, what: str, column: str) -> str | None:
    fault = text_fault(text)
    return None if fault is None else f"the {what} in '{column}' is empty" if fault == "no text" else f"{what}: {fault}"


def _wordless(context: str, answers: Sequence[Answer]) -> str | None:
    words = context_words(context)
    odd = next((each.text for each in answers if words_between(words, each.start, each.end) is None), None)
    return None if odd is None else f"the answer {odd!r:.40} has no character that can be read"


def _groups(table: Table, context: str, kept: Sequence[int]) -> np.ndarray | None:
    """The article of each row or, where all have the same or none is named, the context; None where that parts nothing either."""
    name = first_named([each for each in table.columns if each != context], GROUP_NAMES)
    texts = table.columns[table.named(context)]
    titles = texts if name is None else table.columns[name]
    for values in (titles, texts):
        found = numbered([values[row] or texts[row] or "" for row in kept])
        if 1 < len(np.unique(found)) < len(found):
            return found
    return None
