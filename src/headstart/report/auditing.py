"""What an audit says: sentences, and its page, made from its evidence alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from headstart.drawing.scores import out_of_scope_line
from headstart.drawing.text import legible, probability, shown
from headstart.evaluation import MEASUREMENTS
from headstart.evaluation.measurements.base import Measurement
from headstart.metrics import title_of
from headstart.report.page import environment
from headstart.report.stacking import stacked


def page(evidence: Mapping[str, Any]) -> str:
    """One HTML document, without script and without network.

    Args:
        evidence: what `audit` found, plain JSON data.
    """
    seen = legible(evidence)
    sections = [
        {
            "anchor": each.name,
            "heading": each.heading,
            "template": each.template,
            "view": each.view(plain, seen) or {},
            "sentences": each.sentences(plain, seen),
        }
        for each, plain in measured(seen)
    ]
    return stacked(
        environment()
        .get_template("audit.html.j2")
        .render(evidence=seen, sections=sections, scores=score_rows(seen), overall=overall(seen))
    )


def measured(evidence: Mapping[str, Any]) -> Iterator[tuple[Measurement, Mapping[str, Any]]]:
    """What was measured, in its order, with what was found of it."""
    for name, plain in evidence["audit"].items():
        yield MEASUREMENTS.get(name)(), plain


def sentences(evidence: Mapping[str, Any]) -> list[str]:
    """All that measurements say, one after the other.

    Args:
        evidence: what `audit` found.
    """
    found = [said for each, plain in measured(evidence) for said in each.sentences(plain, evidence)]
    return [*overall(evidence), *found]


def overall(evidence: Mapping[str, Any]) -> list[str]:
    """What is said of all rows: how the model's score lies to that of a baseline, and which rows it refuses.

    Above it stands that the user stopped the audit, where that is so.
    """
    refused = evidence["out_of_scope"]
    line = "" if refused is None else out_of_scope_line(refused)
    cut = "The audit was stopped before all was measured." if evidence.get("interrupted") else ""
    return [said for said in (cut, against(evidence), line and f"R{line[1:]}.") if said]


def against(evidence: Mapping[str, Any]) -> str:
    """How the model's score lies to that of a baseline on the same rows; empty without one."""
    test = evidence["against"]
    if test is None:
        return ""
    return (
        f"{title_of(test['metric']).capitalize()} is {shown(test['difference'], sign=True)} from that of "
        f"{evidence['baseline']['called']} on the same rows (p {probability(test['p'])})."
    )


def score_rows(evidence: Mapping[str, Any]) -> dict[str, Any]:
    """The scores as a table: heads, and a row for the model, for each further test, and the same of a baseline."""
    names = list(evidence["scores"])
    files = {evidence["file"]: evidence["scores"]} | {
        f"{name} ({each['file']})": each["scores"] for name, each in evidence["tests"].items()
    }
    rows = [[name, *_cells(found, names)] for name, found in files.items()]
    if other := evidence["baseline"]:
        rows.append([f"{evidence['file']}, {other['called']}", *_cells(other["scores"], names)])
        rows += [
            [f"{name}, {other['called']}", *_cells(each["scores"], names)] for name, each in other["tests"].items()
        ]
    return {"columns": ["rows of", "rows|n", *(f"{title_of(name)}|n" for name in names)], "rows": rows}


def _cells(scores: Mapping[str, Any], names: list[str]) -> list[str]:
    most = max((each["n"] for each in scores.values()), default=0)
    return [f"{most:,}", *(shown(scores[name]) if name in scores else "" for name in names)]
