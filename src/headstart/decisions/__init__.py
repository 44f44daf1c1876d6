"""Decisions between what a model gives and what is predicted: calibration, thresholds, abstention, prediction sets.

They are applied in the order of this table.
"""

from headstart.registry import Registry

DECISIONS = Registry(
    "decision",
    {
        "temperature": "headstart.decisions.temperature:Temperature",
        "thresholds": "headstart.decisions.thresholds:Thresholds",
        "abstention": "headstart.decisions.abstention:Abstention",
        "prediction_sets": "headstart.decisions.prediction_sets:PredictionSets",
    },
    group="headstart.decisions",
)
