"""Plain data that several layers pass around; no behaviour beyond its own invariants."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from headstart.unseen import escape


class Record(NamedTuple):
    """One row of a file as it stands there."""

    line: int
    """Line on which the row begins, counted from 1; for Parquet the row number, counted from 1."""
    values: tuple[str | None, ...]
    """One value per column, in column order; None only where the format can say "nothing" (JSON null, Parquet null)."""


class Json(str):
    """JSON text of a list or an object, told apart from a text that looks like it: formats that can hold lists write one."""

    __slots__ = ()


@dataclass(frozen=True)
class Dropped:
    """One row that was not used, and why."""

    file: str
    line: int
    reason: str

    def plain(self) -> dict[str, Any]:
        """For JSON."""
        return {"file": self.file, "line": self.line, "reason": self.reason}


@dataclass
class Sheet:
    """A file that a reader has opened: its columns, and its rows as they stream by."""

    columns: tuple[str, ...]
    records: Iterator[Record | Dropped]
    """Every row of the file once, in order: usable or dropped, never silently missing."""
    format: dict[str, str] = field(default_factory=dict)
    """What was detected: encoding, delimiter, compression; shown to the user."""
    remarks: tuple[str, ...] = ()
    """What is odd about the file, though it can be read, in sentences."""
    doubt: str = ""
    """Why the columns may not be called what they are said to be: the first line looks like a row."""


@dataclass(frozen=True)
class Score:
    """A measured value with its 95 % interval and the number of rows behind it."""

    value: float
    low: float
    high: float
    n: int

    def plain(self) -> dict[str, float | int]:
        """The mapping that `--json` prints."""
        return {"value": self.value, "low": self.low, "high": self.high, "n": self.n}


Scores = Mapping[str, Score]


class Prediction(Protocol):
    """What a model says of one input, in words."""

    @property
    def score(self) -> float | None:
        """How sure it is, in [0, 1]; None where the task knows no such number."""

    @property
    def truncated(self) -> bool:
        """True where the text was longer than the length limit, so its end was not read."""
        ...

    def plain(self) -> dict[str, object]:
        """The mapping that `predict --json` prints."""
        ...

    def cells(self, *, abstained: bool = False) -> list[str]:
        """Values for the columns of a file, in the order of `Task.columns`."""
        ...


MOST_PROBABILITIES = 20
"""Labels up to which every probability gets a column of its own."""
_NO_NAME = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]|\s+$")
"""Control characters, and blanks at the end, which a header loses."""


def probability_columns(labels: Sequence[str]) -> list[str]:
    """Names of the columns of probabilities, where labels are few; escapes stand for what no name of a column can hold."""
    names: list[str] = []
    for label in labels if len(labels) <= MOST_PROBABILITIES else ():
        name = _NO_NAME.sub(escape, f"p_{label}")
        while name in names:
            name += "_"
        names.append(name)
    return names


@dataclass(frozen=True)
class LabelPrediction:
    """What a classifier says of one text."""

    label: str
    score: float
    """Calibrated probability of `label`, in [0, 1]."""
    probabilities: Mapping[str, float]
    truncated: bool
    """True where the text was longer than the length limit, so its end was not read."""
    set: tuple[str, ...] | None = None
    """Labels that the text may have, the most probable first; None where no sets were asked for."""
    in_scope: float | None = None
    """Share of rows in scope that are as strange, in (0, 1]; None where nobody asked."""
    refused: bool = False
    """Whether the text is out of scope: files and JSON have no label then."""

    def plain(self) -> dict[str, object]:
        """The mapping that `predict --json` prints."""
        found: dict[str, object] = {
            "label": None if self.refused else self.label,
            "score": self.score,
            "probabilities": dict(self.probabilities),
            "truncated": self.truncated,
        }
        found |= {} if self.set is None else {"set": [*self.set]}
        return found if self.in_scope is None else found | {"in_scope": self.in_scope}

    def cells(self, *, abstained: bool = False) -> list[str]:
        """Label (empty where the model abstains), score, whether the text was cut, and probabilities where labels are few."""
        shares = self.probabilities.values() if len(self.probabilities) <= MOST_PROBABILITIES else ()
        label = "" if abstained or self.refused else self.label
        inside = [] if self.in_scope is None else [f"{self.in_scope:.6f}"]
        sets = [] if self.set is None else [Json(json.dumps(self.set, ensure_ascii=False))]
        return [
            label,
            f"{self.score:.6f}",
            str(self.truncated).lower(),
            *(f"{share:.6f}" for share in shares),
            *sets,
            *inside,
        ]


@dataclass(frozen=True)
class Entity:
    """A span that was found."""

    start: int
    """Place of its first character in the text."""
    end: int
    """Place behind its last one."""
    type: str
    text: str
    score: float
    """Calibrated probability of its least certain tag, in [0, 1]."""


@dataclass(frozen=True)
class Tagged:
    """What a model says of one sentence."""

    words: tuple[str, ...]
    tags: tuple[str, ...]
    """The tag of each word, in the scheme IOB2."""
    entities: tuple[Entity, ...]
    truncated: bool
    """True where subword tokens of a word longer than a whole window were not read."""

    @property
    def score(self) -> None:
        """There is no one answer to be sure of."""
        return

    def plain(self) -> dict[str, object]:
        """The mapping that `predict --json` prints."""
        return {
            "entities": [dict(each.__dict__) for each in self.entities],
            "words": list(self.words),
            "tags": list(self.tags),
            "truncated": self.truncated,
        }

    def cells(self, *, abstained: bool = False) -> list[str]:
        """Tags as a JSON list, entities as a JSON list of objects."""
        return [
            Json(json.dumps(self.tags, ensure_ascii=False)),
            Json(json.dumps([each.__dict__ for each in self.entities], ensure_ascii=False)),
        ]


class FoundAnswer(NamedTuple):
    """A span of a context that may answer a question."""

    text: str
    start: int
    """Place of its first character in the context."""
    end: int
    """Place behind its last one."""
    score: float
    """Calibrated probability that it is the answer, in [0, 1]."""


@dataclass(frozen=True)
class AnswerPrediction:
    """What a model says to one question about a text."""

    spans: tuple[FoundAnswer, ...]
    """The likeliest answers that do not overlap, the best first; at least one."""
    no_answer: float
    """Calibrated probability that the text has no answer, in [0, 1]; 0 where the model never says so."""
    refused: bool
    """Whether "no answer" is what it says."""
    truncated: bool
    """True where the question was longer than what is read of one."""

    @property
    def answer(self) -> str:
        """The answer; empty where it says that there is none."""
        return "" if self.refused else self.spans[0].text

    @property
    def start(self) -> int | None:
        """Place of the answer's first character in the context; None where there is none."""
        return None if self.refused else self.spans[0].start

    @property
    def end(self) -> int | None:
        """Place behind the answer's last character; None where there is none."""
        return None if self.refused else self.spans[0].end

    @property
    def score(self) -> float:
        """Calibrated probability of what it says, in [0, 1]."""
        return self.no_answer if self.refused else self.spans[0].score

    def plain(self) -> dict[str, object]:
        """The mapping that `predict --json` prints."""
        return {
            "answer": self.answer,
            "score": self.score,
            "start": self.start,
            "end": self.end,
            "no_answer": self.no_answer,
            "others": [each._asdict() for each in self.spans[not self.refused :]],
            "truncated": self.truncated,
        }

    def cells(self, *, abstained: bool = False) -> list[str]:
        """Answer (empty where there is none or the model abstains), probability, place, probability of no answer, the cut."""
        start, end = ("" if place is None or abstained else str(place) for place in (self.start, self.end))
        answer = "" if abstained else self.answer
        return [answer, f"{self.score:.6f}", start, end, f"{self.no_answer:.6f}", str(self.truncated).lower()]


