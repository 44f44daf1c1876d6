"""Reading the evidence: which scores stand where, which part of the data they come from, what a comparison says."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from headstart.drawing.text import count, dig, finite, probability, shown
from headstart.metrics import METRICS, is_better_lower, title_of
from headstart.unseen import on_one_line

SPLITS = ("train", "validation", "test", "target")
TARGET = "target"
"""Part of the data that holds labelled rows of the target domain."""
WITHOUT_NETWORK = {
    "linear-text": ("sklearn", "scikit-learn", "A linear model on TF-IDF features"),
    "crf": ("safetensors", "numpy and safetensors", "A linear-chain CRF on what words look like"),
    "word-overlap": (
        "safetensors",
        "numpy and safetensors",
        "A log-linear model of words that question and text share",
    ),
}
"""Kinds of models that hold nothing of the backbone: library as the hub calls it, what they need, what they are."""
ALPHA = 0.05
"""Corrected p value from which on a difference is not significant."""
NOT_SIGNIFICANT = "not significant"
AGREEMENT = "agreement with the teacher"
"""What scores are on rows whose labels a teacher gave."""
LABEL_LIMIT = 80
"""Longest name that is shown, in characters."""
LIST_LIMIT = 50
"""Longest list that is shown; the rest is counted."""


@dataclass(frozen=True)
class Wording:
    """A part of the data that scores come from, in words."""

    on: str
    """After a score: `on test`."""
    rows: str
    """After a number of rows: `test rows`."""
    part: str
    """In a sentence: `the test part`."""
    caution: str = ""
    """What to know before believing the scores, in sentences; empty for test."""


def words(split: str) -> Wording:
    """How page and card speak of a part of the data that scores come from."""
    if split == "cross-validation":
        caution = (
            "The scores below are from cross-validation: each training row was predicted by a model that had not seen "
            "it. Choices were made on the same scores, so they are slightly optimistic."
        )
        return Wording("by cross-validation", "rows by cross-validation", "the training rows", caution)
    if split == TARGET:
        return Wording("on the target domain", "target rows", "the labelled rows of the target domain")
    caution = "The scores below are from the validation part, on which choices were made, so they are optimistic."
    return Wording(f"on {split}", f"{split} rows", f"the {split} part", caution if split == "validation" else "")


def on(split: str) -> str:
    """What stands after a score: `on test`, `by cross-validation`."""
    return words(split).on


def rows_of(split: str, n: Any) -> str:
    """A number of rows of a part: `200 test rows`."""
    return f"{count(n)} {words(split).rows}"


def measured_as(evidence: Mapping[str, Any], split: str, metric: str) -> str:
    """How people call a metric on a part: by its title, or as agreement where a teacher gave the labels."""
    title = title_of(metric)
    return f"{AGREEMENT} ({title})" if dig(evidence, "data", "labels_by", split) else title


def by_choices(evidence: Mapping[str, Any]) -> dict[str, Any]:
    """The evidence with all that is called "validation" under the name of what choices were made on, entries under their labels.

    That is another name where `data.choices` says so: under cross-validation there is no validation part.
    """
    choices = dig(evidence, "data", "choices") or "validation"

    def renamed(entry: Mapping[str, Any]) -> dict[str, Any]:
        entry = dict(entry)
        if entry.get("label"):
            entry["strategy"] = entry["label"]
        if isinstance(entry.get("scores"), Mapping):
            entry["scores"] = {choices if name == "validation" else name: s for name, s in entry["scores"].items()}
        if entry.get("split") == "validation":
            entry["split"] = choices
        return entry

    found = {key: renamed(value) if dig(value, "split") == "validation" else value for key, value in evidence.items()}
    for key in ("leaderboard", "comparisons"):
        found[key] = [renamed(entry) for entry in evidence.get(key) or []]
    return found


def score_of(entry: Any, split: str, metric: str) -> dict[str, Any] | None:
    """One measured score of a leaderboard entry, or None where there is no finite one."""
    measured = dig(entry, "scores", split, metric)
    return None if finite(dig(measured, "value")) is None else measured


def parts_of(board: Sequence[Mapping[str, Any]]) -> list[str]:
    """The parts of the data on which anything was scored: test, those of the choices, the target domain, named tests."""
    names = dict.fromkeys(name for entry in board for name, found in (entry.get("scores") or {}).items() if found)
    known = {"test": 0, "validation": 1, "cross-validation": 1, TARGET: 2}
    return sorted(names, key=lambda name: known.get(name, 3))


def splits_of(evidence: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """What the evidence says of each labelled part of the data that there is, named tests last."""
    found = dig(evidence, "data", "splits") or {}
    return {name: found[name] for name in dict.fromkeys((*SPLITS, *found)) if found.get(name)}


def standing(evidence: Mapping[str, Any]) -> tuple[str, list[dict[str, Any]], str]:
    """The task's metric, the leaderboard from best to worst, and the part of the data that decides the order.

    The part is test where anything was scored on it, else the one that choices were made on. Entries without a score
    come last, in the order of the evidence.
    """
    metric = dig(evidence, "task", "metric") or "accuracy"
    entries = list(evidence.get("leaderboard") or [])
    split = next((name for name in parts_of(entries) if any(score_of(entry, name, metric) for entry in entries)), "")
    split = split or "validation"
    direction = 1 if is_better_lower(metric) else -1

    def place(entry: Mapping[str, Any]) -> tuple[bool, float]:
        measured = score_of(entry, split, metric)
        return (measured is None, direction * measured["value"] if measured else 0.0)

    return metric, sorted(entries, key=place), split


def reading(comparison: Mapping[str, Any]) -> str:
    """What a paired comparison says; a gain counts only where the interval and Holm's p both say so."""
    difference = comparison.get("difference") or {}
    value, low, high = (finite(difference.get(key)) for key in ("value", "low", "high"))
    p = finite(comparison.get("p_holm"))
    p = finite(comparison.get("p")) if p is None else p
    if value is None or (p is None and (low is None or high is None)):
        return "not tested"
    touches_zero = low is not None and high is not None and low <= 0 <= high
    if value == 0 or touches_zero or (p is not None and p >= ALPHA):
        return NOT_SIGNIFICANT
    a_is_better = (value > 0) != is_better_lower(comparison.get("metric") or "")
    return f"{comparison.get('a') if a_is_better else comparison.get('b')} is better"


