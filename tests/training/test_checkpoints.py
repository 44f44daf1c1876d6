"""A stage that was interrupted anywhere comes out as if it had not been, to the last bit; memory and disks that run out."""

import json
import math
import os
import random
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.training.test_trainer import Fake, Objective, Told, equal, groups, prepared

from headstart.data.outputs import Logits
from headstart.data.units import Units
from headstart.errors import DivergedError, StorageError
from headstart.ranking.fusion import ranked
from headstart.runtime.durable import MANIFEST
from headstart.runtime.interrupts import watched
from headstart.runtime.progress import SILENT, Progress
from headstart.training import checkpoints
from headstart.training.best_weights import Parked
from headstart.training.checkpoints import BEST, END, STEP, Stages
from headstart.training.settings import Training
from headstart.training.stage import Stage
from headstart.training.state import History, Snapshot, State
from headstart.training.trainer import _Loop, train

EPOCHS, PER_EPOCH = 3, 4


class Interrupting(Progress):
    """Ctrl-C after so many updates."""

    def __init__(self, after: int | None) -> None:
        self.after = after
        self.lines: list[str] = []

    def advance(self, units: float, note: str = "") -> None:
        if self.after is not None and note:
            self.after -= 1
            if self.after == 0:
                raise KeyboardInterrupt

    def say(self, topic: str, message: str, *, warning: bool = False) -> None:
        self.lines.append(f"{topic}: {message}")


class Ranks:
    """Rank of every epoch's weights in the order in which they are first seen; weights of other bits are one too many."""

    def __init__(self, *ranks: float) -> None:
        self.ranks = ranks or (0.0, 0.5, 0.9, 0.7)
        self.seen: dict[bytes, int] = {}

    def __call__(self, model: Any) -> tuple[tuple[float, float], float, Logits]:
        weights = torch.cat([weight.reshape(-1) for weight in model.weights().values()]).numpy()
        at = self.seen.setdefault(weights.tobytes(), len(self.seen))
        # Two rows, of which the first has all words but one and the second is cut.
        units = Units.counted([len(weights) - 1, 1])
        return (self.ranks[at], -1.0), 1.0, Logits(np.array([False, True]), weights[:, None].copy(), units)


def go(
    folder: Path | None,
    ranks: Ranks | None,
    *,
    objective: Any = None,
    progress: Progress = SILENT,
    every: float = 1000.0,
    patience: int = 50,
) -> tuple[Fake, History]:
    model = Fake()
    history = train(
        model,  # type: ignore[arg-type]
        Stage(objective or Objective(), prepared(), groups(model), EPOCHS, 1e-2),  # type: ignore[arg-type]
        Training(batch_size=6, patience=patience),
        seed=3,
        validate=ranks,
        progress=progress,
        stages=None if folder is None else Stages(folder, every, progress),
    )
    return model, history


def same(one: tuple[Fake, History], two: tuple[Fake, History]) -> bool:
    plain = [json.dumps([epoch.plain() for epoch in history.epochs]) for _, history in (one, two)]
    pairs = [(a.arrays(), b.arrays()) for a, b in zip(one[1].outputs, two[1].outputs, strict=True)]
    outputs = all(a.keys() == b.keys() and all(np.array_equal(a[name], b[name]) for name in a) for a, b in pairs)
    rest = [(each.best, each.updates, each.skipped, each.rollbacks) for _, each in (one, two)]
    return equal(one[0].weights(), two[0].weights()) and plain[0] == plain[1] and outputs and rest[0] == rest[1]


@pytest.mark.parametrize("ranks", [Ranks(), None])
@pytest.mark.parametrize("after", range(1, EPOCHS * PER_EPOCH + 1))
def test_a_stage_that_is_stopped_after_any_update_goes_on_to_the_same_bits(
    tmp_path: Path, after: int, ranks: Ranks | None
) -> None:
    whole = go(None, ranks)
    with pytest.raises(KeyboardInterrupt):
        go(tmp_path, ranks, progress=Interrupting(after))
    [kept] = (tmp_path / "stage-001").glob(f"{STEP}*")
    assert kept.name.startswith(f"{STEP}{after:08d}")
    objective = Objective()
    assert same(whole, go(tmp_path, ranks, objective=objective))
    assert len(objective.batches) == EPOCHS * PER_EPOCH - after


