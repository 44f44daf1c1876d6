"""Checkpoints: where a stage of training stands, on disk, so that a run that was killed goes on as if it had not been."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from headstart.data.outputs import Logits, Outputs, outputs_of
from headstart.errors import StorageError
from headstart.runtime.durable import clear_remains, damage, discard, require_room, sealed
from headstart.runtime.finite import require_finite
from headstart.runtime.progress import SILENT, Progress
from headstart.training.state import Snapshot, State

EVERY = 30.0
"""Seconds between two checkpoints."""
KEPT = 2
"""Checkpoints of a stage that stay: the last, and one to go back to where the disk has damaged it."""
STEP, BEST, END = "step-", "best-", "end"
WEIGHTS, MOMENTS, OUTPUTS, STATE = "weights.safetensors", "moments.safetensors", "outputs.safetensors", "state.json"
MARGIN = 1_000_000
"""Bytes beside the tensors that have to be free."""


class Stages:
    """Checkpoints of all stages of one strategy, which is trained in the same stages again when it is resumed.

    Args:
        folder: for this strategy; None keeps nothing, as all processes of a team but the first do.
        every: seconds between two checkpoints, at least 0; 0 writes one after every update.
        progress: told what is skipped or can't be written.
        answers: file in which answers of endpoints are kept, for all strategies of the run; None keeps none.
        pausing: whether a stage that ends before its schedule does (`Training.stop_after`) is left so that another run of the
            same strategy, with a later end, goes on from there to the bits of one that never paused.
    """

    def __init__(
        self,
        folder: Path | None,
        every: float = EVERY,
        progress: Progress = SILENT,
        answers: Path | None = None,
        *,
        pausing: bool = False,
    ) -> None:
        self.folder = folder
        self.answers = answers
        self.pausing = pausing
        self.every = every
        self.progress = progress
        self.saved = time.monotonic()
        """When something was last written, or work began."""
        self._begun = 0

    def within(self, name: str) -> Stages:
        """Those of a strategy that is fitted within this one, in a folder of their own: a resumed run may know it already."""
        folder = None if self.folder is None else self.folder / name
        return Stages(folder, self.every, self.progress, self.answers, pausing=self.pausing)

    def next(self) -> Checkpoints:
        """The checkpoints of the next stage, in the order in which the strategy trains them."""
        self._begun += 1
        return Checkpoints(self, None if self.folder is None else self.folder / f"stage-{self._begun:03d}")


class Checkpoints:
    """Checkpoints of one stage; see `Stages`."""

    def __init__(self, stages: Stages, folder: Path | None) -> None:
        self.stages = stages
        self.folder = folder

    @property
    def due(self) -> bool:
        """Whether it is time for one."""
        return self.folder is not None and time.monotonic() - self.stages.saved >= self.stages.every

    @property
    def pausing(self) -> bool:
        """Whether a stage that ends before its schedule does is to go on later."""
        return self.folder is not None and self.stages.pausing

    def newest(self) -> Snapshot | None:
        """The newest checkpoint that is whole; those that are not are named and skipped.

        A checkpoint whose best weights are damaged is not whole either.
        """
        if self.folder is None or not self.folder.is_dir():
            return None
        clear_remains(self.folder)
        for path in self._found():
            try:
                return _read(path)
            except _Damaged as error:
                self.stages.progress.say("resume", f"{error}; an earlier one takes its place", warning=True)
        return None

    def save(self, snapshot: Snapshot, *, must: bool = True) -> None:
        """Write a checkpoint and let go of what it replaces.

        Args:
            snapshot: of now; that of the end where the stage is finished.
            must: raise where it can't be written; otherwise it is said, and what was written before stays.

        Raises:
            StorageError: the disk refuses; earlier checkpoints are as they were.
            DivergedError: a weight is not finite.
        """
        if self.folder is None:
            return
        state = snapshot.state
        name = END if state.finished else f"{STEP}{state.history.updates:08d}-{state.epoch:04d}"
        require_finite(snapshot.weights)
        try:
            if snapshot.best is not None and not (self.folder / _best_name(state)).is_dir():
                _write(self.folder / _best_name(state), {WEIGHTS: snapshot.best})
            outputs = {
                f"{at}.{name}": torch.from_numpy(np.array(array, order="C"))  # epochs may share one, files may not
                for at, each in enumerate(state.history.outputs)
                for name, array in each.arrays().items()
            }
            files = {WEIGHTS: snapshot.weights, MOMENTS: snapshot.moments, OUTPUTS: outputs}
            _write(self.folder / name, files, {"best": snapshot.best is not None, **_kinds(state), **state.plain()})
            self._let_go(state)
        except StorageError as error:
            if must:
                raise
            self.stages.progress.say("checkpoint", f"not written, the earlier one stays: {error}", warning=True)
        self.stages.saved = time.monotonic()

    def _let_go(self, state: State) -> None:
        """Remove what this class wrote and no longer needs, nothing else."""
        assert self.folder is not None
        kept = self._found()[: 1 if state.finished else KEPT]
        needed = {best for path in kept for best in _best_of(path)}
        for path in self.folder.iterdir():
            if path.name.startswith((STEP, BEST)) and path not in kept and path.name not in needed:
                discard(path)

    def _found(self) -> list[Path]:
        """Checkpoints, the newest first."""
        assert self.folder is not None
        steps = sorted((path for path in self.folder.glob(f"{STEP}*") if path.is_dir()), reverse=True)
        end = self.folder / END
        return [end, *steps] if end.is_dir() else steps


class _Damaged(Exception):
    """A checkpoint that cannot be used; the message names the file."""


def _best_name(state: State) -> str:
    return f"{BEST}{state.history.best:04d}"


def _best_of(path: Path) -> list[str]:
    """Name of the best weights that a checkpoint needs, if it needs any that it does not hold."""
    try:
        values = json.loads((path / STATE).read_text(encoding="utf-8"))
        return [f"{BEST}{values['history']['best']:04d}"] if values["best"] else []
    except (OSError, ValueError, KeyError, TypeError):
        return []


def _write(place: Path, files: Mapping[str, Mapping[str, torch.Tensor]], plain: Any = None) -> None:
    """Raises StorageError."""
    require_room(place, sum(t.numel() * t.element_size() for each in files.values() for t in each.values()) + MARGIN)
    with sealed(place) as work:
        for name, tensors in files.items():
            save_file({key: tensor.contiguous() for key, tensor in tensors.items()}, str(work / name))
        if plain is not None:
            (work / STATE).write_text(json.dumps(plain), encoding="utf-8")


def _read(path: Path) -> Snapshot:
    """Raises _Damaged."""
    reason = damage(path)
    if reason:
        raise _Damaged(f"{path}: {reason}")
    try:
        plain = json.loads((path / STATE).read_text(encoding="utf-8"))
        outputs = load_file(str(path / OUTPUTS))
        needs_best, kinds = plain.pop("best"), plain.pop("outputs", None)
        state = State.from_plain(plain, _outputs(outputs, kinds))
        weights, moments = load_file(str(path / WEIGHTS)), load_file(str(path / MOMENTS))
        best = None
        if needs_best:
            place = path.parent / _best_name(state)
            if reason := damage(place):
                raise _Damaged(f"{place}: {reason}")
            best = load_file(str(place / WEIGHTS))
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        raise _Damaged(f"{path} cannot be read ({type(error).__name__}: {error})") from None
    return Snapshot(state, weights, moments, best)


def _kinds(state: State) -> dict[str, Any]:
    return {"outputs": [each.kind for each in state.history.outputs]}


def _outputs(arrays: Mapping[str, torch.Tensor], kinds: list[str] | None) -> list[Outputs]:
    """Outputs by epoch; where their kinds are not named, the first format of checkpoints, each is one array of logits."""
    if kinds is None:
        return [Logits.of(arrays[str(at)].numpy()) for at in range(len(arrays))]
    found: list[dict[str, np.ndarray]] = [{} for _ in kinds]
    for key, tensor in arrays.items():
        at, _, name = key.partition(".")
        found[int(at)][name] = tensor.numpy()
    return [outputs_of(kind, each) for kind, each in zip(kinds, found, strict=True)]
