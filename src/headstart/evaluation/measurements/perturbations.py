"""What a model says of texts with typos and in other forms that should make no difference."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field, field_validator

from headstart.config import split_at_commas
from headstart.data.store import Store
from headstart.data.typos import FORMS, Typos, file_of, typos
from headstart.drawing.scores import ALPHA
from headstart.drawing.text import number, probability, share, shown
from headstart.evaluation.judging import chosen_metric, chosen_score, compared
from headstart.evaluation.measurements.asked_again import RowsAskedAgain, answered, changed, known
from headstart.evaluation.subjects import Subject
from headstart.metrics import is_better_lower, title_of
from headstart.metrics.means import share as share_of_rows
from headstart.metrics.significance import correct

KEYBOARD, TYPOS = "en", "typos"
STRANGE = 0.1
"""Share of the words that a list of misspellings knows below which it may be of another language."""


class Perturbations(RowsAskedAgain):
    """Scores of texts with misspelt words, in small and in capital letters, without punctuation and with more of it."""

    name: ClassVar[str] = "perturbations"
    title: ClassVar[str] = "Typos and other forms"

    typos: str = KEYBOARD
    """Where misspellings come from: a language whose keyboard fingers slip on, such as `en` or `de`, or a file: a table with
    tabs, of words and the ways in which each is misspelt."""
    rates: Annotated[tuple[Annotated[float, Field(gt=0, le=1)], ...], BeforeValidator(split_at_commas)] = (
        0.1,
        0.3,
        1.0,
    )
    """Shares of the words that are misspelt, each in (0, 1]."""
    forms: Annotated[tuple[str, ...], BeforeValidator(split_at_commas)] = tuple(FORMS)
    """Other forms of the whole text: `lower-case`, `upper-case`, `no-punctuation`, `exclamation`."""

    @field_validator("forms")
    @classmethod
    def _known(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if odd := next((name for name in value if name not in FORMS), None):
            raise ValueError(f"there is no form '{odd}' (known: {', '.join(FORMS)})")
        return tuple(dict.fromkeys(value))

    def files(self, directory: Path | None = None) -> dict[str, Path]:
        """The list of misspellings, where no language is named."""
        listed = file_of(self.typos, directory) if self.rates else None
        return {} if listed is None else {"typos": listed}

    def texts(self, rows: int) -> int:
        """All rows in all forms."""
        return min(rows, self.most_rows) * (len(self.rates) + len(self.forms))

    def require(self) -> None:
        """Read the list of misspellings; raises as `data.typos.typos` does."""
        if self.rates:
            typos(self.typos)

    def found(self, subject: Subject) -> tuple[dict[str, Any], Any]:
        """`metric`, `untouched` score, `words_known` to a list, and `rows`: each with score, paired difference, p, flips."""
        task = subject.task
        chosen = self.sample(subject)
        rows = subject.rows.take(chosen)
        before = known(subject, chosen)
        entries, kept, coverage = [], [before.outputs], None
        for entry, altered in self._altered(rows):
            if entry["kind"] == TYPOS:
                coverage = entry.pop("words_known")
            after = answered(subject, altered)
            kept.append(after.outputs)
            test = compared(task, after.outputs, before.outputs, rows, seed=self.seed)
            entries.append(
                entry
                | {
                    "score": chosen_score(task, after.outputs, rows).plain(),
                    "difference": test.difference.plain() | {"metric": test.metric},
                    "p": test.p,
                    "flips": share_of_rows((before.given != after.given).any(1), rows.groups).plain(),
                }
            )
        correct(entries)
        whole = chosen_score(task, before.outputs, rows).plain()
        plain = {"metric": chosen_metric(task).name, "untouched": whole, "of_rows": len(chosen), "rows": entries}
        return plain | {"typos_of": self.typos, "words_known": coverage}, kept

    def _altered(self, rows: Store[Any]) -> Iterator[tuple[dict[str, Any], Store[Any]]]:
        """What was done to the texts, and the rows with the texts that came of it."""
        slips = typos(self.typos) if self.rates else None
        for rate in self.rates:
            assert slips is not None
            tally = _Misspelling(slips, rate, self.seed)
            altered = changed(rows, tally)
            yield {"kind": TYPOS, "rate": rate} | tally.facts(), altered
        for name in self.forms:
            yield {"kind": name, "rate": None}, changed(rows, FORMS[name])

    def beside(self, subject: Subject, own: Any, theirs: Any) -> dict[str, Any]:
        """`against`: paired differences of the two models on the texts of each kind, the untouched ones first."""
        rows = subject.rows.take(self.sample(subject))
        kinds = [("untouched", None), *((TYPOS, rate) for rate in self.rates), *((name, None) for name in self.forms)]
        entries = []
        for (kind, rate), first, second in zip(kinds, own, theirs, strict=True):
            test = compared(subject.task, first, second, rows, seed=self.seed)
            difference = test.difference.plain() | {"metric": test.metric}
            entries.append({"kind": kind, "rate": rate, "difference": difference, "p": test.p})
        correct(entries)
        return {"against": entries}

    def sentences(self, plain: Mapping[str, Any], evidence: Mapping[str, Any]) -> list[str]:
        """How far scores fall, and from which share of misspelt words on a baseline is better."""
        title, said = title_of(plain["metric"]), []
        for each in plain["rows"]:
            clear = each["p_holm"] < ALPHA
            if clear or each["kind"] == TYPOS:
                said.append(
                    f"{_called(each).capitalize()}, {title} is {shown(each['score'])}, "
                    f"{shown(each['difference'], sign=True)} from that of untouched texts (p after Holm "
                    f"{probability(each['p_holm'])}); {share(each['flips']['value'], 1)} of the rows change their label."
                )
        quiet = [each["kind"] for each in plain["rows"] if each["kind"] != TYPOS and each["p_holm"] >= ALPHA]
        if quiet:
            said.append(f"No clear change: {', '.join(quiet)}.")
        if plain["words_known"] is not None and plain["words_known"] < STRANGE:
            said.append(
                f"{plain['typos_of']} knows {share(plain['words_known'], 1)} of the words of the texts; it may be of another "
                "language."
            )
        if plain.get("against"):
            said += _sturdier(plain)
        return said

    def view(self, plain: Mapping[str, Any], evidence: Mapping[str, Any]) -> dict[str, Any] | None:
        """A table of the kinds, with the baseline's scores where there is one."""
        title = title_of(plain["metric"])
        other = plain.get("baseline") or {}
        heads = [
            "texts",
            "words misspelt|n",
            f"{title}|n",
            "less untouched|n",
            "p after Holm|n",
            "labels that change|n",
        ]
        rows: list[list[Any]] = [["untouched", "", shown(plain["untouched"]), "", "", ""]]
        for each in plain["rows"]:
            rows.append(
                [
                    _called(each), share(each["misspelt"], 1) if "misspelt" in each else "", shown(each["score"]),
                    shown(each["difference"], sign=True), probability(each["p_holm"]), share(each["flips"]["value"], 1),
                ]
            )  # fmt: skip
        if other:
            heads += [f"{title}, {other['called']}|n", "less that|n", "p of the two after Holm|n"]
            scores = [other["untouched"], *(each["score"] for each in other["rows"])]
            for row, score, test in zip(rows, scores, plain["against"], strict=True):
                row += [shown(score), shown(test["difference"], sign=True), probability(test["p_holm"])]
        return {"tables": [{"caption": f"{title} of {plain['of_rows']:,} rows", "columns": heads, "rows": rows}]}

    def card(self, plain: Mapping[str, Any], evidence: Mapping[str, Any]) -> list[str]:
        """The sentences."""
        return [f"- {said}" for said in self.sentences(plain, evidence)]


