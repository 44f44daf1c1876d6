"""An encoder-decoder of transformers: reads a text, and writes another one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from headstart.backbones.base import Backbone, Encoding, Inputs
from headstart.backbones.encoder import configuration_of, layers_of, quicken, quiet
from headstart.backbones.folders import (
    GENERATION,
    MARIAN,
    TARGET,
    WHOLE,
    own_file,
    read_json,
    stated_prompts,
    write_prompts,
)
from headstart.backbones.location import DECODE, GENERATE, HALVED, Located
from headstart.backbones.m2m import is_m2m, m2m_tokenizer
from headstart.backbones.marian import marian_tokenizers
from headstart.backbones.own_words import OwnWords
from headstart.backbones.pretrained import filled_network, new_network
from headstart.backbones.tokenizer_files import convert_tokenizer, open_tokenizer, stated_limit
from headstart.backbones.tokenizing import TextTokenizer
from headstart.errors import ModelError

SOURCE = "source"
"""Role of the text that stands in front of what is read, among `Backbone.prompts`."""
NEVER = -1e9
"""Log-probability of what is never written."""
MOST_TOKENS = 512
"""Tokens of a text at most where nothing says how many the network is made for."""


class Frames(NamedTuple):
    """The tokens around what is read and what is written, and the ids that a decoder begins with."""

    read: tuple[list[str], list[str]]
    """In front of a text that is read, and behind it."""
    written: tuple[list[str], list[str]]
    """The same of one that is written."""
    start: int
    """What a decoder is given first."""
    forced: int | None
    """What every text begins with; None where nothing is forced."""


class Marks(NamedTuple):
    """Ids that stand for no text in what is written."""

    start: int
    """What a decoder is given first."""
    end: int
    """What ends a text."""
    pad: int
    forced: int | None
    """What a text begins with in any case, such as its language; None where nothing is forced."""


class Seq2Seq(Backbone):
    """An encoder-decoder of transformers with a head over words: BART, mBART, Marian, T5 and their kin.

    Args:
        located: a verified folder. Where it has a folder `target` with a tokenizer, texts are written with that one.
        pretrained: load the weights; False gives the same network with random ones.
        dropout: share of the states dropped in training, in [0, 1); what the configuration says if None.

    Raises:
        ModelError: the folder cannot be used.
    """

    can: ClassVar[frozenset[str]] = frozenset({DECODE, GENERATE})

    def __init__(self, located: Located, *, pretrained: bool = True, dropout: float | None = None) -> None:
        super().__init__(located)
        self.pretrained = pretrained
        self.dropout = dropout
        config = self._configuration(located, dropout)
        self.network: Any = _network(located, config, pretrained)
        quicken(self.network)
        self.hidden_size = int(self.reader.config.hidden_size)
        above, below = layers_of(self.reader), layers_of(self.writer)
        self.depth, self.decoder_depth = len(above) - 1, len(below) - 1
        self._read, self._blocks = above, [[*above[0], *below[0]], *above[1:], *below[1:]]
        self.poolings = ("mean",)
        (read, pad), (written, other_pad) = self._limits(config)
        home, apart = located.folder / TARGET, own_file(located.folder, f"{TARGET}/{WHOLE}")
        if own_file(located.folder, MARIAN[0]) and not own_file(located.folder, WHOLE):
            self.tokenizer, self.target = marian_tokenizers(located.folder, read, pad)
        elif is_m2m(located.folder, located.config):
            self.tokenizer = self.target = m2m_tokenizer(located.folder, read, pad)
        else:
            self.tokenizer = open_either(located.folder, read, pad)
            self.target = open_either(home, written, other_pad) if apart else self.tokenizer
        words = self.words_written.weight.shape[0]
        self.marks = _marks(words, self.target, located)
        self.never = _never(words, located.folder)
        """Ids that the folder says are never written, such as that which fills rows up."""
        self._state_marks()
        self.target.words = words
        self.tokenizer.words = self.network.get_input_embeddings().weight.shape[0]
        self.prompts = stated_prompts(located.folder)
        self.tokenizer.prefix = self.prompts.get(SOURCE, "")
        self._own: OwnWords | None = None
        self._shared: nn.Embedding | None = None
        """The decoder's embedding while it has a table of its own."""

    def _configuration(self, located: Located, dropout: float | None) -> Any:
        return configuration_of(located, dropout)

    def _limits(self, config: Any) -> tuple[tuple[int, int], tuple[int, int]]:
        """Tokens of a text at most and the id that fills rows up, of what is read and of what is written."""
        found = _limit(self.located, config), int(config.pad_token_id or 0)
        return found, found

    @property
    def reader(self) -> Any:
        """The encoder."""
        return self.network.get_encoder()

    @property
    def writer(self) -> Any:
        """The decoder."""
        return self.network.get_decoder()

    @property
    def words_written(self) -> Any:
        """The table of words that the decoder is given."""
        return self.writer.get_input_embeddings()

    def handed(self, states: Tensor) -> Tensor:
        """States of the encoder as the decoder reads them."""
        return states

    def written_states(self, **given: Any) -> Tensor:
        """States of a pass over the decoder, from which words are told."""
        return self.writer(**given, return_dict=True).last_hidden_state

    def run(self, inputs: Inputs, *, layers: bool = False) -> Encoding:
        """A pass over the encoder, see `Backbone.run`."""
        if inputs.ids is None:
            raise ValueError(f"{self.located.identity} reads token ids, and there are none")
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.fast):
            found = self.reader(
                input_ids=inputs.ids, attention_mask=inputs.mask, output_hidden_states=layers, return_dict=True
            )
        states = tuple(each.to(self.dtype) for each in found.hidden_states or ()) if layers else ()
        return Encoding(found.last_hidden_state.to(self.dtype), inputs.mask, states, inputs.spans)

    def decode(self, encoding: Encoding, ids: Tensor) -> Tensor:
        """States from which the word behind each of these is told, float32, shape (rows, tokens, hidden).

        Args:
            encoding: of what was read.
            ids: of what stands in front of each word to be told, `marks.start` first, int64, shape (rows, tokens); what stands
                behind the end of a row changes nothing in front of it.
        """
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.fast):
            found = self.written_states(
                input_ids=ids, encoder_hidden_states=self.handed(encoding.hidden), encoder_attention_mask=encoding.mask,
                use_cache=False,
            )  # fmt: skip
        return found.to(self.dtype)

    @property
    def written(self) -> tuple[int, int]:
        """Ids that may be written, from the first to behind the last one."""
        if self.target is self.tokenizer:
            return 0, int(self.network.get_output_embeddings().weight.shape[0])
        ids = self.target.ids
        return min(ids), max(ids) + 1

    def scoring(self, words: tuple[int, int]) -> tuple[Tensor, Tensor | None]:
        """Weight and bias of the map from states to scores of some words."""
        some = slice(*words)
        bias = getattr(self.network, "final_logits_bias", None)
        bias = None if bias is None else bias[0, some]
        if self._own is not None and words == self.written:
            return self._own.weight, bias
        return self.network.get_output_embeddings().weight[some], bias

    def scaled(self, states: Tensor) -> Tensor:
        """States as the map to scores takes them: T5 makes them smaller where it shares its words with what it reads."""
        config = self.network.config
        return states * config.d_model**-0.5 if config.model_type in HALVED and config.tie_word_embeddings else states

    def blocks(self) -> list[list[nn.Module]]:
        """Embeddings of both sides, then the layers of the encoder, then those of the decoder."""
        return self._blocks

    def encoder_blocks(self) -> list[list[nn.Module]]:
        """Those that `encode` passes."""
        return self._read

    def prompt(self, prefix: str) -> None:
        """Let a prefix stand in front of each text that is read, in what is saved too; nothing where it is empty."""
        self.tokenizer.prefix = prefix
        self.prompts = {SOURCE: prefix} if prefix else {}

    def reframe(self, frames: Frames, special: Sequence[str], settings: Mapping[str, Any]) -> None:
        """Put other special tokens around texts, in what is saved too; see `languages.set_languages`.

        Args:
            frames: what stands around texts, and what a decoder begins with.
            special: tokens that stand for no text.
            settings: what `tokenizer_config.json` is to say, for other programs.
        """
        prefix = self.tokenizer.prefix
        self.tokenizer, self.target = (
            each.reframed(*around, special, settings)
            for each, around in ((self.tokenizer, frames.read), (self.target, frames.written))
        )
        self.target.prefix, self.tokenizer.prefix = "", prefix
        self.marks = self.marks._replace(start=frames.start, forced=frames.forced)
        self._state_marks()

    def _state_marks(self) -> None:
        """Let what is saved say what a text begins with, and what is never written."""
        stated = self.network.generation_config
        stated.decoder_start_token_id, stated.forced_bos_token_id = self.marks.start, self.marks.forced
        stated.bad_words_ids = [[each] for each in self.never] or None

    def part_words(self) -> None:
        """Give what is written a table of its own until `join_words`, where its words are apart from those that are read.

        Training then moves the rows of these words alone: no slopes, moments or decay of the others.
        """
        decoder, (first, behind) = self.writer, self.written
        if not first or not first <= self.marks.pad < behind:  # from 0 on they are shared with what is read
            return
        shared: nn.Embedding = decoder.embed_tokens
        scale = float(getattr(shared, "embed_scale", 1.0))
        self._shared, self._own = shared, OwnWords(shared.weight, first, behind, self.marks.pad, scale)
        self._own.to(self.device)
        decoder.embed_tokens = self._own

    def join_words(self) -> None:
        """Put the words of what is written back into the table that both sides share."""
        if self._own is not None and self._shared is not None:
            self._own.put(self._shared.weight)
            self.writer.embed_tokens = self._shared
            self._own = self._shared = None

    def save(self, folder: Path, network: nn.Module | None = None) -> None:
        """Write the network as plain transformers loads it, and both tokenizers; see `Backbone.save`."""
        with quiet():
            (self.network if network is None else network).save_pretrained(str(folder))  # type: ignore[operator]
        self.tokenizer.save(folder)
        write_prompts(folder, self.prompts)
        if self.target is not self.tokenizer:
            (folder / TARGET).mkdir(exist_ok=True)
            self.target.save(folder / TARGET)


