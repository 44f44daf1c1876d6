"""Objectives that learn without a head of labels; tasks, which learn from labels, are in `headstart.tasks`."""

from headstart.registry import Registry

OBJECTIVES = Registry(
    "objective",
    {
        "masked-lm": "headstart.objectives.masked_lm:MaskedLM",
        "causal-lm": "headstart.objectives.causal_lm:CausalLM",
        "simcse": "headstart.objectives.simcse:SimCSE",
        "span-selection": "headstart.objectives.span_selection:SpanSelection",
        "contrastive": "headstart.objectives.contrastive:ContrastiveLoss",
    },
    group="headstart.objectives",
)
