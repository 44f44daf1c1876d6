"""Stepping stones: the network learns a related task with more labels first, kept only where validation gains by it."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from pydantic import Field

from headstart.data.cache import no_cache
from headstart.data.outputs import Logits
from headstart.errors import DataError
from headstart.registry import did_you_mean
from headstart.runtime.deadline import Deadline
from headstart.runtime.durable import discard
from headstart.strategies.base import NO_STONE, AuxiliaryTask, Candidate, Context, Need, Shared, Strategy, Work
from headstart.strategies.gated import Gated
from headstart.strategies.scratch import folder_of, written

if TYPE_CHECKING:
    from headstart.backbones.location import Located

STONE_EPOCHS, PROBE_EPOCHS = 3, 1
STONE_RATE = 1e-4
HELD_OUT = 10
"""One of so many parts of the other task's rows says how well it was learnt."""
SHARE_OF_TIME = 0.4
"""Share of what a budget leaves that is spent on other tasks at most."""


@dataclass(frozen=True)
class TaskProbe:
    """What a short training on another task came to."""

    name: str
    score: float
    """LogME of the run's training rows on the states that it left, in nats a row."""


class IntermediateTask(Gated):
    """Learn a related task first, then any other strategy (STILTs: Phang et al. 2018; Pruksachatkun et al. 2020).

    The files of `--auxiliary` are rows of other tasks, of any kind whose models have a head: labels, pairs, numbers, tags. Where
    there are several, a short training on some rows of each is followed by a measure of how well the states that it leaves suit
    the labels of the run (LogME: You et al. 2021), and the task with the highest one is learnt in full, head and all layers; the
    head is thrown away. The strategy in `then` is fitted with and without, under equal settings and seeds; the network that
    learnt the other task is kept only if the loss of its probabilities on validation is less by more than noise and no more
    answers are wrong (the gate, that of `domain-adaptation`). Texts of the run's labelled rows are taken out of the other tasks.

    Needs: labels; labelled rows of another task; whatever the strategy inside needs.
    Inputs: those of the task, with a head of its own.
    See also: `domain-adaptation`, where the texts that are learnt from first have no labels.

    Example:
        headstart fit examples/feedback/train.csv --auxiliary examples/domain/hotels.csv --then feature-extraction
    """

    name: ClassVar[str] = "intermediate-task"
    cost: ClassVar[int] = 8
    needs: ClassVar[frozenset[Need]] = frozenset({"labels", "tasks"})
    called_by: ClassVar[str] = "auxiliary"
    gives: ClassVar[frozenset[str]] = frozenset({Logits.kind})
    moved: ClassVar[str] = "a network that has learnt another task"

    stone: str | None = None
    """Name of the task that is learnt first, that of its file without the ending, or `none`; by default what the probe finds."""
    stone_epochs: int = Field(default=STONE_EPOCHS, ge=1, le=100)
    """Epochs on the other task, in [1, 100]; a tenth of its rows is held out and says how well it was learnt, in whole groups
    where the file has the group column of the run."""
    stone_rows: int = Field(default=5000, ge=16, le=1_000_000)
    """Rows of the other task that are learnt from at most, drawn at random, in [16, 1,000,000]."""
    probe_rows: int = Field(default=500, ge=16, le=100_000)
    """Rows of each other task that the probe learns from for one epoch, where there are several, in [16, 100,000]."""

    def work(self, context: Context) -> Work:
        """Twice that of the strategy inside under the gate, the probes, and the epochs on the other task."""
        own, sizes = max(len(context.train), 1), [len(each.rows) for each in context.auxiliary]
        probes = sum(min(size, self.probe_rows) for size in sizes) if self._open(context) else 0
        stone = self.stone_epochs * min(max(sizes, default=0), self.stone_rows) * (self.stone != NO_STONE)
        reading = (len(sizes) + 1 if probes else 0) + 2 * stone / own / HELD_OUT
        return self.gated_work(context, (probes + stone) / own, reading)

    def fit(self, context: Context) -> Candidate:
        """Choose the other task, learn it, fit with and without; keep what the gate lets through."""
        if self.stone == NO_STONE:  # what a resolved recipe says where the gate refused
            found = self.then.fit(context)
            return _of(found, self.revised(then=found.strategy), "no stepping stone", [])
        self._require(context)
        with ExitStack() as held:
            chosen, probed = self._chosen(context)
            located, notes = self._stepped(context, chosen, held, "stone", self.stone_epochs, self.stone_rows)
            passed = self.through_gate(context, located, f"the stepping stone {chosen.name}", f"without {chosen.name}")
        strategy = self.revised(
            then=passed.candidate.strategy,
            gate=False,
            gate_folds=self.gate_folds or 0,
            stone=chosen.name if passed.kept else NO_STONE,
        )
        how = f"after {chosen.name}" if passed.kept else f"stepping stone {chosen.name} refused"
        found = _of(passed.candidate, strategy, how, [*_probe_notes(probed), *notes, passed.said])
        added = passed.added
        if added is not None and probed:
            added = replace(added, said="; ".join([added.said, *_probe_notes(probed)]))
        return replace(found, added=added)

    def _open(self, context: Context) -> bool:
        """Whether the probe chooses."""
        return self.stone is None and len(context.auxiliary) > 1

    def _require(self, context: Context) -> None:
        """Raises DataError where there is no such task."""
        names = [each.name for each in context.auxiliary]
        if not names:
            raise DataError("there are no rows of another task to learn first; name a file of them with --auxiliary")
        if self.stone is not None and self.stone not in names:
            raise DataError(
                f"no auxiliary file is called '{self.stone}'{did_you_mean(self.stone, names)}: {', '.join(names)}"
            )

    def _chosen(self, context: Context) -> tuple[AuxiliaryTask, list[TaskProbe]]:
        """The task that is learnt first, and what the probe found, the best first; nothing where there was no choice."""
        if not self._open(context):
            wanted = self.stone or context.auxiliary[0].name
            return next(each for each in context.auxiliary if each.name == wanted), []
        found = [TaskProbe(NO_STONE, _transferability(context, context.located))]
        for each in context.auxiliary:
            with ExitStack() as held:
                located, _ = self._stepped(context, each, held, f"probe-{each.name}", PROBE_EPOCHS, self.probe_rows)
                found.append(TaskProbe(each.name, _transferability(context, located)))
                discard(located.folder)
        found.sort(key=lambda each: -each.score)
        best = context.team.same(next(each.name for each in found if each.name != NO_STONE))
        return next(each for each in context.auxiliary if each.name == best), found

    def _stepped(
        self, context: Context, other: AuxiliaryTask, held: ExitStack, place: str, epochs: int, most: int
    ) -> tuple[Located, list[str]]:
        """The folder of the network after learning another task, and what is to be said of it."""
        from headstart.strategies.fine_tuning import FineTuning

        rows = _sample(other, most, context.seed)
        found = FineTuning(head="native").fit(self._run_on(context, other, rows, epochs))
        model: Any = found.predictor
        located = written(model.model.backbone, folder_of(context, place, held))
        metric = other.task.chosen_metric
        reached = _reached(other, rows, found, context.seed)
        (learnt, out), times = _parted(other, rows, context.seed), f"{epochs} epoch{'s' * (epochs > 1)}"
        return located, [
            f"{other.name} ({other.task.name}) was learnt first, in {times} of {len(learnt):,} rows: "
            f"{metric} {reached:.3f} on the {len(out):,} rows held out"
        ]

    def _run_on(self, context: Context, other: AuxiliaryTask, rows: np.ndarray, epochs: int) -> Context:
        """A run of its own on the rows of another task, a part of them held out."""
        learnt, held = _parted(other, rows, context.seed)
        deadline = context.deadline
        if deadline is not None:
            import time

            deadline = Deadline(time.perf_counter() + SHARE_OF_TIME * deadline.left)
        return replace(
            context,
            task=other.task,
            train=other.rows.take(learnt),
            validation=other.rows.take(held),
            training=context.training.revised(epochs=epochs, learning_rate=STONE_RATE, stop_after=None, sample=None),
            shared=Shared(),
            folds=None,
            inner_folds=None,
            last_epoch=epochs,
            lessons=None,
            target=None,
            deadline=deadline,
            labelled=True,
            labels_by="",
            answers={},
        )


