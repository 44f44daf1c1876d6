"""Retrieval: the passages that answer a question, out of many."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from pydantic import Field, PrivateAttr

from headstart.data.columns import taken
from headstart.data.examples import joined
from headstart.data.outputs import Ranked
from headstart.data.profile import TableProfile
from headstart.data.queries import Judgement, Query
from headstart.data.store import Store
from headstart.data.table import Table
from headstart.errors import DataError, UsageError
from headstart.metrics.ranking import ndcgs
from headstart.metrics.results import RankingResults
from headstart.tasks.base import Task
from headstart.tasks.columns import first_named, folded_name, require_columns, text_fault, usable_rows
from headstart.tasks.fitness import Fitness
from headstart.tasks.inputs import InputField, Text
from headstart.tasks.mistakes import ListedPassage, Mistake
from headstart.tasks.ranked_passages import RankedPassage, RankedPassages
from headstart.types import Dropped

if TYPE_CHECKING:
    from torch import Tensor

    from headstart.backbones.base import Backbone
    from headstart.backbones.tokenizing import TextTokenizer
    from headstart.heads.base import Head
    from headstart.heads.model import Model
    from headstart.ranking.passages import Passages

PLACES = 20
"""Passages of a ranking that are kept."""
SHOWN = 5
"""Passages that a prediction names."""
LISTED = 3
"""Passages of a ranking that are shown beside a mistake."""
MOST_SHOWN = 300
"""Characters of a passage that are shown beside a mistake."""
QUESTIONS = ("question", "query", "questions", "queries", "anchor", "search", "text", "sentence")
PASSAGES = ("passage", "context", "positive", "paragraph", "document", "answer", "content", "body")
IDS = ("passage_id", "corpus_id", "document_id", "doc_id", "docid", "pid")
GRADES = ("relevance", "grade", "rel", "score")


class Retrieval(Task[Query, Ranked]):
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
    outputs_kind: ClassVar[str] = Ranked.kind
    target_kind: ClassVar[str] = "passages"
    results_kind: ClassVar[str] = RankingResults.kind
    metrics: ClassVar[tuple[str, ...]] = ("ndcg_at_10", "mrr_at_10", "recall_at_1", "recall_at_5", "recall_at_20")
    can_abstain: ClassVar[bool] = False
    contradicts: ClassVar[bool] = False
    named_outputs: ClassVar[bool] = False
    loss_title: ClassVar[str] = "1 - nDCG@10"
    is_guessed: ClassVar[bool] = False
    no_windows: ClassVar[str] = (
        "ranks passages that fit the network; name files with long ones as --corpus, where they are cut"
    )
    nothing: ClassVar[Mapping[str, Any]] = {"passages": None, "truncated": False}

    passage_id: str | None = None
    """Column with ids of passages beside their texts; guessed if not given."""
    grade: str | None = None
    """Column with numbers that say how well a passage answers, over 0 where it does; guessed if not given, else 1 for each row."""

    best: int = Field(default=SHOWN, ge=1, le=100)
    """Answers or passages that a prediction lists at most, the best one included, in [1, 100]; of passages 20 are kept."""

    _passages: Any = PrivateAttr(default=None)

    @property
    def passages(self) -> Passages:
        """What is searched.

        Raises:
            UsageError: nobody has said yet.
        """
        if self._passages is None:
            raise UsageError(f"the task {self.name} knows no passages yet; read rows with a corpus first")
        return self._passages

    def searching(self, passages: Passages) -> Self:
        """A copy that knows what is searched."""
        found = type(self)(**{key: getattr(self, key) for key in type(self).model_fields})
        found._passages = passages
        return found

    def revised(self, **changes: Any) -> Self:
        """A validated copy with some fields replaced, which searches the same passages."""
        found = super().revised(**changes)
        found._passages = self._passages
        return found

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Retrieval) and self.plain() == other.plain()

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

    def fitness(self, profile: TableProfile) -> Fitness:
        """Never guessed: a question and a passage may as well be a pair of texts with something else to learn."""
        return Fitness(0.0)

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

    def bind(self, examples: Store[Any]) -> Self:
        """A copy with its metric named.

        Raises:
            DataError: there is one passage only.
        """
        if self._passages is not None and len(self.passages.distinct) < 2:
            raise DataError(f"{examples.file}: there is one passage only, so nothing can be ranked")
        return self.revised(metric=self.chosen_metric)

    def counts(self, rows: Store[Any]) -> Mapping[str, int]:
        """Nothing is counted: passages have no names of classes."""
        return {}

    def heads(self, backbone: Backbone, **options: Any) -> dict[str, Head]:
        """None: vectors are pooled states as they are."""
        return {}

    def prepare(self, examples: Store[Any], tokenizer: TextTokenizer) -> Any:
        raise UsageError(f"{self.name} is learnt by strategies of its own")

    def collate(self, prepared: Any, indices: np.ndarray, pad_id: int) -> Any:
        raise UsageError(f"{self.name} is learnt by strategies of its own")

    def forward(self, model: Model, batch: Any) -> Tensor:
        raise UsageError(f"{self.name} is learnt by strategies of its own")

    def criterion(self, scores: Tensor, batch: Any) -> tuple[Tensor, float]:
        raise UsageError(f"{self.name} is learnt by strategies of its own")

    def blank(self, rows: Store[Query]) -> Ranked:
        """Rankings of rows to be filled in."""
        count = len(rows)
        ids, scores = np.full((count, PLACES), -1, dtype=np.int64), np.zeros((count, PLACES), dtype=np.float32)
        return Ranked(np.zeros(count, dtype=bool), ids, scores, np.zeros(count, dtype=np.float32))

    def targets(self, examples: Store[Query]) -> np.ndarray:
        """The number of the first passage that answers each question, int64, shape (rows,)."""
        return np.array(
            [example.relevant[0] if example.relevant else -1 for example in examples.examples], dtype=np.int64
        )

    def weights(self, examples: Sequence[Query]) -> np.ndarray:
        """All rows count alike."""
        return np.ones(len(examples))

    def results(self, outputs: Ranked, rows: Store[Query]) -> RankingResults:
        """Grades of what was found, place by place, beside those of all that could be; a document that was judged counts once."""
        items = [example.by_item for example in rows.examples]
        most = max(map(len, items), default=1)
        gains, ideal = np.zeros(outputs.ids.shape), np.zeros((len(rows), max(most, 1)))
        for row, own in enumerate(items):
            ideal[row, : len(own)] = sorted((grade for _, grade in own), reverse=True)
            for numbers, grade in own:
                hits = (outputs.ids[row][:, None] == numbers).any(1)
                if hits.any():
                    gains[row, hits.argmax()] = grade
        found = RankingResults(np.zeros(len(rows)), np.ones(len(rows)), gains, ideal)
        return RankingResults(1.0 - ndcgs(found, 10), np.ones(len(rows)), gains, ideal)

    @property
    def columns(self) -> tuple[str, ...]:
        """`passage` with the id of the best one, and `passages` with the first few as JSON."""
        return ("passage", "passages")

    def predictions(self, outputs: Ranked, inputs: Sequence[Any]) -> list[RankedPassages]:
        """The best passages of each question."""
        known = self.passages
        found = []
        for ids, scores, cut in zip(outputs.ids[:, : self.best], outputs.scores, outputs.truncated, strict=True):
            hits = [(known[int(at)], float(score)) for at, score in zip(ids, scores, strict=False) if at >= 0]
            named = tuple(
                RankedPassage(each.id, each.text, each.document, each.start, each.end, score) for each, score in hits
            )
            found.append(RankedPassages(named, bool(cut)))
        return found

    def mistakes(self, outputs: Ranked, rows: Store[Query], most: int) -> list[Mistake]:
        """Questions whose first passage does not answer, those whose answer stands farthest behind first."""
        gains = self.results(outputs, rows).gains > 0
        ranks = np.where(gains.any(1), gains.argmax(1), gains.shape[1])
        wrong = np.flatnonzero(ranks > 0)
        order = wrong[np.argsort(-ranks[wrong], kind="stable")][:most]
        return [self._mistake(int(row), outputs.ids[row], rows.get(int(row)).relevant) for row in order]

    def _mistake(self, row: int, ids: np.ndarray, relevant: Sequence[int]) -> Mistake:
        """The first few passages of a question, and that which answers where it is not among them."""
        places = {int(number): at + 1 for at, number in enumerate(ids) if number >= 0}
        listed: list[tuple[int | None, int, bool]] = [
            (rank, number, number in relevant) for number, rank in places.items() if rank <= LISTED
        ]
        if not any(answers for _, _, answers in listed):
            best = min(relevant, key=lambda number: places.get(number, len(ids) + 1))
            listed.append((places.get(best), best, True))
        passages = [
            ListedPassage(rank, self.passages[number].id, _cut(self.passages[number].text), answers)
            for rank, number, answers in listed
        ]
        right = next(each for each in passages if each.answers)
        first = passages[0].id if places else "(no passage)"
        return Mistake(row, right.id, first, None, passages=passages)

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


def _cut(text: str) -> str:
    return text if len(text) <= MOST_SHOWN else text[:MOST_SHOWN] + "..."


def _number(cell: str | None) -> float | None:
    try:
        value = float(cell or "")
    except ValueError:
        return None
    return value if np.isfinite(value) else None
