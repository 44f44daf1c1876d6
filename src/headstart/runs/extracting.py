"""One task of a model of several, as a folder of its own: the verb `extract`."""

from __future__ import annotations

from pathlib import Path

from headstart.errors import UsageError
from headstart.folders import check_free, unused
from headstart.loading import load
from headstart.recipes.extracting import Extract
from headstart.runs.comparison import publish
from headstart.runs.outcome import Call, Outcome


def extract(recipe: Extract, call: Call) -> Outcome:
    """Carry out `extract`.

    Raises:
        UsageError: the model answers one task alone, or does not know the one that is named.
        HeadstartError: the model or the output can't be used.
    """
    artifact = load(recipe.model, task=recipe.task, device="cpu")
    if recipe.task is None:
        raise UsageError(f"{recipe.model} answers one task and is a model of its own; there is nothing to take out")
    target = Path(recipe.output) if recipe.output is not None else unused(recipe.task)
    check_free(target, overwrite=recipe.overwrite)
    publish(artifact, target, overwrite=recipe.overwrite)
    size = sum(path.stat().st_size for path in target.rglob("*") if path.is_file())
    result = {"extracted": str(target), "part": recipe.task, "task": artifact.task.name, "bytes": size}
    return Outcome(result, artifact, target)
