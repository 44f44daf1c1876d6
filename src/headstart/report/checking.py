"""The page of a check of data, made from its evidence alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headstart.drawing.text import count, counted, legible, number
from headstart.report.page import environment
from headstart.report.stacking import stacked

MOST_SUSPECTS = 200
"""Rows with doubtful labels that the page shows."""
TITLES = {
    "unusable": "rows that cannot be used", "file": "the file", "copy": "copies", "contradiction": "contradicting labels",
    "leak": "texts in two parts", "near copy": "near copies", "near contradiction": "near copies with other labels",
    "near leak": "near copies in two parts", "spelling": "spellings of a label", "rare label": "rare labels",
    "label": "labels", "missing label": "labels like missing values", "imbalance": "uneven labels", "span": "spans that disagree",
    "unseen label": "labels that training rows lack", "language": "language", "length": "lengths", "label noise": "doubtful labels",
}  # fmt: skip
"""What each kind of finding is called."""


def page(evidence: Mapping[str, Any]) -> str:
    """One HTML document, without script and without network.

    Args:
        evidence: what `check` found, plain JSON data.
    """
    seen = legible(evidence)
    noise = seen["noise"]
    return stacked(
        environment()
        .get_template("check.html.j2")
        .render(
            evidence=seen,
            said=sentences(seen),
            noise=noise,
            noise_said=noise_sentences(noise) if noise else [],
            suspects=noise["suspects"][:MOST_SUSPECTS] if noise else [],
            titles=TITLES,
        )
    )


def sentences(evidence: Mapping[str, Any]) -> list[str]:
    """What the check comes to, for page and terminal.

    Args:
        evidence: what `check` found.
    """
    counts = evidence["counts"]
    if not evidence["findings"]:
        return [f"Nothing is odd about {counted(evidence['rows'], 'training row')}."]
    shown = ", ".join(counted(counts[weight], weight) for weight in counts if counts[weight])
    return [f"{shown} about {counted(evidence['rows'], 'training row')}."]


def noise_sentences(noise: Mapping[str, Any]) -> list[str]:
    """How doubtful rows were found, what to expect of them, and what the self-test says.

    Args:
        noise: that part of the evidence.
    """
    expected, rate, test = noise["expected"], noise["rate"], noise["self_test"]
    first = count(expected["first"])
    asked = ", ".join(f"{each['strategy']} (weight {number(each['weight'], 2)})" for each in noise["strategies"])
    of = f" of {count(noise['of_rows'])}" if noise["of_rows"] > noise["rows"] else ""
    said = [
        f"Labels of {count(noise['rows'])}{of} rows were judged by {asked}, each row by fits without it.",
    ]
    if expected["precision"] is not None:
        said.append(
            f"Share of wrong labels {_between(rate, 'value')}; among the first {first} rows "
            f"{_between(expected, 'precision')} are to be expected; rows that are merely hard count where they look wrong."
        )
    if test is not None:
        said.append(
            f"Self-test: {count(test['flipped'])} labels were changed in a copy in memory; {count(test['found'])} of them came "
            f"among the first {count(test['first'])} rows, {number(test['promised'], 0)} were promised; a changed row was more "
            f"doubtful than another one in {test['auroc']:.1%} of the pairs."
        )
        if not test["kept"]:
            said.append("So the order of the rows can be relied on, and no share of wrong labels is promised.")
    bits = noise["usable_information"]
    said.append(
        f"Usable information {number(bits['bits'], 2)} bits a row; of {counted(bits['rows_below_zero'], 'row')} the models know "
        "less than nothing."
    )
    said += [f"{each['strategy']} was left out: {each['why']}" for each in noise["failed"]]
    for found in noise["maps"]:
        regions = ", ".join(f"{count(rows)} {region}" for region, rows in found["regions"].items())
        said.append(
            f"Epoch by epoch {found['strategy']} finds {regions}; mean confidence {number(found['confidence'], 2)}, variability "
            f"{number(found['variability'], 2)}."
        )
    return said


def _between(measured: Mapping[str, Any], key: str) -> str:
    """A share with its interval."""
    return f"{measured[key]:.1%} [{measured['low']:.1%}, {measured['high']:.1%}]"
