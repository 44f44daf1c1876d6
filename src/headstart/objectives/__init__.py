"""Objectives that learn from raw text; tasks, which learn from labels, are in `headstart.tasks`."""

from headstart.registry import Registry

OBJECTIVES = Registry("objective", {}, group="headstart.objectives")
