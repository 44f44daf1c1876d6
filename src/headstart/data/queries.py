"""Questions that passages answer, and turns that replies follow: as rows of a file say it, and by the numbers of passages."""

from __future__ import annotations

from dataclasses import dataclass


class AboutQuestion:
    """A row whose input is a question."""

    text: str

    @property
    def input(self) -> str:
        """What a retriever is given: the question."""
        return self.text

    @property
    def key(self) -> str:
        """What makes two rows the same, for finding copies and leaks: the question. Passages may be shared."""
        return self.text


@dataclass(frozen=True)
class Judgement(AboutQuestion):
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
    def place(self) -> str:
        """Where the passage stands in its line, as its id says it; empty where there is one in each."""
        return ""


@dataclass(frozen=True)
class Query(AboutQuestion):
    """A question and the passages that answer it.

    Args:
        text: the question.
        relevant: numbers of the passages in what is searched, ascending, each once.
        grades: how well each answers it, over 0.
        weight: how much it counts in training.
        items: for each of `relevant` the first passage of what was judged, which is a document where this was cut into several; all
            passages of one item count once. Each is an item of its own if empty.
    """

    text: str
    relevant: tuple[int, ...] = ()
    grades: tuple[float, ...] = ()
    weight: float = 1.0
    items: tuple[int, ...] = ()

    @property
    def by_item(self) -> list[tuple[list[int], float]]:
        """Passages of each item that answers, with its grade, the highest of theirs."""
        found: dict[int, tuple[list[int], float]] = {}
        for number, grade, item in zip(self.relevant, self.grades, self.items or self.relevant, strict=True):
            numbers, highest = found.get(item, ([], 0.0))
            found[item] = ([*numbers, number], max(highest, grade))
        return [*found.values()]

    @property
    def label(self) -> tuple[str, ...]:
        """Numbers of the passages that answer it, as texts."""
        return tuple(map(str, self.relevant))


@dataclass(frozen=True)
class Exchange(Judgement):
    """What a dialogue says of some turns and the reply to them.

    Args:
        dialogue: digest of all turns of the dialogue.
        turn: number of the reply in it, from 1.
    """

    dialogue: str = ""
    turn: int = 0

    @property
    def key(self) -> str:
        """What makes two rows the same: the whole dialogue and the place of the reply. Single turns are shared by many."""
        return f"{self.dialogue}:{self.turn}"

    @property
    def place(self) -> str:
        """The number of the reply."""
        return f".{self.turn}"


@dataclass(frozen=True)
class Turns(Query):
    """Some turns of a dialogue and the reply to them.

    Args:
        key: as of `Exchange`.
        said: numbers of the replies whose texts stand in its own turns, ascending; they are no replies to it.
        drawn: numbers of other replies that it is to be told from, ascending.
    """

    key: str = ""  # type: ignore[assignment]
    said: tuple[int, ...] = ()
    drawn: tuple[int, ...] = ()
