"""Answers from the passages of an index: the verb `ask`, and such answers held against true ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from shlex import quote
from typing import Any

import numpy as np

from headstart.artifact import Artifact
from headstart.data.graphemes import is_blank
from headstart.data.questions import AskedText, Question
from headstart.data.store import Store
from headstart.errors import DataError, UsageError
from headstart.indexes.index import Hit, Index
from headstart.loading import load
from headstart.recipes.inference import Evaluate
from headstart.recipes.searching import Asking
from headstart.runs.grouped import NO_COLUMN, as_in_run
from headstart.runs.outcome import Call, Outcome, left_out
from headstart.runs.searching import asked_rows
from headstart.runtime.machine import set_threads
from headstart.runtime.progress import SILENT, Progress
from headstart.types import AnswerPrediction

BATCH = 32
"""Questions whose passages are read together."""
NEUTRAL = 0.5
"""Threshold of "no answer" and of answers where the reader has none."""


@dataclass(frozen=True)
class Sourced:
    """An answer with the passage that it stands in.

    Args:
        text: as it stands in the file.
        hit: the passage, as it was found.
        start: place of its first character in the passage.
        end: place behind its last one.
        passage_score: share of the passage among those that were read, in [0, 1].
        reader_score: probability of the answer where the passage is the right one, in [0, 1].
        elsewhere: scores of the same answer at other places of the passages, added up, in [0, 1].
    """

    text: str
    hit: Hit
    start: int
    end: int
    passage_score: float
    reader_score: float
    elsewhere: float = 0.0

    @property
    def score(self) -> float:
        """How probable the answer is: that the passage is the right one and this its answer, or another with the same."""
        return self.passage_score * self.reader_score + self.elsewhere

    def plain(self) -> dict[str, Any]:
        """The mapping that `--json` prints; `start` and `end` are places in the file."""
        passage = self.hit.passage
        return {
            "answer": self.text,
            "score": self.score,
            "passage_score": self.passage_score,
            "reader_score": self.reader_score,
            "elsewhere_score": self.elsewhere,
            "document": passage.document,
            "file": passage.file,
            "line": passage.line,
            "start": passage.start + self.start,
            "end": passage.start + self.end,
            "passage_id": passage.id,
            "passage": passage.text,
            "matches": [[self.start, self.end]],
        }


@dataclass(frozen=True)
class Reply:
    """What is said to a question.

    Args:
        question: as it was asked.
        answers: the likeliest ones, the best first; none where no passage was found.
        no_answer: probability that the passages have no answer, in [0, 1]; 0 where the reader never says so.
        refused: whether "not in these documents" is what is said.
        truncated: whether the question was longer than what is read of one.
    """

    question: str
    answers: tuple[Sourced, ...]
    no_answer: float
    refused: bool
    truncated: bool = False

    @property
    def said(self) -> str:
        """The answer; empty where it is not in these documents."""
        return "" if self.refused else self.answers[0].text

    def plain(self) -> dict[str, Any]:
        """The mapping that `--json` prints."""
        best = {} if self.refused else self.answers[0].plain()
        shown = self.answers[0 if self.refused else 1 :]
        return {
            "question": self.question,
            "answer": self.said,
            "score": self.no_answer if self.refused else self.answers[0].score,
            "no_answer": self.no_answer,
            **{key: value for key, value in best.items() if key not in ("answer", "score")},
            "others": [each.plain() for each in shown],
            "truncated": self.truncated,
        }


def ask(recipe: Asking, call: Call) -> Outcome:
    """Carry out `ask`: answers to questions of the command, of lines or of a file, from the passages of an index.

    Raises:
        HeadstartError: the index, the reader or the input can't be used.
    """
    if (recipe.input is None) == (not recipe.query):
        raise UsageError("give a question, or a file of questions with --input")
    if recipe.reader is None:
        raise UsageError("name a run that answers questions about texts with --reader RUN")
    asked = asked_rows(recipe)
    found = Index.open(recipe.index, backbone=recipe.backbone)
    reader = _reader(recipe.reader)
    if recipe.max_answer is not None:
        reader = replace(reader, task=reader.task.revised(max_answer=recipe.max_answer))
    set_threads(recipe.threads, torch_runs=True)
    questions = [query for _, query in asked.rows]
    if not questions:
        raise DataError(f"{recipe.input}: holds no question; expected at least one")
    call.progress.begin("reading", len(questions))
    said = list(
        replies(
            found, reader, questions, passages=recipe.passages, best=recipe.best, weight=recipe.passage_weight,
            progress=call.progress,
        )
    )  # fmt: skip
    call.progress.end()
    rows = [_withheld(reply.plain(), recipe.abstain) for reply in said]
    result = {
        "index": recipe.index,
        "reader": recipe.reader,
        "replies": rows,
        "dropped_rows": [row.plain() for row in asked.dropped],
    }
    notes = left_out(asked.dropped)
    if recipe.abstain is not None:
        held = sum(row["abstained"] for row in rows)
        notes.append(f"{held:,} of {len(rows):,} questions have a score under {recipe.abstain:g} and no answer")
    return Outcome(result, notes=notes)


def _withheld(row: dict[str, Any], abstain: float | None) -> dict[str, Any]:
    """A reply whose answer is null where its score is too low."""
    if abstain is None:
        return row
    held = row["score"] < abstain
    return row | {"answer": None if held else row["answer"], "abstained": held}


def _reader(folder: str) -> Artifact:
    """The artifact that reads passages.

    Raises:
        UsageError: it does something else.
    """
    reader = load(folder)
    if reader.task.target_kind != "answer":
        raise UsageError(
            f"{folder} does {reader.task.name}; the reader has to answer questions: headstart fit QUESTIONS --task "
            f"question-answering -o {quote(folder)}"
        )
    return reader


def replies(
    index: Index,
    reader: Artifact,
    questions: Sequence[str],
    *,
    passages: int,
    best: int = 1,
    weight: float,
    progress: Progress = SILENT,
) -> Iterator[Reply]:
    """What is said to each question, in their order.

    The score of a passage is standardised over those that were found for the question, multiplied by `weight`, and made a share by
    softmax; that share times the reader's probability is the score of an answer (a mixture of the passages; Lee et al. 2019,
    section 3, with a retriever that is not trained for it). Answers that say the same by the rules of the reader's task are one,
    whose score is the sum of theirs; its place is that of the likeliest. "Not in these documents" is the same mixture of what the
    reader says of each passage.

    Args:
        index: of passages.
        reader: an artifact that answers questions.
        questions: that are asked.
        passages: that are read for each.
        best: answers listed for each.
        weight: how much the order of passages counts, at least 0.
        progress: advanced by questions.
    """
    several = replace(reader, task=reader.task.revised(best=best))
    for begun in range(0, len(questions), BATCH):
        some = questions[begun : begun + BATCH]
        found = index.search(some, passages)
        pairs = [
            AskedText(question, hit.passage.text) for question, hits in zip(some, found, strict=True) for hit in hits
        ]
        read = iter(several.predictions(several.raw_outputs(pairs), pairs)) if pairs else iter(())
        options: dict[str, Any] = {"best": best, "weight": weight, "normalise": reader.task.normaliser}  # type: ignore[attr-defined]
        options["limits"] = reader.predictor.thresholds or (NEUTRAL, NEUTRAL)
        for question, hits in zip(some, found, strict=True):
            own: list[Any] = [next(read) for _ in hits]
            yield _reply(question, hits, own, **options)
            progress.advance(1)


def _reply(
    question: str,
    hits: Sequence[Hit],
    read: Sequence[AnswerPrediction],
    *,
    best: int,
    weight: float,
    limits: Sequence[float],
    normalise: Callable[[str], str],
) -> Reply:
    if not hits:
        return Reply(question, (), 1.0, True)
    shares = _shares(np.array([hit.score for hit in hits]), weight)
    found = [
        Sourced(span.text, hit, span.start, span.end, float(share), span.score)
        for hit, share, said in zip(hits, shares, read, strict=True)
        for span in said.spans
    ]
    found = _merged(found, normalise)
    nothing = float(sum(share * said.no_answer for share, said in zip(shares, read, strict=True)))
    refused = nothing > 0 and nothing / limits[0] >= found[0].score / limits[1]
    return Reply(question, tuple(found[:best]), nothing, refused, any(said.truncated for said in read))


def _merged(found: Sequence[Sourced], normalise: Callable[[str], str]) -> list[Sourced]:
    """Answers of which each says something else, the likeliest first, each at its likeliest place."""
    same: dict[str, list[Sourced]] = {}
    for each in sorted(found, key=lambda each: -each.score):
        same.setdefault(normalise(each.text), []).append(each)
    merged = [replace(each, elsewhere=sum(other.score for other in more)) for each, *more in same.values()]
    return sorted(merged, key=lambda each: -each.score)


def _shares(scores: np.ndarray, weight: float) -> np.ndarray:
    """Softmax of standardised scores, shape (passages,)."""
    spread = float(scores.std())
    logits = weight * (scores - scores.mean()) / spread if spread > 0 else np.zeros(len(scores))
    shares = np.exp(logits - logits.max())
    return shares / shares.sum()


def evaluate(recipe: Evaluate, call: Call) -> Outcome:
    """Scores of answers from an index, end to end; the contexts of the rows are not read.

    Beside exact match and F1 there is `found`, the share of questions with an answer one of whose texts stands in the passages that
    were read: no reader can do better.

    Raises:
        HeadstartError: the index, the reader or the file can't be used.
    """
    from headstart.evaluation.judging import plain, scores_of
    from headstart.readers.opening import open_table

    assert recipe.reader is not None
    found, reader = Index.open(recipe.model), _reader(recipe.reader)
    set_threads(recipe.threads, torch_runs=True)
    task: Any = reader.task
    table = open_table(recipe.test, **recipe.reading)
    task = task.revised(text=recipe.text or None, label=recipe.label).guess(table)
    rows, dropped = task.parse(table)
    if recipe.group_column not in (None, NO_COLUMN):
        table.column(recipe.group_column, "--group-column")
    if not len(rows):
        raise DataError(f"{recipe.test} has no question with an answer; first reason: {dropped[0].reason}")
    grouped = as_in_run(rows, reader, recipe.group_column)
    rows = grouped.rows
    call.progress.begin("evaluating", len(rows))
    asked = [example.input.question for example in rows.examples]
    options: dict[str, Any] = {"passages": recipe.passages, "weight": recipe.passage_weight}
    said = list(replies(found, reader, asked, best=1, progress=call.progress, **options))
    call.progress.end()
    results = task.answer_results([reply.said for reply in said], rows)
    metrics = [metric for metric in task.all_metrics() if not metric.is_loss]
    scores = scores_of(metrics, results, rows.groups)
    result = {
        "scores": plain(scores),
        "groups": {},
        "group_column": grouped.column,
        "found": _found(found, task, rows, asked, recipe.passages),
        "passages": recipe.passages,
        "truncated": sum(reply.truncated for reply in said),
        "dropped_rows": [row.plain() for row in [*table.dropped, *dropped]],
    }
    notes = [*grouped.said, *left_out([*table.dropped, *dropped])]
    notes.append(
        f"an answer stands in the passages that were read for {result['found']:.1%} of the questions that have one"
    )
    return Outcome(result, reader, notes=notes)


def _found(index: Index, task: Any, rows: Store[Question], asked: Sequence[str], passages: int) -> float:
    """Share of the questions with an answer for which one of its texts stands in a passage that was found."""
    inside = [
        any(task.normaliser(answer.text) in task.normaliser(hit.passage.text) for answer in label for hit in hits)
        for label, hits in zip(rows.labels, index.search(asked, passages), strict=True)
        if label and not all(is_blank(answer.text) for answer in label)
    ]
    return float(np.mean(inside)) if inside else 0.0
