"""How far groups of rows lie apart, such as those of customers: scores, rates of a label, errors, and what of it is noise."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from headstart.config import Names
from headstart.data.store import Store
from headstart.drawing.scores import ALPHA, rows_of
from headstart.drawing.text import count, counted, number, probability, shortened, shown
from headstart.errors import DataError, quoted
from headstart.evaluation.groups import MOST_GROUPS, Groups, column_of, grouped
from headstart.evaluation.judging import chosen_metric, chosen_score
from headstart.evaluation.measurements.asked_again import Answers, followed_labels
from headstart.evaluation.measurements.base import Measurement, Want
from headstart.evaluation.subjects import Subject
from headstart.metrics import is_better_lower, title_of
from headstart.metrics.base import Metric, Tally
from headstart.metrics.groups import (
    DRAWS,
    Rates,
    against_rest,
    bias_aurocs,
    difference,
    equality_difference,
    ratio,
    score_gap,
)
from headstart.metrics.significance import correct
from headstart.tasks.base import Task


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
        found = {"split": subject.part, "metric": subject.task.chosen_metric, "columns": self._columns(subject)}
        if subject.baseline is not None:
            found["baseline"] = {"called": subject.baseline.called, "columns": self._columns(subject.baseline)}
        return found

    def _columns(self, subject: Subject) -> list[dict[str, Any]]:
        """What is found by each column, all p-values corrected as one family."""
        followed = followed_labels(subject.task, self.positive_label)
        groups = [grouped(subject.rows, name, self.least_rows) for name in self.by]
        tests = sum(1 + len(each.names) + len(RATES) * len(followed) for each in groups)
        draws = max(DRAWS, 2 * int(tests / ALPHA))  # so many that the least p can be clear after Holm
        columns = [
            self._column(subject, name, each, followed, draws) for name, each in zip(self.by, groups, strict=True)
        ]
        correct(entry for column in columns for entry in _tested(column))
        return columns

    def _column(
        self, subject: Subject, name: str, groups: Groups, followed: Sequence[int], draws: int
    ) -> dict[str, Any]:
        """`groups` (score, difference to the rest with p, AUROCs by label), `gap` of the scores, `labels` (gaps of rates)."""
        found: dict[str, Any] = {"column": name, "kind": groups.kind, "small": groups.small, "empty": groups.empty}
        found["beyond"] = groups.beyond
        if len(groups.names) < 2:
            return found | {"why": groups.why(self.least_rows)}
        inside = np.flatnonzero(groups.codes >= 0)
        codes = groups.codes[inside]
        kept, outputs = _resampled(subject.rows.take(inside), codes), subject.outputs.take(inside)
        scores = self._scores(subject.task, outputs, kept, codes, groups.names, draws)
        labels = [self._label(subject, at, outputs, kept, codes, groups.names, draws) for at in followed]
        return found | scores | {"labels": labels}

    def _scores(
        self, task: Task[Any, Any], outputs: Any, rows: Store[Any], codes: np.ndarray, names: Sequence[str], draws: int
    ) -> dict[str, Any]:
        """`groups`, each with its score, None where the metric says nothing of its rows, and the `gap` of these scores."""
        metric = chosen_metric(task)
        tally = metric.tally(task.results(outputs, rows))
        options: dict[str, Any] = {"draws": draws, "seed": self.seed}
        listed, scored = [], []
        for at, name in enumerate(names):
            own = codes == at
            listed.append({"name": name, "n": int(own.sum()), "score": None})
            if not _says(metric, tally, task, rows, own):
                continue
            scored.append(at)
            places = np.flatnonzero(own)
            listed[-1]["score"] = chosen_score(task, outputs.take(places), rows.take(places)).plain()
            if not _says(metric, tally, task, rows, ~own):
                continue
            apart = against_rest(metric, tally, own, rows.groups, **options)
            if apart is not None:
                listed[-1] |= {"difference": apart[0].plain(), "p": apart[1]}
        inside = np.flatnonzero(np.isin(codes, scored))
        within = Tally(tally.codes[inside], tally.table)
        clusters = None if rows.groups is None else rows.groups[inside]
        gap = score_gap(metric, within, np.searchsorted(scored, codes[inside]), len(scored), clusters, **options)
        return {"groups": listed, "gap": None if gap is None else gap.plain()}

    def _label(
        self,
        subject: Subject,
        label: int,
        outputs: Any,
        rows: Store[Any],
        codes: np.ndarray,
        names: Sequence[str],
        draws: int,
    ) -> dict[str, Any]:
        """Gaps of how often a label is given, rightly and wrongly, and AUROCs within and across each group."""
        said = Answers.of(subject, outputs)
        given, score = said.given[:, label], said.probabilities[:, label]
        targets = np.asarray(subject.task.targets(rows))
        true = targets == label if targets.ndim == 1 else targets[:, label] > 0
        rates = partial(Rates.of, codes, given, clusters=rows.groups, draws=draws, seed=self.seed)
        selected = rates()
        assert selected is not None
        found: dict[str, Any] = {
            "label": subject.task.label_names[label],
            "selection": selected.values.tolist(),
            "demographic_parity": {
                "difference": selected.gap(difference).plain(), "ratio": selected.gap(ratio, least=True).plain(),
            },
        }  # fmt: skip
        both = {"true_positive_rate": rates(true), "false_positive_rate": rates(~true)}
        found |= {name: _rate(each, names) for name, each in both.items() if each is not None}
        if all(name in found for name in both):
            found["equalized_odds"] = {
                "difference": max(found[name]["difference"]["value"] for name in both),
                "ratio": min(found[name]["ratio"]["value"] for name in both),
            }
        aurocs = [bias_aurocs(score, true, codes == at, rows.groups) for at in range(len(names))]
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
            said += _scores_said(by, column, plain["metric"], plain["split"])
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
                    each["name"], each["n"], shown(each["score"]) if each["score"] else "",
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


def _resampled(rows: Store[Any], codes: np.ndarray) -> Store[Any]:
    """Rows with the clusters that are drawn again, none where each group is one of these, as where both are of one column."""
    if rows.groups is None:
        return rows
    pairs = np.unique(np.stack([codes, rows.groups], axis=1), axis=0)
    return replace(rows, groups=None) if len(pairs) == len(np.unique(codes)) else rows


def _says(metric: Metric, tally: Tally, task: Task[Any, Any], rows: Store[Any], inside: np.ndarray) -> bool:
    """Whether a metric says anything of some of the rows."""
    if metric.of_spread and len(np.unique(np.asarray(task.targets(rows))[inside])) < 2:
        return False
    return metric.is_about(Tally(tally.codes[inside], tally.table))


def _rate(rate: Rates, names: Sequence[str]) -> dict[str, Any]:
    """Gaps of a rate, that of each group, and the groups that have no row that it is of."""
    by_group, whole = rate.by_group(len(names)), rate.overall
    return {
        "by_group": by_group,
        "left_out": [name for name, value in zip(names, by_group, strict=True) if value is None],
        "overall": whole,
        "difference": rate.gap(difference).plain(),
        "ratio": rate.gap(ratio, least=True).plain(),
        "equality_difference": rate.gap(lambda r: equality_difference(r, whole), most=float(len(names))).plain(),
    }


def _tested(column: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """What has a p-value that is spoken of: scores of groups, their gap, and sums of differences of rates."""
    yield from column.get("groups", ())
    if column.get("gap") is not None:
        yield column["gap"]
    yield from (
        label[key]["equality_difference"] for label in column.get("labels", ()) for key in RATES if key in label
    )


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
    if before["p_holm"] >= ALPHA or row["removed"] is None:
        return ""
    change = f"{row['removed']:.0%} of it is gone" if row["removed"] >= 0 else f"it is {-row['removed']:.0%} larger"
    return (
        f"{by}, {row['what']}: {called} lies {number(before['above'])} above the noise, this model "
        f"{number(row['after']['above'])}: {change}."
    )


def _scores_said(by: str, column: Mapping[str, Any], metric: str, split: str) -> list[str]:
    said, gap, title = [], column["gap"], title_of(metric)
    if gap is not None:
        scored = sum(each["score"] is not None for each in column["groups"])
        said.append(
            f"{by}, {title} of {counted(scored, 'group')} lies {shown(gap)} apart; groups that do not differ lie "
            f"{number(gap['expected'])} apart by chance (p after Holm {probability(gap['p_holm'])})."
        )
    clear = [each for each in column["groups"] if each.get("p_holm", 1) < ALPHA]
    harm = 1 if is_better_lower(metric) else -1
    for each in sorted(clear, key=lambda entry: -harm * entry["difference"]["value"])[:3]:
        said.append(
            f"{by}, {quoted(shortened(each['name'], 60))} has {title} {shown(each['score'])} on {rows_of(split, each['n'])}, "
            f"{shown(each['difference'], sign=True)} from the rest (p after Holm {probability(each['p_holm'])})."
        )
    if column["small"]:
        few = ", ".join(f"{quoted(name)} ({n})" for name, n in [*column["small"].items()][:5])
        said.append(f"{by}, groups with too few rows for a score: {few}.")
    if nothing := [each["name"] for each in column["groups"] if each["score"] is None]:
        few = ", ".join(quoted(name) for name in nothing[:5])
        said.append(f"{by}, groups whose rows {title} says nothing of, such as those with one true answer: {few}.")
    if column["beyond"]:
        said.append(
            f"{by}, only the {MOST_GROUPS} largest groups are scored; {count(column['beyond'])} more have enough rows."
        )
    return said


RATES = {"false_positive_rate": "wrongly given", "true_positive_rate": "rightly given"}


def _rates_said(by: str, column: Mapping[str, Any], label: Mapping[str, Any]) -> list[str]:
    said, alike, names = [], [], [each["name"] for each in column["groups"]]
    name = f"{by}, the label {quoted(label['label'])}"
    for key, words in RATES.items():
        rate, which = label.get(key), "with" if key == "true_positive_rate" else "without"
        if rate is None:
            said.append(f"{name}: how often it is {words} was not compared, for no two groups have rows {which} it.")
            continue
        if rate["left_out"]:
            few = ", ".join(quoted(shortened(each, 40)) for each in rate["left_out"][:5])
            said.append(f"{name}: how often it is {words} leaves out groups that have no rows {which} it: {few}.")
        gap, values = rate["equality_difference"], np.array(rate["by_group"], dtype=np.float64)
        most, least = names[int(np.nanargmax(values))], names[int(np.nanargmin(values))]
        apart = (
            f"most often for {quoted(shortened(most, 40))} ({number(np.nanmax(values))}) and least often for "
            f"{quoted(shortened(least, 40))} ({number(np.nanmin(values))})"
        )
        if gap["p_holm"] < ALPHA:
            said.append(
                f"{name} is {words} {apart}; the groups' rates lie {number(gap['value'])} from "
                f"that of all rows in sum, {number(gap['above'])} above the noise (p after Holm {probability(gap['p_holm'])})."
            )
        else:
            alike.append(words)
    if alike:
        said.append(f"{name} is {' and '.join(alike)} alike, as far as the rows can tell.")
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
