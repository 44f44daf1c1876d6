"""Objectives that learn without a head of labels; tasks, which learn from labels, are in `headstart.tasks`."""

from headstart.registry import Registry

OBJECTIVES = Registry(
    "objective", {"contrastive": "headstart.objectives.contrastive:Contrastive"}, group="headstart.objectives"
)
