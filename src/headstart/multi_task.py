"""What several tasks came to that learnt together: one network, an artifact for each task, one folder for all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from headstart.artifact import EVIDENCE, RECIPE, Artifact, recipe_text, refuse_not_finite
from headstart.backbones.location import NETWORK
from headstart.errors import UsageError
from headstart.folders import new_folder, write_manifest
from headstart.loading import load, tasks_of
from headstart.manifest import SEVERAL, TASKS_FOLDER
from headstart.registry import did_you_mean
from headstart.runtime.contained import digest_of
from headstart.runtime.device import Device
from headstart.runtime.durable import write_json
from headstart.runtime.precision import Precision
from headstart.runtime.progress import SILENT, Progress


@dataclass
class MultiTaskModel:
    """A network that answers several tasks, each by a head of its own.

    Args:
        artifacts: by task; their predictors share one network, or each has read it from the same folder.
        recipe: the resolved recipe as plain data; running it gives the same weights.
        evidence: what was measured of all tasks, plain data; that of one task is its artifact's.
    """

    artifacts: dict[str, Artifact]
    recipe: dict[str, Any] = field(default_factory=dict)
    evidence: dict[str, Any] = field(default_factory=dict)

    @property
    def tasks(self) -> tuple[str, ...]:
        """Names of the tasks."""
        return tuple(self.artifacts)

    def __getitem__(self, task: str) -> Artifact:
        """The artifact of one task.

        Raises:
            UsageError: there is no such task.
        """
        if task not in self.artifacts:
            listed = ", ".join(self.tasks)
            raise UsageError(f"the model knows no task '{task}'{did_you_mean(task, self.tasks)} (tasks: {listed})")
        return self.artifacts[task]

    def predict(self, task: str, texts: Sequence[Any], *, progress: Progress = SILENT) -> list[Any]:
        """What one task's head says of each input, see `Artifact.predict`.

        Raises:
            UsageError: there is no such task.
        """
        return self[task].predict(texts, progress=progress)

    def save(self, folder: str | Path, *, overwrite: bool = False) -> Path:
        """Write the model into a folder, which appears whole or not at all; `headstart.load(folder, task=...)` reads one task.

        Raises:
            RunFolderError: the folder is there already.
            StorageError: the disk refuses.
        """
        with new_folder(Path(folder), overwrite=overwrite) as work:
            self.write(work)
        return Path(folder)

    def write(self, folder: Path) -> None:
        """Write all files into an existing folder: the network once, heads and decisions by task.

        Raises:
            DivergedError: a weight is not finite.
        """
        first = next(iter(self.artifacts.values()))
        (folder / NETWORK).mkdir()
        first.predictor.backbone.save(folder / NETWORK)
        network = sorted(path for path in (folder / NETWORK).rglob("*") if path.is_file())
        parts: dict[str, Any] = {
            NETWORK: {"kind": SEVERAL, "description": {}, "files": _digests(folder, network)},
        }
        answers, own = {}, []
        for name, artifact in self.artifacts.items():
            head = f"heads/{name}.safetensors"
            described = artifact.predictor.save_head(folder, head)
            parts[f"of {name}"] = {
                "kind": artifact.predictor.kind,
                "description": described,
                "files": _digests(folder, [folder / head]),
            }
            answers[name] = artifact.answer(f"of {name}")
            home = folder / TASKS_FOLDER / name
            home.mkdir(parents=True)
            write_json(home / EVIDENCE, artifact.evidence)
            if artifact.reference is not None:
                artifact.reference.save(home)
            own += sorted(home.iterdir())
        refuse_not_finite(folder)
        (folder / RECIPE).write_text(recipe_text(self.recipe), encoding="utf-8")
        write_json(folder / EVIDENCE, self.evidence)
        names = [RECIPE, EVIDENCE, *(str(path.relative_to(folder)) for path in own)]
        write_manifest(folder, SEVERAL, names, parts=parts, answers=answers, backbone=self.evidence.get("backbone"))

    @classmethod
    def load(cls, folder: str | Path, *, precision: Precision = "auto", device: Device = "auto") -> MultiTaskModel:
        """Read all tasks of a folder that `save` or a run wrote; precision and device as `headstart.load` has them.

        Raises:
            UsageError: the folder answers one task alone.
            MissingInputError: there is no such folder.
            ModelError: it is damaged.
        """
        names = tasks_of(folder)
        if not names:
            load(folder)  # says what is wrong with it, if anything
            raise UsageError(f"{folder} answers one task; read it with headstart.load")
        artifacts = {name: load(folder, task=name, precision=precision, device=device) for name in names}
        recipe = next(iter(artifacts.values())).recipe
        return cls(artifacts, recipe, shared_evidence(folder))


def shared_evidence(folder: str | Path) -> dict[str, Any]:
    """What was measured of all tasks of a folder, as plain data.

    Raises:
        ModelError: it is damaged.
    """
    from headstart.runtime.contained import content, parsed

    found = parsed(content(Path(folder), EVIDENCE), Path(folder) / EVIDENCE)
    return found if isinstance(found, dict) else {}


def _digests(folder: Path, paths: Sequence[Path]) -> dict[str, str]:
    names = [str(path.relative_to(folder)) for path in paths if path.is_file()]
    return {name: digest_of(folder, name) for name in names}