class _Misspelling:
    """Misspells texts and counts the words."""

    def __init__(self, slips: Typos, rate: float, seed: int) -> None:
        self._slips, self._rate, self._seed = slips, rate, seed
        self._words = self._changed = self._possible = 0

    def __call__(self, text: str) -> str:
        found = self._slips.misspelt(text, self._rate, self._seed)
        self._words += found.words
        self._changed += found.changed
        self._possible += found.possible
        return found.text

    def facts(self) -> dict[str, float]:
        """Shares of all words that are misspelt, and that could be."""
        words = max(self._words, 1)
        return {"misspelt": self._changed / words, "words_known": self._possible / words}


def _called(entry: Mapping[str, Any]) -> str:
    if entry["kind"] == TYPOS:
        return f"with {entry['rate']:.0%} of the words misspelt"
    return {
        "untouched": "untouched",
        "lower-case": "in small letters",
        "upper-case": "in capital letters",
        "no-punctuation": "without punctuation",
        "exclamation": "with exclamation marks",
    }[entry["kind"]]


def _sturdier(plain: Mapping[str, Any]) -> list[str]:
    """Which of the two models is better on texts of each kind, where one clearly is."""
    called, lower = plain["baseline"]["called"], is_better_lower(plain["metric"])
    said = []
    falls = [each for each in plain["against"] if each["kind"] in ("untouched", TYPOS)]
    signs = [(-1 if lower else 1) * each["difference"]["value"] for each in falls]
    behind = (at for at, sign in enumerate(signs) if sign < 0 and falls[at]["p_holm"] < ALPHA)
    if signs and signs[0] > 0 and (worse := next(behind, None)):
        said.append(
            f"The model is ahead of {called} on untouched texts ({shown(falls[0]['difference'], sign=True)}), and clearly behind "
            f"it {_called(falls[worse])} ({shown(falls[worse]['difference'], sign=True)}, p after Holm "
            f"{probability(falls[worse]['p_holm'])}): {called} is the sturdier one."
        )
    clear = [each for each in plain["against"] if each["p_holm"] < ALPHA]
    for each in clear:
        ahead = ((-1 if lower else 1) * each["difference"]["value"]) > 0
        said.append(
            f"{_called(each).capitalize()} the model is {'better' if ahead else 'worse'} than {called} by "
            f"{number(abs(each['difference']['value']))} (p after Holm {probability(each['p_holm'])})."
        )
    return said or [f"No clear difference to {called} on any of these texts."]
