"""An encoder-decoder that writes a text for each input, saved so that plain transformers can load it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar

import numpy as np
import torch
from pydantic import Field

from headstart.backbones.base import Inputs, open_backbone
from headstart.backbones.location import GENERATE, BackboneSource, locate, location_of
from headstart.backbones.seq2seq import Seq2Seq, Seq2SeqSteps
from headstart.data.batches import sorted_batches
from headstart.data.outputs import Generated
from headstart.heads.model import Model
from headstart.manifest import Stated
from headstart.predictors.base import (
    NETWORK_PATHS,
    Predictor,
    Runtime,
    digests,
    network_digest,
    refuse_damaged,
    refuse_task,
    stated,
)
from headstart.runtime.device import Device, moved, settled
from headstart.runtime.finite import require_finite
from headstart.runtime.memory import within_memory
from headstart.runtime.progress import SILENT, Progress
from headstart.tasks.base import Task
from headstart.writing.decoding import Decoding
from headstart.writing.sampling import decoded

CHUNK = 8192
"""Inputs whose token ids are held at once."""
TOKENS = {"cpu": 1024, "cuda": 16384}
"""Tokens of inputs, times the texts that are followed for each, that are written at the same time."""


class Seq2SeqDescription(Stated):
    """What the manifest says of an encoder-decoder."""

    max_length: Annotated[int, Field(ge=8)]


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

    @property
    def decoding(self) -> Decoding:
        """How texts are written."""
        return self.task.decoding  # type: ignore[attr-defined]

    def outputs(self, inputs: Sequence[Any], *, progress: Progress = SILENT) -> Generated:
        """Texts for inputs, those of like length at the same time, in the order given."""
        return self.written([str(each) for each in inputs], self.decoding, progress=progress)

    def written(self, texts: Sequence[str], how: Decoding, *, progress: Progress = SILENT) -> Generated:
        """Texts for texts, written in a certain way."""
        found = Generated.of([""] * len(texts))
        backbone, device = self.backbone, self.backbone.device.type
        span = backbone.written
        start, ends = backbone.marks.start - span[0], (backbone.marks.end - span[0],)
        forced = () if backbone.marks.forced is None else (backbone.marks.forced - span[0],)
        for begin in range(0, len(texts), CHUNK):
            tokens = backbone.tokenizer.encode(texts[begin : begin + CHUNK])
            limits = how.limits(tokens.lengths, backbone.target.max_length)

            def write(rows: np.ndarray, tokens: Any = tokens, limits: np.ndarray = limits, begin: int = begin) -> None:
                given = tuple(torch.from_numpy(each) for each in tokens.pad(rows, backbone.tokenizer.pad_id))
                ids, mask = moved(given, self.model)
                with torch.inference_mode():
                    steps = Seq2SeqSteps(backbone, backbone.encode(Inputs(ids, mask)), span)
                    said = decoded(
                        steps, moved(torch.from_numpy(limits[rows]), self.model), how, start=start, ends=ends,
                        numbers=begin + rows, forced=forced,
                    )  # fmt: skip
                flat = [[each + span[0] for each in ids] for own in said.ids for ids in own]
                texts_ = iter(backbone.target.written(flat))
                ranks = [tuple(next(texts_) for _ in own) for own in said.ids]
                wide = max(map(len, ranks))
                scores = np.zeros((len(rows), wide), dtype=np.float32)
                for place, own in enumerate(said.scores):
                    scores[place, : len(own)] = own
                ended = np.array([own[0] for own in said.ended], dtype=bool)
                none = np.zeros(len(rows), dtype=np.float32)
                found.put(begin + rows, Generated(tokens.lost[rows] > 0, ranks, scores, ended, none))

            for rows in sorted_batches(tokens.lengths, max(1, TOKENS[device] // how.beams)):
                within_memory(rows, write)
                progress.advance(len(rows))
        return found

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
        source = BackboneSource(
            location=location_of(folder), max_length=said.max_length, digest=network_digest(description)
        )
        needs = frozenset({GENERATE})
        backbone: Any = open_backbone(locate(source, needs), needs=needs)
        return cls(backbone, task)

    def usage(self) -> str:
        """A few lines around `generate`."""
        how, marks = self.decoding, self.backbone.marks
        apart = self.backbone.target is not self.backbone.tokenizer
        home = '"target"' if apart else '"."'
        limit = self.backbone.tokenizer.max_length
        return f"""import torch
from transformers import AutoModelForSeq2SeqLM, AutoTokenizer, GenerationConfig

reader, writer = AutoTokenizer.from_pretrained("."), AutoTokenizer.from_pretrained({home})
network = AutoModelForSeq2SeqLM.from_pretrained(".").eval()
given = reader("a text", truncation=True, max_length={limit}, return_tensors="pt", return_token_type_ids=False)
limit = int(-(-{how.longest} * given["input_ids"].shape[1] // 1)) + 10
how = GenerationConfig(num_beams={how.beams}, length_penalty={how.length_penalty}, max_new_tokens=limit, pad_token_id={marks.pad},
                       eos_token_id={marks.end}, decoder_start_token_id={marks.start}, early_stopping=False)
with torch.no_grad():
    print(writer.decode(network.generate(**given, generation_config=how)[0], skip_special_tokens=True).strip())"""
