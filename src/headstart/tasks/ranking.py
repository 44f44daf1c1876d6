"""Passages are ranked for a text: what tasks of this kind share."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple, Self

import numpy as np
from pydantic import Field, PrivateAttr

from headstart.data.outputs import Ranked
from headstart.data.profile import TableProfile
from headstart.data.queries import Query
from headstart.data.store import Store
from headstart.errors import DataError, UsageError
from headstart.metrics.ranking import ndcgs
from headstart.metrics.results import RankingResults
from headstart.ranking.fusion import ranked
from headstart.tasks.base import Task
from headstart.tasks.fitness import Fitness
from headstart.tasks.mistakes import ListedPassage, Mistake
from headstart.tasks.ranked_passages import RankedPassage, RankedPassages
from headstart.tasks.relevance import AnsweredQuestions, Places

if TYPE_CHECKING:
    from torch import Tensor

    from headstart.backbones.base import Backbone
    from headstart.backbones.tokenizing import TextTokenizer
    from headstart.heads.base import Head
    from headstart.heads.model import Model
    from headstart.ranking.passages import Passage, Passages
    from headstart.ranking.sources import Gathered

PLACES = 20
"""Passages of a ranking that are kept."""
SHOWN = 5
"""Passages that a prediction names."""
LISTED = 3
"""Passages of a ranking that are shown beside a mistake."""
MOST_SHOWN = 300
"""Characters of a passage that are shown beside a mistake."""


class BiEncoderDefaults(NamedTuple):
    """What a bi-encoder learns a task with where nothing else is said.

    Args:
        negatives: passages that it tells the right one from beside those of a batch, see the strategy.
        symmetric: whether passages pick their text too.
        epochs: passes over the rows.
        learning_rate: the highest.
        vector_tokens: of a stretch of a passage that has a vector of its own; 0 for one vector of the whole passage.
    """

    negatives: Literal["near", "in-batch"] = "near"
    symmetric: bool = False
    epochs: int = 2
    learning_rate: float = 2e-4
    vector_tokens: int = 24


class RankingTask(Task[Query, Ranked]):
    """A task that ranks passages for each text, some of which are right."""

    outputs_kind: ClassVar[str] = Ranked.kind
    target_kind: ClassVar[str] = "passages"
    results_kind: ClassVar[str] = RankingResults.kind
    can_abstain: ClassVar[bool] = False
    contradicts: ClassVar[bool] = False
    named_outputs: ClassVar[bool] = False
    loss_title: ClassVar[str] = "1 - nDCG@10"
    is_guessed: ClassVar[bool] = False
    roles: ClassVar[bool] = True
    no_windows: ClassVar[str] = (
        "ranks passages that fit the network; name files with long ones as --corpus, where they are cut"
    )
    nothing: ClassVar[Mapping[str, Any]] = {"passages": None, "truncated": False}
    kept_end: ClassVar[Literal["first", "last"]] = "first"
    """Which end of a text is read where it is longer than the network reads."""

    bi_encoder: ClassVar[BiEncoderDefaults] = BiEncoderDefaults()
    """What a bi-encoder learns it with."""
    searches_own: ClassVar[bool] = False
    """Whether the passages that rows hold are searched beside those of a corpus."""

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
        return type(other) is type(self) and self.plain() == other.plain()  # type: ignore[attr-defined]

    @abstractmethod
    def queries(self, rows: Store[Any], passages: Passages, places: Places) -> AnsweredQuestions:
        """The rows of a file, as `parse` gave them, with the numbers of the passages that are right.

        Args:
            rows: of one file.
            passages: what is searched.
            places: where these stand.
        """

    def corpus_in(self, path: str, tally: Gathered) -> Iterator[Passage] | None:
        """The passages of a file, where the task reads it in a way of its own; None where it does not.

        Args:
            path: of a file or folder.
            tally: is kept up to date.
        """
        return None

    def contested(self, rows: Store[Query]) -> Store[Query]:
        """The rows of a part with what else each is judged on, which is a function of the part alone; here nothing."""
        return rows

    def doubts(self, rows: Store[Query]) -> list[str]:
        """What makes the scores of a part say little, in sentences."""
        return []

    def pool(self, rows: Store[Query]) -> np.ndarray | None:
        """Numbers of the passages that rows of a part are judged on, ascending; None for all that are searched."""
        return None

    def selected(self, ranking: Ranked, rows: Store[Query]) -> Ranked:
        """What is kept of the ranking of a whole pool: the first places.

        Args:
            ranking: of each row, as long as the pool.
            rows: that it is of.
        """
        found = self.blank(rows)
        few = min(PLACES, ranking.ids.shape[1])
        found.ids[:, :few], found.scores[:, :few] = ranking.ids[:, :few], ranking.scores[:, :few]
        found.truncated[:] = ranking.truncated
        return found

    def fitness(self, profile: TableProfile) -> Fitness:
        """Never guessed: a question and a passage may as well be a pair of texts with something else to learn."""
        return Fitness(0.0)

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
        return ranked(ids, scores)

    def targets(self, examples: Store[Query]) -> np.ndarray:
        """The number of the first passage that is right for each row, int64, shape (rows,)."""
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

    def predictions(self, outputs: Ranked, inputs: Sequence[Any]) -> Sequence[Any]:
        """The best passages of each text."""
        return [RankedPassages(named, cut) for named, cut in self._named(outputs, self.best)]

    def _named(self, outputs: Ranked, most: int) -> Iterator[tuple[tuple[RankedPassage, ...], bool]]:
        """The best passages of each text, at most so many, and whether it was cut."""
        known = self.passages
        for ids, scores, cut in zip(outputs.ids[:, :most], outputs.scores, outputs.truncated, strict=True):
            hits = [(known[int(at)], float(score)) for at, score in zip(ids, scores, strict=False) if at >= 0]
            named = tuple(
                RankedPassage(each.id, each.text, each.document, each.start, each.end, score) for each, score in hits
            )
            yield named, bool(cut)

    def mistakes(self, outputs: Ranked, rows: Store[Query], most: int) -> list[Mistake]:
        """Rows whose first passage is not right, those whose right one stands farthest behind first."""
        gains = self.results(outputs, rows).gains > 0
        ranks = np.where(gains.any(1), gains.argmax(1), gains.shape[1])
        wrong = np.flatnonzero(ranks > 0)
        order = wrong[np.argsort(-ranks[wrong], kind="stable")][:most]
        return [self._mistake(int(row), outputs.ids[row], rows.get(int(row)).relevant) for row in order]

    def _mistake(self, row: int, ids: np.ndarray, relevant: Sequence[int]) -> Mistake:
        """The first few passages of a text, and that which is right where it is not among them."""
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


def _cut(text: str) -> str:
    return text if len(text) <= MOST_SHOWN else text[:MOST_SHOWN] + "..."
