"""Whether a label hangs on whom a sentence speaks of: pairs of sentences such as those of CrowS-Pairs and WinoBias."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar, NamedTuple

import numpy as np

from headstart.config import InputPath
from headstart.data.graphemes import is_blank
from headstart.data.table import Table
from headstart.drawing.scores import ALPHA
from headstart.drawing.text import counted, probability, shown
from headstart.errors import DataError, quoted
from headstart.evaluation.measurements.asked_again import AskedAgain, followed_labels, given_file, single_texts
from headstart.evaluation.subjects import Subject
from headstart.metrics.intervals import proportion
from headstart.metrics.means import mean, mean_difference
from headstart.metrics.significance import correct
from headstart.readers.opening import open_table
from headstart.tasks.base import Task

SIDES = (("sent_more", "sent_less"), ("first", "second"), ("text_a", "text_b"), ("sentence1", "sentence2"))
"""Pairs of columns with the two sentences, the stereotypical one first."""
CATEGORIES = ("bias_type", "category", "type")
STANCE = ("stereotype", "stereo_antistereo")
"""Column that says which of two rows with one id is the stereotypical one."""
MORE, LESS = ("pro", "stereo", "stereotype", "more"), ("anti", "antistereo", "anti-stereotype", "less")
"""What that column says of the stereotypical one and of the other."""
NEITHER = "unrelated"
"""What it says of a text that is neither."""
IDS = ("id", "pair_id")
ALL = "all"
MOST_SAID = 6
"""Shifts that are said; the others stand in the table."""


class SentencePair(NamedTuple):
    """Two sentences that differ in whom they speak of."""

    first: str
    """The one that says what a stereotype says, where the file tells."""
    second: str
    category: str
    line: int


class SentencePairs(AskedAgain):
    """How often two sentences that speak of other people in the same words get two labels (as in Nangia et al. 2020)."""

    name: ClassVar[str] = "sentence_pairs"
    title: ClassVar[str] = "Pairs of sentences"
    makes_texts: ClassVar[bool] = True

    pairs: InputPath | None = None
    """File with two sentences in each row (`sent_more` and `sent_less`, or `first` and `second`), and perhaps a `bias_type`; or
    with a `text` in each row, where two share their `id` and `type` and a column `stereotype` says `pro` and `anti`, or `stereo`
    and `antistereo`."""
    positive_label: str | None = None
    """Label whose probability is followed; by default each one, where there are five at most."""

    def require(self) -> None:
        """Read the pairs; raises as `read_pairs` does."""
        read_pairs(given_file(self.pairs, "pairs", self.name))

    def texts(self, rows: int) -> int:
        """Both sides of all pairs."""
        return self._texts

    @cached_property
    def _texts(self) -> int:
        return 2 * len(read_pairs(given_file(self.pairs, "pairs", self.name)))

    def suit(self, task: Task[Any, Any]) -> None:
        """Refuse a label that is not there; raises as `followed_labels` does."""
        followed_labels(task, self.positive_label)

    def found(self, subject: Subject) -> tuple[dict[str, Any], Any]:
        """`rows`, and `categories`: of all pairs and of each kind the share that `differ`, and how far each label moves."""
        path = given_file(self.pairs, "pairs", self.name)
        pairs = read_pairs(path)
        followed = followed_labels(subject.task, self.positive_label)
        sides = [
            single_texts(subject, path, texts)
            for texts in zip(*((pair.first, pair.second) for pair in pairs), strict=True)
        ]
        names = [ALL, *dict.fromkeys(pair.category for pair in pairs if pair.category)]
        entries = []
        for name in names:
            inside = np.array([name in (ALL, pair.category) for pair in pairs])
            first, second = (each.take(np.flatnonzero(inside)) for each in sides)
            differ = (first.given != second.given).any(1)
            moves = []
            for label in followed:
                moved = first.probabilities[:, label] - second.probabilities[:, label]
                score = mean(moved, bounds=(-1.0, 1.0))
                moves.append(
                    {
                        "label": subject.task.label_names[label],
                        "shift": score.plain(),
                        "p": mean_difference(moved, np.zeros(len(moved)), bounds=(-1.0, 1.0)).p,
                    }
                )
            share = proportion(int(differ.sum()), len(differ)).plain()
            entries.append({"category": name, "pairs": len(differ), "differ": share, "moves": moves})
        correct(move for entry in entries for move in entry["moves"])
        return {"rows": len(pairs), "categories": entries}, None

    def sentences(self, plain: Mapping[str, Any], evidence: Mapping[str, Any]) -> list[str]:
        """How often labels differ, and of which kinds a label hangs on whom a sentence speaks of."""
        whole, other = plain["categories"][0], plain.get("baseline")
        line = f"Of {counted(plain['rows'], 'pair')} of sentences, {shown(whole['differ'])} get two labels"
        said = [line + (f"; of {other['called']} {shown(other['categories'][0]['differ'])}." if other else ".")]
        clear = [
            (entry["category"], move)
            for entry in plain["categories"]
            for move in entry["moves"]
            if move["p_holm"] < ALPHA
        ]
        clear.sort(key=lambda each: (each[0] != ALL, -abs(each[1]["shift"]["value"])))
        for category, move in clear[:MOST_SAID]:
            what = "all pairs" if category == ALL else f"pairs about {category}"
            said.append(
                f"In {what} the first sentence moves '{move['label']}' by {shown(move['shift'], sign=True)} (p after Holm "
                f"{probability(move['p_holm'])})."
            )
        if len(clear) > MOST_SAID:
            said.append(f"{len(clear) - MOST_SAID} smaller shifts are clear too; they stand in the table.")
        return said

    def view(self, plain: Mapping[str, Any], evidence: Mapping[str, Any]) -> dict[str, Any] | None:
        """A table of the kinds."""
        heads = ["pairs about", "pairs|n", "two labels|n", "label", "first less second|n", "p after Holm|n"]
        rows = [
            [entry["category"], entry["pairs"], shown(entry["differ"]), move["label"], shown(move["shift"], sign=True),
             probability(move["p_holm"])]
            for entry in plain["categories"] for move in entry["moves"]
        ]  # fmt: skip
        rows = rows or [
            [entry["category"], entry["pairs"], shown(entry["differ"]), "", "", ""] for entry in plain["categories"]
        ]
        return {
            "tables": [{"caption": "Pairs of sentences that speak of other people", "columns": heads, "rows": rows}]
        }

    def card(self, plain: Mapping[str, Any], evidence: Mapping[str, Any]) -> list[str]:
        """The sentences."""
        return [f"- {said}" for said in self.sentences(plain, evidence)]


def read_pairs(path: str) -> list[SentencePair]:
    """Pairs of sentences from a file, as `SentencePairs.pairs` says.

    Raises:
        MissingInputError: there is no such file.
        DataError: it has no such columns, or no pair with two different sentences.
    """
    table = open_table(path)
    category = next((name for name in CATEGORIES if name in table.columns), None)
    sides = next((pair for pair in SIDES if all(name in table.columns for name in pair)), None)
    found = _by_row(table, sides, category) if sides else _by_id(table, category)
    found = [
        pair for pair in found if not is_blank(pair.first) and not is_blank(pair.second) and pair.first != pair.second
    ]
    if not found:
        raise DataError(f"{path} has no pair of two different sentences")
    return found


def _by_row(table: Table, sides: Sequence[str], category: str | None) -> list[SentencePair]:
    first, second = (table.columns[name] for name in sides)
    kinds = table.columns[category] if category else [""] * len(table)
    return [
        SentencePair(a or "", b or "", kind or "", int(line))
        for a, b, kind, line in zip(first, second, kinds, table.lines, strict=True)
    ]


def _by_id(table: Table, category: str | None) -> list[SentencePair]:
    key = next((name for name in IDS if name in table.columns), None)
    stance = next((name for name in STANCE if name in table.columns), None)
    if key is None or stance is None or "text" not in table.columns:
        known = ", ".join(" and ".join(pair) for pair in SIDES)
        raise DataError(
            f"{table.file}: found neither two columns of sentences ({known}) nor the columns text, id and stereotype (columns: "
            f"{', '.join(table.columns)})"
        )
    kinds = table.columns[category] if category else [""] * len(table)
    halves: dict[tuple[str, str], dict[bool, tuple[str, int]]] = {}
    for name, kind, said, text, line in zip(
        table.columns[key], kinds, table.columns[stance], table.columns["text"], table.lines, strict=True
    ):
        side = (said or "").strip().lower()
        if side == NEITHER:
            continue
        if side not in (*MORE, *LESS):
            raise DataError(
                f"{table.file}:{line}: {stance} is {quoted(said or '')}; expected {' or '.join(MORE)} for the text that says what "
                f"a stereotype says, and {' or '.join(LESS)} for the other ({NEITHER} is left out)"
            )
        half, is_more = halves.setdefault((name or "", kind or ""), {}), side in MORE
        if is_more in half:
            raise DataError(
                f"{table.file}:{line}: {key} {quoted(name or '')} has two texts that are {quoted(side)} by {stance} (the other in "
                f"line {half[is_more][1]}); two rows make a pair"
            )
        half[is_more] = (text or "", int(line))
    return [
        SentencePair(both[True][0], both[False][0], kind, both[True][1])
        for (_, kind), both in halves.items()
        if len(both) == 2
    ]