def test_it_may_be_stopped_after_every_update(tmp_path: Path) -> None:
    ranks = Ranks()
    whole = go(None, ranks)
    for _ in range(EPOCHS * PER_EPOCH):
        with pytest.raises(KeyboardInterrupt):
            go(tmp_path, ranks, progress=Interrupting(1))
    assert same(whole, go(tmp_path, ranks))


def test_patience_counts_across_an_interruption(tmp_path: Path) -> None:
    ranks = Ranks(0.0, 0.9, 0.5, 0.4)
    whole = go(None, ranks, patience=2)
    with pytest.raises(KeyboardInterrupt):
        go(tmp_path, ranks, patience=2, progress=Interrupting(9))
    found = go(tmp_path, ranks, patience=2)
    assert same(whole, found)
    assert found[1].best == 1


@pytest.fixture
def signalling(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, int], None]]:
    """A real Ctrl-C while a method of the loop runs for the n-th time."""
    signal.signal(signal.SIGINT, signal.default_int_handler)

    def at(name: str, wanted: int) -> None:
        call, calls = getattr(_Loop, name), []

        def wrapped(self: Any, *rest: Any) -> Any:
            calls.append(1)
            if len(calls) == wanted:
                os.kill(os.getpid(), signal.SIGINT)
            return call(self, *rest)

        monkeypatch.setattr(_Loop, name, wrapped)

    with watched():
        yield at


@pytest.mark.parametrize("epoch", [1, 2])
def test_a_signal_between_validation_and_the_next_epoch_does_not_cost_or_add_one(
    tmp_path: Path, signalling: Callable[[str, int], None], epoch: int
) -> None:
    ranks = Ranks(0.0, 0.9, 0.5, 0.4)
    whole = go(None, ranks, patience=1)
    assert len(whole[1].epochs) == 3
    signalling("next_epoch", epoch)
    with pytest.raises(KeyboardInterrupt):
        go(tmp_path, ranks, patience=1)
    assert same(whole, go(tmp_path, ranks, patience=1))


def test_a_signal_while_the_best_weights_are_put_back_keeps_all_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, signalling: Callable[[str, int], None]
) -> None:
    ranks = Ranks()
    whole = go(None, ranks)
    restore = Parked.restore

    def interrupted(self: Parked, tensors: Any) -> None:
        first = dict(list(tensors.items())[:1])
        restored = self.tensors()
        first[next(iter(first))].data.copy_(restored[next(iter(first))])
        os.kill(os.getpid(), signal.SIGINT)
        monkeypatch.setattr(Parked, "restore", restore)
        restore(self, tensors)

    monkeypatch.setattr(Parked, "restore", interrupted)
    with pytest.raises(KeyboardInterrupt):
        go(tmp_path, ranks)
    assert kept(tmp_path) == [END]
    assert same(whole, go(tmp_path, ranks))


class Narrow(Objective):
    """Memory for so many rows at once."""

    def __init__(self, most: int, spoil: Any = None) -> None:
        super().__init__(spoil)
        self.most = most
        self.asked: list[int] = []

    def loss(self, model: Any, batch: dict[str, Any]) -> tuple[torch.Tensor, float]:
        self.asked.append(len(batch["rows"]))
        if len(batch["rows"]) > self.most:
            raise RuntimeError("[enforce fail at alloc_cpu.cpp:124] DefaultCPUAllocator: can't allocate memory")
        return super().loss(model, batch)