def _network(located: Located, config: Any, pretrained: bool) -> Any:
    from transformers import MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING

    if type(config) not in MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING:
        raise ModelError(
            f"{located.identity} is of the architecture {located.config['model_type']}, which writes no texts"
        )
    cls: Any = MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING[type(config)]
    with quiet():
        if not pretrained:
            return new_network(cls, config, str(located.folder))
        network, missing = filled_network(cls, config, located, with_head=True)
    if missing:
        raise ModelError(f"the weights in {located.folder} cannot be loaded: {missing[0]} is not among them")
    return network


def open_either(folder: Path, limit: int, pad: int) -> TextTokenizer:
    """The tokenizer of a folder, made of its vocabulary where there is no other form; raises as `open_tokenizer`."""
    has_fast = own_file(folder, WHOLE) is not None
    return (open_tokenizer if has_fast else convert_tokenizer)(folder, limit, pad)


def _limit(located: Located, config: Any) -> int:
    """Tokens of a text at most."""
    positions = getattr(config, "max_position_embeddings", None) or MOST_TOKENS
    limit = located.source.max_length or min(stated_limit(located.folder) or MOST_TOKENS, positions, MOST_TOKENS)
    if not 8 <= limit <= positions:
        raise ModelError(f"max_length {limit} is outside [8, {positions}], what {located.identity} can read")
    return int(limit)


