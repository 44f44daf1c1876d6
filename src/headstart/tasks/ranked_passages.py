"""What a retriever says of a question, or of the turns of a dialogue: the best passages, or replies."""

from __future__ import annotations

import json
from dataclasses import dataclass

from headstart.types import Json

CELL_PASSAGES = 5
"""Passages that a cell of a file names."""


@dataclass(frozen=True)
class RankedPassage:
    """A passage that was found."""

    id: str
    text: str
    document: str
    """The document that it is a part of."""
    start: int
    """Place of its first character in the document."""
    end: int
    """Place behind its last one."""
    score: float
    """How well it answers, in the unit of the retriever: a cosine, BM25, a sum of standardised scores."""


@dataclass(frozen=True)
class RankedPassages:
    """The best passages for a question, the best first; none where a retriever by words knows none of its words."""

    passages: tuple[RankedPassage, ...]
    truncated: bool
    """True where the question was longer than the length limit, so its end was not read."""
    score: None = None

    def plain(self) -> dict[str, object]:
        """The mapping that `predict --json` prints."""
        return {"passages": [dict(hit.__dict__) for hit in self.passages], "truncated": self.truncated}

    def cells(self, *, abstained: bool = False) -> list[str]:
        """The id of the best passage, and a JSON list of the first few with their scores."""
        first = self.passages[0].id if self.passages else ""
        named = [{"id": hit.id, "score": round(hit.score, 6)} for hit in self.passages[:CELL_PASSAGES]]
        return [first, Json(json.dumps(named, ensure_ascii=False))]


@dataclass(frozen=True)
class RankedReplies:
    """The best replies to the last turns of a dialogue, the best first; none where a retriever by words knows none of theirs."""

    replies: tuple[RankedPassage, ...]
    truncated: bool
    """True where the turns were longer than the length limit, so the first of them were not read."""
    score: None = None

    def plain(self) -> dict[str, object]:
        """The mapping that `predict --json` prints."""
        return {
            "replies": [{"text": hit.text, "score": hit.score, "id": hit.id} for hit in self.replies],
            "truncated": self.truncated,
        }

    def cells(self, *, abstained: bool = False) -> list[str]:
        """The text of the best reply, and a JSON list of the first few with their scores."""
        named = [{"text": hit.text, "score": round(hit.score, 6)} for hit in self.replies[:CELL_PASSAGES]]
        return [self.replies[0].text if self.replies else "", Json(json.dumps(named, ensure_ascii=False))]
