"""What a strategy is: a way from data and a backbone to a candidate; and what it is given."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple, Self

import numpy as np

from headstart.backbones.location import Located
from headstart.config import Component
from headstart.data.cache import ArrayCache, no_cache
from headstart.data.outputs import Logits, Outputs
from headstart.data.store import Store
from headstart.predictors.base import Predictor
from headstart.runtime.deadline import Deadline
from headstart.runtime.precision import Precision, is_fast
from headstart.runtime.progress import SILENT, Progress
from headstart.runtime.team import ALONE, Team
from headstart.tasks.base import Task
from headstart.training.settings import Training
from headstart.tuning.space import Dimension

if TYPE_CHECKING:
    from headstart.backbones.base import Backbone
    from headstart.predictors.teachers import TaughtBy
    from headstart.training.checkpoints import Stages
    from headstart.training.features import FeatureStore
    from headstart.training.frozen import TextSet
    from headstart.training.lessons import Lessons

Need = Literal["labels", "texts", "pairs", "teacher", "tasks"]
NO_TARGET = "learns from texts of the target domain, and there are none; name a file of them with --target"
"""After the name of a strategy: what is missing where no file of such texts was given."""

NO_AUXILIARY = "learns another task first, and there is none; name a file with labelled rows of one with --auxiliary"
"""The same where no file of another task was given."""
NO_STONE = "none"
"""Stands for no task in the place of the name of one that is learnt first."""

LEAST_STRENGTH, MOST_STRENGTH = 1e-15, 1e15
"""Range of strengths of regularisation; beyond, float32 has no number for penalties and their products."""


@dataclass(frozen=True)
class Within:
    """The run that a fold is part of, its rows kept for learning and those held out."""

    context: Context
    kept: np.ndarray
    held: np.ndarray


@dataclass(frozen=True)
class Tokenized:
    """Training and validation rows as a task prepares them; under folds both are the training rows."""

    train: Any
    validation: Any
    limit: int
    """Tokens of a row that are read."""


@dataclass
class Shared:
    """What strategies leave for those that run after them on the same rows and backbone."""

    prepared: Tokenized | None = None
    features: FeatureStore | None = None
    """Pooled states of all layers."""
    rows: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None
    """The states in `features` that the next two were made of; what heads read of training rows and of validation rows."""
    texts: TextSet | None = None
    """Token ids of all rows, by which frozen states are looked up."""
    strengths: dict[str, float] = field(default_factory=dict)
    """Strength of a head on the last layer, by pooling."""
    known_names: bool | None = None
    """Whether labels' names are words that the network knows; None where nobody asked."""
    epochs: dict[str, int] = field(default_factory=dict)
    """Epochs that a strategy trained for, by its name; the most where it ran several times."""
    searched: dict[str, Any] = field(default_factory=dict)
    """What was made of the passages that are searched, by what it is: retrievers, and their rankings of validation rows."""
    taught: dict[str, Any] = field(default_factory=dict)
    """What a teacher said of texts, by its digest and then by key of the text, so that it is asked once in a run."""
    within: Within | None = None
    """What a fold is part of; None in a whole run."""
    by_epoch: list[Outputs] = field(default_factory=list)
    """Out-of-fold outputs of the training rows after each epoch, 0 before training, of what last trained under folds."""
    inner: Shared | None = None
    """The same for choices among few training rows beside a validation part; None where none were made."""
    joined: Context | None = None
    """The run whose training and validation rows, one behind the other, are the training rows of this one; None where they
    are its own."""


@dataclass(frozen=True)
class AuxiliaryTask:
    """Another task with labelled rows, which a network may learn before that of the run."""

    name: str
    task: Task
    """Bound to its rows."""
    rows: Store[Any]
    """None of their texts stands in a labelled part of the run."""


