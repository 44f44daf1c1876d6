"""How far groups of rows lie apart, such as those of customers: scores, rates of a label, errors, and what of it is noise."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from headstart.config import Names
from headstart.data.store import Store
from headstart.drawing.scores import ALPHA, rows_of
from headstart.drawing.text import counted, number, probability, shortened, shown
from headstart.errors import DataError, quoted
from headstart.evaluation.judging import chosen_metric, chosen_score
from headstart.evaluation.measurements.asked_again import Answers, followed_labels
from headstart.evaluation.measurements.base import Measurement, Want
from headstart.evaluation.subjects import Subject
from headstart.metrics import title_of
from headstart.metrics.groups import Rates, against_rest, bias_aurocs, difference, equality_difference, ratio, score_gap
from headstart.metrics.significance import holm
from headstart.registry import did_you_mean
from headstart.tasks.base import Task

MOST_GROUPS = 200
"""Groups of a column at most."""
BINS = 4
"""Groups of about equally many rows that numbers make."""
MOST_DISTINCT = 20
"""Distinct numbers up to which each is a group of its own."""
MOST_SMALL = 20
"""Groups too small for a score that are named."""


class GroupGaps(Measurement):
    """Differences and ratios between groups of rows, beside what chance makes of groups that do not differ."""

    name: ClassVar[str] = "group_gaps"
    title: ClassVar[str] = "Groups"
    wants: ClassVar[frozenset[Want]] = frozenset({"columns"})
    takes_baseline: ClassVar[bool] = True

    by: Names = ()
    """Columns whose values are the groups, such as `customer,region`."""
    positive_label: str | None = None
    """Label whose rates are compared, such as `toxic`; by default each one, where there are five at most."""
    least_rows: int = Field(default=20, ge=2, le=100_000)
    """Rows below which a group is named and not scored, in [2, 100000]."""
    seed: int = Field(default=0, ge=0, le=2**32 - 1)
    """Seed of the resampling, in [0, 4294967295]."""

    def require(self) -> None:
        """Refuse to measure nothing.

        Raises:
            DataError: no column is named.
        """
        if not self.by:
            raise DataError(f"the measurement {self.name} needs columns: by, such as {{name: {self.name}, by: region}}")

    def check(self, task: Task[Any, Any], rows: Store[Any]) -> None:
        """Refuse columns and a label that are not there; raises as `grouped` and `followed_labels` do."""
        followed_labels(task, self.positive_label)
        for name in self.by:
            column_of(rows, name)

    def measure(self, subject: Subject) -> dict[str, Any]:
        """`split`, `metric`, and `columns`: for each what `_column` finds, or `why` there is nothing; the same of a baseline."""
        followed = followed_labels(subject.task, self.positive_label)
        found = {
            "split": subject.part,
            "metric": subject.task.chosen_metric,
            "columns": [self._column(subject, name, followed) for name in self.by],
        }
        if subject.baseline is not None:
            columns = [self._column(subject.baseline, name, followed) for name in self.by]
            found["baseline"] = {"called": subject.baseline.called, "columns": columns}
        return found

    def _column(self, subject: Subject, name: str, followed: Sequence[int]) -> dict[str, Any]:
        """`groups` (score, difference to the rest with p, AUROCs by label), `gap` of the scores, `labels` (gaps of rates)."""
        groups = grouped(subject.rows, name, self.least_rows)
        found: dict[str, Any] = {"column": name, "kind": groups.kind, "small": groups.small, "empty": groups.empty}
        if len(groups.names) < 2:
            return found | {"why": groups.why(self.least_rows)}
        task, rows = subject.task, subject.rows
        inside = np.flatnonzero(groups.codes >= 0)
        codes = groups.codes[inside]
        kept, outputs = rows.take(inside), subject.outputs.take(inside)
        metric = chosen_metric(task)
        tally = metric.tally(task.results(outputs, kept))
        listed, p_values = [], []
        for at, group in enumerate(groups.names):
            own = codes == at
            apart = against_rest(metric, tally, own, seed=self.seed)
            score = chosen_score(task, outputs.take(np.flatnonzero(own)), kept.take(np.flatnonzero(own)))
            listed.append({"name": group, "n": int(own.sum()), "score": score.plain()})
            if apart is not None:
                listed[-1] |= {"difference": apart[0].plain(), "p": apart[1]}
                p_values.append(apart[1])
        for entry, corrected in zip(listed, holm(p_values), strict=False):
            entry["p_holm"] = corrected
        gap = score_gap(metric, tally, codes, len(groups.names), seed=self.seed)
        labels = [self._label(subject, at, outputs, kept, codes, groups.names) for at in followed]
        apart = [label[key]["equality_difference"] for label in labels for key in RATES if key in label]
        for each, corrected in zip(apart, holm([each["p"] for each in apart]), strict=True):
            each["p_holm"] = corrected
        return found | {"groups": listed, "gap": None if gap is None else gap.plain(), "labels": labels}

    def _label(
        self, subject: Subject, label: int, outputs: Any, rows: Store[Any], codes: np.ndarray, names: Sequence[str]
    ) -> dict[str, Any]:
        """Gaps of how often a label is given, rightly and wrongly, and AUROCs within and across each group."""
        said = Answers.of(subject, outputs)
        given, score = said.given[:, label], said.probabilities[:, label]
        targets = np.asarray(subject.task.targets(rows))
        true = targets == label if targets.ndim == 1 else targets[:, label] > 0
        groups = len(names)
        selected = Rates.of(codes, groups, given)
        hits, alarms = Rates.of(codes, groups, given, true), Rates.of(codes, groups, given, ~true)
        assert selected is not None
        gap = partial(Rates.gap, seed=self.seed)
        found: dict[str, Any] = {
            "label": subject.task.label_names[label],
            "selection": selected.values.tolist(),
            "demographic_parity": {
                "difference": gap(selected, difference).plain(), "ratio": gap(selected, ratio, least=True).plain(),
            },
        }  # fmt: skip
        rates = {"true_positive_rate": hits, "false_positive_rate": alarms}
        for name, each in rates.items():
            if each is not None:
                whole = each.overall
                found[name] = {
                    "by_group": each.values.tolist(),
                    "overall": whole,
                    "difference": gap(each, difference).plain(),
                    "ratio": gap(each, ratio, least=True).plain(),
                    "equality_difference": gap(
                        each, lambda r, w=whole: equality_difference(r, w), most=float(groups)
                    ).plain(),
                }
        if hits is not None and alarms is not None:
            both = [found[name] for name in rates]
            found["equalized_odds"] = {
                "difference": max(each["difference"]["value"] for each in both),
                "ratio": min(each["ratio"]["value"] for each in both),
            }
        aurocs = [bias_aurocs(score, true, codes == at) for at in range(groups)]
        found["auroc"] = [{key: None if one is None else one.plain() for key, one in each.items()} for each in aurocs]
        return found

    def sentences(self, plain: Mapping[str, Any], evidence: Mapping[str, Any]) -> list[str]:
        """For each column the gap of the scores, the groups that are clearly worse, and the gaps of rates that are no noise."""
        said = []
        for column in plain["columns"]:
            by = f"By {quoted(column['column'])}"
            if column.get("why"):
                said.append(f"{by}: {column['why']}.")
                continue
            said += _scores_said(by, column, title_of(plain["metric"]), plain["split"])
            said += [line for label in column["labels"] for line in _rates_said(by, column, label)]
            other = _of_baseline(plain, column["column"])
            if other is not None:
                called = plain["baseline"]["called"]
                said += [line for row in _gaps_beside(column, other) if (line := _beside_said(by, row, called))]
        return said

    def view(self, plain: Mapping[str, Any], evidence: Mapping[str, Any]) -> dict[str, Any] | None:
        """A table for each column."""
        tables = []
        for column in plain["columns"]:
            if column.get("why"):
                continue
            heads = ["group", "rows|n", f"{title_of(plain['metric'])}|n", "less the rest|n", "p after Holm|n"]
            rows = [
                [
                    each["name"], each["n"], shown(each["score"]),
                    shown(each["difference"], sign=True) if "difference" in each else "", probability(each.get("p_holm")),
                ]
                for each in column["groups"]
            ]  # fmt: skip
            tables.append({"caption": f"By {column['column']}", "columns": heads, "rows": rows})
            tables += [_label_table(column, label) for label in column["labels"]]
            other = _of_baseline(plain, column["column"])
            if other is not None and (rows := _gaps_beside(column, other)):
                called = plain["baseline"]["called"]
                heads = [
                    "what lies apart",
                    f"{called}|n",
                    "above its noise|n",
                    "this model|n",
                    "above its noise|n",
                    "removed|n",
                ]
                body = [
                    [row["what"], number(row["before"]["value"]), number(row["before"]["above"]), number(row["after"]["value"]),
                     number(row["after"]["above"]), "" if row["removed"] is None else f"{row['removed']:.0%}"]
                    for row in rows
                ]  # fmt: skip
                tables.append(
                    {"caption": f"Gaps by {column['column']}, beside {called}", "columns": heads, "rows": body}
                )
        return {"tables": tables} if tables else None

    def card(self, plain: Mapping[str, Any], evidence: Mapping[str, Any]) -> list[str]:
        """The sentences."""
        return [f"- {said}" for said in self.sentences(plain, evidence)]


def _of_baseline(plain: Mapping[str, Any], column: str) -> Mapping[str, Any] | None:
    """What was found of a baseline by a column, where it was measured."""
    columns = (plain.get("baseline") or {}).get("columns", ())
    return next((each for each in columns if each["column"] == column and not each.get("why")), None)


def _gaps_beside(own: Mapping[str, Any], other: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Gaps of a baseline and of the model, and what share of that above the noise is gone."""
    pairs = [("scores", other["gap"], own["gap"])]
    for before, after in zip(other["labels"], own["labels"], strict=True):
        pairs += [
            (f"'{after['label']}' {RATES[key]}", before[key]["equality_difference"], after[key]["equality_difference"])
            for key in RATES
            if key in before and key in after
        ]
    return [
        {
            "what": what,
            "before": before,
            "after": after,
            "removed": 1 - after["above"] / before["above"] if before["above"] > 0 else None,
        }
        for what, before, after in pairs
        if before is not None and after is not None
    ]


