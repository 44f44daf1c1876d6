"""Prompts as the texts that a network reads: as they stand, or as conversations by the network's own chat template."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cached_property
from typing import Any

from headstart.backbones.chat import OWN, ChatTemplate
from headstart.backbones.tokenizing import TextTokenizer
from headstart.data.dialogues import Turn, messages_of
from headstart.data.prompts import END, Prompt, Shot

_ANSWER = "ANSWER"
"""Stands for an answer where it is looked up what a template writes around one."""


class RenderedPrompt:
    """A prompt for one network.

    Args:
        prompt: what is asked.
        tokenizer: of the network.

    Raises:
        ModelError: it is to be a conversation, and the network has no chat template.
    """

    def __init__(self, prompt: Prompt, tokenizer: TextTokenizer) -> None:
        self.prompt, self.tokenizer = prompt, tokenizer
        self.template = ChatTemplate(tokenizer, OWN) if prompt.chat else None

    @property
    def start(self) -> tuple[int, ...]:
        """Ids in front of the text: what begins every text, or none where the template writes that itself."""
        return tuple(self.tokenizer.before) if self.template is None else ()

    def whole(self, given: Any, shots: Sequence[Shot] = ()) -> str:
        """All that stands in front of an answer; a conversation up to where the assistant's turn begins.

        Raises:
            DataError: the chat template refuses the conversation, in its own words.
        """
        if self.template is None:
            return self.prompt.whole(given, shots)
        return self.template.render(self.prompt.dialogue(given, shots), prompt=True)

    @cached_property
    def answers(self) -> tuple[str, ...]:
        """What may follow, one for each label: see `Prompt.answers`; in a conversation what a turn of the assistant begins with.

        Raises:
            DataError: the chat template writes turns of the assistant so that they cannot be told apart.
        """
        if self.template is None:
            return self.prompt.answers
        turns = (Turn("user", _ANSWER.lower()), Turn("assistant", _ANSWER))
        rendered = self.template.replies(turns)
        [(begin, end)] = rendered.replies
        lead, _, close = rendered.text[begin:end].rpartition(_ANSWER)
        return self.prompt.between(lead, close or END)

    @property
    def lead(self) -> str:
        """What stands between the prompt and an answer."""
        return self.answers[0].partition(self.prompt.words[0])[0]

    def usage(self, given: Any, shots: Sequence[Shot]) -> tuple[str, str]:
        """Python that makes `asked`, and what `tokenizer` is told beside a text, for cards."""
        if self.template is None:
            before = self.prompt.whole(given, shots)
            front = before[: before.rfind(self.prompt.row(given))]
            return f"asked = {_quoted(front)} + {_quoted(self.prompt.row(given))}", ""
        messages = _quoted(messages_of(self.prompt.dialogue(given, shots)))
        rendered = "tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)"
        return f"messages = {messages}\nasked = {rendered}", ", add_special_tokens=False"


def _quoted(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
