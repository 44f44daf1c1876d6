"""CTranslate2: a runtime in C++ for encoder-decoders, several times faster, with weights of 8 bits if need be.

Its converter reads networks of transformers. A network whose words to write stand behind those to read in one table is parted:
two vocabularies, and a last layer for words that may be written alone. Tokens are handed over as strings and come back so.
"""

from __future__ import annotations

import copy
import weakref
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch

from headstart.backbones.encoder import quiet
from headstart.backbones.seq2seq import Seq2Seq
from headstart.backbones.tokenizing import TextTokenizer
from headstart.data.tokens import Tokens
from headstart.errors import ModelError, UnavailableError
from headstart.exports.base import ExportFormat
from headstart.exports.folder import ExportFolder
from headstart.runtime.contained import RAW, content
from headstart.writing.decoding import Decoding
from headstart.writing.search import Found

MISSING = "CTranslate2 is not installed; install it with: pip install 'headstart[fast]'"
FILES = ("model.bin", "config.json")
VOCABULARIES = ("source_vocabulary.json", "target_vocabulary.json", "shared_vocabulary.json")
MOST_BYTES = 1 << 36
"""Size of the largest file of weights that is read."""
NORMS = {
    "bart": {"normalize_before": False, "normalize_embedding": True},
    "mbart": {"normalize_before": True, "normalize_embedding": True},
    "pegasus": {"normalize_before": True, "normalize_embedding": False},
}
"""Keys of configurations that the converter asks for, where the code of transformers takes them as given."""
PATIENCE = 1.5
"""Times as many texts as beams that have to end before a row is done.

Our own search ends a row when no beam that still runs is better than those that ended, this runtime when enough have ended: one
for each beam are too few."""
TOKENS, AT_ONCE = 16384, 2048
"""Tokens of inputs that are handed over, and that are read at the same time."""
NARROW = 512
"""Width of a network up to which each thread writes a batch of its own: its products are too small to be shared out, which takes
longer than they do (one sentence by `mini` and three layers: 40 ms on one thread, 84 of processor time on two)."""
KNOWN = ("beams", "length_penalty", "best", "longest", "max_new_tokens")
"""Fields of `Decoding` that mean the same here."""


class CTranslate2(ExportFormat):
    """Networks for CTranslate2."""

    name: ClassVar[str] = "ctranslate2"
    quantizations: ClassVar[tuple[str, ...]] = ("float32", "int8", "int16", "bfloat16", "float16")

    def require(self) -> None:
        """Refuse where the package is not installed."""
        if find_spec("ctranslate2") is None:
            raise UnavailableError(MISSING)

    def convert(self, backbone: Seq2Seq, folder: Path, quantization: str) -> None:
        """Write weights, settings and vocabularies."""
        self.require()
        with quiet():
            from ctranslate2.converters import transformers as converter

            name = type(backbone.network.config).__name__
            loader = converter._MODEL_LOADERS.get(name)
            if loader is None:
                raise ModelError(
                    f"CTranslate2 reads no networks of the architecture {backbone.located.config['model_type']}"
                )
            network = copy.deepcopy(backbone.network).cpu()  # quantizing changes weights in place
            for key, value in NORMS.get(network.config.model_type, {}).items():
                setattr(network.config, key, value)
            words = _Words(backbone.target, backbone)
            try:
                with torch.no_grad():
                    spec = loader.get_model_spec(network)
                loader.set_config(spec.config, network, words)
                source, target = self._vocabularies(backbone, spec, words)
                if words.start in target:
                    spec.config.decoder_start_token = words.start
                spec.register_source_vocabulary(source)
                spec.register_target_vocabulary(target)
                spec.validate()
                spec.optimize(quantization=quantization)
                spec.save(str(folder))
            except (*RAW, NotImplementedError) as error:
                raise ModelError(f"CTranslate2 cannot keep {backbone.located.identity}: {error}") from None

    def _vocabularies(self, backbone: Seq2Seq, spec: Any, words: _Words) -> tuple[list[str], list[str]]:
        """Tokens by id of both sides; where words to write stand behind those to read, the tables are cut there."""
        first, behind = backbone.written
        encoder, decoder = spec.encoder.embeddings, spec.decoder
        encoder = encoder[0] if isinstance(encoder, list) else encoder
        if not first:
            read, written = encoder.weight.shape[0], decoder.projection.weight.shape[0]
            return _Words(backbone.tokenizer, backbone).names(0, read), words.names(0, written)
        encoder.weight = encoder.weight[:first]
        decoder.embeddings.weight = decoder.embeddings.weight[first:behind]
        decoder.projection.weight = decoder.projection.weight[first:behind]
        if decoder.projection.has_bias():
            decoder.projection.bias = decoder.projection.bias[first:behind]
        return _Words(backbone.tokenizer, backbone).names(0, first), words.names(first, behind)

    def open(self, export: ExportFolder, backbone: Seq2Seq) -> CTranslate2Writer:
        """What writes with the network of a folder."""
        self.require()
        return CTranslate2Writer(export, backbone)


