"""Rerank: the few passages that another retriever finds are read again, token by token or question and passage at once."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, NamedTuple

import numpy as np
from pydantic import Field

from headstart.config import named
from headstart.data.outputs import Ranked
from headstart.ranking.fusion import reranked
from headstart.strategies import STRATEGIES
from headstart.strategies.base import Auto, Candidate, Context, Strategy, Work, refused_within
from headstart.strategies.bi_encoder import Asked
from headstart.strategies.cross_validation import in_fold
from headstart.strategies.retrieving import (
    held_out,
    kept,
    known_fit,
    length_ratio,
    mined,
    passages_read,
    reading_work,
    refused_ranking,
    staged,
)
from headstart.tasks.base import Task
from headstart.training.settings import Training

if TYPE_CHECKING:
    from headstart.heads.model import Model
    from headstart.predictors.matching import TokenMatcher
    from headstart.predictors.rerank import CrossEncoder, RerankPredictor
    from headstart.training.stage import Batches
    from headstart.training.state import History

STEPS = 20
"""Weights that are tried, of equal distance from 0 to 1."""
USUAL = 0.8
"""The weight that is taken where several are as good, and better than none."""
HARD = 3
"""Negatives of a cross-encoder where nothing else is said."""
WEIGHED = 20_000
"""Passages at most that say how rare tokens are."""
FINDERS = ("bm25", "untouched", "bi-encoder", "hybrid", "margin-mse")
"""Strategies whose passages can be read again."""


class Rerank(Strategy):
    """The best passages of another retriever in the order of a network that was fine-tuned to tell them apart.

    Late interaction, the default, matches each token of the question with all tokens of a passage (Khattab & Zaharia 2020,
    "ColBERT"), rare tokens before frequent ones. The two pass the network each by itself, so a passage is read once for all
    questions, and what the pretrained network knows serves as it is. A cross-encoder (`--interaction cross`) reads question and
    passage at once (Nogueira & Cho 2019) and is trained to put the right passage before `hard_negatives` others that the first
    retriever finds, others in every epoch (Gao, Dai & Callan 2021); it takes many times longer and wants more questions. The score
    of either and that of the first retriever are standardised question by question and added, with the weight that is best on
    validation; where that is 0, nothing is lost but time.

    Needs: questions with passages that answer them.
    Inputs: questions; passages.
    See also: `hybrid`, whose passages are read by default; `margin-mse`, which teaches what is learnt to a bi-encoder.

    Example:
        headstart fit examples/help/train.csv --task retrieval --strategy rerank --retriever bm25 --rerank-epochs 1
    """

    name: ClassVar[str] = "rerank"
    cost: ClassVar[int] = 6
    shortens: ClassVar[bool] = True
    gives: ClassVar[frozenset[str]] = frozenset({Ranked.kind})
    auto: ClassVar[Auto | None] = Auto(verbs=frozenset({"compare"}))

    retriever: Annotated[Strategy, named(STRATEGIES, "hybrid")] = Field(default="hybrid", validate_default=True)
    """Strategy that finds the passages: `bm25`, `untouched`, `bi-encoder`, `hybrid` or `margin-mse`; its own options as in
    `--set strategy.retriever.dense_weight=0.4`."""
    depth: int = Field(default=20, ge=2, le=100)
    """Passages of each question that are read, in [2, 100]; with few questions, where choices are made by cross-validation, 20 at
    most are."""
    interaction: Literal["late", "cross"] = "late"
    """How question and passage meet: `late`, token by token behind the network, or `cross`, in the network."""
    hard_negatives: int | None = Field(default=None, ge=1, le=32)
    """Passages that the first retriever finds and that do not answer, beside the one that does, in training, in [1, 32]; by default
    3 of a cross-encoder, and those of the batch alone for late interaction."""
    rerank_weight: float | None = Field(default=None, ge=0, le=1)
    """Weight of the second score beside that of the first retriever, in [0, 1]; chosen on validation if not given."""
    rerank_epochs: int = Field(default=2, ge=1, le=100)
    """Passes over the training questions, in [1, 100], in place of `--epochs`, which are those of the strategy inside."""
    rerank_learning_rate: float = Field(default=1e-4, gt=0, le=1)
    """The highest learning rate of what reads again, in (0, 1], in place of `--learning-rate`."""
    rerank_stop_after: int | None = Field(default=None, ge=0)
    """Epoch after which it ends though the schedule goes on, at least 0; chosen on validation if not given."""

    @property
    def trains(self) -> bool:
        """Always: what reads again."""
        return True

    def unused(self, training: Training) -> dict[str, str]:
        """Epochs and rate of a strategy inside that learns nothing."""
        if self.retriever.trains:
            return {}
        why = f"`retriever` is {self.retriever.name}, which trains nothing; what reads again has `rerank_epochs` and its own rate"
        return dict.fromkeys(("training.epochs", "training.learning_rate"), why)

    @property
    def _beside(self) -> int:
        """Negatives of a cross-encoder."""
        return self.hard_negatives or HARD

    def refuses(self, task: Task) -> str:
        """Refuses what is no retrieval."""
        if why := refused_ranking(task):
            return why
        if self.retriever.name not in FINDERS:
            return f"it reads passages that a retriever finds, and {self.retriever.name} finds none"
        return refused_within(self.retriever, task)

    def work(self, context: Context) -> Work:
        """That of the strategy inside, unless the run has fitted it; and each question beside its passages."""
        from headstart.strategies.cross_validation import rounds

        inner = Work(0.0, 1.0, 2.0) if known_fit(context, self.retriever) else self.retriever.work(context)
        held = 1.0 if context.folds is not None else len(context.validation) / max(len(context.train), 1)
        times = 1 if context.folds is not None or in_fold(context) else self.rerank_epochs + 1
        if self.interaction == "late":
            each = passages_read(context) + (self.hard_negatives or 0)
            passes = self.rerank_epochs * rounds(context) * (1 + length_ratio(context) * each)
            reads = times * (held + min(reading_work(context), held * length_ratio(context) * self.depth))
        else:
            pair = 1 + length_ratio(context)
            passes = self.rerank_epochs * rounds(context) * pair * (1 + self._beside)
            reads = times * held * pair * self.depth
        return Work(inner.training + passes, inner.reading + reads, inner.seconds, inner.heads)

    def fit(self, context: Context) -> Candidate:
        """Fit the strategy inside, train on its passages, then find the weight."""
        from headstart.tasks.ranking import PLACES

        known = known_fit(context, self.retriever)
        inner = known or kept(context, self.retriever, self.retriever.fit(staged(context, "retriever")))
        context = staged(context, "reader")
        finder: Any = inner.predictor
        crossed = context.folds is not None
        times = 1 if context.folds is None else 1 + int(context.folds[0].max()) + 1
        held = len(context.validation) * (1 if crossed else self.rerank_epochs + 2)
        context.progress.begin(self.name, len(context.train) * self.rerank_epochs * times + held)
        found: Any = inner.validation if crossed else held_out(context, finder, max(self.depth, PLACES))
        learnt = found.ids if crossed else finder.search(list(context.train.inputs), self.depth).ids
        chosen = not crossed and context.last_epoch is None and not in_fold(context)
        reader, history = self._trained(context, finder, learnt, found if chosen else None)
        read = history.outputs[history.best].scores if chosen else None  # type: ignore[union-attr]
        if read is None:
            read = self._read_by_fold(context, finder, found) if crossed else reader.read(*self._asked(context, found))
        weight = self._best_weight(context, found, read) if self.rerank_weight is None else self.rerank_weight
        context.progress.end()
        reader.weight = weight
        said = [f"its time is beside that of {self.retriever.name}, which the run had fitted"] if known else []
        how = f"{self.interaction} interaction, weight {weight:g}, epoch {history.best} of {self.rerank_epochs}"
        shown = f"the first {self.depth} read again, {how}"
        return replace(
            inner,
            strategy=self.revised(retriever=inner.strategy, rerank_weight=weight, rerank_stop_after=history.best),
            predictor=reader,
            validation=reranked(found, read, weight, PLACES),
            notes=[*inner.notes, *said, *self._notes(history)],
            description=f"{shown}; {self.retriever.name}: {inner.description}",
            trainable_parameters=sum(p.numel() for part in _moving(reader.model) for p in part.parameters()),
            curve=[epoch.plain() for epoch in history.epochs],
        )

    def _notes(self, history: History) -> list[str]:
        said = [f"{len(history.skipped)} updates left out, loss or gradient not finite"] if history.skipped else []
        if history.cut is not None:
            said.append(f"the budget ended training after epoch {history.cut} of {self.rerank_epochs}")
        return said

    def _asked(self, context: Context, found: Ranked) -> tuple[list[str], np.ndarray]:
        """Validation questions, and the numbers of the passages of each that are read."""
        return list(context.validation.inputs), found.ids[:, : self.depth]

    def _trained(
        self, context: Context, finder: Any, learnt: np.ndarray, found: Ranked | None
    ) -> tuple[RerankPredictor, History]:
        """The passages of a retriever, read again by a network that was trained on the context's rows; its weight is still open.

        Args:
            context: of the run, or of a fold.
            finder: the retriever.
            learnt: numbers of the passages that it finds for the training rows, the best first, shape (rows, found).
            found: its ranking of the validation rows, by which the best epoch is chosen; None where it is the last one. Then the
                history's outputs hold no rankings but what the network said of their passages, in their order.
        """
        import torch

        from headstart.evaluation.judging import sort_key
        from headstart.predictors.rerank import RerankPredictor
        from headstart.ranking.fusion import ranked
        from headstart.tasks.ranking import PLACES
        from headstart.training.stage import LayerGroup, Stage
        from headstart.training.trainer import train

        torch.manual_seed(context.seed)
        backbone = context.backbone()
        course = (
            self._matching(context, learnt, backbone)
            if self.interaction == "late"
            else self._crossing(context, learnt, backbone)
        )
        reader = RerankPredictor(finder, course.reader, self.depth, 1.0)
        backbone.fast = context.fast

        def validate(model: Model) -> tuple[tuple[float, float], float, Ranked]:
            assert found is not None
            questions, ids = self._asked(context, found)
            read = reader.read(questions, ids, progress=context.progress)
            backbone.fast = context.fast
            weight = self._best_weight(context, found, read) if self.rerank_weight is None else self.rerank_weight
            key = sort_key(context.task, reranked(found, read, weight, PLACES), context.validation)
            return key, -key[1], ranked(ids, read)

        stage = Stage(
            course.objective,
            course.rows,
            [LayerGroup(_moving(course.model), 1.0)],
            self.rerank_epochs,
            self.rerank_learning_rate,
            self.rerank_stop_after,
            course.batches,
        )
        return reader, train(
            course.model,
            stage,
            context.training,
            seed=context.seed,
            validate=None if found is None else validate,
            progress=context.progress,
            keep_start=found is not None,
            deadline=context.deadline,
            stages=context.stages,
        )

    def _matching(self, context: Context, learnt: np.ndarray, backbone: Any) -> ReaderTraining:
        """Late interaction: questions of a passage together, which they pick among those of a batch."""
        from headstart.heads.model import Model
        from headstart.objectives.late_interaction import LateInteraction, WeightedRows, token_weights
        from headstart.objectives.passage_ranking import passage_batches
        from headstart.predictors.matching import TokenMatcher

        task: Any = context.task
        asked = Asked(context, backbone)
        negatives = np.full((len(asked.positives), 0), -1, dtype=np.int64)
        if self.hard_negatives:
            found = np.repeat(learnt, [len(example.relevant) for example in context.train.examples], axis=0)
            negatives = mined(found, asked.relevant, self.hard_negatives, seed=context.seed)
        rows = asked.beside(negatives)
        known = task.passages.distinct
        some = task.passages.read(known[:: -(-len(known) // WEIGHED)])
        weights = token_weights(backbone.tokenizer.encode(some), backbone.tokenizer)
        size, seed, objective, near = (
            context.training.batch_size,
            context.seed,
            LateInteraction(),
            asked.vectors(negatives),
        )
        return ReaderTraining(
            objective,
            Model(backbone, {}, context.team),
            TokenMatcher(backbone, weights, objective.scale, kept_end=task.kept_end, precision=context.precision),
            WeightedRows(rows, weights),
            lambda epoch: passage_batches(rows.positives, passages=size, seed=seed, epoch=epoch, vectors=near),
        )

    def _crossing(self, context: Context, learnt: np.ndarray, backbone: Any) -> ReaderTraining:
        """A cross-encoder: each question beside a few passages that were found for it."""
        from headstart.heads.model import Model
        from headstart.objectives.localized_contrastive import LocalizedContrastive
        from headstart.objectives.passage_ranking import shuffled_batches
        from headstart.predictors.rerank import CrossEncoder

        backbone.pairs = True
        objective = LocalizedContrastive()
        model = Model(backbone, objective.heads(backbone), context.team)
        count, size, seed = len(context.train), context.training.batch_size, context.seed
        return ReaderTraining(
            objective,
            model,
            CrossEncoder.of(model),
            self._choices(context, learnt, backbone),
            lambda epoch: [epoch * count + some for some in shuffled_batches(count, rows=size, seed=seed, epoch=epoch)],
        )

    def _choices(self, context: Context, learnt: np.ndarray, backbone: Any) -> Any:
        """Rows of all epochs, one epoch's after the other's: each question beside others of its passages every time."""
        from headstart.objectives.localized_contrastive import ChoiceRows

        relevant = [example.relevant for example in context.train.examples]
        every = []
        for epoch in range(self.rerank_epochs):
            answering = np.array([[own[epoch % len(own)]] for own in relevant], dtype=np.int64)
            every.append(np.hstack([answering, mined(learnt, relevant, self._beside, seed=context.seed + epoch)]))
        numbers = np.concatenate(every)
        used = np.unique(numbers[numbers >= 0])
        passages = context.task.passages.read(used)  # type: ignore[attr-defined]
        places = np.where(numbers >= 0, np.searchsorted(used, numbers), -1)
        questions = list(context.train.inputs) * self.rerank_epochs
        return ChoiceRows(questions, passages, places, backbone.tokenizer)

    def _read_by_fold(self, context: Context, finder: Any, found: Ranked) -> np.ndarray:
        """What networks say of the passages of the rows, each of what it did not learn from."""
        from headstart.strategies.cross_validation import by_fold

        ids = found.ids[:, : self.depth]
        read = np.zeros(ids.shape, dtype=np.float32)
        for held, part in by_fold(context):
            own = np.setdiff1d(np.arange(len(context.train)), held)
            reader, _ = self._trained(part, finder, found.ids[own], None)
            read[held] = reader.read(list(part.validation.inputs), ids[held], progress=context.progress)
        return read

    def _best_weight(self, context: Context, found: Ranked, read: np.ndarray) -> float:
        """The best weight on validation, the one nearest to the usual if several are; 0 where none is better than that."""
        from headstart.evaluation.judging import sort_key
        from headstart.tasks.ranking import PLACES

        def key(weight: float) -> tuple[float, float]:
            return sort_key(context.task, reranked(found, read, weight, PLACES), context.validation)

        tried = sorted((step / STEPS for step in range(STEPS + 1)), key=lambda each: abs(each - USUAL))
        best = max(tried, key=key)
        return best if key(best) > key(0.0) else 0.0


class ReaderTraining(NamedTuple):
    """What reads again, and what it learns from."""

    objective: Any
    model: Model
    reader: CrossEncoder | TokenMatcher
    rows: Any
    batches: Batches


def _moving(model: Model) -> list[Any]:
    """The layers of the network and its head; word embeddings stay as they are."""
    return [*(module for block in model.backbone.blocks()[1:] for module in block), *model.heads.values()]
