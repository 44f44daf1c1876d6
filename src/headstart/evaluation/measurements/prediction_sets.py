"""What prediction sets come to: how often they hold the true label, and how many labels that takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from headstart.decisions.prediction_sets import sets_asked
from headstart.drawing.scores import rows_of
from headstart.drawing.text import reached, share, shown
from headstart.evaluation.measurements.base import Measurement
from headstart.evaluation.subjects import Subject
from headstart.metrics.prediction_sets import judged, least_rows

MOST_LABELS = 20
"""Labels of a table at most, those that sets hold least often."""


class SetsHeld(Measurement):
    """Coverage and size of the sets that were asked for, of all rows and of those of each label."""

    name: ClassVar[str] = "prediction_sets"
    title: ClassVar[str] = "Prediction sets"
    by_default: ClassVar[bool] = True

    def measure(self, subject: Subject) -> dict[str, Any] | None:
        """What `metrics.prediction_sets.judged` finds, `split`, `calibrated_on` rows, `least`, and the same `by_label`."""
        asked, sets = sets_asked(subject.predictor.decisions), getattr(subject.outputs, "sets", None)
        if asked is None or asked.level is None or sets is None:
            return None
        targets = np.asarray(subject.task.targets(subject.rows), dtype=np.int64)
        own = {name: targets == at for at, name in enumerate(subject.task.names)}
        return {
            "split": subject.part,
            "calibrated_on": asked.rows,
            "least": least_rows(asked.level),
            **judged(sets, targets, asked.level).plain(),
            "by_label": {
                name: judged(sets[rows], targets[rows], asked.level).plain() for name, rows in own.items() if rows.any()
            },
        }

    def sentences(self, plain: Mapping[str, Any], evidence: Mapping[str, Any]) -> list[str]:
        """What was promised, and what came of it."""
        rows = rows_of(plain["split"], plain["n"])
        if plain["calibrated_on"] < plain["least"]:
            return [
                f"Sets of labels for a probability of {plain['level']:g} need {plain['least']} calibration rows, and there were "
                f"{plain['calibrated_on']}: every set holds all labels."
            ]
        return [
            f"Sets of labels that were to hold the true one with a probability of {plain['level']:g} hold it on "
            f"{shown(plain['coverage'])} of {rows}, with {plain['size']:.2f} labels each."
        ]

    def view(self, plain: Mapping[str, Any], evidence: Mapping[str, Any]) -> dict[str, Any] | None:
        """A table of all rows and, below, of the labels that sets hold least often."""
        by_label = sorted(plain["by_label"].items(), key=lambda each: each[1]["coverage"]["value"])[:MOST_LABELS]
        every = [("all rows", plain), *by_label]
        return {
            "columns": ["rows of", "rows|n", "held|n", "labels in a set|n", "sets of one label|n"],
            "rows": [
                [name, f"{each['n']:,}", shown(each["coverage"]), f"{each['size']:.2f}", share(each["single"], 1)]
                for name, each in every
            ],
        }

    def card(self, plain: Mapping[str, Any], evidence: Mapping[str, Any]) -> list[str]:
        """The promise as it is."""
        level, rows = f"{plain['level']:g}", rows_of(plain["split"], plain["n"])
        return [
            f"Predictions come with sets of labels that are to hold the true one with a probability of {level}, over rows like the "
            f"{plain['calibrated_on']:,} that they were calibrated on; for single labels or groups nothing is promised. On {rows} "
            f"they hold it on {reached(plain['coverage'])}, with {plain['size']:.2f} labels each."
        ]
