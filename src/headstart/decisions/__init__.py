"""Decisions between what a model gives and what is predicted: calibration, thresholds, abstention, sets of labels, scope.

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
        "out_of_scope": "headstart.decisions.out_of_scope:OutOfScope",
    },
    group="headstart.decisions",
)
