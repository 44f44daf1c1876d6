"""Response selection: the reply to the last turns of a dialogue, out of many."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import numpy as np
from pydantic import Field

from headstart.data.columns import taken
from headstart.data.dialogues import Dialogue, Turn, dialogue_columns, dialogue_of, dialogue_of_lines
from headstart.data.outputs import Ranked
from headstart.data.queries import Exchange, Query, Turns
from headstart.data.store import Store
from headstart.data.table import Table
from headstart.errors import DataError
from headstart.faults import describe
from headstart.metrics.results import SelectionResults
from headstart.tasks.columns import checked_input, require_columns, text_fault
from headstart.tasks.inputs import InputField, Messages
from headstart.tasks.ranked_passages import RankedReplies
from headstart.tasks.ranking import BiEncoderDefaults, RankingTask
from headstart.tasks.relevance import AnsweredQuestions, Places
from headstart.tasks.replies import replies_in
from headstart.types import Dropped

if TYPE_CHECKING:
    from headstart.ranking.passages import Passage, Passages
    from headstart.ranking.sources import Gathered

CANDIDATES = 10
"""Replies that a row's own one is picked out of, itself among them."""


class ResponseSelection(RankingTask):
    """The reply to the last turns of a dialogue, picked out of replies that were written before.

    Every turn of a dialogue but the first is a row: the turns before it, and itself as the reply. Rows of one dialogue hang
    together in splits and intervals. Each row is judged by whether its reply is told from nine others of its part, drawn by a hash
    of its dialogue so that all strategies have the same ones (Lowe et al. 2015, "The Ubuntu Dialogue Corpus", section 4.1), and by
    its place among all replies of the part. What was just said is no candidate. What is said by a system is left out.

    Needs: `encode`, of strategies with a network.
    Inputs: a column with dialogues, as lists of turns; or two, with turns and speakers or with prompts and replies.
    Loss: that of its strategies; results are compared by 1 - MRR of 10.
    See also: `retrieval`, for questions and passages that answer them.

    Example:
        headstart fit examples/dialogues/train.jsonl --task response-selection --strategy untouched
    """

    name: ClassVar[str] = "response-selection"
    hub: ClassVar[str] = "sentence-similarity"
    inputs: ClassVar[tuple[InputField, ...]] = (Messages("dialogue"),)
    results_kind: ClassVar[str] = SelectionResults.kind
    metrics: ClassVar[tuple[str, ...]] = ("recall_at_1_of_10", "mrr_of_10", "recall_at_10")
    loss_title: ClassVar[str] = "1 - MRR of 10"
    nothing: ClassVar[Mapping[str, Any]] = {"replies": None, "truncated": False}
    bi_encoder: ClassVar[BiEncoderDefaults] = BiEncoderDefaults(
        "in-batch", symmetric=True, epochs=3, learning_rate=1e-4, vector_tokens=0
    )
    searches_own: ClassVar[bool] = True
    kept_end: ClassVar[Literal["first", "last"]] = "last"

    turns: int = Field(default=2, ge=1, le=100)
    """Turns before a reply that are read, the last ones, in [1, 100]."""
    reply_role: Literal["any", "assistant"] = "any"
    """Whose turns are replies: those of all speakers, or of the assistant alone."""

    def guess(self, table: Table) -> Self:
        """Fill in the columns of the dialogues by usual names, else the only column.

        Raises:
            DataError: none is called so.
        """
        require_columns(table, self.text, None)
        text = self.text or dialogue_columns([*table.columns])
        if text is None and len(table.columns) == 1:
            text = (*table.columns,)
        if text is None:
            raise DataError(
                f"{table.file}: no column looks like dialogues (columns: {', '.join(table.columns)}); name the one whose cells are "
                "lists of turns with --text, or two with commas between: turns,speakers or prompt,completion"
            )
        if len(text) > 2:
            raise DataError(f"{table.file}: dialogues stand in one column or in two, and --text names {len(text)}")
        return self.revised(text=text)

    def parse(self, table: Table, *, labelled: bool = True) -> tuple[Store[Any], list[Dropped]]:
        """An exchange for each reply of each dialogue; rows that are no dialogue, or have no reply, are reported."""
        cells = [table.column(name, "--text") for name in self.text or ()]
        examples, rows, dropped = [], array("q"), []
        for row, own in enumerate(zip(*cells, strict=True)):
            found, reason = dialogue_of(*own)
            exchanges, reason = ([], reason) if found is None else self._exchanges(found)
            if reason is not None:
                dropped.append(Dropped(table.file, table.lines[row], reason))
            examples.extend(exchanges)
            rows.extend([row] * len(exchanges))
        columns = {name: taken(values, rows) for name, values in table.columns.items()}
        groups = np.array(rows, dtype=np.int64)
        return Store(examples, taken(table.lines, rows), table.file, columns, groups), dropped

    def _exchanges(self, dialogue: Dialogue) -> tuple[list[Exchange], str | None]:
        """Each reply with the turns before it, or why there is none."""
        said = [turn for turn in dialogue if turn.role != "system"]
        fault = next((fault for turn in said if (fault := text_fault(turn.text))), None)
        if fault is not None:
            return [], fault
        digest = hashlib.blake2b("\n".join(turn.text for turn in said).encode("utf-8"), digest_size=12).hexdigest()
        found = [
            Exchange(self._context(said[:at]), turn.text, dialogue=digest, turn=at + 1)
            for at, turn in enumerate(said)
            if at and (self.reply_role == "any" or turn.role == self.reply_role)
        ]
        if found:
            return found, None
        return [], "no turn of the assistant follows another" if len(
            said
        ) > 1 else "one turn only, so there is no reply"

    def _context(self, dialogue: Sequence[Turn]) -> str:
        """The last turns as one text, each on a line of its own."""
        return "\n".join(_line(turn.text) for turn in dialogue[-self.turns :])

    def queries(self, rows: Store[Exchange], passages: Passages, places: Places) -> AnsweredQuestions:
        """Each reply with its number; equal turns stay rows of their own, for each is followed by a reply of its own."""
        numbers = [places.find(each)[0] for each in rows.examples]
        lines: dict[str, set[int]] = {}
        for each, number in zip(rows.examples, numbers, strict=True):
            lines.setdefault(_line(each.passage), set()).add(number)
        examples = []
        for each, number in zip(rows.examples, numbers, strict=True):
            said = set().union(*(lines.get(line, ()) for line in each.text.split("\n"))) - {number}
            examples.append(Turns(each.text, (number,), (1.0,), key=each.key, said=tuple(sorted(said))))
        return AnsweredQuestions(Store(examples, rows.lines, rows.file, rows.columns, rows.groups), [], [])

    def corpus_in(self, path: str, tally: Gathered) -> Iterator[Passage]:
        """The replies of a file: its lines, the cells of a column, or all turns of its dialogues; see `replies_in`."""
        return replies_in(path, tally, reply_role=self.reply_role)

    def doubts(self, rows: Store[Query]) -> list[str]:
        """Whether there are too few replies to draw nine others of."""
        found = len(self.pool(rows))
        if found >= CANDIDATES:
            return []
        return [
            f"{len(rows):,} rows have {found} different replies: each is picked out of {found}, not of {CANDIDATES}"
        ]

    def contested(self, rows: Store[Query]) -> Store[Query]:
        """The rows of a part with the replies of the same part that each one's is to be told from."""
        pool = np.unique([number for each in rows.examples for number in each.relevant])
        return replace(rows, examples=[_drawn(each, pool) for each in rows.examples])

    def pool(self, rows: Store[Query]) -> np.ndarray:
        """Numbers of the replies of a part, ascending."""
        named = chain.from_iterable((*each.relevant, *getattr(each, "drawn", ())) for each in rows.examples)
        return np.unique(np.fromiter(named, dtype=np.int64))

    def selected(self, ranking: Ranked, rows: Store[Query]) -> Ranked:
        """The first places, and that of the reply among those that were drawn; of equal scores the lower number is first.

        What was just said has no place.
        """
        barred = [np.isin(ids, getattr(each, "said", ())) for ids, each in zip(ranking.ids, rows.examples, strict=True)]
        order = np.argsort(np.array(barred), axis=1, kind="stable")
        ids = np.take_along_axis(np.where(barred, -1, ranking.ids), order, axis=1)
        scores = np.take_along_axis(np.where(barred, 0.0, ranking.scores), order, axis=1)
        found = super().selected(replace(ranking, ids=ids, scores=scores), rows)
        for row, example in enumerate(rows.examples):
            own, drawn = example.relevant[0], getattr(example, "drawn", ())
            places = {int(number): at for at, number in enumerate(ranking.ids[row]) if number >= 0}
            ordered = sorted((own, *drawn), key=lambda number: (places.get(number, len(places)), number))
            found.ranks[row] = ordered.index(own) + 1
        return found

    def results(self, outputs: Ranked, rows: Store[Query]) -> SelectionResults:
        """What is found in all places, and the place among those that were drawn."""
        found = super().results(outputs, rows)
        losses = 1.0 - np.where(outputs.ranks > 0, 1.0 / np.maximum(outputs.ranks, 1), 0.0)
        return SelectionResults(losses, found.counts, found.gains, found.ideal, outputs.ranks)

    def input_of(self, parts: Sequence[str | None]) -> str | None:
        """The last turns of a dialogue, or of a text with a turn on each line; None where nobody says anything."""
        found, _ = dialogue_of(*parts[:2]) if (parts[0] or "").lstrip().startswith("[") else (None, None)
        if found is None:
            found = tuple(chain.from_iterable(dialogue_of_lines(part or "") for part in parts))
        return self._context([turn for turn in found if turn.role != "system"]) or None

    def checked(self, at: int, given: Any) -> str:
        """The last turns of a text with a turn on each line, of a list of turns, or of a list of messages.

        Raises:
            DataError: it is something else.
        """
        if not isinstance(given, str):
            given = "\n".join(map(_line, _spoken(at, given)))
        return self._context(dialogue_of_lines(checked_input(at, given, pairs=False)))

    def is_blank(self, given: Any) -> bool:
        """Whether nobody says anything in what a user hands over."""
        return not self.checked(0, given) if isinstance(given, str | list | tuple) else False

    @property
    def columns(self) -> tuple[str, ...]:
        """`reply` with the text of the best one, and `replies` with the first few as JSON."""
        return ("reply", "replies")

    def predictions(self, outputs: Ranked, inputs: Sequence[Any]) -> Sequence[Any]:
        """The best replies to each input; a turn that was just said is none."""
        found = []
        for (named, cut), given in zip(self._named(outputs, self.best + self.turns), inputs, strict=True):
            said = {*str(given).split("\n")}
            replies = [each for each in named if _line(each.text) not in said]
            found.append(RankedReplies((*replies[: self.best],), cut))
        return found

    @classmethod
    def toy_examples(cls) -> list[Any]:
        """A dozen short exchanges."""
        words = ("good", "bad", "nine", "monday", "night", "shop", "parcel", "day", "start", "end", "way", "indeed")
        return [
            Exchange("where is" + " now" * (at % 4) + f" {word}", f"{word} is here", dialogue=word, turn=2)
            for at, word in enumerate(words)
        ]


