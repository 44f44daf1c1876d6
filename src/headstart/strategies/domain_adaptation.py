"""Domain adaptation: the network first learns from raw text of the domain, kept only where validation gains by it."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field

from headstart.backbones.location import Located, backbone_class
from headstart.config import Names, named
from headstart.errors import DataError, HeadstartError
from headstart.objectives import OBJECTIVES
from headstart.objectives.base import Objective, TextObjective
from headstart.runtime.deadline import Deadline, OutOfTime
from headstart.runtime.progress import SILENT
from headstart.strategies.base import Candidate, Context, Strategy, Work
from headstart.strategies.gated import Gated
from headstart.strategies.scratch import folder_of, written

if TYPE_CHECKING:
    from headstart.backbones.base import Backbone
    from headstart.data.pieces import Pieces
    from headstart.training.rawtext import TextRows

UPDATES, MOST_UPDATES = 500, 2000
"""By default one pass over the texts, but at least 500 updates (fewer where that is over `MOST_PASSES`), at most 2,000."""
MOST_PASSES = 20
LEAST_BATCHES = 8
"""Updates per pass, where texts are few."""
RATE, RATE_OF_SENTENCES = 1e-4, 3e-5
"""Learning rates of objectives on words, and of those on whole texts."""
LETTERS = 4.5
"""Characters of a token, about."""
VIEWS = 2.0
"""How often objectives on whole texts pass each one, about."""
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


class DomainAdaptation(Gated):
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
    moved: ClassVar[str] = "an adapted network"
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
    text_updates: int | None = Field(default=None, ge=1, le=1_000_000)
    """Steps of the optimiser on raw text, at least 1; by default one pass, at least 500 and at most 2,000."""
    text_learning_rate: float | None = Field(default=None, gt=0, le=1)
    """Highest learning rate on raw text, in (0, 1]; by default 1e-4, for `simcse` 3e-5."""
    text_batch: int = Field(default=4096, ge=8, le=1_000_000)
    """Tokens per update on raw text, at least 8; fewer where that would be over an eighth of the text."""
    text_l2_sp: float = Field(default=0.0, ge=0, le=1000)
    """Pull towards the weights before, against forgetting, at least 0 (L2-SP: Li et al. 2018)."""

    @property
    def reads_target(self) -> bool:
        """Texts of the target domain are among its own texts."""
        return self.own_texts

    @property
    def files(self) -> tuple[str, ...]:
        """The raw text."""
        return self.texts

    def work(self, context: Context) -> Work:
        """Twice that of the strategy inside under the gate, and the passes over raw text."""
        own = sum(map(len, context.train.texts))
        batch, once = self._batches((self._letters() + own * self.own_texts) / LETTERS)
        views = 1.0 if getattr(self.objective, "direction", "") else VIEWS
        return self.gated_work(context, views * self._updates(once) * batch * LETTERS / max(own, 1))

    def _letters(self) -> float:
        """About how many characters the files of texts have, as many as `MOST_UPDATES` takes where nobody can tell."""
        from headstart.corpora.listing import listed

        try:
            places = listed(self.texts, SILENT)
        except HeadstartError:
            places = []
        if any(place.kind == "hub" for place in places):
            return float(MOST_UPDATES * self.text_batch * LETTERS)
        return float(sum(Path(place.name).stat().st_size for place in places))

    def _batches(self, tokens: float) -> tuple[int, int]:
        """Tokens of a batch, so that a small file still comes to several updates a pass, and updates of a pass."""
        batch = min(self.text_batch, max(int(tokens) // LEAST_BATCHES, 64))
        return batch, max(1, round(tokens / batch))

    def _updates(self, once: int) -> int:
        """Updates of all passes, with so many for one."""
        return self.text_updates or min(max(once, min(UPDATES, once * MOST_PASSES)), MOST_UPDATES)

    def fit(self, context: Context) -> Candidate:
        """Adapt; fit with and without; keep what the gate lets through."""
        if not self.texts and not self.own_texts:  # what a resolved recipe says where the gate refused
            found = self.then.fit(context)
            return _of(found, self.revised(then=found.strategy), "not adapted", ["no raw text to learn from is named"])
        with ExitStack() as held:
            return self._fitted(context, self._adapted(context, folder_of(context, "network", held)))

    def _fitted(self, context: Context, adapted: Adapted) -> Candidate:
        """The strategy inside on the adapted network, or on the one before it where the gate refuses."""
        passed = self.through_gate(context, adapted.located, "adaptation", "without adaptation")
        strategy = self.revised(
            gate=False,
            gate_folds=self.gate_folds or 0,
            objective=adapted.objective,
            text_updates=adapted.updates,
            text_learning_rate=adapted.rate,
            then=passed.candidate.strategy,
            **({} if passed.kept else {"texts": (), "own_texts": False}),
        )
        how = "adapted" if passed.kept else "adaptation refused"
        found = _of(passed.candidate, strategy, how, [_adaptation_note(adapted), passed.said])
        return replace(found, added=passed.added)

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
            tokens, _ = self._batches(rows.learnt.tokens)
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
            objective, rate, written(backbone, place), learned.updates, losses[0], losses[learned.history.best],
            facts["documents"], facts["removed"], facts["splits"],
        )  # fmt: skip

    def _planned(self, context: Context, learner: Any) -> tuple[int, Deadline | None]:
        import time

        updates = self._updates(learner.updates_of(1))
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
            parts.append(tokenizer.framing.pieces(texts, direction=objective.direction, seed=context.seed))
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