def _beside_said(by: str, row: Mapping[str, Any], called: str) -> str:
    """A gap of a baseline that is no noise, and what is left of it; empty where there is none."""
    before = row["before"]
    if before.get("p_holm", before["p"]) >= ALPHA or row["removed"] is None:
        return ""
    change = f"{row['removed']:.0%} of it is gone" if row["removed"] >= 0 else f"it is {-row['removed']:.0%} larger"
    return (
        f"{by}, {row['what']}: {called} lies {number(before['above'])} above the noise, this model "
        f"{number(row['after']['above'])}: {change}."
    )


class Groups:
    """Groups of rows by one column.

    Args:
        names: of the groups that have the rows, the largest first.
        codes: the group of each row, -1 where it is in none, shape (rows,).
        kind: `values`, or `numbers` where they were put into bins.
        small: groups with too few rows and how many these have.
        empty: rows without a value.
        distinct: values that there are.
    """

    def __init__(
        self, names: Sequence[str], codes: np.ndarray, kind: str, small: dict[str, int], empty: int, distinct: int
    ) -> None:
        self.names, self.codes, self.kind, self.small, self.empty = tuple(names), codes, kind, small, empty
        self.distinct = distinct

    def why(self, least: int) -> str:
        """Why there are no two groups."""
        if self.distinct == 1:
            return "all rows have one value, so there is nothing to compare"
        if not self.names:
            return f"no value of {self.distinct:,} has {least} rows, so none was scored"
        return f"only {quoted(self.names[0])} of {self.distinct:,} values has {least} rows, so there is nothing to compare it with"


