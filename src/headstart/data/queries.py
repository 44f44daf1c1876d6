"""Questions that passages answer: as rows of a file say it, and by the numbers of passages."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Judgement:
    """What a row of a file says of a question and a passage.

    Args:
        text: the question.
        passage: text of the passage, or its id; empty where the row names none.
        id: id of the passage where a column of its own has it; else empty.
        grade: how well the passage answers it; over 0 where it does.
        weight: how much the row counts in training.
    """

    text: str
    passage: str = ""
    id: str = ""
    grade: float = 1.0
    weight: float = 1.0

    @property
    def label(self) -> str:
        """The passage, as the file has it."""
        return self.passage or self.id

    @property
    def input(self) -> str:
        """What a retriever is given: the question."""
        return self.text

    @property
    def key(self) -> str:
        """What makes two rows the same, for finding copies and leaks: the question. Passages may be shared."""
        return self.text


@dataclass(frozen=True)
class Query:
    """A question and the passages that answer it.

    Args:
        text: the question.
        relevant: numbers of the passages in what is searched, ascending, each once.
        grades: how well each answers it, over 0.
        weight: how much it counts in training.
    """

    text: str
    relevant: tuple[int, ...] = ()
    grades: tuple[float, ...] = ()
    weight: float = 1.0

    @property
    def label(self) -> tuple[str, ...]:
        """Numbers of the passages that answer it, as texts."""
        return tuple(map(str, self.relevant))

    @property
    def input(self) -> str:
        """What a retriever is given: the question."""
        return self.text

    @property
    def key(self) -> str:
        """What makes two rows the same, for finding copies and leaks: the question. Passages may be shared."""
        return self.text
