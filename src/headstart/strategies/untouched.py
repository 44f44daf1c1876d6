"""Control: the zero-shot baseline, what the pretrained network says as it is: the cosine of two texts, or a text that it writes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import numpy as np

from headstart.data.outputs import Generated, Logits, Ranked, Replies
from headstart.strategies.base import Auto, Candidate, Context, Need, Strategy, Work
from headstart.strategies.retrieving import held_out, is_retrieval, kept, reading_work
from headstart.tasks.base import Task

SCALE_ROWS = 2000
"""Training pairs at most whose cosines say how they are spread."""


class Untouched(Strategy):
    """The zero-shot baseline: the cosine of the two texts' mean states in the last layer of the pretrained network.

    Where a sentence encoder is good already, this is what training has to beat. So that errors can be told, cosines are
    moved and scaled to the mean and spread of the numbers, which leaves their order as it is. Passages are ranked for a question by
    the cosine as it is. Where texts are written, it is what an encoder-decoder such as NLLB or T5 writes before any training.

    Needs: pairs of texts, passages, or an encoder-decoder.
    Inputs: two texts with a number that says how alike they are; questions; texts that others are written for.
    See also: `feature-extraction`, which fits a head on the same cosines of all layers; `bi-encoder`, which trains for questions.

    Example:
        headstart fit examples/pairs/train.csv --task sentence-similarity --strategy untouched
    """

    name: ClassVar[str] = "untouched"
    cost: ClassVar[int] = 1
    role: ClassVar[Literal["transfer", "control"]] = "control"
    needs: ClassVar[frozenset[Need]] = frozenset({"pairs"})
    frozen: ClassVar[bool] = True
    gives: ClassVar[frozenset[str]] = frozenset({Logits.kind, Ranked.kind, Generated.kind, Replies.kind})
    auto: ClassVar[Auto | None] = Auto()

    prefix: str | None = None
    """What stands in front of each text that is read, of tasks that write; kept with the model. By default what the backbone's
    folder says for the task (`translate English to German: ` of T5), and nothing where it says nothing."""

    def refuses(self, task: Task) -> str:
        """Refuses all tasks but those on how alike two texts are, on passages for questions and on texts to be written."""
        alike = (task.pairs and task.target_kind == "number") or is_retrieval(task)
        return (
            ""
            if alike or task.outputs_kind == Replies.kind or task.target_kind == "text"
            else "it compares the two texts of a pair, and needs nothing else"
        )

    def refuses_network(self, task: Task, config: Mapping[str, Any]) -> str:
        """Refuses networks that write no texts, where the task asks for these."""
        from headstart.strategies.instructing import is_instructed
        from headstart.strategies.writing import no_writer

        return no_writer(config) if task.target_kind == "text" and not is_instructed(config) else ""

    def work(self, context: Context) -> Work:
        """The rows once; passages too where these are ranked; of dialogues those held out alone, of others the texts written."""
        if context.task.outputs_kind == Replies.kind:
            return Work(0.0, len(context.validation) / max(len(context.train), 1))
        if context.task.target_kind == "text":
            written = context.task.decoding.beams * len(context.validation)  # type: ignore[attr-defined]
            return Work(0.0, 0.0, generating=written / max(len(context.train), 1))
        return Work(0.0, 1.0 + (reading_work(context) if is_retrieval(context.task) else 0.0))

    def fit(self, context: Context) -> Candidate:
        """Read the texts, learn nothing."""
        if is_retrieval(context.task):
            return self._ranked(context)
        if context.task.outputs_kind == Replies.kind:
            return self._replying(context)
        if context.task.target_kind == "text":
            return self._written(context)
        from headstart.heads import HEAD
        from headstart.heads.base import LinearMap
        from headstart.heads.cosine import CosineHead
        from headstart.heads.model import Model
        from headstart.predictors.twins import TwinPredictor

        backbone = context.backbone()
        backbone.pairs = False
        head = CosineHead(layers=(backbone.depth,), pooling="mean", depth=backbone.depth)
        head.set(LinearMap(np.ones((1, 1)), np.zeros(1)))
        predictor = TwinPredictor(Model(backbone, {HEAD: head}), context.task)
        rows = np.sort(np.random.default_rng([context.seed, 0xC05]).permutation(len(context.train))[:SCALE_ROWS])
        held = list(context.validation.inputs)
        context.progress.begin(self.name, len(rows) + len(held))
        cosines = predictor.outputs([context.train.get(int(row)).input for row in rows], progress=context.progress)
        spread = max(float(cosines.values.std(dtype=np.float64)), 1e-6)
        middle = float(cosines.values.mean(dtype=np.float64))
        head.set(LinearMap(np.array([[1 / spread]]), np.array([-middle / spread])))
        outputs = predictor.outputs(held, progress=context.progress)
        context.progress.end()
        return Candidate(self, context.training, predictor, outputs, "cosine of the mean states, nothing learnt", 0)

    def _replying(self, context: Context) -> Candidate:
        """A decoder as it is, by its chat template."""
        from headstart.heads.model import Model
        from headstart.predictors.trained import predictor_of

        backbone = context.backbone()
        predictor = predictor_of(Model(backbone, context.task.heads(backbone)), context.task)
        context.progress.begin(self.name, len(context.validation))
        outputs = predictor.outputs(list(context.validation.inputs), progress=context.progress)
        context.progress.end()
        return Candidate(self, context.training, predictor, outputs, "the network as it is", 0)

    def _written(self, context: Context) -> Candidate:
        """What the network writes as it is."""
        from headstart.predictors.seq2seq import Seq2SeqPredictor
        from headstart.strategies.instructing import is_instructed
        from headstart.strategies.writing import opened_writer

        assert context.located is not None
        predictor: Any = (
            self._instructed(context)
            if is_instructed(context.located.config)
            else Seq2SeqPredictor(opened_writer(context, prefix=self.prefix), context.task)
        )
        context.progress.begin(self.name, len(context.validation))
        outputs = predictor.outputs(list(context.validation.inputs), progress=context.progress)
        context.progress.end()
        return Candidate(self, context.training, predictor, outputs, "what the network writes, nothing learnt", 0)

    def _instructed(self, context: Context) -> Any:
        """A decoder as it is, by an instruction."""
        from headstart.heads import HEAD
        from headstart.heads.model import Model
        from headstart.heads.vocabulary import VocabularyHead
        from headstart.predictors.causal import CausalPredictor
        from headstart.strategies.instructing import usual_instruction

        backbone = context.backbone()
        said = usual_instruction(context.task) if self.prefix is None else self.prefix
        return CausalPredictor(
            Model(backbone, {HEAD: VocabularyHead(backbone, "causal")}), context.task, instruction=said
        )

    def _ranked(self, context: Context) -> Candidate:
        """A retriever whose vectors are those of the network as it is."""
        from headstart.predictors.dense import DensePredictor

        predictor = DensePredictor(context.backbone(), context.task, precision=context.precision)
        context.progress.begin(self.name, len(predictor.numbers) + len(context.validation))
        predictor.read(progress=context.progress)
        outputs = held_out(context, predictor)
        context.progress.end()
        said = "cosine of the mean states, nothing learnt"
        return kept(context, self, Candidate(self, context.training, predictor, outputs, said, 0))
