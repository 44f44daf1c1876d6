"""Contrastive fine-tuning: texts of one label are drawn together, then a linear head is fitted on top."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from headstart.data.outputs import Logits
from headstart.data.store import Store
from headstart.errors import RecipeError
from headstart.strategies.base import (
    LEAST_STRENGTH,
    MOST_STRENGTH,
    Auto,
    Candidate,
    Context,
    Strategy,
    Work,
    fitting_heads,
)
from headstart.tasks.base import Task
from headstart.tuning.space import Choices, Dimension, Range

if TYPE_CHECKING:
    from headstart.heads.model import Model
    from headstart.solving.logistic import Part, Solved
    from headstart.training.settings import Training
    from headstart.training.stage import LayerGroup
    from headstart.training.state import History

UPDATES = 12
"""Updates that few rows get by default: on some data twice as many as 6 gain much, on others they lose little (docs/log.md)."""
LEAST_EPOCHS = 2
LEARNING_RATE = 2e-4
COMPARED_ROWS = 400
"""Training rows up to which training on every fold, with and without them, says whether names help that are no known words;
heads on the frozen network say it of others, and of more rows."""
HEADS = 0.5
"""Time in which heads are fitted on one layer, in times of that on several."""
GRID = (1e-3, 3e-3, 1e-2, 3e-2)
"""Strengths tried for the head; under folds the strongest regularisation within one standard error is taken."""
FEWEST, WEAK = 4, 1e-1
"""Rows per label below which no cross-validation can tell strengths apart, and the strength of the head there: regularised more
strongly it hardly hears the rows beside the labels' names (docs/log.md)."""


HeldOut = tuple[float, np.ndarray]
"""Strength of a head, and logits of the training rows while they were held out, shape (rows, labels)."""


