"""From what files say of questions and passages to questions with the numbers of the passages that answer them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from headstart.data.queries import Judgement, Query
from headstart.data.splits import numbered
from headstart.data.store import Store
from headstart.errors import DataError
from headstart.ranking.passages import Passage, Passages, PassageWriter
from headstart.types import Dropped

LEAST_DOCUMENTS = 20
"""Documents of a part's questions from which on these are resampled by document; by passage where there are fewer."""


class AnsweredQuestions(NamedTuple):
    """Rows of a file with their passages found."""

    rows: Store[Query]
    dropped: list[Dropped]
    said: list[str]
    """What is to be known of them, in sentences."""


@dataclass(frozen=True)
class Places:
    """Where passages stand in what is searched.

    Args:
        by_name: rows of each id and document.
        by_text: the first row of each text, by its text without white space around it.
    """

    by_name: Mapping[str, Sequence[int]]
    by_text: Mapping[str, int]

    @classmethod
    def of(cls, passages: Passages) -> Places:
        """Find out where each id, document and text stands; copies of a text count as its first row."""
        by_name: dict[str, list[int]] = {}
        by_text: dict[str, int] = {}
        first = passages.first
        names = zip(passages.ids, passages.documents, passages.texts, strict=True)
        for row, (name, document, text) in enumerate(names):
            place = int(first[row])
            by_name.setdefault(name or "", []).append(place)
            if document != name:
                by_name.setdefault(document or "", []).append(place)
            by_text.setdefault((text or "").strip(), place)
        return cls({name: sorted({*rows}) for name, rows in by_name.items()}, by_text)

    def find(self, said: Judgement) -> Sequence[int]:
        """Rows of the passage that a judgement names: by its id, else by what stands for it as an id or as a text."""
        if said.id and said.id in self.by_name:
            return self.by_name[said.id]
        text = said.passage.strip()
        if text in self.by_text:
            return (self.by_text[text],)
        return self.by_name.get(text, ())


def named_passages(parts: Iterable[Store[Judgement]], known: Passages | None = None) -> Passages:
    """The passages whose texts stand in the rows of files, each text once, behind those that are known.

    Args:
        parts: rows of files, in order.
        known: passages that come first; None for none.

    Raises:
        DataError: rows name passages by their ids alone, and nothing says what they are.
    """
    places = Places({}, {}) if known is None else Places.of(known)
    writer, seen, ids = PassageWriter(), {*places.by_text}, {*places.by_name}
    for at in range(0 if known is None else len(known)):
        writer.add(known[at])  # type: ignore[index]
    for rows in parts:
        titles = rows.columns.get("title")
        for at, said in enumerate(rows.examples):
            text = said.passage.strip()
            if not text or text in seen or text in ids or (said.id and said.id in ids):
                continue
            seen.add(text)
            line = int(rows.lines[at])
            name = said.id or f"{Path(rows.file).name}:{line}{said.place}"
            while name in ids:
                name += "'"
            ids.add(name)
            document = (titles[at] if titles is not None else None) or name
            writer.add(Passage(name, said.passage, "", document, rows.file, line, 0, len(said.passage)))
    if not len(writer):
        raise DataError(
            "rows name passages by their ids, and nothing says what these are; name the files of the passages with --corpus"
        )
    return writer.passages()


def queries_of(rows: Store[Judgement], passages: Passages, places: Places) -> AnsweredQuestions:
    """Each different question of a file once, with all passages that answer it.

    Rows that name a passage that is not there are left out by line; questions that no passage answers are left out and counted.

    Args:
        rows: of one file.
        passages: what is searched.
        places: where these stand.
    """
    found: dict[str, dict[int, float]] = {}
    items: dict[str, dict[int, int]] = {}
    firsts: dict[str, int] = {}
    dropped, unknown, again = [], 0, 0
    for at, said in enumerate(rows.examples):
        own = found.setdefault(said.text, {})
        firsts.setdefault(said.text, at)
        relevant = places.find(said)
        if not relevant:
            unknown += 1
            named = said.id or said.passage.strip()
            shown = named if len(named) <= 60 else named[:60] + "..."
            dropped.append(
                Dropped(rows.file, int(rows.lines[at]), f"names the passage {shown!a}, which is not in the corpus")
            )
            continue
        again += any(row in own for row in relevant)
        for row in relevant:
            own[row] = max(own.get(row, said.grade), said.grade)
            items.setdefault(said.text, {}).setdefault(row, relevant[0])
    kept = {text: {row: grade for row, grade in own.items() if grade > 0} for text, own in found.items()}
    idle = sum(bool(found[text]) and not own for text, own in kept.items())
    questions = [text for text, own in kept.items() if own]
    chosen = np.array([firsts[text] for text in questions], dtype=np.int64)
    taken = rows.take(chosen)
    examples = []
    for text, each in zip(questions, taken.examples, strict=True):
        numbers = tuple(sorted(kept[text]))
        own = tuple(items[text][row] for row in numbers)
        grades = tuple(kept[text][row] for row in numbers)
        examples.append(Query(text, numbers, grades, each.weight, own if own != numbers else ()))
    said = _said(rows, unknown, again, idle, len(questions))
    store = Store(examples, taken.lines, taken.file, taken.columns)
    return AnsweredQuestions(replace(store, groups=groups_of(store, passages)), dropped, said)


def only_asked(rows: Store[Judgement]) -> Store[Query]:
    """Each different question of a file that says of none which passage answers it."""
    firsts = {said.text: at for at, said in reversed([*enumerate(rows.examples)])}
    taken = rows.take(np.sort(np.array([*firsts.values()], dtype=np.int64)))
    return Store([Query(each.text) for each in taken.examples], taken.lines, taken.file, taken.columns)


def _said(rows: Store[Judgement], unknown: int, again: int, idle: int, questions: int) -> list[str]:
    said = []
    if unknown:
        said.append(
            f"{unknown:,} of {len(rows):,} rows of {rows.file} name passages that the corpus does not have; they are left out"
        )
    if again:
        said.append(
            f"{again:,} rows of {rows.file} say again what an earlier row says of its question and passage; they count once"
        )
    if idle:
        said.append(
            f"{idle:,} questions of {rows.file} have no passage that answers them; they are left out, for nothing could be found"
        )
    if questions + idle < len(rows) - unknown - again:
        said.append(f"{len(rows):,} rows of {rows.file} are of {questions + idle:,} different questions")
    return said


def groups_of(rows: Store[Query], passages: Passages) -> np.ndarray | None:
    """The group of each question: the document of the first passage that answers it, or this passage where documents are few."""
    firsts = [example.relevant[0] for example in rows.examples]
    documents = [passages.documents[row] for row in firsts]
    return numbered(documents if len({*documents}) >= LEAST_DOCUMENTS else firsts)
