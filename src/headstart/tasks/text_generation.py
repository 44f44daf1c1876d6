"""Open generation: a decoder goes on with a text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from pydantic import Field

from headstart.data.outputs import Generated
from headstart.tasks.text_writing import TextWriting
from headstart.tasks.written_texts import WrittenText, doubts_of
from headstart.writing.decoding import MOST_TEXTS, Decoding, DecodingOptions

CONTINUED = 128
"""Tokens that a text is gone on with at most where nothing else is said."""


class TextGeneration(TextWriting):
    """What comes next in a text, by a decoder as it is (Radford et al. 2019, section 3).

    No rows are learnt from: it is what `predict` does with a network that is no run on labelled rows, such as one of `pretrain`.

    Needs: `generate` of a decoder.
    Inputs: a text column.
    Loss: none; nothing is trained.
    See also: `dialogue`, which learns what is said next; `text-to-text`.
    """

    name: ClassVar[str] = "text-generation"
    hub: ClassVar[str] = "text-generation"
    needs: ClassVar[frozenset[str]] = frozenset({"generate"})
    target_kind: ClassVar[str] = "continuation"
    metrics: ClassVar[tuple[str, ...]] = ("chrf",)

    beams: int = Field(default=1, ge=1, le=64)
    """Texts that are followed at the same time, in [1, 64]; 1 takes the likeliest word every time."""
    sampling_temperature: float = Field(default=0.8, ge=0, le=10)
    """Over 0 words are drawn by chance, by probabilities to the power of 1 / temperature; 0 searches; in [0, 10]."""
    top_p: float = Field(default=0.95, gt=0, le=1)
    """Draw among the likeliest words that have this probability together (Holtzman et al. 2020, section 3.1), in (0, 1]."""

    @property
    def may_copy(self) -> bool:
        """Whether a text that repeats its input may be right: whatever comes next may be."""
        return True

    def predictions(self, outputs: Generated, inputs: Sequence[Any]) -> list[WrittenText]:
        """What comes next in each text; that it is long, or goes on, is nothing to doubt."""
        rows = zip(outputs.texts, outputs.scores, outputs.truncated, strict=True)
        return [
            WrittenText(
                texts, tuple(map(float, scores[: len(texts)])), bool(cut), doubts_of("", texts[0], ended=True, may_copy=True)
            )
            for texts, scores, cut in rows
        ]  # fmt: skip

    @property
    def decoding(self) -> Decoding:
        """How texts are gone on with: for so many tokens, however long they are."""
        options = {key: getattr(self, key) for key in DecodingOptions.model_fields}
        best = min(self.best, MOST_TEXTS)
        length = self.max_new_tokens or CONTINUED
        return Decoding(**options | {"best": best, "beams": max(self.beams, best), "max_new_tokens": length})
