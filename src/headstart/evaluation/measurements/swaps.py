"""What a model says where a term stands in the place of another that should make no difference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any, ClassVar, NamedTuple

import numpy as np
from pydantic import Field

from headstart.config import InputPath, Names
from headstart.data.examples import texts_of
from headstart.data.store import Store
from headstart.data.terms import Swap, TermList, copies, read_terms
from headstart.drawing.scores import ALPHA
from headstart.drawing.text import count, counted, number, probability, share, shortened, shown
from headstart.evaluation.measurements.asked_again import (
    Answers,
    RowsAskedAgain,
    answered,
    followed_labels,
    given_file,
    known,
)
from headstart.evaluation.subjects import Subject
from headstart.metrics.groups import bias_aurocs
from headstart.metrics.means import mean, mean_difference
from headstart.metrics.means import share as share_of_rows
from headstart.metrics.significance import correct
from headstart.tasks.base import Task

MOST_EXAMPLES = 10
"""Swaps that change a label that are kept, the largest changes first."""
LEAST_ROWS = 5
"""Rows below which nothing is said of a term."""


class Versions(NamedTuple):
    """Rows in other words, and which row each is of."""

    rows: Store[Any]
    of: np.ndarray
    """Number of the row that each is of, int64, shape (versions,)."""
    swaps: Sequence[Swap]


class Swaps(RowsAskedAgain):
    """Counterfactual swaps: other terms in the place of those that texts have, such as identity terms, names or pronouns.

    Where a label hangs on such a term alone, it changes; how often, and how far probabilities move with each term, is measured
    (counterfactual fairness of texts: Garg et al. 2019).
    """

    name: ClassVar[str] = "swaps"
    title: ClassVar[str] = "Swapped terms"

    terms: InputPath | None = None
    """File with lists of terms that could stand for each other: YAML or JSON with lists by name, or a term on each line."""
    positive_label: str | None = None
    """Label whose probability is followed; by default each one, where there are five at most."""
    most_copies: int = Field(default=10, ge=1, le=1000)
    """Copies of a row with other terms at most for each list, in [1, 1000]; a sample where there could be more."""

    known_terms: Names = ()
    """Terms that the model was trained to take for each other: swaps among them are counted apart from those with others."""

    def texts(self, rows: int) -> int:
        """Copies of all rows, as if each had a term of the list with most of them."""
        return min(rows, self.most_rows) * self._copies

    @cached_property
    def _copies(self) -> int:
        lists = read_terms(given_file(self.terms, "terms", self.name))
        return max(min(self.most_copies, each.versions - 1) for each in lists)

    def require(self) -> None:
        """Read the terms; raises as `read_terms` does."""
        read_terms(given_file(self.terms, "terms", self.name))

    def suit(self, task: Task[Any, Any]) -> None:
        """Refuse a label that is not there; raises as `followed_labels` does."""
        followed_labels(task, self.positive_label)

    def found(self, subject: Subject) -> tuple[dict[str, Any], Any]:
        """`lists`: for each what `_list` finds, or `why` there is nothing."""
        followed = followed_labels(subject.task, self.positive_label)
        chosen = self.sample(subject)
        lists = read_terms(given_file(self.terms, "terms", self.name))
        found = [self._list(subject, each, chosen, followed) for each in lists]
        correct(term for each in found for term in each.get("terms", ()))
        return {"of_rows": len(chosen), "lists": found}, None

    def _list(self, subject: Subject, terms: TermList, chosen: np.ndarray, followed: Sequence[int]) -> dict[str, Any]:
        """`rows` with a term, `copies`, `flips` by row and by copy, `shift` of probabilities, `terms`, `examples`.

        `unclear` counts rows with a term that could stand for several, of which not all swaps are made.
        """
        asked = subject.rows.take(chosen)
        unclear = sum(terms.is_unclear(texts_of(example)) for example in asked.examples)
        found: dict[str, Any] = {"list": terms.name, "versions": terms.versions, "unclear": unclear}
        versions = self._versions(asked, terms)
        if not len(versions.rows):
            return found | {"rows": 0, "why": _nothing(subject, terms, len(chosen), unclear)}
        before = known(subject, chosen)
        after = answered(subject, versions.rows)
        own = before.take(versions.of)
        flipped = (after.given != own.given).any(1)
        rows, first = np.unique(versions.of, return_index=True)
        clusters = None if versions.rows.groups is None else versions.rows.groups[first]
        by_row = np.zeros(len(chosen), dtype=bool)
        by_row[versions.of[flipped]] = True
        moved = np.abs(after.probabilities - own.probabilities).max(1)
        most = np.zeros(len(chosen))
        np.maximum.at(most, versions.of, moved)
        cut = own.outputs.truncated & after.outputs.truncated
        found |= {
            "rows": len(rows),
            "copies": len(versions.rows),
            "flips": share_of_rows(by_row[rows], clusters).plain(),
            "copies_flipped": float(flipped.mean()),
            "shift": mean(most[rows], clusters, bounds=(0.0, 1.0)).plain(),
            "cut": int(cut.sum()),
            "examples": _examples(subject, versions, own, after, flipped, moved),
        }
        found["known"] = self._apart(versions, flipped, moved)
        found["terms"] = [
            entry for label in followed for entry in self._terms(subject, terms, versions, own, after, label)
        ]
        return found | {"aurocs": self._aurocs(subject, terms, followed)}

    def _apart(self, versions: Versions, flipped: np.ndarray, moved: np.ndarray) -> dict[str, Any] | None:
        """Swaps among terms that the training knew, and those with a term that it did not know; None where it knew none."""
        names = {term.casefold() for term in self.known_terms}
        if not names:
            return None
        inside = np.array([names >= {term.casefold() for term in each.gone | each.come} for each in versions.swaps])
        return {
            kind: {
                "copies": int(chosen.sum()),
                "flipped": float(flipped[chosen].mean()) if chosen.any() else None,
                "shift": float(moved[chosen].mean()) if chosen.any() else None,
            }
            for kind, chosen in (("known", inside), ("held_out", ~inside))
        }

    def _versions(self, rows: Store[Any], terms: TermList) -> Versions:
        """Copies of rows with other terms."""
        examples, of, swaps = [], [], []
        for row, example in enumerate(rows.examples):
            for copy, swap in copies(example, terms, self.most_copies, self.seed):
                examples.append(copy)
                of.append(row)
                swaps.append(swap)
        places = np.array(of, dtype=np.int64)
        return Versions(replace(rows.take(places), examples=examples), places, swaps)

    def _terms(
        self, subject: Subject, terms: TermList, versions: Versions, own: Answers, after: Answers, label: int
    ) -> list[dict[str, Any]]:
        """How far the probability of a label moves where a term comes in place of others, each row counted once."""
        change = after.probabilities[:, label] - own.probabilities[:, label]
        entries, groups = [], versions.rows.groups
        for term in terms.terms:
            # A term that comes moves the label by `change`, one that goes by its opposite; one that does both says nothing.
            comes = np.array([term in each.come for each in versions.swaps])
            goes = np.array([term in each.gone for each in versions.swaps])
            rows = versions.of[comes ^ goes]
            if len(np.unique(rows)) < LEAST_ROWS:
                continue
            signed = np.where(comes, change, -change)[comes ^ goes]
            names, first, places = np.unique(rows, return_index=True, return_inverse=True)
            means = np.bincount(places.reshape(-1), signed) / np.bincount(places.reshape(-1))
            clusters = None if groups is None else groups[comes ^ goes][first]
            score = mean(means, clusters, bounds=(-1.0, 1.0))
            test = mean_difference(means, np.zeros(len(means)), clusters, bounds=(-1.0, 1.0))
            entries.append(
                {
                    "term": term,
                    "label": subject.task.label_names[label],
                    "rows": len(names),
                    "shift": score.plain(),
                    "p": test.p,
                }
            )
        return sorted(entries, key=lambda entry: -abs(entry["shift"]["value"]))

    def _aurocs(self, subject: Subject, terms: TermList, followed: Sequence[int]) -> list[dict[str, Any]]:
        """AUROCs of the rows that hold each term, see `metrics.groups.bias_aurocs`; terms on one side alone are left out."""
        targets = np.asarray(subject.task.targets(subject.rows))
        said = Answers.of(subject, subject.outputs)
        holds: dict[str, list[int]] = {}
        for row, example in enumerate(subject.rows.examples):
            for term in {found.term for text in texts_of(example) for found in terms.found(text)}:
                holds.setdefault(term, []).append(row)
        entries = []
        for label in followed:
            true = targets == label if targets.ndim == 1 else targets[:, label] > 0
            for term in terms.terms:
                inside = np.zeros(len(true), dtype=bool)
                inside[holds.get(term, [])] = True
                areas = bias_aurocs(said.probabilities[:, label], true, inside, subject.rows.groups)
                if areas["subgroup"] is not None and not inside.all():
                    plain = {key: None if one is None else one.plain() for key, one in areas.items()}
                    name = subject.task.label_names[label]
                    entries.append({"term": term, "label": name, "rows": int(inside.sum())} | plain)
        return entries

    def sentences(self, plain: Mapping[str, Any], evidence: Mapping[str, Any]) -> list[str]:
        """How often labels change, which terms move them, and what a baseline does."""
        said = []
        others = {each["list"]: each for each in (plain.get("baseline") or {}).get("lists", ())}
        for each in plain["lists"]:
            if each.get("why"):
                said.append(f"Swapped terms: {each['why']}.")
                continue
            line = (
                f"With other terms of '{each['list']}' in their place, {shown(each['flips'])} of {counted(each['rows'], 'row')} "
                f"change their label at least once in {count(each['copies'])} copies ({share(each['copies_flipped'], 1)} of the "
                f"copies); probabilities move by {shown(each['shift'])} at most in the mean"
            )
            if (other := others.get(each["list"])) and not other.get("why"):
                called = plain["baseline"]["called"]
                line += (
                    f"; of {called} {shown(other['flips'])} change, and probabilities move by {shown(other['shift'])}"
                )
            said.append(f"{line}.")
            if each.get("known"):
                said.append(_apart_said(each))
            if clear := [term for term in each["terms"] if term["p_holm"] < ALPHA][:5]:
                moves = ", ".join(
                    f"{term['term']} {shown(term['shift'], sign=True)} for {term['label']}" for term in clear
                )
                said.append(f"Terms of '{each['list']}' that move a label more than chance does: {moves}.")
            if each.get("unclear"):
                said.append(
                    f"Terms of {counted(each['unclear'], 'row')} stand in several lists of '{each['list']}', as 'her' beside "
                    "'his' and 'him'; they are never swapped, for what would stand in their place is not known."
                )
            if each["cut"]:
                said.append(
                    f"{count(each['cut'])} copies of '{each['list']}' were cut as their rows were; a "
                    "term behind the cut changes nothing."
                )
        return said

    def view(self, plain: Mapping[str, Any], evidence: Mapping[str, Any]) -> dict[str, Any] | None:
        """Tables of the lists, of the terms and of the largest changes."""
        tables = []
        measured = [each for each in plain["lists"] if not each.get("why")]
        others = {each["list"]: each for each in (plain.get("baseline") or {}).get("lists", ())}
        heads = ["list", "rows|n", "copies|n", "rows that change|n", "copies that change|n", "largest shift, mean|n"]
        rows = [[each["list"], *_numbers(each)] for each in measured]
        called = (plain.get("baseline") or {}).get("called")
        rows += [[f"{name}, {called}", *_numbers(each)] for name, each in others.items() if not each.get("why")]
        tables.append({"caption": "Labels and probabilities where terms are swapped", "columns": heads, "rows": rows})
        for each in measured:
            heads = ["term", "label", "rows|n", "shift of its probability|n", "p after Holm over all terms|n"]
            rows = [
                [
                    term["term"],
                    term["label"],
                    term["rows"],
                    shown(term["shift"], sign=True),
                    probability(term["p_holm"]),
                ]
                for term in each["terms"]
            ]
            if rows:
                tables.append(
                    {"caption": f"Terms of {each['list']} in the place of others", "columns": heads, "rows": rows}
                )
            heads = ["term", "label", "rows|n", "AUROC|n", "BPSN AUROC|n", "BNSP AUROC|n"]
            rows = [
                [term["term"], term["label"], term["rows"]]
                + [term[key] and term[key]["value"] for key in ("subgroup", "bpsn", "bnsp")]
                for term in each["aurocs"]
            ]
            if rows:
                tables.append({"caption": f"Rows that hold a term of {each['list']}", "columns": heads, "rows": rows})
            heads = ["text", "line|n", "swap", "label before", "label after", "shift|n"]
            rows = [
                [
                    one["text"],
                    one["line"],
                    f"{one['old']} to {one['new']}",
                    one["before"],
                    one["after"],
                    number(one["shift"]),
                ]
                for one in each["examples"]
            ]
            if rows:
                tables.append(
                    {"caption": f"Labels that hang on a term of {each['list']}", "columns": heads, "rows": rows}
                )
        return {"tables": tables}

    def card(self, plain: Mapping[str, Any], evidence: Mapping[str, Any]) -> list[str]:
        """The sentences."""
        return [f"- {said}" for said in self.sentences(plain, evidence)]


def _nothing(subject: Subject, terms: TermList, rows: int, unclear: int) -> str:
    """Why no text has another version."""
    if unclear:
        return f"the terms of the list '{terms.name}' that {rows:,} texts have stand in several lists of its table each"
    why = f"no text of {rows:,} has a term of the list '{terms.name}'"
    masked = {term.casefold() for each in getattr(subject.task, "masks", ()) for term in each.terms}
    if masked.isdisjoint(term.casefold() for term in terms.terms):
        return why
    return f"{why} once terms are masked, as the model reads them; of rows as they are written `audit` swaps the others"


def _apart_said(each: Mapping[str, Any]) -> str:
    """Swaps among terms that the training knew beside those with others."""
    kinds = (("known", "terms of the training alone"), ("held_out", "a held-out term"))
    parts = [
        f"{count(each['known'][kind]['copies'])} copies with {what}, {share(each['known'][kind]['flipped'], 1)} change their label"
        for kind, what in kinds
        if each["known"][kind]["copies"]
    ]
    return f"Of '{each['list']}': of " + "; of ".join(parts) + "."


def _numbers(each: Mapping[str, Any]) -> list[Any]:
    return [each["rows"], each["copies"], shown(each["flips"]), share(each["copies_flipped"], 1), shown(each["shift"])]


def _examples(
    subject: Subject, versions: Versions, own: Answers, after: Answers, flipped: np.ndarray, moved: np.ndarray
) -> list[dict[str, Any]]:
    """Swaps that change a label, one for each row, the largest changes first."""
    if not subject.shows:
        return []
    found, seen = [], set()
    for at in np.argsort(-moved, kind="stable"):
        row = int(versions.of[at])
        if not flipped[at] or row in seen:
            continue
        seen.add(row)
        found.append(
            {
                "line": int(versions.rows.lines[at]),
                "text": shortened(versions.rows.get(at).text, 300),
                "old": ", ".join(old for old, _ in versions.swaps[at].exchanged),
                "new": ", ".join(new for _, new in versions.swaps[at].exchanged),
                "before": own.names(subject, at),
                "after": after.names(subject, at),
                "shift": float(moved[at]),
            }
        )
        if len(found) == MOST_EXAMPLES:
            break
    return found
