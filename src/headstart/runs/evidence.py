"""What was measured in a run, gathered as plain data."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from typing import Any

import numpy as np

from headstart.artifact import own_version
from headstart.backbones.location import Located
from headstart.checks.lengths import lengths
from headstart.data.store import Store
from headstart.evaluation.domains import gap
from headstart.evaluation.slices import sliced
from headstart.metrics import significance
from headstart.metrics.abstention import answered, curve
from headstart.metrics.calibration import reliability
from headstart.recipes.recipe import Experiment
from headstart.report.lengths import notice
from headstart.report.verdict import verdict
from headstart.runs.experiment import Entry
from headstart.runs.splitting import Parts
from headstart.runtime.device import name_of
from headstart.strategies.base import Context
from headstart.types import Score

WORST_ROWS = 20
"""Mistakes shown in the report."""


def gather(recipe: Experiment, entries: list[Entry], chosen: Entry, parts: Parts, context: Context) -> dict[str, Any]:
    """All that a run measured, as plain data: what report, card and `--json` are made of."""
    measured = token_lengths(context)
    if measured:
        task = parts.task
        said = notice(measured, windows=task.windowed or task.words, possible="long" in type(task).model_fields)
        parts.warnings += [said] if measured["truncated"] else []
        context.progress.say("lengths", said, warning=bool(measured["truncated"]))
    data = parts.facts() | {"lengths": measured}
    evidence: dict[str, Any] = {
        "format": 1,
        "created": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "versions": _versions(),
        "machine": {
            "platform": f"{platform.system()} {platform.machine()}",
            "cpus": os.cpu_count(),
            "device": name_of(context.device),
        },
        "kind": chosen.finished.predictor.kind,
        "task": {
            "name": parts.task.name,
            "hub": parts.task.hub,
            "pairs": parts.task.pairs,
            "words": parts.task.words,
            "chained": parts.task.chained,
            "windows": parts.task.windowed,
            "text": list(parts.task.text or ()),
            "label": parts.task.label,
            "answers": parts.task.answers,
            "labels": [] if parts.task.answers == "number" else list(parts.task.names),
            "thresholds": list(chosen.settled(parts).meaning.thresholds),
            "metric": parts.task.chosen_metric,
        },
        "backbone": _backbone(context.located, entries),
        "data": data,
        "leaderboard": [entry.plain(chosen=entry is chosen) for entry in entries],
        "chosen": chosen.label,
        "comparisons": _comparisons(entries, chosen, parts),
        "domains": _domains(entries, parts),
        "confusion": _confusion(chosen, parts),
        "reliability": _reliability(chosen, parts),
        "abstention": _abstention(recipe.abstain, chosen, parts),
        "slices": _slices(chosen, parts, values=recipe.rows),
        "worst_rows": _worst(chosen, parts) if recipe.rows else None,
    }
    evidence["verdict"] = verdict(evidence)
    return evidence


def token_lengths(context: Context) -> dict[str, Any] | None:
    """Lengths of the training texts and what was cut off, where some strategy has tokenised them."""
    task, prepared = context.task, context.shared.prepared
    if prepared is None:
        return None
    inputs = "sentences" if task.words else "pairs of texts" if task.together else "texts"
    return lengths(prepared.train.tokens, prepared.limit, inputs)


def _backbone(located: Located | None, entries: list[Entry]) -> dict[str, Any] | None:
    if located is None:
        return None
    facts: dict[str, Any] = {
        "name": located.source.location,
        "id": located.identity,
        "revision": located.source.revision,
        "digest": located.source.digest,
        "architecture": located.config["model_type"],
        "license": located.license,
        "max_length": located.source.max_length,
        "parameters": None,
    }
    for entry in entries:
        network = getattr(getattr(entry.candidate, "predictor", None), "model", None)
        if network is not None and entry.located in (None, located):
            facts["parameters"] = sum(p.numel() for p in network.backbone.parameters())
            facts["max_length"] = network.backbone.tokenizer.max_length
    return facts


def _reported(chosen: Entry, parts: Parts) -> tuple[str, Store[Any], np.ndarray]:
    """The part that scores are reported on, its rows and the chosen strategy's logits there."""
    if parts.test is not None and chosen.test_logits is not None:
        return "test", parts.test, chosen.test_logits
    return parts.choices, parts.validation, chosen.finished.validation_logits


def _comparisons(entries: list[Entry], chosen: Entry, parts: Parts) -> list[dict[str, Any]]:
    """The chosen strategy against each other one on the same rows, p-values corrected together.

    The rows are those of the test part; those that choices were made on where the other was not scored on test.
    """
    others = [entry for entry in entries if entry is not chosen and entry.candidate is not None]
    return _against_others(chosen, others, parts, _reported(chosen, parts)[0])