def column_of(rows: Store[Any], column: str) -> Sequence[str | None]:
    """The cells of a column; raises as `grouped` does."""
    if column not in rows.columns:
        raise DataError(f"{rows.file} has no column {quoted(column)}{did_you_mean(column, list(rows.columns))} "
                        f"(columns: {', '.join(rows.columns)})")  # fmt: skip
    return rows.columns[column]


def grouped(rows: Store[Any], column: str, least: int) -> Groups:
    """Rows by the values of a column; many distinct numbers make four groups of about equally many rows.

    Args:
        rows: with the column.
        column: its name.
        least: rows that a group needs.

    Raises:
        DataError: there is no such column.
    """
    cells = [(cell or "").strip() for cell in column_of(rows, column)]
    empty = sum(not cell for cell in cells)
    distinct = {cell for cell in cells if cell}
    kind, numbers = "values", None if len(distinct) <= MOST_DISTINCT else _numbers(cells)
    if numbers is not None:
        kind, cells = "numbers", _binned(numbers)
    counts = Counter(cell for cell in cells if cell)
    names = [name for name, n in counts.most_common(MOST_GROUPS) if n >= least]
    small = {name: n for name, n in counts.most_common() if name not in names}
    places = {name: at for at, name in enumerate(names)}
    codes = np.array([places.get(cell, -1) for cell in cells], dtype=np.int64)
    return Groups(names, codes, kind, dict([*small.items()][:MOST_SMALL]), empty, len(distinct))


