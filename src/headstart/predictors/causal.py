"""A decoder that goes on with a text or a dialogue, saved so that plain transformers can load it."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from inspect import signature
from pathlib import Path
from typing import Annotated, Any, ClassVar

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from headstart.backbones.base import Backbone, open_backbone
from headstart.backbones.chat import OWN, ChatTemplate, template_for
from headstart.backbones.folders import CHAT_TEMPLATE, GENERATION, read_json
from headstart.backbones.location import GENERATE, BackboneSource, locate, location_of
from headstart.data.batches import inference_batches, sorted_batches
from headstart.data.dialogues import Dialogue, Turn, messages_of
from headstart.data.examples import Examples
from headstart.data.outputs import Generated, Replies
from headstart.data.store import Store
from headstart.errors import DataError
from headstart.heads import HEAD
from headstart.heads.model import Model
from headstart.heads.vocabulary import VocabularyHead
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
from headstart.runtime.durable import write_json
from headstart.runtime.finite import require_finite
from headstart.runtime.memory import within_memory
from headstart.runtime.progress import SILENT, Progress
from headstart.tasks.base import Task
from headstart.tasks.dialogue import read_back
from headstart.writing.decoding import MARGIN, Decoding
from headstart.writing.sampling import decoded, in_parts, words

TOKENS = {"cpu": 2048, "cuda": 32768}
"""Tokens of prompts, times the texts that are followed for each, that are gone on with at the same time."""
SAID = {"reply", "continuation", "text"}
"""What tasks ask for that it serves, see `Task.target_kind`."""


class CausalPass:
    """Passes of a decoder over tokens behind those that were read before.

    Args:
        head: over words, of a backbone in eval mode.
        fast: multiply in bfloat16.
    """

    def __init__(self, head: VocabularyHead, *, fast: bool = False) -> None:
        self.network, self.fast = head.whole, fast
        known = signature(self.network.forward).parameters
        self._with_positions, self._with_last = "position_ids" in known, "logits_to_keep" in known

    def empty(self) -> Any:
        """Nothing that was read, to be filled by passes."""
        from transformers import DynamicCache

        return DynamicCache(config=self.network.config)

    def logits(self, ids: Tensor, mask: Tensor, cache: Any, *, last: int = 1) -> Tensor:
        """Logits behind the last tokens of each row, float32, shape (rows, last, vocabulary).

        Args:
            ids: of the tokens, int64, shape (rows, tokens).
            mask: 0 where nothing stands, of all tokens from the first one that the cache holds on.
            cache: what was read before; these tokens are added.
            last: tokens whose logits are wanted.
        """
        more: dict[str, Any] = {"logits_to_keep": last} if self._with_last else {}
        if self._with_positions:
            more["position_ids"] = (mask.cumsum(1) - 1).clamp(min=0)[:, -ids.shape[1] :]
        with torch.autocast(ids.device.type, torch.bfloat16, enabled=self.fast):
            found = self.network(
                input_ids=ids, attention_mask=mask, past_key_values=cache, use_cache=True, return_dict=True, **more
            )
        return found.logits[:, -last:].float()


class CausalSteps:
    """Texts that a decoder goes on with word by word, with what was computed before kept.

    Args:
        head: over words, of a backbone in eval mode.
        ids: of the prompts, padded on the left, int64, shape (rows, tokens).
        mask: 0 where there is padding, of the same shape.
        fast: multiply in bfloat16.
    """

    def __init__(self, head: VocabularyHead, ids: Tensor, mask: Tensor, *, fast: bool = False) -> None:
        self.over = CausalPass(head, fast=fast)
        self.cache = self.over.empty()
        self.first = ids[:, -1]
        """Last word of each prompt, which the search begins with, shape (rows,)."""
        self.mask = mask[:, :-1]
        if self.mask.shape[1]:
            self.over.logits(ids[:, :-1], self.mask, self.cache)

    @torch.inference_mode()
    def next(self, ids: Tensor) -> Tensor:
        """Log-probabilities of the words that may follow, float32, shape (rows, words); see `writing.search.Steps`."""
        self.mask = torch.cat([self.mask, self.mask.new_ones(len(ids), 1)], dim=1)
        return torch.log_softmax(self.over.logits(ids[:, None], self.mask, self.cache)[:, 0], dim=1)

    @torch.inference_mode()
    def select(self, rows: Tensor) -> None:
        """Go on with these rows alone, in this order; see `writing.search.Steps`."""
        if self.cache.get_seq_length():
            self.cache.batch_select_indices(rows)
        self.mask = self.mask.index_select(0, rows)


def ends_of(backbone: Backbone) -> tuple[int, ...]:
    """Ids that end a text of a decoder, at least one: those that its folder states, else the tokenizer's."""
    folder, config = backbone.located.folder, backbone.network.config
    said = (read_json(folder, GENERATION) or {}) if folder.is_dir() else {}
    found = said.get("eos_token_id", getattr(config, "eos_token_id", None))
    found = found if isinstance(found, list) else [found]
    special, count = backbone.tokenizer.special, backbone.tokenizer.words or 0
    ids = [each for each in found if isinstance(each, int) and 0 <= each < count]
    ids += [special[role] for role in ("eos", "sep", "pad") if role in special]
    return tuple(dict.fromkeys(ids)) or (backbone.tokenizer.pad_id,)


