"""Domain adaptation: the network first learns from raw text of the domain, kept only where validation gains by it."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field, field_validator
from safetensors import SafetensorError

from headstart.backbones.location import Located, backbone_class, weights_digest
from headstart.config import Names, named
from headstart.errors import DataError
from headstart.objectives import OBJECTIVES
from headstart.objectives.base import Objective, TextObjective
from headstart.runtime.deadline import Deadline, OutOfTime
from headstart.runtime.durable import discard, refusal
from headstart.strategies import STRATEGIES
from headstart.strategies.base import Candidate, Context, Shared, Strategy, Work, refused_within
from headstart.strategies.gate import ENOUGH_ROWS, judged
from headstart.strategies.scratch import folder_of
from headstart.tasks.base import Task

if TYPE_CHECKING:
    from headstart.backbones.base import Backbone
    from headstart.data.pieces import Pieces
    from headstart.training.rawtext import TextRows
    from headstart.training.settings import Training

UPDATES, MOST_UPDATES = 500, 2000
"""By default one pass over the texts, but at least 500 updates (fewer where that is over `MOST_PASSES`), at most 2,000."""
GATE_FOLDS = 3
"""The gate judges by cross-validation where the validation part has fewer rows than `ENOUGH_ROWS`."""
MOST_PASSES = 20
LEAST_BATCHES = 8
"""Updates per pass, where texts are few."""
RATE, RATE_OF_SENTENCES = 1e-4, 3e-5
"""Learning rates of objectives on words, and of those on whole texts."""
SHARE_OF_TIME = 0.4
"""Share of what a budget leaves that is spent on raw text at most."""
MOST_TOKENS = 256
"""Longest row of raw text."""


@dataclass
class Adapted:
    """A network that has learnt from raw text."""

    objective: TextObjective
    rate: float
    """Highest learning rate."""
    located: Located
    """Its folder, which is there until the strategy is done."""
    updates: int
    before: float
    after: float
    """Loss on held-out text of the domain."""
    documents: int
    removed: int
    """Sentences of evaluation sets that were found in the text and taken out."""
    splits: tuple[float, float] | None
    """Tokens per word: of the domain, and of general English."""


class DomainAdaptation(Strategy):
    """Continued pre-training, then any other strategy (Gururangan et al. 2020).

    On a corpus of the domain (`texts`, their DAPT, section 3), on the task's own texts without labels (`own_texts`, their
    TAPT, section 4: training rows and the texts of `--target`), or on both at once. The strategy in `then` is fitted with
    and without, under equal settings and seeds; the adapted network is kept only if the loss of its probabilities on
    validation is less by more than noise and no more answers are wrong (the gate). Texts of the test parts are taken out
    of the corpus, sentence by sentence, before anything is learnt from it.

    Needs: labels; raw text, by default that of the training rows; whatever the strategy inside needs.
    Inputs: those of the task.
    See also: the verb `adapt`, which makes a network once for many runs.

    Example:
        headstart fit examples/feedback/train.csv --strategy domain-adaptation --texts examples/domain/guests.txt
    """

    name: ClassVar[str] = "domain-adaptation"
    cost: ClassVar[int] = 6
    why_no_refit: ClassVar[str] = "the network would have to be adapted again"

    texts: Names = ()
    """Raw text of the domain: files, globs, folders or `hub:ID`."""
    own_texts: bool = True
    """Learn from the training rows' texts too, and from those of the target domain where there are any; off and without
    `texts` nothing is adapted, as in resolved recipes of what the gate refused."""
    objective: Annotated[
        Objective | None, named(OBJECTIVES, "masked-lm", only=TextObjective, others="learns from labels")
    ] = None
    """`masked-lm`, `causal-lm` or `simcse`; by default `masked-lm` for networks with a head over words, `causal-lm` for
    decoders, and `simcse` for those without, such as sentence encoders."""
    then: Annotated[Strategy, named(STRATEGIES, "fine-tuning")] = Field(default="fine-tuning", validate_default=True)
    """Strategy that is fitted inside, by name; on the labels, its own options as in `--set strategy.then.layers=2`."""
    gate: bool = True
    """Keep the adapted network only if validation gains; `--no-gate` keeps it in any case and fits once."""
    gate_seeds: int = Field(default=1, ge=1, le=20)
    """Fits with and without that the gate compares, each pair with a seed of its own, in [1, 20]."""
    gate_folds: int | None = Field(default=None, ge=0, le=20)
    """Folds of cross-validation on the training rows that the gate judges by, in [2, 20]; 0 judges on the validation part. By
    default 3 where that has fewer than 500 rows, too few to tell a gain from luck; under cross-validation its own folds."""
    text_updates: int | None = Field(default=None, ge=1, le=1_000_000)
    """Steps of the optimiser on raw text, at least 1; by default one pass, at least 500 and at most 2,000."""
    text_learning_rate: float | None = Field(default=None, gt=0, le=1)
    """Highest learning rate on raw text, in (0, 1]; by default 1e-4, for `simcse` 3e-5."""
    text_batch: int = Field(default=4096, ge=8, le=1_000_000)
    """Tokens per update on raw text, at least 8; fewer where that would be over an eighth of the text."""
    text_l2_sp: float = Field(default=0.0, ge=0, le=1000)
    """Pull towards the weights before, against forgetting, at least 0 (L2-SP: Li et al. 2018)."""

    @field_validator("gate_folds")
    @classmethod
    def _not_one(cls, value: int | None) -> int | None:
        if value == 1:
            raise ValueError("one fold leaves no rows to learn from; give at least 2, or 0 for the validation part")
        return value

    @field_validator("then")
    @classmethod
    def _once(cls, value: Strategy) -> Strategy:
        if value.name == cls.name or not value.needs_backbone:
            raise ValueError(f"{value.name} gains nothing from an adapted network; name one that transfers")
        return value

    @property
    def trains(self) -> bool:
        """As the strategy inside does."""
        return self.then.trains

    @property
    def learns_soft_labels(self) -> bool:
        """Where the strategy inside does."""
        return self.then.learns_soft_labels

    @property
    def reads_target(self) -> bool:
        """Texts of the target domain are among its own texts."""
        return self.own_texts

    @property
    def files(self) -> tuple[str, ...]:
        """The raw text."""
        return self.texts

    def unused(self, training: Training) -> dict[str, str]:
        """Those of the strategy inside, and of the gate where there is none."""
        found = {key: why for key, why in self.then.unused(training).items() if key.startswith("training.")}
        return found | ({} if self.gate else dict.fromkeys(("gate_folds", "gate_seeds"), "there is no gate"))

    def refuses(self, task: Task) -> str:
        """Refuses what the strategy inside refuses."""
        return refused_within(self.then, task)

    def work(self, context: Context) -> Work:
        """Twice that of the strategy inside under the gate, and the passes over raw text."""
        inner = self.then.work(context)
        folds = 0 if not self.gate or context.folds is not None else self._folds(context)
        fits = 2 * self.gate_seeds * (folds or 1) + (folds > 0) if self.gate else 1
        texts = (self.text_updates or UPDATES) * self.text_batch / max(30.0 * len(context.train), 1.0)
        return Work(inner.training * fits + texts, inner.reading * fits, inner.seconds * fits, inner.heads * fits)

    def fit(self, context: Context) -> Candidate:
        """Adapt; fit with and without; keep what the gate lets through."""
        if not self.texts and not self.own_texts:  # what a resolved recipe says where the gate refused
            found = self.then.fit(context)
            return _of(found, self.revised(then=found.strategy), "not adapted", ["no raw text to learn from is named"])
        with ExitStack() as held:
            return self._fitted(context, self._adapted(context, folder_of(context, "network", held)))

    def _fitted(self, context: Context, adapted: Adapted) -> Candidate:
        """The strategy inside on the adapted network, or on the one before it where the gate refuses."""
        after = replace(context, located=adapted.located, shared=Shared())
        plain = self.revised(
            gate=False,
            gate_folds=self.gate_folds or 0,
            objective=adapted.objective,
            text_updates=adapted.updates,
            text_learning_rate=adapted.rate,
        )
        notes = [_adaptation_note(adapted)]
        if not self.gate:
            found = self.then.fit(after)
            return _of(found, plain.revised(then=found.strategy), "adapted", [*notes, "no gate"])
        rows, crossed = self._judged_on(context)
        with_, without = self._fits(replace(rows, located=adapted.located, shared=Shared())), self._fits(rows)
        kept, said = judged(rows, with_, without, "adaptation")
        found = with_[0] if kept else without[0]
        if crossed:
            found = self.then.fit(after if kept else context)
        strategy = plain.revised(then=found.strategy, **({} if kept else {"texts": (), "own_texts": False}))
        return _of(found, strategy, "adapted" if kept else "adaptation refused", [*notes, said])

    def _folds(self, context: Context) -> int:
        """Folds that the gate judges by; 0 for the validation part."""
        labels = list(context.task.strata(context.train))
        least = min((labels.count(label) for label in set(labels)), default=0)
        wanted = self.gate_folds
        if wanted is None:
            wanted = GATE_FOLDS if len(context.validation) < ENOUGH_ROWS else 0
        folds = min(wanted, least)
        return folds if folds >= 2 else 0

    def _judged_on(self, context: Context) -> tuple[Context, bool]:
        """The run that the gate judges by, and whether it is one of its own: cross-validation where validation is small."""
        from headstart.data.splits import fingerprints, folds

        count = 0 if context.folds is not None else self._folds(context)
        if not count:
            return context, False
        groups = fingerprints(context.train.keys)
        drawn = folds(list(context.task.strata(context.train)), groups, parts=count, seed=context.seed)
        return replace(context, validation=context.train, folds=drawn[None], shared=Shared()), True

    def _fits(self, context: Context) -> list[Candidate]:
        """The strategy inside, once per seed."""
        found = [self.then.fit(context)]
        for more in range(1, self.gate_seeds):
            found.append(self.then.fit(replace(context, seed=context.seed + more)))
        return found

    def _adapted(self, context: Context, place: Path) -> Adapted:
        """The network after learning from raw text, in a folder.

        Args:
            context: of the run.
            place: where the folder is to be.

        Raises:
            DataError: there is no text, or not enough for one update.
            ModelError: the network cannot learn by this objective.
            OutOfTime: the budget leaves no time for it.
            StorageError: the disk refuses.
        """
        import torch

        from headstart.heads.model import Model
        from headstart.training.head_warmup import prime
        from headstart.training.language import Learner
        from headstart.training.settings import TextTraining

        torch.manual_seed(context.seed)
        backbone = context.backbone()
        objective: Any = self.objective or _usual(backbone)
        backbone_class(backbone.located.config, objective.needs)
        model = Model(backbone, objective.heads(backbone), context.team)
        with ExitStack() as held:
            rows = self._rows(context, backbone, objective, folder_of(context, "tokens", held))
            # A small file still comes to several updates a pass.
            tokens = min(self.text_batch, max(rows.learnt.tokens // LEAST_BATCHES, 64))
            settings = TextTraining(
                batch_tokens=tokens, rounds=5, l2_sp=self.text_l2_sp,
                checkpoint_every=context.training.checkpoint_every,
            )  # fmt: skip
            rate = self.text_learning_rate or (RATE if objective.direction else RATE_OF_SENTENCES)
            learner = Learner(
                model, objective, rows.learnt, rows.held, settings, rate, context.seed, backbone.tokenizer, context.progress,
                topic="adaptation",
            )  # fmt: skip
            updates, deadline = self._planned(context, learner)
            prime(learner, updates, context.stages)
            learned = learner.learn(updates, deadline=deadline, stages=context.stages)
        losses = [row["loss"] for row in learned.curve]
        facts = rows.facts
        return Adapted(
            objective, rate, _written(backbone, place), learned.updates, losses[0], losses[learned.history.best],
            facts["documents"], facts["removed"], facts["splits"],
        )  # fmt: skip

    def _planned(self, context: Context, learner: Any) -> tuple[int, Deadline | None]:
        import time

        once = learner.updates_of(1)
        updates = self.text_updates or min(max(once, min(UPDATES, once * MOST_PASSES)), MOST_UPDATES)
        if context.deadline is None:
            return updates, None
        deadline = Deadline(time.perf_counter() + SHARE_OF_TIME * context.deadline.left)
        if self.text_updates is None:
            speed, evaluating = learner.measure()
            evaluating = learner.measure_less(deadline, evaluating)
            updates = min(updates, learner.updates_in(deadline, speed, evaluating))
        if updates < 1:
            raise OutOfTime
        return updates, deadline

    def _rows(self, context: Context, backbone: Backbone, objective: TextObjective, folder: Path) -> TextRows:
        """Rows to learn from, rows to measure on, and what was found in the text."""
        from headstart.corpora.forecast import english_splits, forecast
        from headstart.corpora.source import TextSource
        from headstart.data.pieces import joined
        from headstart.training.rawtext import TextReader, parted_rows

        tokenizer = backbone.tokenizer
        reader = TextReader(tokenizer, objective, MOST_TOKENS, context.seed, context.team, context.progress)
        parts: list[Pieces] = []
        facts: dict[str, Any] = {"documents": 0, "removed": 0, "splits": None}
        if self.texts:
            held = [] if context.folds is not None else [context.validation.texts]
            corpus = reader.corpus(TextSource(texts=self.texts), folder, [*context.unseen, *held])
            parts.append(reader.whole(corpus))
            facts["documents"] += corpus.facts["documents"]
            facts["removed"] += corpus.facts["sentences_removed"]
            own = corpus.facts["tokens"] / max(corpus.facts["words"], 1)
            facts["splits"] = own, english_splits(tokenizer.plain)
            context.progress.say("forecast", forecast(*facts["splits"]))
        if self.own_texts:
            texts = list(context.train.texts) + ([] if context.target is None else list(context.target.texts))
            parts.append(tokenizer.pieces(texts, direction=objective.direction, seed=context.seed))
            facts["documents"] += len(texts)
        whole = joined(parts[0], parts[1]) if len(parts) > 1 else parts[0]
        rows = parted_rows(whole, context.seed)
        if not len(rows.learnt):
            raise DataError(f"the texts come to {whole.tokens:,} tokens, too few to learn from; give more with --texts")
        rows.facts = facts
        return rows


def _usual(backbone: Backbone) -> Any:
    """The objective that a network comes from, as far as its head tells."""
    from headstart.backbones.encoder import DECODERS
    from headstart.heads.vocabulary import VocabularyHead

    if backbone.located.config["model_type"] in DECODERS:
        return OBJECTIVES.get("causal-lm")()
    fresh = VocabularyHead(backbone, "masked").fresh
    return OBJECTIVES.get("simcse" if fresh else "masked-lm")()


def _adaptation_note(adapted: Adapted) -> str:
    loss = f"loss on held-out text {adapted.before:.3f} -> {adapted.after:.3f}"
    said = f"{adapted.objective.name}, {adapted.updates:,} updates on {adapted.documents:,} documents: {loss}"
    if adapted.removed:
        said += f", {adapted.removed:,} sentences of evaluation sets taken out"
    if adapted.splits is not None:
        said += f", {adapted.splits[0]:.2f} tokens per word (general English {adapted.splits[1]:.2f})"
    return said


def _of(found: Candidate, strategy: Strategy, how: str, notes: list[str]) -> Candidate:
    return replace(found, strategy=strategy, description=f"{how}; {found.description}", notes=[*notes, *found.notes])


def _written(backbone: Backbone, folder: Path) -> Located:
    """The network as it is now, in a folder from which it is opened like any other; its configuration stays what it was."""
    located = backbone.located
    try:
        discard(folder)
        folder.mkdir(parents=True)
        backbone.save(folder)
    except (OSError, SafetensorError) as error:
        raise refusal(folder, error) from None
    source = located.source.revised(location=str(folder), revision=None, digest=weights_digest(folder))
    return replace(located, folder=folder, source=source)