class _Words:
    """Tokens of a vocabulary by id: what the converter asks a tokenizer of transformers for."""

    special_tokens_map: ClassVar[Mapping[str, Any]] = {}

    def __init__(self, tokenizer: TextTokenizer, backbone: Seq2Seq) -> None:
        self._tokens = tokenizer.tokens
        marks = backbone.marks
        self.start = self.convert_ids_to_tokens(marks.start)
        self.bos_token, self.eos_token = self.start, self.convert_ids_to_tokens(marks.end)
        self.pad_token = self.convert_ids_to_tokens(marks.pad)
        self.unk_token = self.convert_ids_to_tokens(tokenizer.special.get("unk", marks.end))

    def convert_ids_to_tokens(self, number: int) -> str:
        """The token of an id; ids without one get a name that no text has."""
        return self._tokens.get(number, f"<no token {number}>")

    def names(self, first: int, behind: int) -> list[str]:
        """Tokens of ids in a row."""
        return [self.convert_ids_to_tokens(number) for number in range(first, behind)]


class CTranslate2Writer:
    """Texts written by CTranslate2, on as many threads as torch has when the first one is asked for."""

    def __init__(self, export: ExportFolder, backbone: Seq2Seq) -> None:
        self.export = export
        self.backbone = backbone
        target = _Words(backbone.target, backbone)
        first, behind = backbone.written
        self._source = _Words(backbone.tokenizer, backbone).convert_ids_to_tokens
        self._target = {target.convert_ids_to_tokens(number): number for number in range(first, behind)}
        self._opened: list[Any] = []
        weakref.finalize(self, self._opened.clear)  # the runtime crashes where it outlives the interpreter
        self._end, forced = backbone.marks.end, backbone.marks.forced
        self._prefix = None if forced is None else [target.convert_ids_to_tokens(forced)]

    @property
    def _translator(self) -> Any:
        if not self._opened:
            self._opened.append(self._open())
        return self._opened[0]

    def _open(self) -> Any:
        """The runtime with the files of the export, whose bytes are those that were written."""
        import ctranslate2

        files, folder = self.export.said.files, self.export.folder
        wanted = [*FILES, *(name for name in VOCABULARIES if name in files)]
        threads = torch.get_num_threads()
        inter, intra = (threads, 1) if self.backbone.hidden_size <= NARROW else (1, threads)
        try:
            held = {name: content(folder, name, digest=files[name], most=MOST_BYTES) for name in wanted}
            return ctranslate2.Translator(
                str(folder), device="cpu", compute_type=self.export.said.quantization, intra_threads=intra, inter_threads=inter,
                files=held,
            )  # fmt: skip
        except (KeyError, RuntimeError, ValueError) as error:
            raise ModelError(f"{folder} cannot be used: {str(error)[:300]}") from None

    def refusal(self, how: Decoding) -> str:
        """Whether anything is asked for beyond beams, their penalty and limits."""
        plain = type(how)(**{key: getattr(how, key) for key in KNOWN})
        odd = [key for key, value in how if value != getattr(plain, key)]
        return f"{odd[0].replace('_', ' ')} is not known to CTranslate2 in the same sense" if odd else ""

    def budget(self, how: Decoding) -> int:
        """Tokens that are handed over at once; inside, fewer are read at the same time."""
        return TOKENS

    def write(self, tokens: Tokens, rows: np.ndarray, limits: np.ndarray, how: Decoding, numbers: np.ndarray) -> Found:
        """Ids that are written, see `Writer.write`."""
        found = Found([[]] * len(rows), [[]] * len(rows), [[]] * len(rows))
        pending: list[tuple[int, Any]] = []
        for limit in np.unique(limits).tolist():  # one for all texts of a call
            own = np.nonzero(limits == limit)[0]
            given = [[self._source(each) for each in tokens.get(row).tolist()] for row in rows[own]]
            said = self._translator.translate_batch(
                given, target_prefix=None if self._prefix is None else [self._prefix] * len(own), beam_size=how.beams,
                num_hypotheses=how.best, length_penalty=how.length_penalty, patience=PATIENCE, max_decoding_length=limit,
                min_decoding_length=0, max_input_length=0, max_batch_size=AT_ONCE, batch_type="tokens", return_scores=True,
                return_end_token=True, asynchronous=True,
            )  # fmt: skip
            pending += zip(own.tolist(), said, strict=True)
        for place, promised in pending:
            each = promised.result()
            ids = [[self._target[token] for token in tokens] for tokens in each.hypotheses]
            found.ended[place] = [bool(row) and row[-1] == self._end for row in ids]
            found.ids[place] = [row[:-1] if ended else row for row, ended in zip(ids, found.ended[place], strict=True)]
            found.scores[place] = [*each.scores]
        return found
