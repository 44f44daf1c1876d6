"""An encoder-decoder that writes a text for each input, saved so that plain transformers can load it."""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from shlex import quote
from typing import Annotated, Any, ClassVar

import numpy as np
import torch
from pydantic import Field

from headstart.backbones.base import Inputs
from headstart.backbones.location import GENERATE
from headstart.backbones.seq2seq import Seq2Seq, Seq2SeqSteps
from headstart.data.batches import sorted_batches
from headstart.data.outputs import Generated
from headstart.data.tokens import Tokens
from headstart.errors import MissingInputError, UnavailableError
from headstart.exports import EXPORTS
from headstart.exports.base import Exported, ExportFormat, Writer
from headstart.exports.folder import ExportFolder
from headstart.heads.model import Model
from headstart.manifest import Stated
from headstart.predictors.base import (
    NETWORK_PATHS,
    AskedRuntime,
    Predictor,
    Runtime,
    digests,
    network_digest,
    refuse_damaged,
    refuse_task,
    stated,
)
from headstart.predictors.opening import reopened
from headstart.runtime.device import Device, moved, settled
from headstart.runtime.finite import require_finite
from headstart.runtime.memory import within_memory
from headstart.runtime.progress import SILENT, Progress
from headstart.tasks.base import Task
from headstart.writing.decoding import Decoding
from headstart.writing.sampling import decoded, in_parts, words
from headstart.writing.search import Found

CHUNK = 8192
"""Inputs whose token ids are held at once."""
TOKENS = {"cpu": 1024, "cuda": 16384}
"""Tokens of inputs, times the texts that are followed for each, that are written at the same time."""


class Seq2SeqDescription(Stated):
    """What the manifest says of an encoder-decoder."""

    max_length: Annotated[int, Field(ge=8)]


