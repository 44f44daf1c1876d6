"""Multi-task learning: one network learns several tasks at once, each with a head of its own."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field, field_validator

from headstart.data.outputs import Generated, Ranked, Replies
from headstart.errors import UsageError
from headstart.strategies.base import Candidate, Context, Strategy, Work, refused_within, trained_work
from headstart.strategies.fine_tuning import EPOCHS, FineTuning
from headstart.tasks.base import Task

NEEDS_TASKS = (
    "it learns several tasks at once: name them with their files in a YAML file, `tasks: {NAME: {train: FILE, ...}, ...}`, and "
    "give that in the place of the rows"
)
"""What to do where rows of one file are given."""


class MultiTask(Strategy):
    """One shared network, a head for each task, trained on all of them at once (Caruana 1997; Liu et al. 2019, section 3).

    The tasks stand in a YAML file, each with files and options as `fit` has them. Heads are fitted first, as in fine-tuning, then
    network and heads move together; a batch is of one task, and tasks are sampled by size to a power. Each task is scored beside
    a single-task run of the same network with as many passes over its rows.

    Needs: labels; several tasks whose models are heads on an encoder.
    Inputs: those of each task.
    See also: `fine-tuning`, which learns one task.

    Example:
        headstart fit examples/tasks.yaml --strategy multi-task
    """

    name: ClassVar[str] = "multi-task"
    cost: ClassVar[int] = 5
    several: ClassVar[bool] = True

    layers: Literal["all"] | int = "all"
    """`all`, or how many of the top layers move, at least 1."""
    head: Literal["auto", "native", "mean"] = "auto"
    """What the head reads: `native` is the token that the architecture's own head reads, `mean` the mean over tokens; `auto` is
    native, unless a task or the network asks for the mean."""
    head_first: bool | None = None
    """Solve the head on frozen features before anything moves; otherwise it starts from random numbers. By default unless
    the network has read little text."""
    layer_decay: float = Field(default=0.9, gt=0, le=1)
    """Share of the learning rate that the next lower layer gets, in (0, 1]."""
    dropout: float = Field(default=0.1, ge=0, lt=1)
    """Share of the head's inputs dropped in training, in [0, 1)."""
    sampling_power: float = Field(default=0.5, ge=0, le=1)
    """Power of a task's size by which tasks are sampled, in [0, 1]: with 1 an epoch is one pass over the rows of each, with 0 all
    have the same number of batches."""
    most_passes: float = Field(default=4.0, ge=1, le=1000, examples=["8"])
    """Passes over the rows of a task in an epoch at most, in [1, 1000]; a small task beside a large one would get many."""
    weighting: Literal["fixed", "uncertainty"] = "fixed"
    """How losses are weighed against each other: `fixed` by `loss_weights`, `uncertainty` also by weights that are learnt with the
    network (Kendall, Gal & Cipolla 2018)."""
    loss_weights: dict[str, float] = Field(default_factory=dict, examples=["{rte: 2, cola: 0.5}"])
    """Factors of the losses by task, each over 0; 1 for those that are not named."""
    conflicts: Literal["measure", "project", "ignore"] = "measure"
    """What is done about gradients that pull apart: `measure` says after every epoch how alike those of each two tasks are,
    `project` also takes out what points against another task (PCGrad: Yu et al. 2020), `ignore` does neither."""
    focus: str | None = None
    """Task by whose validation rows the best epoch is chosen and training is ended; by default the one that more tasks are better
    in than worse."""
    single_runs: bool = True
    """Train each task alone too, with as many passes over its rows, so that gain and harm are seen; takes about as long again."""

    @field_validator("loss_weights")
    @classmethod
    def _over_nothing(cls, value: dict[str, float]) -> dict[str, float]:
        if odd := next((name for name, weight in value.items() if weight <= 0), None):
            raise ValueError(
                f"the weight of '{odd}' is {value[odd]:g}; give one over 0, or leave the task out of the file"
            )
        return value

    def alone(self) -> FineTuning:
        """Fine-tuning of one task with the same settings."""
        return FineTuning(
            layers=self.layers,
            head=self.head,
            head_first=self.head_first,
            layer_decay=self.layer_decay,
            dropout=self.dropout,
        )

    def refuses(self, task: Task[Any, Any]) -> str:
        """Refuses tasks that cannot share an encoder with others."""
        if task.outputs_kind in (Generated.kind, Replies.kind):
            return "it writes texts, and the tasks share an encoder, which writes none"
        if task.outputs_kind == Ranked.kind:
            return "it ranks what it searches, and the tasks share an encoder with a head each"
        return refused_within(self.alone(), task)

    def work(self, context: Context) -> Work:
        """The epochs, validated after each; of one of the tasks."""
        return trained_work(context, context.training.epochs or EPOCHS)

    def fit(self, context: Context) -> Candidate:
        """Refuses; several tasks are learnt by `strategies.learning_together.learn_together`.

        Raises:
            UsageError: always.
        """
        raise UsageError(f"{self.name}: {NEEDS_TASKS}")
