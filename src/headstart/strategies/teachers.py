"""Teachers by where they are: folders of runs, pretrained networks that are told the labels, alone or several as one."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from headstart.backbones import KNOWN
from headstart.backbones.location import CONFIG, BackboneSource, locate
from headstart.data.columns import texts_digest
from headstart.data.store import Store
from headstart.decisions.thresholds import Thresholds
from headstart.errors import ModelError, RecipeError, quoted
from headstart.manifest import MANIFEST, read_manifest
from headstart.metrics.calibration import softmax
from headstart.predictors.base import Predictor
from headstart.predictors.teachers import Teacher, parameters_of
from headstart.runtime.device import Device, settled
from headstart.runtime.precision import Precision
from headstart.runtime.progress import SILENT, Progress
from headstart.strategies.base import Context
from headstart.strategies.endpoint_options import EndpointQuestion, is_endpoint
from headstart.tasks.base import Task
from headstart.training.settings import Training

LEAST_LOGIT = -30.0
"""Log-probability of what a teacher holds for impossible."""
CONSTANT = 0.05
"""Nats of entropy that a teacher's mean answer has at least; one below always says the same."""
WRITER = "causal-lm"
"""Kind of predictors that go on with texts, and give no labels of their own."""
KIND = "teacher"
"""What the cache calls answers of teachers."""


class ArtifactTeacher(Teacher):
    """The model of a run, with its temperature.

    Args:
        folder: of the run.
        precision: of its products.
        device: where it computes.

    Raises:
        MissingInputError: there is no such folder.
        ModelError: it holds no model, or one that does not give one label to each text.
    """

    def __init__(self, folder: str | Path, *, precision: Precision = "auto", device: Device = "auto") -> None:
        from headstart.loading import load

        self.folder = Path(folder)
        self.artifact = load(folder, precision=precision, device=device)
        self.task: Task[Any, Any] = self.artifact.task
        if self.task.target_kind != "label" or self.task.words:
            raise ModelError(
                f"{folder} is a model for {self.task.name}, and a teacher gives one label to each text or pair; name a run of "
                "text-classification or text-pair-classification"
            )
        self.names = self.artifact.labels
        self.pairs = self.task.pairs
        self.digest = self.artifact.digest
        self.thresholds = next(
            (each.values or () for each in self.artifact.decisions if isinstance(each, Thresholds)), ()
        )
        said = self.artifact.evidence
        self.description = f"{self.folder.name} ({said.get('chosen') or self.artifact.predictor.kind})"
        self.parameters = parameters_of(self.artifact.predictor, folder=self.folder)

    def logits(self, inputs: Sequence[Any], *, progress: Progress = SILENT) -> np.ndarray:
        """See `Teacher.logits`; an artifact answers all."""
        if not len(inputs):
            return np.zeros((0, len(self.names)), dtype=np.float32)
        outputs = self.artifact.decide(self.artifact.raw_outputs(list(inputs), progress=progress))
        return _logarithms(self.task.probabilities(outputs))


class BackboneTeacher(Teacher):
    """A pretrained network that tells labels by their names, as `zero-shot` does with its usual options.

    Args:
        location: of the network: its short name, or its folder.
        task: bound, with the labels; gives one to each text, or pair of texts.
        rows: that the student learns from, which set what the network is calibrated by; their labels are not read.
        precision: of its products.
        device: where it computes.

    Raises:
        MissingInputError: there is no such network.
        ModelError: it cannot be used, or cannot tell labels of what the task reads.
    """

    def __init__(
        self, location: str, task: Task[Any, Any], rows: Store[Any], *, precision: Precision = "auto", device: Device = "auto"
    ) -> None:  # fmt: skip
        from headstart.strategies.zero_shot import ZeroShot

        self.strategy = ZeroShot()
        self.located = locate(BackboneSource(location=location), task.needs)
        if why := self.strategy.refuses_network(task, self.located.config):
            raise ModelError(f"{location} cannot teach {task.name}: {why}")
        self.task, self.names, self.pairs = task, task.names, task.pairs
        self.rows = rows
        self.precision: Precision = precision
        self.device: Device = device
        self.description = f"{self.located.identity}, zero-shot"
        about = [str(self.located.source.digest), *self.names, texts_digest(list(rows.keys))]
        self.digest = sha256("\n".join(about).encode()).hexdigest()
        self._predictor: Predictor | None = None

    @property
    def parameters(self) -> int | None:  # type: ignore[override]
        """Numbers of its network, once it was asked."""
        return None if self._predictor is None else parameters_of(self._predictor)

    def logits(self, inputs: Sequence[Any], *, progress: Progress = SILENT) -> np.ndarray:
        """See `Teacher.logits`; the network is calibrated when it is first asked, and answers all."""
        if not len(inputs):
            return np.zeros((0, len(self.names)), dtype=np.float32)
        if self._predictor is None:
            nothing: Store[Any] = Store([], [], "")
            context = Context(
                self.task, self.rows, nothing, self.located, Training(), 0, precision=self.precision,
                device=settled(self.device), labelled=False,
            )  # fmt: skip
            self._predictor = self.strategy.fit(context).predictor
            self._predictor.precision = self.precision
        outputs: Any = self._predictor.outputs(list(inputs), progress=progress)
        return _logarithms(self.task.probabilities(outputs))