def _against_others(best: Entry, others: list[Entry], parts: Parts, wanted: str) -> list[dict[str, Any]]:
    """One strategy against others on the rows of a part, or those of the choices where one was not scored there."""
    known = {"test": parts.test, "target": parts.target_test}
    found = []
    for entry in others:
        split, rows, mine, theirs = wanted, known.get(wanted), best.logits(wanted), entry.logits(wanted)
        if rows is None or mine is None or theirs is None:
            split, rows = parts.choices, parts.validation
            mine, theirs = best.finished.validation_logits, entry.finished.validation_logits
        metric, paired = best.settled(parts).compared(mine, theirs, rows, other=entry.settled(parts))
        found.append(
            {
                "a": best.label,
                "b": entry.label,
                "metric": metric,
                "split": split,
                "difference": paired.difference.plain(),
                "p": paired.p,
                "method": paired.method,
            }
        )
    for row, corrected in zip(found, significance.holm([row["p"] for row in found]), strict=True):
        row["p_holm"] = corrected
    return found


def _domains(entries: list[Entry], parts: Parts) -> dict[str, Any] | None:
    """Scores in and out of domain, the best out of domain first and tested against the others; None without such rows.

    The best is picked on the rows that it is tested on, which p-values corrected over all others make up for in part.
    """
    scored = [entry for entry in entries if entry.target_scores is not None]
    if parts.target_test is None or not scored:
        return None
    metric = parts.task.chosen_metric
    part = "validation" if parts.test is None else "test"
    sign = 1 if parts.task.lower_is_better else -1
    scored.sort(key=lambda entry: sign * (entry.target_scores or {})[metric]["value"])
    rows = []
    for entry in scored:
        found = entry.plain(chosen=False)["scores"]
        inside = None if found[part] is None else Score(**found[part][metric])
        outside = Score(**found["target"][metric])
        rows.append(
            {
                "strategy": entry.label,
                "role": entry.strategy.role,
                "inside": None if inside is None else inside.plain(),
                "outside": outside.plain(),
                "gap": None if inside is None else gap(inside, outside).plain(),
            }
        )
    return {
        "metric": metric,
        "inside": parts.choices if parts.test is None else "test",
        "best": scored[0].label,
        "rows": rows,
        "comparisons": _against_others(scored[0], scored[1:], parts, "target"),
    }


def _confusion(chosen: Entry, parts: Parts) -> dict[str, Any] | None:
    split, rows, logits = _reported(chosen, parts)
    matrix = chosen.settled(parts).confusion(logits, rows)
    return None if matrix is None else {"split": split, "labels": list(parts.task.names), "matrix": matrix.tolist()}


def _reliability(chosen: Entry, parts: Parts) -> dict[str, Any] | None:
    """Accuracy by confidence of the chosen strategy."""
    split, rows, logits = _reported(chosen, parts)
    sureness = chosen.settled(parts).sureness(logits, rows)
    return None if sureness is None else {"split": split, "bins": [found.plain() for found in reliability(*sureness)]}


def _abstention(threshold: float | None, chosen: Entry, parts: Parts) -> dict[str, Any] | None:
    """What answering only where sure comes to: at many thresholds, and at the one that was asked for."""
    split, rows, logits = _reported(chosen, parts)
    sureness = chosen.settled(parts).sureness(logits, rows)
    if sureness is None:
        return None
    asked = None if threshold is None else answered(*sureness, threshold).plain()
    return {"split": split, "asked": asked, "curve": [found.plain() for found in curve(*sureness)]}


def _slices(chosen: Entry, parts: Parts, *, values: bool) -> dict[str, Any]:
    """Scores by text length and, where values may be shown, by other columns."""
    split, rows, logits = _reported(chosen, parts)
    return {"split": split} | sliced(chosen.settled(parts), logits, rows, columns=values)


def _worst(chosen: Entry, parts: Parts) -> list[dict[str, Any]]:
    """Mistakes made with most confidence, on test or else validation."""
    _, rows, logits = _reported(chosen, parts)
    return [
        {
            "text": rows.get(found.row).text[:2000],
            "label": found.label,
            "predicted": found.predicted,
            "score": found.score,
            "file": rows.file,
            "line": rows.lines[found.row],
        }
        for found in chosen.settled(parts).mistakes(logits, rows, WORST_ROWS)
    ]


def _versions() -> dict[str, str]:
    from importlib.metadata import PackageNotFoundError, version

    found = {"headstart": own_version(), "python": platform.python_version()}
    for name in ("torch", "transformers", "tokenizers", "scikit-learn", "numpy"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
