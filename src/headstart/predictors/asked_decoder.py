"""What decoders have in common that may answer with words of a text alone: the network, the text that fits, the folder."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from headstart.backbones.location import ENCODE, GENERATE
from headstart.data.prompts import Shot
from headstart.data.words import Words
from headstart.errors import DataError
from headstart.heads import HEAD
from headstart.heads.model import Model
from headstart.heads.vocabulary import VocabularyHead
from headstart.predictors.answer_likelihoods import MOST_TOKENS, AnswerLikelihoods
from headstart.predictors.base import NETWORK_PATHS, Runtime, ScaledPredictor, digests
from headstart.predictors.causal import ends_of
from headstart.predictors.opening import reopened
from headstart.predictors.rendering import RenderedPrompt
from headstart.runtime.device import Device, settled
from headstart.runtime.finite import require_finite
from headstart.tasks.base import Task

PROMPT = "prompt.json"
"""The file of a prompt in an artifact."""
NEEDS = frozenset({ENCODE, GENERATE})


class AskedDecoder(ScaledPredictor):
    """A decoder that is asked about a text and may answer with words of it alone.

    Args:
        model: with a `VocabularyHead`; put into eval mode.
        task: bound.
        factor: what logits are multiplied by, so that probabilities are calibrated.
    """

    reads: ClassVar[tuple[str, ...]] = (*NETWORK_PATHS, PROMPT)
    runtime: ClassVar[Runtime] = "torch"
    listed: ClassVar[bool] = False
    """Whether an answer may be one of several with commas between them."""
    starts: ClassVar[int | None] = None
    """Words of a text that answers are followed from, the likeliest; as `AnswerLikelihoods` has it if None."""

    def __init__(self, model: Model, task: Task[Any, Any], factor: float) -> None:
        super().__init__(task)
        self.model = model.eval()
        self.backbone = model.backbone
        self.backbone.fast = False
        self.factor = factor
        self._reader: AnswerLikelihoods | None = None

    @property
    def reader(self) -> AnswerLikelihoods:
        """What scores answers, where the network is."""
        if self._reader is None:
            head: Any = self.model.heads[HEAD]
            tokenizer, device = self.backbone.tokenizer, self.backbone.device.type
            ends = ends_of(self.backbone)
            self._reader = AnswerLikelihoods(
                head, tokenizer, ends, listed=self.listed, starts=self.starts, device=device
            )
        return self._reader

    def asked(
        self, rendered: RenderedPrompt, words: Words, given: Callable[[str], Any], shots: Sequence[Shot]
    ) -> tuple[str, Words]:
        """A prompt with as much of a text as there is room for, and the words of that.

        Args:
            rendered: the prompt.
            words: of the text.
            given: what the prompt takes, made of the text or of its beginning.
            shots: examples in front.

        Raises:
            DataError: instruction and examples leave no room for a text, or the chat template refuses the conversation.
        """
        tokenizer = self.backbone.tokenizer
        room = tokenizer.max_length - len(rendered.start) - MOST_TOKENS
        count = len(words.words)
        while count > 0:
            text = words.text if count == len(words.words) else words.text[: _end(words, count)]
            asked = rendered.whole(given(text), shots)
            over = len(tokenizer.whole(asked).ids) - room
            if over <= 0:
                return asked, words._replace(words=words.words[:count], starts=words.starts[:count])
            count = min(count - 1, max(1, count * room // (room + over)))
        raise DataError(
            f"the prompt has over {room:,} tokens without the text, more than the network reads: give fewer shots or a shorter "
            "instruction, or raise --max-length if the backbone allows"
        )

    @property
    def language_model(self) -> Model:
        """The decoder with its head over words."""
        return self.model

    def place(self, device: Device) -> None:
        """Compute on a device from now on."""
        self.model.to(settled(device))
        self._reader = None

    @property
    def conditions(self) -> Mapping[str, Any]:
        """The prompt, which says what is asked."""
        return {"prompt": self._plain(), "factor": self.factor}

    @abstractmethod
    def _plain(self) -> dict[str, Any]:
        """The content of `prompt.json`."""

    def save(self, folder: Path) -> dict[str, Any]:
        """Write the network and its tokenizer as plain transformers loads them, and `prompt.json`."""
        require_finite(self.model.state_dict())
        head: Any = self.model.heads[HEAD]
        self.backbone.save(folder, head.whole)
        (folder / PROMPT).write_text(json.dumps(self._plain(), indent=1, ensure_ascii=True) + "\n", encoding="utf-8")
        return {"max_length": self.backbone.tokenizer.max_length, "factor": self.factor, "digests": digests(folder)}


def saved_decoder(folder: Path, max_length: int, description: Mapping[str, Any]) -> Model:
    """The network that `save` wrote, with its head over words.

    Args:
        folder: of the artifact.
        max_length: tokens of a text at most.
        description: what `save` returned.
    """
    backbone = reopened(folder, description, max_length, needs=NEEDS)
    return Model(backbone, {HEAD: VocabularyHead(backbone, "causal")})


def writing_code(asking: str, told: str) -> str:
    """Python that lets the network write an answer freely, for cards.

    Args:
        asking: lines that make `asked`.
        told: what the tokenizer is told beside a text.
    """
    return f"""# these lines write freely; headstart takes the likeliest words of the text in place of that
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

tokenizer, network = AutoTokenizer.from_pretrained("."), AutoModelForCausalLM.from_pretrained(".", dtype=torch.float32).eval()
{asking}
given = tokenizer(asked, return_tensors="pt"{told})
with torch.no_grad():
    said = network.generate(**given, max_new_tokens={MOST_TOKENS}, do_sample=False)[0, given["input_ids"].shape[1]:]
print(tokenizer.decode(said, skip_special_tokens=True).strip())"""


def _end(words: Words, count: int) -> int:
    """Place behind the last of the first words."""
    return words.starts[count - 1] + len(words.words[count - 1])