def _marks(words: int, target: TextTokenizer, located: Located) -> Marks:
    """Ids, of so many words, that the folder states or, where it states none, those of the tokenizer."""
    stated = (read_json(located.folder, GENERATION) or {}, located.config)

    def first(*names: str, role: str = "") -> int | None:
        for source in stated:
            for name in names:
                value = source.get(name)
                value = value[0] if isinstance(value, list) and value else value
                if isinstance(value, int) and not isinstance(value, bool):
                    return value
        return target.special.get(role)

    end, pad = first("eos_token_id", role="eos"), first("pad_token_id", role="pad")
    start = first("decoder_start_token_id", "bos_token_id", role="bos")
    start = pad if start is None and located.config["model_type"] in HALVED else start
    if start is None or end is None:
        raise ModelError(
            f"{located.folder}: nothing says with which token a text begins or ends (decoder_start_token_id, eos_token_id)"
        )
    found = Marks(start, end, end if pad is None else pad, first("forced_bos_token_id"))
    if any(mark is not None and not 0 <= mark < words for mark in found):
        raise ModelError(f"{located.folder}: a special token is beyond the {words:,} words of the network")
    return found


def _never(words: int, folder: Path) -> tuple[int, ...]:
    """Single ids among the `bad_words_ids` of a folder, and its `suppress_tokens`."""
    said = read_json(folder, GENERATION) or {}
    bad, more = said.get("bad_words_ids"), said.get("suppress_tokens")
    found = [each[0] for each in bad if isinstance(each, list) and len(each) == 1] if isinstance(bad, list) else []
    found += more if isinstance(more, list) else []
    return tuple(dict.fromkeys(each for each in found if type(each) is int and 0 <= each < words))