@dataclass
class Context:
    """What a strategy works with: the data, the network, and what those before it have computed."""

    task: Task
    train: Store[Any]
    validation: Store[Any]
    """Rows to choose on; the training rows themselves where `folds` says how to hold them out."""
    located: Located | None
    """The backbone's folder; None where no strategy of the run needs one."""
    training: Training
    seed: int
    progress: Progress = SILENT
    shared: Shared = field(default_factory=Shared)
    folds: np.ndarray | None = None
    """Cross-validation in place of a validation part: fold of each training row, shape (repeats, rows). Every strategy
    gives out-of-fold logits by the first repeat; what is cheap chooses on all of them."""

    inner_folds: np.ndarray | None = None
    """Folds of few training rows beside a validation part, shape (repeats, rows): what such rows choose by cross-validation
    without that part they choose by these (`strategies.cross_validation.choosing`). None where rows are many."""

    deadline: Deadline | None = None
    """When the strategy has to be done, under a budget."""
    cache: ArrayCache = field(default_factory=no_cache)
    """Where states of frozen layers are kept from run to run."""
    precision: Precision = "float32"
    """Type of numbers that products in training and reading are taken in."""
    device: Literal["cpu", "cuda"] = "cpu"
    """Where networks compute: `cpu` or `cuda`."""
    team: Team = ALONE
    """The processes that work on this run."""
    stages: Stages | None = None
    """Where training writes checkpoints, and goes on from."""
    others: Mapping[str, Located] = field(default_factory=dict)
    """Folders of further networks by role, such as `generator`; `located` is that of the main one."""
    unseen: Sequence[Sequence[str]] = ()
    """Texts that scores are reported on: not to be learnt from, not even without their labels."""
    target: Store[Any] | None = None
    """Texts of the domain that the model is for, without labels; None where no file was given."""
    auxiliary: Sequence[AuxiliaryTask] = ()
    """Other tasks with labelled rows, in the order in which they were given."""
    labelled: bool = True
    """Whether training rows have labels; without, there are no validation rows, and nothing is chosen by them."""
    labels_by: str = ""
    """Who gave the training rows their labels where that was no person: a teacher, in a few words; empty where they are true."""
    answers: Mapping[str, Mapping[str, np.ndarray]] = field(default_factory=dict)
    """What a teacher said of texts when the rows were read: log-probabilities of the task's labels, by its digest and key of the
    text."""
    teachers: dict[Sequence[str], Any] = field(default_factory=dict)
    """Teachers that were opened in this run, by their locations, so that each is opened once."""
    lessons: Lessons | None = None
    """What a teacher says of training texts, for strategies that train on the run's task; None where nobody teaches."""
    last_epoch: int | None = None
    """Epoch after which training ends, 0 for none at all, and whose weights are kept, where all is chosen and the validation
    rows are learnt from too; None where validation says which is best."""

    @property
    def late(self) -> bool:
        """Whether the deadline is over: what is still open is left as it is, what has nothing to show gives up."""
        return self.deadline is not None and self.deadline.passed

    @property
    def fast(self) -> bool:
        """Whether products are in bfloat16."""
        return is_fast(self.precision, self.device)

    def backbone(self, role: str = "", *, pretrained: bool = True, dropout: float | None = None) -> Backbone:
        """A fresh network with its tokenizer, the main one or one of `others`; options as `open_backbone` has them.

        Raises:
            UsageError: the run has no such network.
        """
        from headstart.backbones.base import open_backbone
        from headstart.errors import UsageError

        located = self.others.get(role) if role else self.located
        if located is None:
            raise UsageError(f"this run was set up without a backbone{f' for the role of {role}' * bool(role)}")
        backbone = open_backbone(located, needs=self.task.needs, pretrained=pretrained, dropout=dropout)
        backbone.to(self.device)
        return self.reading(backbone)

    def reading(self, backbone: Backbone) -> Backbone:
        """A network as the run's task reads it: pairs, words, windows, the prompt; it is changed in place."""
        backbone.fast = self.fast
        backbone.tokenizer.cache = self.cache
        backbone.pairs, backbone.words = self.task.together, self.task.words
        if backbone.default_prompt and not self.task.roles:
            backbone.tokenizer.put_prompt(backbone.default_prompt)
        if self.task.windowed:
            backbone.tokenizer.overlap = backbone.tokenizer.usual_overlap
        return backbone


