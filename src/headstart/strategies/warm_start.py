"""Warm start: a pretrained encoder reads, a decoder beside it learns to write."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from headstart.config import InputPath
from headstart.data.outputs import Generated
from headstart.runtime.progress import SILENT
from headstart.strategies.base import Auto, Candidate, Context, Strategy, Work
from headstart.strategies.writing import WRITES_NOTHING
from headstart.tasks.base import Task
from headstart.tuning.space import Dimension, Range

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from torch import nn

    from headstart.backbones.location import Located
    from headstart.backbones.seq2seq import Seq2Seq
    from headstart.strategies.writing import WritingRun

EPOCHS, LEARNING_RATE = 8, 1e-3
SKETCHED = 10_000
"""Training texts that the vocabulary is learnt from where it is only to be seen how long writing takes."""
NEW = "new"
"""The decoder with random weights."""
TRIED, LOST = 200, 0.05
"""Texts to be written that a decoder's tokenizer is tried on, and the share of them that may come back changed unsaid."""


class WarmStart(Strategy):
    """An encoder-decoder whose encoder is the pretrained one and whose decoder is new (Rothe et al. 2020, section 3, BERT2RND).

    What is written has a vocabulary of its own, learnt from the training texts. The encoder moves at `encoder_rate` of the rate of
    what is new. After every epoch some validation texts are written, and the weights whose texts score best are kept. With an
    encoder of the architecture BERT the folder is one of BART, which transformers and CTranslate2 load; other encoders, and
    decoders that are pretrained too (`decoder`, as BERT2BERT and BERT2GPT there), make an `EncoderDecoderModel` of transformers.

    Needs: texts beside what is written for them; a backbone that is an encoder.
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
    searched: ClassVar[Mapping[str, Dimension]] = {
        "strategy.encoder_rate": Range(0.02, 0.5, log=True),
        "training.learning_rate": Range(3e-4, 3e-3, log=True),
    }

    decoder: InputPath = Field(default=NEW, examples=["mini"])
    """Which network writes: `new`, one with random weights, or a pretrained one that can have cross-attention (GPT-2, BERT and
    their kin): a known name, a folder or a hub id. That one writes with its own vocabulary."""
    decoder_layers: int = Field(default=3, ge=1, le=100)
    """Layers of a new decoder, in [1, 100], each as wide as those of the encoder."""
    target_vocabulary: int = Field(default=8000, ge=300, le=250_000)
    """Words that a new decoder writes at most, in [300, 250,000]; few training texts give fewer."""
    encoder_rate: float = Field(default=0.1, ge=0, le=1)
    """Share of the learning rate that pretrained weights get, in [0, 1]; 0 leaves them as they are."""
    label_smoothing: float = Field(default=0.1, ge=0, lt=1)
    """Share of the probability that is wanted of all words alike (Szegedy et al. 2016, section 7), in [0, 1)."""
    word_dropout: float = Field(default=0.0, ge=0, lt=1)
    """Share of the words of a text that are hidden while what is written for it is learnt, in [0, 1)."""
    hidden_dropout: Literal["own"] | Annotated[float, Field(ge=0, lt=1)] = "own"
    """Share of the states dropped within the network in training, in [0, 1), or `own`: what its configuration says."""

    def refuses(self, task: Task) -> str:
        """Refuses tasks that write nothing, and options of a new decoder where another one writes."""
        if task.target_kind != "text":
            return WRITES_NOTHING
        from headstart.strategies.writer_tuning import unwritten

        return (
            "" if self.decoder == NEW else unwritten(self, ("decoder_layers", "target_vocabulary"), "for a new decoder")
        )

    def refuses_network(self, task: Task, config: Mapping[str, Any]) -> str:
        """Refuses networks that write as they are, and those that are no encoders."""
        from headstart.backbones.pairs import no_reader
        from headstart.strategies.writing import no_writer

        if not no_writer(config):
            return f"networks of the architecture {config['model_type']} write as they are; fine-tuning trains them"
        return no_reader(config)

    def work(self, context: Context) -> Work:
        """The epochs, and the texts that are written after each and at the end."""
        from headstart.strategies.writing import writing_work

        return writing_work(context, self._epochs(context), beams=context.task.decoding.beams)  # type: ignore[attr-defined]

    def sketched_writer(self, context: Context) -> Seq2Seq:
        """The network before it is trained, with the vocabulary of some of the training texts."""
        import torch

        rows = context.train.take(np.arange(min(len(context.train), SKETCHED)))
        with torch.random.fork_rng(devices=[]):
            return self._network(replace(context, train=rows, progress=SILENT), pretrained=True)[0]

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
            layers = f"{self.decoder_layers} decoder layer{'s' * (self.decoder_layers > 1)}"
            words: Any = run.predictor.backbone.written
            return f"{weights}{layers if self.decoder == NEW else self.decoder}, {words[1] - words[0]:,} words"

        def trained(part: Context) -> WritingRun:
            return self._trained(part, epochs, rate, pretrained)

        return writing_candidate(context, self, trained, epochs=epochs, rate=rate, described=described)

    def _trained(self, context: Context, epochs: int, rate: float, pretrained: bool) -> WritingRun:
        from headstart.objectives.seq2seq import Seq2SeqLoss
        from headstart.strategies.writing import trained_writer
        from headstart.training.stage import LayerGroup

        backbone, fresh = self._network(context, pretrained=pretrained)
        backbone.part_words()
        known = [backbone.reader, backbone.writer]
        groups = [LayerGroup(fresh, 1.0), LayerGroup(known, self.encoder_rate if pretrained else 1.0)]
        loss = Seq2SeqLoss(smoothing=self.label_smoothing, word_dropout=self.word_dropout)
        try:
            return trained_writer(context, backbone, groups, loss, epochs=epochs, rate=rate)
        finally:
            backbone.join_words()

    def _network(self, context: Context, *, pretrained: bool) -> tuple[Seq2Seq, list[nn.Module]]:
        """The encoder-decoder, a function of the seed and of the training texts, and those of its modules that are new."""
        from headstart.backbones.base import open_backbone
        from headstart.backbones.location import GENERATE
        from headstart.backbones.warm_start import ENCODERS, warm_started
        from headstart.strategies.cross_validation import in_fold

        assert context.located is not None
        located, native = context.located, context.located.config["model_type"] in ENCODERS and self.decoder == NEW
        share = None if self.hidden_dropout == "own" else self.hidden_dropout
        with tempfile.TemporaryDirectory(prefix="headstart-") as place:
            if native:
                first = int(context.backbone().network.get_input_embeddings().weight.shape[0])  # type: ignore[operator, union-attr]
                options: dict[str, Any] = {"layers": self.decoder_layers, "dropout": share, "seed": context.seed}
                words = self._vocabulary(context, first)
                found, random = warm_started(located, words, Path(place), pretrained=pretrained, **options), None
            else:
                found, random = self._paired(context, Path(place), share, pretrained=pretrained)
            backbone: Any = open_backbone(found, needs=frozenset({GENERATE}))
        backbone.to(context.device)
        backbone.tokenizer.cache = context.cache
        if random is None:
            return backbone, [backbone.writer]
        if self.decoder != NEW and not in_fold(context):
            self._say_what_is_lost(context, backbone)
        own = {
            name: [f"{name}.{key}" for key, _ in each.named_parameters(recurse=False)]
            for name, each in backbone.network.named_modules()
        }
        return backbone, [each for name, each in backbone.network.named_modules() if random.intersection(own[name])]

    def _vocabulary(self, context: Context, first: int) -> Tokenizer:
        from headstart.backbones.warm_start import learn_vocabulary

        return learn_vocabulary([label[0] for label in context.train.labels], size=self.target_vocabulary, first=first)

    def _paired(
        self, context: Context, folder: Path, share: float | None, *, pretrained: bool
    ) -> tuple[Located, frozenset[str]]:
        """A folder with the encoder and another decoder, and the names of the weights that are random."""
        from headstart.backbones.pairs import NewDecoder, located_decoder, paired

        assert context.located is not None
        if self.decoder == NEW:
            decoder: Any = NewDecoder(self._vocabulary(context, 0), self.decoder_layers)
        else:
            decoder = located_decoder(self.decoder)
        return paired(context.located, decoder, folder, dropout=share, seed=context.seed, pretrained=pretrained)

    def _say_what_is_lost(self, context: Context, backbone: Seq2Seq) -> None:
        """Warn where texts to be written do not come back from the decoder's tokenizer as they are."""
        texts = [label[0].strip() for label in context.train.labels[:TRIED]]
        again = backbone.target.written([backbone.target.encode([text]).get(0).tolist() for text in texts])
        other = [(text, came) for text, came in zip(texts, again, strict=True) if text != came]
        if len(other) > LOST * len(texts):
            text, came = other[0]
            said = f"{len(other):,} of {len(texts):,} texts cannot be written as they are, such as '{text[:60]}' ('{came[:60]}')"
            context.progress.say("decoder", f"with the vocabulary of {self.decoder} {said}", warning=True)