class Seq2SeqSteps:
    """Texts that are written for what was read, word by word, with what was computed before kept.

    What several texts for the same input have in common is computed once, before they part, and moved only where an input leaves.

    Args:
        backbone: in eval mode.
        encoding: of what was read.
        words: ids that may be written, from the first to behind the last one; the others cost nothing.
    """

    def __init__(self, backbone: Seq2Seq, encoding: Encoding, words: tuple[int, int]) -> None:
        from transformers import DynamicCache, EncoderDecoderCache

        self.backbone = backbone
        self.hidden, self.mask = backbone.handed(encoding.hidden), encoding.mask
        self.own, self.read = DynamicCache(), DynamicCache()
        self.cache: Any = EncoderDecoderCache(self.own, self.read)
        self.first = words[0]
        self.weight, self.bias = backbone.scoring(words)
        self.never = [each - self.first for each in backbone.never if words[0] <= each < words[1]]
        self.inputs = torch.arange(len(self.hidden), device=self.hidden.device)
        """Which input each text is written for, int64, shape (rows,)."""

    @torch.inference_mode()
    def next(self, ids: Tensor) -> Tensor:
        """Log-probabilities of the words that may follow, float32, shape (rows, words); see `writing.search.Steps`."""
        backbone, begins = self.backbone, not self.own.get_seq_length()
        if begins:  # all texts of an input begin with the same word
            ids = ids.new_zeros(len(self.hidden)).scatter_(0, self.inputs, ids)
        with torch.autocast(backbone.device.type, torch.bfloat16, enabled=backbone.fast):
            found = backbone.written_states(
                input_ids=ids[:, None] + self.first, encoder_hidden_states=self.hidden, encoder_attention_mask=self.mask,
                past_key_values=self.cache, use_cache=True,
            )  # fmt: skip
            states = backbone.scaled(found[:, -1])
            scores = nn.functional.linear(states, self.weight, self.bias)
        scores = torch.log_softmax(scores.float(), dim=1)
        if self.never:
            scores[:, self.never] = NEVER
        if begins:
            self._take(self.inputs)
            self.own.batch_select_indices(self.inputs)
            scores = scores.index_select(0, self.inputs)
        return scores

    @torch.inference_mode()
    def select(self, rows: Tensor) -> None:
        """Go on with these rows alone, in this order; see `writing.search.Steps`."""
        before, self.inputs = self.inputs, self.inputs.index_select(0, rows)
        if self.own.get_seq_length():
            self.own.batch_select_indices(rows)
            if not torch.equal(before, self.inputs):
                self._take(rows)

    def _take(self, rows: Tensor) -> None:
        """What was read of these rows alone, in this order."""
        self.read.batch_select_indices(rows)
        self.hidden, self.mask = self.hidden.index_select(0, rows), self.mask.index_select(0, rows)
