"""What a model that writes says of an input, and what is doubtful about it."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass

from headstart.types import Json

REPEATED, RUN = 3, 4
"""Times that a sequence of words stands in a text, and longest sequences that are looked at, from which on it repeats itself."""
LONGER, FEW_WORDS = 3.0, 5
"""Times as many words as the input has, beyond which a text is long; words below which lengths say nothing."""
LIMIT, REPEATS, COPIED, LENGTH, NOTHING = (
    "hit the limit",
    "repeats itself",
    "copies its input",
    "far longer than its input",
    "empty",
)
"""What may be doubtful."""


@dataclass(frozen=True)
class WrittenText:
    """What was written for an input."""

    texts: tuple[str, ...]
    """The likeliest texts, the best first; at least one."""
    scores: tuple[float, ...]
    """Log-probability of each by its length; 0 where none is known."""
    truncated: bool
    """True where the input was longer than what is read of one, so that its end was not read."""
    doubts: tuple[str, ...]
    """What is doubtful about the best text."""

    @property
    def text(self) -> str:
        """The best text."""
        return self.texts[0]

    @property
    def score(self) -> float | None:
        """Geometric mean of the probabilities of its words, in [0, 1]; None where none is known."""
        return math.exp(self.scores[0]) if self.scores and self.scores[0] < 0 else None

    def plain(self) -> dict[str, object]:
        """The mapping that `predict --json` prints."""
        others = [
            {"text": text, "score": math.exp(score) if score < 0 else None}
            for text, score in zip(self.texts[1:], self.scores[1:], strict=False)
        ]
        return {
            "text": self.text, "score": self.score, "others": others, "doubts": [*self.doubts], "truncated": self.truncated,
        }  # fmt: skip

    def cells(self, *, abstained: bool = False) -> list[str]:
        """The text, its score and a JSON list of what is doubtful."""
        score = self.score
        return [self.text, "" if score is None else f"{score:.6g}", Json(json.dumps(self.doubts))]


def doubts_of(given: str, written: str, *, ended: bool, may_copy: bool) -> tuple[str, ...]:
    """What is doubtful about a text.

    Args:
        given: the input.
        written: for it.
        ended: whether it came to its end before its limit.
        may_copy: whether a text that repeats its input may be right.
    """
    if not written.strip():
        return (NOTHING,)
    words, before = written.split(), given.split()
    found = [] if ended else [LIMIT]
    if _repeats(words):
        found.append(REPEATS)
    if not may_copy and len(words) >= FEW_WORDS and written.strip() == given.strip():
        found.append(COPIED)
    if len(words) > FEW_WORDS and len(words) > LONGER * max(len(before), FEW_WORDS):
        found.append(LENGTH)
    return tuple(found)


def _repeats(words: list[str]) -> bool:
    """Whether a sequence of words stands several times in a row."""
    for length in range(1, RUN + 1):
        same = 0
        for at in range(length, len(words)):
            same = same + 1 if words[at] == words[at - length] else 0
            if same >= (REPEATED - 1) * length:
                return True
    return False
