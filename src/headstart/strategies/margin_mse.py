"""Margin-MSE: a reranker that learnt from labelled questions teaches a bi-encoder on questions without labels."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np
from pydantic import Field

from headstart.config import named
from headstart.data.outputs import Ranked
from headstart.errors import RecipeError
from headstart.runtime.progress import SILENT
from headstart.strategies import STRATEGIES
from headstart.strategies.base import NO_TARGET, Candidate, Context, Need, Strategy, Work, refused_within
from headstart.strategies.cross_validation import in_fold
from headstart.strategies.retrieving import (
    held_out,
    kept,
    known_fit,
    length_ratio,
    ranked_by_fold,
    reading_work,
    refused_ranking,
    staged,
)
from headstart.tasks.base import Task

if TYPE_CHECKING:
    from headstart.objectives.margin_mse import MarginRows
    from headstart.predictors.dense import DensePredictor
    from headstart.predictors.rerank import RerankPredictor
    from headstart.training.state import History


class MarginDistillation(Strategy):
    """A reranker's margins between passages, learnt by a bi-encoder from questions without labels.

    The teacher is what reads passages again in `rerank`, by late interaction or as a cross-encoder (`--interaction`), trained on
    the labelled questions. It scores the passages that the first retriever finds for every question, with labels or without; the
    bi-encoder, which goes on from that of the run where there is one, learns to put them as far apart (Hofstätter et al. 2020,
    section 3; from unlabelled questions as in Wang et al. 2022, "GPL", section 3.3). It has one vector for each passage and
    searches as fast as any. After every epoch the validation questions are ranked, and the best weights are kept, those at the
    start included.

    Needs: questions with passages that answer them; a file of questions without, named with `--target`.
    Inputs: questions; passages.
    See also: `rerank`, the teacher; `bi-encoder`, which learns from labelled questions alone.

    Example:
        headstart fit examples/help/train.csv --target examples/help/asked.csv --task retrieval --strategy margin-mse --folds 2
    """

    name: ClassVar[str] = "margin-mse"
    cost: ClassVar[int] = 7
    shortens: ClassVar[bool] = True
    needs: ClassVar[frozenset[Need]] = frozenset({"labels", "texts"})
    gives: ClassVar[frozenset[str]] = frozenset({Ranked.kind})

    teacher: Annotated[Strategy, named(STRATEGIES, "rerank")] = Field(default="rerank", validate_default=True)
    """Strategy that teaches: `rerank`; its own options as in `--set strategy.teacher.depth=10`."""
    candidates: int = Field(default=8, ge=2, le=100)
    """Passages of each question that the teacher scores, in [2, 100]: the best of its first retriever."""
    teacher_scale: float = Field(default=20.0, gt=0, le=1000)
    """What differences of cosines are multiplied by to be compared with the teacher's, in (0, 1000]."""
    student_epochs: int = Field(default=2, ge=1, le=100)
    """Passes over all questions, in [1, 100], in place of `--epochs`, which are those of the strategies inside."""
    student_learning_rate: float = Field(default=5e-5, gt=0, le=1)
    """The highest learning rate of the bi-encoder, in (0, 1], in place of `--learning-rate`."""
    student_stop_after: int | None = Field(default=None, ge=0)
    """Epoch after which it ends though the schedule goes on, at least 0; chosen on validation if not given."""

    @property
    def trains(self) -> bool:
        """Always: the bi-encoder."""
        return True

    def unused(self, training: Any) -> dict[str, str]:
        """Those of the teacher that are of training."""
        return {key: why for key, why in self.teacher.unused(training).items() if key.startswith("training.")}

    def refuses(self, task: Task) -> str:
        """Refuses what is no retrieval."""
        if why := refused_ranking(task):
            return why
        if self.teacher.name != "rerank":
            return f"it learns from what reads passages again, and {self.teacher.name} does not; its teacher is rerank"
        return refused_within(self.teacher, task)

    def work(self, context: Context) -> Work:
        """That of the teacher, unless the run has fitted it, those of each fold, what they score, and the passes of the student."""
        from headstart.strategies.cross_validation import by_fold, rounds

        inner = Work(0.0, 1.0, 2.0) if known_fit(context, self.teacher) else self.teacher.work(context)
        fold = Work(0.0, 0.0) if context.folds is None else self.teacher.work(next(by_fold(context))[1])
        pair, times = 1 + length_ratio(context), rounds(context)
        asked = 1 + (0.0 if context.target is None else len(context.target) / max(len(context.train), 1))
        passes = self.student_epochs * times * asked * (1 + 2 * length_ratio(context))
        reads = asked * times * pair * self.candidates + (self.student_epochs + 1) * reading_work(context)
        training = inner.training + (times - 1) * fold.training + passes  # of k folds, each (k - 1) / k of the rows
        return Work(training, inner.reading + (times - 1) * fold.reading + reads, inner.seconds, inner.heads)

    def fit(self, context: Context) -> Candidate:
        """Fit the teacher, score passages with it, then train the student."""
        if context.target is None:
            raise RecipeError([f"data.target: {self.name} {NO_TARGET}"])
        known = known_fit(context, self.teacher)
        taught = known or kept(context, self.teacher, self.teacher.fit(staged(context, "teacher")))
        teacher: Any = taught.predictor
        count = len(context.train) + len(context.target)
        times = 1 if context.folds is None else 1 + int(context.folds[0].max()) + 1
        context.progress.begin(self.name, count * (1 + self.student_epochs) * times)
        crossed = ranked_by_fold(context, self._ranked) if context.folds is not None else None
        student, history = self._trained(staged(context, "student"), teacher)
        outputs = crossed or held_out(context, student)
        context.progress.end()
        said = [f"its time is beside that of {self.teacher.name}, which the run had fitted"] if known else []
        if history.cut is not None:
            said.append(f"the budget ended training after epoch {history.cut} of {self.student_epochs}")
        if history.skipped:
            said.append(f"{len(history.skipped)} updates left out, loss or gradient not finite")
        shown = f"{count:,} questions scored by the teacher, epoch {history.best} of {self.student_epochs}"
        candidate = replace(
            taught,
            strategy=self.revised(teacher=taught.strategy, student_stop_after=history.best),
            predictor=student,
            validation=outputs,
            notes=[*taught.notes, *said],
            description=f"{shown}; {self.teacher.name}: {taught.description}",
            trainable_parameters=sum(p.numel() for part in _moving(student.backbone) for p in part.parameters()),
            curve=[epoch.plain() for epoch in history.epochs],
        )
        return kept(context, self, candidate)

    def _ranked(self, part: Context) -> Ranked:
        """Rankings of the rows that a fold holds out, by a student whose teacher has not seen them either."""
        teacher = self.teacher.fit(replace(part, progress=SILENT)).predictor
        return held_out(part, self._trained(part, teacher)[0])

    def _trained(self, context: Context, teacher: Any) -> tuple[DensePredictor, History]:
        import torch

        from headstart.evaluation.judging import sort_key
        from headstart.heads.model import Model
        from headstart.objectives.margin_mse import MarginMSE
        from headstart.objectives.passage_ranking import shuffled_batches
        from headstart.predictors.dense import DensePredictor
        from headstart.training.stage import LayerGroup, Stage
        from headstart.training.trainer import train

        torch.manual_seed(context.seed)
        backbone = context.backbone()
        known = _vectors_of(teacher.first)
        if known is not None:
            backbone.load_state_dict(known.backbone.state_dict())
        model = Model(backbone, {}, context.team)
        rows = self._margins(context, teacher, backbone)
        backbone.fast = context.fast
        count, size = len(rows.margins) // self.student_epochs, context.training.batch_size
        width, int8 = (None, False) if known is None else (known.width, known.int8)

        def student() -> DensePredictor:
            return DensePredictor(backbone, context.task, width=width, int8=int8, precision=context.precision)

        def validate(model: Model) -> tuple[tuple[float, float], float, Ranked]:
            outputs = held_out(context, student())
            backbone.fast = context.fast
            key = sort_key(context.task, outputs, context.validation)
            return key, -key[1], outputs

        chosen = context.folds is None and context.last_epoch is None and not in_fold(context)
        stage = Stage(
            MarginMSE(scale=self.teacher_scale),
            rows,
            [LayerGroup(_moving(backbone), 1.0)],
            self.student_epochs,
            self.student_learning_rate,
            self.student_stop_after,
            lambda epoch: [
                epoch * count + some for some in shuffled_batches(count, rows=size, seed=context.seed, epoch=epoch)
            ],
        )
        history = train(
            model,
            stage,
            context.training,
            seed=context.seed,
            validate=validate if chosen else None,
            progress=context.progress,
            keep_start=chosen,
            deadline=context.deadline,
            stages=context.stages,
        )
        return student(), history

    def _margins(self, context: Context, teacher: RerankPredictor, backbone: Any) -> MarginRows:
        """Questions of all epochs with two passages each: the one that answers, or that the teacher likes best, and another."""
        from headstart.objectives.margin_mse import MarginRows
        from headstart.predictors.dense import PASSAGE, QUERY
        from headstart.strategies.unlabelled import target_texts

        questions = [*context.train.inputs, *target_texts(context, self.name).inputs]
        ids = teacher.first.search(questions, self.candidates).ids
        for row, example in enumerate(context.train.examples):
            if not np.isin(ids[row], example.relevant).any():
                ids[row, -1] = example.relevant[0]
        scores = np.where(ids >= 0, teacher.read(questions, ids, progress=context.progress), -np.inf)
        best = scores.argmax(1)
        for row, example in enumerate(context.train.examples):
            own = np.isin(ids[row], example.relevant)
            best[row] = np.where(own, scores[row], -np.inf).argmax()
        random = np.random.default_rng([context.seed, 0x6A55])
        rows, pairs, margins = [], [], []
        for _ in range(self.student_epochs):
            other = np.where(ids >= 0, random.random(ids.shape), -1.0)
            np.put_along_axis(other, best[:, None], -1.0, axis=1)
            drawn = other.argmax(1)
            usable = np.flatnonzero(np.take_along_axis(other, drawn[:, None], axis=1)[:, 0] >= 0)
            both = np.stack([best, drawn], axis=1)[usable]
            said = np.take_along_axis(scores[usable], both, axis=1)
            rows.append(usable)
            pairs.append(np.take_along_axis(ids[usable], both, axis=1))
            margins.append(said[:, 0] - said[:, 1])
        used, places = np.unique(np.concatenate(pairs), return_inverse=True)
        passages = context.task.passages.read(used)  # type: ignore[attr-defined]
        asked = backbone.tokenizer.encode(_prompted(backbone, QUERY, questions)).take(np.concatenate(rows))
        return MarginRows(
            asked,
            backbone.tokenizer.encode(_prompted(backbone, PASSAGE, passages)),
            places.reshape(-1, 2),
            np.concatenate(margins).astype(np.float32),
        )


def _prompted(backbone: Any, role: str, texts: list[str]) -> list[str]:
    """Texts with what the network wants in front of those of a role."""
    prompt = backbone.prompts.get(role, "")
    return [prompt + text for text in texts] if prompt else texts


def _moving(backbone: Any) -> list[Any]:
    """All layers; word embeddings stay as they are."""
    return [module for block in backbone.blocks()[1:] for module in block]


def _vectors_of(finder: Any) -> DensePredictor | None:
    """The bi-encoder that a retriever searches with; None where it searches by words alone."""
    return getattr(finder, "dense", finder if finder.kind == "dense" else None)
