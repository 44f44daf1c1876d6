"""What a strategy added to another one, kept on disk with the models beside it while the run is under way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file, save_file

from headstart.data.outputs import outputs_of
from headstart.predictors import PREDICTORS
from headstart.runs.parts import Parts
from headstart.strategies.base import Added, Candidate

BESIDE = "beside-"
"""What folders of these models begin with."""


def keep_added(added: Added, work: Path) -> dict[str, Any]:
    """Write models that are scored beside the kept one, each into a folder of its own; what to read them by."""
    found = []
    for at, (name, other) in enumerate(added.beside.items()):
        (work / f"{BESIDE}{at}").mkdir()
        described = other.predictor.save(work / f"{BESIDE}{at}")
        arrays = {key: np.ascontiguousarray(each) for key, each in other.validation.arrays().items()}
        save_file(arrays, work / f"{BESIDE}{at}.safetensors")
        kind = {"kind": other.predictor.kind, "outputs": other.validation.kind}
        found.append({"name": name, "predictor": described} | kind)
    return {"what": added.what, "kept": added.kept, "said": added.said, "beside": found}


def kept_added(place: Path, about: Mapping[str, Any], candidate: Candidate, parts: Parts) -> Added:
    """What a strategy added, as it was kept."""
    beside = {}
    for at, each in enumerate(about["beside"]):
        predictor = PREDICTORS.get(each["kind"]).load(place / f"{BESIDE}{at}", parts.task, each["predictor"])
        outputs = outputs_of(each["outputs"], load_file(place / f"{BESIDE}{at}.safetensors"))
        beside[each["name"]] = replace(candidate, predictor=predictor, validation=outputs)
    return Added(about["what"], about["kept"], about["said"], beside)