@pytest.mark.parametrize(("most", "parts"), [(3, 2), (2, 4), (1, 8)])
def test_a_batch_that_does_not_fit_is_passed_in_parts_and_the_updates_stay_the_same(
    most: int, parts: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.nn.Dropout, "forward", lambda _, inputs: inputs)  # its numbers are drawn part by part
    told = Told()
    whole, narrow = go(None, Ranks()), go(None, Ranks(), objective=Narrow(most), progress=told)
    for name, weight in whole[0].weights().items():
        torch.testing.assert_close(weight, narrow[0].weights()[name], rtol=1e-5, atol=1e-6)
    for one, two in zip(whole[1].epochs[1:], narrow[1].epochs[1:], strict=True):
        assert one.train_loss == pytest.approx(two.train_loss, rel=1e-5)
    assert whole[1].updates == narrow[1].updates
    assert f"each is passed in {parts} parts" in told.lines[-1]


def test_memory_is_tried_with_the_largest_batch_first_and_the_parts_stay(tmp_path: Path) -> None:
    objective, ranks = Narrow(3), Ranks()
    whole = go(None, ranks, objective=Narrow(3))
    with pytest.raises(KeyboardInterrupt):
        go(tmp_path, ranks, objective=objective, progress=Interrupting(6))
    assert objective.asked[:3] == [6, 3, 3]
    assert objective.asked.count(6) == 1
    again = Narrow(3)
    assert same(whole, go(tmp_path, ranks, objective=again))
    assert set(again.asked) == {3}  # what was learnt about memory goes on, mid-accumulation or not


def test_a_row_that_does_not_fit_ends_in_words() -> None:
    with pytest.raises(MemoryError, match=r"not even single rows fit into memory \(update 1, 6 rows"):
        go(None, None, objective=Narrow(0))


def test_other_errors_of_the_machine_are_no_lack_of_memory() -> None:
    class Broken(Objective):
        def loss(self, model: Any, batch: dict[str, Any]) -> tuple[torch.Tensor, float]:
            raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    with pytest.raises(RuntimeError, match="mat1 and mat2"):
        go(None, None, objective=Broken())


def spoilt(done: int) -> Objective:
    """Updates 5 to 7 of the whole run are not finite, `done` of which an earlier process has made."""
    return Objective(lambda update, _, loss: loss * math.nan if 5 <= update + done <= 7 else loss)


@pytest.mark.parametrize("after", [4, 5, 6, 7])
def test_going_back_is_the_same_with_an_interruption_before_it(tmp_path: Path, after: int) -> None:
    ranks = Ranks()
    whole = go(None, ranks, objective=spoilt(0))
    assert whole[1].rollbacks == 1
    with pytest.raises(KeyboardInterrupt):
        go(tmp_path, ranks, objective=spoilt(0), progress=Interrupting(after))
    assert same(whole, go(tmp_path, ranks, objective=spoilt(after)))


def test_going_back_is_the_same_with_an_interruption_after_it(tmp_path: Path) -> None:
    ranks = Ranks()
    whole = go(None, ranks, objective=spoilt(0))
    with pytest.raises(KeyboardInterrupt):
        go(tmp_path, ranks, objective=spoilt(0), progress=Interrupting(8))
    assert same(whole, go(tmp_path, ranks))  # what is left out is known, not met again


def test_a_stage_that_is_finished_is_not_trained_again(tmp_path: Path) -> None:
    ranks = Ranks()
    whole = go(tmp_path, ranks, every=0.0)
    assert [path.name for path in (tmp_path / "stage-001").iterdir()] == [END]
    objective = Objective()
    assert same(whole, go(tmp_path, ranks, objective=objective))
    assert objective.batches == []


def kept(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "stage-001").iterdir())


def test_two_checkpoints_stay_and_the_best_weights_they_need_and_what_is_not_ours(tmp_path: Path) -> None:
    (tmp_path / "stage-001" / "mine").mkdir(parents=True)
    with pytest.raises(KeyboardInterrupt):
        go(tmp_path, Ranks(), every=0.0, progress=Interrupting(11))
    # The best epoch is the second, after eight updates; the tenth update's checkpoint and the one on leaving stay.
    assert kept(tmp_path) == [f"{BEST}0002", "mine", f"{STEP}00000010-0002", f"{STEP}00000011-0002"]
    go(tmp_path, Ranks(0.0), every=0.0)
    assert kept(tmp_path) == [END, "mine"]


