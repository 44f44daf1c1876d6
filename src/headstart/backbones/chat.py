"""Dialogues as the token ids that a decoder is given of them, and which of these are replies."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from headstart.backbones.folders import CHAT_TEMPLATE
from headstart.backbones.tokenizing import TextTokenizer
from headstart.data.dialogues import Dialogue, messages_of
from headstart.data.tokens import Tokens, TokenWriter
from headstart.errors import DataError, ModelError

OWN, CHATML, PLAIN = "own", "chatml", "plain"
TEMPLATES: Mapping[str, str] = {
    CHATML: "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' }}{{ message['content'] + '<|im_end|>\\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}",
    PLAIN: "{% for message in messages %}{{ message['role'].capitalize() + ':' }}{{ ' ' + message['content'] }}"
    "{{ eos_token if message['role'] == 'assistant' else '' }}{{ '\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ 'Assistant:' }}{% endif %}",
}
"""Templates by name, in the language of those that come with networks."""
MOST_SAID = 200
"""Characters of what a template says when it refuses a dialogue."""


class Rendered(NamedTuple):
    """A dialogue as text."""

    text: str
    replies: tuple[tuple[int, int], ...]
    """Where each turn of the assistant, with what ends it, begins and where it ends, in characters."""


@dataclass(frozen=True)
class ChatRows:
    """Dialogues as token ids.

    Args:
        tokens: of each dialogue; `lost` counts the tokens of turns that were left out as they do not fit.
        is_reply: which ids belong to a turn of the assistant whose loss counts, bool, of the shape of `tokens.flat`.
        bytes: of the texts of these turns in UTF-8, int64, shape (rows,).
        turns_lost: turns left out of each dialogue, int64, shape (rows,).
    """

    tokens: Tokens
    is_reply: np.ndarray
    bytes: np.ndarray
    turns_lost: np.ndarray

    @property
    def lengths(self) -> np.ndarray:
        """Tokens of each row, shape (rows,)."""
        return self.tokens.lengths

    def __len__(self) -> int:
        return len(self.tokens)

    def pad(self, indices: Sequence[int] | np.ndarray, pad_id: int) -> dict[str, np.ndarray]:
        """`ids`, `mask` and `labels` of a batch, the id that follows or -100 where that is no reply; int64, (rows, longest)."""
        ids, mask = self.tokens.pad(indices, pad_id)
        replies, _ = Tokens(self.is_reply.astype(np.int32), self.tokens.offsets, self.tokens.lost).pad(indices, 0)
        labels = np.full_like(ids, -100)
        labels[:, :-1] = np.where((mask[:, 1:] > 0) & (replies[:, 1:] > 0), ids[:, 1:], -100)
        return {"ids": ids, "mask": mask, "labels": labels}


class ChatTemplate:
    """What makes text of a dialogue, for one network.

    Args:
        tokenizer: of the network.
        name: `own` for the template that lies beside it, or one of `TEMPLATES`.

    Raises:
        ModelError: the network has no template of its own.
    """

    def __init__(self, tokenizer: TextTokenizer, name: str) -> None:
        self.tokenizer = tokenizer
        self.name = name
        own = tokenizer.chat_template
        if name == OWN and own is None:
            raise ModelError(
                f"{tokenizer.folder} has no chat template ({CHAT_TEMPLATE}); name one with --template {'|'.join(TEMPLATES)}"
            )
        self.source = own if name == OWN and own is not None else TEMPLATES[name]

    def render(self, dialogue: Dialogue, *, prompt: bool = False) -> str:
        """The text of a dialogue; with `prompt` up to where the assistant's next turn begins.

        Raises:
            DataError: the template refuses the dialogue, in its own words.
        """
        from transformers.utils.chat_template_utils import render_jinja_template

        try:
            options: dict[str, Any] = {
                "chat_template": self.source,
                "add_generation_prompt": prompt,
                **self.tokenizer.marks,
            }
            found: Any = render_jinja_template([messages_of(dialogue)], **options)
        except Exception as error:  # whatever the code of the template raises
            said = " ".join(str(error).split())[:MOST_SAID] or type(error).__name__
            raise DataError(f"the chat template refuses it: {said}") from None
        return str((found[0] if isinstance(found, tuple) else found)[0])

    def replies(self, dialogue: Dialogue) -> Rendered:
        """The text of a dialogue, and where in it the assistant's turns stand, each with what ends it.

        A turn is what the text up to its end has more than the text that asks for it: templates as they come do not mark it.

        Raises:
            DataError: as `render`; the template writes earlier turns another way once others follow.
        """
        whole, places = self.render(dialogue), list[tuple[int, int]]()
        for at, turn in enumerate(dialogue):
            if turn.role != "assistant":
                continue
            before, after = self.render(dialogue[:at], prompt=True) if at else "", self.render(dialogue[: at + 1])
            if not after.startswith(before) or not whole.startswith(after.rstrip()):
                raise DataError("the chat template writes earlier turns another way once others follow")
            said = after[len(before) :]
            places.append((len(before), len(before) + (len(said.rstrip()) or len(said))))
        return Rendered(whole, tuple(places))

    def rows(self, dialogues: Sequence[Dialogue], where: Callable[[int], str]) -> ChatRows:
        """Dialogues as token ids; of one that is too long the oldest turns are left out whole, but for what the system says.

        Args:
            dialogues: with a turn of the assistant each.
            where: what to call the dialogue of a number in messages.

        Raises:
            DataError: as `replies`.
        """
        writer, marked = TokenWriter(), list[np.ndarray]()
        sizes, gone = np.zeros(len(dialogues), dtype=np.int64), np.zeros(len(dialogues), dtype=np.int64)
        for row, dialogue in enumerate(dialogues):
            try:
                ids, is_reply, lost, kept = self._fitted(dialogue)
            except DataError as error:
                raise DataError(f"{where(row)}: {error}") from None
            writer.add_rows([ids], [lost])
            marked.append(is_reply)
            gone[row] = len(dialogue) - len(kept)
            sizes[row] = sum(len(turn.text.encode()) for turn in kept if turn.role == "assistant")
        tokens = writer.tokens()
        self.tokenizer.refuse_foreign(tokens.flat)
        return ChatRows(tokens, np.concatenate(marked) if marked else np.zeros(0, dtype=bool), sizes, gone)

    def _fitted(self, dialogue: Dialogue) -> tuple[list[int], np.ndarray, int, Dialogue]:
        """Ids, which of them are replies, tokens that were left out, and the turns that are left."""
        whole, kept = 0, dialogue
        while True:
            ids, is_reply = self._encoded(kept)
            whole = whole or len(ids)
            shorter = without_oldest(kept)
            if len(ids) <= self.tokenizer.max_length or shorter is None:
                break
            kept = shorter
        over = max(len(ids) - self.tokenizer.max_length, 0)
        return ids[over:], is_reply[over:], whole - len(ids) + over, kept

    def _encoded(self, dialogue: Dialogue) -> tuple[list[int], np.ndarray]:
        rendered = self.replies(dialogue)
        found = self.tokenizer.whole(rendered.text)
        starts, ends = np.array(found.offsets, dtype=np.int64).reshape(-1, 2).T
        is_reply = np.zeros(len(starts), dtype=bool)
        for begin, end in rendered.replies:
            is_reply |= (starts >= begin) & (ends <= end) & (ends > begin)
        return list(found.ids), is_reply

    def prompt(self, dialogue: Dialogue, room: int) -> tuple[list[int], int]:
        """Ids that ask for the assistant's next turn, and how many tokens of older turns were left out.

        Args:
            dialogue: that does not end with the assistant.
            room: tokens at most.

        Raises:
            DataError: as `render`.
        """
        whole, kept = 0, dialogue
        while True:
            ids = list(self.tokenizer.whole(self.render(kept, prompt=True)).ids)
            whole = whole or len(ids)
            shorter = without_oldest(kept)
            if len(ids) <= room or shorter is None:
                break
            kept = shorter
        over = max(len(ids) - room, 0)
        return ids[over:], whole - len(ids) + over


def without_oldest(dialogue: Dialogue) -> Dialogue | None:
    """A dialogue without its oldest turn, up to the next one of the user, what the system says kept; None where nothing can go."""
    first = 1 if dialogue and dialogue[0].role == "system" else 0
    following = [at for at in range(first + 1, len(dialogue)) if dialogue[at].role == "user"]
    last = following[0] if following else None
    has_reply = last is not None and any(turn.role == "assistant" for turn in dialogue[last:])
    was_asked = bool(dialogue) and dialogue[-1].role != "assistant"
    return (*dialogue[:first], *dialogue[last:]) if last is not None and (has_reply or was_asked) else None


def template_for(tokenizer: TextTokenizer, name: str | None) -> ChatTemplate:
    """The template of a name; by default the network's own, or the plain one where it has none."""
    return ChatTemplate(tokenizer, name or (OWN if tokenizer.chat_template is not None else PLAIN))
