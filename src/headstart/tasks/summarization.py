"""Summaries: a short text that says what a long one says."""

from __future__ import annotations

from typing import ClassVar

from headstart.tasks.text_writing import TextWriting


class Summarization(TextWriting):
    """A short text that says what a long one says.

    Needs: `generate`; or `encode` of an encoder that a decoder is put beside.
    Inputs: one or more text columns; a column with the summary.
    Loss: as of `text-to-text`.
    See also: `text-to-text`, which it is, judged by ROUGE.

    Example:
        headstart fit examples/phrases/train.csv --task summarization --text en --reference short --strategy copy-source
    """

    name: ClassVar[str] = "summarization"
    hub: ClassVar[str] = "summarization"
    metrics: ClassVar[tuple[str, ...]] = ("rouge_l", "rouge_1", "rouge_2", "chrf")

    @property
    def may_copy(self) -> bool:
        """Whether a text that repeats its input may be right: one that is short already may."""
        return True