def test_outputs_of_two_epochs_may_share_an_array(tmp_path: Path) -> None:
    ranks, ids = Ranks(), np.zeros((2, 3), dtype=np.int64)

    def sharing(model: Any) -> Any:
        key, loss, _ = ranks(model)
        scores = np.full(ids.shape, key[0], dtype=np.float32)
        return key, loss, ranked(ids, scores)

    whole = go(None, sharing)  # type: ignore[arg-type]
    with pytest.raises(KeyboardInterrupt):
        go(tmp_path, sharing, every=0.0, progress=Interrupting(11))  # type: ignore[arg-type]
    _, history = go(tmp_path, sharing, every=0.0)  # type: ignore[arg-type]
    assert [each.scores.tolist() for each in history.outputs] == [each.scores.tolist() for each in whole[1].outputs]


def test_a_checkpoint_of_the_first_format_with_bare_logits_is_gone_on_from(tmp_path: Path) -> None:
    ranks = Ranks()
    whole = go(None, ranks)
    with pytest.raises(KeyboardInterrupt):
        go(tmp_path, ranks, every=0.0, progress=Interrupting(11))
    for place in (tmp_path / "stage-001").glob(f"{STEP}*"):
        snapshot = checkpoints._read(place)
        outputs = {str(at): torch.from_numpy(each.values) for at, each in enumerate(snapshot.state.history.outputs)}  # type: ignore[attr-defined]
        files = {
            checkpoints.WEIGHTS: snapshot.weights,
            checkpoints.MOMENTS: snapshot.moments,
            checkpoints.OUTPUTS: outputs,
        }
        shutil.rmtree(place)
        checkpoints._write(place, files, {"best": True, **snapshot.state.plain()})
    objective = Objective()
    model, history = go(tmp_path, ranks, objective=objective)
    assert len(objective.batches) == 1, "from the eleventh update on"
    assert equal(model.weights(), whole[0].weights())
    assert [each.kind for each in history.outputs] == ["logits"] * len(whole[1].outputs)
    for found, expected in zip(history.outputs, whole[1].outputs, strict=True):
        np.testing.assert_array_equal(found.values, expected.values)  # type: ignore[attr-defined]


def test_a_damaged_checkpoint_is_named_and_the_one_before_it_is_used(tmp_path: Path) -> None:
    ranks, chance = Ranks(), random.Random(11)
    whole = go(None, ranks)
    with pytest.raises(KeyboardInterrupt):
        go(tmp_path, ranks, every=0.0, progress=Interrupting(11))
    newest = tmp_path / "stage-001" / f"{STEP}00000011-0002"
    for path in sorted(newest.iterdir()):
        content = bytearray(path.read_bytes())
        spoilt = bytearray(content)
        spoilt[chance.randrange(len(spoilt))] ^= 4
        path.write_bytes(spoilt)
        told, objective = Told(), Objective()
        copy = tmp_path / f"of-{path.name}"
        shutil.copytree(tmp_path / "stage-001", copy / "stage-001")
        assert same(whole, go(copy, ranks, objective=objective, progress=told))
        assert len(objective.batches) == 2, path.name  # from the tenth update on
        [line] = told.lines[:1]
        assert path.name in line or path.name == MANIFEST, line
        assert str(copy / "stage-001" / newest.name) in line
        path.write_bytes(content)


def test_without_the_best_weights_a_checkpoint_is_not_whole(tmp_path: Path) -> None:
    ranks = Ranks()
    whole = go(None, ranks)
    with pytest.raises(KeyboardInterrupt):
        go(tmp_path, ranks, every=0.0, progress=Interrupting(11))
    (tmp_path / "stage-001" / f"{BEST}0002" / "weights.safetensors").unlink()
    told, objective = Told(), Objective()
    assert same(whole, go(tmp_path, ranks, objective=objective, progress=told))
    assert len(objective.batches) == EPOCHS * PER_EPOCH
    assert any("weights.safetensors is missing" in line and BEST in line for line in told.lines)


