"""What there is by name, and what a backbone or a run consists of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from headstart.backbones import KNOWN
from headstart.config import parse
from headstart.errors import UsageError
from headstart.evaluation import MEASUREMENTS
from headstart.objectives import OBJECTIVES
from headstart.readers import READERS
from headstart.registry import Registry, did_you_mean
from headstart.strategies import STRATEGIES
from headstart.tasks import TASKS

KINDS: dict[str, Registry] = {
    "strategies": STRATEGIES,
    "tasks": TASKS,
    "objectives": OBJECTIVES,
    "measurements": MEASUREMENTS,
    "readers": READERS,
    "backbones": Registry("backbone", KNOWN, "headstart.backbones"),
}


def catalogue(kind: str = "") -> dict[str, list[dict[str, str]]]:
    """Names and one-line summaries by kind; imports none of the components.

    Raises:
        UsageError: there is no such kind.
    """
    if kind and kind not in KINDS:
        raise UsageError(f"there are no '{kind}' to list{did_you_mean(kind, list(KINDS))} (kinds: {', '.join(KINDS)})")
    chosen = {kind: KINDS[kind]} if kind else KINDS
    return {
        name: [{"name": word, "summary": registry.summary(word)} for word in registry.names()]
        for name, registry in chosen.items()
    }


def describe_model(name: str) -> dict[str, Any]:
    """A backbone or a run: identity, size, limits, levels.

    Raises:
        HeadstartError: it cannot be found or loaded.
    """
    from headstart.artifact import EVIDENCE
    from headstart.backbones.location import BackboneSource, locate
    from headstart.loading import load
    from headstart.manifest import MANIFEST, is_network
    from headstart.runtime.contained import believed

    facts: dict[str, Any] = {}
    source: BackboneSource = parse(BackboneSource, {"location": name}, "headstart show model")
    folder = Path(name)
    if (folder / MANIFEST).is_file() and not is_network(folder):
        artifact = load(folder)
        with believed(folder / EVIDENCE):
            [chosen, *_] = [row for row in artifact.evidence["leaderboard"] if row["chosen"]]
            facts |= {
                "run": str(folder),
                "network": _network(artifact.evidence.get("backbone"), chosen["strategy"]),
                "kind": artifact.predictor.kind,
                "task": artifact.task.name,
                "labels": ", ".join(artifact.labels),
                "strategy": f"{chosen.get('label', chosen['strategy'])} ({chosen['description']})",
            }
        if artifact.predictor.kind != "transformers":
            return facts
    from headstart.backbones.base import open_backbone

    located = locate(source)
    backbone = open_backbone(located)
    total = sum(p.numel() for p in backbone.parameters())
    blocks = backbone.blocks()
    names = ["embeddings", *(f"layer {at}" for at in range(1, len(blocks)))]
    return facts | {
        "backbone": located.identity,
        "architecture": located.config["model_type"],
        "folder": str(located.folder),
        "sha256": located.source.digest,
        "parameters": f"{total:,} ({total * 4 / 1e6:.0f} MB in float32)",
        "hidden size": backbone.hidden_size,
        "layers": backbone.depth,
        "max length": backbone.tokenizer.max_length,
        "levels": [
            {
                "level": level,
                "modules": ", ".join(type(module).__name__ for module in modules[:3])
                + (", ..." if len(modules) > 3 else ""),
                "parameters": sum(p.numel() for module in modules for p in module.parameters()),
            }
            for level, modules in zip(names, blocks, strict=True)
        ],
    }


def _network(known: dict[str, Any] | None, strategy: str) -> str:
    """The pretrained network that a run started from, in words."""
    if not known or (strategy in STRATEGIES.names() and not STRATEGIES.get(strategy).needs_backbone):
        return "none"
    size = f"{known['parameters']:,} parameters" if known.get("parameters") else ""
    identity = known["id"] if known["id"] != known["name"] else ""
    return f"{known['name']} ({', '.join(fact for fact in (known['architecture'], identity, size) if fact)})"