def chosen_entry(evidence: Mapping[str, Any]) -> dict[str, Any] | None:
    """The leaderboard's entry that became this model."""
    entries = evidence.get("leaderboard") or []
    return next((entry for entry in entries if entry.get("chosen")), None)


def chosen_scores(evidence: Mapping[str, Any], split: str) -> dict[str, dict[str, Any]]:
    """Every finite score of the saved model on one part of the data, the task's own metric first.

    That is the chosen entry or, where it learnt again from all rows, what came of it.
    """
    chosen, metric = chosen_entry(evidence), dig(evidence, "task", "metric")
    if chosen and (again := dig(evidence, "refit", "scores")):
        chosen = chosen | {"scores": {**(chosen.get("scores") or {}), **again}}
    names = sorted(METRICS.names(), key=lambda name: name != metric)
    return {name: measured for name in names if (measured := score_of(chosen, split, name))}


def significance(comparison: Mapping[str, Any]) -> str:
    """Whether a paired difference is significant, in a few words."""
    p = f"p {probability(comparison['p_holm'])} (Holm)"
    return p if comparison["p_holm"] < ALPHA else f"{NOT_SIGNIFICANT}, {p}"


def opposition(
    evidence: Mapping[str, Any], board: Sequence[Mapping[str, Any]], metric: str, split: str
) -> dict[str, Any] | None:
    """The best entry of the other role than the chosen one's, as a rule a control, and the gain over it.

    Returns:
        `entry`, its `score`, the `difference` chosen minus entry, and its `reading`; None where nothing can
        be held against the chosen one.
    """
    chosen = next((entry for entry in board if entry.get("chosen")), None)
    mine = score_of(chosen, split, metric)
    others = [entry for entry in board if chosen and entry.get("role") != chosen.get("role")]
    other = next((entry for entry in others if score_of(entry, split, metric)), None)
    if chosen is None or mine is None or other is None:
        return None
    theirs = score_of(other, split, metric) or {}
    found = {"entry": other, "score": theirs, "difference": {"value": mine["value"] - theirs["value"]}}
    names = (chosen["strategy"], other["strategy"])
    for comparison in evidence.get("comparisons") or []:
        pair = (comparison.get("a"), comparison.get("b"))
        if {*pair} == {*names} and (comparison.get("metric"), comparison.get("split")) == (metric, split):
            sides = comparison.get("difference") or {}
            if pair != names:
                sides = {"value": _minus(sides, "value"), "low": _minus(sides, "high"), "high": _minus(sides, "low")}
            return found | {"difference": sides, "reading": reading(comparison)}
    return found | {"reading": "not tested"}


def _minus(measured: Mapping[str, Any], key: str) -> float | None:
    """The negated number under `key`, or None."""
    value = finite(measured.get(key))
    return None if value is None else -value


def out_of_scope_line(measured: Mapping[str, Any]) -> str:
    """How many rows are refused and, where some are labelled as out of scope, how many of these, in a sentence."""
    said = f"refused as out of scope: {shown(measured['refused'])} of {measured['n']:,} rows in scope"
    if not (found := measured.get("found")):
        return said
    return (
        f"{said}, {shown(found['found'])} of {found['n']:,} labelled '{on_one_line(measured['label'])}' (AUROC "
        f"{shown(found['auroc'])}); {shown(found['accuracy'])} of all are right"
    )