def _numbers(cells: Sequence[str]) -> np.ndarray | None:
    """Numbers of cells, NaN where one is empty; None where another cell is none."""
    try:
        found = np.array([float(cell) if cell else np.nan for cell in cells])
    except ValueError:
        return None
    return None if np.isinf(found).any() else found


def _binned(numbers: np.ndarray) -> list[str]:
    """The bin of each number, in words; empty for NaN."""
    borders = np.unique(np.nanquantile(numbers, np.linspace(0, 1, BINS + 1)))
    at = np.clip(np.searchsorted(borders, numbers, side="right") - 1, 0, max(len(borders) - 2, 0))
    names = [f"{low:g} to {high:g}" for low, high in pairwise(borders)]
    return ["" if np.isnan(value) else names[place] for value, place in zip(numbers, at, strict=True)]


def _scores_said(by: str, column: Mapping[str, Any], title: str, split: str) -> list[str]:
    said, gap = [], column["gap"]
    if gap is not None:
        noise = f"groups that do not differ lie {number(gap['expected'])} apart by chance, p {probability(gap['p'])}"
        said.append(f"{by}, {title} of {counted(len(column['groups']), 'group')} lies {shown(gap)} apart; {noise}.")
    clear = [each for each in column["groups"] if each.get("p_holm", 1) < ALPHA]
    for each in sorted(clear, key=lambda entry: entry["difference"]["value"])[:3]:
        said.append(
            f"{by}, {quoted(shortened(each['name'], 60))} has {title} {shown(each['score'])} on {rows_of(split, each['n'])}, "
            f"{shown(each['difference'], sign=True)} from the rest (p after Holm {probability(each['p_holm'])})."
        )
    if column["small"]:
        few = ", ".join(f"{quoted(name)} ({n})" for name, n in [*column["small"].items()][:5])
        said.append(f"{by}, groups with too few rows for a score: {few}.")
    return said


RATES = {"false_positive_rate": "wrongly given", "true_positive_rate": "rightly given"}


def _rates_said(by: str, column: Mapping[str, Any], label: Mapping[str, Any]) -> list[str]:
    said, names = [], [each["name"] for each in column["groups"]]
    for key, words in RATES.items():
        rate = label.get(key)
        if rate is None:
            continue
        gap, values = rate["equality_difference"], np.array(rate["by_group"])
        most, least = names[int(values.argmax())], names[int(values.argmin())]
        apart = (
            f"most often for {quoted(shortened(most, 40))} ({number(values.max())}) and least often for "
            f"{quoted(shortened(least, 40))} ({number(values.min())})"
        )
        if gap["p_holm"] < ALPHA:
            said.append(
                f"{by}, the label {quoted(label['label'])} is {words} {apart}; the groups' rates lie {number(gap['value'])} from "
                f"that of all rows in sum, {number(gap['above'])} above the noise (p after Holm {probability(gap['p_holm'])})."
            )
    if not said:
        said.append(f"{by}, the label {quoted(label['label'])} is given alike, as far as the rows can tell.")
    return said


def _label_table(column: Mapping[str, Any], label: Mapping[str, Any]) -> dict[str, Any]:
    """Rates and AUROCs of each group for one label."""

    def of(key: str, at: int) -> float | None:
        return label[key]["by_group"][at] if key in label else None

    rows = []
    for at, group in enumerate(column["groups"]):
        areas = label["auroc"][at]
        own = [areas[key] and areas[key]["value"] for key in ("subgroup", "bpsn", "bnsp")]
        rates = [label["selection"][at], of("false_positive_rate", at), of("true_positive_rate", at)]
        rows.append([group["name"], group["n"], *rates, *own])
    heads = [
        "group",
        "rows|n",
        "given|n",
        "wrongly given|n",
        "rightly given|n",
        "AUROC|n",
        "BPSN AUROC|n",
        "BNSP AUROC|n",
    ]
    return {"caption": f"The label {label['label']}, by {column['column']}", "columns": heads, "rows": rows}