class Contrastive(Strategy):
    """Contrastive training on the labels, then logistic regression on the new states (Tunstall et al. 2022, section 3).

    Every pair of a batch counts, not pairs drawn beforehand: six updates of 32 texts see more pairs than 1,500 texts
    passed two by two. With few labels nothing else comes near; with 1,000 to 7,000 rows it was as good as fine-tuning on
    most data, in less time (docs/log.md).

    Needs: labels.
    Inputs: texts or pairs of texts with one label each.
    See also: `feature-extraction`, the same head on states as they were; `fine-tuning`, which trains head and layers at once.

    Example:
        headstart fit examples/feedback/train.csv --strategy contrastive --updates 12 --top-layers 3
    """

    name: ClassVar[str] = "contrastive"
    cost: ClassVar[int] = 3
    for_few: ClassVar[bool] = True
    auto: ClassVar[Auto | None] = Auto(verbs=frozenset({"fit"}), stands_in_for=frozenset({"fine-tuning", "lora"}))
    searched: ClassVar[Mapping[str, Dimension]] = {
        "strategy.temperature": Range(0.03, 0.3, log=True),
        "strategy.top_layers": Choices((2, 4, "all")),
        "training.learning_rate": Range(5e-5, 1e-3, log=True),
    }

    loss: Literal["supervised", "pairs"] = "supervised"
    """`supervised`: pick a row of the same label among all others (Khosla et al. 2020); `pairs`: cosine of each pair
    against 1 or 0 (Tunstall et al. 2022)."""
    temperature: float = Field(default=0.1, gt=0, le=10)
    """What cosines are divided by in the supervised loss, in (0, 10]."""
    updates: int | None = Field(default=None, ge=1, le=100_000)
    """Updates where `training.epochs` is not given, at least 1; by default 12 or two epochs, whichever is more."""
    top_layers: Literal["all"] | int = "all"
    """`all`, or how many of the top layers move, at least 1."""
    label_names: bool | None = None
    """Learn from the labels' own words too, as three more texts per label. By default with few labels, where choices are made
    by cross-validation, beside a validation file too: there names that the network knows as words are used unless they do harm to
    the frozen head, others if training on every fold with and without them finds that they help."""
    C: float | None = Field(default=None, ge=LEAST_STRENGTH, le=MOST_STRENGTH)
    """Inverse strength of regularisation, in [1e-15, 1e15]; of the head on standardised states, chosen if not given, by
    cross-validation with few labels, and 0.1 with fewer than four rows per label."""

    def unused(self, training: Training) -> dict[str, str]:
        """Updates beside epochs, and what only the other loss divides by."""
        found = super().unused(training)
        if training.epochs is not None:
            found["updates"] = "`training.epochs` is given, and goes before"
        if self.loss == "pairs":
            found["temperature"] = "only the supervised loss has a temperature"
        return found

    def refuses(self, task: Task) -> str:
        """Refuses tasks whose texts do not have one label each."""
        if task.words:
            return "it pulls whole texts together by their one label"
        why = "it draws together texts of one label"
        others = {"label": "", "number": f"{why}, and here they have numbers"}
        return others.get(task.target_kind, f"{why}, and here a text may have several")

    def pausing_epochs(self, context: Context) -> int:
        """Its epochs unless it is found out on folds whether label names are learnt from."""
        known = self.label_names is not None or self._chooser(context).folds is None
        return self._epochs(context, _tried(context, self.label_names)[0]) if known else 0

    def work(self, context: Context) -> Work:
        """The epochs on every fold and on all rows, states read after each."""
        from headstart.strategies.cross_validation import rounds

        chooser = self._chooser(context)
        folds = (rounds(chooser) - 1) * self._trains_on_folds(context, chooser)
        passes = self._epochs(context, False) * (1 + folds * (2 if _compares(chooser, self.label_names) else 1))
        return Work(passes, 2.0 + folds, heads=HEADS * fitting_heads(context))

    def fit(self, context: Context) -> Candidate:
        """Train on all rows, under folds once per fold before that, and fit the head."""
        from headstart.heads import HEAD
        from headstart.predictors.network import NetworkPredictor
        from headstart.strategies.cross_validation import rounds
        from headstart.strategies.training_run import skipped_notes

        if isinstance(self.top_layers, int) and self.top_layers < 1:
            raise RecipeError(["strategy.top_layers: no layer would move; give 'all' or a number of at least 1"])
        chooser = self._chooser(context)
        folded = self._trains_on_folds(context, chooser)
        grid, logits = self._strengths(chooser), None
        tried = _tried(chooser, self.label_names)
        longest = max(self._epochs(context, names) for names in tried)
        context.progress.begin(
            self.name, len(context.train) * longest * (1 + folded * (rounds(chooser) - 1) * len(tried))
        )
        names = tried[0]
        if folded:
            held = {each: self._held_out(chooser, each, self._epochs(chooser, each), grid) for each in tried}
            names = names if len(held) == 1 else _better(chooser, *held.values())
            grid = (held[names][0],)
            logits = held[names][1] if chooser is context else None
        epochs = self._epochs(context, names)
        model, history = self._trained(context, names, epochs)
        states = _states(context, model, names)
        solved = _solved(context, model, names, grid, states)
        context.progress.end()
        head: Any = model.heads[HEAD]
        head.set(solved)
        updates = epochs * len(self._batches(context, names, 0))
        moved = (
            "all layers" if self.top_layers == "all" else f"top {self.top_layers} layer{'s' * (self.top_layers > 1)}"
        )
        return Candidate(
            self.revised(C=solved.C, label_names=names, updates=None),
            context.training.revised(epochs=epochs, learning_rate=context.training.learning_rate or LEARNING_RATE),
            NetworkPredictor(model, context.task),
            Logits.of(solved.logits(states[1].features) if logits is None else logits),
            f"{moved}, {updates} updates, C {solved.C:g}{', label names' * names}",
            sum(p.numel() for group in self._groups(model) for m in group.modules for p in m.parameters())
            + solved.weight.size
            + solved.bias.size,
            [{"epoch": epoch.epoch, "train_loss": epoch.train_loss} for epoch in history.epochs],
            skipped_notes(context, history),
        )

    def _chooser(self, context: Context) -> Context:
        """The run that is chosen in, where a choice is open."""
        from headstart.strategies.cross_validation import choosing

        return choosing(context) if self.C is None or self.label_names is None else context

    def _trains_on_folds(self, context: Context, chooser: Context) -> bool:
        """Whether every fold is trained on: for outputs of rows held out, or to compare."""
        compared = _compares(chooser, self.label_names) or len(self._strengths(chooser)) > 1
        return chooser.folds is not None and (chooser is context or compared)

    def _strengths(self, context: Context) -> tuple[float, ...]:
        """What the strength of the head is chosen from."""
        if self.C is not None:
            return (self.C,)
        fewest = context.folds is not None and len(context.train) < FEWEST * context.task.kinds
        return (WEAK,) if fewest else GRID

    def _held_out(self, context: Context, names: bool, epochs: int, grid: tuple[float, ...]) -> HeldOut:
        """The best strength by cross-validation, and the out-of-fold logits at it."""
        from headstart.evaluation.judging import sort_key
        from headstart.solving.logistic import standard_error
        from headstart.strategies.cross_validation import by_fold

        found = np.zeros((len(grid), len(context.train), len(context.task.names)), dtype=np.float32)
        for held, part in by_fold(context):
            model, _ = self._trained(part, names, epochs)
            states = _states(part, model, names)
            for at, strength in enumerate(grid):
                found[at, held] = _solved(part, model, names, (strength,), states).logits(states[1].features)
        values = [sort_key(context.task, Logits.of(logits), context.train)[0] for logits in found]
        least = max(values) - standard_error(max(values), len(context.train))
        at = next(at for at, value in enumerate(values) if value >= least)
        return grid[at], found[at]

    def _trained(self, context: Context, names: bool, epochs: int) -> tuple[Model, History]:
        """A fresh backbone after contrastive training, with a head that is still to be set; and its course."""
        import torch

        from headstart.heads.model import Model
        from headstart.objectives.contrastive import ContrastiveLoss
        from headstart.training.stage import Stage
        from headstart.training.trainer import train

        torch.manual_seed(context.seed)
        backbone = context.backbone()
        model = Model(backbone, context.task.heads(backbone, pooling="mean"), context.team)
        objective = ContrastiveLoss(loss_kind=self.loss, temperature=self.temperature, pooling="mean")
        stage = Stage(
            objective,
            objective.prepare(_with_names(context, names), backbone.tokenizer),
            self._groups(model),
            epochs,
            context.training.learning_rate or LEARNING_RATE,
            context.training.stop_after,
            lambda epoch: self._batches(context, names, epoch),
        )
        history = train(
            model,
            stage,
            context.training,
            seed=context.seed,
            validate=None,
            progress=context.progress,
            deadline=context.deadline,
            stages=context.stages,
        )
        return model, history

    def _batches(self, context: Context, names: bool, epoch: int) -> list[np.ndarray]:
        from headstart.objectives.contrastive import paired_batches

        examples = _with_names(context, names).examples
        _, groups = np.unique([example.label for example in examples], return_inverse=True)
        return paired_batches(groups, rows=context.training.batch_size, seed=context.seed, epoch=epoch)

    def _epochs(self, context: Context, names: bool) -> int:
        if context.training.epochs is not None:
            return context.training.epochs
        per_epoch = len(self._batches(context, names, 0))
        if self.updates is not None:
            return max(1, round(self.updates / per_epoch))
        return max(LEAST_EPOCHS, -(-UPDATES // per_epoch))

    def _groups(self, model: Model) -> list[LayerGroup]:
        from headstart.training.stage import LayerGroup

        blocks = model.backbone.blocks()[1:]
        moving = blocks if self.top_layers == "all" else blocks[-self.top_layers :]
        return [LayerGroup([module for block in moving for module in block], 1.0)]


def _compares(context: Context, names: bool | None) -> bool:
    """Whether it is found out by training with label names and without whether they help."""
    from headstart.strategies.label_names import are_known_words

    if names is not None or context.folds is None or len(context.train) > COMPARED_ROWS:
        return False
    return bool(context.task.label_examples()) and not are_known_words(context)


def _tried(context: Context, names: bool | None) -> tuple[bool, ...]:
    """Whether label names are learnt from, as far as it is known before training: with or without them, or both to compare."""
    if not context.task.label_examples() or (names is None and context.folds is None):
        return (False,)
    if names is not None:
        return (names,)
    if _compares(context, names):
        return False, True
    from headstart.strategies.probing import compare_by_folds

    backbone = context.backbone()
    upper = tuple(range(backbone.depth // 2, backbone.depth + 1))
    return (compare_by_folds(context, backbone, [(upper, "mean")], None)[2],)


def _better(context: Context, without: HeldOut, named: HeldOut) -> bool:
    """Whether names that are no known words are used all the same: if rows held out gain more than noise by them.

    Losses are compared, each after a temperature of its own; on few rows accuracy hardly tells the two apart (docs/log.md).
    """
    targets = context.task.targets(context.train)
    lost = _losses(context, named, targets) - _losses(context, without, targets)
    noise = lost.std() / np.sqrt(len(lost))
    return bool(context.team.same(bool(lost.mean() < -noise)))


def _losses(context: Context, held: HeldOut, targets: np.ndarray) -> np.ndarray:
    """Negative log-probability of the label of each training row, in nats, while it was held out; shape (rows,)."""
    from headstart.decisions.temperature import Temperature

    found = Logits.of(held[1])
    scaled = Temperature().fit(context.task, found, context.train).apply(context.task, found).values.astype(np.float64)
    return np.logaddexp.reduce(scaled, axis=1) - scaled[np.arange(len(targets)), targets]


def _with_names(context: Context, names: bool) -> Store[Any]:
    """The training rows, with the labels' own words behind them where wanted."""
    if not names:
        return context.train
    examples = [*context.train.examples, *context.task.label_examples()]
    return Store(examples, [*context.train.lines, *[0] * (len(examples) - len(context.train))], context.train.file)


States = tuple["Part", "Part", "Part | None"]
"""Last states of training rows, validation rows (the training rows under folds) and label names."""


def _states(context: Context, model: Model, names: bool) -> States:
    from headstart.solving.logistic import Part
    from headstart.strategies.cross_validation import prepared
    from headstart.strategies.label_names import WEIGHT
    from headstart.strategies.probing import solving_rows
    from headstart.training.features import pooled_states

    backbone = model.backbone

    def last(tokens: Any) -> np.ndarray:
        return pooled_states(backbone, tokens, ("mean",), layers=(backbone.depth,), team=context.team)[:, 0, 0]

    train, validation = prepared(context, backbone.tokenizer)
    rows = solving_rows(context)
    some = train.tokens if len(rows) == len(train.targets) else train.tokens.take(rows)
    learnt = Part(last(some), train.targets[rows], train.weights[rows])
    held = learnt if train is validation else Part(last(validation.tokens), validation.targets, validation.weights)
    examples = context.task.label_examples() if names else []
    if not examples:
        return learnt, held, None
    targets = np.array([context.task.names.index(example.label) for example in examples])
    tokens = backbone.tokenizer.encode([example.text for example in examples])
    return learnt, held, Part(last(tokens), targets, np.full(len(examples), WEIGHT))


def _solved(
    context: Context, model: Model, names: bool, grid: tuple[float, ...], states: States | None = None
) -> Solved:
    from headstart.solving.logistic import solve

    train, validation, beside = states or _states(context, model, names)
    labels = len(context.task.names)
    return solve(train, validation, labels=labels, rank=context.task.unit_sort_key, grid=grid, beside=beside)
