"""Dialogue: what the assistant says next."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import numpy as np
from pydantic import Field

from headstart.data.dialogues import (
    Dialogue,
    Turn,
    dialogue_columns,
    dialogue_of,
    json_of,
    misplaced_system,
    repeated_role,
    unanswered,
)
from headstart.data.examples import Example, Examples
from headstart.data.outputs import Replies
from headstart.data.store import Store
from headstart.data.table import Table
from headstart.errors import DataError
from headstart.heads import HEAD
from headstart.metrics.results import ReplyResults
from headstart.tasks.base import Task
from headstart.tasks.columns import Rows, require_columns, stored
from headstart.tasks.mistakes import Mistake
from headstart.tasks.written_texts import WrittenText, doubts_of
from headstart.types import Dropped
from headstart.writing.decoding import MOST_TEXTS, Decoding, DecodingOptions

if TYPE_CHECKING:
    from torch import Tensor

    from headstart.backbones.base import Backbone
    from headstart.backbones.chat import ChatRows
    from headstart.backbones.tokenizing import TextTokenizer
    from headstart.heads.base import Head
    from headstart.heads.model import Model

REPLY_TOKENS = 256
"""Tokens of a reply at most where nothing else is said."""


class DialogueTask(DecodingOptions, Task[Example, Replies]):
    """The assistant's turns of a dialogue, each from all turns before it.

    A dialogue becomes text by the network's chat template; the loss is that of the assistant's turns alone, with what ends them. Of
    one that is longer than the network reads the oldest turns are left out whole.

    Needs: `generate` of a decoder.
    Inputs: a column with a list of turns (`messages`, `conversations`, `turns`), or two columns with what is said to each other.
    Loss: the negative log-probability of each token of the assistant's turns, in nats.
    See also: `response-selection`, which chooses replies among those that there are; `text-to-text`.

    Example:
        headstart fit examples/dialogues/train.jsonl --task dialogue --backbone models/smol --strategy lora
    """

    name: ClassVar[str] = "dialogue"
    hub: ClassVar[str] = "text-generation"
    needs: ClassVar[frozenset[str]] = frozenset({"generate"})
    outputs_kind: ClassVar[str] = Replies.kind
    results_kind: ClassVar[str] = ReplyResults.kind
    target_kind: ClassVar[str] = "reply"
    metrics: ClassVar[tuple[str, ...]] = ("token_loss", "bits_per_byte", "perplexity")
    least_sample: ClassVar[int] = 40
    can_abstain: ClassVar[bool] = False
    contradicts: ClassVar[bool] = False
    named_outputs: ClassVar[bool] = False
    is_guessed: ClassVar[bool] = False
    loss_title: ClassVar[str] = "loss per token"
    no_windows: ClassVar[str] = (
        "leaves out the oldest turns of what is too long; raise --max-length if the backbone allows"
    )
    nothing: ClassVar[Mapping[str, Any]] = {"text": None, "score": None, "others": [], "doubts": [], "truncated": False}

    template: Literal["own", "chatml", "plain"] | None = None
    """Chat template that makes text of dialogues: the network's `own`, `chatml`, or `plain` (`User: ...`); by default its own, or
    `plain` where it has none."""
    best: int = Field(default=1, ge=1, le=100)
    """Answers or passages that a prediction lists at most, the best one included, in [1, 100]; of passages 20 are kept."""

    @property
    def decoding(self) -> Decoding:
        """How replies are written: of a length that does not hang on what was said before."""
        options = {key: getattr(self, key) for key in DecodingOptions.model_fields}
        best = min(self.best, MOST_TEXTS)
        options["max_new_tokens"] = self.max_new_tokens or REPLY_TOKENS
        options["beams"] = max(self.beams, best)
        return Decoding(best=best, **options)

    @property
    def pooling(self) -> str | None:
        """The states of all tokens are read by the architecture's own head."""
        return "native"

    def guess(self, table: Table) -> Self:
        """Fill in the columns by usual names.

        Raises:
            DataError: none bears one.
        """
        if self.text is not None:
            for name in self.text:
                require_columns(table, (name,), None)
            return self
        found = dialogue_columns([*table.columns])
        if found is None:
            raise DataError(
                f"{table.file}: no column is called as dialogues usually are (messages, conversations, turns, dialogue, or "
                f"prompt and completion); name it with --text (columns: {', '.join(table.columns)})"
            )
        return self.revised(text=found)

    def parse(self, table: Table, *, labelled: bool = True) -> tuple[Store[Example], list[Dropped]]:
        """Examples of a table; rows without a dialogue in which user and assistant take turns are reported."""
        columns = [table.column(name, "--text") for name in self.text or ()]
        kept, texts, replies, dropped = list[int](), list[str](), list[tuple[str, ...]](), list[Dropped]()
        for row, cells in enumerate(zip(*columns, strict=True)):
            dialogue, reason = dialogue_of(*cells)
            if dialogue is not None:
                dialogue, reason = _learnt_from(dialogue) if labelled else _answered(dialogue)
            if dialogue is None:
                dropped.append(Dropped(table.file, table.lines[row], reason or "no dialogue"))
                continue
            kept.append(row)
            texts.append(json_of(dialogue))
            replies.append((dialogue[-1].text,))
        rows = Rows(kept, replies if labelled else [None] * len(kept), [1.0] * len(kept), dropped)
        return stored(table, rows, Examples([texts], rows.labels, rows.weights)), dropped

    def bind(self, examples: Store[Any]) -> Self:
        """A copy with its metric named."""
        return self.revised(metric=self.chosen_metric)

    def checked(self, at: int, given: Any) -> str:
        """A dialogue as JSON: of a text what the user says, of a list its turns.

        Raises:
            DataError: it is neither, or nothing that can be answered.
        """
        if isinstance(given, list | tuple):
            turns = [{"role": turn.role, "content": turn.text} if isinstance(turn, Turn) else turn for turn in given]
            given = json.dumps(turns, ensure_ascii=False, default=str)
        text = str(super().checked(at, given))
        dialogue, reason = dialogue_of(text) if text.lstrip().startswith("[") else (None, None)
        if reason is not None and dialogue is None and '"' in text:
            raise DataError(f"text {at}: {reason}")
        dialogue, reason = _answered(dialogue or (Turn("user", text),))
        if dialogue is None:
            raise DataError(f"text {at}: {reason}")
        return json_of(dialogue)

    def heads(self, backbone: Backbone, **options: Any) -> dict[str, Head]:
        """The architecture's own head over words."""
        from headstart.heads.vocabulary import VocabularyHead

        return {HEAD: VocabularyHead(backbone, "causal")}

    def prepare(self, examples: Store[Any], tokenizer: TextTokenizer) -> ChatRows:
        """Token ids of the dialogues, with the assistant's turns marked.

        Raises:
            DataError: the chat template refuses a dialogue, or writes earlier turns another way once others follow.
        """
        from headstart.backbones.chat import template_for

        dialogues = [read_back(text) for text in examples.texts]
        lines = examples.lines
        return template_for(tokenizer, self.template).rows(dialogues, lambda row: f"{examples.file}:{lines[row]}")

    def collate(self, prepared: ChatRows, indices: np.ndarray, pad_id: int) -> dict[str, Tensor]:
        """`ids`, `mask`, and `labels`, the id that follows and -100 where that is no reply; each (rows, tokens)."""
        import torch

        found: dict[str, Any] = prepared.pad(indices, pad_id)
        found["bytes"] = prepared.bytes[indices]
        found["lost"] = prepared.turns_lost[indices]
        return {name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in found.items()}

    def forward(self, model: Model, batch: Any) -> Tensor:
        """Losses of the replies' tokens in nats, shape (tokens,)."""
        from headstart.heads.vocabulary import token_losses

        return token_losses(model, HEAD, batch)[0]

    def criterion(self, scores: Tensor, batch: Any) -> tuple[Tensor, float]:
        """Their sum and number."""
        return scores.sum(), float(len(scores))

    def loss(self, model: Model, batch: Any) -> tuple[Tensor, float]:
        """Summed loss of the replies' tokens in nats, without logits of all of them at once."""
        from headstart.heads.vocabulary import token_loss

        return token_loss(model, HEAD, batch)

    def read(self, model: Model, batch: Any) -> Replies:
        """How likely the assistant's turns of the rows of a batch are."""
        from headstart.heads.vocabulary import token_losses

        losses, rows = token_losses(model, HEAD, batch)
        found = Replies.of([""] * len(batch["ids"]))
        places = rows.cpu().numpy()
        total = np.bincount(places, weights=losses.double().cpu().numpy(), minlength=len(found))
        found.counts = np.bincount(places, minlength=len(found)).astype(np.int64)
        found.losses = (total / np.maximum(found.counts, 1)).astype(np.float32)
        found.bytes, found.truncated = batch["bytes"].cpu().numpy(), batch["lost"].cpu().numpy() > 0
        return found

    def blank(self, rows: Store[Example]) -> Replies:
        """Outputs of rows to be filled in."""
        return Replies.of([""] * len(rows))

    def targets(self, examples: Store[Example]) -> np.ndarray:
        """The last reply of each row, shape (rows,)."""
        return np.array([label[0] for label in examples.labels], dtype=object)

    def weights(self, examples: Sequence[Example]) -> np.ndarray:
        """All tokens count alike."""
        return np.ones(len(examples))

    def results(self, outputs: Replies, rows: Store[Example]) -> ReplyResults:
        """Nats, tokens and bytes of the assistant's turns of each row."""
        return ReplyResults(outputs.losses.astype(np.float64) * outputs.counts, outputs.counts, outputs.bytes)

    @property
    def columns(self) -> tuple[str, ...]:
        """`prediction` with the reply, `score` and `doubts`."""
        return ("prediction", "score", "doubts")

    def predictions(self, outputs: Replies, inputs: Sequence[Any]) -> list[WrittenText]:
        """The reply to each dialogue."""
        rows = zip(outputs.texts, outputs.scores, outputs.ended, outputs.truncated, strict=True)
        return [
            WrittenText(
                texts, tuple(map(float, scores[: len(texts)])), bool(cut), doubts_of("", texts[0], ended=bool(ended), may_copy=True)
            )
            for texts, scores, ended, cut in rows
        ]  # fmt: skip

    def mistakes(self, outputs: Replies, rows: Store[Example], most: int) -> list[Mistake]:
        """The dialogues whose replies were least likely."""
        worst = np.argsort(-outputs.losses, kind="stable")[:most]
        return [
            Mistake(int(row), rows.labels[int(row)][0], f"{outputs.losses[row]:.2f} nats per token", None)
            for row in worst
        ]

    @classmethod
    def toy_examples(cls) -> list[Example]:
        """A dozen short dialogues."""
        asked = {"good": "bad", "day": "night", "end": "begin", "yes": "no", "cold": "hot", "up": "down"}
        pairs = [*asked.items(), *((answer, question) for question, answer in asked.items())]
        return [
            Example(json_of((Turn("user", f"what is not {question}"), Turn("assistant", f"it is {answer}"))), (answer,))
            for question, answer in pairs
        ]


def read_back(text: str) -> Dialogue:
    """The dialogue of an input.

    Raises:
        DataError: it is none.
    """
    dialogue, reason = dialogue_of(text)
    if dialogue is None:
        raise DataError(f"not a dialogue: {reason}")
    return dialogue


def _learnt_from(dialogue: Dialogue) -> tuple[Dialogue | None, str | None]:
    """A dialogue up to the assistant's last turn, or why there is nothing to learn from it."""
    reason = misplaced_system(dialogue) or repeated_role(dialogue) or unanswered(dialogue)
    if reason:
        return None, reason
    return dialogue[: 1 + max(at for at, turn in enumerate(dialogue) if turn.role == "assistant")], None


def _answered(dialogue: Dialogue) -> tuple[Dialogue | None, str | None]:
    """A dialogue up to where the assistant is to speak, or why there is nothing to be answered."""
    reason = misplaced_system(dialogue) or repeated_role(dialogue)
    while dialogue and dialogue[-1].role != "user":
        dialogue = dialogue[:-1]
    reason = reason or (None if dialogue else "no turn is of the user")
    return (None, reason) if reason else (dialogue, None)
