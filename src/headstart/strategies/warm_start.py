"""Warm start: a pretrained encoder reads, a fresh decoder beside it learns to write."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field

from headstart.data.outputs import Generated
from headstart.strategies.base import Auto, Candidate, Context, Strategy, Work
from headstart.strategies.writing import WRITES_NOTHING
from headstart.tasks.base import Task

if TYPE_CHECKING:
    from headstart.backbones.seq2seq import Seq2Seq
    from headstart.strategies.writing import WritingRun

EPOCHS, LEARNING_RATE = 8, 1e-3


class WarmStart(Strategy):
    """An encoder-decoder whose encoder is the pretrained one and whose decoder is new (Rothe et al. 2020, section 3, BERT2RND).

    What is written has a vocabulary of its own, learnt from the training texts. The encoder moves at `encoder_rate` of the rate of
    what is new. After every epoch some validation texts are written, and the weights whose texts score best are kept. The folder is
    one of BART, which transformers and CTranslate2 load.

    Needs: texts beside what is written for them; a backbone of the architecture BERT.
    Inputs: texts.
    See also: `from-scratch`, the same network with random weights; `lexicon` and `nearest-sentence`, which need none.

    Example:
        headstart fit examples/phrases/train.csv --task text-to-text --strategy warm-start --epochs 2 --folds 0
    """

    name: ClassVar[str] = "warm-start"
    cost: ClassVar[int] = 4
    shortens: ClassVar[bool] = True
    gives: ClassVar[frozenset[str]] = frozenset({Generated.kind})
    auto: ClassVar[Auto | None] = Auto(verbs=frozenset({"fit", "compare"}))

    decoder_layers: int = Field(default=3, ge=1, le=100)
    """Layers of the decoder, in [1, 100], each as wide as those of the encoder."""
    target_vocabulary: int = Field(default=8000, ge=300, le=250_000)
    """Words of what is written at most, in [300, 250,000]; few training texts give fewer."""
    encoder_rate: float = Field(default=0.1, ge=0, le=1)
    """Share of the learning rate that the encoder gets, in [0, 1]; 0 leaves it as it is."""
    label_smoothing: float = Field(default=0.1, ge=0, lt=1)
    """Share of the probability that is wanted of all words alike (Szegedy et al. 2016, section 7), in [0, 1)."""
    word_dropout: float = Field(default=0.0, ge=0, lt=1)
    """Share of the words of a text that are hidden while what is written for it is learnt, in [0, 1)."""
    hidden_dropout: Literal["own"] | Annotated[float, Field(ge=0, lt=1)] = "own"
    """Share of the states dropped within the network in training, in [0, 1), or `own`: what its configuration says."""

    def refuses(self, task: Task) -> str:
        """Refuses tasks that write nothing."""
        return "" if task.target_kind == "text" else WRITES_NOTHING

    def refuses_network(self, task: Task, config: Mapping[str, Any]) -> str:
        """Refuses networks that write as they are, and encoders of another architecture."""
        from headstart.backbones.warm_start import ENCODERS
        from headstart.strategies.writing import no_writer

        kind = config["model_type"]
        if not no_writer(config):
            return f"networks of the architecture {kind} write as they are; fine-tuning trains them"
        if kind in ENCODERS:
            return ""
        return f"a decoder can be put beside encoders of the architecture {' or '.join(ENCODERS)}, and this is one of {kind}"

    def work(self, context: Context) -> Work:
        """The epochs, and the texts that are written after each and at the end."""
        from headstart.strategies.writing import writing_work

        return writing_work(context, self._epochs(context), beams=context.task.decoding.beams)  # type: ignore[attr-defined]

    def _epochs(self, context: Context) -> int:
        return context.training.epochs or EPOCHS

    def fit(self, context: Context) -> Candidate:
        """Build the network, train it, write the validation texts."""
        return self.fitted(context, pretrained=True)

    def fitted(self, context: Context, *, pretrained: bool) -> Candidate:
        """As `fit`, with the weights of the encoder or, for the control, with random ones.

        Args:
            context: of the run.
            pretrained: whether the encoder's weights are taken.
        """
        from headstart.strategies.writing import writing_candidate

        epochs, rate = self._epochs(context), context.training.learning_rate or LEARNING_RATE

        def described(run: WritingRun) -> str:
            weights = "" if pretrained else "random weights, "
            layers = f"{weights}{self.decoder_layers} decoder layer{'s' * (self.decoder_layers > 1)}"
            words: Any = run.predictor.backbone.written
            return f"{layers}, {words[1] - words[0]:,} words"

        def trained(part: Context) -> WritingRun:
            return self._trained(part, epochs, rate, pretrained)

        return writing_candidate(context, self, trained, epochs=epochs, rate=rate, described=described)

    def _trained(self, context: Context, epochs: int, rate: float, pretrained: bool) -> WritingRun:
        from headstart.objectives.seq2seq import Seq2SeqLoss
        from headstart.strategies.writing import trained_writer
        from headstart.training.stage import LayerGroup

        backbone = self._network(context, pretrained=pretrained)
        backbone.part_words()
        encoder, decoder = (getattr(backbone.network, f"get_{side}")() for side in ("encoder", "decoder"))
        groups = [LayerGroup([encoder], self.encoder_rate if pretrained else 1.0), LayerGroup([decoder], 1.0)]
        loss = Seq2SeqLoss(smoothing=self.label_smoothing, word_dropout=self.word_dropout)
        try:
            return trained_writer(context, backbone, groups, loss, epochs=epochs, rate=rate)
        finally:
            backbone.join_words()

    def _network(self, context: Context, *, pretrained: bool) -> Seq2Seq:
        """The encoder-decoder; a function of the seed and of the training texts."""
        from headstart.backbones.base import open_backbone
        from headstart.backbones.location import GENERATE
        from headstart.backbones.warm_start import learn_vocabulary, warm_started

        assert context.located is not None
        read = context.backbone()
        first = int(read.network.get_input_embeddings().weight.shape[0])  # type: ignore[operator, union-attr]
        texts = [label[0] for label in context.train.labels]
        words = learn_vocabulary(texts, size=self.target_vocabulary, first=first)
        with tempfile.TemporaryDirectory(prefix="headstart-") as place:
            share = None if self.hidden_dropout == "own" else self.hidden_dropout
            options: dict[str, Any] = {"layers": self.decoder_layers, "dropout": share, "seed": context.seed}
            found = warm_started(context.located, words, Path(place), pretrained=pretrained, **options)
            backbone: Any = open_backbone(found, needs=frozenset({GENERATE}))
        backbone.to(context.device)
        backbone.tokenizer.cache = context.cache
        return backbone