def _sample(other: AuxiliaryTask, most: int, seed: int) -> np.ndarray:
    """Numbers of the rows that are learnt from, ascending."""
    total = len(other.rows)
    if total <= most:
        return np.arange(total)
    return np.sort(np.random.default_rng([seed, 0x57E9]).permutation(total)[:most])


def _parted(other: AuxiliaryTask, rows: np.ndarray, seed: int) -> tuple[list[int], list[int]]:
    """Rows to learn from, and those that are held out; no text, and no group of rows, is on both sides.

    Where whole groups would leave a label without a row to learn from, they are parted, and texts are not.
    """
    from headstart.data.splits import fingerprints, fold_groups, folds

    part = other.rows.take(rows.tolist())
    strata, options = list(other.task.strata(part)), {"parts": HELD_OUT, "seed": seed}
    drawn = folds(strata, fold_groups(part), **options)
    if other.task.missing(part, np.flatnonzero(drawn)):
        drawn = folds(strata, fingerprints(part.keys), **options)
    return rows[drawn != 0].tolist(), rows[drawn == 0].tolist()


def _reached(other: AuxiliaryTask, rows: np.ndarray, found: Candidate, seed: int) -> float:
    """The score on the rows held out."""
    from headstart.evaluation.judging import sort_key
    from headstart.metrics import is_better_lower

    _, held = _parted(other, rows, seed)
    value = sort_key(other.task, found.validation, other.rows.take(held))[0]
    return -value if is_better_lower(other.task.chosen_metric) else value


def _transferability(context: Context, located: Located | None) -> float:
    """How well the states of a network suit the run's training rows: LogME of the mean of the last layer (You et al. 2021)."""
    from headstart.solving.logistic import SOFTMAX
    from headstart.strategies.probing import solving_part
    from headstart.transferability.logme import logme
    from headstart.transferability.spectrum import Spectrum

    run = replace(context, located=located, shared=Shared(), cache=no_cache())
    backbone = run.backbone()
    pooling = "mean" if "mean" in backbone.poolings else backbone.poolings[0]
    part, _ = solving_part(run, backbone, layers=(backbone.depth,), pooling=pooling)
    solver = context.task.solver or SOFTMAX
    wanted = solver.wanted(part.targets, len(context.task.names)).astype(np.float64)
    return logme(Spectrum.of(np.asarray(part.features)), wanted)


def _probe_notes(probed: list[TaskProbe]) -> list[str]:
    """How well each task's states suit the labels, the best first."""
    if not probed:
        return []
    said = ", ".join(f"{'no other task' if each.name == NO_STONE else each.name} {each.score:+.4f}" for each in probed)
    return [f"LogME of the training rows after a short training on each other task: {said}"]


def _of(found: Candidate, strategy: Strategy, how: str, notes: list[str]) -> Candidate:
    return replace(found, strategy=strategy, description=f"{how}; {found.description}", notes=[*notes, *found.notes])
