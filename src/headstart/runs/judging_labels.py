"""Labels judged by strategies that were not fitted on them, for `check`: doubts, the self-test, what is known of rows and when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from headstart.backbones.location import Located
from headstart.checks.cartography import DataMap, data_map
from headstart.checks.findings import Finding, RowPlace
from headstart.data.cache import no_cache, user_cache
from headstart.data.outputs import Outputs
from headstart.data.store import Store
from headstart.data.tags import spans_of
from headstart.data.words import Sentence
from headstart.drawing.text import count, counted, shortened
from headstart.errors import DataError, ModelError
from headstart.recipes.checking import Check
from headstart.runs.doubted import LEAST_ROWS, RANKED, Doubted, SelfTest, doubted, self_test
from headstart.runs.held_out import HeldOut, context_for, held_out, together, usual_strategies
from headstart.runs.outcome import Call
from headstart.runs.samples import at_most
from headstart.runs.truth import WORDS_PER_ROW
from headstart.runtime.device import settled
from headstart.strategies.base import Strategy
from headstart.strategies.offers import require_network, require_serving
from headstart.tasks.base import Task

SURE = 0.5
"""Probability of a wrong label from which on a row is more likely wrong than right."""
MANY = 0.3
"""Share of wrong labels to expect among the first rows from which on that is more than a note."""
SHOWN = 300
"""Characters of a text that is shown."""


@dataclass(frozen=True)
class JudgedLabels:
    """What strategies say of labels.

    Args:
        doubted: doubts of the rows that were judged.
        numbers: of these among the rows that can be learnt from, shape (judged,).
        asked: the strategies.
        test: the self-test; None where none was made.
        maps: of strategies that train, how they come to know rows.
        of_rows: rows that could have been judged.
    """

    doubted: Doubted
    numbers: np.ndarray
    asked: HeldOut
    test: SelfTest | None
    maps: dict[str, DataMap]
    of_rows: int

    def promise(self, first: int) -> tuple[float, float, float] | None:
        """Share of wrong labels among so many first rows, with its interval; None where the self-test did not keep its own."""
        return None if self.test is not None and not self.test.is_kept else self.doubted.promise(first)


def why_not(recipe: Check, task: Task[Any, Any] | None, rows: Store[Any]) -> str:
    """Why labels are not judged, a sentence without a full stop; empty where they are."""
    if not recipe.noise:
        return "it was not asked for"
    if task is None:
        return "nothing can be learnt from the labels as they are"
    if task.target_kind not in RANKED:
        return f"{task.name} has no labels or numbers that could be held against those of models"
    if len(rows) < LEAST_ROWS:
        return f"{counted(len(rows), 'row')} are too few to judge labels by, fewer than {LEAST_ROWS}"
    return ""


def judged(recipe: Check, task: Task[Any, Any], rows: Store[Any], located: Located | None, call: Call) -> JudgedLabels:
    """Judge the labels of rows.

    Args:
        recipe: of the check.
        task: bound to the rows.
        rows: that can be learnt from.
        located: the backbone; None where none could be opened.
        call: of the verb.

    Raises:
        ModelError: no strategy can be asked.
        DataError: rows belong together so that none can be held out.
    """
    strategies = _asked(recipe, task, located)
    most = recipe.most_rows
    if task.words:
        most = max(LEAST_ROWS, most * WORDS_PER_ROW * len(rows) // max(task.units(rows).total, 1))
    order = np.arange(len(rows))
    numbered = Store(order.tolist(), rows.lines, rows.file)
    some, _ = at_most(numbered, most, recipe.seed, task.strata(rows))
    numbers = np.array(some.examples, dtype=np.int64)
    part = rows.take(numbers)
    groups = together(part, recipe.data, recipe.near_duplicates)
    if len(np.unique(groups)) < 2:
        raise DataError("all rows belong together, so none can be held out")
    cache = user_cache() if recipe.cache and call.table is None else no_cache()
    context = context_for(
        task, part, located, groups, parts=recipe.label_folds, training=recipe.training, seed=recipe.seed,
        progress=call.progress, cache=cache, precision=recipe.precision, device=settled(recipe.device),
    )  # fmt: skip
    call.progress.say(
        "labels", f"{counted(len(part), 'row')} are judged by {', '.join(each.name for each in strategies)}"
    )
    asked = held_out(strategies, context)
    found = doubted(task, part, asked.outputs)
    test = self_test(found, asked, context, recipe.most_doubtful) if recipe.self_test else None
    maps = {name: _map(task, part, outputs) for name, outputs in asked.by_epoch.items()}
    return JudgedLabels(found, numbers, asked, test, {name: each for name, each in maps.items() if each}, len(rows))


def _asked(recipe: Check, task: Task[Any, Any], located: Located | None) -> list[Strategy]:
    if recipe.strategies:
        require_serving(task, recipe.strategies)
        if located is not None:
            require_network(task, recipe.strategies, (), located.config)
        named = list(recipe.strategies)
    else:
        named = usual_strategies(task)
    found = [each for each in named if located is not None or not each.needs_backbone]
    if not found:
        raise ModelError("no strategy can be asked without a backbone")
    return found


def _map(task: Task[Any, Any], rows: Store[Any], by_epoch: list[Outputs]) -> DataMap | None:
    """How a strategy came to know rows with one label each; None of other rows."""
    if task.target_kind != "label" or len(by_epoch) < 2:
        return None
    targets, at = task.targets(rows), np.arange(len(rows))
    shares = [task.probabilities(outputs) for outputs in by_epoch[1:]]
    return data_map(
        np.stack([each[at, targets] for each in shares]), np.stack([each.argmax(1) == targets for each in shares])
    )


def finding(found: JudgedLabels, first: int) -> Finding:
    """What the doubts come to, as one finding."""
    doubts, rows = found.doubted, found.doubted.rows
    first = min(first, len(rows))
    promise, model = found.promise(first), doubts.model
    unit = {"labels": "of the decisions about single labels", "tags": "of the tags"}.get(
        doubts.task.target_kind, "of the labels"
    )
    what = f"how many of the {count(first)} most doubtful rows are wrong cannot be told: the self-test does not keep its promise"
    if promise is not None:
        value, low, high = (each * first for each in promise)
        what = (
            f"about {model.rate:.1%} {unit} look wrong [{model.low:.1%}, {model.high:.1%}]; of the {count(first)} most doubtful "
            f"rows about {value:.0f} [{low:.0f}, {high:.0f}] are wrong"
        )
    places = [
        RowPlace(rows.file, rows.lines[row], f"{_label(rows.get(row))}, rather {doubts.likelier[row]}")
        for row in doubts.order[:first].tolist()
    ]
    do = "look at the listed rows, the first ones first; leaving out what models doubt, unseen, made models worse in measurements"
    weight = "warning" if promise is not None and promise[0] >= MANY else "note"
    return Finding.at("label noise", weight, what, do, places)


def plain(found: JudgedLabels, first: int) -> dict[str, Any]:
    """Plain data for evidence and `--json`."""
    doubts, model = found.doubted, found.doubted.model
    order = doubts.order[: min(first, len(doubts.rows))]
    weights = zip(found.asked.strategies, found.asked.described, model.weights.tolist(), strict=True)
    promise = found.promise(len(order)) or (None, None, None)
    return {
        "rows": len(doubts.rows),
        "of_rows": found.of_rows,
        "strategies": [
            {"strategy": each.name, "description": said, "weight": weight} for each, said, weight in weights
        ],
        "failed": [{"strategy": name, "why": why} for name, why in found.asked.failed.items()],
        "rate": {"value": model.rate, "low": model.low, "high": model.high},
        "more_likely_wrong": int((doubts.doubts >= SURE).sum()),
        "expected": {"first": len(order)} | dict(zip(("precision", "low", "high"), promise, strict=True)),
        "self_test": None if found.test is None else found.test.plain(),
        "usable_information": _information(doubts),
        "maps": [_plain_map(name, each, doubts.rows) for name, each in found.maps.items()],
        "suspects": [_suspect(doubts, rank, row) for rank, row in enumerate(order.tolist(), 1)],
    }


def _suspect(found: Doubted, rank: int, row: int) -> dict[str, Any]:
    example = found.rows.get(row)
    return {
        "rank": rank,
        "line": found.rows.lines[row],
        "label": _label(example),
        "likelier": found.likelier[row],
        "probability_wrong": float(found.doubts[row]),
        "usable_information": float(found.information[row]),
        "text": shortened(" ".join(example.text.split()), SHOWN),
    }


def _information(found: Doubted) -> dict[str, Any]:
    """Usable information: the mean, its part by label, and rows of which models know less than nothing."""
    by_label = {}
    if found.task.target_kind == "label":
        targets = found.task.targets(found.rows)
        by_label = {
            name: float(found.information[targets == at].mean())
            for at, name in enumerate(found.task.names)
            if (targets == at).any()
        }
    return {
        "bits": float(found.information.mean()),
        "rows_below_zero": int((found.information < 0).sum()),
        "by_label": dict(sorted(by_label.items(), key=lambda each: each[1])),
    }


def _plain_map(name: str, found: DataMap, rows: Store[Any]) -> dict[str, Any]:
    regions = found.regions
    hardest = np.argsort(found.confidence, kind="stable")[:20].tolist()
    return {
        "strategy": name,
        "regions": {region: regions.count(region) for region in ("easy", "ambiguous", "hard")},
        "confidence": float(found.confidence.mean()),
        "variability": float(found.variability.mean()),
        "correctness": float(found.correctness.mean()),
        "hardest": [
            {
                "line": rows.lines[row],
                "confidence": float(found.confidence[row]),
                "text": shortened(rows.get(row).text, SHOWN),
            }
            for row in hardest
        ],
    }


def _label(example: Any) -> str:
    """The label of a row in a few words: of a sentence its spans."""
    label = example.label
    if isinstance(label, float):
        return f"{label:.4g}"
    if isinstance(example, Sentence):
        spans = (
            f"{' '.join(example.input.words[each.start : each.end])}: {each.type}" for each in spans_of(label or ())
        )
        return shortened(", ".join(spans) or "(none)", SHOWN)
    return shortened(", ".join(label) or "(none)", SHOWN) if isinstance(label, tuple) else str(label)
