"""A bi-encoder: questions and the passages that answer them are drawn together in the space of vectors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

import numpy as np
from pydantic import BeforeValidator, Field

from headstart.config import split_at_commas
from headstart.data.outputs import Ranked
from headstart.errors import RecipeError
from headstart.strategies.base import Auto, Candidate, Context, Strategy, Work
from headstart.strategies.cross_validation import in_fold
from headstart.strategies.retrieving import (
    NOT_RETRIEVAL,
    held_out,
    is_retrieval,
    kept,
    length_ratio,
    mined,
    passages_read,
    ranked_by_fold,
    reading_work,
    vectors_before,
    words_of,
)
from headstart.tasks.base import Task

if TYPE_CHECKING:
    from headstart.backbones.base import Backbone
    from headstart.data.tokens import Tokens
    from headstart.heads.model import Model
    from headstart.objectives.passage_ranking import RankingRows
    from headstart.predictors.dense import DensePredictor
    from headstart.tasks.ranking import BiEncoderDefaults
    from headstart.training.state import Epoch, History

FIRST = 1
"""Epochs before negatives are mined: by then the network knows which passages are hard."""
SEARCHED = 50
"""Passages by question that negatives are drawn from at most."""


@dataclass
class Course:
    """How training went, over all of its stages."""

    epochs: list[Epoch] = field(default_factory=list)
    outputs: list[Ranked] = field(default_factory=list)
    best: int = 0
    cut: int | None = None
    """Epoch after which the budget ended it; None where it did not."""
    skipped: int = 0
    """Updates that were left out, loss or gradient not finite."""

    def add(self, history: History, before: int) -> None:
        """The next stage, which begins after the epoch `before`; what it starts from is there already."""
        self.epochs += [
            replace(each, epoch=each.epoch + before) for each in history.epochs if each.epoch or not self.epochs
        ]
        self.outputs += history.outputs[1:] if self.outputs else history.outputs  # type: ignore[arg-type]
        if history.best:
            self.best = before + history.best
        self.cut = self.cut if history.cut is None else before + history.cut
        self.skipped += len(history.skipped)


class BiEncoder(Strategy):
    """Fine-tuning of a bi-encoder with the negatives of a batch (Karpukhin et al. 2020, section 3.2), hard ones together.

    A question picks its passage among all passages of a batch, which holds the questions of `--batch-size` passages, by the cosine
    of mean states: of the whole passage, and of the best of its stretches of `vector_tokens` (Günther et al. 2024). It is found
    by the latter; the former is for an index with one vector a passage. The passages of a batch are near to each other, so hard to
    tell apart. With `--negatives mined` the network itself says after the first epoch which ones are hard: of those that score by
    `margin` less than the right one, some stand in each batch from then on (Xiong et al. 2021). After every epoch the validation
    questions are ranked on all passages (on those that answer and the best by words, where there are over 20,000), and the best
    weights are kept.

    The saved network is a sentence encoder: `headstart index docs/ --backbone runs/NAME` searches with it.

    Needs: questions with passages that answer them.
    Inputs: questions; passages.
    See also: `untouched`, the same network as it is; `hybrid`, which adds BM25; `rerank`, which reads question and passage at once.

    Example:
        headstart fit examples/help/train.csv --task retrieval --strategy bi-encoder --epochs 2
    """

    name: ClassVar[str] = "bi-encoder"
    cost: ClassVar[int] = 4
    shortens: ClassVar[bool] = True
    gives: ClassVar[frozenset[str]] = frozenset({Ranked.kind})
    auto: ClassVar[Auto | None] = Auto(verbs=frozenset({"fit", "compare"}))

    top_layers: Literal["all"] | int = "all"
    """`all`, or how many of the top layers move, at least 1."""
    scale: float = Field(default=20.0, gt=0, le=1000)
    """What cosines are multiplied by in the loss, in (0, 1000]."""
    symmetric: bool | None = None
    """Let passages pick their question too; by default replies do, and passages do not."""
    negatives: Literal["near", "mined", "bm25", "in-batch"] | None = None
    """Passages that do not answer: `in-batch`, those of the other questions of a batch, drawn at random; `near`, the same where
    each half of a batch has passages that are near to each other by the network before training; `mined`, drawn ones and the
    nearest by the network after its first epoch; `bm25`, drawn ones and the best by words. By default `near`, and `in-batch` for
    replies."""
    per_question: int = Field(default=1, ge=1, le=32)
    """Negatives of each question beside those of its batch, in [1, 32], where they are `mined` or by `bm25`."""
    margin: float = Field(default=0.05, ge=0, le=2)
    """By how much the cosine of a mined negative is lower than that of the right passage, in [0, 2]; nearer ones may answer too."""
    widths: Annotated[tuple[Annotated[int, Field(ge=1)], ...], BeforeValidator(split_at_commas)] = Field(
        default=(), examples=[(192, 96)]
    )
    """Lengths of vectors that are learnt to do alone too, such as 192 and 96 (Kusupati et al. 2022); none by default."""
    width: int | None = Field(default=None, ge=1)
    """Numbers of a vector that are kept, at least 1; all by default."""
    int8: bool = False
    """Keep vectors of passages to one byte a number."""
    vector_tokens: int | None = Field(default=None, ge=0)
    """Tokens of a stretch of a passage that has a vector of its own, the best of which counts, at least 2, or 0 for one vector of
    the whole passage; neighbours overlap by half. By default 24, and 0 for replies."""

    def refuses(self, task: Task) -> str:
        """Refuses what is no retrieval."""
        return "" if is_retrieval(task) else NOT_RETRIEVAL

    def work(self, context: Context) -> Work:
        """Questions with their passages and negatives; all passages after every epoch, and once more to mine."""
        from headstart.strategies.cross_validation import rounds

        epochs, ratio, read = self._epochs(context), length_ratio(context), reading_work(context)
        others = self.per_question * (self._settled(context.task).negatives in ("mined", "bm25"))
        once = passages_read(context)
        times = 0 if context.folds is not None else epochs + 2
        return Work(epochs * rounds(context) * (1 + ratio * (once + others)), (times + rounds(context)) * (read + 1))

    def fit(self, context: Context) -> Candidate:
        """Train by stages, and read the passages with what came of it."""
        return kept(context, self, self._settled(context.task)._fitted(context))

    def _settled(self, task: Any) -> Self:
        """A copy with what is open filled in as suits the task."""
        usual: BiEncoderDefaults = task.bi_encoder
        symmetric = usual.symmetric if self.symmetric is None else self.symmetric
        tokens = usual.vector_tokens if self.vector_tokens is None else self.vector_tokens
        return self.revised(symmetric=symmetric, negatives=self.negatives or usual.negatives, vector_tokens=tokens)

    def _fitted(self, context: Context) -> Candidate:
        if isinstance(self.top_layers, int) and self.top_layers < 1:
            raise RecipeError(["strategy.top_layers: no layer would move; give 'all' or a number of at least 1"])
        if self.vector_tokens == 1:
            raise RecipeError(
                ["strategy.vector_tokens: a stretch of one token has no half; give at least 2, or 0 for none"]
            )
        from headstart.strategies.cross_validation import rounds

        epochs = self._epochs(context)
        context.progress.begin(self.name, len(context.train) * epochs * rounds(context))
        crossed = None
        if context.folds is not None:
            crossed = ranked_by_fold(context, lambda part: held_out(part, self._trained(part, epochs)[0]))
        predictor, course = self._trained(context, epochs)
        outputs = crossed or held_out(context, predictor)
        context.progress.end()
        training = context.training.revised(epochs=epochs, learning_rate=self._rate(context))
        if course.cut is not None:
            training = training.revised(stop_after=max(course.cut, 1))
        whole = context.folds is not None or context.last_epoch is not None
        return Candidate(
            self,
            training,
            predictor,
            outputs,
            self._described(epochs, course, whole=whole),
            sum(p.numel() for module in self._moving(predictor.backbone) for p in module.parameters()),
            [epoch.plain() for epoch in course.epochs],
            self._notes(course, epochs),
            None if context.folds is not None else course.best,
        )

    def _notes(self, course: Course, epochs: int) -> list[str]:
        said = []
        if course.skipped:
            said.append(f"{course.skipped} updates left out, loss or gradient not finite")
        if course.cut is not None:
            said.append(f"the budget ended training after epoch {course.cut} of {epochs}")
        return said

    def _described(self, epochs: int, course: Course, *, whole: bool) -> str:
        moved = (
            "all layers" if self.top_layers == "all" else f"top {self.top_layers} layer{'s' * (self.top_layers > 1)}"
        )
        negatives = {
            "near": "near negatives", "mined": "mined negatives", "bm25": "negatives by BM25", "in-batch": "in-batch negatives",
        }  # fmt: skip
        short = f", {self.width} numbers" if self.width else ""
        at = f"{epochs} epoch{'s' * (epochs > 1)}" if whole else f"epoch {course.best} of {epochs}"
        return f"{moved}, {negatives[self.negatives or 'near']}{short}{', int8' * self.int8}, {at}"

    def _epochs(self, context: Context) -> int:
        return context.training.epochs or context.task.bi_encoder.epochs  # type: ignore[attr-defined]

    def _rate(self, context: Context) -> float:
        return context.training.learning_rate or context.task.bi_encoder.learning_rate  # type: ignore[attr-defined]

    def _moving(self, backbone: Backbone) -> list[Any]:
        blocks = backbone.blocks()[1:]
        moving = blocks if self.top_layers == "all" else blocks[-self.top_layers :]
        return [module for block in moving for module in block]

    def _predictor(self, context: Context, backbone: Backbone) -> DensePredictor:
        from headstart.predictors.dense import DensePredictor

        settings: Any = {name: getattr(self, name) for name in ("width", "int8", "vector_tokens")}
        return DensePredictor(backbone, context.task, precision=context.precision, **settings)

    def _trained(self, context: Context, epochs: int) -> tuple[DensePredictor, Course]:
        """A retriever after training on the rows of a context, and its course."""
        import torch

        from headstart.heads.model import Model

        torch.manual_seed(context.seed)
        backbone = context.backbone()
        model = Model(backbone, {}, context.team)
        rows = Asked(context, backbone)
        none = np.full((len(rows.positives), 0), -1, dtype=np.int64)
        near = rows.vectors(none) if self.negatives == "near" else None
        last = context.last_epoch if context.last_epoch is not None else context.training.stop_after
        last = epochs if last is None else min(last, epochs)
        course = Course()
        first = min(FIRST, epochs) if self.negatives == "mined" else epochs
        for begin, end in ((0, first), (first, epochs)):
            if begin >= last or begin == end or course.cut is not None:
                continue
            negatives = self._negatives(context, rows, model, begin)
            self._stage(context, model, rows.beside(negatives), near, begin, end, last, course)
        return self._predictor(context, backbone), course

    def _stage(
        self,
        context: Context,
        model: Model,
        rows: RankingRows,
        near: np.ndarray | None,
        begin: int,
        end: int,
        last: int,
        course: Course,
    ) -> None:
        from headstart.objectives.passage_ranking import PassageRanking, passage_batches
        from headstart.training.stage import LayerGroup, Stage
        from headstart.training.trainer import train

        objective = PassageRanking(
            scale=self.scale,
            symmetric=bool(self.symmetric),
            widths=self._learnt(model.backbone),
            vector_tokens=self.vector_tokens or 0,
        )
        size, seed = context.training.batch_size, context.seed
        stage = Stage(
            objective,
            rows,
            [LayerGroup(self._moving(model.backbone), 1.0)],
            end - begin,
            self._rate(context),
            None if last >= end else last - begin,
            lambda epoch: passage_batches(rows.positives, passages=size, seed=seed, epoch=begin + epoch, vectors=near),
        )
        chosen = context.folds is None and context.last_epoch is None and not in_fold(context)
        history = train(
            model,
            stage,
            context.training,
            seed=seed + begin,
            validate=self._validate(context, course) if chosen else None,
            progress=context.progress,
            keep_start=chosen,
            deadline=context.deadline,
            stages=context.stages,
        )
        course.add(history, begin)

    def _learnt(self, backbone: Backbone) -> tuple[int, ...]:
        """Lengths of vectors that the loss is taken of; the whole ones, and those that are kept, are always among them."""
        hidden = backbone.hidden_size
        if not self.widths:
            return ()
        return tuple(
            sorted({hidden, *(min(width, hidden) for width in (*self.widths, self.width or hidden))}, reverse=True)
        )

    def _validate(
        self, context: Context, course: Course
    ) -> Callable[[Model], tuple[tuple[float, float], float, Ranked]]:
        """Ranks the validation questions; where a stage begins as the one before ended, what was found there is taken."""
        from headstart.evaluation.judging import sort_key

        known = [course.outputs[course.best]] if course.outputs else []

        def validate(model: Model) -> tuple[tuple[float, float], float, Ranked]:
            outputs = known.pop() if known else held_out(context, self._predictor(context, model.backbone))
            model.backbone.fast = context.fast
            key = sort_key(context.task, outputs, context.validation)
            return key, -key[1], outputs

        return validate

    def _negatives(self, context: Context, rows: Asked, model: Model, begin: int) -> np.ndarray:
        """Numbers of passages that do not answer, shape (rows, per question), -1 where there is none."""
        if self.negatives == "bm25":
            ids = words_of(context).search(rows.questions, SEARCHED).ids
        elif self.negatives == "mined" and begin:
            ids = self._nearest(context, rows, model.backbone)
        else:
            return np.full((len(rows.positives), 0), -1, dtype=np.int64)
        return mined(ids, rows.relevant, self.per_question, seed=context.seed + begin)

    def _nearest(self, context: Context, rows: Asked, backbone: Backbone) -> np.ndarray:
        """The passages nearest to each question that are by `margin` farther away than the right one."""
        from headstart.predictors.dense import shortened

        found = self._predictor(context, backbone)
        vectors, counts = found.read()
        asked = shortened(found.asked(rows.questions, precision=context.precision).vectors, found.width)
        places, ends = np.searchsorted(found.numbers, rows.positives), np.cumsum(counts)
        own = np.array([
            (vectors[ends[place] - counts[place] : ends[place]] @ each).max()
            for each, place in zip(asked, places, strict=True)
        ])  # fmt: skip
        ranking = found.search(rows.questions, min(SEARCHED, len(found.numbers)))
        backbone.fast = context.fast
        return np.where(ranking.scores <= own[:, None] - self.margin, ranking.ids, -1)


@dataclass
class Asked:
    """Questions of training rows, each once for every passage that answers it."""

    context: Context
    backbone: Backbone

    def __post_init__(self) -> None:
        rows = [(example, number) for example in self.context.train.examples for number in example.relevant]
        self.questions: list[str] = [example.text for example, _ in rows]
        self.positives = np.array([number for _, number in rows], dtype=np.int64)
        self.relevant: Sequence[tuple[int, ...]] = [example.relevant for example, _ in rows]

    def beside(self, negatives: np.ndarray) -> RankingRows:
        """The rows as the objective takes them, with only those passages that occur in them."""
        from headstart.data.units import Units
        from headstart.objectives.passage_ranking import RankingRows

        answering, used = self._answering, self._used(negatives)
        passages = self.context.task.passages  # type: ignore[attr-defined]
        return RankingRows(
            self._encoded("query", self.questions, self.context.task.kept_end),  # type: ignore[attr-defined]
            self._encoded("passage", passages.read(used), "first"),
            np.searchsorted(used, self.positives),
            np.where(negatives >= 0, np.searchsorted(used, negatives), -1),
            np.arange(len(used)),
            Units.counted([len(own) for own in self.relevant]),
            np.searchsorted(used, answering),
        )

    def vectors(self, negatives: np.ndarray) -> np.ndarray:
        """Vectors of the passages of `beside` by the network before training, in their order, shape (passages, hidden)."""
        return vectors_before(self.context, self.backbone, self._used(negatives))

    def _used(self, negatives: np.ndarray) -> np.ndarray:
        """Numbers of the passages that occur, ascending."""
        return np.unique(np.concatenate([self._answering, negatives[negatives >= 0]]))

    @property
    def _answering(self) -> np.ndarray:
        """Numbers of the passages that answer, one row's after the other's."""
        return np.array([number for own in self.relevant for number in own], dtype=np.int64)

    def _encoded(self, role: str, texts: Sequence[str], kept: Literal["first", "last"]) -> Tokens:
        prompt = self.backbone.prompts.get(role, "")
        return self.backbone.tokenizer.encode([prompt + text for text in texts] if prompt else list(texts), kept=kept)
