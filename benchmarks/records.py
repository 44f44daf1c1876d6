"""Raw results in git: one JSON line per measurement, replaced when the same thing is measured again."""

import json
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"


def rows(name: str) -> list[dict[str, Any]]:
    """All measurements of a file."""
    path = RESULTS / name
    lines = path.read_text(encoding="utf-8").split("\n") if path.exists() else []
    return [json.loads(line) for line in lines if line]


def keep(name: str, row: dict[str, Any], keys: tuple[str, ...]) -> None:
    """Write a measurement in place of an earlier one with the same values of `keys`."""
    RESULTS.mkdir(exist_ok=True)
    others = [other for other in rows(name) if any(other.get(key) != row.get(key) for key in keys)]
    ordered = sorted([*others, row], key=lambda found: [str(found.get(key)) for key in keys])
    (RESULTS / name).write_text("".join(json.dumps(found) + "\n" for found in ordered), encoding="utf-8")


def described(run: str | Path) -> str:
    """What the kept strategy of a run decided, in a few words, with its notes."""
    found = json.loads((Path(run) / "evidence.json").read_text(encoding="utf-8"))
    row = next(row for row in found["leaderboard"] if row.get("label", row["strategy"]) == found["chosen"])
    return "; ".join([row["description"], *row.get("notes", ())])


def device() -> str:
    """What networks compute on here: the name of a GPU, `cpu`, or `cpu, bfloat16` where it multiplies that at speed."""
    import torch

    from headstart.runtime.precision import has_fast_products

    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    return "cpu, bfloat16" if has_fast_products("cpu") else "cpu"