class NetworkWriter:
    """Texts written by the network itself."""

    def __init__(self, model: Model, backbone: Seq2Seq) -> None:
        self.model, self.backbone = model, backbone

    def budget(self, how: Decoding) -> int:
        """Padded tokens of inputs that are written for at the same time."""
        return max(1, TOKENS[self.backbone.device.type] // how.beams)

    def write(self, tokens: Tokens, rows: np.ndarray, limits: np.ndarray, how: Decoding, numbers: np.ndarray) -> Found:
        """Ids that are written, see `Writer.write`."""
        with torch.inference_mode():
            steps = self.steps(tokens, rows)
            said = decoded(steps, moved(torch.from_numpy(limits), self.model), how, numbers=numbers, **self.marks)
        return said._replace(ids=[[self.whole(ids) for ids in own] for own in said.ids])

    def steps(self, tokens: Tokens, rows: np.ndarray) -> Seq2SeqSteps:
        """Rows that have been read and are written for."""
        given = tuple(torch.from_numpy(each) for each in tokens.pad(rows, self.backbone.tokenizer.pad_id))
        ids, mask = moved(given, self.model)
        return Seq2SeqSteps(self.backbone, self.backbone.encode(Inputs(ids, mask)), self.backbone.written)

    @property
    def marks(self) -> dict[str, Any]:
        """What texts begin and end with, among the ids that can be written."""
        first, marks = self.backbone.written[0], self.backbone.marks
        forced = () if marks.forced is None else (marks.forced - first,)
        return {"start": marks.start - first, "ends": (marks.end - first,), "forced": forced}

    def whole(self, ids: Sequence[int]) -> list[int]:
        """Ids among those that can be written as ids of the network."""
        return [each + self.backbone.written[0] for each in ids]


class Seq2SeqPredictor(Predictor):
    """An encoder-decoder with its tokenizers.

    Args:
        backbone: put into eval mode.
        task: bound; says how texts are written.
    """

    kind: ClassVar[str] = "seq2seq"
    reads: ClassVar[tuple[str, ...]] = NETWORK_PATHS
    runtime: ClassVar[Runtime] = "torch"

    def __init__(self, backbone: Seq2Seq, task: Task[Any, Any]) -> None:
        super().__init__(task)
        self.model = Model(backbone, {}).eval()
        self.backbone = backbone
        self.backbone.fast = False
        self._home: Path | None = None
        self.network_digest = ""
        """Joint digest of the weights that were read; empty where they were not."""
        self._exported: Exported | None = None
        self._unused = ""

    @property
    def decoding(self) -> Decoding:
        """How texts are written."""
        return self.task.decoding  # type: ignore[attr-defined]

    def outputs(self, inputs: Sequence[Any], *, progress: Progress = SILENT) -> Generated:
        """Texts for inputs, those of like length at the same time, in the order given."""
        return self.written([str(each) for each in inputs], self.decoding, progress=progress)

    def written(
        self, texts: Sequence[str], how: Decoding, *, writer: Writer | None = None, progress: Progress = SILENT
    ) -> Generated:
        """Texts for texts, written in a certain way, by `writer_for` it if no other is named."""
        found = Generated.of([""] * len(texts))
        backbone, writer = self.backbone, writer or self.writer_for(how)
        for begin in range(0, len(texts), CHUNK):
            tokens = backbone.tokenizer.encode(texts[begin : begin + CHUNK])
            limits = how.limits(tokens.lengths, backbone.target.max_length)

            def write(rows: np.ndarray, tokens: Any = tokens, limits: np.ndarray = limits, begin: int = begin) -> None:
                said = writer.write(tokens, rows, limits[rows], how, begin + rows)
                texts_ = iter(backbone.target.written([ids for own in said.ids for ids in own]))
                ranks = [tuple(next(texts_) for _ in own) for own in said.ids]
                wide = max(map(len, ranks))
                scores = np.zeros((len(rows), wide), dtype=np.float32)
                for place, own in enumerate(said.scores):
                    scores[place, : len(own)] = own
                ended = np.array([own[0] for own in said.ended], dtype=bool)
                none = np.zeros(len(rows), dtype=np.float32)
                found.put(begin + rows, Generated(tokens.lost[rows] > 0, ranks, scores, ended, none))

            for rows in sorted_batches(tokens.lengths, writer.budget(how)):
                within_memory(rows, write)
                progress.advance(len(rows))
        return found

    def stream(self, given: Any, how: Decoding | None = None) -> Generator[str, None, bool]:
        """The text for an input bit by bit, by the network itself; see `Predictor.stream`."""
        chosen = (how or self.decoding).revised(beams=1, best=1)
        writer = NetworkWriter(self.model, self.backbone)
        tokens = self.backbone.tokenizer.encode([str(given)])
        row = np.zeros(1, dtype=np.int64)
        limits = torch.from_numpy(chosen.limits(tokens.lengths, self.backbone.target.max_length))
        with torch.inference_mode():
            steps = writer.steps(tokens, row)
        found = words(steps, moved(limits, self.model), chosen, numbers=row, **writer.marks)
        yield from in_parts(found, lambda ids: self.backbone.target.text_of(writer.whole(ids)))
        return bool(tokens.lost[0] > 0)

    def writer_for(self, how: Decoding) -> Writer:
        """What writes in a certain way: the exported network where it does so too, else the network itself."""
        exported = self._exported
        return (
            exported if exported is not None and not exported.refusal(how) else NetworkWriter(self.model, self.backbone)
        )

    def compute_with(self, runtime: AskedRuntime) -> None:
        """Write with an exported network from now on, or with the network itself.

        `auto` takes one that lies in the artifact, its runtime installed, on a processor; where products are to be in float32,
        one whose weights are so too.

        Raises:
            MissingInputError: there is none for the runtime that is asked for.
            UnavailableError: the runtime that is asked for is not installed.
            ModelError: the export is damaged, or was made of another network.
        """
        self._exported, self._unused = None, ""
        if runtime == "torch" or self._home is None:
            return
        for name in EXPORTS.names() if runtime == "auto" else [runtime]:
            export = ExportFolder.find(self._home / name, self.network_digest)
            if export is None:
                continue
            kept: ExportFormat = EXPORTS.get(name)()
            try:
                kept.require()
            except UnavailableError as error:
                if runtime != "auto":
                    raise
                self._unused = f"the network exported for {name} is not used: {error}"
                continue
            exact = self.precision != "float32" or export.said.quantization == "float32"
            if runtime != "auto" or (exact and self.backbone.device.type == "cpu"):
                self._exported = kept.open(export, self.backbone)
                return
        if runtime != "auto":
            remedy = f"make one with: headstart export {quote(str(self._home))} --to {runtime}"
            raise MissingInputError(f"{self._home} holds no network for {runtime}; {remedy}")

    @property
    def remark(self) -> str:
        """Which exported network writes, or why none does; empty where there is none."""
        if self._exported is None:
            return self._unused
        said = self._exported.export.said
        if why := self._exported.refusal(self.decoding):
            return f"the network exported for {said.to} is not used: {why}"
        return f"{said.to}, {said.quantization}; the network itself: --runtime torch"

    @property
    def conditions(self) -> Mapping[str, Any]:
        """How texts are written, and by which exported network."""
        writer = self.writer_for(self.decoding)
        exported = (
            {"export": self._exported.export.digest} if self._exported is not None and writer is self._exported else {}
        )
        return {"decoding": self.decoding.plain(), **exported}

    def place(self, device: Device) -> None:
        """Compute on a device from now on."""
        self.model.to(settled(device))

    def save(self, folder: Path) -> dict[str, Any]:
        """Write the network and its tokenizers as plain transformers loads them."""
        require_finite(self.model.state_dict())
        self.backbone.save(folder)
        return {"max_length": self.backbone.tokenizer.max_length, "digests": digests(folder)}

    @classmethod
    def load(cls, folder: Path, task: Task[Any, Any], description: Mapping[str, Any]) -> Seq2SeqPredictor:
        """Read the network and its tokenizers of an artifact."""
        said = stated(Seq2SeqDescription, folder, description)
        refuse_task(folder, cls.kind, task, suits=task.target_kind == "text")
        refuse_damaged(folder, description)
        backbone: Any = reopened(folder, description, said.max_length, needs=frozenset({GENERATE}))
        found = cls(backbone, task)
        found._home, found.network_digest = folder, network_digest(description)
        return found

    def usage(self) -> str:
        """A few lines around `generate`."""
        how, marks = self.decoding, self.backbone.marks
        apart = self.backbone.target is not self.backbone.tokenizer
        home = '"target"' if apart else '"."'
        limit, prefix = self.backbone.tokenizer.max_length, self.backbone.tokenizer.prefix
        before = f"{json.dumps(prefix, ensure_ascii=False)} + " if prefix else ""
        forced = "" if marks.forced is None else f", forced_bos_token_id={marks.forced}"
        forced += f", bad_words_ids={[[each] for each in self.backbone.never]}" if self.backbone.never else ""
        return f"""import torch
from transformers import AutoModelForSeq2SeqLM, AutoTokenizer, GenerationConfig

reader, writer = AutoTokenizer.from_pretrained("."), AutoTokenizer.from_pretrained({home})
network = AutoModelForSeq2SeqLM.from_pretrained(".").eval()
given = reader({before}"a text", truncation=True, max_length={limit}, return_tensors="pt", return_token_type_ids=False)
limit = int(-(-{how.longest} * given["input_ids"].shape[1] // 1)) + 10
how = GenerationConfig(num_beams={how.beams}, length_penalty={how.length_penalty}, max_new_tokens=limit, pad_token_id={marks.pad},
                       eos_token_id={marks.end}, decoder_start_token_id={marks.start}, early_stopping=False{forced})
with torch.no_grad():
    print(writer.decode(network.generate(**given, generation_config=how)[0], skip_special_tokens=True).strip())"""