@dataclass
class Added:
    """What a strategy adds to another one, such as an average of weights, and what validation says of it."""

    what: str
    """What was added, in a few words: `the soup of 3 seeds`."""
    kept: bool
    """Whether the model has it."""
    said: str
    """Why it was kept or was not, a sentence without a full stop."""
    beside: dict[str, Candidate] = field(default_factory=dict)
    """Models by what they are called that are scored beside the kept one when all choices are made: those without it where it was
    kept, the one with it where it was not; none where there is none."""


@dataclass
class Candidate:
    """What a strategy came to: something that predicts, and all that was decided on the way."""

    strategy: Strategy
    """With every open choice filled in: the same data and seed give the same weights again."""
    training: Training
    """With every open choice filled in, too."""
    predictor: Predictor
    validation: Outputs
    """Outputs of the validation rows before any decision; out-of-fold outputs of the training rows under folds."""
    description: str
    """What was decided, in a few words for the leaderboard."""
    trainable_parameters: int
    curve: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    epoch: int | None = None
    """Epoch whose weights the model holds, chosen on validation, 0 for those before training; None where nothing was chosen."""
    added: Added | None = None
    """What the strategy adds to another one, and what became of it; None where it adds nothing."""


class Work(NamedTuple):
    """What a strategy is going to do, in passes of its network over the training rows and in seconds beside them."""

    training: float
    """Passes forward and backward."""
    reading: float
    """Passes forward only."""
    seconds: float = 0.0
    """What takes no network: libraries to import, terms to count."""
    heads: float = 0.0
    """Seconds in which heads are fitted as a rule; plans measure how much longer or shorter this data takes."""
    generating: float = 0.0
    """Texts that are written, the likeliest word every time, over the number of training rows."""
    moving: float = 1.0
    """Share of the weights of the layers that move, in [0, 1], where anything is trained: memory hangs on it."""


@dataclass(frozen=True)
class Auto:
    """How a strategy offers itself to runs that name none."""

    verbs: frozenset[str] = frozenset()
    """Verbs that run it then. Controls run beside the strategies of any verb, whatever this says."""
    least_rows_per_label: float = 0.0
    """Rows per label below which `fit` leaves it out where choices are made by cross-validation, there is no budget, and
    another strategy stands in for it."""
    stands_in_for: frozenset[str] = frozenset()
    """Names of strategies that this one does no worse than on so few rows."""
    needs_budget: str = ""
    """Why `fit` leaves it out where there is no budget; empty where it does not."""
    needs_gain: bool = False
    """Whether `fit` leaves it out where moving the network's weights has not been better than leaving them frozen."""


def refusal(strategy: Strategy, task: Task[Any, Any]) -> str:
    """Why a strategy cannot serve a task, as a sentence without a full stop; empty where it can."""
    if task.outputs_kind not in strategy.gives:
        return f"it gives {' or '.join(sorted(strategy.gives))}, and the task asks for {task.outputs_kind}"
    return strategy.refuses(task)


def refused_within(inner: Strategy, task: Task) -> str:
    """Why a strategy that fits another one cannot serve a task that the other refuses; empty where it serves it."""
    why = "it learns several tasks from a file of their own" if inner.several else refusal(inner, task)
    return f"{inner.name}, which it fits, cannot: {why}" if why else ""


def trained_work(context: Context, epochs: int, *, twin: int = 0, head_first: bool = True, runs: float = 1) -> Work:
    """Work of a strategy that trains on labels and validates after every epoch.

    Args:
        context: of the run.
        epochs: passes of each training.
        twin: epochs more of a second model.
        head_first: whether features are read for the head.
        runs: trainings on all rows; folds count as `strategies.cross_validation.rounds` has it.
    """
    folds = 1.0 if context.folds is None else float(context.folds[0].max() + 1)
    held = 1.0 if context.folds is not None else len(context.validation) / max(len(context.train), 1)
    passes = epochs * runs * folds + twin
    return Work(passes, (1.0 + held) * head_first + held * (epochs * runs + twin + 1))