class CausalDescription(Stated):
    """What the manifest says of a decoder."""

    max_length: Annotated[int, Field(ge=8)]
    instruction: str = ""
    shots: list[Annotated[list[str], Field(min_length=2, max_length=2)]] = Field(default_factory=list)


class CausalPredictor(Predictor):
    """A decoder with its head over words.

    Args:
        model: with a `VocabularyHead`; put into eval mode.
        task: bound; says how texts are written, and by which template dialogues become text.
        instruction: what stands in front of each text that another is written for.
        shots: texts with what is written for them, as turns in front of each text; the oldest are left out where there is no room.
    """

    kind: ClassVar[str] = "causal-lm"
    reads: ClassVar[tuple[str, ...]] = NETWORK_PATHS
    runtime: ClassVar[Runtime] = "torch"

    def __init__(
        self, model: Model, task: Task[Any, Any], *, instruction: str = "", shots: Sequence[tuple[str, str]] = ()
    ) -> None:
        super().__init__(task)
        self.instruction, self.shots = instruction, tuple(shots)
        self.model = model.eval()
        self.backbone = model.backbone
        self.backbone.fast = False

    @property
    def decoding(self) -> Decoding:
        """How texts are written."""
        return self.task.decoding  # type: ignore[attr-defined]

    @property
    def language_model(self) -> Model:
        """The decoder with its head over words."""
        return self.model

    @property
    def template(self) -> ChatTemplate:
        """What makes text of dialogues."""
        return template_for(self.backbone.tokenizer, getattr(self.task, "template", None))

    @property
    def ends(self) -> tuple[int, ...]:
        """Ids that end a text, at least one: those that the folder states, else the tokenizer's."""
        return ends_of(self.backbone)

    def outputs(self, inputs: Sequence[Any], *, progress: Progress = SILENT) -> Generated:
        """How likely the assistant's turns are of dialogues that end with one; of others, and of texts, what comes next."""
        if self.task.target_kind != "reply":
            prompts = [self._prompt(at, str(each)) for at, each in enumerate(inputs)]
            return self.written(prompts, self.decoding, progress=progress)
        dialogues = [read_back(str(each)) for each in inputs]
        said = np.array([dialogue[-1].role == "assistant" for dialogue in dialogues], dtype=bool)
        found = Replies.of([""] * len(inputs))
        known, asked = np.flatnonzero(said), np.flatnonzero(~said)
        if len(known):
            found.put(known, self._judged([str(inputs[int(at)]) for at in known], progress))
        if len(asked):
            prompts = [self._dialogue_prompt(int(at), dialogues[at]) for at in asked]
            written = self.written(prompts, self.decoding, progress=progress)
            none = np.zeros(len(asked), dtype=np.int64)
            texts = (written.texts, written.scores, written.ended, written.losses)
            found.put(asked, Replies(written.truncated, *texts, none, none))
        return found

    @torch.inference_mode()
    def _judged(self, inputs: list[str], progress: Progress) -> Replies:
        """How likely the assistant's turns are."""
        count = len(inputs)
        rows: Store[Any] = Store(Examples([inputs], [None] * count, [1.0] * count), range(1, count + 1), "input")
        prepared = self.task.prepare(rows, self.backbone.tokenizer)
        found = Replies.of([""] * count)

        def read(places: np.ndarray) -> None:
            batch = moved(self.task.collate(prepared, places, self.backbone.tokenizer.pad_id), self.model)
            found.put(places, self.task.read(self.model, batch))

        for places in inference_batches(prepared.lengths, self.backbone.device.type):
            within_memory(places, read)
            progress.advance(len(places))
        return found

    def _prompt(self, at: int, text: str) -> tuple[list[int], int]:
        """Ids of what is gone on with for an input: an instruction, a dialogue or a text; and how many were left out before."""
        if self.task.target_kind == "text":
            return self._dialogue_prompt(at, self._asked(text))
        if self.task.target_kind == "reply":
            return self._dialogue_prompt(at, read_back(text))
        return self._text_prompt(text)

    def _asked(self, text: str) -> Dialogue:
        """What a user says of a text, behind the examples."""
        turns = list[Turn]()
        for read, written in self.shots:
            turns += [Turn("user", f"{self.instruction}{read}"), Turn("assistant", written)]
        return (*turns, Turn("user", f"{self.instruction}{text}"))

    def _dialogue_prompt(self, at: int, dialogue: Any) -> tuple[list[int], int]:
        try:
            return self.template.prompt(dialogue, self.backbone.tokenizer.max_length)
        except DataError as error:
            raise DataError(f"text {at}: {error}") from None

    def _text_prompt(self, text: str) -> tuple[list[int], int]:
        """Ids of a text that is gone on with, its beginning cut off where it is too long, and how many were."""
        tokenizer = self.backbone.tokenizer
        taught = (
            self.backbone.located.learned is not None
        )  # `pretrain` has the token that begins a text in front of every row
        stated = tokenizer.begin if taught or not text else tokenizer.before
        ids = list(tokenizer.whole(text).ids)
        room = max(tokenizer.max_length - len(stated), 1)
        return [*stated, *ids[-room:]] or [tokenizer.pad_id], max(len(ids) - room, 0)

    def written(
        self, prompts: Sequence[tuple[list[int], int]], how: Decoding, *, progress: Progress = SILENT
    ) -> Generated:
        """What comes after prompts, those of like length at the same time, in the order given.

        Args:
            prompts: ids of each, at least one, and how many were left out before it.
            how: texts are written.
            progress: advanced by rows.
        """
        found = Generated.of([""] * len(prompts))
        lengths = np.array([len(ids) for ids, _ in prompts], dtype=np.int64)
        limits = self._limits(lengths, how)

        def write(rows: np.ndarray) -> None:
            steps = self._steps([prompts[row][0] for row in rows])
            given = moved(torch.from_numpy(limits[rows]), self.model)
            with torch.inference_mode():
                said = decoded(steps, given, how, start=steps.first, ends=self.ends, numbers=rows)
            texts = iter(self.backbone.tokenizer.written([ids for own in said.ids for ids in own]))
            ranks = [tuple(next(texts) for _ in own) for own in said.ids]
            scores = np.zeros((len(rows), max(map(len, ranks))), dtype=np.float32)
            for place, own in enumerate(said.scores):
                scores[place, : len(own)] = own
            ended, none = np.array([own[0] for own in said.ended]), np.zeros(len(rows), dtype=np.float32)
            lost = np.array([prompts[row][1] > 0 for row in rows])
            found.put(rows, Generated(lost, ranks, scores, ended, none))

        most = max(1, TOKENS[self.backbone.device.type] // (how.best if how.draws else how.beams))
        for rows in sorted_batches(lengths, most):
            within_memory(rows, write)
            progress.advance(len(rows))
        return found

    def _limits(self, lengths: np.ndarray, how: Decoding) -> np.ndarray:
        """Most words of each text; prompts leave the network's positions at least one."""
        positions = (
            getattr(self.backbone.network.config, "max_position_embeddings", None)
            or int(lengths.max(initial=1)) + 100_000
        )
        room = np.maximum(positions - lengths, 1)
        return np.minimum(how.limits(lengths, int(room.max(initial=1))), room)

    def _steps(self, rows: Sequence[list[int]]) -> CausalSteps:
        width = max(map(len, rows))
        ids = np.full((len(rows), width), self.backbone.tokenizer.pad_id, dtype=np.int64)
        mask = np.zeros_like(ids)
        for row, own in enumerate(rows):
            ids[row, width - len(own) :], mask[row, width - len(own) :] = own, 1
        head: Any = self.model.heads[HEAD]
        with torch.inference_mode():
            return CausalSteps(head, *moved((torch.from_numpy(ids), torch.from_numpy(mask)), self.model))

    def stream(self, given: Any, how: Decoding | None = None) -> Generator[str, None, bool]:
        """The text that comes next bit by bit, see `Predictor.stream`; DataError where the chat template refuses a dialogue."""
        chosen = (how or self.decoding).revised(beams=1, best=1)
        prompt, lost = self._prompt(0, str(given))
        steps = self._steps([prompt])
        limits = torch.from_numpy(self._limits(np.array([len(prompt)]), chosen))
        numbers = np.zeros(1, dtype=np.int64)
        found = words(steps, moved(limits, self.model), chosen, start=steps.first, ends=self.ends, numbers=numbers)
        yield from in_parts(found, self.backbone.tokenizer.text_of)
        return lost > 0

    @staticmethod
    def _usual_limit(how: Decoding) -> str:
        """Most tokens of a text, as code."""
        longest = f'int(-(-{how.longest} * given["input_ids"].shape[1] // 1)) + {MARGIN}'
        return str(how.max_new_tokens) if how.max_new_tokens is not None else longest

    def place(self, device: Device) -> None:
        """Compute on a device from now on."""
        self.model.to(settled(device))

    def save(self, folder: Path) -> dict[str, Any]:
        """Write the network, its tokenizer, its template and what ends a text as plain transformers loads them."""
        require_finite(self.model.state_dict())
        head: Any = self.model.heads[HEAD]
        self.backbone.save(folder, head.whole)
        if self.task.target_kind != "continuation" and self.template.name != OWN:
            (folder / CHAT_TEMPLATE).write_text(self.template.source, encoding="utf-8")
        write_json(
            folder / GENERATION, {"eos_token_id": list(self.ends), "pad_token_id": self.backbone.tokenizer.pad_id}
        )
        said: dict[str, Any] = {"instruction": self.instruction} if self.instruction else {}
        said |= {"shots": [list(each) for each in self.shots]} if self.shots else {}
        return {"max_length": self.backbone.tokenizer.max_length, **said, "digests": digests(folder)}

    @classmethod
    def load(cls, folder: Path, task: Task[Any, Any], description: Mapping[str, Any]) -> CausalPredictor:
        """Read the network and its tokenizer of an artifact."""
        said = stated(CausalDescription, folder, description)
        refuse_task(folder, cls.kind, task, suits=task.target_kind in SAID)
        refuse_damaged(folder, description)
        source = BackboneSource(
            location=location_of(folder), max_length=said.max_length, digest=network_digest(description)
        )
        shots = [(read, written) for read, written in said.shots]
        return cls.of(source, task, instruction=said.instruction, shots=shots)

    @classmethod
    def of(
        cls,
        source: BackboneSource,
        task: Task[Any, Any],
        *,
        instruction: str = "",
        shots: Sequence[tuple[str, str]] = (),
    ) -> CausalPredictor:
        """The predictor of a network as it is.

        Raises:
            ModelError: it cannot write, or cannot be used.
        """
        needs = frozenset({GENERATE})
        backbone = open_backbone(locate(source, needs), needs=needs)
        return cls(
            Model(backbone, {HEAD: VocabularyHead(backbone, "causal")}), task, instruction=instruction, shots=shots
        )

    def usage(self) -> str:
        """A few lines around `generate`, the likeliest word every time."""
        how = self.decoding
        before = f"{self.instruction!r} + " if self.instruction else ""
        shown = "".join(f"{each}, " for each in messages_of(self._asked("")[:-1])) if self.shots else ""
        asks = (
            'tokenizer("a text", return_tensors="pt")'
            if self.task.target_kind == "continuation"
            else f'tokenizer.apply_chat_template([{shown}{{"role": "user", "content": {before}"a text"}}],\n'
            '                                      add_generation_prompt=True, return_tensors="pt", return_dict=True)'
        )
        return f"""import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig

tokenizer, network = AutoTokenizer.from_pretrained("."), AutoModelForCausalLM.from_pretrained(".", dtype=torch.float32).eval()
given = {asks}
how = GenerationConfig(num_beams={how.beams}, max_new_tokens={self._usual_limit(how)}, eos_token_id={list(self.ends)},
                       pad_token_id={self.backbone.tokenizer.pad_id}, length_penalty={how.length_penalty}, early_stopping=False)
with torch.no_grad():
    said = network.generate(**given, generation_config=how)[0, given["input_ids"].shape[1]:]
print(tokenizer.decode(said, skip_special_tokens=True).strip())"""
