"""What the numbers of a run depend on beside its recipe: its inputs, and the machine with its software."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from headstart.backbones.location import Located
from headstart.data.columns import texts_digest
from headstart.data.table import Table
from headstart.errors import MissingInputError
from headstart.readers.aligned import aligned_files
from headstart.recipes.labelled import Experiment
from headstart.recipes.languages import DistillVectors
from headstart.recipes.raw_text import LanguageModelling
from headstart.recipes.sources import MEMORY
from headstart.runtime.device import name_of, settled
from headstart.runtime.durable import digest
from headstart.runtime.precision import is_fast

PACKAGES = ("headstart", "numpy", "scikit-learn", "scipy", "tokenizers", "torch", "transformers")
"""Packages whose versions may change the last bits."""


def conditions(
    recipe: Experiment, table: Table | None, located: Located | None, threads: int, processes: int
) -> dict[str, dict[str, Any]]:
    """What the numbers of a run depend on: its `inputs`, and the `machine` with its software.

    Args:
        recipe: of the run.
        table: rows handed over in Python, in place of the training file.
        located: the backbone; None where no strategy needs one.
        threads: of the CPU.
        processes: of the team.
    """
    sources = recipe.data.sources.items()
    sides = getattr(recipe.task, "sides", {})
    inputs: dict[str, Any] = {
        str(role): _content(Path(path), *aligned_files(Path(path), sides).values())
        for role, path in sources
        if path != MEMORY
    }
    inputs |= {f"auxiliary {each.file}": _content(Path(each.file)) for each in recipe.data.auxiliary}
    inputs |= {name: _content(path) for name, path in recipe.data.word_files().items()}
    for each in recipe.measured():
        inputs |= {f"{each.name}.{name}": _content(path) for name, path in each.files().items()}
    # By number and name, for a run that goes on may find them at another place.
    files = [Path(path) for strategy in recipe.strategies or () for path in strategy.files]
    inputs |= {f"file {at} {path.name}": _content(path) for at, path in enumerate(files, 1) if path.exists()}
    if table is not None:
        inputs["train"] = texts_digest([repr(table.columns[name]) for name in sorted(table.columns)])
    if located is not None:
        inputs["backbone"] = located.source.digest
    return {"inputs": inputs, "machine": _machine(recipe, threads, processes, networks=located is not None)}


def text_conditions(
    recipe: LanguageModelling | DistillVectors, inputs: Mapping[str, Any], threads: int, processes: int
) -> dict[str, dict[str, Any]]:
    """What the numbers of a run on raw text depend on: its `inputs`, and the `machine` with its software.

    Args:
        recipe: of the run.
        inputs: digests of what is learnt from, by name.
        threads: of the CPU.
        processes: of the team.
    """
    return {"inputs": dict(inputs), "machine": _machine(recipe, threads, processes, networks=True)}


def _machine(
    recipe: Experiment | LanguageModelling | DistillVectors, threads: int, processes: int, *, networks: bool
) -> dict[str, Any]:
    machine: dict[str, Any] = {"threads": threads, "processes": processes}
    for package in PACKAGES:
        with suppress(PackageNotFoundError):
            machine[package] = version(package)
    if networks:
        import torch

        machine["instructions"] = torch.backends.cpu.get_cpu_capability()
        device = settled(recipe.device, processes=processes)
        machine["device"] = name_of(device)
        machine["bfloat16"] = is_fast(recipe.precision, device)
    return machine


def _content(path: Path, *files: Path) -> str:
    """Digest of a file, or of all files of a folder, or of those that a name stands for.

    Raises:
        MissingInputError: it was removed, or may not be read any more.
    """
    try:
        found = sorted(each for each in path.rglob("*") if each.is_file()) if path.is_dir() else [path]
        return texts_digest([digest(each) for each in files or found])
    except OSError as error:
        raise MissingInputError(
            f"{path}: cannot be read any more while it is in use ({error.strerror or error})"
        ) from None
