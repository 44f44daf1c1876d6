"""Sentences made of templates whose label is known, such as negations (minimum functionality tests: Ribeiro et al. 2020)."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import yaml
from pydantic import Field

from headstart.config import InputPath
from headstart.data.files import require_file
from headstart.data.graphemes import is_blank
from headstart.drawing.text import counted, shortened, shown
from headstart.errors import DataError, quoted
from headstart.evaluation.measurements.asked_again import AskedAgain, given_file, single_texts
from headstart.evaluation.subjects import Subject
from headstart.metrics.intervals import proportion
from headstart.registry import did_you_mean
from headstart.tasks.base import Task

SLOT = re.compile(r"\{(\w+)\}")
OWN = ("text", "label")
"""Keys of a test beside those of its slots."""
SHAPE = "expected tests by name, such as {negation: {text: 'The {thing} is not good.', thing: [film, plot], label: negative}}"
MOST_WRONG = 5
"""Sentences with a wrong label that are kept of each test."""


@dataclass(frozen=True)
class Templated:
    """A test: sentences of one label.

    Args:
        name: of the test.
        texts: templates, each with a slot in braces at least.
        fillers: words by slot.
        label: that all sentences have.
    """

    name: str
    texts: tuple[str, ...]
    fillers: Mapping[str, tuple[str, ...]]
    label: str

    def sentences(self, most: int, seed: int) -> list[str]:
        """All sentences, or a sample by the seed where there could be more."""
        found: list[str] = []
        for text in self.texts:
            slots = list(dict.fromkeys(SLOT.findall(text)))
            total = int(np.prod([len(self.fillers[slot]) for slot in slots], dtype=float))
            ways: Any = itertools.product(*(self.fillers[slot] for slot in slots))
            if total > most:
                random = np.random.default_rng([seed, 0xA8])
                ways = [
                    [self.fillers[slot][int(random.integers(len(self.fillers[slot])))] for slot in slots]
                    for _ in range(most)
                ]
            for words in ways:
                filled = dict(zip(slots, words, strict=True))
                found.append(SLOT.sub(lambda match, filled=filled: filled[match.group(1)], text))
        return [text for text in dict.fromkeys(found) if not is_blank(text)]


class TemplateTests(AskedAgain):
    """How often sentences made of templates get the label that they should have."""

    name: ClassVar[str] = "templates"
    title: ClassVar[str] = "Templates"
    makes_texts: ClassVar[bool] = True

    tests: InputPath | None = None
    """YAML or JSON file with tests by name: `text`, a template or several with slots in braces; the words of each slot; `label`."""
    most_sentences: int = Field(default=500, ge=1, le=100_000)
    """Sentences of a template at most, in [1, 100000]; a sample where there could be more."""

    seed: int = Field(default=0, ge=0, le=2**32 - 1)
    """Seed of what is drawn, in [0, 4294967295]."""

    def texts(self, rows: int) -> int:
        """All sentences."""
        return self._texts

    @cached_property
    def _texts(self) -> int:
        tests = read_templates(given_file(self.tests, "tests", self.name))
        return sum(len(each.sentences(self.most_sentences, self.seed)) for each in tests)

    def require(self) -> None:
        """Read the tests; raises as `read_templates` does."""
        read_templates(given_file(self.tests, "tests", self.name))

    def suit(self, task: Task[Any, Any]) -> None:
        """Read the tests of the labels of a task; raises as `read_templates` does."""
        read_templates(given_file(self.tests, "tests", self.name), task.label_names)

    def found(self, subject: Subject) -> tuple[dict[str, Any], Any]:
        """`tests`: of each the share of sentences with a wrong label, and some of these."""
        entries = []
        names = list(subject.task.label_names)
        path = given_file(self.tests, "tests", self.name)
        for test in read_templates(path, names):
            sentences = test.sentences(self.most_sentences, self.seed)
            said = single_texts(subject, path, sentences)
            right = said.given[:, names.index(test.label)]
            wrong = [
                {"text": shortened(sentences[at], 200), "given": said.names(subject, int(at))}
                for at in np.flatnonzero(~right)[:MOST_WRONG]
            ]
            failed = proportion(int((~right).sum()), len(right)).plain()
            entries.append(
                {"test": test.name, "label": test.label, "sentences": len(right), "failed": failed, "wrong": wrong}
            )
        return {"tests": entries}, None

    def sentences(self, plain: Mapping[str, Any], evidence: Mapping[str, Any]) -> list[str]:
        """How often each test fails."""
        others = {each["test"]: each for each in (plain.get("baseline") or {}).get("tests", ())}
        said = []
        for each in plain["tests"]:
            failed = f"{shown(each['failed'])} do not get '{each['label']}'"
            line = f"Of {counted(each['sentences'], 'sentence')} of '{each['test']}', {failed}"
            if other := others.get(each["test"]):
                line += f"; of {plain['baseline']['called']} {shown(other['failed'])}"
            said.append(f"{line}.")
        return said

    def view(self, plain: Mapping[str, Any], evidence: Mapping[str, Any]) -> dict[str, Any] | None:
        """A table of the tests, and one of sentences that fail."""
        other = plain.get("baseline") or {}
        heads = ["test", "label", "sentences|n", "wrong|n", *([f"wrong, {other['called']}|n"] if other else [])]
        rows = [[each["test"], each["label"], each["sentences"], shown(each["failed"])] for each in plain["tests"]]
        for row, each in zip(rows, other.get("tests", ()), strict=False):
            row.append(shown(each["failed"]))
        wrong = [[one["text"], each["label"], one["given"]] for each in plain["tests"] for one in each["wrong"]]
        tables = [{"caption": "Sentences of templates", "columns": heads, "rows": rows}]
        if wrong:
            tables.append({"caption": "Some that fail", "columns": ["sentence", "label", "given"], "rows": wrong})
        return {"tables": tables}

    def card(self, plain: Mapping[str, Any], evidence: Mapping[str, Any]) -> list[str]:
        """The sentences."""
        return [f"- {said}" for said in self.sentences(plain, evidence)]


def read_templates(path: str, labels: Sequence[str] | None = None) -> list[Templated]:
    """Tests from a file.

    Args:
        path: of a YAML or JSON file.
        labels: that the model knows; any label will do if None.

    Raises:
        MissingInputError: there is no such file.
        DataError: it is of another shape, a template has no slot, a slot no words, or a label is not known.
    """
    require_file(Path(path))
    try:
        given = yaml.safe_load(Path(path).read_text(encoding="utf-8-sig"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read: {' '.join(str(error).split())}") from None
    if not isinstance(given, dict) or not given:
        raise DataError(f"{path}: {SHAPE}")
    return [_test(str(name), each, labels, f"{path}: {name}") for name, each in given.items()]


def _test(name: str, given: Any, labels: Sequence[str] | None, where: str) -> Templated:
    if not isinstance(given, dict) or any(key not in given for key in OWN):
        raise DataError(f"{where}: {SHAPE}")
    texts = _words(given["text"], f"{where}: text")
    fillers = {str(key): _words(value, f"{where}: {key}") for key, value in given.items() if key not in OWN}
    for text in texts:
        slots = SLOT.findall(text)
        if not slots:
            raise DataError(
                f"{where}: the template {quoted(text)} has no slot, such as {{thing}}; evaluate such rows as a file"
            )
        if missing := next((slot for slot in slots if not fillers.get(slot)), None):
            raise DataError(f"{where}: the slot {{{missing}}} has no words; list them under '{missing}'")
    (label,) = _words([given["label"]], f"{where}: label")
    if labels is not None and label not in labels:
        known = ", ".join(labels[:20])
        raise DataError(
            f"{where}: the model has no label {quoted(label)}{did_you_mean(label, list(labels))} (labels: {known})"
        )
    test = Templated(name, texts, fillers, label)
    if not test.sentences(1, 0):
        raise DataError(f"{where}: what comes of its templates is blank")
    return test


def _words(given: Any, where: str) -> tuple[str, ...]:
    """A text or several.

    Raises:
        DataError: one is none; YAML takes bare words such as no, off and 5 for other things.
    """
    found = given if isinstance(given, list) else [given]
    if odd := [each for each in found if not isinstance(each, str)]:
        shown = {True: "yes, on or true", False: "no, off or false", None: "nothing or null"}
        what = shown[odd[0]] if isinstance(odd[0], bool | None) else quoted(str(odd[0]))
        raise DataError(f"{where}: {what} is no text as it stands there; put it in quotes, such as 'no'")
    return tuple(found)