SOLVING, FEW_LABELS = 2e-4, 2
"""Seconds by row in which a head of two labels or one number is found; one of more takes as much longer as it has more."""


def fitting_heads(context: Context) -> float:
    """About how many seconds it takes to find the strength of a head on several layers, and to fit it, on all rows."""
    return SOLVING * len(context.train) * max(1.0, len(context.task.names) / FEW_LABELS)


RATES = (1e-4, 3e-4, 1e-3)
"""Learning rates tried where weights are random or nearly so."""
CHOOSING_ROWS = 2000
"""Training rows on which layers are compared and, where there are no more, the strength of the head."""
MOST_EPOCHS = 8
UPDATES = 1000
"""A small file gets more epochs, up to `MOST_EPOCHS`, so that such weights see about as many updates."""


def epochs_for(context: Context, least: int, updates: int = UPDATES, most: int | None = None) -> int:
    """Epochs that come to about so many updates, by default as many as weights need that know little.

    Args:
        context: whose training rows and batches are counted.
        least: epochs at least, whatever they come to.
        updates: wanted.
        most: epochs at most, unless `least` is more; `MOST_EPOCHS` by default.
    """
    per_epoch = max(1, len(context.train) // context.training.batch_size)
    return max(least, min(most or MOST_EPOCHS, -(-updates // per_epoch)))


def trainings(context: Context, rates: int) -> float:
    """Trainings on all rows that comparing so many rates comes to; under folds they are compared on one fold."""
    return rates if context.folds is None else 1 + (rates if rates > 1 else 0) / (context.folds[0].max() + 1)


class Strategy(Component, ABC):
    """A way of transferring (or a control). Fields left at None are chosen on validation."""

    role: ClassVar[Literal["transfer", "control"]] = "transfer"
    needs: ClassVar[frozenset[Need]] = frozenset({"labels"})
    """What it learns from: `labels` of rows, `texts` of the target domain without labels, `pairs` of texts, a `teacher`,
    `tasks` beside that of the run."""
    needs_backbone: ClassVar[bool] = True
    several: ClassVar[bool] = False
    """Whether it learns several tasks at once, which stand in a file of their own in the place of the rows."""
    frozen: ClassVar[bool] = False
    """Whether the weights of the pretrained network stay as they are."""
    auto: ClassVar[Auto | None] = None
    """What a run that names no strategy does with it; where this is None it runs only if it is named."""
    gives: ClassVar[frozenset[str]] = frozenset({Logits.kind})
    """Registered kinds of outputs that its models give, see `data.outputs`."""
    cost: ClassVar[int]
    """Rank by usual cost, cheapest first; decides the order of a run and who wins a tie."""
    for_few: ClassVar[bool] = False
    """Whether it was made for few labels: where choices are made by cross-validation it is kept unless another strategy is
    better there by more than noise."""
    shortens: ClassVar[bool] = False
    """Whether fewer epochs than usual are better than none, where a budget is short."""
    searched: ClassVar[Mapping[str, Dimension]] = {}
    """What `tune` varies where it is given no space: dimensions by path, of the strategy's own fields (`strategy.layers`) and of
    the section `training`; empty where nothing is known to matter."""
    called_by: ClassVar[str] = ""
    """Option that calls for it: where a run has that and does not name this strategy, those that are named are fitted within it,
    as its `then`, or the usual one is; empty where it has to be named."""
    why_no_refit: ClassVar[str] = ""
    """Why it does not learn again from all labelled rows unless that is asked for, after its name; empty where it does."""

    @property
    def usual(self) -> bool:
        """Whether it is one of the usual ways of transferring from labels alone, which others are held against."""
        compared = self.auto is not None and "compare" in self.auto.verbs
        return compared and self.role == "transfer" and self.needs == {"labels"}

    @property
    def trains(self) -> bool:
        """Whether it moves weights by gradient, as the section `training` says."""
        return self.needs_backbone and not self.frozen

    @property
    def learns_soft_labels(self) -> bool:
        """Whether it trains on the run's task, so that it learns from what a teacher says (`Context.lessons`)."""
        return False

    @property
    def no_average(self) -> str:
        """Why models that it trains from several seeds have no average, after its name; empty where they have one.

        They have one where all start from the same weights, which it gives after no epoch (`Context.last_epoch` of 0).
        """
        return "does not start from the same weights under every seed" if self.trains else "trains no weights"

    @property
    def never_refits(self) -> str:
        """Why it cannot learn again from all labelled rows, whoever asks for it, after its name; empty where it can."""
        return ""

    @property
    def reads_target(self) -> bool:
        """Whether it learns from texts of another domain, where there are any."""
        return "texts" in self.needs

    @property
    def files(self) -> tuple[str, ...]:
        """Files and folders that its result hangs on beside the data and the backbone."""
        return ()

    def relocated(self, directory: Path) -> Self:
        """A copy whose folders of runs, named as from `directory`, are found from elsewhere."""
        return self

    def unused(self, training: Training) -> dict[str, str]:
        """Keys that change nothing of it, its own and `training.KEY`, with what comes after its name to say why."""
        keys = (
            [] if self.trains else [key for key in Training.model_fields if key not in ("checkpoint_every", "sample")]
        )
        return {f"training.{key}": "trains nothing by gradient" for key in keys}

    @classmethod
    def missing(cls) -> str:
        """What has to be installed before this runs, as a sentence; empty where nothing is missing."""
        return ""

    def refuses(self, task: Task) -> str:
        """Why it cannot serve a task, as a sentence without a full stop; empty where it can."""
        return ""

    def refuses_network(self, task: Task, config: Mapping[str, Any]) -> str:
        """Why it cannot start from networks of a configuration, as a sentence without a full stop; empty where it can.

        Args:
            task: that it can serve.
            config: the content of a `config.json` of an architecture that is known; no weights are fetched yet.
        """
        return ""

    def taught_by(self, context: Context) -> TaughtBy | None:
        """What it was to learn from beside labels, opened, so that it can be measured; None where there is no such thing."""
        return None

    def work(self, context: Context) -> Work:
        """What `fit` will come to, before it starts; for plans and budgets."""
        return Work(0.0, 1.0 if self.needs_backbone else 0.0)

    def pausing_epochs(self, context: Context) -> int:
        """Epochs of the schedule in which `fit` can be paused; 0 where it cannot, for it would not go on to the same bits.

        With `Stages.pausing` and `training.stop_after` it ends at an epoch of its schedule; the same call with the same stages and
        a later end, or none, goes on from there. That needs that no choice which a later stage of training hangs on can turn out
        otherwise by then.
        """
        return 0

    def beside(self, chosen: Sequence[Strategy], tasks: Sequence[Task[Any, Any]]) -> Strategy:
        """The strategy as it suits those of a run that it is held against; itself where it suits any.

        Args:
            chosen: the strategies of the run.
            tasks: that it may be about, one where that is known.
        """
        return self

    def sketched_writer(self, context: Context) -> Any:
        """An encoder-decoder of the size of that which it makes and trains to write, to time texts by; None where it makes none."""
        return None

    def briefer(self, context: Context) -> Sequence[Strategy]:
        """Copies that cost less, the most careful first, for runs in which a control must not take long; often none."""
        return ()

    @abstractmethod
    def fit(self, context: Context) -> Candidate:
        """Learn from `context.train`, choose on `context.validation` or, where there are folds, by cross-validation.

        Raises:
            DivergedError: training did not stay finite.
            OutOfTime: the deadline passed before there was anything to keep.
        """