class Ensemble(Teacher):
    """Several teachers as one, by the mean of their probabilities.

    Args:
        members: at least two.

    Raises:
        RecipeError: they do not know the same labels, or do not read the same.
    """

    def __init__(self, members: Sequence[Teacher]) -> None:
        first = members[0]
        for other in members[1:]:
            if {*other.names} != {*first.names}:
                said = (
                    f"{first.description} knows {_listed(first.names)} and {other.description} {_listed(other.names)}"
                )
                raise RecipeError([f"strategy.teacher: {said}; teachers of one student know the same labels"])
            if None not in (first.pairs, other.pairs) and first.pairs != other.pairs:
                raise RecipeError(
                    ["strategy.teacher: one reads texts and another pairs of them; name teachers of one task"]
                )
        self.members = tuple(members)
        self.ignored = sum(bool(each.thresholds) for each in members)
        """Members that give labels by thresholds, which a mean of probabilities has none of."""
        self.names, self.pairs = first.names, first.pairs
        self.description = f"mean of {', '.join(each.description for each in members)}"
        digests = [each.digest for each in members]
        self.digest = sha256(" ".join(digests).encode()).hexdigest() if all(digests) else ""
        sizes = [each.parameters for each in members]
        self.parameters = None if None in sizes else sum(each or 0 for each in sizes)

    def logits(self, inputs: Sequence[Any], *, progress: Progress = SILENT) -> np.ndarray:
        """See `Teacher.logits`; what one of them cannot answer, none does."""
        total = np.zeros((len(inputs), len(self.names)))
        for at, each in enumerate(self.members):
            order = [each.names.index(name) for name in self.names]
            total += np.exp(each.logits(inputs, progress=SILENT if at else progress).astype(np.float64))[:, order]
        return _logarithms(total / len(self.members))


def teacher_of(
    locations: Sequence[str],
    task: Task[Any, Any] | None = None,
    *,
    precision: Precision = "auto",
    device: Device = "auto",
    asked: EndpointQuestion | None = None,
    rows: Store[Any] | None = None,
) -> Teacher:
    """The teacher at one or several locations.

    Args:
        locations: folders of runs; several are one teacher, see `Ensemble`.
        task: bound, that it has to suit; None where labels are what the teacher knows.
        precision: of the products of networks.
        device: where networks compute.
        asked: what endpoints among them are asked; None where there are none.
        rows: that the student learns from, for pretrained networks among them; None where there are none.

    Raises:
        RecipeError: there is none, one is a pretrained network and no labels are known, or they suit neither each other nor the
            task.
        MissingInputError: there is no such folder.
        ModelError: it cannot teach.
    """
    found = [_opened(each, precision, device, asked, task, rows) for each in locations]
    if not found:
        raise RecipeError(["strategy.teacher: no teacher is named; give the folder of a run with --teacher"])
    teacher = found[0] if len(found) == 1 else Ensemble(found)
    if task is not None:
        require_suiting(teacher, task)
    return teacher


def is_backbone(location: str) -> bool:
    """Whether a location is that of a network that knows no labels of its own: a short name, or a folder of one.

    Networks that `import`, `pretrain` or a dialogue left are such, though headstart wrote them.
    """
    folder = Path(location).expanduser()
    if location in KNOWN or not (folder / MANIFEST).is_file():
        return location in KNOWN or (folder / CONFIG).is_file()
    try:
        return read_manifest(folder)[0].get("kind") == WRITER
    except ModelError:
        return False


def _opened(
    location: str, precision: Precision, device: Device, asked: EndpointQuestion | None, task: Task[Any, Any] | None,
    rows: Store[Any] | None,
) -> Teacher:  # fmt: skip
    if is_backbone(location):
        if task is None or rows is None:
            raise RecipeError(
                [f"task.labels: {quoted(location)} knows no labels of its own; name them with --labels good,bad"]
            )
        return BackboneTeacher(location, task, rows, precision=precision, device=device)
    if is_endpoint(location):
        if asked is None:
            raise RecipeError(
                [f"strategy.teacher: {quoted(location)} is an endpoint; name its model with --teacher-model"]
            )
        return asked.teacher(location)  # type: ignore[return-value]
    return ArtifactTeacher(location, precision=precision, device=device)


