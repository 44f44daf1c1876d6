"""What verbs that leave a folder print with `--json`, now or when the folder is found finished."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from headstart.artifact import EVIDENCE
from headstart.errors import ModelError
from headstart.faults import describe
from headstart.loading import tasks_of
from headstart.manifest import is_network
from headstart.multi_task import shared_evidence
from headstart.runtime.contained import believed, content, parsed

if TYPE_CHECKING:
    pass


def result_of(evidence: dict[str, Any], folder: Path | None) -> dict[str, Any]:
    """What `fit` and `compare` print with `--json`."""
    from headstart.evaluation.measurements.base import measured

    rows = {row.get("label", row["strategy"]): row for row in evidence["leaderboard"]}
    keys = ("status", "seconds", "trainable_parameters", "scores")
    found = {each.name: each.printed_of(plain) for each, plain in measured(evidence)}
    return {
        "artifact": None if folder is None else str(folder),
        "task": evidence["task"]["name"],
        "backbone": (evidence["backbone"] or {}).get("name"),
        "strategy": evidence["chosen"],
        "scores": rows[evidence["chosen"]]["scores"] | (evidence.get("refit") or {}).get("scores", {}),
        "refit": evidence.get("refit"),
        "leaderboard": [{"strategy": label} | {key: row[key] for key in keys} for label, row in rows.items()],
        **({"labels_by": by} if (by := evidence["data"].get("labels_by")) else {}),
        **({"language": language} if (language := evidence["data"].get("language") or {}).get("strange") else {}),
        **({"search": search} if (search := evidence.get("search")) else {}),
        "dropped_rows": evidence["data"]["dropped"],
        "verdict": evidence["verdict"],
        "seconds": evidence["cost"]["seconds"],
        **{name: plain for name, plain in found.items() if plain},
    }


def network_result(folder: Path) -> dict[str, Any]:
    """What `pretrain`, `adapt` and `distill-vectors` print with `--json`; empty where the folder holds something else."""
    if not is_network(folder):
        return {}
    evidence = parsed(content(folder, EVIDENCE), folder / EVIDENCE)
    if not isinstance(evidence, dict):
        raise ModelError(
            f"{folder / EVIDENCE} is damaged: it holds {describe(evidence)}, expected a mapping of keys to values"
        )
    keys = (
        "objective", "updates", "tokens", "loss", "perplexity", "bits_per_byte", "general", "retrieval", "vocabulary", "speed",
        "samples", "notes", "seconds",
    )  # fmt: skip
    return {"network": str(folder), **{key: evidence[key] for key in keys if key in evidence}}


def curve_result(folder: Path) -> dict[str, Any]:
    """What `curve` printed with `--json`; empty where the folder holds something else."""
    from headstart.report.curves import curve_in

    evidence = curve_in(folder)
    if evidence is None:
        return {}
    from headstart.runs.curves import result_of as curve_printed

    return curve_printed(evidence, folder)


def tasks_result(folder: Path) -> dict[str, Any]:
    """What `fit` of several tasks printed with `--json`; empty where the folder holds something else."""
    if not tasks_of(folder):
        return {}
    from headstart.report.several import printed

    with believed(folder / EVIDENCE):
        return printed(shared_evidence(folder), folder)
