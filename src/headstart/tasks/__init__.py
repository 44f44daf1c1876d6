"""Tasks: objectives with labels, predictions and scores, under the names users know from the hub."""

from headstart.registry import Registry

TASKS = Registry(
    "task",
    {
        "text-classification": "headstart.tasks.text_classification:TextClassification",
        "text-pair-classification": "headstart.tasks.text_pair_classification:TextPairClassification",
        "token-classification": "headstart.tasks.token_classification:TokenClassification",
    },
    group="headstart.tasks",
)
