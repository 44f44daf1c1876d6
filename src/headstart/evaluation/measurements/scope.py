"""What refusing rows out of scope costs and finds: how many rows in scope get no label, and how many of the others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from headstart.decisions.out_of_scope import scope_asked
from headstart.drawing.scores import rows_of
from headstart.drawing.text import count, counted, reached, share, shown
from headstart.evaluation.measurements.base import Measurement
from headstart.evaluation.subjects import Subject, WithOutside
from headstart.metrics.intervals import proportion
from headstart.metrics.prediction_sets import least_rows


class Refusals(Measurement):
    """The share of labelled rows that are refused beside the share that may be, and how many of those out of scope are found."""

    name: ClassVar[str] = "out_of_scope"
    title: ClassVar[str] = "Out of scope"
    by_default: ClassVar[bool] = True

    def measure(self, subject: Subject) -> dict[str, Any] | None:
        """`split`, `score` (its name), `may` (share), `refused`, `right` of the others, `rows` behind the point, `least`, and `n`.

        With fewer than `least` rows behind the point no row can be strange enough to be refused.

        Where rows are labelled as out of scope, also their `label`, `tuned` (see `OutOfScope.tuning`), and `found` by part: what
        `found_outside` gives, with that of all strategies of the run under `strategies`.
        """
        asked, refused = scope_asked(subject.predictor.decisions), getattr(subject.outputs, "refused", None)
        if asked is None or refused is None:
            return None
        right = subject.task.is_right(subject.outputs, subject.rows)
        kept = int((~refused).sum())
        measured = {
            "split": subject.part,
            "score": asked.found,
            "may": asked.refused,
            "rows": asked.rows,
            "least": least_rows(1 - (asked.refused or 0.0)),
            "refused": proportion(int(refused.sum()), len(refused)).plain(),
            "right": proportion(int(right[~refused].sum()), kept).plain() if right is not None and kept else None,
            "n": len(refused),
        }
        if asked.label is None:
            return measured
        found = {name: each.judged(subject.task) for name, each in subject.outside.items()}
        return measured | {
            "label": asked.label,
            "tuned": asked.tuning,
            "found": {
                name: each.plain() | {"strategies": _of_strategies(subject, name)}
                for name, each in found.items()
                if each
            },
        }

    def sentences(self, plain: Mapping[str, Any], evidence: Mapping[str, Any]) -> list[str]:
        """What was promised, what came of it, and how many rows out of scope are found."""
        if why := _too_few(plain):
            return [why]
        said = [
            f"As out of scope {shown(plain['refused'])} of {rows_of(plain['split'], plain['n'])} are refused, where "
            f"{share(plain['may'], 1)} might be; all of them have a label that was learnt."
        ]
        if plain["right"]:
            said.append(f"Of the others {shown(plain['right'])} get the right label.")
        for name, found in (plain.get("found") or {}).items():
            rows = rows_of(name, found["n"])
            said.append(
                f"Of {rows} labelled '{plain['label']}' {shown(found['found'])} are found (AUROC {shown(found['auroc'])}); with "
                f"refusal as their right answer, {shown(found['accuracy'])} of all {count(found['accuracy']['n'])} rows are right."
            )
        return [*said, *_on_tuning(plain)]

    def view(self, plain: Mapping[str, Any], evidence: Mapping[str, Any]) -> dict[str, Any] | None:
        """A table by part and strategy, where rows are labelled as out of scope."""
        found = plain.get("found") or {}
        kept = str(evidence.get("chosen") or "the model")
        rows = [
            [
                f"{name}, {who}",
                count(each["n"]),
                *(shown(each[key]) for key in ("auroc", "found", "refused", "accuracy")),
            ]
            for name, own in found.items()
            for who, each in [(f"{kept} (kept)", own), *own["strategies"].items()]
        ]
        if not rows:
            return None
        heads = ["rows of, by", "out of scope|n", "AUROC|n", "found|n", "refused in scope|n", "right in all|n"]
        return {"columns": heads, "rows": rows}

    def card(self, plain: Mapping[str, Any], evidence: Mapping[str, Any]) -> list[str]:
        """The promise as it is."""
        if why := _too_few(plain):
            return [why]
        may, rows = share(plain["may"], 1), rows_of(plain["split"], plain["n"])
        lines = [
            f"Texts that are about something else get no label: by {plain['score']}, at the point where {may} of {plain['rows']:,} "
            f"held-out rows would get none. Of {rows} {reached(plain['refused'])} got none. How many of the texts out of scope are "
            "found depends on what they are about, and is not known."
        ]
        if tuned := plain.get("tuned"):
            lines = [
                f"Texts that are about something else get no label: by {plain['score']}, at a point that was found on "
                f"{counted(tuned['rows'], 'text')} out of scope and {counted(plain['rows'], 'held-out row')} in scope, of which it "
                f"refuses {share(tuned['refused'], 1)} ({may} might be). Of {rows} {reached(plain['refused'])} got none."
            ]
        for name, found in (plain.get("found") or {}).items():
            lines.append(
                f"Of {rows_of(name, found['n'])} out of scope {reached(found['found'])} got none; texts of "
                "other kinds may be harder to find."
            )
        return lines


def _too_few(plain: Mapping[str, Any]) -> str:
    """That nothing is refused, where too few rows were held out; empty where some may be."""
    if plain["rows"] >= plain.get("least", 0):
        return ""
    return (
        f"No text is refused as out of scope: to refuse {share(plain['may'], 1)} takes {plain['least']} held-out rows, and there "
        f"were {plain['rows']}."
    )


def _of_strategies(subject: Subject, part: str) -> dict[str, Any]:
    """What refusing comes to by strategy of the run, where there are several."""
    contenders = [] if subject.run is None else [each for each in subject.run.contenders if part in each.outside]
    if subject.run is None or len(contenders) < 2:
        return {}
    rows = subject.run.rows[part]
    judged = {
        each.label: WithOutside(rows, each.outputs[part], each.outside[part]).judged(subject.task)
        for each in contenders
        if part in each.outputs
    }
    return {label: each.plain() for label, each in judged.items() if each}


def _on_tuning(plain: Mapping[str, Any]) -> list[str]:
    """How the point was found on rows out of scope, where it was."""
    tuned = plain.get("tuned")
    if not tuned:
        return []
    said = (
        f"The point was found on {counted(tuned['rows'], 'row')} labelled '{plain['label']}' and "
        f"{counted(plain['rows'], 'held-out row')} in scope: it finds {share(tuned['found'], 1)} of the former and refuses "
        f"{share(tuned['refused'], 1)} of the latter"
    )
    if tuned["found"] < tuned["at_most"]:
        said += f"; refusing the {share(plain['may'], 1)} that might be would find {share(tuned['at_most'], 1)}"
    return [f"{said}."]
