"""Translation: what a text says, in another language."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from headstart.tasks.columns import first_named
from headstart.tasks.text_writing import TextWriting

CHARACTERS = frozenset({"ja", "ko", "th", "lo", "my", "km"})
"""Languages whose words are not parted by blanks, and which sacrebleu has no cutter of its own for: BLEU counts characters."""


class Translation(TextWriting):
    """A text in another language.

    Needs: `generate`; or `encode` of an encoder that a decoder is put beside.
    Inputs: a text column in one language; a column in the other.
    Loss: as of `text-to-text`.
    See also: `text-to-text`, which it is, judged by BLEU; its controls `lexicon` and `nearest-sentence`.

    Example:
        headstart fit examples/phrases/train.csv --task translation --source-language en --target-language de --strategy lexicon
    """

    name: ClassVar[str] = "translation"
    hub: ClassVar[str] = "translation"
    metrics: ClassVar[tuple[str, ...]] = ("bleu", "chrf")

    source_language: str | None = None
    """Code of the language that is read, such as `en`; the name of its column, too, where a file has one that is called so."""
    target_language: str | None = None
    """Code of the language that is written, such as `de`; likewise."""

    @property
    def tokenize(self) -> str:
        """By the language that is written."""
        code = (self.target_language or "").lower().replace("_", "-").split("-")[0]
        return "zh" if code in ("zh", "cmn", "yue") else "char" if code in CHARACTERS else "13a"

    @property
    def may_copy(self) -> bool:
        """Whether a text that repeats its input may be right: no, but for names and numbers."""
        return False

    def _sides(self, names: Sequence[str]) -> tuple[str, str] | None:
        codes = (self.source_language, self.target_language)
        found = [first_named(names, (code,)) if code else None for code in codes]
        if any(found):
            left = [name for name in names if name not in found]
            source, target = (each or (left[0] if left else None) for each in found)
            if source and target:
                return source, target
        return super()._sides(names)
