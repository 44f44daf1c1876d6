"""Scores on tests with names of their own, beside those on test."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from headstart.drawing.markdown import markdown
from headstart.drawing.scores import rows_of, significance
from headstart.drawing.text import count, shown
from headstart.evaluation.measurements.base import Measurement, Want
from headstart.evaluation.measurements.domains import lines_of, side_by_side, table_of
from headstart.evaluation.subjects import Subject
from headstart.metrics import title_of


class NamedTests(Measurement):
    """Every strategy's score on test and on each named test, the best there tested against the others."""

    name: ClassVar[str] = "tests"
    title: ClassVar[str] = "Other tests"
    wants: ClassVar[frozenset[Want]] = frozenset({"run"})
    by_default: ClassVar[bool] = True
    template: ClassVar[str] = "tests.html.j2"

    def measure(self, subject: Subject) -> dict[str, Any] | None:
        """What `side_by_side` gives, by name of the test; empty where there is none."""
        if subject.run is None:
            return None
        names = subject.run.settings["data"]["tests"]
        return {name: side_by_side(subject, name) for name in names if name in subject.run.rows}

    def sentences(self, plain: Mapping[str, Any], evidence: Mapping[str, Any]) -> list[str]:
        """What the kept strategy reaches on each, how far that is from test, and which one is best there."""
        sentences, kept = [], evidence["chosen"]
        for name, found in plain.items():
            rows = {row["strategy"]: row for row in found["rows"]} if found else {}
            if kept not in rows:
                continue
            own = rows[kept]
            said = f"On {name} {kept} reaches {title_of(found['metric'])} {shown(own['outside'])} on "
            said += rows_of(name, own["outside"]["n"])
            if own["gap"]:
                said += f", {shown(own['gap'], sign=True)} from {found['inside']}"
                if own["gap"].get("paired"):
                    said += f" on the {count(own['gap']['paired'])} rows with the same id"
            for row in found["comparisons"]:
                if row["b"] == kept:
                    said += f"; best there is {found['best']} with {shown(rows[found['best']]['outside'])} ({significance(row)})"
            sentences.append(f"{said}.")
        return sentences

    def view(self, plain: Mapping[str, Any], evidence: Mapping[str, Any]) -> dict[str, Any] | None:
        """Tables by name of the test, those that have scores."""
        found = {name: table for name, measured in plain.items() if (table := table_of(measured))}
        return found or None

    def card(self, plain: Mapping[str, Any], evidence: Mapping[str, Any]) -> list[str]:
        """A table for each."""
        lines = []
        for name, measured in plain.items():
            if found := lines_of(measured, name, "best there first; no choice was made there"):
                lines += [f"### {markdown(name)}", "", *found, ""]
        return lines[:-1]
