"""Distillation: a student learns from what a teacher says of texts, with labels or without."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import BeforeValidator, Field, field_validator

from headstart.backbones.location import Located
from headstart.config import Names, named
from headstart.data.store import Store
from headstart.endpoints.addresses import address_fault
from headstart.errors import ModelError, RecipeError
from headstart.predictors.teachers import TaughtBy
from headstart.strategies import STRATEGIES
from headstart.strategies.asking import AskBy, asked_texts
from headstart.strategies.base import Candidate, Context, Need, Shared, Strategy, Work, refused_within
from headstart.strategies.cross_validation import with_rows
from headstart.strategies.endpoint_options import EndpointOptions, EndpointQuestion, is_endpoint
from headstart.strategies.gate import ENOUGH_ROWS, judged
from headstart.tasks.base import Task

if TYPE_CHECKING:
    from headstart.predictors.teachers import Teacher
    from headstart.training.settings import Training

USUAL_MIX = 0.5
"""Share of the loss on true labels where there are some."""


def _count_or_numbers(value: Any) -> Any:
    """`0,3` as numbers; a number alone says how many."""
    if isinstance(value, str) and "," in value:
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


LayerNumbers = Annotated[tuple[Annotated[int, Field(ge=0)], ...], Field(min_length=1)]
StudentLayers = Annotated[Annotated[int, Field(ge=1)] | LayerNumbers | None, BeforeValidator(_count_or_numbers)]
"""How many layers, or which by their numbers from 0."""


@dataclass(frozen=True)
class StudentRows:
    """Rows to learn from with what a teacher says of them."""

    context: Context
    """What the student learns in, texts without labels among its training rows under the label that the teacher gives them."""
    added: int
    """Texts without labels among them."""
    said: list[str]
    """What is to be told of them, in sentences."""


class Distillation(EndpointOptions, Strategy):
    """Soft labels of a teacher, mixed with true ones (Hinton et al. 2015, section 2).

    The teacher says of each training text, and of each text of `--target`, how likely every label is, once. The student minimises
    mix * cross-entropy with the label + (1 - mix) * T^2 * KL(teacher at temperature T || student at T). With `student_layers`
    it is a network of the teacher's own layers, some of them left out (Sanh et al. 2019, "DistilBERT", section 2).

    Where labels are true, the same student learns from these alone too, and what was taught is kept only if the loss on validation
    is less, by more than noise where there are 500 rows or more, and no more answers are wrong (the gate).

    Needs: labels, or none where the teacher gives them; a teacher, the folder of a run, the address of an endpoint (see
        docs/endpoints.md) or a pretrained network that is told the labels' names; whatever the student needs.
    Inputs: texts or pairs of texts with one label each.
    See also: `self-training`, which is its own teacher; the verb `distill`, which needs no labels at all.

    Example:
        headstart fit examples/feedback/train.csv --strategy distillation --teacher runs/feedback --student-layers 2
    """

    name: ClassVar[str] = "distillation"
    cost: ClassVar[int] = 5
    shortens: ClassVar[bool] = True
    needs: ClassVar[frozenset[Need]] = frozenset({"labels", "teacher"})

    teacher: Names = Field(default=(), examples=["runs/reviews"])
    """What teaches: folders of runs, addresses of endpoints, or pretrained networks such as `smol` that tell labels by their
    names (`zero-shot`); one, or several whose probabilities are averaged, separated by commas."""
    student: Annotated[Strategy, named(STRATEGIES, "fine-tuning")] = Field(
        default="fine-tuning", validate_default=True, examples=["lora"]
    )
    """Strategy that trains the student, by name; its own options as in `--set strategy.student.layers=2`."""
    student_layers: StudentLayers = None
    """Layers of the student: how many, spread evenly from the first to the last, or which by their numbers from 0 (`0,3`). By
    default all those of the backbone."""
    student_start: Literal["teacher", "backbone"] = "teacher"
    """Network whose layers these are: `teacher` is the teacher's own where it is one network, `backbone` that of the run."""
    distillation_temperature: float = Field(default=2.0, gt=0, le=100)
    """Temperature that both distributions are softened by, in (0, 100]."""
    mix: float | None = Field(default=None, ge=0, le=1)
    """Share of the loss on true labels, in [0, 1]; 1 learns from labels alone. By default 0.5, and 0 where no label is true."""
    ask: int | None = Field(default=None, ge=1)
    """Texts of `--target` that the teacher is asked about at most; all by default."""
    ask_by: AskBy = "random"
    """How these are chosen: at `random`, by `uncertainty` of a head on the frozen network, or by `diversity`, those farthest from
    each other."""
    teacher_gate: bool = True
    """Keep what was taught only if validation gains by it; `--no-teacher-gate` keeps it in any case and fits once."""
    teacher_digest: str | None = None
    """SHA-256 of the teacher; when given, another one is refused."""

    @field_validator("teacher")
    @classmethod
    def _addresses(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for each in value:
            if is_endpoint(each) and (fault := address_fault(each)):
                raise ValueError(fault)
        return value

    @field_validator("student")
    @classmethod
    def _trained(cls, value: Strategy) -> Strategy:
        if not value.learns_soft_labels:
            known = [
                name for name in STRATEGIES.names() if name != cls.name and STRATEGIES.get(name)().learns_soft_labels
            ]
            raise ValueError(
                f"{value.name} learns from labels alone, not from probabilities; name one of {', '.join(known)}"
            )
        return value

    @field_validator("student_layers")
    @classmethod
    def _ascending(cls, value: int | tuple[int, ...] | None) -> int | tuple[int, ...] | None:
        if isinstance(value, tuple) and list(value) != sorted({*value}):
            raise ValueError(f"{', '.join(map(str, value))} are not in ascending order, or one stands twice")
        return value

    @property
    def trains(self) -> bool:
        """As the student does."""
        return self.student.trains

    @property
    def reads_target(self) -> bool:
        """Texts of the target domain are asked about too."""
        return self.mix != 1

    @property
    def files(self) -> tuple[str, ...]:
        """Folders of teachers, and what the student's strategy names."""
        from headstart.backbones import KNOWN

        return (*(each for each in self.teacher if not is_endpoint(each) and each not in KNOWN), *self.student.files)

    def unused(self, training: Training) -> dict[str, str]:
        """Those of the student that are of training."""
        return {key: why for key, why in self.student.unused(training).items() if key.startswith("training.")}

    def refuses(self, task: Task) -> str:
        """Refuses tasks whose texts do not have one label each, a run without a teacher, and what the student refuses."""
        if task.target_kind != "label" or task.words:
            return "a teacher gives one label to each text, and here rows have something else"
        if not self.teacher and self.mix != 1:
            return "it learns from a teacher, and none is named; give the folder of a run with --teacher"
        return refused_within(self.student, task)

    def refuses_network(self, task: Task, config: Mapping[str, Any]) -> str:
        """Refuses what the student refuses."""
        return self.student.refuses_network(task, config)

    def work(self, context: Context) -> Work:
        """The student on all texts, and under the gate once more on the labelled rows; a pass over what the teacher is asked."""
        from headstart.backbones.shallow import layers_in

        inner, rows = self.student.work(context), max(len(context.train), 1)
        texts = 0 if context.target is None or not self.reads_target else len(context.target)
        added = min(texts, self.ask or texts) / rows
        fits = 1 + added + self._is_judged(context)
        depth = 0 if context.located is None else layers_in(context.located.config)
        count = len(self.student_layers) if isinstance(self.student_layers, tuple) else self.student_layers
        share = 1.0 if not count or not depth else min(1.0, count / depth)
        asked = (1 + added + len(context.validation) / rows) * max(len(self.teacher), 1)
        return Work(
            inner.training * fits * share, inner.reading * fits * share + asked, inner.seconds, inner.heads * fits
        )

    def taught_by(self, context: Context) -> TaughtBy | None:
        """The teacher, opened; None where none is named or, once it was refused, where it is no longer there."""
        from headstart.strategies.teachers import is_backbone

        if any(map(is_endpoint, self.teacher)):
            return None  # every answer more would cost
        there = all(is_backbone(each) or Path(each).is_dir() for each in self.teacher)
        if not self.teacher or (self.mix == 1 and not there):
            return None
        return TaughtBy(self._teacher(context), self.mix != 1)

    def _teacher(self, context: Context) -> Teacher:
        """The teacher of a run, opened where it is not yet.

        Raises:
            RecipeError: it does not suit the task.
            ModelError: it cannot teach.
        """
        from headstart.strategies.teachers import require_suiting, teacher_of

        if self.teacher not in context.teachers:
            asked = self.asked(context.task, None if context.stages is None else context.stages.answers)
            context.teachers[self.teacher] = teacher_of(
                self.teacher,
                context.task,
                precision=context.precision,
                device=context.device,
                asked=asked,
                rows=context.train,
            )
        require_suiting(context.teachers[self.teacher], context.task)
        return context.teachers[self.teacher]

    def asked(
        self, task: Task | None, answers: Path | None, *, labels: Sequence[str] = (), pairs: bool = False
    ) -> EndpointQuestion:
        """What endpoints among the teachers are asked.

        Args:
            task: bound; None where no label is known yet.
            answers: file in which answers are kept.
            labels: that are named, where there is no task.
            pairs: whether rows are two texts, where there is no task.
        """
        return (
            EndpointQuestion(self, labels, pairs, answers)
            if task is None
            else EndpointQuestion(self, task.names, task.pairs, answers)
        )

    def fit(self, context: Context) -> Candidate:
        """Ask the teacher, train the student with what it says and, under the gate, without; keep what the gate lets through."""
        teacher: Teacher | None = None
        if self.mix != 1:
            teacher = self._teacher(context)
            if self.teacher_digest not in (None, teacher.digest):
                raise ModelError(
                    f"the teacher {teacher.description} has the digest {teacher.digest}, the recipe asks for "
                    f"{self.teacher_digest}: it is not the one that this student learnt from"
                )
        with ExitStack() as held:
            base, said = self._student(context, teacher, held)
            if teacher is None:
                found = self.student.fit(base)
                return self._of(found, self.revised(student=found.strategy), "labels alone", said)
            return self._fitted(context, base, teacher, said)

    def _fitted(self, context: Context, base: Context, teacher: Teacher, said: list[str]) -> Candidate:
        """The student after its lessons, or after labels alone where the gate refuses.

        Args:
            context: of the run.
            base: of the student, before it is taught.
            teacher: that suits the task.
            said: what is to be told of the student.
        """
        lessons = self._lessons(context, base, teacher)
        found = self.student.fit(lessons.context)
        if lessons.added and context.folds is not None:
            found = replace(found, validation=found.validation.take(np.arange(len(context.train))))
        mix = self._mix(context)
        plain = self.revised(mix=mix, teacher_gate=False, teacher_digest=teacher.digest or None)
        notes = [*said, *lessons.said]
        if not self._is_judged(context):
            why = "labels are the teacher's own" if context.labels_by else "no gate"
            return self._of(
                found, plain.revised(student=found.strategy), f"taught by {teacher.description}", [*notes, why]
            )
        alone = self.student.fit(base)
        sure = context.folds is None and len(context.validation) >= ENOUGH_ROWS
        kept, judgement = judged(context, [found], [alone], "the teacher", least="clear gain" if sure else "gain")
        if kept:
            return self._of(
                found, plain.revised(student=found.strategy), f"taught by {teacher.description}", [*notes, judgement]
            )
        strategy = plain.revised(student=alone.strategy, mix=1.0)
        return self._of(alone, strategy, f"teacher {teacher.description} refused, labels alone", [*notes, judgement])

    def _is_judged(self, context: Context) -> bool:
        """Whether the student learns from labels alone too."""
        return self.teacher_gate and not context.labels_by and self.mix != 1

    def _mix(self, context: Context) -> float:
        """Share of the loss on the labels of rows."""
        if self.mix is not None:
            return self.mix
        return 0.0 if context.labels_by else USUAL_MIX

    def _lessons(self, context: Context, base: Context, teacher: Teacher) -> StudentRows:
        """Training rows and texts without labels, with what the teacher says of them."""
        from headstart.predictors.teachers import as_given
        from headstart.strategies.teachers import answers, refuse_constant, thresholds_note
        from headstart.strategies.unlabelled import target_texts, texts_note
        from headstart.training.lessons import Lessons

        texts = Store[Any]([], [], "")
        if context.target is not None:
            texts = asked_texts(context, target_texts(context, self.name), self.ask, self.ask_by)
        parts = [context.train, texts] + ([] if context.folds is not None else [context.validation])
        keys = [key for part in parts for key in part.keys]
        logits = answers(context, teacher, keys, [given for part in parts for given in part.inputs])
        refuse_constant(teacher, context.task.names, logits)
        if context.labels_by:
            order = [teacher.names.index(name) for name in context.task.names]
            logits = as_given(logits, [teacher.thresholds[at] for at in order] if teacher.thresholds else ())
        learnt = len(context.train) + len(texts)
        known = np.asarray(np.isfinite(logits[:learnt]).all(1))
        answered = known[len(context.train) :]
        more = texts.take(np.flatnonzero(answered))
        mix = np.full(learnt, self._mix(context), dtype=np.float32)
        mix[len(context.train) :] = 0.0
        rows = {keys[row]: row for row in np.flatnonzero(known).tolist()}
        lessons = Lessons(rows, np.ascontiguousarray(logits[:learnt]), mix, self.distillation_temperature)
        said = [f"{teacher.description} answered {int(known.sum()):,} of {learnt:,} texts that are learnt from"]
        said += thresholds_note(teacher, applied=bool(context.labels_by))
        if len(texts):
            said += [
                *texts_note(context),
                f"{len(more):,} of {len(context.target or ()):,} target texts are among them",
            ]
        if not known.all():
            said.append(f"{int((~known).sum()):,} texts without an answer are learnt by their label or not at all")
        return StudentRows(
            self._with(base, lessons, more, logits[len(context.train) : learnt][answered]), len(more), said
        )

    def _with(self, base: Context, lessons: Any, texts: Store[Any], logits: np.ndarray) -> Context:
        """The context of the student with texts among its training rows, dealt out to its folds where it has some."""
        if not len(texts):
            return replace(base, lessons=lessons)
        names = base.task.names
        added = [
            replace(example, label=names[label])
            for example, label in zip(texts.examples, logits.argmax(1).tolist(), strict=True)
        ]
        train = Store([*base.train.examples, *added], [*base.train.lines, *[0] * len(added)], base.train.file)
        many = replace(base, inner_folds=None)  # with texts they are few no more
        return with_rows(many, train, len(added), lessons=lessons, shared=Shared(within=base.shared.within))

    def _student(self, context: Context, teacher: Teacher | None, held: ExitStack) -> tuple[Context, list[str]]:
        """The context of the student, and what is to be told of its layers and size.

        Raises:
            RecipeError: the network has no such layers.
            ModelError: they cannot be left out.
        """
        if self.student_layers is None or context.located is None:
            return context, []
        from headstart.backbones.shallow import layers_in, shallower
        from headstart.strategies.scratch import folder_of

        origin, whose = context.located, "the backbone"
        if self.student_start == "teacher" and (own := self._own_network(context)) is not None:
            origin, whose = own, "the teacher"
        depth = layers_in(origin.config)
        numbers = layer_numbers(self.student_layers, depth, origin.identity)
        said = f"layers {', '.join(map(str, numbers))} of the {depth} of {whose}"
        if len(numbers) == depth:
            return replace(context, located=origin, shared=Shared()), [f"all {said}: the student is no smaller"]
        cut = shallower(origin, numbers, folder_of(context, "student", held))
        return replace(context, located=cut, shared=Shared()), [said]

    def _own_network(self, context: Context) -> Located | None:
        """The network of a teacher that is one network, as far as it suits the student; None where it is none."""
        from headstart.backbones.location import BackboneSource, locate, location_of
        from headstart.manifest import read_manifest
        from headstart.strategies.teachers import is_backbone

        if len(self.teacher) != 1 or context.located is None:
            return None
        if is_endpoint(self.teacher[0]) or is_backbone(self.teacher[0]):
            return None
        folder = Path(self.teacher[0])
        if read_manifest(folder)[0].get("kind") != "transformers":
            return None
        source = BackboneSource(location=location_of(folder), max_length=context.located.source.max_length)
        return locate(source, context.task.needs)

    def _of(self, found: Candidate, strategy: Strategy, how: str, notes: list[str]) -> Candidate:
        """What the student came to, as what this strategy came to."""
        said = f"{how}; {self.student.name}: {found.description}"
        return replace(found, strategy=strategy, description=said, notes=[*notes, *found.notes])


def layer_numbers(wanted: int | tuple[int, ...], depth: int, where: str) -> tuple[int, ...]:
    """Numbers of the layers that are kept: those given, or so many from the first to the last, evenly spread.

    Six of twelve are 0, 2, 4, 7, 9 and 11, as in DistilBERT.

    Args:
        wanted: how many, or which.
        depth: layers of the network.
        where: what to call it.

    Raises:
        RecipeError: it has no such layers.
    """
    if isinstance(wanted, int):
        if wanted > depth:
            raise RecipeError([f"strategy.student_layers: {wanted} are more than the {depth} layers of {where}"])
        return tuple(round(each) for each in np.linspace(0, depth - 1, wanted).tolist())
    if max(wanted) >= depth:
        raise RecipeError(
            [
                f"strategy.student_layers: there is no layer {max(wanted)} in {where}; its {depth} layers are 0 to {depth - 1}"
            ]
        )
    return wanted
