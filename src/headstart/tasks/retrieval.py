"""Retrieval: the passages that answer a question, out of many."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from headstart.data.columns import taken
from headstart.data.examples import joined
from headstart.data.queries import Judgement
from headstart.data.store import Store
from headstart.data.table import Table
from headstart.errors import DataError
from headstart.tasks.columns import first_named, folded_name, require_columns, text_fault, usable_rows
from headstart.tasks.inputs import InputField, Text
from headstart.tasks.ranking import RankingTask
from headstart.tasks.relevance import AnsweredQuestions, Places, queries_of
from headstart.types import Dropped

if TYPE_CHECKING:
    from headstart.ranking.passages import Passages

QUESTIONS = ("question", "query", "questions", "queries", "anchor", "search", "text", "sentence")
PASSAGES = ("passage", "context", "positive", "paragraph", "document", "answer", "content", "body")
IDS = ("passage_id", "corpus_id", "document_id", "doc_id", "docid", "pid")
GRADES = ("relevance", "grade", "rel", "score")


class Retrieval(RankingTask):
    """The passages that answer a question, out of many: those of files (`--corpus`), or all that the rows name.

    A row has a question and a passage that answers it, as its text or its id; a file of relevance judgements may have a question
    in several rows, with grades. A SQuAD file serves too: its contexts are the passages. A passage may answer questions of training
    and of test, for what is searched is one and the same; a question may not.

    Needs: `encode`, of strategies with a network.
    Inputs: a text column with questions; a column with the passage that answers, its text or id.
    Loss: that of its strategies; results are compared by 1 - nDCG@10.
    See also: `question-answering`, which finds the answer within a passage; `sentence-similarity`, for how alike two texts are.

    Example:
        headstart fit examples/help/train.csv --task retrieval --strategy bm25
    """

    name: ClassVar[str] = "retrieval"
    hub: ClassVar[str] = "sentence-similarity"
    inputs: ClassVar[tuple[InputField, ...]] = (Text("question"),)
    metrics: ClassVar[tuple[str, ...]] = ("ndcg_at_10", "mrr_at_10", "recall_at_1", "recall_at_5", "recall_at_20")

    passage_id: str | None = None
    """Column with ids of passages beside their texts; guessed if not given."""
    grade: str | None = None
    """Column with numbers that say how well a passage answers, over 0 where it does; guessed if not given, else 1 for each row."""

    def guess(self, table: Table) -> Self:
        """Fill in columns that were not named, by usual names; the first column has the questions where none is called so."""
        require_columns(table, self.text, self.label)
        names = [name for name in table.columns if name != self.label]
        text = self.text or (first_named(names, QUESTIONS) or next(iter(names), ""),)
        left = [name for name in names if name not in text]
        label = self.label or first_named(left, PASSAGES) or first_named(left, IDS)
        if label is None:
            raise DataError(
                f"{table.file}: which column names the passage that answers a question? Name it with --label (columns: "
                f"{', '.join(table.columns)})"
            )
        require_columns(table, text, label)
        left = [name for name in left if name != label]
        return self.revised(
            text=text,
            label=label,
            passage_id=self.passage_id or first_named(left, IDS),
            grade=self.grade or first_named(left, GRADES),
        )

    def parse(self, table: Table, *, labelled: bool = True) -> tuple[Store[Any], list[Dropped]]:
        """Judgements of a table; rows without a question or a passage, or with a grade that is no number, are reported."""
        names = self.text or ()
        label = (self.label or "") if labelled else None
        rows = usable_rows(
            table, lambda parts: text_fault(joined(parts)), texts=names, label=label, weight=None, read=_passage
        )
        texts = [taken(table.column(name, "--text"), rows.kept) for name in names]
        named = labelled and self.passage_id in table.columns
        ids = taken(table.columns[self.passage_id or ""], rows.kept) if named else [""] * len(rows.kept)
        graded = labelled and self.grade in table.columns
        grades = taken(table.columns[self.grade or ""], rows.kept) if graded else ["1"] * len(rows.kept)
        by_id = label is not None and folded_name(label) in IDS
        examples, kept, dropped = [], [], [*rows.dropped]
        for at, row in enumerate(rows.kept):
            grade = _number(grades[at])
            if grade is None:
                reason = f"grade {grades[at]!a} in column '{self.grade}' is not a number"
                dropped.append(Dropped(table.file, table.lines[row], reason))
                continue
            passage, name = rows.labels[at] or "", (ids[at] or "").strip()
            text = joined([column[at] for column in texts]) or ""
            examples.append(Judgement(text, "" if by_id else passage, passage.strip() if by_id else name, grade))
            kept.append(row)
        columns = {name: taken(values, kept) for name, values in table.columns.items()}
        dropped.sort(key=lambda row: row.line)
        return Store(examples, taken(table.lines, kept), table.file, columns), dropped

    def queries(self, rows: Store[Any], passages: Passages, places: Places) -> AnsweredQuestions:
        """Each different question with all passages that answer it, see `queries_of`."""
        return queries_of(rows, passages, places)

    @classmethod
    def toy_examples(cls) -> list[Any]:
        """A dozen short questions with their passages."""
        words = ("good", "bad", "nine", "monday", "night", "shop", "parcel", "day", "start", "end", "way", "indeed")
        return [
            Judgement("where is" + " now" * (at % 4) + f" {word}", f"{word} is here") for at, word in enumerate(words)
        ]


def _passage(cell: Any) -> tuple[str | None, str | None]:
    """What a cell says of a passage, and why it cannot be used."""
    fault = text_fault(cell)
    return (None, "no passage") if fault == "no text" else (None if fault else str(cell), fault)


def _number(cell: str | None) -> float | None:
    try:
        value = float(cell or "")
    except ValueError:
        return None
    return value if np.isfinite(value) else None
