"""Checkpoints of an earlier version: outputs by number of the epoch alone, without their kinds."""

import json
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file

from headstart.data.outputs import Generated, Logits, Outputs
from headstart.runtime.durable import sealed
from headstart.training.checkpoints import Checkpoints, Stages
from headstart.training.state import Epoch, History, Snapshot, State


def checkpoints(folder: Path, outputs: list[Outputs]) -> Checkpoints:
    """With one checkpoint after as many epochs as there are outputs."""
    found = Stages(folder, 0.0).next()
    epochs = [Epoch(at, None, 1.0, 0.5) for at in range(len(outputs))]
    state = State(history=History(epochs=epochs, outputs=outputs, updates=3), epoch=len(outputs), best_rank=(0.5, -1.0))
    found.save(Snapshot(state, {"weight": torch.ones(2)}))
    return found


def in_first_format(place: Path) -> None:
    """Write a checkpoint as the first format had it."""
    outputs, state = load_file(place / "outputs.safetensors"), json.loads((place / "state.json").read_text())
    del state["outputs"]
    others = {name: load_file(place / name) for name in ("weights.safetensors", "moments.safetensors")}
    with sealed(place) as work:
        for name, tensors in others.items():
            save_file(tensors, work / name)
        values = {key.removesuffix(".values"): each for key, each in outputs.items() if key.endswith(".values")}
        save_file(values, work / "outputs.safetensors")
        (work / "state.json").write_text(json.dumps(state))


def test_outputs_without_kinds_are_logits_of_as_many_rows(tmp_path: Path) -> None:
    values = [
        np.arange(6, dtype=np.float32).reshape(3, 2) + at for at in range(12)
    ]  # more than nine: 10 sorts before 2
    found = checkpoints(tmp_path, [Logits.of(each) for each in values])
    [place] = (tmp_path / "stage-001").glob("step-*")
    in_first_format(place)
    snapshot = found.newest()
    assert snapshot is not None
    said = snapshot.state.history.outputs
    assert [type(each) for each in said] == [Logits] * 12
    for each, expected in zip(said, values, strict=True):
        np.testing.assert_array_equal(each.values, expected)  # type: ignore[attr-defined]
        assert each.truncated.tolist() == [False] * 3
    assert (snapshot.state.history.updates, snapshot.state.best_rank) == (3, (0.5, -1.0))
    assert snapshot.weights["weight"].tolist() == [1.0, 1.0]


def test_outputs_of_other_kinds_come_back_as_they_were(tmp_path: Path) -> None:
    texts = [["yes", "caf\u00e9 \U0001f600"], ["", "no"]]
    losses = [np.array([0.5, 2.0], dtype=np.float32), np.array([0.25, 1.0], dtype=np.float32)]
    given = []
    for said, own in zip(texts, losses, strict=True):
        made = Generated.of(said)
        made.truncated, made.losses = np.array([False, True]), own
        given.append(made)
    snapshot = checkpoints(tmp_path, [*given]).newest()
    assert snapshot is not None
    said = snapshot.state.history.outputs
    assert [[text for (text,) in each.texts] for each in said] == texts  # type: ignore[attr-defined]
    for each, expected in zip(said, losses, strict=True):
        np.testing.assert_array_equal(each.losses, expected)  # type: ignore[attr-defined]
        assert each.truncated.tolist() == [False, True]
