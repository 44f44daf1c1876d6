"""What is said of the words of a text: how much each mattered for what a model says of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np

from headstart.errors import UsageError
from headstart.types import Json, Prediction

Method = Literal["occlusion", "integrated-gradients"]
"""How words are weighed: by what their absence changes (Zeiler & Fergus 2014, section 2.1; Li, Monroe & Jurafsky 2016), or by
gradients on the way from a text without words (Sundararajan, Taly & Yan 2017)."""
KINDS = ("label", "labels", "number")
"""What a task has to give for each text, so that its words can be weighed."""
SIDES = ("first", "second")
"""Names of the two texts of a pair."""


class WordPlace(NamedTuple):
    """Where a word stands."""

    side: int
    """0 for the first text of a pair or the only one, 1 for the second."""
    start: int
    """Place of its first character in the text."""
    end: int
    """Place behind its last one."""


@dataclass(frozen=True, eq=False)
class Explanation:
    """How much each word of an input mattered for what a model says of it.

    Args:
        method: how words were weighed.
        labels: what is explained: the predicted label, or all of several; empty where the model says a number.
        scores: what the model says of the words that it reads, one for each label: probabilities, or the number.
        texts: that the places are of, as the model was given them; two of a pair.
        places: of the words, those of the second text of a pair behind those of the first.
        weights: shape (labels or 1, words): how much larger the score is by each word, in the unit of the score. NaN where nothing
            is known: the word was not read, or nothing is left of its text without it.
        unread: words that lie beyond what the model reads.
        hidden_by: what stood in the place of words, such as `[MASK]`; None where they were left out.
        gaps: of integrated gradients, what the weights of all tokens sum to less the difference that they explain, one for each
            label; None for other methods.
    """

    method: Method
    labels: tuple[str, ...]
    scores: tuple[float, ...]
    texts: tuple[str, ...]
    places: tuple[WordPlace, ...]
    weights: np.ndarray
    unread: int = 0
    hidden_by: str | None = None
    gaps: tuple[float, ...] | None = None
    is_altered: bool = False
    """Whether the texts are not those that a user gave, since terms were masked: `plain` has them then."""

    @property
    def alone(self) -> int:
        """Words without which nothing is left of their text, so that nothing is known of them."""
        return int(np.isnan(self.weights[0]).sum()) - self.unread

    def words(self, label: str | None = None) -> list[tuple[str, float | None]]:
        """Each word with its weight, None where nothing is known.

        Args:
            label: one of those explained; the first by default.

        Raises:
            UsageError: it is not explained.
        """
        found = self._of(label)
        return [
            (self.texts[place.side][place.start : place.end], weight)
            for place, weight in zip(self.places, found, strict=True)
        ]

    def plain(self) -> dict[str, Any]:
        """`words` and `why`, the keys that `predict --json` adds.

        `words` is a list of [start, end, weight], weight null where nothing is known; of pairs a list for each side, where there
        are several labels one for each of them. `why` has the `method`, what it explains (`of`) with its `score`, what stood in the
        place of words (`hidden_by`), and how many words were not read (`unread`) or are a text by themselves (`alone`); where terms
        were masked also the text that places are of (`read`).
        """
        several = len(self.labels) > 1
        words = {label: self._listed(label) for label in self.labels} if several else self._listed(None)
        of: Any = [*self.labels] if several else next(iter(self.labels), None)
        why = {
            "method": self.method,
            "of": of,
            "score": [*self.scores] if several else self.scores[0],
            "hidden_by": self.hidden_by,
            "unread": self.unread,
            "alone": self.alone,
        }
        if self.is_altered:
            first, *others = self.texts
            why["read"] = [first, *others] if others else first
        if self.gaps is not None:
            why["gap"] = [*self.gaps] if several else self.gaps[0]
        return {"words": words, "why": why}

    def _of(self, label: str | None) -> list[float | None]:
        if label is not None and label not in self.labels:
            raise UsageError(f"'{label}' is not what was explained ({', '.join(self.labels) or 'a number'})")
        row = self.weights[0 if label is None else self.labels.index(label)]
        return [None if np.isnan(weight) else float(weight) for weight in row]

    def _listed(self, label: str | None) -> Any:
        sides: list[list[list[Any]]] = [[] for _ in self.texts]
        for place, weight in zip(self.places, self._of(label), strict=True):
            sides[place.side].append([place.start, place.end, weight])
        return sides[0] if len(sides) == 1 else dict(zip(SIDES, sides, strict=True))


@dataclass(frozen=True)
class Explained:
    """A prediction with the words that it hangs on; all else is that of the prediction."""

    prediction: Prediction
    why: Explanation

    @property
    def score(self) -> float | None:
        """As the prediction has it."""
        return self.prediction.score

    @property
    def truncated(self) -> bool:
        """As the prediction has it."""
        return self.prediction.truncated

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name == "prediction":
            raise AttributeError(name)
        return getattr(self.prediction, name)

    def plain(self) -> dict[str, object]:
        """The mapping that `predict --json` prints."""
        return {**self.prediction.plain(), **self.why.plain()}

    def cells(self, *, abstained: bool = False) -> list[str]:
        """Those of the prediction, and the words as JSON."""
        return [*self.prediction.cells(abstained=abstained), Json(json.dumps(self.why.plain()["words"]))]


def refuse_unexplained(task: Any) -> None:
    """Refuse a task whose words are not weighed.

    Args:
        task: or its class.

    Raises:
        UsageError: it gives no label and no number for a text.
    """
    if task.target_kind not in KINDS:
        raise UsageError(
            f"words are weighed for models that give texts labels or a number; this one does {task.name}, so leave --why out"
        )


def notes_on(explanations: Sequence[Explanation | None]) -> list[str]:
    """What is to be known of explanations, in sentences: words without a weight, and sums that are off."""
    known = [each for each in explanations if each is not None]
    unread, alone = sum(each.unread for each in known), sum(each.alone for each in known)
    words, found = sum(len(each.places) for each in known), []
    if unread:
        found.append(
            f"{unread:,} of {words:,} words were not read, as texts are longer than the limit: no weight is given"
        )
    if alone:
        found.append(
            f"{alone:,} of {words:,} words are all of their text: without them nothing is left, so no weight is given"
        )
    if gaps := [gap for each in known for gap in each.gaps or ()]:
        worst = max(gaps, key=abs)
        found.append(f"weights of integrated gradients sum to what they explain within {abs(worst):.2g}")
    return found
