"""Back-translation: a model of the other direction makes pairs of texts that stand alone, and these are learnt from too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any, ClassVar

from pydantic import Field

from headstart.config import named
from headstart.data.examples import Example
from headstart.data.outputs import Generated
from headstart.data.store import Store
from headstart.errors import UnavailableError
from headstart.strategies import STRATEGIES
from headstart.strategies.base import Candidate, Context, Need, Shared, Strategy, Work, refused_within
from headstart.tasks.base import Task

TO_THE_END = 1000
"""Epoch after which training ends where nothing is chosen: all that the strategy inside has."""


class BackTranslation(Strategy):
    """Learn the other direction, let it write an input for each text that stands alone, learn from both (Sennrich et al. 2016).

    The texts are of the side that is written: German ones where English is read. What was made up is told apart by a tag in front
    of it (Caswell et al. 2019, section 3), is never validated on, and is not made of texts that stand in a labelled part. Under
    cross-validation each fold has a model of the other direction of its own.

    Inputs are the likeliest ones, or drawn by chance, which Edunov et al. (2018, section 5) found better in all but resource-poor
    settings.

    Needs: pairs of texts; texts of the side that is written (`--target`); whatever the strategy inside needs.
    Inputs: texts.
    See also: `warm-start`, the strategy inside, which learns from pairs alone; `self-training`, which labels texts that are read.

    Example:
        headstart fit examples/phrases/train.csv --target examples/phrases/alone.txt --task translation --strategy back-translation
    """

    name: ClassVar[str] = "back-translation"
    cost: ClassVar[int] = 8
    needs: ClassVar[frozenset[Need]] = frozenset({"labels", "texts"})
    gives: ClassVar[frozenset[str]] = frozenset({Generated.kind})
    why_no_refit: ClassVar[str] = "its pairs were made by a model that has not learnt from validation rows"

    then: Annotated[Strategy, named(STRATEGIES, "warm-start")] = Field(default="warm-start", validate_default=True)
    """Strategy that is fitted inside, by name; in both directions, its own options as in `--set strategy.then.decoder_layers=2`."""
    back_epochs: int | None = Field(default=None, ge=1, le=1000)
    """Passes over the pairs of the model of the other direction, in [1, 1000]; those of the strategy inside if not given."""
    back_temperature: float = Field(default=0.0, ge=0, le=10)
    """Over 0 the inputs that are made up are drawn by chance, by probabilities to the power of 1 / temperature (Edunov et al. 2018,
    section 3); 0 takes the likeliest word every time, or is 1 where `back_top_k` is given; in [0, 10]."""
    back_top_k: int = Field(default=0, ge=0, le=1_000_000)
    """Over 0 they are drawn among so many of the likeliest words, in [0, 1,000,000]; 0 draws among all, where it draws."""
    tag: str = "<BT>"
    """What stands in front of an input that was made up, so that it can be told from a real one; nothing where it is empty."""

    @property
    def trains(self) -> bool:
        """As the strategy inside does."""
        return self.then.trains

    def refuses(self, task: Task) -> str:
        """Refuses tasks that write nothing, and what the strategy inside refuses."""
        from headstart.strategies.writing import WRITES_NOTHING

        if task.target_kind != "text":
            return WRITES_NOTHING
        if not self.then.trains or "texts" in self.then.needs:
            return f"{self.then.name}, which it fits, learns no direction from pairs alone"
        return refused_within(self.then, task)

    def refuses_network(self, task: Task, config: Mapping[str, Any]) -> str:
        """Refuses what the strategy inside refuses."""
        why = self.then.refuses_network(task, config)
        return f"{self.then.name}, which it fits, cannot: {why}" if why else ""

    def work(self, context: Context) -> Work:
        """The work of the strategy inside for each direction, on more rows the second time, and an input for each text."""
        inner = self.then.work(context)
        back = self.then.work(self._reversed(context))
        more = 0.0 if context.target is None else len(context.target) / max(len(context.train), 1)
        folds = 1.0 if context.folds is None else float(context.folds[0].max() + 2)
        return Work(
            inner.training * (1 + more) + back.training, inner.reading + back.reading, inner.seconds + back.seconds,
            generating=inner.generating + back.generating + folds * more,
        )  # fmt: skip

    def sketched_writer(self, context: Context) -> Any:
        """That of the strategy inside."""
        return self.then.sketched_writer(context)

    def fit(self, context: Context) -> Candidate:
        """Fit one direction, make pairs, fit the other one with them; under folds once for each and once more."""
        from headstart.strategies.cross_validation import by_fold
        from headstart.strategies.unlabelled import target_texts, texts_note

        if self.then.missing():
            raise UnavailableError(self.then.missing())
        texts = target_texts(context, self.name)
        if context.folds is None:
            found, made = self._both(context, texts)
            outputs, epoch = found.validation, found.epoch
        else:
            outputs, epoch = context.task.blank(context.train), None
            for held, part in by_fold(context):
                outputs.put(held, self._both(part, texts)[0].validation)
            few = context.train.take([0])
            alone = replace(context, folds=None, validation=few, last_epoch=TO_THE_END, shared=Shared())
            found, made = self._both(alone, texts)
        return replace(
            found,
            strategy=self.revised(then=found.strategy),
            validation=outputs,
            description=f"{self.then.name}, {made:,} pairs more: {found.description}",
            notes=[*found.notes, *texts_note(context)],
            epoch=epoch,
        )

    def _both(self, context: Context, texts: Store[Any]) -> tuple[Candidate, int]:
        """What the strategy inside comes to with pairs made of texts, and how many these are."""
        pairs = self._made(context, texts)
        train = Store([*context.train.examples, *pairs], [*context.train.lines, *[0] * len(pairs)], context.train.file)
        return self.then.fit(replace(context, train=train, shared=Shared(within=context.shared.within))), len(pairs)

    def _made(self, context: Context, texts: Store[Any]) -> list[Example]:
        """Pairs of an input that is made up and a text, tagged; texts for which nothing is written are left out."""
        there = self._reversed(context)
        inner = self.then
        if getattr(inner, "prefix", None) is not None:  # it says what is read the other way round
            inner = inner.revised(prefix=None)
        predictor: Any = inner.fit(there).predictor
        context.progress.begin(f"{self.name}, writing", len(texts))
        temperature = self.back_temperature or float(self.back_top_k > 0)
        drawn = {"sampling_temperature": temperature, "top_k": self.back_top_k, "top_p": 1.0}
        how = there.task.revised(beams=1, best=1, **drawn, sampling_seed=context.seed).decoding  # type: ignore[attr-defined]
        written = predictor.written([str(each) for each in texts.inputs], how, progress=context.progress)
        context.progress.end()
        tag = f"{self.tag} " if self.tag else ""
        return [
            Example(f"{tag}{ranks[0]}", (text,))
            for text, ranks in zip(texts.texts, written.texts, strict=True)
            if ranks[0].strip()
        ]

    def _reversed(self, context: Context) -> Context:
        """The run the other way round, by itself: what was written is read."""
        task: Any = context.task
        if hasattr(task, "source_language"):
            task = task.revised(source_language=task.target_language, target_language=task.source_language)
        training = context.training
        if self.back_epochs is not None:
            training = training.revised(epochs=self.back_epochs, stop_after=None)
        return replace(
            context, task=task, train=swapped(context.train), validation=swapped(context.validation), training=training,
            target=None, shared=Shared(within=context.shared.within),
        )  # fmt: skip


def swapped(rows: Store[Any]) -> Store[Example]:
    """Rows whose text is what was written, for the text that was read."""
    pairs: Sequence[Example] = [Example(each.label[0], (each.text,), each.weight) for each in rows.examples]
    return Store(pairs, rows.lines, rows.file)
