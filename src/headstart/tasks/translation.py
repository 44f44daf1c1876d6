"""Translation: what a text says, in another language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from pydantic import field_validator

from headstart.data.languages import language_of, require_language, same_language
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
    """Code of the language that is read, such as `en`, `eng` or `en-GB`; the name of its column, too, where a file has one that is
    called so."""
    target_language: str | None = None
    """Code of the language that is written, such as `de`; likewise."""

    @field_validator("source_language", "target_language")
    @classmethod
    def _a_language(cls, value: str | None) -> str | None:
        return value if value is None else require_language(value)

    @property
    def sides(self) -> Mapping[str, str]:
        """Language of each column; columns that were not named yet are called as their languages are."""
        columns = (self.text or (self.source_language,))[0], (self.reference or (self.target_language,))[0]
        languages = (self.source_language, self.target_language)
        known = {
            column: language or column
            for column, language in zip(columns, languages, strict=True)
            if column is not None
        }
        return known | {name: name for name in (*(self.text or ())[1:], *(self.reference or ())[1:])}

    @property
    def languages(self) -> tuple[str | None, str | None]:
        """Codes of both languages, where they were given."""
        return self.source_language, self.target_language

    @property
    def tokenize(self) -> str:
        """By the language that is written."""
        language = language_of(self.target_language or "")
        code = language.code if language else ""
        return "zh" if code in ("zh", "yue") else "char" if code in CHARACTERS else "13a"

    @property
    def may_copy(self) -> bool:
        """Whether a text that repeats its input may be right: no, but for names and numbers."""
        return False

    def _sides(self, names: Sequence[str]) -> tuple[str, str] | None:
        codes = (self.source_language, self.target_language)
        found = [_column(names, code) if code else None for code in codes]
        if any(found):
            left = [name for name in names if name not in found]
            source, target = (each or (left[0] if left else None) for each in found)
            if source and target:
                return source, target
        return super()._sides(names)


def _column(names: Sequence[str], code: str) -> str | None:
    """The column that is called as a language is, else the only one with another code of it."""
    exact = first_named(names, (code.casefold().replace("-", "_"),))
    found = [name for name in names if language_of(name) and same_language(name, code)]
    return exact or (found[0] if len(found) == 1 else None)
