"""What the hub indexes of a model: the front matter of its card."""

import re
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

from headstart.backbones.location import COPY
from headstart.drawing.scores import WITHOUT_NETWORK, chosen_scores
from headstart.drawing.text import dig
from headstart.metrics import hub_name_of, title_of

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")


def front_matter(evidence: Mapping[str, Any], *, apart: bool = False) -> dict[str, Any]:
    """What the hub indexes: library, task, base model, licence and the test scores of the chosen model.

    Where the network lies apart from its head (`apart`), transformers alone cannot load the model, so it is not its library.

    A linear model holds nothing of the backbone it was compared with, so it names no base model and takes no
    licence from it.
    """
    transferred = evidence.get("kind") not in WITHOUT_NETWORK
    backbone = (evidence.get("backbone") or {}) if transferred else {}
    front: dict[str, Any] = {
        "license": backbone.get("license"),
        "library_name": ("headstart" if apart else "transformers")
        if transferred
        else WITHOUT_NETWORK[evidence["kind"]][0],
        "pipeline_tag": _hub_task(evidence),
        "base_model": _published(backbone) if _on_the_hub(backbone) else None,
        "tags": ["headstart", "transfer-learning"] if transferred else ["headstart"],
    }
    front = {key: value for key, value in front.items() if value}
    taught = dig(evidence, "data", "labels_by", "test")  # what agrees with a teacher is no score on a data set
    scores = None if taught else chosen_scores(evidence, "test")
    if scores:
        front["metrics"] = [hub_name_of(name) for name in scores]
        front["model-index"] = [_index(evidence, scores)]
    return front


def _hub_task(evidence: Mapping[str, Any]) -> str:
    """What the hub calls the task."""
    return dig(evidence, "task", "hub") or dig(evidence, "task", "name") or "text-classification"


def _index(evidence: Mapping[str, Any], scores: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The `model-index` entry; the hub demands a data set with a name and a type."""
    files = dig(evidence, "data", "files") or []
    tested = next((file for file in files if file.get("role") == "test"), files[0] if files else {})
    path = PurePath(str(tested.get("path") or evidence.get("title") or "data"))
    ending = PurePath(path.name.removesuffix(".gz")).suffix.lstrip(".")
    task = _hub_task(evidence)
    metrics = [
        {"type": hub_name_of(name), "name": title_of(name), "value": round(measured["value"], 6)}
        for name, measured in scores.items()
    ]
    return {
        "name": str(evidence.get("title") or "headstart model"),
        "results": [
            {
                "task": {"type": task, "name": task.replace("-", " ")},
                "dataset": {"name": path.name, "type": ending or "text", "split": "test"},
                "metrics": metrics,
            }
        ],
    }


def _published(backbone: Mapping[str, Any]) -> str:
    """The id of a network, or of the one that it is a copy of."""
    return str(backbone.get("id") or "").removesuffix(f" ({COPY})")


def _on_the_hub(backbone: Mapping[str, Any]) -> bool:
    """Whether the id is one of the hub: `owner/name`, or any name that was resolved to a revision."""
    known = _published(backbone)
    return bool(_HUB_ID.fullmatch(known) or (backbone.get("revision") and re.fullmatch(r"[\w.-]+", known)))