def _line(text: str) -> str:
    """A turn on one line."""
    return " ".join(text.split())


def _drawn(turns: Any, pool: np.ndarray) -> Turns:
    """Turns with the other replies that theirs is to be told from, which hang on its dialogue and on the pool alone."""
    others = np.setdiff1d(pool, (*turns.relevant, *turns.said))
    seed = int.from_bytes(hashlib.blake2b(turns.key.encode(), digest_size=8).digest(), "little")
    few = min(CANDIDATES - 1, len(others))
    drawn = np.random.default_rng(seed).choice(others, few, replace=False) if few else others
    return replace(turns, drawn=tuple(sorted(map(int, drawn))))


def _spoken(at: int, given: Any) -> list[str]:
    """The texts of turns as Python has them."""
    if not isinstance(given, Sequence) or isinstance(given, bytes):
        raise DataError(f"input {at} is {describe(given)}, expected a text, or a list of turns or messages")
    texts = []
    for turn in given:
        said = turn.text if isinstance(turn, Turn) else turn.get("content") if isinstance(turn, Mapping) else turn
        role = turn.role if isinstance(turn, Turn) else turn.get("role") if isinstance(turn, Mapping) else ""
        if not isinstance(said, str):
            raise DataError(
                f"input {at} has the turn {describe(turn)}, expected a text or a message with role and content"
            )
        if role != "system":
            texts.append(said)
    return texts