@dataclass(frozen=True)
class LabelSet:
    """What a model says of one text that may have any number of labels."""

    labels: tuple[str, ...]
    """Those whose probability reaches their threshold, in the order of the model's."""
    probabilities: Mapping[str, float]
    """Calibrated, of each label by itself, in [0, 1]."""
    truncated: bool
    """True where the text was longer than the length limit, so its end was not read."""
    separator: str = "json"
    """What parts labels in a cell; `json` for a list of texts, `space` for blanks, `newline` for line ends."""
    score: None = None

    def plain(self) -> dict[str, object]:
        """The mapping that `predict --json` prints."""
        return {
            "labels": list(self.labels),
            "probabilities": dict(self.probabilities),
            "truncated": self.truncated,
        }

    def cells(self, *, abstained: bool = False) -> list[str]:
        """Labels as the training file had them, whether the text was cut, and probabilities where labels are few."""
        shares = self.probabilities.values() if len(self.probabilities) <= MOST_PROBABILITIES else ()
        said = (
            json.dumps(self.labels, ensure_ascii=False)
            if self.separator == "json"
            else {"space": " ", "newline": "\n"}.get(self.separator, self.separator).join(self.labels)
        )
        return [said, str(self.truncated).lower(), *(f"{share:.6f}" for share in shares)]


@dataclass(frozen=True)
class Number:
    """A number that a model says of one input."""

    value: float
    """In the unit of the training file."""
    truncated: bool
    """True where the text was longer than the length limit, so its end was not read."""
    score: None = None

    def plain(self) -> dict[str, object]:
        """The mapping that `predict --json` prints."""
        return {"value": self.value, "truncated": self.truncated}

    def cells(self, *, abstained: bool = False) -> list[str]:
        """The number, and whether the text was cut."""
        return [f"{self.value:.6g}", str(self.truncated).lower()]


@dataclass(frozen=True)
class Unanswered:
    """What is said of an input without text: nothing; `label`, `value` or whatever else the task gives is None."""

    nothing: Mapping[str, object]
    """The mapping that `predict --json` prints of a row without text."""
    score: None = None
    truncated: bool = False

    def __getattr__(self, name: str) -> None:
        """None for what the predictions of the task have.

        Raises:
            AttributeError: they have nothing of that name.
        """
        if name.startswith("_") or name not in self.nothing:
            raise AttributeError(f"a prediction has no attribute '{name}'")

    def plain(self) -> dict[str, object]:
        """The mapping that `predict --json` prints."""
        return dict(self.nothing)

    def cells(self, *, abstained: bool = False) -> list[str]:
        """Empty ones, an attribute each."""
        return [""] * len(self.nothing)
