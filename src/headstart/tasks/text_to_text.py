"""Text to text: a text in free words for each text."""

from __future__ import annotations

from typing import ClassVar

from headstart.tasks.text_writing import TextWriting


class TextToText(TextWriting):
    """A text for each text: an answer in free words, a correction, a rewriting, a headline.

    Several columns of references may be named; the first is learnt from, all count in scores.

    Needs: `generate`; or `encode` of an encoder that a decoder is put beside.
    Inputs: one or more text columns, joined by a blank; a column with the text that is to be written.
    Loss: the negative log-probability of each word of the reference, in nats; results are compared by 1 - chrF.
    See also: `translation` and `summarization`, which are such tasks; `question-answering`, whose answers stand in a text.

    Example:
        headstart fit examples/phrases/train.csv --task text-to-text --text en --reference de --strategy nearest-sentence
    """

    name: ClassVar[str] = "text-to-text"
    hub: ClassVar[str] = "text2text-generation"
    metrics: ClassVar[tuple[str, ...]] = ("chrf", "bleu", "rouge_l")

    @property
    def may_copy(self) -> bool:
        """Whether a text that repeats its input may be right: a correction may."""
        return True
