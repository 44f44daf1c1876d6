"""What a model that writes says of an input, and what is doubtful about it."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass

from headstart.data.graphemes import UNPARTED
from headstart.data.language_profiles import is_in_other, is_in_wrong_script
from headstart.types import Json

REPEATED, RUN = 3, 4
"""Times that a sequence of words stands in a text, and longest sequences that are looked at, from which on it repeats itself."""
SIGNS = 6
"""Characters that a sequence has to fill in a row where scripts set no blanks; fewer are how one laughs."""
LONGER, FEW_WORDS = 3.0, 5
"""Times as many words as the input has, beyond which a text is long; words below which lengths say nothing."""
SHORTER, MANY_WORDS = 0.3, 10
"""Share of the words of the input below which a translation is short; words of the input from which on that is looked at."""
PER_WORD = 1.6
"""Characters that a word comes to in scripts that set no blanks, about."""
LIMIT, REPEATS, COPIED, LENGTH, SHORT, LANGUAGE, NOTHING = (
    "hit the limit",
    "repeats itself",
    "copies its input",
    "far longer than its input",
    "far shorter than its input",
    "wrong language",
    "empty",
)
"""What may be doubtful."""
_PIECE = re.compile(f"[{UNPARTED}]|[^\\s{UNPARTED}]+")
_WORD = re.compile(rf"[{UNPARTED}]|[^\W{UNPARTED}]+")
_UNPARTED = re.compile(f"[{UNPARTED}]")
_LETTER = re.compile(r"[^\W\d_]")


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


def doubts_of(
    given: str,
    written: str,
    *,
    ended: bool,
    may_copy: bool,
    languages: tuple[str | None, str | None] = (None, None),
) -> tuple[str, ...]:
    """What is doubtful about a text.

    Args:
        given: the input.
        written: for it.
        ended: whether it came to its end before its limit.
        may_copy: whether a text that repeats its input may be right.
        languages: codes of the language that is read, and of the one that is to be written, where they are known.
    """
    if not written.strip():
        return (NOTHING,)
    pieces = _PIECE.findall(written)
    words, before = words_in(written), words_in(given)
    found = [] if ended else [LIMIT]
    if _repeats(pieces) and not _repeats(_PIECE.findall(given)):
        found.append(REPEATS)
    copied = not may_copy and words >= FEW_WORDS and _LETTER.search(written) and _folded(written) == _folded(given)
    if copied:
        found.append(COPIED)
    if words > FEW_WORDS and words > LONGER * max(before, FEW_WORDS):
        found.append(LENGTH)
    if not may_copy and before >= MANY_WORDS and words < SHORTER * before:
        found.append(SHORT)
    if not copied and is_in_wrong_language(written, *languages):
        found.append(LANGUAGE)
    return tuple(found)


def is_in_wrong_language(written: str, source: str | None, target: str | None) -> bool:
    """Whether a text seems to be in the language that is read in place of the one to be written, or in a script of neither."""
    if target is None:
        return False
    return is_in_wrong_script(written, target) or (source is not None and is_in_other(written, target, source))


def words_in(text: str) -> float:
    """About how many words a text has, also where its script sets no blanks."""
    pieces = _PIECE.findall(text)
    unparted = sum(len(piece) == 1 and _UNPARTED.match(piece) is not None for piece in pieces)
    return len(pieces) - unparted + unparted / PER_WORD


def folded_words(text: str) -> list[str]:
    """Words of a text without signs, folded in case; characters where a script sets no blanks."""
    return _WORD.findall(text.casefold())


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())


def _repeats(pieces: list[str]) -> bool:
    """Whether a sequence of words, or of characters of a script without blanks, stands several times in a row."""
    for length in range(1, RUN + 1):
        same = 0
        for at in range(length, len(pieces)):
            same = same + 1 if pieces[at] == pieces[at - length] else 0
            if same < (REPEATED - 1) * length:
                continue
            again = pieces[at - length + 1 : at + 1]
            enough = same + length >= SIGNS or not all(map(_UNPARTED.match, again))
            if enough and any(map(_LETTER.search, again)):
                return True
    return False