def require_suiting(teacher: Teacher, task: Task[Any, Any]) -> None:
    """Refuse a teacher that knows other labels than the task, or reads something else.

    Raises:
        RecipeError: it does not suit; the message names labels of both sides.
    """
    if teacher.pairs is not None and teacher.pairs != task.pairs:
        reads, wanted = ("pairs of texts", "single texts")[:: 1 if teacher.pairs else -1]
        raise RecipeError([f"strategy.teacher: {teacher.description} reads {reads}, and {task.name} has {wanted}"])
    theirs, ours = {*teacher.names} - {*task.names}, {*task.names} - {*teacher.names}
    if theirs or ours:
        said = [
            *([f"only the teacher knows {_listed(sorted(theirs))}"] if theirs else []),
            *([f"only the data has {_listed(sorted(ours))}"] if ours else []),
        ]
        raise RecipeError(
            [
                f"strategy.teacher: {teacher.description} has other labels than the data: {', and '.join(said)}; name them alike"
            ]
        )


def answers(context: Context, teacher: Teacher, keys: Sequence[str], inputs: Sequence[Any]) -> np.ndarray:
    """What a teacher says of texts, each asked about once in a run, and once on this machine where the cache is on.

    Args:
        context: of the run.
        teacher: that suits the task, see `require_suiting`.
        keys: of the texts, see `Store.keys`.
        inputs: the texts, or pairs of them.

    Returns:
        Log-probabilities in the order of the task's labels, float32, shape (texts, labels); NaN where it had no answer.
    """
    runs = [context, context.shared.joined] if context.shared.joined is not None else [context]
    known = dict(context.answers.get(teacher.digest, {}))
    known |= {key: row for run in runs for key, row in run.shared.taught.get(teacher.digest, {}).items()}
    new = {key: given for key, given in zip(keys, inputs, strict=True) if key not in known}
    if new:
        names = sorted(new)
        order = [teacher.names.index(name) for name in context.task.names]

        def fill(found: np.ndarray) -> None:
            context.progress.begin(f"teacher, {teacher.description}", len(names))
            found[:] = teacher.logits([new[name] for name in names], progress=context.progress)[:, order]
            context.progress.end()

        shape = (len(names), len(order))
        if teacher.digest:
            about = {
                "teacher": teacher.digest,
                "texts": texts_digest(names),
                "order": order,
                "precision": context.precision,
            }
            found = context.cache.get(KIND, about, shape, fill)
        else:
            found = np.empty(shape, dtype=np.float32)
            fill(found)
        known |= dict(zip(names, np.asarray(found), strict=True))
        context.shared.taught[teacher.digest] = known
    return np.stack([known[key] for key in keys]) if len(keys) else np.zeros((0, len(teacher.names)), dtype=np.float32)


def thresholds_note(teacher: Teacher, *, applied: bool) -> list[str]:
    """A sentence on what becomes of the thresholds of a teacher, where it, or a member of it, has some.

    Args:
        teacher: of a student.
        applied: whether labels are given by them, see `as_given`.
    """
    if ignored := getattr(teacher, "ignored", 0):
        return [f"{ignored} of the teachers give labels by thresholds, which their mean does without"]
    if not teacher.thresholds:
        return []
    how = (
        "so it is taught what they give"
        if applied
        else "which are not taught: the student finds its own for its metric"
    )
    return [f"{teacher.description} gives labels by thresholds, {how}"]


def refuse_constant(teacher: Teacher, names: Sequence[str], logits: np.ndarray) -> None:
    """Refuse a teacher that says the same of every text.

    Args:
        teacher: for the message.
        names: labels in the order of the columns.
        logits: what it says of some texts, shape (texts, labels).

    Raises:
        ModelError: there is nothing to be learnt from it.
    """
    known = logits[np.isfinite(logits).all(1)]
    if not len(known):
        raise ModelError(f"the teacher {teacher.description} answered none of {len(logits):,} texts")
    mean = softmax(known).mean(0)
    entropy = float(-(mean * np.log(np.maximum(mean, 1e-12))).sum())
    if entropy < CONSTANT or len({*known.argmax(1).tolist()}) == 1:
        raise ModelError(
            f"the teacher {teacher.description} says {quoted(names[int(mean.argmax())])} of each of {len(known):,} texts, or "
            f"nearly so (entropy of its mean answer {entropy:.3f} nats), so there is nothing to be learnt from it; name another one"
        )


def _logarithms(probabilities: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore"):
        return np.maximum(np.log(probabilities), LEAST_LOGIT).astype(np.float32)


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(quoted(name) for name in [*names][:5])
    return shown + (f" and {len(names) - 5} more" if len(names) > 5 else "")
