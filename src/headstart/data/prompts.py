"""Prompts as data: a template that a text is put into, an instruction before it, and examples with their answers."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from headstart.data.dialogues import Dialogue, Turn
from headstart.errors import DataError, quoted
from headstart.registry import did_you_mean

TEXT, FIRST, SECOND, LABELS, LABEL = "text", "first", "second", "labels", "label"
_FIELD = re.compile(r"\{(\w+)\}")
BETWEEN = "\n\n"
"""What parts of a prompt are divided by."""
END = "\n"
"""Ends an answer where one is the beginning of another."""
NOTHING = ("N/A", "[MASK]", "")
"""Texts without content, whose answers show what a network prefers before it reads (Zhao et al. 2021, section 5)."""
USUAL: Mapping[bool, tuple[str, ...]] = {
    False: (
        "{text}\nIn one word:",
        "{text}\nThis is about:",
        "Review: {text}\nSentiment:",
        "{text}\nCategory:",
        "Text: {text}\nThe text is",
    ),
    True: (
        "{first}\n{second}\nIn one word:",
        "Text 1: {first}\nText 2: {second}\nQuestion: {labels}?\nAnswer:",
    ),
}
"""Templates that are tried where none is named, of one text and of two; the first is the one to use where nothing can be tried."""
NUMBERED: Mapping[bool, tuple[str, ...]] = {
    False: ("{text}\nScore:", "{text}\nRating ({labels}):", "Review: {text}\nStars:"),
    True: (
        "{first}\n{second}\nSimilarity ({labels}):",
        "Text 1: {first}\nText 2: {second}\nHow similar are they, {labels}?\nAnswer:",
    ),
}
"""The same where numbers are asked for."""
ANSWERED = "{second}\nQuestion: {first}\nAnswer:"
"""Template by which a question about a text is asked."""
UNANSWERABLE = "unanswerable"
"""What is written where a text does not answer a question."""
SPANNED: Mapping[bool, str] = {
    False: "Text: {text}\nName of a {label} in the text, or none:",
    True: "{text}\nQuestion: Which {label} is named in the text?\nAnswer:",
}
"""Template by which words of a type (`{label}`) are asked for, as it stands and in a conversation."""
NO_SPAN = "none"
"""What is written where a text has no words of a type."""
USUAL_TYPES: Mapping[str, str] = {
    "PER": "person", "LOC": "location", "ORG": "organization", "GPE": "country, city or state", "FAC": "building",
}  # fmt: skip
"""Words of types that files call by usual abbreviations."""
MOST_WHOLE, MOST_STEPS = 20, 10
"""Range that whole numbers are the words of; steps from the lowest to the highest number else."""


class Shot(NamedTuple):
    """An example in a prompt."""

    input: Any
    """A text, or a pair of texts."""
    label: int
    """Number of its label."""


@dataclass(frozen=True)
class Prompt:
    """What a network is asked about a text, and the words that stand for labels."""

    template: str
    """With `{text}`, or `{first}` and `{second}` of two texts; `{labels}` stands for the words of all labels."""
    words: tuple[str, ...]
    """What is to be written for each label, in the order of the outputs."""
    instruction: str = ""
    """In front of all; it may hold `{labels}`, too."""
    chat: bool = False
    """Whether it is a conversation: the system says the instruction, a user the texts, the assistant the answers."""

    @property
    def answers(self) -> tuple[str, ...]:
        """What may follow the prompt, one for each label: its words behind a blank, with an end where one begins another."""
        return self.between(" ", END)

    def between(self, lead: str, close: str) -> tuple[str, ...]:
        """The words of each label behind `lead` and, where those of one begin those of another, with `close` behind them."""
        begins = any(one != other and other.startswith(one) for one in self.words for other in self.words)
        return tuple(f"{lead}{word}{close if begins else ''}" for word in self.words)

    def row(self, given: Any) -> str:
        """The template with a text, or a pair of texts, in it."""
        one, two = (given, "") if isinstance(given, str) else given
        values = {TEXT: one, FIRST: one, SECOND: two, LABELS: self.listed}
        return _FIELD.sub(lambda found: values.get(found[1], found[0]), self.template)

    def whole(self, given: Any, shots: Sequence[Shot] = ()) -> str:
        """All that stands in front of an answer: the instruction, examples with their answers, the text."""
        parts = [self.instructed] if self.instruction else []
        parts += [f"{self.row(shot.input)} {self.words[shot.label]}" for shot in shots]
        return BETWEEN.join([*parts, self.row(given)])

    def dialogue(self, given: Any, shots: Sequence[Shot] = ()) -> Dialogue:
        """The prompt as a conversation in which the assistant is to answer."""
        turns = [Turn("system", self.instructed)] if self.instruction else []
        for shot in shots:
            turns += [Turn("user", self.row(shot.input)), Turn("assistant", self.words[shot.label])]
        return (*turns, Turn("user", self.row(given)))

    @property
    def instructed(self) -> str:
        """The instruction with the words of all labels in it."""
        return self.instruction.replace(f"{{{LABELS}}}", self.listed)

    @property
    def listed(self) -> str:
        """The words of all labels, as in "good, bad or neutral"."""
        return " or ".join(each for each in (", ".join(self.words[:-1]), self.words[-1]) if each)

    def plain(self) -> dict[str, Any]:
        """Itself as a mapping for JSON."""
        return {
            "template": self.template,
            "words": list(self.words),
            "instruction": self.instruction,
            "chat": self.chat,
        }


def bare(prompt: Prompt) -> Prompt:
    """The last line of a prompt alone, without text, instruction and examples (the domain premise of Holtzman et al. 2021)."""
    last = prompt.template.rpartition("\n")[2]
    return Prompt("" if _FIELD.search(last) else last, prompt.words, chat=prompt.chat)


def number_words(values: Sequence[float]) -> tuple[tuple[str, ...], tuple[float, ...]]:
    """Words for numbers to choose between, from the lowest to the highest that is known, and what they stand for.

    These are whole numbers where there are four to twenty-one of them, else numbers in steps of 1, 2 or 5 times a power of ten,
    the smallest with which there are at most eleven or twelve.

    Args:
        values: numbers, two different ones at least.
    """
    low, high = float(min(values)), float(max(values))
    step = 1.0
    if not 3 <= high - low <= MOST_WHOLE:
        rough = (high - low) / MOST_STEPS
        power = 10.0 ** math.floor(math.log10(rough))
        step = next(each for each in (power, 2 * power, 5 * power, 10 * power) if each >= rough * (1 - 1e-9))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    found = [float(f"{at * step:.12g}") for at in range(first, last + 1)]
    return tuple(f"{each:.12g}" for each in found), tuple(found)


def template_fault(template: str, *, pairs: bool = False, typed: bool = False) -> str:
    """What is wrong with a template, as a sentence without a full stop; empty where nothing is.

    Args:
        template: see `Prompt`.
        pairs: whether it is about two texts.
        typed: whether it asks for words of a type (`{label}`), so that there are no labels to list.
    """
    needed = {FIRST, SECOND} if pairs else {TEXT, LABEL} if typed else {TEXT}
    fields = {*_FIELD.findall(template)}
    known = sorted(needed if typed else needed | {LABELS})
    if lacking := sorted(needed - fields):
        where = {TEXT: "the text is", LABEL: "the words of a type are"}.get(lacking[0], "one of the two texts is")
        return f"the template has no {{{lacking[0]}}}, where {where} to stand"
    if odd := sorted(fields - {*known}):
        listed = ", ".join(f"{{{name}}}" for name in known)
        return f"the template has {{{odd[0]}}}{did_you_mean(odd[0], known)}, which means nothing (known: {listed})"
    return "the template ends with a blank, which answers begin with" if template.endswith((" ", "\t")) else ""


def usual_words(types: Sequence[str]) -> dict[str, str]:
    """Words of those types of spans that are usual abbreviations, such as PER."""
    return {name: USUAL_TYPES[name.upper()] for name in types if name.upper() in USUAL_TYPES}


def verbalized(labels: Sequence[str], given: Mapping[str, str] | None, *, what: str = "verbalizer") -> tuple[str, ...]:
    """The words that stand for labels: those given, else the labels' names without underscores.

    Args:
        labels: in the order of the outputs.
        given: words by label, for some of them or all.
        what: name of the key that they were given under.

    Raises:
        DataError: words of a label that is not there, none at all, or the same for two.
    """
    known = dict(given or {})
    if strange := [label for label in known if label not in labels]:
        hint = f"{did_you_mean(strange[0], [*labels])} (labels: {', '.join(labels[:20])})"
        raise DataError(f"{what}: there is no label {quoted(strange[0])}{hint}")
    found = tuple(" ".join(known.get(label, label.replace("_", " ")).split()) for label in labels)
    if empty := [label for label, words in zip(labels, found, strict=True) if not words]:
        raise DataError(f"{what}: the label {quoted(empty[0])} has no words that could be written")
    seen: dict[str, str] = {}
    for label, words in zip(labels, found, strict=True):
        if words in seen:
            raise DataError(
                f"{what}: the labels {quoted(seen[words])} and {quoted(label)} have the same words, {quoted(words)}"
            )
        seen[words] = label
    return found