def test_damaged_best_weights_are_found(tmp_path: Path) -> None:
    ranks = Ranks()
    whole = go(None, ranks)
    with pytest.raises(KeyboardInterrupt):
        go(tmp_path, ranks, every=0.0, progress=Interrupting(11))
    path = tmp_path / "stage-001" / f"{BEST}0002" / "weights.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    told = Told()
    assert same(whole, go(tmp_path, ranks, progress=told))
    assert sum("weights.safetensors is not what was written" in line for line in told.lines) == 2


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_weights_that_are_not_finite_are_never_kept(tmp_path: Path, value: float) -> None:
    snapshot = Snapshot(State(), {"a": torch.zeros(2), "b": torch.tensor([1.0, value])})
    with pytest.raises(DivergedError, match="b holds numbers that are not finite"):
        Stages(tmp_path).next().save(snapshot)
    assert list(tmp_path.iterdir()) == []


def test_a_checkpoint_of_other_weights_is_not_used(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        go(tmp_path, Ranks(), progress=Interrupting(3))
    told = Told()
    model = Fake()
    train(
        model,  # type: ignore[arg-type]
        Stage(Objective(), prepared(), groups(model)[:1], 1, 1e-2),  # type: ignore[arg-type]
        Training(batch_size=6),
        seed=3,
        validate=None,
        progress=told,
        stages=Stages(tmp_path, 1000.0, told),
    )
    assert told.lines == ["resume: a checkpoint of other weights was found and is not used"]


def test_a_disk_that_refuses_costs_checkpoints_and_not_the_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ranks = Ranks()
    whole = go(None, ranks)
    with pytest.raises(KeyboardInterrupt):
        go(tmp_path, ranks, progress=Interrupting(5))
    before = kept(tmp_path)

    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoints, "save_file", full)
    told = Told()
    assert same(whole, go(tmp_path, ranks, every=0.0, progress=told))
    assert kept(tmp_path) == before
    assert len([line for line in told.lines if "not written, the earlier one stays" in line]) == 8
    assert "No space left on device" in told.lines[0]
    assert "free); make room" in told.lines[0]


def test_where_a_stop_cannot_be_written_down_it_is_an_error_of_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoints, "require_room", lambda *_: (_ for _ in ()).throw(StorageError("7 MB are missing")))
    with pytest.raises(StorageError, match="7 MB are missing") as error:
        go(tmp_path, Ranks(), progress=Interrupting(5))
    assert error.value.exit_code == 74


@pytest.mark.parametrize("key", ["epoch", "at", "waited", "pieces"])
@pytest.mark.parametrize("value", [-1, 1.5, "3", None])
def test_a_state_that_counts_below_zero_is_none(key: str, value: object) -> None:
    values = State().plain()
    assert State.from_plain(values, []) == State()
    with pytest.raises(ValueError, match="counts below 0"):
        State.from_plain(values | {key: value}, [])


def test_numbers_of_a_checkpoint_fit_parameters_of_their_names_and_shapes_alone() -> None:
    named = {"a": torch.zeros(3), "b": torch.zeros(2, 2)}
    assert Snapshot(State(), named, {"momentum_buffer/a": torch.zeros(3)}, named).fits(named)
    assert not Snapshot(State(), {"a": torch.zeros(3)}).fits(named)
    assert not Snapshot(State(), named | {"a": torch.zeros(4)}).fits(named)
    assert not Snapshot(State(), named, {"exp_avg/a": torch.zeros(3)}).fits(named)
    assert not Snapshot(State(), named, best=named | {"a": torch.zeros(4)}).fits(named)
    assert not Snapshot(State(), named, {"momentum_buffer/c": torch.zeros(3)}).fits(named)
